from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from causal.graph import Edge, Graph
from causal.instrument import instrument
from causal.query import Identification, Query, Refusal, read_query
from causal.separation import m_separated
from causal.unroll import Point, Unrolled, unroll, without
from tests.oracle.processes import Process, coefficient, covariance, random_process, total_effects
from tests.strategies import graphs
from tests.test_separation import subsets
from tests.test_unroll import graph_of

small = graphs(names=("a", "b", "c", "d"), families=("normal",), min_nodes=2, max_nodes=4, max_edges=7, max_lag=1)


def found(graph: Graph, wording: str, observed: str) -> Identification:
    answer = instrument(read_query(graph, wording, observed.split()))
    assert isinstance(answer, Identification)
    assert (answer.strategy, answer.assumes_linear, answer.adjustment) == ("instrument", True, None)
    return answer


def solved(process: Process, query: Query, answer: Identification) -> tuple[np.ndarray, float]:
    """The effects by the instruments' equations in exact moments, and the reciprocal condition of the system."""
    instruments, held = sorted(answer.through), sorted(answer.given)
    points = list(dict.fromkeys([*instruments, *query.treatments, query.outcome]))
    moments = covariance(process, [*points, *held])
    if held:
        top = len(points)
        moments = moments[:top, :top] - moments[:top, top:] @ np.linalg.solve(moments[top:, top:], moments[top:, :top])
    at = {point: position for position, point in enumerate(points)}
    rows = [at[point] for point in instruments]
    left = moments[np.ix_(rows, [at[point] for point in query.treatments])]
    right = moments[rows, at[query.outcome]]
    return np.linalg.solve(left, right), float(1 / np.linalg.cond(left))


def test_an_instrument_of_a_bow() -> None:
    answer = found(graph_of("z -> x", "x -> y", "x <-> y"), "x[0] -> y[0]", "x y z")
    assert answer.formula == "cov(z[0], y[0]) / cov(z[0], x[0])"
    assert answer.latex == r"\frac{\operatorname{cov}(z_{t}, y_{t})}{\operatorname{cov}(z_{t}, x_{t})}"
    assert "z[0] moves x[0] and reaches y[0] only through it" in answer.why


def test_an_instrument_that_needs_something_held_fixed() -> None:
    answer = found(graph_of("w -> z", "w -> y", "z -> x", "x -> y", "x <-> y"), "x[0] -> y[0]", "x y z w")
    assert (answer.through, answer.given) == ({("z", 0)}, {("w", 0)})


def test_what_acts_on_the_outcome_itself_is_no_instrument() -> None:
    graph = graph_of("z -> x", "x -> y", "x <-> y", "z -> y")
    answer = instrument(read_query(graph, "x[0] -> y[0]", {"x", "y", "z"}))
    assert answer == Refusal("No measured point moves x[0] and reaches y[0] only through it.")


def test_the_treatments_own_past_is_an_instrument() -> None:
    graph = graph_of("x -> x 1", "y -> y 1", "x -> y 1", "x <-> y 1")
    answer = found(graph, "x[-1] -> y[0]", "x y")
    assert (answer.through, answer.given) == ({("x", -2)}, {("y", -1)})


def test_an_instrument_reaches_over_a_confounded_mediator() -> None:
    graph = graph_of("z -> x", "x -> m", "m -> y", "x <-> y", "x <-> m")
    assert found(graph, "x[0] -> y[0]", "x y z m").through == {("z", 0)}


def test_another_effect_of_an_unmeasured_instrument_will_do() -> None:
    answer = found(graph_of("u -> x", "u -> z", "x -> y", "x <-> y"), "x[0] -> y[0]", "x y z")
    assert "z[0] moves with x[0]" in answer.why


def test_two_instruments_for_a_joint_intervention() -> None:
    graph = graph_of("v -> x", "z -> w", "x -> w", "x -> y", "w -> y", "x <-> y", "w <-> y")
    query = read_query(graph, "do(x[0], w[0]) -> y[0]", {"x", "w", "y", "v", "z"})
    answer = instrument(query)
    assert isinstance(answer, Identification)
    assert answer.through == {("v", 0), ("z", 0)}
    process = random_process(graph, 3)
    effects, condition = solved(process, query, answer)
    assert condition > 1e-6
    assert np.allclose(effects, total_effects(process, list(query.treatments), query.outcome))


