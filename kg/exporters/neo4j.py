"""Neo4j: node and relationship tables for ``neo4j-admin database import``, in a zip archive."""

from __future__ import annotations

import codecs
import csv
from typing import TYPE_CHECKING, BinaryIO

from kg.exporters._archive import archive
from kg.exporters._network import attributes, parts

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "Neo4j bulk import: nodes.csv and relationships.csv in a zip archive"
SUFFIX = ".neo4j.zip"

_REST = "Code"  # the label of nodes that have no class: codes of closed lists


def write(store: Store, out: BinaryIO, *, text: bool = True) -> None:
    """Write the graph of the reports; ``text=False`` leaves out full texts and quotes."""
    names = [name for name in attributes(store, text=text) if name != "class"]
    with archive(out, "nodes.csv", "relationships.csv") as files:
        encoded = codecs.getwriter("utf-8")
        nodes, relationships = (csv.writer(encoded(file), lineterminator="\n") for file in files.values())
        nodes.writerow(("iri:ID", *names, ":LABEL"))
        relationships.writerow((":START_ID", ":END_ID", ":TYPE"))
        for part in parts(store, text=text):
            for iri, said in part.nodes.items():
                labels = said.get("class", _REST).replace("; ", ";")
                nodes.writerow((iri, *(said.get(name, "") for name in names), labels))
            relationships.writerows(part.edges)
