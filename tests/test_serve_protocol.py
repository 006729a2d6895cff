"""The tests of the W3C of the SPARQL 1.1 Protocol, against a server with a scratch store that is opened for update."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest
import rdflib
from rdflib.collection import Collection
from rdflib.namespace import RDF

from kg.serve.access import Access
from kg.serve.service import Service
from kg.store import open_store
from tests.served import serving

TOKEN = "for-tests-only"
MF = rdflib.Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
HT = rdflib.Namespace("http://www.w3.org/2011/http#")
CNT = rdflib.Namespace("http://www.w3.org/2011/content#")
UT = rdflib.Namespace("http://www.w3.org/2009/sparql/tests/test-update#")
TESTS = (
    "query_post_form", "query_dataset_default_graphs_get", "query_dataset_default_graphs_post",
    "query_dataset_named_graphs_post", "query_dataset_named_graphs_get", "query_dataset_full",
    "query_multiple_dataset", "query_get", "query_content_type_select", "query_content_type_ask",
    "query_content_type_describe", "query_content_type_construct", "update_dataset_default_graph",
    "update_dataset_default_graphs", "update_dataset_named_graphs", "update_dataset_full", "update_post_form",
    "update_post_direct", "update_base_uri", "query_post_direct", "bad_query_method", "bad_multiple_queries",
    "bad_query_wrong_media_type", "bad_query_missing_form_type", "bad_query_missing_direct_type",
    "bad_query_non_utf8", "bad_query_syntax", "bad_update_get", "bad_multiple_updates", "bad_update_wrong_media_type",
    "bad_update_missing_form_type", "bad_update_non_utf8", "bad_update_syntax", "bad_update_dataset_conflict",
)  # fmt: skip
GRAPHS = [f"http://kasei.us/2009/09/sparql/data/data{number}.rdf" for number in (1, 2, 3)]
FORMATS = {
    "boolean": {"application/sparql-results+json", "application/sparql-results+xml"},
    "tabular": {
        "application/sparql-results+json", "application/sparql-results+xml", "text/csv", "text/tab-separated-values",
    },
    "RDF": {"text/turtle", "application/rdf+xml", "application/n-triples", "application/ld+json"},
}  # fmt: skip


@dataclass(frozen=True)
class Exchange:
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    statuses: tuple[str, ...]
    boolean: bool | None
    format: str | None


@cache
def suite(folder: Path) -> dict[str, list[Exchange]]:
    """The exchanges of each test, by the test's name."""
    manifest = rdflib.Graph().parse(folder / "manifest.ttl", publicID=folder.as_uri() + "/manifest")
    entries = manifest.value(None, RDF.type, MF.Manifest)
    assert entries is not None
    listed = Collection(manifest, next(manifest.objects(entries, MF.entries)))
    return {str(test).rpartition("#")[2]: list(exchanges(manifest, test)) for test in listed}


def exchanges(manifest: rdflib.Graph, test: rdflib.term.Node) -> Iterator[Exchange]:
    action = manifest.value(test, MF.action)
    # Where a test has two requests, one of them is the list, the others stand beside it or in it.
    for head in manifest.objects(action, HT.requests):
        for request in Collection(manifest, head):
            yield exchange(manifest, request)


def exchange(manifest: rdflib.Graph, request: rdflib.term.Node) -> Exchange:
    response = manifest.value(request, HT.resp)
    body = manifest.value(request, HT.body)
    encoding = str(manifest.value(body, CNT.characterEncoding) or "UTF-8")
    boolean = manifest.value(response, MF.expectedBoolean)
    headers = [
        (str(manifest.value(header, HT.fieldName)), str(manifest.value(header, HT.fieldValue)))
        for listed in manifest.objects(request, HT.headers)
        for header in Collection(manifest, listed)
    ]
    return Exchange(
        str(manifest.value(request, HT.methodName)),
        str(manifest.value(request, HT.absolutePath)),
        tuple(headers),
        str(manifest.value(body, CNT.chars)).encode(encoding) if body else b"",
        tuple(str(s).rpartition("StatusCode")[2] for s in manifest.objects(response, MF.expectedStatus)),
        None if boolean is None else bool(boolean.toPython()),  # type: ignore[attr-defined]
        str(f) if (f := manifest.value(response, MF.expectedFormat)) else None,
    )


@pytest.fixture(scope="module")
def scratch(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server whose store may be changed, and which the client does change."""
    path = tmp_path_factory.mktemp("scratch") / "store"
    open_store(path).close()
    with serving(Service(path, Access(TOKEN))) as client:
        client.headers["authorization"] = f"Bearer {TOKEN}"
        yield client


@pytest.fixture
def data(scratch: httpx.Client, shared: Path, name: str) -> Iterator[httpx.Client]:
    """The same, with the three graphs of the suite and no others."""
    if "update" in name or not scratch.head("/data", params={"graph": GRAPHS[0]}).is_success:
        folder = shared / "suites/sparql11/protocol"
        texts = [(folder / f"data{number}.nt").read_text(encoding="utf-8") for number in (1, 2, 3)]
        graphs = " ".join(f"GRAPH <{graph}> {{ {text} }}" for graph, text in zip(GRAPHS, texts, strict=True))
        assert scratch.post("/sparql", data={"update": f"DROP ALL ; INSERT DATA {{ {graphs} }}"}).status_code == 204
    yield scratch
    if "update" in name:
        assert scratch.post("/sparql", data={"update": "DROP ALL"}).status_code == 204


def test_the_suite_is_whole(shared: Path) -> None:
    tests = suite(shared / "suites/sparql11/protocol")
    assert sorted(tests) == sorted(TESTS)
    assert all(tests.values())


@pytest.mark.parametrize("name", TESTS)
def test_protocol(name: str, data: httpx.Client, shared: Path) -> None:
    for one in suite(shared / "suites/sparql11/protocol")[name]:
        path = one.path.replace("/sparql/", "/sparql", 1)
        answer = data.request(one.method, path, headers=dict(one.headers), content=one.body)
        assert f"{answer.status_code // 100}xx" in one.statuses, answer.text
        if one.format:
            assert answer.headers["content-type"].partition(";")[0] in FORMATS[one.format]
        if one.boolean is not None:
            assert truth(answer) is one.boolean


def truth(answer: httpx.Response) -> bool:
    if "json" in answer.headers["content-type"]:
        return bool(json.loads(answer.text)["boolean"])
    found = ElementTree.fromstring(answer.text).find("{http://www.w3.org/2005/sparql-results#}boolean")
    assert found is not None
    return found.text == "true"
