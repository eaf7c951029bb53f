"""Dynamics of fits whose draws are written down, against closed forms by hand, plain recursions, finite differences and brute force."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from causal.dynamics import LONGEST_WAIT, MOST_LOOPS, Cutting, decay, dynamics, impulse_responses, smallest_cut
from causal.errors import CausalError
from causal.fit import Convergence, Fit, JointFit
from causal.graph import Edge, Graph, Node
from causal.intervene import Shift
from causal.joint import build_model
from causal.panel import Panel, Study
from causal.simulate import contrast, simulate
from causal.syntax import read_graph
from tests.oracle import dynamics as plain
from tests.oracle.across import ring
from tests.oracle.loops import FOUR
from tests.oracle.worlds import frame, made_fit, made_model
from tests.strategies import graphs

YEARS = range(2000, 2010)
PAIR = "a -> b [lag=1]; b -> a [lag=1]"
LINKED = """
a -> b [lag=1]
b -> c
c -> a [lag=1]
a -> a [lag=1]
b -> b [lag=1, across=near]
a -> c [lag=2, across=near]
"""


def fitted(text: str, effects: dict[str, float] | None = None, **settings_: Any) -> Fit:
    """A fit of a graph on made-up values, its draws around `effects`."""
    return made_fit(graph_model(read_graph(text)), effects=effects, **settings_)


def graph_model(graph: Graph, weights: Any = None) -> Any:
    """The model of a graph on made-up values of four units, or as many as have weights."""
    units = 4 if weights is None else len(weights)
    rows = frame(graph.names, units=units, times=YEARS, seed=3)
    if weights is None:
        return made_model(graph, rows)
    names = [f"u{k}" for k in range(units)]
    table = pd.DataFrame(weights, index=names, columns=names)
    return made_model(graph, rows, weights={"near": table})


def with_effects(fit: Fit, factors: dict[str, float]) -> Fit:
    """The fit with the draws of some edges times a factor."""
    names = [term.name for term in fit.model.system.terms]
    by = np.array([factors.get(name, 1.0) for name in names])
    posterior = fit.posterior.assign(effect=fit.posterior["effect"] * by)
    return Fit(fit.model, xr.DataTree.from_dict({"posterior": posterior}), fit.convergence)


def flat(fit: Fit, name: str) -> Any:
    """One edge's draws (draw,) in natural units, chain after chain."""
    return fit.edge(name).transpose("chain", "draw").to_numpy().reshape(-1)


def random_fit(graph: Graph, seed: int, size: float, draws: int = 3) -> Fit:
    """A fit whose standard effects are drawn within `size` of zero, each draw anew."""
    model = graph_model(graph)
    fit = made_fit(model, chains=1, draws=draws, seed=seed, effects={term.name: 0.0 for term in model.system.terms})
    generator = np.random.default_rng(seed)
    effect = fit.posterior["effect"].copy(data=generator.uniform(-size, size, fit.posterior["effect"].shape))
    posterior = fit.posterior.assign(effect=effect)
    return Fit(fit.model, xr.DataTree.from_dict({"posterior": posterior}), fit.convergence)


systems = graphs(min_nodes=2, max_nodes=4, max_lag=3, max_edges=8, max_latents=0, families=("normal",)).filter(
    lambda graph: bool(graph.edges)
)


# ---------------------------------------------------------------- by hand


def test_a_node_with_memory_halves_and_adds_up_as_the_closed_form_says() -> None:
    fit = fitted("a -> a [lag=1]", {"a -> a [lag=1]": 0.8}, spread=0.05)
    found, rho = dynamics(fit), flat(fit, "a -> a")
    assert (rho < 1).all()
    np.testing.assert_allclose(found["radius"], rho, rtol=1e-12)
    np.testing.assert_allclose(found["half_life"], np.log(0.5) / np.log(rho), rtol=1e-9)
    np.testing.assert_allclose(found["multiplier"].sel(cause="a", effect="a"), 1 / (1 - rho), rtol=1e-9)
    # The share that is left after h periods is rho^(h + 1).
    wanted = np.ceil(np.log(0.1) / np.log(rho) - 1)
    np.testing.assert_array_equal(found["time_to_90"].sel(cause="a", effect="a"), wanted)
    np.testing.assert_allclose(found["radius_elasticity"].sel(term="a -> a [lag=1]"), 1.0, rtol=1e-12)
    assert found.sizes["loop"] == 0


def test_a_memory_of_two_lags_has_the_roots_of_its_polynomial() -> None:
    fit = fitted("a -> a [lag=1]; a -> a [lag=2]", {"a -> a [lag=1]": 0.5, "a -> a [lag=2]": 0.3}, spread=0.05)
    found, one, two = dynamics(fit), flat(fit, "a -> a [lag=1]"), flat(fit, "a -> a [lag=2]")
    wanted = (one + np.sqrt(one**2 + 4 * two)) / 2
    assert (wanted < 1).all()
    np.testing.assert_allclose(found["radius"], wanted, rtol=1e-12)
    np.testing.assert_allclose(found["multiplier"].squeeze(), 1 / (1 - one - two), rtol=1e-9)
    # d log z / d log b of z^2 = one z + two.
    np.testing.assert_allclose(found["radius_elasticity"].sel(term="a -> a [lag=2]"), two / (2 * two + one * wanted))


