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
    assert set(named) == {"causal/datasets/latam.csv", "priors/hedges.csv"}
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


def test_no_minus_zero_and_no_infinity_ships() -> None:
    for row in rows("latam"):
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
    return folder


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
    assert set(once) == {"latam.csv", "hedges.csv", "CHECKSUMS"}
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
