"""The swept cross-products, the weights of the orthogonal term and the measured equations, against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from causal.equations import (
    Sweep,
    companion,
    cross_products,
    in_use,
    measured_system,
    prior_of_product,
    stacked,
    sweep_out,
)
from causal.graph import Edge, Graph, Latent, Node
from causal.syntax import read_graph
from tests.oracle import loops

type Spans = tuple[NDArray[np.int64], NDArray[np.int64]]


@st.composite
def spans(draw: st.DrawFn, *, longest: int = 7, units: int = 6) -> Spans:
    """First and stop periods of one to `units` units, each in use for at least one period; gaps between units are possible."""
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, longest - 1), st.integers(1, longest)).map(
                lambda pair: (pair[0], min(longest, pair[0] + pair[1]))
            ),
            min_size=1,
            max_size=units,
        )
    )
    found = np.array(pairs, dtype=np.int64)
    return found[:, 0], found[:, 1]


def brute_weights(sweep: Sweep) -> NDArray[np.float64]:
    cells, projection = loops.projector(sweep.first, sweep.stop, year_effects=sweep.year_effects)
    place = {cell: row for row, cell in enumerate(cells)}
    found = np.zeros(len(sweep.weights))
    for (i, t), row in place.items():
        for s in range(1, len(found) + 1):
            if (i, t + s) in place:
                found[s - 1] -= projection[row, place[i, t + s]]
    return found


@settings(deadline=None, max_examples=60)
@given(spans(), st.booleans())
def test_weights_and_freedom_are_read_off_the_explicit_projection(found: Spans, years: bool) -> None:
    sweep = sweep_out(*found, year_effects=years)
    _, projection = loops.projector(*found, year_effects=years)
    np.testing.assert_allclose(sweep.weights, brute_weights(sweep), atol=1e-9)
    assert sweep.freedom == round(float(np.trace(projection)))


@settings(deadline=None, max_examples=40)
@given(spans(), st.booleans(), st.integers(0, 2), st.integers(0, 10_000))
def test_cross_products_are_those_of_the_explicit_projection(found: Spans, years: bool, lags: int, seed: int) -> None:
    first, stop = found[0] + lags, found[1] + lags
    values = np.random.default_rng(seed).normal(size=(2, len(first), int(stop.max()) + 1))
    sweep = sweep_out(first, stop, year_effects=years)
    cells, projection = loops.projector(first, stop, year_effects=years)
    rows = loops.regressors(values, lags, cells)
    np.testing.assert_allclose(cross_products(stacked(values, lags), sweep), rows.T @ projection @ rows, atol=1e-8)


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 9), st.integers(2, 12), st.booleans())
def test_a_complete_panel_has_the_weights_of_the_closed_form(units: int, periods: int, years: bool) -> None:
    sweep = sweep_out(np.zeros(units, np.int64), np.full(units, periods), year_effects=years)
    lag = np.arange(1, periods)
    np.testing.assert_allclose(sweep.weights, (units - years) * (periods - lag) / periods, atol=1e-10)
    assert sweep.freedom == (units - years) * (periods - 1)


def test_unit_and_year_effects_do_not_move_the_cross_products() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(2, 5, 8))
    first, stop = np.array([2, 2, 3, 4, 2]), np.array([8, 7, 8, 8, 5])
    sweep = sweep_out(first, stop, year_effects=True)
    moved = stacked(values, 2) + rng.normal(size=(5, 1, 6)) * 10 + rng.normal(size=(1, 8, 6)) * 10
    np.testing.assert_allclose(cross_products(moved, sweep), cross_products(stacked(values, 2), sweep), atol=1e-8)


def test_a_lag_stands_beside_the_value_it_precedes() -> None:
    values = np.arange(2 * 1 * 4, dtype=float).reshape(2, 1, 4)
    columns = stacked(values, 1)
    assert columns[0, 3].tolist() == [values[0, 0, 3], values[1, 0, 3], values[0, 0, 2], values[1, 0, 2]]
    assert in_use(sweep_out(np.array([1]), np.array([3]), year_effects=False), 4).tolist() == [[0.0, 1.0, 1.0, 0.0]]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 10_000))
def test_the_companion_matrix_moves_the_reduced_form_one_period_on(nodes: int, lags: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    b = rng.normal(size=(lags + 1, nodes, nodes))
    b[0] = np.tril(b[0], -1)
    step = companion(np.concatenate(list(b), axis=1), nodes)
    past = rng.normal(size=(lags, nodes))
    expected = np.linalg.inv(np.eye(nodes) - b[0]) @ sum(b[lag] @ past[lag - 1] for lag in range(1, lags + 1))
    np.testing.assert_allclose(step @ past.ravel(), np.concatenate([expected, past[:-1].ravel()]), atol=1e-8)


def test_eigenvalues_of_the_companion_matrix_solve_the_lag_polynomial() -> None:
    # z[t] = 1.1 z[t-1] - .3 z[t-2] has the roots .5 and .6.
    roots = np.linalg.eigvals(companion(np.array([[0.0, 1.1, -0.3]]), 1))
    np.testing.assert_allclose(np.sort(roots.real), [0.5, 0.6], atol=1e-12)
    many = np.tile(np.array([[0.0, 1.1, -0.3]]), (4, 3, 1, 1))
    assert companion(many, 1).shape == (4, 3, 2, 2)
    assert companion(np.zeros((2, 2)), 2).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_the_measured_loop_has_one_term_an_edge() -> None:
    graph = read_graph(loops.FOUR)
    system = measured_system(graph, graph.names)
    assert {term.name for term in system.terms} == {edge.name for edge in graph.edges}
    assert all(term.edge == graph.edge(term.name) for term in system.terms)
    assert (system.lags, system.correlated, system.left_out) == (1, (), ())
    rows, columns = system.positions()
    assert system.nodes == ("corruption", "illicit", "presence", "revenue")
    placed = {term.name: (int(row), int(column)) for term, row, column in zip(system.terms, rows, columns, strict=True)}
    assert placed["corruption -> presence"] == (2, 0)
    assert placed["revenue -> corruption [lag=1]"] == (0, 4 + 3)


def test_a_road_through_an_unmeasured_node_becomes_a_term_with_its_lag() -> None:
    graph = read_graph(loops.FOUR)
    system = measured_system(graph, ["corruption", "presence", "illicit"])
    road = next(term for term in system.terms if term.cause == "illicit")
    assert (road.effect, road.lag, road.edge, road.name) == ("corruption", 1, None, "illicit -> corruption [lag=1]")
    assert [[edge.name for edge in path] for path in road.roads] == [
        ["illicit -> revenue", "revenue -> corruption [lag=1]"]
    ]
    assert system.correlated == ()  # revenue's own shock enters corruption alone
    assert system.left_out == ()


def test_a_term_carries_every_road_of_its_lag() -> None:
    graph = read_graph("x -> u\nu -> y [lag=1]\nx -> y [lag=1]\nx -> w [lag=1]\nw -> y")
    (term,) = measured_system(graph, ["x", "y"]).terms
    assert sorted(len(road) for road in term.roads) == [1, 2, 2]
    assert term.edge is None


def test_shocks_correlate_by_an_unmeasured_cause_and_by_a_latent() -> None:
    graph = read_graph("u -> x\nu -> y\nx -> z [lag=1]\nz <-> y")
    system = measured_system(graph, ["x", "y", "z"])
    assert system.correlated == (("x", "y"), ("y", "z"))
    assert system.left_out == ()


def test_an_unmeasured_cause_correlates_the_shocks_however_late_it_acts() -> None:
    system = measured_system(read_graph("u -> x [lag=4]\nu -> y [lag=4]"), ["x", "y"])
    assert system.correlated == (("x", "y"),)
    system = measured_system(read_graph("u -> x [lag=4]\nu -> y"), ["x", "y"])
    assert system.left_out == ("shocks that x and y share in different periods",)


def test_unmeasured_memory_and_shocks_shared_across_periods_are_said_to_be_left_out() -> None:
    system = measured_system(read_graph("u -> u [lag=1]\nu -> x\nx -> x [lag=1]"), ["x"])
    assert system.left_out == ("unmeasured memory in the shocks of x",)
    system = measured_system(Graph((Node("x"), Node("y")), (Edge("x", "y", 1),), (Latent("x", "y", 1),)), ["x", "y"])
    assert system.correlated == ()
    assert system.left_out == ("shocks that x and y share in different periods",)


@pytest.mark.parametrize("text", ["x -> u [lag=2]\nu -> y [lag=2]", "x -> u [lag=2]\nu -> w [lag=2]\nw -> y"])
def test_roads_that_take_too_long_are_left_out_and_counted(text: str) -> None:
    system = measured_system(read_graph(text), ["x", "y"])
    assert system.terms == ()
    assert system.left_out == ("1 roads through unmeasured nodes that take more than 2 periods",)


def test_the_prior_of_a_product_has_the_closed_form_moments() -> None:
    a, b, c = Edge("x", "u"), Edge("u", "y", 1), Edge("x", "y", 1)
    moments = {a.name: (0.5, 0.2), b.name: (-0.4, 0.3), c.name: (0.1, 0.6)}
    mean, sd = prior_of_product(moments, [(a, b)])
    # Var(AB) = ma^2 vb + mb^2 va + va vb
    assert mean == pytest.approx(-0.2)
    assert sd**2 == pytest.approx(0.5**2 * 0.3**2 + 0.4**2 * 0.2**2 + 0.2**2 * 0.3**2)
    both_mean, both_sd = prior_of_product(moments, [(a, b), (c,)])
    assert both_mean == pytest.approx(mean + 0.1)
    assert both_sd**2 == pytest.approx(sd**2 + 0.6**2)
    assert prior_of_product(moments, [(c,)]) == pytest.approx((0.1, 0.6))
