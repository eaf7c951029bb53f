from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from causal.graph import Edge, Graph
from causal.instrument import _one, _scene, instrument  # pyright: ignore[reportPrivateUsage]
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


def test_a_shock_that_treatment_and_outcome_share_leaves_the_treatments_own_past_as_instrument() -> None:
    answer = found(graph_of("x -> x 1", "x -> y", "x <-> y"), "x[0] -> y[0]", "x y")
    assert (answer.through, answer.given) == ({("x", -1)}, frozenset())


def test_an_instrument_may_come_after_the_treatment() -> None:
    answer = found(graph_of("u -> x", "u -> z 1", "x -> y 1", "x <-> y 1"), "x[-1] -> y[0]", "x y z")
    assert (answer.through, answer.given) == ({("z", 0)}, frozenset())
    assert "z[0] moves with x[-1]" in answer.why


def test_another_way_to_the_outcome_is_no_harm_once_it_is_held_fixed() -> None:
    links = ("z -> x", "x -> y", "x <-> y", "z -> m", "m -> y")
    answer = found(graph_of(*links), "x[0] -> y[0]", "x y z m")
    assert (answer.through, answer.given) == ({("z", 0)}, {("m", 0)})
    assert isinstance(instrument(read_query(graph_of(*links), "x[0] -> y[0]", {"x", "y", "z"})), Refusal)


def test_the_instrument_with_fewest_points_held_fixed_is_taken() -> None:
    links = ("w -> z", "w -> y", "z -> x", "x -> y", "x <-> y", "v -> x")
    answer = found(graph_of(*links), "x[0] -> y[0]", "x y z w v")
    assert (answer.through, answer.given) == ({("v", 0)}, frozenset())


def test_one_instrument_does_not_serve_two_treatments() -> None:
    links = ("z -> x", "z -> w", "x -> y", "w -> y", "x <-> y", "w <-> y")
    answer = instrument(read_query(graph_of(*links), "do(x[0], w[0]) -> y[0]", {"x", "w", "y", "z"}))
    assert answer == Refusal(
        "No instruments were found that move w[0], x[0] apart and reach the outcome only through them."
    )


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


type Arrow = tuple[Point, Point]


def reached(arrows: set[Arrow], starts: set[Point]) -> set[Point]:
    """The points that directed paths reach, the starts included."""
    met = set(starts)
    while more := {effect for cause, effect in arrows if cause in met} - met:
        met |= more
    return met


def first_edges(whole: Unrolled, query: Query) -> set[Arrow]:
    """The first edges of the causal paths whose effect is asked for; a path from an instrument must pass one of them."""
    (treatment,), outcome = query.treatments, query.outcome
    if query.kind == "direct":
        return {(treatment, outcome)}
    onward = {arrow for arrow in whole.directed if arrow[1] != treatment}
    ahead = reached(onward, {treatment}) & reached({(effect, cause) for cause, effect in onward}, {outcome})
    return {(cause, effect) for cause, effect in whole.directed if cause == treatment and effect in ahead - {treatment}}


def usable_points(whole: Unrolled, query: Query, first: set[Arrow]) -> list[Point]:
    """What may be an instrument or held fixed: measured, and moved by no point on a causal path."""
    moved = reached(set(whole.directed), {effect for _, effect in first} | {query.outcome})
    return [p for p in whole.points if p[0] in query.measured and p not in moved and p not in query.treatments]


def serves(whole: Unrolled, cut: Unrolled, query: Query, z: Point, held: frozenset[Point]) -> bool:
    """The definition of a conditional instrument."""
    (treatment,) = query.treatments
    return m_separated(cut, z, query.outcome, held) and not m_separated(whole, z, treatment, held)


@st.composite
def single_queries(draw: st.DrawFn, graph: Graph) -> Query:
    """The direct effect of an edge, or the total effect of a point; up to two nodes are not measured."""
    hidden = draw(st.sets(st.sampled_from(graph.names), max_size=2))
    if graph.edges and draw(st.booleans()):
        edge = draw(st.sampled_from(graph.edges))
        seen = {edge.cause, edge.effect, *graph.names} - (hidden - {edge.cause, edge.effect})
        return of_edge(graph, edge, tuple(seen))
    outcome = (draw(st.sampled_from(graph.names)), 0)
    back = 2 if graph.max_lag else 0
    others = [(name, -lag) for name in graph.names for lag in range(back + 1) if (name, -lag) != outcome]
    assume(others)
    treatment = draw(st.sampled_from(others))
    seen = frozenset(set(graph.names) - hidden | {outcome[0], treatment[0]})
    return Query(graph, (treatment,), outcome, seen, "total")


tiny = st.integers(0, 1).flatmap(
    lambda lag: graphs(
        names=("a", "b", "c", "d"), families=("normal",), min_nodes=2, max_nodes=4, max_edges=6, max_lag=lag
    )
)


@given(tiny, st.data())
@settings(max_examples=150)
def test_brute_force_over_all_instruments_gives_the_same_answer(graph: Graph, data: st.DataObject) -> None:
    query = data.draw(single_queries(graph))
    # One period beyond the query: brute force is exponential.
    whole = unroll(graph, query.depth + 2)
    first = first_edges(whole, query)
    cut = without(whole, first)
    usable = usable_points(whole, query, first)
    assume(len(usable) <= 7)
    exists = any(serves(whole, cut, query, z, held) for z in usable for held in subsets([p for p in usable if p != z]))
    answer = instrument(query)
    if exists:
        assert isinstance(answer, Identification)
    elif isinstance(answer, Identification):
        assert not answer.through | answer.given <= set(whole.points)


@given(small, st.data())
@settings(max_examples=150)
def test_what_is_found_is_an_instrument_by_the_definition_in_any_deeper_window(
    graph: Graph, data: st.DataObject
) -> None:
    query = data.draw(single_queries(graph))
    answer = instrument(query)
    assume(isinstance(answer, Identification))
    assert isinstance(answer, Identification)
    (z,) = answer.through
    oldest = -min(offset for _, offset in (z, *answer.given, *query.treatments))
    for window in (oldest + 1, oldest + 5):
        whole = unroll(graph, window)
        first = first_edges(whole, query)
        assert answer.through | answer.given <= set(usable_points(whole, query, first))
        assert serves(whole, without(whole, first), query, z, answer.given)


@given(graphs(names=("a", "b", "c", "d", "e"), families=("normal",), min_nodes=2, max_edges=10, max_lag=2), st.data())
@settings(max_examples=150)
def test_no_deeper_window_changes_the_answer(graph: Graph, data: st.DataObject) -> None:
    query = data.draw(single_queries(graph))
    exists = _one(_scene(query, query.depth + 30)) is not None
    assert isinstance(instrument(query), Identification) == exists


@pytest.mark.parametrize("wording", ["x[-1] -> y[0]", "do(x[-2], x[-1]) -> y[0]"])
def test_without_an_instrument_the_reason_is_one_sentence(wording: str) -> None:
    graph = graph_of("u -> u 1", "u -> x", "u -> y", "x -> y 1", "x -> x 1", "y -> y 1")
    answer = instrument(read_query(graph, wording, {"x", "y"}))
    assert isinstance(answer, Refusal)
    assert answer.why.startswith("No ")
