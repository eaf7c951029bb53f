"""The report of an analysis: a page for readers, and two files for programs.

`write_report` leaves `index.html` (one file, no outside request of any kind, readable without JavaScript), `results.nc` (every draw, as one tree that
ArviZ opens) and `verdicts.csv` (a row for each claim). Each file is written beside its place and moved there whole, so that
whoever opens the folder finds the old file or the new one, and never a half.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from causal.netcdf import write_tree, write_whole
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


def write_report(analysis: Analysis, folder: Path, *, store: Path | None = None) -> ReportPaths:
    """Write the page, the draws and the verdicts of `analysis` into `folder`, which is made where it is not there.

    All is computed before anything is written. `store`: a folder that keeps the library of the charts for the next page. Raises
    `CausalError` where a folder cannot be made or written.
    """
    folder = Path(folder)
    paths = ReportPaths(folder / "index.html", folder / "results.nc", folder / "verdicts.csv")
    html = page(analysis, store=store).encode("utf-8")
    table = verdicts_csv(analysis).encode("utf-8")
    tree = results_tree(analysis)
    if tree is not None:
        write_tree(tree, paths.results)
    write_whole(paths.verdicts, lambda part: part.write_bytes(table))
    write_whole(paths.page, lambda part: part.write_bytes(html))
    return paths
