"""What a results file says of its making, and what changed between two of them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from click.testing import CliRunner

from causal.cli import main
from causal.errors import CausalError
from causal.netcdf import read_tree, write_tree
from causal.report.record import FORMAT, checksum, difference, read_record, record
from causal.report.tables import results_tree
from tests.toy_bundle import toy_analysis


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
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


def test_a_results_file_brings_its_record(made: tuple[Path, dict[str, Any]]) -> None:
    path, ours = made
    found = read_record(path)
    assert found == json.loads(json.dumps(ours))
    assert set(found["priors"]) == {"article", "sceptical", "wide"}
    assert found["settings"]["seed"] == 1
    assert all(len(each) == 16 for each in found["data"].values())


def test_a_checksum_knows_every_value_and_every_name(tmp_path: Path) -> None:
    (study, *_) = toy_analysis(tmp_path).bundle.studies
    first = checksum(study)
    assert checksum(study) == first
    column = next(iter(study.panel.data))
    study.panel.data[column].values[0, 0] += 1e-9
    assert checksum(study) != first


def test_nothing_has_changed_from_a_file_to_itself(made: tuple[Path, dict[str, Any]]) -> None:
    path, ours = made
    found = difference(ours, ours)
    assert (found.changes, found.same) == ((), len(ours["verdicts"]))
    assert not any((found.data, found.priors, found.graph, found.settings, found.versions))
    assert run("diff", path, path).startswith("0 verdicts changed")


def test_a_changed_verdict_stands_beside_what_changed(made: tuple[Path, dict[str, Any]]) -> None:
    _, ours = made
    other = copy.deepcopy(ours)
    claim, told = next((key, each) for key, each in other["verdicts"].items() if each["studies"])
    (study, *_) = told["studies"]
    told["verdict"] = "negligible"
    other["data"][study] = "0" * 16
    other["priors"]["wide"][told["edge"]] = "Normal(mean=0, sd=3)"
    other["versions"]["numpy"] = "99"
    other["settings"]["seed"] = 7
    del other["verdicts"][next(key for key in other["verdicts"] if key != claim)]
    found = difference(ours, other)
    assert len(found.changes) == 2
    change = next(each for each in found.changes if each.claim == claim)
    assert (change.before, change.after) == (ours["verdicts"][claim]["verdict"], "negligible")
    assert change.through == (f"data of {study}", f"the prior of {told['edge']}", "setting seed", "version of numpy")
    gone = next(each for each in found.changes if each.claim != claim)
    assert gone.after == ""
    assert found.same == len(ours["verdicts"]) - 2


def test_the_command_tells_it_in_words_and_as_json(made: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    path, ours = made
    other = copy.deepcopy(ours)
    claim = next(iter(other["verdicts"]))
    other["verdicts"][claim]["verdict"] = "negligible"
    tree = read_tree(path)
    assert tree is not None
    tree.attrs["record"] = json.dumps(other)
    write_tree(tree, tmp_path / "new.nc")
    told = run("diff", path, tmp_path / "new.nc")
    assert "1 verdict changed" in told
    assert "nothing that is recorded" in told
    assert json.loads(run("diff", path, tmp_path / "new.nc", "--json"))["changes"][0]["claim"] == claim


def test_files_without_a_record_that_can_be_read_are_told_at_once(
    tmp_path: Path, made: tuple[Path, dict[str, Any]]
) -> None:
    (tmp_path / "text.nc").write_text("no tree")
    write_tree(xr.DataTree(xr.Dataset({"x": 1.0})), tmp_path / "bare.nc")
    later = xr.DataTree(xr.Dataset(attrs={"record": json.dumps(made[1] | {"format": FORMAT + 1})}))
    write_tree(later, tmp_path / "later.nc")
    for name, said in {
        "none": "is no file",
        "text": "is no results file",
        "bare": "no record",
        "later": f"up to {FORMAT}",
    }.items():
        with pytest.raises(CausalError, match=said):
            read_record(tmp_path / f"{name}.nc")
    found = run("diff", tmp_path / "none.nc", tmp_path / "bare.nc", "--json", status=1)
    assert len(json.loads(found)["errors"]) == 2
