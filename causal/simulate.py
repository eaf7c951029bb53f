"""Worlds under interventions, and what an intervention changes.

One recursion over the periods, vectorised over draws and units. The world without intervention (`base`) is the fitted equation with its
unit effects, year effects and shocks; beside it runs the *difference* `d` that an intervention makes,

    d_v = sum over terms of b_e f_e d_u[t - lag] + sum over terms of b_e (f_e - 1) base_u[t - lag] + shift,

with d_u and base_u the neighbours' weighted means where the effect comes from other units (a unit's change then reaches the others a lag later),
f_e the factor on the edge (1 where it is left alone) and base_u counted from the natural zero of u, and
``d_v = value - base_v`` where a node is set. The worlds share their shocks by construction, so an intervention
that changes nothing gives exactly zero, and a contrast needs the base world only where an intervention depends on
levels. Until a unit's first modelled period its observed values are the base. Unit and year effects are drawn from
their exact conditional distribution given each draw; after the panel's last year, year effects are at their average
of zero.

A node that is not Normal is drawn at quantiles that the worlds share: ``value = quantile(u | eta)`` in the base world and at the eta of
the other, and `d` is what lies between the two values. Until a unit's first modelled period such a node keeps its observed value, unless it
is set. Shifts act on the link scale, values that are set are natural ones.

Arrays here have bare axes: (draw, unit) for one node in one period.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from causal import families
from causal.cells import linear_rows
from causal.equations import Floats, in_use, stacked
from causal.errors import CausalError, Fault, nearest, raise_all
from causal.fit import Fit, JointFit
from causal.intervene import Cut, Intervention, ScaleEdge, Shift, as_interventions
from causal.model import Model

if TYPE_CHECKING:
    import xarray as xr

    from causal.cells import Cells

_SAME_SCALE = ("normal", "student-t", "bernoulli", "ordered")
"""Families whose value scale is the natural one."""
_CELLS = 2**13
"""Draws times units that are worked on together: small enough for a core's cache, and for any panel's memory."""


def simulate(
    fit: Fit, interventions: str | Intervention | Iterable[Intervention] = (), *, horizon: int = 0, seed: int = 0
) -> xr.Dataset:
    """Worlds in which the interventions act: each measured node, natural units, dims (draw, unit, time).

    Every draw of the fit in chain-major order; times are the panel's and `horizon` periods after it. Raises `CausalError` for
    interventions that this fit cannot carry out.
    """
    import xarray as xr

    plan = _plan(fit, interventions, horizon, seed)
    nodes = plan.fit.model.system.nodes
    size = plan.effects.shape[0]
    shape = (size, len(plan.units), len(plan.times))
    out = {node: np.empty(shape) for node in nodes}

    def fill(block: _Block) -> None:
        for time, base, difference in _periods(plan, block, seed, with_base=True):
            for k, node in enumerate(nodes):
                world = _natural(plan, k, base[k] if difference[k] is None else base[k] + difference[k])
                # A held value is given back to the last digit, not as what scaling and unscaling leave of it.
                if k in plan.sets:
                    world = np.where(np.isnan(plan.sets[k][time]), world, plan.sets[k][time])
                out[node][block.start : block.stop, :, time] = world

    _each_block(plan, fill)
    return xr.Dataset({node: (("draw", "unit", "time"), values) for node, values in out.items()}, coords=_coords(plan))


def contrast(
    fit: Fit,
    interventions: str | Intervention | Iterable[Intervention],
    *,
    outcome: str,
    horizon: int = 0,
    seed: int = 0,
    by: Literal["unit"] | None = None,
) -> xr.DataArray:
    """What the interventions change in `outcome`, natural units: dims (draw, time), the mean over all units.

    ``by="unit"`` keeps the units: (draw, unit, time). It is `simulate` with the interventions minus `simulate` without, at one seed, draw
    by draw. Raises `CausalError` as `simulate` does, and for an outcome that is not measured.
    """
    import xarray as xr

    if by is not None and by != "unit":
        raise CausalError(Fault(f"by={by!r} is not known", mend="leave it out, or give by='unit'"))
    plan = _plan(fit, interventions, horizon, seed, (outcome,))
    at = fit.model.system.nodes.index(outcome)
    scale = fit.model.design.scales[at]
    straight = fit.model.family(outcome) in _SAME_SCALE
    size, units, times = plan.effects.shape[0], len(plan.units), len(plan.times)
    out = np.zeros((size, units, times) if by else (size, times))

    def fill(block: _Block) -> None:
        for time, base, difference in _periods(plan, block, seed, with_base=plan.needs_levels):
            change = difference[at]
            if change is None:
                continue
            moved = scale * change if straight else _natural(plan, at, base[at] + change) - _natural(plan, at, base[at])
            out[block.start : block.stop, ..., time] = moved if by else moved.mean(axis=1)

    _each_block(plan, fill)
    coords = _coords(plan)
    if not by:
        del coords["unit"]
    return xr.DataArray(out, dims=("draw", "unit", "time") if by else ("draw", "time"), coords=coords, name=outcome)


@dataclass(frozen=True, slots=True)
class _Block:
    number: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class _Step:
    """One term in a node's equation: cause, lag, column in `effects`, and the factor (time, unit) where it is not one.

    With `weights` (unit, neighbour) the cause is the neighbours' mean.
    """

    cause: int
    lag: int
    column: int
    factor: Floats | None
    weights: Floats | None = None

    def moved(self, values: Floats) -> Floats:
        """What acts on each unit (draw, unit), of the cause's values (draw, unit)."""
        return values if self.weights is None else values @ self.weights.T


