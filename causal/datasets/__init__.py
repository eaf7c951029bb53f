"""The compiled tables that ship with the program, each with a card.

A table is a CSV file of one row a unit and period; its card says what a row is and, column by column, the label, unit,
direction, primary source, licence, years and caveats. `tools/compile_tables.py` made the tables; `CHECKSUMS` holds
their digests. Licences stand on the cards and together in `LICENSES.md`: they are the sources', not the code's.

>>> names()
('latam',)
>>> card("latam")["corruption"].direction
'higher is more corrupt'
>>> card("latam")["corruption"].licence
'CC BY-SA 4.0'
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from causal.errors import CausalError, Fault, nearest

if TYPE_CHECKING:
    import pandas

__all__ = ["Card", "Column", "card", "names", "path", "table"]


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
