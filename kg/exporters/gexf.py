"""GEXF: the reports' nodes and edges for Gephi."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from lxml import etree

from kg.exporters._network import attributes, nodes_and_edges, plain

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "GEXF for Gephi: nodes and edges of the reports, values as attributes"
SUFFIX = ".gexf"

_NAMESPACE = "http://www.gexf.net/1.2draft"  # the version that Gephi and networkx both read


def write(store: Store, out: BinaryIO, *, text: bool = True) -> None:
    """Write the graph of the reports; ``text=False`` leaves out full texts and quotes."""
    names = [name for name in attributes(store, text=text) if name != "label"]
    with (
        etree.xmlfile(out, encoding="utf-8") as file,
        file.element("gexf", {"version": "1.2"}, nsmap={None: _NAMESPACE}),
        file.element("graph", {"defaultedgetype": "directed"}),
        nodes_and_edges(store, text=text) as (nodes, edges),
    ):
        with file.element("attributes", {"class": "node"}):
            for name in names:
                file.write(etree.Element("attribute", {"id": name, "title": name, "type": "string"}))
        with file.element("nodes"):
            for iri, said in nodes:
                node = etree.Element("node", {"id": iri, "label": plain(said.get("label", iri))})
                values = etree.SubElement(node, "attvalues")
                for name, value in said.items():
                    if name != "label":
                        etree.SubElement(values, "attvalue", {"for": name, "value": plain(value)})
                file.write(node)
        with file.element("edges"):
            for number, edge in enumerate(edges):
                ends = {"source": edge.source, "target": edge.target}
                file.write(etree.Element("edge", {"id": str(number), **ends, "label": edge.type}))
