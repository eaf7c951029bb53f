"""What a source claims: one record a claim, and the ledger that holds them.

A claim is a statement that one variable moves another, with the words that hedge it and its place in the
text. Where a node-to-node edge can hold it, `edge` is that edge; where none can (a rhetorical or a
geopolitical statement), `edge` is None and `untestable` says why. Readers differ in what they take a text to say:
beside the claim's own words, which are the first reading, stand those of other readers.
"""

from __future__ import annotations

from dataclasses import dataclass

from causal.graph import Edge


@dataclass(frozen=True, slots=True)
class Source:
    """The article or report: title, authors, year and where it appeared."""

    title: str
    authors: str = ""
    year: int | None = None
    published: str = ""


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
    `smallest_effect` is on the standard scale (sd of the outcome per sd of the cause). `others` holds how other readers take it.
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

    @property
    def readings(self) -> tuple[ClaimReading, ...]:
        """Every reading, the claim's own words first."""
        return (ClaimReading("", self.edge, self.hedge, self.strength), *self.others)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that the source states: a baseline or a scale, not an effect."""

    key: str
    quantity: str
    low: float
    high: float
    unit: str
    where: str
    year: int | None = None
    node: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every claim and figure of a source, in the order of the file."""

    source: Source
    claims: tuple[Claim, ...]
    figures: tuple[Figure, ...] = ()

    def __getitem__(self, key: str) -> Claim:
        for claim in self.claims:
            if claim.key == key:
                return claim
        raise KeyError(key)
