"""The looped system of linear equations, with its unit and year effects swept out.

For unit i and period t the measured nodes follow ``y = a_i + g_t + B0 y + B1 y[t-1] + ... + e``. The unit
effects ``a_i`` and year effects ``g_t`` are free, one for each node. Swept out by least squares, they leave
the cross-products ``S = X' M X`` of the columns ``X = [y, y[t-1], ...]``, where ``M`` projects on what units
and years do not explain. With ``A = [I - B0, -B1, ...]`` the residual cross-products are ``A S A'``.

Sweeping out the unit effects of a *lagged* outcome biases its effects (Nickell 1981): a past shock is
part of a cause now and part of the unit's mean. The bias of the score is known exactly. With the reduced form
``y = F y[t-1] + ...`` the shock at t enters the cause s periods later by ``F^(s-1)``, and ``M`` links the two
periods by its elements ``M[(i,t), (i,t+s)]``. So the expected score of B is minus the gradient of

    b(F) = sum over s >= 1 of c_s / s * trace(F^s),    c_s = - sum over i, t of M[(i,t), (i,t+s)]

whatever the shocks' covariance, and adding b to the log likelihood makes the score unbiased: Lancaster's
(2002) orthogonal reparameterisation, carried to a system, to unbalanced spans and to year effects. On a
complete panel of N units and T periods ``c_s`` is ``N (T - s) / T``, or ``(N - 1) (T - s) / T`` with year effects.

*Across units.* With effects C from the neighbours' means under weights W, all units together are one system, ``F = I x Phi + W x Gamma`` with
``Gamma = (I - B0)^-1 C``. W can be made upper triangular, and F with it, in blocks ``Phi + w_k Gamma`` over the eigenvalues w_k of W. So
on a complete panel ``b = sum over s of (T - s) / (s T) * sum over k of trace((Phi + w_k Gamma)^s)``: the mean over k in the place of one trace. Year
effects leave the differences between units, ``Q y`` with Q orthonormal and ``Q 1 = 0``. Where all rows of W have one sum, ``Q W = (Q W Q') Q``: the
differences are such a system themselves, of N - 1 units with the weights ``Q W Q'``, and sweeping the years out is exact with *its* eigenvalues.
Where some units have no neighbours it is so but for a share of the order of 1 / N of the term.

>>> import numpy as np
>>> sweep = sweep_out(np.zeros(4, int), np.full(4, 6), year_effects=True)
>>> [round(float(c), 3) for c in sweep.weights[:2]] == [3 * 5 / 6, 3 * 4 / 6]
True
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.graph import Edge, Graph

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LONGEST_ROAD = 2
"""Periods that a road through unmeasured nodes may take to become a term of the measured equations."""


@dataclass(frozen=True, slots=True)
class Term:
    """One coefficient of the measured system: `cause`, `lag` periods ago, in the equation of `effect`.

    `roads` are the paths of the graph that it carries: one edge, or edges through unmeasured nodes; a term
    with several roads carries the sum of their products. With `across` the cause is the other units' mean under these weights.
    """

    cause: str
    effect: str
    lag: int
    roads: tuple[tuple[Edge, ...], ...]
    across: str | None = None

    @property
    def name(self) -> str:
        """The name of the edge from cause to effect at this lag."""
        return Edge(self.cause, self.effect, self.lag, across=self.across).name

    @property
    def edge(self) -> Edge | None:
        """The graph's edge, where this term carries that edge and nothing else."""
        return self.roads[0][0] if len(self.roads) == 1 and len(self.roads[0]) == 1 else None


@dataclass(frozen=True, slots=True)
class System:
    """The equations of the measured nodes: `nodes`, `terms`, and pairs whose shocks of one period correlate.

    `left_out` lists, in words, what of the graph these equations do not carry.
    """

    nodes: tuple[str, ...]
    terms: tuple[Term, ...]
    correlated: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...] = ()

    @property
    def lags(self) -> int:
        """The longest lag of any term."""
        return max((term.lag for term in self.terms), default=0)

    @property
    def across(self) -> tuple[str, ...]:
        """The names of the weights of its effects across units, sorted."""
        return tuple(sorted({term.across for term in self.terms if term.across is not None}))

    @property
    def width(self) -> int:
        """The columns of ``[B0, B1, ...]``, and of ``[C1, ...]`` behind them where there are effects across units."""
        return len(self.nodes) * (self.lags + 1 + (self.lags if self.across else 0))

    def positions(self) -> tuple[Ints, Ints]:
        """Row (effect) and column (cause at its lag) of each term in ``[B0, B1, ..., C1, ...]``."""
        index = {node: k for k, node in enumerate(self.nodes)}
        rows = [index[term.effect] for term in self.terms]
        block = [term.lag if term.across is None else self.lags + term.lag for term in self.terms]
        columns = [at * len(self.nodes) + index[term.cause] for at, term in zip(block, self.terms, strict=True)]
        return np.array(rows, dtype=np.int64), np.array(columns, dtype=np.int64)


