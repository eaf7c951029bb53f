"""Exact second moments of random linear processes, with the infinite past.

Every node follows ``z[t] = sum of coefficient * cause[t - lag] + noise``; each latent is a noise of its own that
enters both its ends. Stacked over lags this is a first-order process ``s[t] = F s[t-1] + e[t]``, whose stationary
covariance P solves the discrete Lyapunov equation ``P = F P F' + Q``, and ``Cov(s[t], s[t-h]) = F^h P``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_discrete_lyapunov

from causal.graph import Edge, Graph
from causal.unroll import Point

type Array = NDArray[np.float64]


@dataclass(frozen=True)
class Process:
    """Coefficients by lag over the nodes and then the latents: ``weights[lag, effect, cause]``, and noise variances."""

    names: tuple[str, ...]
    weights: Array
    variances: Array
    moments: Array
    """Cov(z[t], z[t-h]) for h = 0 .. depth, over nodes and latents."""


def random_process(graph: Graph, seed: int, depth: int = 12) -> Process:
    """Random coefficients for every edge and latent, shrunk until the process is stationary (radius below .9)."""
    generator = np.random.default_rng(seed)
    names = (*graph.names, *(f"latent {at}" for at in range(len(graph.latents))))
    place = {name: at for at, name in enumerate(names)}
    lags = max(1, graph.max_lag)
    weights = np.zeros((lags + 1, len(names), len(names)))
    for edge in graph.edges:
        weights[edge.lag, place[edge.effect], place[edge.cause]] = _draw(generator)
    for at, latent in enumerate(graph.latents):
        # The latent is dated at its earlier end.
        weights[0, place[latent.left], place[f"latent {at}"]] += _draw(generator)
        weights[latent.lag, place[latent.right], place[f"latent {at}"]] += _draw(generator)
    variances = generator.uniform(0.5, 1.5, len(names))
    nodes = len(graph.names)
    while np.abs(np.linalg.eigvals(_companion(weights))).max() > 0.9:
        weights[1:, :, :nodes] *= 0.9
    return Process(names, weights, variances, _moments(weights, variances, depth))


def covariance(process: Process, points: list[Point]) -> Array:
    """The covariance matrix of the points, dims point x point."""
    place = {name: at for at, name in enumerate(process.names)}
    found = np.empty((len(points), len(points)))
    for row, (name, offset) in enumerate(points):
        for column, (other, there) in enumerate(points):
            apart = offset - there
            moment = process.moments[abs(apart)]
            pair = (place[name], place[other]) if apart >= 0 else (place[other], place[name])
            found[row, column] = moment[pair]
    return found


def partial_correlation(process: Process, left: Point, right: Point, given: frozenset[Point]) -> float:
    """The correlation of two points given others."""
    precision = np.linalg.inv(covariance(process, [left, right, *sorted(given)]))
    return float(-precision[0, 1] / np.sqrt(precision[0, 0] * precision[1, 1]))


def regression(process: Process, outcome: Point, regressors: list[Point]) -> Array:
    """The population coefficients of the outcome's regression, in the regressors' order."""
    moments = covariance(process, [outcome, *regressors])
    return np.linalg.solve(moments[1:, 1:], moments[1:, 0])


def total_effects(process: Process, treatments: list[Point], outcome: Point) -> Array:
    """The effect of setting each treatment one unit higher while the others are held, in the treatments' order."""
    first = min(offset for _, offset in (*treatments, outcome))
    place = {name: at for at, name in enumerate(process.names)}
    size, periods = len(process.names), 1 - first

    def at(point: Point) -> int:
        return (point[1] - first) * size + place[point[0]]

    system = np.zeros((size * periods, size * periods))
    for period in range(periods):
        for lag in range(min(period, len(process.weights) - 1) + 1):
            rows = slice(period * size, (period + 1) * size)
            columns = slice((period - lag) * size, (period - lag + 1) * size)
            system[rows, columns] = process.weights[lag]
    # Setting a point cuts it from its causes.
    for treatment in treatments:
        system[at(treatment)] = 0.0
    found: list[float] = []
    for treatment in treatments:
        # Walks from the treatment, one edge longer each time: where none arrives the effect is an exact zero.
        reached = np.zeros(len(system))
        reached[at(treatment)] = 1.0
        effect = 0.0
        while reached.any():
            effect += float(reached[at(outcome)])
            reached = system @ reached
        found.append(effect)
    return np.array(found)


def coefficient(process: Process, edge: Edge) -> float:
    """The edge's own coefficient."""
    return float(process.weights[edge.lag, process.names.index(edge.effect), process.names.index(edge.cause)])


def _draw(generator: np.random.Generator) -> float:
    return float(generator.uniform(0.3, 0.9) * generator.choice((-1.0, 1.0)))


def _reduced(weights: Array) -> tuple[Array, Array]:
    """Reduced form: the matrices on past values, dims lag x effect x cause, and on the noise."""
    solved = np.linalg.inv(np.eye(weights.shape[1]) - weights[0])
    return np.stack([solved @ weight for weight in weights[1:]]), solved


def _companion(weights: Array) -> Array:
    past, _ = _reduced(weights)
    lags, size, _ = past.shape
    found = np.zeros((lags * size, lags * size))
    found[:size] = np.concatenate(list(past), axis=1)
    found[size:, :-size] = np.eye((lags - 1) * size)
    return found


def _moments(weights: Array, variances: Array, depth: int) -> Array:
    step = _companion(weights)
    size = len(variances)
    _, solved = _reduced(weights)
    noise = np.zeros_like(step)
    noise[:size, :size] = solved @ np.diag(variances) @ solved.T
    stationary = solve_discrete_lyapunov(step, noise)
    found = [stationary]
    for _ in range(depth):
        found.append(step @ found[-1])
    return np.stack([moment[:size, :size] for moment in found])
