from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from time import perf_counter
from typing import Any, cast

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from causal.errors import CausalError
from causal.graph import Edge, Graph
from causal.identification import Identification, identify, identify_edge, single_door
from causal.separation import name_points, separator
from causal.unroll import Point, Unrolled, unroll, without
from tests.oracle.processes import coefficient, random_process, regression, total_effects
from tests.strategies import graphs
from tests.test_separation import Mark, blocked, steps, subsets
from tests.test_unroll import graph_of

small = graphs(names=("a", "b", "c", "d"), families=("normal",), min_nodes=2, max_nodes=4, max_edges=9)


def adjusted(graph: Graph, query: str, observed: str) -> list[Point]:
    found = identify(graph, query, observed.split())
    assert (found.identified, found.strategy, found.assumes_linear) == (True, "adjustment", False)
    assert found.formula
    assert found.why
    assert found.adjustment is not None
    return sorted(found.adjustment)


def refused(found: Identification) -> str:
    assert (found.identified, found.strategy, found.adjustment, found.assumes_linear) == (False, None, None, False)
    assert found.why
    return found.why


# --- textbook graphs -------------------------------------------------------------------------------------------------


def test_a_measured_confounder_is_held_fixed() -> None:
    graph = graph_of("z -> x", "z -> y", "x -> y")
    assert adjusted(graph, "x[0] -> y[0]", "x y z") == [("z", 0)]
    formula = identify(graph, "x[0] -> y[0]", {"x", "y", "z"}).formula
    assert formula == "sum over z[0] of P(y[0] | x[0], z[0]) P(z[0])"


def test_an_unmeasured_confounder_is_named() -> None:
    why = refused(identify(graph_of("z -> x", "z -> y", "x -> y"), "x[0] -> y[0]", {"x", "y"}))
    assert "x[0] <- z[0] -> y[0]" in why
    assert "z[0] is not measured" in why
    assert "No formula exists: x[0] shares unmeasured causes with y[0]" in why
    assert "No measured point moves x[0]" in why


def test_a_bow_is_not_identified() -> None:
    graph = graph_of("x -> y", "x <-> y")
    why = refused(identify(graph, "x[0] -> y[0]", {"x", "y"}))
    assert "x[0] and y[0] share an unmeasured cause, and nothing measured lies between." in why
    assert "share an unmeasured cause" in refused(identify_edge(graph, "x -> y", {"x", "y"}))


def test_the_collider_of_an_m_is_left_alone() -> None:
    graph = graph_of("u -> x", "u -> m", "v -> m", "v -> y", "x -> y")
    assert adjusted(graph, "x[0] -> y[0]", "x y m") == []
    # As a cause of the treatment as well it must be held fixed, and then one arm of the m too.
    both = graph_of("u -> x", "u -> m", "v -> m", "v -> y", "x -> y", "m -> x")
    assert adjusted(both, "x[0] -> y[0]", "x y m u") == [("m", 0), ("u", 0)]
    refused(identify(both, "x[0] -> y[0]", {"x", "y", "m"}))


def test_a_mediator_is_not_held_fixed_for_the_total_effect_but_for_the_direct_one() -> None:
    graph = graph_of("x -> m", "m -> y", "x -> y")
    assert adjusted(graph, "x[0] -> y[0]", "x y m") == []
    direct = identify(graph, "x[0] -> y[0]", {"x", "y", "m"}, kind="direct")
    assert direct.adjustment == {("m", 0)}
    assert direct.formula == "the coefficient of x[0] in the regression of y[0] on x[0], m[0]"


def test_the_front_door_is_found_where_no_adjustment_is() -> None:
    found = identify(graph_of("x -> m", "m -> y", "x <-> y"), "x[0] -> y[0]", {"x", "m", "y"})
    assert (found.identified, found.strategy, found.adjustment) == (True, "front-door", None)
    assert found.through == {("m", 0)}
    assert not found.assumes_linear


def test_the_napkin_is_identified_by_the_id_algorithm_as_total_and_as_direct_effect() -> None:
    graph = graph_of("w -> z", "z -> x", "x -> y", "w <-> x", "w <-> y")
    total = identify(graph, "x[0] -> y[0]", {"w", "z", "x", "y"})
    direct = identify(graph, "x[0] -> y[0]", {"w", "z", "x", "y"}, kind="direct")
    for found in (total, direct):
        assert (found.identified, found.strategy, found.assumes_linear) == (True, "id", False)


