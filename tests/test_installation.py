"""What the program finds of its installation, and what it keeps and deletes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from causal import installation
from causal.cli import main
from causal.errors import CausalError

A, B = "a" * 32, "b" * 32


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "causal-claims"
    for kind, names in {
        "fits": (f"{A}.nc", f".{B}.nc.1.2.part", "mine.nc"),
        "worlds": (f"{A}.json", f"{B}.nc"),
    }.items():
        (folder / kind).mkdir(parents=True)
        for name in names:
            (folder / kind / name).write_text("12345")
    return folder


def run(*words: str, status: int = 0, typed: str | None = None) -> str:
    done = CliRunner().invoke(main, words, input=typed)
    assert done.exit_code == status, done.output
    return done.output


def test_a_sound_installation_is_found_so() -> None:
    found = json.loads(run("doctor", "--json"))
    assert found["sound"]
    by_name = {each["what"]: each for each in found["findings"]}
    assert by_name["drawing graphs"]["found"].startswith("an SVG")
    assert int(by_name["cores"]["found"]) >= 1
    assert "numpy" in run("doctor")


def test_what_is_broken_is_named_with_its_mend(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise OSError("no such library")

    monkeypatch.setattr(installation, "_sampler", broken)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache / "fits" / "mine.nc"))
    monkeypatch.setattr(installation, "PACKAGES", ("numpy", "nompy"))
    found = {each.what: each for each in installation.findings()}
    assert (found["sampler"].fine, found["cache"].fine, found["nompy"].fine, found["numpy"].fine) == (
        False,
        False,
        False,
        True,
    )
    assert found["sampler"].found == "OSError: no such library"
    assert all(each.mend for each in found.values() if each.fine is False)
    assert "NO" in run("doctor", status=1)


def test_the_cache_is_counted_and_cleared_of_its_own_files_only(cache: Path) -> None:
    assert {
        each["kind"]: (each["files"], each["bytes"]) for each in json.loads(run("cache", "list", "--json"))["kept"]
    } == {
        "fits": (2, 10),
        "worlds": (2, 10),
        "charts": (0, 0),
    }
    assert "fits" in run("cache", "list")
    run("cache", "clear", typed="n\n")
    assert len(list(cache.rglob("*.*"))) == 5
    assert "2 files" in run("cache", "clear", "worlds", "--yes")
    assert sorted(file.name for file in cache.rglob("*.*")) == [f".{B}.nc.1.2.part", f"{A}.nc", "mine.nc"]
    run("cache", "clear", typed="y\n")
    assert [file.name for file in cache.rglob("*.*")] == ["mine.nc"]
    assert json.loads(run("cache", "clear", "--json", "--yes"))["deleted"][0]["files"] == 0
    assert "add --yes" in run("cache", "clear", "--json", status=1)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_the_command(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "_CAUSAL_COMPLETE" in run("completion", shell)
    monkeypatch.setenv("_CAUSAL_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", "causal comp")
    monkeypatch.setenv("COMP_CWORD", "comp" if shell == "fish" else "1")
    done = CliRunner().invoke(main, prog_name="causal", complete_var="_CAUSAL_COMPLETE")
    assert "completion" in done.output


def test_nothing_behind_a_link_is_deleted_and_a_dangling_one_is_counted(cache: Path, tmp_path: Path) -> None:
    (cache / "worlds").rename(tmp_path / "elsewhere")
    (cache / "worlds").symlink_to(tmp_path / "elsewhere")
    assert "is a link to another folder" in run("cache", "clear", "--yes", status=1)
    assert len(list((tmp_path / "elsewhere").iterdir())) == 2
    (cache / "fits" / f"{'c' * 32}.nc").symlink_to(tmp_path / "nowhere")
    assert json.loads(run("cache", "list", "--json"))["kept"][0]["files"] == 3


def test_an_unknown_kind_is_told_with_the_known_ones() -> None:
    with pytest.raises(CausalError, match="nothing is kept called 'fist'; take of: fits, worlds, charts"):
        installation.clear(["fist"])
    assert "take of" in run("cache", "clear", "fist", "--yes", status=1)
