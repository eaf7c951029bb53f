"""Worlds under interventions against a plain recursion, closed forms, dummy regressions and `pm.do`."""

from __future__ import annotations

import os
import tracemalloc
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_discrete_lyapunov

from causal.errors import CausalError
from causal.fit import Fit
from causal.graph import Graph
from causal.intervene import Cut, Intervention, ScaleEdge, Set, Shift
from causal.simulate import contrast, counterfactual, simulate
from causal.syntax import read_graph
from tests.oracle import across
from tests.oracle.loops import FOUR, TWO
from tests.oracle.worlds import frame, intervened, made_fit, made_model, same_draws, without_causes
from tests.strategies import graphs

NODES = ("corruption", "illicit", "presence", "revenue")
YEARS = range(2000, 2010)
LATENT = FOUR + "\ncorruption <-> illicit\nillicit <-> presence"

INTERVENTIONS: dict[str, list[Intervention]] = {
    "shift": [Shift("corruption", -1.5)],
    "shift from": [Shift("corruption", -1.5, start=2004)],
    "shift to": [Shift("presence", 2.0, stop=2006)],
    "shift between, some units": [Shift("illicit", 1.0, start=2003, stop=2005, units=["u1", "u3"])],
    "set": [Set("presence", 4.0)],
    "set between": [Set("presence", 4.0, start=2003, stop=2005)],
    "set, some units": [Set("illicit", -1.0, start=2002, units=["u0"])],
    "cut": [Cut("corruption -> presence", start=2004)],
    "cut, a self-lag": [Cut("presence -> presence [lag=1]", start=2003, stop=2007, units=["u2"])],
    "scale": [ScaleEdge("revenue -> corruption", 2.5, start=2003, stop=2006)],
    "scale, turned": [ScaleEdge("presence -> illicit [lag=1]", -1.0, units=["u0", "u2"])],
    "set before shift": [Set("presence", 4.0, start=2004), Shift("presence", 2.0, start=2003)],
    "shift before set": [Shift("presence", 2.0, start=2003), Set("presence", 4.0, start=2004)],
    "two sets, one after the other": [
        Set("presence", 4.0, start=2002, stop=2003),
        Set("presence", 1.0, start=2004, stop=2005),
    ],
    "two shifts": [Shift("revenue", 1.0, start=2002), Shift("revenue", -3.0, start=2004, units=["u1"])],
    "two scales": [ScaleEdge("illicit -> revenue", 2.0, start=2002), ScaleEdge("illicit -> revenue", 0.25, start=2005)],
    "scale and cut": [ScaleEdge("illicit -> revenue", 2.0, start=2002), Cut("illicit -> revenue", start=2005)],
    "an edge into a set node": [Cut("corruption -> presence"), Set("presence", 2.0, start=2004, stop=2006)],
    "all kinds": [
        Shift("corruption", -1.0, start=2003),
        Cut("corruption -> presence", start=2004, units=["u0", "u1"]),
        Set("illicit", 5.0, start=2006, stop=2007),
        ScaleEdge("revenue -> corruption", 0.5, stop=2006),
        Shift("presence", 0.7, units=["u3"]),
    ],
}


@pytest.fixture(scope="module", params=["complete", "with holes and late starts"])
def loop(request: pytest.FixtureRequest) -> Fit:
    """The loop of four nodes with correlated shocks, values far from zero."""
    rows = frame(NODES, units=4, times=YEARS, seed=3)
    if request.param != "complete":
        rows = ragged(rows)
    return made_fit(made_model(read_graph(LATENT), rows), seed=5)


def ragged(rows: pd.DataFrame) -> pd.DataFrame:
    """Holes in three columns; unit u1 starts two periods late, u2 ends one early."""
    rows = rows.copy()
    for unit, year, node in (
        ("u0", 2004, "corruption"),
        ("u3", 2007, "illicit"),
        ("u2", 2005, "revenue"),
        ("u0", 2005, "corruption"),
    ):
        rows.loc[(rows["unit"] == unit) & (rows["year"] == year), node] = np.nan
    rows.loc[(rows["unit"] == "u1") & (rows["year"] < 2002), "presence"] = np.nan
    rows.loc[(rows["unit"] == "u2") & (rows["year"] > 2008), "illicit"] = np.nan
    return rows


def assert_agrees(ours: Any, wanted: Any) -> None:
    """Equal to a millionth of the wanted one's sd."""
    found, known = np.asarray(ours), np.asarray(wanted)
    assert found.shape == known.shape
    assert np.abs(found - known).max() <= 1e-6 * known.std()


# ---------------------------------------------------------------- the recursion


@pytest.mark.parametrize("name", INTERVENTIONS)
def test_an_intervention_does_what_a_plain_recursion_does(loop: Fit, name: str) -> None:
    base = simulate(loop, horizon=3, seed=11)
    wanted = intervened(loop, base, INTERVENTIONS[name])
    world = simulate(loop, INTERVENTIONS[name], horizon=3, seed=11)
    for node in NODES:
        change = wanted[node] - base[node].to_numpy()
        assert_agrees(world[node], wanted[node])
        kept = contrast(loop, INTERVENTIONS[name], outcome=node, horizon=3, seed=11, by="unit")
        assert_agrees(kept, change)
        assert_agrees(contrast(loop, INTERVENTIONS[name], outcome=node, horizon=3, seed=11), change.mean(axis=1))


