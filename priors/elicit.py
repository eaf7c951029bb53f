"""From the words of a claim to a prior: what a hedge says about the sign, and a strength word about the size.

**The hedge scale.** 169 readers in two surveys (Fagen-Ulmschneider 2019, Nation 2016) said which chance of being true
they read in a statement hedged with each of 17 phrases. `HEDGES` keeps the answers of all of them, not their mean:
readers differ more than words do. A few readers answered the other way round ("almost no chance" = 95); see
`without_reversed`. Words that the surveys did not ask about stand for one of the phrases; `Hedge.source` says for
which, and why.

>>> probability_as_claimed("arguably")
Reading(mean=0.693, low=0.5, high=0.9)
>>> in_words(probability_as_claimed("fuels").mean)
'very likely'

**The prior of one reader.** Let a reader give the chance p to the effect having the claimed sign s, let M be the
typical size that the strength word names, and z = Phi^-1(p). The reader's prior of the effect is

    Normal(mean = s M z / sqrt(1 + z^2), sd = M / sqrt(1 + z^2)).

Its sign is as claimed with probability p exactly, and its root mean square is M whatever p: the hedge moves the
prior's place and never its size. At p = .5 it is Normal(0, M), and below .5 it leans the other way. (The shorter
recipe, a mean of s M with sd = M / z, has no finite sd at p = .5, the very place where "may" and "can" lie, and makes
a doubtful claim a claim of a huge effect.)

**The prior of all readers** is the mixture over them. Its mean is s M E[z / sqrt(1 + z^2)], its second moment M^2, and
the Normal with these two moments replaces it. `reduction_cost` measures what that costs: the
probability that the effect lies below a value changes nowhere by more than .032 (*we believe*, whose readers range from
one half to certain), and for most words by less than .02; only *improbable*, a hedge that denies, costs .042.

**Several readings, several claims.** Priors of one edge are mixed by `mixed` in the same way; `mixture_cost` says what that costs. More than
`FAR_FROM_NORMAL` is more than any hedge's own readers cost, and is said beside the prior: readers who disagree about the sign of a
large effect hold two opinions, which one Normal at zero is not.

>>> article = prior("fuels", "some", Sign.POSITIVE)
>>> round(article.mean, 3), round(article.sd, 3), round(article.probability_above(0.0), 2)
(0.065, 0.076, 0.8)
>>> prior("fuels", "some", Sign.POSITIVE, which="sceptical")
Normal(mean=0.0, sd=0.1)

**The strength scale** (`STRENGTHS`) is in sd of the outcome per sd of the cause, within units, at one period's
distance. Such effects are small. Half the mass of Normal(0, M) lies within .67 M, which puts the middle of *slight*,
*some* and *substantial* at .03, .07 and .13: the quartiles of published standardised cross-lagged effects are .03,
.07 and .12 (Orth et al. 2024, Psychological Methods 29, 421-433). *Strong* and *decisive* lie beyond what is commonly
found. Where the outcome keeps nine tenths of itself from year to year, as governance scores do, an effect of .1 a year
adds up to one sd in the long run and one of .4 to four: there is no room above *decisive*.

References: Mosteller and Youtz 1990, Quantifying probabilistic expressions, Statistical Science 5, 2-12; Kent 1964,
Words of estimative probability, Studies in Intelligence 8; Office of the Director of National Intelligence 2015,
Intelligence Community Directive 203, Analytic standards.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from statistics import NormalDist, median
from types import MappingProxyType
from typing import Literal, get_args

from causal.dist import Normal
from causal.errors import CausalError, Fault, nearest, raise_all
from causal.graph import Sign

__all__ = [
    "FAR_FROM_NORMAL",
    "HEDGES",
    "STRENGTHS",
    "Hedge",
    "PriorSet",
    "Reading",
    "hedge",
    "in_words",
    "mixed",
    "mixture_cost",
    "modified",
    "prior",
    "probability_as_claimed",
    "reduction_cost",
    "without_reversed",
]

PriorSet = Literal["article", "sceptical", "wide"]

STRENGTHS: Mapping[str, float] = MappingProxyType(
    {"none": 0.0, "slight": 0.05, "some": 0.1, "substantial": 0.2, "strong": 0.3, "decisive": 0.4}
)
"""Strength word -> root mean square of the effect (sd of the outcome per sd of the cause, one period)."""

NO_EFFECT_SD = 0.05
"""The article's prior of a claim of no effect is Normal(0, this): 95 % of it lies within a tenth of an sd."""

DOUBTED_NO_EFFECT_SD = STRENGTHS["some"]
"""The sceptic's prior of a claim of no effect is Normal(0, this). It must be wider than the article's: a narrow
prior at zero would find the effect negligible without any data, which is the claim and not a doubt of it."""