@dataclass(frozen=True, slots=True)
class _Link:
    """What draws a node that is not Normal: its levels and parameters in each draw.

    `unit` (draw, unit), `year` (draw, period of the panel), `parameters` (draw, 1), cuts (draw, cut). `centre` and `per_sd` of the link.
    """

    family: str
    centre: float
    per_sd: float
    unit: Floats
    year: Floats
    parameters: dict[str, Floats]

    def draw(self, uniform: Floats, eta: Floats, draws: slice) -> Floats:
        """Values on the value scale (draw, unit) at the quantiles `uniform`."""
        parameters = {name: values[draws] for name, values in self.parameters.items()}
        natural = families.drawn(self.family, uniform, eta, parameters, self.centre, self.per_sd)
        return families.value(self.family, natural)


@dataclass(frozen=True)
class _Plan:
    """An intervention laid out on the arrays of a fit."""

    fit: Fit
    units: NDArray[Any]
    times: NDArray[Any]
    effects: Floats
    shock_sd: Floats
    mixing: Floats | None
    missing: Floats | None
    swept: _Swept
    order: tuple[int, ...]
    steps: tuple[tuple[_Step, ...], ...]
    shifts: dict[int, Floats]
    sets: dict[int, Floats]
    links: dict[int, _Link]

    @property
    def needs_levels(self) -> bool:
        """Whether the difference depends on the base world's levels."""
        curved = any(self.fit.model.family(node) != "normal" for node in self.fit.model.system.nodes)
        return curved or bool(self.sets) or any(step.factor is not None for steps in self.steps for step in steps)


