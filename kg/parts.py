"""A graph as files: parts of so many reports as N-Quads, beside each what is to be told of it, and the vocabularies.

``part-00000-HASH.nq.gz`` holds the graphs of reports and ``part-00000-HASH.json``, written after it, tells that it is
whole; ``vocabularies.nq.gz`` and ``graph.json`` come last. The folder may be anywhere that fsspec reaches.
"""

from __future__ import annotations

import gzip
import json
import re
import uuid
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kg.errors import StoreError
from kg.store import open_store
from kg.totals import forget

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["VOCABULARIES", "Folder", "load", "reaching"]

VOCABULARIES = "vocabularies"
_ABOUT = "graph"
_QUADS, _TOLD = ".nq.gz", ".json"
_PART = re.compile(r"\.?part-")


@contextmanager
def reaching(address: str) -> Iterator[None]:
    """Turn whatever goes wrong with the files there into a StoreError: each kind of file system has its own errors."""
    try:
        yield
    except Exception as error:
        why = str(error) or type(error).__name__
        raise StoreError(f"{address} cannot be read or written ({why}): check the URL and who may use it.") from error


class Folder:
    """A folder of parts. ``address`` is a path or URL as fsspec knows them; StoreError where it cannot be used."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._files: AbstractFileSystem
        with reaching(address):
            from fsspec.core import url_to_fs

            self._files, self._root = url_to_fs(address)

    def make(self) -> None:
        """Make the folder where it is none yet."""
        with reaching(self.address):
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
        told: dict[str, Any] = json.loads(self.read(f"{name}{_TOLD}"))
        return told

    def finish(self, names: Collection[str], base: str) -> None:
        """Say that these are all parts, and remove what is left of other builds and of writers that were ended."""
        for name in self._listed():
            if _PART.match(name) and name.removesuffix(_TOLD).removesuffix(_QUADS) not in names:
                with reaching(self.address):
                    self._files.rm_file(f"{self._root}/{name}")
        self.tell(_ABOUT, {"base": base, "parts": sorted({*names} - {VOCABULARIES})})

    def read(self, file: str) -> bytes:
        """The bytes of one of the files."""
        with reaching(self.address):
            found: bytes = self._files.cat_file(f"{self._root}/{file}")
        return found

    def _listed(self) -> list[str]:
        with reaching(self.address), suppress(FileNotFoundError):  # stores of objects have no folders without files
            return [str(path).rpartition("/")[2] for path in self._files.ls(self._root, detail=False, refresh=True)]
        return []

    def _put(self, name: str, data: bytes) -> None:
        draft = f"{self._root}/.{name}.{uuid.uuid4().hex}"
        with reaching(self.address):
            self._files.pipe_file(draft, data)
            self._files.mv(draft, f"{self._root}/{name}")


def load(folder: str, place: Path | str) -> int:
    """Put the parts in a folder, a path or URL as fsspec knows them, into a store; the number of graphs.

    StoreError if they are not whole, or the store cannot be written.
    """
    read = Folder(folder).read if "://" in folder else lambda name: (Path(folder) / name).read_bytes()
    try:
        about = json.loads(read(f"{_ABOUT}{_TOLD}"))
        base, names = str(about["base"]), [str(name) for name in about["parts"]]
    except (StoreError, OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, StoreError) and not isinstance(error.__cause__, FileNotFoundError):
            raise
        raise StoreError(f"{folder} holds no whole graph: let 'kg build --dask' end there first.") from error

    def quads(name: str) -> bytes:
        try:
            return gzip.decompress(read(f"{name}{_QUADS}"))
        except (OSError, EOFError, zlib.error) as error:
            raise StoreError(f"{folder}: {name}{_QUADS} is damaged ({error}): run 'kg build --dask' again.") from error

    count = 0
    with open_store(place, base=base) as store:
        forget(store)
        store.bulk_load(quads(VOCABULARIES))
        for name in names:
            lines = quads(name).splitlines(keepends=True)  # those of one graph stand together
            found = groupby(lines, key=lambda line: line.rsplit(b" ", 2)[1])
            graphs = {graph[1:-1].decode(): b"".join(own) for graph, own in found}
            store.replace_all(graphs)
            count += len(graphs)
    return count
