"""GraphML: the reports' nodes with their values as attributes, for Gephi, yEd, Cytoscape and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from lxml import etree

from kg.exporters._network import attributes, parts, plain

if TYPE_CHECKING:
    import networkx as nx

    from kg.store import Store

__all__ = ["SUFFIX", "SUMMARY", "to_networkx", "write"]

SUMMARY = "GraphML: nodes and edges of the reports, values as attributes"
SUFFIX = ".graphml"

_NAMESPACE = "http://graphml.graphdrawing.org/xmlns"


def write(store: Store, out: BinaryIO, *, text: bool = True) -> None:
    """Write the graph of the reports; ``text=False`` leaves out full texts and quotes."""
    names = attributes(store, text=text)
    with etree.xmlfile(out, encoding="utf-8") as file:
        file.write_declaration()
        with file.element("graphml", nsmap={None: _NAMESPACE}):
            for name in names:
                file.write(etree.Element("key", {"id": name, "for": "node", "attr.name": name, "attr.type": "string"}))
            about = {"id": "type", "for": "edge", "attr.name": "type", "attr.type": "string"}
            file.write(etree.Element("key", about))
            with file.element("graph", edgedefault="directed"):
                for part in parts(store, text=text):
                    for iri, said in part.nodes.items():
                        file.write(_element("node", {"id": iri}, said))
                    for edge in part.edges:
                        ends = {"source": edge.source, "target": edge.target}
                        file.write(_element("edge", ends, {"type": edge.type}))


def _element(name: str, attributes: dict[str, str], said: dict[str, str]) -> etree._Element:
    element = etree.Element(name, attributes)
    for key, value in said.items():
        etree.SubElement(element, "data", {"key": key}).text = plain(value)
    return element


def to_networkx(store: Store, *, text: bool = True) -> nx.MultiDiGraph[str]:
    """The reports' graphs as networkx.

    Nodes are IRIs; their literal values are attributes named after the property (several values joined by "; "), their
    type is the attribute ``class``. Edges are the properties that lead to a node, keyed by the property's short name.
    Concepts of vocabularies are nodes with their English label.
    """
    import networkx as nx

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for part in parts(store, text=text):
        for iri, said in part.nodes.items():
            graph.add_node(iri, **said)
        for edge in part.edges:
            graph.add_edge(edge.source, edge.target, key=edge.type)
    return graph
