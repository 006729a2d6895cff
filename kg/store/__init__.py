"""Where the graph is kept: in a folder or in memory, by Oxigraph inside this program."""

from __future__ import annotations

from pathlib import Path

from kg.store.embedded import Embedded, open_embedded
from kg.store.store import FORMATS, SCHEMA, Answer, Store

__all__ = ["FORMATS", "SCHEMA", "Answer", "Embedded", "Store", "open_store"]


def open_store(place: Path | str | None = None, *, read_only: bool = False, base: str = "") -> Embedded:
    """The store in a folder, made if it is not there; None is a store in memory.

    ``base`` begins the IRIs of all data; a store made before keeps its own. Raises StoreError if it cannot be used,
    another process writes to it, or another version of this program made it.
    """
    return open_embedded(place, read_only=read_only, base=base)
