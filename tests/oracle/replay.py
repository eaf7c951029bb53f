"""Every kind of intervention, in worlds of any family, by a slow recursion over periods, nodes and units.

Written from what the kinds mean, in natural units, and from nothing of `causal.simulate`: each unit's value in each period comes from one equation that
is spelled out in `_value`. What the recursion is given is the world without intervention. A Normal node's equation is then known up to
what the world holds of unit effect, year effect and shock, ``v = base_v + sum of b (f w_u - base_u) + ...``; a node that is not Normal is drawn anew
at the quantile of the world without intervention, which `quantiles` repeats: one generator a node, in order, spawned from seed and block.

`mixed_fit` writes the draws of a fit down whose nodes may be of any family; `columns` makes data for such a fit.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from causal.fit import Convergence, Fit
from causal.intervene import AddEdge, Cut, Intervention, Path, Policy, Scale, ScaleEdge, Set, Shift
from causal.model import Model
from causal.syntax import read_edge
from tests.oracle.worlds import Array, made_fit

type World = Mapping[str, Array]

PARAMETERS: dict[str, tuple[float, ...]] = {
    "student-t": (0.7, 5.0),
    "hurdle-lognormal": (0.6, 0.7, 0.5),
    "negative-binomial": (0.5,),
    "beta": (12.0,),
    "ordered": (1.2, 2.4),
}
"""sd, freedom; sd, hurdle level and slope; dispersion; precision; the cuts behind the first, which stands at 0."""
ON_VALUES = ("normal", "student-t")
"""Families whose values a `Scale` multiplies; those of the others are multiplied as log or odds."""
_OPERATORS: dict[str, Callable[[Array, float], NDArray[np.bool_]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


# ---------------------------------------------------------------------------------------------- made-up fits


def columns(
    families: Mapping[str, str], *, units: int, times: Iterable[int], seed: int, level: float = 2.0
) -> pd.DataFrame:
    """A frame with unit, year and a column of allowed values, independent of each other, for each node of a family."""
    generator = np.random.default_rng(seed)
    years = list(times)
    size = units * len(years)
    out: dict[str, Any] = {"unit": np.repeat([f"u{k}" for k in range(units)], len(years)), "year": years * units}
    for node, family in families.items():
        noise = generator.normal(size=size)
        out[node] = {
            "lognormal": lambda noise=noise: np.exp(0.5 + 0.7 * noise),
            "hurdle-lognormal": lambda noise=noise: np.where(generator.random(size) < 0.7, np.exp(0.6 * noise), 0.0),
            "poisson": lambda: generator.poisson(3.0, size).astype(float),
            "negative-binomial": lambda: generator.poisson(3.0 * generator.gamma(4.0, 0.25, size)).astype(float),
            "bernoulli": lambda: (generator.random(size) < 0.5).astype(float),
            "ordered": lambda: (np.arange(size) + generator.integers(0, 2, size)) % 4.0,
            "beta": lambda: generator.beta(5.0, 5.0, size),
        }.get(family, lambda noise=noise: level + 1.5 * noise)()
    return pd.DataFrame(out)


def mixed_fit(
    model: Model, *, draws: int = 10, seed: int = 0, effects: Mapping[str, float] | None = None, spread: float = 0.05
) -> Fit:
    """A fit with made-up draws of a model whose nodes may be of any family: levels differ between draws, family parameters do not."""
    made = made_fit(model, draws=draws, seed=seed, effects=effects, spread=spread).posterior
    generator = np.random.default_rng([seed, 1])
    shape = (made.sizes["chain"], made.sizes["draw"])
    kept = [name for name in made.data_vars if name != "shock_sd"]
    variables: dict[str, Any] = {str(name): made[name] for name in kept}
    variables["shock_sd"] = made["shock_sd"].sel(node=list(model.linear_nodes))
    first, stop = model.year_span or (0, 0)
    for cells in model.cells:
        node, units = model.system.nodes[cells.node], len(model.design.units)
        level = {"poisson": 1.0, "negative-binomial": 1.0, "ordered": 1.0}.get(cells.family, 0.3)
        level = level + 0.4 * generator.standard_normal((*shape, units))
        variables[f"unit_level_{node}"] = (("chain", "draw", f"unit_of_{node}"), level)
        if stop > first:
            year = 0.2 * generator.standard_normal((*shape, stop - first))
            variables[f"year_level_{node}"] = (("chain", "draw", f"time_of_{node}"), year)
        if cells.parameter_names:
            known = np.broadcast_to(PARAMETERS[cells.family], (*shape, len(cells.parameter_names)))
            variables[f"family_parameter_{node}"] = (("chain", "draw", f"parameter_of_{node}"), known)
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(variables)})
    return Fit(model, tree, Convergence(1.0, 4000.0, 0.0, ()))


# ---------------------------------------------------------------------------------------------- families


def on_value_scale(family: str, natural: Array) -> Array:
    """What of natural values enters the equations of a node's effects."""
    if family == "lognormal":
        return np.log(natural)
    if family in ("poisson", "negative-binomial", "hurdle-lognormal"):
        return np.log(1.0 + natural)
    return np.log(natural / (1.0 - natural)) if family == "beta" else natural


