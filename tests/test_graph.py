"""Graphs: what they refuse, how they are compared, and loops and orders beside brute force and networkx."""

from __future__ import annotations

from itertools import pairwise, permutations, product
from typing import Any, cast

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.errors import CausalError
from causal.graph import LONGEST_LAG, Edge, Graph, Latent, Node, Sign
from tests.strategies import graphs

CLAIMED = Graph(
    tuple(Node(name) for name in ("revenue", "corruption", "presence", "illicit")),
    (
        Edge("revenue", "corruption", 1, Sign.POSITIVE),
        Edge("corruption", "presence", 1, Sign.NEGATIVE),
        Edge("presence", "illicit", 1, Sign.NEGATIVE),
        Edge("illicit", "revenue", 0, Sign.POSITIVE),
    ),
)


def faults_of(call: Any, *arguments: Any) -> list[str]:
    with pytest.raises(CausalError) as caught:
        call(*arguments)
    return [str(fault) for fault in caught.value.faults]


def nodes(names: str) -> tuple[Node, ...]:
    return tuple(Node(name) for name in names.split())


@pytest.mark.parametrize("name", ["", "1a", "_a", "a b", "a-b", "año", "a\n", None, 3, ["a"]])
def test_a_name_is_a_letter_and_then_letters_digits_and_underscores(name: Any) -> None:
    assert "is no name of a node" in faults_of(Node, name)[0]
    assert "is no name of a node" in faults_of(Edge, name, "b")[0]
    assert "is no name of a node" in faults_of(Latent, "b", name)[0]


HUGE = [pytest.param(lag, id=name) for lag, name in ((10**6000, "huge"), (-(10**6000), "huge-and-negative"))]


@pytest.mark.parametrize("lag", [-1, 1.0, "1", None, True, float("inf"), float("nan"), LONGEST_LAG + 1, *HUGE])
def test_a_lag_is_a_whole_number_of_periods(lag: Any) -> None:
    assert len(faults_of(Edge, "a", "b", lag)) == 1
    assert len(faults_of(Latent, "a", "b", lag)) == 1


def test_an_unknown_family_is_refused_with_the_nearest_one() -> None:
    assert faults_of(Node, "a", "poison") == ["no family 'poison'; did you mean 'poisson'?"]
    assert len(faults_of(Node, "a", None)) == 1


def test_a_node_does_not_act_on_itself_within_the_period() -> None:
    assert "acts on itself" in faults_of(Edge, "a", "a")[0]
    assert "shares a cause with itself" in faults_of(Latent, "a", "a")[0]
    assert Edge("a", "a", 1).lag == Latent("a", "a", 1).lag == 1


def test_a_record_reports_all_its_faults_at_once() -> None:
    assert len(faults_of(Edge, 3, "b c", 1.5, "up")) == 4


def test_a_sign_may_be_given_as_its_text() -> None:
    assert Edge("a", "b", 0, cast("Sign", "-")).sign is Sign.NEGATIVE


def test_a_graph_reports_all_its_faults_at_once() -> None:
    found = faults_of(
        Graph,
        (*nodes("presence illicit b c d"), Node("d")),
        (
            Edge("corruptoin", "presence"),
            Edge("b", "c", 1),
            Edge("b", "c", 1),
            Edge("b", "d", 2, Sign.POSITIVE),
            Edge("b", "d", 2, Sign.NEGATIVE),
            Edge("presence", "illicit"),
            Edge("illicit", "presence"),
            Edge("d", "c"),
            Edge("c", "d"),
        ),
        (Latent("b", "c"), Latent("c", "b"), Latent("illicti", "b", 1)),
    )
    assert found == [
        "node 'd' is given 2 times; give it once",
        '"b -> c [lag=1]" the edge is given 2 times; give it once',
        '"b -> d [lag=2]" two signs for one edge: + and -; keep one of them',
        '"b <-> c" the latent is given 2 times; give it once',
        "\"corruptoin -> presence\" no node 'corruptoin'; known: b, c, d, illicit, presence",
        "\"illicti <-> b [lag=1]\" no node 'illicti'; did you mean 'illicit'?",
        "the edges within one period form a cycle: c -> d -> c; give one of them a lag of at least 1",
        "the edges within one period form a cycle: illicit -> presence -> illicit; give one of them a lag of at least 1",
    ]


