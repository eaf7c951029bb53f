from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise, product
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.errors import CausalError
from causal.graph import Graph
from causal.separation import (
    Independence,
    ancestors,
    implied_independences,
    m_separated,
    open_path,
    separator,
)
from causal.unroll import Point, Unrolled, bits, unroll
from tests.oracle.processes import covariance, partial_correlation, random_process
from tests.strategies import graphs
from tests.test_unroll import graph_of

type Mark = tuple[Point, Point, bool, bool]
"""A step: from, to, and whether an arrowhead stands at either."""


@st.composite
def mixed_graphs(draw: st.DrawFn) -> Unrolled:
    points: tuple[Point, ...] = tuple((name, 0) for name in "abcde"[: draw(st.integers(2, 5))])
    pairs = list(combinations(points, 2))
    directed = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=7))
    bidirected = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=4))
    return Unrolled(1, points, tuple(directed), tuple(bidirected))


def steps(graph: Unrolled) -> list[Mark]:
    found: list[Mark] = []
    for cause, effect in graph.directed:
        found += [(cause, effect, False, True), (effect, cause, True, False)]
    for left, right in graph.bidirected:
        found += [(left, right, True, True), (right, left, True, True)]
    return found


def paths(graph: Unrolled, left: Point, right: Point) -> Iterator[list[Mark]]:
    every = steps(graph)

    def extend(path: list[Mark], seen: set[Point]) -> Iterator[list[Mark]]:
        here = path[-1][1] if path else left
        if here == right:
            yield path
            return
        for step in every:
            if step[0] == here and step[1] not in seen:
                yield from extend([*path, step], seen | {step[1]})

    yield from extend([], {left})


def blocked(path: list[Mark], held: frozenset[Point], held_ancestors: frozenset[Point]) -> bool:
    for before, after in pairwise(path):
        collider = before[3] and after[2]
        if (collider and before[1] not in held_ancestors) or (not collider and before[1] in held):
            return True
    return False


def separated_by_definition(graph: Unrolled, left: Point, right: Point, held: frozenset[Point]) -> bool:
    above = set(held)
    while more := {cause for cause, effect in graph.directed if effect in above} - above:
        above |= more
    return all(blocked(path, held, frozenset(above)) for path in paths(graph, left, right))


def subsets(points: list[Point]) -> Iterator[frozenset[Point]]:
    for size in range(len(points) + 1):
        yield from (frozenset(chosen) for chosen in combinations(points, size))


@given(mixed_graphs())
@settings(deadline=None, max_examples=120)
def test_separation_is_that_every_path_is_blocked(graph: Unrolled) -> None:
    for left, right in combinations(graph.points, 2):
        for held in subsets([point for point in graph.points if point not in (left, right)]):
            expected = separated_by_definition(graph, left, right, held)
            assert m_separated(graph, left, right, held) == expected
            assert m_separated(graph, right, left, held) == expected
            path = open_path(graph, graph.mask((left,)), graph.mask((right,)), graph.mask(held))
            assert (path is None) == expected


@given(mixed_graphs())
@settings(deadline=None, max_examples=60)
def test_an_open_path_is_a_path_of_the_graph_and_open(graph: Unrolled) -> None:
    pairs: set[tuple[Point, str, Point]] = set()
    for cause, effect in graph.directed:
        pairs |= {(cause, "->", effect), (effect, "<-", cause)}
    for left, right in graph.bidirected:
        pairs |= {(left, "<->", right), (right, "<->", left)}
    for left, right in combinations(graph.points, 2):
        for held in subsets([point for point in graph.points if point not in (left, right)]):
            path = open_path(graph, graph.mask((left,)), graph.mask((right,)), graph.mask(held))
            if path is None:
                continue
            assert (path.points[0], path.points[-1]) == (left, right)
            assert set(zip(path.points, path.arrows, path.points[1:], strict=False)) <= pairs
            above = graph.of_mask(ancestors(graph, graph.mask(held)))
            for at, point in enumerate(path.points[1:-1]):
                collider = path.arrows[at] != "<-" and path.arrows[at + 1] != "->"
                assert point in above if collider else point not in held


