"""The pages for people: what they show, that every IRI leads somewhere, and that hostile words stay words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pyoxigraph as ox
import pytest

from kg.query import questions
from kg.serve import pages
from kg.serve.access import Access
from kg.serve.service import Service
from kg.store import open_store
from tests.browsers import CHROMIUM
from tests.invented import read_reports, store_of_reports
from tests.pages import TITLE, trial_reports
from tests.served import serving
from tests.test_page import AXE

TOKEN = "a token for tests"
OWN = re.compile(r'<script src="/static/[\w./]+" defer></script>')
SCRIPT = re.compile(r"<script|<img|onerror=|javascript:", re.I)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store on disk with the invented reports and a hostile one."""
    path = tmp_path_factory.mktemp("workbench") / "store"
    with store_of_reports(chain(read_reports(), trial_reports())) as made, open_store(path, base=made.base) as stored:
        stored.bulk_load(made.quads())
    return path


@pytest.fixture(scope="module")
def client(store: Path) -> Iterator[httpx.Client]:
    with serving(Service(store, Access(TOKEN))) as client:
        client.follow_redirects = True
        client.headers["accept"] = "text/html"
        yield client


def of(client: httpx.Client, id: str) -> str:
    """The path of the page of a report."""
    return client.get("/find", params={"id": id}).url.path


def test_the_overview_shows_counts_and_the_picture(client: httpx.Client) -> None:
    page = client.get("/")
    assert "<td>reports</td>" in page.text and "frame-src 'self'" in page.headers["content-security-policy"]
    picture = client.get("/picture")
    assert picture.headers["x-frame-options"] == "SAMEORIGIN"
    assert "case reports: conditions, treatments, outcomes" in picture.text


def test_a_large_graph_is_not_drawn_for_who_asks(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_MOST", 1)
    assert "<iframe" not in client.get("/").text
    refused = client.get("/picture")
    assert refused.status_code == 403 and "too many for one picture" in refused.text


def test_reports_are_searched_by_words_and_filters(client: httpx.Client) -> None:
    assert "3 reports" in client.get("/reports", params={"year": "1990-"}).text
    found = client.get("/reports", params={"words": "extramedullary relapse", "condition": "leukemia"}).text
    assert "1 report<" in found and "Relapse after transplantation" in found
    assert "0 reports" in client.get("/reports", params={"words": "no such words"}).text
    wrong = client.get("/reports", params={"condition": "leukemya"})
    assert wrong.status_code == 400 and "leukemia" in wrong.text
    assert client.get("/reports", params={"colour": "red"}).status_code == 400
    assert client.get("/reports", params={"page": "999999999"}).status_code == 200


def test_a_report_has_its_text_with_facts_marked_and_the_course(client: httpx.Client) -> None:
    page = client.get(of(client, "alpha")).text
    assert 'class="fact condition"' in page and 'aria-label="Course, in the order told"' in page
    text = re.sub(r"<[^>]*>", "", page[page.index('id="text"') :].partition(">")[2].partition("</div>")[0])
    assert "Allogeneic bone marrow transplantation was done." in text, "cut at every fact, and nothing lost"
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'id="([^"]+)"', page)), "links within the page"


def test_a_concept_has_labels_codes_hierarchy_and_facts(client: httpx.Client) -> None:
    page = client.get("/resource", params={"name": "etoposide"}).text
    assert "NCIT:C491" in page and "antineoplastic" in page and "/find?id=beta" in page
    assert client.get("/resource", params={"name": "no such thing"}).status_code == 404


@pytest.mark.parametrize("name", sorted(questions()))
def test_every_question_has_a_form(client: httpx.Client, name: str) -> None:
    page = client.get(f"/questions/{name}")
    assert page.status_code == 200 and f'href="/questions/{name}"' in client.get("/questions").text


