"""What a source says will happen, each with a rule that is stated as data, apart from the figures that it is held against.

A rule compares sums over named rows of one column between two years or spans of years, by one number, the *ratio*:

| rule | ratio |
|---|---|
| grows | the sum at the end over the sum at the start |
| falls | the other way round |
| grows more than | how much the rows grew over how much others did |
| share rises | the rows' share of a whole at the end over that at the start |

The prediction is *right* where the ratio is at least 1 + `margin`, *wrong* where it is at most 1 / (1 + margin), and between the two it *cannot be told*.
It cannot be told either where a figure is missing, where a zero may mean that nobody looked, where the way of counting changed in between, or where
nothing that is at hand measures it (`unavailable`). Right means that it came so, and nothing about why. Whoever writes a rule after the years that it
judges may have known how they went: so what the same rule says from every earlier year stands beside the word (`Outcome.other_starts`).

>>> side = Side("coca", "hectares", ("a", "b"), {("a", 2015): 10.0, ("b", 2015): 10.0, ("a", 2020): 25.0, ("b", 2020): 15.0})
>>> outcome(Prediction("p", "it spreads", "p. 1", rule=Rule("grows", side, (2015, 2015), (2020, 2020)))).word
'right'
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from causal.errors import listed, shortened

Kind = Literal["grows", "falls", "grows more than", "share rises"]
Word = Literal["right", "wrong", "cannot be told"]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Side:
    """The rows of a column that are added up: `values` by row and year, NaN or absent where there is no figure; `what` names the column for readers."""

    what: str
    unit: str
    rows: tuple[str, ...]
    values: Mapping[tuple[str, int], float]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is compared: `side` from the years `since` to the years `until`, both spans inclusive, their mean where they are several.

    `against`: the others for *grows more than*, the whole for *share rises*, whose rows without a figure in every year that is compared are left out of it.
    `method_changes`: years into which the way of counting changed. `zeros`: whether a zero is a figure, or may mean that nobody looked.
    """

    kind: Kind
    side: Side
    since: Span
    until: Span
    margin: float = 0.1
    against: Side | None = None
    method_changes: tuple[int, ...] = ()
    zeros: Literal["unknown", "counted"] = "unknown"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a source foretells, and its rule; or the reason why there is none (`unavailable`). `claims` are those it follows from."""

    key: str
    says: str
    where: str
    rule: Rule | None = None
    unavailable: str = ""
    claims: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a prediction: its word, why, and the figures.

    `rows` has each row's value at the start and at the end, `whole` the sums of the other side or of the whole; `ratio` is NaN where there is none.
    `other_starts`: the ratio and the word that the same rule gives from each earlier year with figures, by the year.
    """

    prediction: Prediction
    word: Word
    why: str
    ratio: float = math.nan
    rows: tuple[tuple[str, float, float], ...] = ()
    whole: tuple[float, float] | None = None
    other_starts: Mapping[int, tuple[float, Word]] = field(default_factory=dict[int, tuple[float, Word]])

    @property
    def steady(self) -> bool:
        """Whether no earlier start gives the opposite word."""
        opposite = {"right": "wrong", "wrong": "right"}.get(self.word)
        return all(word != opposite for _, word in self.other_starts.values())


def outcome(prediction: Prediction) -> Outcome:
    """The prediction's word by its rule, and what the rule would have said from earlier years."""
    found, rule = _by_rule(prediction), prediction.rule
    if rule is None or not math.isfinite(found.ratio):
        return found
    years = sorted({year for _, year in rule.side.values if year < rule.since[0]})
    earlier = {year: _by_rule(replace(prediction, rule=replace(rule, since=(year, year)))) for year in years}
    others = {year: (each.ratio, each.word) for year, each in earlier.items() if math.isfinite(each.ratio)}
    return replace(found, other_starts=others)