MODIFIERS = ("very", "highly")
"""Words that bring a phrase half the way nearer to its end of the scale."""

FAR_FROM_NORMAL = 0.05
"""A mixture whose Normal is further from it than this (Kolmogorov distance) is said to be poorly told by it."""

LOWEST, HIGHEST = 0.005, 0.995
"""No reader is taken to be surer than this: answers of 0 and 100 % would make the prior's sign certain."""


@dataclass(frozen=True, slots=True)
class Hedge:
    """A hedging word and how readers take it.

    `readers` holds (probability that the statement is true, share of the readers who say so), ascending, the shares
    adding up to one. `phrase` is the phrase of the surveys that the word stands for (often itself) and `source` says
    where the readers come from and why that phrase.
    """

    word: str
    readers: tuple[tuple[float, float], ...]
    phrase: str
    source: str

    @property
    def median(self) -> float:
        """The probability that the middle reader takes the word to mean."""
        return _quantile(self.readers, 0.5)


@dataclass(frozen=True, slots=True)
class Reading:
    """The probability that a claim is true, as readers take it: mean, and `low` to `high` holding 90 % of them."""

    mean: float
    low: float
    high: float

    def __repr__(self) -> str:
        return f"Reading(mean={self.mean:.3g}, low={self.low:.3g}, high={self.high:.3g})"


def hedge(word: str | Hedge) -> Hedge:
    """The hedge of that word, upper or lower case; "very" or "highly" before a known word modifies it.

    Raises `CausalError` with the nearest known word.
    """
    return _found(word)


def modified(hedge: str | Hedge, modifier: str = "very") -> Hedge:
    """The hedge with "very" or "highly" before it: every reader halves the distance to the word's end of the scale.

    The end is 1 for a word whose median reader is above one half and 0 for one below. The rule is Mosteller and
    Youtz's (1990). The surveys asked about two such pairs, and agree: *highly likely* is read as .87 where the rule
    makes .86 of *likely*, *highly unlikely* as .08 where it makes .10 of *unlikely*.

    Raises `CausalError` for an unknown word or modifier, and for a word in the middle, which has no end of its own.
    """
    plain = _found(hedge)
    if modifier not in MODIFIERS:
        raise CausalError(Fault(f"no modifier '{modifier}'", mend=nearest(str(modifier), MODIFIERS)))
    middle = plain.median
    if middle == 0.5:
        raise CausalError(
            Fault(f"'{modifier} {plain.word}': '{plain.word}' lies in the middle of the scale, nearer to neither end")
        )
    end = 1.0 if middle > 0.5 else 0.0
    return Hedge(
        word=f"{modifier} {plain.word}",
        readers=_collected((_clamped((chance + end) / 2.0), share) for chance, share in plain.readers),
        phrase=plain.phrase,
        source=f"'{plain.word}', every reader's distance to {end:.0f} halved (Mosteller, Youtz 1990); {plain.source}",
    )


def probability_as_claimed(hedge: str | Hedge) -> Reading:
    """The probability that the claim is true as hedged: mean over readers, and the interval that holds 90 % of them."""
    readers = _found(hedge).readers
    mean = math.fsum(chance * share for chance, share in readers)
    return Reading(mean, _quantile(readers, 0.05), _quantile(readers, 0.95))


def prior(hedge: str | Hedge, strength: str, sign: Sign, which: PriorSet = "article") -> Normal:
    """The prior of an edge's effect, on the standard scale, from a claim's hedge, strength word and claimed sign.

    - *article*: the readers' mixture as a Normal (see the module's text). A claim without a sign is read as even
      between the two, Normal(0, M): it says how large, not which way. A claim of no effect (strength "none") is
      Normal(0, `NO_EFFECT_SD`) whatever its sign and hedge.
    - *sceptical*: Normal(0, M), the same root mean square without the claim's direction; for a claim of no effect
      Normal(0, `DOUBTED_NO_EFFECT_SD`).
    - *wide*: Normal(0, 1).

    Raises `CausalError` with everything that is wrong at once: unknown hedge, strength word, sign or prior set.
    """
    faults: list[Fault] = []
    readers: tuple[tuple[float, float], ...] = ()
    try:
        readers = _found(hedge).readers
    except CausalError as error:
        faults += error.faults
    if strength not in tuple(STRENGTHS):
        faults.append(Fault(f"no strength '{strength}' on the strength scale", mend=nearest(str(strength), STRENGTHS)))
    if sign not in tuple(Sign):
        faults.append(Fault(f"no sign '{sign}'", mend="known: +, -, ?"))
    if which not in get_args(PriorSet):
        faults.append(Fault(f"no prior set '{which}'", mend=nearest(str(which), get_args(PriorSet))))
    raise_all(faults)

    if which == "wide":
        return Normal(0.0, 1.0)
    size = STRENGTHS[strength]
    if size == 0.0:
        return Normal(0.0, NO_EFFECT_SD if which == "article" else DOUBTED_NO_EFFECT_SD)
    if which == "sceptical" or sign == Sign.UNKNOWN:
        return Normal(0.0, size)
    lean = _lean(readers)
    direction = 1.0 if sign == Sign.POSITIVE else -1.0
    return Normal(direction * size * lean, size * math.sqrt(1.0 - lean**2))