def test_a_loop_of_two_multiplies_by_one_over_one_less_its_gain() -> None:
    fit = fitted(PAIR, {"a -> b [lag=1]": 3.0, "b -> a [lag=1]": 0.1}, spread=0.02)
    found, b, c = dynamics(fit), flat(fit, "a -> b"), flat(fit, "b -> a")
    gain = b * c
    assert found["loop"].to_numpy().tolist() == ["a -> b [lag=1] -> a [lag=1]"]
    np.testing.assert_allclose(found["gain"].squeeze(), gain, rtol=1e-9)
    np.testing.assert_allclose(found["bare_gain"].squeeze(), gain, rtol=1e-9)
    np.testing.assert_allclose(found["radius"], np.sqrt(gain), rtol=1e-9)
    multiplier = found["multiplier"]
    np.testing.assert_allclose(multiplier.sel(cause="a", effect="a"), 1 / (1 - gain), rtol=1e-9)
    np.testing.assert_allclose(multiplier.sel(cause="a", effect="b"), b / (1 - gain), rtol=1e-9)
    np.testing.assert_allclose(multiplier.sel(cause="b", effect="a"), c / (1 - gain), rtol=1e-9)
    assert found["elasticity"].min() == found["elasticity"].max() == 1.0
    np.testing.assert_allclose(found["radius_elasticity"], 0.5, rtol=1e-9)


def test_memory_makes_the_gain_that_of_the_long_run() -> None:
    text = PAIR + "; a -> a [lag=1]; a -> a [lag=2]; b -> b [lag=1]"
    effects = {"a -> a [lag=1]": 0.2, "a -> a [lag=2]": 0.1, "b -> b [lag=1]": 0.4}
    fit = fitted(text, effects | {"a -> b [lag=1]": -0.9, "b -> a [lag=1]": 0.1}, spread=0.02)
    found = dynamics(fit)
    one, two, own = flat(fit, "a -> a [lag=1]"), flat(fit, "a -> a [lag=2]"), flat(fit, "b -> b")
    bare = flat(fit, "a -> b") * flat(fit, "b -> a")
    gain = bare / ((1 - one - two) * (1 - own))
    np.testing.assert_allclose(found["bare_gain"].squeeze("loop"), bare, rtol=1e-9)
    np.testing.assert_allclose(found["gain"].squeeze("loop"), gain, rtol=1e-9)
    itself = found["multiplier"].sel(cause="a", effect="a")
    np.testing.assert_allclose(itself, 1 / ((1 - one - two) * (1 - gain)), rtol=1e-9)
    elasticity = found["elasticity"].squeeze("loop")
    np.testing.assert_allclose(elasticity.sel(term="a -> a [lag=2]"), two / (1 - one - two), rtol=1e-9)
    np.testing.assert_allclose(elasticity.sel(term="b -> b [lag=1]"), own / (1 - own), rtol=1e-9)
    np.testing.assert_array_equal(elasticity.sel(term="a -> b [lag=1]"), 1.0)


def test_decay_is_the_part_of_dynamics_that_asks_no_long_run() -> None:
    fit = fitted(
        "a -> a [lag=1]; a -> b; b -> a [lag=1]", {"a -> a [lag=1]": 0.4, "a -> b": 0.5, "b -> a [lag=1]": 0.3}
    )
    part, whole = decay(fit), dynamics(fit)
    assert set(whole) - set(part) == {
        "multiplier", "multiplier_quantile", "multiplier_undefined", "time_to_90", "impulse_response",
    }  # fmt: skip
    for name in part:
        xr.testing.assert_identical(part[name], whole[name])


def test_what_has_no_loop_has_radius_zero_and_halves_at_once() -> None:
    text = "a -> b; b -> c [lag=2]; a -> c [lag=3]"
    fit = fitted(text, {"a -> b": 0.5, "b -> c [lag=2]": 2.0, "a -> c [lag=3]": 0.3}, spread=0.0)
    found = dynamics(fit, horizon=4)
    assert not found["radius"].any()
    assert not found["half_life"].any()
    assert found["radius_elasticity"].isnull().all()
    np.testing.assert_allclose(found["multiplier"].sel(cause="a", effect="c"), 1.3, rtol=1e-12)
    # Nothing leads back: exactly zero, and no time until it is reached.
    assert not found["multiplier"].sel(cause="c", effect=["a", "b"]).any()
    assert found["time_to_90"].sel(cause="c", effect=["a", "b"]).isnull().all()
    assert (found["time_to_90"].sel(cause="a", effect="c") == 3).all()
    assert (found["time_to_90"].sel(cause="a", effect="b") == 0).all()
    np.testing.assert_allclose(found["impulse_response"].isel(draw=0).sel(cause="a", effect="c"), [0, 0, 1, 0.3, 0])


