"""The rule of a policy in text, and pieces of a text whose faults mark their place.

>>> conditions, joined = read_rule(Piece.of("illicit[-1] > q80 and presence[-2] <= 3"), [])
>>> [condition.text for condition in conditions], joined
(['illicit[-1] > q80', 'presence[-2] <= 3'], 'and')
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, cast

from causal.errors import CausalError, Fault, printable
from causal.graph import LONGEST_LAG, Node

_QUOTED = 300
"""So long a text is repeated whole in a fault."""
RULE_EXAMPLE = "write for example 'illicit[-1] > q80'"
_JOINING = re.compile(r"\s+(and|or)\s+(?![\[<>])", re.IGNORECASE)
_COMPARISON = re.compile(r"(?P<node>\w+)\s*(?P<offset>\[[^\[\]]*\])?\s*(?P<op>>=|<=|>|<)\s*(?P<threshold>[^\s<>=]+)")


@dataclass(frozen=True, slots=True)
class Condition:
    """What a policy asks of the past: whether `node`, `lag` periods ago, lay on this side of `threshold`.

    The threshold is in the node's natural units; with `quantile` it is a percentage, 80 for the value below which 80 % of the
    node's values in the panel lie.
    """

    node: str
    lag: int
    op: Literal[">", ">=", "<", "<="]
    threshold: float
    quantile: bool

    @property
    def text(self) -> str:
        """As a policy's text has it: ``illicit[-1] > q80``."""
        return f"{self.node}[-{self.lag}] {self.op} {'q' * self.quantile}{written(self.threshold)}"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text, from `start` up to `stop`, that a fault can mark."""

    whole: str
    start: int
    stop: int

    @classmethod
    def of(cls, text: str) -> Piece:
        """The whole of a text."""
        return cls(text, 0, len(text))

    @property
    def text(self) -> str:
        """What stands there."""
        return self.whole[self.start : self.stop]

    def part(self, start: int, stop: int) -> Piece:
        """What lies between two places of this piece, without the spaces around it."""
        inside = self.text[start:stop]
        begin = self.start + start + len(inside) - len(inside.lstrip())
        return Piece(self.whole, begin, begin + len(inside.strip()))

    def split(self, separator: str) -> list[Piece]:
        """The pieces between the separators."""
        ends = [-1, *(match.start() for match in re.finditer(re.escape(separator), self.text)), len(self.text)]
        return [self.part(before + 1, after) for before, after in pairwise(ends)]

    def fault(self, what: str, mend: str) -> Fault:
        """A fault that repeats the text, what is around this piece of a long one, and marks the piece on lines of their own."""
        begin, end = (0, len(self.whole)) if len(self.whole) <= _QUOTED else (max(0, self.start - 40), self.start + 80)
        quoted, size = printable(self.whole[begin:end]), max(1, min(self.stop, end) - self.start)
        indent = re.sub(r"[^\t]", " ", printable(self.whole[begin : self.start]))
        return Fault(what, f"\n    '{quoted}'\n     {indent}{'^' * size}", mend)

    def faults(self, found: Iterable[Fault], mend: str) -> list[Fault]:
        """Faults found elsewhere, marked as this piece's; `mend` for those that have none."""
        return [self.fault(each.what, each.mend or mend) for each in found]


def read_rule(rule: Piece, faults: list[Fault]) -> tuple[tuple[Condition, ...], Literal["and", "or"]]:
    """The conditions of a policy and the word that joins them."""
    found = list(_JOINING.finditer(rule.text))
    words = [match[1].lower() for match in found]
    ends = [0, *(place for match in found for place in match.span()), len(rule.text)]
    read = [_read_condition(rule.part(*ends[k : k + 2]), faults) for k in range(0, len(ends), 2)]
    for match, word in zip(found, words, strict=True):
        if word != words[0]:
            mend = "write two policies, or use one kind of joining word"
            faults.append(rule.part(*match.span(1)).fault("'and' and 'or' stand in one rule", mend))
            break
    return tuple(condition for condition in read if condition), "or" if words[:1] == ["or"] else "and"


def read_number(piece: Piece, faults: list[Fault]) -> float:
    """The finite number that stands there; NaN, and what is wrong added to `faults`, where none does."""
    try:
        value = float(piece.text)
    except ValueError:
        faults.append(piece.fault(f"'{piece.text}' is no number", "give a number such as -0.5"))
        return math.nan
    if not math.isfinite(value):
        faults.append(piece.fault(f"'{piece.text}' is not finite", "give a finite number"))
    return value


def written(number: float) -> str:
    """A number as short as it can be read back from."""
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


def _read_condition(piece: Piece, faults: list[Fault]) -> Condition | None:
    before = len(faults)
    match = _COMPARISON.fullmatch(piece.text)
    if match is None:
        faults.append(piece.fault(f"'{piece.text}' is no condition", RULE_EXAMPLE))
        return None
    node, threshold = piece.part(*match.span("node")), piece.part(*match.span("threshold"))
    try:
        Node(node.text)
    except CausalError as error:
        faults.extend(node.faults(error.faults, RULE_EXAMPLE))
    past = f"a policy can know the past only: write {node.text}[-1]"
    lag = 0
    if match["offset"] is None:
        faults.append(node.fault(f"'{node.text}' reads the present", past))
    else:
        offset = piece.part(*match.span("offset"))
        digits = offset.text[1:-1].strip()
        if not re.fullmatch(r"[-+]?[0-9]+", digits):
            faults.append(offset.fault(f"offset '{digits}' is no whole number", past))
        elif len(digits) > len(str(LONGEST_LAG)):
            faults.append(offset.fault(f"the offset is beyond {LONGEST_LAG} periods", past))
        elif (lag := -int(digits)) <= 0:
            read = piece.part(match.start("node"), match.end("offset"))
            faults.append(read.fault(f"'{read.text}' reads the {'future' if lag else 'present'}", past))
    quantile = threshold.text.lower().startswith("q")
    value = _read_quantile(threshold, faults) if quantile else read_number(threshold, faults)
    op = cast('Literal[">", ">=", "<", "<="]', match["op"])
    return Condition(node.text, lag, op, value, quantile) if len(faults) == before else None


def _read_quantile(piece: Piece, faults: list[Fault]) -> float:
    """The percentage behind the q."""
    try:
        value = float(piece.text[1:])
    except ValueError:
        value = math.nan
    if not 0 <= value <= 100:
        faults.append(piece.fault(f"'{piece.text}' is no quantile", "give one between q0 and q100"))
    return value