def test_an_answer_is_read_and_downloaded(client: httpx.Client) -> None:
    put = {"condition": "hypoplastic leukemia", "ask": "1"}
    page = client.get("/questions/treatments", params=put).text
    assert "etoposide" in page and "Sentences that the first rows rest on" in page and "of 5 reports" in page
    links = re.findall(r'href="(/questions/treatments\?[^"]*format=\w+)"', page)
    assert len(links) == 3
    csv, tsv, json = (client.get(link.replace("&amp;", "&")) for link in links)
    assert csv.headers["content-type"].startswith("text/csv") and b"etoposide" in csv.content
    assert json.json()[0]["treatment"] and "\t" in tsv.text
    assert 'filename="treatments.csv"' in csv.headers["content-disposition"]
    assert client.get("/questions/treatments", params={"format": "exe"}).status_code == 400
    assert client.get("/questions/treatments", params={"sex": "other", "ask": "1"}).status_code == 400
    assert client.get("/questions/nothing").status_code == 404


def test_sparql_of_ones_own(client: httpx.Client) -> None:
    ask = {"query": "SELECT ?r { ?r a <https://w3id.org/casekg/ontology#Report> }"}
    assert 'href="/id/text/' in client.get("/editor", params=ask).text
    assert "<pre>" in client.get("/editor", params={"query": "CONSTRUCT WHERE { ?s ?p ?o } LIMIT 1"}).text
    assert 'role="status">yes' in client.get("/editor", params={"query": "ASK {}"}).text
    wrong = client.get("/editor", params={"query": "SELECT"})
    assert wrong.status_code == 400 and "not a SPARQL query" in wrong.text
    assert (
        client.get("/editor", params={"query": "SELECT * { SERVICE <http://127.0.0.1/> { ?s ?p ?o } }"}).status_code
        >= 400
    )
    assert "PREFIX casekg:" in client.get("/editor", params={"example": "treatments"}).text