@pytest.mark.parametrize("name", INTERVENTIONS)
def test_a_contrast_is_one_world_minus_the_other_at_one_seed(loop: Fit, name: str) -> None:
    apart = (
        simulate(loop, INTERVENTIONS[name], horizon=2, seed=7)["illicit"] - simulate(loop, horizon=2, seed=7)["illicit"]
    )
    kept = contrast(loop, INTERVENTIONS[name], outcome="illicit", horizon=2, seed=7, by="unit")
    np.testing.assert_allclose(kept, apart, atol=1e-10, rtol=0)
    np.testing.assert_allclose(
        contrast(loop, INTERVENTIONS[name], outcome="illicit", horizon=2, seed=7),
        apart.mean("unit"),
        atol=1e-10,
        rtol=0,
    )


@given(graphs(min_nodes=2, max_nodes=4, max_lag=2, max_edges=7, max_latents=2, families=("normal",)), st.data())
@settings(deadline=None, max_examples=30)
def test_on_any_graph_the_worlds_are_those_of_the_plain_recursion(graph: Graph, data: st.DataObject) -> None:
    fit = made_fit(
        made_model(graph, frame(graph.names, units=3, times=range(8), seed=1)),
        draws=3,
        seed=data.draw(st.integers(0, 99)),
    )
    node, edge = (
        st.sampled_from(graph.names),
        st.sampled_from([edge.name for edge in graph.edges]) if graph.edges else None,
    )
    number, when = st.floats(-3, 3), st.tuples(st.integers(0, 5), st.integers(5, 9))
    kinds: list[st.SearchStrategy[Intervention]] = [
        st.builds(lambda what, value, period: Set(what, value, *period), node, number, when),
        st.builds(lambda what, value, period: Shift(what, value, *period, units=["u1"]), node, number, when),
    ]
    if edge is not None:
        kinds += [
            st.builds(lambda what, period: Cut(what, *period), edge, when),
            st.builds(
                lambda what, value, period: ScaleEdge(what, value, *period, units=["u2", "u0"]), edge, number, when
            ),
        ]
    # Two that hold one node contradict each other.
    interventions = data.draw(
        st.lists(st.one_of(kinds), max_size=3, unique_by=lambda item: item.node if isinstance(item, Set) else id(item))
    )
    world, base = simulate(fit, interventions, horizon=2, seed=2), simulate(fit, horizon=2, seed=2)
    for name, wanted in intervened(fit, base, interventions).items():
        np.testing.assert_allclose(world[name], wanted, rtol=1e-9, atol=1e-9)


def test_a_shift_at_once_moves_the_effect_by_the_edge_in_every_draw_chain_after_chain(loop: Fit) -> None:
    found = contrast(loop, Shift("corruption", 2.0, start=2005, stop=2005), outcome="presence")
    assert found.dims == ("draw", "time")
    assert found.dtype == np.float64
    assert found["draw"].to_numpy().tolist() == list(range(100))
    wanted = 2.0 * loop.edge("corruption -> presence").transpose("chain", "draw").to_numpy().reshape(-1)
    np.testing.assert_allclose(found.sel(time=2005), wanted, rtol=1e-12)
    np.testing.assert_allclose(
        found.sel(time=2006), wanted * loop.edge("presence -> presence").to_numpy().reshape(-1) + cross(loop), rtol=1e-9
    )


def cross(fit: Fit) -> Any:
    """Presence one year after corruption was shifted by 2, by way of corruption's memory."""
    own, onward = fit.edge("corruption -> corruption"), fit.edge("corruption -> presence")
    return (2.0 * own * onward).to_numpy().reshape(-1)


def test_a_shift_accumulates_through_the_self_lag() -> None:
    fit = made_fit(
        made_model(read_graph("a -> a [lag=1]"), frame(("a",), units=3, times=YEARS, seed=1)),
        effects={"a -> a [lag=1]": 0.5},
        spread=0.0,
    )
    found = contrast(fit, Shift("a", 1.0, start=2004), outcome="a")
    np.testing.assert_allclose(
        found.isel(draw=0).sel(time=slice(2004, None)), 2.0 * (1 - 0.5 ** np.arange(1, 7)), rtol=1e-12
    )
    assert (found.sel(time=slice(None, 2003)) == 0.0).all()


def test_a_held_node_stands_exactly_at_its_natural_value(loop: Fit) -> None:
    world = simulate(loop, Set("presence", 0.1, start=2003, stop=2005, units=["u0", "u2"]), seed=1)["presence"]
    assert (world.sel(unit=["u0", "u2"], time=slice(2003, 2005)) == 0.1).all()
    assert not (world.sel(unit=["u1", "u3"]) == 0.1).any()
    assert not (world.sel(time=[2002, 2006]) == 0.1).any()


@pytest.mark.parametrize(
    "nothing",
    [
        [],
        Shift("corruption", 0.0),
        Shift("corruption", 0.0, start=2003, stop=2004, units=["u1"]),
        ScaleEdge("presence -> illicit", 1.0),
        [ScaleEdge("presence -> illicit", 2.0), ScaleEdge("presence -> illicit", 0.5)],
        [Shift("presence", 1.0), Shift("presence", -1.0)],
    ],
)
def test_what_changes_nothing_gives_exactly_zero(loop: Fit, nothing: Any) -> None:
    for node in NODES:
        assert (contrast(loop, nothing, outcome=node, horizon=2, seed=4) == 0.0).all()
        assert (contrast(loop, nothing, outcome=node, horizon=2, seed=4, by="unit") == 0.0).all()
    assert simulate(loop, nothing, seed=4).equals(simulate(loop, seed=4))


