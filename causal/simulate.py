"""Worlds under interventions, and what an intervention changes.

One recursion over the periods, vectorised over draws and units. The world without intervention (`base`) is the fitted equation with its
unit effects, year effects and shocks; beside it runs the *difference* `d` that an intervention makes,

    d_v = sum over terms of b_e f_e d_u[t - lag] + sum over terms of b_e (f_e - 1) base_u[t - lag] + shift,

with f_e the factor on the edge (1 where it is left alone), and ``d_v = value - base_v`` where a node is set. The
worlds share their shocks by construction, so an intervention that changes nothing gives exactly zero, and a contrast
needs the base world only where an intervention depends on levels. Until a unit's first modelled
period its observed values are the base. Unit and year effects are drawn from their exact conditional distribution
given each draw; after the panel's last year, year effects are at their average of zero.

Arrays here have bare axes: (draw, unit) for one node in one period.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from causal.equations import Floats, in_use, stacked
from causal.errors import CausalError, Fault, nearest, raise_all
from causal.fit import Fit
from causal.intervene import Cut, Intervention, ScaleEdge, Set, Shift, as_interventions

if TYPE_CHECKING:
    import xarray as xr

_CELLS = 2**15
"""Draws times units that are worked on together: small enough for a core's cache, and for any panel's memory."""


def simulate(
    fit: Fit, interventions: str | Intervention | Iterable[Intervention] = (), *, horizon: int = 0, seed: int = 0
) -> xr.Dataset:
    """Worlds in which the interventions act: each measured node, natural units, dims (draw, unit, time).

    Every draw of the fit in chain-major order; times are the panel's and `horizon` periods after it. Raises `CausalError` for
    interventions that this fit cannot carry out.
    """
    import xarray as xr

    plan = _plan(fit, interventions, horizon)
    nodes = plan.fit.model.system.nodes
    size = plan.effects.shape[0]
    shape = (size, len(plan.units), len(plan.times))
    out = {node: np.empty(shape) for node in nodes}
    scales, centres = fit.model.design.scales, fit.model.design.centres

    def fill(block: _Block) -> None:
        for time, base, difference in _periods(plan, block, seed, with_base=True):
            for k, node in enumerate(nodes):
                world = base[k] if difference[k] is None else base[k] + difference[k]
                out[node][block.start : block.stop, :, time] = world * scales[k] + centres[k]

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

    if by not in (None, "unit"):
        raise CausalError(Fault(f"by={by!r} is not known", mend="leave it out, or give by='unit'"))
    plan = _plan(fit, interventions, horizon)
    at = _node(fit, outcome, "the outcome")
    scale = fit.model.design.scales[at]
    size, units, times = plan.effects.shape[0], len(plan.units), len(plan.times)
    out = np.zeros((size, units, times) if by else (size, times))

    def fill(block: _Block) -> None:
        for time, _, difference in _periods(plan, block, seed, with_base=plan.needs_levels):
            change = difference[at]
            if change is not None:
                out[block.start : block.stop, ..., time] = scale * (change if by else change.mean(axis=1))

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
    """One term in a node's equation: cause, lag, column in `effects`, and the factor (time, unit) where it is not one."""

    cause: int
    lag: int
    column: int
    factor: Floats | None


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
    order: tuple[int, ...]
    steps: tuple[tuple[_Step, ...], ...]
    shifts: dict[int, Floats]
    sets: dict[int, Floats]

    @property
    def needs_levels(self) -> bool:
        """Whether the difference depends on the base world's levels."""
        return bool(self.sets) or any(step.factor is not None for steps in self.steps for step in steps)


