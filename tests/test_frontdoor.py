from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from causal.frontdoor import front_door
from causal.graph import Graph
from causal.query import Identification, Query, Refusal, read_query
from causal.separation import m_separated, name_point
from causal.unroll import Point, Unrolled, unroll, without
from tests.oracle.discrete import random_model, value
from tests.strategies import graphs
from tests.test_separation import subsets
from tests.test_unroll import graph_of

still = graphs(names=("a", "b", "c", "d", "e"), families=("normal",), min_nodes=3, max_lag=0, max_latents=2)
looped = graphs(
    names=("a", "b", "c"), families=("normal",), min_nodes=2, max_nodes=3, max_edges=6, max_latents=2, max_lag=1
)


@st.composite
def queries(draw: st.DrawFn, kind: str) -> Query:
    graph = draw(still if kind == "still" else looped)
    points = [(name, -back) for name in graph.names for back in range(3 if graph.max_lag else 1)]
    outcome = (draw(st.sampled_from(graph.names)), 0)
    others = [point for point in points if point != outcome]
    treatments = draw(st.lists(st.sampled_from(others), min_size=1, max_size=2, unique=True))
    hidden = draw(st.sets(st.sampled_from(graph.names), max_size=1))
    asked = {outcome[0], *(name for name, _ in treatments)}
    return Query(graph, tuple(treatments), outcome, frozenset(set(graph.names) - hidden | asked), "total")


def directed_paths(graph: Unrolled, starts: tuple[Point, ...], end: Point) -> list[list[Point]]:
    found: list[list[Point]] = []
    todo = [[start] for start in starts]
    while todo:
        path = todo.pop()
        if path[-1] == end:
            found.append(path)
            continue
        todo += [[*path, effect] for cause, effect in graph.directed if cause == path[-1]]
    return found


def is_front_door(graph: Unrolled, query: Query, mediators: frozenset[Point], paths: list[list[Point]]) -> bool:
    """Pearl's three conditions (1995), word for word."""
    treated, outcome = query.treatments, query.outcome
    if not all(mediators & set(path) for path in paths):
        return False
    from_treated = without(graph, [pair for pair in graph.directed if pair[0] in treated])
    if not m_separated(from_treated, treated, mediators):
        return False
    from_mediators = without(graph, [pair for pair in graph.directed if pair[0] in mediators])
    return m_separated(from_mediators, mediators, outcome, treated)


@pytest.mark.parametrize("kind", ["still", "looped"])
@given(st.data())
@settings(max_examples=150)
def test_brute_force_over_all_sets_gives_the_same_answer(kind: str, data: st.DataObject) -> None:
    query = data.draw(queries(kind))
    # One period beyond the query where there are lags: brute force is exponential.
    unrolled = unroll(query.graph, query.depth + 1 + bool(query.graph.max_lag and query.depth < 2))
    paths = directed_paths(unrolled, query.treatments, query.outcome)
    if not paths:
        return
    usable = [
        point
        for point in unrolled.points
        if point[0] in query.measured and point != query.outcome and point not in query.treatments
    ]
    exists = any(is_front_door(unrolled, query, held, paths) for held in subsets(usable) if held)
    found = front_door(query)
    if isinstance(found, Identification) and found.through <= set(usable):
        assert is_front_door(unrolled, query, found.through, paths)
        for smaller in subsets(sorted(found.through)):
            assert smaller in ({*()}, found.through) or not is_front_door(unrolled, query, smaller, paths)
    else:
        assert not exists


@given(queries("still"), st.integers(0, 2**32 - 1))
@settings(max_examples=300)
def test_the_formula_is_exact(query: Query, seed: int) -> None:
    process = unroll(query.graph, 1)
    assume(directed_paths(process, query.treatments, query.outcome))
    found = front_door(query)
    if isinstance(found, Refusal):
        return
    assert found.estimand is not None
    model = random_model(process, seed)
    here = value(found.estimand, model.joint([(name, 0) for name in sorted(query.measured)]))
    for setting in product((0, 1), repeat=len(query.treatments)):
        do = dict(zip(query.treatments, setting, strict=True))
        picked = here.isel({name_point(point): at for point, at in do.items() if name_point(point) in here.dims})
        assert float(np.abs(picked - model.under(do, query.outcome)).max()) < 1e-9


def test_pearls_front_door() -> None:
    found = front_door(read_query(graph_of("x -> m", "m -> y", "x <-> y"), "x[0] -> y[0]", {"x", "m", "y"}))
    assert isinstance(found, Identification)
    assert (found.strategy, found.through) == ("front-door", {("m", 0)})
    assert found.formula == "sum over m[0] of P(m[0] | x[0]) (sum over x'[0] of P(y[0] | x'[0], m[0]) P(x'[0]))"


def test_two_mediators_are_taken_together() -> None:
    graph: Graph = graph_of("x -> m", "x -> n", "m -> n", "m -> y", "n -> y", "x <-> y")
    found = front_door(read_query(graph, "x[0] -> y[0]", {"x", "m", "n", "y"}))
    assert isinstance(found, Identification)
    assert found.through == {("m", 0), ("n", 0)}


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("x -> m", "m -> y", "x <-> y", "x <-> m"), "an open path joins x[0] to m[0] from behind"),
        (("x -> m", "m -> y", "x <-> y", "m <-> y"), "leaves a path from behind m[0] to y[0] open"),
        (("x -> m", "m -> y", "x <-> y", "x -> y"), "it meets no measured point"),
    ],
)
def test_a_refusal_says_what_is_wrong_with_the_path(lines: tuple[str, ...], says: str) -> None:
    found = front_door(read_query(graph_of(*lines), "x[0] -> y[0]", {"x", "m", "y"}))
    assert isinstance(found, Refusal)
    assert says in found.why
