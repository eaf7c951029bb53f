"""How far readers of one source agree on what it claims: Krippendorff's alpha.

Alpha is 1 less the disagreement that is observed, over the disagreement that is to be expected if the readings were dealt
out among the claims by chance. It is 1 where all agree, near 0 where readings have nothing to do with the claims, and
below 0 where readers differ more than chance would have them. Readers may be any number and may leave claims out: a claim with one
reading has nobody to agree with, and is not counted.

With values v of m_u readings of claim u, n of them over all claims with two or more, and a distance d2(v, w),

    observed = 1/n * sum over u of 1 / (m_u - 1) * sum over pairs i != j of d2(v_ui, v_uj)
    expected = 1 / (n (n - 1)) * sum over all pairs i != j of d2(v_i, v_j).

Edge and sign are nominal: d2 is 0 or 1. The hedge is on an interval scale, the median probability that readers of the
surveys give to its phrase (`priors.elicit`): d2 is the squared difference, so that words that are read alike count as
alike. Strength words are ordinal: d2 is the square of how many readings lie from one word to the other, half of those at either end.

>>> krippendorff_alpha([["a", "a"], ["b", "b"], ["a", "b"], ["b"]])
0.4444444444444444

Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability. He would draw no conclusion from readings below .667.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from causal.claim import ClaimReading, Ledger
from causal.graph import Sign
from priors.elicit import STRENGTHS, hedge

type Scale = Literal["nominal", "ordinal", "interval"]

RELIABLE = 0.667
"""Below this alpha no conclusion should rest on the readings (Krippendorff)."""
_NO_EDGE = "no edge"


@dataclass(frozen=True, slots=True)
class FieldAgreement:
    """Alpha of one field of the claims; not a number where it has no meaning: no claim read twice, or one value only.

    `claims` have two or more readings of the field, `readings` in all; `unanimous` of the claims have one value only.
    """

    field: str
    scale: Scale
    alpha: float
    claims: int
    readings: int
    unanimous: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the readers of a ledger agree: for its edges, signs, hedges and strengths."""

    claims: int
    fields: tuple[FieldAgreement, ...]

    @property
    def sentence(self) -> str:
        """The agreement in words."""
        if not self.claims:
            return "Only one reader: agreement is not known."
        told = [_told(found) for found in self.fields]
        low = [found.field for found in self.fields if found.alpha < RELIABLE]
        weak = f" Under {RELIABLE:.3f} ({', '.join(low)}) readers agree too little for a conclusion." if low else ""
        number = "1 claim has" if self.claims == 1 else f"{self.claims} claims have"
        return f"{number} two or more readings. Krippendorff's alpha: {'; '.join(told)}.{weak}"


def agreement(ledger: Ledger) -> Agreement:
    """The agreement over all claims of a ledger with at least two readings."""
    several = [claim.readings for claim in ledger.claims if claim.others]
    fields: tuple[tuple[str, Scale, Callable[[ClaimReading], str | float | None]], ...] = (
        ("edge", "nominal", lambda reading: reading.edge.name if reading.edge else _NO_EDGE),
        ("sign", "nominal", _sign),
        ("hedge", "interval", lambda reading: hedge(reading.hedge).median),
        ("strength", "ordinal", lambda reading: STRENGTHS[reading.strength]),
    )
    return Agreement(len(several), tuple(_field(name, scale, several, of) for name, scale, of in fields))


def krippendorff_alpha[T: (str, float)](units: Sequence[Sequence[T]], scale: Scale = "nominal") -> float:
    """Krippendorff's alpha of the values that each unit was given, by however many readers.

    Not a number where no unit has two values, or where all values are the same: chance would agree as well. On an ordinal or
    interval scale the values are numbers.
    """
    paired = [values for values in units if len(values) > 1]
    counts = Counter(value for values in paired for value in values)
    if len(counts) < 2:
        return math.nan
    distance = _distance(counts, scale)
    total = sum(counts.values())
    observed = math.fsum(
        distance(a, b) * held * (of_unit[b] if a != b else held - 1) / (len(values) - 1)
        for values in paired
        for of_unit in (Counter(values),)
        for a, held in of_unit.items()
        for b in of_unit
    )
    expected = math.fsum(distance(a, b) * counts[a] * counts[b] for a in counts for b in counts if a != b)
    return 1.0 - (total - 1) * observed / expected


def _distance[T: (str, float)](counts: Counter[T], scale: Scale) -> Callable[[T, T], float]:
    """The squared distance between two values, given how often each was read."""
    if scale == "nominal":
        return lambda a, b: float(a != b)
    if scale == "interval":
        return lambda a, b: (float(a) - float(b)) ** 2
    order = sorted(counts)
    ranks: dict[T, float] = {}
    below = 0
    for value in order:
        ranks[value] = below + counts[value] / 2.0
        below += counts[value]
    return lambda a, b: (ranks[a] - ranks[b]) ** 2


def _field(
    name: str,
    scale: Scale,
    several: Sequence[Sequence[ClaimReading]],
    of: Callable[[ClaimReading], str | float | None],
) -> FieldAgreement:
    units = [[value for reading in readings if (value := of(reading)) is not None] for readings in several]
    paired = [values for values in units if len(values) > 1]
    alike = sum(len({*values}) == 1 for values in paired)
    alpha = krippendorff_alpha(paired, scale)  # pyright: ignore[reportArgumentType]
    return FieldAgreement(name, scale, alpha, len(paired), sum(map(len, paired)), alike)


def _sign(reading: ClaimReading) -> str | None:
    """The sign that a reader sees; none where the reader sees no edge."""
    if reading.edge is None:
        return None
    return "?" if reading.edge.sign is Sign.UNKNOWN else str(reading.edge.sign)


def _told(found: FieldAgreement) -> str:
    if math.isnan(found.alpha):
        why = "all readings are the same" if found.claims else "no claim has two readings of it"
        return f"{found.field} not defined ({why})"
    return f"{found.field} {found.alpha:.2f} ({found.scale} scale; {found.unanimous} of {found.claims} unanimous)"
