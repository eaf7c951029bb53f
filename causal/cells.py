"""Nodes that are not Normal: the cells of their equation, with unit effects that are random.

The unit effects of Normal nodes are swept out exactly (`causal.equations`). In a Poisson or an ordered equation
they cannot be: they are drawn from a population, and regressed on what they may go together with, so that causes which differ between units for
good do not pass for causes within units. For unit i of node n,

    a_i ~ Normal(intercept + about @ covariates_i, unit_sd).

The covariates are the first values of the unit's series (of n's ancestors and of n itself, where their past is a cause), and for each
ancestor the unit's *mean residual* of that ancestor's own equation. What they say together keeps its prior size however many
they are: about ~ Normal(0, 1 / sqrt(number)). The plain mean of a cause, which is what a regression on
unit means takes (Mundlak 1978), will not do in a loop: it holds what n itself did to the cause. The mean residual is free of that (Chamberlain
1980, for equations with feedback). It is taken once, at the effects that maximise the linear system's corrected likelihood
(`fitted_linear`): left to move with the effects, it would let differences between units speak about effects within
units, which is what the unit effects are there to prevent.

The year effects are drawn from a population in the same way, year_t ~ Normal(about_years @ means_t, year_sd), regressed on the
year means of the node's own causes: what moves cause and outcome alike in a year would otherwise pass into the cause's effect. Free year
effects, each with a wide prior of its own, take more than a short panel of zeros and ones can give, and its effects then come out too large, as they do
in a logit with a parameter for each unit. A year's mean over the units is harmless in a loop: it holds what one unit's outcome did to its
cause in one part of as many as there are units.

A missing value of n is sampled where its effects see it, on the value scale: Normal, around the mean that n's own equation gives and with the
unit's spread about the linear fit. (With too wide a spread the effects of n shrink, because they would have to explain it.) A count that nobody saw is
no whole number then, which its effects cannot tell to first order. Of a yes or no, and of ordered levels, they can: there the
missing value is near a level, a mixture of Normals with the mean and variance that the levels' chances give. A level rarer than some one in
twenty is drawn so far towards the mean that it is hardly told apart; what replays the past takes each value for the nearest level.

The orthogonal term of the Normal equations needs n's equation too: a *linear* row stands for it there, with the effects that maximise the linear
likelihood. It is right to first order, a constant, and part of no likelihood: a second equation of n would count n's outcomes twice, and
missing causes would be drawn towards outcomes that seem to speak of them twice as clearly as they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal import families
from causal.equations import Floats, Ints, Sweep, System, cross_products, in_use, stacked, swept
from causal.measurement import within_unit_sd

_WELL_KNOWN = 10.0
"""Poisson events a unit from which on its level is known so well that it is sampled itself, and not what it differs by."""
_YEAR_SD = 0.5
"""Scale of the half-normal prior of the year effects' sd about what their covariates say, in standard units of the link."""

_NARROWEST = 0.05
"""The least spread of a missing value about its mean, in sds of the observed ones."""
_APART = 12.0
"""How far neighbouring levels of a missing value may stand apart: the square of it, in variances of the Normal around each."""
_REFILLS, _STILL = 50, 1e-4
"""Rounds of filling holes and fitting at most, and the move of a filled value, in its sd, below which they end."""


@dataclass(frozen=True)
class LinearFit:
    """The linear system at the maximum of its corrected likelihood: `effects` (node, column), each unit's `mean_residuals` (unit, node), and
    the values (node, unit, time) `filled` with what it predicts of those that are missing.
    """

    effects: Floats
    mean_residuals: Floats
    filled: Floats


