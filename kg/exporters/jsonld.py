"""JSON-LD: one named graph a report, and the vocabularies, with prefixes as its context."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import pyoxigraph as ox

from kg import vocab
from kg.exporters import verbatim

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "JSON-LD: one named graph a report, and the vocabularies"
SUFFIX = ".jsonld"


def write(store: Store, out: BinaryIO, *, text: bool = True) -> None:
    """Write the store, sorted; ``text=False`` leaves out full texts and quotes."""
    vocabulary = vocab.load()
    without = () if text else verbatim(vocabulary)
    quads = sorted(
        (q for q in store.quads() if q.predicate.value not in without),
        key=lambda q: (str(q.graph_name), str(q.subject), str(q.predicate), str(q.object)),
    )
    ox.serialize(quads, out, format=ox.RdfFormat.JSON_LD, prefixes=vocabulary.prefixes)
