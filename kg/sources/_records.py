"""A document from a record of named fields: a line of JSON or a row of a table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from kg.errors import SourceError
from kg.model import Document
from kg.sources._bibliography import orcid, parse_date, report_of
from kg.sources._compose import format_words, is_halved
from kg.sources._languages import language_of
from kg.sources._layout import blocks_of, lay_out
from kg.sources._pages import fold

__all__ = ["document_of", "fields_of"]

# What names one patient of an article: ``7665777-2`` in PMC-Patients, ``PMC10000728_02`` in MultiCaRe.
_PATIENT = re.compile(r"(?P<article>(?:PMC)?\d{5,9})[-_]0{0,2}(?P<nth>[1-9]\d?)", re.ASCII)
_TEXTS = ("journal", "volume", "issue", "pages", "doi", "pmid", "pmcid", "license", "copyright", "url")
_LISTS = ("authors", "affiliations", "issn", "keywords", "language", "publication_types", "headings", "subjects")


@lru_cache(maxsize=64)
def fields_of(names: Sequence[str]) -> Mapping[str, int]:
    """Which of these columns or keys, by its place, fills which field."""
    places = {fold(name): place for place, name in reversed(list(enumerate(names)))}
    fields: dict[str, int] = {}
    for field, known in format_words("columns").items():
        place = next((places[fold(name)] for name in known if fold(name) in places), None)
        if place is not None and place not in fields.values():
            fields[field] = place
    return fields


def document_of(record: Mapping[str, Any], name: str, where: str) -> Document | SourceError:
    """The document of a record with ``text`` and bibliographic fields; what the fields say wins over the text."""
    text = record.get("text")
    if not isinstance(text, str) or not text.strip():
        return SourceError(f'{where}: has no text; the field "text" holds the report.')
    if is_halved((name, record)):
        why = "holds half a character (a lone surrogate) or what is not UTF-8"
        return SourceError(f"{where}: {why}; write it as UTF-8.")
    title = record.get("title")
    parts = lay_out(text, where, title if isinstance(title, str) else "")
    told, nth = _told(record), 1
    if patient := _PATIENT.fullmatch(name):
        nth = int(patient["nth"])
        if patient["article"].startswith("PMC"):
            told.setdefault("pmcid", patient["article"])
    return Document(name, text, report_of(text, parts, told), blocks_of(parts), where, nth)


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
