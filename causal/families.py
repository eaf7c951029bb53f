"""Families of a node's values given its causes: what may stand in a column, how likely it is, and how it is drawn.

Each family has two scales. On the *value* scale a node enters the equations of its effects: the value itself, its log (`lognormal`), the
log of one plus it (counts, and amounts with zeros), its logit (`beta`), its number (`ordered`). On the *link* scale the
node's own equation adds up what its causes contribute, to ``eta``:

| family | given eta | one standard unit of the link |
|---|---|---|
| normal | Normal(eta, sd) | within-unit sd of the values |
| lognormal | exp of Normal(eta, sd) | within-unit sd of the logs |
| student-t | eta + sd * t(freedom) | within-unit sd of the values |
| hurdle-lognormal | above 0 with log-odds level + slope * (eta - centre) / unit; then exp of Normal(eta, sd) | within-unit sd of the logs above 0 |
| poisson | Poisson(exp eta) | within-unit sd of log(1 + y) |
| negative-binomial | mean exp eta, variance mean + (dispersion * mean)^2 | within-unit sd of log(1 + y) |
| bernoulli | 1 with log-odds eta | sd of the logistic distribution |
| beta | mean expit(eta), variance mean (1 - mean) / (1 + precision) | within-unit sd of the logits |
| ordered | above level k with log-odds eta - cut_k, the first cut at 0 | sd of the logistic distribution |

`LINEAR` families are Normal on their value scale: for them the unit effects are swept out exactly (`causal.equations`). The others need
unit effects that are random.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causal.errors import CausalError, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

Floats = NDArray[np.float64]

LINEAR = ("normal", "lognormal")
LOGISTIC = ("bernoulli", "ordered")
"""Families of levels, each with a chance that a logistic curve gives."""
LOGISTIC_SD = math.pi / math.sqrt(3.0)
MOST_LEVELS = 12
"""Levels above which an ordered node is better treated as a number."""

_COUNTS = ("poisson", "negative-binomial")
ALLOWED = {
    "normal": "any number",
    "student-t": "any number",
    "lognormal": "numbers above 0",
    "hurdle-lognormal": "numbers of 0 or above",
    "poisson": "whole numbers of 0 or above",
    "negative-binomial": "whole numbers of 0 or above",
    "bernoulli": "0 or 1",
    "beta": "numbers between 0 and 1, both excluded",
    "ordered": "the levels 0, 1, 2, ...",
}
"""What may stand in a column, in words."""


def outside(family: str, values: Floats) -> NDArray[np.bool_]:
    """Where `values` of any shape, NaN where missing, are none that the family can have."""
    seen = ~np.isnan(values)
    filled = np.where(seen, values, 0.5)
    whole = filled == np.floor(filled)
    allowed = {
        "lognormal": filled > 0,
        "hurdle-lognormal": filled >= 0,
        "poisson": whole & (filled >= 0),
        "negative-binomial": whole & (filled >= 0),
        "bernoulli": (filled == 0) | (filled == 1),
        "beta": (filled > 0) & (filled < 1),
        "ordered": whole & (filled >= 0),
    }.get(family, np.ones_like(seen))
    return np.asarray(seen & ~allowed)


def value(family: str, natural_values: Floats) -> Floats:
    """Natural values on the value scale, any shape; NaN stays."""
    if family == "lognormal":
        return np.log(natural_values)
    if family in (*_COUNTS, "hurdle-lognormal"):
        return np.log1p(natural_values)
    if family == "beta":
        return np.log(natural_values) - np.log1p(-natural_values)
    return natural_values


def natural(family: str, values: Floats) -> Floats:
    """Values of the value scale in natural units, any shape; whole numbers where the family has no others, whatever rounding did to them."""
    if family == "lognormal":
        return np.exp(values)
    if family in _COUNTS:
        return np.round(np.expm1(values))
    if family in LOGISTIC:
        return np.round(values)
    if family == "hurdle-lognormal":
        return np.where(values < 1e-12, 0.0, np.expm1(values))
    if family == "beta":
        from scipy.special import expit

        return expit(values)
    return values


def link_level(family: str, natural_values: Floats) -> Floats:
    """The link scale's level of each unit (unit,) of values (unit, time), roughly: where sampling starts, and what spreads are measured by."""
    present = ~np.isnan(natural_values)
    number = np.maximum(present.sum(axis=1), 1)
    mean = np.where(present, natural_values, 0.0).sum(axis=1) / number
    if family in _COUNTS:
        return np.log(mean + 0.5 / number)
    if family in LOGISTIC:
        # The share of values above the lowest level, drawn in by half an observation of each kind.
        above = (np.where(present, natural_values, 0.0) > 0).sum(axis=1)
        return np.log(above + 0.5) - np.log(number - above + 0.5)
    if family == "hurdle-lognormal":
        positive = present & (natural_values > 0)
        logs = np.log(np.where(positive, natural_values, 1.0))
        overall = logs.sum() / max(int(positive.sum()), 1)
        return np.where(positive.any(axis=1), logs.sum(axis=1) / np.maximum(positive.sum(axis=1), 1), overall)
    values = value(family, natural_values)
    return np.where(present, values, 0.0).sum(axis=1) / number


