"""A graph as files: parts of so many reports as N-Quads, beside each what is to be told of it, and the vocabularies.

``part-00000-HASH.nq.gz`` holds the graphs of reports and ``part-00000-HASH.json``, written after it, tells that it is
whole; ``vocabularies.nq.gz`` and ``graph.json`` come last. The folder may be anywhere that fsspec reaches.
"""

from __future__ import annotations

import gzip
import json
import re
import uuid
from collections.abc import Collection
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kg.errors import StoreError
from kg.store import open_store
from kg.totals import forget

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["VOCABULARIES", "Folder", "load"]

VOCABULARIES = "vocabularies"
_ABOUT = "graph"
_QUADS, _TOLD = ".nq.gz", ".json"
_PART = re.compile(r"\.?part-")


class Folder:
    """A folder of parts. ``address`` is a path or URL as fsspec knows them."""

    def __init__(self, address: str) -> None:
        from fsspec.core import url_to_fs

        self.address = address
        self._files: AbstractFileSystem
        self._files, self._root = url_to_fs(address)
        self._files.makedirs(self._root, exist_ok=True)

    def names(self) -> set[str]:
        """The parts that are whole."""
        return {n.removesuffix(_TOLD) for n in self._listed() if n.endswith(_TOLD)} - {_ABOUT}

    def write(self, name: str, quads: bytes, told: dict[str, Any]) -> None:
        """Write a part, whole or not at all."""
        self._put(f"{name}{_QUADS}", gzip.compress(quads, 6, mtime=0))
        self.tell(name, told)

    def tell(self, name: str, told: dict[str, Any]) -> None:
        """Write what is told of a part."""
        self._put(f"{name}{_TOLD}", json.dumps(told, ensure_ascii=False).encode())

    def told(self, name: str) -> dict[str, Any]:
        """What is told of a part."""
        told: dict[str, Any] = json.loads(self._files.cat_file(f"{self._root}/{name}{_TOLD}"))
        return told

    def finish(self, names: Collection[str], base: str) -> None:
        """Say that these are all parts, and remove what is left of other builds and of writers that were ended."""
        for name in self._listed():
            if _PART.match(name) and name.removesuffix(_TOLD).removesuffix(_QUADS) not in names:
                self._files.rm_file(f"{self._root}/{name}")
        self.tell(_ABOUT, {"base": base, "parts": sorted({*names} - {VOCABULARIES})})

    def _listed(self) -> list[str]:
        return [str(path).rpartition("/")[2] for path in self._files.ls(self._root, detail=False, refresh=True)]

    def _put(self, name: str, data: bytes) -> None:
        draft = f"{self._root}/.{name}.{uuid.uuid4().hex}"
        self._files.pipe_file(draft, data)
        self._files.mv(draft, f"{self._root}/{name}")


def load(folder: Path, place: Path | str) -> int:
    """Put the parts in a folder of this machine into a store; the number of graphs.

    StoreError if they are not whole, or the store cannot be written.
    """
    try:
        about = json.loads((folder / f"{_ABOUT}{_TOLD}").read_text(encoding="utf-8"))
        base, names = str(about["base"]), [str(name) for name in about["parts"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{folder} holds no whole graph: let 'kg build --dask' end there first.") from error
    count = 0
    with open_store(place, base=base) as store:
        forget(store)
        store.bulk_load(_quads(folder, VOCABULARIES))
        for name in names:
            lines = _quads(folder, name).splitlines(keepends=True)  # those of one graph stand together
            found = groupby(lines, key=lambda line: line.rsplit(b" ", 2)[1])
            graphs = {graph[1:-1].decode(): b"".join(own) for graph, own in found}
            store.replace_all(graphs)
            count += len(graphs)
    return count


def _quads(folder: Path, name: str) -> bytes:
    path = folder / f"{name}{_QUADS}"
    try:
        return gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise StoreError(f"{path} cannot be read ({error}): run 'kg build --dask' again.") from error