def below(family: str, level: int, eta: Array) -> Array:
    """The chance of a value of `level` or less, of families with a few levels."""
    if level < 0:
        return np.zeros_like(eta)
    cuts = (0.0, *PARAMETERS["ordered"]) if family == "ordered" else (0.0,)
    return 1.0 / (1.0 + np.exp(eta - cuts[level])) if level < len(cuts) else np.ones_like(eta)


def quantile(family: str, chance: Array, eta: Array, centre: float, per_sd: float) -> Array:
    """Natural values at `chance`, of one shape with `eta`, of a family with its `PARAMETERS`."""
    given = PARAMETERS.get(family, ())
    if family == "student-t":
        return eta + given[0] * stats.t.ppf(chance, given[1])
    if family == "hurdle-lognormal":
        zero = 1.0 / (1.0 + np.exp(given[1] + given[2] * (eta - centre) / per_sd))
        above = np.maximum(chance - zero, 0.0) / (1.0 - zero)
        return np.where(chance <= zero, 0.0, np.exp(eta) * stats.lognorm.ppf(above, given[0]))
    if family == "poisson":
        return stats.poisson.ppf(chance, np.exp(eta))
    if family == "negative-binomial":
        return stats.nbinom.ppf(chance, given[0] ** -2, 1.0 / (1.0 + given[0] ** 2 * np.exp(eta)))
    if family == "beta":
        mean = 1.0 / (1.0 + np.exp(-eta))
        return stats.beta.ppf(chance, mean * given[0], (1.0 - mean) * given[0])
    levels = 4 if family == "ordered" else 2
    return np.sum([chance > below(family, level, eta) for level in range(levels - 1)], axis=0).astype(float)


def quantiles(fit: Fit, base: xr.Dataset, seed: int) -> dict[str, Array]:
    """The quantiles (draw, unit, time) at which the nodes that are not Normal are drawn; of fits that are worked on in one piece."""
    shape = (base.sizes["draw"], base.sizes["unit"])
    if shape[0] * shape[1] > 2**13:
        raise ValueError("the fit is too large to be worked on in one piece")
    roots = np.random.SeedSequence([seed, 0]).spawn(len(fit.model.system.nodes) + 1)
    out: dict[str, Array] = {}
    for cells in fit.model.cells:
        generator = np.random.default_rng(roots[cells.node])
        out[fit.model.system.nodes[cells.node]] = np.stack(
            [generator.random(shape) for _ in range(base.sizes["time"])], axis=2
        )
    return out


# ---------------------------------------------------------------------------------------------- the recursion


@dataclass(frozen=True)
class Arrow:
    """One effect in an equation: natural units of the outcome's link per natural unit of the cause's value scale; (draw,)."""

    name: str
    cause: str
    effect: str
    lag: int
    size: Array
    across: bool
    added: AddEdge | None = None


