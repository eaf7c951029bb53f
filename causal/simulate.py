"""Worlds under interventions, what an intervention changes, and the observed panel replayed under one.

`simulate` gives worlds, `contrast` what lies between two of them, `counterfactual` the panel as it would have been: the noise is taken from the observed
values (Pearl's abduction), so that nothing is left to chance but what was not seen. What the answers rest on stands in their attributes
(`causal.rests`). The recursion is that of `causal.worlds`, the arrays are laid out by `causal.plan`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from causal import families
from causal.errors import CausalError, Fault
from causal.fit import Fit
from causal.intervene import Intervention
from causal.levels import Block
from causal.plan import Plan, Population, lay_out
from causal.rests import rests_on_text
from causal.worlds import each_block, periods

if TYPE_CHECKING:
    import xarray as xr

Given = str | Intervention | Iterable[Intervention]
"""One intervention, several, or their text."""

_STRAIGHT = ("normal", "student-t", *families.LOGISTIC)
"""Families whose value scale is the natural one."""


def simulate(
    fit: Fit, interventions: Given = (), *, horizon: int = 0, seed: int = 0, population: Population = "units"
) -> xr.Dataset:
    """Worlds in which the interventions act: each measured node, natural units, dims (draw, unit, time).

    Every draw of the fit in chain-major order; times are the panel's and `horizon` periods after it. ``population="new"`` makes in each draw the world of one
    unit, named "new", whose unit effects and starting values are drawn from how the panel's units differ. Raises `CausalError` for
    interventions that this fit cannot carry out.
    """
    import xarray as xr

    plan = lay_out(fit, interventions, horizon=horizon, seed=seed, population=population)
    nodes = plan.model.system.nodes
    out = {node: np.empty((len(plan.draws), len(plan.units), len(plan.times))) for node in nodes}

    def fill(block: Block) -> None:
        for time, base, (difference,) in periods(plan, block, seed, base="drawn"):
            for k, node in enumerate(nodes):
                world = plan.natural(k, base[k] if difference[k] is None else base[k] + difference[k])
                # A held value is given back to the last digit, not as what scaling and unscaling leave of it.
                if k in plan.sets:
                    world = np.where(np.isnan(plan.sets[k][time]), world, plan.sets[k][time])
                out[node][block.draws, :, time] = world

    each_block(plan, fill)
    return xr.Dataset(
        {node: (("draw", "unit", "time"), values) for node, values in out.items()},
        coords=_coords(plan),
        attrs={"population": population, "rests_on": rests_on_text(plan)},
    )


def contrast(
    fit: Fit,
    interventions: Given,
    *,
    outcome: str,
    horizon: int = 0,
    seed: int = 0,
    by: Literal["unit"] | None = None,
    population: Population = "units",
) -> xr.DataArray:
    """What the interventions change in `outcome`, natural units: dims (draw, time), the mean over all units.

    ``by="unit"`` keeps the units: (draw, unit, time). It is `simulate` with the interventions minus `simulate` without, at one seed, draw
    by draw. The attribute `rests_on` says in words what each edge on the way rests on. Raises `CausalError` as `simulate` does, and for an outcome
    that is not measured.
    """
    import xarray as xr

    if by is not None and by != "unit":
        raise CausalError(Fault(f"by={by!r} is not known", mend="leave it out, or give by='unit'"))
    plan = lay_out(fit, interventions, horizon=horizon, seed=seed, outcomes=(outcome,), population=population)
    at = plan.node(outcome)
    size, units, times = len(plan.draws), len(plan.units), len(plan.times)
    out = np.zeros((size, units, times) if by else (size, times))

    def fill(block: Block) -> None:
        for time, base, (difference,) in periods(plan, block, seed, base="drawn" if plan.needs_levels else "none"):
            if difference[at] is not None:
                moved = natural_change(plan, at, base[at], difference[at])
                out[block.draws, ..., time] = moved if by else moved.mean(axis=1)

    each_block(plan, fill)
    coords = _coords(plan)
    if not by:
        del coords["unit"]
    return xr.DataArray(
        out,
        dims=("draw", "unit", "time") if by else ("draw", "time"),
        coords=coords,
        name=outcome,
        attrs={"population": population, "rests_on": rests_on_text(plan, (outcome,))},
    )


@overload
def counterfactual(fit: Fit, interventions: Given, *, outcome: str, seed: int = 0) -> xr.DataArray: ...


@overload
def counterfactual(fit: Fit, interventions: Given, *, outcome: None = None, seed: int = 0) -> xr.Dataset: ...


def counterfactual(
    fit: Fit, interventions: Given, *, outcome: str | None = None, seed: int = 0
) -> xr.DataArray | xr.Dataset:
    """The observed panel as it would have been under the interventions: (draw, unit, time), natural units; all measured nodes without `outcome`.

    The noise of each unit-year is what the observed values leave of the fitted equations: exactly for Normal and student-t nodes, for the others drawn among
    the chances that give the observed value (Pearl 2009, section 7.1, draw by draw). A missing value inside a unit's span is in each draw what
    the fit takes it for; where a unit was not in the panel the answer is NaN, and so it is after a unit's span, where something changes.
    The replay of a unit begins with its first period in the fit. No intervention gives back the observed values exactly. Raises
    `CausalError` as `contrast` does.
    """
    import xarray as xr

    plan = lay_out(fit, interventions, seed=seed, outcomes=() if outcome is None else (outcome,))
    model, names = plan.model, plan.model.system.nodes
    wanted = range(len(names)) if outcome is None else [plan.node(outcome)]
    natural = model.study.values(model.graph).sel(variable=list(names)).to_numpy()[:, model.design.units]
    missing = np.zeros(natural.shape, dtype=bool)
    missing[tuple(model.design.holes)] = True
    missing &= np.isnan(natural)
    stop = model.design.sweep.stop
    out = {k: np.empty((len(plan.draws), len(plan.units), len(plan.times))) for k in wanted}

    def fill(block: Block) -> None:
        for time, base, (difference,) in periods(plan, block, seed, base="observed"):
            for k in wanted:
                world = np.broadcast_to(natural[k, :, time], base[k].shape)
                if missing[k, :, time].any():
                    world = np.where(missing[k, :, time], plan.natural(k, base[k]), world)
                if difference[k] is not None:
                    change = natural_change(plan, k, base[k], difference[k])
                    world = world + np.where((time >= stop) & (change != 0.0), np.nan, change)
                if plan.family(k) in families.LOGISTIC:
                    world = np.round(world)
                if k in plan.sets:
                    world = np.where(np.isnan(plan.sets[k][time]) | np.isnan(world), world, plan.sets[k][time])
                out[k][block.draws, :, time] = world

    each_block(plan, fill)
    worlds = xr.Dataset(
        {names[k]: (("draw", "unit", "time"), values) for k, values in out.items()},
        coords=_coords(plan),
        attrs={"rests_on": rests_on_text(plan, () if outcome is None else (outcome,))},
    )
    return worlds if outcome is None else worlds[outcome].assign_attrs(worlds.attrs)


def natural_change(plan: Plan, node: int, base: Any, difference: Any) -> Any:
    """What a difference on the standard scale (draw, unit) is in natural units, from that base world."""
    if plan.family(node) in _STRAIGHT:
        return plan.model.design.scales[node] * difference
    return plan.natural(node, base + difference) - plan.natural(node, base)


def _coords(plan: Plan) -> dict[str, Any]:
    return {"draw": np.arange(len(plan.draws)), "unit": plan.units, "time": plan.times}
