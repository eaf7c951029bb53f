"""A bundle to begin with: three commented files that run as they are, around a table of one's own, a graph, or an example.

What a table is about is proposed and said, never decided for good: which column names the units and which the times, which columns of numbers could be
nodes. Tables in CSV, Excel and Parquet, with a row a unit and time or a column a time, become one plain CSV file of the bundle.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import numpy as np

from causal.dialect import LARGEST, MISSING, NUMBER, Dialect, read_records
from causal.equations import Floats
from causal.errors import CausalError, Fault, listed, nearest, raise_all
from causal.graph import Graph
from causal.netcdf import refused
from causal.panel import Study, read_csv, study_faults
from causal.syntax import from_dagitty, read_graph
from priors import schemas
from priors.read import bundle_folder, bundle_keys, read_bundle

UNITS = (
    *(
        "unit",
        "units",
        "country",
        "countrycode",
        "country_code",
        "iso",
        "iso2",
        "iso3",
        "iso3c",
        "code",
        "country_name",
    ),
    *("entity", "area", "location", "geo", "state", "province", "region", "district", "department", "municipality"),
    *("city", "firm", "id", "name", "state_name", "region_name"),
)
"""Names that a column of units often has, the likeliest first."""
TIMES = (
    *("year", "time", "date", "period", "month", "quarter", "week", "day"),
    *("anio", "ano", "año", "jahr", "annee", "année"),
)
"""Names that a column of times often has, the likeliest first."""
_SERIES = ("series", "indicator", "variable", "indicator_code", "series_code", "indicator_name", "series_name")
_YEARS = range(1500, 2200)
_NODES = 3
"""So many columns are proposed as nodes; the others stand in comments."""
_LISTED = 40
"""So many other columns are listed in comments."""
_COUNTRIES, _LENGTH = 30, 20
"""What a made-up panel has."""
_SCHEMAS = "schemas"
"""The folder of a new bundle with the schemas by which editors complete its files."""
_DATA = "panel.csv"
_WIDE_FROM = 3
"""From so many columns of years on a table is taken for a wide one."""
_FEWEST = 2
_MOST_CELLS = 20_000_000
"""So many cells of a workbook or a Parquet file are read."""
_MOST_ROWS = 1_048_576
"""So many rows a sheet of Excel may have."""
PLAIN = Dialect("utf-8", ",", ".")
"""How the tables of new bundles are written."""
_NONE = (*MISSING, "..", "...", "n/a", "N/A", "#N/A", "null", "NULL", "-")
"""Cells without a value in tables of statistical offices and spreadsheets."""


@dataclass(frozen=True)
class Table:
    """A table as text, numbers with decimal points: `names` of its columns and rows of cells; what was found out."""

    names: list[str]
    rows: list[list[str]]
    notes: list[str]

    def column(self, name: str) -> list[str]:
        """The cells of a column, without the spaces around them."""
        at = self.names.index(name)
        return [row[at].strip() for row in self.rows]

    def write(self, path: Path) -> None:
        """As CSV in UTF-8."""
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([self.names, *self.rows])


@dataclass(frozen=True)
class Proposal:
    """What a table is taken for: its rows with one a unit and time, the columns of units and times, a column for each node, and what was found out.

    `spare` are columns of numbers that could be nodes too, `unfit` those that could not, with the reason.
    """

    table: Table
    unit: str
    time: str
    nodes: Mapping[str, str]
    spare: tuple[str, ...]
    unfit: Mapping[str, str]
    notes: tuple[str, ...]


def start(
    folder: Path,
    *,
    table: Path | None = None,
    unit: str | None = None,
    time: str | None = None,
    dialect: Dialect | None = None,
    dagitty: str | None = None,
    example: str | None = None,
) -> tuple[str, ...]:
    """Write a bundle into `folder`, which must be new or empty, and return what its maker should know.

    `table`: a CSV, Excel or Parquet file; `unit` and `time` its columns and `dialect` how it is written, where that is not to be found out. `dagitty`: a
    graph, whose edges become claims. `example`: the key of a built-in bundle to copy. Without any of them a made-up panel is written. Raises `CausalError`
    with all that is wrong; then nothing is written.
    """
    faults: list[Fault] = []
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            faults.append(Fault("is there and not an empty folder", f"'{folder}'", "give a new one"))
    except OSError as error:
        raise CausalError(refused(folder, error)) from None
    if example is not None and (table is not None or dagitty is not None):
        faults.append(Fault("an example is copied whole", f"'{example}'", "leave the table and the graph away"))
    if example is not None and example not in bundle_keys():
        faults.append(Fault("is no example", f"'{example}'", nearest(example, bundle_keys())))
    if table is None and (unit is not None or time is not None or dialect not in (None, Dialect())):
        faults.append(
            Fault(
                "there is no table that this could be said of", "unit, time or its style:", "give one with --from-csv"
            )
        )
    raise_all(faults)
    try:
        with TemporaryDirectory() as made:
            place = Path(made)
            if example is not None:
                notes: tuple[str, ...] = ()
                for file in sorted(bundle_folder(example).iterdir()):
                    shutil.copyfile(file, place / file.name)
            else:
                notes = _written(place, table, unit, time, dialect or Dialect(), dagitty)
            read_bundle(place)
            _copied(place, folder)
    except OSError as error:
        raise CausalError(refused(folder, error)) from None
    return notes


def _copied(made: Path, folder: Path) -> None:
    """Copy what was made into a folder that is new or empty, all of it or nothing."""
    existed = folder.exists()
    try:
        for source in [made, *sorted(made.rglob("*"))]:
            place = folder / source.relative_to(made)
            if source.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            else:
                shutil.copyfile(source, place)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        if existed:
            folder.mkdir()
        raise


def propose(table: Path, unit: str | None = None, time: str | None = None, dialect: Dialect | None = None) -> Proposal:
    """What a file is taken for. Raises `CausalError` where it cannot be read, or where its units or times cannot be told."""
    read = partial(_read, table, dialect or Dialect())
    text = read(None)
    names = text.names
    faults = [
        Fault(f"no {role} column '{name}'", table.name, nearest(name, names))
        for role, name in (("unit", unit), ("time", time))
        if name is not None and name not in names
    ]
    if unit is not None and unit == time:
        faults.append(Fault(f"'{unit}' cannot hold the units and the times", table.name, "say two columns"))
    raise_all(faults)
    years = [name for name in names if _is_year(name)]
    wide = time is None and len(years) >= _WIDE_FROM and not _named(names, TIMES)
    if wide:
        found = _long(text, read, years, unit, table)
        unit, time = found.names[0], "year"
    else:
        time = time or next(iter(_named(names, TIMES)), None) or _years_column(text)
        unit = unit or _units_column(text, time)
        if unit is None or time is None:
            missing = " and ".join(role for role, name in (("unit", unit), ("time", time)) if name is None)
            mend = f"say it with --unit and --time; columns: {', '.join(names[:12])}"
            raise CausalError(Fault(f"which column holds the {missing} is not clear", table.name, mend))
        found = read((unit, time))
    with TemporaryDirectory() as made:
        found.write(Path(made) / table.name)  # so that faults name the user's own file
        panel = read_csv(Path(made) / table.name, unit=unit, time=time, dialect=PLAIN)
    nodes: dict[str, str] = {}
    unfit: dict[str, str] = {}
    for column in found.names:
        if column in (unit, time):
            continue
        node = _node_name(column, nodes)
        wrong = study_faults(Study(panel, {node: column}), read_graph(node))
        if wrong:
            unfit[column] = f"{wrong[0].where} {wrong[0].what}".strip()
        else:
            nodes[node] = column
    if len(nodes) < _FEWEST:
        few = f"only column '{next(iter(nodes.values()))}' is" if nodes else "no column is"
        aside = "; ".join(list(unfit.values())[:3])
        what = f"{few} made of numbers that move within units, and a claim needs two" + (f" ({aside})" if aside else "")
        raise CausalError(Fault(what, table.name, "give a table with one row a unit and time"))
    chosen = dict(list(nodes.items())[:_NODES])
    spare = tuple(column for node, column in nodes.items() if node not in chosen)
    notes = [f"units by '{unit}', times by '{time}'", *found.notes, *panel.notes]
    if spare:
        told = listed([f"'{column}'" for column in spare[:_LISTED]]) + (" and others" if len(spare) > _LISTED else "")
        notes.append(f"the first {len(chosen)} columns of numbers are taken for nodes; {told} could be nodes too")
    return Proposal(found, unit, time, chosen, spare, unfit, tuple(notes))


# ------------------------------------------------------------------------------------------------------ tables


def _read(table: Path, dialect: Dialect, keys: Sequence[str] | None) -> Table:
    """The cells of a file as text; numbers but those of `keys` with decimal points, or none touched where these are None."""
    try:
        there = table.is_file()
    except OSError as error:
        raise CausalError(Fault(f"cannot be read: {error.strerror}", str(table), "check the path")) from None
    if not there:
        raise CausalError(Fault("is no file", str(table), "check the path"))
    kind = table.suffix.lower()
    if kind in (".xlsx", ".xlsm", ".parquet"):
        return _of_workbook(table, kind)
    faults: list[Fault] = []
    found = read_records(table, dialect, faults, keys=keys, missing=_NONE, loose=True)
    faults.extend(_doubled(found.names, table))
    raise_all(faults)
    for at, name in enumerate(found.names):
        if keys is not None and name not in keys:
            for row in found.rows:
                row[at] = "" if row[at].strip() in _NONE else row[at]
    return Table(found.names, found.rows, found.notes)


def _doubled(names: Sequence[str], table: Path) -> list[Fault]:
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    return [Fault(f"column '{name}' stands there twice", table.name, "rename one") for name in twice]


def _of_workbook(table: Path, kind: str) -> Table:
    import pandas

    try:
        with table.open("rb") as file:
            cells = _cells_of_parquet(file) if kind == ".parquet" else _cells_of_workbook(file)
        if cells > _MOST_CELLS:
            raise CausalError(
                Fault(f"has more than {_MOST_CELLS} cells", table.name, "keep the rows and columns that you need")
            )
        frame = pandas.read_parquet(table) if kind == ".parquet" else pandas.read_excel(table)
    except CausalError:
        raise
    except ImportError:
        mend = "install the extra: pip install 'causal-claims[files]'"
        raise CausalError(Fault(f"needs a reader for {kind}", table.name, mend)) from None
    except Exception as error:  # the readers raise errors of many kinds
        told = str(error).split("\n", 1)[0]
        raise CausalError(Fault(f"cannot be read: {told}", table.name, f"save it anew as {kind} or CSV")) from None
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    raise_all(_doubled(names, table))
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    return Table(names, rows, [] if kind == ".parquet" else ["the first sheet was read"])


def _cells_of_parquet(table: BinaryIO) -> int:
    """How many cells the file says it has."""
    from pyarrow import parquet

    told = parquet.read_metadata(table)
    return told.num_rows * told.num_columns


def _cells_of_workbook(table: BinaryIO) -> int:
    """How many cells the first sheet takes in memory, counted up to what is too many: a small file can unpack to a huge one."""
    import zipfile

    import openpyxl

    with zipfile.ZipFile(table) as packed:
        if sum(each.file_size for each in packed.infolist()) > LARGEST:
            return _MOST_CELLS + 1
    rows = widest = 0
    with closing(openpyxl.load_workbook(table, read_only=True, data_only=True)) as book:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a file says of its size need not be so
        for row in sheet.iter_rows(values_only=True):
            rows, widest = rows + 1, max(widest, len(row))
            if rows * widest > _MOST_CELLS or rows > _MOST_ROWS:
                return _MOST_CELLS + 1
    return rows * widest


def _cell(value: object) -> str:
    """A value of a workbook as text."""
    import pandas

    if value is None or value is pandas.NaT or value is pandas.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return repr(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
    if isinstance(value, pandas.Timestamp):
        return value.strftime("%Y-%m-%d") if value == value.normalize() else value.isoformat()
    return str(value)


def _long(
    text: Table, read: Callable[[Sequence[str]], Table], years: list[str], unit: str | None, table: Path
) -> Table:
    """A table with a column a year as one with a row a unit and year, the unit first; `text` is the table as it is written, `read` reads it with its keys."""
    others = [name for name in text.names if name not in years]
    series = next((name for wanted in _SERIES for name in others if _plain(name) == wanted and name != unit), None)
    unit = unit or next((name for name in _named(others, UNITS) if name != series and all(text.column(name))), None)
    unit = unit or next((name for name in others if name != series and all(text.column(name))), None)
    if unit is None:
        raise CausalError(Fault("has a column a year and none of units", table.name, "say it with --unit"))
    found = read([name for name in others if name in (unit, series)])
    units, kinds = found.column(unit), [table.stem] * len(found.rows) if series is None else found.column(series)
    places = [found.names.index(name) for name in years]
    cells: dict[tuple[str, str], dict[str, str]] = {}
    named = dict.fromkeys(kinds)
    calendar = [_year(name) for name in years]
    faults: list[Fault] = []
    if "" in named:
        faults.append(Fault(f"column '{series}' is empty in some rows", table.name, "say what they hold"))
    if clash := sorted({unit, "year"} & {*named}):
        faults.append(
            Fault(f"a series is called '{clash[0]}', as a column of keys is", table.name, "rename it, or the file")
        )
    doubled = [pair for pair, count in Counter(zip(units, kinds, strict=True)).items() if count > 1]
    faults.extend(
        Fault(f"'{each}' has the series '{kind}' in two rows", table.name, "keep one") for each, kind in doubled[:3]
    )
    raise_all(faults)
    for each, kind, row in zip(units, kinds, found.rows, strict=True):
        for year, place in zip(calendar, places, strict=True):
            cells.setdefault((each, year), {})[kind] = row[place]
    rows = [[each, year, *(held.get(kind, "") for kind in named)] for (each, year), held in cells.items()]
    told = f"{len(years)} columns of years became rows, " + (
        f"their values are called '{table.stem}'" if series is None else f"and each series of '{series}' a column"
    )
    return Table([unit, "year", *named], rows, [*found.notes, told])


def _is_year(name: str) -> bool:
    found = re.fullmatch(r"[Xx]?(\d{4})(?:\s*\[YR\d{4}\]|\.0)?", name.strip())
    return found is not None and int(found[1]) in _YEARS


def _year(name: str) -> str:
    return re.sub(r"\D", "", name)[:4]


def _plain(name: str) -> str:
    return re.sub(r"\W+", "_", name.strip().lower()).strip("_")


def _named(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The names that are among those wanted, the likeliest first."""
    by_name = {_plain(name): name for name in reversed(names)}
    return [by_name[each] for each in wanted if each in by_name]


