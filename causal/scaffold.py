"""A bundle to begin with: three commented files that run as they are, around a table of one's own, a graph, or an example.

What a table is about is proposed and said, never decided for good: which column names the units and which the times, which columns of numbers could be
nodes. Tables in CSV, Excel and Parquet, with a row a unit and time or a column a time, become one plain CSV file of the bundle.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from causal.dialect import MISSING, Dialect, read_records
from causal.equations import Floats
from causal.errors import CausalError, Fault, nearest, raise_all
from causal.graph import Graph
from causal.panel import Panel, Study, study_faults
from causal.syntax import from_dagitty, read_graph
from priors import schemas
from priors.read import bundle_folder, bundle_keys, read_bundle

if TYPE_CHECKING:
    import pandas

UNITS = (
    *["unit", "units", "country", "countrycode", "country_code", "iso", "iso2", "iso3", "iso3c", "code"],
    *["state", "province", "region", "district", "department", "municipality", "city", "firm", "id", "name"],
)
"""Names that a column of units often has, the likeliest first."""
TIMES = [
    "year",
    "time",
    "date",
    "period",
    "month",
    "quarter",
    "week",
    "day",
    "anio",
    "ano",
    "año",
    "jahr",
    "annee",
    "année",
]
"""Names that a column of times often has, the likeliest first."""
_SERIES = ["series", "indicator", "variable", "indicator_code", "series_code", "indicator_name", "series_name"]
_YEARS = range(1500, 2200)
_NODES = 3
"""So many columns are proposed as nodes; the others stand in comments."""
_LISTED = 40
"""So many other columns are listed in comments."""
_UNITS, _YEARS_MADE = 30, 20
"""What a made-up panel has."""
_SCHEMAS = "schemas"
"""The folder of a new bundle with the schemas by which editors complete its files."""
_DATA = "panel.csv"
_WIDE_FROM = 3


@dataclass(frozen=True)
class Proposal:
    """What a table is taken for: its rows with one a unit and time, the columns of units and times, a column for each node, and what was found out.

    `spare` are columns of numbers that could be nodes too, `unfit` those that could not, with the reason.
    """

    frame: pandas.DataFrame
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
    dagitty: str | None = None,
    example: str | None = None,
) -> tuple[str, ...]:
    """Write a bundle into `folder`, which must be new or empty, and return what its maker should know.

    `table`: a CSV, Excel or Parquet file; `unit` and `time` its columns where they are not to be found out. `dagitty`: a graph, whose edges become claims.
    `example`: the key of a built-in bundle to copy. Without any of them a made-up panel is written. Raises `CausalError` with all
    that is wrong; then nothing is left in `folder`.
    """
    faults: list[Fault] = []
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        faults.append(Fault(f"'{folder}' is there and not an empty folder", mend="give a new one"))
    if example is not None and (table is not None or dagitty is not None):
        faults.append(Fault("an example is copied whole", mend="leave the table and the graph away"))
    if example is not None and example not in bundle_keys():
        faults.append(Fault(f"no example '{example}'", mend=nearest(example, bundle_keys())))
    raise_all(faults)
    made = not folder.exists()
    try:
        if example is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for file in sorted(bundle_folder(example).iterdir()):
                shutil.copyfile(file, folder / file.name)
            notes: tuple[str, ...] = ()
        else:
            notes = _written(folder, table, unit, time, dagitty)
        read_bundle(folder)
    except (CausalError, OSError) as error:
        if folder.is_dir():
            shutil.rmtree(folder) if made else _emptied(folder)
        if isinstance(error, OSError):
            what = f"cannot be written: {error.strerror or error}"
            raise CausalError(Fault(what, str(folder), "choose a folder you may write to")) from None
        raise
    return notes


def propose(table: Path, unit: str | None = None, time: str | None = None) -> Proposal:
    """What a file is taken for. Raises `CausalError` where it cannot be read, or where its units or times cannot be told."""
    frame, notes = _read(table, [name for name in (unit, time) if name is not None])
    faults = [
        Fault(f"no {role} column '{name}'", f"{table.name}:1", nearest(name, list(frame.columns)))
        for role, name in (("unit", unit), ("time", time))
        if name is not None and name not in frame.columns
    ]
    raise_all(faults)
    years = [name for name in frame.columns if _is_year(name)]
    if time is None and len(years) >= _WIDE_FROM and _named(frame, TIMES) is None:
        frame, told = _long(frame, years, unit, table)
        notes, time = [*notes, told], "year"
    time = time or _named(frame, TIMES) or _years_column(frame)
    unit = unit or _named(frame, UNITS, but=time) or _texts_column(frame, time)
    if unit is None or time is None:
        missing = " and ".join(role for role, name in (("unit", unit), ("time", time)) if name is None)
        columns = ", ".join(map(str, list(frame.columns)[:12]))
        raise CausalError(
            Fault(
                f"which column holds the {missing} is not clear",
                f"{table.name}:1",
                f"say it with --unit and --time; columns: {columns}",
            )
        )
    panel = Panel.from_frame(frame, unit=unit, time=time)
    names: dict[str, str] = {}
    unfit: dict[str, str] = {}
    for column in map(str, frame.columns):
        if column in (unit, time):
            continue
        node = _node_name(column, names)
        faults = study_faults(Study(panel, {node: column}), read_graph(node))
        if faults:
            unfit[column] = f"{faults[0].where} {faults[0].what}".strip()
        else:
            names[node] = column
    if not names:
        raise CausalError(
            Fault("no column of numbers moves within units", table.name, "give a table with one row a unit and time")
        )
    chosen = dict(list(names.items())[:_NODES])
    spare = tuple(column for node, column in names.items() if node not in chosen)
    notes = [f"units by '{unit}', times by '{time}'", *notes, *panel.notes]
    return Proposal(frame, unit, time, chosen, spare, unfit, tuple(notes))


# ------------------------------------------------------------------------------------------------------ tables


def _read(table: Path, keys: Sequence[str]) -> tuple[pandas.DataFrame, list[str]]:
    """The rows of a file, with numbers as numbers, and what was found out about it."""
    import pandas

    if not table.is_file():
        raise CausalError(Fault("is no file", str(table), "check the path"))
    kind = table.suffix.lower()
    if kind in (".xlsx", ".xlsm", ".parquet"):
        try:
            frame = pandas.read_parquet(table) if kind == ".parquet" else pandas.read_excel(table)
        except ImportError:
            raise CausalError(
                Fault(f"needs a reader for {kind}", table.name, "install the extra: pip install 'causal-claims[files]'")
            ) from None
        except Exception as error:  # the readers raise errors of many kinds
            raise CausalError(Fault(f"cannot be read: {error}", table.name, f"save it anew as {kind} or CSV")) from None
        return frame.rename(columns=str), [] if kind == ".parquet" else ["the first sheet was read"]
    faults: list[Fault] = []
    found = read_records(table, Dialect(), faults, keys=keys)
    raise_all(faults)
    if len(set(found.names)) < len(found.names):
        twice = next(name for name in found.names if found.names.count(name) > 1)
        raise CausalError(Fault(f"column '{twice}' stands there twice", f"{table.name}:1", "rename one"))
    columns: dict[str, Any] = {}
    for at, name in enumerate(found.names):
        cells = [row[at].strip() for row in found.rows]
        try:
            columns[name] = [np.nan if cell in MISSING else float(cell) for cell in cells]
        except ValueError:
            columns[name] = [None if cell == "" else cell for cell in cells]
        else:
            whole = [value for value in columns[name] if not np.isnan(value)]
            if len(whole) == len(cells) and all(value.is_integer() for value in whole):
                columns[name] = [int(value) for value in whole]
    return pandas.DataFrame(columns), list(found.notes)


def _long(frame: pandas.DataFrame, years: list[str], unit: str | None, table: Path) -> tuple[pandas.DataFrame, str]:
    """A table with a column a year as one with a row a unit and year, and what to say of it."""
    import pandas

    others = [name for name in frame.columns if name not in years]
    unit = unit or _named(frame, UNITS) or next((name for name in others if frame[name].dtype == object), None)
    if unit is None:
        raise CausalError(Fault("has a column a year and none of units", f"{table.name}:1", "say it with --unit"))
    series = next((name for wanted in _SERIES for name in others if _plain(name) == wanted and name != unit), None)
    kept = [unit] if series is None else [unit, series]
    melted = frame[[*kept, *years]].melt(id_vars=kept, var_name="year", value_name=table.stem)
    melted["year"] = melted["year"].map(lambda name: int(float(re.sub(r"\D", "", str(name))[:4])))
    melted[table.stem] = pandas.to_numeric(melted[table.stem], errors="coerce")
    if series is None:
        return melted, f"{len(years)} columns of years became rows; their values are called '{table.stem}'"
    if melted.duplicated([unit, series, "year"]).any():
        raise CausalError(Fault(f"'{unit}' has a series of '{series}' twice", table.name, "keep one row for each"))
    wide = melted.pivot(index=[unit, "year"], columns=series, values=table.stem).reset_index()
    wide.columns = [str(name) for name in wide.columns]
    return wide, f"{len(years)} columns of years became rows, and each series of '{series}' a column"


def _is_year(name: object) -> bool:
    found = re.fullmatch(r"[Xx]?(\d{4})(?:\s*\[YR\d{4}\]|\.0)?", str(name).strip())
    return found is not None and int(found[1]) in _YEARS


def _plain(name: object) -> str:
    return re.sub(r"\W+", "_", str(name).strip().lower()).strip("_")


def _named(frame: pandas.DataFrame, names: Sequence[str], but: str | None = None) -> str | None:
    by_name = {_plain(name): name for name in reversed(list(frame.columns)) if name != but}
    return next((by_name[name] for name in names if name in by_name), None)


def _years_column(frame: pandas.DataFrame) -> str | None:
    for name in frame.columns:
        if frame[name].dtype.kind in "iu" and frame[name].between(_YEARS.start, _YEARS.stop).all():
            return str(name)
    return None


def _texts_column(frame: pandas.DataFrame, time: str | None) -> str | None:
    for name in frame.columns:
        texts = frame[name].dtype.kind not in "iufb"
        if name != time and texts and not frame.duplicated([name] if time is None else [name, time]).any():
            return str(name)
    return None


def _node_name(column: str, taken: Mapping[str, str]) -> str:
    name = _plain(column).encode("ascii", "ignore").decode() or "node"
    name = name if name[0].isalpha() else f"n_{name}"
    found, k = name, 2
    while found in taken:
        found, k = f"{name}_{k}", k + 1
    return found


# ------------------------------------------------------------------------------------------------------- files


def _written(
    folder: Path, table: Path | None, unit: str | None, time: str | None, dagitty: str | None
) -> tuple[str, ...]:
    """Write the files of a bundle around a table or a made-up one."""
    graph = None if dagitty is None else from_dagitty(dagitty)
    made_up = _made_up() if graph is None else _noise(graph.names)
    found = made_up if table is None else propose(table, unit, time)
    notes = found.notes
    if graph is not None:
        columns = [*found.nodes.values(), *found.spare]
        by_name = {_plain(column): column for column in columns}
        nodes = {node: by_name[_plain(node)] for node in graph.names if _plain(node) in by_name}
        lacking = [node for node in graph.names if node not in nodes]
        if lacking:
            notes = (*notes, f"no column is called as these nodes are: {', '.join(lacking)}")
        rest = tuple(column for column in columns if column not in nodes.values())
        found = replace(found, nodes=nodes, spare=rest)
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "claims.toml": _claims(found, graph),
        "studies.toml": _studies(found, made_up=table is None),
        "interventions.toml": _interventions(found, graph),
    }
    found.frame.to_csv(folder / _DATA, index=False)
    (folder / _SCHEMAS).mkdir()
    for name, text in files.items():
        shutil.copyfile(schemas.file_of(name), folder / _SCHEMAS / schemas.file_of(name).name)
        head = f"#:schema {_SCHEMAS}/{schemas.file_of(name).name}\n"
        (folder / name).write_text(head + text, encoding="utf-8")
    return notes


def _made_up() -> Proposal:
    """Two nodes of 30 units over 20 years, the first of which moves the second a year later."""
    generator = np.random.default_rng(1)
    level = generator.normal(size=(2, _UNITS))
    cause = effect = np.zeros(_UNITS)
    values: list[Floats] = []
    for _ in range(2 * _YEARS_MADE):
        cause, effect = (
            0.5 * cause + level[0] + generator.normal(size=_UNITS),
            0.5 * effect + 0.3 * cause + level[1] + generator.normal(size=_UNITS),
        )
        values.append(np.column_stack([cause, effect]))
    note = "the panel is made up by a random generator: put your own in its place"
    return _of_values(np.array(values[_YEARS_MADE:]), ("cause", "effect"), note)


def _noise(names: Sequence[str]) -> Proposal:
    """A panel of the nodes in which nothing moves anything."""
    values = np.random.default_rng(1).normal(size=(_YEARS_MADE, _UNITS, len(names)))
    note = "the panel is noise from a random generator, in which nothing moves anything: put your own in its place"
    return _of_values(values, names, note)


def _of_values(values: Floats, names: Sequence[str], note: str) -> Proposal:
    """A made-up panel (time, unit, node)."""
    import pandas

    times, units, _ = values.shape
    index = {
        "unit": np.tile([f"unit {k + 1:02}" for k in range(units)], times),
        "year": np.repeat(np.arange(2001, 2001 + times), units),
    }
    columns = {name: values[:, :, k].ravel().round(4) for k, name in enumerate(names)}
    return Proposal(pandas.DataFrame(index | columns), "unit", "year", {name: name for name in names}, (), {}, (note,))


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
        says = (
            [
                (
                    f"{nodes[0]} -> {nodes[1]} [lag=1, sign=+]",
                    f"more {_label(nodes[0], found)} brings more {_label(nodes[1], found)}",
                )
            ]
            if len(nodes) > 1
            else []
        )
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

# One table for each thing that the source speaks of.
{tables}
[graph]
# What you assume and no claim states, one line each. "x -> x [lag=1]" lets x remember itself; "x <-> y" is an unmeasured common cause
# of x and y: with it, the data cannot tell what x does to y, and the verdict says so.
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
file = "{_DATA}"            # one row a unit and time; semicolons, decimal commas and other encodings are found out
unit = {_text(found.unit)}
time = {_text(found.time)}
# first = 2000            # the times to keep
# last = 2020

[study.panel.measures]
# "log" is for what is above zero and skewed: node = {{ column = "column", transform = "log" }}
{measures}{spare}{unfit}
"""