def parameter_names(family: str, levels: int = 0) -> tuple[str, ...]:
    """The names of the parameters that the family has beside eta; `levels` of an ordered node."""
    if family == "ordered":
        return tuple(f"cut_{k}" for k in range(2, levels))
    return {
        "student-t": ("sd", "freedom"),
        "hurdle-lognormal": ("sd", "hurdle_level", "hurdle_slope"),
        "negative-binomial": ("dispersion",),
        "beta": ("precision",),
    }.get(family, ())


def log_density(
    family: str, outcome: Any, eta: Any, parameters: Mapping[str, Any], centre: float = 0.0, unit: float = 1.0
) -> Any:
    """The log density of natural values `outcome` given `eta`, as tensors of one shape.

    `parameters` as `parameter_names` lists them; `centre` and `unit` of the link belong to the hurdle.
    """
    import pytensor.tensor as tensor

    pt: Any = tensor
    if family == "student-t":
        freedom = parameters["freedom"]
        scaled = (outcome - eta) / parameters["sd"]
        constant = pt.gammaln((freedom + 1.0) / 2.0) - pt.gammaln(freedom / 2.0) - 0.5 * pt.log(freedom * math.pi)
        return constant - pt.log(parameters["sd"]) - (freedom + 1.0) / 2.0 * pt.log1p(scaled**2 / freedom)
    if family == "hurdle-lognormal":
        odds = parameters["hurdle_level"] + parameters["hurdle_slope"] * (eta - centre) / unit
        log = pt.log(pt.where(outcome > 0, outcome, 1.0))
        scaled = (log - eta) / parameters["sd"]
        amount = -0.5 * scaled**2 - pt.log(parameters["sd"]) - 0.5 * math.log(2.0 * math.pi) - log
        return pt.where(outcome > 0, amount - pt.softplus(-odds), -pt.softplus(odds))
    if family == "poisson":
        return outcome * eta - pt.exp(eta) - pt.gammaln(outcome + 1.0)
    if family == "negative-binomial":
        size = parameters["dispersion"] ** -2.0
        together = pt.logaddexp(pt.log(size), eta)
        ways = pt.gammaln(outcome + size) - pt.gammaln(size) - pt.gammaln(outcome + 1.0)
        return ways + size * (pt.log(size) - together) + outcome * (eta - together)
    if family == "bernoulli":
        return outcome * eta - pt.softplus(eta)
    if family == "beta":
        mean = pt.sigmoid(eta)
        one, other = mean * parameters["precision"], (1.0 - mean) * parameters["precision"]
        ways = pt.gammaln(parameters["precision"]) - pt.gammaln(one) - pt.gammaln(other)
        return ways + (one - 1.0) * pt.log(outcome) + (other - 1.0) * pt.log1p(-outcome)
    if family == "ordered":
        cuts = parameters["cuts"]
        top = cuts.shape[0]
        level = pt.cast(outcome, "int64")
        upper = cuts[pt.minimum(level, top - 1)] - eta
        lower = cuts[pt.maximum(level - 1, 0)] - eta
        inner = (level > 0) & (level < top)
        # expit(a) - expit(b) = expit(a) expit(-b) (1 - exp(b - a)), of which the ends keep one factor.
        gap = pt.where(inner, lower - upper, -1.0)
        between = pt.where(inner, pt.log1p(-pt.exp(gap)), 0.0)
        return (
            pt.where(level < top, -pt.softplus(-upper), 0.0) + pt.where(level > 0, -pt.softplus(lower), 0.0) + between
        )
    raise CausalError(Fault(f"no density of the family '{family}'", mend=f"known: {', '.join(ALLOWED)}"))


