"""What the program runs on, and what it keeps of earlier runs: for `causal doctor` and `causal cache`."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from causal.errors import CausalError, Fault
from causal.netcdf import open_folder

PACKAGES = ("causal-claims", "pymc", "nutpie", "pytensor", "numba", "arviz", "numpy", "xarray", "altair", "vl-convert-python", "pygraphviz")  # fmt: skip
EXTRAS = {"engine": "duckdb", "cluster": "distributed", "files": "openpyxl"}
"""Extras of the package, and what each brings."""
KINDS = ("fits", "worlds", "charts")
"""What is kept, each in a folder of its name: fits, what became of simulated worlds with the fits that these were drawn from, and the library of the
page's charts."""
_OURS = re.compile(r"[0-9a-f]{32}\.(nc|json|js)|\.[0-9a-f]{32}\.(nc|json|js)\.\d+\.\d+\.part")
"""How the files there are called: hashes of what they depend on, and what an interrupted run left half written."""
_LITTLE_DISK, _LITTLE_MEMORY = 1e9, 3e9


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what was found, whether it is `fine` (None where it makes no difference), and the mend."""

    what: str
    found: str
    fine: bool | None = True
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a folder of the cache holds: so many files of so many bytes."""

    kind: str
    folder: str
    files: int
    bytes: int


def cache_folder() -> Path:
    """The folder in which finished fits, judged worlds and the charts' library are kept."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("causal-claims"))


def version_of(package: str) -> str | None:
    """The version of an installed package, None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def findings() -> tuple[Finding, ...]:
    """Versions, the sampler, pictures, the cache, cores, memory and room on the disk, each tried out where that takes no more than a second or two."""
    found = [Finding("python", sys.version.split()[0])]
    found += [_package(name) for name in PACKAGES]
    found += [_extra(extra, name) for extra, name in EXTRAS.items()]
    found += [
        _tried("sampler", _sampler, "install anew: pip install --force-reinstall nutpie pymc"),
        _tried("drawing graphs", _drawn_graph, "install anew: pip install --force-reinstall pygraphviz"),
        _tried("drawing charts", _drawn_chart, "install anew: pip install --force-reinstall altair vl-convert-python"),
        _tried("cache", _cache, "set XDG_CACHE_HOME to a folder that you may write to"),
        _tried(
            "compiled code", _compiled, "set PYTENSOR_FLAGS=base_compiledir=FOLDER to a folder that you may write to"
        ),
    ]
    cores = os.cpu_count() or 1
    found.append(Finding("cores", str(cores)))
    memory = _memory()
    if memory is not None:
        mend = "close other programs, or take fewer draws (--draws)"
        found.append(
            Finding("memory", _size(memory), memory >= _LITTLE_MEMORY, "" if memory >= _LITTLE_MEMORY else mend)
        )
    return tuple(found)


def kept() -> tuple[Kept, ...]:
    """What the cache holds, by kind."""
    return tuple(_kept(kind) for kind in KINDS)


def clear(kinds: Sequence[str] | None = None) -> tuple[Kept, ...]:
    """Delete what the cache holds of the kinds (all by default); what was deleted. Other files are left where they are.

    Raises `CausalError` for an unknown kind, for a folder that is a link to another one, and where something cannot be deleted.
    """
    chosen = KINDS if kinds is None else tuple(dict.fromkeys(kinds))
    unknown = [kind for kind in chosen if kind not in KINDS]
    if unknown:
        raise CausalError(
            *(Fault(f"nothing is kept called '{kind}'", "cache:", f"take of: {', '.join(KINDS)}") for kind in unknown)
        )
    linked = [cache_folder() / kind for kind in chosen if (cache_folder() / kind).is_symlink()]
    if linked:
        raise CausalError(
            *(Fault("is a link to another folder", str(each), "delete what lies there by hand") for each in linked)
        )
    found = tuple(_kept(kind) for kind in chosen)
    faults: list[Fault] = []
    for kind in chosen:
        for file in _files(kind):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                faults.append(Fault(f"cannot be deleted: {error.strerror or error}", str(file), "check who owns it"))
    if faults:
        raise CausalError(*faults)
    return found


def _files(kind: str) -> list[Path]:
    folder = cache_folder() / kind
    if not folder.is_dir():
        return []
    return sorted(
        file for file in folder.iterdir() if _OURS.fullmatch(file.name) and (file.is_file() or file.is_symlink())
    )


def _kept(kind: str) -> Kept:
    sizes: list[int] = []
    for file in _files(kind):
        with suppress(FileNotFoundError):  # another run may have taken it away meanwhile
            sizes.append(file.lstat().st_size)
    return Kept(kind, str(cache_folder() / kind), len(sizes), sum(sizes))


def _package(name: str) -> Finding:
    found = version_of(name)
    return Finding(name, found) if found else Finding(name, "not installed", False, f"pip install {name}")


def _extra(extra: str, name: str) -> Finding:
    found = version_of(name)
    mend = "" if found else f"pip install 'causal-claims[{extra}]'"
    return Finding(f"extra '{extra}'", f"{name} {found}" if found else "not installed", None, mend)


def _tried(what: str, trial: Callable[[], str], mend: str) -> Finding:
    try:
        return Finding(what, trial())
    except Exception as error:  # whatever is broken here is the finding
        return Finding(what, f"{type(error).__name__}: {error}".splitlines()[0], False, mend)


def _sampler() -> str:
    import nutpie

    return f"nutpie {nutpie.__version__} loads"


def _drawn_graph() -> str:
    from causal.plot import draw_graph
    from causal.syntax import read_graph

    return f"an SVG of {len(draw_graph(read_graph('a -> b')))} characters"


def _drawn_chart() -> str:
    import altair
    import vl_convert

    chart = altair.Chart(altair.Data(values=[{"x": 1}])).mark_point().encode(x="x:Q")
    return f"an SVG of {len(vl_convert.vegalite_to_svg(chart.to_dict()))} characters"


def _cache() -> str:
    folder = cache_folder()
    open_folder(folder)
    free = shutil.disk_usage(folder).free
    if free < _LITTLE_DISK:
        raise CausalError(Fault(f"only {_size(free)} left on the disk", str(folder)))
    return f"{folder} ({_size(sum(each.bytes for each in kept()))} kept, {_size(free)} free)"


def _compiled() -> str:
    from pytensor.configdefaults import config

    folder = Path(str(config.compiledir))
    open_folder(folder)
    return str(folder)


def _memory() -> float | None:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return None


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000.0:
            return f"{count:.0f} {unit}"
        count /= 1000.0
    return f"{count:.1f} GB"
