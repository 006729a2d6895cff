"""Line formats with tags: ``TI  - words``, going on in lines that begin with blanks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from kg.errors import SourceError
from kg.model import Document
from kg.sources._bibliography import bare_title, best_date, license_in, orcid, unique
from kg.sources._compose import Composer, format_words, language_tag
from kg.sources._files import LONGEST, decoded, lines_of, opened
from kg.sources._languages import language_of

__all__ = ["Tags", "tagged_document", "tagged_records"]

Tags = Mapping[str, list[str]]
_TAGGED = re.compile(r"([A-Z][A-Z0-9]{1,3}) *- ?(.*)")
_AUTHOR, _AUTHOR_ID = "FAU", "AUID"  # an id stands below the name of its author
_DOI = re.compile(r"10\.\d{4,9}/\S+")


def tagged_records(path: Path, first: str) -> Iterator[tuple[int, Tags | SourceError]]:
    """Each record as its values by tag, with the number of its first line; ``first`` is the tag that begins one."""
    record: list[str] = []
    begun = size = 0
    with opened(path) as stream:
        for number, data in lines_of(stream, path):
            try:
                line = decoded(_line(data), f"{path}, line {number}").strip("\ufeff").rstrip()
            except SourceError as error:
                yield number, error
                continue
            if (m := _TAGGED.fullmatch(line)) and m[1] == first:
                if record:
                    yield begun, _tags(record)
                record, begun, size = [], number, 0
            size += len(line)
            if size > LONGEST and record:
                yield begun, SourceError(f"{path}, line {begun}: one record is longer than {LONGEST >> 20} MB.")
                record, begun = [], 0
            elif line and begun:
                record.append(line)
    if record:
        yield begun, _tags(record)


def _line(data: bytes | SourceError) -> bytes:
    if isinstance(data, SourceError):
        raise data
    return data


def _tags(record: Iterable[str]) -> Tags:
    values: list[tuple[str, list[str]]] = []
    author = ""
    for line in record:
        if m := _TAGGED.fullmatch(line):
            author = m[2].strip() if m[1] == _AUTHOR else author
            values.append((m[1], [author, "\t", m[2].strip()] if m[1] == _AUTHOR_ID else [m[2].strip()]))
        elif values:
            values[-1][1].append(line.strip())
    tags: dict[str, list[str]] = {}
    for tag, words in values:
        tags.setdefault(tag, []).append(" ".join(words))
    return tags


def tagged_document(tags: Tags, table: str, name: str, where: str) -> Document | SourceError:
    """The document of a record, by a table of kg/rules/formats.toml: title and abstract are its text."""

    def all_of(field: str) -> list[str]:
        names = format_words(table).get(field, ())
        return next((values for tag in names if (values := [v for v in tags.get(tag, ()) if v])), [])

    def first_of(field: str) -> str:
        return next(iter(all_of(field)), "")

    languages = tuple(filter(None, map(language_tag, all_of("language"))))
    titles = {language_of(title): title for title in all_of("title")[:1]}
    if own := first_of("own_title"):
        titles[next((tag for tag in languages if tag != "en"), language_of(own))] = own
    composer = Composer()
    for tag, title in titles.items():
        composer.add(title, "title", tag)
    for abstract in all_of("abstract"):
        composer.add(abstract, "abstract")
    if not composer.blocks:
        return SourceError(f"{where}: has neither title nor abstract.")
    doi = next((m[0] for value in all_of("doi") if (m := _DOI.search(value))), "")
    pages, last = first_of("pages"), first_of("last_page")
    pmcid = first_of("pmcid")
    pmid = first_of("pmid")
    fields = {
        "title": {tag: bare_title(title) for tag, title in titles.items()},
        "authors": tuple(map(_in_order, all_of("authors"))),
        "affiliations": unique(all_of("affiliations")),
        "journal": first_of("journal"),
        "issn": unique(value.split()[0] for value in all_of("issn")),
        "published": best_date(first_of("published").strip("/").replace("/", "-"), _day(first_of("electronic"))),
        "volume": first_of("volume"),
        "issue": first_of("issue"),
        "pages": f"{pages}-{last}" if last and last != pages else pages,
        "doi": doi.removesuffix("[doi]").rstrip(" ."),
        "pmid": pmid,
        "pmcid": pmcid if pmcid.startswith("PMC") else "",
        "keywords": unique(value.lstrip("*") for value in all_of("keywords")),
        "language": languages,
        "license": license_in(first_of("copyright")),
        "copyright": first_of("copyright"),
        "url": first_of("url"),
        "publication_types": tuple(all_of("publication_types")),
        "headings": tuple(value.replace("*", "") for value in all_of("headings")),
        "author_ids": {
            _in_order(name.strip()): key
            for name, _, words in (value.partition("\t") for value in all_of("author_ids"))
            if (key := orcid(words))
        },
    }
    return composer.document(name or pmid or doi, where, fields)


def _day(digits: str) -> str:
    """``20160309`` as a date."""
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if len(digits) == 8 and digits.isdigit() else ""


def _in_order(name: str) -> str:
    """``Okonkwo, Ada B`` as the name is said; what has no comma stays as it is."""
    family, comma, given = name.partition(", ")
    return f"{given} {family}" if comma else name
