"""Compile the tables that ship with the project from a folder of raw extracts.

    python tools/compile_tables.py [FOLDER] [--into ROOT]

FOLDER holds the extracts that `main` names (default: `../shared/data`, seen from the repository's root). Written
under ROOT (default: the repository's root): the tables of `causal/datasets`, `priors/hedges.csv` and
`causal/datasets/CHECKSUMS`, which `sha256sum -c` reads from ROOT. The same input gives the same bytes.

Choices made here, and stated on the cards:

- Of the columns that hold one indicator in several versions, the plain ones are taken (`vdem_v2x_corr`,
  `vdem_v2clrspct`: V-Dem version 12). Those named `__owid...` and `__demspaces...` are other releases of V-Dem on
  scales of their own; a series spliced from two releases would jump where they meet. They are not shipped.
- Gaps stay gaps. Nothing is interpolated, neither the governance indicators of 1997, 1999 and 2001, which were
  never published, nor countries without homicide counts.
- What the source has plainly wrong is left out: `LEFT_OUT` names each case and why.
- Numbers are rounded as `COLUMNS` says, to no more digits than the sources' own errors deserve; hectares of coca to
  whole ones, of mining and infrastructure to tenths.
- A unit is named by its path, country/department/province with ISO codes for countries, so that a province and a
  department of one name differ: `PER/Loreto/Ucayali`, `PER/Ucayali`.
- A province's coca is the sum of its districts. In the district file a zero can mean that nobody looked: zeros before the
  first year in which any district of the province has coca are left empty, later ones are zeros. Six provinces that are
  zero from 2012 to 2020 are thereby empty; in most of them the survey of 2021 opened new zones and found coca.
- Borders (`BORDERS`, `ACROSS_THE_BORDER`) were entered by hand from the map, each from both sides.
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


ANDES = ("BOL", "COL", "PER")
ANDES_YEARS = (2001, 2024)
ANDES_GOVERNANCE = ("corruption", "impartial_administration", "government_effectiveness", "government_effectiveness_se")
ANDES_SERIES: dict[str, tuple[str, tuple[str, ...], int]] = {
    "coca": ("coca_cultivation_UNODC", ("ha", "ha (31 Dec)", "ha (31 Dec net)"), 0),
    "eradication": ("coca_eradication", ("ha",), 0),
    "leaf_price": ("coca_leaf_price", ("USD/kg",), 1),
}
"""Shipped column: the extract's indicator, the units that are taken, and the decimals kept. Eradication of 2012 has a unit
of its own, because somebody derived it from a later year's growth; it is not taken."""

COLOMBIA_LEFT_OUT = {("Guainía", 2001): "45,261 ha, against 748 a year later and 144,800 in the whole country"}

PROPER = {
    "BOLIVAR": "Bolívar",
    "BONGARA": "Bongará",
    "CONCEPCION": "Concepción",
    "HUANUCO": "Huánuco",
    "DATEM DEL MARAÑON": "Datem del Marañón",
    "JAEN": "Jaén",
    "JUNIN": "Junín",
    "LA CONVENCION": "La Convención",
    "HUAMALIES": "Huamalíes",
    "MARAÑON": "Marañón",
    "MARISCAL CACERES": "Mariscal Cáceres",
    "MARISCAL RAMON CASTILLA": "Mariscal Ramón Castilla",
    "PURUS": "Purús",
    "RODRIGUEZ DE MENDOZA": "Rodríguez de Mendoza",
    "SAN MARTIN": "San Martín",
}
"""Names that the extracts write without their accents; the rest only change from capitals."""