def _interventions(found: Proposal, graph: Graph | None) -> str:
    nodes = list(found.nodes) if graph is None else []
    if len(nodes) < 2:
        return '# What might be done, for example:\n\n# [intervention.more]\n# do = "shift x 0.5"\n# outcome = "y"\n# horizon = 5\n'
    swing = float(found.frame.groupby(found.unit)[found.nodes[nodes[0]]].std().median())
    size = f"{swing:.2g}" if np.isfinite(swing) and swing > 0.0 else "1"
    return f"""# What might be done. "shift x 0.5" adds 0.5 to x in every period; also set, scale, path, cut and policies (`causal do --help`).

[intervention.more]
do = "shift {nodes[0]} {float(size):g}"            # about one typical swing within a unit
outcome = "{nodes[1]}"
horizon = 5            # periods
"""


def _label(node: str, found: Proposal) -> str:
    return found.nodes.get(node, node).replace("_", " ")


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[^\x20-\x7e\u00a0-\uffff]", " ", text))


def _text(value: str) -> str:
    """A TOML basic string."""
    import json

    return json.dumps(value, ensure_ascii=True).replace("\x7f", "\\u007f")


def _emptied(folder: Path) -> None:
    for each in folder.iterdir():
        if each.is_dir():
            shutil.rmtree(each)
        else:
            each.unlink()