def replayed(
    fit: Fit,
    base: xr.Dataset,
    interventions: Sequence[Intervention],
    *,
    chance: World | None = None,
    weights: Array | None = None,
    read_from: Mapping[str, World] | None = None,
    undone: Sequence[Intervention] = (),
) -> dict[str, Array]:
    """The world with the interventions, each node (draw, unit, time) in natural units, from the world without.

    `chance`: the quantiles of the nodes that are not Normal, as `quantiles` gives them. `read_from`: for the edges that it names, the world in
    which their cause is looked up instead of this one. `undone`: interventions that do not act; a node that they hold stays what it was.
    `weights` (unit, neighbour) of effects across units.
    """
    model = fit.model
    without = {node: base[node].transpose("draw", "unit", "time").to_numpy() for node in model.system.nodes}
    size, units, times = next(iter(without.values())).shape
    unit_names, time_values = [str(unit) for unit in base["unit"].to_numpy()], list(base["time"].to_numpy())
    arrows = [
        Arrow(term.name, term.cause, term.effect, term.lag, effect_of(fit, term.name), term.across is not None)
        for term in model.system.terms
    ]
    for item in interventions:
        if isinstance(item, AddEdge):
            edge = read_edge(item.edge)
            strength = np.full(size, item.effect)
            arrows.append(Arrow(edge.name, edge.cause, edge.effect, edge.lag, strength, across=False, added=item))
    world = {node: np.full_like(values, np.nan) for node, values in without.items()}
    reading = {arrow.name: (read_from or {}).get(arrow.name, world) for arrow in arrows}
    links = {
        model.system.nodes[cells.node]: link(fit, model.system.nodes[cells.node], without) for cells in model.cells
    }
    thresholds = [_conditions(fit, item) if isinstance(item, Policy) else [] for item in interventions]

    def felt(values: World, arrow: Arrow, i: int, t: int) -> Array:
        on_scale = on_value_scale(model.family(arrow.cause), values[arrow.cause][:, :, t - arrow.lag])
        if not arrow.across:
            return on_scale[:, i]
        assert weights is not None
        return np.sum([weights[i, other] * on_scale[:, other] for other in range(units)], axis=0)

    for t in range(times):
        for node in _order(model, arrows):
            for i in range(units):
                acting = [
                    (item, conditions)
                    for item, conditions in zip(interventions, thresholds, strict=True)
                    if _acts(item, time_values[t], unit_names[i])
                ]
                # First the edges: each term's factor, and the edges that are added.
                moved = np.zeros(size)
                for arrow in arrows:
                    if arrow.effect != node or arrow.lag > t:
                        continue
                    if arrow.added is not None:
                        if any(item is arrow.added for item, _ in acting):
                            moved += arrow.size * felt(reading[arrow.name], arrow, i, t)
                        continue
                    factor = 1.0
                    for item, _ in acting:
                        if isinstance(item, (Cut, ScaleEdge)) and model.graph.edge(item.edge).name == arrow.name:
                            factor *= item.factor if isinstance(item, ScaleEdge) else 0.0
                    before = felt(without, arrow, i, t)
                    moved += arrow.size * (factor * felt(reading[arrow.name], arrow, i, t) - before)
                factor, shift = 1.0, np.zeros(size)
                for item, conditions in acting:
                    if isinstance(item, Scale) and item.node == node:
                        factor *= item.factor
                    if isinstance(item, Shift) and item.node == node:
                        shift = shift + item.amount
                    if isinstance(item, Policy) and item.node == node:
                        shift = shift + item.shift * _holds(item, conditions, world, i, t)
                if node in links and t >= model.design.sweep.first[i]:
                    assert chance is not None
                    eta = links[node][:, i, t] + moved
                    value = _drawn(fit, node, chance[node][:, i, t], eta, factor, shift)
                elif node in links:
                    value = without[node][:, i, t]
                else:
                    value = _linear(model.family(node), without[node][:, i, t], moved, factor, shift)
                for item, _ in acting:
                    if isinstance(item, Set) and item.node == node:
                        value = np.full(size, item.value)
                    if isinstance(item, Path) and item.node == node:
                        for time, held in item.values:
                            value = np.full(size, held) if time == time_values[t] else value
                for item in undone:
                    if (
                        isinstance(item, (Set, Path))
                        and item.node == node
                        and _acts(item, time_values[t], unit_names[i])
                    ):
                        held_now = isinstance(item, Set) or time_values[t] in [time for time, _ in item.values]
                        value = without[node][:, i, t].copy() if held_now else value
                world[node][:, i, t] = value
    return world


