"""How long a fit of the loop takes, the whole process: beside a plain PyMC model, and beside pathmc.

    python benchmarks/fit_loop.py [runs] [path of a Python that has pathmc]

Each run is a fresh interpreter that imports, builds, compiles, samples 4 x 1,000 draws and prints the edges: `loop_ours.py`,
`loop_plain.py`, `loop_pathmc.py`. One run of each comes first and is not counted: it fills the numba cache and the byte code. Runs
alternate, and the ratio is that of the medians. Without a Python for pathmc, one is made by uv in a temporary folder.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from contrast import loop_panel

HERE = Path(__file__).parent
PATHMC = "pathmc==0.4.0"


def python_with_pathmc(folder: Path) -> str | None:
    """The interpreter of a new environment that holds pathmc alone, or None where it cannot be installed."""
    python = folder / "pathmc" / "bin" / "python"
    try:
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(folder / "pathmc")], check=True)
        subprocess.run(["uv", "pip", "install", "--quiet", "--python", str(python), PATHMC], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"pathmc is left out: {error}", file=sys.stderr)
        return None
    return str(python)


def seconds(python: str, script: str, frame: Path) -> float:
    """The wall time of one fresh process."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    done = subprocess.run([python, str(HERE / script), str(frame)], env=kept, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{script} failed:\n{done.stderr[-2000:]}")
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        frame = folder / "loop.csv"
        loop_panel().to_csv(frame, index=False)
        other = sys.argv[2] if len(sys.argv) > 2 else python_with_pathmc(folder)
        scripts = {"ours": (sys.executable, "loop_ours.py"), "plain PyMC": (sys.executable, "loop_plain.py")}
        if other is not None:
            scripts["pathmc 0.4"] = (other, "loop_pathmc.py")
        taken: dict[str, list[float]] = {name: [] for name in scripts}
        for run in range(runs + 1):
            for name, (python, script) in scripts.items():
                # Three runs of the slow one are enough to tell a factor of five.
                if name != "pathmc 0.4" or run <= 3:
                    taken[name].append(seconds(python, script, frame))
    median = {name: statistics.median(found[1:]) for name, found in taken.items()}
    bars = {"plain PyMC": "1.1", "pathmc 0.4": "0.2"}
    print("| whole process | median, s | runs, s | ours over it | bar |\n|---|---|---|---|---|")
    for name, found in taken.items():
        spread = f"{min(found[1:]):.1f} to {max(found[1:]):.1f}"
        ratio = f"{median['ours'] / median[name]:.2f}" if name in bars else ""
        print(f"| {name} | {median[name]:.1f} | {spread} | {ratio} | {bars.get(name, '')} |")


if __name__ == "__main__":
    main()
