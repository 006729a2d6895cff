"""Cytoscape JSON: the reports' nodes and edges for Cytoscape and cytoscape.js."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, BinaryIO

from kg.exporters._network import parts

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "Cytoscape JSON: nodes and edges of the reports for Cytoscape and cytoscape.js"
SUFFIX = ".cyjs"


def write(store: Store, out: BinaryIO, *, text: bool = True) -> None:
    """Write the graph of the reports; ``text=False`` leaves out full texts and quotes."""
    out.write(b'{"data": [], "directed": true, "multigraph": true, "elements": {"nodes": [')
    between = b"\n"
    for part in parts(store, text=text):
        for iri, said in part.nodes.items():
            out.write(between + _json({**said, "id": iri, "value": iri, "name": said.get("label", iri)}))
            between = b",\n"
    out.write(b'],\n"edges": [')
    between, number = b"\n", 0
    for part in parts(store, text=text):
        for edge in part.edges:
            ends = {"source": edge.source, "target": edge.target}
            out.write(between + _json({"id": f"e{number}", **ends, "interaction": edge.type, "key": edge.type}))
            between, number = b",\n", number + 1
    out.write(b"]}}\n")


def _json(data: dict[str, str]) -> bytes:
    return json.dumps({"data": data}, ensure_ascii=False).encode()