def test_an_unknown_sign_beside_a_known_one_is_two_signs() -> None:
    found = faults_of(Graph, nodes("a b"), (Edge("a", "b"), Edge("a", "b", 0, Sign.POSITIVE)))
    assert found == ['"a -> b" two signs for one edge: + and ?; keep one of them']


@pytest.mark.parametrize("given_nodes", [(), None, 3, "ab", ("a", "b"), (Edge("a", "b"),)])
def test_a_graph_without_nodes_is_refused(given_nodes: Any) -> None:
    faults_of(Graph, given_nodes)
    assert faults_of(Graph, nodes("a"), None) == ["edges must be a tuple of Edge, not None; give a tuple"]


def test_the_claimed_loop_is_found_from_its_alphabetically_first_node() -> None:
    assert [[edge.name for edge in loop] for loop in CLAIMED.loops()] == [
        [
            "corruption -> presence [lag=1]",
            "presence -> illicit [lag=1]",
            "illicit -> revenue",
            "revenue -> corruption [lag=1]",
        ]
    ]


def test_edges_of_two_lags_make_a_loop_each() -> None:
    graph = Graph(
        nodes("a b"), (Edge("a", "b"), Edge("a", "b", 1), Edge("b", "a", 1), Edge("b", "b", 1), Edge("b", "b", 2))
    )
    assert [[edge.lag for edge in loop] for loop in graph.loops()] == [[0, 1], [1, 1], [1], [2]]


def test_the_text_is_canonical_and_omits_what_is_default() -> None:
    graph = Graph(
        (Node("z"), Node("coca", "hurdle-lognormal"), Node("b"), Node("a"), Node("v"), Node("u")),
        (Edge("coca", "b", 1, Sign.POSITIVE), Edge("a", "b")),
        (Latent("v", "u"), Latent("v", "u", 2)),
    )
    assert graph.text().splitlines() == [
        "coca [family=hurdle-lognormal]",
        "z",
        "a -> b",
        "coca -> b [lag=1, sign=+]",
        "u <-> v",
        "v <-> u [lag=2]",
    ]


def test_an_edge_is_found_by_its_text() -> None:
    edges = (Edge("a", "b", 1), Edge("a", "b", 2, Sign.NEGATIVE), Edge("b", "c", 3), Edge("a", "c"), Edge("a", "c", 1))
    graph = Graph(nodes("a b c"), edges)
    assert graph.edge("b->c").lag == graph.edge(" b -> c [lag=3] ").lag == 3
    assert graph.edge("a -> b [lag=2, sign=-]") == graph.edge("a -> b [lag=2]") == edges[1]
    assert graph.edge("a -> c") == graph.edge("a -> c [lag=0]") == edges[3]
    assert faults_of(graph.edge, "a -> b") == [
        "\"a -> b\" names 2 edges; choose one of: 'a -> b [lag=1]', 'a -> b [lag=2]'"
    ]
    assert faults_of(graph.edge, "a -> b [lag=4]") == [
        "\"a -> b [lag=4]\" no such edge; these two are joined by: 'a -> b [lag=1]', 'a -> b [lag=2, sign=-]'"
    ]
    assert faults_of(graph.edge, "q -> b") == ["\"q -> b\" no node 'q'; known: a, b, c"]
    assert len(faults_of(graph.edge, "c -> b")) == 1


@pytest.mark.parametrize("text", ["", "a", "a <-> b", "a -> b -> c", "a -> b [lag]", "a -> b [size=1]", None, 3])
def test_what_names_no_edge_is_refused(text: Any) -> None:
    assert len(faults_of(CLAIMED.edge, text)) == 1


def test_an_unknown_node_is_refused_with_the_nearest_one() -> None:
    for ask in (CLAIMED.node, CLAIMED.parents, CLAIMED.children):
        assert faults_of(ask, "corruptoin") == ["no node 'corruptoin'; did you mean 'corruption'?"]
        assert len(faults_of(ask, None)) == 1


