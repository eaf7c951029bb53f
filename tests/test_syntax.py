"""The text form and the exchange formats: what they mean, what they refuse, and that they come back the same."""

from __future__ import annotations

from typing import Any

import networkx as nx
import pygraphviz
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.errors import CausalError
from causal.graph import Edge, Graph, Latent, Node, Sign
from causal.syntax import (
    from_dagitty,
    from_networkx,
    read_edge,
    read_graph,
    to_dagitty,
    to_dot,
    to_mermaid,
    to_networkx,
)
from tests.strategies import graphs

CLAIMED = """
revenue -> corruption [lag=1, sign=+]
corruption -> presence [lag=1, sign=-]
presence -> illicit [lag=1, sign=-]
illicit -> revenue [sign=+]
"""


def faults_of(call: Any, *arguments: Any) -> list[str]:
    with pytest.raises(CausalError) as caught:
        call(*arguments)
    return [str(fault) for fault in caught.value.faults]


def test_the_claimed_loop_is_read() -> None:
    graph = read_graph(CLAIMED)
    assert graph.names == ("corruption", "illicit", "presence", "revenue")
    assert graph.edge("illicit -> revenue") == Edge("illicit", "revenue", 0, Sign.POSITIVE)
    assert len(graph.loops()) == 1
    assert sum(edge.lag for edge in graph.loops()[0]) == 3


def test_lines_semicolons_comments_and_spaces_say_the_same() -> None:
    assert read_graph("a->b[lag=1];b   <-c # why; d -> e\n\n;; # nothing\nu<->u[ lag = 2 ]") == Graph(
        tuple(Node(name) for name in "abcu"), (Edge("a", "b", 1), Edge("c", "b")), (Latent("u", "u", 2),)
    )


def test_attributes_apply_to_every_link_of_a_chain() -> None:
    assert read_graph("a -> b <- c <-> d [lag=1]") == read_graph("a -> b [lag=1]; c -> b [lag=1]; c <-> d [lag=1]")


def test_a_latent_within_the_period_has_no_direction_and_a_lagged_one_has() -> None:
    assert read_graph("u <-> v") == read_graph("v <-> u") == read_graph("v <-> u; u <-> v")
    assert read_graph("u <-> v [lag=1]") != read_graph("v <-> u [lag=1]")


def test_a_family_is_given_once_and_the_node_named_often() -> None:
    graph = read_graph("coca; coca [family=hurdle-lognormal]; coca -> b; coca")
    assert graph.node("coca").family == "hurdle-lognormal"
    assert graph.node("b").family == "normal"


def test_a_repeated_statement_counts_once() -> None:
    assert read_graph("a -> b [lag=1]\na -> b [lag=1]") == read_graph("a -> b [lag=1]")