def test_an_instrument_identifies_in_linear_equations_only() -> None:
    found = identify(graph_of("z -> x", "x -> y", "x <-> y"), "x[0] -> y[0]", {"z", "x", "y"})
    assert (found.identified, found.strategy, found.adjustment, found.assumes_linear) == (
        True,
        "instrument",
        None,
        True,
    )
    assert found.formula == "cov(z[0], y[0]) / cov(z[0], x[0])"


def test_a_direct_effect_is_read_off_a_joint_intervention() -> None:
    # No regression has the coefficient of x -> y: m and y are confounded, and so are x and y over w.
    graph = graph_of("w -> z", "z -> x", "x -> y", "x -> m", "m -> k", "k -> y", "w <-> x", "w <-> y", "m <-> y")
    found = identify(graph, "x[0] -> y[0]", set(graph.names), kind="direct")
    assert (found.identified, found.strategy) == (True, "id")
    assert "while k[0], m[0] are set by hand" in found.why
    # n shares a cause with y and is not set by hand where m does: measuring it as well takes nothing away.
    lines = ("w -> r", "r -> c", "c -> y", "c -> m", "m -> n", "n -> y", "w <-> c", "w <-> y", "n <-> y")
    for observed in ("w r c m y", "w r c m n y"):
        found = identify(graph_of(*lines), "c[0] -> y[0]", observed.split(), kind="direct")
        assert (found.strategy, found.identified) == ("id", True)
    # Where a path over an unmeasured mediator runs beside the edge, nothing tells them apart.
    beside = graph_of("x -> y", "x -> u", "u -> y", "w <-> x", "w <-> y")
    refused(identify(beside, "x[0] -> y[0]", {"x", "y", "w"}, kind="direct"))


def test_a_joint_intervention_may_hold_fixed_what_a_single_one_could_not() -> None:
    # The effect of x alone needs v, which w moves; jointly with w it does too.
    graph = graph_of("x -> w", "w -> y", "x -> y", "v -> w", "v -> y")
    assert adjusted(graph, "do(x[0], w[0]) -> y[0]", "x w y v") == [("v", 0)]
    assert adjusted(graph, "x[0] -> y[0]", "x w y") == []
    refused(identify(graph, "do(x[0], w[0]) -> y[0]", {"x", "w", "y"}))


def test_a_treatment_between_that_the_first_moves_and_shares_a_cause_needs_the_id_algorithm() -> None:
    graph = graph_of("x -> m", "m -> w", "m -> y", "w -> y", "u -> m", "u -> y")
    found = identify(graph, "do(x[0], w[0]) -> y[0]", {"x", "m", "w", "y"})
    assert (found.strategy, found.formula) == ("id", "sum over m[0] of P(y[0] | w[0], x[0], m[0]) P(m[0] | x[0])")


# --- loops through time ----------------------------------------------------------------------------------------------

FEEDBACK = ("x -> x 1", "y -> y 1", "x -> y 1", "y -> x 1")


def test_feedback_is_blocked_by_the_outcomes_own_past() -> None:
    assert adjusted(graph_of(*FEEDBACK), "x[-1] -> y[0]", "x y") == [("y", -1)]


def test_an_effect_over_two_periods_of_feedback_is_blocked_at_its_start() -> None:
    assert adjusted(graph_of(*FEEDBACK), "x[-2] -> y[0]", "x y") == [("y", -2)]


def test_a_sustained_intervention_under_feedback_is_not_adjustment_but_the_g_formula() -> None:
    # The second treatment answers to the outcome of the first within the period.
    graph = graph_of("x -> y 1", "y -> y 1", "y -> x")
    found = identify(graph, "do(x[-2], x[-1]) -> y[0]", {"x", "y"})
    assert (found.identified, found.strategy, found.assumes_linear) == (True, "id", False)
    assert found.formula == ("sum over y[-1], y[-2] of P(y[0] | x[-1], y[-1]) P(y[-1] | x[-2], y[-2]) P(y[-2])")


def test_a_sustained_intervention_without_feedback_is() -> None:
    graph = graph_of("x -> x 1", "y -> y 1", "x -> y 1", "c -> x", "c -> y 1", "c -> c 1")
    assert adjusted(graph, "do(x[-2], x[-1]) -> y[0]", "x y c") == [("c", -2), ("c", -1), ("y", -2)]