def test_shifts_add_up_and_scale(loop: Fit) -> None:
    one, other = Shift("corruption", -1.0, start=2003), Shift("illicit", 0.5, stop=2006, units=["u1"])
    alone = contrast(loop, one, outcome="revenue") + contrast(loop, other, outcome="revenue")
    np.testing.assert_allclose(contrast(loop, [other, one], outcome="revenue"), alone, atol=1e-12)
    thrice = contrast(loop, Shift("corruption", -3.0, start=2003), outcome="revenue")
    np.testing.assert_allclose(thrice, 3.0 * contrast(loop, one, outcome="revenue"), atol=1e-12)


@pytest.mark.parametrize("name", INTERVENTIONS)
def test_the_order_in_which_interventions_are_named_does_not_matter(loop: Fit, name: str) -> None:
    turned = contrast(loop, INTERVENTIONS[name][::-1], outcome="presence", seed=3)
    there = contrast(loop, INTERVENTIONS[name], outcome="presence", seed=3)
    np.testing.assert_allclose(turned, there, atol=1e-12, rtol=0)


def test_a_cut_is_a_scale_of_zero_and_scales_multiply(loop: Fit) -> None:
    edge = "corruption -> presence"
    assert contrast(loop, Cut(edge, start=2002), outcome="illicit").identical(
        contrast(loop, ScaleEdge(edge, 0.0, start=2002), outcome="illicit")
    )
    twice = contrast(loop, [ScaleEdge(edge, 3.0), ScaleEdge(edge, 0.5)], outcome="illicit")
    np.testing.assert_allclose(twice, contrast(loop, ScaleEdge(edge, 1.5), outcome="illicit"), atol=1e-12)


def test_an_edge_on_a_longer_road_scales_what_the_road_carries() -> None:
    graph = read_graph("a -> hidden\nhidden -> b [lag=1]\na -> a [lag=1]")
    fit = made_fit(made_model(graph, frame(("a", "b"), units=4, times=YEARS, seed=1)))
    base = simulate(fit, seed=1)
    road = fit.posterior["effect"].sel(edge="a -> b [lag=1]").to_numpy().reshape(-1, 1) / fit.model.on_standard_scale(
        "a -> b [lag=1]"
    )
    for edge in ("a -> hidden", "hidden -> b"):
        found = contrast(fit, ScaleEdge(edge, 0.25, start=2005, stop=2005), outcome="b", seed=1, by="unit").sel(
            time=2005
        )
        np.testing.assert_allclose(found, -0.75 * road * base["a"].sel(time=2004).to_numpy(), rtol=1e-9)


def test_the_text_form_does_what_the_records_do(loop: Fit) -> None:
    text = (
        "shift corruption -1 from 2003; cut corruption -> presence in u0, u1 from 2004; set illicit 5 from 2006 to 2007"
    )
    records = [
        Shift("corruption", -1.0, start=2003),
        Cut("corruption -> presence", start=2004, units=["u0", "u1"]),
        Set("illicit", 5.0, start=2006, stop=2007),
    ]
    assert contrast(loop, text, outcome="revenue", seed=2).identical(contrast(loop, records, outcome="revenue", seed=2))


# ---------------------------------------------------------------- what stays as it was


def test_only_the_named_units_change(loop: Fit) -> None:
    for item in (
        Shift("presence", 1.0, units=["u1"]),
        Set("presence", 1.0, units=["u1"]),
        Cut("corruption -> presence", units=["u1"]),
    ):
        found = contrast(loop, item, outcome="presence", by="unit")
        assert found.dims == ("draw", "unit", "time")
        assert found["unit"].to_numpy().tolist() == ["u0", "u1", "u2", "u3"]
        assert (found.sel(unit=["u0", "u2", "u3"]) == 0.0).all()
        assert (found.sel(unit="u1") != 0.0).any()
        np.testing.assert_allclose(contrast(loop, item, outcome="presence"), found.mean("unit"), atol=1e-14)


@pytest.mark.parametrize("item", [Shift("b", 1.0), Set("b", 1.0), Cut("a -> b"), ScaleEdge("c -> b", 3.0)])
def test_nodes_that_do_not_descend_from_the_intervention_keep_every_bit(item: Intervention) -> None:
    graph = read_graph("a -> b [lag=1]\nc -> b\nb -> d [lag=1]\nb -> b [lag=1]\na -> a [lag=1]\na <-> b\nc <-> d")
    fit = made_fit(made_model(graph, frame(graph.names, units=4, times=YEARS, seed=1)))
    world, base = simulate(fit, item, horizon=3, seed=9), simulate(fit, horizon=3, seed=9)
    assert world[["a", "c"]].equals(base[["a", "c"]])
    assert (world["d"] != base["d"]).any()