def test_all_faults_come_at_once_each_with_its_line() -> None:
    text = "a -> b\nrevenue -> corrupton [lag=x] # typo\n\nb -> a; c -> c\nd [family=poison, size=2]\n a --> b"
    assert faults_of(read_graph, text) == [
        "line 2 \"revenue -> corrupton [lag=x]\": lag 'x' is no whole number; write lag=1, for example",
        "line 4 \"c -> c\": 'c' acts on itself within the period; give it a lag of at least 1",
        "line 5 \"d [family=poison, size=2]\": no family 'poison'; did you mean 'poisson'?",
        "line 5 \"d [family=poison, size=2]\": no attribute 'size'; known: across, family, lag, sign",
        "line 6 \"a --> b\": 'a -' is no name of a node; an effect is written 'a -> b', a latent 'a <-> b'",
        "line 1, line 4: the edges within one period form a cycle: a -> b -> a; give one of them a lag of at least 1",
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "names no node"),
        (" \n # a -> b\n;", "names no node"),
        ("a -> b -> a", "form a cycle: a -> b -> a"),
        (
            "a -> b [sign=+]\na -> b [sign=-]",
            'line 2 "a -> b [sign=-]": two signs for one edge: - here but + on line 1',
        ),
        ("a -> b [lag=1, sign=+]\na -> b [lag=1]", "two signs for one edge: no sign here but + on line 1"),
        ("a [family=beta]\na [family=poisson]", "'a' has the family poisson here but beta on line 1"),
        ("a -> b [lag=inf]", "lag 'inf' is no whole number"),
        ("a -> b [lag=nan]", "lag 'nan' is no whole number"),
        ("a -> b [lag=1.5]", "lag '1.5' is no whole number"),
        ("a -> b [lag=²]", "lag '²' is no whole number"),
        ("a -> b [lag=-1]", "lag '-1' is no whole number of at least 0"),
        (f"a -> b [lag={'9' * 5000}]", "the lag is beyond"),
        ("a -> b [sign=up]", "no sign 'up'"),
        ("a -> b [lagg=1]", "no attribute 'lagg'; did you mean 'lag'?"),
        ("a -> b [lag]", "'lag' gives no value"),
        ("a -> b [lag=]", "'lag=' gives no value"),
        ("a -> b [lag=1, lag=1]", "lag is given twice"),
        ("a -> b [lag=1,]", "an attribute is missing"),
        ("a -> b []", "an attribute is missing"),
        ("a -> b [lag=1", "'[lag=1' is never closed"),
        ("a -> b ]", "']' closes no '['"),
        ("a -> b ] [", "']' closes no '['"),
        ("a -> b [lag=1] c", "'c' stands after the attributes"),
        ("a -> b [lag=1] [sign=+]", "more than one pair of brackets"),
        ("a -> b [family=poisson]", "family belongs to a node"),
        ("a [lag=1]", "lag belongs to an effect"),
        ("a [sign=+]", "sign belongs to an effect"),
        ("u <-> v [sign=+]", "a latent has no sign"),
        ("u <-> u", "shares a cause with itself"),
        ("[lag=1]", "the attributes belong to nothing"),
        ("-> b", "nothing stands before '->'"),
        ("a <->", "nothing stands after '<->'"),
        ("a -> -> b", "nothing stands after '->'"),
        ("a b", "'a b' is no name of a node"),
        ("a => b", "an effect is written 'a -> b'"),
        ("1a -> b", "'1a' is no name of a node"),
        ("año -> b", "'año' is no name of a node"),
        (None, "not from None"),
        (3, "not from 3"),
        (b"a -> b", "not from a bytes"),
    ],
)
def test_what_the_text_form_refuses(text: Any, what: str) -> None:
    assert what in "\n".join(faults_of(read_graph, text))


def test_one_edge_is_read_as_a_claim_states_it() -> None:
    assert read_edge("corruption -> presence [lag=1, sign=-]") == Edge("corruption", "presence", 1, Sign.NEGATIVE)
    assert read_edge("presence <- corruption") == Edge("corruption", "presence")


@pytest.mark.parametrize(
    "text", ["", "a", "a <-> b", "a -> b -> c", "a -> b; a -> b", "a -> a", "a -> b [lag=x]", None, 3]
)
def test_what_is_not_one_edge_is_refused(text: Any) -> None:
    assert len(faults_of(read_edge, text)) == 1


def test_plain_dagitty_is_read() -> None:
    text = """strict dag "a name" {
        bb="-2,-2,2,2"
        x [exposure, pos="-1.0,0.5"]
        y [outcome] "w" [latent; adjusted]
        x -> y [beta=.3] ; z <-> y; x -> {a b} y <- {a; c -> d} -> e
    }"""
    expected = "w; x -> y; z <-> y; x -> a; x -> b; a -> y; c -> y; d -> y; c -> d; a -> e; c -> e; d -> e"
    assert from_dagitty(text) == read_graph(expected)
    assert from_dagitty("dag { x [exposure] y [outcome] x -> y ; z <-> y; x -> {a b} }") == read_graph(
        "x -> y; z <-> y; x -> a; x -> b"
    )
    assert from_dagitty("x->y y<-dag") == read_graph("x -> y; dag -> y")
    assert from_dagitty("dag -> {a b}") == read_graph("dag -> a; dag -> b")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the text is empty"),
        ("dag {}", "names no node"),
        ("dag {\n a -- b }", "line 2 \"a -- b\": '--' is no effect"),
        ("dag { a @-> b }", "'@->' is no effect"),
        ("pag { a -> b }", "mean ancestors, not effects"),
        ("mag { a -> b }", "mean ancestors, not effects"),
        ("dag { a -> b", "the text ends too early"),
        ("dag { a [exposure", "the text ends too early"),
        ("dag { a -> }", "'}' stands where a node should"),
        ("dag { a -> b } c", "'c' stands after the graph's end"),
        ("dag { a [= b] }", "'=' stands where an attribute should"),
        ('dag { "blood pressure" -> b }', "'blood pressure' is no name of a node"),
        ("dag { a -> b b -> a }", "form a cycle: a -> b -> a"),
        ('dag { a -> b [lag="x"] }', "lag 'x' is no whole number"),
        ("dag { a -> b [sign=up] }", "no sign 'up'"),
        ("dag { a [family=poison] }", "no family 'poison'"),
        ('dag { a [named="b"] b }', "another node is named 'b' too"),
        ("dag { a ; % }", "'%' has no meaning in dagitty"),
        ("{" * 5000, "nested more than 50 deep"),
        (None, "not from None"),
    ],
)
def test_what_dagitty_cannot_say_or_we_cannot_hold_is_refused(text: Any, what: str) -> None:
    assert what in "\n".join(faults_of(from_dagitty, text))


