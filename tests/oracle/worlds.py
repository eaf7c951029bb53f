"""Interventions by a plain recursion, and fits whose draws are written down instead of sampled.

Loops over draws' arrays, units and periods, in natural units, from what a `Fit` says of its edges; nothing of `causal.simulate`
is used. What the plain recursion is given is the world without intervention.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from causal.fit import Convergence, Fit
from causal.graph import Graph
from causal.intervene import Cut, Intervention, ScaleEdge, Set, Shift
from causal.joint import build_model
from causal.model import Model
from causal.panel import Panel, Study

type Array = NDArray[np.float64]


def frame(nodes: Sequence[str], *, units: int, times: Sequence[object], seed: int, level: float = 3.0) -> pd.DataFrame:
    """Independent values around levels far from zero: what they are does not matter where the draws are written down."""
    generator = np.random.default_rng(seed)
    columns = {
        node: level * (k + 1) + (1.0 + k) * generator.normal(size=units * len(times)) for k, node in enumerate(nodes)
    }
    return pd.DataFrame(
        {"unit": np.repeat([f"u{k}" for k in range(units)], len(times)), "year": list(times) * units, **columns}
    )


def made_model(
    graph: Graph, rows: pd.DataFrame, *, year_effects: bool = True, weights: Mapping[str, pd.DataFrame] | None = None
) -> Model:
    """The model of a graph on such a frame."""
    study = Study(Panel.from_frame(rows, unit="unit", time="year"), weights=weights or {})
    return build_model(graph, study, year_effects=year_effects)


def made_fit(
    model: Model,
    *,
    chains: int = 2,
    draws: int = 50,
    seed: int = 0,
    effects: Mapping[str, float] | None = None,
    spread: float = 0.1,
    shock_sd: float | Sequence[float] | None = None,
) -> Fit:
    """A fit with made-up draws.

    `effects`: the natural-unit centre of each term, by its name; else drawn. `spread`: sd of the draws around it, in natural units.
    `shock_sd`: in natural units, the same in every draw; else drawn.
    """
    generator = np.random.default_rng(seed)
    shape, nodes, scales = (chains, draws), model.system.nodes, model.design.scales
    terms = [term.name for term in model.system.terms]
    centre = (
        effects
        if effects is not None
        else {name: generator.uniform(-0.4, 0.4) / model.on_standard_scale(name) for name in terms}
    )
    effect = [(centre[name] + spread * generator.normal(size=shape)) * model.on_standard_scale(name) for name in terms]
    sd = (
        generator.uniform(0.3, 0.9, size=(*shape, len(nodes)))
        if shock_sd is None
        else np.broadcast_to(shock_sd / scales, (*shape, len(nodes))).copy()
    )
    variables: dict[str, tuple[tuple[str, ...], Array]] = {
        "effect": (("chain", "draw", "edge"), np.stack(effect, axis=-1) if effect else np.zeros((*shape, 0))),
        "shock_sd": (("chain", "draw", "node"), sd),
    }
    if model.loadings:
        variables["shock_loading"] = (
            ("chain", "draw", "pair"),
            generator.uniform(-0.8, 0.8, size=(*shape, len(model.loadings))),
        )
    holes = model.design.holes.shape[1]
    if holes:
        variables["missing"] = (("chain", "draw", "hole"), generator.normal(size=(*shape, holes)))
    posterior = xr.Dataset(variables, coords={"edge": terms, "node": list(nodes)})
    return Fit(model, xr.DataTree.from_dict({"posterior": posterior}), Convergence(1.0, 4000.0, 0.0, ()))


def same_draws(fit: Fit, size: int) -> Fit:
    """The first draw of a fit, `size` times over."""
    posterior = fit.posterior.isel(chain=[0], draw=np.zeros(size, dtype=int))
    return Fit(fit.model, xr.DataTree.from_dict({"posterior": posterior}), fit.convergence)


def intervened(
    fit: Fit, base: xr.Dataset, interventions: Sequence[Intervention], weights: Array | None = None
) -> dict[str, Array]:
    """The world with the interventions, each node (draw, unit, time), from the world without.

    ``w_v = base_v + sum over edges of b (f w_u - base_u) + shift``, where nothing is set; across units w_u and base_u are summed over the
    other units by `weights` (unit, neighbour).
    """
    units, times = [str(unit) for unit in base["unit"].to_numpy()], list(base["time"].to_numpy())
    nodes = [name for name in fit.model.graph.order if name in base]
    without = {node: base[node].transpose("draw", "unit", "time").to_numpy() for node in nodes}
    world = {node: np.zeros_like(without[node]) for node in nodes}
    terms = [
        (term.cause, term.effect, term.lag, _draws(fit, term.name), term.name, term.across)
        for term in fit.model.system.terms
    ]

    def felt(values: Array, unit: int, across: str | None) -> Array:
        if across is None or weights is None:
            return values[:, unit]
        return np.sum([weights[unit, other] * values[:, other] for other in range(len(units))], axis=0)

    for t, time in enumerate(times):
        for node in nodes:
            for i, unit in enumerate(units):
                acting = [item for item in interventions if _acts(item, time, unit)]
                value = without[node][:, i, t].copy()
                for cause, effect, lag, b, name, across in terms:
                    if effect == node and lag <= t:
                        factor = 1.0
                        for item in acting:
                            if isinstance(item, (Cut, ScaleEdge)) and fit.model.graph.edge(item.edge).name == name:
                                factor *= item.factor if isinstance(item, ScaleEdge) else 0.0
                        moved = felt(world[cause][:, :, t - lag], i, across)
                        value += b * (factor * moved - felt(without[cause][:, :, t - lag], i, across))
                value += sum(item.amount for item in acting if isinstance(item, Shift) and item.node == node)
                for item in acting:
                    if isinstance(item, Set) and item.node == node:
                        value = np.full_like(value, item.value)
                world[node][:, i, t] = value
    return world


def without_causes(fit: Fit, world: Mapping[str, Array] | xr.Dataset) -> dict[str, Array]:
    """Each node less what its causes give it, (draw, unit, time): unit effect, year effect and shock. The first `lags` periods are NaN."""
    values = {node: np.asarray(world[node]) for node in fit.model.system.nodes}
    lags = fit.model.system.lags
    out = {node: value.copy() for node, value in values.items()}
    for term in fit.model.system.terms:
        b = _draws(fit, term.name)[:, None, None]
        out[term.effect][:, :, term.lag :] -= b * values[term.cause][:, :, : values[term.cause].shape[2] - term.lag]
    for value in out.values():
        value[:, :, :lags] = np.nan
    return out


def _draws(fit: Fit, name: str) -> Array:
    """One term's effect (draw,) in natural units, chain after chain."""
    standard = fit.posterior["effect"].sel(edge=name).transpose("chain", "draw").to_numpy().reshape(-1)
    return standard / fit.model.on_standard_scale(name)


def _acts(item: Intervention, time: object, unit: str) -> bool:
    after = item.start is None or item.start <= time
    before = item.stop is None or time <= item.stop
    return after and before and (item.units is None or unit in item.units)