def test_before_an_intervention_starts_every_bit_is_kept(loop: Fit) -> None:
    base = simulate(loop, seed=9)
    for item in (
        Shift("corruption", 1.0, start=2005),
        Set("presence", 1.0, start=2005),
        Cut("corruption -> presence", start=2005),
    ):
        assert simulate(loop, item, seed=9).sel(time=slice(None, 2004)).equals(base.sel(time=slice(None, 2004)))


def test_one_seed_gives_one_world_and_another_seed_another(loop: Fit) -> None:
    assert simulate(loop, seed=1).identical(simulate(loop, seed=1))
    assert not np.allclose(simulate(loop, seed=1)["illicit"], simulate(loop, seed=2)["illicit"])


def test_shocks_differ_between_draws_units_times_and_nodes(loop: Fit) -> None:
    world = simulate(same_draws(loop, 600), horizon=2, seed=1)
    values = world["illicit"].isel(time=-1)
    assert len(np.unique(values)) == values.size
    standardised = (world - world.mean("draw")) / world.std("draw")
    # Fresh shocks for every block of draws: no two draws move together.
    moves = np.concatenate([standardised[node].to_numpy().reshape(600, -1) for node in NODES], axis=1)
    moves = moves[:, moves.std(axis=0) > 0]
    apart = np.corrcoef(moves)[np.triu_indices(600, k=1)]
    assert np.abs(apart).max() < 0.9


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = made_fit(made_model(read_graph(LATENT), frame(NODES, units=40, times=YEARS, seed=3)), draws=400)
    found: list[xr.Dataset] = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
        found.append(simulate(fit, INTERVENTIONS["set between"], seed=1))
    assert all(one.identical(other) for one, other in pairwise(found))


def test_a_draw_is_worked_out_alike_whatever_the_outcome_and_the_horizon(loop: Fit) -> None:
    longer = contrast(loop, INTERVENTIONS["all kinds"], outcome="illicit", horizon=5, seed=1)
    shorter = contrast(loop, INTERVENTIONS["all kinds"], outcome="illicit", seed=1)
    assert longer.sel(time=slice(None, 2009)).identical(shorter)


# ---------------------------------------------------------------- the world without intervention


def test_until_a_unit_is_modelled_its_observed_values_are_replayed(loop: Fit) -> None:
    world = simulate(loop, seed=1)
    values = loop.model.study.values(loop.model.graph)
    late = bool(values.isnull().any())
    for unit in ("u0", "u1", "u2", "u3"):
        # One period of the past is needed; u1 has its first whole one in 2002.
        first = 2002 if late and unit == "u1" else 2000
        for node in NODES:
            replayed = world[node].sel(unit=unit, time=slice(2000, first))
            observed = values.sel(variable=node, unit=unit, time=slice(2000, first))
            known = observed.notnull().to_numpy()
            np.testing.assert_allclose(
                replayed.to_numpy()[:, known],
                np.broadcast_to(observed.to_numpy()[known], (100, known.sum())),
                rtol=1e-12,
            )
            assert (world[node].sel(unit=unit, time=first + 1).std("draw") > 0.01).all()


def test_without_intervention_the_world_has_the_models_stationary_mean_and_covariance() -> None:
    rows = frame(("x", "y"), units=10, times=range(12), seed=2)
    model = made_model(read_graph(TWO + "x -> y\nx <-> y"), rows, year_effects=False)
    effects = {
        "x -> x [lag=1]": 0.6,
        "y -> y [lag=1]": 0.4,
        "x -> y [lag=1]": -0.3,
        "y -> x [lag=1]": 0.2,
        "x -> y": 0.5,
    }
    size = 4000
    fit = same_draws(made_fit(model, effects=effects, spread=0.0, shock_sd=(1.0, 0.7)), size)
    now, past = np.array([[0.0, 0.0], [0.5, 0.0]]), np.array([[0.6, 0.2], [-0.3, 0.4]])
    loading = np.eye(2)
    (row, column), value = model.loadings[0], float(fit.posterior["shock_loading"][0, 0, 0])
    # Loadings are of standardised shocks.
    loading[row, column] = -value * model.design.scales[row] / model.design.scales[column]
    mixed = np.linalg.inv(loading)
    shocks = mixed @ np.diag([1.0, 0.49]) @ mixed.T
    solved = np.linalg.inv(np.eye(2) - now)
    step = solved @ past
    stationary = solve_discrete_lyapunov(step, solved @ shocks @ solved.T)
    observed = np.stack([rows[name].to_numpy().reshape(10, 12) for name in ("x", "y")])
    residual = (
        np.einsum("vw,wit->vit", np.eye(2) - now, observed)[:, :, 1:]
        - np.einsum("vw,wit->vit", past, observed)[:, :, :-1]
    )
    long_run = np.linalg.inv(np.eye(2) - now - past)
    mean = long_run @ residual.mean(axis=2)
    covariance = stationary + long_run @ (shocks / 11) @ long_run.T

    world = simulate(fit, horizon=80, seed=1).isel(time=-1)
    found = np.stack([world[name].to_numpy() for name in ("x", "y")])
    errors = np.sqrt(np.diag(covariance) / size)[:, None]
    assert np.abs((found.mean(axis=1) - mean) / errors).max() < 4.0
    moves = (found - mean[:, None]).reshape(2, -1)
    sampled = moves @ moves.T / moves.shape[1]
    error = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / moves.shape[1])
    assert np.abs((sampled - covariance) / error).max() < 4.0


