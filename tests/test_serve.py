"""The server: what it answers, over a real connection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kg.serve.service import Service
from kg.store import open_store
from tests.invented import read_reports, store_of_reports
from tests.served import serving


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store on disk with the invented reports."""
    path = tmp_path_factory.mktemp("served") / "store"
    with store_of_reports(read_reports()) as invented, open_store(path, base=invented.base) as store:
        store.bulk_load(invented.quads())
    return path


@pytest.fixture(scope="module")
def client(reports: Path) -> Iterator[httpx.Client]:
    with serving(Service(reports)) as client:
        yield client


def test_the_overview_counts_what_the_graph_holds(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<td>reports</td>" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_query_is_answered(client: httpx.Client) -> None:
    answer = client.get(
        "/sparql", params={"query": "SELECT (COUNT(*) AS ?n) { ?s a <https://w3id.org/casekg/ontology#Report> }"}
    )
    assert int(answer.json()["results"]["bindings"][0]["n"]["value"]) > 0


def test_no_copy_of_the_store_is_left(tmp_path: Path) -> None:
    open_store(tmp_path / "store").close()
    with serving(Service(tmp_path / "store")) as client:
        assert client.get("/").status_code == 200
        assert len(list(tmp_path.iterdir())) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["store"]
