"""What a source claims: one record a claim, and the ledger that holds them.

A claim is a statement that one variable moves another, with the words that hedge it and its place in the
text. Where a node-to-node edge can hold it, `edge` is that edge; where none can (a rhetorical or a
geopolitical statement), `edge` is None and `untestable` says why. Readers differ in what they take a text to say:
beside the claim's own words, which are the first reading, stand those of other readers.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Literal, get_args

from causal.errors import CausalError, Fault, counted, nearest, no_such, raise_all
from causal.graph import Edge
from causal.html import table

Direction = Literal["for", "against", "mixed", "indirect"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
"""How a published work stands to a claim, as in `Published`."""


@dataclass(frozen=True, slots=True)
class Source:
    """What makes the claims: title, authors, year, where it appeared, the noun that it is called by, such as article, and the place it speaks of."""

    title: str
    authors: str = ""
    year: int | None = None
    published: str = ""
    called: str = "article"
    place: str = ""


@dataclass(frozen=True, slots=True)
class ClaimReading:
    """What one reader takes a claim to say: its edge with the sign, its hedge and its strength; `edge` is None where no edge can hold it.

    `reader` is "" for the claim's own words, as the ledger has them.
    """

    reader: str
    edge: Edge | None
    hedge: str
    strength: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One causal claim.

    `hedge` and `strength` are words of the hedge and strength scales (`priors.elicit`); `says` paraphrases;
    `where` gives section and paragraph; `scope` says for whom and when it is said to hold;
    `smallest_effect` is on the standard scale (sd of the outcome per sd of the cause). `others` holds how other readers take it. Raises
    `CausalError` for a smallest effect that is not above 0.
    """

    key: str
    edge: Edge | None
    says: str
    where: str
    hedge: str = "plain assertion"
    strength: str = "some"
    scope: str = ""
    smallest_effect: float = 0.1
    core: bool = False
    untestable: str = ""
    cause: str = ""
    effect: str = ""
    others: tuple[ClaimReading, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 < self.smallest_effect < math.inf:
            what = f"claim '{self.key}' has the smallest effect {self.smallest_effect!r}"
            raise CausalError(Fault(what, mend="give a number above 0, such as .1"))

    @property
    def readings(self) -> tuple[ClaimReading, ...]:
        """Every reading, the claim's own words first."""
        return (ClaimReading("", self.edge, self.hedge, self.strength), *self.others)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that the source states, between `low` and `high`: a baseline or a scale, not an effect. Raises `CausalError` where `low` is the larger."""

    key: str
    quantity: str
    low: float
    high: float
    unit: str
    where: str
    year: int | None = None
    node: str = ""

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            what = f"figure '{self.key}' runs from {self.low!r} to {self.high!r}"
            raise CausalError(Fault(what, mend="give the smaller number first"))


@dataclass(frozen=True, slots=True)
class Published:
    """What a published work found on some claims. It is read beside the verdicts and enters no number.

    `direction`: the work found what the claims say (for), something else (against), or both (mixed); or it speaks of a neighbouring question
    and says nothing of the claims' own direction (indirect). `place` says of whom it was found, and `same_place` whether that is, or lies in, the
    place that the source speaks of. `origin` names those of the claims that were taken from this very work, for which it is no second
    voice; `read` how much of it was read.
    """

    key: str
    work: str
    found: str
    claims: tuple[str, ...]
    direction: Direction
    place: str
    published: str = ""
    same_place: bool = False
    origin: tuple[str, ...] = ()
    read: Literal["abstract", "whole"] = "abstract"


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every claim and figure of a source, and what others published on its claims, in the order of the file.

    Raises `CausalError` for a key that two claims have.
    """

    source: Source
    claims: tuple[Claim, ...]
    figures: tuple[Figure, ...] = ()
    published: tuple[Published, ...] = ()

    def __post_init__(self) -> None:
        raise_all(
            Fault(f"{count} claims are called '{key}'", mend="give each its own key")
            for key, count in Counter(claim.key for claim in self.claims).items()
            if count > 1
        )

    def __getitem__(self, key: str) -> Claim:
        """The claim of that key. Raises `CausalError` where there is none."""
        for claim in self.claims:
            if claim.key == key:
                return claim
        raise CausalError(Fault(f"no claim '{key}'", mend=nearest(key, [claim.key for claim in self.claims])))

    @property
    def by_edge(self) -> dict[str, tuple[Claim, ...]]:
        """The claims that an edge holds, by the edge's full name."""
        found: dict[str, tuple[Claim, ...]] = {}
        for claim in self.claims:
            if claim.edge is not None:
                found[claim.edge.name] = (*found.get(claim.edge.name, ()), claim)
        return found

    def published_on(self, claim: str) -> tuple[Published, ...]:
        """What was published on the claim of that key."""
        return tuple(each for each in self.published if claim in each.claims)

    def _repr_html_(self) -> str:
        """A table of the claims for a notebook: what each says, how surely and where."""
        rows = [
            (
                claim.key,
                claim.edge.text if claim.edge else f"no link can hold it: {claim.untestable or 'not said why'}",
                claim.hedge,
                claim.strength,
                claim.says,
                claim.where,
            )
            for claim in self.claims
        ]
        source = self.source
        by = ", ".join(str(part) for part in (source.authors, source.year) if part)
        core = sum(claim.core for claim in self.claims)
        caption = f"{source.title}{f' ({by})' if by else ''}: {counted(len(self.claims), 'claim')}, {core} of them core"
        notes = [
            f"With them: {counted(len(self.figures), 'figure')} and {counted(len(self.published), 'published finding')}."
        ]
        notes = notes if self.figures or self.published else []
        columns = ("claim", "link", "hedge", "strength", "says", "where")
        return table(caption, columns, rows, notes=notes, whole="ledger.claims")


def check_ledger(given: object) -> None:
    """Raise `CausalError` where `given` is no ledger."""
    if not isinstance(given, Ledger):
        raise CausalError(no_such(given, "ledger", "give ca.Ledger(source, claims) or a bundle's"))
