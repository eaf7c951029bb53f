"""Trees of arrays as netCDF files, and files that are written whole or not at all.

A file is written beside its place first and moved there when it is whole, so that an interrupted run leaves no half file, and of two
that write the same one at once the last stands.
"""

from __future__ import annotations

import errno
import glob
import logging
import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from causal.errors import CausalError, Fault

if TYPE_CHECKING:
    import xarray as xr

_log = logging.getLogger(__name__)


def write_tree(tree: xr.DataTree, path: Path) -> None:
    """Write a tree as netCDF, whole or not at all. Raises `CausalError` where the place cannot be written."""
    raw = tree.to_netcdf(engine="h5netcdf")  # in memory: on a full disk HDF5 may take the whole program down
    write_whole(path, lambda part: part.write_bytes(raw))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` make a file beside `path`, then move it there, so that no half file ever stands at `path`.

    The folder is made where it is not there, and what killed runs left of this file is deleted. Raises `CausalError` where the place cannot be written.
    """
    if not path.name:
        raise CausalError(Fault("names no file", f"'{path}'", "give a file's name"))
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _delete_left_over(path)
        try:
            write(part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise CausalError(refused(path, error)) from None
    _log.info("wrote %s", path)


def _delete_left_over(path: Path) -> None:
    """Delete the parts of a file whose writers are no more."""
    if os.name != "posix":  # elsewhere nothing asks after a process without harm
        return
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.*.part"):
        writer = part.name.split(".")[-3]
        try:
            os.kill(int(writer), 0)
        except (ProcessLookupError, OverflowError):
            part.unlink(missing_ok=True)
        except (PermissionError, ValueError):
            continue  # somebody else's


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
    return _read(path, lambda tree: tree.load())


def read_attributes(path: Path) -> Mapping[str, Any] | None:
    """The attributes of the tree kept at `path`, without what it holds; None as in `read_tree`."""
    return _read(path, lambda tree: {str(name): value for name, value in tree.attrs.items()})


def _read[T](path: Path, what: Callable[[xr.DataTree], T]) -> T | None:
    import h5py
    import xarray as xr

    try:
        if not path.is_file():
            return None
        with h5py.File(path, "r") as file:
            len(file.attrs)  # of a file without any, h5netcdf prints a traceback that nobody can catch
        with xr.open_datatree(path, engine="h5netcdf", phony_dims="access") as tree:
            return what(tree)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError):
        return None  # what the libraries raise, depending on where a file is broken


def refused(path: Path, error: OSError) -> Fault:
    """What to tell of a place that cannot be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    mend = "make room on the disk" if full else "choose a folder you may write to"
    return Fault(f"cannot be written: {error.strerror or error}", str(path), mend)