def dummies(cells: list[tuple[int, int]], units: int, times: int) -> Any:
    """One row a cell (unit, time): dummies of units and of times."""
    out = np.zeros((len(cells), units + times))
    for row, (unit, time) in enumerate(cells):
        out[row, unit] = out[row, units + time] = 1.0
    return out


def spans(late: bool) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Cells in the fit, and cells that the worlds model: u1 starts two periods late, u2 ends one early."""
    fitted, modelled = [], []
    for unit in range(4):
        first = 3 if late and unit == 1 else 1
        stop = 9 if late and unit == 2 else 10
        fitted += [(unit, time) for time in range(first, stop)]
        modelled += [(unit, time) for time in range(first, 10)]
    return fitted, modelled


def completed(fit: Fit) -> dict[str, Any]:
    """The panel (draw, unit, time) with each draw's missing values in their places."""
    design, values = fit.model.design, fit.model.study.values(fit.model.graph)
    size = fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"]
    out = {node: np.repeat(values.sel(variable=node).to_numpy()[None], size, axis=0) for node in fit.model.system.nodes}
    if "missing" in fit.posterior:
        missing = fit.posterior["missing"].to_numpy().reshape(size, -1)
        for hole, (node, unit, time) in enumerate(design.holes.T):
            name = fit.model.system.nodes[node]
            assert np.isnan(out[name][:, unit, time]).all()
            out[name][:, unit, time] = missing[:, hole] * design.scales[node] + design.centres[node]
    return out


def test_unit_and_year_effects_lie_around_the_dummy_regression_of_each_draw(loop: Fit) -> None:
    # With shocks of no size, what the equations leave is the fitted value of the dummies, draw by draw.
    quiet = Fit(loop.model, loop.data.copy(), loop.convergence)
    quiet.posterior["shock_sd"][:] = 1e-11
    late = bool(loop.model.design.holes.shape[1])
    fitted, modelled = spans(late)
    left = without_causes(quiet, completed(quiet))
    found = without_causes(quiet, simulate(quiet, seed=1))
    inside, outside = dummies(fitted, 4, 10), dummies(modelled, 4, 10)
    for node in NODES:
        target = np.stack([left[node][:, unit, time] for unit, time in fitted])
        wanted = outside @ np.linalg.lstsq(inside, target, rcond=None)[0]
        assert_agrees(np.stack([found[node][:, unit, time] for unit, time in modelled]), wanted)


def test_unit_and_year_effects_vary_as_the_dummies_coefficients_do(loop: Fit) -> None:
    size = 12_000
    fit = same_draws(loop, size)
    late = bool(loop.model.design.holes.shape[1])
    fitted, modelled = spans(late)
    left = without_causes(same_draws(loop, 1), completed(same_draws(loop, 1)))
    found = without_causes(fit, simulate(fit, seed=2))
    inside, outside = dummies(fitted, 4, 10), dummies(modelled, 4, 10)
    cells = outside @ np.linalg.pinv(inside.T @ inside) @ outside.T + np.eye(len(modelled))
    shocks = shock_covariance(loop)
    pair = [0, 1]
    wanted = np.kron(shocks[np.ix_(pair, pair)], cells)
    mean = np.concatenate(
        [
            outside
            @ np.linalg.lstsq(inside, np.array([left[NODES[k]][0, unit, time] for unit, time in fitted]), rcond=None)[0]
            for k in pair
        ]
    )
    values = np.concatenate([np.stack([found[NODES[k]][:, unit, time] for unit, time in modelled]) for k in pair])
    assert np.abs((values.mean(axis=1) - mean) / np.sqrt(np.diag(wanted) / size)).max() < 4.5
    moves = values - mean[:, None]
    sampled = moves @ moves.T / size
    error = np.sqrt((np.outer(np.diag(wanted), np.diag(wanted)) + wanted**2) / size)
    assert np.abs((sampled - wanted) / error).max() < 5.0


def shock_covariance(fit: Fit) -> Any:
    """The first draw's covariance of the shocks within a period, natural units, nodes in the system's order."""
    size, scales = len(fit.model.system.nodes), fit.model.design.scales
    loading = np.eye(size)
    for k, (row, column) in enumerate(fit.model.loadings):
        loading[row, column] = -float(fit.posterior["shock_loading"][0, 0, k])
    mixed = np.diag(scales) @ np.linalg.inv(loading) @ np.diag(fit.posterior["shock_sd"][0, 0].to_numpy())
    return mixed @ mixed.T


def test_after_the_panel_year_effects_are_at_their_average() -> None:
    model = made_model(read_graph("x -> x [lag=1]"), frame(("x",), units=5, times=range(9), seed=4))
    fit = made_fit(model, effects={"x -> x [lag=1]": 0.5}, spread=0.0, shock_sd=1e-11, draws=2)
    left = without_causes(fit, simulate(fit, horizon=3, seed=1))["x"]
    np.testing.assert_allclose(
        left[:, :, 9:], np.repeat(left[:, :, 1:9].mean(axis=2, keepdims=True), 3, axis=2), rtol=1e-9
    )


# ---------------------------------------------------------------- coordinates


