"""Weights with which units act on one another: who is whose neighbour, and how much.

A `Weights` holds a table units x units: row i says how much each other unit counts in what unit i feels. Rows are divided by their sums unless
said otherwise, so that an effect across units is that of the neighbours' mean. A unit without neighbours keeps a row of zeros: the
mean of nobody never moves, and nothing reaches that unit from others.

>>> import pandas
>>> pairs = pandas.DataFrame({"unit": ["a", "a", "b", "c"], "neighbour": ["b", "c", "a", "a"]})
>>> Weights.from_frame(pairs).matrix(["a", "b", "c"]).tolist()
[[0.0, 0.5, 0.5], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causal.errors import CausalError, Fault, nearest, raise_all

if TYPE_CHECKING:
    import pandas

_NAMED = 5  # how many of a kind a message names before it only counts


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Units by their text and the weights (unit, neighbour), rows and columns in the order of `units`."""

    units: tuple[str, ...]
    values: NDArray[np.float64]

    @classmethod
    def from_frame(cls, frame: pandas.DataFrame, *, row_normalised: bool = True, where: str = "weights") -> Weights:
        """The weights of a frame, units x units with units as index and columns, or of pairs `unit`, `neighbour`, `weight`.

        In pairs `weight` may be left out (1 each); pairs that are not named weigh 0, and a row whose `neighbour` is empty names a
        unit without neighbours. With `row_normalised` each row is divided by its sum. `where` stands in messages. Raises `CausalError`
        with everything wrong at once: a unit or pair twice, rows and columns of different units, a weight that is no number of
        at least 0, a unit that weighs on itself.
        """
        import pandas

        given: object = frame
        if not isinstance(given, pandas.DataFrame):
            raise CausalError(
                Fault(f"{type(given).__name__} is no pandas DataFrame", where, "give units x units, or pairs")
            )
        faults: list[Fault] = []
        units, values = (
            _of_pairs(given, where, faults) if "neighbour" in given.columns else _square(given, where, faults)
        )
        raise_all(faults)
        _check(units, values, where, faults)
        raise_all(faults)
        total = values.sum(axis=1, keepdims=True)
        return cls(tuple(units), values / np.where(total > 0, total, 1.0) if row_normalised else values)

    def matrix(self, units: Iterable[Any]) -> NDArray[np.float64]:
        """The weights (unit, neighbour) in the order of `units`. Raises `CausalError` as `faults` lists."""
        names = [str(unit) for unit in units]
        raise_all(self.faults(names))
        at = [self.units.index(name) for name in names]
        return np.ascontiguousarray(self.values[np.ix_(at, at)])

    def faults(self, units: Iterable[Any], where: str = "weights") -> list[Fault]:
        """Where the table's units are not the panel's `units`: a unit left out would silently change its neighbours' means."""
        names = [str(unit) for unit in units]
        unknown, missing = (
            [unit for unit in self.units if unit not in names],
            [name for name in names if name not in self.units],
        )
        found = [Fault(f"no unit '{unit}' in the panel", where, nearest(unit, names)) for unit in unknown[:_NAMED]]
        found += [
            Fault(f"no weights for unit '{name}'", where, "give its row; all zeros where it has no neighbours")
            for name in missing[:_NAMED]
        ]
        more = max(len(unknown) - _NAMED, 0) + max(len(missing) - _NAMED, 0)
        return found + [Fault(f"{more} more units differ from the panel's", where, "name the same units")] * (more > 0)


def spectrum(weights: NDArray[np.float64], *, year_effects: bool) -> NDArray[np.float64]:
    """The eigenvalues of `weights` (unit, neighbour) as rows: real part, imaginary part, share; the shares add up to 1.

    An eigenvalue that stands several times is one row, and so is a conjugate pair, with the positive imaginary part and the share of one of
    its two. With year effects they are those of ``Q W Q'``, with Q an orthonormal basis of the differences between units.
    """
    from scipy.linalg import helmert

    basis = helmert(len(weights)) if year_effects else np.eye(len(weights))
    found = np.linalg.eigvals(basis @ weights @ basis.T)
    rounded = Counter((round(float(each.real), 9) + 0.0, abs(round(float(each.imag), 9))) for each in found)
    rows = [(real, imag, count / (len(found) * (2.0 if imag else 1.0))) for (real, imag), count in rounded.items()]
    return np.array(sorted(rows)).reshape(-1, 3)


def _square(frame: pandas.DataFrame, where: str, faults: list[Fault]) -> tuple[list[str], NDArray[np.float64]]:
    table = frame.set_index("unit") if "unit" in frame.columns else frame
    rows, columns = [str(name) for name in table.index], [str(name) for name in table.columns]
    for called, names in (("row", rows), ("column", columns)):
        doubled = [name for name, count in Counter(names).items() if count > 1]
        faults += [Fault(f"unit '{name}' has several {called}s", where, "keep one") for name in doubled[:_NAMED]]
    faults += [
        Fault(f"unit '{name}' has a row and no column", where, "give both") for name in rows if name not in columns
    ]
    faults += [
        Fault(f"unit '{name}' has a column and no row", where, "give both") for name in columns if name not in rows
    ]
    if faults:
        return rows, np.zeros((0, 0))
    ordered = table.iloc[:, [columns.index(name) for name in rows]]
    cells = [[_number(cell) for cell in ordered.iloc[at].tolist()] for at in range(len(rows))]
    return rows, np.array(cells, dtype=float).reshape(len(rows), len(rows))


def _of_pairs(frame: pandas.DataFrame, where: str, faults: list[Fault]) -> tuple[list[str], NDArray[np.float64]]:
    if "unit" not in frame.columns:
        faults.append(Fault("no column 'unit'", where, "name the columns unit, neighbour, weight"))
        return [], np.zeros((0, 0))
    left = [str(unit) for unit in frame["unit"]]
    right = ["" if isinstance(unit, float) and unit != unit else str(unit) for unit in frame["neighbour"]]
    weight = [_number(cell) for cell in frame["weight"]] if "weight" in frame.columns else [1.0] * len(left)
    doubled = [pair for pair, count in Counter(zip(left, right, strict=True)).items() if count > 1]
    faults += [Fault(f"'{a}' and '{b}' stand in several rows", where, "keep one") for a, b in doubled[:_NAMED]]
    units = sorted({*left, *right} - {""})
    place = {unit: at for at, unit in enumerate(units)}
    values = np.zeros((len(units), len(units)))
    for unit, neighbour, value in zip(left, right, weight, strict=True):
        if neighbour:
            values[place[unit], place[neighbour]] = value
    return units, values


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return float("nan")


def _check(units: list[str], values: NDArray[np.float64], where: str, faults: list[Fault]) -> None:
    if len(units) < 2:
        faults.append(Fault("has fewer than two units", where, "effects across units need other units"))
    own = np.eye(len(units), dtype=bool)
    bad = ~np.isfinite(values) | (values < 0)
    for wrong, what, mend in (
        (bad, "is no number of at least 0", "write 0 where they are no neighbours"),
        (~bad & own & (values != 0), "lets a unit weigh on itself", "write 0: its own past is an edge of its own"),
    ):
        places = np.argwhere(wrong).tolist()
        faults += [Fault(f"{units[i]}, {units[j]}: {values[i, j]:g} {what}", where, mend) for i, j in places[:_NAMED]]
        if len(places) > _NAMED:
            faults.append(Fault(f"{len(places) - _NAMED} more such weights", where, mend))
    if not faults and not values.any():
        faults.append(Fault("has no weight above 0", where, "say who is whose neighbour"))
