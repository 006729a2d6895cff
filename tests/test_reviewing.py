"""Review through the server: in a real Chromium from the search to the rebuilt graph; and what is not let in."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from kg import build, work
from kg.extractors import rules
from kg.model import CaseRecord, Document, Lexicon
from kg.review import read
from kg.serve.access import COOKIE, Access
from kg.serve.service import Service
from tests.browsers import CHROMIUM, QUIET
from tests.served import serving

TOKEN = "a token for tests"
SEED = "004_85a81add77fe55b6"


@pytest.fixture
def out(tmp_path: Path, seeds: Path) -> Path:
    shutil.copytree(seeds, tmp_path / "reports")
    build([tmp_path / "reports"], tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def client(out: Path) -> Iterator[httpx.Client]:
    with serving(Service(out / "store", Access(TOKEN))) as client:
        yield client


def report_of(client: httpx.Client) -> str:
    return client.get("/find", params={"id": SEED}).headers["location"]


def iri_of(client: httpx.Client) -> str:
    return "https://w3id.org/casekg/id/" + report_of(client).removeprefix("/id/")


def sign_in(client: httpx.Client) -> None:
    answer = client.post("/sign-in", data={"token": TOKEN, "who": "A. Reader"})
    assert answer.status_code == 303
    flags = answer.headers.get_list("set-cookie")
    assert len(flags) == 2 and all("HttpOnly" in f and "SameSite=strict" in f for f in flags)


HERE = {"sec-fetch-site": "same-origin"}


def test_only_who_has_the_token_and_comes_from_here_decides(out: Path, client: httpx.Client) -> None:
    sent = {"report": iri_of(client), "what": "accepted", "who": "B"}
    assert client.get("/review").status_code == 405
    assert client.post("/review", data=sent).status_code == 401
    assert client.post("/review", data=sent, headers={"authorization": "Bearer wrong"}).status_code == 401
    assert client.post("/sign-in", data={"token": "wrong", "who": "B"}).status_code == 403
    assert client.post("/sign-in", data={"token": TOKEN, "who": " "}).status_code == 400
    assert COOKIE not in client.cookies
    sign_in(client)
    for site in ({}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "http://evil.test"}):
        assert client.post("/review", data=sent, headers=site).status_code == 403, site
    assert not read(out / "curation.jsonl")
    assert client.post("/review", data=sent, headers=HERE).status_code == 303
    client.post("/sign-out")
    assert client.post("/review", data=sent, headers=HERE).status_code == 401
    client.cookies.clear()
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert client.post("/review", data={**sent, "what": "rejected"}, headers=bearer).status_code == 303
    kinds = [(d.kind, d.what, d.who) for d in read(out / "curation.jsonl")]
    assert kinds[-1] == ("report", "rejected", "B") and kinds.count(("report", "accepted", "B")) == 1
    assert len(kinds) > 40, "with the report every fact and link of it was accepted"


def test_a_server_that_only_reads_has_no_forms(out: Path) -> None:
    with serving(Service(out / "store")) as client:
        assert '<form action="/review"' not in client.get(report_of(client), headers={"accept": "text/html"}).text
        assert client.post("/review", data={}).status_code == 403


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"report": "nothing"}, "no such report"),
        ({"what": "maybe"}, "accepted or rejected"),
        ({"what": "accepted", "fact": "https://w3id.org/casekg/id/x"}, "no such fact"),
        ({"what": "added", "subject": "weather"}, "A fact to add is one of"),
        ({"what": "added", "subject": "condition", "words": "no such words"}, "nowhere"),
        ({"what": "added", "subject": "condition", "words": "the", "role": "primary"}, "several places"),
        ({"what": "added", "subject": "condition", "words": "pretibial"}, "nowhere"),
        ({"what": "added", "subject": "condition", "words": "blastoid", "role": "boss"}, "'role' must be one of"),
        (
            {"what": "added", "subject": "condition", "words": "blastoid", "concept": "no such"},
            "No condition is called",
        ),
        ({"what": "added", "subject": "condition", "words": "blastoid", "start": "-1"}, "no whole number"),
        ({"what": "added", "subject": "link", "from": "x", "to": "y"}, "joins two facts"),
        ({"what": "withdrawn", "undoes": "../.."}, "'undoes'"),
        ({"what": "accepted", "who": "\x1b]0;x"}, "control characters"),
        ({"what": "accepted", "who": ""}, "Say who decides"),
    ],
)
def test_what_is_no_decision_is_refused(sent: dict[str, str], says: str, shared_client: httpx.Client) -> None:
    whole = {"report": iri_of(shared_client), "who": "B", **sent}
    answer = shared_client.post("/review", data=whole, headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 400 and says in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.fixture(scope="module")
def shared_client(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    out = tmp_path_factory.mktemp("shared") / "out"
    shutil.copytree(built, out)
    with serving(Service(out / "store", Access(TOKEN))) as client:
        yield client


def other_extractor(lexicon: Lexicon) -> Any:
    """The rules in another version, which finds no treatment at all."""
    understand = ORIGINAL(lexicon)

    def changed(document: Document) -> CaseRecord:
        record = understand(document)
        cases = tuple(replace(c, interventions=(), outcomes=(), evidence=()) for c in record.cases)
        return replace(record, cases=cases)

    return changed


ORIGINAL = rules.prepare


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: install the package chromium")
def test_from_the_search_to_the_rebuilt_graph(
    out: Path, client: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from playwright.sync_api import expect, sync_playwright

    faults: list[str] = []
    outside: list[str] = []
    home = str(client.base_url).rstrip("/")
    expect.set_options(timeout=60_000)  # of a machine that has much else to do
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        context = browser.new_context(viewport={"width": 1300, "height": 900})
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: faults.append(str(e)))
        page.on("request", lambda r: None if r.url.startswith((home, "data:")) else outside.append(r.url))
        page.goto(home + "/reports")
        page.get_by_label("words").fill("hypoplastic leukemia")
        page.get_by_role("button", name="Search").click()
        page.get_by_role("link", name="Induction of Complete Remission").click()
        row = page.locator("tr", has=page.locator("span.fact.intervention", has_text="etoposide"))
        row.get_by_role("link", name="etoposide", exact=True).last.click()
        expect(page.locator("#text a:target")).to_have_text("etoposide")  # the evidence, in its place
        page.goto(home + "/questions/treatments")
        page.get_by_label("condition").fill("leukemia")
        page.get_by_role("button", name="Ask").click()
        expect(page.locator("tbody").first).to_contain_text("etoposide")

        page.goto(home + "/sign-in")
        page.get_by_label("Your name").fill("A. Reader")
        page.get_by_label("Edit token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        page.goto(home + report_of(client))
        page.get_by_role("button", name="accept: etoposide", exact=True).click()
        expect(page.locator("#decisions")).to_contain_text("waits for kg build")
        row = page.locator("tr", has=page.locator("span.fact.condition", has_text="pancytopenia")).first
        row.get_by_text("correct", exact=True).click()
        row.get_by_label("role").select_option("comorbidity")
        row.get_by_label("why").fill('<script>alert("why")</script>')
        row.get_by_role("button", name="Correct").click()
        page.get_by_text("Add a fact: mark its words").click()
        page.evaluate(
            """() => {
              const pieces = [...document.querySelectorAll("#text [data-start]")];
              const piece = pieces.find((p) => p.textContent.includes("transfusion-independent"));
              const node = piece.firstChild, at = node.data.indexOf("transfusion-independent");
              const range = document.createRange();
              range.setStart(node, at); range.setEnd(node, at + "transfusion".length);
              getSelection().removeAllRanges(); getSelection().addRange(range);
            }"""
        )
        expect(page.locator("#add-words")).to_have_value("transfusion")
        page.locator("#add").get_by_label("fact").select_option("intervention")
        page.locator("#add").get_by_label("kind of treatment").select_option("supportive")
        page.locator("#add").get_by_role("button", name="Add").click()
        expect(page.locator("#decisions [role=status]")).to_contain_text("3 decisions")
        page.screenshot(path=tmp_path / "review.png", full_page=True)

        rows = page.locator("table.facts tbody tr").all_inner_texts()
        for name, state in (
            ("etoposide", "accepted by A. Reader, waits"),
            ("pancytopenia", "to: role comorbidity"),
            ("transfusion", "added by A. Reader"),
        ):
            assert [row for row in rows if row.startswith(name) and state in row], "what was decided shows at once"

        # A page of another origin cannot decide, though the browser sends the cookie along.
        (tmp_path / "evil").mkdir()
        form = f'<form method="post" action="{home}/review"><input name="report" value="{iri_of(client)}">'
        form += '<input name="what" value="rejected"></form><script>document.forms[0].submit()</script>'
        (tmp_path / "evil" / "index.html").write_text(form, encoding="utf-8")
        handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "evil")
        evil = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=evil.serve_forever, daemon=True).start()
        visited = context.new_page()
        with visited.expect_response(lambda r: r.url.endswith("/review")) as refused:
            visited.goto(f"http://127.0.0.1:{evil.server_port}/")
        assert refused.value.status == 403
        evil.shutdown()
        evil.server_close()
        visited.close()
        assert len(read(out / "curation.jsonl")) == 3

        monkeypatch.setattr(rules, "prepare", other_extractor)
        monkeypatch.setattr(rules, "version", lambda: "another")
        for cached in (work.understand, work.writer):
            cached.cache_clear()
        assert build([tmp_path / "reports"], out).validation.conforms  # type: ignore[union-attr]
        for cached in (work.understand, work.writer):
            cached.cache_clear()
        until = time.monotonic() + 60
        while "waits for kg build" in page.locator("main").inner_text() and time.monotonic() < until:
            time.sleep(1)
            page.reload()
        facts = page.locator("table.facts tbody tr")
        rows = facts.all_inner_texts()
        for name, state in (("etoposide", "accepted"), ("pancytopenia", "corrected"), ("transfusion", "added")):
            assert [row for row in rows if row.startswith(name) and state in row], (name, rows)
        text = "\n".join(rows)
        assert text.count("accepted") == 1 and text.count("corrected") == 1 and text.count("added") == 1
        assert "vincristine" not in text, "the other extractor finds no treatment of its own"
        assert '<script>alert("why")</script>' in page.locator("#decisions").inner_text()
        page.get_by_role("button", name="take back: accepted etoposide").click()
        expect(page.locator("#decisions [role=status]")).to_contain_text("1 taken back will leave it then")
        browser.close()
    assert not faults and not outside
    undone = [json.loads(line) for line in (out / "curation.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [d["what"] for d in undone] == ["accepted", "corrected", "added", "withdrawn"]
