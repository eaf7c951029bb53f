"""What the report says in plain words: verdicts, probabilities, numbers and names, for readers who are no statisticians.

>>> number(-0.0123), number(1234.0), number(0.0)
('\N{MINUS SIGN}0.012', '1,234', '0')
>>> counted(1, "claim"), counted(3, "claim")
('1 claim', '3 claims')
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from causal.errors import counted as counted
from causal.graph import Edge, Sign

if TYPE_CHECKING:
    from priors.read import Bundle

MEANINGS: Mapping[str, str] = {
    "supported": (
        "The data speak for the claim: the effect runs as claimed and is large enough to matter, whichever of the three starting opinions one holds."
    ),
    "contradicted": (
        "The data speak against the claim: the effect runs the other way and is large enough to matter, "
        "even if one starts without the source's opinion."
    ),
    "negligible": "The data say that the effect, if there is any, is too small to matter.",
    "prior-driven": "It looks supported only if one already believes the source. The data by themselves do not carry it.",
    "undecided": "The data can speak to the claim and do not settle it: an effect as claimed fits them, and so does none that matters.",
    "not-identified": (
        "Both sides are measured, and the question still cannot be answered from these data: something that is not measured may move both sides, "
        "and its work cannot be told from the claimed effect. More rows of the same kind would not help."
    ),
    "untestable": "No data here measure both sides of the claim. What is left is the source's own opinion.",
}
"""Verdict word -> what it means for an analyst."""

SHORT: Mapping[str, str] = {
    "supported": "the data speak for it",
    "contradicted": "the data speak against it",
    "negligible": "too small to matter",
    "prior-driven": "the source's word carries it, not the data",
    "undecided": "the data do not settle it",
    "not-identified": "measured, but these data cannot answer it",
    "untestable": "not measured here; the source's opinion only",
}
"""Verdict word -> its meaning in a few words."""

_ROAD_LENGTH = 110


def number(value: float, digits: int = 2) -> str:
    """A number with `digits` significant digits and a true minus sign, without an exponent where it can be helped."""
    if not math.isfinite(value):
        return "unknown"
    if value == 0.0:
        return "0"
    places = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    if places > 8:
        return f"{value:.{digits - 1}e}".replace("-", "\N{MINUS SIGN}")
    told = f"{value:,.{places}f}"
    return told.replace("-", "\N{MINUS SIGN}") if float(told.replace(",", "")) else "0"


def size(value: float) -> str:
    """A number that somebody chose, as it was written: without zeros that would claim precision."""
    return f"{value:,.6g}".replace("-", "\N{MINUS SIGN}")


def interval(low: float, high: float) -> str:
    """An interval, both ends to the decimals that its width is known to."""
    places = _places(low, high)
    return f"{_fixed(low, places)} to {_fixed(high, places)}"


def estimate(middle: float, low: float, high: float, *, signed: bool = False) -> str:
    """A median with its interval in brackets, all to the same decimals.

    >>> estimate(-0.0526, -0.0962, -0.00971)
    '\N{MINUS SIGN}0.053 (\N{MINUS SIGN}0.096 to \N{MINUS SIGN}0.010)'
    """
    return f"{central(middle, low, high, signed=signed)} ({interval(low, high)})"


def central(middle: float, low: float, high: float, *, signed: bool = False) -> str:
    """A median to the decimals of its interval."""
    told = _fixed(middle, _places(low, high))
    return f"+{told}" if signed and middle > 0 and told.strip("0.,") else told


def probability(value: float) -> str:
    """A probability as two digits; never a certain 0 or 1, which draws cannot show."""
    if not math.isfinite(value):
        return "does not apply"
    return "under .01" if value < 0.005 else "over .99" if value > 0.995 else f"{value:.2f}".removeprefix("0")


def label(bundle: Bundle, node: str) -> str:
    """A node's name for readers."""
    card = bundle.nodes.get(node)
    return card.label if card is not None and card.label else node


def arrow(bundle: Bundle, edge: Edge) -> str:
    """What moves what, in the nodes' names for readers."""
    return f"{label(bundle, edge.cause)} → {label(bundle, edge.effect)}"


def labelled(bundle: Bundle, edge: Edge) -> str:
    """An edge in the nodes' names for readers: what moves what, which way and when."""
    when = (
        "in the same period" if edge.lag == 0 else "one period later" if edge.lag == 1 else f"{edge.lag} periods later"
    )
    verb = {Sign.POSITIVE: "raise", Sign.NEGATIVE: "lower", Sign.UNKNOWN: "move"}[edge.sign]
    cause = label(bundle, edge.cause) + (f" of other units ({edge.across})" if edge.across else "")
    return f"{cause} → {label(bundle, edge.effect)}: said to {verb} it {when}"


def sentence(text: str) -> str:
    """The text with a capital first letter and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else ""


def shortened(text: str, length: int = _ROAD_LENGTH) -> str:
    """Text cut at a word, with a mark that it was cut."""
    return text if len(text) <= length else text[:length].rsplit(" ", 1)[0] + " …"


def _places(low: float, high: float) -> int:
    width = abs(high - low) or abs(high)
    return min(max(1 - math.floor(math.log10(width)), 0), 8) if width > 0 and math.isfinite(width) else 2


def _fixed(value: float, places: int) -> str:
    if not math.isfinite(value):
        return "unknown"
    told = f"{value:,.{places}f}"
    told = told.removeprefix("-") if not told.strip("-0.,") else told
    return told.replace("-", "\N{MINUS SIGN}")