def _years_column(text: Table) -> str | None:
    def all_years(name: str) -> bool:
        cells = text.column(name)
        return len(set(cells)) > 1 and all(re.fullmatch(r"\d{4}", cell) and int(cell) in _YEARS for cell in cells)

    return next((name for name in text.names if all_years(name)), None)


def _units_column(text: Table, time: str | None) -> str | None:
    """The likeliest column without an empty cell that has no unit twice in a period; else the likeliest, whose faults are then told."""
    others = [name for name in text.names if name != time]
    likely = _named(others, UNITS)
    texts = [
        name for name in others if name not in likely and not all(NUMBER.fullmatch(cell) for cell in text.column(name))
    ]
    times = [""] * len(text.rows) if time is None else text.column(time)

    def fits(name: str) -> bool:
        cells = text.column(name)
        return all(cells) and len(set(zip(cells, times, strict=True))) == len(cells)

    return next((name for name in (*likely, *texts) if fits(name)), next(iter(likely), None))


def _node_name(column: str, taken: Mapping[str, str]) -> str:
    name = _plain(unicodedata.normalize("NFKD", column).encode("ascii", "ignore").decode()) or "node"
    name = name if name[0].isalpha() else f"n_{name}"
    found, k = name, 2
    while found in taken:
        found, k = f"{name}_{k}", k + 1
    return found


