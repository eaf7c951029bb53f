"""The built-in article's ledger: complete, consistent, and readable as one graph."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from causal.graph import Edge, Graph, Sign

BUNDLE = Path(__file__).resolve().parent.parent / "priors" / "articles" / "peru_nexus"
LEDGER: dict[str, Any] = tomllib.loads((BUNDLE / "claims.toml").read_text(encoding="utf-8"))
CLAIMS: dict[str, dict[str, Any]] = LEDGER["claim"]
FIGURES: dict[str, dict[str, Any]] = LEDGER["figure"]

HEDGES = {
    "fuels",
    "arguably",
    "reportedly",
    "may",
    "can",
    "to some degree",
    "plain assertion",
    "likely",
    "probable",
    "almost certain",
    "we believe",
    "expected",
}
STRENGTHS = {"none", "slight", "some", "substantial", "strong", "decisive"}
SECTIONS = {
    "Opening",
    "What is at Stake",
    "The Challenge",
    "The Challenge, Sendero Luminoso",
    "The Growing Criminal Economy",
    "Obstacles to the Government Response",
    "Lessons Learned",
    "Conclusion",
}
BOTH = {"hedge", "strength", "says", "where", "scope"}
WITH_EDGE = BOTH | {"edge"}
WITHOUT_EDGE = BOTH | {"cause", "effect", "untestable"}
CORE = ("c1", "c2", "c3", "c4")


def edges() -> dict[str, Edge]:
    """The edge of each claim that has one."""
    from causal.syntax import read_edge

    return {key: read_edge(claim["edge"]) for key, claim in CLAIMS.items() if "edge" in claim}


def whole_graph() -> Graph:
    """The graph of the claims' edges and what the ledger assumes beside them."""
    from causal.syntax import read_graph

    lines = dict.fromkeys(claim["edge"] for claim in CLAIMS.values() if "edge" in claim)
    return read_graph("\n".join([*lines, LEDGER["graph"]["assumed"]]))


def place(where: str) -> tuple[str, int]:
    """Section and number of a paragraph or lesson."""
    found = re.fullmatch(r"(.+), (?:paragraph|lesson) ([1-9]\d*)", where)
    assert found, where
    return found[1], int(found[2])


def test_the_ledger_has_no_unknown_parts() -> None:
    assert set(LEDGER) == {"article", "node", "graph", "claim", "figure", "prediction", "evidence"}
    assert set(LEDGER["article"]) == {"title", "authors", "year", "published", "place", "smallest_effect"}
    assert set(LEDGER["graph"]) == {"assumed"}


def test_no_claim_of_the_list_is_left_out_and_the_keys_count_up() -> None:
    assert len(CLAIMS) > 47
    assert list(CLAIMS) == [f"c{number}" for number in range(1, len(CLAIMS) + 1)]


def test_every_claim_has_either_an_edge_or_a_reason_why_no_edge_can_hold_it() -> None:
    for key, claim in CLAIMS.items():
        keys = set(claim) - {"core", "smallest_effect"}
        assert keys in (WITH_EDGE, WITHOUT_EDGE), (key, keys)
        for name in keys:
            assert claim[name].strip() == claim[name] != "", (key, name)


def test_hedges_and_strengths_are_words_of_their_scales() -> None:
    assert {claim["hedge"] for claim in CLAIMS.values()} <= HEDGES
    assert {claim["strength"] for claim in CLAIMS.values()} <= STRENGTHS


def test_every_place_is_a_section_and_a_paragraph() -> None:
    for record in (*CLAIMS.values(), *FIGURES.values()):
        assert place(record["where"])[0] in SECTIONS, record["where"]


def test_the_first_four_claims_are_the_core_loop() -> None:
    found = edges()
    assert [found[key] for key in CORE] == [
        Edge("revenue", "corruption", 1, Sign.POSITIVE),
        Edge("corruption", "presence", 1, Sign.NEGATIVE),
        Edge("presence", "illicit", 1, Sign.NEGATIVE),
        Edge("illicit", "revenue", 0, Sign.POSITIVE),
    ]
    assert tuple(key for key, claim in CLAIMS.items() if claim.get("core")) == CORE


