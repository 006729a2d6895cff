"""JSON lines: one report a line with ``id``, ``text`` and what is known of its bibliography; plain or gzip."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from kg.errors import SourceError
from kg.model import Document
from kg.sources._files import decoded, lines_of, opened, stem_of
from kg.sources._records import document_of

__all__ = ["read", "recognises"]

_SUFFIXES = (".jsonl", ".ndjson", ".jsonlines")


def recognises(name: str, head: bytes) -> int:
    """By its suffix."""
    return int(name.lower().endswith(_SUFFIXES))


def read(path: Path) -> Iterator[Document | SourceError]:
    """The reports of a file in its order, one at a time, and an error for each line that is none."""
    with opened(path) as stream:
        empty = True
        for number, line in lines_of(stream, path):
            if isinstance(line, SourceError):
                empty = False
                yield line
            elif line.strip(b"\xef\xbb\xbf \t\r\n"):
                empty = False
                yield _document(line, path, number)
        if empty:
            yield SourceError(f"{path}: is empty; remove it or fill it.")


def _document(line: bytes, path: Path, number: int) -> Document | SourceError:
    where = f"{path}, line {number}"
    try:
        record = json.loads(decoded(line, where).removeprefix("\ufeff"))
    except SourceError as error:
        return error
    except (ValueError, RecursionError) as error:
        return SourceError(f"{where}: is not a JSON object ({error}); one line holds one record.")
    if not isinstance(record, dict):
        kind = type(record).__name__
        return SourceError(f'{where}: holds a {kind}, not a JSON object such as {{"id": ..., "text": ...}}.')
    given = record.get("id")
    return document_of(record, str(given) if given not in (None, "") else f"{stem_of(path)}-{number}", where)
