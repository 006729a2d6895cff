"""JSON lines, one report a line, or a JSON list: ``id``, ``text`` and what is known of its bibliography.

Keys may be named as the columns of tables; a line may hold the ``cases`` of one article.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kg.errors import SourceError
from kg.model import Document
from kg.sources._files import decoded, lines_of, opened, stem_of
from kg.sources._json import objects
from kg.sources._records import document_of, fields_of

__all__ = ["read", "recognises"]

_SUFFIXES = (".jsonl", ".ndjson", ".jsonlines")


def recognises(name: str, head: bytes) -> int:
    """By its suffix; of JSON that no other reader knows, whatever begins as one should."""
    listed = name.lower().endswith(".json") and head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{")
    return int(listed or name.lower().endswith(_SUFFIXES))


def read(path: Path) -> Iterator[Document | SourceError]:
    """The reports of a file in its order, one at a time, and an error for each line that is none."""
    empty = True
    lines = path.name.removesuffix(".gz").lower().endswith(_SUFFIXES)
    for where, number, record in _lines(path) if lines else _objects(path):
        empty = False
        if isinstance(record, SourceError):
            yield record
        else:
            yield from _documents(record, f"{stem_of(path)}-{number}", where)
    if empty:
        yield SourceError(f"{path}: is empty; remove it or fill it.")


def _lines(path: Path) -> Iterator[tuple[str, int, Any]]:
    with opened(path) as stream:
        for number, line in lines_of(stream, path):
            where = f"{path}, line {number}"
            try:
                if isinstance(line, SourceError):
                    yield where, number, line
                elif line.strip(b"\xef\xbb\xbf \t\r\n"):
                    yield where, number, json.loads(decoded(line, where).removeprefix("\ufeff"))
            except SourceError as error:
                yield where, number, error
            except (ValueError, RecursionError) as error:
                why = f"is not a JSON object ({error}); one line holds one record"
                yield where, number, SourceError(f"{where}: {why}.")


def _objects(path: Path) -> Iterator[tuple[str, int, Any]]:
    for number, record in enumerate(objects(path), 1):
        yield f"{path}, record {number}", number, record


def _documents(record: Any, name: str, where: str) -> Iterator[Document | SourceError]:
    """The document of a record, or of each of the ``cases`` in it."""
    if not isinstance(record, dict):
        kind = type(record).__name__
        yield SourceError(f'{where}: holds a {kind}, not a JSON object such as {{"id": ..., "text": ...}}.')
        return
    cases = record.get("cases")
    if isinstance(cases, list) and cases and all(isinstance(case, dict) for case in cases) and "text" not in record:
        about = {key: value for key, value in record.items() if key != "cases"}
        for n, case in enumerate(cases, 1):
            yield _document({**about, **case}, f"{name}-{n}", where)
    else:
        yield _document(record, name, where)


def _document(record: Mapping[str, Any], name: str, where: str) -> Document | SourceError:
    keys = tuple(record)
    told = {field: record[keys[place]] for field, place in fields_of(keys).items()}
    told = {**record, **told}
    given = told.get("id")
    return document_of(told, str(given) if given not in (None, "") else name, where)
