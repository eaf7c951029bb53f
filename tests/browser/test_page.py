"""The page in a browser: charts drawn, the table filtered, nothing asked of the net, readable without scripts and on a phone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from causal.report import write_report
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
    assert shown.locator(".live svg.marks").count() == charts
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
