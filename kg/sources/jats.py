"""JATS XML (PubMed Central, publishers): one article or a set, by sections; legends apart from the running text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from lxml import etree

from kg.errors import SourceError
from kg.model import BlockKind, Document
from kg.sources._bibliography import bare_title, best_date, license_in, orcid, unique
from kg.sources._compose import Composer, format_words, language_tag
from kg.sources._pages import page_rules
from kg.sources._xml import Element, Paths, character, child_words, inner, records, words

__all__ = ["read", "recognises"]

_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_HREF = "{http://www.w3.org/1999/xlink}href"
# Elements that are no running text at all, and those of which only the legend is wanted.
_OUT = frozenset({
    "ref-list", "fn-group", "fn", "ack", "supplementary-material", "media", "graphic", "inline-graphic", "disp-formula",
    "tex-math", "annotation", "object-id", "alternatives", "label", "sec-meta", "kwd-group", "glossary", "bio", "notes",
})  # fmt: skip
_LEGENDS = frozenset({"fig", "fig-group", "table-wrap", "table-wrap-group", "chem-struct-wrap"})
_NUMBERS = re.compile(r"[\s\d,;*†‡§a-f–-]*")
_LOOK_BACK = 1000  # characters
_BETWEEN = re.compile(r"\s?[,;–-]?\s?")
_NOTES = frozenset({"bibr", "fn", "table-fn", "aff", "corresp"})
# Elements that break a paragraph they stand in.
_BREAKS = frozenset({
    "p", "sec", "list", "list-item", "disp-quote", "def-list", "def-item", "def", "term", "statement", "speech",
    "verse-group", "verse-line", "disp-formula-group", "array", "preformat", "boxed-text", "caption",
})  # fmt: skip


def recognises(name: str, head: bytes) -> int:
    """By a document type or root element of JATS, or the suffix .nxml."""
    found = b"<article" in head and (b"article-type" in head or b"JATS" in head or b"NLM//DTD" in head)
    return 2 if found or b"<pmc-articleset" in head else int(name.lower().endswith(".nxml"))


def read(path: Path) -> Iterator[Document | SourceError]:
    """The articles of a file in its order, one at a time; the text is titles, abstracts and body."""
    return records(path, ("{*}article",), _document)


def _document(article: Element, where: str) -> Document:
    _leave_namespace(article)
    meta = article.find("front/article-meta")
    if meta is None:
        raise SourceError("holds no article-meta")
    language = language_tag(article.get(_LANG, ""))
    ids = {e.get("pub-id-type", ""): words(e) for e in meta.findall("article-id")}
    pmcid = ids.get("pmc") or ids.get("pmcid") or ""
    pmcid = f"PMC{pmcid}" if pmcid.isdigit() else pmcid
    titles = _titles(meta, language)
    text = _Text(article)
    for tag, title in titles.items():
        text.composer.add(title, "title", tag, "front/article-meta/title-group")
    for abstract in (*meta.findall("abstract"), *meta.findall("trans-abstract")):
        if abstract.get("abstract-type") not in ("graphical", "teaser", "toc"):
            text.language = language_tag(abstract.get(_LANG, "")) or (language if abstract.tag == "abstract" else "")
            text.walk(abstract, "abstract")
    text.language = language
    for part in (*article.findall("body"), *article.findall("floats-group")):
        text.walk(part, "body")
    if not text.composer.blocks:
        raise SourceError("has no text")
    own = next(filter(None, (ids.get(sort, "") for sort in ("doi", "pmid"))), "")
    return text.composer.document(
        pmcid or own or where.rsplit("/", 1)[-1], where, {"title": titles, **_bibliography(article, meta, ids, pmcid)}
    )


def _leave_namespace(article: Element) -> None:
    """Names the elements without the namespace of JATS, in which some servers put them; that of formulas stays."""
    space = article.tag.partition("}")[0]
    if space.startswith("{"):
        for element in article.iter(f"{space}}}*"):
            element.tag = element.tag.removeprefix(f"{space}}}")


def _titles(meta: Element, language: str) -> dict[str, str]:
    titles: dict[str, str] = {}
    group = meta.find("title-group")
    if group is None:
        return titles
    main = bare_title(words(group.find("article-title"), "xref", "fn"))
    below = words(group.find("subtitle"), "xref", "fn")
    if main:
        titles[language or "en"] = f"{main}: {below}" if below else main
    for other in group.iterfind(".//trans-title"):
        parent = other.getparent()
        tag = other.get(_LANG, "") or (parent.get(_LANG, "") if parent is not None else "")
        titles.setdefault(language_tag(tag) or "en", bare_title(words(other, "xref", "fn")))
    return titles


def _bibliography(article: Element, meta: Element, ids: dict[str, str], pmcid: str) -> dict[str, object]:
    journal = article.find("front/journal-meta")
    first, last = child_words(meta, "fpage"), child_words(meta, "lpage")
    pages = f"{first}-{last}" if first and last and first != last else first or child_words(meta, "elocation-id")
    permissions = meta.find("permissions")
    licence = permissions.find("license") if permissions is not None else meta.find("license")
    authors = [(_name(e), e) for e in meta.iterfind(".//contrib[@contrib-type='author']")]
    subjects = [words(e) for e in meta.iterfind("article-categories/subj-group[@subj-group-type='heading']/subject")]
    return {
        "authors": tuple(name for name, _ in authors if name),
        "affiliations": unique(words(e, "label", "sup") for e in meta.iterfind(".//aff")),
        "journal": next((words(e) for e in journal.iter("journal-title")), "") if journal is not None else "",
        "issn": unique(words(e) for e in journal.iter("issn")) if journal is not None else (),
        "published": _published(meta),
        "volume": child_words(meta, "volume"),
        "issue": child_words(meta, "issue"),
        "pages": pages,
        "doi": ids.get("doi"),
        "pmid": ids.get("pmid"),
        "pmcid": pmcid,
        "keywords": unique(words(e) for e in meta.iterfind("kwd-group//kwd")),
        "language": (language_tag(article.get(_LANG, "")),) if language_tag(article.get(_LANG, "")) else (),
        "license": _licence(licence),
        "copyright": child_words(meta, "permissions/copyright-statement") or child_words(meta, "copyright-statement"),
        "publication_types": unique([*subjects, article.get("article-type", "").replace("-", " ")]),
        "author_ids": {name: key for name, author in authors if name and (key := _orcid(author))},
    }


def _licence(licence: Element | None) -> str:
    if licence is None:
        return ""
    links = [licence.get(_HREF, ""), *(e.get(_HREF, "") for e in licence.iter("ext-link"))]
    return license_in(" ".join([*links, words(licence)])) or ""


def _published(meta: Element) -> str | None:
    """The date of the issue, or of electronic publication where that makes it more precise."""
    dates: dict[str, str] = {}
    for date in meta.findall("pub-date"):
        sort = f"{date.get('pub-type') or date.get('date-type', '')} {date.get('publication-format', '')}".strip()
        year, month, day = (child_words(date, part) for part in ("year", "month", "day"))
        month = month.zfill(2) if month.isdigit() else month
        value = "-".join(filter(None, (year, month, day.zfill(2) if day else "")))
        dates[sort] = value if not month or month.isdigit() else f"{day} {month} {year}".strip()
    kinds = ("ppub", "collection", "epub-ppub", "pub print", "collection electronic")
    issue = next((dates[kind] for kind in kinds if kind in dates), "")
    days = ("epub", "pub electronic", "pub", "epub-ppub")
    day = next((dates[kind] for kind in days if kind in dates), "")
    return best_date(issue, day)


def _name(contributor: Element) -> str:
    name = contributor.find(".//name")
    if name is None:
        name = contributor.find(".//string-name")
    if name is None:
        return child_words(contributor, "collab")
    given, family = child_words(name, "given-names"), child_words(name, "surname")
    return " ".join(filter(None, (given, family, child_words(name, "suffix")))) or words(name)


def _orcid(contributor: Element) -> str:
    ids = contributor.findall("contrib-id[@contrib-id-type='orcid']")
    return next(filter(None, (orcid(words(e)) for e in ids)), "")


class _Text:
    """The running text of an article: paragraphs in document order, each under the kind of its section."""

    def __init__(self, article: Element) -> None:
        self.composer = Composer()
        self.language = ""
        self._paths = Paths()
        self._above = len(self._paths.of(article)) + 1

    def walk(self, element: Element, kind: BlockKind) -> None:
        """Adds what stands under ``element``: titles and paragraphs, then legends, sections with their own kind."""
        pieces: list[str] = [element.text or ""]
        for child in element:
            tag = child.tag if isinstance(child.tag, str) else ""
            if tag in _LEGENDS:
                self._flush(pieces, kind, element)
                self._legend(child)
            elif tag == "sec":
                self._flush(pieces, kind, element)
                self.walk(child, _kind_of(child, kind))
            elif tag == "title":
                if element.tag not in ("abstract", "trans-abstract"):
                    self._add(inner(child, *_OUT), kind, child)
            elif tag in _BREAKS:
                self._flush(pieces, kind, element)
                self.walk(child, kind)
            elif child.tag is etree.Entity:
                pieces.append(character(child))
            elif tag and tag not in _OUT:
                if _is_note(child, pieces):
                    following = child.getnext()
                    if following is not None and _BETWEEN.fullmatch(child.tail or "") and _is_note(following, ["x"]):
                        continue  # the comma between two numbers
                else:
                    self._inline(child, pieces, kind)
            pieces.append(child.tail or "")
        self._flush(pieces, kind, element)

    def _inline(self, element: Element, pieces: list[str], kind: BlockKind) -> None:
        """The words inside an inline tag; where something in there breaks the paragraph, paragraphs of their own."""
        if any(e.tag in _BREAKS or e.tag in _LEGENDS for e in element.iterdescendants()):
            self._flush(pieces, kind, element)
            self.walk(element, kind)
        else:
            pieces.append(inner(element, *_OUT))

    def _flush(self, pieces: list[str], kind: BlockKind, element: Element) -> None:
        self._add("".join(pieces), kind, element)
        pieces.clear()

    def _add(self, words: str, kind: BlockKind, element: Element) -> None:
        """A paragraph with the path of its element from the article."""
        if words and not words.isspace():
            self.composer.add(words, kind, self.language, self._paths.of(element)[self._above :])

    def _legend(self, element: Element) -> None:
        for caption in element.iter("caption"):
            parent = caption.getparent()
            label = child_words(parent, "label") if parent is not None else ""
            text = " ".join(inner(part, *_OUT) for part in caption if isinstance(part.tag, str)) or caption.text or ""
            self._add(f"{label} {text}", "caption", caption)


def _kind_of(section: Element, above: BlockKind) -> BlockKind:
    """By the section's type, else by its title, else as the section it stands in."""
    told = format_words("jats").get(section.get("sec-type", "").lower())
    if told:
        kind: BlockKind = told
        return kind
    heading = page_rules().heading(child_words(section, "title"))
    return heading.section.kind if heading and heading.alone and not heading.section.field else above


def _is_note(element: Element, pieces: Sequence[str]) -> bool:
    """Whether an inline tag is the raised number of a note or reference, no word of the ``pieces`` before it."""
    points = [e for e in element.iter("xref") if e.get("ref-type") in _NOTES]
    if not points or not _NUMBERS.fullmatch(inner(element)):
        return False
    if element.tag == "sup" or (len(element) == 1 and element[0].tag == "sup"):
        return True
    before = _end(pieces)
    bracketed = max(before.rfind("["), before.rfind("(")) > max(before.rfind("]"), before.rfind(")"))
    return element.tag == "xref" and not bracketed and before[-1:] not in ("", " ", "\n", "\xa0")


def _end(pieces: Sequence[str]) -> str:
    """The last words of a paragraph so far: enough to tell whether a bracket is open."""
    size = taken = 0
    for piece in reversed(pieces):
        size, taken = size + len(piece), taken + 1
        if size > _LOOK_BACK:
            break
    return "".join(pieces[len(pieces) - taken :])
