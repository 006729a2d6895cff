"""Europe PMC search results as JSON (result type "core"): a record with its abstract for each hit."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kg.errors import SourceError
from kg.model import Document
from kg.sources._bibliography import bare_title, best_date, license_in, orcid, unique
from kg.sources._compose import Composer, language_tag
from kg.sources._json import objects
from kg.sources._languages import language_of
from kg.sources._pages import page_rules

__all__ = ["read", "recognises"]

_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]{0,9}(?:\s[^<>]{0,200})?/?>")
_HEADING = re.compile(r"<h4>(.*?)</h4>", re.IGNORECASE | re.DOTALL)


def recognises(name: str, head: bytes) -> int:
    """By the keys at its beginning."""
    return 2 * (b'"resultList"' in head and head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{")


def read(path: Path) -> Iterator[Document | SourceError]:
    """The records of a file in its order; the text is title and abstract."""
    number = 0
    for number, hit in enumerate(objects(path, "result"), 1):
        where = f"{path}, record {number}"
        try:
            yield _document(hit, where)
        except (AttributeError, TypeError, ValueError):
            yield SourceError(f"{where}: is not a Europe PMC record, which has a title and an abstractText.")
        except SourceError as error:
            yield SourceError(f"{where}: {error}.")
    if not number:
        yield SourceError(f"{path}: holds no Europe PMC record.")


def _document(hit: Mapping[str, Any], where: str) -> Document:
    title, language = _plain(str(hit.get("title") or "")), language_tag(str(hit.get("language") or ""))
    composer = Composer()
    composer.add(title, "title", language_of(title) if title else "", "title")
    for paragraph in _paragraphs(str(hit.get("abstractText") or "")):
        composer.add(paragraph, "abstract", "", "abstractText")
    if not composer.blocks:
        raise SourceError("has neither title nor abstract")
    journal = hit.get("journalInfo") or {}
    about = journal.get("journal") or {}
    people = (hit.get("authorList") or {}).get("author") or ()
    return composer.document(
        str(hit.get("id") or where.rsplit("/", 1)[-1]),
        where,
        {
            "title": {language_of(title): bare_title(title)} if title else {},
            "authors": tuple(filter(None, map(_name, people))),
            "affiliations": unique(
                str(a.get("affiliation", ""))
                for person in people
                for a in (person.get("authorAffiliationDetailsList") or {}).get("authorAffiliation") or ()
            ),
            "journal": about.get("title") or (hit.get("bookOrReportDetails") or {}).get("publisher"),
            "issn": unique([str(about.get("issn") or ""), str(about.get("essn") or "")]),
            "published": _published(hit, journal),
            "volume": journal.get("volume"),
            "issue": journal.get("issue"),
            "pages": hit.get("pageInfo"),
            "doi": hit.get("doi"),
            "pmid": hit.get("pmid"),
            "pmcid": hit.get("pmcid"),
            "keywords": unique(map(str, (hit.get("keywordList") or {}).get("keyword") or ())),
            "language": (language,) if language else (),
            "license": license_in(str(hit.get("license") or "").upper().replace("CC-", "CC ")),
            "publication_types": tuple(map(str, (hit.get("pubTypeList") or {}).get("pubType") or ())),
            "author_ids": {
                name: key
                for person in people
                if (name := _name(person)) and (key := orcid(str((person.get("authorId") or {}).get("value", ""))))
            },
            "headings": tuple(map(_heading, (hit.get("meshHeadingList") or {}).get("meshHeading") or ())),
        },
    )


def _published(hit: Mapping[str, Any], journal: Mapping[str, Any]) -> str | None:
    """The date of the issue, or the day of first publication where that only makes it more precise."""
    issue = str(journal.get("dateOfPublication") or hit.get("pubYear") or "")
    return best_date(issue, str(hit.get("firstPublicationDate") or ""))


def _heading(heading: Mapping[str, Any]) -> str:
    """A descriptor with its qualifiers: ``Leukemia, Hairy Cell/drug therapy``."""
    qualifiers = (heading.get("meshQualifierList") or {}).get("meshQualifier") or ()
    return "/".join([str(heading.get("descriptorName", "")), *(str(q.get("qualifierName", "")) for q in qualifiers)])


def _name(person: Mapping[str, Any]) -> str:
    parts = (person.get("firstName") or person.get("initials"), person.get("lastName"))
    return " ".join(filter(None, map(str, filter(None, parts)))) or str(
        person.get("collectiveName") or person.get("fullName") or ""
    )


def _paragraphs(abstract: str) -> Iterator[str]:
    """The sections of an abstract, each led by its heading as in "CASE PRESENTATION: words"."""
    pieces = _HEADING.split(abstract)
    yield _plain(pieces[0])
    for heading, words in zip(pieces[1::2], pieces[2::2], strict=False):
        label = _plain(heading).rstrip(" .:")
        known = page_rules().section(label)
        yield f"{label.upper() if known else label}: {_plain(words)}" if label else _plain(words)


def _plain(words: str) -> str:
    """Words without the few tags of HTML that records hold; a sign such as "<" that begins no tag is kept."""
    return html.unescape(_TAG.sub("", words))