# ------------------------------------------------------------------------------------------------------- files


def _written(
    folder: Path, table: Path | None, unit: str | None, time: str | None, dialect: Dialect, dagitty: str | None
) -> tuple[str, ...]:
    """Write the files of a bundle around a table or a made-up one."""
    graph = None if dagitty is None else from_dagitty(dagitty)
    if graph is not None and not any(edge.cause != edge.effect for edge in graph.edges):
        raise CausalError(Fault("has no arrow that could be a claim", "the graph", "write dag { x -> y }"))
    if table is not None:
        found = propose(table, unit, time, dialect)
    elif graph is None:
        found = _made_up()
    else:
        found = _noise(graph.names)
    notes = found.notes
    if graph is not None and table is not None:
        found = _matched(found, graph, table)
        lacking = [node for node in graph.names if node not in found.nodes]
        if lacking:
            notes = (*notes, f"no column is called as these nodes are: {', '.join(lacking)}")
    files = {
        "claims.toml": _claims(found, graph),
        "studies.toml": _studies(found, made_up=table is None),
        "interventions.toml": _interventions(found, graph),
    }
    found.table.write(folder / _DATA)
    (folder / _SCHEMAS).mkdir()
    for name, text in files.items():
        source = schemas.file_of(name)
        shutil.copyfile(source, folder / _SCHEMAS / source.name)
        (folder / name).write_text(f"#:schema {_SCHEMAS}/{source.name}\n{text}", encoding="utf-8")
    return notes


