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


def test_a_wide_table_of_one_series_is_called_by_its_file(tmp_path: Path) -> None:
    file = tmp_path / "coca.csv"
    file.write_text(
        "Country Name,Country Code,1999 [YR1999],2000 [YR2000],2001 [YR2001]\nPeru,PER,1,2,4\nBolivia,BOL,2,..,1\n"
    )
    found = propose(file)
    assert (found.unit, found.time, dict(found.nodes)) == ("Country Code", "year", {"coca": "coca"})
    assert found.frame.sort_values(["Country Code", "year"])["coca"].tolist()[3:] == [1.0, 2.0, 4.0]


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
        ("country,year\nPER,2001\nPER,2002\n", "no column of numbers moves within units"),
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
