"""GraphML: the reports' nodes with their values as attributes, for Gephi, yEd, Cytoscape and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import networkx as nx
import pyoxigraph as ox

from kg import vocab
from kg.exporters import verbatim

if TYPE_CHECKING:
    from kg.store import Store
    from kg.vocab import Vocabulary

__all__ = ["SUFFIX", "SUMMARY", "to_networkx", "write"]

SUMMARY = "GraphML: nodes and edges of the reports, values as attributes"
SUFFIX = ".graphml"


def write(store: Store, out: BinaryIO, *, text: bool = True) -> None:
    """Write the graph of the reports; ``text=False`` leaves out full texts and quotes."""
    nx.write_graphml(to_networkx(store, text=text), out)


def to_networkx(store: Store, *, text: bool = True) -> nx.MultiDiGraph[str]:
    """The reports' graphs as networkx.

    Nodes are IRIs; their literal values are attributes named after the property (several values joined by "; "), their
    type is the attribute ``class``. Edges are the properties that lead to a node, keyed by the property's short name.
    Concepts of vocabularies are nodes with their English label.
    """
    vocabulary = vocab.load()
    without = () if text else verbatim(vocabulary)
    kind, label = vocabulary.expand("rdf:type"), vocabulary.expand("rdfs:label")
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    values: dict[str, dict[str, list[str]]] = {}
    for name in store.graphs():
        if not name.startswith(store.base):
            continue
        for quad in sorted(store.quads(name), key=str):
            subject, predicate, value = quad.subject, quad.predicate.value, quad.object
            if predicate in without or not isinstance(subject, ox.NamedNode):
                continue
            if isinstance(value, ox.Literal):
                key = "label" if predicate == label else _name(vocabulary, predicate)
                values.setdefault(subject.value, {}).setdefault(key, []).append(value.value)
            elif isinstance(value, ox.NamedNode) and predicate == kind:
                values.setdefault(subject.value, {}).setdefault("class", []).append(_name(vocabulary, value.value))
            elif isinstance(value, ox.NamedNode):
                graph.add_edge(subject.value, value.value, key=_name(vocabulary, predicate))
    for node, attributes in values.items():
        graph.add_node(node, **{key: "; ".join(several) for key, several in attributes.items()})
    for node in list(graph):
        if concept := vocabulary.concepts.get(vocabulary.compact(node)):
            graph.add_node(node, label=concept.label, **{"class": "Concept"})
    return graph


def _name(vocabulary: Vocabulary, iri: str) -> str:
    """A property's or class's short name without its prefix."""
    return vocabulary.compact(iri).rpartition(":")[2]
