"""A bundle to begin with: what a table is taken for, and files that run as they are."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.cli import main
from causal.errors import CausalError
from causal.scaffold import propose, start
from priors.read import bundle_keys, read_bundle


def rows(units: int = 6, times: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    index = pd.MultiIndex.from_product([[f"land {k}" for k in range(units)], range(2001, 2001 + times)])
    frame = pd.DataFrame(
        rng.normal(size=(len(index), 2)).round(3) + 0.5, index=index, columns=["Coca (ha)", "Homicide rate"]
    )
    return frame.reset_index(names=["Country", "Year"])


def saved(folder: Path, kind: str) -> Path:
    """The same table in many forms."""
    frame, file = rows(), folder / f"table.{kind.split(' ')[0]}"
    if kind == "csv":
        frame.to_csv(file, index=False)
    elif kind == "csv german":
        frame.to_csv(file, index=False, sep=";", decimal=",", encoding="latin-1")
    elif kind == "xlsx":
        frame.to_excel(file, index=False)
    elif kind == "parquet":
        frame.to_parquet(file, index=False)
    else:
        long = frame.melt(id_vars=["Country", "Year"], var_name="Series")
        long.pivot(index=["Country", "Series"], columns="Year", values="value").reset_index().to_csv(file, index=False)
    return file


@pytest.mark.parametrize("kind", ["csv", "csv german", "xlsx", "parquet", "csv wide"])
def test_one_table_in_any_form_gives_one_bundle(tmp_path: Path, kind: str) -> None:
    notes = start(tmp_path / "mine", table=saved(tmp_path, kind))
    found = read_bundle(tmp_path / "mine")
    (study,) = found.studies
    values = study.panel.data["Coca (ha)"].transpose("unit", "time").to_numpy()
    np.testing.assert_allclose(values.ravel(), rows()["Coca (ha)"])
    assert {node: study.measure(node).columns for node in found.graph.names} == {  # type: ignore[union-attr]
        "coca_ha": ("Coca (ha)",),
        "homicide_rate": ("Homicide rate",),
    }
    assert [str(claim.edge) if claim.edge is None else claim.edge.name for claim in found.ledger.claims] == [
        "coca_ha -> homicide_rate [lag=1]"
    ]
    assert len(found.interventions) == 1
    assert "units by 'Country'" in notes[0]


def test_a_wide_table_of_a_statistical_office_is_read_with_its_margins(tmp_path: Path) -> None:
    """Lines above the names and below the rows, a comma too many, two dots for what is missing, years with labels."""
    file = tmp_path / "wdi.csv"
    file.write_text(
        "Data Source,World Development Indicators,\n\nCountry Name,Country Code,Series Code,1999 [YR1999],2000 [YR2000],2001 [YR2001],\n"
        "Peru,PER,coca,1,2,4,\nPeru,PER,gdp,1.5,..,2.5,\nBolivia,BOL,coca,2,..,1,\nBolivia,BOL,gdp,2.5,3.5,1.25,\n"
        ",,,,,,\nData from database: World Development Indicators,,,,,,\nLast Updated: 2026,,,,,,\n",
        encoding="utf-8",
    )
    found = propose(file)
    assert (found.unit, found.time, dict(found.nodes)) == ("Country Code", "year", {"coca": "coca", "gdp": "gdp"})
    by_row = {tuple(row[:2]): row[2:] for row in found.table.rows}
    assert by_row["PER", "2000"] == ["2", ""]
    assert by_row["BOL", "2001"] == ["1", "1.25"]
    told = " ".join(found.notes)
    assert "lines above the names are skipped: 1" in told
    assert "lines below the rows are skipped: 9, 10" in told


def test_a_number_of_a_wide_table_is_never_read_as_another(tmp_path: Path) -> None:
    """Two dots in a column hide nothing of how its numbers are written."""
    file = tmp_path / "t.csv"
    file.write_text(
        "country;series;1999;2000;2001\nPeru;a;1.234;1.300;1.500\nPeru;b;0,5;1,5;2,5\nChile;a;2.234;..;2.500\nChile;b;0,7;1,7;2,9\n"
    )
    rows = {tuple(row[:2]): row[2:] for row in propose(file).table.rows}
    assert rows["Peru", "2000"] == ["1300", "1.5"]
    assert rows["Chile", "2000"] == ["", "1.7"]


def test_one_column_is_no_claim_and_the_others_are_said_why(tmp_path: Path) -> None:
    (tmp_path / "coca.csv").write_text("country,1999,2000,2001\nPeru,1,2,4\nBolivia,2,..,1\n")
    with pytest.raises(CausalError, match=r"coca\.csv only column 'coca' is made of numbers that move within units"):
        start(tmp_path / "mine", table=tmp_path / "coca.csv")
    assert not (tmp_path / "mine").exists()


def test_codes_of_units_stay_as_they_are_written(tmp_path: Path) -> None:
    head = "state,year,x,y\n"
    for code in ("01", "1_1", "1.10", "1e5", "12345678901234567890", "nan"):
        (tmp_path / "t.csv").write_text(
            head + "".join(f"{code},{2000 + k},{k},{k * k % 3}\nzz,{2000 + k},{-k},{k}\n" for k in range(6))
        )
        start(tmp_path / code, table=tmp_path / "t.csv")
        assert code in [str(unit) for unit in read_bundle(tmp_path / code).studies[0].panel.units]


@pytest.mark.parametrize(
    ("head", "row", "unit"),
    [
        ("Entity,Code,Year,x,y", "World,,{year},{x},{y}", "Entity"),  # a code that not every unit has
        ("Area,Unit,Year,x,y", "{u},t,{year},{x},{y}", "Area"),  # a unit of measurement
        ("Country Name,Year,x,y", "{u},{year},{x},{y}", "Country Name"),
        ("Geo,x,y,anio", "{u},{x},{y},{year}", "Geo"),
    ],
)
def test_the_column_of_units_is_one_that_can_be(tmp_path: Path, head: str, row: str, unit: str) -> None:
    rng = np.random.default_rng(1)
    lines = [
        row.format(u=u, year=2000 + k, x=round(rng.normal(), 3), y=round(rng.normal(), 3))
        for u in (("Perú", "Chile") if "{u}" in row else ("",))
        for k in range(5)
    ]
    lines += [f"Peru,PER,{2000 + k},{k},{-k}" for k in range(5)] if "World" in row else []
    (tmp_path / "t.csv").write_text("\n".join([head, *lines]), encoding="utf-8")
    assert propose(tmp_path / "t.csv").unit == unit


def test_yes_and_no_and_an_index_of_a_parquet_file_are_read(tmp_path: Path) -> None:
    frame = rows().assign(strike=lambda each: each["Coca (ha)"] > 0.5).set_index(["Country", "Year"])
    frame.to_parquet(tmp_path / "t.parquet")
    found = propose(tmp_path / "t.parquet")
    assert (found.unit, found.time, list(found.nodes.values())) == (
        "Country",
        "Year",
        ["Coca (ha)", "Homicide rate", "strike"],
    )
    assert set(found.table.column("strike")) == {"0", "1"}


def test_words_that_say_nothing_are_refused(tmp_path: Path) -> None:
    saved(tmp_path, "csv")
    for told, said in (
        ({"unit": "x"}, "there is no table"),
        ({"example": "growth", "unit": "x"}, "there is no table"),
        ({"table": tmp_path / "table.csv", "unit": "Land"}, "no unit column 'Land'"),
        ({"table": tmp_path / "table.csv", "unit": "Year", "time": "Year"}, "cannot hold the units and the times"),
        ({"dagitty": "dag { a <-> b }"}, "no arrow that could be a claim"),
        ({"table": tmp_path / "table.csv", "dagitty": "dag { a -> b }"}, "no column is called as any"),
    ):
        with pytest.raises(CausalError, match=said):
            start(tmp_path / "x" / "y", **told)  # type: ignore[arg-type]
        assert not (tmp_path / "x").exists()
    with pytest.raises(CausalError, match="cannot be written"):
        start(tmp_path / ("n" * 300))


def test_a_node_called_as_a_column_of_keys_has_a_column_of_its_own(tmp_path: Path) -> None:
    start(tmp_path / "mine", dagitty="dag { year -> unit; time -> unit }")
    assert read_bundle(tmp_path / "mine").studies[0].panel.columns == ("time_value", "unit_value", "year_value")


def test_what_cannot_be_a_node_is_said_in_a_comment(tmp_path: Path) -> None:
    frame = rows()
    frame["area"] = frame["Country"].str[-1].astype(int)
    frame["note"] = "text"
    frame.to_csv(tmp_path / "table.csv", index=False)
    start(tmp_path / "mine", table=tmp_path / "table.csv")
    text = (tmp_path / "mine" / "studies.toml").read_text(encoding="utf-8")
    assert "'area'" in text.split("[study.panel.measures]")[1]
    assert "'note'" in text.split("[study.panel.measures]")[1]


def test_the_arrows_of_a_graph_become_claims_and_its_nodes_find_their_columns(tmp_path: Path) -> None:
    rows().rename(columns={"Coca (ha)": "coca"}).to_csv(tmp_path / "table.csv", index=False)
    dagitty = "dag { coca -> homicide_rate; homicide_rate -> trust; coca <-> trust }"
    notes = start(tmp_path / "mine", table=tmp_path / "table.csv", dagitty=dagitty)
    found = read_bundle(tmp_path / "mine")
    assert [claim.edge.name for claim in found.ledger.claims if claim.edge] == [
        "coca -> homicide_rate",
        "homicide_rate -> trust",
    ]
    assert [latent.name for latent in found.graph.latents] == ["coca <-> trust"]
    assert found.studies[0].measured(found.graph) == ("coca", "homicide_rate")
    assert any("trust" in note for note in notes)
    (note,) = start(tmp_path / "bare", dagitty=dagitty)
    assert "noise" in note
    assert read_bundle(tmp_path / "bare").studies[0].panel.columns == ("coca", "homicide_rate", "trust")


@pytest.mark.parametrize("key", bundle_keys())
def test_an_example_is_a_copy(tmp_path: Path, key: str) -> None:
    start(tmp_path / "mine", example=key)
    ours, theirs = read_bundle(tmp_path / "mine"), read_bundle(key)
    assert ours.ledger == theirs.ledger
    assert [study.name for study in ours.studies] == [study.name for study in theirs.studies]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "which column holds the unit and time is not clear"),
        ("country,year\nPER,2001\nPER,2002\n", "no column is made of numbers that move within units"),
        ("country,year,x\nPER,2001,1\nPER,2001,2\n", "stands in 2 rows"),
        ("country,country,year\nPER,PER,2001\n", "stands there twice"),
        ("", "is empty"),
    ],
)
def test_a_table_that_is_no_panel_is_refused_and_nothing_is_left(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(CausalError, match=said):
        start(tmp_path / "mine", table=tmp_path / "table.csv")
    assert not (tmp_path / "mine").exists()


def test_nothing_of_anyones_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(CausalError, match="not an empty folder"):
        start(tmp_path / "mine")
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    with pytest.raises(CausalError) as caught:
        start(tmp_path / "mine", example="growht", dagitty="dag { a -> b }")
    assert len(caught.value.faults) == 3
    for broken in ("table.xlsx", "table.parquet", "none.csv"):
        if broken != "none.csv":
            (tmp_path / broken).write_bytes(b"PK")
        with pytest.raises(CausalError, match=r"cannot be read|is no file"):
            start(tmp_path / "new", table=tmp_path / broken)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), min_size=1, max_size=5))
def test_no_name_of_a_column_breaks_the_files(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    folder = tmp_path_factory.mktemp("odd")
    frame = rows(3, 6)[["Country", "Year"]]
    rng = np.random.default_rng(2)
    for name in names:
        frame[name] = rng.normal(size=len(frame))
    raw = io.BytesIO()
    frame.to_csv(raw, index=False, encoding="utf-8")
    (folder / "table.csv").write_bytes(raw.getvalue())
    try:
        start(folder / "mine", table=folder / "table.csv", unit="Country", time="Year")
    except CausalError:
        assert not (folder / "mine").exists()
        return
    assert read_bundle(folder / "mine").studies


def test_names_of_any_script_are_written_as_they_are(tmp_path: Path) -> None:
    frame = rows().rename(columns={"Country": "país", "Coca (ha)": "コカ 🌿"})
    frame.to_csv(tmp_path / "t.csv", index=False)
    start(tmp_path / "mine", table=tmp_path / "t.csv", unit="país")
    assert 'unit = "país"' in (tmp_path / "mine" / "studies.toml").read_text(encoding="utf-8")
    assert read_bundle(tmp_path / "mine").studies[0].panel.columns == ("コカ 🌿", "Homicide rate")


def test_the_command_says_what_to_do_next(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["new", str(tmp_path / "mine")])
    assert done.exit_code == 0
    assert "made up" in done.output
    assert f"causal check {tmp_path / 'mine'}" in done.output
    assert CliRunner().invoke(main, ["check", str(tmp_path / "mine")]).exit_code == 0
    again = CliRunner().invoke(main, ["new", str(tmp_path / "mine"), "--json"])
    assert again.exit_code == 1
    assert json.loads(again.output)["errors"][0]["what"].endswith("not an empty folder")


@pytest.mark.slow
def test_the_made_up_bundle_is_judged_right(tmp_path: Path) -> None:
    from causal.analysis import analyse

    start(tmp_path / "mine")
    (verdict,) = analyse(read_bundle(tmp_path / "mine"), seed=1).verdicts
    assert verdict.verdict == "supported"