@dataclass(frozen=True)
class Cells:
    """The observed cells of one node that is not Normal.

    `node` its place among the system's nodes. `outcome`, `unit`, `time` (cell): natural values and where they stand. `levels`: of an ordered
    node, else 0. `centre`, `spread` of the units' levels on the link scale, roughly; `per_sd`: one standard unit of the
    link. `covariates` (unit, covariate) of the unit effects and `year_covariates` (period, covariate) of the
    year effects (no row without them), orthogonal to each other, of mean 0 and sd 1. `well_known`: see `_WELL_KNOWN`.
    `linear` (column): the row that stands for the node in the orthogonal term. `unseen` (2, hole): unit and time of its missing outcomes,
    `unseen_sd` (hole) how far they may lie from their mean on the value scale, of families without levels; `value_scale`: centre and scale by
    which values were standardised.
    """

    node: int
    family: str
    outcome: Floats
    unit: Ints
    time: Ints
    levels: int
    centre: float
    spread: float
    per_sd: float
    covariates: Floats
    well_known: bool
    year_covariates: Floats
    linear: Floats
    unseen: Ints
    unseen_sd: Floats
    value_scale: Floats

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The names of the family's own parameters, in the order in which they are kept."""
        return families.parameter_names(self.family, self.levels)

    @property
    def structure(self) -> tuple[object, ...]:
        """What shapes the compiled form."""
        return (
            self.node,
            self.family,
            len(self.outcome),
            self.levels,
            self.covariates.shape,
            self.well_known,
            self.year_covariates.shape,
            self.unseen.shape,
        )

    @property
    def numbers(self) -> Floats:
        """`centre`, `spread`, `per_sd` and `value_scale`, which change with the data."""
        return np.array([self.centre, self.spread, self.per_sd, *self.value_scale])


def per_sd(family: str, natural: Floats) -> float:
    """One standard unit of the link, from natural values (unit, time): see `causal.families`."""
    if family in families.LOGISTIC:
        return families.LOGISTIC_SD
    if family == "hurdle-lognormal":
        return within_unit_sd(np.log(np.where(natural > 0, natural, np.nan)))
    return within_unit_sd(families.value(family, natural))


def cells_of(
    system: System,
    node: int,
    family: str,
    natural: Floats,
    linear: LinearFit,
    sweep: Sweep,
    entry: Ints,
    holes: Ints,
    value_scale: Floats,
) -> Cells:
    """The cells of `node` from its natural values (unit, time), the linear fit of the system and the spans.

    `holes` (3, hole) as in `Design`; `value_scale` (2,): the node's centre and scale.
    """
    seen = in_use(sweep, natural.shape[1]).astype(bool) & ~np.isnan(natural)
    unit, time = np.nonzero(seen)
    outcome = natural[seen]
    level = families.link_level(family, np.where(seen, natural, np.nan))
    events = np.where(seen, natural, 0.0).sum(axis=1).mean() if family == "poisson" else 0.0
    ancestors = _ancestors(system, node)
    lagged = {system.nodes.index(term.cause) for term in system.terms if term.lag}
    started = [k for k in (node, *ancestors) if k in lagged]
    first = linear.filled[started][:, np.arange(len(entry)), entry].T
    unit_of_link = per_sd(family, natural)
    unseen = holes[1:, (holes[0] == node) & (holes[2] >= sweep.first[holes[1]])]
    return Cells(
        node,
        family,
        outcome,
        unit.astype(np.int64),
        time.astype(np.int64),
        int(np.nanmax(natural)) + 1 if family == "ordered" else 0,
        float(level.mean()),
        # Levels that look alike may still differ by what so few periods do not show.
        float(max(unit_of_link / 2.0, level.std())),
        unit_of_link,
        _orthogonal(np.concatenate([first, linear.mean_residuals[:, list(ancestors)]], axis=1)),
        bool(events > _WELL_KNOWN),
        _year_covariates(system, node, linear.filled, sweep),
        linear.effects[node],
        unseen,
        value_scale[1]
        * np.maximum(_unit_sd(_linear_residual(system, node, linear, sweep, holes)), _NARROWEST)[unseen[0]],
        value_scale,
    )


def _linear_residual(system: System, node: int, linear: LinearFit, sweep: Sweep, holes: Ints) -> Floats:
    """What the linear fit leaves of the node (unit, time), less its year means; NaN where the node or its past was not seen."""
    gaps = np.zeros(linear.filled.shape)
    gaps[tuple(holes)] = 1.0
    row = np.eye(*linear.effects.shape)[node] - linear.effects[node]
    used = in_use(sweep, gaps.shape[2]).astype(bool)
    known = (stacked(gaps, system.lags) @ (row != 0.0) == 0.0) & used
    residual = np.where(known, stacked(linear.filled, system.lags) @ row, 0.0)
    yearly = residual.sum(axis=0) / np.maximum(known.sum(axis=0), 1) if sweep.year_effects else 0.0
    return np.where(known, residual - yearly, np.nan)