def fit_of(times: Any) -> Fit:
    rows = frame(("a",), units=3, times=list(times), seed=1)
    return made_fit(made_model(read_graph("a -> a [lag=1]"), rows), draws=2)


@pytest.mark.parametrize(
    ("times", "later"),
    [
        (range(2000, 2006), [2006, 2007]),
        (range(1996, 2008, 2), [2008, 2010]),
        (pd.date_range("2001-01-01", periods=5, freq="D"), pd.date_range("2001-01-06", periods=2, freq="D")),
        (pd.date_range("2001-01-31", periods=5, freq="ME"), pd.date_range("2001-06-30", periods=2, freq="ME")),
        (pd.date_range("2001-01-01", periods=6, freq="YS"), pd.date_range("2007-01-01", periods=2, freq="YS")),
        (pd.date_range("2001-12-31", periods=6, freq="YE"), pd.date_range("2007-12-31", periods=2, freq="YE")),
        (["a1", "a2", "a3", "a4"], ["a4+1", "a4+2"]),
        (pd.period_range("2001", periods=5, freq="Y"), pd.period_range("2006", periods=2, freq="Y")),
        ([0.5, 1.0, 1.5, 2.0], [2.5, 3.0]),
    ],
)
def test_the_horizon_goes_on_as_the_panels_times_do(times: Any, later: Any) -> None:
    fit = fit_of(times)
    world = simulate(fit, horizon=2)
    panel = fit.model.study.panel.times
    assert list(world["time"].to_numpy()) == [*panel, *pd.Index(later).to_numpy()]
    if panel.dtype.kind in "iMf":
        assert world["time"].dtype == panel.dtype
    start = world["time"].to_numpy()[-2]
    for bound in (start, str(start)):
        found = contrast(fit, Shift("a", 1.0, start=bound), outcome="a", horizon=2)
        np.testing.assert_allclose(found[:, -2], 1.0)
        assert (found[:, :-2] == 0.0).all()


def test_dates_may_be_given_in_any_of_their_forms() -> None:
    fit = fit_of(pd.date_range("2001-01-01", periods=6, freq="YS"))
    wanted = contrast(fit, Shift("a", 1.0, start=np.datetime64("2003-01-01")), outcome="a")
    for start in ("2003-01-01", 2003, pd.Timestamp("2003-01-01"), np.datetime64("2003")):
        assert contrast(fit, Shift("a", 1.0, start=start), outcome="a").identical(wanted)
    assert contrast(fit, "shift a 1 from 2003", outcome="a").identical(wanted)


def test_units_and_times_keep_their_values_and_types() -> None:
    rows = frame(("a",), units=3, times=range(2000, 2006), seed=1)
    rows["unit"] = rows["unit"].map({"u0": 10, "u1": 7, "u2": 9})
    fit = made_fit(made_model(read_graph("a -> a [lag=1]"), rows), draws=2)
    found = contrast(fit, Shift("a", 1.0, units=[7]), outcome="a", by="unit")
    assert found["unit"].to_numpy().tolist() == [7, 9, 10]
    assert found["unit"].dtype.kind == found["time"].dtype.kind == "i"
    assert (found.sel(unit=[9, 10]) == 0.0).all()
    assert found.identical(contrast(fit, "shift a 1 in 7", outcome="a", by="unit"))
    assert found.name == "a"


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("item", "part"),
    [
        (Shift("corruptoin", 1.0), "did you mean 'corruption'"),
        (Set("price", 1.0), "not measured by this study"),
        (Shift("corruption", 1.0, units=["u9"]), "no unit 'u9'"),
        (Shift("corruption", 1.0, start=1990), "start 1990 is no time"),
        (Shift("corruption", 1.0, stop=2011), "stop 2011 is no time"),
        (Shift("corruption", 1.0, start=2003.5), "start 2003.5 is no time"),
        (Cut("corruption -> revenue"), "no such edge"),
        (Cut("presence -> price"), "none of this study's equations"),
        (ScaleEdge("presence -> aid", 2.0), "shares its term"),
    ],
)
def test_what_a_fit_cannot_carry_out_is_refused(item: Intervention, part: str) -> None:
    graph = read_graph(FOUR + "presence -> price\npresence -> aid [lag=1]\naid -> illicit")
    fit = made_fit(made_model(graph, frame(NODES, units=4, times=YEARS, seed=3)), draws=2)
    with pytest.raises(CausalError, match=part):
        simulate(fit, item)
    with pytest.raises(CausalError, match=part):
        contrast(fit, item, outcome="illicit")


def test_everything_wrong_is_told_at_once(loop: Fit) -> None:
    given_ = [
        Set("presense", 1.0, start=1900, stop=2050, units=["zz"]),
        Cut("a -> b"),
        Shift("revenue", 1.0, units=["u0", "yy"]),
    ]
    with pytest.raises(CausalError) as caught:
        contrast(loop, given_, outcome="nothing")
    text = str(caught.value)
    assert all(part in text for part in ("'nothing'", "'presense'", "1900", "2050", "'zz'", "'a'", "'b'", "'yy'"))


@pytest.mark.parametrize("outcome", ["illict", "", None, 3])
def test_an_outcome_that_is_no_measured_node_is_refused(loop: Fit, outcome: Any) -> None:
    with pytest.raises(CausalError, match="outcome"):
        contrast(loop, [], outcome=outcome)


