"""What to measure: against brute force over every set of further measurements, and textbook graphs worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.claim import Claim, Ledger, Source
from causal.errors import CausalError
from causal.graph import Edge, Graph, Node
from causal.identification import identify, identify_edge
from causal.measurement import Measure
from causal.measuring import Addition, Measuring, Proposal, Unanswered, explicit, what_to_measure
from causal.panel import Panel, Study
from causal.separation import m_separated
from priors.read import read_bundle
from tests.strategies import graphs
from tests.test_unroll import graph_of

type Set = frozenset[str]
"""Nodes by name and latents by text."""


def named(addition: Addition) -> Set:
    return frozenset((*addition.nodes, *(latent.name for latent in addition.latents)))


def sets(found: Unanswered) -> set[Set]:
    chosen = {named(addition) for addition in found.additions}
    assert len(chosen) == len(found.additions)
    return chosen


def only(found: Measuring) -> Unanswered:
    (unanswered,) = found.unanswered
    return unanswered


def needs(graph: Graph, observed: Iterable[str], claim: str, costs: Mapping[str, float] | None = None) -> set[Set]:
    """The cheapest sets for one claim that is not answered."""
    return sets(only(what_to_measure(graph, observed, [claim], costs=costs)))


# Against brute force

MEASURABLE = 6


def with_causes(graph: Graph) -> tuple[Graph, dict[str, str]]:
    """The graph with a root node for each latent, and the latents' texts by node."""
    texts = {f"root{at}": latent for at, latent in enumerate(graph.latents)}
    edges = [Edge(root, latent.left) for root, latent in texts.items()]
    edges += [Edge(root, latent.right, latent.lag) for root, latent in texts.items()]
    whole = Graph((*graph.nodes, *(Node(root) for root in texts)), (*graph.edges, *edges))
    return whole, {root: latent.name for root, latent in texts.items()}


def by_brute_force(graph: Graph, seen: Set, text: str, costs: Mapping[str, float]) -> tuple[float, set[Set]]:
    """The least cost and all the sets of that cost: every set is tried."""
    whole, texts = with_causes(graph)
    priced = {name: costs.get(texts.get(name, name), 1.0) for name in whole.names if name not in seen}
    offered = [name for name, cost in priced.items() if math.isfinite(cost)]
    least, best = math.inf, set[Set]()
    for size in range(len(offered) + 1):
        for chosen in combinations(offered, size):
            cost = math.fsum(priced[name] for name in chosen)
            if cost > least + 1e-9:
                continue
            measured = seen.union(chosen)
            if not measured:
                continue
            answer = identify(whole, text, measured) if "[0]" in text else identify_edge(whole, text, measured)
            if answer.identified:
                if cost < least - 1e-9:
                    least, best = cost, set()
                best.add(frozenset(texts.get(name, name) for name in chosen))
    return least, best


@st.composite
def cases(draw: st.DrawFn) -> tuple[Graph, Set, str, dict[str, float]]:
    """A graph with loops, lags and latents, what is measured of it, an edge or a total effect, and costs."""
    graph = draw(
        graphs(min_nodes=2, max_nodes=5, max_edges=8, max_latents=2, names=tuple("abcde"), families=("normal",))
    )
    names = [*graph.names, *(latent.name for latent in graph.latents)]
    seen = draw(st.sets(st.sampled_from(graph.names)))
    seen |= set(graph.names[: max(0, len(names) - len(seen) - MEASURABLE)])
    costs = draw(st.dictionaries(st.sampled_from(names), st.sampled_from((0.5, 1.0, 1.5, 2.0, 7.0, math.inf))))
    if graph.edges and draw(st.booleans()):
        return graph, frozenset(seen), draw(st.sampled_from(graph.edges)).name, costs
    cause, effect = draw(st.permutations(graph.names))[:2]
    lag = draw(st.integers(0, 2))
    return graph, frozenset(seen), f"{cause}[{-lag}] -> {effect}[0]", costs


def agrees(case: tuple[Graph, Set, str, dict[str, float]]) -> None:
    graph, seen, text, costs = case
    found = what_to_measure(graph, seen, [text], costs=costs, most=64)
    least, best = by_brute_force(graph, seen, text, costs)
    if least == 0:
        assert (found.answered, found.unanswered, found.proposals) == ((text,), (), ())
        return
    unanswered = only(found)
    assert unanswered.complete
    assert sets(unanswered) == best
    assert all(addition.cost == pytest.approx(least) for addition in unanswered.additions)
    assert {named(proposal.addition) for proposal in found.proposals} == best
    assert all(proposal.claims == (text,) for proposal in found.proposals)


