"""Tables of any length: what the linear model needs of them is made inside the data engine, and the rows never come to Python.

A complete Normal panel enters the likelihood as within-unit cross-products alone (`causal.equations`), a matrix of a dozen rows whatever
the number of periods and units. Here they are made by the engine that holds the rows: DuckDB for files and frames, or whatever ibis speaks
to. Each unit's sums and products of its columns and their lags, less its means', are added up over all units that are observed in the same
span of periods; what year effects take away needs each period's sums besides. So a hundred million rows cost the sampler what a
hundred do.

Only complete series are reduced: a missing value, a gap inside a unit or a unit-time that stands twice is an error that names the first few.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.errors import CausalError, Fault, nearest, raise_all

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_EXTRA = 'pip install "causal-claims[engine]"'
_NAMED = 5
_SUFFIXES = {".csv": "csv", ".gz": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet"}


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table in a data engine with one row for each unit and time: `expression` is ibis's, `rows` its length.

    `columns` are the number columns, `refused` the others with their type. `times` are the distinct times in order. `outside`: rows that the
    first and the last time to keep leave out.
    """

    expression: Any
    unit: str
    time: str
    rows: int
    columns: tuple[str, ...]
    refused: Mapping[str, str]
    times: NDArray[Any]
    outside: int = 0


@dataclass(frozen=True, slots=True)
class Column:
    """What stands for a node: a column, its transform ("none", "log", "log1p") and the sign that it is turned by."""

    name: str
    transform: str = "none"
    sign: float = 1.0


@dataclass(frozen=True, slots=True)
class Reduced:
    """What is left of a table, for stacked columns ``l * nodes + v`` as in `equations.stacked`, in natural units.

    `spans` (span, 2): first outcome period and the one after the last; `counts` (span): units with that span. `within` (column, column):
    the cross-products less each unit's means; `yearly` (period, column): each period's sum of what is left. `centres`, `scales` (node):
    means and pooled within-unit sds of all values. `short`: units with too few periods, which are in neither.
    """

    spans: Ints
    counts: Ints
    within: Floats
    yearly: Floats
    centres: Floats
    scales: Floats
    short: int


def opened(source: object) -> Any:
    """An ibis table of `source`: the path of a CSV or Parquet file (a folder or pattern of Parquet files), an Arrow, pandas or polars table, or an
    ibis table itself. Raises `CausalError` for anything else, for a file that cannot be read, and where ibis is not installed.
    """
    try:
        import ibis
    except ImportError:
        raise CausalError(Fault("tables need a data engine that is not installed", mend=_EXTRA)) from None
    module: Any = ibis
    if isinstance(source, module.Table):
        return source
    if isinstance(source, (str, Path)):
        return _opened_file(module, Path(source))
    library = type(source).__module__.partition(".")[0]
    if library in ("pandas", "polars", "pyarrow"):
        import pyarrow

        given: Any = source
        try:
            return module.memtable(pyarrow.Table.from_pandas(given) if library == "pandas" else given)
        except (
            AttributeError,
            TypeError,
            ValueError,
            pyarrow.ArrowException,
            module.common.exceptions.IbisError,
        ) as error:
            what = f"a {type(source).__name__} that no engine takes: {_first_line(error)}"
            raise CausalError(Fault(what, mend="give one table")) from None
    mend = "give a path, an Arrow, pandas or polars table, or an ibis table"
    raise CausalError(Fault(f"a {type(source).__name__} is no table", mend=mend))


