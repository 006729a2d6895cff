"""What a build has written, kept at hand until its files are made: to read a graph back from the store costs far more.

Kept compressed in a file that goes with the build: memory does not grow with the graph.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

__all__ = ["Scratch"]

_LEVEL = 1  # a fifteenth of the size in a quarter of a millisecond a report; higher levels gain little


class Scratch(Mapping[str, bytes]):
    """N-Quads of graphs by their names, of the first ``most`` that are added. Another process can be handed it to read.

    The file is made when it is first needed. What cannot be written or read there is not held.
    """

    def __init__(self, path: Path, most: int) -> None:
        self.path, self.most = path, most
        self._places: dict[str, tuple[int, int]] = {}  # graph -> where it stands in the file, and its length there
        self._file: IO[bytes] | None = None
        self._full = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            with suppress(OSError):  # the disk is full
                self._file.close()
        if self._file or kind is None:  # it may be that of another build, which kept this one out
            self.path.unlink(missing_ok=True)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_file": None}

    def add(self, graph: str, nquads: bytes) -> None:
        """Keep what was written as that graph."""
        if self._full or (len(self) == self.most and graph not in self):
            return
        try:
            self._file = self._file or self.path.open("wb")
            start = self._file.tell()
            size = self._file.write(zlib.compress(graph.encode() + b"\n" + nquads, _LEVEL))
            self._file.flush()
        except OSError:
            self._full = True
            self._places.pop(graph, None)
        else:
            self._places[graph] = (start, size)

    def __getitem__(self, graph: str) -> bytes:
        start, size = self._places[graph]
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                name, _, nquads = zlib.decompress(file.read(size)).partition(b"\n")
        except (OSError, zlib.error) as error:
            raise KeyError(graph) from error
        if name != graph.encode():  # another build uses the folder
            raise KeyError(graph)
        return nquads

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
