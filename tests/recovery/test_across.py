"""Effects across units come back from simulated worlds: a ring of 24 units over 8 usable periods.

Where it stops holding (100 worlds each, year effects swept out, 24 units unless said; bias and 90 % coverage of the neighbours' effect of a
node on itself, all other edges within .03): 8 periods and spectral radius .80, -.02 and .93; 6 periods and .80, -.03 and .89; 8 periods
and .95, -.05 and .90; 5 periods and .90, -.07 and .85; 12 units, 8 periods and .80, -.06 and .85. Of 60 worlds each: 24 periods and .95, none and
.90; 5 periods and .98, -.08 and .80; 60 units, 5 periods and .90, -.04 and .90. Few units count as short series do.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from causal.fit import DIVERGENT_SHARE_LIMIT
from causal.joint import build_model
from causal.model import Model
from causal.panel import Panel, Study
from causal.refits import fit_many
from causal.syntax import read_graph
from tests.oracle import across, loops

pytestmark = pytest.mark.slow

TEXT = "x -> y\nx -> y [lag=1, across=near]\ny -> y [lag=1]\ny -> y [lag=1, across=near]"
TRUE = {"x -> y": 0.4, "x -> y [lag=1, across=near]": 0.3, "y -> y [lag=1]": 0.5, "y -> y [lag=1, across=near]": 0.3}
OWN = np.array([[[0.0, 0.0], [0.4, 0.0]], [[0.0, 0.0], [0.0, 0.5]]])
NEAR = np.array([[[0.0, 0.0], [0.3, 0.3]]])
WEIGHTS = across.ring(24)


def model_of(seed: int, *, years: bool) -> Model:
    values = across.simulated(OWN, NEAR, WEIGHTS, times=9, seed=seed, year_sd=0.5 * years)
    panel = Panel.from_frame(loops.frame(dict(zip("xy", values, strict=True))), unit="unit", time="year")
    study = Study(panel, weights={"near": across.table(WEIGHTS)})
    found = build_model(read_graph(TEXT), study, year_effects=years)
    assert isinstance(found, Model)
    return found


def uncorrected(model: Model) -> Model:
    """The same likelihood without the orthogonal term."""
    sweep = model.design.sweep
    return replace(model, design=replace(model.design, sweep=replace(sweep, weights=0.0 * sweep.weights)))


def worlds(count: int, *, years: bool, corrected: bool = True) -> tuple[NDArray[np.float64], NDArray[np.bool_], int]:
    """Errors of the posterior means (world, edge), whether 90 % intervals cover (world, edge), and the fits that diverged."""
    errors, covers, diverged = [], [], 0
    models = [model_of(seed, years=years) for seed in range(count)]
    models = models if corrected else [uncorrected(model) for model in models]
    for found in fit_many(models, draws=400, chains=2, allow_unconverged=True):
        diverged += found.convergence.divergent_share > DIVERGENT_SHARE_LIMIT
        draws = {name: found.edge(name).to_numpy().ravel() for name in TRUE}
        errors.append([draws[name].mean() - truth for name, truth in TRUE.items()])
        bounds = {name: np.quantile(values, [0.05, 0.95]) for name, values in draws.items()}
        covers.append([bounds[name][0] <= truth <= bounds[name][1] for name, truth in TRUE.items()])
    return np.array(errors), np.array(covers), diverged


@pytest.mark.parametrize("years", [False, True])
def test_own_and_neighbours_effects_come_back(years: bool) -> None:
    errors, covers, diverged = worlds(100, years=years)
    bias, error, cover = errors.mean(axis=0), errors.std(axis=0) / 10.0, covers.mean(axis=0)
    for k, name in enumerate(TRUE):
        print(f"{name}: bias {bias[k]:+.3f} ({error[k]:.3f}), covers {cover[k]:.2f}")
    assert np.abs(bias).max() < 0.04
    # Of 100 intervals that cover with probability .9, between 81 and 97 do, with probability .99.
    assert ((cover >= 0.81) & (cover <= 0.97)).all()
    assert diverged == 0


def test_without_the_term_both_memories_are_understated() -> None:
    errors, covers, _ = worlds(40, years=True, corrected=False)
    bias, cover = dict(zip(TRUE, errors.mean(axis=0), strict=True)), dict(zip(TRUE, covers.mean(axis=0), strict=True))
    print({name: (round(float(bias[name]), 3), float(cover[name])) for name in TRUE})
    assert bias["y -> y [lag=1]"] < -0.1
    assert bias["y -> y [lag=1, across=near]"] < -0.04
    assert cover["y -> y [lag=1]"] < 0.5