BORDERS: dict[str, str] = {
    "PER/Amazonas": "PER/Cajamarca, PER/La Libertad, PER/Loreto, PER/San Martín",
    "PER/Ayacucho": "PER/Cusco, PER/Junín",
    "PER/Cajamarca": "PER/Amazonas, PER/La Libertad",
    "PER/Cusco": "PER/Ayacucho, PER/Junín, PER/Madre de Dios, PER/Puno, PER/Ucayali",
    "PER/Huánuco": "PER/La Libertad, PER/Loreto, PER/Pasco, PER/San Martín, PER/Ucayali",
    "PER/Junín": "PER/Ayacucho, PER/Cusco, PER/Pasco, PER/Ucayali",
    "PER/La Libertad": "PER/Amazonas, PER/Cajamarca, PER/Huánuco, PER/San Martín",
    "PER/Loreto": "COL/Amazonas, COL/Putumayo, PER/Amazonas, PER/Huánuco, PER/San Martín, PER/Ucayali",
    "PER/Madre de Dios": "PER/Cusco, PER/Puno, PER/Ucayali",
    "PER/Pasco": "PER/Huánuco, PER/Junín, PER/Ucayali",
    "PER/Puno": "PER/Cusco, PER/Madre de Dios",
    "PER/San Martín": "PER/Amazonas, PER/Huánuco, PER/La Libertad, PER/Loreto",
    "PER/Ucayali": "PER/Cusco, PER/Huánuco, PER/Junín, PER/Loreto, PER/Madre de Dios, PER/Pasco",
    "COL/Amazonas": "COL/Caquetá, COL/Putumayo, COL/Vaupés, PER/Loreto",
    "COL/Antioquia": "COL/Bolívar, COL/Boyacá, COL/Caldas, COL/Chocó, COL/Córdoba, COL/Santander",
    "COL/Arauca": "COL/Boyacá, COL/Vichada",
    "COL/Bolívar": "COL/Antioquia, COL/Cesar, COL/Córdoba, COL/Magdalena, COL/Santander",
    "COL/Boyacá": "COL/Antioquia, COL/Arauca, COL/Caldas, COL/Cundinamarca, COL/Norte de Santander, COL/Santander",
    "COL/Caldas": "COL/Antioquia, COL/Boyacá, COL/Cundinamarca",
    "COL/Caquetá": "COL/Amazonas, COL/Cauca, COL/Guaviare, COL/Meta, COL/Putumayo, COL/Vaupés",
    "COL/Cauca": "COL/Caquetá, COL/Nariño, COL/Putumayo, COL/Valle del Cauca",
    "COL/Cesar": "COL/Bolívar, COL/La Guajira, COL/Magdalena, COL/Norte de Santander, COL/Santander",
    "COL/Chocó": "COL/Antioquia, COL/Valle del Cauca",
    "COL/Cundinamarca": "COL/Boyacá, COL/Caldas, COL/Meta",
    "COL/Córdoba": "COL/Antioquia, COL/Bolívar",
    "COL/Guainía": "COL/Guaviare, COL/Vaupés, COL/Vichada",
    "COL/Guaviare": "COL/Caquetá, COL/Guainía, COL/Meta, COL/Vaupés, COL/Vichada",
    "COL/La Guajira": "COL/Cesar, COL/Magdalena",
    "COL/Magdalena": "COL/Bolívar, COL/Cesar, COL/La Guajira",
    "COL/Meta": "COL/Caquetá, COL/Cundinamarca, COL/Guaviare, COL/Vichada",
    "COL/Nariño": "COL/Cauca, COL/Putumayo",
    "COL/Norte de Santander": "COL/Boyacá, COL/Cesar, COL/Santander",
    "COL/Putumayo": "COL/Amazonas, COL/Caquetá, COL/Cauca, COL/Nariño, PER/Loreto",
    "COL/Santander": "COL/Antioquia, COL/Bolívar, COL/Boyacá, COL/Cesar, COL/Norte de Santander",
    "COL/Valle del Cauca": "COL/Cauca, COL/Chocó",
    "COL/Vaupés": "COL/Amazonas, COL/Caquetá, COL/Guainía, COL/Guaviare",
    "COL/Vichada": "COL/Arauca, COL/Guainía, COL/Guaviare, COL/Meta",
}
"""The departments of the tables: each with those among them that it touches, by land or river."""

