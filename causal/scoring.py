"""Scores of probability forecasts that are given as draws, and what lies between two forecasters of the same values.

Draws stand on the first axis and are taken at their word: the forecast *is* their empirical distribution.

- `crps`: ``mean |X - y| - mean |X - X'| / 2`` over the draws X and all pairs of them, exactly (Gneiting and Raftery 2007, *JASA* 102). In the units of the
  value; less is better; of a single draw it is the absolute error.
- `log_score`: minus the log density at y of the Normal with the draws' mean and sd, after the outermost half percent on either side is drawn in, so that
  heavy tails do not set the sd. Less is better. No kernel, so nothing to choose; what it says of a skewed forecast is rough.
- `pit`: the share of the draws below y, draws that equal y counted by half. Over many values it is uniform where the forecasts are calibrated.
- `covered`: whether y lies in the central interval that holds a given share of the draws.

Errors of one unit hang together over the horizons, and those of one year over the units. `compared` therefore clusters by both (Cameron, Gelbach and
Miller 2011, *JBES* 29), takes the largest of the three variances, and Student's t with one less than the smaller number of clusters.

>>> import numpy
>>> draws = numpy.array([0.0, 1.0, 2.0])
>>> round(float(crps(draws, 1.0)), 4), float(pit(draws, 1.0)), bool(covered(draws, 3.0, 0.9))
(0.2222, 0.5, False)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVEL = 0.9
"""The share that a `Comparison`'s interval holds."""
_DRAWN_IN = 0.005


@dataclass(frozen=True, slots=True)
class Comparison:
    """A mean over (unit, time) with its standard error and 90 % interval, NaN where there are too few units or times for one."""

    mean: float
    error: float
    low: float
    high: float
    count: int

    @property
    def sign(self) -> int:
        """-1 where the interval lies below zero, 1 where it lies above, 0 where it holds zero or there is none."""
        return -1 if self.high < 0.0 else 1 if self.low > 0.0 else 0


def crps(draws: Any, value: Any) -> Floats:
    """The continuous ranked probability score: `draws` (draw, ...), `value` (...)."""
    ordered = np.sort(np.asarray(draws, dtype=np.float64), axis=0)
    size = len(ordered)
    weight = (2.0 * np.arange(1, size + 1) - size - 1.0) / size**2
    spread = np.tensordot(weight, ordered, axes=(0, 0))
    return np.abs(ordered - value).mean(axis=0) - spread


def log_score(draws: Any, value: Any) -> Floats:
    """Minus the log density of the Normal with the drawn-in draws' mean and sd: `draws` (draw, ...), `value` (...); inf where the draws are all one."""
    drawn = np.asarray(draws, dtype=np.float64)
    low, high = np.quantile(drawn, [_DRAWN_IN, 1.0 - _DRAWN_IN], axis=0)
    inside = np.clip(drawn, low, high)
    mean, sd = inside.mean(axis=0), inside.std(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.log(sd) + 0.5 * math.log(2.0 * math.pi) + 0.5 * ((value - mean) / sd) ** 2
    return np.where(sd > 0.0, score, np.inf)


def pit(draws: Any, value: Any) -> Floats:
    """The probability integral transform: `draws` (draw, ...), `value` (...)."""
    drawn = np.asarray(draws, dtype=np.float64)
    return (drawn < value).mean(axis=0) + 0.5 * (drawn == value).mean(axis=0)


def covered(draws: Any, value: Any, share: float) -> NDArray[np.bool_]:
    """Whether `value` (...) lies in the central interval that holds that share of the `draws` (draw, ...)."""
    low, high = np.quantile(np.asarray(draws, dtype=np.float64), [(1.0 - share) / 2.0, (1.0 + share) / 2.0], axis=0)
    return np.asarray((low <= value) & (value <= high))


def compared(values: Any) -> Comparison:
    """The mean of `values` (unit, time), NaN where there is none, and how well it is known."""
    given = np.asarray(values, dtype=np.float64)
    seen = np.isfinite(given)
    given, seen = given[seen.any(axis=1)][:, seen.any(axis=0)], seen[seen.any(axis=1)][:, seen.any(axis=0)]
    count, (units, times) = int(seen.sum()), given.shape
    if count == 0:
        return Comparison(math.nan, math.nan, math.nan, math.nan, 0)
    mean = float(given[seen].mean())
    left = np.where(seen, given - mean, 0.0)
    if units < 2 or times < 2:
        return Comparison(mean, math.nan, math.nan, math.nan, count)
    by_unit = float((left.sum(axis=1) ** 2).sum()) * units / (units - 1.0)
    by_time = float((left.sum(axis=0) ** 2).sum()) * times / (times - 1.0)
    by_cell = float((left**2).sum()) * count / (count - 1.0)
    error = math.sqrt(max(by_unit, by_time, by_unit + by_time - by_cell)) / count
    from scipy.stats import t

    half = float(t.ppf(0.5 + LEVEL / 2.0, min(units, times) - 1)) * error
    return Comparison(mean, error, mean - half, mean + half, count)
