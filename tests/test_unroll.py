from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.errors import CausalError
from causal.graph import Edge, Graph, Latent, Node
from causal.unroll import Pair, Point, unroll, without
from tests.strategies import graphs


def graph_of(*links: str) -> Graph:
    """A graph from lines such as ``a -> b 1`` and ``a <-> b``."""
    edges: list[Edge] = []
    latents: list[Latent] = []
    names: set[str] = set()
    for link in links:
        left, arrow, right, *lag = link.split()
        names |= {left, right}
        if arrow == "->":
            edges.append(Edge(left, right, int(lag[0]) if lag else 0))
        else:
            latents.append(Latent(left, right, int(lag[0]) if lag else 0))
    return Graph(tuple(Node(name) for name in names), tuple(edges), tuple(latents))


def earlier_ancestors(graph: Graph, window: int, depth: int) -> dict[Point, set[object]]:
    """For each window point, its ancestors by way of what lies before the window, in a deep but finite past."""
    known: dict[Point, set[object]] = {}
    for offset in range(-(window - 1) - depth, 1):
        for name in graph.order:
            found: set[object] = set()
            causes: list[Point] = [(edge.cause, offset - edge.lag) for edge in graph.parents(name)]
            for cause in causes:
                if cause[1] <= -window:
                    found |= known.get(cause, set())
            for latent in graph.latents:
                for end, date in ((latent.left, offset), (latent.right, offset - latent.lag)):
                    if end == name and (offset <= -window or date <= -window):
                        found.add((latent, date))
            known[name, offset] = found | ({(name, offset)} if offset <= -window else set())
    return {point: found for point, found in known.items() if point[1] > -window}


def test_a_window_copies_edges_and_latents_inside_it() -> None:
    unrolled = unroll(graph_of("a -> b", "b -> a 1", "a <-> b 1"), window=2)
    assert unrolled.points == (("a", -1), ("b", -1), ("a", 0), ("b", 0))
    assert set(unrolled.directed) == {(("a", -1), ("b", -1)), (("a", 0), ("b", 0)), (("b", -1), ("a", 0))}
    assert unrolled.bidirected == ((("a", -1), ("b", -1)), (("a", -1), ("b", 0)))
    assert unrolled.past == {(("a", -1), ("b", -1))}


def test_memory_outside_the_window_joins_everything_that_it_reaches() -> None:
    unrolled = unroll(graph_of("u -> u 1", "u -> a 1", "u -> b 2"), window=1)
    assert unrolled.past == {(("a", 0), ("b", 0)), (("a", 0), ("u", 0)), (("b", 0), ("u", 0))}


def test_causes_without_memory_join_only_what_they_reach_at_once() -> None:
    graph = graph_of("u -> a 1", "u -> b 2")
    assert unroll(graph, window=1).past == frozenset()
    assert unroll(graph, window=2).past == {(("a", -1), ("b", 0))}


def test_a_memory_of_even_periods_does_not_join_odd_ones() -> None:
    graph = graph_of("u -> u 2", "u -> a 1", "u -> b 2")
    assert (("a", 0), ("b", 0)) not in unroll(graph, window=1).past
    assert (("a", 0), ("u", 0)) not in unroll(graph, window=1).past
    assert (("b", 0), ("u", 0)) in unroll(graph, window=1).past


def test_removing_edges_keeps_the_rest() -> None:
    unrolled = unroll(graph_of("a -> b", "b -> a 1"), window=2)
    fewer = without(unrolled, [(("b", -1), ("a", 0))])
    assert set(unrolled.directed) - set(fewer.directed) == {(("b", -1), ("a", 0))}
    assert (fewer.points, fewer.bidirected) == (unrolled.points, unrolled.bidirected)


@given(graphs(names=("a", "b", "c", "d"), families=("normal",), max_lag=3), st.integers(1, 3))
@settings(deadline=None, max_examples=150)
def test_two_points_are_joined_exactly_if_a_deep_past_shows_a_shared_ancestor(graph: Graph, window: int) -> None:
    ancestors = earlier_ancestors(graph, window, depth=60)
    points = sorted(ancestors, key=lambda point: (point[1], point[0]))
    expected: set[frozenset[Point]] = {
        frozenset((left, right))
        for at, left in enumerate(points)
        for right in points[at + 1 :]
        if ancestors[left] & ancestors[right]
    }
    unrolled = unroll(graph, window)
    inside: set[frozenset[Point]] = {
        frozenset(((latent.left, offset - latent.lag), (latent.right, offset)))
        for latent in graph.latents
        for offset in range(1 - window, 1)
        if offset - latent.lag > -window
    }
    assert {frozenset(pair) for pair in unrolled.bidirected} == expected | inside
    assert {frozenset(pair) for pair in unrolled.past} == expected - inside


@given(graphs(names=("a", "b", "c", "d"), families=("normal",), max_lag=3), st.integers(1, 4))
@settings(deadline=None, max_examples=50)
def test_causes_come_before_effects_and_masks_say_what_the_pairs_say(graph: Graph, window: int) -> None:
    unrolled = unroll(graph, window)
    assert all(unrolled.index[cause] < unrolled.index[effect] for cause, effect in unrolled.directed)
    pairs: list[Pair] = [
        (cause, effect)
        for effect in unrolled.points
        for cause in unrolled.of_mask(unrolled.parents[unrolled.index[effect]])
    ]
    assert sorted(pairs) == sorted(unrolled.directed)


@pytest.mark.parametrize("window", [0, -1, 1.5, "2", None, True, 10**9])
def test_a_window_that_is_no_small_whole_number_is_refused(window: object) -> None:
    with pytest.raises(CausalError):
        unroll(graph_of("a -> b 1"), cast("Any", window))


def test_what_is_no_graph_and_lags_without_end_are_refused() -> None:
    with pytest.raises(CausalError, match="takes a Graph"):
        unroll(cast("Any", "a -> b"), 1)
    with pytest.raises(CausalError, match="too many to be searched"):
        unroll(graph_of("a -> b 100000"), 1)