def _linear(family: str, base: Array, moved: Array, factor: float, shift: Array) -> Array:
    """What a Normal equation gives (draw,), `moved` by its causes, then multiplied by `factor`, then shifted; natural units."""
    if family == "lognormal":
        return base * np.exp(moved) * factor * np.exp(shift)
    return factor * (base + moved) + shift


def _drawn(fit: Fit, node: str, chance: Array, eta: Array, factor: float, shift: Array) -> Array:
    """The same of a node that is not Normal: a value that is drawn at its quantile."""
    family = fit.model.family(node)
    (cells,) = (cells for cells in fit.model.cells if fit.model.system.nodes[cells.node] == node)
    if family in ON_VALUES:
        return factor * quantile(family, chance, eta, cells.centre, cells.per_sd) + shift
    return quantile(family, chance, eta + np.log(factor) + shift, cells.centre, cells.per_sd)


def link(fit: Fit, node: str, world: World) -> Array:
    """eta (draw, unit, time) of a node that is not Normal, given the values of its causes in `world`."""
    model = fit.model
    shape = world[node].shape
    eta = np.zeros(shape) + fit.draws(f"unit_level_{node}")[:, :, None]
    if f"year_level_{node}" in fit.posterior:
        first, stop = model.year_span or (0, 0)
        eta[:, :, first:stop] += fit.draws(f"year_level_{node}")[:, None, :]
    for term in model.system.terms:
        if term.effect == node:
            cause = on_value_scale(model.family(term.cause), world[term.cause])
            centre = model.design.centres[model.system.nodes.index(term.cause)]
            b = effect_of(fit, term.name)[:, None, None]
            eta[:, :, term.lag :] += b * (cause[:, :, : shape[2] - term.lag] - centre)
    return eta


def effect_of(fit: Fit, name: str) -> Array:
    """One term's effect (draw,) in natural units, chain after chain."""
    at = [term.name for term in fit.model.system.terms].index(name)
    return fit.draws("effect")[:, at] / fit.model.on_standard_scale(name)


def observed(fit: Fit, node: str) -> Array:
    """The natural values (unit, time) of a node that the panel holds, of the fitted units."""
    values = fit.model.study.values(fit.model.graph).sel(variable=node).transpose("unit", "time").to_numpy()
    return values[fit.model.design.units]


def _order(model: Model, arrows: Sequence[Arrow]) -> list[str]:
    """The nodes so that each stands behind its causes of the same period, added ones included."""
    before: dict[str, set[str]] = {node: set() for node in model.system.nodes}
    for arrow in arrows:
        if arrow.lag == 0:
            before[arrow.effect].add(arrow.cause)
    return list(TopologicalSorter(before).static_order())


def _acts(item: Intervention, time: Any, unit: str) -> bool:
    if item.units is not None and unit not in item.units:
        return False
    if isinstance(item, Path):
        return True
    return (item.start is None or item.start <= time) and (item.stop is None or time <= item.stop)


def _conditions(fit: Fit, item: Policy) -> list[tuple[str, int, str, float]]:
    """Node, lag, comparison and threshold in natural units of each condition, read from the text itself."""
    found: list[tuple[str, int, str, float]] = []
    for part in re.split(r"\s+(?:and|or)\s+", item.when):
        match = re.fullmatch(r"\s*(\S+)\[-(\d+)\]\s*(>=|<=|>|<)\s*(q?)(\S+)\s*", part)
        assert match is not None, part
        node, lag, sign, quantile_mark, number = match.groups()
        threshold = float(number)
        if quantile_mark:
            threshold = float(np.nanquantile(observed(fit, node), threshold / 100.0))
        found.append((node, int(lag), sign, threshold))
    return found


def _holds(item: Policy, conditions: Sequence[tuple[str, int, str, float]], world: World, i: int, t: int) -> Any:
    each = [
        _OPERATORS[sign](world[node][:, i, t - lag], threshold)
        if lag <= t
        else np.zeros(len(world[node]), dtype=np.bool_)
        for node, lag, sign, threshold in conditions
    ]
    return np.any(each, axis=0) if re.search(r"\sor\s", item.when) else np.all(each, axis=0)
