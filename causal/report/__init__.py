"""The report of an analysis: a page for readers, and two files for programs.

`write_report` leaves `index.html` (one file, no outside request of any kind, readable without JavaScript), `results.nc` (every draw, as one tree that
ArviZ opens) and `verdicts.csv` (a row for each claim). Each file is written beside its place and moved there whole, so that
whoever opens the folder finds the old file or the new one, and never a half.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from causal.errors import CausalError, Fault
from causal.fit import write_tree
from causal.report.page import page
from causal.report.tables import results_tree, verdicts_csv

if TYPE_CHECKING:
    from causal.analysis import Analysis

__all__ = ["ReportPaths", "write_report"]


class ReportPaths(NamedTuple):
    """Where the three files of a report are."""

    page: Path
    results: Path
    verdicts: Path


def write_report(analysis: Analysis, folder: Path) -> ReportPaths:
    """Write the page, the draws and the verdicts of `analysis` into `folder`, which is made where it is not there.

    All is computed before anything is written. Raises `CausalError` where the folder cannot be made or written.
    """
    folder = Path(folder)
    paths = ReportPaths(folder / "index.html", folder / "results.nc", folder / "verdicts.csv")
    html = page(analysis).encode("utf-8")
    table = verdicts_csv(analysis).encode("utf-8")
    tree = results_tree(analysis)
    _reported(folder, lambda: folder.mkdir(parents=True, exist_ok=True))
    if tree is not None:
        write_tree(tree, paths.results)
    _placed(paths.verdicts, table)
    _placed(paths.page, html)
    return paths


def _placed(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")

    def write() -> None:
        try:
            beside.write_bytes(content)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    _reported(path, write)


def _reported(path: Path, act: Callable[[], object]) -> None:
    try:
        act()
    except OSError as error:
        raise CausalError(Fault(f"cannot be written: {error.strerror or error}", where=str(path), mend="choose a folder you may write to")) from None
