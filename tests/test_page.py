"""The page in a real headless Chromium: no outside request, evidence equals the text, hostile text stays text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kg.exporters import html
from tests.browsers import CHROMIUM
from tests.invented import read_reports, store_of_reports
from tests.pages import HOSTILE, TITLE, held, many_kinds, trial_reports

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

AXE = Path(__file__).parents[1] / ".venv" / "validators" / "axe.min.js"
KINDS = 34  # diseases of one report each
WIDE, NARROW = (1440, 900), (390, 800)
VIEWS = ("flow", "table", "course", "network", "report", "report&report=alpha")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: install the package chromium"),
]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the invented reports, the hostile one, and some of a disease each."""
    path = tmp_path_factory.mktemp("page") / "graph.html"
    reports = chain(read_reports(), trial_reports(), many_kinds(KINDS))
    with store_of_reports(reports) as store, path.open("wb") as out:
        html.write(store, out)
    return path


@pytest.fixture(scope="module")
def window(browser: Any) -> Iterator[tuple[Page, list[str], list[str]]]:
    """A window with all faults and requests that it had."""
    opened = browser.new_page(viewport={"width": WIDE[0], "height": WIDE[1]})
    faults: list[str] = []
    requests: list[str] = []
    opened.on("console", lambda message: faults.append(message.text))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    yield opened, faults, requests
    opened.close()


@pytest.fixture
def page(window: tuple[Page, list[str], list[str]], page_file: Path) -> Iterator[Page]:
    """The page, watched: at the end nothing was loaded but itself and nothing went wrong."""
    opened, faults, requests = window
    show(opened, page_file)
    yield opened
    opened.emulate_media(media="screen")
    assert not faults
    outside = {url for url in requests if not url.startswith((page_file.as_uri(), "blob:", "about:blank"))}
    assert not outside, "the page must load nothing but itself"


def show(page: Page, file: Path, address: str = "") -> None:
    page.goto("about:blank")
    page.goto(file.as_uri() + address)
    settled(page)


def settled(page: Page) -> Page:
    """The page when it has drawn what was last asked for."""
    page.wait_for_selector("#main:not([aria-busy])")
    return page


def texts(locator: Locator) -> list[str]:
    return [str(text) for text in locator.all_inner_texts()]


def test_a_band_opens_on_sentences_that_are_slices_of_the_report(page: Page, page_file: Path) -> None:
    _, reports = held(page_file.read_text())
    sources = [report["text"] for report in reports]
    for number in range(0, page.locator(".band").count(), 5):
        page.locator(".band").nth(number).dispatch_event("click")
        page.wait_for_selector("#evidence article")
        for article in page.locator("#evidence article").all():
            quote = str(article.locator(".quote").evaluate("node => node.textContent"))
            start, end = map(int, re.findall(r"characters (\d+)–(\d+)", article.inner_text())[0])
            assert any(text[start:end] == quote for text in sources)
            assert article.locator("mark.result").count() == 1


def test_what_is_marked_are_the_words_of_the_outcome_and_of_the_treatment(page: Page) -> None:
    page.fill("#words", "crystal")
    settled(page).locator(".node").first.locator(".box").click()
    article = page.locator("#evidence article")
    article.wait_for()
    assert texts(article.locator("mark.result")) == ["he recovered <!-- -->"]
    assert "\U0001f600" in HOSTILE, "or offsets would be those of 16-bit units"


def test_no_column_has_more_boxes_than_a_person_tells_apart_and_none_is_lost(page: Page) -> None:
    def column(number: int) -> Any:
        return page.locator(f".node[data-column='{number}']")

    assert all(column(n).count() <= 15 for n in range(3))
    found: set[str] = set()
    seen: set[str] = set()

    def walk() -> None:
        for node in column(0).all():
            name = str(node.get_attribute("aria-label")).partition(",")[0]
            found.add(name)
        closed = [n for n in column(0).all() if n.get_attribute("data-opens")]
        for key in [str(n.get_attribute("data-key")) for n in closed]:
            if key in seen:
                continue
            seen.add(key)
            page.locator(f".node[data-column='0'][data-key='{key}'] .opener").click()
            settled(page)
            assert all(column(n).count() <= 15 for n in range(3))
            walk()
            page.locator("#path .back").first.click()
            settled(page)

    walk()
    diseases = {f"{'abcdefghijklmnopqrstuvwxyz'[n % 26]}-type disease {n:03}" for n in range(KINDS)}
    assert diseases <= found