def test_every_iri_of_the_graph_leads_somewhere(client: httpx.Client, store: Path) -> None:
    """A page for people and RDF for programs, of which the RDF says something of it."""
    with open_store(store, read_only=True) as opened:
        base = opened.base
        subjects = sorted({q.subject.value for q in opened.quads() if isinstance(q.subject, ox.NamedNode)})
    data = [s for s in subjects if s.startswith(base)]
    other = [s for s in subjects if not s.startswith(base)]
    for iri in [*data[::5], *other[:: max(1, len(other) // 15)]]:
        where, params = (f"/id/{iri.removeprefix(base)}", {}) if iri in data else ("/resource", {"iri": iri})
        assert client.get(where, params=params).status_code == 200, iri
        rdf = client.get(where, params=params, headers={"accept": "text/turtle"})
        told = {str(q.subject) for q in ox.parse(rdf.content, ox.RdfFormat.TURTLE)}
        assert f"<{iri}>" in told, iri
        assert "Accept" in rdf.headers["vary"]


def test_what_is_not_there_is_not_found(client: httpx.Client) -> None:
    for path in (
        "/id/text/nothing", "/id/", "/id/%00", "/id/../../etc/passwd", "/id/text%2F..%2F..", "/id/%3Cscript%3E",
        "/static/../pages.py", "/static/%2e%2e/pages.py", "/find?id=nothing", "/resource", "/resource?iri=no%20iri",
        "/picture/../../store", "/questions/..%2F..%2Fsecret",
    ):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code in {400, 404}, path
        assert "import" not in answer.text and not SCRIPT.search(answer.text)
    assert 'role="alert"' in client.get("/nowhere").text and 'role="alert"' in client.get("/find?id=nothing").text
    assert client.get("/nowhere", headers={"accept": "*/*"}).text == "Not Found.\n"
    assert client.get("/id/text/nothing", headers={"accept": "image/png"}).status_code == 406
    assert client.get("/picture", params={"report": "nothing"}).status_code == 400


def test_hostile_words_stay_words(client: httpx.Client) -> None:
    """Of a report, of an answer, of a URL."""
    attack = '"><script>alert(1)</script>'
    own = of(client, "hostile <&>")
    pages = [
        own, "/reports", f"/picture?report={own}",
        "/questions/episodes?ask=1", "/questions/sentences?ask=1",
        f"/reports?words={attack}", f"/questions/treatments?condition={attack}&ask=1", f"/find?id={attack}",
        f"/resource?name={attack}", f"/resource?iri={attack}",
        "/editor?query=" + "SELECT ('<script>alert(1)</script>' AS ?x) {}",
        "/editor?query=" + "SELECT (<javascript:alert(1)> AS ?x) {}",
        f"/editor?query={attack}", f"/editor?example={attack}",
    ]  # fmt: skip
    for path in pages:
        answer = client.get(path)
        assert "nosniff" in answer.headers["x-content-type-options"]
        if not path.startswith("/picture") and "html" in answer.headers["content-type"]:
            assert "<script" not in OWN.sub("", answer.text).lower(), path
            assert not re.search(r"href=[\"']?javascript", answer.text, re.I), path
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "&lt;/script&gt;" in client.get(own).text
    assert TITLE.split(" ")[0] not in client.get("/reports").text


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: install the package chromium")
def test_a_browser_runs_nothing_that_a_report_or_query_says(client: httpx.Client, browser: Any) -> None:
    from playwright.sync_api import expect

    home, faults, outside = str(client.base_url).rstrip("/"), list[str](), list[str]()
    script = "<script>document.title='broken'</script><img src=x onerror=document.title='broken'>"
    page = browser.new_page()
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    page.on("request", lambda r: None if r.url.startswith((home, "data:")) else outside.append(r.url))
    report = of(client, "hostile <&>")
    for path in (
        "/", report, "/reports", f"/reports?{urlencode({'words': script})}", "/questions/episodes?ask=1",
        f"/editor?{urlencode({'query': f'SELECT ({script!r} AS ?x) {{}}'})}",
    ):  # fmt: skip
        page.goto(home + path)
        assert page.title() != "broken" and page.locator("main script, main img").count() == 0, path
    page.goto(home + report)
    assert TITLE in page.locator("h1").inner_text()
    page.goto(home + "/")
    expect(page.frame_locator("iframe").locator("#flow"), "the picture is drawn in the overview").to_have_count(1)
    page.goto(home + "/editor?example=treatments")
    page.locator(".CodeMirror").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("ASK { ?s casekg:aft")
    page.locator(".CodeMirror-hint", has_text="casekg:after").click()
    page.locator(".CodeMirror textarea").focus()  # a click takes it away for a moment
    page.keyboard.type(" ?o }")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status"), "names are completed, and their prefixes declared").to_have_text("yes")
    page.close()
    assert not outside
    assert not [fault for fault in faults if "status of 400" not in fault], faults


@pytest.mark.browser
@pytest.mark.skipif(
    CHROMIUM is None or not AXE.is_file(), reason="no Chromium, or no axe-core: run 'make .venv/validators'"
)
def test_no_fault_of_accessibility(client: httpx.Client, browser: Any) -> None:
    home, report = str(client.base_url).rstrip("/"), of(client, "alpha")
    paths = ["/", "/reports", "/resource?name=etoposide", "/questions", "/questions/treatments?ask=1"]
    page = browser.new_context(bypass_csp=True).new_page()  # axe-core is put into the page, which forbids that
    for path in (*paths, "/editor?query=ASK{}", "/sign-in", report):  # the report for who may review it
        page.goto(home + path)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run(document, {iframes: false})")["violations"]
        assert not found, (path, [(v["id"], [n["html"] for n in v["nodes"]][:3]) for v in found])
        if path == "/sign-in":
            page.locator("main [name=who]").fill("A. Reader")
            page.locator("main [name=token]").fill(TOKEN)
            page.locator("main button").click()
            page.wait_for_url(home + "/reports")
    assert page.locator("#decisions").count() == 1
    page.close()