def _unit_sd(values: Floats) -> Floats:
    """Each unit's sd (unit,) about its mean of `values` (unit, time), drawn in towards that of all units by three periods' worth of them."""
    present = ~np.isnan(values)
    number = np.maximum(present.sum(axis=1), 1)
    centred = np.where(present, values - (np.where(present, values, 0.0).sum(axis=1) / number)[:, None], 0.0)
    squares = (centred**2).sum(axis=1)
    return np.sqrt((squares + 3.0 * squares.sum() / max(int((number - 1).sum()), 1)) / (number + 2.0))


def _year_covariates(system: System, node: int, filled: Floats, sweep: Sweep) -> Floats:
    """The year means (period, covariate) of what the node's own equation holds, made orthogonal; no row without year effects."""
    if not sweep.year_effects:
        return np.zeros((0, 0))
    periods = np.arange(int(sweep.first.min()), int(sweep.stop.max()))
    used = in_use(sweep, filled.shape[2])[:, periods]
    means = [
        (filled[system.nodes.index(term.cause)][:, periods - term.lag] * used).sum(axis=0)
        / np.maximum(used.sum(axis=0), 1)
        for term in system.terms
        if term.effect == system.nodes[node]
    ]
    return _orthogonal(np.array(means).reshape(len(means), len(periods)).T)


def fitted_linear(system: System, filled: Floats, sweep: Sweep, holes: Ints) -> LinearFit:
    """The linear fit of `filled` values (node, unit, time), standardised, whose `holes` (3, hole) stand at anything near.

    The maximum is that of the model's own linear likelihood, shocks uncorrelated and their sd profiled out, under Normal(0, 1) effects. What is missing is
    filled with what the fit predicts of it, and fitted again: a missing outcome at its unit's mean would draw its causes' effects towards zero.
    """
    values, used = filled.copy(), in_use(sweep, filled.shape[2])
    node, unit, time = holes[:, used[holes[1], holes[2]] > 0]

    def fitted(start: Floats) -> tuple[Floats, Floats, Floats]:
        columns = stacked(values, system.lags)
        best, effects = _maximum(system, columns, sweep, start)
        return best, effects, columns @ (np.eye(*effects.shape) - effects).T

    best, effects, residual = fitted(np.zeros(len(system.terms)))
    for _ in range(_REFILLS if len(node) else 0):
        move = swept(np.moveaxis(residual, 2, 0), sweep)[node, unit, time]
        if np.abs(move).max() < _STILL:
            break
        values[node, unit, time] -= move
        best, effects, residual = fitted(best)
    means = np.einsum("it,itv->iv", used, residual) / used.sum(axis=1)[:, None]
    return LinearFit(effects, means, values)


def _maximum(system: System, columns: Floats, sweep: Sweep, start: Floats) -> tuple[Floats, Floats]:
    """The effects (term,) that maximise the linear likelihood of `columns` (unit, time, column), and their matrix (node, column)."""
    from scipy.optimize import minimize

    from causal.orthogonal import correction

    products = cross_products(columns, sweep)
    rows, places = system.positions()
    nodes, width = len(system.nodes), products.shape[0]

    def matrix(effects: Floats) -> Floats:
        out = np.zeros((nodes, width))
        out[rows, places] = effects
        return out

    def loss(effects: Floats) -> tuple[float, Floats]:
        coefficients = matrix(effects)
        residual = np.eye(nodes, width) - coefficients
        pulled = residual @ products
        squares = (pulled * residual).sum(axis=1)
        value, slope = correction(coefficients, sweep.weights)
        likelihood = -sweep.freedom / 2.0 * np.log(squares).sum() + value - (effects**2).sum() / 2.0
        gradient = sweep.freedom * pulled / squares[:, None] + slope
        return -likelihood, -(gradient[rows, places] - effects)

    best = minimize(loss, start, jac=True, method="L-BFGS-B").x if len(rows) else start
    return best, matrix(best)


def unit_means(filled: Any, used: Any, lags: int) -> Any:
    """Each unit's means over its span of the stacked columns, as a tensor (column, unit): ``lag * nodes + node`` as in `equations.stacked`.

    `filled` (node, unit, time), `used` (unit, time).
    """
    import pytensor.tensor as tensor

    pt: Any = tensor
    times = filled.shape[2]
    weight = used / used.sum(axis=1, keepdims=True)
    return pt.concatenate(
        [(filled[:, :, lags - lag : times - lag] * weight[None, :, lags:]).sum(axis=2) for lag in range(lags + 1)],
        axis=0,
    )