def measured_system(graph: Graph, measured: Sequence[str]) -> System:
    """The equations among the `measured` nodes that the graph implies, unmeasured nodes projected out.

    A road through unmeasured nodes becomes a term at the road's total lag. Roads longer than `LONGEST_ROAD`,
    roads that pass an unmeasured node twice (its memory) and common causes that reach two nodes in different
    periods are left out, and said to be. So are effects across units from or to an unmeasured node: they would reach further units.
    """
    kept = set(measured)
    across = [edge for edge in graph.edges if edge.across is not None]
    unmeasured = [edge.name for edge in across if not {edge.cause, edge.effect} <= kept]
    if across:
        graph = Graph(graph.nodes, tuple(edge for edge in graph.edges if edge.across is None), graph.latents)
    nodes = tuple(name for name in graph.names if name in kept)
    roads: dict[tuple[str, str, int], list[tuple[Edge, ...]]] = {}
    long_roads = 0
    for cause in nodes:
        for road in _roads(graph, cause, kept):
            end, lag = road[-1].effect, sum(edge.lag for edge in road)
            if len(road) > 1 and lag > LONGEST_ROAD:
                long_roads += 1
                continue
            roads.setdefault((end, cause, lag), []).append(road)
    order = {node: k for k, node in enumerate(nodes)}
    terms = tuple(
        Term(cause, effect, lag, tuple(found))
        for (effect, cause, lag), found in sorted(
            roads.items(), key=lambda item: (order[item[0][0]], order[item[0][1]], item[0][2])
        )
    )
    terms += tuple(
        Term(edge.cause, edge.effect, edge.lag, ((edge,),), edge.across)
        for edge in across
        if edge.name not in unmeasured
    )
    correlated, notes = _shared_shocks(graph, kept)
    notes = (*notes, *(f"{name}, one end of which is not measured" for name in unmeasured))
    if long_roads:
        notes = (*notes, f"{long_roads} roads through unmeasured nodes that take more than {LONGEST_ROAD} periods")
    return System(nodes, terms, correlated, notes)


@dataclass(frozen=True, slots=True)
class Sweep:
    """What sweeping out unit and year effects leaves, for units observed from `first` to before `stop`.

    `first`, `stop` (units): the periods in use. `year_link` (periods, periods): the pseudo-inverse that
    projects on years once units are swept out (zeros without year effects). `weights` (periods): c_s of
    the module's docstring, for s = 1, 2, ... `freedom`: the cells less what the effects take up.
    """

    first: Ints
    stop: Ints
    year_effects: bool
    year_link: Floats
    weights: Floats
    freedom: int


def sweep_out(first: Ints, stop: Ints, *, year_effects: bool) -> Sweep:
    """Prepare to sweep out unit effects, and year effects where asked, from spans of periods.

    `first`, `stop` (units): unit i is in use in the periods first[i] .. stop[i] - 1. Costs
    grow with the number of *different* spans, not of units.
    """
    periods = int(stop.max()) if len(stop) else 0
    spans, counts = np.unique(np.stack([first, stop], axis=1), axis=0, return_counts=True)
    gram = np.zeros((periods, periods))
    for (start, end), count in zip(spans, counts, strict=True):
        gram[start:end, start:end] += count * _centring(end - start)
    year_link = np.linalg.pinv(gram, rcond=1e-10, hermitian=True) if year_effects else np.zeros_like(gram)
    weights = np.zeros(max(periods - 1, 1))
    for (start, end), count in zip(spans, counts, strict=True):
        centring = _centring(end - start)
        block = centring - centring @ year_link[start:end, start:end] @ centring
        for s in range(1, end - start):
            weights[s - 1] -= count * np.trace(block, offset=s)
    years = int(np.linalg.matrix_rank(gram, hermitian=True)) if year_effects and periods else 0
    freedom = int((stop - first).sum()) - len(first) - years
    return Sweep(first, stop, year_effects, year_link, weights, freedom)


