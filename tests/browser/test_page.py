"""The page in a browser: charts drawn, the table filtered, nothing asked of the net, readable without scripts and on a phone."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scipy.stats

import causal as ca
from causal.analysis import Analysis
from causal.intervene import read_interventions
from causal.plot import PRIOR_LABELS
from causal.report import whatif, write_report
from causal.report.pictures import embedded
from causal.report.words import probability
from causal.rests import on_the_way
from tests.toy_bundle import toy_analysis

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("browser")
    return write_report(toy_analysis(folder), folder / "report").page.as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"no browser at {CHROMIUM}: CI must install one")
        pytest.skip(f"no browser at {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        chromium.close()


def _opened(browser: Browser, address: str, width: int = 1200, **settings: Any) -> tuple[Any, list[str], list[str]]:
    """The page, with what it requested and what went wrong in it."""
    shown = browser.new_context(viewport={"width": width, "height": 900}, **settings).new_page()
    requested: list[str] = []
    wrong: list[str] = []
    shown.on("request", lambda request: requested.append(request.url))
    shown.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    shown.on("pageerror", lambda error: wrong.append(str(error)))
    shown.goto(address)
    return shown, requested, wrong


def test_every_chart_is_drawn_and_nothing_is_asked_of_the_net(browser: Browser, address: str) -> None:
    shown, requested, wrong = _opened(browser, address)
    charts = shown.locator(".chart").count()
    assert charts >= 3
    shown.wait_for_function(f"document.querySelectorAll('.chart[data-drawn]').length === {charts}", timeout=20_000)
    assert shown.locator(".chart .live svg.marks").count() == charts
    assert requested == [address]
    assert wrong == []


def test_the_table_of_claims_is_sifted_by_word_and_text(browser: Browser, address: str) -> None:
    shown, _, _ = _opened(browser, address)
    rows = shown.locator("#ledger tbody tr:visible")
    assert rows.count() == 5
    shown.select_option("#filter-word", "not-identified")
    assert [row.strip() for row in rows.locator("th").all_inner_texts()] == ["c2"]
    shown.select_option("#filter-word", "")
    shown.fill("#filter-text", "FIGURE of speech")
    assert [row.strip() for row in rows.locator("th").all_inner_texts()] == ["c5"]
    assert "1 of 5" in shown.locator("#filter-count").inner_text()


def test_without_scripts_everything_can_be_read(browser: Browser, address: str) -> None:
    shown, requested, _ = _opened(browser, address, java_script_enabled=False)
    assert shown.locator("#ledger tbody tr:visible").count() == 5
    assert shown.locator("#filter").is_hidden()
    stills = shown.locator(".still svg:visible")
    assert stills.count() == shown.locator(".chart").count()
    assert requested == [address]


@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_never_scrolls_sideways(browser: Browser, address: str, width: int) -> None:
    shown, _, _ = _opened(browser, address, width=width)
    shown.wait_for_function("document.querySelectorAll('.chart[data-drawn]').length > 0", timeout=20_000)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_text_makes_no_element(browser: Browser, address: str) -> None:
    shown, _, _ = _opened(browser, address)
    assert shown.locator("b").count() == 0
    assert "<b>bold</b>" in shown.locator("#ledger").inner_text()


# What a reader asks on the page


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return toy_analysis(tmp_path_factory.mktemp("asked"))


def _three_digits(text: str) -> float:
    return float(text.replace("\N{MINUS SIGN}", "-"))


def _rows(shown: Any) -> dict[str, tuple[float, float, float, str]]:
    """The what-if's table: prior -> median, low, high, chance of harm."""
    found = {}
    for line in shown.locator("#ask-rows tr").all():
        name, middle, ends, harm = line.locator("th, td").all_inner_texts()
        low, high = ends.split(" to ")
        found[name.strip()] = (_three_digits(middle), _three_digits(low), _three_digits(high), harm.strip())
    return found


