"""What a study could have found, had the effect been there: the chance that the rule calls it *supported*, in closed form.

A study that decides nothing may have had no chance to. Let its estimate y of the effect b be Normal(b, e), with the error e
that the posterior under the wide prior Normal(0, t) shows: that posterior has the variance v = 1 / (1/t^2 + 1/e^2), so that

    e^2 = 1 / (1/v - 1/t^2).

Under a prior Normal(m, t) the posterior is Normal(v (m/t^2 + y/e^2), v), and with the claimed sign s and the smallest effect d

    P(s b > d) >= p    exactly where    s y >= e^2 ((d + z_p sqrt(v)) / v - s m / t^2).

The rule asks this of several priors at once, so the largest of the right sides is the bar that s y must pass. Then

    power at b         = Phi((s b - bar) / e),
    assurance          = Phi((s m - bar) / sqrt(t^2 + e^2)),   the power averaged over a prior Normal(m, t) of b,
    smallest found     = bar + z_.8 e,                         the effect at which the power is .8.

A claim without a direction is supported from either side, and the two chances add up.

>>> priors = {"article": Normal(0.1, 0.1), "sceptical": Normal(0.0, 0.14), "wide": Normal(0.0, 1.0)}
>>> found = study_power(0.05, priors, {"article": 0.95, "sceptical": 0.9, "wide": 0.95}, sign=1, smallest=0.02)
>>> round(found.power, 2), round(found.assurance, 2), round(found.smallest_found, 2)
(0.52, 0.49, 0.14)

`LEAVES_OUT` says what it leaves out. Sources: Spiegelhalter, Freedman and Parmar 1994, Bayesian approaches to
randomized trials, JRSS A 157; O'Hagan, Stevens and Campbell 2005, Assurance in clinical trial design, Pharmaceutical Statistics 4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

from causal.dist import Dist, Normal

ENOUGH = 0.8
"""The power that `smallest_found` and `times` are for."""
LEAVES_OUT = (
    "It takes the estimate as Normal with the spread that it has here, whatever the true effect, and the graph and the equations as right: "
    "that a check may fail, or something unmeasured move both, is left out."
)
_Z = NormalDist()
_MOST_TIMES = 1e6


@dataclass(frozen=True, slots=True)
class Power:
    """What a study could have found of one effect; effects on the standard scale.

    `smallest_found`: the smallest effect in the claimed direction that it would call supported with probability `ENOUGH`, infinite where it could find
    none. `size`: the article's own magnitude, the median of the effect's size under its prior. `power`: the chance of *supported* at that size;
    `assurance`: the same averaged over the article's prior. `times`: how many times the data would make the power `ENOUGH`, 1 where they have it, infinite
    where no amount does.
    """

    smallest_found: float
    size: float
    power: float
    assurance: float
    times: float


def study_power(
    spread: float, priors: Mapping[str, Dist], levels: Mapping[str, float], *, sign: int, smallest: float
) -> Power:
    """The power of a study whose posterior under the wide prior has the sd `spread`.

    `levels` is the probability that the rule asks for under each prior set; `priors` hold *article* and *wide* among these. `sign` is +1, -1 or 0
    for a claim without a direction.
    """
    normal = {name: _as_normal(prior) for name, prior in priors.items()}
    asked = [(normal[name], level) for name, level in levels.items()]
    article = normal["article"]
    size = median_size(article)
    error = standard_error(spread, normal["wide"].sd)
    if not math.isfinite(error):
        return Power(math.inf, size, 0.0, 0.0, math.inf)
    return Power(
        bar(error, asked, sign or 1, smallest) + _Z.inv_cdf(ENOUGH) * error,
        size,
        power(size * (sign or 1), error, asked, sign, smallest),
        assurance(article, error, asked, sign, smallest),
        _times(size, error, asked, sign, smallest),
    )


def standard_error(spread: float, prior_sd: float) -> float:
    """The error of the estimate behind a posterior of sd `spread` under a Normal prior; infinite where the data added nothing."""
    information = 1.0 / spread**2 - 1.0 / prior_sd**2 if spread > 0 else math.inf
    return 1.0 / math.sqrt(information) if information > 0 else math.inf


def bar(error: float, asked: list[tuple[Normal, float]], side: int, smallest: float) -> float:
    """The smallest estimate, in the direction `side`, for which every prior's posterior reaches the probability asked of it."""
    found: list[float] = []
    for prior, level in asked:
        variance = 1.0 / (1.0 / prior.sd**2 + 1.0 / error**2)
        needed = (smallest + _Z.inv_cdf(level) * math.sqrt(variance)) / variance
        found.append(error**2 * (needed - side * prior.mean / prior.sd**2))
    return max(found)


def power(effect: float, error: float, asked: list[tuple[Normal, float]], sign: int, smallest: float) -> float:
    """The chance that an effect is called supported."""
    sides = (sign,) if sign else (1, -1)
    return sum(_Z.cdf((side * effect - bar(error, asked, side, smallest)) / error) for side in sides)


def assurance(prior: Normal, error: float, asked: list[tuple[Normal, float]], sign: int, smallest: float) -> float:
    """The chance that an effect drawn from `prior` is called supported."""
    sides = (sign,) if sign else (1, -1)
    spread = math.hypot(prior.sd, error)
    return sum(_Z.cdf((side * prior.mean - bar(error, asked, side, smallest)) / spread) for side in sides)


def median_size(prior: Normal) -> float:
    """The median of abs(b) for b from a Normal prior."""
    around = NormalDist(prior.mean, prior.sd)
    low, high = 0.0, abs(prior.mean) + 2.0 * prior.sd
    for _ in range(60):
        middle = (low + high) / 2.0
        if around.cdf(middle) - around.cdf(-middle) < 0.5:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _times(size: float, error: float, asked: list[tuple[Normal, float]], sign: int, smallest: float) -> float:
    """How many times the data would give the power `ENOUGH`, were the error to fall with their root."""

    def reached(times: float) -> bool:
        return power(size * (sign or 1), error / math.sqrt(times), asked, sign, smallest) >= ENOUGH

    if reached(1.0):
        return 1.0
    if not reached(_MOST_TIMES):
        return math.inf
    low, high = 0.0, math.log(_MOST_TIMES)
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (low, middle) if reached(math.exp(middle)) else (middle, high)
    return math.exp(high)


def _as_normal(prior: Dist) -> Normal:
    """A uniform prior as the Normal of its mean and variance."""
    if isinstance(prior, Normal):
        return prior
    return Normal((prior.low + prior.high) / 2.0, (prior.high - prior.low) / math.sqrt(12.0))