@pytest.mark.parametrize("number", [-1, 1.5, True, None, "1"])
def test_a_horizon_or_seed_that_is_no_whole_number_is_refused(loop: Fit, number: Any) -> None:
    with pytest.raises(CausalError) as caught:
        simulate(loop, horizon=number, seed=number)
    assert len(caught.value.faults) == 2
    with pytest.raises(CausalError):
        contrast(loop, [], outcome="illicit", horizon=number)


def test_other_wrong_types_are_refused(loop: Fit) -> None:
    wrong: Any = "draw"
    with pytest.raises(CausalError, match="by="):
        contrast(loop, [], outcome="illicit", by=wrong)
    with pytest.raises(CausalError, match="no fit"):
        contrast(wrong, [], outcome="illicit")
    with pytest.raises(CausalError, match="no fit"):
        simulate(wrong)
    with pytest.raises(CausalError, match="no intervention"):
        simulate(loop, [wrong])


# ---------------------------------------------------------------- against others, and at size


@pytest.mark.slow
def test_the_paths_are_those_of_pm_do_on_the_unrolled_model() -> None:
    import pymc as pm

    times, units = 5, 3
    rows = frame(("x", "y"), units=units, times=range(times), seed=6)
    fit = made_fit(made_model(read_graph(TWO + "x -> y"), rows), draws=20)
    base = simulate(fit, seed=1)
    free = without_causes(fit, base)
    b = {term.name: fit.edge(term.name).to_numpy().reshape(-1, 1) for term in fit.model.system.terms}
    size = base.sizes["draw"]
    with pm.Model() as unrolled:
        shocks = pm.Normal("shocks", shape=(2, times, size, units))
        x = [pm.Deterministic("x_0", shocks[0, 0])]
        y = [pm.Deterministic("y_0", shocks[1, 0])]
        for t in range(1, times):
            now = pm.Deterministic(
                f"x_{t}", shocks[0, t] + b["x -> x [lag=1]"] * x[t - 1] + b["y -> x [lag=1]"] * y[t - 1]
            )
            then = b["y -> y [lag=1]"] * y[t - 1] + b["x -> y [lag=1]"] * x[t - 1] + b["x -> y"] * now
            x.append(now)
            y.append(pm.Deterministic(f"y_{t}", shocks[1, t] + then))
    # The first period is given; later ones get the shocks of our world.
    given_ = np.stack([np.moveaxis(free[node], 2, 0) for node in ("x", "y")])
    given_[:, 0] = [base["x"].isel(time=0), base["y"].isel(time=0)]
    for interventions in ({"x": {2: 7.0}}, {"x": {2: 7.0, 3: 7.0}, "y": {4: -1.0}}, {"y": {1: 0.5, 2: 0.5, 3: 0.5}}):
        held = {
            f"{node}_{t}": np.full((size, units), value)
            for node, when in interventions.items()
            for t, value in when.items()
        }
        done = pm.do(unrolled, {"shocks": given_, **held})
        theirs = pm.draw([done[f"{node}_{t}"] for node in ("x", "y") for t in range(times)])
        ours = simulate(
            fit,
            [Set(node, value, start=t, stop=t) for node, when in interventions.items() for t, value in when.items()],
            seed=1,
        )
        wanted = np.stack(theirs).reshape(2, times, size, units)
        for k, node in enumerate(("x", "y")):
            np.testing.assert_allclose(np.moveaxis(ours[node].to_numpy(), 2, 0), wanted[k], rtol=1e-9, atol=1e-9)


