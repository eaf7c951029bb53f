"""A value that is missing and a value of the period before enter their children as themselves, not as what their own causes say of them.

What a model loses that puts the conditional mean in their place is what `benchmarks/peers.py` measures.
"""

from __future__ import annotations

import numpy as np
import pytest

from causal.fit import fit
from causal.joint import build_model
from causal.model import Model
from causal.panel import Panel
from causal.syntax import read_graph
from tests.oracle import loops

pytestmark = pytest.mark.slow

CHAIN = {("x", "m", 0): 0.8, ("m", "y", 0): 0.57}
BESIDE = CHAIN | {("x", "y", 0): 0.3}
WORLDS = 16
LAGGED = {("z", "x", 0): 0.0, ("x", "y", 1): -0.7}


UNITS, TIMES = 40, 12


def model_of(truth: dict[tuple[str, str, int], float], holed: str | None, seed: int) -> Model:
    """A simulated panel with four of ten values of a node missing, the same ones for every seed."""
    nodes = loops.nodes_of(truth)
    holes = np.zeros((len(nodes), UNITS, TIMES), dtype=bool)
    if holed is not None:
        holes[nodes.index(holed)] = np.random.default_rng(8).uniform(size=(UNITS, TIMES)) < 0.4
    frame = loops.panel(truth, units=UNITS, times=TIMES, seed=seed, year_sd=0.5, holes=holes)
    text = "\n".join(loops.edge_name(*edge) for edge in truth)
    model = build_model(read_graph(text), Panel.from_frame(frame, unit="unit", time="year"))
    assert holed is None or model.design.missing > 0.3 * UNITS * (TIMES - 3)
    return model


@pytest.mark.parametrize(
    ("truth", "asked", "holed"),
    [
        pytest.param(CHAIN, ("m", "y", 0), "m", id="a holed mediator"),
        pytest.param(LAGGED, ("x", "y", 1), None, id="a lagged parent"),
        pytest.param(LAGGED, ("x", "y", 1), "x", id="a lagged parent with holes"),
    ],
)
def test_holed_mediators_and_lagged_parents_give_back_the_effect(
    truth: dict[tuple[str, str, int], float], asked: tuple[str, str, int], holed: str | None
) -> None:
    fitted = fit(model_of(truth, holed, 11), seed=1, draws=2000, chains=4)
    draws = fitted.edge(loops.edge_name(*asked)).to_numpy()
    low, high = np.quantile(draws, [0.05, 0.95])
    print(f"{loops.edge_name(*asked)}: {draws.mean():.3f} +- {draws.std():.3f}, truth {truth[asked]}")
    assert low <= truth[asked] <= high
    assert abs(draws.mean() - truth[asked]) < 0.1


def test_a_holed_mediator_beside_a_direct_effect_is_right_in_the_long_run() -> None:
    """Where the cause acts directly too, its conditional mean says nothing of the mediator's own effect."""
    means, held = np.empty(WORLDS), np.empty(WORLDS, dtype=bool)
    for world in range(WORLDS):
        fitted = fit(model_of(BESIDE, "m", 11 + world), seed=1, draws=500, chains=2, allow_unconverged=True)
        draws = fitted.edge("m -> y").to_numpy()
        low, high = np.quantile(draws, [0.05, 0.95])
        means[world], held[world] = draws.mean(), low <= 0.57 <= high
    print(f"means {means.round(3)}, covers {held.mean():.2f}")
    assert np.abs(means - 0.57).max() < 0.2
    assert abs(means.mean() - 0.57) < 3 * means.std(ddof=1) / np.sqrt(WORLDS)
    assert abs(means.mean() - 0.57) < 0.05
    # Of intervals that hold the truth nine times in ten, fewer than 12 in 16 do so once in sixty.
    assert held.sum() >= 12
