"""Graph tools: networkx reads GraphML, GEXF and Cytoscape JSON back as the graph that it was; Neo4j's tables fit."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from typing import Any

import networkx as nx
import pyoxigraph as ox
import pytest

from kg import exporters, to_networkx, vocab
from kg.store import Store, open_store
from kg.vocab import Vocabulary


def written(store: Store, form: str, *, text: bool = True) -> io.BytesIO:
    out = io.BytesIO()
    assert exporters.export(store, out, form, text=text) == {}
    out.seek(0)
    return out


def edges(graph: Any, type_: str) -> Counter[tuple[str, str, str]]:
    return Counter((source, target, said[type_]) for source, target, said in graph.edges(data=True))


READ: dict[str, tuple[Callable[[io.BytesIO], Any], str]] = {
    "graphml": (lambda file: nx.read_graphml(file, force_multigraph=True), "type"),
    "gexf": (nx.read_gexf, "label"),
    "cytoscape": (lambda file: nx.cytoscape_graph(json.load(file)), "interaction"),
}


@pytest.mark.parametrize("form", READ)
def test_networkx_reads_back_what_was_written(form: str, invented: Store) -> None:
    expected = to_networkx(invented)
    read, type_ = READ[form]
    graph = read(written(invented, form))
    assert set(graph) == set(expected)
    assert edges(graph, type_) == Counter((s, t, key) for s, t, key in expected.edges(keys=True))
    for node, said in expected.nodes(data=True):
        assert {key: graph.nodes[node].get(key) for key in said} == said


@pytest.mark.parametrize("form", [*READ, "neo4j"])
def test_quotes_can_be_left_out(form: str, invented: Store) -> None:
    def held(text: bool) -> bytes:
        out = written(invented, form, text=text)
        if form != "neo4j":
            return out.getvalue()
        with zipfile.ZipFile(out) as packed:
            return packed.read("nodes.csv")

    assert b"zebra stripe disease took" in held(True)
    assert b"zebra stripe disease took" not in held(False)


def test_the_tables_of_neo4j_fit_together(invented: Store) -> None:
    with zipfile.ZipFile(written(invented, "neo4j")) as packed:
        nodes, relationships = (
            list(csv.DictReader(io.TextIOWrapper(packed.open(name), encoding="utf-8", newline="")))
            for name in ("nodes.csv", "relationships.csv")
        )
    known = {row["iri:ID"] for row in nodes}
    assert len(known) == len(nodes) == len(to_networkx(invented))
    assert len(relationships) == to_networkx(invented).number_of_edges()
    assert {row[end] for row in relationships for end in (":START_ID", ":END_ID")} <= known
    labels = {label for row in nodes for label in row[":LABEL"].split(";")}
    assert {"Case", "Condition", "Intervention", "Outcome", "Link", "Evidence", "Concept", "Code"} <= labels


@pytest.fixture
def vocabulary() -> Vocabulary:
    return vocab.load()


def test_characters_that_xml_cannot_hold_are_replaced(vocabulary: Vocabulary) -> None:
    report = ox.NamedNode(f"{vocabulary.prefixes['id']}pmid/1")
    quad = ox.Quad(
        report, ox.NamedNode(vocabulary.term("casekg:text")), ox.Literal("page\x0cbreak \U0001d53e"),
        ox.NamedNode(f"{report.value}/graph"),
    )  # fmt: skip
    with open_store(None, base=vocabulary.prefixes["id"]) as store:
        store.bulk_load([quad])
        for form in ("graphml", "gexf"):
            graph = READ[form][0](written(store, form))
            assert graph.nodes[report.value]["text"] == "page\ufffdbreak \U0001d53e"
