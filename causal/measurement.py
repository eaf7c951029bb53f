"""How the columns of a study measure a node.

A node is a concept; a study has columns. A `Measure` says which column stands for the node, in which
direction it counts and on which scale. Several columns make an index: each indicator is centred at its
mean and divided by its pooled within-unit sd, and the index is the mean of the indicators, missing where
any of them is missing. A value of the index is therefore in within-unit sds of an indicator. Or they are indicators with
loadings: the first column then gives the node's scale, and the model tells how each of the others follows the node and how noisy each is.

What a column adds to the truth from year to year is *yearly noise*, independent between cells; what it adds for good is taken up by the
unit's effect and biases nothing. A standard error says how large both are together. `yearly_limit` says how much of it can be
yearly, for such noise leaves its mark: the second differences of a series vary by at least six times its variance.

>>> import numpy as np
>>> rights = np.array([[0.0, 1.0], [3.0, 4.0]])
>>> apply(Measure("rights", direction="-"), {"rights": rights}).tolist()
[[-0.0, -1.0], [-3.0, -4.0]]
>>> float(within_unit_sd(rights))
0.7071067811865476
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeGuard

import numpy as np
from numpy.typing import NDArray

from causal.errors import CausalError, Fault, nearest, raise_all

Transform = Literal["none", "log", "log1p"]
DIRECTIONS = ("+", "-")
TRANSFORMS: tuple[Transform, ...] = ("none", "log", "log1p")


@dataclass(frozen=True, slots=True)
class Measure:
    """The column that measures a node, or the columns whose index does.

    `direction` "-" turns the sign, for a column that is high where the node is low; one sign for all columns, or one for each ("+-").
    `transform` is taken of every column before an index is made. `error` is a standard error in the column's units (an index's, in
    the index's), one number or a column's name: a value is then the truth, a part that stays and yearly noise, whose
    sd is a share of the error, estimated between 0 and `yearly_limit`, or `yearly` where that is given (1: all of it, as
    with samples drawn anew each year). `reliability`: of a proxy without a standard error, between which shares of its variance within units is the node's own.
    `loadings`: several columns are indicators of one node, each with a loading and noise of its own. Raises `CausalError` for what cannot be a measure.
    """

    column: str | tuple[str, ...]
    error: str | float | None = None
    direction: str = "+"
    transform: Transform = "none"
    yearly: float | None = None
    reliability: tuple[float, float] | None = None
    loadings: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.column, list):  # a reader of files or a notebook has a list at hand
            object.__setattr__(self, "column", tuple(self.column))
        if isinstance(self.reliability, list):
            object.__setattr__(self, "reliability", tuple(self.reliability))
        raise_all(_faults(self))

    @property
    def noisy(self) -> bool:
        """Whether yearly noise stands between the column and the node."""
        return self.error is not None or self.reliability is not None or self.loadings

    @property
    def signs(self) -> tuple[float, ...]:
        """1.0 or -1.0 for each column."""
        signs = self.direction * len(self.columns) if len(self.direction) == 1 else self.direction
        return tuple(-1.0 if sign == "-" else 1.0 for sign in signs)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns by name, one or several."""
        return (self.column,) if isinstance(self.column, str) else self.column


def apply(
    measure: Measure, columns: Mapping[str, NDArray[np.float64]], until: int | None = None
) -> NDArray[np.float64]:
    """The node's values from its columns: transformed, turned by the direction, put together to an index where several.

    Of indicators with loadings it is the first, which gives the scale. `columns` holds arrays (unit, time) by column name; the result is (unit, time),
    NaN where a column is NaN. An index takes its constants from the times before the position `until`, all without one. Raises `CausalError` for an
    unknown column, and for a value whose log does not exist.
    """
    unknown = [name for name in measure.columns if name not in columns]
    raise_all(Fault(f"no column '{name}'", mend=nearest(name, columns)) for name in unknown)
    outside = [name for name in measure.columns if bool(np.any(outside_transform(measure, columns[name])))]
    raise_all(Fault(f"column '{name}' has values without a {measure.transform}") for name in outside)
    arrays = indicators(measure, columns)
    return (
        arrays[0]
        if len(arrays) == 1 or measure.loadings
        else np.mean([_standardised(each, until) for each in arrays], axis=0)
    )