def _matched(found: Proposal, graph: Graph, table: Path) -> Proposal:
    """The proposal with the graph's nodes in the columns that are called as they are; each column measures one node."""
    columns = [*found.nodes.values(), *found.spare]
    nodes = {node: node for node in graph.names if node in columns}
    for node in graph.names:
        alike = [
            each
            for each in columns
            if each not in nodes.values() and _plain(node) in (_plain(each), _node_name(each, {}))
        ]
        if node not in nodes and alike:
            nodes[node] = alike[0]
    if not nodes:
        what = f"no column is called as any of the graph's nodes; columns: {', '.join(columns[:12])}"
        raise CausalError(Fault(what, table.name, "rename the columns or the nodes"))
    nodes = {node: nodes[node] for node in graph.names if node in nodes}
    return replace(found, nodes=nodes, spare=tuple(each for each in columns if each not in nodes.values()))


def _made_up() -> Proposal:
    """Two nodes of 30 units over 20 years, the first of which moves the second a year later."""
    generator = np.random.default_rng(1)
    level = generator.normal(size=(2, _COUNTRIES))
    cause = effect = np.zeros(_COUNTRIES)
    values: list[Floats] = []
    for _ in range(2 * _LENGTH):
        cause, effect = (
            0.5 * cause + level[0] + generator.normal(size=_COUNTRIES),
            0.5 * effect + 0.3 * cause + level[1] + generator.normal(size=_COUNTRIES),
        )
        values.append(np.column_stack([cause, effect]))
    note = "the panel is made up by a random generator: put your own in its place"
    return _of_values(np.array(values[_LENGTH:]), ("cause", "effect"), note)