def test_the_core_loop_is_a_loop_that_feeds_itself() -> None:
    found = edges()
    loop = [found[key] for key in CORE]
    assert [edge.effect for edge in loop] == [*(edge.cause for edge in loop[1:]), loop[0].cause]
    assert sum(edge.lag for edge in loop) >= 1
    assert sum(edge.sign is Sign.NEGATIVE for edge in loop) % 2 == 0


def test_an_effect_has_one_sign_and_one_lag_in_all_claims() -> None:
    seen: dict[tuple[str, str], tuple[int, Sign]] = {}
    for key, edge in edges().items():
        assert seen.setdefault((edge.cause, edge.effect), (edge.lag, edge.sign)) == (edge.lag, edge.sign), key


def test_a_claim_of_no_effect_claims_no_sign_and_every_other_claim_does() -> None:
    for key, edge in edges().items():
        assert (CLAIMS[key]["strength"] == "none") == (edge.sign is Sign.UNKNOWN), key


def test_claims_and_assumptions_make_one_graph_without_a_cycle_in_the_period() -> None:
    graph = whole_graph()
    assert {edge.name for edge in edges().values()} <= {edge.name for edge in graph.edges}


def test_every_declared_node_is_used_and_every_used_node_declared() -> None:
    assert set(LEDGER["node"]) == set(whole_graph().names)
    assert {figure["node"] for figure in FIGURES.values() if "node" in figure} <= set(LEDGER["node"])


def test_nodes_say_what_they_are_and_which_way_they_count() -> None:
    for name, node in LEDGER["node"].items():
        assert set(node) - {"level"} == {"label", "describes"}, name
        assert node.get("level", "country") in {"country", "local"}, name
        assert "; higher = " in node["describes"], name
    labels = [node["label"] for node in LEDGER["node"].values()]
    assert len(set(labels)) == len(labels)


def test_nothing_is_assumed_that_a_claim_states() -> None:
    from causal.syntax import read_graph

    assumed = read_graph(LEDGER["graph"]["assumed"])
    claimed = {(edge.cause, edge.effect) for edge in edges().values()}
    assert not claimed & {(edge.cause, edge.effect) for edge in assumed.edges}


def test_figures_are_numbers_with_a_unit_in_order() -> None:
    assert list(FIGURES) == [f"f{number}" for number in range(1, len(FIGURES) + 1)]
    for key, figure in FIGURES.items():
        assert set(figure) - {"year", "node"} == {"quantity", "low", "high", "unit", "where"}, key
        assert figure["low"] <= figure["high"], key


def test_the_source_is_cited_as_the_ledger_names_it() -> None:
    cited = (BUNDLE / "source.bib").read_text(encoding="utf-8").replace("{", "").replace("}", "")
    assert LEDGER["article"]["title"] in cited
    assert f"= {LEDGER['article']['year']}," in cited


SET_BESIDE = {
    1: {"c1"}, 4: {"c4"}, 5: {"c5", "c6"}, 10: {"c13"}, 11: {"c14"}, 18: {"c24", "c25", "c26"}, 19: {"c29", "c32"},
    21: {"c34", "c35"}, 25: {"c41", "c42"}, 29: {"c49", "c50"},
}  # fmt: skip
"""The records of the article's claims, by their numbers in the list, that published work elsewhere speaks to."""


def test_published_work_stands_beside_the_claims_that_it_speaks_to() -> None:
    touched = {claim for each in LEDGER["evidence"].values() for claim in each["claims"]}
    # And beside the record on routes, which says of traffic what the list's 25 says of coca.
    assert touched == set().union(*SET_BESIDE.values()) | {"c115"}


def test_no_published_work_is_about_peru_or_is_a_claims_own_source() -> None:
    for key, each in LEDGER["evidence"].items():
        assert "same_place" not in each, key
        assert "origin" not in each, key
        assert "Peru" not in each["place"], key
