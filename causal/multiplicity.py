"""How many words of a whole table are to be expected wrong, and which of them stand when the false discovery rate is held.

A table of many claims has some wrong words in it even where each has its own small chance of being wrong. Each link makes two
possible statements, that it runs as claimed and that it runs the other way (by more than the smallest effect of interest), each with a
*local error*: the posterior probability that it is wrong. The errors of the statements that the table makes add up to the number that is
to be expected wrong. Holding the rate of false discoveries below a level over all statements that the table could have made:

* *Bayesian*: the largest set of statements whose mean local error is below the level (Müller, Parmigiani, Robert and
  Rousseau 2004, JASA 99; Storey 2003, Annals of Statistics 31; Newton and others 2004, Biostatistics 5);
* *step-up*, as a cross-check: Benjamini and Hochberg (1995, JRSS B 57) on tail probabilities under the prior without an opinion.

>>> bayesian_discoveries([0.01, 0.2, 0.05], 0.05)
(True, False, True)
>>> step_up([0.01, 0.04, 0.9], 0.05)
(True, False, False)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

LEVEL = 0.05
"""The rate of false discoveries that is held."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a table could say of one link, and how likely that is to be wrong.

    `made` is whether the table says it. `wrong_sign`, `wrong_size`: under the sceptical prior, the probability that the effect does not run that way,
    and that it does not by more than the smallest effect of interest; both are the latter for a claim of no effect, which can only be wrong in size.
    `tail`: the latter under the wide prior.
    """

    edge: str
    word: Literal["supported", "contradicted"]
    made: bool
    wrong_sign: float
    wrong_size: float
    tail: float


@dataclass(frozen=True, slots=True)
class Expected:
    """Of the links with one word: how many there are, and how many are to be expected wrong in sign, and in sign or size."""

    word: str
    links: int
    wrong_sign: float
    wrong_size: float


@dataclass(frozen=True, slots=True)
class Multiplicity:
    """A whole table: `links` that have an answer (each once, whatever number of claims state it), wrong words to be expected, and what stands.

    `bayesian` and `step_up` hold (edge, word) of the statements made that stand under either control at `level`.
    """

    links: int
    expected: tuple[Expected, ...]
    bayesian: frozenset[tuple[str, str]]
    step_up: frozenset[tuple[str, str]]
    level: float = LEVEL

    @property
    def sentence(self) -> str:
        """The table's errors in plain words."""
        made = [each for each in self.expected if each.links]
        count = "1 link has" if self.links == 1 else f"{self.links or 'No'} links have"
        head = f"{count} an answer in these data."
        if not made:
            return f"{head} None is called supported or contradicted, so that no such word can be wrong."
        turned = {"supported": "to run the other way", "contradicted": "to run as claimed after all"}
        told = [
            f"of the {each.links} called {each.word} {_count(each.wrong_sign)} to be expected {turned[each.word]}, and "
            f"{_count(each.wrong_size)} to do so or to be too small to matter"
            for each in made
        ]
        total = sum(each.links for each in made)
        held = f"With the rate of false words held below {self.level:.2f} over the whole table, {len(self.bayesian)} of {total} stand"
        return (
            f"{head} By a sceptic's posterior, {'; '.join(told)}. {held} ({len(self.step_up)} by Benjamini and Hochberg). "
            "This counts what the draws leave open, not a wrong graph."
        )


def _count(expected: float) -> str:
    """A number of links to be expected, which draws never show to be none."""
    return "less than 0.01 is" if expected < 0.005 else f"{expected:.2f} are"


def over_the_table(statements: Sequence[Statement], level: float = LEVEL) -> Multiplicity:
    """The errors of a table from everything that it could say: two statements a link."""
    # What the table does not say, because a check withheld it, say, must not make room for what it says.
    said = [each for each in statements if each.made]
    chosen = dict(zip(said, bayesian_discoveries([each.wrong_size for each in said], level), strict=True))
    by_error = [chosen.get(each, False) for each in statements]
    by_tail = step_up([each.tail if each.made else 1.0 for each in statements], level)
    words: tuple[Literal["supported", "contradicted"], ...] = ("supported", "contradicted")
    expected: list[Expected] = []
    for word in words:
        made = [each for each in statements if each.made and each.word == word]
        wrong = sum(each.wrong_sign for each in made), sum(each.wrong_size for each in made)
        expected.append(Expected(word, len(made), *wrong))

    def standing(held: Sequence[bool]) -> frozenset[tuple[str, str]]:
        return frozenset(
            (each.edge, each.word) for each, stands in zip(statements, held, strict=True) if each.made and stands
        )

    links = len({each.edge for each in statements})
    return Multiplicity(links, tuple(expected), standing(by_error), standing(by_tail), level)


def bayesian_discoveries(errors: Sequence[float], level: float = LEVEL) -> tuple[bool, ...]:
    """Which statements are in the largest set whose mean error is below `level`, by their place."""
    order = sorted(range(len(errors)), key=lambda place: errors[place])
    total, kept = 0.0, 0
    for count, place in enumerate(order, 1):
        total += errors[place]
        if total / count < level:
            kept = count
    chosen = set(order[:kept])
    return tuple(place in chosen for place in range(len(errors)))


def step_up(tails: Sequence[float], level: float = LEVEL) -> tuple[bool, ...]:
    """Which hypotheses the Benjamini-Hochberg procedure rejects at `level`, by their place."""
    order = sorted(tails)
    bound = max((tail for rank, tail in enumerate(order, 1) if tail <= level * rank / len(order)), default=-1.0)
    return tuple(tail <= bound for tail in tails)