def add_cells(
    cells: Cells,
    system: System,
    coefficients: Any,
    filled: Any,
    means: Any,
    data: dict[str, Any],
    mark: str,
    *,
    years: tuple[int, int] | None,
) -> None:
    """Add the likelihood of `cells` to the `pm.Model` in whose context it is called, and the parameters that are theirs alone.

    `coefficients` (node, column): the true effects; `filled` (node, unit,
    time); `means` as `unit_means` gives them; `data`: tensors of `cell_data`; `years`: first and last+1 period with a year effect.
    """
    import pymc as pm
    import pytensor.tensor as tensor
    from scipy.linalg import helmert

    pt: Any = tensor
    name = f"{system.nodes[cells.node]}{mark}"
    centre, spread, unit_of_link, value_centre, value_scale = (data["numbers"][k] for k in range(5))
    width = len(system.nodes)
    units = cells.covariates.shape[0]

    # What is known of a unit's level before its outcomes are seen.
    level: Any = centre + spread * pm.Normal(f"intercept_{name}", 0.0, 2.0)
    if cells.covariates.size:
        level = level + spread * _said_by(data["covariates"], f"about_{name}", cells.covariates.shape[1])
    unit_sd = spread * pm.HalfNormal(f"unit_sd_{name}", 1.0)

    # Observed outcomes first, then those that are missing.
    unit, time = data["unit"], data["time"]
    if cells.unseen.size:
        unit, time = (pt.concatenate([seen, data["unseen"][k]]) for k, seen in enumerate((unit, time)))
    moved: Any = pt.zeros(len(cells.outcome) + cells.unseen.shape[1])
    at_mean: Any = pt.zeros(units)
    for term in system.terms:
        if system.nodes[cells.node] != term.effect:
            continue
        cause = system.nodes.index(term.cause)
        effect = unit_of_link * coefficients[cells.node, term.lag * width + cause]
        moved = moved + effect * filled[cause][unit, time - term.lag]
        at_mean = at_mean + effect * means[term.lag * width + cause]
    unit_level: Any
    if cells.well_known:
        unit_level = pm.Normal(f"level_at_mean_{name}", level + at_mean, unit_sd, shape=units) - at_mean
    else:
        unit_level = level + unit_sd * pm.Normal(f"unit_white_{name}", 0.0, 1.0, shape=units)
    pm.Deterministic(f"unit_level_{name}", unit_level)
    eta = unit_level[unit] + moved
    if years is not None:
        first, stop = years
        # In a basis of what sums to zero over the years.
        basis = helmert(stop - first)
        at: Any = pt.zeros(stop - first - 1)
        if cells.year_covariates.size:
            at = basis @ _said_by(data["year_covariates"], f"about_years_{name}", cells.year_covariates.shape[1])
        year_sd = pm.HalfNormal(f"year_sd_{name}", _YEAR_SD)
        free = at + year_sd * pm.Normal(f"year_white_{name}", 0.0, 1.0, shape=stop - first - 1)
        year: Any = unit_of_link * (free @ basis)
        pm.Deterministic(f"year_level_{name}", year)
        eta = eta + year[time - first]
    parameters = _parameters(cells, name, unit_of_link)
    seen = len(cells.outcome)
    density = families.log_density(cells.family, data["outcome"], eta[:seen], parameters, centre, unit_of_link)
    pm.Potential(f"cells_{name}", pt.sum(density))
    if cells.unseen.size:
        value = value_centre + value_scale * filled[cells.node][data["unseen"][0], data["unseen"][1]]
        hidden = eta[seen:]
        if cells.family in families.LOGISTIC:
            levels = range(cells.levels or 2)
            chances = [families.log_density(cells.family, pt.full_like(hidden, k), hidden, parameters) for k in levels]
            near = near_a_level(value, pt.stack(chances), (_NARROWEST * value_scale) ** 2)
        else:
            away = value - families.mean_value(cells.family, hidden, parameters, centre, unit_of_link)
            near = -((away / data["unseen_sd"]) ** 2) / 2.0
        pm.Potential(f"unseen_{name}", pt.sum(near))


