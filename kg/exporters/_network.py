"""The reports' graphs as nodes with attributes and edges with types, one graph after another."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pyoxigraph as ox

from kg import vocab
from kg.exporters import withheld

if TYPE_CHECKING:
    from kg.store import Store
    from kg.vocab import Vocabulary

__all__ = ["Edge", "Part", "attributes", "nodes_and_edges", "parts", "plain"]

_UNFIT = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Edge(NamedTuple):
    """From one node to another; ``type`` is the property's short name."""

    source: str
    target: str
    type: str


class Part(NamedTuple):
    """Nodes by IRI, each with its attributes, and the edges that start from them.

    An attribute is named after its property, several values joined by "; "; ``class`` is the node's type.
    """

    nodes: dict[str, dict[str, str]]
    edges: list[Edge]


def parts(store: Store, *, text: bool = True) -> Iterator[Part]:
    """The graphs of reports and extractors; at last, without edges, the nodes of vocabularies to which they lead."""
    vocabulary, without = vocab.load(), withheld(text)
    names = _Names(vocabulary)
    kind = vocabulary.expand("rdf:type")
    outside: set[str] = set()
    for graph in store.data_graphs():
        values: dict[str, dict[str, list[str]]] = {}
        edges: list[Edge] = []
        for quad in store.quads(graph):
            subject, predicate, value = quad.subject, quad.predicate.value, quad.object
            if predicate in without or not isinstance(subject, ox.NamedNode):
                continue
            said = values.setdefault(subject.value, {})
            if isinstance(value, ox.Literal):
                said.setdefault(names[predicate], []).append(value.value)
            elif isinstance(value, ox.NamedNode) and predicate == kind:
                said.setdefault("class", []).append(names[value.value])
            elif isinstance(value, ox.NamedNode):
                edges.append(Edge(subject.value, value.value, names[predicate]))
                if not value.value.startswith(store.base):
                    outside.add(value.value)
        nodes = {
            iri: {key: "; ".join(sorted(several)) for key, several in sorted(said.items())}
            for iri, said in sorted(values.items())
        }
        yield Part(nodes, sorted(edges))
    yield Part({iri: _outside(vocabulary, iri) for iri in sorted(outside)}, [])


@contextmanager
def nodes_and_edges(
    store: Store, *, text: bool = True
) -> Iterator[tuple[Iterator[tuple[str, dict[str, str]]], Iterator[Edge]]]:
    """All nodes, and all edges for when the nodes are through: they wait on disk meanwhile."""
    with tempfile.TemporaryFile() as waiting:

        def nodes() -> Iterator[tuple[str, dict[str, str]]]:
            for part in parts(store, text=text):
                waiting.write(json.dumps(part.edges).encode() + b"\n")
                yield from part.nodes.items()

        def edges() -> Iterator[Edge]:
            waiting.seek(0)
            for line in waiting:
                yield from (Edge(*edge) for edge in json.loads(line))

        yield nodes(), edges()


def attributes(store: Store, *, text: bool = True) -> list[str]:
    """The names of all attributes of nodes, sorted, for formats that declare them first."""
    graphs = store.data_graphs()
    said = {q.predicate.value for g in graphs for q in store.quads(g) if isinstance(q.object, ox.Literal)}
    names = _Names(vocab.load())
    return sorted({"class", "label"} | {names[predicate] for predicate in said.difference(withheld(text))})


class _Names(dict[str, str]):
    """IRI of a property or class -> its short name, each looked up once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    def __missing__(self, iri: str) -> str:
        name = self[iri] = _name(self.vocabulary, iri)
        return name


def plain(text: str) -> str:
    """``text`` with what XML cannot hold, such as form feeds, replaced by U+FFFD."""
    return _UNFIT.sub("\ufffd", text)


def _outside(vocabulary: Vocabulary, iri: str) -> dict[str, str]:
    """A concept of a vocabulary, or a code of a closed list."""
    concept = vocabulary.concepts.get(vocabulary.compact(iri))
    return {"label": concept.label, "class": "Concept"} if concept else {"label": _name(vocabulary, iri)}


def _name(vocabulary: Vocabulary, iri: str) -> str:
    """A property's, class's or code's short name without its prefix."""
    return vocabulary.compact(iri).rpartition(":")[2]
