"""How long `contrast` takes beside `pm.do` with posterior predictive draws, and a policy beside a shift.

    python -m benchmarks.contrast_pm_do [years]

The loop of four nodes and 20 units of `benchmarks/contrast.py`, 4,000 draws, presence held for five years; by default 25 years. The PyMC model is unrolled, a
variable a node and year, as its users write it; it is given the draws, and draws both worlds. Each is timed once, from nothing compiled. Then policies and
shifts, medians of 9 runs.
"""

from __future__ import annotations

import logging
import statistics
import sys

import numpy as np
import xarray as xr

from benchmarks.contrast import EFFECTS, HELD, ORDER, UNITS, YEARS, bare, loop_panel, made_fit, seconds
from causal.fit import Fit
from causal.intervene import Policy, Shift
from causal.simulate import contrast, simulate


def by_pm_do(fit: Fit, years: int, seed: int) -> None:
    """Both worlds by PyMC: the change in illicit."""
    import pymc as pm

    with pm.Model() as unrolled:
        b = {name: pm.Normal(f"b_{k}", 0.0, 1.0) for k, name in enumerate(EFFECTS)}
        sd = {node: pm.HalfNormal(f"sd_{node}", 1.0) for node in ORDER}
        past = {node: np.zeros(UNITS) for node in ORDER}
        for year in range(years):
            now = {}
            for node in ORDER:
                eta = 0.0
                for name in EFFECTS:
                    cause, effect = (part.strip() for part in name.split(" [")[0].split("->"))
                    if effect == node:
                        eta = eta + b[name] * (past[cause] if "lag" in name else now[cause])
                now[node] = pm.Normal(f"{node}_{year}", eta, sd[node], shape=UNITS)
            past = now
    shape = fit.posterior["effect"].shape[:2]
    draws = {f"b_{k}": fit.edge(name).to_numpy() for k, name in enumerate(EFFECTS)}
    draws |= {f"sd_{node}": np.full(shape, 0.7) for node in ORDER}
    posterior = xr.Dataset({name: (("chain", "draw"), values) for name, values in draws.items()})
    wanted = [f"illicit_{year}" for year in range(years)]
    held = {f"presence_{year}": np.ones(UNITS) for year in range(10, min(15, years))}
    for model in (unrolled, pm.do(unrolled, held)):
        with model:
            pm.sample_posterior_predictive(posterior, var_names=wanted, random_seed=seed, progressbar=False)


def main() -> None:
    """Print the table."""
    logging.getLogger("pymc").setLevel(logging.ERROR)
    years = int(sys.argv[1]) if len(sys.argv) > 1 else YEARS
    fit = made_fit(loop_panel(years=years))
    ours = seconds(lambda: contrast(fit, HELD, outcome="illicit", seed=1))
    theirs = seconds(lambda: by_pm_do(fit, years, 1))
    print(f"pm.do, {years} years, cold: {theirs:.1f} s; contrast, cold: {ours:.2f} s; {theirs / ours:.0f} times")
    rule = Policy("presence", 0.5, when="illicit[-1] > q80")
    work = {
        "contrast of a shift": lambda: contrast(fit, Shift("presence", 0.5), outcome="illicit"),
        "contrast of a policy": lambda: contrast(fit, rule, outcome="illicit"),
        "world under a shift": lambda: simulate(fit, Shift("presence", 0.5)),
        "world under a policy": lambda: simulate(fit, rule),
        "bare recursion of two worlds": lambda: bare(fit, 1),
    }
    for name, run in work.items():
        if name.startswith("bare") and years != YEARS:
            continue
        run()
        print(f"{name}: {statistics.median(seconds(run) for _ in range(9)):.3f} s")


if __name__ == "__main__":
    main()