@given(mixed_graphs(), st.integers(0, 31))
@settings(deadline=None, max_examples=200)
def test_a_separator_is_found_exactly_where_one_exists_and_is_minimal(graph: Unrolled, chosen: int) -> None:
    allowed = [point for at, point in enumerate(graph.points) if chosen >> at & 1]
    for left, right in combinations(graph.points, 2):
        candidates = [point for point in allowed if point not in (left, right)]
        exists = any(separated_by_definition(graph, left, right, held) for held in subsets(candidates))
        found = separator(graph, graph.mask((left,)), graph.mask((right,)), graph.mask(allowed))
        assert (found is not None) == exists
        if found is not None:
            held = graph.of_mask(found)
            assert held <= set(candidates)
            assert separated_by_definition(graph, left, right, held)
            assert not any(separated_by_definition(graph, left, right, held - {point}) for point in held)


@given(mixed_graphs(), st.data())
@settings(deadline=None, max_examples=60)
def test_sets_are_separated_when_each_pair_is(graph: Unrolled, data: st.DataObject) -> None:
    side = {point: data.draw(st.sampled_from(("left", "right", "given", "out"))) for point in graph.points}
    left, right, held = (
        frozenset(point for point in graph.points if side[point] == where) for where in ("left", "right", "given")
    )
    pairwise = all(separated_by_definition(graph, one, other, held) for one in left for other in right)
    assert m_separated(graph, left, right, held) == pairwise


@given(
    graphs(names=("a", "b", "c", "d"), families=("normal",), min_nodes=2),
    st.integers(1, 2),
    st.data(),
    st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=60)
def test_every_implied_independence_holds_in_exact_covariances(
    graph: Graph, window: int, data: st.DataObject, seed: int
) -> None:
    observed = data.draw(st.sets(st.sampled_from(graph.names), min_size=1))
    process = random_process(graph, seed)
    for claim in implied_independences(graph, observed, window):
        assert claim.right[1] == 0
        assert {name for name, _ in (claim.left, claim.right, *claim.given)} <= observed
        assert all(-window < offset <= 0 for _, offset in (claim.left, claim.right, *claim.given))
        assert abs(partial_correlation(process, claim.left, claim.right, claim.given)) < 1e-8


@given(graphs(names=("a", "b", "c"), families=("normal",), min_nodes=2, max_nodes=3), st.data())
@settings(deadline=None, max_examples=60)
def test_implied_independences_miss_no_pair_and_list_none_twice(graph: Graph, data: st.DataObject) -> None:
    observed = data.draw(st.sets(st.sampled_from(graph.names), min_size=1))
    unrolled = unroll(graph, 2)
    seen = [point for point in unrolled.points if point[0] in observed]
    expected = {
        frozenset((left, right))
        for left, right in combinations(seen, 2)
        if max(left[1], right[1]) == 0
        and any(
            m_separated(unrolled, left, right, held)
            for held in subsets([point for point in seen if point not in (left, right)])
        )
    }
    found = [frozenset((claim.left, claim.right)) for claim in implied_independences(graph, observed)]
    assert len(found) == len(set(found))
    assert set(found) == expected


@given(
    graphs(names=("a", "b", "c", "d"), families=("normal",), min_nodes=2),
    st.integers(1, 4),
    st.data(),
    st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=60)
def test_no_implied_independence_follows_from_the_others(
    graph: Graph, window: int, data: st.DataObject, seed: int
) -> None:
    """The partial covariances that must vanish have independent gradients over the covariances of the pairs themselves."""
    observed = data.draw(st.sets(st.sampled_from(graph.names), min_size=1))
    process = random_process(graph, seed)
    claims = implied_independences(graph, observed, window)
    gradients = np.zeros((len(claims), len(claims)))
    own = {stationary(claim.left, claim.right): at for at, claim in enumerate(claims)}
    for row, claim in enumerate(claims):
        points = [claim.left, claim.right, *sorted(claim.given)]
        moments = covariance(process, points)
        # The partial covariance is left' S right with the residuals' weights; its derivative by S holds them fixed.
        left, right = np.hstack([np.eye(2), -np.linalg.solve(moments[2:, 2:], moments[2:, :2]).T])
        for (i, one), (j, other) in product(enumerate(points), repeat=2):
            if (column := own.get(stationary(one, other))) is not None:
                gradients[row, column] += left[i] * right[j]
    if claims:
        assert np.linalg.svd(gradients, compute_uv=False).min() > 1e-6


