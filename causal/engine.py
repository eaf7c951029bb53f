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

from causal.errors import CausalError, Fault, nearest, no_such, raise_all

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_EXTRA = 'pip install "causal-claims[engine]"'
_IN_MEMORY = "take a part that fits in memory: Panel.from_table(..., in_memory=True)"
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
    raise CausalError(no_such(source, "table", mend))


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

    Two passes: sums by period, which tell missing values and the centres, and products by unit, which tell rows that stand twice or are absent.
    Units of several spans take a third. Raises `CausalError` with everything that keeps the rows from being complete series of numbers, and for a
    column that is constant.
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
    if any(by_period[f"known{v}"].sum() < total or by_period[f"wild{v}"].sum() for v in number):
        raise CausalError(*_everything_wrong(rows, columns, by_period, grid))
    centres = np.array([_rounded(float(by_period[f"sum{v}"].sum()) / total) for v in number])

    size = len(columns) * (lags + 1)
    names = [f"x{v}" if lag == 0 else f"x{v}_{lag}" for lag in range(lags + 1) for v in number]
    window: Any = ibis.window(group_by="unit", order_by="period")
    centred = rows.mutate(**{f"x{v}": rows[f"x{v}"] - float(centres[v]) for v in number})
    lagged = centred.mutate(
        period_0=centred["period"],
        **{f"period_{lag}": centred["period"].lag(lag).over(window) for lag in range(1, max(lags, 1) + 1)},
        **{f"x{v}_{lag}": centred[f"x{v}"].lag(lag).over(window) for lag in range(1, lags + 1) for v in number},
    )
    # A row with its whole past is an outcome. That past shows every step of the unit's series, its first ones too.
    used: Any = lagged.filter(lagged[f"x0_{lags}"].notnull()) if lags else lagged
    steps = [used[f"period_{lag}"] - used[f"period_{lag + 1}"] != 1 for lag in range(max(lags, 1))]
    broken: Any = steps[0]
    for step in steps[1:]:
        broken = broken | step
    broken = broken.fill_null(False)
    pairs = [(a, b) for a in range(size) for b in range(a, size)]
    early = [(v, lag) for v in number for lag in range(1, lags + 1)]
    unit = used.group_by("unit").aggregate(
        first=used["period"].min(),
        length=used.count(),
        broken=broken.sum(),
        **{f"sum{a}": used[name].sum() for a, name in enumerate(names)},
        **{f"product{a}_{b}": (used[names[a]] * used[names[b]]).sum() for a, b in pairs},
        # The values before the first outcome, which count for the scales.
        **{f"early{v}_{lag}": used[f"x{v}_{lag}"].argmin(used["period"]) for v, lag in early},
    )
    alone = {v: [unit[f"early{v}_{lag}"] for lag in range(1, lags + 1)] for v in number}
    whole = {v: sum(alone[v], unit[f"sum{v}"]) for v in number}
    spans = _run(
        unit.group_by(["first", "length"]).aggregate(
            units=unit.count(),
            broken=unit["broken"].sum(),
            **{f"mean{a}": (unit[f"sum{a}"] / unit["length"]).sum() for a in range(size)},
            **{
                f"left{a}_{b}": (unit[f"product{a}_{b}"] - unit[f"sum{a}"] * unit[f"sum{b}"] / unit["length"]).sum()
                for a, b in pairs
            },
            **{
                f"square{v}": (
                    sum([each * each for each in alone[v]], unit[f"product{v}_{v}"])
                    - whole[v] * whole[v] / (unit["length"] + lags)
                ).sum()
                for v in number
            },
        )
    ).sort_values(["first", "length"])
    units, length = (spans[name].to_numpy(dtype=np.int64) for name in ("units", "length"))
    freedom = int((units * (length + lags - 1)).sum())
    squares = np.array([float(spans[f"square{v}"].sum()) for v in number])
    wrong, short = bool(spans["broken"].sum()), 0
    if int((units * (length + lags)).sum()) < total:
        few = _few(centred, len(columns), lags)
        wrong, short = wrong or few.wrong, few.units
        freedom, squares = freedom + few.freedom, squares + few.squares
    scales = np.array([_rounded(math.sqrt(max(square, 0.0) / max(freedom, 1))) for square in squares])
    # What is left of rounding in a column that does not vary is no variation.
    still = [v for v in number if not scales[v] > 1e-12 * max(abs(float(centres[v])), 1e-300)]
    if wrong or still:
        raise CausalError(*_everything_wrong(rows, columns, by_period, grid, still))
    long = length >= 2
    short += int(units[~long].sum())
    spans, counts = spans.loc[long], units[long]
    within = np.zeros((size, size))
    for a, b in pairs:
        within[a, b] = within[b, a] = float(spans[f"left{a}_{b}"].sum())
    start = spans["first"].to_numpy(dtype=np.int64)
    stop = start + length[long]
    yearly = np.zeros((len(grid), size))
    if len(spans) == 1 and not short:
        sums = by_period[[f"sum{v}" for v in number]].to_numpy() - centres * by_period[["rows"]].to_numpy()
        for lag in range(lags + 1):
            yearly[start[0] : stop[0], lag * len(columns) : (lag + 1) * len(columns)] = sums[
                lags - lag : len(sums) - lag
            ]
    elif len(spans):
        ends: Any = ibis.window(group_by="unit")
        late = used.mutate(length=used.count().over(ends)).filter(lambda row: row["length"] >= 2)
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


