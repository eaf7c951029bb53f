"""Simulated panels of linear loops with known effects, and brute-force references for what sweeps their unit effects out.

The truth is written down here; nothing of the package is used to make it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import null_space

Floats = NDArray[np.float64]
Effects = Mapping[tuple[str, str, int], float]

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
TWO_TRUE: dict[tuple[str, str, int], float] = {
    ("x", "x", 1): 0.8,
    ("y", "y", 1): 0.5,
    ("x", "y", 1): 0.2,
    ("y", "x", 1): -0.2,
}
FOUR_TRUE: dict[tuple[str, str, int], float] = {
    ("revenue", "corruption", 1): 0.4,
    ("corruption", "presence", 0): -0.5,
    ("presence", "illicit", 1): -0.4,
    ("illicit", "revenue", 0): 0.6,
    ("corruption", "corruption", 1): 0.45,
    ("presence", "presence", 1): 0.6,
}


def nodes_of(effects: Effects) -> list[str]:
    """The nodes in alphabetical order."""
    return sorted({name for cause, effect, _ in effects for name in (cause, effect)})


def edge_name(cause: str, effect: str, lag: int) -> str:
    """The text that names an edge."""
    return f"{cause} -> {effect}" + (f" [lag={lag}]" if lag else "")


def matrices(effects: Effects) -> Floats:
    """``B[lag, effect, cause]`` over the nodes in alphabetical order."""
    index = {name: k for k, name in enumerate(nodes_of(effects))}
    found = np.zeros((max(lag for _, _, lag in effects) + 1, len(index), len(index)))
    for (cause, effect, lag), value in effects.items():
        found[lag, index[effect], index[cause]] = value
    return found


def radius(effects: Effects) -> float:
    """The spectral radius of the reduced form, from its companion matrix written out."""
    b = matrices(effects)
    lags, size = len(b) - 1, b.shape[1]
    step = np.zeros((lags * size, lags * size))
    for lag in range(1, lags + 1):
        step[:size, (lag - 1) * size : lag * size] = np.linalg.inv(np.eye(size) - b[0]) @ b[lag]
    step[size:, :-size] = np.eye((lags - 1) * size)
    return float(np.abs(np.linalg.eigvals(step)).max())


def simulated(
    effects: Effects,
    *,
    units: int,
    times: int,
    seed: int,
    year_sd: float = 0.0,
    warm_up: int = 60,
    shock_sd: float = 1.0,
    shock_covariance: Floats | None = None,
) -> Floats:
    """Values (node, unit, time) of a linear system whose unit effects are correlated between nodes.

    `effects` maps (cause, effect, lag) to the coefficient; nodes stand in alphabetical order. `shock_covariance`
    (node, node) is that of a period's shocks, times `shock_sd` squared; the identity where it is not given.
    """
    rng = np.random.default_rng(seed)
    b = matrices(effects)
    lags, size = len(b) - 1, b.shape[1]
    now = np.linalg.inv(np.eye(size) - b[0])
    mix = np.eye(size) if shock_covariance is None else np.linalg.cholesky(shock_covariance)
    common = rng.normal(size=(units, 1))
    unit_effects = 0.7 * common + rng.normal(size=(units, size))
    total = warm_up + times
    years = year_sd * rng.normal(size=(total, size))
    values = np.zeros((total, units, size))
    for t in range(total):
        eta = unit_effects + years[t] + shock_sd * rng.normal(size=(units, size)) @ mix.T
        for lag in range(1, lags + 1):
            if t >= lag:
                eta = eta + values[t - lag] @ b[lag].T
        values[t] = eta @ now.T
    return np.ascontiguousarray(values[warm_up:].transpose(2, 1, 0))


def panel(
    effects: Effects,
    *,
    units: int,
    times: int,
    seed: int,
    year_sd: float = 0.0,
    warm_up: int = 60,
    shock_sd: float = 1.0,
    shock_covariance: Floats | None = None,
    holes: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """Rows (unit, year, one column a node) of `simulated`; `holes` (node, unit, time) are made missing."""
    values = simulated(
        effects,
        units=units,
        times=times,
        seed=seed,
        year_sd=year_sd,
        warm_up=warm_up,
        shock_sd=shock_sd,
        shock_covariance=shock_covariance,
    )
    if holes is not None:
        values = np.where(holes, np.nan, values)
    return frame(dict(zip(nodes_of(effects), values, strict=True)))


def frame(columns: Mapping[str, Floats]) -> pd.DataFrame:
    """A frame with one row a unit and year from arrays (unit, time)."""
    units, times = next(iter(columns.values())).shape
    return pd.DataFrame(
        {
            "unit": np.repeat([f"u{i:03d}" for i in range(units)], times),
            "year": np.tile(np.arange(2000, 2000 + times), units),
            **{name: values.ravel() for name, values in columns.items()},
        }
    )


def dummies(
    first: NDArray[np.int64], stop: NDArray[np.int64], *, year_effects: bool
) -> tuple[list[tuple[int, int]], Floats]:
    """The cells (unit, time) in use and their dummy columns, one a unit and, where asked, one a period."""
    cells = [(i, t) for i, (start, end) in enumerate(zip(first, stop, strict=True)) for t in range(start, end)]
    periods = int(stop.max())
    columns = np.zeros((len(cells), len(first) + (periods if year_effects else 0)))
    for row, (i, t) in enumerate(cells):
        columns[row, i] = 1.0
        if year_effects:
            columns[row, len(first) + t] = 1.0
    return cells, columns


def projector(
    first: NDArray[np.int64], stop: NDArray[np.int64], *, year_effects: bool
) -> tuple[list[tuple[int, int]], Floats]:
    """The cells and ``I - D (D'D)^- D'`` of their dummies."""
    cells, columns = dummies(first, stop, year_effects=year_effects)
    return cells, np.eye(len(cells)) - columns @ np.linalg.pinv(columns)


def regressors(values: Floats, lags: int, cells: list[tuple[int, int]]) -> Floats:
    """Rows ``[y, y[t-1], ...]`` (cell, column) read cell by cell from values (node, unit, time)."""
    return np.array([np.concatenate([values[:, i, t - lag] for lag in range(lags + 1)]) for i, t in cells])


def error_contrast_likelihood(residuals: Floats, covariance: Floats, columns: Floats) -> float:
    """Log density of what dummies cannot reach: the residuals (cell, node) on an orthonormal basis without them.

    This is the likelihood with the dummies' coefficients integrated out under a flat prior, up to a constant.
    """
    basis = null_space(columns.T)
    contrasts = basis.T @ residuals
    _, log_det = np.linalg.slogdet(covariance)
    size = contrasts.shape[0]
    quadratic = float(np.sum(contrasts * np.linalg.solve(covariance, contrasts.T).T))
    return -0.5 * size * (log_det + residuals.shape[1] * np.log(2 * np.pi)) - 0.5 * quadratic


def correction_term(effects: Floats, weights: Floats) -> float:
    """b by its definition: the sum of c_s / s * trace(F^s), for ``B[lag, effect, cause]``."""
    lags, size = len(effects) - 1, effects.shape[1]
    step = np.zeros((lags * size, lags * size))
    for lag in range(1, lags + 1):
        step[:size, (lag - 1) * size : lag * size] = np.linalg.solve(np.eye(size) - effects[0], effects[lag])
    step[size:, :-size] = np.eye((lags - 1) * size)
    return float(sum(c / s * np.trace(np.linalg.matrix_power(step, s)) for s, c in enumerate(weights, start=1)))
