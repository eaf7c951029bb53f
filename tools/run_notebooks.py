"""Run notebooks and keep what they show, each in an empty folder.

uv run jupytext --sync notebooks/*.ipynb      # the notebook and its text, NAME.py, are one: whichever is newer is taken
uv run python tools/run_notebooks.py notebooks/05_decisions.ipynb
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbclient
import nbformat


def run(path: Path) -> None:
    """Run one notebook and write it with its outputs, without anything that tells of the machine or of when."""
    notebook: Any = nbformat.read(path, as_version=4)
    with TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        nbclient.NotebookClient(
            notebook, timeout=1000, kernel_name="python3", resources=resources, record_timing=False
        ).execute()
    notebook.metadata.pop("jupytext", None)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            # Graphviz says so where a machine's fonts are set up in another way than it expects.
            cell.outputs = [each for each in cell.outputs if not each.get("text", "").startswith("Fontconfig")]
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        run(Path(name))