@dataclass(frozen=True, slots=True)
class _Few:
    """Of the units without an outcome: how many, their part of the scales' `freedom` and `squares` (node), and whether rows stand twice or are absent."""

    units: int
    freedom: int
    squares: Floats
    wrong: bool


def _few(centred: Any, columns: int, lags: int) -> _Few:
    """The units that have no more rows than there are lags."""
    unit = centred.group_by("unit").aggregate(
        length=centred.count(),
        span=centred["period"].max() - centred["period"].min() + 1,
        distinct=centred["period"].nunique(),
        **{f"sum{v}": centred[f"x{v}"].sum() for v in range(columns)},
        **{f"square{v}": (centred[f"x{v}"] * centred[f"x{v}"]).sum() for v in range(columns)},
    )
    unit = unit.filter(unit["length"] <= lags)
    wrong: Any = (unit["span"] != unit["length"]) | (unit["distinct"] != unit["length"])
    found = _run(
        unit.aggregate(
            units=unit.count(),
            freedom=(unit["length"] - 1).sum(),
            wrong=wrong.sum(),
            **{
                f"square{v}": (unit[f"square{v}"] - unit[f"sum{v}"] * unit[f"sum{v}"] / unit["length"]).sum()
                for v in range(columns)
            },
        )
    ).iloc[0]
    squares = np.array([float(found[f"square{v}"]) for v in range(columns)])
    return _Few(int(found["units"]), int(found["freedom"]), squares, bool(found["wrong"]))


def _everything_wrong(
    rows: Any, columns: Sequence[Column], by_period: Any, grid: NDArray[Any], still: Sequence[int] = ()
) -> list[Fault]:
    """Every fault of the rows (unit, period, x0, x1, ...), found by passes that good rows are spared; `still`: columns known not to vary."""
    total = int(by_period["rows"].sum())
    faults: list[Fault] = []
    for v, column in enumerate(columns):
        faults.extend(_value_faults(rows, column, by_period, v, total, grid))
    faults.extend(_order_faults(rows, total, grid))
    span = {v: (rows[f"x{v}"].max(), rows[f"x{v}"].min()) for v in range(len(columns))}
    unit = rows.group_by("unit").aggregate(**{f"range{v}": high - low for v, (high, low) in span.items()})
    ranges = _run(unit.aggregate(**{f"range{v}": unit[f"range{v}"].max() for v in range(len(columns))})).iloc[0]
    faults.extend(
        Fault("does not vary within any unit", f"column '{column.name}'", "it cannot be standardised; leave it out")
        for v, column in enumerate(columns)
        if v in still or ranges[f"range{v}"] == 0.0
    )
    return faults


def _value_faults(rows: Any, column: Column, by_period: Any, place: int, total: int, grid: NDArray[Any]) -> list[Fault]:
    """That a column has missing values, or infinite ones, and where the first few stand."""
    values: Any = rows[f"x{place}"]
    missing, wild = total - int(by_period[f"known{place}"].sum()), int(by_period[f"wild{place}"].sum())
    where = f"column '{column.name}'"
    told = "missing" if column.transform == "none" else f"missing or without a {column.transform}"
    mend = f"drop those rows at the ends of series, or {_IN_MEMORY}"
    kinds = (
        (missing, values.isnull(), told, mend),
        (wild, values.isnan() | values.isinf(), "infinite or no number", "leave the cell empty if it is missing"),
    )
    faults: list[Fault] = []
    for count, flags, what, mend in kinds:
        if count:
            found = _run(rows.filter(flags).select("unit", "period").order_by(["unit", "period"]).limit(_NAMED))
            cells = ", ".join(
                f"{unit} {grid[period]}" for unit, period in zip(*found.to_dict("list").values(), strict=True)
            )
            more = f" and {count - _NAMED:,} more" if count > _NAMED else ""
            faults.append(Fault(f"{count:,} of {total:,} values are {what}: {cells}{more}", where, mend))
    return faults


def _order_faults(rows: Any, total: int, grid: NDArray[Any]) -> list[Fault]:
    """That a unit-time stands twice or a unit has a gap, the first few by name."""
    import ibis

    window: Any = ibis.window(group_by="unit", order_by="period")
    stepped = rows.select("unit", "period").mutate(gap=rows["period"] - rows["period"].lag().over(window))
    odd = stepped.filter(stepped["gap"] != 1)
    broken = int(_run(odd.aggregate(rows=odd.count()))["rows"].sum())
    found = _run(odd.order_by(["unit", "period"]).limit(_NAMED))
    faults = [
        Fault(f"{unit} {grid[period]} stands in several rows", mend="keep one row")
        if gap == 0
        else Fault(f"{unit} {grid[period]} has no row before it", mend=f"fill the gap, or {_IN_MEMORY}")
        for unit, period, gap in zip(found["unit"], found["period"], found["gap"], strict=True)
    ]
    if broken > len(faults):
        what = f"{broken - len(faults):,} more of {total:,} rows are like these"
        faults.append(Fault(what, mend="each unit needs each of its periods once"))
    return faults


def _rounded(value: float) -> float:
    """To twelve digits: an engine adds in another order each time, and a fit is looked up by its numbers."""
    return float(f"{value:.12g}")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