def test_equal_loops_in_a_row_have_the_radius_of_one_of_them_to_the_last_digits() -> None:
    # The eigenvalue stands twice with one vector only: found all at once it would be off by the root of the rounding.
    effects = {"a -> b [lag=1]": 0.7, "b -> a [lag=1]": 0.6, "c -> d [lag=1]": 0.6, "d -> c [lag=1]": 0.7}
    fit = fitted("; ".join(effects) + "; b -> c", effects | {"b -> c": 3.0}, spread=0.0)
    np.testing.assert_allclose(dynamics(fit)["radius"], 0.42**0.5, rtol=1e-13)


def test_nodes_without_any_edge_stay_where_they_are() -> None:
    fit = fitted("a; b", {})
    found = dynamics(fit, horizon=2)
    assert not found["radius"].any()
    np.testing.assert_array_equal(found["multiplier"].isel(draw=0), np.eye(2))
    np.testing.assert_array_equal(found["impulse_response"].isel(draw=0).sel(cause="a", effect="a"), [1, 0, 0])
    assert found.sizes["loop"] == found.sizes["term"] == 0
    assert smallest_cut(fit) == (Cutting((), 1.0, 1.0),)


def test_a_response_that_leaves_its_long_run_again_is_waited_for() -> None:
    effects = {"a -> b": 1.0, "a -> b [lag=5]": -0.4, "a -> b [lag=6]": 0.4}
    found = dynamics(fitted("; ".join(effects), effects, spread=0.0))
    assert (found["time_to_90"].sel(cause="a", effect="b") == 6).all()


def test_what_settles_after_the_longest_wait_has_no_time() -> None:
    slow = 1 - 1e-3
    fit = fitted("a -> a [lag=1]; a -> b", {"a -> a [lag=1]": slow, "a -> b": 1.0}, spread=0.0)
    times = dynamics(fit)["time_to_90"]
    assert math.log(0.1) / math.log(slow) > LONGEST_WAIT
    assert times.sel(cause="a").isnull().all()
    assert (times.sel(cause="b", effect="b") == 0).all()


# ---------------------------------------------------------------- draws that explode


def test_draws_that_explode_have_no_long_run_and_are_counted() -> None:
    fit = fitted("a -> a [lag=1]; a -> b", {"a -> a [lag=1]": 1.0, "a -> b": 2.0}, spread=0.2, draws=100)
    found, rho = dynamics(fit), flat(fit, "a -> a")
    explodes = rho >= 1
    assert 0.3 < explodes.mean() < 0.7
    np.testing.assert_array_equal(found["multiplier"].isnull().any(("cause", "effect")), explodes)
    np.testing.assert_array_equal(found["multiplier"].isnull().all(("cause", "effect")), explodes)
    np.testing.assert_array_equal(np.isinf(found["half_life"]), explodes)
    assert found["time_to_90"].isel(draw=np.flatnonzero(explodes)).isnull().all()
    assert float(found["p_explosive"]) == found.attrs["p_explosive"] == explodes.mean()
    assert float(found["multiplier_undefined"]) == explodes.mean()
    wanted = np.quantile(1 / (1 - rho[~explodes]), [0.05, 0.25, 0.5, 0.75, 0.95])
    np.testing.assert_allclose(found["multiplier_quantile"].sel(cause="a", effect="a"), wanted, rtol=1e-9)
    assert found["multiplier_quantile"]["quantile"].to_numpy().tolist() == [0.05, 0.25, 0.5, 0.75, 0.95]


def test_where_every_draw_explodes_nothing_is_defined() -> None:
    found = dynamics(fitted("a -> a [lag=1]", {"a -> a [lag=1]": 40.0}, spread=0.1), horizon=300)
    assert found.attrs["p_explosive"] == 1.0
    assert found["multiplier_quantile"].isnull().all()
    assert found["time_to_90"].isnull().all()


@pytest.mark.parametrize("memory", [1.0, 1.2, -1.1])
def test_a_node_whose_own_memory_does_not_decay_leaves_its_loops_without_gain(memory: float) -> None:
    effects = {"a -> b [lag=1]": 0.2, "b -> a [lag=1]": 0.3, "a -> a [lag=1]": memory}
    found = dynamics(fitted("; ".join(effects), effects, spread=0.0))
    assert found["gain"].isnull().all()
    assert found["elasticity"].isnull().all()
    np.testing.assert_allclose(found["bare_gain"], 0.06, rtol=1e-12)


# ---------------------------------------------------------------- any system


