"""Where the graph is kept: by Oxigraph inside this program, or by any SPARQL 1.1 store at an address."""

from __future__ import annotations

from pathlib import Path
from typing import TypeGuard, overload

from kg.store.embedded import Embedded, open_embedded
from kg.store.store import FORMATS, SCHEMA, Answer, Store, parse, written

__all__ = ["FORMATS", "SCHEMA", "Answer", "Embedded", "Store", "is_address", "open_store", "parse", "written"]


def is_address(place: Path | str | None) -> TypeGuard[str]:
    """Whether that names a store of another program."""
    return isinstance(place, str) and place.lower().startswith(("http://", "https://"))


@overload
def open_store(place: Path | None = None, *, read_only: bool = False, base: str = "") -> Embedded: ...
@overload
def open_store(place: Path | str, *, read_only: bool = False, base: str = "") -> Store: ...
def open_store(place: Path | str | None = None, *, read_only: bool = False, base: str = "") -> Store:
    """The store in a folder, made if it is not there, or at an address (https://...); None is a store in memory.

    ``base`` begins the IRIs of all data; a store made before keeps its own. Raises StoreError if it cannot be used,
    another process writes to it, or another version of this program made it.
    """
    if is_address(place):
        from kg.store.remote import open_remote  # what speaks HTTP takes longer to load than all the rest

        return open_remote(place, read_only=read_only, base=base)
    return open_embedded(place, read_only=read_only, base=base)