def stationary(one: Point, other: Point) -> tuple[str, str, int]:
    """The pair's covariance in a process that is the same at all times: the earlier name, the later, and the lag."""
    (name, at), (later, then) = sorted((one, other), key=lambda point: (point[1], point[0]))
    return name, later, then - at


@given(graphs(names=("a", "b", "c"), families=("normal",), min_nodes=2), st.data(), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=100)
def test_separation_in_a_graph_is_zero_partial_correlation_in_its_processes(
    graph: Graph, data: st.DataObject, seed: int
) -> None:
    points = [(name, offset) for name in graph.names for offset in (0, -1, -2)]
    left, right, *rest = data.draw(st.permutations(points))
    held = frozenset(rest[: data.draw(st.integers(0, 4))])
    # Connected points are uncorrelated only by chance: two processes of several are enough to see it.
    sizes = [abs(partial_correlation(random_process(graph, seed + at), left, right, held)) for at in range(3)]
    if m_separated(graph, left, right, held):
        assert max(sizes) < 1e-8
    else:
        assert max(sizes) > 1e-12


def test_a_chain_in_time_is_separated_by_its_own_lag() -> None:
    graph = graph_of("a -> a 1")
    assert implied_independences(graph) == ()
    assert implied_independences(graph, window=3) == (Independence(("a", -2), ("a", 0), frozenset({("a", -1)})),)


def test_a_latent_with_memory_leaves_nothing_to_refute() -> None:
    graph = graph_of("u -> u 1", "u -> a", "u -> b")
    assert implied_independences(graph, {"a", "b"}, window=3) == ()


def test_an_unmeasured_shock_shared_with_the_period_before_ends_after_it() -> None:
    graph = graph_of("a <-> a 1")
    assert implied_independences(graph, window=3) == (Independence(("a", -2), ("a", 0), frozenset()),)
    assert not m_separated(graph, ("a", -2), ("a", 0), ("a", -1))


def test_a_loop_of_two_with_own_lags_claims_nothing_within_two_periods_but_the_present() -> None:
    graph = graph_of("a -> a 1", "b -> b 1", "a -> b 1", "b -> a 1")
    (claim,) = implied_independences(graph)
    assert (claim.left, claim.right) == (("a", 0), ("b", 0))
    assert claim.given == {("a", -1), ("b", -1)}
    assert str(claim) == "a[0] and b[0] are independent given a[-1], b[-1]"


def test_points_that_are_none_are_refused_all_at_once() -> None:
    graph = graph_of("a -> b 1")
    with pytest.raises(CausalError) as caught:
        m_separated(graph, ("a", 0), ("b", 0), cast("Any", [("c", 0), ("a", 1), "b", ("b", "0")]))
    assert len(caught.value.faults) == 4
    with pytest.raises(CausalError, match="stands in 'left' and in 'given'"):
        m_separated(graph, ("a", 0), ("b", 0), ("a", 0))
    with pytest.raises(CausalError, match="outside the window"):
        m_separated(unroll(graph, 1), ("a", -1), ("b", 0))
    with pytest.raises(CausalError):
        m_separated(cast("Any", "a -> b"), ("a", 0), ("b", 0))
    with pytest.raises(CausalError, match="did you mean"):
        implied_independences(graph_of("corruption -> b"), {"corruptoin"})
    with pytest.raises(CausalError):
        implied_independences(graph, "ab")
    with pytest.raises(CausalError):
        implied_independences(graph, cast("Any", [["a"]]))
    with pytest.raises(CausalError):
        implied_independences(graph, window=0)


def test_bits_are_the_positions_of_a_mask() -> None:
    assert list(bits(0b10110)) == [1, 2, 4]
    assert list(bits(0)) == []