def _ask(shown: Any, act: int, node: str, amount: float, start: int, stop: int) -> None:
    fields = shown.locator(".ask-act").nth(act)
    fields.locator(".ask-node").select_option(label=node)
    fields.locator(".ask-amount").fill(str(amount))
    fields.locator(".ask-from").select_option(label=str(start))
    fields.locator(".ask-to").select_option(label=str(stop))


@pytest.mark.parametrize("study", ["Toy & panel", "other-one"])
@pytest.mark.parametrize(("units", "better"), [((), "higher"), (("u2", "u5", "u7"), "lower")])
def test_what_the_page_is_asked_it_answers_as_contrast_does(
    browser: Browser, address: str, analysis: Analysis, study: str, units: tuple[str, ...], better: str
) -> None:
    shown, _, wrong = _opened(browser, address)
    shown.select_option("#ask-study", label=study)
    shown.click("#ask-more")
    _ask(shown, 0, "Corruption", -0.7, 2005, 2009)
    _ask(shown, 1, "State <b>presence</b>", 0.25, 2007, 2012)
    shown.select_option("#ask-outcome", label="State <b>presence</b>")
    shown.select_option("#ask-better", better)
    if units:
        shown.select_option("#ask-units", label=list(units))
    name = "main" if study == "Toy & panel" else study
    acts = [
        ca.Shift("corruption", -0.7, start=2005, stop=2009, units=units or None),
        ca.Shift("presence", 0.25, start=2007, stop=2012, units=units or None),
    ]
    answers = _rows(shown)
    assert len(answers) == 3
    for prior_set, fit in analysis.evidence[name].fits.items():
        ends = ca.contrast(fit, acts, outcome="presence", horizon=whatif.HORIZON)[:, -1].to_numpy()
        median, low, high, harm = answers[PRIOR_LABELS[prior_set]]
        expected = np.quantile(ends, [0.5, 0.05, 0.95])
        np.testing.assert_allclose([median, low, high], expected, rtol=5.001e-3, atol=1e-12)
        assert harm == probability(float((ends < 0 if better == "higher" else ends > 0).mean()))
    model = analysis.evidence[name].fits["wide"].model
    way = [term.name for term in on_the_way(model, acts, ("presence",)) if term.cause != term.effect]
    listed = shown.locator("#ask-rests li").all_text_contents()
    assert sorted(line.split(": ")[0] for line in listed) == sorted(way)
    told = shown.locator("#ask-command").text_content()
    stated = read_interventions(told.split('"')[1])
    assert stated == tuple(acts)
    shown.wait_for_function("document.getElementById('ask-chart').dataset.drawn", timeout=20_000)
    assert shown.locator("#ask-chart svg.marks").count() == 1
    assert wrong == []


def test_the_fan_moves_with_the_question_and_a_wrong_one_is_told(browser: Browser, address: str) -> None:
    shown, _, wrong = _opened(browser, address)
    path = "#ask-chart .mark-line path"
    shown.wait_for_selector(path, state="attached", timeout=20_000)
    before = shown.locator(path).first.get_attribute("d")
    shown.locator(".ask-amount").fill("3")
    shown.wait_for_function(
        "before => document.querySelector('#ask-chart .mark-line path').getAttribute('d') !== before", arg=before
    )
    shown.locator(".ask-to").select_option(label="2002")
    assert "ends before it begins" in shown.locator("#ask-says").inner_text()
    assert shown.locator("#ask-answer").is_hidden()
    shown.locator(".ask-to").select_option(label="2020")
    shown.locator(".ask-amount").fill("")
    assert "number" in shown.locator("#ask-says").inner_text()
    assert wrong == []


