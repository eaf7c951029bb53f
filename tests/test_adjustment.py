from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from causal.adjustment import (
    adjustment_sets,
    minimal_sets,
    optimal_adjustment,
    smallest_variance_set,
)
from causal.errors import CausalError
from causal.graph import Graph
from causal.query import Query
from causal.unroll import Point
from tests.oracle.processes import Process, covariance, random_process, regression, total_effects
from tests.strategies import graphs
from tests.test_identification import query_of, valid_sets
from tests.test_unroll import graph_of

still = graphs(names=("a", "b", "c", "d", "e"), families=("normal",), min_nodes=2, max_lag=0, max_latents=2)
looped = graphs(
    names=("a", "b", "c"), families=("normal",), min_nodes=2, max_nodes=3, max_edges=6, max_latents=1, max_lag=1
)


@st.composite
def asked(draw: st.DrawFn, kind: str) -> Query:
    graph = draw(still if kind == "still" else looped)
    points = [(name, -back) for name in graph.names for back in range(2 if graph.max_lag else 1)]
    outcome = (draw(st.sampled_from(graph.names)), 0)
    others = [point for point in points if point != outcome]
    treatments = draw(st.lists(st.sampled_from(others), min_size=1, max_size=2, unique=True))
    measured = {outcome[0], *(name for name, _ in treatments)} | draw(st.sets(st.sampled_from(graph.names)))
    return Query(graph, tuple(treatments), outcome, frozenset(measured), "total")


def variance(process: Process, treatment: Point, outcome: Point, held: frozenset[Point]) -> float:
    """The asymptotic variance of the coefficient: that of the outcome's residual over that of the treatment's."""

    def residual(point: Point, others: list[Point]) -> float:
        moments = covariance(process, [point, *others])
        return float(moments[0, 0] - moments[0, 1:] @ np.linalg.solve(moments[1:, 1:], moments[1:, 0]))

    given_ = sorted(held)
    below = residual(treatment, given_) if given_ else float(covariance(process, [treatment])[0, 0])
    return residual(outcome, [treatment, *given_]) / below


@pytest.mark.parametrize("kind", ["still", "looped"])
@given(st.data())
@settings(max_examples=60)
def test_the_minimal_sets_are_those_of_brute_force(kind: str, data: st.DataObject) -> None:
    query = data.draw(asked(kind))
    found = minimal_sets(query)
    assume(found.window * len(query.graph.names) <= 9)
    valid, causal = valid_sets(query.graph, list(query.treatments), query.outcome, set(query.measured), found.window)
    if not causal:
        return
    assert found.complete
    assert set(found.sets) == {held for held in valid if not any(other < held for other in valid)}


@given(asked("looped"), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_each_set_has_the_total_effect(query: Query, seed: int) -> None:
    sets = adjustment_sets(query.graph, query_of(list(query.treatments), query.outcome), query.measured)
    process = random_process(query.graph, seed, depth=16)
    truth = total_effects(process, list(query.treatments), query.outcome)
    for held in sets:
        estimate = regression(process, query.outcome, [*query.treatments, *sorted(held)])
        assert np.abs(estimate[: len(truth)] - truth).max() < 1e-8


@pytest.mark.parametrize("kind", ["still", "looped"])
@given(st.data(), st.integers(0, 2**32 - 1))
@settings(max_examples=250)
def test_no_valid_set_beats_the_best_one(kind: str, data: st.DataObject, seed: int) -> None:
    query = data.draw(asked(kind))
    found = smallest_variance_set(query)
    if found is None or len(query.treatments) != 1 or found.window * len(query.graph.names) > 9:
        return
    valid, _ = valid_sets(query.graph, list(query.treatments), query.outcome, set(query.measured), found.window)
    assert found.adjustment in valid
    minimal = {held for held in valid if not any(other < held for other in valid)}
    treatment = query.treatments[0]
    for at in range(2):
        process = random_process(query.graph, seed + at, depth=16)
        least = variance(process, treatment, query.outcome, found.adjustment)
        # Where it is not proven the best, it still beats every minimal set.
        for held in valid if found.best else minimal:
            assert least <= variance(process, treatment, query.outcome, held) * (1 + 1e-9)


def test_where_everything_is_measured_the_best_set_is_henckels() -> None:
    # Parents of the points on causal paths, without those points: p, q and c, but not the instrument z.
    graph = graph_of("z -> x", "c -> x", "c -> m", "x -> m", "m -> y", "p -> m", "q -> y")
    found = optimal_adjustment(graph, "x[0] -> y[0]", set(graph.names))
    assert found is not None
    assert (found.adjustment, found.best) == ({("c", 0), ("p", 0), ("q", 0)}, True)
    assert adjustment_sets(graph, "x[0] -> y[0]", set(graph.names)) == (frozenset({("c", 0)}),)


def test_in_a_loop_the_best_set_holds_the_other_causes_of_the_outcome() -> None:
    graph = graph_of("x -> x 1", "y -> y 1", "x -> y 1", "y -> x 1", "w -> y", "w -> w 1")
    found = optimal_adjustment(graph, "x[-1] -> y[0]", {"x", "y", "w"})
    assert found is not None
    assert (found.adjustment, found.best) == ({("y", -1), ("w", 0)}, True)
    direct = optimal_adjustment(graph, "x[-1] -> y[0]", {"x", "y", "w"}, kind="direct")
    assert direct is not None
    assert direct.adjustment == {("y", -1), ("w", 0)}


def test_where_sets_rival_no_best_one_is_claimed() -> None:
    # Holding d explains the outcome's noise, and then b must be held, which leaves the treatment less of its own.
    graph = graph_of("x -> y", "d <-> y", "b -> x", "b <-> c", "b -> d")
    found = optimal_adjustment(graph, "x[0] -> y[0]", set(graph.names))
    assert found is not None
    assert not found.best
    sets, _ = valid_sets(graph, [("x", 0)], ("y", 0), set(graph.names), 1)
    winners: set[frozenset[Point]] = set()
    for seed in range(30):
        process = random_process(graph, seed)
        winners.add(min(sorted(sets, key=sorted), key=lambda held: variance(process, ("x", 0), ("y", 0), held)))
    assert len(winners) > 1


def test_a_limit_cuts_the_list_and_says_so() -> None:
    lines = [line for at in range(4) for line in (f"x <-> a{at}", f"a{at} -> b{at}", f"b{at} -> y")]
    graph: Graph = graph_of("x -> y", *lines)
    assert len(adjustment_sets(graph, "x[0] -> y[0]", set(graph.names))) == 16
    with pytest.warns(UserWarning, match="more than 5 minimal sets"):
        assert len(adjustment_sets(graph, "x[0] -> y[0]", set(graph.names), limit=5)) == 5
    for limit in (0, True, 2.5):
        with pytest.raises(CausalError, match="is no number of sets"):
            adjustment_sets(graph, "x[0] -> y[0]", set(graph.names), limit=limit)  # pyright: ignore[reportArgumentType]


def test_without_a_set_or_an_effect_there_is_none_to_choose() -> None:
    bow = graph_of("x -> y", "x <-> y")
    assert adjustment_sets(bow, "x[0] -> y[0]", {"x", "y"}) == ()
    assert optimal_adjustment(bow, "x[0] -> y[0]", {"x", "y"}) is None
    assert optimal_adjustment(bow, "x[0] -> y[0]", {"x"}) is None
    assert optimal_adjustment(bow, "y[0] -> x[0]", {"x", "y"}) is None
