"""Panels of data, and studies: panels that say which of their columns measure which node.

A `Panel` holds number columns for units over times, on a complete grid: a unit-year without a row is
missing, not absent. Units stand in sorted order and keep the type that the frame gave them. Whole-number
times (1996, 1998, ...) are completed to a regular grid whose step is the greatest common divisor of their
differences; other times (dates, strings, periods, fractions) stand in sorted order as consecutive periods.
What was done is in `notes`.

>>> import pandas
>>> frame = pandas.DataFrame({"unit": ["a", "a", "a"], "year": [2001, 2002, 2004], "x": [1.0, 2.0, 4.0]})
>>> panel = Panel.from_frame(frame, unit="unit", time="year")
>>> panel.times.tolist(), panel.data["x"].values.tolist()
([2001, 2002, 2003, 2004], [[1.0, 2.0, nan, 4.0]])
>>> panel.notes[0]
'no rows for 2003'

A `Study` is a panel with its measures. Without measures, each column named as a node measures that node.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import numbers
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causal import engine, families
from causal.dialect import MISSING, NUMBER, Dialect, read_records, refuse_other_numbers
from causal.errors import CausalError, Fault, look_alikes, nearest, no_such, raise_all, shortened
from causal.graph import Graph
from causal.measurement import Measure, apply, outside_transform, varies_within_units, within_unit_sd
from causal.weights import Weights

if TYPE_CHECKING:
    import pandas
    import xarray

_MOST_VALUES = 100_000_000
"""So many values a panel in memory may have."""
IN_MEMORY = 500_000
"""Tables of more rows stay in their data engine, unless asked for."""
_IN_MEMORY = "take a part that fits in memory: Panel.from_table(..., in_memory=True)"
_NAMED = 5  # how many of a kind a message names before it only counts
_LEFT_OUT = re.compile(r"(.+?)(?:\s+from\s+(\S+))?(?:\s+to\s+(\S+))?")
_WHOLE = re.compile(r"0|-?[1-9]\d{0,17}")
_NO_TIME = {
    re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{2,4}"): "is a date that may be read in two ways; write 2001-12-31",
    re.compile(r"[1-9]\d{0,2}[.,'’ ]\d{3}|\d+,\d+"): "is no time; write a whole number without marks",
}
"""Times in a file that would be put in a wrong order."""


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Number columns as `data` (unit, time), float64, NaN where missing.

    `notes` are sentences on what was done to the frame. `refused` holds, for each column that is no number
    column, the fault that its use as a node would be: the first cell that is no number, and where it stands. Where `table` is given
    the rows stay in a data engine: `data` then has the times and no unit, and a model is made of what the engine adds up.
    """

    data: xarray.Dataset
    notes: tuple[str, ...] = ()
    refused: Mapping[str, Fault] = field(default_factory=lambda: MappingProxyType({}))
    table: engine.Table | None = None

    def __post_init__(self) -> None:
        import xarray

        data: object = self.data
        if not isinstance(data, xarray.Dataset) or not {"unit", "time"} <= set(data.coords):
            raise CausalError(
                Fault(
                    "a panel's data are an xarray.Dataset with coordinates unit and time", mend="use Panel.from_frame"
                )
            )

    def __reduce__(self) -> tuple[Any, ...]:
        # Read-only views of mappings do not pickle.
        return Panel, (self.data, self.notes, dict(self.refused), self.table)

    @classmethod
    def from_frame(
        cls,
        frame: pandas.DataFrame,
        *,
        unit: str = "unit",
        time: str = "year",
        first: Any = None,
        last: Any = None,
    ) -> Panel:
        """The panel of a frame with one row for each unit and time; `first` and `last` are the times to keep.

        Number and true-or-false columns are kept as float64, other columns are remembered as no number column.
        Raises `CausalError` with everything wrong at once: no frame, no rows, a missing or doubled column, a
        unit or time without a value, a unit-time twice, an infinity. Rows are counted from 0, as `iloc` does.
        """
        import pandas

        given: object = frame
        if not isinstance(given, pandas.DataFrame):
            raise CausalError(
                Fault(f"{type(given).__name__} is no pandas DataFrame", mend="give one row for each unit and time")
            )
        names = [str(name) for name in frame.columns]
        raise_all(
            _key_faults(names, unit, time, in_index=[str(name) for name in frame.index.names if name is not None])
        )
        columns = {name: _Column.from_series(frame.iloc[:, position]) for position, name in enumerate(names)}
        rows = _Rows(
            columns, len(frame), place=lambda row: f"row {row}", cell=lambda row, name: f"row {row} column '{name}':"
        )
        return _assemble(rows, unit, time, first, last, [])

    @classmethod
    def from_table(
        cls,
        source: object,
        *,
        unit: str = "unit",
        time: str = "year",
        first: Any = None,
        last: Any = None,
        in_memory: bool | None = None,
    ) -> Panel:
        """The panel of a table of any length: a CSV or Parquet file, an Arrow, pandas or polars table, or an ibis table.

        Up to `IN_MEMORY` rows, and with ``in_memory=True``, it is the panel that `from_frame` makes. A longer table stays in its data engine
        (DuckDB, or whatever an ibis table lives in): a model of Normal nodes that are measured without gaps is fitted to cross-products made
        there, exactly as if the rows were here; worlds, and everything else that looks at single units, needs them here. Raises
        `CausalError` with everything that is wrong at once; what only a pass over the rows shows is raised by `ca.build_model`.
        """
        import xarray

        if in_memory is not None and not isinstance(in_memory, bool):
            raise CausalError(Fault(f"in_memory is {in_memory!r}", mend="give True, False or None"))
        if isinstance(source, (str, Path)) and str(source).lower().endswith((".csv", ".tsv", ".txt")):
            refuse_other_numbers(Path(source))
        table = engine.table(source, unit, time, first=first, last=last)
        outside = _outside_note(table.outside, first, last)
        if in_memory or (in_memory is None and table.rows <= IN_MEMORY):
            panel = cls.from_frame(engine.in_memory(table), unit=unit, time=time)
            return cls(panel.data, (*outside, *panel.notes), panel.refused)
        faults: list[Fault] = []
        _mixed_times(table.times, time, faults, lambda place: f"column '{time}':")
        raise_all(faults)
        times, _, notes = _time_grid(table.times, time, "")
        refused = {
            name: Fault(
                f"the column is of the type {kind}, no number", f"column '{name}':", "turn it into numbers first"
            )
            for name, kind in table.refused.items()
        }
        data = xarray.Dataset(coords={"unit": np.array([], dtype=object), "time": times})
        names = [*table.columns, *table.refused]
        alike = [
            *_alike("units", engine.unit_texts(table)),
            *_alike("times", times.tolist()),
            *_alike("columns", names),
        ]
        notes = [*outside, *notes, *alike, f"{table.rows:,} rows stay in the data engine"]
        return cls(data, tuple(notes), MappingProxyType(refused), table)

    @property
    def units(self) -> NDArray[Any]:
        """The units, sorted, of the type that the frame gave them."""
        return self.data["unit"].values

    @property
    def times(self) -> NDArray[Any]:
        """The times in order, of the type that the frame gave them."""
        return self.data["time"].values

    @property
    def columns(self) -> tuple[str, ...]:
        """The number columns."""
        if self.table is not None:
            return self.table.columns
        return tuple(str(name) for name in self.data.data_vars)


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """A panel and how its columns measure nodes: node to `Measure`, or to a column's name.

    Without measures, each column named as a node measures that node. `sets_aside` names nodes whose influence
    the study assumes away; `label`, `population` and `dataset` (the shipped table it reads) are for readers. `inside`
    names, by a unit's text, the larger units that it is a part of, so that no period of a place enters a model twice.
    `weights` holds, by the name that an edge's ``across`` gives, a table of how much each other unit counts (`Weights.from_frame`).
    """

    panel: Panel
    measures: Mapping[str, Measure | str] | None = None
    name: str = "panel"
    label: str = ""
    population: str = ""
    sets_aside: tuple[str, ...] = ()
    dataset: str = ""
    inside: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    weights: Mapping[str, Weights | pandas.DataFrame] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        panel: object = self.panel
        measures: object = self.measures
        name: object = self.name
        faults: list[Fault] = []
        if not isinstance(panel, Panel):
            faults.append(Fault(f"{type(panel).__name__} is no Panel", "Study", "use Panel.from_frame"))
        if not isinstance(name, str) or not name:
            faults.append(Fault(f"name {name!r} is no name", "Study", "give a text"))
        if measures is not None and not isinstance(measures, Mapping):
            faults.append(
                Fault("measures are a mapping of node to column", "Study", "write measures={'node': 'column'}")
            )
        elif measures is not None:
            for node, measure in measures.items():
                if not isinstance(node, str) or not isinstance(measure, Measure | str):
                    faults.append(
                        Fault(f"{node!r}: {measure!r} is no measure", "Study", "give a column's name or a Measure")
                    )
        given: object = self.weights
        weights: dict[str, Weights] = {}
        if not isinstance(given, Mapping):
            faults.append(
                Fault("weights are a mapping of name to table", "Study", "write weights={'neighbours': table}")
            )
        else:
            for name, table in self.weights.items():
                try:
                    weights[name] = (
                        table if isinstance(table, Weights) else Weights.from_frame(table, where=f"weights '{name}'")
                    )
                except CausalError as error:
                    faults.extend(error.faults)
        raise_all(faults)
        object.__setattr__(self, "weights", MappingProxyType(weights))
        if self.measures is not None:
            made = {
                node: Measure(measure) if isinstance(measure, str) else measure
                for node, measure in self.measures.items()
            }
            object.__setattr__(self, "measures", MappingProxyType(made))
        object.__setattr__(self, "sets_aside", tuple(self.sets_aside))

    def __reduce__(self) -> tuple[Any, ...]:
        # Read-only views of mappings do not pickle.
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        plain = {name: dict(value) if isinstance(value, Mapping) else value for name, value in given.items()}
        return Study, tuple(plain.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """The panel's notes."""
        return self.panel.notes

    def measure(self, node: str) -> Measure | None:
        """How the study measures `node`, or None."""
        if self.measures is None:
            return Measure(node) if node in self.panel.columns or node in self.panel.refused else None
        found = self.measures.get(node)
        return Measure(found) if isinstance(found, str) else found

    def measured(self, graph: Graph) -> tuple[str, ...]:
        """The graph's nodes that the study measures, in the graph's order."""
        return tuple(node.name for node in graph.nodes if self.measure(node.name) is not None)

    def common(self, graph: Graph) -> frozenset[str]:
        """The measured nodes that never differ between units: with the periods' effects held fixed nothing of them is left.

        None where there is one unit, and where something is wrong with the values (`values` tells what).
        """
        try:
            values = self.values(graph).transpose("variable", "unit", "time")
        except CausalError:
            return frozenset()
        if values.sizes["unit"] == 1:
            return frozenset()
        names = [str(name) for name in values["variable"].to_numpy()]
        return frozenset(name for name, rows in zip(names, values.to_numpy(), strict=True) if same_in_every_unit(rows))

    def values(self, graph: Graph) -> xarray.DataArray:
        """The measured nodes' values, dims (variable, unit, time), NaN where missing.

        Natural units: those of the column (of its log where the measure takes one, within-unit sds for an
        index), turned by the measure's direction. Raises `CausalError` with everything wrong at once: a
        measure of no node, no node measured, an unknown column, text in it, a value without a log, a column
        that is all missing, constant or constant within every unit, and a panel of a single period.
        """
        import xarray

        faults = list(study_faults(self, graph))
        raise_all(faults)
        if self.panel.table is not None:
            raise CausalError(Fault("the values stay in the data engine", f"study '{self.name}'", _IN_MEMORY))
        nodes = self.measured(graph)
        arrays = [_node_values(self.panel, measure) for node in nodes if (measure := self.measure(node)) is not None]
        return xarray.DataArray(
            np.stack(arrays),
            dims=("variable", "unit", "time"),
            coords={
                "variable": np.array(nodes, dtype=object),
                "unit": self.panel.data["unit"],
                "time": self.panel.data["time"],
            },
        )


def leave_out(panel: Panel, rows: Sequence[str] = (), *, first: Any = None, last: Any = None) -> Panel:
    """The panel without some of its rows, and without the times before `first` and after `last`.

    Each of `rows` is a unit by its text, alone or with the times that are left out, both included: "PER",
    "PER from 2012", "PER from 2003 to 2008", "PER to 2008". Rows left out are missing; a unit of which nothing is left
    goes. Raises `CausalError` with everything wrong at once: an unknown unit, a time that is none of the panel's, nothing left.

    >>> import pandas
    >>> frame = pandas.DataFrame({"unit": ["a", "a", "b", "b"], "year": [1, 2, 1, 2], "x": [1.0, 2.0, 3.0, 4.0]})
    >>> left = leave_out(Panel.from_frame(frame), ["b to 1"])
    >>> left.data["x"].values.tolist()
    [[1.0, 2.0], [nan, 4.0]]
    """
    faults: list[Fault] = []
    units = [str(unit) for unit in panel.units]
    gone = np.zeros((len(units), len(panel.times)), dtype=np.bool_)
    position = {str(time): at for at, time in enumerate(panel.times)}

    def place(text: str | None, absent: int, where: str) -> int:
        if text is not None and text not in position:
            mend = f"times go from {panel.times[0]} to {panel.times[-1]}"
            faults.append(Fault(f"'{text}' is no time of the panel", where, mend))
        return absent if text is None else position.get(text, absent)

    start = place(None if first is None else str(first), 0, "first")
    stop = place(None if last is None else str(last), len(panel.times) - 1, "last")
    for text in rows:
        found = _LEFT_OUT.fullmatch(text.strip())
        unit, begin, end = (text.strip(), None, None) if found is None or text.strip() in units else found.groups()
        if unit not in units:
            faults.append(Fault(f"'{text}': no unit '{unit}'", mend=nearest(unit, units)))
            continue
        at = place(begin, 0, f"'{text}'"), place(end, len(panel.times) - 1, f"'{text}'")
        if at[0] > at[1]:
            faults.append(Fault(f"'{text}' ends before it starts", mend="swap the times"))
        gone[units.index(unit), at[0] : at[1] + 1] = True
    raise_all(faults)
    kept = np.flatnonzero(~gone[:, start : stop + 1].all(axis=1))
    if start > stop or len(kept) == 0:
        raise CausalError(Fault("nothing is left of the panel", mend="leave less out"))
    # Left out cells are missing, so that a unit keeps the periods that it has on both sides of a gap.
    data = panel.data.where(~_mask(panel, gone)).isel(unit=kept, time=slice(start, stop + 1))
    notes = [note for note in panel.notes if not note.startswith("values missing")]
    if rows:
        notes.append(f"left out: {shortened(rows, 12)}")
    dropped = np.r_[0:start, stop + 1 : len(panel.times)]
    if len(dropped):
        notes.append(f"times left out: {shortened(panel.times[dropped], 12)}")
    notes.extend(_notes(data, np.ones((data.sizes["unit"], data.sizes["time"]), dtype=np.bool_)))
    return Panel(data, tuple(dict.fromkeys(notes)), panel.refused)


def _mask(panel: Panel, gone: NDArray[np.bool_]) -> xarray.DataArray:
    import xarray

    coords = {"unit": panel.data["unit"], "time": panel.data["time"]}
    return xarray.DataArray(gone, dims=("unit", "time"), coords=coords)


def study_faults(study: Study, graph: Graph, place: Callable[[str], str] | None = None) -> tuple[Fault, ...]:
    """Everything that makes a study unusable for a graph; `Study.values` raises these.

    `place` says where a node's measure stands (for "": where the study does), for readers of files. A measure
    of a node that the study sets aside is no fault, whether the graph has the node or not.
    """
    where = place or (lambda node: f"study '{study.name}' node '{node}':" if node else f"study '{study.name}'")
    given: object = graph
    if not isinstance(given, Graph):
        return (Fault(f"{type(given).__name__} is no Graph", where(""), "make one by read_graph"),)
    nodes = [node.name for node in graph.nodes]
    faults: list[Fault] = []
    for node in () if study.measures is None else study.measures:
        if node not in nodes and node not in study.sets_aside:
            faults.append(Fault(f"measures '{node}', which is no node", where(node), nearest(node, nodes)))
    measured = study.measured(graph)
    if not measured:
        mend = f"columns: {shortened(study.panel.columns, 12)}; nodes: {shortened(nodes, 12)}"
        faults.append(Fault("measures no node of the graph", where(""), mend))
    if len(study.panel.times) < 2:
        faults.append(Fault("has a single period", where(""), "effects over time need two or more"))
    for node in measured:
        measure = study.measure(node)
        if measure is not None and study.panel.table is not None:
            faults.extend(_engine_faults(study.panel, measure, graph.node(node).family, where(node)))
        elif measure is not None:
            faults.extend(_measure_faults(study.panel, measure, where(node)))
            faults.extend(_family_faults(study.panel, measure, graph.node(node).family, where(node)))
    across = [edge for edge in graph.edges if edge.across is not None and {edge.cause, edge.effect} <= {*measured}]
    if across and study.panel.table is not None:
        faults.append(Fault("effects across units need the values in memory", where(""), _IN_MEMORY))
        across = []
    for edge in across:
        if edge.across not in study.weights:
            mend = f"give weights={{'{edge.across}': table}}"
            faults.append(Fault(f"'{edge.name}' needs weights '{edge.across}'", where(""), mend))
    for name in sorted({edge.across for edge in across if edge.across is not None} & {*study.weights}):
        faults.extend(weights_of(study, name).faults(study.panel.units, f"{where('')} weights '{name}'"))
    return tuple(faults)


def checksum(study: Study) -> str:
    """The first 16 digits of the SHA-256 of a study's rows: units, times and every column that is in memory.

    Of rows that stay in a data engine it knows the units and times alone.
    """
    panel = study.panel
    found = hashlib.sha256()
    for keys in (panel.units, panel.times):
        found.update("\0".join(map(str, keys)).encode())
    for column in sorted(map(str, panel.data)):
        found.update(column.encode())
        found.update(np.ascontiguousarray(panel.data[column].to_numpy(), dtype=float).tobytes())
    return found.hexdigest()[:16]


def study_notes(study: Study, graph: Graph) -> tuple[str, ...]:
    """The panel's notes, and the columns that measure nothing though they are named almost as nodes of the graph that the study does not measure."""
    unmeasured = [name for name in graph.names if name not in study.sets_aside and study.measure(name) is None]
    if study.measures is not None or not unmeasured:
        return study.notes
    columns = [name for name in (*study.panel.columns, *study.panel.refused) if name not in graph.names]
    pairs = [(column, node) for column in columns for node in unmeasured if look_alikes((column, node))]
    return (
        *study.notes,
        *(
            f"column '{column}' measures nothing: it is named almost as the node '{node}'; rename it if it measures that"
            for column, node in pairs
        ),
    )


def unit_times(units: NDArray[Any], times: NDArray[Any], flags: NDArray[np.bool_]) -> str:
    """The flagged cells (unit, time) in words, the first dozen runs of them: "PER 2007 to 2008, VEN 2001"."""
    runs: list[str] = []
    for unit, row in zip(units, flags, strict=True):
        steps = np.diff(np.concatenate([[0], row.astype(np.int8), [0]]))
        for start, stop in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True):
            runs.append(f"{unit} {times[start]}" + (f" to {times[stop - 1]}" if stop - start > 1 else ""))
    return shortened(runs, 12)