def _noise(names: Sequence[str]) -> Proposal:
    """A panel of the nodes in which nothing moves anything."""
    values = np.random.default_rng(1).normal(size=(_LENGTH, _COUNTRIES, len(names)))
    note = "the panel is noise from a random generator, in which nothing moves anything: put your own in its place"
    return _of_values(values, names, note)


def _of_values(values: Floats, names: Sequence[str], note: str) -> Proposal:
    """A made-up panel (time, unit, node)."""
    columns = {name: f"{name}_value" if name in ("unit", "time", "year") else name for name in names}
    rows = [
        [f"unit {unit + 1:02}", str(2001 + time), *(f"{value:.4f}" for value in values[time, unit])]
        for time in range(values.shape[0])
        for unit in range(values.shape[1])
    ]
    table = Table(["unit", "year", *columns.values()], rows, [])
    return Proposal(table, "unit", "year", columns, (), {}, (note,))


def _claims(found: Proposal, graph: Graph | None) -> str:
    nodes = list(found.nodes) if graph is None else list(graph.names)
    tables = "\n".join(f"[node.{node}]\nlabel = {_text(_label(node, found))}\n" for node in nodes)
    if graph is not None:
        claimed = [edge for edge in graph.edges if edge.cause != edge.effect]
        assumed = [f"{node.name} [family={node.family}]" for node in graph.nodes if node.family != "normal"]
        assumed += [edge.text for edge in graph.edges if edge.cause == edge.effect]
        assumed += [latent.name for latent in graph.latents]
        says = [(edge.text, f"{edge.cause} moves {edge.effect}") for edge in claimed]
    else:
        cause, effect = nodes[:2]
        told = f"more {_label(cause, found)} brings more {_label(effect, found)}"
        says = [(f"{cause} -> {effect} [lag=1, sign=+]", told)]
        assumed = []
    remembered = {line.split(" ")[0] for line in assumed if "->" in line}
    assumed = [*(f"{node} -> {node} [lag=1]" for node in nodes if node not in remembered), *assumed]
    claims = "\n".join(
        f"[claim.c{k}]\nedge = {_text(edge)}\nsays = {_text(told)}            # in your own words\n"
        f'where = "p. 1"            # where the source says it\nhedge = "plain assertion"            # how sure it says so: may, likely, ...\n'
        f'strength = "some"            # how much it says: slight, some, strong, ...\ncore = true\n'
        for k, (edge, told) in enumerate(says, 1)
    )
    return f"""# What a source claims. `causal check` names whatever is wrong in these files with file, line and mend.

[article]
title = "The title of the source"
authors = ""
# year = 2020            # its year: `causal forecast` asks of the years after it whether it came true
called = "article"            # what the page calls it: article, report, book, ...
smallest_effect = 0.1            # the smallest effect that matters, in sd of the outcome for one sd of the cause
format = 1                       # of these files, so that a later program knows how to read them

# One table for each thing that the source speaks of.
{tables}
[graph]
# What you assume and no claim states, one line each. "x -> x [lag=1]" lets x remember itself. A cause of both x and y that nobody measured and that lasts is a
# node without a column: [node.z] above, and here "z -> z [lag=1]", "z -> x" and "z -> y". The data then cannot tell what x does to y, and the verdict says so.
# "x <-> y [lag=1]" is one that is new in each period and reaches y a period after x, "x <-> y" one that moves both in the same period.
assumed = \"\"\"
{chr(10).join(assumed)}
\"\"\"

# One table for each claim. An edge "x -> y [lag=1, sign=+]" says that more x brings more y one period later.
{claims}"""