def test_another_opinion_weighs_the_draws_and_refuses_where_too_few_speak(
    browser: Browser, address: str, analysis: Analysis
) -> None:
    shown, _, wrong = _opened(browser, address)
    links = whatif.tried(analysis)
    place = next(k for k, link in enumerate(links) if link["edge"].startswith("corruption -> presence"))
    shown.select_option("#opinion-link", str(place))
    told = whatif.opinions()
    for chance in range(len(told["chances"])):
        shown.locator("#opinion-chance").fill(str(chance))
        p, z = told["chances"][chance]
        size = told["sizes"][3]
        lean = z / math.hypot(1.0, z)
        prior = scipy.stats.norm(-size * lean, size * math.sqrt(1.0 - lean**2))
        assert prior.cdf(0.0) == pytest.approx(p)
        fit = analysis.evidence["main"].fits["wide"]
        draws = fit.edge("corruption -> presence", scale="standard").to_numpy().ravel()
        weights = prior.pdf(draws) / scipy.stats.norm(links[place]["mean"], links[place]["sd"]).pdf(draws)
        weights /= weights.sum()
        effective = min(1.0, fit.convergence.ess / len(draws)) / (weights**2).sum()
        text = shown.locator("#opinion-draws").inner_text()
        assert int(text.split(" of ")[0]) == pytest.approx(effective, abs=1.0)
        # The toy's fits have a hundred draws: never enough, whatever the opinion.
        assert shown.locator("#opinion-rows").is_hidden()
        assert "No numbers" in shown.locator("#opinion-says").inner_text()
    assert wrong == []


def test_another_opinion_gives_the_weighed_numbers(browser: Browser, tmp_path: Path) -> None:
    """On draws of a Normal posterior the answer is known: the posterior under the new prior, in closed form."""
    analysis = toy_analysis(tmp_path)
    generator = np.random.default_rng(3)
    links = whatif.tried(analysis)
    link = next(link for link in links if link["edge"].startswith("corruption -> presence"))
    seen, error = -0.3, 0.1
    precision = 1.0 / error**2 + 1.0 / link["sd"] ** 2
    middle = (seen / error**2 + link["mean"] / link["sd"] ** 2) / precision
    draws = generator.normal(middle, precision**-0.5, 40_000)
    document = whatif.opinions() | {"links": [link | {"draws": whatif.packed(draws), "share": 1.0}]}
    written = write_report(analysis, tmp_path / "report").page
    text = written.read_text(encoding="utf-8")
    start = text.index('id="opinion-data">') + len('id="opinion-data">')
    written.write_text(text[:start] + embedded(document) + text[text.index("</script>", start) :], encoding="utf-8")
    shown, _, wrong = _opened(browser, written.as_uri())
    for chance, size in ((5, 3), (10, 3), (19, 5), (16, 7)):
        shown.locator("#opinion-chance").fill(str(chance))
        shown.locator("#opinion-size").fill(str(size))
        z, scale = document["chances"][chance][1], document["sizes"][size]
        lean = z / math.hypot(1.0, z)
        mean, sd = -scale * lean, scale * math.sqrt(1.0 - lean**2)
        total = 1.0 / error**2 + 1.0 / sd**2
        after = scipy.stats.norm((seen / error**2 + mean / sd**2) / total, total**-0.5)
        median, ends = shown.locator("#opinion-after").inner_text().rstrip(")").split(" (")
        found = [_three_digits(each) for each in (median, *ends.split(" to "))]
        # 40,000 draws weighed at no less than a tenth of them: quantiles within some hundredths of their sd.
        np.testing.assert_allclose(found, after.ppf([0.5, 0.05, 0.95]), atol=0.08 * after.std())
        for name, expected in (
            ("claimed", after.cdf(-link["smallest"])),
            ("small", after.cdf(link["smallest"]) - after.cdf(-link["smallest"])),
            ("opposite", after.sf(link["smallest"])),
        ):
            told = shown.locator(f"#opinion-{name}").inner_text()
            value = 0.0 if told == "under .01" else 1.0 if told == "over .99" else float(told)
            assert value == pytest.approx(expected, abs=0.03)
    assert wrong == []


