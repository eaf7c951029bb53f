"""The compiled tables that ship with the program, each with a card.

A table is a CSV file of one row a unit and period; its card says what a row is and, column by column, the label, unit,
direction, primary source, licence, years and caveats. `tools/compile_tables.py` made the tables; `CHECKSUMS` holds
their digests. Licences stand on the cards and together in `LICENSES.md`: they are the sources', not the code's.

Units have one name in all tables: countries by their ISO code, regions by their path, country/department/province, so
that a province and a department of one name differ. `containments` tells which larger units hold a unit, and `neighbours`
which units of a table border one another.

>>> names()
('andes', 'colombia_departments', 'latam', 'peru_departments', 'peru_provinces')
>>> containments()["PER/Loreto/Ucayali"]
('PER/Loreto', 'PER')
>>> card("latam")["corruption"].direction
'higher is more corrupt'
>>> card("latam")["corruption"].licence
'CC BY-SA 4.0'
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from causal.errors import CausalError, Fault, nearest

if TYPE_CHECKING:
    import pandas

__all__ = ["Card", "Column", "card", "containments", "names", "neighbours", "path", "table"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: what it measures, in which unit and direction, from where and under which licence.

    `years` are the first and the last year with a value; `decimals` are those kept; `read_from` names the public copy
    of the primary `source` that the figures were read from.
    """

    name: str
    label: str
    unit: str
    direction: str
    source: str
    licence: str
    years: tuple[int, int]
    decimals: int
    read_from: str
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """What a table holds: `row` says what a row is, `unit` and `time` name the columns that tell rows apart.

    `statement` is what every reader of a result from this table must know; `caveats` hold for the table as a whole.
    """

    name: str
    title: str
    row: str
    unit: str
    time: str
    statement: str
    caveats: tuple[str, ...]
    columns: tuple[Column, ...]

    def __getitem__(self, column: str) -> Column:
        """The column of that name; `CausalError` where the table has none."""
        for known in self.columns:
            if known.name == column:
                return known
        mend = nearest(column, [known.name for known in self.columns])
        raise CausalError(Fault(f"no column '{column}'", where=f"dataset '{self.name}'", mend=mend))


def names() -> tuple[str, ...]:
    """The names of the shipped tables, sorted."""
    return tuple(
        sorted(
            item.name.removesuffix(".toml")
            for item in files("causal.datasets").iterdir()
            if item.name.endswith(".toml")
        )
    )


def card(name: str) -> Card:
    """The card of the table `name`. Raises `CausalError` where there is none of that name."""
    _require(name)
    return _read_card(name)


def path(name: str) -> Path:
    """The CSV file of the table `name`. Raises `CausalError` where there is none of that name."""
    _require(name)
    return Path(str(files("causal.datasets").joinpath(f"{name}.csv")))


def table(name: str) -> pandas.DataFrame:
    """The table `name`: one row a unit and period, the unit as text, the time as int, the rest as float64 (gaps NaN).

    Raises `CausalError` where there is none of that name.
    """
    told = card(name)
    import pandas

    kinds = {told.unit: "str", told.time: "int64"} | {column.name: "float64" for column in told.columns}
    # Only an empty cell is a gap: a unit may be called NA
    return pandas.read_csv(path(name), dtype=cast("Any", kinds), keep_default_na=False, na_values=[""])


@cache
def containments() -> Mapping[str, tuple[str, ...]]:
    """The larger units that each regional unit lies in, by its name, all of them, the smallest first.

    A province lies in its department and in its country. Countries, which lie in nothing here, are not named.
    """
    nearest_larger = dict(_pairs("containments"))
    found: dict[str, tuple[str, ...]] = {}
    for unit in nearest_larger:
        chain: list[str] = []
        larger = nearest_larger.get(unit)
        while larger is not None:
            chain.append(larger)
            larger = nearest_larger.get(larger)
        found[unit] = tuple(chain)
    return MappingProxyType(found)


def neighbours(name: str, *, row_normalised: bool = False) -> pandas.DataFrame:
    """Which units of the table `name` border one another: units x units in sorted order, 1.0 where they do, else 0.0.

    Borders by land or river between the departments of Peru and Colombia, entered by hand from the map; symmetric, and no
    unit borders itself. With `row_normalised` each row is divided by its sum, so that a row's product with the units'
    values is the neighbours' mean. Raises `CausalError` for a table whose units have no known borders.
    """
    told = card(name)
    pairs = set(_pairs("neighbours"))
    with path(name).open(encoding="utf-8", newline="") as file:
        units = sorted({row[told.unit] for row in csv.DictReader(file)})
    unknown = sorted(set(units) - {unit for unit, _ in pairs})
    if unknown:
        able = [other for other in names() if other.endswith("_departments")]
        mend = f"borders are known for {' and '.join(able)}"
        raise CausalError(Fault(f"no borders are known for {unknown[0]} and others", f"dataset '{name}'", mend))
    import pandas

    rows = [[1.0 if (unit, other) in pairs else 0.0 for other in units] for unit in units]
    weights = pandas.DataFrame(rows, index=units, columns=units)
    return weights.div(weights.sum(axis=1), axis=0) if row_normalised else weights


def _pairs(name: str) -> tuple[tuple[str, str], ...]:
    lines = files("causal.datasets").joinpath(f"{name}.csv").read_text(encoding="utf-8").splitlines()
    return tuple((left, right) for left, right in csv.reader(lines[1:]))


@cache
def _read_card(name: str) -> Card:
    told = tomllib.loads(files("causal.datasets").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    columns = cast("dict[str, dict[str, Any]]", told["column"])
    return Card(
        name=name,
        title=told["title"],
        row=told["row"],
        unit=told["unit"],
        time=told["time"],
        statement=told["statement"],
        caveats=tuple(told["caveats"]),
        columns=tuple(_column(column, fields) for column, fields in columns.items()),
    )


def _column(name: str, fields: dict[str, Any]) -> Column:
    told: dict[str, Any] = {
        **fields,
        "name": name,
        "years": tuple(fields["years"]),
        "caveats": tuple(fields["caveats"]),
    }
    return Column(**told)


def _require(name: str) -> None:
    known = names()
    if name not in known:
        raise CausalError(Fault(f"no dataset '{name}'", mend=nearest(str(name), known)))
