"""Compile the tables that ship with the project from a folder of raw extracts.

    python tools/compile_tables.py [FOLDER] [--into ROOT]

FOLDER holds `country_year.csv` and `probability_words.csv` (default: `../shared/data`, seen from the repository's
root). Written under ROOT (default: the repository's root): `causal/datasets/latam.csv`, `priors/hedges.csv` and
`causal/datasets/CHECKSUMS`, which `sha256sum -c` reads from ROOT. The same input gives the same bytes.

Choices made here, and stated on the cards:

- Of the columns that hold one indicator in several versions, the plain ones are taken (`vdem_v2x_corr`,
  `vdem_v2clrspct`: V-Dem version 12). Those named `__owid...` and `__demspaces...` are other releases of V-Dem on
  scales of their own; a series spliced from two releases would jump where they meet. They are not shipped.
- Gaps stay gaps. Nothing is interpolated, neither the governance indicators of 1997, 1999 and 2001, which were
  never published, nor countries without homicide counts.
- What the source has plainly wrong is left out: `LEFT_OUT` names each case and why.
- Numbers are rounded as `COLUMNS` says, to no more digits than the sources' own errors deserve.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
FIRST_YEAR, LAST_YEAR = 1990, 2023

COLUMNS: dict[str, tuple[str, int]] = {
    "corruption": ("vdem_v2x_corr", 3),
    "impartial_administration": ("vdem_v2clrspct", 3),
    "government_effectiveness": ("wgi_ge", 3),
    "government_effectiveness_se": ("wgi_ge__se", 3),
    "rule_of_law": ("wgi_rl", 3),
    "rule_of_law_se": ("wgi_rl__se", 3),
    "homicide": ("homicide_rate", 2),
    "growth": ("gdppc_growth", 2),
    "gdp_growth": ("gdp_growth", 2),
    "gold_price": ("price_real2010_gold", 1),
    "copper_price": ("price_real2010_copper", 0),
}
"""Shipped column: its column in the extract and the decimals kept."""

LEFT_OUT: dict[tuple[str, str], tuple[int, int, str]] = {
    (column, "HND"): (
        1990,
        2000,
        "the merged series has real output grow sixfold from 1989 to 2000; the national accounts have -2 to 7 % a year",
    )
    for column in ("growth", "gdp_growth")
}
"""Shipped column and country: first and last year left out, and why."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Compile the tables and their checksums."""
    parser = argparse.ArgumentParser(description="Compile the shipped tables from raw extracts.")
    parser.add_argument("folder", nargs="?", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--into", type=Path, default=REPOSITORY, help="the root to write under")
    given = parser.parse_args(arguments)
    folder, root = Path(given.folder), Path(given.into)
    tables = {
        "causal/datasets/latam.csv": latam(_rows(folder / "country_year.csv")),
        "priors/hedges.csv": hedges(_rows(folder / "probability_words.csv")),
    }
    checksums: list[str] = []
    for name, table in tables.items():
        text = "".join(",".join(row) + "\n" for row in table)
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8", newline="\n")
        checksums.append(f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n")
    (root / "causal/datasets/CHECKSUMS").write_text("".join(checksums), encoding="utf-8", newline="\n")


def latam(rows: Iterable[dict[str, str]]) -> list[list[str]]:
    """The countries' yearly table, header first, sorted by country and year."""
    kept = [row for row in rows if FIRST_YEAR <= int(row["year"]) <= LAST_YEAR]
    keys = [(row["country_iso3"], int(row["year"])) for row in kept]
    twice = [key for key, times in Counter(keys).items() if times > 1]
    if twice:
        raise SystemExit(f"country_year.csv has more than one row for {twice}")
    table = [["country", "year", *COLUMNS]]
    for (country, year), row in sorted(zip(keys, kept, strict=True), key=lambda pair: pair[0]):
        cells = [
            "" if _left_out(name, country, year) else _rounded(row[source], decimals)
            for name, (source, decimals) in COLUMNS.items()
        ]
        table.append([country, str(year), *cells])
    return table


def hedges(rows: Iterable[dict[str, str]]) -> list[list[str]]:
    """The surveys' answers, counted: survey, phrase, percent to three decimals, and how many gave it."""
    answers = Counter((row["survey"], row["phrase"], round(float(row["percent"]), 3)) for row in rows)
    table = [["survey", "phrase", "percent", "count"]]
    table += [
        [survey, phrase, _shortest(percent), str(count)] for (survey, phrase, percent), count in sorted(answers.items())
    ]
    return table


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise SystemExit(f"no file {path}; name the folder that holds it")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _left_out(column: str, country: str, year: int) -> bool:
    case = LEFT_OUT.get((column, country))
    return case is not None and case[0] <= year <= case[1]


def _rounded(cell: str, decimals: int) -> str:
    if not cell.strip():
        return ""
    # "+ 0.0" turns a rounded minus zero into zero
    return f"{round(float(cell), decimals) + 0.0:.{decimals}f}"


def _shortest(percent: float) -> str:
    return f"{percent:.3f}".rstrip("0").rstrip(".")


if __name__ == "__main__":
    main()
