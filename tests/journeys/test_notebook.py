"""Each notebook runs from its first cell to its last, and is committed with what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))

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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@each_notebook
def test_a_notebook_runs(path: Path, tmp_path: Path) -> None:
    import nbclient
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=1000, kernel_name="python3", resources=resources).execute()