# --- against exact moments and brute force ---------------------------------------------------------------------------


@st.composite
def queries(draw: st.DrawFn, most: int = 2) -> Query:
    graph = draw(small)
    points = [(name, -back) for name in graph.names for back in range(3)]
    outcome = (draw(st.sampled_from(graph.names)), 0)
    others = [point for point in points if point != outcome]
    treatments = draw(st.lists(st.sampled_from(others), min_size=1, max_size=most, unique=True))
    hidden = draw(st.sets(st.sampled_from(graph.names), max_size=1))
    asked = {outcome[0], *(name for name, _ in treatments)}
    return Query(graph, tuple(treatments), outcome, frozenset(set(graph.names) - hidden | asked), "total")


@given(queries(), st.integers(0, 2**32 - 1))
@settings(max_examples=150)
def test_the_instruments_equations_have_the_total_effect(query: Query, seed: int) -> None:
    answer = instrument(query)
    assume(isinstance(answer, Identification))
    assert isinstance(answer, Identification)
    assert {name for name, _ in answer.through | answer.given} <= query.measured
    best = 0.0
    for at in range(3):
        process = random_process(query.graph, seed + at, depth=16)
        effects, condition = solved(process, query, answer)
        best = max(best, condition)
        if condition > 1e-5:
            truth = total_effects(process, list(query.treatments), query.outcome)
            assert np.abs(effects - truth).max() < 1e-7
    # The equations are independent of one another but for chance.
    assert best > 1e-9


@given(small, st.data(), st.integers(0, 2**32 - 1))
@settings(max_examples=100)
def test_the_instruments_equation_has_the_edges_coefficient(graph: Graph, data: st.DataObject, seed: int) -> None:
    assume(graph.edges)
    edge = data.draw(st.sampled_from(graph.edges))
    query = of_edge(graph, edge, graph.names)
    answer = instrument(query)
    assume(isinstance(answer, Identification))
    assert isinstance(answer, Identification)
    process = random_process(graph, seed, depth=16)
    effects, _ = solved(process, query, answer)
    assert abs(effects[0] - coefficient(process, edge)) < 1e-6


def of_edge(graph: Graph, edge: Edge, observed: tuple[str, ...]) -> Query:
    return Query(graph, ((edge.cause, -edge.lag),), (edge.effect, 0), frozenset(observed), "direct")


def has_instrument(cut: Unrolled, whole: Unrolled, treatment: Point, outcome: Point, usable: list[Point]) -> bool:
    """By the definition: some point and some set, over all of them."""
    for z in usable:
        for held in subsets([point for point in usable if point != z]):
            if m_separated(cut, z, outcome, held) and not m_separated(whole, z, treatment, held):
                return True
    return False


@given(graphs(names=("a", "b", "c"), families=("normal",), min_nodes=2, max_nodes=3, max_edges=5, max_lag=1), st.data())
@settings(max_examples=80)
def test_brute_force_over_all_instruments_gives_the_same_answer(graph: Graph, data: st.DataObject) -> None:
    assume(graph.edges)
    edge = data.draw(st.sampled_from(graph.edges))
    query = of_edge(graph, edge, graph.names)
    (treatment,), outcome = query.treatments, query.outcome
    # One period beyond the query: brute force is exponential.
    whole = unroll(graph, query.depth + 2)
    cut = without(whole, ((treatment, outcome),))
    below = {outcome}
    for point in whole.points:
        if any(cause in below and effect == point for cause, effect in whole.directed):
            below.add(point)
    usable = [point for point in whole.points if point not in below and point != treatment]
    answer = instrument(query)
    if has_instrument(cut, whole, treatment, outcome, usable):
        assert isinstance(answer, Identification)
    elif isinstance(answer, Identification):
        assert min(offset for _, offset in answer.through | answer.given) < -query.depth - 1


@pytest.mark.parametrize("wording", ["x[-1] -> y[0]", "do(x[-2], x[-1]) -> y[0]"])
def test_without_an_instrument_the_reason_is_one_sentence(wording: str) -> None:
    graph = graph_of("u -> u 1", "u -> x", "u -> y", "x -> y 1", "x -> x 1", "y -> y 1")
    answer = instrument(read_query(graph, wording, {"x", "y"}))
    assert isinstance(answer, Refusal)
    assert answer.why.startswith("No ")
