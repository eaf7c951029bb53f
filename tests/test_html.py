"""Records in a notebook: what their tables say, that they say it of text and not of markup, and that they ask nothing of the page."""

from __future__ import annotations

import math
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import causal as ca
from causal.analysis import Analysis
from causal.errors import counted
from causal.fit import Convergence, Fit
from causal.html import SHOWN, UNKNOWN, between, number, table
from tests.oracle.worlds import frame, made_fit, made_model
from tests.toy_bundle import HOSTILE, toy_analysis

LOOP = ca.read_graph("""
corruption -> corruption [lag=1]
corruption -> presence [lag=1, sign=-]
presence -> corruption [lag=2]
corruption <-> presence
""")


class _Read(HTMLParser):
    """The tags with their attributes, the rows of cells and all other text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.rows: list[list[str]] = []
        self.told = ""
        self._cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._cell = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._cell = False if tag in ("td", "th") else self._cell

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.rows[-1][-1] += data
        else:
            self.told += data


def read(record: Any) -> _Read:
    found = _Read()
    text = record if isinstance(record, str) else record._repr_html_()
    found.feed(text)
    found.close()
    assert set(found.tags) <= {"div", "strong", "table", "thead", "tbody", "tr", "th", "td"}
    # No colour that a dark page could swallow, no address, no handler.
    assert {name for name, _ in found.attributes} <= {"style"}
    assert {value for _, value in found.attributes} <= {"text-align:left;vertical-align:top"}
    assert len(text) < 30_000
    return found


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return toy_analysis(tmp_path_factory.mktemp("html"), together=True, reported=True)


@pytest.fixture(scope="module")
def made() -> Fit:
    graph = ca.read_graph("a -> a [lag=1]\na -> b [lag=1, sign=+]\nb -> b [lag=1]\nb -> m [lag=1]\nm -> a [lag=1]")
    return made_fit(made_model(graph, frame(["a", "b"], units=5, times=range(2001, 2009), seed=3)))


def test_text_is_escaped_wherever_it_stands() -> None:
    found = table(HOSTILE, (HOSTILE,), [[HOSTILE]], notes=[HOSTILE])
    assert "<b>" not in found
    assert "script>" not in found
    told = read(found)
    assert told.rows == [[HOSTILE], [HOSTILE]]
    assert told.told == HOSTILE * 2


def test_a_long_table_says_how_many_rows_it_leaves_out_and_where_they_are() -> None:
    found = read(table("Many", ("row",), [[k] for k in range(SHOWN + 7)], whole="ledger.claims"))
    assert found.rows[1:] == [[str(k)] for k in range(SHOWN)]
    assert "7 more: ledger.claims." in found.told
    assert "more" not in read(table("Few", ("row",), [[k] for k in range(SHOWN)])).told


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_cannot_be_told(value: float) -> None:
    assert number(value) == between(value, 1.0) == between(0.0, value) == UNKNOWN


def test_a_graph_shows_every_link_with_its_lag_and_what_is_claimed() -> None:
    found = read(LOOP)
    assert found.rows[1:] == [
        ["corruption", "→", "corruption", "1", "no direction"],
        ["corruption", "→", "presence", "1", "lowers"],
        ["presence", "→", "corruption", "2", "no direction"],
        ["corruption", "↔", "presence", "0", "unmeasured common cause"],
    ]
    assert "2 nodes, 3 direct effects, 1 unmeasured common cause" in found.told


def test_a_graph_names_what_no_row_shows() -> None:
    graph = ca.Graph((ca.Node("a", "poisson"), ca.Node("b"), ca.Node("c")), (ca.Edge("a", "b", 1, across="near"),))
    found = read(graph)
    assert found.rows[1] == ["a", "→", "b", "1", "no direction, from near"]
    assert "Without any link: c." in found.told
    assert "a is poisson" in found.told
    assert read(ca.Graph((ca.Node("a"),))).rows == []


def test_a_ledger_shows_each_claim_and_says_where_no_link_can_hold_it(analysis: Analysis) -> None:
    ledger = analysis.bundle.ledger
    found = read(ledger)
    assert [row[0] for row in found.rows[1:]] == [claim.key for claim in ledger.claims]
    first, last = ledger["c1"], ledger["c5"]
    assert first.edge is not None
    assert found.rows[1] == ["c1", first.edge.text, first.hedge, first.strength, HOSTILE, first.where]
    assert found.rows[5][1] == f"no link can hold it: {last.untestable}"
    assert "Crime & <i>disorder</i> (A. Writer, 2015): 5 claims, 4 of them core" in found.told
    assert "With them: 1 figure and 1 published finding." in found.told


def test_a_fit_shows_the_quantiles_of_its_draws_on_both_scales(made: Fit) -> None:
    found = read(made)
    assert [row[0] for row in found.rows[1:]] == [term.name for term in made.model.system.terms]
    for row in found.rows[1:]:
        draws = made.posterior["effect"].sel(edge=row[0]).to_numpy()
        for values, (middle, ends) in (
            (draws, row[2:4]),
            (draws / made.model.on_standard_scale(row[0]), row[4:6]),
        ):
            low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
            assert middle == f"{median:.3g}"
            assert ends == f"{low:.3g} to {high:.3g}"
    roads = {row[0]: row[1] for row in found.rows[1:]}
    assert roads["b -> a [lag=2]"] == "roads through unmeasured nodes"
    assert roads["a -> b [lag=1]"] == ""
    assert "5 units, 8 periods, 2 chains of 50 draws" in found.told
    assert "The chains agree (worst R-hat 1.000" in found.told


@pytest.mark.parametrize(
    ("convergence", "words"),
    [
        (Convergence(1.3, 20.0, 0.0, ("effect[a -> b [lag=1]]",)), "cannot be trusted (worst R-hat 1.300"),
        (Convergence(1.0, 900.0, 0.2, ()), "too many diverged"),
        (Convergence(math.nan, 900.0, 0.0, ("effect[<b>]",)), "effect[<b>]"),
    ],
)
def test_a_fit_that_cannot_be_trusted_says_so(made: Fit, convergence: Convergence, words: str) -> None:
    assert words in read(Fit(made.model, made.data, convergence)).told


def test_one_chain_agrees_with_no_other(made: Fit) -> None:
    one = made_fit(made.model, chains=1)
    assert "cannot be told from one chain" in read(one).told


def test_draws_and_effects_are_shown_by_xarray(made: Fit) -> None:
    for given in (made.edge("a -> b"), ca.contrast(made, "shift a 1", outcome="b")):
        assert "xr-wrap" in given._repr_html_()


def test_several_studies_as_one_show_what_they_share_and_how_far_they_differ(analysis: Analysis) -> None:
    assert analysis.together is not None
    fit = analysis.together.fits["wide"]
    found = read(fit)
    assert [row[0] for row in found.rows[1:]] == [pool.name for pool in fit.model.pools]
    for k, (row, pool) in enumerate(zip(found.rows[1:], fit.model.pools, strict=True)):
        low, middle, high = np.quantile(fit.posterior["effect"].isel(edge=k), [0.05, 0.5, 0.95])
        assert row[1:4] == [", ".join(fit.model.members(pool)), f"{middle:.3g}", f"{low:.3g} to {high:.3g}"]
        tau = np.quantile(fit.posterior["tau"].isel(edge=k), [0.05, 0.5, 0.95])
        shared = f"{tau[1]:.3g} ({tau[0]:.3g} to {tau[2]:.3g})"
        one = len(pool.members) == 1
        said = f"one study; by the prior {shared}" if one else shared
        assert row[4] == (said if pool.identified else "not pooled: no study identifies it")


def test_a_verdict_shows_its_word_its_sentences_and_the_estimates(analysis: Analysis) -> None:
    verdict = analysis.verdict("c2")
    found = read(verdict)
    assert f"c2, {verdict.edge}: {verdict.verdict}" in found.told
    for sentence in (verdict.sentence, verdict.rests_on, verdict.would_change):
        assert sentence
        assert sentence in found.told
    pooled = (verdict.together, verdict.conditional_together)
    every = [each for each in (*verdict.findings, *verdict.conditional, *pooled) if each is not None]
    estimates = [(each, estimate) for each in every for estimate in each.estimates]
    shown = [row for row in found.rows[1:] if row[2]]
    assert len(shown) == len(estimates) > 0
    by_row = {(row[0], row[1], row[2]): row for row in shown}
    for each in verdict.findings:
        for estimate in each.estimates:
            word = each.verdict + ("" if each.identified else " (an association only)")
            row = by_row[each.study, word, estimate.prior_set]
            assert row[3] == f"{estimate.median:.3g}"
            assert row[4] == f"{estimate.low:.3g} to {estimate.high:.3g}"


def test_an_assumption_stands_before_the_word_that_rests_on_it(analysis: Analysis) -> None:
    verdict = analysis.verdict("c2")
    assert verdict.conditional
    says = [row[1] for row in read(verdict).rows[1:]]
    for each in verdict.conditional:
        word = f"with {counted(len(each.set_aside), 'node')} assumed away: {each.verdict}"
        assert says.count(word) >= len(each.estimates) > 0


def test_a_verdict_without_numbers_says_that_there_are_none(analysis: Analysis) -> None:
    found = read(analysis.verdict("c5"))
    assert found.rows == []
    assert "c5, no link: untestable" in found.told
    assert "No study has numbers for it." in found.told


def test_an_analysis_shows_its_verdicts_those_that_say_most_first(analysis: Analysis) -> None:
    found = read(analysis)
    words = [row[2] for row in found.rows[1:]]
    assert sorted(words) == sorted(verdict.verdict for verdict in analysis.verdicts)
    assert words[-1] == "untestable"
    assert words[0] != "untestable"
    for row in found.rows[1:]:
        assert row[3] == analysis.verdict(row[0]).sentence
    assert analysis.chain is not None
    assert analysis.chain.sentence in found.told


def test_the_built_in_ledger_is_short(tmp_path: Path) -> None:
    from priors.read import read_bundle

    bundle = read_bundle("peru_nexus")
    found = read(bundle.ledger)
    assert len(found.rows) == SHOWN + 1
    assert f"{len(bundle.ledger.claims) - SHOWN} more: ledger.claims." in found.told
    read(bundle.graph)