def table(source: object, unit: str, time: str, *, first: Any = None, last: Any = None) -> Table:
    """The table of `source`, with the times from `first` to `last`. Reads its units' and times' columns once.

    Raises `CausalError` with what is wrong of its shape: a missing column, no rows, a unit or a time without a value.
    """
    found = opened(source)
    schema: dict[str, Any] = dict(found.schema().items())
    faults = [
        Fault(f"no {role} column '{name}'", mend=nearest(str(name), schema))
        for role, name in (("unit", unit), ("time", time))
        if name not in schema
    ]
    if unit == time:
        faults.append(Fault(f"'{unit}' cannot be unit and time at once", mend="name two columns"))
    faults.extend(_doubled(source, tuple(schema)))
    raise_all(faults)
    whole = found
    if first is not None:
        found = found.filter(found[time] >= first)
    if last is not None:
        found = found.filter(found[time] <= last)
    counted = _run(
        found.group_by(time).aggregate(rows=found.count(), nameless=found[unit].isnull().sum()).order_by(time)
    )
    bounded = first is not None or last is not None
    everything = int(_run(whole.aggregate(rows=whole.count()))["rows"].sum()) if bounded else 0
    if not len(counted) or not counted["rows"].sum():
        if everything:
            raise CausalError(Fault(f"no rows from {first} to {last}", mend="widen the years to keep"))
        raise CausalError(Fault("no rows", mend="give one row for each unit and time"))
    timeless = counted.loc[counted[time].isna(), "rows"].sum()
    raise_all(
        Fault(f"{role} is missing in {count:,} rows", f"column '{name}'", "fill it or drop the rows")
        for role, name, count in (("unit", unit, int(counted["nameless"].sum())), ("time", time, int(timeless)))
        if count
    )
    others = [name for name in schema if name not in (unit, time)]
    numeric = tuple(name for name in others if schema[name].is_numeric() or schema[name].is_boolean())
    refused = {name: str(schema[name]) for name in others if name not in numeric}
    rows = int(counted["rows"].sum())
    outside = everything - rows if bounded else 0
    return Table(found, unit, time, rows, numeric, refused, counted[time].to_numpy(), outside)


def unit_texts(table: Table) -> list[str]:
    """The distinct units where they are texts, in order; nothing where they are not."""
    units = table.expression[table.unit]
    if not units.type().is_string():
        return []
    return _run(table.expression.select(units).distinct().order_by(table.unit))[table.unit].tolist()


def left_out(table: Table, periods: int) -> list[str]:
    """The units, in order, that have fewer rows than `periods`."""
    counted = table.expression.group_by(table.unit).aggregate(rows=table.expression.count())
    short = counted.filter(counted["rows"] < periods).order_by(table.unit)
    return [str(unit) for unit in _run(short)[table.unit]]


def in_memory(table: Table) -> Any:
    """The whole table as a pandas frame."""
    return _run(table.expression)


