"""The report: what stands on the page and in its files, and what can never get into them."""

from __future__ import annotations

import base64
import csv
import io
import itertools
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from causal.analysis import Analysis
from causal.dynamics import dynamics
from causal.errors import CausalError, listed
from causal.graph import Graph
from causal.identification import Identification, identify_edge
from causal.plot import PRIOR_LABELS
from causal.report import ReportPaths, whatif, write_report
from causal.report.answerable import answerable
from causal.report.page import page
from causal.report.pictures import chart_library, embedded, inline
from causal.report.tables import COLUMNS, verdicts_csv
from causal.report.words import MEANINGS, SHORT, estimate, interval, label, number, probability, size
from causal.terminal import print_answers, print_verdicts, verdict_document
from causal.verdict import WORDS, errors_of
from priors.agreement import agreement
from tests.toy_bundle import FORMULA, HOSTILE, toy_analysis


class _Page(HTMLParser):
    """What a browser would make of the page without running its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in ("meta", "br", "input", "link", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        kind = self.open[-1] if self.open else ""
        (self.scripts if kind == "script" else self.styles if kind == "style" else self.text).append(data)

    @property
    def said(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return toy_analysis(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def written(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> ReportPaths:
    return write_report(analysis, tmp_path_factory.mktemp("written") / "new" / "report")


@pytest.fixture(scope="module")
def html(written: ReportPaths) -> str:
    return written.page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def parsed(html: str) -> _Page:
    return _Page(html)


def _rows(analysis: Analysis) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(verdicts_csv(analysis))))


# The page


def test_the_page_is_large_enough_to_be_whole_and_under_three_megabytes(written: ReportPaths) -> None:
    assert 50_000 < written.page.stat().st_size < 3_000_000


def test_every_element_that_opens_closes_in_order(parsed: _Page) -> None:
    assert parsed.wrong == []
    assert parsed.open == []


def test_nothing_on_the_page_asks_anybody_for_anything(parsed: _Page) -> None:
    for tag, attributes in parsed.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "img", "form"), tag
        for name, value in attributes.items():
            if name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
                beside = tag == "a" and value == "results.nc" and "download" in attributes
                assert value.startswith("#") or beside, (tag, name, value)
            assert not re.search(r"url\((?!#)", value), (tag, name, value)
            assert "http" not in value or name == "xmlns", (tag, name, value)
    for style in parsed.styles:
        assert "url(" not in style
        assert "@import" not in style


def test_the_page_forbids_requests_to_the_browser_too(parsed: _Page) -> None:
    policy = next(
        attributes["content"]
        for tag, attributes in parsed.tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "unsafe-eval" not in policy


def test_the_chart_library_is_there_once_for_all_charts(html: str, parsed: _Page) -> None:
    charts = sum("chart" in attributes.get("class", "").split() for _, attributes in parsed.tags)
    assert charts >= 3
    assert sum(len(script) > 100_000 for script in parsed.scripts) == 1
    assert html.count('id="chart-library"') == 1


def test_the_chart_library_is_kept_and_a_broken_one_made_anew(tmp_path: Path) -> None:
    made = chart_library()
    assert chart_library(tmp_path) == made
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    chart_library.cache_clear()
    assert chart_library(tmp_path) == made
    kept.write_bytes(whole[:-100])
    chart_library.cache_clear()
    assert chart_library(tmp_path) == made
    assert kept.read_bytes() == whole
    (tmp_path / "file").write_text("no folder")
    chart_library.cache_clear()
    assert chart_library(tmp_path / "file") == made


def test_no_bracket_stands_in_embedded_json_and_each_chart_has_its_own(parsed: _Page, html: str) -> None:
    found = re.findall(
        r'<script type="application/json" id="([^"]+)-specification">(.*?)</script>', html, flags=re.DOTALL
    )
    assert {key for key, _ in found} == {
        attributes["id"] for _, attributes in parsed.tags if "chart" in attributes.get("class", "").split()
    }
    every = re.findall(r'<script type="application/json" id="[^"]+">(.*?)</script>', html, flags=re.DOTALL)
    assert len(every) == len(found) + 4, "the table; the draws that a reader may ask, their chart, and the links' own"
    for text in every:
        assert "<" not in text
        json.loads(text)
    assert any("\\u003cb" in text for _, text in found), "the toy's label with markup stands in a chart"


def test_hostile_text_is_shown_and_never_run(html: str, parsed: _Page) -> None:
    assert re.sub(r"\s+", " ", HOSTILE) in parsed.said
    assert "<b>" not in html
    assert html.lower().count("<script") == html.lower().count("</script>")
    assert "Crime & <i>disorder</i>" in parsed.said
    assert "{{ 7 * 7 }}" in html, "the page's templates are no templates of a bundle's words"


def test_hostile_text_is_printed_as_it_is(analysis: Analysis, capsys: pytest.CaptureFixture[str]) -> None:
    print_verdicts(analysis, everything=True)
    print_answers(analysis.answers)
    told = capsys.readouterr().out
    assert "Crime & <i>disorder</i>" in told
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", told)
    assert verdict_document(analysis)["verdicts"][0]["says"] == HOSTILE


def test_published_work_stands_beside_the_verdicts_escaped_and_says_that_it_enters_no_number(
    html: str, parsed: _Page
) -> None:
    assert "Other <b>2010</b>, partly as claimed" in parsed.said
    assert "a <script>land</script>" in parsed.said
    assert parsed.said.count(re.sub(r"\s+", " ", HOSTILE)) >= 4, (
        "the claim's own words, twice beside claims, and in the table of works"
    )
    assert not re.search(r"<b>2010|<script>land", html)
    section = html[html.index('id="elsewhere"') : html.index('id="how"')]
    for told in (
        "read in their abstracts only",
        "None of them is about the place that the article speaks of.",
        "Nothing of this enters any number on this page",
        "c1 and c2: partly as claimed",
        "c2 was taken from it",
    ):
        assert told in section
    ledger = html[html.index('id="ledger"') : html.index('id="elsewhere"')]
    assert ledger.count('data-label="Evidence elsewhere"') == 5
    assert ledger.count("partly as claimed") == 2


def test_a_bundle_without_published_work_has_no_such_column(analysis: Analysis) -> None:
    ledger = replace(analysis.bundle.ledger, published=())
    text = page(replace(analysis, bundle=replace(analysis.bundle, ledger=ledger)))
    assert "Evidence elsewhere" not in text


def test_the_page_calls_the_source_as_the_bundle_does(analysis: Analysis) -> None:
    ledger = analysis.bundle.ledger
    called = replace(ledger, source=replace(ledger.source, called="lit<er>ature"))
    # The verdicts' own sentences were made when they were judged.
    bare = tuple(replace(each, sentence="", rests_on="", would_change="") for each in analysis.verdicts)
    assert analysis.chain is not None
    chain = replace(analysis.chain, rests_on="")
    parsed = _Page(page(replace(analysis, bundle=replace(analysis.bundle, ledger=called), verdicts=bare, chain=chain)))
    assert "The lit<er>ature makes 5 causal claims" in parsed.said
    assert "What the lit<er>ature holds" in parsed.said
    # What is left is the name of the prior set.
    assert re.findall(r"\b[Tt]he article\b(?!'s (?:prior|and the wide prior)).{20}", parsed.said) == []


def test_every_claim_has_its_row_and_its_verdict_in_static_markup(analysis: Analysis, parsed: _Page) -> None:
    rows = [
        attributes["data-verdict"] for tag, attributes in parsed.tags if tag == "tr" and "data-verdict" in attributes
    ]
    assert rows == [verdict.verdict for verdict in analysis.verdicts]
    for claim in analysis.bundle.ledger.claims:
        assert claim.key in parsed.said
        assert claim.where in parsed.said


def test_the_page_names_the_links_of_the_core(html: str) -> None:
    for edge in ("revenue -> corruption", "corruption -> presence", "presence -> illicit"):
        assert edge in html


def test_the_page_shows_opinion_and_data_side_by_side_for_each_core_claim(parsed: _Page) -> None:
    assert parsed.said.count("What the article holds") == parsed.said.count("What the data say") == 4


def test_a_conditional_answer_is_marked_as_one(analysis: Analysis, parsed: _Page) -> None:
    verdict = analysis.verdict("c2")
    assert verdict.verdict == "not-identified"
    assert [finding.verdict for finding in verdict.conditional] == ["supported"]
    assert "are assumed away" in parsed.said
    assert "under this assumption, not as a finding" in parsed.said


def test_the_second_answer_of_several_claims_is_told_in_one_sentence(analysis: Analysis) -> None:
    second = analysis.verdict("c2")
    verdicts = tuple(
        replace(each, conditional=second.conditional) if each.claim in ("c3", "c4") else each
        for each in analysis.verdicts
    )
    summary = _Page(page(replace(analysis, verdicts=verdicts))).said
    assert summary.count("There is a second answer") == 1
    edges = [analysis.bundle.ledger[claim].edge for claim in ("c2", "c3", "c4")]
    told = [f"{label(analysis.bundle, edge.cause)} → {label(analysis.bundle, edge.effect)}" for edge in edges if edge]
    assert f"{listed(told)} would be supported by Toy & panel" in summary
    assert "(3 influences by Toy & panel)" in summary


def test_an_edge_is_identified_once_for_each_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def once(graph: Graph, edge: str, observed: tuple[str, ...], **settings: Any) -> Identification:
        asked.append((graph, edge, observed))
        return identify_edge(graph, edge, observed, **settings)

    monkeypatch.setattr("causal.analysis.identify_edge", once)
    found = toy_analysis(tmp_path)
    # The first study sets the weather aside, the second nothing.
    assert len(asked) == 3
    other = found.evidence["other-one"]
    assert other.kept == other.whole


def test_an_intervention_tells_its_numbers_and_what_they_rest_on(analysis: Analysis, parsed: _Page) -> None:
    ends = np.quantile(analysis.answers[0].effects["wide"].isel(time=-1), [0.05, 0.5, 0.95])
    assert interval(float(ends[0]), float(ends[2])) in parsed.said
    assert "This is what the equations imply, not what the data establish" in parsed.said
    assert "By 2013" in parsed.said


def test_an_intervention_of_which_the_bundle_says_what_is_better_has_its_chance_of_harm(
    analysis: Analysis, parsed: _Page, html: str
) -> None:
    (ranking,) = analysis.rankings
    assert (ranking.outcome, ranking.better, set(ranking.options)) == ("presence", "higher", {"clean"})
    for name, effect in analysis.answers[0].effects.items():
        end = effect.isel(time=-1).to_numpy()
        np.testing.assert_allclose(ranking.by_set[name]["effect"].sel(option="clean"), end)
        assert f'data-label="Chance of harm">{probability(float((end < 0).mean()))}<' in html
    assert "Which to prefer for state <b>presence</b>" in parsed.said
    assert "If higher is better" in parsed.said
    assert "Doing nothing" in parsed.said
    # With a cost for each option, the effect is set beside it.
    wide = ranking.by_set["wide"].sel(option="clean")
    assert float(wide["per_cost"]) == pytest.approx(float(wide["expected"]) / 2.0)
    assert f'data-label="Per cost">{number(float(wide["per_cost"]))}<' in html


def test_the_page_tells_how_each_studys_loop_moves(analysis: Analysis, html: str) -> None:
    section = html[html.index('id="moves"') : html.index('id="answerable"')]
    for found in analysis.evidence.values():
        for fitted in found.fits.values():
            moved = dynamics(fitted)
            low, middle, high = np.quantile(moved["radius"], [0.05, 0.5, 0.95], method="lower")
            assert estimate(float(middle), float(low), float(high)) in section
            assert probability(float(moved["p_explosive"])) in section
    assert section.count("<svg") == len(analysis.evidence)
    assert "identified or not, and are no better than the weakest of them" in section


def test_the_page_says_what_it_does_not_know(parsed: _Page) -> None:
    assert "have not been measured for this bundle" in parsed.said
    assert "No data here measure: Illicit revenue, Illicit economy." in parsed.said


def test_what_is_said_without_seeing_tables_and_pictures(parsed: _Page) -> None:
    tables = [tag for tag, _ in parsed.tags if tag == "table"]
    captions = [tag for tag, _ in parsed.tags if tag == "caption"]
    assert len(tables) == len(captions)
    for tag, attributes in parsed.tags:
        if attributes.get("role") == "img":
            assert len(attributes.get("aria-label", "")) > 20, tag
        if tag == "th":
            assert attributes.get("scope") in ("col", "row")
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_the_page_says_what_the_data_could_answer_at_all(analysis: Analysis, html: str) -> None:
    told = answerable(analysis.bundle)
    assert sum(count for _, count in told["counts"]) == told["total"] == len(analysis.bundle.ledger.claims)
    assert told["rows"]
    section = html[html.index('id="answerable"') : html.index('id="claims"')]
    for row in told["rows"]:
        assert f'<th scope="row">{row["claim"]}</th>' in section
        assert row["answer"] in section


def test_ids_are_unique_and_every_link_within_the_page_finds_its_place(parsed: _Page) -> None:
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in parsed.tags:
        if tag == "a" and "href" in attributes:
            assert attributes["href"].removeprefix("#") in [*ids, "results.nc"]
        for clip in re.findall(r"url\(#([^)]+)\)", attributes.get("clip-path", "")):
            assert clip in ids


def test_a_failed_check_stands_before_any_number(tmp_path: Path) -> None:
    said = _Page(page(toy_analysis(tmp_path, r_hat=1.3))).said
    assert "Read this first." in said
    assert said.index("The chains do not agree") < said.index("What the article holds")


def test_equal_analyses_give_equal_pages(analysis: Analysis) -> None:
    assert page(analysis) == page(analysis)


# Several studies as one


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return toy_analysis(tmp_path_factory.mktemp("several"), together=True)


def test_studies_that_share_rows_make_no_model_and_the_page_says_why(analysis: Analysis, parsed: _Page) -> None:
    assert analysis.together is None
    assert "They were not put into one model" in parsed.said
    assert "u0 2001" in parsed.said


def test_the_page_shows_what_several_studies_share(several: Analysis) -> None:
    assert several.together is not None
    parsed = _Page(page(several))
    assert not parsed.open
    assert not parsed.wrong
    verdict = several.verdict("c2")
    assert verdict.verdict == "not-identified", "both studies assume the weather away"
    second = verdict.conditional_together
    assert second is not None
    assert second.pooled == ("main", "other-one")
    wide = several.together.fits["wide"]
    draws = wide.edge("corruption -> presence", scale="standard", transported=True).to_numpy()
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95])
    assert estimate(middle, low, high) in parsed.said
    assert "Toy & panel and other-one together, for a study yet unseen" in parsed.said
    assert f"{second.verdict} in a study yet unseen by Toy & panel and other-one together" in parsed.said
    assert "Energy (BFMI)" in parsed.said
    assert "weather" in parsed.said
    places = [dict(attributes).get("id") for _, attributes in parsed.tags]
    assert {"together", "forest"} <= set(places)


def test_a_failed_check_of_the_model_of_several_stands_first(tmp_path: Path) -> None:
    said = _Page(page(toy_analysis(tmp_path, r_hat=1.3, together=True))).said
    assert "A check of the model failed (convergence): Toy & panel, other-one and all studies as one." in said
    assert "all studies as one: The chains do not agree" in said


def test_the_files_hold_what_several_studies_share(several: Analysis, tmp_path: Path) -> None:
    paths = write_report(several, tmp_path)
    assert several.together is not None
    with xr.open_datatree(paths.results, engine="h5netcdf") as tree:
        for name, found in several.together.fits.items():
            xr.testing.assert_equal(tree[f"posterior_together_{name}"].to_dataset().load(), found.posterior)
            assert f"posterior_together_other_one_{name}" in tree.children
    rows = {row["claim"]: row for row in csv.DictReader(io.StringIO(paths.verdicts.read_text(encoding="utf-8")))}
    assert rows["c2"]["pooled_over"] == "main; other-one"
    assert float(rows["c2"]["tau_low_wide"]) <= float(rows["c2"]["tau_wide"]) <= float(rows["c2"]["tau_high_wide"])
    assert rows["c2"]["numbers_are"] == "effect in a study yet unseen, if the nodes of set_aside are assumed away"


def test_a_reported_effect_answers_by_itself_and_with_the_studies(tmp_path: Path) -> None:
    found = toy_analysis(tmp_path, together=True, reported=True)
    verdict = found.verdict("c2")
    (told,) = [each for each in verdict.findings if each.strategy == "reported"]
    assert (told.study, told.identified) == ("experiment", True)
    wide = next(each for each in told.estimates if each.prior_set == "wide")
    # A Normal(0, 1) prior and -12 (2 / 60) with a standard error of 4 (2 / 60).
    precision = 1 + 1 / (8 / 60) ** 2
    middle, sd = -0.4 / (8 / 60) ** 2 / precision, precision**-0.5
    assert (wide.low, wide.median, wide.high) == pytest.approx(
        (middle - 1.6449 * sd, middle, middle + 1.6449 * sd), abs=1e-3
    )
    assert wide.natural_median == pytest.approx(middle * 30)
    assert np.isnan(wide.long_run_undefined)
    # The whole graph leaves no panel that identifies it: the claim stands on the report alone, and says whose word that is.
    assert verdict.together is None
    assert verdict.verdict == told.verdict
    assert "reported by Another <b>article</b>, table 2, whose word it is" in verdict.why
    second = verdict.conditional_together
    assert second is not None
    assert second.pooled == ("main", "other-one", "experiment")
    parsed = _Page(page(found))
    assert not parsed.open
    assert not parsed.wrong
    for part in (
        "Another <b>article</b>, table 2",
        "Towns & <i>cities</i>",
        "−12 ± 4.0 posts per scandal",
        "−0.40 ± 0.13",
        "an effect, by its source's word",
        "how long the outcome lasts is not known here",
    ):
        assert part in parsed.said, part
    together = found.together
    assert together is not None
    assert together.fits["wide"].within("experiment", "corruption -> presence").shape == (2, 50)


# The files


def test_the_table_has_a_row_for_each_claim_in_order_and_begins_with_claim_and_verdict(analysis: Analysis) -> None:
    rows = _rows(analysis)
    assert list(rows[0]) == list(COLUMNS)
    assert list(rows[0])[:2] == ["claim", "verdict"]
    assert [(row["claim"], row["verdict"]) for row in rows] == [
        (verdict.claim, verdict.verdict) for verdict in analysis.verdicts
    ]


def test_formulas_in_the_table_are_text_and_negative_numbers_stay_numbers(analysis: Analysis) -> None:
    rows = {row["claim"]: row for row in _rows(analysis)}
    assert rows["c3"]["says"] == f"'{FORMULA}"
    assert rows["c3"]["where"] == "'-p. 3"
    assert rows["c1"]["says"] == HOSTILE
    assert float(rows["c2"]["low_wide"]) < 0
    for row in rows.values():
        for cell in row.values():
            if cell.startswith(("=", "+", "-", "@")):
                float(cell)


def test_the_intervals_of_the_table_are_those_of_the_draws_in_natural_units(analysis: Analysis) -> None:
    row = next(row for row in _rows(analysis) if row["claim"] == "c2")
    draws = analysis.evidence["main"].fits["sceptical"].edge("corruption -> presence").to_numpy()
    for name, mass in (("low", 0.05), ("median", 0.5), ("high", 0.95)):
        assert math.isclose(float(row[f"{name}_sceptical"]), float(np.quantile(draws, mass)), rel_tol=1e-4)
    assert row["natural_unit"] == "presence per corruption"
    assert row["numbers_are"] != "effect", "the claim is not identified, and its numbers must say so"


def test_the_draws_open_as_one_tree_with_every_study_and_prior_set(analysis: Analysis, written: ReportPaths) -> None:
    with xr.open_datatree(written.results, engine="h5netcdf") as tree:
        assert {"posterior", "prior", "sample_stats", "observed_data", "posterior_sceptical", "posterior_wide"} <= set(
            tree.children
        )
        assert {"posterior_other_one_article", "posterior_other_one_wide", "observed_data_other_one"} <= set(
            tree.children
        )
        known = analysis.evidence["main"].fits["article"].posterior["effect"]
        xr.testing.assert_equal(
            tree["posterior"]["effect"].load().drop_vars("node", errors="ignore"),
            known.drop_vars("node", errors="ignore"),
        )


def test_arviz_reads_the_draws(written: ReportPaths) -> None:
    import arviz

    tree = arviz.from_netcdf(written.results)
    assert tree["posterior"].sizes["chain"] == 2
    tree.close()


def test_a_second_report_replaces_the_first_and_leaves_nothing_beside_it(analysis: Analysis, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("old", encoding="utf-8")
    paths = write_report(analysis, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "results.nc", "verdicts.csv"]
    assert paths.page.stat().st_size > 50_000
    assert list(paths) == [tmp_path / "index.html", tmp_path / "results.nc", tmp_path / "verdicts.csv"]


def test_a_folder_that_is_a_file_is_an_error_and_not_a_traceback(analysis: Analysis, tmp_path: Path) -> None:
    (tmp_path / "report").write_text("", encoding="utf-8")
    with pytest.raises(CausalError, match="cannot be written"):
        write_report(analysis, tmp_path / "report")


# Words and pieces


def test_every_verdict_word_is_explained() -> None:
    assert set(MEANINGS) == set(SHORT) == set(WORDS)


def test_numbers_read_as_people_write_them() -> None:
    assert [number(value) for value in (0.1234, -12.3, 0.0, 1e-12, 123456.0)] == [
        "0.12",
        "−12",
        "0",
        "1.0e−12",
        "123,456",
    ]
    assert [size(value) for value in (0.2, -0.04, 10.0)] == ["0.2", "−0.04", "10"]
    assert [interval(-0.0962, 0.00971), interval(-0.0962, -0.00971)] == ["−0.10 to 0.01", "−0.096 to −0.010"]
    assert estimate(-0.0001, -0.5, 0.5) == "0.0 (−0.5 to 0.5)"
    assert [probability(value) for value in (0.0, 0.5, 1.0, math.nan)] == [
        "under .01",
        ".50",
        "over .99",
        "does not apply",
    ]
    assert listed(["a", "b", "c"]) == "a, b and c"


def _nested() -> Iterator[object]:
    yield {"text": "</script><b>&\u2028\u2029", "list": [1, -0.5, None]}
    yield "<!--"


def test_embedded_json_says_the_same_without_a_bracket() -> None:
    for value in _nested():
        text = embedded(value)
        assert not set("<>&\u2028\u2029") & set(text)
        assert json.loads(text) == value


def test_an_inlined_picture_keeps_its_clips_under_names_of_its_own() -> None:
    svg = inline('<svg><clipPath id="clip1"/><g clip-path="url(#clip1)"/></svg>', "fan0")
    assert svg == '<svg><clipPath id="fan0-1"/><g clip-path="url(#fan0-1)"/></svg>'


# What stands beside the words


def test_each_claim_told_at_length_has_its_plain_sentences(analysis: Analysis, parsed: _Page) -> None:
    for verdict in analysis.verdicts:
        assert verdict.sentence.endswith(".")
        told = verdict.sentence, verdict.rests_on, verdict.would_change
        shown = told if analysis.bundle.ledger[verdict.claim].core else told[:1]
        for text in shown:
            assert text in parsed.said, (verdict.claim, text)


def test_the_core_as_a_whole_stands_above_the_tables(analysis: Analysis, html: str) -> None:
    chain = analysis.chain
    assert chain is not None
    assert (chain.shape, chain.verdict) == ("loop", "untestable")
    assert chain.sentence == "The loop is untestable: nobody measures Illicit revenue and Illicit economy."
    at = html.index("The loop as a whole")
    assert at < html.index("<caption>How many claims got which verdict")
    assert chain.sentence in html[at : at + 500]


def test_the_page_says_how_many_wrong_words_to_expect_and_how_far_readers_agree(
    analysis: Analysis, parsed: _Page
) -> None:
    assert errors_of(analysis.verdicts).sentence in parsed.said
    assert agreement(analysis.bundle.ledger).sentence in parsed.said


def test_the_table_for_programs_carries_them_too_and_begins_as_before(analysis: Analysis) -> None:
    assert COLUMNS[:2] == ("claim", "verdict")
    for row, verdict in zip(_rows(analysis), analysis.verdicts, strict=True):
        assert row["sentence"] == verdict.sentence
        assert row["would_change"] == verdict.would_change
        assert row["readings"] == "1"
        assert row["survives"] == {True: "yes", False: "no", None: ""}[verdict.survives]
    shown = next(row for row in _rows(analysis) if row["claim"] == "c2")
    finding = next(each for each in analysis.verdict("c2").conditional if each.power is not None)
    assert finding.power is not None
    assert float(shown["power"]) == pytest.approx(finding.power.power, rel=1e-4)
    assert float(shown["assurance"]) == pytest.approx(finding.power.assurance, rel=1e-4)


def test_the_document_of_verdicts_has_its_own_keys_for_the_whole_and_one_claim_a_row(analysis: Analysis) -> None:
    document = verdict_document(analysis)
    assert [row["claim"] for row in document["verdicts"]] == [verdict.claim for verdict in analysis.verdicts]
    assert document["chain"]["verdict"] == "untestable"
    assert document["multiplicity"]["sentence"] == errors_of(analysis.verdicts).sentence

    def keys(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from keys(inner)
        elif isinstance(value, (list, tuple)):
            for inner in value:
                yield from keys(inner)

    nested = [*keys(document["chain"]), *keys(document["multiplicity"])]
    for row in document["verdicts"]:
        nested += keys([value for value in row.values() if isinstance(value, (dict, list, tuple))])
    assert "claim" not in nested
    json.dumps(document, allow_nan=True)


def test_a_page_holds_no_more_effects_than_it_may(analysis: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = whatif.askable(analysis)
    assert all(study["draws"] == study["drawn"] == 100 for study in whole)
    monkeypatch.setattr(whatif, "MOST_NUMBERS", 1000)
    some = whatif.askable(analysis)
    numbers = sum(len(study["terms"]) * study["draws"] * len(study["sets"]) for study in some)
    assert 900 < numbers <= 1000
    for study in some:
        for each in study["sets"]:
            values = np.frombuffer(base64.b64decode(each["effects"]), dtype="<f4").reshape(study["draws"], -1)
            assert values.shape[1] == len(study["terms"])
            fits = analysis.evidence[study["key"]].fits
            drawn = next(fit for name, fit in fits.items() if PRIOR_LABELS[name] == each["label"]).draws("effect")
            np.testing.assert_array_equal(values[[0, -1]], drawn[[0, -1]].astype("<f4"))
