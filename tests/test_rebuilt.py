"""The page from a results file: what is not sampled again is the same, and draws of another model are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import xarray as xr
from click.testing import CliRunner

from causal.analysis import Analysis, analyse
from causal.cli import main
from causal.errors import CausalError
from causal.netcdf import read_tree, write_tree
from causal.report import write_report
from causal.report.page import page
from causal.report.record import versions
from causal.report.tables import drawn, results_tree, verdicts_csv
from priors.read import read_bundle
from tests.toy_bundle import toy_analysis


@pytest.fixture(scope="module", params=[False, True], ids=["alone", "together"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Analysis]:
    """A folder with a bundle and its report, and the analysis."""
    folder = tmp_path_factory.mktemp("rebuilt")
    analysis = toy_analysis(folder, together=request.param, reported=request.param)
    write_report(analysis, folder / "report")
    return folder, analysis


def again(folder: Path) -> Analysis:
    return analyse(read_bundle(folder / "bundle"), drawn=drawn(folder / "report" / "results.nc"), seed=1)


def test_page_table_and_draws_are_the_same_to_the_last_byte(made: tuple[Path, Analysis]) -> None:
    folder, analysis = made
    rebuilt = again(folder)
    assert verdicts_csv(rebuilt) == verdicts_csv(analysis)
    assert page(rebuilt) == page(analysis)
    new, old = results_tree(rebuilt), results_tree(analysis)
    assert new is not None
    assert old is not None
    xr.testing.assert_identical(new, old)


def test_the_command_leaves_the_same_files_and_samples_nothing(
    made: tuple[Path, Analysis], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = made
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    results = folder / "report" / "results.nc"
    done = CliRunner().invoke(main, ["report", str(folder / "bundle"), "--from", str(results)])
    assert done.exit_code == 0, done.output
    table = Path("report", "verdicts.csv")
    assert (tmp_path / table).read_bytes() == (folder / table).read_bytes()
    assert "Illicit revenue" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert not list((tmp_path / "cache").rglob("*.nc"))


def test_the_page_names_the_versions_that_made_the_draws(made: tuple[Path, Analysis], tmp_path: Path) -> None:
    folder, analysis = made
    tree = results_tree(analysis)
    assert tree is not None
    record = json.loads(tree.attrs["record"])
    assert record["versions"] == versions()
    record["versions"]["pymc"] = "5.4.3"
    tree.attrs["record"] = json.dumps(record)
    write_tree(tree, tmp_path / "results.nc")
    rebuilt = analyse(read_bundle(folder / "bundle"), drawn=drawn(tmp_path / "results.nc"), seed=1)
    assert "pymc 5.4.3" in page(rebuilt)
    assert verdicts_csv(rebuilt) == verdicts_csv(analysis)


@pytest.mark.parametrize(
    ("file", "old", "new", "where"),
    [
        ("panel.csv", "u3,2004,-", "u3,2004,-1", "study 'main'"),
        ("claims.toml", 'strength = "strong"', 'strength = "slight"', "study 'main', article prior"),
        ("claims.toml", "corruption <-> presence\n", "", "study 'main'"),
        ("studies.toml", "keeps = []\n", "", "study 'main'"),
    ],
)
def test_draws_of_another_model_are_refused(
    made: tuple[Path, Analysis], tmp_path: Path, file: str, old: str, new: str, where: str
) -> None:
    folder, _ = made
    shutil.copytree(folder, tmp_path / "other")
    path = tmp_path / "other" / "bundle" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CausalError, match="no draws of this model") as caught:
        again(tmp_path / "other")
    assert where in str(caught.value)


def test_words_that_no_fit_depends_on_may_change(made: tuple[Path, Analysis], tmp_path: Path) -> None:
    folder, _ = made
    shutil.copytree(folder, tmp_path / "other")
    path = tmp_path / "other" / "bundle" / "claims.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('label = "Weather"', 'label = "Rain and wind"'), encoding="utf-8")
    assert "Rain and wind" in page(again(tmp_path / "other"))


def test_a_file_without_draws_to_go_by_is_refused(made: tuple[Path, Analysis], tmp_path: Path) -> None:
    tree = read_tree(made[0] / "report" / "results.nc")
    assert tree is not None
    earlier = tree.copy()
    for group in earlier.children.values():
        group.attrs = {}
    write_tree(earlier, tmp_path / "earlier.nc")
    with pytest.raises(CausalError, match="of an earlier version"):
        drawn(tmp_path / "earlier.nc")
    broken = tree.copy()
    broken["posterior"].attrs["groups_of_fit"] = '{"posterior": "nowhere"}'
    write_tree(broken, tmp_path / "broken.nc")
    with pytest.raises(CausalError, match="'posterior' are broken"):
        drawn(tmp_path / "broken.nc")
    with pytest.raises(CausalError, match="is no file"):
        drawn(tmp_path / "missing.nc")