def stacked(values: Floats, lags: int, weights: Floats | None = None) -> Floats:
    """Values and their lags side by side, and behind them, with `weights` (unit, neighbour), the lags of the neighbours' means.

    `values` (..., node, unit, time) -> (..., unit, time, column), column ``l * nodes + v`` holding node v, l periods ago, and
    ``(lags + l) * nodes + v`` its neighbours' mean; the first `lags` periods have no past and are filled with zeros.
    """
    *worlds, nodes, units, times = values.shape
    columns = np.zeros((*worlds, units, times, nodes * (lags + 1 + (lags if weights is not None else 0))))
    for lag in range(lags + 1):
        columns[..., lag:, lag * nodes : (lag + 1) * nodes] = np.moveaxis(values[..., : times - lag], -3, -1)
    if weights is not None:
        means = np.einsum("ij,...vjt->...itv", weights, values)
        for lag in range(1, lags + 1):
            columns[..., lag:, (lags + lag) * nodes : (lags + lag + 1) * nodes] = means[..., : times - lag, :]
    return columns


def in_use(sweep: Sweep, times: int) -> Floats:
    """1.0 where a cell (unit, time) is in use, else 0.0."""
    time = np.arange(times)
    return ((time >= sweep.first[:, None]) & (time < sweep.stop[:, None])).astype(float)


def swept(values: Floats, sweep: Sweep) -> Floats:
    """Values (..., unit, time) less their unit and, where those are swept out, year effects; 0 where a cell is not in use."""
    mask = in_use(sweep, values.shape[-1])
    length = np.maximum(sweep.stop - sweep.first, 1)[:, None]

    def centred(cells: Floats) -> Floats:
        return mask * (cells - (mask * cells).sum(axis=-1, keepdims=True) / length)

    found = centred(values)
    if not sweep.year_effects:
        return found
    periods = len(sweep.year_link)
    year = np.zeros((*values.shape[:-2], 1, values.shape[-1]))
    year[..., 0, :periods] = found.sum(axis=-2)[..., :periods] @ sweep.year_link.T
    return found - centred(np.broadcast_to(year, values.shape))


def cross_products(columns: Floats, sweep: Sweep) -> Floats:
    """``X' M X``: the within-unit (and within-year) cross-products of `columns` (..., unit, time, column)."""
    *worlds, units, times, width = columns.shape
    mask = in_use(sweep, times)[:, :, None]
    length = np.maximum(sweep.stop - sweep.first, 1)[:, None, None]
    centred = mask * (columns - (mask * columns).sum(axis=-2, keepdims=True) / length)
    flat = centred.reshape(*worlds, units * times, width)
    yearly = centred.sum(axis=-3)[..., : len(sweep.year_link), :]
    return flat.mT @ flat - yearly.mT @ sweep.year_link @ yearly


def companion(coefficients: Floats, nodes: int) -> Floats:
    """The companion matrix of the reduced form of ``[B0, B1, ...]`` (..., node, column): (..., state, state)."""
    now = np.eye(nodes) - coefficients[..., :nodes]
    past = coefficients[..., nodes:]
    if past.shape[-1] == 0:
        return np.zeros((*coefficients.shape[:-2], nodes, nodes))
    size = past.shape[-1]
    out = np.zeros((*coefficients.shape[:-2], size, size), dtype=coefficients.dtype)
    out[..., :nodes, :] = np.linalg.solve(now, past)
    out[..., nodes:, :-nodes] = np.eye(size - nodes)
    return out


def responses(now: Floats, past: Sequence[Floats]) -> Iterator[Floats]:
    """What a shift of one period moves in it (`now`), in the next period and so on without end (..., effect, cause): ``R_h = sum over l of past_l R_(h-l)``.

    `past` holds the reduced forms ``(I - B0)^-1 B_l`` for l = 1, 2, ...
    """
    recent = [now]
    while True:
        yield recent[0]
        recent = [next_response(past, recent), *recent[: max(len(past) - 1, 0)]]


def next_response(past: Sequence[Floats], recent: Sequence[Floats]) -> Floats:
    """The next response, of the latest ones, the last first."""
    found = np.zeros_like(recent[0])
    for moves, response in zip(past, recent, strict=False):
        found = found + moves @ response
    return found


