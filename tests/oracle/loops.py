"""Simulated panels of linear loops with known effects, and the least-squares reference that knows the unit effects' places.

The truth is written down here; nothing of the package is used to make it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TWO = """
x -> x [lag=1]
y -> y [lag=1]
x -> y [lag=1]
y -> x [lag=1]
"""
FOUR = """
revenue -> corruption [lag=1]
corruption -> presence
presence -> illicit [lag=1]
illicit -> revenue
corruption -> corruption [lag=1]
presence -> presence [lag=1]
"""


def panel(
    effects: dict[tuple[str, str, int], float],
    *,
    units: int,
    times: int,
    seed: int,
    year_sd: float = 0.0,
    warm_up: int = 60,
    shock_sd: float = 1.0,
) -> pd.DataFrame:
    """Rows (unit, year, one column a node) of a linear system whose unit effects are correlated between nodes.

    `effects` maps (cause, effect, lag) to the coefficient.
    """
    rng = np.random.default_rng(seed)
    nodes = sorted({name for cause, effect, _ in effects for name in (cause, effect)})
    index = {name: k for k, name in enumerate(nodes)}
    lags = max(lag for _, _, lag in effects)
    size = len(nodes)
    b: NDArray[np.float64] = np.zeros((lags + 1, size, size))
    for (cause, effect, lag), value in effects.items():
        b[lag, index[effect], index[cause]] = value
    now = np.linalg.inv(np.eye(size) - b[0])
    common = rng.normal(size=(units, 1))
    unit_effects = 0.7 * common + rng.normal(size=(units, size))
    total = warm_up + times
    years = year_sd * rng.normal(size=(total, size))
    values = np.zeros((total, units, size))
    for t in range(total):
        eta = unit_effects + years[t] + shock_sd * rng.normal(size=(units, size))
        for lag in range(1, lags + 1):
            if t >= lag:
                eta = eta + values[t - lag] @ b[lag].T
        values[t] = eta @ now.T
    kept = values[warm_up:]
    rows = {name: kept[:, :, k].T.ravel() for name, k in index.items()}
    return pd.DataFrame({"unit": np.repeat([f"u{i:03d}" for i in range(units)], times), "year": np.tile(np.arange(2000, 2000 + times), units), **rows})
