"""Graphs one by one, descriptions, and what comes in which format."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pyoxigraph as ox
import pytest

from kg.serve.access import Access
from kg.serve.service import Service
from kg.store import open_store
from tests.served import serving

TOKEN = "for-tests-only"
EDITOR = {"authorization": f"Bearer {TOKEN}"}
TURTLE = {**EDITOR, "content-type": "text/turtle; charset=utf-8"}
ONE, TWO = "<http://e/a> <http://e/b> <http://e/c> .", "<http://e/a> <http://e/b> <http://e/d> ."
QUAD = "<http://e/a> <http://e/b> <http://e/c> <http://e/g> ."
GRAPH = {"graph": "http://e/graph"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    path = tmp_path_factory.mktemp("graphs") / "store"
    open_store(path, base="https://w3id.org/casekg/id/").close()
    with serving(Service(path, Access(TOKEN))) as client:
        yield client


def triples(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    known = ox.RdfFormat.from_media_type(answer.headers["content-type"])
    return {str(quad.triple) for quad in ox.parse(answer.content, known)}


def test_a_graph_is_put_read_added_to_and_removed(client: httpx.Client) -> None:
    assert client.get("/data", params=GRAPH).status_code == 404
    assert client.head("/data", params=GRAPH).status_code == 404
    assert client.delete("/data", params=GRAPH, headers=EDITOR).status_code == 404
    assert client.put("/data", params=GRAPH, content=ONE, headers=TURTLE).status_code == 201
    assert triples(client.get("/data", params=GRAPH)) == {ONE[:-2]}
    assert client.put("/data", params=GRAPH, content=TWO, headers=TURTLE).status_code == 204
    assert triples(client.get("/data", params=GRAPH)) == {TWO[:-2]}
    assert client.post("/data", params=GRAPH, content=ONE, headers=TURTLE).status_code == 204
    assert triples(client.get("/data", params=GRAPH)) == {ONE[:-2], TWO[:-2]}
    head = client.head("/data", params=GRAPH)
    assert head.status_code == 200 and not head.content and int(head.headers["content-length"]) > 0
    assert client.delete("/data", params=GRAPH, headers=EDITOR).status_code == 204
    assert client.get("/data", params=GRAPH).status_code == 404


def test_the_default_graph_and_graphs_that_are_their_own_address(client: httpx.Client) -> None:
    assert client.put("/data?default", content=ONE, headers=TURTLE).status_code == 204
    assert triples(client.get("/data?default")) == {ONE[:-2]}
    assert client.delete("/data?default", headers=EDITOR).status_code == 204
    assert triples(client.get("/data?default")) == set()
    assert client.put("/data/person/1", content="<> <http://e/b> <x> .", headers=TURTLE).status_code == 201
    base = f"{client.base_url}/data/person"
    here = str(client.base_url).rstrip("/") + "/data/person/"
    assert base and triples(client.get("/data/person/1")) == {f"<{here}1> <http://e/b> <{here}x>"}
    made = client.post("/data", content=ONE, headers=TURTLE)
    assert made.status_code == 201
    assert triples(client.get(made.headers["location"])) == {ONE[:-2]}


def test_an_empty_graph_is_a_graph(client: httpx.Client) -> None:
    assert client.put("/data?graph=http://e/empty", content="", headers=TURTLE).status_code == 201
    assert triples(client.get("/data?graph=http://e/empty")) == set()


@pytest.mark.parametrize(
    ("method", "url", "headers", "body", "status"),
    [
        ("PUT", "/data?graph=http://e/x", {"content-type": "text/turtle"}, ONE, 401),
        ("PUT", "/data?graph=http://e/x", {**TURTLE, "authorization": "Bearer wrong"}, ONE, 401),
        ("PUT", "/data?graph=http://e/x", TURTLE, "no turtle", 400),
        ("PUT", "/data?graph=no iri", TURTLE, ONE, 400),
        ("PUT", "/data?graph=http://e/x&default", TURTLE, ONE, 400),
        ("PUT", "/data?graph=http://e/x&graph=http://e/y", TURTLE, ONE, 400),
        ("PUT", "/data", TURTLE, ONE, 400),
        ("PUT", "/data/x?default", TURTLE, ONE, 400),
        ("GET", "/data", {}, "", 400),
        ("PUT", "/data?graph=http://e/x", {**EDITOR, "content-type": "text/html"}, ONE, 415),
        ("PUT", "/data?graph=http://e/x", EDITOR, ONE, 415),
        ("PUT", "/data?graph=http://e/x", {**EDITOR, "content-type": "application/n-quads"}, QUAD, 400),
        ("PATCH", "/data?graph=http://e/x", TURTLE, ONE, 405),
        ("GET", "/data?default", {"accept": "image/png"}, "", 406),
        ("GET", "/data?default", {"accept": "nonsense"}, "", 400),
        ("POST", "/sparql?query=ASK{}", {"content-type": "application/x-www-form-urlencoded"}, "", 400),
        ("POST", "/sparql", {"content-type": "application/sparql-update"}, "DROP ALL", 401),
        ("GET", "/sparql?query=ASK%20%7B%FF%7D", {}, "", 400),
        ("GET", "/sparql?query=ASK%7B%7D&default-graph-uri=a b", {}, "", 400),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(
    client: httpx.Client, method: str, url: str, headers: dict[str, str], body: str, status: int
) -> None:
    answer = client.request(method, url, headers=headers, content=body)
    assert answer.status_code == status, answer.text
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in answer.text
    assert client.get("/data?graph=http://e/x").status_code == 404


@pytest.mark.parametrize(
    ("accept", "rows", "graph"),
    [
        ("", "application/sparql-results+json", "text/turtle"),
        ("*/*", "application/sparql-results+json", "text/turtle"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/sparql-results+json", "text/turtle"),
        ("application/json", "application/json", None),
        ("text/csv;q=0.5, application/sparql-results+xml;q=0.9", "application/sparql-results+xml", None),
        ("text/tab-separated-values", "text/tab-separated-values", None),
        ("application/ld+json", None, "application/ld+json"),
        ("application/rdf+xml;q=0.1, text/csv", "text/csv", "application/rdf+xml"),
        ("application/n-triples, application/trig;q=0.9", None, "application/n-triples"),
    ],
)
def test_formats_are_negotiated(client: httpx.Client, accept: str, rows: str | None, graph: str | None) -> None:
    for query, expected in (("SELECT (1 AS ?x) {}", rows), ("CONSTRUCT { <a> <b> 1 } WHERE {}", graph)):
        answer = client.get("/sparql", params={"query": query}, headers={"accept": accept})
        assert answer.status_code == (200 if expected else 406)
        if expected:
            assert answer.headers["content-type"].partition(";")[0] == expected
            assert answer.headers["vary"].startswith("Accept")


def test_the_endpoint_describes_itself(client: httpx.Client) -> None:
    said = client.get("/sparql", headers={"accept": "application/n-triples"}).text
    endpoint = f"{str(client.base_url).rstrip('/')}/sparql"
    sd = "http://www.w3.org/ns/sparql-service-description#"
    assert f"<{endpoint}#service> <{sd}endpoint> <{endpoint}> ." in said
    assert f"<{sd}supportedLanguage> <{sd}SPARQL11Update>" in said
    assert client.head("/sparql").headers["content-type"].startswith("text/turtle")


def test_the_data_are_described(client: httpx.Client) -> None:
    said = client.get("/.well-known/void", headers={"accept": "application/n-triples"}).text
    endpoint = f"{str(client.base_url).rstrip('/')}/sparql"
    dataset = "https://w3id.org/casekg/id/dataset"
    assert f"<{dataset}> <http://rdfs.org/ns/void#sparqlEndpoint> <{endpoint}> ." in said
    assert f"<{dataset}> <http://rdfs.org/ns/void#triples>" in said
    assert f"<{endpoint}#service> <http://www.w3.org/ns/dcat#servesDataset> <{dataset}> ." in said


def test_the_default_graph_of_a_query_is_all_graphs(client: httpx.Client) -> None:
    for number in (1, 2):
        body = f"<http://u/{number}> a <http://u/T> ."
        client.put("/data", params={"graph": f"http://u/g{number}"}, content=body, headers=TURTLE)

    def count(query: str, **more: str) -> int:
        found = client.get("/sparql", params={"query": query, **more}).json()["results"]["bindings"]
        return len(found)

    pattern = "{ ?s a <http://u/T> }"
    assert count(f"SELECT ?s {pattern}") == 2
    assert count(f"SELECT ?s FROM <http://u/g1> {pattern}") == 1
    assert count(f"SELECT ?s FROM NAMED <http://u/g1> {pattern}") == 0
    assert count(f"SELECT ?s {pattern}", **{"default-graph-uri": "http://u/g2"}) == 1
    assert count(f"SELECT ?s {{ GRAPH ?g {pattern} }}", **{"named-graph-uri": "http://u/g2"}) == 1
    assert count(f"SELECT ?s {pattern} # FROM") == 2