def test_a_latent_with_memory_lets_no_finite_set_through() -> None:
    graph = graph_of("u -> u 1", "u -> x", "u -> y 1", "x -> y 1", "x -> x 1", "y -> y 1")
    why = refused(identify(graph, "x[-1] -> y[0]", {"x", "y"}))
    assert "x[-1] <- u[-1] -> y[0]" in why


def test_a_latent_without_memory_hurts_only_where_it_acts() -> None:
    graph = graph_of(*FEEDBACK, "x <-> y")
    assert adjusted(graph, "x[-1] -> y[0]", "x y") == [("y", -1)]
    later = graph_of(*FEEDBACK, "x <-> y 1")
    # The treatment's own past is an instrument.
    found = identify(later, "x[-1] -> y[0]", {"x", "y"})
    assert (found.strategy, found.through, found.given) == ("instrument", {("x", -2)}, {("y", -1)})
    earlier = graph_of(*FEEDBACK, "y <-> x 1")
    assert adjusted(earlier, "x[-1] -> y[0]", "x y") == [("y", -1)]


def test_a_set_may_reach_further_back_than_the_treatment() -> None:
    graph = graph_of("z -> x 3", "z -> y 4", "x -> y 1", "z <-> w 1")
    assert adjusted(graph, "x[-1] -> y[0]", "x y z") == [("z", -4)]


def test_a_connection_that_only_an_endless_set_would_block_is_not_identified() -> None:
    graph = graph_of("w -> u", "w -> v", "u -> u 1", "v -> v 1", "u -> x", "v -> y 1", "x -> y 1")
    why = refused(identify(graph, "x[-1] -> y[0]", {"x", "y", "w"}))
    assert "share causes further back than any finite set of measured periods reaches" in why


def test_an_edge_of_a_loop_is_identified_by_the_other_causes_of_its_effect() -> None:
    graph = graph_of(*FEEDBACK)
    for edge in graph.edges:
        found = identify_edge(graph, edge, {"x", "y"})
        assert found.adjustment == {(cause.cause, -1) for cause in graph.parents(edge.effect) if cause != edge}


def test_no_directed_path_is_a_zero_effect() -> None:
    graph = graph_of(*FEEDBACK)
    for query in ("y[0] -> x[0]", "x[0] -> y[-3]", "do(x[0], x[-1]) -> y[-1]"):
        found = identify(graph, query, {"x", "y"})
        assert (found.identified, found.strategy, found.adjustment) == (True, "adjustment", frozenset())
        assert "zero" in found.why
        assert found.formula
    assert identify(graph, "x[-2] -> y[0]", {"x", "y"}, kind="direct").formula == "0"


def test_a_long_open_path_is_told_in_short() -> None:
    chain = [f"u{at} -> u{at + 1}" for at in range(12)]
    why = refused(identify(graph_of("x -> y", "u0 -> x", *chain, "u12 -> y"), "x[0] -> y[0]", {"x", "y"}))
    assert "x[0] <- u0[0] -> u1[0] -> u2[0] -> u3[0] ... u10[0] -> u11[0] -> u12[0] -> y[0]" in why
    assert "u0[0], u1[0], u2[0] and 10 more are not measured" in why


def test_what_is_not_measured_is_named_and_is_no_error() -> None:
    graph = graph_of(*FEEDBACK)
    assert "y is not measured" in refused(identify(graph, "x[-1] -> y[0]", {"x"}))
    with pytest.raises(CausalError, match="no node is measured"):
        identify(graph, "x[-1] -> y[0]", ())
    assert "x is not measured" in refused(identify_edge(graph, "x -> y", {"y"}))


