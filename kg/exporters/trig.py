"""TriG: one named graph a report, and what it uses of the vocabularies."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from kg import vocab
from kg.exporters import withheld

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "TriG: one named graph a report, and what it uses of the vocabularies"
SUFFIX = ".trig"


def write(store: Store, out: BinaryIO, *, text: bool = True, turtle: BinaryIO | None = None) -> None:
    """Write the store, sorted; ``text=False`` leaves out full texts and quotes. ``turtle`` takes the same as Turtle."""
    outs = {"trig": out} if turtle is None else {"trig": out, "ttl": turtle}
    store.dump_turtle(outs, prefixes=vocab.load().prefixes, without=withheld(text))