@given(systems, st.integers(0, 99))
@settings(deadline=None, max_examples=15)
def test_responses_and_radius_are_those_of_a_plain_recursion(graph: Graph, seed: int) -> None:
    fit = random_fit(graph, seed, 0.8)
    found = dynamics(fit, horizon=7)
    terms, draws, nodes = plain.places(fit), plain.drawn(fit), list(fit.model.system.nodes)
    radii = plain.radii(terms, draws, nodes)
    # An eigenvalue that stands several times is found by the plain way to a root of the rounding only.
    small = radii < 0.02
    np.testing.assert_allclose(found["radius"][~small], radii[~small], rtol=1e-7)
    assert (found["radius"][small] < 0.02).all()
    for cause in nodes:
        for effect, wanted in plain.response(terms, draws, graph.order, cause, 7).items():
            ours = found["impulse_response"].sel(cause=cause, effect=effect)
            np.testing.assert_allclose(ours.transpose("step", "draw"), wanted, rtol=1e-9, atol=1e-9)
    xr.testing.assert_identical(found["impulse_response"], impulse_responses(fit, 7))


@given(systems, st.integers(0, 99))
@settings(deadline=None, max_examples=12)
def test_multipliers_and_times_are_those_of_a_long_plain_run(graph: Graph, seed: int) -> None:
    fit = random_fit(graph, seed, 0.6, draws=2)
    found = dynamics(fit)
    radius = found["radius"].to_numpy()
    assert found["multiplier"].isel(draw=np.flatnonzero(radius >= 1)).isnull().all()
    settled = np.flatnonzero(radius < 0.9)
    assume(len(settled) > 0)
    for cause in graph.order:
        paths = plain.response(plain.places(fit), plain.drawn(fit), graph.order, cause, 400, lasting=True)
        for effect, path in paths.items():
            ours = found.sel(cause=cause, effect=effect)
            np.testing.assert_allclose(ours["multiplier"][settled], path[-1, settled], rtol=1e-9, atol=1e-9)
            for k in settled:
                outside = np.flatnonzero(np.abs(path[:, k] - path[-1, k]) > 0.1 * abs(path[-1, k]))
                wanted = np.nan if path[-1, k] == 0 else outside.max(initial=-1) + 1
                np.testing.assert_array_equal(ours["time_to_90"][k], wanted)


@given(systems, st.integers(0, 99))
@settings(deadline=None, max_examples=12)
def test_loops_and_their_gains_are_those_that_networkx_finds(graph: Graph, seed: int) -> None:
    fit = random_fit(graph, seed, 0.7)
    found, terms, draws = dynamics(fit), plain.places(fit), plain.drawn(fit)
    loops = plain.loops(terms)
    assert found.sizes["loop"] == len(loops) == len(set(found["loop"].to_numpy().tolist()))
    assert found["gain"].attrs["loops"] == "all"
    seen = set[frozenset[str]]()
    for at, loop in enumerate(found["loop"].to_numpy()):
        steps = loop.split(" -> ")
        stops = [step.split(" ")[0] for step in steps]
        on = frozenset(f"{cause} -> {step}" for cause, step in zip(stops, steps[1:], strict=False))
        seen.add(on)
        bare = np.prod([draws[name] for name in on], axis=0)
        np.testing.assert_allclose(found["bare_gain"][:, at], bare, rtol=1e-9)
        wanted = bare
        for node in loops[on]:
            own = {name: place for name, place in terms.items() if place[:2] == (node, node)}
            if own:
                lasts = plain.radii(own, draws, [node]) < 1
                wanted = np.where(lasts, wanted / (1 - sum(draws[name] for name in own)), np.nan)
        np.testing.assert_allclose(found["gain"][:, at], wanted, rtol=1e-9)
    assert seen == set(loops)


@given(systems, st.integers(0, 99))
@settings(deadline=None, max_examples=12)
def test_elasticities_are_the_slopes_that_small_changes_show(graph: Graph, seed: int) -> None:
    fit = random_fit(graph, seed, 0.8, draws=2)
    found, step, smooth = dynamics(fit), 1e-5, without_a_kink(fit)
    for name in [term.name for term in fit.model.system.terms]:
        up, down = (dynamics(with_effects(fit, {name: math.exp(by)})) for by in (step, -step))
        slope = (np.log(np.abs(up["gain"])) - np.log(np.abs(down["gain"]))) / (2 * step)
        both = slope.notnull() & found["gain"].notnull()
        ours = found["elasticity"].sel(term=name)
        np.testing.assert_allclose(ours.where(both), slope.where(both), rtol=1e-5, atol=1e-6)
        for k in smooth:
            slope_of_radius = float(np.log(up["radius"][k]) - np.log(down["radius"][k])) / (2 * step)
            ours = float(found["radius_elasticity"].sel(term=name)[k])
            np.testing.assert_allclose(ours, slope_of_radius, rtol=1e-4, atol=1e-5)


