"""Trees of arrays as netCDF files, and files that are written whole or not at all.

A file is written beside its place first and moved there when it is whole, so that an interrupted run leaves no half file, and of two
that write the same one at once the last stands.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from causal.errors import CausalError, Fault

if TYPE_CHECKING:
    import xarray as xr

_log = logging.getLogger(__name__)


def write_tree(tree: xr.DataTree, path: Path) -> None:
    """Write a tree as netCDF, whole or not at all. Raises `CausalError` where the place cannot be written."""
    write_whole(path, lambda part: tree.to_netcdf(part, engine="h5netcdf"))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` make a file beside `path`, then move it there, so that no half file ever stands at `path`.

    The folder is made where it is not there. Raises `CausalError` where the place cannot be written.
    """
    if not path.name:
        raise CausalError(Fault("names no file", f"'{path}'", "give a file's name"))
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise CausalError(refused(path, error)) from None
    _log.info("wrote %s", path)


def open_folder(folder: Path) -> None:
    """Make the folder where it is not there. Raises `CausalError` where no file can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CausalError(refused(folder, error)) from None


def read_tree(path: Path) -> xr.DataTree | None:
    """The tree kept at `path`, in memory; None where there is no file, and where it cannot be read."""
    import h5py
    import xarray as xr

    try:
        if not path.is_file():
            return None
        with h5py.File(path, "r") as file:
            len(file.attrs)  # of a file without any, h5netcdf prints a traceback that nobody can catch
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            return tree.load()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError):
        return None  # what the libraries raise, depending on where a file is broken


def refused(path: Path, error: OSError) -> Fault:
    """What to tell of a place that cannot be written."""
    return Fault(f"cannot be written: {error.strerror or error}", str(path), "choose a folder you may write to")
