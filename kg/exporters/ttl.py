"""Turtle: all graphs merged, reports first."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from kg import vocab
from kg.exporters import withheld

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "Turtle: all graphs merged, reports first"
SUFFIX = ".ttl"


def write(store: Store, out: BinaryIO, *, text: bool = True) -> None:
    """Write the store, sorted; ``text=False`` leaves out full texts and quotes."""
    store.dump("ttl", out, prefixes=vocab.load().prefixes, without=withheld(text))