@given(cases())
@settings(deadline=None, max_examples=60)
def test_the_cheapest_sets_are_those_of_brute_force(case: tuple[Graph, Set, str, dict[str, float]]) -> None:
    agrees(case)


@given(cases())
@settings(deadline=None, max_examples=15)
def test_at_most_so_many_sets_are_listed_and_that_there_are_more_is_told(
    case: tuple[Graph, Set, str, dict[str, float]],
) -> None:
    graph, seen, text, costs = case
    every = what_to_measure(graph, seen, [text], costs=costs, most=64)
    if not every.unanswered:
        return
    found = only(what_to_measure(graph, seen, [text], costs=costs, most=1))
    assert sets(found) <= sets(only(every))
    assert len(found.additions) == min(1, len(only(every).additions))
    assert found.complete == (len(only(every).additions) <= 1)


@given(graphs(min_nodes=2, max_nodes=4, max_edges=5, max_latents=3, names=tuple("abcd")))
@settings(deadline=None, max_examples=40)
def test_a_latent_made_a_node_separates_nothing_and_joins_nothing(graph: Graph) -> None:
    whole, causes = explicit(graph)
    assert (whole.latents, sorted(latent.name for latent in causes.values())) == (
        (),
        [latent.name for latent in graph.latents],
    )
    points = [(name, offset) for name in graph.names for offset in (0, -1)]
    for left, right in combinations(points, 2):
        rest = [point for point in points if point not in (left, right)]
        for held in (rest[:0], rest[:1], rest[:2], rest):
            assert m_separated(whole, left, right, held) == m_separated(graph, left, right, held)


def test_a_latents_node_takes_no_name_that_is_taken() -> None:
    graph = graph_of("a -> cause_of_a_and_b", "a <-> b", "a <-> b 2")
    _, causes = explicit(graph)
    assert {name: latent.name for name, latent in causes.items()} == {
        "cause_of_a_and_b_": "a <-> b",
        "cause_of_a_and_b_2": "a <-> b [lag=2]",
    }


# Graphs worked out by hand


def test_of_a_bow_only_the_unmeasured_cause_itself_helps() -> None:
    assert needs(graph_of("x -> y", "x <-> y"), {"x", "y"}, "x -> y") == {frozenset({"x <-> y"})}


def test_an_unmeasured_confounder_is_to_be_measured() -> None:
    graph = graph_of("x -> y", "u -> x", "u -> y", "v -> u")
    assert needs(graph, {"x", "y"}, "x -> y") == {frozenset({"u"})}


def test_one_node_on_every_confounding_path_is_cheaper_than_one_for_each() -> None:
    graph = graph_of("x -> y", "u -> x", "u -> a", "a -> y", "u -> b", "b -> y")
    assert needs(graph, {"x", "y"}, "x -> y") == {frozenset({"u"})}
    assert needs(graph, {"x", "y"}, "x -> y", {"u": 3}) == {frozenset("ab")}
    assert needs(graph, {"x", "y"}, "x -> y", {"u": 2}) == {frozenset("u"), frozenset("ab")}


def test_an_unmeasured_end_stands_in_every_set() -> None:
    graph = graph_of("x -> y", "u -> x", "u -> y", "x -> z")
    assert needs(graph, {"x"}, "x -> y") == {frozenset("uy")}
    assert needs(graph, {"u"}, "x -> y") == {frozenset("xy")}
    assert needs(graph, (), "x -> z") == {frozenset("xz")}


def test_the_middle_of_an_m_needs_nothing_and_its_sides_are_not_asked_for() -> None:
    m = ("x -> y", "a -> x", "a -> m", "b -> m", "b -> y")
    assert what_to_measure(graph_of(*m), {"x", "y", "m"}, ["x -> y"]).answered == ("x -> y",)
    # Where the middle confounds too, holding it fixed opens the path over it, and it takes a side as well.
    graph = graph_of(*m, "m -> x", "m -> y")
    assert needs(graph, {"x", "y", "m"}, "x -> y") == {frozenset("a"), frozenset("b")}


def test_a_mediator_opens_a_front_door() -> None:
    graph = graph_of("x -> m 1", "m -> y 1", "x <-> y 2")
    costs = {"x <-> y [lag=2]": 5}
    assert needs(graph, {"x", "y"}, "x[-2] -> y[0]", costs) == {frozenset({"m"})}
    assert identify(graph, "x[-2] -> y[0]", {"x", "m", "y"}).strategy == "front-door"