def reduce(table: Table, columns: Sequence[Column], lags: int, grid: NDArray[Any]) -> Reduced:
    """The cross-products of `columns` and their `lags`, made inside the engine; `grid` are the panel's periods, gaps filled.

    Raises `CausalError` with everything that keeps the rows from being complete series of numbers, and for a column that is constant.
    """
    import ibis

    rows = _periods(table, grid)
    rows = rows.select("unit", "period", **{f"x{v}": _expression(rows, column) for v, column in enumerate(columns)})
    number = range(len(columns))
    told = rows.group_by("period").aggregate(
        **{f"sum{v}": rows[f"x{v}"].sum() for v in number},
        **{f"known{v}": rows[f"x{v}"].count() for v in number},
        **{f"wild{v}": (rows[f"x{v}"].isnan() | rows[f"x{v}"].isinf()).sum() for v in number},
        rows=rows.count(),
    )
    by_period = _run(told.order_by("period"))
    total = int(by_period["rows"].sum())
    raise_all(fault for v, column in enumerate(columns) for fault in _value_faults(table, column, by_period, v, total))
    centres = np.array([_rounded(float(by_period[f"sum{v}"].sum()) / total) for v in number])

    size = len(columns) * (lags + 1)
    names = [f"x{v}" if lag == 0 else f"x{v}_{lag}" for lag in range(lags + 1) for v in number]
    window: Any = ibis.window(group_by="unit", order_by="period")
    rows = rows.mutate(**{f"x{v}": rows[f"x{v}"] - float(centres[v]) for v in number})
    lagged = rows.mutate(
        gap=rows["period"] - rows["period"].lag().over(window),
        at=ibis.row_number().over(window),
        **{f"x{v}_{lag}": rows[f"x{v}"].lag(lag).over(window) for lag in range(1, lags + 1) for v in number},
    )
    used: Any = lagged["at"] >= lags
    pairs = [(a, b) for a in range(size) for b in range(a, size)]
    unit = lagged.group_by("unit").aggregate(
        first=lagged["period"].min(),
        length=lagged.count(),
        twice=(lagged["gap"] == 0).sum(),
        gaps=(lagged["gap"] > 1).sum(),
        **{f"sum{a}": lagged[name].sum(where=used) for a, name in enumerate(names)},
        **{f"product{a}_{b}": (lagged[names[a]] * lagged[names[b]]).sum(where=used) for a, b in pairs},
        **{f"all{v}": lagged[f"x{v}"].sum() for v in number},
        **{f"square{v}": (lagged[f"x{v}"] * lagged[f"x{v}"]).sum() for v in number},
    )
    length: Any = ibis.greatest(unit["length"] - lags, 1)
    spans = _run(
        unit.group_by(["first", "length"]).aggregate(
            units=unit.count(),
            twice=unit["twice"].sum(),
            gaps=unit["gaps"].sum(),
            **{f"mean{a}": (unit[f"sum{a}"] / length).sum() for a in range(size)},
            **{
                f"left{a}_{b}": (unit[f"product{a}_{b}"] - unit[f"sum{a}"] * unit[f"sum{b}"] / length).sum()
                for a, b in pairs
            },
            **{
                f"square{v}": (unit[f"square{v}"] - unit[f"all{v}"] * unit[f"all{v}"] / unit["length"]).sum()
                for v in number
            },
        )
    ).sort_values(["first", "length"])
    _refuse_broken(lagged, spans, total, grid)
    freedom = int((spans["units"] * (spans["length"] - 1)).sum())
    squares = [max(float(spans[f"square{v}"].sum()), 0.0) for v in number]
    scales = np.array([_rounded(math.sqrt(square / max(freedom, 1))) for square in squares])
    # What is left of rounding in a column that does not vary is no variation.
    raise_all(
        Fault("does not vary within any unit", f"column '{column.name}'", "it cannot be standardised; leave it out")
        for column, scale, centre in zip(columns, scales, centres, strict=True)
        if not scale > 1e-12 * max(abs(float(centre)), 1e-300)
    )
    long = spans["length"] - lags >= 2
    short = int(spans.loc[~long, "units"].sum())
    spans = spans.loc[long]
    within = np.zeros((size, size))
    for a, b in pairs:
        within[a, b] = within[b, a] = float(spans[f"left{a}_{b}"].sum())
    start = (spans["first"] + lags).to_numpy(dtype=np.int64)
    stop = (spans["first"] + spans["length"]).to_numpy(dtype=np.int64)
    counts = spans["units"].to_numpy(dtype=np.int64)
    yearly = np.zeros((len(grid), size))
    if len(spans) == 1 and not short:
        sums = by_period[[f"sum{v}" for v in number]].to_numpy() - centres * by_period[["rows"]].to_numpy()
        for lag in range(lags + 1):
            yearly[start[0] : stop[0], lag * len(columns) : (lag + 1) * len(columns)] = sums[
                lags - lag : len(sums) - lag
            ]
    elif len(spans):
        ends: Any = ibis.window(group_by="unit")
        late = lagged.mutate(length=lagged.count().over(ends)).filter(lambda row: row["at"] >= lags)
        late = late.filter(late["length"] - lags >= 2)
        sums = _run(late.group_by("period").aggregate(**{f"sum{a}": late[name].sum() for a, name in enumerate(names)}))
        yearly[sums["period"].to_numpy(dtype=np.int64)] = sums[[f"sum{a}" for a in range(size)]].to_numpy()
    means = spans[[f"mean{a}" for a in range(size)]].to_numpy()
    for k in range(len(spans)):
        yearly[start[k] : stop[k]] -= means[k]
    return Reduced(np.stack([start, stop], axis=1), counts, within, yearly, centres, scales, short)


def _opened_file(module: Any, path: Path) -> Any:
    kind = _SUFFIXES.get(path.suffix.lower(), "parquet" if path.is_dir() or "*" in path.name else "")
    if not kind:
        raise CausalError(Fault("is neither CSV nor Parquet by its name", str(path), "name it .csv or .parquet"))
    if "*" not in path.name and not path.exists():
        raise CausalError(Fault("cannot be read: no such file", str(path), "check the path"))
    connection = module.duckdb.connect()
    where = str(path / "*.parquet") if path.is_dir() else str(path)
    try:
        return connection.read_csv(where) if kind == "csv" else connection.read_parquet(where)
    except Exception as error:  # the engine raises errors of its own for a file that is none of its kind
        raise CausalError(Fault(f"cannot be read: {_first_line(error)}", str(path), f"is it {kind}?")) from None


def _doubled(source: object, names: Sequence[str]) -> list[Fault]:
    """Columns of one name but for its case: an engine renames one of them, or takes the one for the other."""
    given = _names_in_file(Path(source), len(names)) if isinstance(source, (str, Path)) else names
    groups: dict[str, list[str]] = {}
    for name in given:
        groups.setdefault(name.strip().casefold(), []).append(name)
    return [
        Fault(f"column '{group[0]}' stands there twice", mend="rename one of the two")
        if len(set(group)) == 1
        else Fault(
            f"columns {' and '.join(repr(name) for name in group)} differ in case or spaces only, which data engines do not tell apart",
            mend="rename one of the two",
        )
        for group in groups.values()
        if len(group) > 1
    ]


