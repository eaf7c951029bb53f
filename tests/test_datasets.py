"""The shipped tables, their cards and the script that compiles them."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from causal import datasets
from causal.errors import CausalError

ROOT = Path(__file__).resolve().parent.parent
GOVERNANCE = ("government_effectiveness", "government_effectiveness_se", "rule_of_law", "rule_of_law_se")


def compile_tables(*arguments: str) -> None:
    spec = importlib.util.spec_from_file_location("compile_tables", ROOT / "tools" / "compile_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cast("Callable[[list[str]], None]", module.main)([*arguments])


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(datasets.path(name).read_text(encoding="utf-8").splitlines()))


def test_the_checksums_are_those_of_the_shipped_files() -> None:
    lines = (ROOT / "causal" / "datasets" / "CHECKSUMS").read_text(encoding="utf-8").splitlines()
    named = {name: digest for digest, name in (line.split("  ") for line in lines)}
    tables = (
        "andes",
        "colombia_departments",
        "containments",
        "latam",
        "neighbours",
        "peru_departments",
        "peru_provinces",
    )
    assert set(named) == {*(f"causal/datasets/{name}.csv" for name in tables), "priors/hedges.csv"}
    for name, digest in named.items():
        assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() == digest


def test_what_ships_stays_small() -> None:
    shipped = [*(ROOT / "causal" / "datasets").glob("*.csv"), ROOT / "priors" / "hedges.csv"]
    assert sum(file.stat().st_size for file in shipped) < 200_000


def test_listing_and_cards_need_no_pandas() -> None:
    code = "import sys, causal.datasets as d; [d.card(n) for n in d.names()]; print('pandas' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


@pytest.mark.parametrize("name", datasets.names())
def test_the_card_describes_exactly_the_columns_of_the_table(name: str) -> None:
    card = datasets.card(name)
    assert list(rows(name)[0]) == [card.unit, card.time, *(column.name for column in card.columns)]
    for column in card.columns:
        assert all((column.label, column.unit, column.direction, column.source, column.licence, column.read_from))


@pytest.mark.parametrize("name", datasets.names())
def test_the_cards_years_and_decimals_are_those_of_the_values(name: str) -> None:
    card = datasets.card(name)
    for column in card.columns:
        filled = [row for row in rows(name) if row[column.name]]
        years = [int(row[card.time]) for row in filled]
        assert (min(years), max(years)) == column.years
        assert {len(row[column.name].partition(".")[2]) for row in filled} == {column.decimals}


@pytest.mark.parametrize("name", datasets.names())
def test_the_table_has_one_sorted_row_a_unit_and_time(name: str) -> None:
    card = datasets.card(name)
    keys = [(row[card.unit], int(row[card.time])) for row in rows(name)]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("name", datasets.names())
def test_no_minus_zero_and_no_infinity_ships(name: str) -> None:
    for row in rows(name):
        for cell in list(row.values())[2:]:
            assert not cell or math.isfinite(float(cell))
            assert not cell.startswith("-") or float(cell) < 0


def test_latam_is_25_countries_in_34_years() -> None:
    table = rows("latam")
    assert len(table) == 25 * 34
    assert {int(row["year"]) for row in table} == set(range(1990, 2024))
    assert {len(row["country"]) for row in table} == {3}


def test_governance_is_missing_exactly_where_it_was_not_published() -> None:
    unpublished = {1990, 1991, 1992, 1993, 1994, 1995, 1997, 1999, 2001}
    for row in rows("latam"):
        for column in GOVERNANCE:
            assert (row[column] == "") == (int(row["year"]) in unpublished)


def test_experts_scores_end_in_2021() -> None:
    for row in rows("latam"):
        assert (row["corruption"] == "") == (row["impartial_administration"] == "") == (int(row["year"]) > 2021)


def test_directions_are_as_the_card_says_in_countries_whose_rank_nobody_disputes() -> None:
    at = {row["country"]: row for row in rows("latam") if row["year"] == "2019"}
    assert float(at["URY"]["corruption"]) < float(at["PER"]["corruption"]) < float(at["VEN"]["corruption"])
    for column in ("impartial_administration", "government_effectiveness", "rule_of_law"):
        assert float(at["VEN"][column]) < float(at["PER"][column]) < float(at["URY"][column])


def test_perus_rows_tell_its_known_history() -> None:
    peru = {int(row["year"]): row for row in rows("latam") if row["country"] == "PER"}
    assert float(peru[1993]["corruption"]) > float(peru[1992]["corruption"]) + 0.1, "after the coup of 1992"
    assert float(peru[2001]["impartial_administration"]) > float(peru[2000]["impartial_administration"]) + 1.0
    assert -12 < float(peru[2020]["gdp_growth"]) < -10, "the pandemic"
    assert [year for year in peru if peru[year]["homicide"]] == list(range(2011, 2022))


def test_growth_that_the_source_has_wrong_is_left_out() -> None:
    honduras = {int(row["year"]): row for row in rows("latam") if row["country"] == "HND"}
    assert [year for year, row in honduras.items() if not row["growth"]] == list(range(1990, 2001))
    elsewhere = [row for row in rows("latam") if row["country"] != "HND"]
    assert all(row["growth"] and row["gdp_growth"] for row in elsewhere)


def test_a_world_price_is_the_same_in_every_country_of_a_year() -> None:
    for column in ("gold_price", "copper_price"):
        assert len({(row["year"], row[column]) for row in rows("latam")}) == 34


def test_the_table_arrives_typed_with_gaps_as_nan() -> None:
    table = datasets.table("latam")
    assert table.shape == (850, 13)
    assert str(table["year"].dtype) == "int64"
    assert all(str(table[column.name].dtype) == "float64" for column in datasets.card("latam").columns)
    assert int(table["corruption"].isna().sum()) == 50


def test_the_card_says_that_nothing_here_measures_the_illicit_economy() -> None:
    assert (
        "Nothing in this table measures the illicit economy or its revenue directly" in datasets.card("latam").statement
    )


def test_share_alike_columns_say_so_on_the_card_and_in_the_licence_file() -> None:
    licences = {column.name: column.licence for column in datasets.card("latam").columns}
    assert {licences["corruption"], licences["impartial_administration"]} == {"CC BY-SA 4.0"}
    assert {licences[column] for column in GOVERNANCE} == {"CC BY 4.0"}
    text = (ROOT / "causal" / "datasets" / "LICENSES.md").read_text(encoding="utf-8")
    assert all(column in text for column in ("corruption", "homicide", "gold_price", "hedges.csv"))


@pytest.mark.parametrize("ask", [datasets.card, datasets.path, datasets.table])
def test_an_unknown_dataset_is_named_with_the_nearest_known_one(ask: Callable[[str], object]) -> None:
    with pytest.raises(CausalError, match="no dataset 'latem'; did you mean 'latam'"):
        ask("latem")


def test_an_unknown_column_is_named_with_the_nearest_known_one() -> None:
    with pytest.raises(CausalError, match="did you mean 'corruption'"):
        datasets.card("latam")["corruptoin"]


def hectares(name: str, column: str = "coca") -> dict[tuple[str, int], float]:
    card = datasets.card(name)
    return {(row[card.unit], int(row[card.time])): float(row[column]) for row in rows(name) if row[column]}


@pytest.mark.parametrize("name", ["andes", "colombia_departments", "peru_departments", "peru_provinces"])
def test_areas_are_none_below_zero_and_none_above_what_a_country_ever_had(name: str) -> None:
    assert all(0 <= value <= 262_000 for value in hectares(name).values())


def test_the_regional_tables_have_the_units_and_years_that_their_cards_state() -> None:
    expected = {"peru_provinces": (66, 2001, 2020), "peru_departments": (13, 2012, 2024), "andes": (3, 2001, 2024)}
    expected["colombia_departments"] = (24, 2001, 2022)
    for name, (units, first, last) in expected.items():
        card = datasets.card(name)
        assert len({row[card.unit] for row in rows(name)}) == units
        assert {int(row[card.time]) for row in rows(name)} == set(range(first, last + 1))


def test_andes_is_known_where_its_card_says() -> None:
    coca = hectares("andes")
    years = {country: {year for unit, year in coca if unit == country} for country in ("BOL", "COL", "PER")}
    assert years["PER"] == {*range(2003, 2006), *range(2009, 2025)}
    assert years["COL"] == set(range(2001, 2025))
    assert years["BOL"] == {2003, 2004, *range(2010, 2024)}
    assert {unit for unit, _ in hectares("andes", "eradication")} == {"PER"}
    assert ("PER", 2012) not in hectares("andes", "eradication")


def test_andes_and_latam_agree_on_governance() -> None:
    for column in ("corruption", "impartial_administration", "government_effectiveness"):
        wide = hectares("latam", column)
        for key, value in hectares("andes", column).items():
            assert wide[key] == value


def test_departments_to_2016_are_the_sums_of_their_provinces_and_agree_until_2020() -> None:
    sums: dict[tuple[str, int], float] = {}
    for (unit, year), value in hectares("peru_provinces").items():
        key = (unit.rpartition("/")[0], year)
        sums[key] = sums.get(key, 0.0) + value
    departments = hectares("peru_departments")
    shared = [key for key in departments if key[1] <= 2020 and key in sums and key[0] != "PER/La Libertad"]
    assert len(shared) == 11 * 9
    assert all(abs(departments[key] - sums[key]) <= (0 if key[1] <= 2016 else 2) for key in shared)


def test_departments_add_up_to_their_country() -> None:
    national = hectares("andes")
    for name, country, years, within in (
        ("colombia_departments", "COL", [*range(2002, 2009), *range(2010, 2023)], 0.005),
        ("peru_departments", "PER", range(2017, 2025), 0.001),
    ):
        for year in years:
            total = sum(value for (_, at), value in hectares(name).items() if at == year)
            assert abs(total / national[country, year] - 1) < within


def test_a_zero_before_monitoring_began_is_a_gap_and_a_later_one_is_a_zero() -> None:
    coca = hectares("peru_provinces")
    begun: dict[str, int] = {}
    for unit, year in sorted(coca):
        begun.setdefault(unit, year)
    assert len(begun) == 31
    assert all(coca[unit, year] > 0 for unit, year in begun.items())
    assert begun["PER/Amazonas/Utcubamba"] == 2013
    assert not {"PER/Amazonas/Condorcanqui", "PER/Ucayali/Atalaya"} & set(begun)
    assert coca["PER/Ucayali/Coronel Portillo", 2013] == 0


def test_the_impossible_figure_of_guainia_is_left_out() -> None:
    coca = hectares("colombia_departments")
    assert ("COL/Guainía", 2001) not in coca
    assert len(coca) == 24 * 22 - 1


def test_coca_across_the_border_is_the_sum_over_the_departments_there() -> None:
    colombia = hectares("colombia_departments")
    both = colombia["COL/Amazonas", 2015] + colombia["COL/Putumayo", 2015]
    assert hectares("peru_departments", "coca_colombia")["PER/Loreto", 2015] == both
    provinces = hectares("peru_provinces", "coca_colombia")
    assert provinces["PER/Loreto/Putumayo", 2015] == both
    assert provinces["PER/Loreto/Mariscal Ramón Castilla", 2015] == colombia["COL/Amazonas", 2015]
    assert {unit for (unit, _), value in provinces.items() if value} == {
        "PER/Loreto/Putumayo",
        "PER/Loreto/Mariscal Ramón Castilla",
    }
    touching = {unit: set(datasets_neighbours(unit)) for unit in ("PER/Loreto", "PER/Ucayali")}
    assert {other for other in touching["PER/Loreto"] if other.startswith("COL/")} == {"COL/Amazonas", "COL/Putumayo"}
    assert not any(other.startswith("COL/") for other in touching["PER/Ucayali"])


def datasets_neighbours(unit: str) -> list[str]:
    text = (ROOT / "causal" / "datasets" / "neighbours.csv").read_text(encoding="utf-8")
    return [row["neighbour"] for row in csv.DictReader(text.splitlines()) if row["unit"] == unit]


@pytest.mark.parametrize("name", ["peru_departments", "colombia_departments"])
def test_borders_are_symmetric_nobody_borders_itself_and_everybody_borders_somebody(name: str) -> None:
    weights = datasets.neighbours(name)
    assert list(weights.index) == list(weights.columns) == sorted({row["department"] for row in rows(name)})
    values = weights.to_numpy()
    assert (values == values.T).all()
    assert (values.diagonal() == 0).all()
    assert set(values.ravel()) == {0.0, 1.0}
    assert (values.sum(axis=1) > 0).all()


def test_rows_of_normalised_borders_add_up_to_one() -> None:
    weights = datasets.neighbours("peru_departments", row_normalised=True)
    assert weights.sum(axis=1).to_numpy() == pytest.approx(1.0)
    assert weights.loc["PER/Puno", "PER/Cusco"] == 0.5


@pytest.mark.parametrize("name", ["peru_provinces", "latam"])
def test_borders_that_nobody_entered_are_refused(name: str) -> None:
    with pytest.raises(CausalError, match=r"no borders are known for .* known for colombia_departments and peru_dep"):
        datasets.neighbours(name)


def test_every_region_lies_in_all_that_its_name_says_and_names_differ_between_levels() -> None:
    inside = datasets.containments()
    for name in ("peru_provinces", "peru_departments", "colombia_departments"):
        for unit in {row[datasets.card(name).unit] for row in rows(name)}:
            parts = unit.split("/")
            assert inside[unit] == tuple("/".join(parts[:size]) for size in range(len(parts) - 1, 0, -1))
    assert inside["PER/Loreto/Ucayali"] == ("PER/Loreto", "PER")
    assert inside["PER/Ucayali"] == ("PER",)
    assert "PER" not in inside
    countries = {row["country"] for row in rows("latam")}
    assert {larger[-1] for larger in inside.values()} <= countries


@pytest.fixture
def extracts(tmp_path: Path) -> Path:
    """Two countries in two years, unsorted, and one survey, as the raw extracts look."""
    cells = {
        "vdem_v2x_corr": "0.31499999999999995",
        "vdem_v2x_corr__owid_bounds": "0.9",
        "vdem_v2clrspct": "-0.0001",
        "vdem_v2clrspct__owid": "9",
        "wgi_ge": "",
        "wgi_ge__se": "",
        "wgi_rl": "-0.6967",
        "wgi_rl__se": "0.1996",
        "homicide_rate": "5.525",
        "gdp_growth": "12.3083",
        "gdppc_growth": "10.1",
        "price_real2010_gold": "463.839",
        "price_real2010_copper": "3219.3",
    }
    folder = tmp_path / "extracts"
    folder.mkdir()
    header = ["country_iso3", "year", *cells]
    lines = [[country, year, *cells.values()] for country in ("PER", "HND") for year in ("2001", "2000", "1989")]
    (folder / "country_year.csv").write_text(
        "\n".join(",".join(line) for line in [header, *lines]) + "\n", encoding="utf-8"
    )
    (folder / "probability_words.csv").write_text(
        "survey,respondent,phrase,percent\ns,1,likely,70.0\ns,2,likely,70.0\ns,3,likely,1e-09\n", encoding="utf-8"
    )
    coca = "country_iso3,region,year,indicator,value,unit\nCOL,,2001,coca_cultivation_UNODC,144800.4,ha (31 Dec)\n"
    coca += "PER,,2012,coca_eradication,14226,ha (derived)\n"
    (folder / "coca_cocaine_national_sourced.csv").write_text(coca, encoding="utf-8")
    lines = [
        f"{region},{year},{year - 2000}.4" for region in ("Putumayo", "Amazonas", "Guainía") for year in (2002, 2001)
    ]
    (folder / "colombia_department_coca.csv").write_text(
        "\n".join(["region,year,value", *lines]) + "\n", encoding="utf-8"
    )
    (folder / "peru_department_coca_2012_2024.csv").write_text(
        "region,year,coca_ha\nSAN MARTIN,2001,3.6\nLORETO,2001,5\n", encoding="utf-8"
    )
    lines = [f"1,LORETO,PUTUMAYO,{year},{coca},0.06,1" for year, coca in ((2001, "0"), (2002, "2"), (2003, "0"))]
    lines += [f"2,LORETO,PUTUMAYO,{year},{coca},0.06,1" for year, coca in ((2001, "0"), (2002, ""), (2003, "0"))]
    (folder / "peru_district_panel_wide.csv").write_text(
        "\n".join(["UBIGEO,NOMBDEP,NOMBPROB,YEAR,Coca_ha,Minería,Infraestructura", *lines]) + "\n", encoding="utf-8"
    )
    return folder


def compiled(root: Path, name: str) -> list[str]:
    return (root / "causal/datasets" / f"{name}.csv").read_text(encoding="utf-8").splitlines()[1:]


def test_compiling_sums_districts_and_knows_an_unmonitored_zero(extracts: Path, tmp_path: Path) -> None:
    compile_tables(str(extracts), "--into", str(tmp_path))
    assert compiled(tmp_path, "peru_provinces") == [
        "PER/Loreto/Putumayo,2001,,0.1,2.0,2,463.8",
        "PER/Loreto/Putumayo,2002,2,0.1,2.0,4,",
        "PER/Loreto/Putumayo,2003,0,0.1,2.0,,",
    ]
    assert compiled(tmp_path, "peru_departments") == ["PER/Loreto,2001,5,2", "PER/San Martín,2001,4,0"]
    assert compiled(tmp_path, "colombia_departments")[2:4] == ["COL/Guainía,2001,", "COL/Guainía,2002,2"]
    assert compiled(tmp_path, "andes")[24] == "COL,2001,144800,,,,,,"
    assert not any(line.startswith("PER,2012,,14226") for line in compiled(tmp_path, "andes"))


def test_compiling_selects_sorts_and_rounds(extracts: Path, tmp_path: Path) -> None:
    compile_tables(str(extracts), "--into", str(tmp_path))
    lines = (tmp_path / "causal/datasets/latam.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1:] == [
        "HND,2000,0.315,0.000,,,-0.697,0.200,5.53,,,463.8,3219",
        "HND,2001,0.315,0.000,,,-0.697,0.200,5.53,10.10,12.31,463.8,3219",
        "PER,2000,0.315,0.000,,,-0.697,0.200,5.53,10.10,12.31,463.8,3219",
        "PER,2001,0.315,0.000,,,-0.697,0.200,5.53,10.10,12.31,463.8,3219",
    ]
    hedges = (tmp_path / "priors/hedges.csv").read_text(encoding="utf-8")
    assert hedges == "survey,phrase,percent,count\ns,likely,0,1\ns,likely,70,2\n"


def test_compiling_twice_gives_the_same_bytes(extracts: Path, tmp_path: Path) -> None:
    for root in ("once", "twice"):
        compile_tables(str(extracts), "--into", str(tmp_path / root))
    once, twice = (
        {file.name: file.read_bytes() for file in (tmp_path / root).rglob("*") if file.is_file()}
        for root in ("once", "twice")
    )
    tables = (
        "andes",
        "colombia_departments",
        "containments",
        "latam",
        "neighbours",
        "peru_departments",
        "peru_provinces",
    )
    assert set(once) == {*(f"{name}.csv" for name in tables), "hedges.csv", "CHECKSUMS"}
    assert once == twice


def test_compiling_refuses_a_country_and_year_given_twice(extracts: Path, tmp_path: Path) -> None:
    file = extracts / "country_year.csv"
    text = file.read_text(encoding="utf-8")
    file.write_text(text + text.splitlines()[1] + "\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="PER"):
        compile_tables(str(extracts), "--into", str(tmp_path))


def test_compiling_names_the_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"country_year\.csv"):
        compile_tables(str(tmp_path))
