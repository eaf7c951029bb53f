"""How the columns of a study measure a node.

A node is a concept; a study has columns. A `Measure` says which column stands for the node, in which
direction it counts and on which scale. Several columns make an index: each indicator is centred at its
mean and divided by its pooled within-unit sd, and the index is the mean of the indicators, missing where
any of them is missing. A value of the index is therefore in within-unit sds of an indicator.

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
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from causal.errors import CausalError, Fault, nearest, raise_all

Direction = Literal["+", "-"]
Transform = Literal["none", "log", "log1p"]
DIRECTIONS: tuple[Direction, ...] = ("+", "-")
TRANSFORMS: tuple[Transform, ...] = ("none", "log", "log1p")


@dataclass(frozen=True, slots=True)
class Measure:
    """The column that measures a node, or the columns whose index does.

    `direction` "-" turns the sign, for a column that is high where the node is low. `transform` is taken of
    every column before an index is made. `error` is a standard error, one number or a column's name: it is
    recorded with the study and not modelled yet. Raises `CausalError` for what cannot be a measure.
    """

    column: str | tuple[str, ...]
    error: str | float | None = None
    direction: Direction = "+"
    transform: Transform = "none"

    def __post_init__(self) -> None:
        if isinstance(self.column, list):  # a reader of files or a notebook has a list at hand
            object.__setattr__(self, "column", tuple(self.column))
        raise_all(_faults(self))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns by name, one or several."""
        return (self.column,) if isinstance(self.column, str) else self.column


def apply(measure: Measure, columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """The node's values from its columns: transformed, put together to an index where several, turned by the direction.

    `columns` holds arrays (unit, time) by column name; the result is (unit, time), NaN where a column is NaN.
    Raises `CausalError` for an unknown column, and for a value whose log does not exist.
    """
    unknown = [name for name in measure.columns if name not in columns]
    raise_all(Fault(f"no column '{name}'", mend=nearest(name, columns)) for name in unknown)
    outside = [name for name in measure.columns if bool(np.any(outside_transform(measure, columns[name])))]
    raise_all(Fault(f"column '{name}' has values without a {measure.transform}") for name in outside)
    arrays = [_transformed(measure.transform, np.asarray(columns[name], dtype=np.float64)) for name in measure.columns]
    values = arrays[0] if len(arrays) == 1 else np.mean([_standardised(array) for array in arrays], axis=0)
    return -values if measure.direction == "-" else values


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
    if measure.direction not in DIRECTIONS:
        faults.append(Fault(f"direction {measure.direction!r} is unknown", where, "write '+' or '-'"))
    if measure.transform not in TRANSFORMS:
        faults.append(
            Fault(f"transform {measure.transform!r} is unknown", where, nearest(str(measure.transform), TRANSFORMS))
        )
    if isinstance(error, bool) or not (error is None or isinstance(error, str | int | float)):
        faults.append(Fault(f"error {error!r} is no standard error", where, "give a number or a column's name"))
    elif isinstance(error, int | float) and not (math.isfinite(error) and error >= 0):
        faults.append(Fault(f"error {error!r} is no standard error", where, "give a finite number, 0 or more"))
    return faults


def _transformed(transform: Transform, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if transform == "log":
        return np.log(values)
    return np.log1p(values) if transform == "log1p" else values


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """An indicator about its mean, in its within-unit sds; an indicator without any is refused."""
    sd = within_unit_sd(values)
    if not sd > 0:
        raise CausalError(
            Fault("an indicator of an index does not vary within any unit", mend="leave it out of the index")
        )
    return (values - np.mean(values[~np.isnan(values)])) / sd