def test_an_instrument_may_be_the_cheapest_way() -> None:
    graph = graph_of("z -> x", "x -> y", "x <-> y")
    assert needs(graph, {"x", "y"}, "x -> y") == {frozenset("z"), frozenset({"x <-> y"})}
    assert needs(graph, {"x", "y"}, "x -> y", {"x <-> y": 2}) == {frozenset("z")}
    assert needs(graph, {"x", "y"}, "x -> y", {"z": 2}) == {frozenset({"x <-> y"})}
    assert identify_edge(graph, "x -> y", {"x", "y", "z"}).strategy == "instrument"


def test_a_formula_by_districts_may_be_the_cheapest_way() -> None:
    # Instruments aside, the napkin is the standard effect with neither an adjustment set nor a front door.
    napkin = graph_of("w -> r", "r -> x", "x -> y", "w <-> x", "w <-> y")
    costs = {"w <-> x": math.inf, "w <-> y": math.inf}
    assert needs(napkin, {"x", "y"}, "x[0] -> y[0]", costs) == {frozenset("wr")}


def test_what_cannot_be_measured_is_in_no_set() -> None:
    graph = graph_of("x -> y", "u -> x", "u -> a", "a -> y")
    assert needs(graph, {"x", "y"}, "x -> y", {"u": math.inf}) == {frozenset("a")}
    found = what_to_measure(graph, {"x", "y"}, ["x -> y"], costs={"u": math.inf, "a": math.inf})
    assert only(found).additions == ()
    assert only(found).complete
    assert found.proposals == ()
    assert str(only(found)) == "Nothing that can be measured would answer x -> y."


def test_an_end_that_cannot_be_measured_leaves_no_way() -> None:
    assert needs(graph_of("x -> y"), {"x"}, "x -> y", {"y": math.inf}) == set()


def test_latents_within_a_period_are_priced_either_way_round() -> None:
    graph = graph_of("z -> x", "x -> y", "x <-> y")
    for text in ("x <-> y", "y <-> x", "  y   <->  x "):
        assert needs(graph, {"x", "y"}, "x -> y", {text: 0.5}) == {frozenset({"x <-> y"})}


def test_memory_of_a_confounder_is_held_by_measuring_it_in_every_period() -> None:
    graph = graph_of("x -> y 1", "y -> x 1", "u -> u 1", "u -> x", "u -> y", "x -> x 1")
    assert needs(graph, {"x", "y"}, "x -> y") == {frozenset("u")}


def test_costs_that_differ_in_the_last_digit_only_are_equal() -> None:
    graph = graph_of("x -> y", "u -> x", "u -> a", "a -> y", "u -> b", "b -> y")
    costs = {"u": 0.3, "a": 0.1, "b": 0.2}
    assert 0.1 + 0.2 != 0.3
    assert needs(graph, {"x", "y"}, "x -> y", costs) == {frozenset("u"), frozenset("ab")}


def test_costs_far_apart_are_still_told_apart() -> None:
    graph = graph_of("x -> y", "u -> x", "u -> a", "a -> y", "u -> b", "b -> y")
    assert needs(graph, {"x", "y"}, "x -> y", {"u": 1e4 + 2, "a": 1e4, "b": 1}) == {frozenset("ab")}
    assert needs(graph, {"x", "y"}, "x -> y", {"u": 1e4, "a": 1e4, "b": 1}) == {frozenset("u")}


# What comes back


LOOP = graph_of("p -> i 1", "w -> p", "w -> i 1", "w -> w 1", "t -> w")


def test_without_claims_every_edge_is_asked_and_without_observed_nothing_is_measured() -> None:
    found = what_to_measure(LOOP)
    assert found.answered == ()
    assert [it.claim for it in found.unanswered] == [edge.name for edge in LOOP.edges]
    assert sets(found.unanswered[0]) == {frozenset("ipw")}
    assert what_to_measure(LOOP, LOOP.names).answered == tuple(edge.name for edge in LOOP.edges)


def test_claims_by_key_keep_their_keys_and_order() -> None:
    claims = {"c2": "p[-1] -> i[0]", "c1": "p -> i", "c3": "t -> w", "c4": "w -> w"}
    found = what_to_measure(LOOP, {"p", "i", "t"}, claims)
    assert [(it.claim, it.effect) for it in found.unanswered] == [
        ("c2", "p[-1] -> i[0]"),
        ("c1", "p -> i [lag=1]"),
        ("c3", "t -> w"),
        ("c4", "w -> w [lag=1]"),
    ]
    (proposal,) = found.proposals
    assert proposal == Proposal(Addition(("w",), (), 1.0), "", ("c2", "c1", "c3", "c4"))
    assert str(proposal) == "Measuring w would answer c2, c1, c3, c4."