ACROSS_THE_BORDER: dict[str, tuple[str, ...]] = {
    "PER/Loreto": ("COL/Amazonas", "COL/Putumayo"),
    "PER/Loreto/Putumayo": ("COL/Amazonas", "COL/Putumayo"),
    "PER/Loreto/Mariscal Ramón Castilla": ("COL/Amazonas",),
}
"""The Peruvian units that touch Colombia, and the Colombian departments there. Every other unit touches none."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Compile the tables and their checksums."""
    parser = argparse.ArgumentParser(description="Compile the shipped tables from raw extracts.")
    parser.add_argument("folder", nargs="?", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--into", type=Path, default=REPOSITORY, help="the root to write under")
    given = parser.parse_args(arguments)
    folder, root = Path(given.folder), Path(given.into)
    countries = _rows(folder / "country_year.csv")
    colombia = colombia_departments(_rows(folder / "colombia_department_coca.csv"))
    districts = _rows(folder / "peru_district_panel_wide.csv")
    beyond = coca_across_the_border(colombia)
    provinces = peru_provinces(districts, _gold(countries), beyond)
    departments = peru_departments(_rows(folder / "peru_department_coca_2012_2024.csv"), beyond)
    tables = {
        "causal/datasets/andes.csv": andes(_rows(folder / "coca_cocaine_national_sourced.csv"), countries),
        "causal/datasets/colombia_departments.csv": colombia,
        "causal/datasets/containments.csv": containments((provinces, departments, colombia)),
        "causal/datasets/latam.csv": latam(countries),
        "causal/datasets/neighbours.csv": neighbours(),
        "causal/datasets/peru_departments.csv": departments,
        "causal/datasets/peru_provinces.csv": provinces,
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


def andes(rows: Iterable[dict[str, str]], countries: Iterable[dict[str, str]]) -> list[list[str]]:
    """The three coca countries' yearly table: hectares, eradication and leaf price, and the governance columns of `latam`."""
    found: dict[tuple[str, str, int], str] = {}
    for row in rows:
        for name, (indicator, units, decimals) in ANDES_SERIES.items():
            if row["indicator"] != indicator or row["unit"] not in units or row["country_iso3"] not in ANDES:
                continue
            key = (name, row["country_iso3"], int(row["year"]))
            if key in found:
                raise SystemExit(f"coca_cocaine_national_sourced.csv has more than one row for {key}")
            found[key] = _rounded(row["value"], decimals)
    governance = {(row["country_iso3"], int(row["year"])): row for row in countries if row["country_iso3"] in ANDES}
    table = [["country", "year", *ANDES_SERIES, *ANDES_GOVERNANCE]]
    for country in ANDES:
        for year in range(ANDES_YEARS[0], ANDES_YEARS[1] + 1):
            series = [found.get((name, country, year), "") for name in ANDES_SERIES]
            row = governance.get((country, year), {})
            scores = [_rounded(row.get(COLUMNS[name][0], ""), COLUMNS[name][1]) for name in ANDES_GOVERNANCE]
            table.append([country, str(year), *series, *scores])
    return table


def colombia_departments(rows: Iterable[dict[str, str]]) -> list[list[str]]:
    """Hectares of coca by Colombian department and year."""
    found: dict[tuple[str, int], str] = {}
    for row in rows:
        key = (row["region"], int(row["year"]))
        if key in found:
            raise SystemExit(f"colombia_department_coca.csv has more than one row for {key}")
        found[key] = "" if key in COLOMBIA_LEFT_OUT else _rounded(row["value"], 0)
    lines = sorted((f"COL/{region}", year, cell) for (region, year), cell in found.items())
    return [["department", "year", "coca"], *([unit, str(year), cell] for unit, year, cell in lines)]


def coca_across_the_border(colombia: list[list[str]]) -> dict[tuple[str, int], str]:
    """By Peruvian unit that touches Colombia and by year: hectares of coca in the Colombian departments that it touches."""
    coca = {(unit, int(year)): int(cell) for unit, year, cell in colombia[1:] if cell}
    years = sorted({year for _, year in coca})
    return {
        (unit, year): str(sum(coca[other, year] for other in others))
        for unit, others in ACROSS_THE_BORDER.items()
        for year in years
    } | {("", year): "0" for year in years}


def peru_provinces(
    districts: Iterable[dict[str, str]], gold: dict[int, str], beyond: dict[tuple[str, int], str]
) -> list[list[str]]:
    """The Amazon districts summed to provinces, with the gold price and the coca across the border."""
    totals: dict[tuple[str, int], dict[str, list[float]]] = {}
    seen: set[tuple[str, str]] = set()
    for row in districts:
        if (row["UBIGEO"], row["YEAR"]) in seen:
            raise SystemExit(f"peru_district_panel_wide.csv has more than one row for {row['UBIGEO']} {row['YEAR']}")
        seen.add((row["UBIGEO"], row["YEAR"]))
        unit = f"PER/{_proper(row['NOMBDEP'])}/{_proper(row['NOMBPROB'])}"
        cells = totals.setdefault((unit, int(row["YEAR"])), {"Coca_ha": [], "Minería": [], "Infraestructura": []})
        for name, values in cells.items():
            if row[name].strip():
                values.append(float(row[name]))
    begun: dict[str, int] = {}
    for (unit, year), cells in sorted(totals.items()):
        if sum(cells["Coca_ha"]) > 0:
            begun.setdefault(unit, year)
    table = [["province", "year", "coca", "mining", "infrastructure", "coca_colombia", "gold_price"]]
    for (unit, year), cells in sorted(totals.items()):
        monitored = unit in begun and year >= begun[unit] and cells["Coca_ha"]
        coca = _rounded(str(sum(cells["Coca_ha"])), 0) if monitored else ""
        areas = [_rounded(str(sum(cells[name])), 1) for name in ("Minería", "Infraestructura")]
        table.append([unit, str(year), coca, *areas, _beyond(beyond, unit, year), gold.get(year, "")])
    return table


def peru_departments(rows: Iterable[dict[str, str]], beyond: dict[tuple[str, int], str]) -> list[list[str]]:
    """Hectares of coca by Peruvian department and year, with the coca across the border."""
    found: dict[tuple[str, int], str] = {}
    for row in rows:
        key = (f"PER/{_proper(row['region'])}", int(row["year"]))
        if key in found:
            raise SystemExit(f"peru_department_coca_2012_2024.csv has more than one row for {key}")
        found[key] = _rounded(row["coca_ha"], 0)
    table = [["department", "year", "coca", "coca_colombia"]]
    table += [[unit, str(year), cell, _beyond(beyond, unit, year)] for (unit, year), cell in sorted(found.items())]
    return table


def containments(tables: Iterable[list[list[str]]]) -> list[list[str]]:
    """Each unit of the regional tables, and of those it lies in, with the next larger one that holds it."""
    pairs: set[tuple[str, str]] = set()
    for table in tables:
        for unit in {row[0] for row in table[1:]}:
            parts = unit.split("/")
            pairs.update(("/".join(parts[:size]), "/".join(parts[: size - 1])) for size in range(len(parts), 1, -1))
    return [["unit", "inside"], *([unit, inside] for unit, inside in sorted(pairs))]


def neighbours() -> list[list[str]]:
    """`BORDERS` as pairs, both ways round; refused where one side does not name the other."""
    pairs = {(unit, other) for unit, others in BORDERS.items() for other in others.split(", ")}
    one_sided = sorted(pair for pair in pairs if pair[::-1] not in pairs or pair[0] == pair[1])
    if one_sided:
        raise SystemExit(f"a border is named from one side only: {one_sided}")
    return [["unit", "neighbour"], *([unit, other] for unit, other in sorted(pairs))]


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


def _gold(countries: Iterable[dict[str, str]]) -> dict[int, str]:
    """The gold price by year; it is the same in every country's row."""
    source, decimals = COLUMNS["gold_price"]
    return {int(row["year"]): _rounded(row[source], decimals) for row in countries if row[source].strip()}


def _beyond(beyond: dict[tuple[str, int], str], unit: str, year: int) -> str:
    """Coca across the border: empty in years without the Colombian table, 0 where the unit touches no part of Colombia."""
    return beyond.get((unit, year), beyond.get(("", year), ""))


def _proper(name: str) -> str:
    if name in PROPER:
        return PROPER[name]
    return name.title().replace(" De ", " de ").replace(" Del ", " del ")


def _rounded(cell: str, decimals: int) -> str:
    if not cell.strip():
        return ""
    # "+ 0.0" turns a rounded minus zero into zero
    return f"{round(float(cell), decimals) + 0.0:.{decimals}f}"


def _shortest(percent: float) -> str:
    return f"{percent:.3f}".rstrip("0").rstrip(".")


if __name__ == "__main__":
    main()