def _names_in_file(path: Path, columns: int) -> list[str]:
    """The names of the columns as the first file has them; none where the line of names is not understood."""
    if path.is_dir() or "*" in path.name:
        path = min(path.glob("*.parquet") if path.is_dir() else path.parent.glob(path.name), default=path)
    if _SUFFIXES.get(path.suffix.lower(), "parquet") == "parquet":
        import pyarrow.parquet

        return pyarrow.parquet.read_schema(path).names
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
        line = file.readline()
    found = (next(csv.reader([line], delimiter=mark), []) for mark in ",;\t|")
    return next((names for names in found if len(names) == columns), [])


def _run(expression: Any) -> Any:
    """The rows of an expression as a pandas frame; an engine's own errors in our words."""
    try:
        # By way of Arrow: ibis's own way to pandas warns of an option that pandas 3 has done away with.
        return expression.to_pyarrow().to_pandas()
    except CausalError:
        raise
    except Exception as error:  # every engine has errors of its own
        raise CausalError(Fault(f"the data engine gave up: {_first_line(error)}", mend="check the table")) from None


def _periods(table: Table, grid: NDArray[Any]) -> Any:
    """The table's rows with `unit`, and `period` as a place in `grid`."""
    import ibis
    import pyarrow

    rows = table.expression
    whole = np.issubdtype(grid.dtype, np.integer) or np.issubdtype(grid.dtype, np.floating)
    if whole and len(grid) > 1 and len(set(np.diff(grid).tolist())) == 1:
        step = float(grid[1] - grid[0])
        period = ((rows[table.time] - grid[0].item()) / step).round().cast("int64")
        return rows.mutate(unit=rows[table.unit], period=period)
    places: Any = ibis.memtable(pyarrow.table({"at_time": grid, "period": np.arange(len(grid))}))
    joined = rows.inner_join(places, rows[table.time].cast(places["at_time"].type()) == places["at_time"])
    return joined.mutate(unit=joined[table.unit])


def _expression(rows: Any, column: Column) -> Any:
    values = rows[column.name].cast("float64")
    if column.transform == "log":
        # Outside the transform a value is missing here, and told so with the missing ones.
        values = (values > 0).ifelse(values, None).ln()
    elif column.transform == "log1p":
        values = (values > -1).ifelse(values + 1.0, None).ln()
    return values * column.sign if column.sign != 1.0 else values


def _value_faults(table: Table, column: Column, by_period: Any, place: int, total: int) -> list[Fault]:
    missing, wild = total - int(by_period[f"known{place}"].sum()), int(by_period[f"wild{place}"].sum())
    where = f"column '{column.name}'"
    faults: list[Fault] = []
    if missing:
        told = "missing" if column.transform == "none" else f"missing or without a {column.transform}"
        mend = "drop those rows at the ends of series, or take a part that fits in memory: Panel.from_table(..., in_memory=True)"
        faults.append(Fault(f"{missing:,} of {total:,} values are {told}", where, mend))
    if wild:
        faults.append(
            Fault(
                f"{wild:,} of {total:,} values are infinite or no number",
                where,
                "leave the cell empty if it is missing",
            )
        )
    return faults


def _refuse_broken(lagged: Any, spans: Any, total: int, grid: NDArray[Any]) -> None:
    """Raise where a unit-time stands twice or a unit has a gap, naming the first few."""
    broken = int(spans["twice"].sum() + spans["gaps"].sum())
    if not broken:
        return
    first = lagged.filter(lagged["gap"] != 1).select("unit", "period", "gap").order_by(["unit", "period"])
    found = _run(first.limit(_NAMED))
    faults = [
        Fault(f"{unit} {grid[period]} stands in several rows", mend="keep one row")
        if gap == 0
        else Fault(
            f"{unit} {grid[period]} has no row before it",
            mend="fill the gap, or take a part that fits in memory: Panel.from_table(..., in_memory=True)",
        )
        for unit, period, gap in zip(found["unit"], found["period"], found["gap"], strict=True)
    ]
    if broken > len(faults):
        what = f"{broken - len(faults):,} more of {total:,} rows are like these"
        faults.append(Fault(what, mend="each unit needs each of its periods once"))
    raise CausalError(*faults)


def _rounded(value: float) -> float:
    """To twelve digits: an engine adds in another order each time, and a fit is looked up by its numbers."""
    return float(f"{value:.12g}")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