def without_a_kink(fit: Fit) -> list[int]:
    """The draws in which no other modulus comes close to the largest: where two meet the radius has a kink."""
    moduli = np.abs(np.linalg.eigvals(plain.states(plain.places(fit), plain.drawn(fit), fit.model.system.nodes)))
    top = moduli.max(axis=1, keepdims=True)
    next_ones = np.where(moduli < top * (1 - 1e-9), moduli, 0.0).max(axis=1)
    return [int(k) for k in np.flatnonzero((top[:, 0] > 0.05) & (next_ones < 0.98 * top[:, 0]))]


@given(systems, st.integers(0, 99))
@settings(deadline=None, max_examples=12)
def test_the_radius_elasticities_times_their_lags_add_up_to_one(graph: Graph, seed: int) -> None:
    fit = random_fit(graph, seed, 0.8)
    found = dynamics(fit)
    assume(bool((found["radius"] > 0.05).all()))
    lags = np.array([term.lag for term in fit.model.system.terms])
    np.testing.assert_allclose((found["radius_elasticity"] * lags).sum("term"), 1.0, rtol=1e-9)


# ---------------------------------------------------------------- against contrasts


@pytest.fixture(scope="module")
def loop() -> Fit:
    """The loop of four nodes with unmeasured common causes."""
    text = FOUR + "\ncorruption <-> illicit\nillicit <-> presence"
    return made_fit(graph_model(read_graph(text)), seed=5, draws=10)


def test_impulse_responses_are_contrasts_of_a_shift_over_one_period(loop: Fit) -> None:
    found = impulse_responses(loop, horizon=8)
    for cause in loop.model.system.nodes:
        for effect in loop.model.system.nodes:
            wanted = contrast(loop, [Shift(cause, 1, start=2003, stop=2003)], outcome=effect, horizon=2)
            ours = found.sel(cause=cause, effect=effect)
            np.testing.assert_allclose(ours, wanted.sel(time=slice(2003, None)), rtol=1e-9, atol=1e-9)


def test_the_multiplier_is_where_a_long_contrast_ends_and_the_sum_of_responses(loop: Fit) -> None:
    found = dynamics(loop, horizon=300)
    settled = np.flatnonzero(found["radius"] < 0.85)
    assert len(settled) > 10
    np.testing.assert_allclose(
        found["impulse_response"].sum("step").isel(draw=settled), found["multiplier"].isel(draw=settled), rtol=1e-9
    )
    for effect in loop.model.system.nodes:
        end = contrast(loop, [Shift("corruption", 1)], outcome=effect, horizon=300).isel(time=-1, draw=settled)
        ours = found["multiplier"].sel(cause="corruption", effect=effect).isel(draw=settled)
        np.testing.assert_allclose(ours, end, rtol=1e-9, atol=1e-12)


def test_a_road_through_an_unmeasured_node_counts_as_its_term() -> None:
    graph = read_graph("a -> hidden; hidden -> b [lag=1]; b -> a [lag=1]")
    fit = made_fit(made_model(graph, frame(("a", "b"), units=4, times=YEARS, seed=1)), seed=2, draws=5)
    found = dynamics(fit)
    assert found["loop"].to_numpy().tolist() == ["a -> b [lag=1] -> a [lag=1]"]
    wanted = fit.draws("effect").prod(axis=1)
    np.testing.assert_allclose(found["gain"].squeeze(), wanted, rtol=1e-9)


def test_a_lognormal_node_moves_in_logs() -> None:
    graph = read_graph("a [family=lognormal]\na -> b [lag=1]; b -> a [lag=1]; a -> a [lag=1]")
    rows = frame(("a", "b"), units=4, times=YEARS, seed=3)
    rows["a"] = np.exp(rows["a"] / 5)
    fit = made_fit(made_model(graph, rows), seed=4, draws=5)
    found = impulse_responses(fit, horizon=6)
    shift = [Shift("b", 1, start=2003, stop=2003)]
    moved = np.log(simulate(fit, shift)["a"]) - np.log(simulate(fit)["a"])
    wanted = moved.isel(unit=0).sel(time=slice(2003, None))
    np.testing.assert_allclose(found.sel(cause="b", effect="a"), wanted, rtol=1e-9, atol=1e-9)


# ---------------------------------------------------------------- across units


def some_weights(kind: str) -> Any:
    """Weights of five units: a ring, random rows that add up to 1, and such rows of which one is empty."""
    if kind == "ring":
        return ring(5)
    weights = np.random.default_rng(2).random((5, 5)) * (1.0 - np.eye(5))
    if kind == "one without neighbours":
        weights[4] = 0.0
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)


