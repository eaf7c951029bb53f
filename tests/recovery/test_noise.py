"""Known effects come back from values measured with noise, about as well as from exact ones."""

from __future__ import annotations

import numpy as np
import pytest

from causal.joint import build_model
from causal.measurement import Measure, within_unit_sd
from causal.panel import Panel, Study
from causal.refits import fit_many
from causal.syntax import read_graph
from tests.oracle import loops

pytestmark = pytest.mark.slow

WORLDS, UNITS, TIMES, NOISE = 40, 40, 9, 0.4
SELF = ("x", "x", 1)


def panel_with(world: int, kind: str) -> Study:
    """The two-node loop with noise on x of `NOISE` of its within-unit sd, measured as `kind` says."""
    x, y = loops.simulated(loops.TWO_TRUE, units=UNITS, times=TIMES, seed=world, year_sd=0.5)
    rng = np.random.default_rng(1000 + world)
    sd = NOISE * within_unit_sd(x)
    level = rng.normal(size=(UNITS, 1))
    columns = {"y": y, "x": x + level + rng.normal(0.0, sd, x.shape)}
    columns["other"] = 4.0 - 2.0 * (x + rng.normal(0.0, 1.5 * sd, x.shape)) + rng.normal(size=(UNITS, 1))
    measures = {
        "ignored": Measure("x"),
        # Half of the stated error is yearly; the rest is the level's.
        "error": Measure("x", error=2.0 * sd),
        "indicators": Measure(("x", "other"), direction="+-", loadings=True),
    }
    panel = Panel.from_frame(loops.frame(columns), unit="unit", time="year")
    return Study(panel, {"x": measures[kind], "y": "y"})


def recovered(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Errors of the posterior means, and whether 90 % intervals hold the truth: (world, edge)."""
    off, held = np.empty((WORLDS, 4)), np.empty((WORLDS, 4))
    models = [build_model(read_graph(loops.TWO), panel_with(world, kind)) for world in range(WORLDS)]
    for world, found in enumerate(fit_many(models, draws=400, tune=500, chains=2, allow_unconverged=True)):
        for k, (edge, truth) in enumerate(loops.TWO_TRUE.items()):
            draws = found.edge(loops.edge_name(*edge)).to_numpy().ravel()
            low, high = np.quantile(draws, [0.05, 0.95])
            off[world, k], held[world, k] = draws.mean() - truth, low <= truth <= high
    return off, held


def test_noise_that_is_ignored_takes_memory_away_and_noise_that_is_modelled_gives_it_back() -> None:
    own = list(loops.TWO_TRUE).index(SELF)
    ignored, _ = recovered("ignored")
    error = ignored[:, own].std() / np.sqrt(WORLDS)
    assert ignored[:, own].mean() < -0.05 - 2 * error
    for kind in ("error", "indicators"):
        off, held = recovered(kind)
        error = off.std(axis=0) / np.sqrt(WORLDS)
        print(kind, "bias", off.mean(axis=0).round(3), "covers", held.mean(axis=0))
        # Eight usable periods leave .03 to either side even without noise.
        assert (np.abs(off.mean(axis=0)) < 0.03 + 2.5 * error).all()
        # A share of .85 of 160, less three binomial standard errors.
        assert held.mean() > 0.85 - 3 * np.sqrt(0.85 * 0.15 / held.size)