def mean_value(
    family: str, eta: Any, parameters: Mapping[str, Any], centre: float | Any = 0.0, unit: float | Any = 1.0
) -> Any:
    """The mean on the value scale given `eta` (cell,), as tensors; of counts to second order in how far they lie from exp eta.

    For families without levels: of a yes or no, and of an ordered node, `log_density` gives each level's chance.
    """
    import pytensor.tensor as tensor

    pt: Any = tensor
    if family == "student-t":
        return eta
    if family == "beta":
        share = pt.sigmoid(eta)
        return _digamma(share * parameters["precision"]) - _digamma((1.0 - share) * parameters["precision"])
    if family == "hurdle-lognormal":
        nodes, weights = np.polynomial.hermite_e.hermegauss(9)
        logs = pt.softplus(eta[:, None] + parameters["sd"] * nodes[None, :]) @ (weights / weights.sum())
        return logs * pt.sigmoid(parameters["hurdle_level"] + parameters["hurdle_slope"] * (eta - centre) / unit)
    count = pt.exp(pt.minimum(eta, 40.0))
    variance = count + (parameters["dispersion"] * count) ** 2 if family == "negative-binomial" else count
    return pt.log1p(count) - variance / (1.0 + count) ** 2 / 2.0


def _digamma(shape: Any) -> Any:
    """The derivative of log gamma, by Stirling's series six steps up: the compiler has no fast form of the slope of the library's own."""
    import pytensor.tensor as tensor

    pt: Any = tensor
    z = shape + 6.0
    found = pt.log(z) - 1.0 / (2.0 * z) - 1.0 / (12.0 * z**2) + 1.0 / (120.0 * z**4)
    for step in range(6):
        found = found - 1.0 / (shape + step)
    return found


def drawn(
    family: str,
    uniform: Floats,
    eta: Floats,
    parameters: Mapping[str, Floats],
    centre: float = 0.0,
    unit: float = 1.0,
) -> Floats:
    """Natural values (draw, unit) at the quantiles `uniform` given `eta`: the same quantiles in two worlds share what is left to chance.

    `parameters` (draw, 1) as `parameter_names` lists them, with `cuts` (draw, cut) of an ordered node.
    """
    from scipy import special, stats

    if family == "student-t":
        return eta + parameters["sd"] * special.stdtrit(parameters["freedom"], uniform)
    if family == "hurdle-lognormal":
        zero = _chance_of_zero(eta, parameters, centre, unit)
        rest = np.clip((uniform - zero) / np.maximum(1.0 - zero, 1e-300), 1e-16, 1.0 - 1e-16)
        return np.where(uniform <= zero, 0.0, np.exp(eta + parameters["sd"] * special.ndtri(rest)))
    if family == "poisson":
        return np.asarray(stats.poisson.ppf(uniform, np.exp(np.minimum(eta, 40.0))))
    if family == "negative-binomial":
        return np.asarray(stats.nbinom.ppf(uniform, *_size_and_share(eta, parameters)))
    if family == "bernoulli":
        return (uniform > special.expit(-eta)).astype(float)
    if family == "beta":
        mean = special.expit(eta)
        return np.clip(
            special.betaincinv(mean * parameters["precision"], (1.0 - mean) * parameters["precision"], uniform),
            1e-12,
            1.0 - 1e-12,
        )
    if family == "ordered":
        cuts = parameters["cuts"]
        below = special.expit(cuts[:, None, :] - eta[:, :, None])
        return (uniform[:, :, None] > below).sum(axis=2).astype(float)
    raise CausalError(Fault(f"no draws of the family '{family}'", mend=f"known: {', '.join(ALLOWED)}"))