def weights_of(study: Study, name: str) -> Weights:
    """The study's weights of that name. Raises `CausalError` where it has none."""
    found = study.weights.get(name)
    if not isinstance(found, Weights):
        raise CausalError(Fault(f"no weights '{name}'", f"study '{study.name}'", nearest(name, study.weights)))
    return found


def standard_scales(values: xarray.DataArray) -> xarray.DataArray:
    """The constant that standardises each variable of `values` (variable, unit, time): its pooled within-unit sd.

    Each unit's mean is removed and the sum of squares divided by the sum over units of (n_i - 1). In the units of
    `values`; dims (variable). Raises `CausalError` for a variable that does not vary within any unit.
    """
    import xarray

    ordered = values.transpose("variable", "unit", "time")
    names = [str(name) for name in ordered["variable"].values]
    scales = np.array([within_unit_sd(ordered.values[position]) for position in range(len(names))])
    raise_all(
        Fault("does not vary within any unit", f"node '{name}'", "it cannot be standardised")
        for name, scale in zip(names, scales, strict=True)
        if not (math.isfinite(scale) and scale > 0)
    )
    return xarray.DataArray(scales, dims=("variable",), coords={"variable": ordered["variable"]})


def read_csv(
    path: Path | str, *, unit: str, time: str, first: Any = None, last: Any = None, dialect: Dialect | None = None
) -> Panel:
    """The panel of a CSV file with one line of names; see `Panel.from_frame`.

    Encoding, separator, decimal commas and marks between thousands are found out, and told in a note, where `dialect` does not say them.
    Empty cells, NA, NaN and nan are missing; a unit is missing only where its cell is empty, since NA is Namibia.
    A column with any other cell that is no number is remembered as text. Whole-number units and times become
    ints. Spaces around a cell are no part of it, and rows in which every cell is empty are skipped; both are noted where they stand. Raises
    `CausalError` with everything wrong at once, each with the file, the line and the column.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise CausalError(no_such(path, "path", "give the path of a CSV file"))
    path = Path(path)
    faults: list[Fault] = []
    found = read_records(path, dialect or Dialect(), faults, keys=(unit, time))
    names, lines, records = found.names, found.lines, found.rows
    faults.extend(_key_faults(names, unit, time, where=f"{path.name}:1"))
    if not {unit, time} <= set(names) or len(set(names)) < len(names):
        raise_all(faults)
    columns = {
        name: _Column.from_texts(
            [record[position] for record in records], key=name in (unit, time), keep_na=name == unit
        )
        for position, name in enumerate(names)
    }
    rows = _Rows(
        columns,
        len(records),
        place=lambda row: f"{path.name}:{lines[row]}",
        cell=lambda row, name: f"{path.name}:{lines[row]} column '{name}':",
        name=path.name,
    )
    notes = list(found.notes)
    place = names.index(time)
    told = [
        (line, cell, said)
        for line, row in zip(lines, records, strict=True)
        for no, said in _NO_TIME.items()
        if no.fullmatch(cell := row[place].strip())
    ]
    faults.extend(
        Fault(f"'{cell}' {said}", f"{path.name}:{line} column '{time}':") for line, cell, said in told[:_NAMED]
    )
    position = names.index(unit)
    spaced = [record[position] for record in records if record[position] != record[position].strip()]
    if spaced:
        told = shortened([repr(text) for text in dict.fromkeys(spaced)], 12)
        notes.append(f"units read without the spaces around them, in {len(spaced)} rows: {told}")
    return _assemble(rows, unit, time, first, last, faults, notes)


# ------------------------------------------------------------------------------------------------ assembling


@dataclass(frozen=True, slots=True)
class _Column:
    """A column's cells as they came (object), which are missing, and its numbers where it is a number column."""

    cells: NDArray[Any]
    missing: NDArray[np.bool_]
    numbers: NDArray[np.float64] | None
    first_text: int = -1

    @classmethod
    def from_series(cls, series: pandas.Series[Any]) -> _Column:
        import pandas

        missing = np.asarray(pandas.isna(series), dtype=np.bool_)
        kind = series.dtype
        if pandas.api.types.is_bool_dtype(kind) or pandas.api.types.is_numeric_dtype(kind):
            cells = series.to_numpy(dtype=object) if kind.kind == "c" or missing.any() else series.to_numpy()
            if kind.kind != "c":
                return cls(cells, missing, series.to_numpy(dtype=np.float64, na_value=np.nan))
        elif isinstance(kind, np.dtype) and kind.kind in "mM":
            cells = series.to_numpy()
        else:
            cells = series.to_numpy(dtype=object)
        return cls._from_objects(cells, missing)

    @classmethod
    def from_texts(cls, texts: Sequence[str], *, key: bool, keep_na: bool) -> _Column:
        stripped = [text.strip() for text in texts]
        missing = np.array([text == "" if keep_na else text in MISSING for text in stripped], dtype=np.bool_)
        present = [text for text, gone in zip(stripped, missing, strict=True) if not gone]
        if key and all(_WHOLE.fullmatch(text) for text in present):
            whole = [None if gone else int(text) for text, gone in zip(stripped, missing, strict=True)]
            return cls(np.array(whole, dtype=object), missing, None)
        texts_first = [row for row, text in enumerate(stripped) if not missing[row] and not NUMBER.fullmatch(text)]
        cells = np.array(stripped, dtype=object)
        if texts_first:
            return cls(cells, missing, None, texts_first[0])
        floats = [math.nan if gone else float(text) for text, gone in zip(stripped, missing, strict=True)]
        if key and not keep_na:  # a time such as 1996.5 is a number, a unit such as 1.10 is a name
            cells = np.array(floats, dtype=object)
        return cls(cells, missing, np.array(floats, dtype=np.float64))

    @classmethod
    def _from_objects(cls, cells: NDArray[Any], missing: NDArray[np.bool_]) -> _Column:
        """A column of any objects: numbers where every cell that is not missing is a real number."""
        empty = np.array([isinstance(cell, str) and not cell.strip() for cell in cells], dtype=np.bool_)
        texts = [row for row in np.flatnonzero(~missing).tolist() if _as_float(cells[row]) is None]
        if texts:
            telling = [row for row in texts if not _is_number_text(cells[row])]
            return cls(cells, missing | empty, None, (telling or texts)[0])
        floats = [math.nan if gone else _as_float(cell) for cell, gone in zip(cells, missing, strict=True)]
        return cls(cells, missing, np.array(floats, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a frame or file, and how to name one in a message."""

    columns: Mapping[str, _Column]
    count: int
    place: Callable[[int], str]
    cell: Callable[[int, str], str]
    name: str = ""


def _assemble(
    rows: _Rows, unit: str, time: str, first: Any, last: Any, faults: list[Fault], told: Sequence[str] = ()
) -> Panel:
    """The panel of the rows; raises the given faults together with those that are found here. `told` come first among its notes."""
    import xarray

    if rows.count == 0:
        raise CausalError(*faults, Fault("no rows", rows.name, "give one row for each unit and time"))
    complete = np.ones(rows.count, dtype=np.bool_)
    for role, name in (("unit", unit), ("time", time)):
        gone = rows.columns[name].missing
        complete &= ~gone
        faults.extend(
            Fault(f"{role} is missing", rows.cell(row, name), "fill it or drop the row") for row in _some(gone)
        )
    for name, column in rows.columns.items():
        if column.numbers is not None and name != unit:
            infinite = np.isinf(column.numbers)
            faults.extend(
                Fault("infinity is no value", rows.cell(row, name), "leave the cell empty if it is missing")
                for row in _some(infinite)
            )
            complete &= ~infinite if name == time else True
    kept = np.flatnonzero(complete)
    unit_keys = _keys(rows.columns[unit].cells[kept], unit, faults, rows.name)
    time_keys = _keys(rows.columns[time].cells[kept], time, faults, rows.name)
    if unit_keys is None or time_keys is None:
        raise CausalError(*faults)
    faults.extend(_duplicates(rows, kept, unit_keys, time_keys))
    _mixed_times(time_keys, time, faults, lambda place: rows.cell(int(kept[place]), time))
    inside = _inside(time_keys, first, last, time, rows.name, faults)
    raise_all(faults)
    outside = _outside_note(int((~inside).sum()), first, last)
    kept, unit_keys, time_keys = kept[inside], unit_keys[inside], time_keys[inside]
    if len(kept) == 0:
        raise CausalError(Fault(f"no rows from {first} to {last}", rows.name, "widen the years to keep"))
    units, unit_at = _distinct(unit_keys)
    times, time_at, notes = _time_grid(time_keys, time, rows.name)
    shape = (len(units), len(times))
    if len(units) * len(times) * len(rows.columns) > _MOST_VALUES:
        what = f"{len(units)} units, {len(times)} times and {len(rows.columns)} columns are more than {_MOST_VALUES} values, empty ones counted"
        raise CausalError(Fault(what, rows.name, "keep the units, times and columns that you need"))
    variables: dict[str, Any] = {}
    refused: dict[str, Fault] = {}
    for name, column in rows.columns.items():
        if name in (unit, time):
            continue
        if name in ("unit", "time"):
            refused[name] = Fault("stands for the panel's own dimension", f"column '{name}':", "rename the column")
        elif column.numbers is None:
            cell = column.cells[column.first_text]
            what = "is text" if _is_number_text(cell) else "is no number"
            known = f" ({unit} {rows.columns[unit].cells[column.first_text]}, {time} {rows.columns[time].cells[column.first_text]})"
            refused[name] = Fault(
                f"{_shown(cell)} {what}{known}", rows.cell(column.first_text, name), _number_mend(cell)
            )
        else:
            grid = np.full(shape, np.nan)
            grid[unit_at, time_at] = column.numbers[kept]
            variables[name] = (("unit", "time"), grid)
    present = np.zeros(shape, dtype=np.bool_)
    present[unit_at, time_at] = True
    data = xarray.Dataset(variables, coords={"unit": units, "time": times})
    alike = [
        *_alike("units", units.tolist()),
        *_alike("times", times.tolist()),
        *_alike("columns", rows.columns),
    ]
    notes = [*told, *outside, *notes, *alike, *_notes(data, present)]
    return Panel(data, tuple(notes), MappingProxyType(refused))


def _key_faults(
    names: Sequence[str], unit: str, time: str, *, where: str = "", in_index: Sequence[str] = ()
) -> list[Fault]:
    """What is wrong with the columns' names, before any cell is read."""
    faults: list[Fault] = []
    for role, name in (("unit", unit), ("time", time)):
        if name in in_index and name not in names:
            faults.append(Fault(f"the {role} '{name}' is in the frame's index", where, "call reset_index() first"))
        elif name not in names:
            faults.append(Fault(f"no {role} column '{name}'", where, nearest(str(name), names)))
    if unit == time:
        faults.append(Fault(f"'{unit}' cannot be unit and time at once", where, "name two columns"))
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    faults.extend(Fault(f"column '{name}' stands there twice", where, "rename one of the two") for name in twice)
    return faults


def _keys(cells: NDArray[Any], name: str, faults: list[Fault], where: str) -> NDArray[Any] | None:
    """Units or times as one sortable array of their own type, or None with a fault."""
    if cells.dtype != object:
        return cells
    listed = cells.tolist()
    if listed and all(isinstance(cell, bool | np.bool_) for cell in listed):
        return np.array(listed, dtype=np.bool_)
    if listed and all(isinstance(cell, int | np.integer) and not isinstance(cell, bool) for cell in listed):
        whole = np.array(listed)
        return whole if whole.dtype.kind in "iu" else cells
    if listed and all(
        isinstance(cell, float | int | np.floating | np.integer) and not isinstance(cell, bool) for cell in listed
    ):
        return np.array(listed, dtype=np.float64)
    try:
        sorted(set(listed))
    except TypeError:
        kinds = sorted({type(cell).__name__ for cell in listed})
        faults.append(Fault(f"column '{name}' mixes {' and '.join(kinds)}, which have no order", where, "use one type"))
        return None
    return cells


def _distinct(keys: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The sorted distinct keys, and each key's place among them; by hashing, which a million texts need."""
    import pandas

    codes, found = pandas.factorize(keys)
    order = np.argsort(found, kind="stable")
    places = np.empty(len(order), dtype=np.intp)
    places[order] = np.arange(len(order))
    return found[order], places[codes]


def _duplicates(rows: _Rows, kept: NDArray[np.intp], units: NDArray[Any], times: NDArray[Any]) -> list[Fault]:
    """The unit-times that stand in several rows, the first few by name with their rows."""
    (_, unit_at), (distinct_times, time_at) = _distinct(units), _distinct(times)
    cells, counts = np.unique(unit_at * len(distinct_times) + time_at, return_counts=True)
    several = np.isin(unit_at * len(distinct_times) + time_at, cells[counts > 1])
    seen: dict[tuple[Any, Any], list[int]] = {}
    keys = zip(units[several].tolist(), times[several].tolist(), strict=True)
    for row, key in zip(kept[several].tolist(), keys, strict=True):
        seen.setdefault(key, []).append(row)
    doubled = list(seen.items())
    faults = [
        Fault(
            f"{unit} {time} stands in {len(places)} rows: {shortened([rows.place(row) for row in places])}",
            rows.place(places[-1]) if rows.name else "",
            "keep one row",
        )
        for (unit, time), places in doubled[:_NAMED]
    ]
    if len(doubled) > _NAMED:
        faults.append(
            Fault(f"{len(doubled) - _NAMED} more unit-times stand in several rows", rows.name, "keep one row of each")
        )
    return faults


def _inside(
    times: NDArray[Any], first: Any, last: Any, name: str, where: str, faults: list[Fault]
) -> NDArray[np.bool_]:
    """The rows between the first and the last time to keep, both inclusive."""
    inside = np.ones(len(times), dtype=np.bool_)
    try:
        if first is not None:
            inside &= np.asarray(times >= first, dtype=np.bool_)
        if last is not None:
            inside &= np.asarray(times <= last, dtype=np.bool_)
    except (TypeError, ValueError):
        kind = type(times[0]).__name__
        faults.append(
            Fault(
                f"first {first!r} and last {last!r} cannot be compared with column '{name}'",
                where,
                f"its values are of type {kind}",
            )
        )
    return inside


def _outside_note(count: int, first: Any, last: Any) -> list[str]:
    """That rows before the first or after the last time to keep are left out."""
    bounds = [f"{word} {bound}" for word, bound in (("before", first), ("after", last)) if bound is not None]
    return [f"{count:,} rows {' or '.join(bounds)} are left out"] if count else []


def _alike(what: str, names: Iterable[object]) -> list[str]:
    """That texts among the names differ in so little that they may mean the same."""
    groups = look_alikes(name for name in names if isinstance(name, str))
    told = "; ".join(" and ".join(repr(name) for name in group) for group in groups[:_NAMED])
    more = f"; and {len(groups) - _NAMED} more" if len(groups) > _NAMED else ""
    return [f"{what} are taken as different, though their names look alike: {told}{more}"] if groups else []


def _mixed_times(times: NDArray[Any], name: str, faults: list[Fault], cell: Callable[[int], str]) -> None:
    """A fault where some times are whole numbers and others words: they have an order as text only, and 2O05 would be a period of its own."""
    if times.dtype != object:
        return
    texts = [(place, text) for place, text in enumerate(times.tolist()) if isinstance(text, str)]
    whole = [(place, text) for place, text in texts if _WHOLE.fullmatch(text.strip())]
    words = [(place, text) for place, text in texts if not _WHOLE.fullmatch(text.strip())]
    if not whole or not words:
        return
    few, what = (
        (words, "no whole number, as other times are")
        if len(words) <= len(whole)
        else (whole, "a whole number, as other times are not")
    )
    first = {text: place for place, text in reversed(few)}
    named = sorted(first.items(), key=lambda each: each[1])[:_NAMED]
    faults.extend(Fault(f"{_shown(text)} is {what}", cell(place), "write all times alike") for text, place in named)
    if len(first) > _NAMED:
        faults.append(
            Fault(f"{len(first) - _NAMED} more times are like these", f"column '{name}'", "write all times alike")
        )


def _time_grid(keys: NDArray[Any], name: str, where: str) -> tuple[NDArray[Any], NDArray[np.intp], list[str]]:
    """The panel's times, each row's place among them, and what there is to note."""
    distinct, at = _distinct(keys)
    whole = _whole_numbers(distinct)
    if whole is None:
        if len(distinct) < 2:
            return distinct, at, []
        kind = "numbers that are not whole" if distinct.dtype.kind == "f" else type(distinct.tolist()[0]).__name__
        return distinct, at, [f"times are {kind}: the {len(distinct)} that have rows stand as consecutive periods"]
    order = sorted(whole)
    step = math.gcd(*(later - earlier for earlier, later in itertools.pairwise(order))) or 1
    periods = (order[-1] - order[0]) // step + 1
    if periods > 100 * len(distinct) + 10_000:
        what = f"column '{name}' runs from {order[0]} to {order[-1]} in steps of {step}, with rows for {len(distinct)} of {periods} times"
        raise CausalError(Fault(what, where, "correct the stray time, or number the periods"))
    grid = [order[0] + step * period for period in range(periods)]
    places = np.array([(value - order[0]) // step for value in whole], dtype=np.intp)
    values: NDArray[Any] = (
        np.array([str(value) for value in grid], dtype=object)
        if distinct.dtype == object
        else np.array(grid, dtype=distinct.dtype)
    )
    present = set(whole)
    absent = [str(value) for value in grid if value not in present]
    notes = [f"times are {step} apart, and so is a period"] if step > 1 else []
    if absent:
        notes.append(f"no rows for {shortened(absent, 12)}")
    return values, places[at], notes


def _whole_numbers(distinct: NDArray[Any]) -> list[int] | None:
    """The times as whole numbers, where they are ints, integral floats or ints written as text."""
    if distinct.dtype.kind in "iu":
        return [int(value) for value in distinct.tolist()]
    if distinct.dtype.kind == "f" and bool(np.all(distinct == np.floor(distinct))):
        return [int(value) for value in distinct.tolist()]
    listed = distinct.tolist()
    if distinct.dtype == object and all(isinstance(value, str) and _WHOLE.fullmatch(value) for value in listed):
        return [int(value) for value in listed]
    return None


def _notes(data: xarray.Dataset, present: NDArray[np.bool_]) -> list[str]:
    """What a reader should know of the grid: units, absent rows, missing values."""
    notes: list[str] = []
    units, times = present.shape
    if units == 1:
        notes.append("one unit only: nothing is compared between units")
    covered = present[:, present.any(axis=0)]
    absent = int((~covered).sum())
    if absent:
        places = unit_times(data["unit"].values, data["time"].values[present.any(axis=0)], ~covered)
        notes.append(f"{absent} of {covered.size} unit-times have no row and are missing: {places}")
    missing = {str(name): int(np.isnan(array.values).sum()) for name, array in data.data_vars.items()}
    gaps = [f"{name} {count}" for name, count in missing.items() if count]
    if gaps:
        notes.append(f"values missing, of {units * times}: {shortened(gaps, 12)}")
    return notes


# -------------------------------------------------------------------------------------------------- measuring


def _measure_faults(panel: Panel, measure: Measure, where: str) -> list[Fault]:
    """Everything that keeps one measure's columns from measuring its node."""
    faults: list[Fault] = []
    error = [measure.error] if isinstance(measure.error, str) else []
    for column in (*measure.columns, *error):
        if column in panel.refused:
            refusal = panel.refused[column]
            faults.append(Fault(f"{refusal.where} {refusal.what}", where, refusal.mend))
        elif column not in panel.columns:
            faults.append(Fault(f"no column '{column}'", where, nearest(column, panel.columns)))
    if faults:
        return faults
    for column in error:
        errors = panel.data[column].values
        if not errors[~np.isnan(errors)].any() and not np.isnan(errors).all():
            mend = "leave the error out of a column that is exact"
            faults.append(Fault(f"column '{column}' is 0 everywhere, which is no standard error", where, mend))
        mend = "a standard error is 0 or more"
        faults.extend(_cell_faults(panel, column, errors < 0, "is no standard error", where, mend))
        valued = ~np.any([np.isnan(panel.data[name].values) for name in measure.columns], axis=0)
        mend = f"give it, or leave the value of '{measure.columns[0]}' out"
        faults.extend(_cell_faults(panel, column, np.isnan(errors) & valued, "where there is a value", where, mend))
    for column in measure.columns:
        values = panel.data[column].values
        outside = outside_transform(measure, values)
        if outside.any():
            faults.extend(
                _cell_faults(panel, column, outside, f"has no {measure.transform}", where, "choose another transform")
            )
            continue
        fault = _variation_fault(column, values, where)
        faults.extend([fault] if fault else [])
    if not faults and len(measure.columns) > 1 and not measure.loadings and len(panel.times) > 1:
        index = apply(measure, {column: panel.data[column].values for column in measure.columns})
        fault = _variation_fault("+".join(measure.columns), index, where)
        faults.extend([fault] if fault else [])
    return faults


def _engine_faults(panel: Panel, measure: Measure, family: str, where: str) -> list[Fault]:
    """What keeps a column of a table in a data engine from measuring its node, as far as that is seen without reading it."""
    if measure.columns[0] in panel.refused:
        refusal = panel.refused[measure.columns[0]]
        return [Fault(f"{refusal.where} {refusal.what}", where, refusal.mend)]
    faults = [
        Fault(f"no column '{column}'", where, nearest(column, panel.columns))
        for column in measure.columns
        if column not in panel.columns
    ]
    if len(measure.columns) > 1:
        faults.append(Fault("an index of several columns needs the values in memory", where, _IN_MEMORY))
    if measure.noisy:
        faults.append(Fault("noise of measurement needs the values in memory", where, _IN_MEMORY))
    if family not in families.LINEAR:
        faults.append(Fault(f"a node of the family {family} needs the values in memory", where, _IN_MEMORY))
    return faults


def _family_faults(panel: Panel, measure: Measure, family: str, where: str) -> list[Fault]:
    """What keeps a column from measuring a node of its family; nothing of a Normal node."""
    if family == "normal":
        return []
    faults: list[Fault] = []
    if measure.noisy and family not in families.LINEAR:
        what = f"is of the family {family}, which noise of measurement does not fit"
        faults.append(Fault(what, where, "take the family normal, or leave error and reliability out"))
    if len(measure.columns) > 1:
        faults.append(Fault(f"an index cannot measure a node of the family {family}", where, "name one column"))
    if measure.transform != "none":
        faults.append(
            Fault(
                f"a node of the family {family} is measured as it is", where, f"leave out transform={measure.transform}"
            )
        )
    if measure.direction == "-" and family != "student-t":
        faults.append(
            Fault(f"a node of the family {family} cannot be turned round", where, "turn the sign of its edges instead")
        )
    column = next(iter(measure.columns), "")
    if faults or column not in panel.columns:
        return faults
    values = panel.data[column].values
    outside = families.outside(family, values)
    if outside.any():
        mend = f"allowed: {families.ALLOWED[family]}"
        return _cell_faults(panel, column, outside, f"is no value of the family {family}", where, mend)
    if family == "ordered":
        seen = np.unique(values[~np.isnan(values)])
        if len(seen) > families.MOST_LEVELS:
            what = f"column '{column}' has {len(seen)} levels"
            faults.append(
                Fault(what, where, f"take the family normal, or join levels to {families.MOST_LEVELS} at most")
            )
        elif len(seen) and not np.array_equal(seen, np.arange(len(seen))):
            absent = sorted(set(range(int(seen[-1]))) - {int(level) for level in seen})
            what = f"column '{column}' never has the level {shortened(absent)}"
            faults.append(Fault(what, where, "number the levels 0, 1, 2, ... without a gap"))
    if family == "hurdle-lognormal" and not varies_within_units(np.where(values > 0, values, np.nan)):
        what = f"column '{column}' does not vary above 0 within any unit"
        faults.append(Fault(what, where, "make it a node of the family bernoulli: any, or none"))
    return faults


def _variation_fault(column: str, values: NDArray[np.float64], where: str) -> Fault | None:
    present = values[~np.isnan(values)]
    if present.size == 0:
        return Fault(f"column '{column}' is all missing", where, "measure the node by another column, or leave it out")
    if bool(np.all(present == present[0])):
        return Fault(
            f"column '{column}' is constant at {present[0]:g}", where, "a constant tells nothing; leave it out"
        )
    # What rounding leaves of a sum or a mean is no variation: `engine.reduce` draws the line at the same place.
    rounding = 1e-12 * float(np.max(np.abs(present)))
    if values.shape[1] > 1 and (not varies_within_units(values) or within_unit_sd(values) <= rounding):
        return Fault(
            f"column '{column}' does not vary within any unit",
            where,
            "an effect within units needs change over time; leave it out",
        )
    return None


def _cell_faults(panel: Panel, column: str, bad: NDArray[np.bool_], what: str, where: str, mend: str) -> list[Fault]:
    places = np.argwhere(bad)
    values = panel.data[column].values
    faults = [
        Fault(
            f"column '{column}' at {panel.units[unit]}, {panel.times[time]}: {values[unit, time]:g} {what}", where, mend
        )
        for unit, time in places[:_NAMED].tolist()
    ]
    if len(places) > _NAMED:
        faults.append(Fault(f"column '{column}': {len(places) - _NAMED} more such values", where, mend))
    return faults


def same_in_every_unit(values: NDArray[np.float64]) -> bool:
    """Whether a node (unit, time) never differs between units in a period."""
    seen = values[:, ~np.isnan(values).all(axis=0)]
    spread = np.nanmax(seen, axis=0) - np.nanmin(seen, axis=0)
    return bool((spread <= 1e-9 * np.nanmax(np.abs(seen))).all())


def _node_values(panel: Panel, measure: Measure) -> NDArray[np.float64]:
    return apply(measure, columns_of(panel, measure))


def columns_of(panel: Panel, measure: Measure) -> dict[str, NDArray[np.float64]]:
    """The columns (unit, time) of a measure, by name."""
    return {column: panel.data[column].values for column in measure.columns}


# ---------------------------------------------------------------------------------------------- cells and files


def _as_float(cell: object) -> float | None:
    """A cell's value where it is a real number; a whole number beyond floats counts as infinite."""
    if isinstance(cell, np.bool_):
        return float(cell)
    if isinstance(cell, np.timedelta64):  # numpy counts a duration among its integers
        return None
    if isinstance(cell, numbers.Real) or type(cell).__name__ == "Decimal":
        try:
            return float(cell)  # pyright: ignore[reportArgumentType]  # Decimal is no numbers.Real
        except OverflowError:
            return math.inf
    return None


def _is_number_text(cell: object) -> bool:
    return isinstance(cell, str) and bool(NUMBER.fullmatch(cell.strip()))


def _number_mend(cell: object) -> str:
    if _is_number_text(cell):
        return "turn the column into numbers first"
    if isinstance(cell, str) and re.fullmatch(r"[+-]?\d+,\d+", cell.strip()):
        return "write a decimal point"
    return "write a number, or leave the cell empty if it is missing"


def _shown(cell: object) -> str:
    text = repr(cell) if isinstance(cell, str) else repr(str(cell))
    return text if len(text) <= 60 else f"{text[:57]}...'"


def _some(flags: NDArray[np.bool_]) -> list[int]:
    """The first few rows that are flagged."""
    return np.flatnonzero(flags)[:_NAMED].tolist()