def test_drill_down_and_back(page: Page) -> None:
    names = page.locator(".node[data-column='0'] + .name")
    top = texts(names)
    page.locator(".node[aria-label^='leukemia,'] .opener").click()
    inside = texts(settled(page).locator(".node[data-column='0'] + .name"))
    assert inside != top
    assert "leukemia" in page.locator("#path").inner_text()
    assert "open-condition" in page.url
    page.locator("#path .back").click()
    settled(page)
    assert texts(names) == top
    page.go_back()
    page.wait_for_function("document.querySelector('#path .back') !== null")
    settled(page)
    assert texts(names) == inside
    page.click("#reset")
    settled(page)
    assert texts(names) == top


def test_the_table_has_the_numbers_of_the_picture(page: Page) -> None:
    settled(page)
    bands = {b.locator("title").text_content() for b in page.locator(".band").all()}
    page.click("#tab-table")
    rows = page.locator("#table tbody tr")
    rows.first.wait_for()
    cells = [[str(c) for c in row.locator("td").all_inner_texts()] for row in rows.all()]
    assert {f"{a} → {b} → {c}: {n} case{'' if n == '1' else 's'}" for a, b, c, n, _ in cells} == bands
    assert page.locator("#view-flow").is_hidden()
    rows.first.locator("button").click()
    page.wait_for_selector("#evidence article")


FILTERS: list[tuple[dict[str, str], int]] = [
    ({"condition": "leukemia"}, 3),  # and all its kinds
    ({"condition": "ckv:hypoplastic-leukemia"}, 2),
    ({"condition": "zebra"}, 1),  # words that no vocabulary holds
    ({"intervention": "moonroot"}, 1),
    ({"words": "stripes improved"}, 1),
    ({"condition": "leukemia", "intervention": "etoposide", "outcome": "death"}, 1),
    ({"sex": "male"}, 3),
    ({"year-from": "1988", "year-to": "1999"}, 2),
    ({"age-from": "41", "age-to": "41"}, 1),
    ({"words": "nothing at all"}, 0),
]


def test_filters_and_the_address_that_holds_them(page: Page) -> None:
    page.locator("#more").evaluate("node => node.open = true")
    for fields, cases in FILTERS:
        page.click("#reset")
        for field, value in fields.items():
            if field in {"outcome", "sex"}:
                page.select_option(f"#{field}", label=value)
            else:
                page.fill(f"#{field}", value)
        count = settled(page).locator("#count").inner_text()
        assert count.startswith(f"{cases} of "), (fields, count)
        assert ("age, sex or year is not known" in count) == bool({"age-from", "year-from"} & set(fields))
    shown = texts(page.locator(".name"))
    page.reload()
    assert texts(settled(page).locator(".name")) == shown
    assert page.locator("#words").input_value() == "nothing at all"


def test_only_what_authors_attribute(page: Page) -> None:
    page.locator("#more").evaluate("node => node.open = true")
    page.check("#tied")
    assert not settled(page).locator("#count").inner_text().startswith("0 of")
    page.locator(".node .box").first.click()
    page.wait_for_selector("#evidence article")
    for words in texts(page.locator("#evidence article .source:nth-of-type(2)")):
        assert "(attributed)" in words