def _studies(found: Proposal, *, made_up: bool) -> str:
    measures = "\n".join(f"{node} = {_text(column)}" for node, column in found.nodes.items())
    more = "            # declare the node in claims.toml first"
    spare = "".join(f"\n# {_node_name(each, found.nodes)} = {_text(each)}{more}" for each in found.spare[:_LISTED])
    unfit = "".join(f"\n# {_one_line(why)}" for why in list(found.unfit.values())[:_LISTED])
    return f"""# Which data test the claims, and which column measures which node.{" These data are made up." if made_up else ""}

[study.panel]
file = "{_DATA}"            # one row a unit and time
unit = {_text(found.unit)}
time = {_text(found.time)}
encoding = "utf-8"            # how the file is written; without these three it is found out and said
delimiter = ","
decimal = "."
# first = 2000            # the times to keep
# last = 2020

[study.panel.measures]
# "log" is for what is above zero and skewed: node = {{ column = "column", transform = "log" }}
{measures}{spare}{unfit}
"""


def _interventions(found: Proposal, graph: Graph | None) -> str:
    if graph is not None:
        return '# What might be done, for example:\n\n# [intervention.more]\n# do = "shift x 0.5"\n# outcome = "y"\n# horizon = 5\n'
    cause, effect = list(found.nodes)[:2]
    values = [float(cell) for cell in found.table.column(found.nodes[cause]) if NUMBER.fullmatch(cell)]
    with np.errstate(over="ignore", invalid="ignore"):
        swing = float(np.std(values)) / 2.0
    size = f"{swing:.2g}" if np.isfinite(swing) and swing > 0.0 else "1"
    return f"""# What might be done. "shift x 0.5" adds 0.5 to x in every period; also set, scale, path, cut and policies (`causal do --help`).

[intervention.more]
do = "shift {cause} {float(size):g}"            # half an sd of what the table holds
outcome = "{effect}"
horizon = 5            # periods
"""


def _label(node: str, found: Proposal) -> str:
    return found.nodes.get(node, node).replace("_", " ")


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[^\x20-\x7e\u00a0-\uffff]", " ", text))


def _text(value: str) -> str:
    """A TOML basic string."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