def _plan(
    fit: Fit,
    given: str | Intervention | Iterable[Intervention],
    horizon: int,
    seed: int,
    outcomes: tuple[str, ...] = (),
) -> _Plan:
    _check_settings(fit, horizon, seed)
    model, design = fit.model, fit.model.design
    units, times = model.study.panel.units[design.units], _extended(model.study.panel.times, int(horizon))
    shape = (len(times), len(units))
    unit_of = design.scales.copy()
    for each in model.cells:
        unit_of[each.node] = each.per_sd
    factors: dict[int, Floats] = {}
    shifts: dict[int, Floats] = {}
    sets: dict[int, Floats] = {}
    faults: list[Fault] = []
    interventions: tuple[Intervention, ...] = ()
    for outcome in outcomes:
        with _collecting(faults):
            _node(fit, outcome, "the outcome")
    with _collecting(faults):
        interventions = as_interventions(given)
    for intervention in interventions:
        active = np.zeros(shape, dtype=bool)
        with _collecting(faults):
            active = _active(intervention, units, times)
        with _collecting(faults):
            if isinstance(intervention, (Cut, ScaleEdge)):
                factor = intervention.factor if isinstance(intervention, ScaleEdge) else 0.0
                for column, power in _columns_of(fit, intervention.edge):
                    factors.setdefault(column, np.ones(shape))[active] *= factor**power
            else:
                node = _node(fit, intervention.node, type(intervention).__name__)
                if isinstance(intervention, Shift):
                    shifts.setdefault(node, np.zeros(shape))[active] += intervention.amount / unit_of[node]
                else:
                    family = model.family(intervention.node)
                    if families.outside(family, np.array([intervention.value], dtype=float)).any():
                        what = (
                            f"Set: {intervention.value:g} is no value of '{intervention.node}', of the family {family}"
                        )
                        raise CausalError(Fault(what, mend=f"allowed: {families.ALLOWED[family]}"))
                    sets.setdefault(node, np.full(shape, np.nan))[active] = intervention.value
    raise_all(faults)
    system = model.system
    index = {node: k for k, node in enumerate(system.nodes)}
    steps: list[list[_Step]] = [[] for _ in system.nodes]
    for column, term in enumerate(system.terms):
        steps[index[term.effect]].append(
            _Step(index[term.cause], term.lag, column, factors.get(column), design.weights if term.across else None)
        )
    flat = {str(name): fit.draws(str(name)) for name in fit.posterior.data_vars}
    # The linear rows of nodes that are not Normal have shocks that no world uses.
    shock_sd = np.ones((len(flat["effect"]), len(system.nodes)))
    shock_sd[:, linear_rows(system, model.cells)] = flat["shock_sd"]
    mixing = None
    if model.loadings:
        loadings = np.zeros((len(flat["effect"]), len(system.nodes), len(system.nodes)))
        for k, (row, column) in enumerate(model.loadings):
            loadings[:, row, column] = flat["shock_loading"][:, k]
        mixing = np.linalg.inv(np.eye(len(system.nodes)) - loadings)
    missing = flat["missing"] - design.hole_start if "missing" in flat else None
    order = tuple(index[name] for name in model.graph.order if name in index)
    return _Plan(
        fit,
        units,
        times,
        flat["effect"],
        shock_sd,
        mixing,
        missing,
        _swept(model),
        order,
        tuple(map(tuple, steps)),
        shifts,
        sets,
        {each.node: _link(fit, each, flat) for each in model.cells},
    )


def _link(fit: Fit, cells: Cells, flat: dict[str, Floats]) -> _Link:
    node = fit.model.system.nodes[cells.node]
    size, start = len(flat["effect"]), (fit.model.year_span or (0, 0))[0]
    year = flat.get(f"year_level_{node}", np.zeros((size, 0)))
    kept = flat.get(f"family_parameter_{node}", np.zeros((size, 0)))
    parameters = {name: kept[:, k, None] for k, name in enumerate(cells.parameter_names)}
    if cells.family == "ordered":
        parameters = {"cuts": np.concatenate([np.zeros((size, 1)), kept], axis=1)}
    padded = np.concatenate([np.zeros((size, start)), year], axis=1)
    return _Link(cells.family, cells.centre, cells.per_sd, flat[f"unit_level_{node}"], padded, parameters)


def _natural(plan: _Plan, node: int, standard: Any) -> Any:
    """Values on the standard scale in natural units."""
    design, model = plan.fit.model.design, plan.fit.model
    return families.natural(
        model.family(model.system.nodes[node]), standard * design.scales[node] + design.centres[node]
    )


