from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.claim import Claim, Ledger, Source
from causal.coverage import LONGEST, coverage
from causal.errors import CausalError
from causal.graph import Graph
from causal.identification import identify_edge
from causal.panel import Panel, Study
from causal.syntax import read_graph
from tests.oracle.processes import coefficient, random_process, total_effects
from tests.strategies import graphs
from tests.test_unroll import graph_of


def ledger_of(graph: Graph) -> Ledger:
    stated = [Claim(f"c{at}", edge, "it is said", "p. 1") for at, edge in enumerate(graph.edges, 1)]
    untestable = Claim("c0", None, "it is said", "p. 1", untestable="nothing could show it")
    return Ledger(Source("An article"), (untestable, *stated))


def test_the_union_over_studies_counts() -> None:
    graph = graph_of("a -> b 1", "b -> c 1", "b <-> c 1", "z -> b")
    found = coverage(ledger_of(graph), graph, {"north": {"a", "b"}, "south": {"b", "c", "z"}, "west": {"b", "c"}})
    words = {(answer.edge, answer.study): answer.answer for answer in found.answers}
    assert words["a -> b [lag=1]", "north"] == "yes"
    assert words["a -> b [lag=1]", "south"] == "no"
    assert words["b -> c [lag=1]", "south"] == "linear only"
    assert words["b -> c [lag=1]", "west"] == "no"
    best = {claim.key: found.best(claim.key) for claim in ledger_of(graph).claims}
    by_edge = {claim.edge.name: best[claim.key] for claim in ledger_of(graph).claims if claim.edge}
    assert by_edge == {"a -> b [lag=1]": "yes", "b -> c [lag=1]": "linear only", "z -> b": "yes"}
    assert best["c0"] == "no edge"
    assert next(answer.why for answer in found.answers if answer.claim == "c0") == "nothing could show it"


def test_a_chain_leads_through_two_studies() -> None:
    graph = graph_of("a -> a 1", "a -> b 1", "b -> c 1", "b -> b 1")
    found = coverage(ledger_of(graph), graph, {"north": {"a", "b"}, "south": {"b", "c"}})
    (chain,) = found.chains
    assert (chain.edges, chain.studies) == (("a -> b [lag=1]", "b -> c [lag=1]"), ("north", "south"))
    assert (chain.cause, chain.effect, chain.lag, chain.whole) == ("a", "c", 2, True)
    assert "found in north" in chain.assumes
    assert "taken to hold in one population" in chain.assumes
    assert found.complete


def test_a_chain_beside_another_path_carries_its_own_part_only() -> None:
    graph = graph_of("a -> b 1", "b -> c 1", "a -> d 1", "d -> c 1")
    found = coverage(ledger_of(graph), graph, {"north": {"a", "b"}, "south": {"b", "c", "d", "a"}})
    assert found.chains == ()  # the south sees it all
    apart = coverage(ledger_of(graph), graph, {"north": {"a", "b"}, "south": {"b", "c", "d"}})
    assert [chain.whole for chain in apart.chains] == [False]
    assert "the part along the chain" in apart.chains[0].assumes


def test_one_study_makes_no_chain() -> None:
    graph = graph_of("a -> b 1", "b -> c 1")
    assert coverage(ledger_of(graph), graph, {"all": {"a", "b", "c"}}).chains == ()


def test_a_study_that_sets_nodes_aside_has_a_second_answer() -> None:
    graph = graph_of("a -> b 1", "u -> a", "u -> b 1")
    frame = pd.DataFrame(
        {"unit": np.repeat(["p", "q"], 4), "year": [*range(4)] * 2, "a": np.arange(8.0) ** 2, "b": np.arange(8.0) ** 3}
    )
    study = Study(Panel.from_frame(frame, unit="unit", time="year"), name="panel", sets_aside=("u",))
    found = coverage(ledger_of(graph), graph, [study])
    answer = next(answer for answer in found.answers if answer.edge == "a -> b [lag=1]")
    assert answer.answer == "no"
    assert answer.measured
    assert answer.kept is not None
    assert answer.kept.identified
    assert next(answer.kept for answer in found.answers if answer.edge == "u -> a") is None


def test_what_is_the_same_in_every_unit_answers_nothing() -> None:
    graph = graph_of("a -> b 1")
    frame = pd.DataFrame(
        {
            "unit": np.repeat(["p", "q"], 4),
            "year": [*range(4)] * 2,
            "a": [1.0, 5.0, 2.0, 3.0] * 2,
            "b": np.arange(8.0) ** 3,
        }
    )
    study = Study(Panel.from_frame(frame, unit="unit", time="year"), name="panel")
    answer = coverage(ledger_of(graph), graph, [study]).answers[1]
    assert answer.answer == "no"
    assert "a has the same value in every unit" in answer.why


@given(graphs(names=("a", "b", "c", "d"), families=("normal",), min_nodes=3, max_nodes=4), st.data())
@settings(max_examples=80)
def test_each_answer_is_that_of_the_edge_and_a_whole_chain_has_the_total_effect(
    graph: Graph, data: st.DataObject
) -> None:
    names = st.sets(st.sampled_from(graph.names), min_size=2)
    studies = {"one": frozenset(data.draw(names)), "two": frozenset(data.draw(names))}
    found = coverage(ledger_of(graph), graph, studies)
    for answer in found.answers:
        if answer.edge:
            assert answer.identification == identify_edge(graph, answer.edge, studies[answer.study])
    process = random_process(graph, data.draw(st.integers(0, 2**32 - 1)))
    for chain in found.chains:
        edges = [graph.edge(edge) for edge in chain.edges]
        assert 2 <= len(edges) <= LONGEST
        assert all(
            identify_edge(graph, edge, studies[study]).identified
            for edge, study in zip(edges, chain.studies, strict=True)
        )
        assert not any(
            all(identify_edge(graph, edge, nodes).identified for edge in edges) for nodes in studies.values()
        )
        along = float(np.prod([coefficient(process, edge) for edge in edges]))
        total = total_effects(process, [(chain.cause, -chain.lag)], (chain.effect, 0))[0]
        if chain.whole:
            assert abs(along - total) < 1e-9


def test_the_best_answer_of_a_claim_that_nobody_asked_about_is_an_error() -> None:
    graph = read_graph("a -> b [lag=1]")
    found = coverage(ledger_of(graph), graph, {"one": {"a", "b"}})
    key = next(answer.claim for answer in found.answers if answer.edge)
    assert found.best(key) == "yes"
    with pytest.raises(CausalError, match=f"no study answers a claim '{key}x'"):
        found.best(f"{key}x")
    with pytest.raises(CausalError, match="none is known"):
        coverage(ledger_of(graph), graph, {}).best(key)