def test_a_proposal_answers_claims_for_which_less_would_do_and_the_cheapest_comes_first() -> None:
    graph = graph_of("a -> b", "c -> d", "e -> d", "e -> c")
    found = what_to_measure(graph, {"a", "c"}, ["a -> b", "c -> d", "e -> c"], costs={"b": 3})
    assert [(named(it.addition), it.addition.cost, it.claims) for it in found.proposals] == [
        (frozenset("e"), 1.0, ("e -> c",)),
        (frozenset("de"), 2.0, ("c -> d", "e -> c")),
        (frozenset("b"), 3.0, ("a -> b",)),
    ]


def test_of_equally_cheap_proposals_that_which_answers_more_comes_first() -> None:
    graph = graph_of("x -> a", "x -> b", "b -> x 1")
    found = what_to_measure(graph, {"x"}, ["x -> a", "x -> b", "b -> x"])
    assert [(named(it.addition), len(it.claims)) for it in found.proposals] == [
        (frozenset("b"), 2),
        (frozenset("a"), 1),
    ]


def test_why_says_what_stands_in_the_way_now() -> None:
    graph = graph_of("x -> y", "u -> x", "u -> y")
    assert only(what_to_measure(graph, {"x", "y"}, ["x -> y"])).why == identify_edge(graph, "x -> y", {"x", "y"}).why
    assert (
        only(what_to_measure(graph, {"x"}, ["x -> y"])).why == "y is not measured, so no data speak about this effect."
    )


def test_sentences_name_nodes_and_the_causes_behind_latents() -> None:
    found = what_to_measure(graph_of("x -> y", "x <-> y"), {"x", "y"}, {"c1": "x -> y"})
    assert str(only(found)) == "c1 needs: the unmeasured cause of x and y."
    assert str(found.proposals[0]) == "Measuring the unmeasured cause of x and y would answer c1."
    graph = graph_of("x -> y", "x <-> y", "x <-> y 1", "y <-> y 2")
    now, later, further = graph.latents
    assert str(Addition(("a", "b"), (now, later, further), 1)) == (
        "a, b, the unmeasured cause of x and y, the unmeasured cause of x and, 1 period later, y and the unmeasured cause of "
        "y and, 2 periods later, y"
    )
    ways = (Addition(("a",), (), 1), Addition(("b", "c"), (), 1))
    assert str(Unanswered("c1", "x -> y", "panel", ways, True, "")) == "c1 needs in study panel: a; or b and c."
    assert str(Unanswered("c1", "x -> y", "", ways, False, "")) == "c1 needs: a; or b and c; or others."
    assert str(Unanswered("c1", "x -> y", "panel", (), True, "")) == (
        "Nothing that can be measured in study panel would answer c1."
    )
    assert str(Proposal(ways[1], "panel", ("c1", "c2"))) == "Measuring b and c in study panel would answer c1, c2."


# Several studies, and bundles


def test_each_study_stands_alone_and_one_answer_is_enough() -> None:
    graph = graph_of("x -> y", "u -> x", "u -> y", "y -> z")
    found = what_to_measure(graph, {"one": {"x", "y"}, "two": {"u", "y", "z"}}, ["x -> y", "u -> y", "y -> z"])
    # y -> z is confounded by nothing; u -> y needs x, over which the rest of u's effect runs.
    assert found.answered == ("y -> z",)
    assert [(it.claim, it.study, sets(it)) for it in found.unanswered] == [
        ("x -> y", "one", {frozenset("u")}),
        ("x -> y", "two", {frozenset("x")}),
        ("u -> y", "one", {frozenset("u")}),
        ("u -> y", "two", {frozenset("x")}),
    ]
    assert [(named(it.addition), it.study, it.claims) for it in found.proposals] == [
        (frozenset("u"), "one", ("x -> y", "u -> y")),
        (frozenset("x"), "two", ("x -> y", "u -> y")),
    ]


@dataclass(frozen=True)
class Bundle:
    ledger: Ledger
    graph: Graph
    studies: tuple[Study, ...]
    costs: Mapping[str, float]