def test_dagitty_gets_lags_as_attributes_and_other_names_for_its_own_words() -> None:
    graph = read_graph("graph -> a [lag=1, sign=+]; graph_ <-> a [lag=2]; a [family=beta]")
    assert to_dagitty(graph).splitlines() == [
        "dag {",
        'a [family="beta"]',
        'graph__ [named="graph"]',
        "graph_",
        'graph__ -> a [lag="1", sign="+"]',
        'graph_ <-> a [lag="2"]',
        "}",
    ]


def test_mermaid_draws_effects_and_dotted_latents() -> None:
    graph = read_graph("a -> end [lag=1, sign=-]; a -> b; b <-> c; b <-> c [lag=2]; a [family=beta]")
    assert to_mermaid(graph).splitlines() == [
        "flowchart LR",
        '    a["a (beta)"]',
        '    b["b"]',
        '    c["c"]',
        '    end_["end"]',
        "    a --> b",
        '    a -->|"lag 1, sign -"| end_',
        "    b <-.-> c",
        '    b <-.->|"lag 2"| c',
    ]


def test_networkx_follows_effects_and_not_latents() -> None:
    graph = to_networkx(read_graph("a -> b [lag=1, sign=+]; a -> b [lag=2]; b <-> c"))
    assert sorted(graph.edges(keys=True)) == [("a", "b", 1), ("a", "b", 2)]
    assert graph.edges["a", "b", 1] == {"lag": 1, "sign": "+"}
    assert nx.descendants(graph, "b") == set()
    assert graph.graph["latents"] == [("b", "c", 0)]


def test_a_plain_networkx_graph_is_read_with_the_defaults() -> None:
    plain: nx.DiGraph[str] = nx.DiGraph([("a", "b")])
    assert from_networkx(plain) == read_graph("a -> b")


def test_all_faults_of_a_networkx_graph_come_at_once() -> None:
    wrong: nx.MultiDiGraph[Any] = nx.MultiDiGraph(latents=[("a", "a"), 3, ("a", "b", -1)])
    wrong.add_node(1)
    wrong.add_node("a", family="poison")
    wrong.add_edge("b", "c", lag=1.5)
    wrong.add_edge("b", "c", lag=1, sign="+")
    wrong.add_edge("b", "c", lag=1, sign="-")
    assert len(faults_of(from_networkx, wrong)) == 7
    assert len(faults_of(from_networkx, nx.Graph([("a", "b")]))) == 1
    assert len(faults_of(from_networkx, nx.DiGraph())) == 1
    assert len(faults_of(from_networkx, nx.DiGraph(latents=3))) == 1
    assert len(faults_of(from_networkx, None)) == 1


@pytest.mark.parametrize("write", [to_dagitty, to_dot, to_mermaid, to_networkx])
def test_what_is_no_graph_is_not_written(write: Any) -> None:
    assert len(faults_of(write, "a -> b")) == 1


@settings(deadline=None, max_examples=100)
@given(graph=graphs(weights=("neighbours", "trade")))
def test_a_graph_comes_back_from_its_text(graph: Graph) -> None:
    assert read_graph(graph.text()) == graph
    assert read_graph(";".join(reversed(graph.text().splitlines()))) == graph
    assert all(read_edge(edge.text) == edge for edge in graph.edges)


@settings(deadline=None, max_examples=100)
@given(graph=graphs(weights=("neighbours", "trade")))
def test_a_graph_comes_back_from_dagitty(graph: Graph) -> None:
    assert from_dagitty(to_dagitty(graph)) == graph


@settings(deadline=None, max_examples=100)
@given(graph=graphs(weights=("neighbours", "trade")))
def test_a_graph_comes_back_from_networkx(graph: Graph) -> None:
    assert from_networkx(to_networkx(graph)) == graph