def reduction_cost(hedge: str | Hedge) -> float:
    """What the Normal costs against the readers' mixture: their Kolmogorov distance, the largest difference in
    probability that the two give to the effect lying below any value.

    It depends neither on the strength nor on the sign.
    """
    return mixture_cost([(_of_reader(chance), share) for chance, share in _found(hedge).readers])


def mixed(parts: Sequence[tuple[Normal, float]]) -> Normal:
    """The Normal with the mean and the variance of a mixture of Normals, each with its weight (any positive scale)."""
    total = sum(weight for _, weight in parts)
    mean = sum(weight * part.mean for part, weight in parts) / total
    second = sum(weight * (part.mean**2 + part.sd**2) for part, weight in parts) / total
    return Normal(mean, (second - mean**2) ** 0.5)


def mixture_cost(parts: Sequence[tuple[Normal, float]]) -> float:
    """The Kolmogorov distance between a mixture of Normals and the one Normal that `mixed` makes of it.

    Computed on 24,001 points that reach six sd beyond the outermost parts.
    """
    import numpy as np
    from scipy.special import ndtr

    one, total = mixed(parts), math.fsum(weight for _, weight in parts)
    low = min(part.mean - 6.0 * part.sd for part, _ in parts)
    high = max(part.mean + 6.0 * part.sd for part, _ in parts)
    effects = np.linspace(low, high, 24_001)
    mixture = np.zeros_like(effects)
    for part, weight in parts:
        mixture += weight / total * ndtr((effects - part.mean) / part.sd)
    return float(np.max(np.abs(mixture - ndtr((effects - one.mean) / one.sd))))


def in_words(probability: float) -> str:
    """A probability in plain words: the ranges of Intelligence Community Directive 203, without gaps.

    Raises `CausalError` for a number that is no probability.

    >>> [in_words(p) for p in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97)]  # doctest: +NORMALIZE_WHITESPACE
    ['almost no chance', 'very unlikely', 'unlikely', 'about even', 'likely', 'very likely', 'almost certain']
    """
    if not 0.0 <= probability <= 1.0:
        raise CausalError(Fault(f"{probability} is no probability", mend="give a number from 0 to 1"))
    for below, words in ((0.05, "almost no chance"), (0.2, "very unlikely"), (0.45, "unlikely")):
        if probability < below:
            return words
    # The same bounds from above, so that the words for p and for 1 - p mirror each other
    for above, words in ((0.95, "almost certain"), (0.8, "very likely"), (0.55, "likely")):
        if probability > above:
            return words
    return "about even"


def without_reversed(answers: Sequence[float]) -> tuple[float, ...]:
    """The answers (in percent, of all readers to one phrase) less those that look given the wrong way round.

    An answer is dropped where it lies on the other side of 50 from the phrase's median, so that 100 minus it would
    lie nearer, and at the same time more than three robust standard deviations (1.4826 times the median absolute
    deviation, at least 5 points) from the median. Both are needed: a reader may well take "we doubt" as 55, and one
    who takes "likely" as 95 is extreme but not reversed. The rule treats a scale and its mirror image alike. In the
    surveys it drops 48 of 2,873 answers, at most 6 of 169 to any phrase.
    """
    middle = median(answers)
    spread = max(1.4826 * median(abs(answer - middle) for answer in answers), 5.0)
    return tuple(
        answer for answer in answers if (answer - 50.0) * (middle - 50.0) >= 0.0 or abs(answer - middle) <= 3.0 * spread
    )


_ASSERTED = (
    "very good chance",
    (
        "an assertion without a hedge, whatever its verb: the author holds it true, but does not call it almost "
        "certain, and flat statements of experts are wrong more often than one in twenty. The verb and the strength "
        "word say how large, not how sure. Of the two phrases that come near (also: 'highly likely') the more cautious"
    ),
)
_ARGUED = (
    "probable",
    "the author takes a side on which others may differ; it often hedges a superlative more than the link",
)
_REPORTED = ("we believe", "the author passes on what others hold, with approval")
_INFERRED = ("probably", "the author infers it from signs")
_FORESEEN = ("likely", "foreseen rather than seen")
_PARTIAL = (
    "likely",
    "asserted for a part of the cases or of the effect: less than an assertion, more than a possibility",
)
_POSSIBLE = (
    "better than even",
    (
        "a possibility. Mosteller and Youtz found that such words mean different things to different people; what is "
        "left is that the author named this direction and not the other: the weakest phrase on the claim's side"
    ),
)
_CERTAIN = ("almost certain", "the author says that there is no doubt")

