"""Runs that are killed, that run at once, and that have no room: what stands there is whole, and the next run ends as if nothing had been."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from causal.cli import main
from tests.test_hardening import bundle, state

ROOT = Path(__file__).resolve().parents[2]
REPORT = ["report", "../toy", "--draws", "100"]
FILES = ["index.html", "results.nc", "verdicts.csv"]
KILLS = 16

# One process reads the fits and judges the claims, as `causal report` does. Each of its children writes the report, and is killed at a moment that chance
# gives: as a file appears in the report's folder, or a little later.
KILLER = """
import json, os, random, signal, sys, time, warnings
from pathlib import Path
import altair, matplotlib.pyplot, vl_convert
from causal.analysis import analyse
from causal.report import write_report
from priors.read import read_bundle
here, store, kills = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
warnings.simplefilter("ignore")  # of forks beside the threads of numpy, which sleep
chance = random.Random(300)
os.chdir(here)
analysis = analyse(read_bundle("../toy"), store=store, seed=1, draws=100, forecasts=True)

def seen():
    return {entry.name for entry in os.scandir("report")} if os.path.isdir("report") else set()

killed = ended = 0
while killed < kills:
    appear, wait = chance.choice([1, 1, 2, 3, 4]), chance.choice([0.0, 0.0, chance.uniform(0.0, 0.02)])
    for path in here.glob("report/[!.]*"):
        path.unlink()
    before, new, over = seen(), set(), False
    child = os.fork()
    if child == 0:
        write_report(analysis, Path("report"))
        os._exit(0)
    while not over and len(new) < appear:
        over = os.waitpid(child, os.WNOHANG) != (0, 0)
        new |= seen() - before
    if over:
        ended += 1
        continue
    time.sleep(wait)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    killed += 1
print(json.dumps([killed, ended]))
"""


def started(cache: Path, here: Path) -> subprocess.Popen[str]:
    here.mkdir(exist_ok=True)
    command = [str(Path(sys.executable).parent / "causal"), *REPORT]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    return subprocess.Popen(
        command, cwd=here, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def fits(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "causal-claims" / "fits").iterdir())


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two reports of the toy that were made at once, with one cache: in `first` and `second`, which no run disturbed otherwise."""
    folder = tmp_path_factory.mktemp("runs")
    bundle(folder / "toy")
    runs = [started(folder / "cache", folder / name) for name in ("first", "second")]
    for each, (told, complaint) in [(each, each.communicate(timeout=900)) for each in runs]:
        assert each.returncode == 0, complaint
        assert "wrote report/index.html" in told
    return folder


@pytest.mark.slow
def test_two_runs_at_once_on_one_cache_give_the_same(at_once: Path) -> None:
    for name in FILES:
        if name != "results.nc":  # HDF5 notes times
            assert (at_once / "first/report" / name).read_bytes() == (at_once / "second/report" / name).read_bytes()
    assert all(name.endswith(".nc") and not name.startswith(".") for name in fits(at_once / "cache"))


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(at_once: Path, tmp_path: Path) -> None:
    here, cache, chance = tmp_path / "here", tmp_path / "cache", random.Random(300)
    bundle(tmp_path / "toy")
    kept = cache / "causal-claims" / "fits"
    for files in (
        0,
        0,
        1,
        2,
    ):  # at any time; as a fit's first file appears, half; as a second does: the same one, whole, or the next
        run, appeared, latest = started(cache, here), set[str](), time.monotonic() + chance.uniform(1.0, 8.0)
        while run.poll() is None and (time.monotonic() < latest if files == 0 else len(appeared) < files):
            appeared |= {path.name for path in kept.iterdir()} if kept.is_dir() else set()
        run.kill()
        run.communicate()
        assert run.returncode == -9
    finished = started(cache, here)
    assert finished.communicate(timeout=900)[1]
    assert finished.returncode == 0
    words = [sys.executable, "-c", KILLER, str(here), str(kept), str(KILLS)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=1000, check=False)
    assert done.returncode == 0, done.stderr
    killed, ended = json.loads(done.stdout)
    assert killed == KILLS
    assert ended < KILLS
    for path in [*kept.glob("[!.]*"), *here.glob("report/[!.]*.nc")]:
        assert path.read_bytes()[:8] == b"\x89HDF\r\n\x1a\n", "what stands under its own name is whole"
    last = started(cache, here)
    _, complaint = last.communicate(timeout=900)
    assert last.returncode == 0, complaint
    assert (here / "report/verdicts.csv").read_bytes() == (at_once / "first/report/verdicts.csv").read_bytes()
    assert sorted(path.name for path in (here / "report").iterdir()) == FILES, "what killed runs left is gone"
    assert [name for name in fits(cache) if not name.startswith(".")] == fits(at_once / "cache")
    done = CliRunner().invoke(main, ["cache", "clear", "--yes"], env={"XDG_CACHE_HOME": str(cache)})
    assert done.exit_code == 0, done.output
    assert fits(cache) == []


