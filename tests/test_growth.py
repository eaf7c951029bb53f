"""The second bundle, and what published work is set beside the claims of both: whole, cited, and read by the same code as the first."""

from __future__ import annotations

import re

import pytest

from causal.claim import Ledger, Published, Source
from causal.coverage import coverage
from causal.intervene import nodes_named, read_interventions
from causal.report.elsewhere import beside, elsewhere
from priors.read import ARTICLES, Bundle, bundle_keys, read_bundle

SIX = {
    ("corruption", "growth", "-"),
    ("homicide", "growth", "-"),
    ("growth", "homicide", "-"),
    ("prices", "growth", "+"),
    ("growth", "corruption", "-"),
    ("corruption", "homicide", "+"),
}
WORKS = {
    "Mauro 1995",
    "Critics of Mauro 1995",
    "Fajnzylber, Lederman and Loayza 2002",
    "Soares and Naritomi 2010",
    "Pinotti 2015",
    "Dube and Vargas 2013",
    "Dell 2015",
    "Castillo, Mejia and Restrepo 2020",
    "Dube, Garcia-Ponce and Thom",
    "Battiston, Daniele, Le Moglie and Pinotti 2024",
}


@pytest.fixture(scope="module")
def growth() -> Bundle:
    return read_bundle("growth")


def test_both_bundles_that_come_with_the_program_read_without_a_fault() -> None:
    assert bundle_keys() == ("peru_nexus", "growth")
    for key in bundle_keys():
        assert read_bundle(key).ledger.claims


def test_the_core_claims_are_the_six_and_close_their_loops(growth: Bundle) -> None:
    core = {claim.edge for claim in growth.ledger.claims if claim.core}
    assert {(edge.cause, edge.effect, edge.sign.value) for edge in core if edge is not None} == SIX
    assert len(core) == len(SIX)
    assert growth.graph.subgraph(["corruption", "homicide", "growth"]).loops()


@pytest.mark.parametrize("key", bundle_keys())
def test_only_works_that_are_known_are_cited_and_none_under_two_names(key: str) -> None:
    published = read_bundle(key).ledger.published
    assert {each.work for each in published} <= WORKS
    assert all(each.read == "abstract" for each in published)
    where = {
        each.work: {other.published for other in published if other.work == each.work} - {""} for each in published
    }
    assert all(len(places) <= 1 for places in where.values()), where


def test_each_claim_of_growth_was_taken_from_a_work_that_it_names(growth: Bundle) -> None:
    for claim in growth.ledger.claims:
        origins = [each for each in growth.ledger.published_on(claim.key) if claim.key in each.origin]
        assert origins, claim.key
        assert all(claim.where.startswith(each.work) for each in origins)


def test_every_work_of_growth_is_in_its_list_of_sources(growth: Bundle) -> None:
    cited = (ARTICLES / "growth" / "source.bib").read_text(encoding="utf-8")
    entries = cited.split("\n@")
    for work in {each.work for each in growth.ledger.published} - {"Critics of Mauro 1995"}:
        names, year = re.fullmatch(r"(.*?)(?: (\d{4}))?", work).groups()  # type: ignore[union-attr]
        authors = " and ".join(re.split(r", | and ", names))
        (entry,) = (entry for entry in entries if f"{{{authors}}}" in entry)
        assert year is None or f"{{{year}}}" in entry


def test_no_claim_of_growth_is_identified_in_its_graph_and_five_of_the_six_are_once_politics_is_assumed_away(
    growth: Bundle,
) -> None:
    covered = coverage(growth.ledger, growth.graph, growth.studies)
    answers = {answer.claim: answer for answer in covered.answers}
    assert {answer.answer for answer in covered.answers} == {"no"}
    kept = {key for key, answer in answers.items() if answer.kept is not None and answer.kept.identified}
    core = {claim.key for claim in growth.ledger.claims if claim.core}
    (prices,) = core - kept
    assert growth.ledger[prices].edge is not None
    assert "same value in every unit" in answers[prices].why


def test_the_interventions_of_growth_act_on_and_ask_for_what_the_study_measures(growth: Bundle) -> None:
    measured = set(growth.studies[0].measured(growth.graph))
    for spec in growth.interventions:
        acted = {node for act in read_interventions(spec.do) for node in nodes_named(act)}
        assert {spec.outcome, *acted} <= measured
        assert spec.better
        assert spec.cost is None


# What the page says of published work


def published(key: str = "e1", work: str = "Other 2010", **given: object) -> Published:
    told: dict[str, object] = {"found": "so", "claims": ("c1",), "direction": "for", "place": "there"}
    return Published(key, work, **{**told, **given})  # type: ignore[arg-type]


def words(*found: Published, place: str = "Peru") -> str:
    told = elsewhere(Ledger(Source("A report", called="report", place=place), (), (), found))
    assert told is not None
    return " ".join(told["words"])


def test_without_published_work_the_page_has_no_such_part() -> None:
    assert elsewhere(Ledger(Source("A report"), ())) is None


def test_what_the_works_are_about_is_told_as_the_bundle_says_it() -> None:
    assert "None of them is about Peru." in words(published())
    assert "None of them is about the place that the report speaks of." in words(published(), place="")
    one = words(published(), published("e2", "Here 2011", same_place=True))
    assert "About Peru or a part of it: Here 2011. The others are about other places" in one
    assert "All are about Peru or a part of it." in words(published(same_place=True))


def test_how_much_of_the_works_was_read_is_told_work_by_work() -> None:
    assert "All were read in their abstracts only." in words(published(), published("e2", "Second 2011"))
    assert "All were read in whole." in words(published(read="whole"))
    assert "Read in whole: Second 2011; the others in their abstracts only." in words(
        published(), published("e2", "Second 2011", read="whole")
    )
    # One finding taken from an abstract is enough for a work not to count as read in whole.
    assert "Read in whole" not in words(published(read="whole"), published("e2"))


def test_a_work_with_two_findings_is_one_work_and_a_claims_own_source_is_marked() -> None:
    found = (published(), published("e2", claims=("c1", "c2"), direction="mixed", origin=("c2",)))
    ledger = Ledger(Source("A report"), (), (), found)
    told = elsewhere(ledger)
    assert told is not None
    assert told["words"][0].startswith("1 published work, set beside 2 of the 0 claims")
    assert "no second voice" in " ".join(told["words"])
    (work,) = told["works"]
    assert [each["told"] for each in work["found"]] == ["as claimed", "partly as claimed"]
    assert [each["source"] for each in beside(ledger, "c2")] == [True]
    assert [each["source"] for each in beside(ledger, "c1")] == [False, False]
    assert "no second voice" not in words(published())