@pytest.mark.parametrize("kind", ["ring", "random", "one without neighbours"])
def test_units_that_act_on_one_another_are_one_system(kind: str) -> None:
    weights = some_weights(kind)
    fit = made_fit(graph_model(read_graph(LINKED), weights), draws=3, seed=3)
    found, terms, draws = dynamics(fit, horizon=8), plain.places(fit), plain.drawn(fit)
    nodes, order = list(fit.model.system.nodes), fit.model.graph.order
    np.testing.assert_allclose(found["radius"], plain.radii(terms, draws, nodes, weights), rtol=1e-9)
    assert (found["radius"] < 0.9).all()
    for cause in nodes:
        for effect, wanted in plain.response(terms, draws, order, cause, 8, weights).items():
            ours = found["impulse_response"].sel(cause=cause, effect=effect)
            np.testing.assert_allclose(ours.transpose("step", "draw"), wanted, rtol=1e-9, atol=1e-9)
        for effect, path in plain.response(terms, draws, order, cause, 400, weights, lasting=True).items():
            ours = found["multiplier"].sel(cause=cause, effect=effect)
            np.testing.assert_allclose(ours, path[-1], rtol=1e-9, atol=1e-9)
    for effect in nodes:
        wanted = contrast(fit, [Shift("a", 1, start=2003, stop=2003)], outcome=effect, horizon=2)
        ours = found["impulse_response"].sel(cause="a", effect=effect)
        np.testing.assert_allclose(ours, wanted.sel(time=slice(2003, None)), rtol=1e-9, atol=1e-9)
    assert found["loop"].to_numpy().tolist() == ["a -> b [lag=1] -> c -> a [lag=1]"]


def test_across_units_radius_elasticities_are_the_slopes_that_small_changes_show() -> None:
    fit = made_fit(graph_model(read_graph(LINKED), some_weights("random")), draws=3, seed=3)
    found, step = dynamics(fit), 1e-5
    assert (np.abs(found["radius_elasticity"].sel(term="b -> b [lag=1, across=near]")) > 1e-3).any()
    for name in [term.name for term in fit.model.system.terms]:
        up, down = (dynamics(with_effects(fit, {name: math.exp(by)}))["radius"] for by in (step, -step))
        ours = found["radius_elasticity"].sel(term=name)
        np.testing.assert_allclose(ours, (np.log(up) - np.log(down)) / (2 * step), rtol=1e-5, atol=1e-6)


def test_a_negative_eigenvalue_of_the_weights_can_be_the_one_that_explodes() -> None:
    # Two units that act on each other against their own memory: their difference grows, their mean decays.
    effects = {"y -> y [lag=1]": 0.7, "y -> y [lag=1, across=near]": -0.4}
    weights = np.array([[0.0, 1.0], [1.0, 0.0]])
    fit = made_fit(graph_model(read_graph("; ".join(effects)), weights), effects=effects, spread=0.0)
    found = dynamics(fit)
    np.testing.assert_allclose(found["radius"], 1.1, rtol=1e-12)
    np.testing.assert_allclose(found["impulse_response"].sel(step=2), 0.3**2, rtol=1e-9)
    assert found["multiplier"].isnull().all()


def test_weights_with_many_different_sums_are_refused_for_responses_only() -> None:
    weights = np.triu(np.random.default_rng(1).random((20, 20)), 1)
    names = [f"u{k}" for k in range(20)]
    table = pd.DataFrame(weights, index=names, columns=names)
    rows = frame(("y",), units=20, times=YEARS, seed=1)
    graph = read_graph("y -> y [lag=1]; y -> y [lag=1, across=near]")
    fit = made_fit(made_model(graph, rows, weights={"near": table}), draws=3)
    for ask in (dynamics, impulse_responses):
        with pytest.raises(CausalError, match="'near', whose rows have many different sums"):
            ask(fit)
    assert smallest_cut(fit)[0].edges == ()


# ---------------------------------------------------------------- cuts


def by_brute_force(fit: Fit, sure: float, weights: Any = None) -> list[tuple[tuple[str, ...], float]]:
    """What `smallest_cut` promises, every factor and every set tried on every draw."""
    terms, draws, nodes = plain.places(fit), plain.drawn(fit), list(fit.model.system.nodes)
    if np.mean(plain.radii(terms, draws, nodes, weights) < 1) >= sure:
        return [((), 1.0)]
    single, sets = plain.shares(terms, draws, nodes, weights)
    found: list[tuple[tuple[str, ...], float]] = []
    for name, share in single.items():
        good = next((k for k, p in enumerate(share) if p < sure), 100)
        if good:
            found.append(((name,), (good - 1) / 100))
    size = 2
    while not found and size <= 3:
        found = [(chosen, 0.0) for chosen, p in sets.items() if len(chosen) == size and p >= sure]
        size += 1
    return sorted(found, key=lambda each: (-each[1], each[0]))


