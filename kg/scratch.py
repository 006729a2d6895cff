"""What a build has written, kept at hand until its files are made: to read a graph back from the store costs far more.

Kept compressed in a file that goes with the build: memory does not grow with the graph.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from kg.errors import StoreError

__all__ = ["Scratch"]

_LEVEL = 1  # a fifteenth of the size in a quarter of a millisecond a report; higher levels gain little


class Scratch(Mapping[str, bytes]):
    """N-Quads of graphs by their names, of the first ``most`` that are added. Another process can be handed it to read.

    StoreError if the file cannot be written; it is made when it is first needed.
    """

    def __init__(self, path: Path, most: int) -> None:
        self.path, self.most = path, most
        self._places: dict[str, tuple[int, int]] = {}  # graph -> where it stands in the file, and its length there
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()
        if self._file or kind is None:  # it may be that of another build, which kept this one out
            self.path.unlink(missing_ok=True)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_file": None}

    def add(self, graph: str, nquads: bytes) -> None:
        """Keep what was written as that graph."""
        if len(self) == self.most and graph not in self:
            return
        try:
            self._file = self._file or self.path.open("wb")
            start = self._file.tell()
            size = self._file.write(zlib.compress(nquads, _LEVEL))
            self._file.flush()
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error.strerror}; make room there.") from error
        self._places[graph] = (start, size)

    def __getitem__(self, graph: str) -> bytes:
        start, size = self._places[graph]
        with self.path.open("rb") as file:
            file.seek(start)
            return zlib.decompress(file.read(size))

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