# --- bad questions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("presense[-1] -> illicit[0]", "did you mean 'presence'"),
        ("presence[1] -> illicit[0]", "lies in the future"),
        ("presence[-1] -> illicit[+2]", "lies in the future"),
        ("presence[-999] -> illicit[0]", "further back"),
        ("illicit[0] -> illicit[0]", "both treatment and outcome"),
        ("do(presence[-1], illicit[0]) -> illicit[0]", "both treatment and outcome"),
        ("do(presence[-1], presence[-1]) -> illicit[0]", "twice"),
        ("do() -> illicit[0]", "names no treatment"),
        ("do(presence[-1],) -> illicit[0]", "is no point"),
        ("presence[-1], illicit[-1] -> illicit[0]", "is no point"),
        ("presence[-1] -> do(illicit[0])", "is no point"),
        ("presence[x] -> illicit[0]", "is no point"),
        ("presence[-1.5] -> illicit[0]", "is no point"),
        ("presence[-1] illicit[0]", "a '->'"),
        ("presence[-1] -> illicit[0] -> illicit[0]", "stands twice on the path"),
        ("presence -> illicit[0]", "has no offset"),
        ("", "a '->'"),
        (None, "is a text"),
    ],
)
def test_a_bad_question_is_refused_at_once(query: Any, says: str) -> None:
    graph = graph_of("presence -> illicit 1", "presence -> presence 1")
    with pytest.raises(CausalError) as caught:
        identify(graph, query, {"presence", "illicit"})
    assert says in str(caught.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(CausalError) as caught:
        identify(graph_of("a -> b 1"), "do(q[1], r[-1]) -> b[0]", {"a", "s"}, kind=cast("Any", "half"))
    assert len(caught.value.faults) == 5


def test_other_wrong_arguments_are_refused() -> None:
    graph = graph_of("a -> b 1", "c -> b 1")
    with pytest.raises(CausalError, match="observed must be"):
        identify(graph, "a[-1] -> b[0]", "ab")
    with pytest.raises(CausalError, match="observed must be"):
        identify(graph, "a[-1] -> b[0]", cast("Any", None))
    with pytest.raises(CausalError, match="expected a Graph"):
        identify(cast("Any", "a -> b"), "a[-1] -> b[0]", {"a"})
    with pytest.raises(CausalError, match="of one treatment"):
        identify(graph, "do(a[-1], c[-1]) -> b[0]", {"a", "b", "c"}, kind="direct")
    with pytest.raises(CausalError):
        identify_edge(graph, Edge("b", "a", 1), {"a", "b"})
    with pytest.raises(CausalError, match="the effect itself"):
        single_door(graph, "a -> b", [("b", 0)])
    with pytest.raises(CausalError, match="lies in the future"):
        single_door(graph, "a -> b", [("c", 1)])


def test_an_offset_may_be_left_out_where_there_is_only_now() -> None:
    graph = graph_of("z -> x", "z -> y", "x -> y")
    assert identify(graph, "x -> y", {"x", "y", "z"}) == identify(graph, "x[0] -> y[0]", {"x", "y", "z"})
    assert identify(graph, "do( z , x )->y", {"x", "y", "z"}).adjustment == frozenset()


# --- a model's own regression ----------------------------------------------------------------------------------------


def test_a_regression_on_the_other_causes_has_the_coefficient_without_latents_only() -> None:
    graph = graph_of(*FEEDBACK)
    assert single_door(graph, "x -> y", [("y", -1), ("x", -1)])
    assert not single_door(graph, "x -> y", ())
    assert not single_door(graph_of(*FEEDBACK, "x <-> y 1"), "x -> y", [("y", -1)])


def test_a_regression_that_holds_a_descendant_of_the_outcome_has_not_the_coefficient() -> None:
    graph = graph_of("x -> y", "y -> z")
    assert single_door(graph, "x -> y", ())
    assert not single_door(graph, "x -> y", [("z", 0)])


# --- against exact moments and brute force ---------------------------------------------------------------------------


@st.composite
def questions(
    draw: st.DrawFn, most_treatments: int = 2, furthest: int = 2
) -> tuple[Graph, list[Point], Point, set[str]]:
    graph = draw(small)
    points = [(name, -back) for name in graph.names for back in range(furthest + 1)]
    outcome = (draw(st.sampled_from(graph.names)), 0)
    treatments = draw(
        st.lists(
            st.sampled_from([point for point in points if point != outcome]),
            min_size=1,
            max_size=most_treatments,
            unique=True,
        )
    )
    hidden = draw(st.sets(st.sampled_from(graph.names), max_size=2))
    asked = {outcome[0], *(name for name, _ in treatments)}
    return graph, treatments, outcome, set(graph.names) - hidden | asked


def query_of(treatments: list[Point], outcome: Point) -> str:
    return f"do({name_points(treatments)}) -> {name_points([outcome])}"


@given(questions(), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=150)
def test_the_regression_with_an_adjustment_set_has_the_total_effect(
    question: tuple[Graph, list[Point], Point, set[str]], seed: int
) -> None:
    graph, treatments, outcome, observed = question
    found = identify(graph, query_of(treatments, outcome), observed)
    assume(found.strategy == "adjustment")
    process = random_process(graph, seed, depth=20)
    truth = total_effects(process, treatments, outcome)
    if "zero" in found.why:
        assert np.array_equal(truth, np.zeros(len(treatments)))
        return
    assert found.adjustment is not None
    assert {name for name, _ in found.adjustment} <= observed
    estimate = regression(process, outcome, [*treatments, *sorted(found.adjustment)])
    assert np.abs(estimate[: len(treatments)] - truth).max() < 1e-8


@given(questions(most_treatments=1), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=150)
def test_the_regression_with_a_single_door_set_has_the_edges_coefficient(
    question: tuple[Graph, list[Point], Point, set[str]], seed: int
) -> None:
    graph, _, _, observed = question
    process = random_process(graph, seed, depth=20)
    for edge in graph.edges:
        found = identify_edge(graph, edge, observed)
        if found.strategy != "adjustment":
            continue
        assert found.adjustment is not None
        assert single_door(graph, edge, found.adjustment)
        regressors = [(edge.cause, -edge.lag), *sorted(found.adjustment)]
        estimate = regression(process, (edge.effect, 0), regressors)
        assert abs(estimate[0] - coefficient(process, edge)) < 1e-8


@given(small, st.data(), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=100)
def test_a_set_is_a_single_door_exactly_if_the_regression_with_it_has_the_coefficient(
    graph: Graph, data: st.DataObject, seed: int
) -> None:
    assume(graph.edges)
    edge = data.draw(st.sampled_from(graph.edges))
    cause, effect = (edge.cause, -edge.lag), (edge.effect, 0)
    points = [(name, -back) for name in graph.names for back in range(3)]
    held = sorted(data.draw(st.sets(st.sampled_from(points), max_size=4)) - {cause, effect})
    errors: list[float] = []
    for at in range(3):
        process = random_process(graph, seed + at)
        errors.append(abs(regression(process, effect, [cause, *held])[0] - coefficient(process, edge)))
    assert max(errors) < 1e-8 if single_door(graph, edge, held) else max(errors) > 1e-11


def proper_paths(graph: Unrolled, treatments: list[Point], outcome: Point) -> Iterator[list[Mark]]:
    """Paths from a treatment to the outcome that meet no other treatment."""
    every = steps(graph)

    def extend(path: list[Mark], here: Point, seen: set[Point]) -> Iterator[list[Mark]]:
        if here == outcome:
            yield path
            return
        for step in every:
            if step[0] == here and step[1] not in seen:
                yield from extend([*path, step], step[1], seen | {step[1]})

    for treatment in treatments:
        yield from extend([], treatment, set(treatments))


def valid_sets(
    graph: Graph, treatments: list[Point], outcome: Point, observed: set[str], window: int
) -> tuple[set[frozenset[Point]], bool]:
    """All adjustment sets within a window by the criterion's own words, and whether there is a causal path."""
    unrolled = unroll(graph, window)
    directed: Any = nx.DiGraph()
    directed.add_nodes_from(unrolled.points)
    directed.add_edges_from(unrolled.directed)
    paths = list(proper_paths(unrolled, treatments, outcome))
    causal = [path for path in paths if all(not back and head for _, _, back, head in path)]
    other = [path for path in paths if not all(not back and head for _, _, back, head in path)]
    on_paths = {step[1] for path in causal for step in path}
    forbidden = on_paths.union(*(nx.descendants(directed, point) for point in on_paths))
    above = {point: nx.ancestors(directed, point) | {point} for point in unrolled.points}
    candidates = [
        point
        for point in unrolled.points
        if point[0] in observed and point not in forbidden and point not in (*treatments, outcome)
    ]
    valid = {
        held
        for held in subsets(candidates)
        if not any(
            not blocked(path, held, frozenset[Point]().union(*(above[point] for point in held))) for path in other
        )
    }
    return valid, bool(causal)


@given(
    graphs(
        names=("a", "b", "c"), families=("normal",), min_nodes=2, max_nodes=3, max_edges=6, max_latents=2, max_lag=1
    ),
    st.data(),
)
@settings(deadline=None, max_examples=60)
def test_brute_force_over_all_adjustment_sets_gives_the_same_answer(graph: Graph, data: st.DataObject) -> None:
    points = [(name, -back) for name in graph.names for back in range(2)]
    outcome = (data.draw(st.sampled_from(graph.names)), 0)
    treatments = data.draw(
        st.lists(st.sampled_from([point for point in points if point != outcome]), min_size=1, max_size=2, unique=True)
    )
    asked = {outcome[0], *(name for name, _ in treatments)}
    observed = asked | data.draw(st.sets(st.sampled_from(graph.names)))
    # One period beyond the question: brute force is exponential.
    window = 2 - min(offset for _, offset in treatments)
    valid, causal = valid_sets(graph, treatments, outcome, observed, window)
    found = identify(graph, query_of(treatments, outcome), observed)
    assert causal == ("zero" not in found.why)
    if not causal:
        return
    if valid:
        assert found.strategy == "adjustment"
    reach = min((offset for _, offset in found.adjustment or ()), default=0)
    if found.strategy == "adjustment" and reach > -window:
        assert found.adjustment in valid
        assert not any(found.adjustment is not None and held < found.adjustment for held in valid)


@given(graphs(names=("a", "b", "c", "d", "e"), families=("normal",), min_nodes=2, max_lag=3), st.data())
@settings(deadline=None, max_examples=150)
def test_no_deeper_window_changes_the_answer(graph: Graph, data: st.DataObject) -> None:
    assume(graph.edges)
    edge = data.draw(st.sampled_from(graph.edges))
    observed = {edge.cause, edge.effect} | data.draw(st.sets(st.sampled_from(graph.names)))
    cause, effect = (edge.cause, -edge.lag), (edge.effect, 0)
    deep = without(unroll(graph, 40), ((cause, effect),))
    allowed = deep.mask(point for point in deep.points if point[0] in observed)
    exists = separator(deep, deep.mask((cause,)), deep.mask((effect,)), allowed) is not None
    assert (identify_edge(graph, edge, observed).strategy == "adjustment") == exists


def test_forty_nodes_take_no_time() -> None:
    # A ring of forty with own lags, every third node unmeasured, and chords within the period.
    names = [f"n{at}" for at in range(40)]
    links = [f"{name} -> {names[(at + 1) % 40]} 1" for at, name in enumerate(names)]
    links += [f"{name} -> {name} 1" for name in names[::4]]
    links += [f"{left} -> {right}" for left, right in combinations(names[::9], 2)]
    graph = graph_of(*links)
    observed = {name for at, name in enumerate(names) if at % 3}
    started = perf_counter()
    answers = [identify(graph, f"{cause}[-1] -> n1[0]", observed).identified for cause in names if cause != "n1"]
    assert len(answers) == 39
    assert perf_counter() - started < 39 * 0.3


# --- what is held fixed, and paths -----------------------------------------------------------------------------------


def test_without_the_units_own_effect_only_zero_effects_are_left() -> None:
    graph = graph_of(*FEEDBACK)
    assert identify(graph, "x[-1] -> y[0]", {"x", "y"}, fixed=("unit", "time")).identified
    why = refused(identify(graph, "x[-1] -> y[0]", {"x", "y"}, fixed=("time",)))
    assert "unit_effect" in why
    refused(identify(graph, "x[-1] -> y[0]", {"x", "y"}, fixed=("unit",)))
    assert identify(graph, "y[0] -> x[0]", {"x", "y"}, fixed=()).formula == "P(x[0])"
    with pytest.raises(CausalError, match="no effect 'units'"):
        identify(graph, "x[-1] -> y[0]", {"x", "y"}, fixed=("units",))  # pyright: ignore[reportArgumentType]


def test_a_path_is_asked_for_by_its_points() -> None:
    graph = graph_of(*FEEDBACK)
    found = identify(graph, "x[-2] -> y[-1] -> y[0]", {"x", "y"})
    assert (found.identified, found.strategy) == (True, "id")
    assert found.formula == (
        "sum over x[-1], y[-1], y[-2] of "
        "P(y[0] | x[-1], y[-1]) P(y[-1] | x[-2], y[-2]) P(x[-1] | x*[-2], y[-2]) P(y[-2])"
    )
    assert "zero" in identify(graph, "x[-2] -> y[-2] -> y[0]", {"x", "y"}).why
    assert "m is not measured" in refused(identify(graph_of("x -> m", "m -> y"), "x -> m -> y", {"x", "y"}))
    says = "along paths is the total effect of one treatment"
    with pytest.raises(CausalError, match=says):
        identify(graph, "x[-2] -> y[-1] -> y[0]", {"x", "y"}, kind="direct")
    with pytest.raises(CausalError, match=says):
        identify(graph, "do(x[-2], x[-3]) -> y[-1] -> y[0]", {"x", "y"})