def test_keyboard_alone_opens_reads_and_goes_back(page: Page) -> None:
    page.locator("#reset").focus()
    page.keyboard.press("Tab")
    label = "document.activeElement.getAttribute('aria-label')"
    assert ", condition, " in str(page.evaluate(label))
    while "press + to open" not in str(page.evaluate(label)):
        page.keyboard.press("ArrowDown")
    name = str(page.evaluate(label))
    page.keyboard.press("Enter")
    page.wait_for_selector("#evidence article")
    page.keyboard.press("+")
    settled(page)
    assert page.locator("#path .back").count() == 1
    assert ", condition, " in str(page.evaluate(label))
    page.keyboard.press("-")
    settled(page)
    assert page.locator("#path .back").count() == 0
    page.keyboard.press("ArrowRight")
    assert ", treatment, " in str(page.evaluate(label))
    page.keyboard.press("End")
    assert name in [n.get_attribute("aria-label") for n in page.locator(".node").all()]
    page.locator("#tab-flow").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-table"
    assert page.locator("#view-table").is_visible()


def test_neighbours_of_a_concept(page: Page) -> None:
    page.click("#tab-network")
    page.fill("#concept", "etoposide")
    page.keyboard.press("Enter")
    settled(page)
    assert "etoposide" in page.locator("#network h2").inner_text()
    assert page.locator(".dot").count() > 3
    dot = page.locator(".dot[aria-label^='death, outcome']")
    dot.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#evidence article")
    assert texts(page.locator("#evidence mark.result")) == ["died"]
    page.click("#evidence .actions button")
    settled(page)
    assert page.locator("#network h2").inner_text().startswith("death")
    page.go_back()
    page.locator("#network h2", has_text="etoposide").wait_for()


def open_report(page: Page, title: str) -> None:
    page.click("#tab-report")
    page.get_by_role("button", name=title).first.click()
    page.wait_for_selector(".text")


def test_a_report_shows_its_text_with_facts_in_place(page: Page) -> None:
    open_report(page, "Relapse after transplantation")
    told = {d.id: d.text for d, _ in read_reports()}
    assert page.locator(".text").evaluate("node => node.textContent") == told["alpha"]
    absent = page.locator(".text .fact.absent")
    assert texts(absent) == ["graft-versus-host disease"]
    assert "line-through" in absent.evaluate("node => getComputedStyle(node).textDecorationLine")
    outcome = page.locator(".text .fact.outcome", has_text="complete remission")
    outcome.hover()
    assert page.locator("#evidence h2").inner_text() == "complete remission"
    linked = texts(page.locator(".text .fact.linked"))
    assert {"Radiotherapy", "donor lymphocyte infusion"} <= set(linked)
    assert (
        "attributed by the authors to radiotherapy, donor lymphocyte infusion"
        in page.locator("#evidence .links").inner_text()
    )
    page.locator(".text .fact.intervention").first.focus()
    assert page.locator("#evidence h2").inner_text() == "allogeneic bone marrow transplantation"
    assert page.locator("#evidence .source").last.inner_text().startswith("kg explain ")


def test_a_report_without_a_case_says_why(page: Page) -> None:
    page.fill("#words", "zebras")
    open_report(page, "On zebras in general")
    assert "No case was found in this report: it tells of no patient." in page.locator("#view-report").inner_text()
    assert page.locator(".text").inner_text() == "Zebras are rare."


def test_a_step_of_a_course_leads_to_its_sentence_and_report(page: Page) -> None:
    page.fill("#words", "Relapse after transplantation")
    page.click("#tab-course")
    chip = page.locator(".chip[aria-label^='relapse, after 8 months']")
    chip.wait_for()
    page.locator("svg.course line[stroke-dasharray]").first.wait_for(state="attached")  # times that are not stated
    chip.click()
    page.wait_for_selector("#evidence .quote")
    assert "after it she had an extramedullary relapse" in page.locator("#evidence .quote").first.inner_text()
    page.locator("#evidence .links button").last.click()
    page.locator("#evidence h2:not(:text-is('relapse'))").wait_for()
    page.get_by_role("button", name="whole report").click()
    page.wait_for_selector(".text")
    assert texts(page.locator(".text .fact.on"))