def near_a_level(value: Any, log_chances: Any, floor: Any) -> Any:
    """The log density (cell,), up to a constant, of missing values `value` (cell,) that may be any level, of `log_chances` (level, cell).

    A mixture of Normals, one near each level. Drawn towards the mean together they have the mean and the variance of the levels themselves, and
    are wide enough that no two neighbours stand more than sqrt(12) of their sds apart: the sampler passes between them, and a level that is
    rare is no island. `floor` is added to the variance, most of it where one level is all but sure, which would be a point.
    """
    import pytensor.tensor as tensor

    pt: Any = tensor
    chances = pt.exp(log_chances)
    levels = pt.arange(log_chances.shape[0], dtype="float64")[:, None]
    mean = (chances * levels).sum(axis=0)
    variance = (chances * (levels - mean) ** 2).sum(axis=0) + floor
    # The share of the variance that lies between the levels.
    between = _APART * variance / (1.0 + _APART * variance)
    width = pt.sqrt((1.0 - between) * variance)
    away = (value - mean - pt.sqrt(between) * (levels - mean)) / width
    return pt.logsumexp(log_chances - away**2 / 2.0, axis=0) - pt.log(width)


def cell_data(cells: Cells) -> dict[str, NDArray[Any]]:
    """The arrays that change from data set to data set; covariates only where there are any."""
    arrays: dict[str, NDArray[Any]] = {
        "numbers": cells.numbers,
        "outcome": cells.outcome,
        "unit": cells.unit,
        "time": cells.time,
        "covariates": cells.covariates,
        "year_covariates": cells.year_covariates,
        "linear": cells.linear,
        "unseen": cells.unseen,
        "unseen_sd": cells.unseen_sd,
    }
    return {name: array for name, array in arrays.items() if array.size}


def _said_by(covariates: Any, name: str, number: int) -> Any:
    """What `covariates` (row, covariate) say of each row, of prior sd 1 in all, by coefficients of that name."""
    import pymc as pm

    return covariates @ pm.Normal(name, 0.0, number**-0.5, shape=number)


def _parameters(cells: Cells, name: str, unit_of_link: Any) -> dict[str, Any]:
    import pymc as pm
    import pytensor.tensor as tensor

    pt: Any = tensor
    found: dict[str, Any] = {}
    if cells.family in ("student-t", "hurdle-lognormal"):
        found["sd"] = unit_of_link * pm.HalfNormal(f"family_sd_{name}", 1.0)
    if cells.family == "student-t":
        found["freedom"] = pm.Gamma(f"family_freedom_{name}", 2.0, 0.1)
    if cells.family == "hurdle-lognormal":
        found["hurdle_level"] = pm.Normal(f"family_hurdle_level_{name}", 0.0, 2.0)
        found["hurdle_slope"] = pm.HalfNormal(f"family_hurdle_slope_{name}", 1.0)
    if cells.family == "negative-binomial":
        found["dispersion"] = pm.HalfNormal(f"family_dispersion_{name}", 1.0)
    if cells.family == "beta":
        found["precision"] = pm.HalfNormal(f"family_spread_{name}", 0.5) ** -2.0
    if cells.family == "ordered":
        steps = pm.HalfNormal(f"family_step_{name}", 2.0, shape=max(cells.levels - 2, 0)) if cells.levels > 2 else None
        upper = [] if steps is None else [pt.cumsum(steps)]
        found["cuts"] = pt.concatenate([pt.zeros(1), *upper])
        kept = [] if steps is None else [found["cuts"][k] for k in range(1, cells.levels - 1)]
    else:
        kept = [found[each] for each in cells.parameter_names]
    if kept:
        pm.Deterministic(f"family_parameter_{name}", pt.stack(kept))
    return found


def _ancestors(system: System, node: int) -> tuple[int, ...]:
    """The nodes from which a road leads to `node`, itself apart, in the system's order."""
    found: set[str] = set()
    stack = [system.nodes[node]]
    while stack:
        here = stack.pop()
        for term in system.terms:
            if term.effect == here and term.cause not in found:
                found.add(term.cause)
                stack.append(term.cause)
    return tuple(k for k, name in enumerate(system.nodes) if name in found and k != node)


def _orthogonal(columns: Floats) -> Floats:
    """Columns (unit, covariate) that span the same about their mean, orthogonal and of sd 1; what adds nothing is left out."""
    centred = columns - columns.mean(axis=0)
    centred = centred / np.where(centred.std(axis=0) > 0, centred.std(axis=0), 1.0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    return left[:, size > 1e-6 * max(float(size.max(initial=0.0)), 1.0)] * len(columns) ** 0.5


def linear_rows(system: System, cells: Sequence[Cells]) -> NDArray[np.bool_]:
    """Which of the system's nodes (node) have Normal equations of their own."""
    linear = np.ones(len(system.nodes), dtype=bool)
    linear[[each.node for each in cells]] = False
    return linear