def _check_settings(fit: object, horizon: object, seed: object) -> None:
    faults: list[Fault] = []
    if isinstance(fit, JointFit):
        name = fit.model.models[0].study.name
        what = "a fit of several studies has a world for each of them"
        faults.append(Fault(what, mend=f"simulate one study's: fit.study('{name}')"))
    elif not isinstance(fit, Fit):
        faults.append(Fault(f"a {type(fit).__name__} is no fit", mend="give what fit returns"))
    elif fit.model.design.crossed is not None:
        mend = "fit a part that fits in memory: Panel.from_table(..., in_memory=True)"
        faults.append(Fault("a world needs the values of its units, which stay in the data engine", mend=mend))
    faults.extend(
        Fault(f"the {label} is {number!r}", mend="give a whole number, 0 or above")
        for label, number in (("horizon", horizon), ("seed", seed))
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 0
    )
    raise_all(faults)


@contextmanager
def _collecting(faults: list[Fault]) -> Iterator[None]:
    """Keep the faults of what is tried here, so that all are raised at once."""
    try:
        yield
    except CausalError as error:
        faults.extend(error.faults)


def _periods(plan: _Plan, block: _Block, seed: int, *, with_base: bool) -> Iterator[tuple[int, list[Any], list[Any]]]:
    """For each period: the base world and the difference, a list over nodes of (draw, unit); None where there is no difference."""
    design = plan.fit.model.design
    lags = plan.fit.model.system.lags
    effects = plan.effects[block.start : block.stop]
    shape = (len(effects), len(plan.units))
    draws = slice(block.start, block.stop)
    nodes = len(plan.steps)
    panel_times = design.standard.shape[2]
    base_past: list[list[Any]] = []
    difference_past: list[list[Any]] = []
    level = _Levels(plan, block, seed) if with_base else None
    given = _given(plan) if with_base else None
    latest_start = int(design.sweep.first.max())
    # Base worlds count from the centres; an edge carries its cause counted from the cause's own zero.
    zero = design.centres / design.scales
    for time in range(len(plan.times)):
        base: list[Any] = [None] * nodes
        difference: list[Any] = [None] * nodes
        base_past.append(base)
        difference_past.append(difference)
        for node in plan.order:
            link = plan.links.get(node)
            eta = uniform = np.zeros(shape)
            if level is not None:
                value = level.draw(node, time) if link is None else np.zeros(shape)
                for step in plan.steps[node]:
                    if step.lag <= time:
                        value += effects[:, step.column, None] * step.moved(base_past[-1 - step.lag][step.cause])
                if link is not None:
                    eta = level.link(node, time) + link.per_sd * value
                    uniform = level.uniform(node)
                    value = (link.draw(uniform, eta, draws) - design.centres[node]) / design.scales[node]
                if given is not None and time < min(latest_start, panel_times):
                    value = np.where(time < design.sweep.first, given[node, :, time], value)
                base[node] = value
            change: Any = None
            for step in plan.steps[node]:
                if step.lag > time:
                    continue
                effect = effects[:, step.column, None]
                factor = None if step.factor is None or bool((step.factor[time] == 1.0).all()) else step.factor[time]
                moved = difference_past[-1 - step.lag][step.cause]
                if moved is not None:
                    moved = step.moved(moved)
                    part = effect * moved if factor is None else effect * factor * moved
                    change = part if change is None else change + part
                if factor is not None:
                    part = effect * (factor - 1.0) * step.moved(base_past[-1 - step.lag][step.cause] + zero[step.cause])
                    change = part if change is None else change + part
            shift = plan.shifts.get(node)
            if shift is not None and shift[time].any():
                change = np.broadcast_to(shift[time], shape) + (0.0 if change is None else change)
            if link is not None and change is not None:
                # The past of a unit's first modelled period is given, not drawn.
                other = (link.draw(uniform, eta + link.per_sd * change, draws) - design.centres[node]) / design.scales[
                    node
                ]
                change = np.where(time < design.sweep.first, 0.0, other - base[node])
            held = plan.sets.get(node)
            if held is not None and not np.isnan(held[time]).all():
                free = np.zeros(shape) if change is None else change
                on_values = families.value(plan.fit.model.family(plan.fit.model.system.nodes[node]), held[time])
                change = np.where(
                    np.isnan(held[time]), free, (on_values - design.centres[node]) / design.scales[node] - base[node]
                )
            difference[node] = change
        yield time, base, difference
        if len(base_past) > lags:
            base_past.pop(0)
            difference_past.pop(0)


