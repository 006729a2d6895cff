"""The folder that fetched reports lie in, and its list of which report lies in which file."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from kg.errors import FetchError

if TYPE_CHECKING:
    from kg.fetch import Batch

__all__ = ["Shelf"]

_LIST = ".fetched.tsv"  # hidden, so that a build passes over it
_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)


class Shelf:
    """Files of one service in a folder. A report counts as there only while the file that holds it is there.

    A file is written whole, then listed: what an interruption leaves is fetched anew under the same name.
    """

    def __init__(self, folder: Path, service: str) -> None:
        self._folder, self._service = folder, service
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._list = (folder / _LIST).open("a+", encoding="utf-8", errors="replace", newline="\n")
        except OSError as error:
            raise FetchError(f"{folder} cannot be written ({error.strerror}); name another folder with -o.") from error
        self._list.seek(0)
        rows = [row.split("\t") for row in self._list.read().splitlines()]
        files = {row[2] for row in rows if len(row) == 3}
        there = {name for name in files if (folder / name).is_file()}
        self.ids = {row[1] for row in rows if len(row) == 3 and row[0] == service and row[2] in there}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._list.close()

    def put(self, batch: Batch) -> None:
        """Write a batch as a gzip file and list its reports."""
        if not _NAME.fullmatch(batch.name):  # part of it is an id that the service sent
            raise FetchError(f"{self._service} names a report {batch.name!r}, which is no name for a file.")
        name = f"{batch.name}.gz"
        draft = self._folder / f".{name}.tmp"
        try:
            draft.write_bytes(gzip.compress(batch.data, 6, mtime=0))
            draft.replace(self._folder / name)
            self._list.write("".join(f"{self._service}\t{key}\t{name}\n" for key in batch.ids))
            self._list.flush()
        except OSError as error:
            raise FetchError(f"{self._folder / name} cannot be written ({error.strerror}).") from error
        finally:
            draft.unlink(missing_ok=True)
        self.ids.update(batch.ids)
