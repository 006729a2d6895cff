"""Web pages of journals, scraped or saved (.html): the article without the site, bibliography from its meta tags."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from lxml import etree, html

from kg.errors import SourceError
from kg.model import Document
from kg.sources._bibliography import license_in, orcid, parse_date, report_of, unique
from kg.sources._compose import format_words, language_tag
from kg.sources._files import decoded, stem_of, whole
from kg.sources._languages import language_of
from kg.sources._layout import MOST_LINES, blocks_of, lay_out, too_long
from kg.sources._xml import Element, Paths

__all__ = ["read", "recognises"]

_SHARE = 0.4  # of the page's text that its <article> or <main> must hold to be taken for the whole of it
_CANDIDATES = 8
_PROSE = 250  # characters of a line of running text: some pages are laid out by tables
_NUMBERS = re.compile(r"[\s\d,;\[\]–-]*")
_MOST_ATTRIBUTES = 5000  # of one element: the time of the parser grows with their square
_TAG = re.compile(  # a comment, or a tag with its attributes, and what is no markup in scripts and styles
    rb"<!--.*?(?:-->|\Z)|<(?:(?P<raw>script|style)\b|[a-z])[^\s>/\"']*"
    rb"(?P<attributes>(?:[^\"'>]+|\"[^\"]*(?:\"|\Z)|'[^']*(?:'|\Z))*+)(?(raw).*?(?:</(?:script|style)|\Z))",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(rb"=\s*[^\s>\"']+|\"[^\"]*\"|'[^']*'|([^\s>/\"'=]+)")
_MARK = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
_LISTS = ("authors", "affiliations", "issn", "keywords", "language", "publication_types")


def recognises(name: str, head: bytes) -> int:
    """By the elements at its beginning, or the suffix."""
    return 2 * bool(_MARK.search(head)) or int(name.lower().endswith((".html", ".htm", ".xhtml")))


def read(path: Path) -> Iterator[Document | SourceError]:
    """The one report of a page; its text is that of the article, a line for each element that begins one."""
    data = whole(path)
    if any(map(_crowded, _TAG.finditer(data))):
        why = f"has more than {_MOST_ATTRIBUTES:,} attributes in one tag"
        raise SourceError(f"{path}: {why}; check that it is a web page.")
    try:
        page = html.document_fromstring(*_parsed(data, str(path)))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        yield SourceError(f"{path}: is not a web page that can be read ({error}).")
        return
    told = _told(page)
    lines = _article(page, str(path))
    if not lines.text.strip():
        yield SourceError(f"{path}: holds no text outside menus and scripts.")
        return
    parts = lay_out(lines.text, str(path), next(iter(told.get("title", {}).values()), ""), lines.apart())
    blocks = tuple(replace(block, place=lines.place_of(block.start)) for block in blocks_of(parts))
    yield Document(stem_of(path), lines.text, report_of(lines.text, parts, told), blocks, str(path))


def _crowded(tag: re.Match[bytes]) -> bool:
    attributes = tag["attributes"] or b""
    return len(attributes) > 2 * _MOST_ATTRIBUTES and sum(map(bool, _ATTRIBUTE.findall(attributes))) > _MOST_ATTRIBUTES


def _parsed(data: bytes, where: str) -> tuple[bytes, html.HTMLParser]:
    """UTF-8 where the bytes are that, else what the page declares of itself."""
    try:
        decoded(data, where)
        return data, html.HTMLParser(encoding="utf-8", huge_tree=False)
    except SourceError:
        if b"\0" in data:
            raise
        return data, html.HTMLParser(huge_tree=False)


def _article(page: Element, where: str) -> _Lines:
    """The text of the element that is the article, if it holds a good part of the page's, else of the page."""
    everything = _Lines(page, where)
    found = islice(page.iter(*format_words("html")["articles"]), _CANDIDATES)
    articles: list[_Lines] = []
    for element in found:
        if not any(element in lines.articles for lines in articles):  # within one of them there is no more of it
            articles.append(_Lines(element, where))
    best = max(articles, key=lambda lines: len(lines.text), default=everything)
    return best if len(best.text) >= _SHARE * len(everything.text) else everything


