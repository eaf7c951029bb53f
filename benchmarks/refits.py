"""How many refits a second: many worlds of one shape by `fit_many`, beside bare nutpie.

    python benchmarks/refits.py [worlds]

Each refit is 4 chains of 1,000 draws after 500 of warm-up. Ours goes from panels to fits: `fit_many(panels, like=model)` builds each model, swaps its data in,
samples, measures convergence and labels the draws. CPU seconds are those of all threads, and say what a machine with other work on it
hides: two free cores make two over that many refits a second. Bare nutpie has the same compiled form and arrays that are ready, and samples one world
after another, 4 chains at once on all cores, with nothing after the sampler's own trace;
compiling each time is what a loop over `pm.Model`s does. Ours and bare alternate.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nutpie

sys.path.insert(0, str(Path(__file__).parents[1]))

import causal as ca
from causal.fit import compiled
from tests.oracle import loops

ROUNDS = 3
COMPILED_ANEW = 3


def panels(effects: loops.Effects, units: int, times: int, count: int) -> list[ca.Panel]:
    """Simulated worlds of one shape."""
    frames = [loops.panel(effects, units=units, times=times, seed=seed, year_sd=0.5) for seed in range(count)]
    return [ca.Panel.from_frame(frame, unit="unit", time="year") for frame in frames]


def drawn(form: object, seed: int) -> None:
    """What bare nutpie does of a refit."""
    nutpie.sample(form, draws=1000, tune=500, chains=4, seed=seed, save_warmup=False, progress_bar=False)


def taken(work: Callable[[], object], count: int) -> tuple[float, float]:
    """Seconds of wall time, and of all threads' CPU time, of a refit."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - wall) / count, (time.process_time() - cpu) / count


def measured(text: str, effects: loops.Effects, units: int, times: int, count: int) -> list[tuple[float, float]]:
    """Wall and CPU seconds a refit of ours, of bare nutpie and compiled anew: the medians of their rounds."""
    worlds = panels(effects, units, times, count)
    model = ca.build_model(ca.read_graph(text), worlds[0])
    ca.fit(model, seed=1, draws=50, chains=1, allow_unconverged=True)  # the first compiles

    def ours(seed: int) -> None:
        ca.fit_many(worlds, like=model, seed=seed, allow_unconverged=True)

    forms = [compiled(ca.with_data(model, world)) for world in worlds]

    def bare() -> None:
        for seed, form in enumerate(forms):
            drawn(form, seed)

    def anew(seed: int) -> None:
        drawn(nutpie.compile_pymc_model(ca.with_data(model, worlds[seed]).pymc), seed)

    rounds = [(taken(lambda at=at: ours(at), count), taken(bare, count)) for at in range(ROUNDS)]
    single = [taken(lambda at=at: anew(at), 1) for at in range(COMPILED_ANEW)]
    series = [[each[0] for each in rounds], [each[1] for each in rounds], single]
    return [(statistics.median(w for w, _ in found), statistics.median(c for _, c in found)) for found in series]


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    print(f"{count} worlds a round, {ROUNDS} rounds, {os.cpu_count()} cores\n")
    print("| small model | refits a second | bar | CPU s a refit | wall, over ours |\n|---|---|---|---|---|")
    cases = {
        "loop of 2 nodes, 20 units x 12 years": (loops.TWO, loops.TWO_TRUE, 20, 12),
        "loop of 4 nodes, 20 units x 25 years": (loops.FOUR, loops.FOUR_TRUE, 20, 25),
    }
    for name, case in cases.items():
        found = dict(zip(("ours", "bare nutpie", "compiled anew"), measured(*case, count), strict=True))
        for who, (wall, cpu) in found.items():
            bar, over = ("5", "") if who == "ours" else ("", f"{wall / found['ours'][0]:.2f}")
            print(f"| {name}: {who} | {1 / wall:.2f} | {bar} | {cpu:.2f} | {over} |", flush=True)


if __name__ == "__main__":
    main()