def test_courses_of_one_condition_side_by_side_and_as_svg(page: Page, tmp_path: Path) -> None:
    page.click("#tab-course")
    page.fill("#condition", "hypoplastic leukemia")
    settled(page)
    assert page.locator("svg.course > line").count() >= 2  # one line above each patient
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as SVG").click()
    file = tmp_path / "courses.svg"
    waiting.value.save_as(file)
    from lxml import etree

    root = etree.parse(file).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg" and int(root.get("width") or 0) > 300
    assert "etoposide" in str(root.xpath("string()"))


def test_pages_of_a_long_list(page: Page) -> None:
    page.click("#tab-course")
    page.locator(".pager").wait_for()
    first = page.locator(".pager").inner_text()
    page.get_by_role("button", name="next").click()
    settled(page)
    assert page.locator(".pager").inner_text() != first
    assert "page=1" in page.url


def test_hostile_text_stays_text(page: Page) -> None:
    open_report(page, "</script>")
    assert page.locator(".text").evaluate("node => node.textContent") == HOSTILE
    assert page.locator("#view-report h2").inner_text() == TITLE
    assert page.title() == f"{KINDS + 9} case reports: conditions, treatments, outcomes"
    assert page.locator("main script, main img, main b").count() == 0
    assert page.locator(".text").get_attribute("dir") == "auto"
    assert page.locator(".text .fact.condition:not(.absent):not(.unsure)").inner_text() == "<b>sham disease</b>"
    assert texts(page.locator(".text .fact.unsure")) == ["ghost pox"]
    page.locator(".text .fact.outcome").focus()
    assert page.locator("#evidence mark").inner_text() == "he recovered <!-- -->"


def test_the_page_of_one_report_opens_on_it(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    with store_of_reports(trial_reports()) as store, file.open("wb") as out:
        html.write(store, out, reports=["hostile <&>"])
    page = browser.new_page()
    show(page, file)
    assert page.locator(".text").evaluate("node => node.textContent") == HOSTILE
    page.close()


def test_a_page_without_texts_says_so(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "bare.html"
    with store_of_reports(trial_reports()) as store, file.open("wb") as out:
        html.write(store, out, text=False)
    page = browser.new_page()
    show(page, file, "#view=flow")
    page.locator(".node .box").first.click()
    page.wait_for_selector("#evidence article")
    assert "without the texts" in page.locator("#evidence article").inner_text()
    page.close()


def test_narrow_screens_do_not_scroll_sideways(browser: Any, page_file: Path) -> None:
    page = browser.new_page(viewport={"width": NARROW[0], "height": NARROW[1]})
    for view in VIEWS:
        show(page, page_file, f"#view={view}")
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0], view
    page.close()


def test_print_shows_picture_and_evidence_without_controls(page: Page) -> None:
    page.locator(".node .box").first.click()
    page.wait_for_selector("#evidence article")
    page.emulate_media(media="print")
    assert page.locator("#filter").is_hidden() and page.locator("#tabs").is_hidden()
    assert page.locator("#flow").is_visible() and page.locator("#evidence article").first.is_visible()


def test_on_a_phone_the_sentences_lie_over_the_picture_only_when_there_are_some(browser: Any, page_file: Path) -> None:
    page = browser.new_page(viewport={"width": NARROW[0], "height": NARROW[1]})
    show(page, page_file)
    place = "getComputedStyle(document.getElementById('evidence')).position"
    assert page.evaluate(place) == "static"
    page.locator(".node .box").first.click()
    page.wait_for_selector("#evidence article")
    assert page.evaluate(place) == "sticky"
    page.close()


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not here: run 'make .venv/validators'")
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_serious_fault_of_accessibility(browser: Any, page_file: Path, size: tuple[int, int]) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    for view in VIEWS:
        show(page, page_file, f"#view={view}")
        if view == "flow":
            page.locator(".node .box").first.click()
            page.wait_for_selector("#evidence article")
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run()")["violations"]
        told = [(v["id"], v["impact"], [n["html"] for n in v["nodes"]][:3]) for v in found]
        assert not told, f"{view}: {json.dumps(told, indent=1)}"
    page.close()