class _Lines:
    """The text under an element: white space evened, a new line for each element that begins one."""

    def __init__(self, root: Element, where: str) -> None:
        self._where = where
        words = format_words("html")
        self._out, self._roles = frozenset(words["out"]), frozenset(words["roles"])
        self._classes_out, self._classes_kept = frozenset(words["classes_out"]), frozenset(words["classes_kept"])
        self._inline, self._listed = frozenset(words["classes_inline"]), frozenset(words["classes_lines"])
        self._tags_apart, self._classes_apart = frozenset(words["apart"]), frozenset(words["classes_apart"])
        self._cells = frozenset(words["cells"])
        self._lines, self._paragraphs = frozenset(words["lines"]), frozenset(words["paragraphs"])
        self._pieces: list[str] = []
        self._size = 0
        self._starts: list[int] = []
        self._elements: list[Element] = []  # in which each line begins
        self._paths = Paths()
        self._apart: list[Element | None] = []  # the figure or table each line stands in
        self._within: list[Element] = []
        self._tags = frozenset(words["articles"])
        self.articles: set[Element] = set()  # read on the way
        self._read(root)
        self.text = "".join(self._pieces).rstrip()

    def place_of(self, offset: int) -> str:
        """The path of the element whose text stands at ``offset``."""
        at = bisect_right(self._starts, offset) - 1
        return self._paths.of(self._elements[at]) if at >= 0 else ""

    def apart(self) -> frozenset[int]:
        """Where the lines begin that stand in a figure, or in a table that holds no running text."""
        stops = [*self._starts[1:], self._size]
        lines = list(zip(self._starts, stops, self._apart, strict=True))
        laid_out = {element for start, stop, element in lines if stop - start > _PROSE and element is not None}
        figures = {element for element in self._apart if element is not None and element.tag != "table"}
        return frozenset(start for start, _, e in lines if e is not None and (e in figures or e not in laid_out))

    def _read(self, root: Element) -> None:
        skipped: Element | None = None
        for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
            if skipped is not None and element is not skipped:
                continue
            tag = element.tag if isinstance(element.tag, str) else ""
            classes = element.get("class", "").split() if tag else []
            if event == "start":
                if self._left_out(element, classes):
                    skipped = element
                    continue
                if tag in self._tags:
                    self.articles.add(element)
                self._break(tag, classes)
                if self._stands_apart(tag, classes):
                    outer = self._within[-1] if self._within else element
                    self._within.append(element if outer.tag == "table" else outer)
                self._say(element.text or "", element)
                continue
            if skipped is None and self._stands_apart(tag, classes):
                self._within.pop()
            skipped = None
            self._break(tag, classes)
            if element is not root:
                self._say(element.tail or "", element)

    def _stands_apart(self, tag: str, classes: Sequence[str]) -> bool:
        return tag in self._tags_apart or not self._classes_apart.isdisjoint(classes)

    def _left_out(self, element: Element, classes: Sequence[str]) -> bool:
        if not self._classes_kept.isdisjoint(classes):
            return False
        if element.tag in self._out or element.get("role") in self._roles or element.get("hidden") is not None:
            return True
        if not self._classes_out.isdisjoint(classes):
            return True
        if element.tag != "sup" or element.find(".//a") is None:
            return False
        return _NUMBERS.fullmatch("".join(map(str, element.itertext()))) is not None  # the raised number of a reference

    def _break(self, tag: str, classes: Sequence[str]) -> None:
        if not tag or not self._pieces or not self._inline.isdisjoint(classes):
            return
        last = self._pieces[-1]
        if tag in self._paragraphs or tag in self._lines:
            parted = "\n\n" if tag in self._paragraphs and self._listed.isdisjoint(classes) else "\n"
            if not last.endswith("\n"):
                self._push(parted)
            elif last == "\n" and parted == "\n\n":
                self._pieces.pop()
                self._size -= 1
                self._push(parted)
        elif tag in self._cells and not last[-1].isspace():
            self._push(" ")

    def _say(self, words: str, element: Element) -> None:
        evened = " ".join(words.split())
        if not evened:
            if words and self._pieces and not self._pieces[-1][-1].isspace():
                self._push(" ")
            return
        starts_line = not self._pieces or self._pieces[-1].endswith("\n")
        if starts_line:
            if len(self._starts) == MOST_LINES:
                raise too_long(self._where)
            self._starts.append(self._size)
            self._elements.append(element)
            self._apart.append(self._within[-1] if self._within else None)
        elif words[0].isspace() and not self._pieces[-1].endswith(" "):
            self._push(" ")
        self._push(evened + (" " if words[-1].isspace() else ""))

    def _push(self, words: str) -> None:
        self._pieces.append(words)
        self._size += len(words)


def _told(page: Element) -> dict[str, Any]:
    """The bibliography in the page's meta elements, by the names of ``Report``."""
    meta: dict[str, list[str]] = {}
    known = format_words("meta")
    author, ids = "", {}
    for element in page.iter("meta"):
        name = (element.get("name") or element.get("property") or "").lower()
        if name and (content := " ".join((element.get("content") or "").split())):
            meta.setdefault(name, []).append(content)
            author = content if name in known["authors"] else author
            if name in known["author_ids"] and author and (key := orcid(content)):
                ids[_in_order(author)] = key
    found = {field: _first(meta, names) for field, names in known.items()}
    told: dict[str, Any] = {}
    for field, values in found.items():
        if values and field not in ("title", "published", "first_page", "last_page", "author_ids"):
            told[field] = unique(values) if field in _LISTS else values[0]
    if found["title"]:
        told["title"] = {language_of(found["title"][0]): found["title"][0]}
    if found["published"] and (
        date := parse_date("-".join(part.zfill(2) for part in found["published"][0][:10].split("/")))
    ):
        told["published"] = date
    pages = [values[0] for field in ("first_page", "last_page") if (values := found[field])]
    told |= {"pages": "-".join(dict.fromkeys(pages))} if pages else {}
    told |= {"author_ids": ids} if ids else {}
    links = {slug for e in page.iter("a", "link") if (slug := license_in(e.get("href", "")))}
    if len(links) == 1:
        told["license"] = links.pop()
    return told | _cleaned(told)


def _first(meta: Mapping[str, Sequence[str]], names: Sequence[str]) -> Sequence[str]:
    return next((meta[name] for name in names if name in meta), ())


def _in_order(name: str) -> str:
    """``Okonkwo, Ada`` as the name is said."""
    family, _, given = name.strip().partition(", ")
    return f"{given} {family}".strip()


def _cleaned(told: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that pages fill in several manners, in one."""
    changes: dict[str, Any] = {}
    if doi := told.get("doi"):
        changes["doi"] = doi[doi.find("10.") :] if "10." in doi else None
    if authors := told.get("authors"):
        several = authors if len(authors) > 1 or ";" not in authors[0] else authors[0].split(";")
        changes["authors"] = tuple(filter(None, map(_in_order, several)))
    if keywords := told.get("keywords"):
        changes["keywords"] = unique(w.strip() for k in keywords for w in k.replace(";", ",").split(","))
    if languages := told.get("language"):
        changes["language"] = tuple(filter(None, map(language_tag, languages)))
    if license_ := license_in(told.get("copyright", "")):
        changes["license"] = license_
    return changes