# For everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_axe_finds_nothing_serious(browser: Browser, address: str, scheme: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    shown, _, _ = _opened(browser, address, width=width, color_scheme=scheme)
    shown.wait_for_function("document.getElementById('ask-chart').dataset.drawn", timeout=20_000)
    for fold in shown.locator("details").all():
        fold.evaluate("fold => { fold.open = true; }")
    found = Axe().run(shown).response
    assert len(found["passes"]) > 20
    bad = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
    assert bad == [], [
        (each["id"], [(node["html"][:300], node["target"]) for node in each["nodes"][:3]]) for each in bad
    ]


def test_dark_follows_the_reader_and_print_stays_light(browser: Browser, address: str) -> None:
    def paper(shown: Any) -> str:
        return shown.evaluate("getComputedStyle(document.body).backgroundColor")

    light, _, _ = _opened(browser, address)
    dark, _, _ = _opened(browser, address, color_scheme="dark")
    assert paper(light) == "rgb(255, 255, 255)"
    assert paper(dark) == "rgb(23, 25, 28)"
    dark.emulate_media(media="print")
    assert paper(dark) == "rgb(255, 255, 255)"


def test_the_table_sorts_by_each_column_both_ways(browser: Browser, address: str) -> None:
    shown, _, _ = _opened(browser, address)
    for column, head in enumerate(shown.locator("#ledger thead th").all()):
        for way in ("ascending", "descending"):
            head.locator("button").click()
            assert head.get_attribute("aria-sort") == way
            cells = shown.evaluate(
                "column => Array.from(document.querySelectorAll('#ledger tbody tr')).map(row => row.cells[column].textContent)",
                column,
            )
            expected = shown.evaluate(
                "cells => cells.slice().sort((a, b) => a.localeCompare(b, 'en', {numeric: true}))", cells
            )
            assert cells == (expected if way == "ascending" else expected[::-1])


def test_the_table_is_saved_as_the_file_beside_the_page(browser: Browser, address: str, tmp_path: Path) -> None:
    shown, _, wrong = _opened(browser, address)
    with shown.expect_download() as caught:
        shown.click("#table-download")
    assert caught.value.suggested_filename == "verdicts.csv"
    caught.value.save_as(tmp_path / "saved.csv")
    beside = Path(address.removeprefix("file://")).with_name("verdicts.csv")
    assert (tmp_path / "saved.csv").read_bytes() == beside.read_bytes()
    assert wrong == []


def test_a_link_of_the_graph_leads_to_what_is_told_of_it(browser: Browser, address: str) -> None:
    shown, _, _ = _opened(browser, address)
    targets = shown.evaluate(
        "Array.from(document.querySelectorAll('.graph a')).map(link => link.getAttribute('href') || link.getAttribute('xlink:href'))"
    )
    assert set(targets) == {"#h-c1", "#h-c2", "#h-c3", "#h-c4"}
    for target in targets:
        assert shown.locator(target).count() == 1
    shown.locator(".graph a").first.focus()
    shown.keyboard.press("Enter")
    shown.wait_for_function("location.hash.startsWith('#h-c')")


def test_everything_is_asked_by_keyboard_alone(browser: Browser, address: str) -> None:
    shown, _, wrong = _opened(browser, address)
    shown.wait_for_function("document.getElementById('ask-chart').dataset.drawn", timeout=20_000)
    shown.locator("#ask-study").focus()
    reached = set()
    for _ in range(14):
        shown.keyboard.press("Tab")
        reached.add(shown.evaluate("document.activeElement.id || document.activeElement.className"))
    assert {
        "ask-node",
        "ask-amount",
        "ask-from",
        "ask-to",
        "ask-more",
        "ask-units",
        "ask-outcome",
        "ask-better",
    } <= reached
    before = shown.locator("#ask-says").inner_text()
    shown.locator(".ask-amount").focus()
    shown.keyboard.press("ArrowUp")
    assert shown.locator("#ask-says").inner_text() != before
    assert wrong == []