def _plan(fit: Fit, given: str | Intervention | Iterable[Intervention], horizon: int) -> _Plan:
    if isinstance(horizon, bool) or not isinstance(horizon, (int, np.integer)) or horizon < 0:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise CausalError(Fault(f"the horizon is {horizon!r}", mend="give a whole number of periods, 0 or above"))
    interventions = as_interventions(given)
    model = fit.model
    panel = model.study.panel
    units, times = panel.units[model.design.units], _extended(panel.times, int(horizon))
    shape = (len(times), len(units))
    factors: dict[int, Floats] = {}
    shifts: dict[int, Floats] = {}
    sets: dict[int, Floats] = {}
    faults: list[Fault] = []
    for intervention in interventions:
        try:
            active = _active(intervention, units, times)
            if isinstance(intervention, (Cut, ScaleEdge)):
                factor = intervention.factor if isinstance(intervention, ScaleEdge) else 0.0
                for column, power in _columns_of(fit, intervention.edge):
                    factors.setdefault(column, np.ones(shape))[active] *= factor**power
            else:
                node = _node(fit, intervention.node, type(intervention).__name__)
                scale, centre = model.design.scales[node], model.design.centres[node]
                if isinstance(intervention, Shift):
                    shifts.setdefault(node, np.zeros(shape))[active] += intervention.amount / scale
                else:
                    sets.setdefault(node, np.full(shape, np.nan))[active] = (intervention.value - centre) / scale
        except CausalError as error:
            faults.extend(error.faults)
    raise_all(faults)
    system = model.system
    index = {node: k for k, node in enumerate(system.nodes)}
    steps: list[list[_Step]] = [[] for _ in system.nodes]
    for column, term in enumerate(system.terms):
        steps[index[term.effect]].append(_Step(index[term.cause], term.lag, column, factors.get(column)))
    posterior = fit.posterior
    flat = {str(name): np.ascontiguousarray(value.to_numpy().reshape(-1, value.shape[-1])) for name, value in posterior.data_vars.items()}
    mixing = None
    if model.loadings:
        loadings = np.zeros((len(flat["effect"]), len(system.nodes), len(system.nodes)))
        for k, (row, column) in enumerate(model.loadings):
            loadings[:, row, column] = flat["shock_loading"][:, k]
        mixing = np.linalg.inv(np.eye(len(system.nodes)) - loadings)
    missing = flat["missing"] - model.design.hole_start if "missing" in flat else None
    order = tuple(index[name] for name in model.graph.order if name in index)
    return _Plan(fit, units, times, flat["effect"], flat["shock_sd"], mixing, missing, order, tuple(map(tuple, steps)), shifts, sets)


def _periods(plan: _Plan, block: _Block, seed: int, *, with_base: bool) -> Iterator[tuple[int, list[Any], list[Any]]]:
    """For each period: the base world and the difference, a list over nodes of (draw, unit); None where there is no difference."""
    design = plan.fit.model.design
    lags = plan.fit.model.system.lags
    effects = plan.effects[block.start : block.stop]
    shape = (len(effects), len(plan.units))
    nodes = len(plan.steps)
    panel_times = design.standard.shape[2]
    base_past: list[list[Any]] = []
    difference_past: list[list[Any]] = []
    level = _Levels(plan, block, seed) if with_base else None
    given = _given(plan) if with_base else None
    latest_start = int(design.sweep.first.max())
    for time in range(len(plan.times)):
        base: list[Any] = [None] * nodes
        difference: list[Any] = [None] * nodes
        base_past.append(base)
        difference_past.append(difference)
        for node in plan.order:
            if level is not None:
                value = level.draw(node, time)
                for step in plan.steps[node]:
                    if step.lag <= time:
                        value += effects[:, step.column, None] * base_past[-1 - step.lag][step.cause]
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
                    part = effect * moved if factor is None else effect * factor * moved
                    change = part if change is None else change + part
                if factor is not None:
                    part = effect * (factor - 1.0) * base_past[-1 - step.lag][step.cause]
                    change = part if change is None else change + part
            shift = plan.shifts.get(node)
            if shift is not None and shift[time].any():
                change = np.broadcast_to(shift[time], shape) + (0.0 if change is None else change)
            held = plan.sets.get(node)
            if held is not None and not np.isnan(held[time]).all():
                free = np.zeros(shape) if change is None else change
                change = np.where(np.isnan(held[time]), free, held[time] - base[node])
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
    model = plan.fit.model
    design, system, sweep = model.design, model.system, model.design.sweep
    nodes, size = len(system.nodes), draws.stop - draws.start
    means, yearly = _swept_means(plan, draws)
    rows, columns = system.positions()
    residual = np.zeros((size, nodes, nodes * (system.lags + 1)))
    residual[:, rows, columns] = -plan.effects[draws]
    residual[:, np.arange(nodes), np.arange(nodes)] += 1.0
    sd = plan.shock_sd[draws].T
    length = (sweep.stop - sweep.first).astype(float)
    periods = len(sweep.year_link)
    values, vectors = np.linalg.eigh(sweep.year_link) if periods else (np.zeros(0), np.zeros((0, 0)))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    white_year = generator.standard_normal((nodes, size, periods)) * sd[:, :, None]
    white_unit = generator.standard_normal((nodes, size, len(plan.units))) * sd[:, :, None]
    if plan.mixing is not None:
        white_year = np.einsum("dvw,wdt->vdt", plan.mixing[draws], white_year)
        white_unit = np.einsum("dvw,wdi->vdi", plan.mixing[draws], white_unit)
    year = np.einsum("dvq,dtq->vdt", residual, yearly) @ sweep.year_link + white_year @ root.T
    share = in_use(sweep, periods) / length[:, None]
    unit = np.einsum("dvq,diq->vdi", residual, means) - year @ share.T + white_unit / np.sqrt(length)
    return unit, year