def _by_rule(prediction: Prediction) -> Outcome:
    rule = prediction.rule
    if rule is None:
        return Outcome(prediction, "cannot be told", prediction.unavailable)
    whole = _whole(rule)
    reasons = _reasons(rule, whole)
    if reasons:
        return Outcome(prediction, "cannot be told", "; ".join(reasons))
    rows = tuple((row, _at(rule.side, row, rule.since), _at(rule.side, row, rule.until)) for row in rule.side.rows)
    start, stop = sum(row[1] for row in rows), sum(row[2] for row in rows)
    start_other, stop_other = 1.0, 1.0
    if whole is not None:
        start_other, stop_other = (
            sum(_at(whole, row, span) for row in whole.rows) for span in (rule.since, rule.until)
        )
    if min(start, stop, start_other, stop_other) <= 0.0:
        return Outcome(prediction, "cannot be told", "a sum is zero, so that there is no ratio", rows=rows)
    ratio = stop / start / (stop_other / start_other)
    ratio = 1.0 / ratio if rule.kind == "falls" else ratio
    word, why = _word(ratio, rule.margin), f"the ratio is {ratio:.2f}"
    why += ", too near 1 to tell" if word == "cannot be told" else ""
    return Outcome(prediction, word, why, ratio, rows, None if whole is None else (start_other, stop_other))


def _word(ratio: float, margin: float) -> Word:
    return "right" if ratio >= 1.0 + margin else "wrong" if ratio <= 1.0 / (1.0 + margin) else "cannot be told"


def rule_told(rule: Rule) -> str:
    """The rule in a sentence or three: what is compared, and what would have been right, wrong and neither."""
    rows, since, until = listed(rule.side.rows), _span(rule.since), _span(rule.until)
    column = rule.side.what[:1].lower() + rule.side.what[1:]
    unit = f" ({rule.side.unit})" if rule.side.unit else ""
    what = f"{column}{unit} in {rows}"
    higher, lower = f"at least {rule.margin:.0%} higher", "lower by that ratio"
    match rule.kind:
        case "grows":
            head = f"The sum of {what} in {until} beside that in {since}. Right: {higher}; wrong: {lower}"
        case "falls":
            head = f"The sum of {what} in {until} beside that in {since}. Right: lower, by a ratio of at least {1 + rule.margin:g}; wrong: {higher}"
        case "grows more than":
            other = rule.against or rule.side
            head = (
                f"How much the sum of {what} grew from {since} to {until}, beside {other.what[:1].lower() + other.what[1:]} in {listed(other.rows)}. "
                f"Right: growth {higher}; wrong: {lower}"
            )
        case "share rises":
            head = f"The share of {rows} in all {column}{unit} in {until} beside that in {since}. Right: {higher}; wrong: {lower}"
    return f"{head}; neither in between, nor where a figure is missing or the way of counting changed."


def _whole(rule: Rule) -> Side | None:
    """The other side, or the whole without the rows that lack a figure."""
    other = rule.against
    if other is None or rule.kind != "share rises":
        return other
    known = tuple(row for row in other.rows if all(math.isfinite(_figure(other, row, year)) for year in _years(rule)))
    return Side(other.what, other.unit, known, other.values, other.source)


def _reasons(rule: Rule, whole: Side | None) -> list[str]:
    """Why the rule cannot be carried out on these figures."""
    reasons: list[str] = []
    for side in (rule.side, whole):
        if side is None:
            continue
        absent = [
            f"{row} {year}" for row in side.rows for year in _years(rule) if not math.isfinite(_figure(side, row, year))
        ]
        zero = [f"{row} {year}" for row in side.rows for year in _years(rule) if _figure(side, row, year) == 0.0]
        if absent:
            reasons.append(f"no figure of {side.what} for {shortened(absent, 4)}")
        if zero and rule.zeros == "unknown":
            reasons.append(f"a zero of {side.what} may mean that nobody looked: {shortened(zero, 4)}")
    changed = [str(year) for year in rule.method_changes if rule.since[0] < year <= rule.until[1]]
    if changed:
        reasons.append(f"the way of counting changed in {listed(changed)}")
    return list(dict.fromkeys(reasons))


def _years(rule: Rule) -> list[int]:
    return [year for first, last in (rule.since, rule.until) for year in range(first, last + 1)]


def _figure(side: Side, row: str, year: int) -> float:
    return side.values.get((row, year), math.nan)


def _at(side: Side, row: str, span: Span) -> float:
    years = range(span[0], span[1] + 1)
    return sum(_figure(side, row, year) for year in years) / len(years)


def _span(span: Span) -> str:
    return str(span[0]) if span[0] == span[1] else f"{span[0]} to {span[1]} (mean)"
