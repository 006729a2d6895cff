"""JSON lines: one report a line with ``id``, ``text`` and what is known of its bibliography; plain or gzip."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kg.errors import SourceError
from kg.model import Document
from kg.sources._bibliography import parse_date, report_of
from kg.sources._files import decoded, lines_of, opened, stem_of
from kg.sources._layout import blocks_of, lay_out
from kg.sources._pages import language_of

__all__ = ["read", "recognises"]

_SURROGATE = re.compile("[\ud800-\udfff]")
_SUFFIXES = (".jsonl", ".ndjson", ".jsonlines")
_TEXTS = ("journal", "volume", "issue", "pages", "doi", "pmid", "pmcid", "license", "copyright", "url")
_LISTS = ("authors", "affiliations", "issn", "keywords", "language", "publication_types")


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
    text = record.get("text")
    if not isinstance(text, str) or not text.strip():
        return SourceError(f'{where}: has no text; the field "text" holds the report.')
    if _SURROGATE.search(text):
        return SourceError(f"{where}: the text holds half a character (a lone surrogate); write it as UTF-8.")
    title = record.get("title")
    parts = lay_out(text, title if isinstance(title, str) else "")
    report = report_of(text, parts, _told(record))
    given = record.get("id")
    name = str(given) if given not in (None, "") else f"{stem_of(path)}-{number}"
    return Document(name, text, report, blocks_of(parts), where)


def _told(record: Mapping[str, Any]) -> dict[str, Any]:
    """The bibliography that the fields give, by the names of ``Report``."""
    told: dict[str, Any] = {key: str(value) for key in _TEXTS if (value := record.get(key)) not in (None, "")}
    for key in _LISTS:
        if value := record.get(key):
            told[key] = tuple(map(str, value)) if isinstance(value, list) else (str(value),)
    title = record.get("title")
    if isinstance(title, str) and title.strip():
        told["title"] = {language_of(title): title.strip()}
    elif isinstance(title, dict):
        told["title"] = {str(tag): str(words) for tag, words in title.items()}
    when = record.get("published") or record.get("year")
    if when and (date := parse_date(str(when))):
        told["published"] = date
    return told