def in_mode(coefficients: Floats, nodes: int, eigenvalue: complex) -> NDArray[Any]:
    """``[B0, B1 + w C1, ...]`` of ``[B0, B1, ..., C1, ...]`` (..., node, column): the system on an eigenvector of the weights."""
    own = (coefficients.shape[-1] // nodes + 1) // 2 * nodes
    out = coefficients[..., :own] + 0.0 * eigenvalue
    out[..., nodes:] += eigenvalue * coefficients[..., own:]
    return out


def _centring(size: int) -> Floats:
    return np.eye(size) - 1.0 / size if size else np.zeros((0, 0))


def _roads(graph: Graph, cause: str, measured: set[str]) -> list[tuple[Edge, ...]]:
    """Paths from `cause` to measured nodes whose inner nodes are unmeasured and passed once.

    A path already longer than `LONGEST_ROAD` ends there, at an unmeasured node, for the caller to count.
    """
    found: list[tuple[Edge, ...]] = []
    stack: list[tuple[Edge, ...]] = [(edge,) for edge in graph.children(cause)]
    while stack:
        road = stack.pop()
        last = road[-1].effect
        if last in measured:
            found.append(road)
            continue
        passed = {edge.cause for edge in road}
        for edge in graph.children(last):
            lag = sum(step.lag for step in road) + edge.lag
            # Roads only grow longer, so what is already too long is reported once and not followed.
            if edge.effect != last and edge.effect not in passed - {cause}:
                if lag > LONGEST_ROAD and edge.effect not in measured:
                    if _leads_to_measured(graph, edge.effect, measured):
                        found.append((*road, edge))
                    continue
                stack.append((*road, edge))
    return sorted(found, key=lambda road: (len(road), [edge.name for edge in road]))


def _leads_to_measured(graph: Graph, name: str, measured: set[str]) -> bool:
    seen: set[str] = set()
    stack = [name]
    while stack:
        here = stack.pop()
        if here in measured:
            return True
        if here not in seen:
            seen.add(here)
            stack.extend(edge.effect for edge in graph.children(here))
    return False


def _shared_shocks(graph: Graph, measured: set[str]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Pairs of measured nodes that share a shock within the period, and in words what is shared across periods."""
    reached: list[set[tuple[str, int]]] = []
    for name in graph.names:
        if name not in measured:
            reached.append(_reach(graph, name, 0, measured))
    for latent in graph.latents:
        reached.append(_reach(graph, latent.left, -latent.lag, measured) | _reach(graph, latent.right, 0, measured))
    same: set[tuple[str, str]] = set()
    across: set[tuple[str, str]] = set()
    for points in reached:
        for (left, early), (right, late) in combinations(sorted(points), 2):
            if left != right and early == late:
                same.add((left, right))
            else:
                across.add((min(left, right), max(left, right)))
    notes = tuple(
        f"shocks that {left} and {right} share in different periods"
        if left != right
        else f"unmeasured memory in the shocks of {left}"
        for left, right in sorted(across)
    )
    return tuple(sorted(same)), notes


def _reach(graph: Graph, name: str, offset: int, measured: set[str]) -> set[tuple[str, int]]:
    """Measured points that a shock of `name` at `offset` enters before any other measured node."""
    found: set[tuple[str, int]] = set()
    seen: set[tuple[str, int]] = set()
    stack = [(name, offset)]
    while stack:
        point = stack.pop()
        if point in seen:
            continue
        seen.add(point)
        node, when = point
        if node in measured:
            found.add(point)
            continue
        # Memory is followed for a few periods only, else a self-lag would be followed for ever.
        stack.extend(
            (edge.effect, when + edge.lag)
            for edge in graph.children(node)
            if edge.effect in measured or when + edge.lag - offset <= LONGEST_ROAD
        )
    return found


def prior_of_product(
    moments: Mapping[str, tuple[float, float]], roads: Sequence[Sequence[Edge]]
) -> tuple[float, float]:
    """Mean and sd of the sum over roads of the product of independent effects, from each edge's (mean, sd).

    Exact for the first two moments where no edge lies on two of the roads.
    """
    mean, variance = 0.0, 0.0
    for road in roads:
        first = float(np.prod([moments[edge.name][0] for edge in road]))
        second = float(np.prod([moments[edge.name][0] ** 2 + moments[edge.name][1] ** 2 for edge in road]))
        mean += first
        variance += second - first**2
    return mean, float(np.sqrt(variance))