@settings(deadline=None, max_examples=40)
@given(graph=graphs(weights=("neighbours", "trade")))
def test_graphviz_reads_the_same_graph_from_dot(graph: Graph) -> None:
    drawn: Any = pygraphviz.AGraph(string=to_dot(graph))
    nodes = tuple(Node(str(node), node.attr["family"]) for node in drawn.nodes())
    edges: list[Edge] = []
    latents: list[Latent] = []
    for link in drawn.edges():
        left, right, lag = str(link[0]), str(link[1]), int(link.attr["lag"])
        if link.attr["latent"]:
            latents.append(Latent(left, right, lag))
        else:
            edges.append(Edge(left, right, lag, Sign(link.attr["sign"]), link.attr["across"] or None))
    assert Graph(nodes, tuple(edges), tuple(latents)) == graph


@settings(deadline=None, max_examples=60)
@given(graph=graphs(weights=("neighbours", "trade")))
def test_mermaid_has_a_line_for_each_part_and_no_bare_reserved_word(graph: Graph) -> None:
    lines = to_mermaid(graph).splitlines()
    assert lines == to_mermaid(read_graph(graph.text())).splitlines()
    assert len(lines) == 1 + len(graph.nodes) + len(graph.edges) + len(graph.latents)
    words = {word for line in lines[1:] for word in (line.split("[")[0].split()[0], line.split()[-1])}
    assert not words & {"end", "graph", "subgraph"}


PIECES = (
    "a",
    "b",
    "c1",
    "->",
    "<-",
    "<->",
    "[",
    "]",
    "lag",
    "sign",
    "family",
    "=",
    "+",
    "-",
    "1",
    ",",
    ";",
    "\n",
    " ",
    "#",
)
DAGITTY_PIECES = (*PIECES, "{", "}", "dag", '"', "--", "@->", "\\", ".5")


@settings(deadline=None, max_examples=300)
@given(text=st.one_of(st.text(max_size=30), st.lists(st.sampled_from(PIECES), max_size=15).map("".join)))
def test_any_text_is_a_graph_or_a_causal_error(text: str) -> None:
    try:
        graph = read_graph(text)
    except CausalError as error:
        assert error.faults
    else:
        assert read_graph(graph.text()) == graph


@settings(deadline=None, max_examples=300)
@given(text=st.one_of(st.text(max_size=30), st.lists(st.sampled_from(DAGITTY_PIECES), max_size=20).map("".join)))
def test_any_text_is_dagitty_or_a_causal_error(text: str) -> None:
    try:
        graph = from_dagitty(text)
    except CausalError as error:
        assert error.faults
    else:
        assert from_dagitty(to_dagitty(graph)) == graph


def test_an_effect_across_units_has_its_weights_in_its_name() -> None:
    graph = read_graph(
        "coca -> coca [lag=1]; coca -> coca [across=neighbours, lag=1, sign=+]; war -> coca [lag=2, across=trade]"
    )
    assert graph.text().splitlines() == [
        "coca -> coca [lag=1]",
        "coca -> coca [lag=1, across=neighbours, sign=+]",
        "war -> coca [lag=2, across=trade]",
    ]
    own, other = graph.edge("coca -> coca [lag=1]"), graph.edge("coca -> coca [lag=1, across=neighbours]")
    assert (own.across, own.is_memory, other.across, other.is_memory) == (None, True, "neighbours", False)
    assert graph.edge("coca -> coca") == own
    assert graph.edge("war -> coca").name == "war -> coca [lag=2, across=trade]"
    assert [edge.name for edge in (own, other)] != [own.name] * 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a -> b [across=w]", "an effect across units within the period; across needs a lag of at least 1"),
        ("a <-> b [lag=1, across=w]", "a latent is not shared across units"),
        ("a -> b [lag=1, across=]", "'across=' gives no value; write across=neighbours"),
        ("a -> b [lag=1, across=1w]", "'1w' is no name of weights"),
        ("a [across=w]", "across belongs to an effect; write it behind one, as in 'a -> b [across=w]'"),
        ("a -> b [lag=1, across=w, sign=+]; a -> b [lag=1, across=w, sign=-]", "two signs for one edge"),
    ],
)
def test_what_is_no_effect_across_units_is_told(text: str, said: str) -> None:
    (fault,) = faults_of(read_graph, text)
    assert said in fault
