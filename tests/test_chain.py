"""The verdict of a chain, on draws that are written down: its table, its sources, and what no single link shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

import causal as ca
from causal.chain import ChainVerdict, judge_chain, shape_of
from causal.claim import Claim, Ledger, Source
from causal.graph import Edge, Graph, Sign
from causal.identification import identify_edge
from causal.reported import Reported
from causal.syntax import read_graph
from causal.verdict import PRIOR_SETS, Evidence, Verdict, judge
from tests.oracle.worlds import frame, made_fit, made_model

LOOP = """
a -> a [lag=1]; b -> b [lag=1]; c -> c [lag=1]
a -> b [lag=1]; b -> c [lag=1]; c -> a [lag=1]
"""
LINKS = (Edge("a", "b", 1, Sign.POSITIVE), Edge("b", "c", 1, Sign.NEGATIVE), Edge("c", "a", 1, Sign.POSITIVE))
AS_CLAIMED = {"a -> b [lag=1]": 0.5, "b -> c [lag=1]": -0.5, "c -> a [lag=1]": 0.5}
MEMORY = {"a -> a [lag=1]": 0.2, "b -> b [lag=1]": 0.2, "c -> c [lag=1]": 0.2}


def ledger(*edges: Edge, smallest: float = 0.05) -> Ledger:
    claims = tuple(Claim(f"c{k}", edge, "", "", smallest_effect=smallest, core=True) for k, edge in enumerate(edges, 1))
    return Ledger(Source("A source"), claims)


def evidence_of(
    nodes: str, effects: dict[str, float], *, spread: float = 0.01, seed: int = 0, graph: Graph | None = None
) -> Evidence:
    """A study of some nodes with draws around standard effects, the same under every prior set."""
    whole = read_graph(LOOP) if graph is None else graph
    rows = frame(tuple(nodes), units=6, times=range(2000, 2010), seed=seed)
    model = made_model(whole.subgraph(list(nodes)), rows)
    names = [term.name for term in model.system.terms]
    natural = {name: (MEMORY | effects).get(name, 0.0) / model.on_standard_scale(name) for name in names}
    fit = made_fit(model, effects=natural, spread=0.0, seed=seed, draws=500)
    noise = np.random.default_rng(seed).normal(0.0, spread, fit.posterior["effect"].shape)
    fit.posterior["effect"].values[:] += noise
    found = {
        f"c{k}": identify_edge(whole, edge, {*nodes})
        for k, edge in enumerate(LINKS, 1)
        if {edge.cause, edge.effect} <= {*nodes}
    }
    return Evidence(whole, dict.fromkeys(PRIOR_SETS, fit), found, {}, ())


def judged(
    evidence: dict[str, Evidence], book: Ledger, reported: Sequence[Reported] = ()
) -> tuple[ChainVerdict, tuple[Verdict, ...]]:
    verdicts = judge(
        book,
        {name: each.fits for name, each in evidence.items()},
        {name: each.whole for name, each in evidence.items()},
        {name: each.checks for name, each in evidence.items()},
        graph=read_graph(LOOP),
        reported=reported,
    )
    found = judge_chain(book, verdicts, evidence, reported=reported)
    assert found is not None
    return found, verdicts


def test_a_loop_of_supported_links_is_supported_and_its_product_is_theirs() -> None:
    evidence = {"one": evidence_of("abc", AS_CLAIMED)}
    found, _ = judged(evidence, ledger(*LINKS))
    assert (found.verdict, found.shape, found.independent) == ("supported", "loop", False)
    assert {link.source for link in found.links} == {"one"}
    wide = found.estimates[-1]
    fit = evidence["one"].fits["wide"]
    drawn = [fit.edge(edge.name, scale="standard").to_numpy().ravel() for edge in LINKS]
    # The claimed signs are + - +.
    assert wide.product_median == pytest.approx(float(np.median(-drawn[0] * drawn[1] * drawn[2])))
    assert wide.every == wide.product_sign == 1.0


def test_links_that_are_each_likely_make_no_likely_loop() -> None:
    # Each link has P(s b > d) = .97; three independent ones all at once .91.
    likely = {name: np.sign(value) * (0.05 + 1.88 * 0.1) for name, value in AS_CLAIMED.items()}
    found, verdicts = judged({"one": evidence_of("abc", likely, spread=0.1)}, ledger(*LINKS))
    assert [verdict.verdict for verdict in verdicts] == ["supported"] * 3
    assert found.verdict == "undecided"
    assert found.estimates[0].every == pytest.approx(0.97**3, abs=0.03)


def test_two_links_that_run_the_other_way_leave_the_products_sign_and_not_the_word() -> None:
    turned = AS_CLAIMED | {"a -> b [lag=1]": -0.5, "b -> c [lag=1]": 0.5}
    found, _ = judged({"one": evidence_of("abc", turned)}, ledger(*LINKS))
    assert found.estimates[-1].product_sign == 1.0
    assert found.verdict == "contradicted"
    assert "a -> b [lag=1] and b -> c [lag=1]" in found.sentence


def test_a_negligible_link_makes_the_loop_negligible() -> None:
    found, _ = judged({"one": evidence_of("abc", AS_CLAIMED | {"b -> c [lag=1]": 0.0})}, ledger(*LINKS))
    assert found.verdict == "negligible"
    assert "b -> c [lag=1] carries next to nothing" in found.sentence


def test_links_of_which_nothing_is_known_contradict_nothing() -> None:
    # P(some link runs the other way) is 1 - 2^-3 here, and nearer to 1 in longer chains.
    found, _ = judged({"one": evidence_of("abc", dict.fromkeys(AS_CLAIMED, 0.0), spread=2.0)}, ledger(*LINKS))
    assert found.verdict == "undecided"
    assert found.estimates[-1].product_sign == pytest.approx(0.5, abs=0.06)


def test_a_loop_with_an_unmeasured_node_is_untestable_and_says_who_measures_nothing() -> None:
    found, _ = judged({"one": evidence_of("ab", AS_CLAIMED)}, ledger(*LINKS))
    assert found.verdict == "untestable"
    assert found.sentence.startswith("The loop is untestable: nobody measures c.")
    assert found.estimates == ()
    against, _ = judged({"one": evidence_of("ab", {"a -> b [lag=1]": -0.5})}, ledger(*LINKS))
    assert against.verdict == "untestable"
    assert "speaks against it: a -> b [lag=1]" in against.sentence


def test_the_weakest_link_of_a_loop_that_is_measured_and_not_identified_gives_the_word() -> None:
    hidden = read_graph(LOOP + "h -> a; h -> b [lag=1]; h -> c; h -> h [lag=1]")
    evidence = {"one": evidence_of("abc", AS_CLAIMED, graph=hidden)}
    assert not evidence["one"].whole["c1"].identified
    found, _ = judged(evidence, ledger(*LINKS))
    assert found.verdict == "not-identified"
    assert "these data cannot answer a -> b [lag=1]" in found.sentence


def test_links_of_different_studies_are_paired_at_random_and_that_is_said() -> None:
    evidence = {"north": evidence_of("ab", AS_CLAIMED), "south": evidence_of("bca", AS_CLAIMED)}
    south = {key: value for key, value in evidence["south"].whole.items() if key != "c1"}
    evidence["south"] = replace(evidence["south"], whole=south)
    found, _ = judged(evidence, ledger(*LINKS))
    assert found.independent
    assert [link.source for link in found.links] == ["north", "south", "south"]
    assert "taken as independent and as of one population" in found.rests_on
    assert found.verdict == "supported"


def test_draws_of_two_sources_that_are_sorted_alike_do_not_stay_paired() -> None:
    # A reported effect comes as quantiles in order: paired as they stand, two of them would move as one.
    reported = [
        Reported(edge.name, 0.05 * (-1 if edge.sign is Sign.NEGATIVE else 1), 0.1, "A table", edge.name)
        for edge in LINKS[1:]
    ]
    evidence = {"north": evidence_of("ab", AS_CLAIMED, spread=0.001)}
    found, _ = judged(evidence, ledger(*LINKS), reported)
    wide = found.estimates[-1]
    # s b > .05 with probability one half each under a nearly flat prior: together .25 if independent, .5 or 0 if not.
    assert wide.every == pytest.approx(0.25, abs=0.04)


def test_links_that_one_study_holds_keep_their_joint_draws() -> None:
    evidence = {"one": evidence_of("abc", dict.fromkeys(AS_CLAIMED, 0.0))}
    posterior = evidence["one"].fits["wide"].posterior["effect"]
    shared = np.random.default_rng(1).normal(size=posterior.shape[:2])
    for edge, sign in zip(LINKS, (1.0, -1.0, 1.0), strict=True):
        posterior.loc[{"edge": edge.name}] = sign * shared
    found, _ = judged(evidence, ledger(*LINKS, smallest=1e-6))
    assert found.estimates[-1].every == pytest.approx(float((shared > 0).mean()), abs=0.01)


def test_a_failed_check_of_one_link_keeps_the_loop_from_being_supported() -> None:
    evidence = {"one": evidence_of("abc", AS_CLAIMED)}
    failing = ca.CheckResult("any", False, "", {}, ("a -> b [lag=1]",))
    found, _ = judged({"one": replace(evidence["one"], checks=(failing,))}, ledger(*LINKS))
    assert found.verdict == "undecided"
    assert "not supported by itself: a -> b [lag=1]" in found.sentence


def test_the_shape_of_edges_does_not_depend_on_their_order() -> None:
    loop, chain = LINKS, LINKS[:2]
    beside = (*LINKS[:2], Edge("d", "e"), Edge("e", "d", 1))
    fork = (Edge("a", "b"), Edge("a", "c"))
    assert {shape_of(order) for order in permutations(loop)} == {"loop"}
    assert {shape_of(order) for order in permutations(chain)} == {"chain"}
    assert {shape_of(order) for order in permutations(beside)} == {"set"}
    assert {shape_of(order) for order in permutations(fork)} == {"set"}
    assert shape_of([Edge("a", "b"), Edge("c", "d")]) == "set"


def test_core_claims_that_do_not_join_have_no_product() -> None:
    edges = (LINKS[0], replace(LINKS[0], cause="c"))
    graph = read_graph(LOOP + "c -> b [lag=1]")
    evidence = {"one": evidence_of("abc", AS_CLAIMED | {"c -> b [lag=1]": 0.5}, graph=graph)}
    whole = {f"c{k}": identify_edge(graph, edge, {*"abc"}) for k, edge in enumerate(edges, 1)}
    evidence["one"] = replace(evidence["one"], whole=whole)
    book = ledger(*edges)
    verdicts = judge(book, {"one": evidence["one"].fits}, {"one": whole}, {"one": ()}, graph=graph)
    found = judge_chain(book, verdicts, evidence)
    assert found is not None
    assert (found.verdict, found.shape) == ("supported", "set")
    assert math.isnan(found.estimates[0].product_median)


def test_one_core_claim_is_no_chain_and_two_on_one_edge_are_one_link() -> None:
    evidence = {"one": evidence_of("abc", AS_CLAIMED)}
    for edges in ((LINKS[0],), (LINKS[0], LINKS[0])):
        book = ledger(*edges)
        whole = {claim.key: evidence["one"].whole["c1"] for claim in book.claims}
        verdicts = judge(book, {"one": evidence["one"].fits}, {"one": whole}, {"one": ()}, graph=read_graph(LOOP))
        assert judge_chain(book, verdicts, evidence) is None


def test_core_claims_without_a_verdict_are_named() -> None:
    edges = ("a -> b [lag=1]", "b -> a [lag=1]")
    claims = tuple(ca.Claim(f"c{k}", ca.read_edge(edge), "", "", core=True) for k, edge in enumerate(edges))
    with pytest.raises(ca.CausalError) as caught:
        judge_chain(ca.Ledger(ca.Source("A report"), claims), (), {})
    assert [fault.what for fault in caught.value.faults] == [f"no verdict on the core claim 'c{k}'" for k in (0, 1)]
