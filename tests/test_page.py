"""The picture in a real headless Chromium: no outside request, evidence equals the text, hostile text stays text."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kg import exporters
from kg.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: install the package chromium"),
]


@pytest.fixture(scope="module")
def page_file(invented: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "graph.html"
    with path.open("wb") as out:
        exporters.export(invented, out, "html")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        started.close()


@pytest.fixture
def page(browser: Any, page_file: Path) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    faults: list[str] = []
    requests: list[str] = []
    opened.on("console", lambda message: faults.append(message.text))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    opened.goto(page_file.as_uri())
    yield opened
    assert not faults
    assert requests == [page_file.as_uri()], "the page must load nothing but itself"
    opened.close()


def test_a_band_opens_on_sentences_that_stand_in_the_report(page: Page, page_file: Path) -> None:
    page.locator(".band").first.click()
    sentences = json.loads(re.search(r'id="data">(.*?)</script>', page_file.read_text(), re.S)[1])["sentences"]  # type: ignore[index]
    shown = page.locator("#evidence article p:first-child").all_inner_texts()
    assert shown
    assert set(shown) <= {s["text"] for s in sentences}
    assert page.locator("#evidence mark.result").first.inner_text() in " ".join(shown)


def test_the_table_has_the_numbers_of_the_picture(page: Page) -> None:
    bands = len({b.get_attribute("aria-label") for b in page.locator(".band").all()})
    page.click("#tab-table")
    assert page.locator("#table tbody tr").count() == bands
    assert page.locator("#view-flow").is_hidden()


def test_filter_by_words_and_start_again(page: Page) -> None:
    before = page.locator(".band").count()
    page.fill("#find", "etoposide")
    assert 0 < page.locator(".band").count() < before
    page.click("#reset")
    assert page.locator(".band").count() == before


def test_keyboard_alone_reaches_the_evidence(page: Page) -> None:
    page.locator(".node").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#evidence article").count() > 0


def test_hostile_text_stays_text(page: Page) -> None:
    page.fill("#find", "moonroot")
    page.locator(".node").first.click()
    assert "<script>" in page.locator("#evidence").inner_text()
    assert page.locator("#evidence script").count() == 0
    assert page.title().startswith("Treatments and outcomes")


def test_narrow_screens_do_not_scroll_sideways(browser: Any, page_file: Path) -> None:
    narrow = browser.new_page(viewport={"width": 390, "height": 800})
    narrow.goto(page_file.as_uri())
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 400
    narrow.close()