def random_case(seed: int) -> tuple[Fit, float]:
    """Six of seven edges with strong effects of either sign in seven draws, and how sure to be."""
    generator = np.random.default_rng(seed)
    places = [("a", "b", 1), ("b", "c", 0), ("c", "a", 1), ("b", "a", 2), ("a", "a", 1), ("c", "c", 1), ("a", "d", 1)]
    chosen = [places[k] for k in generator.permutation(len(places))[:6]]
    graph = Graph(tuple(Node(name) for name in "abcd"), tuple(Edge(*place) for place in chosen))
    return random_fit(graph, seed, 1.8, draws=7), float(generator.choice([0.5, 0.7, 0.85]))


@pytest.mark.parametrize("seed", range(12))
def test_the_smallest_cut_is_that_of_brute_force_on_random_systems(seed: int) -> None:
    fit, sure = random_case(seed)
    found = smallest_cut(fit, sure=sure)
    assert in_order(found) == by_brute_force(fit, sure)
    for cutting in found:
        cut = dynamics(with_effects(fit, dict.fromkeys(cutting.edges, cutting.factor)))
        assert cutting.p_decays == pytest.approx(1 - cut.attrs["p_explosive"], abs=1e-12)
        assert cutting.p_decays >= sure
    assert all(left.factor >= right.factor for left, right in pairwise(found))


def in_order(found: tuple[Cutting, ...]) -> list[tuple[tuple[str, ...], float]]:
    """Edges and factors in the order of `by_brute_force`."""
    return sorted(((tuple(sorted(c.edges)), c.factor) for c in found), key=lambda each: (-each[1], each[0]))


def test_the_random_systems_meet_every_kind_of_answer() -> None:
    answers = [each for seed in range(12) for fit, sure in [random_case(seed)] for each in smallest_cut(fit, sure=sure)]
    kinds = {(len(each.edges), each.factor > 0) for each in answers}
    assert {(0, True), (1, True), (2, False)} <= kinds


@pytest.mark.parametrize("size", [1.2, 1.6])
def test_across_units_the_smallest_cut_is_that_of_brute_force(size: float) -> None:
    weights = some_weights("random")
    fit = made_fit(graph_model(read_graph(LINKED), weights), chains=1, draws=8, seed=3)
    effect = fit.posterior["effect"]
    posterior = fit.posterior.assign(
        effect=effect.copy(data=np.random.default_rng(1).uniform(-size, size, effect.shape))
    )
    fit = Fit(fit.model, xr.DataTree.from_dict({"posterior": posterior}), fit.convergence)
    found = in_order(smallest_cut(fit, sure=0.8))
    assert found == by_brute_force(fit, 0.8, weights)
    assert found != [((), 1.0)]


def test_a_single_loop_is_tamed_by_the_factor_that_takes_its_radius_below_one() -> None:
    effects = {"a -> b [lag=1]": 4.0, "b -> a [lag=1]": 0.5}
    found = smallest_cut(fitted(PAIR, effects, spread=0.0))
    # 4 * .5 * factor < 1.
    assert {(c.edges, c.factor, c.p_decays) for c in found} == {
        (("a -> b [lag=1]",), 0.49, 1.0),
        (("b -> a [lag=1]",), 0.49, 1.0),
    }


def test_two_loops_apart_need_two_cuts() -> None:
    effects = {"a -> a [lag=1]": 1.2, "b -> b [lag=1]": 1.1, "a -> b": 0.5}
    found = smallest_cut(fitted("; ".join(effects), effects, spread=0.0))
    assert found == (Cutting(("a -> a [lag=1]", "b -> b [lag=1]"), 0.0, 1.0),)
    assert smallest_cut(fitted("; ".join(effects), effects, spread=0.0), most=1) == ()


def test_a_weakened_edge_that_held_another_loop_in_check_is_no_mend() -> None:
    # The eigenvalues of [[.8, .6], [c, .8]] are .8 +- sqrt(.6 c): of modulus 1 at c = .2 / 3 and at c = -.6.
    effects = {"a -> a [lag=1]": 0.8, "b -> b [lag=1]": 0.8, "b -> a [lag=1]": 0.6, "a -> b [lag=1]": -0.9}
    found = {c.edges: c.factor for c in smallest_cut(fitted("; ".join(effects), effects, spread=0.0))}
    assert found[("a -> b [lag=1]",)] == 0.66
    # A memory of 1.1 that the loop holds in check, too hard: without the one or the other alone it explodes.
    effects = {"a -> a [lag=1]": 1.1, "a -> b": 1.0, "b -> a [lag=1]": -2.5}
    answers = smallest_cut(fitted("; ".join(effects), effects, spread=0.0))
    assert {frozenset(c.edges) for c in answers} == {
        frozenset({"a -> a [lag=1]", "a -> b"}),
        frozenset({"a -> a [lag=1]", "b -> a [lag=1]"}),
    }


