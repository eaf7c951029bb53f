"""Refits in this process's threads against a local Dask cluster of two workers: `python benchmarks/cluster.py`.

Both make the same fits of the same models, which are compiled beforehand in this process and once on each worker; the ratio is the cluster's seconds
over the threads'.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
from distributed import Client, LocalCluster

import causal as ca
from causal.refits import fit_many

WORLDS = 40
ROUNDS = 3
LOOP = "x -> x [lag=1]\ny -> y [lag=1]\nx -> y [lag=1]\ny -> x [lag=1]\n"


def models() -> list[ca.Model]:
    """Models of one structure, 20 units over 12 years each."""
    import pandas as pd

    found: list[ca.Model] = []
    for seed in range(WORLDS):
        generator = np.random.default_rng(seed)
        rows = [(f"u{unit}", year, *generator.standard_normal(2)) for unit in range(20) for year in range(2000, 2012)]
        frame = pd.DataFrame(rows, columns=["unit", "year", "x", "y"])
        model = ca.build_model(ca.read_graph(LOOP), ca.Panel.from_frame(frame, unit="unit", time="year"))
        assert isinstance(model, ca.Model)
        found.append(model)
    return found


def main() -> None:
    """Print the seconds of either and their ratio."""
    some = models()
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        here, there = [], []
        for number in range(ROUNDS + 1):
            start = perf_counter()
            ours = fit_many(some, seed=number)
            middle = perf_counter()
            theirs = fit_many(some, seed=number, cluster=client)
            if number:  # the first round compiles
                here.append(middle - start)
                there.append(perf_counter() - middle)
            assert all(
                np.array_equal(a.posterior["effect"], b.posterior["effect"]) for a, b in zip(ours, theirs, strict=True)
            )
    threads, workers = np.median(here), np.median(there)
    print(f"{WORLDS} fits: threads {threads:.1f} s, two workers {workers:.1f} s, ratio {workers / threads:.2f}")


if __name__ == "__main__":
    main()