# No room


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for a few kilobytes."""
    place = tmp_path / "full"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a disk that is full needs the right to mount one")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_new_bundle_has_no_room_on_a_full_disk(full: Path) -> None:
    done = CliRunner().invoke(main, ["new", str(full / "mine")], catch_exceptions=False)
    assert done.exit_code == 1
    assert done.stderr == f"{full / 'mine'} cannot be written: No space left on device; make room on the disk\n"
    assert list(full.iterdir()) == []


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
import numpy, xarray
from pathlib import Path
from causal.netcdf import write_tree
from causal.errors import CausalError
tree = xarray.DataTree.from_dict({"posterior": xarray.Dataset({"effect": ("draw", numpy.zeros(200_000) + numpy.arange(200_000))})})
try:
    write_tree(tree, Path(sys.argv[2]))
except CausalError as error:
    sys.exit(str(error))
"""


def test_draws_that_find_no_room_leave_nothing_and_say_so_in_one_line(tmp_path: Path) -> None:
    place = tmp_path / "fits" / "a.nc"
    words = [sys.executable, "-B", "-c", LIMITED, "20000", str(place)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)
    assert done.returncode == 1, done
    assert done.stderr == f"{place} cannot be written: File too large; make room on the disk\n"
    assert list(place.parent.iterdir()) == []


def test_a_full_standard_output_is_one_line(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "toy")
    command = [str(Path(sys.executable).parent / "causal"), "claims", str(folder)]
    with Path("/dev/full").open("w") as nowhere:
        done = subprocess.run(
            command, stdout=nowhere, stderr=subprocess.PIPE, text=True, timeout=300, check=False, cwd=tmp_path
        )
    assert done.returncode == 1
    assert done.stderr == "standard output cannot be written: No space left on device; make room on the disk\n"


@pytest.mark.parametrize("place", ["file/made", "/proc/made", "/dev/null/made"])
def test_a_place_that_cannot_be_written_is_one_line(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = bundle(tmp_path / "toy")
    (tmp_path / "file").write_text("", encoding="utf-8")
    before = state(tmp_path)
    for words in (("new", place), ("graph", str(folder), "--out", f"{place}/g.txt")):
        done = CliRunner().invoke(main, list(words), catch_exceptions=False)
        assert done.exit_code == 1
        (line,) = done.stderr.splitlines()
        assert "cannot be written" in line
        assert "choose a folder" in line
    assert state(tmp_path) == before


def test_what_a_killed_run_left_is_deleted_by_the_next_one_and_a_running_one_keeps_its_own(tmp_path: Path) -> None:
    from causal.netcdf import write_whole

    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, kept = (tmp_path / f".a.txt.{writer}.1.part" for writer in (gone.pid, os.getppid()))
    others = [tmp_path / name for name in (".b.txt.1.1.part", ".a.txt.x.y.part", "a.txt.1.1.part")]
    for path in (left, kept, *others):
        path.write_text("half", encoding="utf-8")
    write_whole(tmp_path / "a.txt", lambda part: part.write_text("whole", encoding="utf-8"))
    assert not left.exists()
    assert all(path.exists() for path in (kept, *others))
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "whole"
