"""What a results file says of its making, and what changed between two of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import xarray as xr
from click.testing import CliRunner

from causal.cli import main
from causal.errors import CausalError
from causal.netcdf import write_tree
from causal.panel import checksum
from causal.report.record import FORMAT, Record, difference, read_record, record
from causal.report.tables import results_tree
from tests.toy_bundle import toy_analysis


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Record]:
    """A results file, and its record."""
    folder = tmp_path_factory.mktemp("record")
    analysis = toy_analysis(folder)
    tree = results_tree(analysis)
    assert tree is not None
    write_tree(tree, folder / "results.nc")
    return folder / "results.nc", record(analysis)


def run(*words: str | Path, status: int = 0) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == status, done.output
    return done.output


def test_a_results_file_brings_its_record(made: tuple[Path, Record]) -> None:
    path, ours = made
    found = read_record(path)
    assert found == ours
    assert set(found.priors) == {"article", "sceptical", "wide"}
    assert found.settings["seed"] == 1
    assert all(len(each) == 16 for each in found.data.values())
    assert all(found.measures.values())


def test_a_checksum_knows_every_value_and_every_name(tmp_path: Path) -> None:
    (study, *_) = toy_analysis(tmp_path).bundle.studies
    first = checksum(study)
    assert checksum(study) == first
    column = next(iter(study.panel.data))
    study.panel.data[column].values[0, 0] += 1e-9
    assert checksum(study) != first


def test_nothing_has_changed_from_a_file_to_itself(made: tuple[Path, Record]) -> None:
    path, ours = made
    found = difference(ours, ours)
    assert (found.changes, found.same) == ((), len(ours.verdicts))
    assert not any((found.data, found.measures, found.priors, found.graph, found.settings, found.versions))
    assert run("diff", path, path).startswith("0 verdicts changed")


def test_a_changed_verdict_stands_beside_what_changed(made: tuple[Path, Record]) -> None:
    _, ours = made
    claim, told = next((key, each) for key, each in ours.verdicts.items() if each.studies)
    (study, *_) = told.studies
    gone = next(key for key in ours.verdicts if key != claim)
    other = replace(
        ours,
        verdicts={key: each for key, each in ours.verdicts.items() if key != gone}
        | {claim: replace(told, verdict="negligible", smallest=9.0)},
        data={**ours.data, study: "0" * 16},
        measures={**ours.measures, study: {}},
        priors={**ours.priors, "wide": {**ours.priors["wide"], told.edge: "Normal(mean=0, sd=3)"}},
        settings={**ours.settings, "seed": 7},
        versions={**ours.versions, "numpy": "99"},
    )
    found = difference(ours, other)
    by_claim = {each.claim: each for each in found.changes}
    assert set(by_claim) == {claim, gone}
    assert (by_claim[claim].before, by_claim[claim].after, by_claim[gone].after) == (told.verdict, "negligible", "")
    assert by_claim[claim].through == (
        f"data of {study}",
        f"measures of {study}",
        f"the prior of {told.edge}",
        "the claim's smallest effect",
        "setting seed",
        "version of numpy",
    )
    assert found.same == len(ours.verdicts) - 2


def saved(text: str, to: Path) -> Path:
    """A results file of nothing but this record."""
    write_tree(xr.DataTree(xr.Dataset({"x": 1.0}, attrs={"record": text})), to)
    return to


def test_the_command_tells_it_in_words_and_as_json(made: tuple[Path, Record], tmp_path: Path) -> None:
    path, ours = made
    claim, told = next(iter(ours.verdicts.items()))
    other = replace(ours, verdicts={**ours.verdicts, claim: replace(told, verdict="negligible")})
    new = saved(other.text, tmp_path / "new.nc")
    said = run("diff", path, new)
    assert "1 verdict changed" in said
    assert "nothing that is recorded" in said
    assert json.loads(run("diff", path, new, "--json"))["changes"][0]["claim"] == claim


def test_files_without_a_record_that_can_be_read_are_told_at_once(tmp_path: Path, made: tuple[Path, Record]) -> None:
    _, ours = made
    (tmp_path / "text.nc").write_text("no tree")
    write_tree(xr.DataTree(xr.Dataset({"x": 1.0})), tmp_path / "bare.nc")
    saved(replace(ours, format=FORMAT + 1).text, tmp_path / "later.nc")
    said = {"none": "is no file", "text": "is no results file", "bare": "no record", "later": f"up to {FORMAT}"}
    for name, what in said.items():
        with pytest.raises(CausalError, match=what):
            read_record(tmp_path / f"{name}.nc")
    found = run("diff", tmp_path / "none.nc", tmp_path / "bare.nc", "--json", status=1)
    assert len(json.loads(found)["errors"]) == 2


def test_a_broken_record_is_said_to_be_broken(tmp_path: Path, made: tuple[Path, Record]) -> None:
    _, ours = made
    whole = json.loads(ours.text)
    broken = ["", "[]", "[" * 100_000, "null", json.dumps({"format": 1})]
    broken += [json.dumps(whole | {key: value}) for key in whole for value in (None, "x", [{}], {"c1": [3]}, True)]
    seen = 0
    for text in broken:
        if text == json.dumps(whole | {"article": "x"}):
            continue
        with pytest.raises(CausalError, match="holds a broken record"):
            read_record(saved(text, tmp_path / "broken.nc"))
        seen += 1
    assert seen > 40
