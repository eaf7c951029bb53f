"""Simulated panels of units that act on one another, and the system of all units written out as one.

The truth is written down here; nothing of the package is used to make it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ring(units: int) -> Floats:
    """Weights (unit, neighbour): half on each of the two neighbours."""
    step = np.roll(np.eye(units), 1, axis=1)
    return (step + step.T) / 2.0


def table(weights: Floats) -> pd.DataFrame:
    """The weights units x units under the names that `tests.oracle.loops.frame` gives."""
    names = [f"u{i:03d}" for i in range(len(weights))]
    return pd.DataFrame(weights, index=names, columns=names)


def whole(own: Floats, across: Floats, weights: Floats) -> Floats:
    """The companion matrix of all units as one system, the units' nodes unit by unit.

    `own` (lag, effect, cause) from lag 0 on, `across` (lag, effect, cause) from lag 1 on.
    """
    lags, size, units = len(across), own.shape[1], len(weights)
    now = np.linalg.inv(np.eye(size) - own[0])
    width = units * size
    found = np.zeros((lags * width, lags * width))
    for lag in range(1, lags + 1):
        block = np.kron(np.eye(units), now @ own[lag]) + np.kron(weights, now @ across[lag - 1])
        found[:width, (lag - 1) * width : lag * width] = block
    found[width:, :-width] = np.eye((lags - 1) * width)
    return found


def simulated(
    own: Floats,
    across: Floats,
    weights: Floats,
    *,
    times: int,
    seed: int,
    year_sd: float = 0.0,
    warm_up: int = 60,
    worlds: int = 1,
) -> Floats:
    """Values (node, unit, time) by the recursion; unit effects are correlated between nodes and neighbours.

    Of several `worlds` the values are (world, node, unit, time).
    """
    rng = np.random.default_rng(seed)
    lags, size, units = len(across), own.shape[1], len(weights)
    now = np.linalg.inv(np.eye(size) - own[0])
    effects = 0.7 * rng.normal(size=(worlds, units, 1)) + rng.normal(size=(worlds, units, size))
    effects = effects + weights @ effects
    total = warm_up + times
    years = year_sd * rng.normal(size=(total, worlds, 1, size))
    values = np.zeros((total, worlds, units, size))
    for t in range(total):
        eta = effects + years[t] + rng.normal(size=(worlds, units, size))
        for lag in range(1, min(lags, t) + 1):
            eta = eta + values[t - lag] @ own[lag].T + weights @ values[t - lag] @ across[lag - 1].T
        values[t] = eta @ now.T
    found = np.ascontiguousarray(values[warm_up:].transpose(1, 3, 2, 0))
    return found if worlds > 1 else found[0]
