"""Cytoscape JSON: the reports' nodes and edges for Cytoscape and cytoscape.js."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, BinaryIO

from kg.exporters._network import nodes_and_edges

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "Cytoscape JSON: nodes and edges of the reports for Cytoscape and cytoscape.js"
SUFFIX = ".cyjs"


def write(store: Store, out: BinaryIO, *, text: bool = True) -> None:
    """Write the graph of the reports; ``text=False`` leaves out full texts and quotes."""
    out.write(b'{"data": [], "directed": true, "multigraph": true, "elements": {"nodes": [')
    with nodes_and_edges(store, text=text) as (nodes, edges):
        between = b"\n"
        for iri, said in nodes:
            out.write(between + _json({**said, "id": iri, "value": iri, "name": said.get("label", iri)}))
            between = b",\n"
        out.write(b'],\n"edges": [')
        between = b"\n"
        for number, edge in enumerate(edges):
            ends = {"source": edge.source, "target": edge.target}
            out.write(between + _json({"id": f"e{number}", **ends, "interaction": edge.type, "key": edge.type}))
            between = b",\n"
    out.write(b"]}}\n")


def _json(data: dict[str, str]) -> bytes:
    return json.dumps({"data": data}, ensure_ascii=False).encode()
