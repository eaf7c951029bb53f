"""How linear systems move, written out plainly, in natural units, from what a `Fit` says of its edges.

Nothing of `causal.dynamics` or `causal.equations` is used: responses by a recursion over periods and terms, radii by the companion matrix of all lags of
all nodes (of all units), loops by networkx, cuts by trying everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from causal.fit import Fit

type Array = NDArray[np.float64]
type Place = tuple[str, str, int, bool]
type Draws = Mapping[str, Array]


def places(fit: Fit) -> dict[str, Place]:
    """Of each term its cause, effect and lag, and whether it comes from other units."""
    return {term.name: (term.cause, term.effect, term.lag, bool(term.across)) for term in fit.model.system.terms}


def drawn(fit: Fit) -> dict[str, Array]:
    """Each term's effects (draw,) in natural units, chain after chain."""
    return {name: fit.edge(name).transpose("chain", "draw").to_numpy().reshape(-1) for name in places(fit)}


def states(terms: Mapping[str, Place], draws: Draws, nodes: Sequence[str], weights: Array | None = None) -> Array:
    """The companion matrices (draw, state, state) of all nodes of all units."""
    weights = np.zeros((1, 1)) if weights is None else weights
    size, units = len(next(iter(draws.values()))), len(weights)
    lags = max(lag for _, _, lag, _ in terms.values())
    width = units * len(nodes)
    whole = np.zeros((lags + 1, size, width, width))
    for name, (cause, effect, lag, across) in terms.items():
        joining = np.zeros((len(nodes), len(nodes)))
        joining[nodes.index(effect), nodes.index(cause)] = 1.0
        whole[lag] += draws[name][:, None, None] * np.kron(weights if across else np.eye(units), joining)
    now = np.linalg.inv(np.eye(width) - whole[0])
    found = np.zeros((size, max(lags, 1) * width, max(lags, 1) * width))
    for lag in range(1, lags + 1):
        found[:, :width, (lag - 1) * width : lag * width] = now @ whole[lag]
    if lags > 1:
        found[:, width:, :-width] = np.eye((lags - 1) * width)
    return found


def radii(terms: Mapping[str, Place], draws: Draws, nodes: Sequence[str], weights: Array | None = None) -> Array:
    """The largest modulus (draw,) among the companion matrix's eigenvalues."""
    return np.abs(np.linalg.eigvals(states(terms, draws, nodes, weights))).max(axis=1)


def response(
    terms: Mapping[str, Place],
    draws: Draws,
    order: Sequence[str],
    cause: str,
    horizon: int,
    weights: Array | None = None,
    *,
    lasting: bool = False,
) -> dict[str, Array]:
    """What a shift of `cause` in every unit moves, each node (period, draw), the mean over units. `order`: causes within the period first."""
    units, size = 1 if weights is None else len(weights), len(next(iter(draws.values())))
    moved = {node: np.zeros((horizon + 1, units, size)) for node in order}
    for t in range(horizon + 1):
        for node in order:
            if node == cause and (lasting or t == 0):
                moved[node][t] += 1.0
            for name, (source, effect, lag, across) in terms.items():
                if effect == node and lag <= t:
                    felt = moved[source][t - lag]
                    moved[node][t] += draws[name] * (weights @ felt if across and weights is not None else felt)
    return {node: values.mean(axis=1) for node, values in moved.items()}


def loops(terms: Mapping[str, Place]) -> dict[frozenset[str], tuple[str, ...]]:
    """Cycles of two nodes or more within units: the terms, and the nodes passed."""
    joined = nx.DiGraph([(cause, effect) for cause, effect, _, across in terms.values() if not across])
    found: dict[frozenset[str], tuple[str, ...]] = {}
    for cycle in nx.simple_cycles(joined):
        if len(cycle) < 2:
            continue
        steps = [
            [name for name, (c, e, _, across) in terms.items() if (c, e, across) == (*step, False)]
            for step in zip(cycle, [*cycle[1:], cycle[0]], strict=True)
        ]
        for chosen in product(*steps):
            found[frozenset(chosen)] = tuple(cycle)
    return found


def shares(
    terms: Mapping[str, Place], draws: Draws, nodes: Sequence[str], weights: Array | None = None
) -> tuple[dict[str, list[float]], dict[tuple[str, ...], float]]:
    """P(radius < 1) of each edge at the factors 0, .01, ... .99, and of each set of one to three edges when they are cut."""

    def share(factors: Mapping[str, float]) -> float:
        scaled = {name: b * factors.get(name, 1.0) for name, b in draws.items()}
        return float(np.mean(radii(terms, scaled, nodes, weights) < 1.0))

    single = {name: [share({name: k / 100}) for k in range(100)] for name in terms}
    sets = {
        chosen: share(dict.fromkeys(chosen, 0.0)) for size in (1, 2, 3) for chosen in combinations(sorted(terms), size)
    }
    return single, sets
