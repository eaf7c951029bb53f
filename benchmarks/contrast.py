"""How long `contrast` takes beside a bare numpy recursion of the two worlds.

    python benchmarks/contrast.py [runs]

The loop of four nodes, 20 units x 25 years, 4,000 draws, presence set for five years; once on a complete panel and once on one
with 15 % of two nodes' values missing. The bare recursion is given its unit and year effects for nothing, draws one set of
shocks for both worlds and keeps the outcome's mean over units. The draws are made by hand: what they are does not change the time.
Runs alternate, and the ratio is that of the medians.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from causal.fit import Convergence, Fit
from causal.intervene import Set
from causal.joint import build_model
from causal.panel import Panel
from causal.simulate import contrast
from causal.syntax import read_graph

LOOP = """
revenue -> corruption [lag=1]
corruption -> presence
presence -> illicit [lag=1]
illicit -> revenue
corruption -> corruption [lag=1]
presence -> presence [lag=1]
"""
EFFECTS = {
    "revenue -> corruption [lag=1]": 0.4,
    "corruption -> presence": -0.5,
    "presence -> illicit [lag=1]": -0.4,
    "illicit -> revenue": 0.6,
    "corruption -> corruption [lag=1]": 0.45,
    "presence -> presence [lag=1]": 0.6,
}
ORDER = ("corruption", "presence", "illicit", "revenue")
UNITS, YEARS, FIRST = 20, 25, 2000
HELD = Set("presence", 1.0, start=2010, stop=2014)


def loop_panel(*, units: int = UNITS, years: int = YEARS, missing: float = 0.0, seed: int = 1) -> pd.DataFrame:
    """A panel of the loop, after sixty years of warm-up; `missing` is the share of corruption and illicit that is taken away."""
    generator = np.random.default_rng(seed)
    unit_effects = generator.normal(size=(4, units))
    past = np.zeros((4, units))
    rows: list[NDArray[np.float64]] = []
    for _ in range(60 + years):
        eta = unit_effects + 0.5 * generator.normal(size=(4, 1)) + generator.normal(size=(4, units))
        corruption = eta[0] + 0.4 * past[3] + 0.45 * past[0]
        presence = eta[1] - 0.5 * corruption + 0.6 * past[1]
        illicit = eta[2] - 0.4 * past[1]
        past = np.stack([corruption, presence, illicit, eta[3] + 0.6 * illicit])
        rows.append(past)
    values = np.stack(rows[60:], axis=2)
    frame = pd.DataFrame(
        {
            "unit": np.repeat([f"u{k:03d}" for k in range(units)], years),
            "year": np.tile(np.arange(FIRST, FIRST + years), units),
        }
    )
    for k, node in enumerate(ORDER):
        frame[node] = values[k].ravel()
    for node in ("corruption", "illicit"):
        frame.loc[generator.uniform(size=len(frame)) < missing, node] = np.nan
    return frame


def made_fit(frame: pd.DataFrame, *, chains: int = 4, draws: int = 1000, seed: int = 1) -> Fit:
    """A fit of the loop with draws around the truth, made without sampling."""
    generator = np.random.default_rng(seed)
    model = build_model(read_graph(LOOP), Panel.from_frame(frame, unit="unit", time="year"))
    shape = (chains, draws)
    terms = [term.name for term in model.system.terms]
    effects = [EFFECTS[name] * model.on_standard_scale(name) + 0.05 * generator.normal(size=shape) for name in terms]
    variables = {
        "effect": (("chain", "draw", "edge"), np.stack(effects, axis=-1)),
        "shock_sd": (("chain", "draw", "node"), generator.uniform(0.5, 0.9, size=(*shape, 4))),
    }
    holes = model.design.holes.shape[1]
    if holes:
        variables["missing"] = (("chain", "draw", "hole"), generator.normal(size=(*shape, holes)))
    posterior = xr.Dataset(variables, coords={"edge": terms, "node": list(model.system.nodes)})
    return Fit(model, xr.DataTree.from_dict({"posterior": posterior}), Convergence(1.0, 4000.0, 0.0, ()))


def bare(fit: Fit, seed: int) -> NDArray[np.float64]:
    """Two worlds with common shocks, nothing but numpy: the change in illicit (draw, year), its mean over units."""
    generator = np.random.default_rng(seed)
    b = {name: fit.edge(name).to_numpy().reshape(-1, 1) for name in EFFECTS}
    shock_sd = fit.posterior["shock_sd"].to_numpy().reshape(-1, 4)
    sd = {node: shock_sd[:, k, None] * fit.model.design.scales[k] for k, node in enumerate(fit.model.system.nodes)}
    size = len(shock_sd)
    worlds = [{node: np.zeros((size, UNITS)) for node in ORDER} for _ in range(2)]
    out = np.zeros((size, YEARS))
    for year in range(YEARS):
        shock = {node: sd[node] * generator.standard_normal((size, UNITS)) for node in ORDER}
        for k, past in enumerate(worlds):
            carried = b["revenue -> corruption [lag=1]"] * past["revenue"]
            now = {
                "corruption": shock["corruption"] + carried + b["corruption -> corruption [lag=1]"] * past["corruption"]
            }
            now["presence"] = (
                shock["presence"]
                + b["corruption -> presence"] * now["corruption"]
                + b["presence -> presence [lag=1]"] * past["presence"]
            )
            if k and 10 <= year <= 14:
                now["presence"] = np.full((size, UNITS), 1.0)
            now["illicit"] = shock["illicit"] + b["presence -> illicit [lag=1]"] * past["presence"]
            now["revenue"] = shock["revenue"] + b["illicit -> revenue"] * now["illicit"]
            worlds[k] = now
        out[:, year] = (worlds[1]["illicit"] - worlds[0]["illicit"]).mean(axis=1)
    return out


def seconds(work: Callable[[], object]) -> float:
    """The wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print("| panel | contrast, s | bare recursion, s | ratio | bar |\n|---|---|---|---|---|")
    for name, missing in (("complete", 0.0), ("15 % of two nodes missing", 0.15)):
        fit = made_fit(loop_panel(missing=missing))
        ours: list[float] = []
        plain: list[float] = []
        for run in range(runs + 1):
            ours.append(seconds(lambda seed=run, fit=fit: contrast(fit, HELD, outcome="illicit", seed=seed)))
            plain.append(seconds(lambda seed=run, fit=fit: bare(fit, seed)))
        # The first run of each warms caches.
        first, second = statistics.median(ours[1:]), statistics.median(plain[1:])
        print(f"| {name} | {first:.2f} | {second:.2f} | {first / second:.2f} | 1.5 |")


if __name__ == "__main__":
    main()
