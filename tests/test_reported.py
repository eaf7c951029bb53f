"""Reported estimates: scale, their posterior by itself, their place in a model of several studies, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pytensor.compile.mode import Mode
from scipy import stats

from causal.dist import Normal, Uniform
from causal.errors import CausalError
from causal.fit import JointFit, fingerprint, fit
from causal.joint import JointModel, build_model
from causal.panel import Panel, Study
from causal.reported import Reported, posterior_points
from causal.syntax import read_graph
from tests.oracle import loops

TWO = read_graph(loops.TWO)
PLAIN = Mode(linker="py", optimizer="minimum_compile")
EDGE = "x -> y [lag=1]"
FOUND = Reported(EDGE, 0.6, 0.1, source="A source, table 2", name="experiment")


def study(name: str = "panel", *, units: int = 6, seed: int = 4) -> Study:
    frame = loops.panel(loops.TWO_TRUE, units=units, times=8, seed=seed, year_sd=0.5)
    return Study(Panel.from_frame(frame.assign(unit=name + frame["unit"]), unit="unit", time="year"), name=name)


def joint(*studies: Any, priors: Any = None) -> JointModel:
    found = build_model(TWO, studies, priors)
    assert isinstance(found, JointModel)
    return found


def test_sds_in_the_reported_units_put_it_on_the_standard_scale() -> None:
    found = Reported(EDGE, -30.0, 10.0, source="s", cause_sd=5.0, effect_sd=500.0)
    assert found.standard == pytest.approx((-0.3, 0.1))
    assert FOUND.standard == (0.6, 0.1)
    assert Reported(EDGE, 1.0, 1.0, source="Title, page 3").name == "Title, page 3"


@pytest.mark.parametrize("prior", [Normal(0.2, 0.3), Uniform(-1.0, 1.0)])
def test_by_itself_its_posterior_is_prior_times_likelihood_on_a_grid(prior: Normal | Uniform) -> None:
    reported = Reported(EDGE, 0.9, 0.2, source="s")
    grid = np.linspace(-2.0, 3.0, 200_001)
    before = (
        stats.norm.pdf(grid, prior.mean, prior.sd)
        if isinstance(prior, Normal)
        else stats.uniform.pdf(grid, prior.low, prior.high - prior.low)
    )
    mass = before * stats.norm.pdf(0.9, grid, 0.2)
    below = np.cumsum(mass) / mass.sum()
    points = posterior_points(reported, prior)
    for share in (0.05, 0.5, 0.95):
        assert np.quantile(points, share) == pytest.approx(grid[np.searchsorted(below, share)], abs=2e-3)


def test_far_outside_of_the_bounds_only_the_nearer_bound_is_left() -> None:
    assert set(posterior_points(Reported(EDGE, 30.0, 0.1, source="s"), Uniform(-1.0, 1.0)).tolist()) == {1.0}
    assert set(posterior_points(Reported(EDGE, -30.0, 0.1, source="s"), Uniform(-1.0, 1.0)).tolist()) == {-1.0}


def test_its_effect_is_pooled_with_those_of_the_studies_and_adds_its_likelihood_to_the_density() -> None:
    model = joint(study(), FOUND)
    (pool,) = (pool for pool in model.pools if pool.name == EDGE)
    assert pool.members == ((0, 2), (1, 0))
    assert model.names == ("panel", "experiment")
    density = model.pymc.compile_logp(jacobian=False, mode=PLAIN)
    other = joint(study(), Reported(EDGE, 0.1, 0.3, source="s", name="experiment"))
    changed = other.pymc.compile_logp(jacobian=False, mode=PLAIN)
    rng = np.random.default_rng(3)
    for _ in range(3):
        turned = rng.normal(size=5) * 0.4
        point: dict[str, NDArray[np.float64]] = {"turned": turned, "shock_sd_0_log__": np.zeros(2)}
        effect = (turned @ model.turn)[4]
        hand = -(((0.6 - effect) / 0.1) ** 2) / 2 + ((0.1 - effect) / 0.3) ** 2 / 2
        assert float(density(point)) - float(changed(point)) == pytest.approx(hand, abs=1e-8)


def test_a_self_effect_is_never_pooled_with_that_of_a_columns_node() -> None:
    model = joint(study(), Reported("y -> y [lag=1]", 0.5, 0.1, source="s"))
    assert all(len(pool.members) == 1 for pool in model.pools)
    assert any("pooled with no study that measures it by another column" in note for note in model.notes)


@pytest.mark.slow
def test_a_precise_report_draws_a_small_panel_to_it_as_far_as_transport_lets_it() -> None:
    """Against the closed form of two Normal likelihoods under one population, tau over its points."""
    alone = fit(build_model(TWO, study()), seed=1, draws=2000, chains=2)
    draws = alone.edge(EDGE, scale="standard").to_numpy().ravel()
    found = fit(joint(study(), FOUND), seed=1, draws=4000, chains=2, allow_unconverged=True)
    assert isinstance(found, JointFit)
    # The panel's likelihood: its posterior without the Normal(0, 1) prior, taken as Normal.
    precision = 1 / draws.var() - 1.0
    middle, error = draws.mean() / draws.var() / precision, np.sqrt(1 / precision)
    taus = 0.1 * stats.norm.ppf((1 + (np.arange(8) + 0.5) / 8) / 2)
    grid = np.linspace(-3, 3, 6001)
    mass = np.zeros_like(grid)
    for tau in taus:
        mass += (
            stats.norm.pdf(grid)
            * stats.norm.pdf(middle, grid, np.hypot(error, tau))
            * stats.norm.pdf(0.6, grid, np.hypot(0.1, tau))
        )
    mean = float((grid * mass).sum() / mass.sum())
    sd = float(np.sqrt(((grid - mean) ** 2 * mass).sum() / mass.sum()))
    pooled = found.edge(EDGE, scale="standard").to_numpy()
    # The closed form takes a skewed likelihood for a Normal one.
    assert abs(pooled.mean() - mean) < 0.15 * sd
    assert pooled.std() == pytest.approx(sd, rel=0.1)


@pytest.mark.slow
def test_of_an_edge_that_no_study_identifies_it_is_all_that_is_known() -> None:
    graph = read_graph(loops.TWO + "\nz -> y [lag=1]")
    model = build_model(graph, [study(), Reported("z -> y [lag=1]", -0.4, 0.1, source="s")], {"z -> y": Normal(0, 0.2)})
    found = fit(model, seed=1, draws=400, chains=2, allow_unconverged=True)
    assert isinstance(found, JointFit)
    draws = found.edge("z -> y", scale="standard").to_numpy().ravel()
    # Conjugate: precisions 25 and 100.
    assert draws.mean() == pytest.approx(-0.32, abs=5 * np.sqrt(1 / 125 / 200))
    with pytest.raises(CausalError, match="a reported estimate's only"):
        found.edge("z -> y")


def test_another_report_is_another_fit() -> None:
    keys = {fingerprint(joint(study(), Reported(EDGE, effect, 0.1, source="s")), {"seed": 1}) for effect in (0.1, 0.2)}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"edge": ""}, "has no edge"),
        ({"source": " "}, "has no source"),
        ({"effect": float("nan")}, "effect is nan"),
        ({"effect": True}, "effect is True"),
        ({"cause_sd": 1.0}, "one of cause_sd and effect_sd"),
        ({"cause_sd": -1.0, "effect_sd": 1.0}, "cause_sd is -1.0"),
    ],
)
def test_what_is_no_report_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(CausalError, match=told):
        Reported(**{"edge": EDGE, "effect": 0.1, "error": 0.1, "source": "s"} | wrong)


def test_reports_need_an_edge_of_the_graph_a_name_of_their_own_and_a_study_with_data() -> None:
    with pytest.raises(CausalError) as caught:
        build_model(TWO, [study(), Reported("x -> w", 0.1, 0.1, source="s"), Reported(EDGE, 0.1, 0.1, source="s")])
    assert "2 studies are named 's'" in str(caught.value)
    assert "reported estimate 's'" in str(caught.value)
    with pytest.raises(CausalError, match="no study was given with data"):
        build_model(TWO, [FOUND])