def test_a_subgraph_keeps_what_joins_its_nodes() -> None:
    part = CLAIMED.subgraph(["presence", "corruption"])
    assert part == Graph(nodes("corruption presence"), (Edge("corruption", "presence", 1, Sign.NEGATIVE),))
    for names in (["presence", "q"], [], "presence", None, [3], [["presence"]]):
        assert len(faults_of(CLAIMED.subgraph, names)) == 1


def test_the_longest_lag_counts_edges_and_latents() -> None:
    assert Graph(nodes("a")).max_lag == 0
    assert CLAIMED.max_lag == 1
    assert Graph(nodes("a"), (Edge("a", "a", 1),), (Latent("a", "a", 4),)).max_lag == 4


@settings(deadline=None, max_examples=60)
@given(graph=graphs(), data=st.data())
def test_equality_and_hash_do_not_depend_on_the_order_given(graph: Graph, data: st.DataObject) -> None:
    turned = [at if at.lag else Latent(at.right, at.left) for at in graph.latents]
    other = Graph(
        tuple(data.draw(st.permutations(graph.nodes))),
        tuple(data.draw(st.permutations(graph.edges))),
        tuple(data.draw(st.permutations(turned))),
    )
    assert other == graph
    assert hash(other) == hash(graph)
    assert other.text() == graph.text()


@settings(deadline=None, max_examples=60)
@given(graph=graphs())
def test_every_edge_is_found_by_its_own_name_and_by_its_text(graph: Graph) -> None:
    assert all(graph.edge(edge.name) == edge == graph.edge(edge.text) for edge in graph.edges)


@settings(deadline=None, max_examples=60)
@given(graph=graphs())
def test_parents_and_children_hold_each_edge_once(graph: Graph) -> None:
    assert sorted(edge.name for name in graph.names for edge in graph.parents(name)) == sorted(
        e.name for e in graph.edges
    )
    assert sorted(edge.name for name in graph.names for edge in graph.children(name)) == sorted(
        e.name for e in graph.edges
    )
    assert all(edge.effect == name for name in graph.names for edge in graph.parents(name))
    assert all(edge.cause == name for name in graph.names for edge in graph.children(name))


@settings(deadline=None, max_examples=60)
@given(graph=graphs())
def test_the_order_puts_causes_of_the_period_first(graph: Graph) -> None:
    order = graph.order
    assert sorted(order) == list(graph.names)
    assert all(order.index(edge.cause) < order.index(edge.effect) for edge in graph.edges if edge.lag == 0)


@settings(deadline=None, max_examples=60)
@given(graph=graphs(max_edges=12))
def test_the_loops_are_those_of_a_brute_force_search(graph: Graph) -> None:
    expected: set[tuple[Edge, ...]] = set()
    for size in range(1, len(graph.names) + 1):
        for walk in permutations(graph.names, size):
            if walk[0] == min(walk):
                steps = zip(walk, (*walk[1:], walk[0]), strict=True)
                expected |= set(product(*([e for e in graph.edges if (e.cause, e.effect) == step] for step in steps)))
    loops = graph.loops()
    assert set(loops) == expected
    assert len(loops) == len(expected)
    assert all(sum(edge.lag for edge in loop) >= 1 for loop in loops)


@settings(deadline=None, max_examples=100)
@given(pairs=st.sets(st.tuples(st.sampled_from("abcde"), st.sampled_from("abcde")).filter(lambda p: p[0] != p[1])))
def test_a_graph_is_refused_just_when_its_edges_within_the_period_form_a_cycle(pairs: set[tuple[str, str]]) -> None:
    edges = tuple(Edge(cause, effect) for cause, effect in pairs)
    plain: nx.DiGraph[str] = nx.DiGraph(list(pairs))
    if nx.is_directed_acyclic_graph(plain):
        assert len(Graph(nodes("a b c d e"), edges).edges) == len(pairs)
        return
    on_a_cycle = set[str]().union(*nx.simple_cycles(plain))
    shown: set[str] = set()
    for fault in faults_of(Graph, nodes("a b c d e"), edges):
        walk = fault.partition("cycle: ")[2].partition(";")[0].split(" -> ")
        assert walk[0] == walk[-1]
        assert all(step in pairs for step in pairwise(walk))
        shown |= set(walk)
    assert shown == on_a_cycle