def _swept_means(plan: _Plan, draws: slice) -> tuple[Floats, Floats]:
    """Each unit's mean of the stacked columns (draw, unit, column), and the yearly sums of the centred ones (draw, period, column)."""
    model = plan.fit.model
    design, lags = model.design, model.system.lags
    sweep = design.sweep
    columns = stacked(design.filled, lags)
    width, periods = columns.shape[2], len(sweep.year_link)
    mask = in_use(sweep, columns.shape[1])[:, :, None]
    length = (sweep.stop - sweep.first).astype(float)
    mean = (mask * columns).sum(axis=1) / length[:, None]
    yearly = (mask * (columns - mean[:, None])).sum(axis=0)[:periods]
    if plan.missing is None:
        return mean[None], yearly[None]
    from scipy import sparse

    node, unit, time = design.holes
    hole = np.arange(len(node))
    by_unit: list[tuple[Any, Any, Any]] = []
    by_year: list[tuple[Any, Any, Any]] = []
    for lag in range(lags + 1):
        here = hole[(time + lag >= sweep.first[unit]) & (time + lag < sweep.stop[unit])]
        column = lag * len(model.system.nodes) + node[here]
        weight = 1.0 / length[unit[here]]
        by_unit.append((weight, here, unit[here] * width + column))
        by_year.append((np.ones(len(here)), here, (time[here] + lag) * width + column))
        for k, first, stop, position, share in zip(here, sweep.first[unit[here]], sweep.stop[unit[here]], column, weight, strict=True):
            by_year.append((np.full(stop - first, -share), np.full(stop - first, k), np.arange(first, stop) * width + position))

    def scatter(parts: list[tuple[Any, Any, Any]], size: int) -> Any:
        weights, rows, at = (np.concatenate([part[k] for part in parts]) for k in range(3))
        return sparse.csr_array(sparse.coo_array((weights, (rows, at)), shape=(len(hole), size)))

    moved = plan.missing[draws]
    means = mean[None] + (moved @ scatter(by_unit, mean.size)).reshape(-1, *mean.shape)
    years = yearly[None] + (moved @ scatter(by_year, yearly.size)).reshape(-1, *yearly.shape)
    return means, years


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
        raise CausalError(Fault(f"{what}: '{name}' is not measured by this study", mend=f"measured: {', '.join(nodes)}"))
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
                Fault(f"'{edge.name}' shares its term '{term.name}' with roads that it is no part of", mend="this study cannot tell them apart; measure what lies between")
            )
        found.append((column, powers[0]))
    if not found:
        raise CausalError(Fault(f"'{edge.name}' is carried by none of this study's equations, so changing it would change nothing here", mend=f"fitted: {'; '.join(term.name for term in fit.model.system.terms)}"))
    return found


def _active(intervention: Intervention, units: NDArray[Any], times: NDArray[Any]) -> NDArray[np.bool_]:
    """Where the intervention acts: (time, unit)."""
    name = type(intervention).__name__
    faults: list[Fault] = []
    chosen = np.ones(len(units), dtype=bool)
    if intervention.units is not None:
        known = {str(unit): k for k, unit in enumerate(units)}
        faults.extend(
            Fault(f"{name}: no unit '{unit}' in the fit", mend=nearest(str(unit), known)) for unit in intervention.units if str(unit) not in known
        )
        chosen = np.isin(np.arange(len(units)), [known[str(unit)] for unit in intervention.units if str(unit) in known])
    bounds: list[int] = []
    for bound, label, otherwise in ((intervention.start, "start", 0), (intervention.stop, "stop", len(times) - 1)):
        position = otherwise if bound is None else _position(bound, times)
        if position is None:
            faults.append(Fault(f"{name}: {label} {bound} is no time of the panel or of the horizon after it", mend=f"times run from {times[0]} to {times[-1]}"))
        else:
            bounds.append(position)
    raise_all(faults)
    active = np.zeros((len(times), len(units)), dtype=bool)
    active[bounds[0] : bounds[1] + 1, chosen] = True
    return active


def _position(bound: object, times: NDArray[Any]) -> int | None:
    """The index of a time, found by its value or by its text."""
    matches = [k for k, time in enumerate(times) if time == bound or str(time) == str(bound)]
    return matches[0] if matches else None


def _extended(times: NDArray[Any], horizon: int) -> NDArray[Any]:
    """The panel's times and `horizon` more of the same kind and step."""
    if horizon == 0:
        return times
    if np.issubdtype(times.dtype, np.number) or np.issubdtype(times.dtype, np.datetime64):
        step = times[-1] - times[-2]
        return np.concatenate([times, times[-1] + step * np.arange(1, horizon + 1)])
    return np.concatenate([times.astype(object), np.array([f"{times[-1]}+{k}" for k in range(1, horizon + 1)], dtype=object)])