class _Levels:
    """What a node's equation gives apart from its causes: unit effect, year effect and shock, for one block of draws.

    A class because the generators move on from period to period: each node has its own, so that what is asked of one node
    leaves the shocks of every other as they were.
    """

    def __init__(self, plan: _Plan, block: _Block, seed: int) -> None:
        system = plan.fit.model.system
        roots = np.random.SeedSequence([seed, block.number]).spawn(len(system.nodes) + 1)
        self._generators = [np.random.default_rng(root) for root in roots[:-1]]
        self._plan = plan
        self._draws = slice(block.start, block.stop)
        self._shape = (block.stop - block.start, len(plan.units))
        self._unit, self._year = _effects(plan, self._draws, np.random.default_rng(roots[-1]))
        self._own: dict[int, tuple[int, Floats]] = {}

    def draw(self, node: int, time: int) -> Floats:
        """(draw, unit): unit effect, year effect and shock of `node` at `time`."""
        value = self._shock(node, time)
        value += self._unit[node]
        if time < self._year.shape[2]:
            value += self._year[node][:, time, None]
        return value

    def link(self, node: int, time: int) -> Floats:
        """(draw, unit): unit and year level of a node that is not Normal, on its link scale."""
        link = self._plan.links[node]
        value = link.unit[self._draws]
        return value + link.year[self._draws, time, None] if time < link.year.shape[1] else value

    def uniform(self, node: int) -> Floats:
        """(draw, unit): the quantiles at which a node that is not Normal is drawn in a period."""
        return self._generators[node].random(self._shape)

    def _shock(self, node: int, time: int) -> Floats:
        plan = self._plan
        if plan.mixing is None:
            return self._white(node)
        mixing = plan.mixing[self._draws]
        total = np.zeros(self._shape)
        for source in range(len(plan.steps)):
            weight = mixing[:, node, source, None]
            if weight.any():
                known = self._own.get(source)
                if known is None or known[0] != time:
                    known = (time, self._white(source))
                    self._own[source] = known
                total += weight * known[1]
        return total

    def _white(self, node: int) -> Floats:
        shock = self._generators[node].standard_normal(self._shape)
        shock *= self._plan.shock_sd[self._draws, node, None]
        return shock