_STANDS_FOR: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("plain assertion", "fuels", "drives", "causes", "leads to", "sustains", "enables", "will"), _ASSERTED
    ),
    **dict.fromkeys(
        ("weakens", "undermines", "blocks", "limits", "increasingly", "principally", "significantly"), _ASSERTED
    ),
    **dict.fromkeys(STRENGTHS, _ASSERTED),
    **dict.fromkeys(("arguably",), _ARGUED),
    **dict.fromkeys(("reportedly", "allegedly", "believed", "is said to", "estimated"), _REPORTED),
    **dict.fromkeys(("suggests", "indicates", "appears", "seems"), _INFERRED),
    **dict.fromkeys(("expected", "should"), _FORESEEN),
    **dict.fromkeys(("to some degree", "to some extent", "in part", "often", "tends to", "generally"), _PARTIAL),
    **dict.fromkeys(("may", "might", "can", "could", "possible", "possibly", "potentially", "perhaps"), _POSSIBLE),
    **dict.fromkeys(("certainly", "undoubtedly", "clearly"), _CERTAIN),
    "doubtful": ("we doubt", "the same in one word"),
    "unclear": ("about even", "the author takes no side"),
}


def _scale() -> Mapping[str, Hedge]:
    """All hedges, from the compiled survey and the words that stand for its phrases."""
    answers: dict[str, list[float]] = {}
    text = files("priors").joinpath("hedges.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        answers.setdefault(row["phrase"], []).extend([float(row["percent"])] * int(row["count"]))
    scale: dict[str, Hedge] = {}
    for phrase, given in answers.items():
        kept = without_reversed(given)
        readers = _collected((_clamped(answer / 100.0), 1.0 / len(kept)) for answer in kept)
        source = f"{len(kept)} readers of '{phrase}' in the surveys of Fagen-Ulmschneider (2019) and Nation (2016)"
        scale[phrase] = Hedge(phrase, readers, phrase, source)
    for word, (phrase, why) in _STANDS_FOR.items():
        known = scale[phrase]
        scale[word] = Hedge(word, known.readers, phrase, f"{known.source}; '{word}' stands for it: {why}")
    return MappingProxyType(scale)


def _found(word: str | Hedge) -> Hedge:
    """The hedge of a word; apart from `hedge`, whose name the functions above give to their argument."""
    if isinstance(word, Hedge):
        return word
    if not isinstance(word, str):
        raise CausalError(Fault(f"a hedge is a word of the hedge scale, not {word!r}"))
    plain = " ".join(word.casefold().split())
    if plain in HEDGES:
        return HEDGES[plain]
    modifier, _, rest = plain.partition(" ")
    if modifier in MODIFIERS and rest in HEDGES:
        return modified(HEDGES[rest], modifier)
    raise CausalError(Fault(f"no hedge '{word}' on the hedge scale", mend=nearest(plain, HEDGES)))


def _collected(readers: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """One entry for each probability, ascending."""
    shares: dict[float, list[float]] = {}
    for chance, share in readers:
        shares.setdefault(chance, []).append(share)
    return tuple((chance, math.fsum(shares[chance])) for chance in sorted(shares))


def _clamped(chance: float) -> float:
    return min(max(chance, LOWEST), HIGHEST)


def _quantile(readers: tuple[tuple[float, float], ...], mass: float) -> float:
    """The smallest answer that at least `mass` of the readers do not exceed."""
    seen = 0.0
    for chance, share in readers:
        seen += share
        if seen >= mass - 1e-12:
            return chance
    return readers[-1][0]


def _of_reader(chance: float) -> Normal:
    """One reader's prior for M = 1 and a positive sign."""
    z = NormalDist().inv_cdf(chance)
    return Normal(z / math.sqrt(1.0 + z * z), 1.0 / math.sqrt(1.0 + z * z))


def _lean(readers: tuple[tuple[float, float], ...]) -> float:
    """The mean over readers of z / sqrt(1 + z^2), between -1 and 1."""
    return math.fsum(share * _of_reader(chance).mean for chance, share in readers)


HEDGES: Mapping[str, Hedge] = _scale()
"""Word -> how readers take it: the 17 phrases of the surveys and the words that stand for one of them."""
