"""How many refits a second: many worlds of one shape by `fit_many`, beside bare nutpie.

    python benchmarks/refits.py [worlds]

Each refit is 4 chains of 1,000 draws after 500 of warm-up. Ours goes from panels to fits: `fit_many(panels, like=model)` builds each model, swaps its data in,
samples, measures convergence and labels the draws. Bare nutpie has the same compiled form and arrays that are ready, and samples one world after another,
4 chains at once on all cores, with nothing after the sampler's own trace; compiling each time is what a loop over `pm.Model`s does. Ours and bare alternate.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
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


def measured(text: str, effects: loops.Effects, units: int, times: int, count: int) -> tuple[float, float, float, int]:
    """Seconds a refit: ours, bare and compiled anew, each the median of its rounds; and how many of ours did not converge."""
    worlds = panels(effects, units, times, count)
    model = ca.build_model(ca.read_graph(text), worlds[0])
    ca.fit(model, seed=1, draws=50, chains=1, allow_unconverged=True)  # the first compiles
    ours: list[float] = []
    bare: list[float] = []
    unconverged = 0
    for at in range(ROUNDS):
        start = time.perf_counter()
        fits = ca.fit_many(worlds, like=model, seed=at, allow_unconverged=True)
        ours.append((time.perf_counter() - start) / count)
        unconverged = sum(not found.convergence.passed for found in fits)
        forms = [compiled(ca.with_data(model, world)) for world in worlds]
        start = time.perf_counter()
        for seed, form in enumerate(forms):
            drawn(form, seed)
        bare.append((time.perf_counter() - start) / count)
    anew: list[float] = []
    for seed in range(COMPILED_ANEW):
        start = time.perf_counter()
        drawn(nutpie.compile_pymc_model(ca.with_data(model, worlds[seed]).pymc), seed)
        anew.append(time.perf_counter() - start)
    return statistics.median(ours), statistics.median(bare), statistics.median(anew), unconverged


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    print(f"{count} worlds a round, {ROUNDS} rounds, {os.cpu_count()} cores\n")
    print("| small model | ours, refits a second | bare nutpie | ours over bare, seconds | compiled anew | bar |")
    print("|---|---|---|---|---|---|")
    cases = {
        "loop of 2 nodes, 20 units x 12 years": (loops.TWO, loops.TWO_TRUE, 20, 12),
        "loop of 4 nodes, 20 units x 25 years": (loops.FOUR, loops.FOUR_TRUE, 20, 25),
    }
    for name, case in cases.items():
        ours, bare, anew, unconverged = measured(*case, count)
        print(f"| {name} | {1 / ours:.1f} | {1 / bare:.1f} | {ours / bare:.2f} | {1 / anew:.2f} | 5 |", flush=True)
        if unconverged:
            print(f"\n{unconverged} of {count} did not converge in the last round\n")


if __name__ == "__main__":
    main()