@pytest.mark.slow
def test_a_contrast_of_a_thousand_units_stays_under_two_gigabytes() -> None:
    # What is allocated here, not a process's peak: a child process starts its record at the peak of its parent.
    tracemalloc.start()
    try:
        panel = frame(NODES, units=1000, times=range(42), seed=1)
        fit = made_fit(made_model(read_graph(FOUR), panel), chains=4, draws=1000)
        found = contrast(fit, Set("presence", 1.0, start=20, stop=25), outcome="illicit", seed=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.shape == (4000, 42)
    assert found.nbytes < peak < 2 * 1024**3


# ------------------------------------------------------------------------------------------ effects across units

DISPLACED = """
a -> b [lag=1]
a -> b [lag=2, across=near]
b -> b [lag=1]
b -> b [lag=1, across=near]
b -> a
c -> a [lag=1]
b -> c [lag=1, across=near]
"""
LOOPED: dict[str, list[Intervention]] = {
    "shift of one unit": [Shift("a", 1.5, start=2004, units=["u1"])],
    "set of one unit": [Set("b", 7.0, start=2004, stop=2005, units=["u2"])],
    "cut of what reaches one unit": [Cut("b -> b [lag=1, across=near]", start=2004, units=["u0"])],
    "scale, with a shift": [ScaleEdge("a -> b [lag=2, across=near]", -2.0), Shift("c", 1.0, units=["u3"])],
}


@pytest.fixture(scope="module")
def linked() -> tuple[Fit, Any]:
    """Five units under directed weights, the last without neighbours."""
    weights = np.random.default_rng(2).random((5, 5)) * (1.0 - np.eye(5))
    weights[4] = 0.0
    names = [f"u{k}" for k in range(5)]
    table = pd.DataFrame(weights, index=names, columns=names)
    total = weights.sum(axis=1, keepdims=True)
    rows = frame(("a", "b", "c"), units=5, times=range(2000, 2008), seed=5)
    fit = made_fit(made_model(read_graph(DISPLACED), rows, weights={"near": table}), draws=6, seed=3)
    return fit, weights / np.where(total > 0, total, 1.0)


@pytest.mark.parametrize("name", LOOPED)
def test_what_is_done_to_one_unit_reaches_the_others_as_in_a_plain_recursion(
    linked: tuple[Fit, Any], name: str
) -> None:
    fit, weights = linked
    base = simulate(fit, horizon=3, seed=1)
    wanted = intervened(fit, base, LOOPED[name], weights)
    world = simulate(fit, LOOPED[name], horizon=3, seed=1)
    for node in ("a", "b", "c"):
        assert_agrees(world[node], wanted[node])
        change = wanted[node] - base[node].to_numpy()
        assert_agrees(contrast(fit, LOOPED[name], outcome=node, horizon=3, seed=1, by="unit"), change)


def test_across_units_the_levels_lie_around_the_dummy_regression(linked: tuple[Fit, Any]) -> None:
    fit, weights = linked
    many = same_draws(fit, 4000)
    world = simulate(many, seed=4)
    observed = fit.model.study.panel.data
    cells = [(i, t) for i in range(5) for t in range(2, 8)]
    columns = dummies(cells, 5, 8)
    at = tuple(np.array(cells).T)
    for node in fit.model.system.nodes:
        left = {"drawn": world[node].to_numpy().copy(), "seen": observed[node].to_numpy()[None].copy()}
        for term in fit.model.system.terms:
            if term.effect != node:
                continue
            b = float(many.edge(term.name).to_numpy().ravel()[0])
            for name, source in (("drawn", world), ("seen", observed)):
                values = source[term.cause].to_numpy()
                values = values[None] if name == "seen" else values
                felt = values if term.across is None else np.einsum("ij,djt->dit", weights, values)
                left[name][:, :, term.lag :] -= b * felt[:, :, : felt.shape[2] - term.lag]
        wanted = columns @ np.linalg.pinv(columns) @ left["seen"][0][at]
        drawn = left["drawn"][:, at[0], at[1]]
        error = drawn.std(axis=0) / len(drawn) ** 0.5
        assert np.abs((drawn.mean(axis=0) - wanted) / error).max() < 4.5


def test_on_a_ring_a_shift_spreads_as_the_closed_form_says() -> None:
    units, own, near = 8, 0.5, 0.4
    rows = frame(("y",), units=units, times=range(2000, 2006), seed=6)
    names = [f"u{k}" for k in range(units)]
    table = pd.DataFrame(across.ring(units), index=names, columns=names)
    graph = read_graph("y -> y [lag=1]; y -> y [lag=1, across=near]")
    effects = {"y -> y [lag=1]": own, "y -> y [lag=1, across=near]": near}
    fit = made_fit(made_model(graph, rows, weights={"near": table}), effects=effects, spread=0.0, draws=2)
    found = contrast(fit, Shift("y", 3.0, start=2002, stop=2002, units=["u0"]), outcome="y", horizon=4, by="unit")
    # (own + near (S + S') / 2)^h on a ring: by its Fourier modes.
    angle = 2 * np.pi * np.arange(units) / units
    for h in range(8):
        wanted = [3.0 * np.mean((own + near * np.cos(angle)) ** h * np.cos(angle * k)) for k in range(units)]
        np.testing.assert_allclose(found.isel(draw=0, time=2 + h), wanted, atol=1e-9)
    assert not found.isel(time=slice(0, 2)).any()


def test_the_replay_of_a_unit_begins_and_ends_with_its_span() -> None:
    rows = ragged(frame(NODES, units=4, times=YEARS, seed=3))
    fit = made_fit(made_model(read_graph(FOUR), rows), draws=5)
    design = fit.model.design
    late = int(design.entry.argmax())
    entry = int(design.entry[late])
    assert entry > 0
    unit = fit.model.study.panel.units[design.units[late]]
    before = Set("presence", 9.0, stop=2000 + entry - 1, units=[str(unit)])
    observed = counterfactual(fit, [], outcome="illicit")
    xr.testing.assert_equal(counterfactual(fit, before, outcome="illicit").drop_attrs(), observed.drop_attrs())
    after = counterfactual(fit, Shift("presence", 1.0, start=2004), outcome="illicit").to_numpy()
    for k, stop in enumerate(design.sweep.stop):
        assert np.isnan(after[:, k, stop:]).all() or stop == len(YEARS)


def test_periods_after_a_panel_of_texts_follow_each_other() -> None:
    times = [f"2020Q{k}" for k in range(1, 5)]
    fit = made_fit(made_model(read_graph("a -> b [lag=1]"), frame(("a", "b"), units=3, times=times, seed=1)), draws=3)
    found = contrast(fit, Shift("a", 1.0, start="2020Q4+9", stop="2020Q4+10"), outcome="a", horizon=12)
    assert (found != 0).any("draw").to_numpy().nonzero()[0].tolist() == [12, 13]
    with pytest.raises(CausalError, match="stops at 2020Q4\\+9 before it starts at 2020Q4\\+10"):
        Shift("a", 1.0, start="2020Q4+10", stop="2020Q4+9")
