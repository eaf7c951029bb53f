"""The one family of errors that a user can cause.

A `Fault` says what is wrong, where, and how to mend it. A `CausalError` carries one or more faults, so
that a reader of files can report everything that is wrong at once.

>>> print(CausalError(Fault("no node 'corruptoin'", where="claims.toml:41 [claim.c7]", mend="did you mean 'corruption'?")))
claims.toml:41 [claim.c7] no node 'corruptoin'; did you mean 'corruption'?
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

_LONGEST = 1000
"""So many characters of each part of a fault are told."""
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_MOST = 200
"""So many faults are told at once."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: what, where (file and line, cell, or the text itself) and the mend. Long words of a user's are cut, and can be printed."""

    what: str
    where: str = ""
    mend: str = ""

    def __post_init__(self) -> None:
        for part in ("what", "where", "mend"):
            object.__setattr__(self, part, printable(cut(getattr(self, part))))

    def __str__(self) -> str:
        head = f"{self.where} " if self.where else ""
        tail = f"; {self.mend}" if self.mend else ""
        return f"{head}{self.what}{tail}"


class CausalError(ValueError):
    """Everything that is wrong with what a user gave, as `faults`, the first of very many; printed one fault a line."""

    def __init__(self, *faults: Fault | str) -> None:
        found = tuple(f if isinstance(f, Fault) else Fault(f) for f in faults[: _MOST + 1])
        if len(faults) > _MOST + 1:
            more = f"{len(faults) - _MOST} more things are wrong"
            found = (*found[:_MOST], Fault(more, "after these", "mend these first: many have one cause"))
        self.faults: tuple[Fault, ...] = found
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[Any, ...]:
        # An error that comes from another process keeps its faults.
        return type(self), self.faults


class ConvergenceError(CausalError):
    """The sampler's draws cannot be trusted; the faults name the parameters and what to try."""


class RefitError(CausalError):
    """Some of many fits failed; each fault says which (`fits[3]`) and why.

    `fits` holds every fit that is there at the place that it has among all, and None where one failed.
    """

    def __init__(self, *faults: Fault | str, fits: Sequence[Any] = ()) -> None:
        super().__init__(*faults)
        self.fits: list[Any] = list(fits)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(RefitError, fits=self.fits), self.faults


def raise_all(faults: Iterable[Fault]) -> None:
    """Raise one `CausalError` with all faults, or return where there is none."""
    found = tuple(faults)
    if found:
        raise CausalError(*found)


def kind_of(value: object) -> str:
    """The name of the value's type, with its article.

    >>> kind_of(3), kind_of("x")
    ('an int', 'a str')
    """
    kind = type(value).__name__
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"


def no_such(value: object, wanted: str, mend: str, *, where: str = "") -> Fault:
    """The fault of a value of another kind than the one `wanted`, such as "fit".

    >>> no_such(3, "fit", "give what fit returns").what
    'an int is no fit'
    """
    return Fault(f"{kind_of(value)} is no {wanted}", where, mend)


def printable(text: str) -> str:
    r"""The text with the characters that would steer a terminal, or turn a line around, written out.

    >>> print(printable("\x1b[31mred"))
    \u001b[31mred
    """
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def cut(text: str, longest: int = _LONGEST) -> str:
    """The text, without its middle where it is very long.

    >>> cut("a" * 20 + "b" * 20, 10)
    'aaaaa ... bbbbb'
    """
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} ... {text[-half:]}"


def nearest(word: str, known: Iterable[str]) -> str:
    """The mend for an unknown word: the nearest known one, or the list of what is known."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"known: {', '.join(names)}" if names else "none is known"


def shortened(words: Iterable[object], most: int = 5) -> str:
    """The words with commas between them, the first `most` of them and how many more there are.

    >>> shortened(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    texts = [str(word) for word in words]
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more} more" if more > 0 else "")


def listed(items: Sequence[str], last: str = "and", empty: str = "none") -> str:
    """Items as a sentence lists them, `last` before the last of them; `empty` where there is none.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else empty


def counted(count: int, word: str, plural: str = "") -> str:
    """A count with its word in the right number.

    >>> counted(1, "node"), counted(2000, "node")
    ('1 node', '2,000 nodes')
    """
    return f"{count:,} {word if count == 1 else plural or word + 's'}"


def look_alikes(words: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """The groups of different words that only case, accents or spaces tell apart, each in the order in which they came.

    >>> look_alikes(["Peru", "Chile", "peru ", "Perú"])
    (('Peru', 'peru ', 'Perú'),)
    """
    groups: dict[str, list[str]] = {}
    for word in dict.fromkeys(words):
        groups.setdefault(_plain(word), []).append(word)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _plain(word: str) -> str:
    if word.isascii():  # a million names of units are mostly so
        return "".join(word.split()).casefold()
    letters = unicodedata.normalize("NFKD", word)
    return "".join(
        letter for letter in letters if not unicodedata.combining(letter) and not letter.isspace()
    ).casefold()
