"""Fetching from a server on this machine that behaves as the services do: paging, faults, etiquette, going on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from kg.errors import FetchError, PluginError
from kg.fetch import fetch
from kg.model import Document
from kg.registry import names
from kg.sources import expand, read
from tests.commands import kg
from tests.services import Services


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    with Services() as running:
        monkeypatch.setattr("kg.fetch._entrez.ADDRESS", running.address)
        monkeypatch.setattr("kg.fetch.europepmc.ADDRESS", running.address)
        monkeypatch.setattr("kg.fetch._entrez._SPACING", 0.0)
        monkeypatch.setattr("kg.fetch.europepmc._SPACING", 0.0)
        monkeypatch.setattr("kg.online._FIRST_WAIT", 0.002)
        monkeypatch.delenv("NCBI_API_KEY", raising=False)
        yield running


def titles(folder: Path) -> list[str]:
    """The titles of all that a build would read."""
    found = [d for path in expand([folder]) for d in read(path)]
    assert all(isinstance(d, Document) for d in found), found
    return [next(iter(d.report.title.values())) for d in found if isinstance(d, Document)]


def test_pubmed_in_pages_and_batches(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.fetch._entrez._PAGE", 7)
    services.records |= {str(n): datetime(2010, 1, 1).date() for n in range(1000, 1300)}
    result = fetch("pubmed", "leukemia AND case reports[pt]", tmp_path / "new" / "folder")
    assert (result.found, result.fetched, result.known, result.missing) == (323, 323, 0, [])
    assert sorted(titles(tmp_path)) == sorted(f"Report {key} & more" for key in services.records)
    assert len(list(expand([tmp_path]))) == 2, "200 records a file"
    terms = {asked["term"] for _, path, asked, _ in services.requests if path == "esearch.fcgi"}
    assert terms == {"leukemia AND case reports[pt]"}


def test_nothing_is_fetched_twice(services: Services, tmp_path: Path) -> None:
    assert fetch("pubmed", "x", tmp_path, limit=5).fetched == 5
    assert services.asked_for() == ["23", "22", "21", "20", "19"]
    again = fetch("pubmed", "x", tmp_path, limit=8)
    assert (again.found, again.fetched, again.known) == (23, 3, 5)
    assert services.asked_for()[5:] == ["18", "17", "16"]
    next(expand([tmp_path])).unlink()
    assert fetch("pubmed", "x", tmp_path, limit=8).fetched > 0, "a file that was removed is fetched again"
    assert len(titles(tmp_path)) == len(set(titles(tmp_path))) == 8


def test_more_than_a_search_lists_is_cut_by_date(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.most = 4
    monkeypatch.setattr("kg.fetch.pubmed._MOST", 4)
    result = fetch("pubmed", "x", tmp_path)
    assert result.fetched == 23 and sorted(map(int, services.asked_for())) == list(range(1, 24))
    services.records = dict.fromkeys(services.records, services.records["1"])
    with pytest.raises(FetchError, match="finds 23 records that entered pubmed on 2000-01-02, more than it lists"):
        fetch("pubmed", "x", tmp_path / "other")


def test_what_is_not_delivered_is_named(services: Services, tmp_path: Path) -> None:
    services.gone = {"5", "7"}
    result = fetch("pubmed", "x", tmp_path)
    assert result.fetched == 21 and result.missing == [(key, "the service does not send it") for key in ("7", "5")]
    result = fetch("pmc", "x", tmp_path)
    assert result.fetched == 21 and result.missing[0] == ("7", "The following PMCID is not available")
    assert {path.name for path in expand([tmp_path])} == {"pubmed-23.xml.gz", "pmc-23.xml.gz", "pmc-3.xml.gz"}
    assert len(titles(tmp_path)) == 42


@pytest.mark.parametrize("fault", [429, 500, 503, "hang up", "cut", "half", "error"])
def test_faults_are_tried_again(services: Services, tmp_path: Path, fault: int | str) -> None:
    services.faults.extend([fault, fault, 200, fault, 200, fault])
    told: list[str] = []
    assert fetch("pubmed", "x", tmp_path, tell=told.append).fetched == 23
    assert len(titles(tmp_path)) == 23 and len(told) == 4 and "trying again in" in told[0]


def test_interrupted_fetch_goes_on(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.online._TRIES", 2)
    services.faults.extend([200, 200, 200, "never"])
    with pytest.raises(FetchError, match=r"does not answer \(status 503\); what came is kept, run the same command"):
        fetch("pmc", "x", tmp_path)
    services.faults.clear()
    first = services.asked_for()[:20]
    asked_before = len(services.asked_for())
    result = fetch("pmc", "x", tmp_path)
    assert (result.fetched, result.known) == (3, 20)
    assert not set(services.asked_for()[asked_before:]) & set(first)
    assert len(titles(tmp_path)) == 23 and not list(tmp_path.glob(".*.tmp"))


def test_wait_that_the_service_asks_for(services: Services, tmp_path: Path) -> None:
    services.retry_after = format_datetime(datetime.now(UTC) + timedelta(seconds=1.5), usegmt=True)
    services.faults.extend([429])
    told: list[str] = []
    fetch("pubmed", "x", tmp_path, tell=told.append)
    assert "API rate limit exceeded" in told[0]
    services.retry_after = "86400"
    services.faults.extend([429])
    with pytest.raises(FetchError, match=r"API rate limit exceeded.*run the same command later"):
        fetch("pubmed", "x", tmp_path / "new")


def test_etiquette(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.fetch._entrez._SPACING_WITH_KEY", 0.05)
    monkeypatch.setenv("NCBI_API_KEY", "s3cret")
    fetch("pmc", "x", tmp_path, email="ada@example.org")
    assert len(services.requests) == 4
    for _, path, asked, agent in services.requests:
        assert (asked["tool"], asked["email"], asked["api_key"]) == ("casekg", "ada@example.org", "s3cret")
        assert agent.startswith("casekg/") and "?" not in path
    assert services.requests[-1][0] - services.requests[0][0] > 0.1  # thrice 0.05 s, but for jitter
    services.faults.extend([400])
    with pytest.raises(FetchError, match="refuses: status 400") as refused:
        fetch("pmc", "x", tmp_path / "new")
    assert "s3cret" not in str(refused.value)


def test_rate_is_what_ncbi_allows() -> None:
    from kg.fetch import _entrez

    assert _entrez._SPACING >= 1 / 3 and _entrez._SPACING_WITH_KEY >= 1 / 10


@pytest.mark.parametrize(
    "answer",
    [b'{"esearchresult": null}', b'{"hitCount": 3, "resultList": "x"}', b'{"hitCount": 1, "nextCursorMark": "n"}'],
)
@pytest.mark.parametrize("service", ["pubmed", "europepmc"])
def test_answers_of_another_shape(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, service: str
) -> None:
    monkeypatch.setattr("kg.online._TRIES", 1)
    monkeypatch.setattr(services, "answer", lambda path, asked: (200, answer))
    (tmp_path / ".fetched.tsv").write_bytes(b"\xff\t1\ta\n")
    try:
        assert fetch(service, "x", tmp_path).fetched == 0
    except FetchError as error:
        assert "does not answer" in str(error)


def test_query_that_is_refused_or_finds_nothing(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kg.online._TRIES", 2)
    with pytest.raises(FetchError, match="the search failed: Search Backend failed"):
        fetch("pubmed", "bad[", tmp_path)
    with pytest.raises(FetchError, match="nothing to ask pubmed for"):
        fetch("pubmed", "  ", tmp_path)
    with pytest.raises(PluginError, match="there are: europepmc, pmc, pubmed"):
        fetch("scopus", "x", tmp_path)
    services.records.clear()
    result = fetch("pubmed", "zzyzx", tmp_path)
    assert (result.found, result.fetched, result.known) == (0, 0, 0) and "knows no 'zzyzx'" in result.notes[0]


def hit(number: int, **more: Any) -> dict[str, Any]:
    told = {
        "id": str(number),
        "source": "MED",
        "pmid": str(number),
        "title": f"Record {number}",
        "doi": f"10.1/x{number}",
    }
    return {**told, "abstractText": f"<h4>Case presentation</h4>A boy of {number} with p &lt; 0.05 was ill.", **more}


def test_europepmc_full_text_else_record(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.fetch.europepmc._PAGE", 2)
    monkeypatch.setattr("kg.fetch.europepmc._RECORDS", 2)
    opened = {"isOpenAccess": "Y", "inEPMC": "Y"}
    services.hits = [
        hit(1, pmcid="PMC11", **opened),
        hit(2, pmcid="PMC12", isOpenAccess="N", inEPMC="Y"),
        hit(3),
        hit(4, pmcid="PMC14", **opened),
        hit(5),
        hit(6, pmcid="../../etc/passwd", **opened),
    ]
    services.gone = {"14", "5"}
    result = fetch("europepmc", "x", tmp_path)
    assert (result.found, result.fetched) == (6, 5)
    assert result.missing == [("MED/5", "the service does not send it")]
    assert {path.name for path in expand([tmp_path])} == {
        "PMC11.xml.gz", "europepmc-MED-2.json.gz", "europepmc-MED-4.json.gz", "europepmc-MED-6.json.gz",
    }  # fmt: skip
    assert sorted(titles(tmp_path)) == ["Article 11", "Record 2", "Record 3", "Record 4", "Record 6"]
    [second] = (d for p in expand([tmp_path]) for d in read(p) if isinstance(d, Document) and d.id == "2")
    assert second.text.endswith("CASE PRESENTATION: A boy of 2 with p < 0.05 was ill.")
    assert [b.kind for b in second.blocks] == ["title", "case"]
    before = len(services.requests)
    assert fetch("europepmc", "x", tmp_path).fetched == 0
    assert {path for _, path, _, _ in services.requests[before:]} == {"search"}


def test_folder_that_cannot_be_written(services: Services, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match="cannot be written"):
        fetch("pubmed", "x", tmp_path / "file")


def test_service_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.fetch._entrez.ADDRESS", "http://127.0.0.1:9")
    monkeypatch.setattr("kg.online._FIRST_WAIT", 0.001)
    with pytest.raises(FetchError, match=r"http://127\.0\.0\.1:9 does not answer"):
        fetch("pubmed", "x", tmp_path)


def test_command(services: Services, tmp_path: Path) -> None:
    out = tmp_path / "reports"
    assert (
        kg("fetch", "pubmed", "x", "-o", out).stdout
        == f"23 found: 23 fetched to {out}, 0 there already, 0 not delivered\n"
    )
    services.gone = {"3"}
    said = kg("fetch", "pmc", "x", "-o", out, "--json", code=2).stdout
    assert json.loads(said)["missing"] == [["3", "The following PMCID is not available"]]
    services.records.clear()
    services.faults.extend([400])
    assert "kg: " in kg("fetch", "pmc", "x", "-o", out, code=2).stderr


def test_services_do_not_vanish() -> None:
    assert names("fetch") == ("europepmc", "pmc", "pubmed")
