"""The built-in article: its report, and each notebook, which runs from its first cell to its last and is committed with what it shows.

They are in one module since they share their fits: the report makes them, the notebooks find them. One notebook takes under three minutes on two idle
cores, all of them together about a quarter of an hour; `pytest-timeout` ends each after twenty minutes, whatever it waits for.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from causal.verdict import WORDS

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
LONGEST = 1000
"""Seconds after which a cell is given up."""
LARGEST = 1_100_000
"""Bytes of a notebook with what it shows."""

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@each_notebook
def test_a_notebook_is_committed_with_its_outputs_and_without_errors(path: Path) -> None:
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    pictures = ("image/png", "image/svg+xml")
    assert any(kind in output.get("data", {}) for cell in code for output in cell.outputs for kind in pictures)
    assert path.stat().st_size < LARGEST


@each_notebook
def test_a_notebook_tells_nothing_of_the_machine_that_ran_it(path: Path) -> None:
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    for cell in notebook.cells:
        # Pictures are letters at random, and hold any short word.
        told = [
            str(text)
            for output in cell.get("outputs", [])
            for kind, text in output.get("data", {"text": output.get("text", "")}).items()
            if not kind.startswith("image/")
        ]
        assert not cell.metadata
        assert not re.search(r"/(home|root|tmp|Users|work|var)/|site-packages|Warning:", "\n".join(told))
        assert not [output for output in cell.get("outputs", []) if output.get("name") == "stderr"]


@each_notebook
def test_a_notebook_and_its_text_are_one(path: Path) -> None:
    import jupytext

    def cells(file: Path) -> list[tuple[str, str]]:
        return [(cell.cell_type, cell.source) for cell in jupytext.read(file).cells]

    assert cells(path.with_suffix(".py")) == cells(path), "run: jupytext --sync notebooks/*.ipynb"


@pytest.mark.slow
def test_the_report_of_the_built_in_article_and_its_second_run(causal, tmp_path: Path) -> None:
    first = causal("report")
    assert first.returncode == 0, first.stderr
    assert "report/index.html" in first.stdout
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert 50_000 < len(page) < 5_000_000
    claims = json.loads(causal("claims", "--json").stdout)["claims"]
    with (tmp_path / "report" / "verdicts.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert list(rows[0])[:2] == ["claim", "verdict"]
    assert [row["claim"] for row in rows] == [claim["claim"] for claim in claims]
    assert {row["verdict"] for row in rows} <= set(WORDS)
    import arviz

    tree = arviz.from_netcdf(tmp_path / "report" / "results.nc")
    assert "posterior" in tree.children
    second = causal("report")
    assert second.returncode == 0
    assert "compiling" not in second.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@each_notebook
def test_a_notebook_runs(path: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbclient
    import nbformat

    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=LONGEST, kernel_name="python3", resources=resources).execute()