def bundle(*studies: Study, **costs: float) -> Bundle:
    graph = graph_of("x -> y", "u -> x", "u -> a", "a -> y", "price -> x", "price -> y")
    claims = (
        Claim("c1", Edge("x", "y"), "x moves y", "p. 1"),
        Claim("c2", None, "all is one", "p. 2", untestable="no variable", cause="all", effect="one"),
        Claim("c3", Edge("price", "y"), "the price moves y", "p. 3"),
        Claim("c4", Edge("x", "y"), "x moves y, again", "p. 4"),
    )
    return Bundle(Ledger(Source("A report"), claims, ()), graph, studies, dict.fromkeys(graph.names, 1.0) | costs)


def study(name: str, **columns: list[float]) -> Study:
    frame = pd.DataFrame({"unit": list("aaabbb"), "year": [1, 2, 3] * 2} | columns)
    panel = Panel.from_frame(frame, unit="unit", time="year")
    return Study(panel, {column: Measure(column) for column in columns}, name)


VARIED = {"x": [1.0, 2.0, 4.0, 3.0, 5.0, 9.0], "y": [2.0, 1.0, 3.0, 7.0, 5.0, 6.0]}
WORLD = [1.0, 3.0, 2.0] * 2


def test_a_bundles_claims_studies_and_costs_are_asked_for() -> None:
    found = what_to_measure(bundle(study("panel", **VARIED, price=[*WORLD[:5], 4.0])))
    assert [(it.claim, it.effect, it.study) for it in found.unanswered] == [
        ("c1", "x -> y", "panel"),
        ("c3", "price -> y", "panel"),
        ("c4", "x -> y", "panel"),
    ]
    assert sets(found.unanswered[0]) == {frozenset("u"), frozenset("a")}
    dear = what_to_measure(bundle(study("panel", **VARIED, price=[*WORLD[:5], 4.0]), a=2.0))
    assert sets(dear.unanswered[0]) == {frozenset("u")}
    given_costs = what_to_measure(bundle(study("panel", **VARIED, price=[*WORLD[:5], 4.0]), a=2.0), costs={"a": 0.5})
    cheapest = given_costs.proposals[0].addition
    assert (named(cheapest), cheapest.cost) == (frozenset("a"), 0.5)


def test_a_bundles_claims_are_chosen_by_key_and_other_measurements_may_be_given() -> None:
    found = what_to_measure(bundle(study("panel", **VARIED)), {"x", "y", "price"}, ["c4"])
    assert [(it.claim, it.study) for it in found.unanswered] == [("c4", "")]
    assert sets(only(found)) == {frozenset("u"), frozenset("a")}


def test_what_is_the_same_in_every_unit_confounds_nothing_and_has_no_answer_of_its_own() -> None:
    found = what_to_measure(bundle(study("panel", **VARIED, price=WORLD)), claims=["c1", "c3"])
    assert [(it.claim, sets(it)) for it in found.unanswered] == [
        ("c1", {frozenset("u"), frozenset("a")}),
        ("c3", set()),
    ]
    assert found.unanswered[1].why == "price has the same value in every unit, which the periods' own effects take up."
    assert all(it.claims == ("c1",) for it in found.proposals)
    # A study that does not measure the price has to, or take u for an instrument.
    without = what_to_measure(bundle(study("panel", **VARIED)), claims=["c1"])
    assert sets(only(without)) == {frozenset({"u", "price"}), frozenset({"a", "price"}), frozenset("au")}


def test_one_unit_alone_is_not_the_same_in_every_unit() -> None:
    frame = pd.DataFrame({"unit": ["a"] * 3, "year": [1, 2, 3], "price": WORLD[:3], "y": VARIED["y"][:3]})
    single = Study(Panel.from_frame(frame, unit="unit", time="year"), None, "panel")
    found = what_to_measure(bundle(single), claims=["c3"])
    assert sets(only(found)) == {frozenset("xu"), frozenset("xa")}


MOVES_CORRUPTION = ("long_postings", "monitoring", "purging", "rotation", "station_exposure")
"""Nodes of the built-in bundle that act on corruption alone: instruments."""


def test_the_built_in_bundle_says_what_its_country_panel_lacks() -> None:
    built_in = read_bundle()
    found = what_to_measure(replace(built_in, studies=(built_in.study("latam"),)), claims=["c1", "c2", "c29"])
    assert [(it.claim, sets(it)) for it in found.unanswered] == [
        ("c1", {frozenset({"revenue"})}),
        ("c2", {frozenset({name}) for name in ("cooperation", *MOVES_CORRUPTION)}),
        ("c29", set()),
    ]