def indicators(measure: Measure, columns: Mapping[str, NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Each column (unit, time), transformed and turned by its direction."""
    return [
        sign * _transformed(measure.transform, np.asarray(columns[name], dtype=np.float64))
        for name, sign in zip(measure.columns, measure.signs, strict=True)
    ]


def error_on_scale(measure: Measure, error: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A column's standard errors on the scale of its transform, to first order: `error` and `values` (unit, time) as in the column."""
    if measure.transform == "none":
        return error
    return error / (values if measure.transform == "log" else 1.0 + values)


def yearly_limit(values: NDArray[np.float64], errors: NDArray[np.float64], *, year_effects: bool) -> float:
    """The largest share of `errors` (unit, time) that can be independent yearly noise in `values` (unit, time), at most 1.

    Second differences of independent noise with standard errors s vary by ``s_t^2 + 4 s_{t-1}^2 + s_{t-2}^2``, and the truth only adds to
    that. Their squares, less each period's mean over units where `year_effects`, bound the share; sampling error is met by the upper end of a one-sided 95 %
    interval (chi-squared, its freedom cut for the squares that overlap). 1 where no value has two neighbours.
    """
    turned = values[:, 2:] - 2.0 * values[:, 1:-1] + values[:, :-2]
    variance = errors[:, 2:] ** 2 + 4.0 * errors[:, 1:-1] ** 2 + errors[:, :-2] ** 2
    seen = np.isfinite(turned) & np.isfinite(variance)
    count = seen.sum(axis=0)
    if year_effects:
        mean = np.where(seen, turned, 0.0).sum(axis=0) / np.maximum(count, 1)
        turned, variance = turned - mean, variance * (1.0 - 1.0 / np.maximum(count, 1))
    expected = float(np.where(seen, variance, 0.0).sum())
    cells = float(np.where(count > 1, count - 1, 0).sum() if year_effects else count.sum())
    if not (expected > 0.0 and cells > 0.0):
        return 1.0
    from scipy.stats import chi2

    # Correlations of -2/3 and 1/6 at one and two periods: squares of second differences carry about half the information of as many free ones.
    freedom = cells / (1.0 + 2.0 * (4.0 / 9.0 + 1.0 / 36.0))
    margin = freedom / float(chi2.ppf(0.05, freedom))
    return min(1.0, math.sqrt(margin * float((np.where(seen, turned, 0.0) ** 2).sum()) / expected))


def outside_transform(measure: Measure, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the transform of `measure` does not exist: the log at or below 0, the log1p at or below -1."""
    if measure.transform == "none":
        return np.zeros(np.shape(values), dtype=np.bool_)
    return np.asarray(values <= (0.0 if measure.transform == "log" else -1.0))


def varies_within_units(values: NDArray[np.float64]) -> bool:
    """Whether any unit of `values` (unit, time) has two values that differ."""
    lowest = np.min(np.where(np.isnan(values), np.inf, values), axis=-1, initial=np.inf)
    highest = np.max(np.where(np.isnan(values), -np.inf, values), axis=-1, initial=-np.inf)
    return bool(np.any(highest > lowest))


def within_unit_sd(values: NDArray[np.float64]) -> float:
    """The pooled within-unit sd of `values` (unit, time): deviations from unit means, over the sum of (n_i - 1).

    0 where nothing varies within a unit, NaN where no unit has two values.
    """
    present = ~np.isnan(values)
    counts = present.sum(axis=-1, keepdims=True)
    totals = np.where(present, values, 0.0).sum(axis=-1, keepdims=True)
    deviations = np.where(present, values - totals / np.maximum(counts, 1), 0.0)
    freedom = int(np.maximum(counts - 1, 0).sum())
    if freedom == 0:
        return math.nan
    largest = float(np.max(np.abs(deviations), initial=0.0))
    if largest == 0.0 or not varies_within_units(values):  # a mean of equal values may round away from them
        return 0.0
    # Squares of the scaled deviations neither overflow nor vanish, whatever the column's unit.
    return largest * math.sqrt(float(((deviations / largest) ** 2).sum()) / freedom)


def _faults(measure: Measure) -> list[Fault]:
    """Everything wrong with a measure, which may come from a file or a notebook with any types."""
    faults: list[Fault] = []
    column: object = measure.column
    error: object = measure.error
    names: tuple[object, ...] = column if isinstance(column, tuple) else (column,)
    where = f"measure {column!r}"
    if not names:
        faults.append(Fault("names no column", where, "name one column or several"))
    if any(not isinstance(name, str) or not name.strip() for name in names):
        faults.append(Fault("a column is named by its text", where, "write column='name' or columns in a tuple"))
    elif len(set(names)) < len(names):
        faults.append(Fault("names a column twice", where, "name each indicator once"))
    direction: object = measure.direction
    if not isinstance(direction, str) or set(direction) - set(DIRECTIONS) or len(direction) not in (1, len(names)):
        mend = "write '+' or '-'" + (", or one for each column" if len(names) > 1 else "")
        faults.append(Fault(f"direction {direction!r} is unknown", where, mend))
    if measure.transform not in TRANSFORMS:
        faults.append(
            Fault(f"transform {measure.transform!r} is unknown", where, nearest(str(measure.transform), TRANSFORMS))
        )
    if isinstance(error, bool) or not (error is None or isinstance(error, str | int | float)):
        faults.append(Fault(f"error {error!r} is no standard error", where, "give a number or a column's name"))
    elif isinstance(error, int | float) and not (math.isfinite(error) and error > 0):
        mend = "give a finite number above 0, or leave the error out of a column that is exact"
        faults.append(Fault(f"error {error!r} is no standard error", where, mend))
    faults.extend(_noise_faults(measure, where))
    return faults


def _noise_faults(measure: Measure, where: str) -> list[Fault]:
    faults: list[Fault] = []
    yearly: object = measure.yearly
    if yearly is not None and not (_is_number(yearly) and 0.0 < yearly <= 1.0):
        mend = "give a number above 0 and up to 1; an error of which nothing is yearly is left out"
        faults.append(Fault(f"yearly {yearly!r} is no share", where, mend))
    if yearly is not None and measure.error is None:
        faults.append(Fault("a yearly share needs an error", where, "give error=... too"))
    given: object = measure.reliability
    if given is not None:
        pair: tuple[object, ...] = given if isinstance(given, tuple) else (given,)
        low, high = (pair[0], pair[1]) if len(pair) == 2 else (None, None)
        if not (_is_number(low) and _is_number(high) and 0.0 < low <= high <= 1.0 and low < 1.0):
            mend = "give the lowest and the highest share as (low, high), above 0 and up to 1"
            faults.append(Fault(f"reliability {given!r} is no range of shares", where, mend))
        if measure.error is not None:
            faults.append(Fault("has an error and a reliability", where, "give one of them"))
    if measure.loadings and len(measure.columns) < 2:
        faults.append(Fault("loadings need two indicators or more", where, "name several columns"))
    if measure.loadings and (measure.error is not None or given is not None):
        faults.append(
            Fault("the noise of indicators with loadings is estimated", where, "leave error and reliability out")
        )
    return faults


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _transformed(transform: Transform, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if transform == "log":
        return np.log(values)
    return np.log1p(values) if transform == "log1p" else values


def _standardised(values: NDArray[np.float64], until: int | None) -> NDArray[np.float64]:
    """An indicator about its mean, in its within-unit sds; an indicator without any is refused."""
    known = values[:, :until]
    sd = within_unit_sd(known)
    if not sd > 0:
        raise CausalError(
            Fault("an indicator of an index does not vary within any unit", mend="leave it out of the index")
        )
    return (values - np.mean(known[~np.isnan(known)])) / sd