def test_what_decays_already_needs_no_cut() -> None:
    fit = fitted("a -> a [lag=1]", {"a -> a [lag=1]": 0.97}, spread=0.01, draws=200)
    share = float((flat(fit, "a -> a") < 1).mean())
    assert 0.95 <= share < 1
    assert smallest_cut(fit) == (Cutting((), 1.0, share),)
    assert smallest_cut(fit, sure=1.0)[0].edges == ("a -> a [lag=1]",)
    assert smallest_cut(fitted("a -> b", {"a -> b": 3.0}, spread=0.0)) == (Cutting((), 1.0, 1.0),)


# ---------------------------------------------------------------- form and refusals


def test_the_dataset_says_what_its_variables_are(loop: Fit) -> None:
    found = dynamics(loop)
    assert found["draw"].to_numpy().tolist() == list(range(20))
    assert found["impulse_response"].dims == ("draw", "cause", "effect", "step")
    assert found["step"].to_numpy().tolist() == list(range(21))
    assert found["loop"].to_numpy().tolist() == [
        "corruption -> presence -> illicit [lag=1] -> revenue -> corruption [lag=1]"
    ]
    assert found["term"].to_numpy().tolist() == [term.name for term in loop.model.system.terms]
    for name in found.data_vars:
        assert found[name].attrs["long_name"], name
        assert found[name].attrs["units"], name


def test_draws_go_chain_after_chain(loop: Fit) -> None:
    wanted = loop.edge("corruption -> presence").transpose("chain", "draw").to_numpy().reshape(-1)
    ours = impulse_responses(loop, 0).sel(cause="corruption", effect="presence", step=0)
    np.testing.assert_allclose(ours, wanted, rtol=1e-12)


def test_a_dense_graph_keeps_the_shortest_loops() -> None:
    names = "abcdef"
    edges = tuple(Edge(one, other, 1) for one in names for other in names if one != other)
    fit = made_fit(graph_model(Graph(tuple(map(Node, names)), edges)), draws=2, chains=1)
    found = dynamics(fit)
    assert found.sizes["loop"] == MOST_LOOPS
    assert found["gain"].attrs["loops"] == f"the {MOST_LOOPS} shortest"
    lengths = [name.count("->") for name in found["loop"].to_numpy()]
    # Of six nodes 15 loops pass two, 40 three, 90 four, 144 five.
    assert [lengths.count(k) for k in (2, 3, 4, 5)] == [15, 40, 90, MOST_LOOPS - 145]


@pytest.mark.parametrize("ask", [dynamics, impulse_responses, smallest_cut])
def test_what_is_no_fit_of_one_linear_study_is_refused(ask: Any, loop: Fit) -> None:
    for nothing in (None, 5, loop.posterior, [loop]):
        with pytest.raises(CausalError, match="is no fit"):
            ask(nothing)
    graph = read_graph("a -> b [lag=1]; b -> a [lag=1]")
    tables = [frame(("a", "b"), units=4, times=times, seed=1) for times in (YEARS, range(2010, 2020))]
    panels = [Panel.from_frame(table, unit="unit", time="year") for table in tables]
    joint = build_model(graph, [Study(panels[0], name="one"), Study(panels[1], name="two")])
    with pytest.raises(CausalError, match=r"several studies.*fit\.study\('one'\)"):
        ask(JointFit(joint, xr.DataTree(), Convergence(1.0, 4000.0, 0.0, ())))
    rows = frame(("a", "b"), units=4, times=YEARS, seed=1)
    rows["b"] = (rows["b"] > rows["b"].mean()).astype(float)
    model = made_model(read_graph("b [family=bernoulli]\na -> b [lag=1]; b -> a [lag=1]"), rows)
    with pytest.raises(CausalError, match=r"Normal and lognormal nodes only: 'b' is bernoulli.*contrast"):
        ask(Fit(model, xr.DataTree(), Convergence(1.0, 4000.0, 0.0, ())))


@pytest.mark.parametrize("number", [-1, 1.5, True, None, "3", math.nan])
def test_a_horizon_that_is_no_whole_number_is_refused(loop: Fit, number: Any) -> None:
    for ask in (lambda: dynamics(loop, horizon=number), lambda: impulse_responses(loop, number)):
        with pytest.raises(CausalError, match=r"horizon is .*whole number, 0 or above"):
            ask()


@pytest.mark.parametrize("number", [0, 0.0, -0.1, 1.01, math.nan, True, None, "0.9"])
def test_a_probability_that_is_none_is_refused(loop: Fit, number: Any) -> None:
    with pytest.raises(CausalError, match="give a probability above 0, up to 1"):
        smallest_cut(loop, sure=number)


def test_all_that_is_wrong_is_told_at_once(loop: Fit) -> None:
    with pytest.raises(CausalError) as caught:
        smallest_cut(None, sure=2.0, most=0)  # type: ignore[arg-type]
    assert len(caught.value.faults) == 3
    with pytest.raises(CausalError) as caught:
        dynamics(5, horizon=-1)  # type: ignore[arg-type]
    assert len(caught.value.faults) == 2
    assert all(fault.mend for fault in caught.value.faults)
