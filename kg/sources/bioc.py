"""BioC, XML and JSON: collections of documents in passages; offsets are those of the format where they fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kg.errors import SourceError
from kg.model import BlockKind, Document
from kg.sources._bibliography import bare_title, license_in, parse_date, unique
from kg.sources._compose import Composer, format_words
from kg.sources._json import objects
from kg.sources._languages import language_of
from kg.sources._layout import PROSE
from kg.sources._pages import page_rules
from kg.sources._xml import Element, child_words, inner, records, words

__all__ = ["read", "recognises"]


class _Passage(NamedTuple):
    offset: int
    text: str
    infons: Mapping[str, str]
    place: str


def recognises(name: str, head: bytes) -> int:
    """By the elements or keys at its beginning."""
    xml = b"<collection" in head and (b"<document>" in head or b"BioC" in head)
    return 2 * (xml or (b'"passages"' in head) or (b'"documents"' in head and head.lstrip()[:1] in (b"{", b"[")))


def read(path: Path) -> Iterator[Document | SourceError]:
    """The documents of a file in its order."""
    name = path.name.removesuffix(".gz").lower()
    return _read_json(path) if name.endswith("json") else records(path, ("document",), _from_xml)


def _from_xml(document: Element, where: str) -> Document:
    passages = []
    for number, passage in enumerate(document.findall("passage"), 1):
        texts = [passage, *passage.findall("sentence")]
        text = " ".join(filter(None, (inner(t) for p in texts if (t := p.find("text")) is not None)))
        passages.append(_Passage(_number(child_words(passage, "offset")), text, _infons(passage), f"passage[{number}]"))
    return _document(child_words(document, "id"), passages, _infons(document), where)


def _infons(element: Element) -> dict[str, str]:
    return {e.get("key", ""): words(e) for e in element.findall("infon")}


def _read_json(path: Path) -> Iterator[Document | SourceError]:
    number = 0
    for number, document in enumerate(_documents(objects(path, "documents")), 1):
        where = f"{path}, record {number}"
        try:
            passages = [
                _Passage(_number(p.get("offset")), _text_of(p), _strings(p.get("infons")), f"passages[{n}]")
                for n, p in enumerate(document["passages"])
            ]
            yield _document(str(document.get("id", "")), passages, _strings(document.get("infons")), where)
        except SourceError as error:
            yield SourceError(f"{where}: {error}.")
        except (KeyError, TypeError, AttributeError):
            yield SourceError(f"{where}: is not a BioC document, which has an id and a list of passages with text.")
    if not number:
        yield SourceError(f"{path}: holds no BioC document.")


def _documents(data: Any) -> Iterator[Any]:
    """The documents in a collection, in several, or in a list of either."""
    if isinstance(data, dict) and "passages" in data:
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            if isinstance(value, list):
                yield from _documents(value)
    elif isinstance(data, Iterable) and not isinstance(data, str):
        for item in data:
            yield from _documents(item)


def _text_of(passage: Mapping[str, Any]) -> str:
    return passage.get("text") or " ".join(str(s.get("text", "")) for s in passage.get("sentences", ()))


def _strings(infons: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in (infons or {}).items() if value is not None}


def _number(value: Any) -> int:
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdigit()) else 0


def _document(name: str, passages: Sequence[_Passage], infons: Mapping[str, str], where: str) -> Document:
    composer = Composer()
    titles: dict[str, str] = {}
    section, heading = "", None
    for passage in passages:
        kind, above = _kind_of(passage.infons), passage.infons.get("section_type", "").lower()
        if above != section:
            section, heading = above, None
        if passage.infons.get("type", "").lower().startswith("title_") and kind in PROSE:
            found = page_rules().heading(passage.text.strip())
            heading = found.section.kind if found and found.alone and not found.section.field else heading
        if kind == "title" and passage.text.strip():
            titles.setdefault(language_of(passage.text), bare_title(" ".join(passage.text.split())))
        if not composer.pad_to(passage.offset) and composer.blocks:
            composer.push("\n\n", "debris")
        composer.push(passage.text, heading if heading and kind in PROSE else kind, "", passage.place)
    if not composer.blocks:
        raise SourceError("has no text")
    told = {**(passages[0].infons if passages else {}), **infons}
    return composer.document(name or where.rsplit("/", 1)[-1], where, {"title": titles, **_bibliography(name, told)})


def _kind_of(infons: Mapping[str, str]) -> BlockKind:
    table = format_words("bioc")
    for key in (infons.get("section_type", ""), infons.get("type", "")):
        if kind := table.get(key.lower()) or table.get(key.lower().partition("_")[0]):
            return kind  # type: ignore[no-any-return]
    return "body"


def _bibliography(name: str, told: Mapping[str, str]) -> dict[str, Any]:
    people = [value for key, value in told.items() if key.startswith("name_")]
    first, last = told.get("fpage", ""), told.get("lpage", "")
    pmcid = told.get("article-id_pmc", "") or (name if name.startswith("PMC") else "")
    return {
        "authors": tuple(map(_person, people))
        or tuple(filter(None, map(str.strip, told.get("authors", "").split(",")))),
        "journal": told.get("journal-title") or told.get("journal", "").partition(";")[0].strip(),
        "published": parse_date(told.get("year", "")),
        "volume": told.get("volume"),
        "issue": told.get("issue"),
        "pages": f"{first}-{last}" if first and last and first != last else first or told.get("elocation-id"),
        "doi": told.get("article-id_doi"),
        "pmid": told.get("article-id_pmid") or (name if name.isdigit() else ""),
        "pmcid": f"PMC{pmcid}" if pmcid.isdigit() else pmcid,
        "keywords": unique(told.get("kwd", "").split("  "))
        if "  " in told.get("kwd", "")
        else unique([told.get("kwd", "")]),
        "license": license_in(told.get("license", "")),
    }


def _person(words: str) -> str:
    """``surname:Brem;given-names:Anna`` as the name is said."""
    parts = dict(part.partition(":")[::2] for part in words.split(";"))
    return " ".join(filter(None, (parts.get("given-names", ""), parts.get("surname", "")))) or words