def quantile(
    family: str,
    uniform: Floats,
    natural_values: Floats,
    eta: Floats,
    parameters: Mapping[str, Floats],
    centre: float = 0.0,
    unit: float = 1.0,
) -> Floats:
    """A quantile (draw, unit) at which `drawn` gives `natural_values`.

    Several give a discrete value: of these the one `uniform` (draw, unit) of the way up.
    """
    from scipy import special, stats

    chance = np.clip(uniform, 1e-12, 1.0 - 1e-12)
    if family == "student-t":
        found = special.stdtr(parameters["freedom"], (natural_values - eta) / parameters["sd"])
    elif family == "beta":
        mean = special.expit(eta)
        found = special.betainc(mean * parameters["precision"], (1.0 - mean) * parameters["precision"], natural_values)
    elif family == "hurdle-lognormal":
        zero = _chance_of_zero(eta, parameters, centre, unit)
        above = natural_values > 0
        scaled = (np.log(np.where(above, natural_values, 1.0)) - eta) / parameters["sd"]
        found = np.where(above, zero + (1.0 - zero) * special.ndtr(scaled), chance * zero)
    else:
        if family == "ordered":
            below = special.expit(parameters["cuts"][:, None, :] - eta[:, :, None])
            ends = np.concatenate([np.zeros((*eta.shape, 1)), below, np.ones((*eta.shape, 1))], axis=2)
            level = np.broadcast_to(natural_values, eta.shape).astype(np.int64)[:, :, None]
            low, high = (np.take_along_axis(ends, level + k, axis=2)[:, :, 0] for k in (0, 1))
        elif family == "bernoulli":
            zero = special.expit(-eta)
            low, high = np.where(natural_values > 0, zero, 0.0), np.where(natural_values > 0, 1.0, zero)
        elif family == "poisson":
            mean = np.exp(np.minimum(eta, 40.0))
            low, high = (np.asarray(stats.poisson.cdf(natural_values - k, mean)) for k in (1, 0))
        elif family == "negative-binomial":
            of = _size_and_share(eta, parameters)
            low, high = (np.asarray(stats.nbinom.cdf(natural_values - k, *of)) for k in (1, 0))
        else:
            raise CausalError(Fault(f"no quantiles of the family '{family}'", mend=f"known: {', '.join(ALLOWED)}"))
        found = low + chance * (high - low)
    return np.clip(found, 1e-15, 1.0 - 1e-15)


def nearest_allowed(family: str, values: Floats, levels: int = 0) -> Floats:
    """Numbers on the value scale, any shape, moved to the nearest that the family can have; `levels` of an ordered node."""
    if family in _COUNTS:
        return np.log1p(np.maximum(np.round(np.expm1(values)), 0.0) + 0.0)
    if family == "hurdle-lognormal":
        return np.maximum(values, 0.0)
    if family == "bernoulli":
        return np.clip(np.round(values), 0.0, 1.0) + 0.0
    if family == "ordered":
        return np.clip(np.round(values), 0.0, float(levels - 1)) + 0.0
    return values


def _chance_of_zero(eta: Floats, parameters: Mapping[str, Floats], centre: float, unit: float) -> Floats:
    """The chance that an amount with zeros is zero."""
    from scipy import special

    odds = parameters["hurdle_level"] + parameters["hurdle_slope"] * (eta - centre) / unit
    return np.asarray(special.expit(-odds), dtype=np.float64)


def _size_and_share(eta: Floats, parameters: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """The two parameters by which SciPy knows a negative binomial."""
    from scipy import special

    size = np.broadcast_to(parameters["dispersion"] ** -2.0, eta.shape)
    return size, np.asarray(special.expit(np.log(size) - np.minimum(eta, 40.0)), dtype=np.float64)
