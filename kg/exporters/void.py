"""VoID and DCAT: what a graph holds, counted, and whose terms it uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO

import pyoxigraph as ox

from kg import vocab
from kg.exporters._terms import terms
from kg.resources import folder
from kg.store import Store, open_store

if TYPE_CHECKING:
    from kg.vocab import Vocabulary

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "VoID and DCAT description of the graph: counts by class and property, vocabularies"
SUFFIX = ".void.ttl"


def write(store: Store, out: BinaryIO, *, text: bool = True) -> None:
    """Write a description of the graphs of reports; it holds no text of a report."""
    vocabulary = vocab.load()
    names = {**vocabulary.prefixes, **terms("prefixes")}
    triples = list(_description(store, vocabulary, names))
    iris = {node.value for t in triples for node in (t.predicate, t.object) if isinstance(node, ox.NamedNode)}
    used = {p: iri for p, iri in names.items() if any(i.startswith(iri) for i in iris)}
    graph = ox.NamedNode(f"{_dataset(store, names)}/graph")
    with open_store(None, base=store.base) as described:
        described.bulk_load([ox.Quad(t.subject, t.predicate, t.object, graph) for t in triples])
        described.dump("ttl", out, prefixes=used)


def _dataset(store: Store, names: Mapping[str, str]) -> str:
    """The name of the whole."""
    return f"{store.base or names['id']}dataset"


def _description(store: Store, vocabulary: Vocabulary, names: Mapping[str, str]) -> Iterator[ox.Triple]:
    def node(curie: str) -> ox.NamedNode:
        prefix, _, local = curie.partition(":")
        return ox.NamedNode(names[prefix] + local)

    about = terms("void")
    data = ox.NamedNode(_dataset(store, names))
    counts = _Counts(store, names["rdf"] + "type")
    for kind in ("void:Dataset", "dcat:Dataset"):
        yield ox.Triple(data, node("rdf:type"), node(kind))
    for predicate, text in (("dcterms:title", about["title"]), ("dcterms:description", about["description"])):
        yield ox.Triple(data, node(predicate), ox.Literal(text, language="en"))
    yield ox.Triple(data, node("dcterms:creator"), ox.Literal(about["creator"]))
    yield ox.Triple(data, node("void:uriSpace"), ox.Literal(store.base or names["id"]))
    for prefix in about["vocabularies"]:
        yield ox.Triple(data, node("void:vocabulary"), node(prefix))
    for predicate, number in (("triples", counts.triples), ("entities", counts.entities)):
        yield ox.Triple(data, node(f"void:{predicate}"), ox.Literal(number))
    for by, found, number_of in (
        ("class", counts.classes, "entities"),
        ("property", counts.properties, "triples"),
    ):
        for iri, number in sorted(found.items()):
            part = ox.NamedNode(f"{data.value}/{by}/{vocabulary.compact(iri).replace(':', '-')}")
            yield ox.Triple(data, node(f"void:{by}Partition"), part)
            yield ox.Triple(part, node(f"void:{by}"), ox.NamedNode(iri))
            yield ox.Triple(part, node(f"void:{number_of}"), ox.Literal(number))


class _Counts:
    """Counts over the graphs of data: what the store counts in all graphs, without what is in those of vocabularies.

    To read all quads one by one takes six times as long. A node is the subject in one graph alone.
    """

    def __init__(self, store: Store, kind: str) -> None:
        self._store = store
        data = {*store.data_graphs()}
        other = [quad for graph in store.graphs() if graph not in data for quad in store.quads(graph)]
        self.classes = self._by("classes") - Counter(str(q.object)[1:-1] for q in other if q.predicate.value == kind)
        self.properties = self._by("properties") - Counter(q.predicate.value for q in other)
        self.triples = self.properties.total()
        everything = next(int(row["count"].value) for row in self._ask("entities"))
        self.entities = everything - len({q.subject for q in other})

    def _by(self, name: str) -> Counter[str]:
        return Counter({row["of"].value: int(row["count"].value) for row in self._ask(name)})

    def _ask(self, name: str) -> ox.QuerySolutions:
        rows = self._store.query((folder("queries") / "counts" / f"{name}.rq").read_text(encoding="utf-8"))
        assert isinstance(rows, ox.QuerySolutions)
        return rows