def test_the_built_in_bundle_says_what_each_of_its_studies_lacks() -> None:
    found = what_to_measure(read_bundle(), claims=["c1"])
    lacking = {it.study: sets(it) for it in found.unanswered}
    regional = ("peru_provinces", "peru_departments", "colombia_departments")
    assert lacking == {
        "latam": {frozenset({"revenue"})},
        "andes": {frozenset({"revenue"})},
        **{name: {frozenset({"corruption", "revenue"})} for name in regional},
    }


# What a user may get wrong


def faults(*given: Any, **named: Any) -> list[str]:
    with pytest.raises(CausalError) as raised:
        what_to_measure(*given, **named)
    return [str(fault) for fault in raised.value.faults]


GRAPH = graph_of("x -> y", "u -> x", "u <-> y")


def test_a_source_is_a_graph_or_a_bundle() -> None:
    assert faults("x -> y") == ["expected a Graph or a bundle, not str; read one with read_graph"]


@pytest.mark.parametrize(
    ("observed", "said"),
    [
        ("x", "observed must be a set of names, not 'x'"),
        ({"z", "x"}, "observed no node 'z'"),
        ({"panel": {"x"}, "census": {"z"}}, "observed no node 'z'"),
        ({"panel": "x"}, "observed must be a set of names, not 'x'"),
        ({}, "observed names no study"),
        (3, "observed must be a set of names, not 3"),
    ],
)
def test_what_is_observed_must_be_nodes(observed: object, said: str) -> None:
    (told,) = faults(GRAPH, observed)
    assert told.startswith(said)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ("x -> y", "claims must be several texts, not 'x -> y'"),
        (7, "claims must be several texts, not 7"),
        (["y -> x"], '"y -> x" no such edge'),
        (["x -> z"], "\"x -> z\" no node 'z'"),
        ([5], "an edge is named by its text, not by 5"),
        (["x[1] -> y[0]"], '"x[1] -> y[0]" x[1] lies in the future'),
        ({"c1": "do() -> y[0]"}, '"do() -> y[0]" do() names no treatment'),
    ],
)
def test_a_graphs_claims_must_be_edges_or_queries(claims: object, said: str) -> None:
    (told,) = faults(GRAPH, {"x"}, claims)
    assert told.startswith(said)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ("c1", "claims must be several keys, not 'c1'; such as ['c1', 'c2']"),
        ({"c1": "x -> y"}, "claims must be several keys, not {'c1': 'x -> y'}; such as ['c1', 'c2']"),
        (["c5"], "claims no claim 'c5'; known: c1, c3, c4"),
        ([5], "claims no claim 5; known: c1, c3, c4"),
        (["c2"], "claims 'c2' has no edge; no measurement can test it"),
    ],
)
def test_a_bundles_claims_are_named_by_key(claims: object, said: str) -> None:
    (told,) = faults(bundle(study("panel", **VARIED)), None, claims)
    assert told == said


@pytest.mark.parametrize(
    ("costs", "said"),
    [
        (2, "costs must be a mapping, not 2; such as {'presence': 2}"),
        ({"z": 2}, "no node or latent 'z'"),
        ({"u <-> x": 2}, "no node or latent 'u <-> x'; did you mean 'u <-> y'?"),
        ({3: 2}, "no node or latent 3"),
        ({"x": 0}, "cost 0 of x is no positive number"),
        ({"x": -1.5}, "cost -1.5 of x is no positive number"),
        ({"x": math.nan}, "cost nan of x is no positive number"),
        ({"x": True}, "cost True of x is no positive number"),
        ({"y  <->  u": "dear"}, "cost 'dear' of y <-> u is no positive number"),
        ({"x": 1e-4, "u": 1e4}, "costs of 0.0001 and 10000 lie over a million times apart"),
    ],
)
def test_costs_must_be_positive_numbers_of_nodes_and_latents(costs: object, said: str) -> None:
    (told,) = faults(GRAPH, {"x"}, costs=costs)
    assert said in told


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "all", None])
def test_most_is_a_number_of_sets(most: object) -> None:
    assert faults(GRAPH, {"x"}, most=most) == [f"most {most!r} is no whole number of at least 1; such as 10"]


def test_everything_that_is_wrong_comes_at_once() -> None:
    told = faults(GRAPH, {"z"}, ["y -> x", "x -> y"], costs={"u": 0, "w": 1}, most=0)
    assert len(told) == 5
