"""A document from a record of named fields: a line of JSON or a row of a table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kg.errors import SourceError
from kg.model import Document
from kg.sources._bibliography import orcid, parse_date, report_of
from kg.sources._languages import language_of
from kg.sources._layout import blocks_of, lay_out

__all__ = ["document_of"]

_SURROGATE = re.compile("[\\ud800-\\udfff]")
_TEXTS = ("journal", "volume", "issue", "pages", "doi", "pmid", "pmcid", "license", "copyright", "url")
_LISTS = ("authors", "affiliations", "issn", "keywords", "language", "publication_types", "headings", "subjects")


def document_of(record: Mapping[str, Any], name: str, where: str) -> Document | SourceError:
    """The document of a record with ``text`` and bibliographic fields; what the fields say wins over the text."""
    text = record.get("text")
    if not isinstance(text, str) or not text.strip():
        return SourceError(f'{where}: has no text; the field "text" holds the report.')
    if _SURROGATE.search(text):
        return SourceError(f"{where}: the text holds half a character (a lone surrogate); write it as UTF-8.")
    title = record.get("title")
    parts = lay_out(text, title if isinstance(title, str) else "")
    return Document(name, text, report_of(text, parts, _told(record)), blocks_of(parts), where)


def _told(record: Mapping[str, Any]) -> dict[str, Any]:
    """The bibliography that the fields give, by the names of ``Report``."""
    told: dict[str, Any] = {key: str(value) for key in _TEXTS if (value := record.get(key)) not in (None, "")}
    for key in _LISTS:
        if value := record.get(key):
            told[key] = tuple(map(_words, value)) if isinstance(value, list) else (str(value),)
    title = record.get("title")
    if isinstance(title, str) and title.strip():
        told["title"] = {language_of(title): title.strip()}
    elif isinstance(title, dict):
        told["title"] = {str(tag): str(words) for tag, words in title.items()}
    if isinstance(ids := record.get("author_ids"), dict):
        told["author_ids"] = {str(name): key for name, words in ids.items() if (key := orcid(str(words)))}
    when = record.get("published") or record.get("year")
    if when and (date := parse_date(str(when))):
        told["published"] = date
    return told


def _words(item: Any) -> str:
    """A list's item as words: ``{"given": "Ada", "family": "Okonkwo"}`` is a name in parts."""
    return " ".join(map(str, item.values())).strip() if isinstance(item, dict) else str(item)