def _effects(plan: _Plan, draws: slice, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Unit effects (node, draw, unit) and year effects (node, draw, period), drawn given each draw's effects and shocks.

    Under the flat prior that sweeps them out they are Normal: year effects around ``year_link @ G'M u`` with covariance ``year_link * D``,
    then each unit's effect around the mean of its residuals less the years' with covariance D / T_i.
    """
    system, sweep, swept = plan.fit.model.system, plan.fit.model.design.sweep, plan.swept
    nodes, size, periods = len(system.nodes), draws.stop - draws.start, len(sweep.year_link)
    mean, total = swept.by_draw(None if plan.missing is None else plan.missing[draws])
    rows, columns = system.positions()
    residual = np.zeros((size, nodes, system.width))
    residual[:, rows, columns] = -plan.effects[draws]
    residual[:, np.arange(nodes), np.arange(nodes)] += 1.0
    sd = plan.shock_sd[draws].T
    values, vectors = np.linalg.eigh(sweep.year_link) if periods else (np.zeros(0), np.zeros((0, 0)))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    white_year = generator.standard_normal((nodes, size, periods)) * sd[:, :, None]
    white_unit = generator.standard_normal((nodes, size, len(plan.units))) * sd[:, :, None]
    if plan.mixing is not None:
        white_year = np.einsum("dvw,wdt->vdt", plan.mixing[draws], white_year)
        white_unit = np.einsum("dvw,wdi->vdi", plan.mixing[draws], white_unit)
    year = np.moveaxis(residual @ total.mT, 1, 0) @ sweep.year_link + white_year @ root.T
    unit = (
        np.moveaxis(residual @ mean.mT, 1, 0)
        - year @ (swept.used / swept.length[:, None]).T
        + white_unit / np.sqrt(swept.length)
    )
    return unit, year


@dataclass(frozen=True, slots=True)
class _Swept:
    """What the unit and year effects rest on, for the stacked columns: each unit's mean and each period's sum.

    `mean` (unit, column), `total` (period, column) hold the panel; `mean_moves` (hole, unit x column) and `total_moves`
    (hole, period x column) what a missing value adds for each sd that it lies from its unit's mean.
    """

    used: Floats
    length: Floats
    mean: Floats
    total: Floats
    mean_moves: Any = None
    total_moves: Any = None

    def by_draw(self, missing: Floats | None) -> tuple[Floats, Floats]:
        """Unit means (draw, unit, column) and yearly sums of the columns less their unit's mean (draw, period, column)."""
        mean, total = self.mean[None], self.total[None]
        if missing is not None:
            mean = mean + (missing @ self.mean_moves).reshape(-1, *self.mean.shape)
            total = total + (missing @ self.total_moves).reshape(-1, *self.total.shape)
        return mean, total - self.used.T @ mean


def _swept(model: Model) -> _Swept:
    design, lags = model.design, model.system.lags
    sweep = design.sweep
    periods = len(sweep.year_link)
    columns = stacked(design.filled, lags, design.weights)[:, :periods]
    width = columns.shape[2]
    used = in_use(sweep, periods)
    length = (sweep.stop - sweep.first).astype(float)
    masked = used[:, :, None] * columns
    mean, total = masked.sum(axis=1) / length[:, None], masked.sum(axis=0)
    node, unit, time = design.holes
    if not len(node):
        return _Swept(used, length, mean, total)
    from scipy import sparse

    # A missing value stands in the column of each lag, that many periods later, where its unit is then in use.
    lag, hole = np.divmod(np.arange((lags + 1) * len(node)), len(node))
    period = time[hole] + lag
    here = (period >= sweep.first[unit[hole]]) & (period < sweep.stop[unit[hole]])
    lag, hole, period = lag[here], hole[here], period[here]
    column = lag * len(model.system.nodes) + node[hole]
    moves = [
        sparse.csr_array(sparse.coo_array((weight, (hole, row * width + column)), shape=(len(node), rows * width)))
        for weight, row, rows in (
            (1.0 / length[unit[hole]], unit[hole], len(mean)),
            (np.ones(len(hole)), period, periods),
        )
    ]
    return _Swept(used, length, mean, total, *moves)


def _given(plan: _Plan) -> Floats:
    """Values (node, unit, period) that stand until a unit's first modelled period: observed, or the unit's mean."""
    design = plan.fit.model.design
    unknown = np.isnan(design.standard)
    means = np.nanmean(design.standard, axis=2, keepdims=True)
    return np.where(unknown, means, design.standard)


def _each_block(plan: _Plan, work: Any) -> None:
    size = plan.effects.shape[0]
    step = max(1, _CELLS // max(1, len(plan.units)))
    blocks = [_Block(number, start, min(start + step, size)) for number, start in enumerate(range(0, size, step))]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for _ in pool.map(work, blocks):
            pass


def _coords(plan: _Plan) -> dict[str, Any]:
    return {"draw": np.arange(plan.effects.shape[0]), "unit": plan.units, "time": plan.times}


def _node(fit: Fit, name: str, what: str) -> int:
    nodes = fit.model.system.nodes
    if name in nodes:
        return nodes.index(name)
    if name in fit.model.graph.names:
        raise CausalError(
            Fault(f"{what}: '{name}' is not measured by this study", mend=f"measured: {', '.join(nodes)}")
        )
    raise CausalError(Fault(f"{what}: no node '{name}'", mend=nearest(str(name), nodes)))


def _columns_of(fit: Fit, text: str) -> list[tuple[int, int]]:
    """Columns of the terms that an edge takes part in, with the power at which it does."""
    edge = fit.model.graph.edge(text)
    found: list[tuple[int, int]] = []
    for column, term in enumerate(fit.model.system.terms):
        powers = [sum(step.name == edge.name for step in road) for road in term.roads]
        if not any(powers):
            continue
        if len(set(powers)) > 1:
            raise CausalError(
                Fault(
                    f"'{edge.name}' shares its term '{term.name}' with roads that it is no part of",
                    mend="this study cannot tell them apart; measure what lies between",
                )
            )
        found.append((column, powers[0]))
    if not found:
        raise CausalError(
            Fault(
                f"'{edge.name}' is carried by none of this study's equations, so changing it would change nothing here",
                mend=f"fitted: {'; '.join(term.name for term in fit.model.system.terms)}",
            )
        )
    return found


def _active(intervention: Intervention, units: NDArray[Any], times: NDArray[Any]) -> NDArray[np.bool_]:
    """Where the intervention acts: (time, unit)."""
    name = type(intervention).__name__
    faults: list[Fault] = []
    chosen = np.ones(len(units), dtype=bool)
    if intervention.units is not None:
        known = {str(unit): k for k, unit in enumerate(units)}
        faults.extend(
            Fault(f"{name}: no unit '{unit}' in the fit", mend=nearest(str(unit), known))
            for unit in intervention.units
            if str(unit) not in known
        )
        chosen = np.isin(np.arange(len(units)), [known[str(unit)] for unit in intervention.units if str(unit) in known])
    first, last = (
        _position(bound, times, f"{name}: {label}", faults) if bound is not None else otherwise
        for bound, label, otherwise in ((intervention.start, "start", 0), (intervention.stop, "stop", len(times) - 1))
    )
    if not faults and first > last:
        faults.append(
            Fault(
                f"{name} stops at {intervention.stop} before it starts at {intervention.start}",
                mend="swap start and stop",
            )
        )
    raise_all(faults)
    active = np.zeros((len(times), len(units)), dtype=bool)
    active[first : last + 1, chosen] = True
    return active


def _position(bound: object, times: NDArray[Any], what: str, faults: list[Fault]) -> int:
    """The index of a time, found by its value, by its text, or as a date by the date's text."""
    for k, time in enumerate(times):
        if time == bound or str(time) == str(bound):
            return k
    if np.issubdtype(times.dtype, np.datetime64):
        with suppress(ValueError):
            found = np.flatnonzero(times == np.datetime64(str(bound)))
            if len(found):
                return int(found[0])
    faults.append(
        Fault(
            f"{what} {bound} is no time of the panel or of the horizon after it",
            mend=f"times run from {times[0]} to {times[-1]}",
        )
    )
    return 0


def _extended(times: NDArray[Any], horizon: int) -> NDArray[Any]:
    """The panel's times and `horizon` more of the same kind and step; texts, which have no step, become ``last+1``, ``last+2``, ..."""
    if horizon == 0:
        return times
    ahead = np.arange(1, horizon + 1)
    if np.issubdtype(times.dtype, np.datetime64):
        # Months and years are of several lengths: where all dates stand at one place in their month, or at its
        # end, the step is one of whole months.
        for day in (np.timedelta64(0, "D"), np.timedelta64(1, "D")):
            months = (times + day).astype("datetime64[M]")
            place = (times + day) - months
            if bool((place == place[0]).all()) and months[-1] > months[-2]:
                return np.concatenate(
                    [times, (months[-1] + (months[-1] - months[-2]) * ahead + place[0] - day).astype(times.dtype)]
                )
    try:
        later = [times[-1] + (times[-1] - times[-2]) * int(k) for k in ahead]
    except TypeError:
        return np.concatenate([times.astype(object), np.array([f"{times[-1]}+{k}" for k in ahead], dtype=object)])
    return np.concatenate([times, np.array(later, dtype=times.dtype)])
