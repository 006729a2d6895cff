"""Tells the parts of a page apart: title, authors, abstract, sections, key words, bibliography, furniture, repeats.

The text itself is never changed: every part is a slice of it, parts are in order and do not overlap, and every
character that is not blank is in exactly one of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from kg.errors import SourceError
from kg.model import Block, BlockKind
from kg.sources._languages import language_of, script_language
from kg.sources._pages import BLANK, Heading, PageRules, Section, fold, page_rules

__all__ = ["MOST_LINES", "PROSE", "Part", "blocks_of", "languages_of", "lay_out", "too_long"]

PROSE: frozenset[BlockKind] = frozenset({"abstract", "introduction", "case", "discussion", "body"})

MOST_LINES = 100_000  # of one report: a hundred times the longest
_BULLET = re.compile(r"\s*[•·*–-]\s")
_REFERENCE = re.compile(r"\s*\[?\d|.*\b(?:19|20)\d\d\b", re.DOTALL)
_LONGEST_ABSTRACT = 6000
_LONGEST_LEAD = 600  # of a line that a heading of back matter makes back matter
_SHORTEST_REPEAT = 80  # of prose, in folded characters: two patients may well share a short sentence


class Part(NamedTuple):
    """``text[start:end]``, its kind, its language, and the ``field`` of the bibliography that its section fills."""

    start: int
    end: int
    kind: BlockKind
    language: str
    field: str = ""
    new: bool = True  # begins a block of its own


@dataclass(slots=True)
class _Unit:
    """A line, or a paragraph broken over lines. ``sort`` is what it looks like, ``kind`` what it is in its place."""

    start: int
    end: int
    text: str
    gap: bool
    sort: str = ""
    heading: Heading | None = None
    kind: BlockKind | None = None
    field: str = ""
    headings: tuple[Heading, ...] = ()


def blocks_of(parts: Iterable[Part]) -> tuple[Block, ...]:
    """The parts as blocks; neighbours of one kind and language become one block unless a heading parts them."""
    blocks: list[Block] = []
    for part in parts:
        last = blocks[-1] if blocks else None
        if last and not part.new and (last.kind, last.language) == (part.kind, part.language):
            blocks[-1] = Block(last.start, part.end, part.kind, part.language)
        else:
            blocks.append(Block(part.start, part.end, part.kind, part.language))
    return tuple(blocks)


def languages_of(parts: Iterable[Part | Block]) -> tuple[str, ...]:
    """The languages of title and prose, the one with most text first."""
    size: dict[str, int] = {}
    for part in parts:
        if part.kind in PROSE or part.kind == "title":
            size[part.language] = size.get(part.language, 0) + part.end - part.start
    return tuple(sorted(size, key=lambda tag: -size[tag]))


def lay_out(text: str, where: str, title: str = "", apart: Container[int] = ()) -> tuple[Part, ...]:
    """The parts of a page; a ``title`` known from elsewhere is recognised when it stands in the text.

    ``where`` the page lies, for the SourceError that a page of too many lines is. ``apart``: where the lines begin
    that are known to be legends or cells of tables.
    """
    rules = page_rules()
    lines = text.splitlines(keepends=True)
    if len(lines) > MOST_LINES:
        raise too_long(where)
    units = _units(text, lines, rules, apart)
    if len(units) == 1 and units[0].sort == "prose":
        units[0].kind = "body"
        _split(units[0], rules)
    else:
        _Page(units, rules, fold(title)).read()
        _repeats(units)
    return tuple(_parts(text, units, rules))


def too_long(where: str) -> SourceError:
    """What is said of a page of more than ``MOST_LINES``."""
    return SourceError(f"{where}: has more than {MOST_LINES:,} lines, more than one report can have; split it.")


def _units(text: str, lines: Iterable[str], rules: PageRules, apart: Container[int]) -> list[_Unit]:
    """The ``lines`` of ``text``, those of one paragraph joined where the page is broken at a fixed width."""
    units: list[_Unit] = []
    at, gap = 0, True
    for line in lines:
        if bare := line.strip(BLANK):
            start = at + line.index(bare[0])
            units.append(_Unit(start, start + len(bare), bare, gap))
            units[-1].sort = "caption" if start in apart else _sort(units[-1], rules)
        gap = not bare
        at += len(line)
    wide = [len(u.text) for u in units]
    if max(wide, default=0) > 110 or sum(w >= 55 for w in wide) < 3:
        return units
    joined: list[_Unit] = []
    for unit in units:
        last = joined[-1] if joined else None
        if last and not unit.gap and _runs_on(last, unit):
            last.end, last.sort = unit.end, ""
        else:
            joined.append(unit)
    for unit in joined:
        if not unit.sort:
            unit.text = text[unit.start : unit.end]
            unit.sort = _sort(unit, rules)
    return joined


def _runs_on(last: _Unit, unit: _Unit) -> bool:
    alone = last.heading is not None and last.heading.alone
    return not alone and last.sort != "furniture" and unit.sort not in ("furniture", "heading", "citation", "caption")


def _sort(unit: _Unit, rules: PageRules) -> str:
    line = unit.text
    if len(line) > 60 and not rules.heading(line) and rules.runs(line) and not rules.caption.match(line):
        return "prose"
    if kind := rules.furniture(line):
        unit.kind = kind
        return "furniture"
    unit.heading = rules.heading(line)
    if unit.heading and (unit.heading.alone or (len(line) < _LONGEST_LEAD and not _content(unit.heading.section))):
        return "heading"
    if rules.caption.fullmatch(line):
        return "caption"
    if rules.is_citation(line):
        return "citation"
    if rules.is_affiliation(line):
        return "affiliation"
    if rules.names(line):
        return "names"
    return "prose" if rules.is_prose(line) or (unit.heading and line[-1] in ".!?。") else "short"


def _content(section: Section) -> bool:
    return section.inline and not section.field


class _Page:
    """Reads the units of a page in order and gives each its kind."""

    def __init__(self, units: list[_Unit], rules: PageRules, title: str) -> None:
        self.units, self.rules, self.title = units, rules, title
        self.section: Section | None = None
        self.since = 0  # units read in this section
        self.next: list[_Unit | None] = [None] * len(units)  # after each unit the next that is no furniture
        for n, (unit, following) in reversed(list(enumerate(pairwise(units)))):
            self.next[n] = self.next[n + 1] if following.sort == "furniture" else following
            if unit.sort == "prose" and following.sort == "names" and len(unit.text) < 300:
                unit.sort = "short"  # a title that ends with a full stop
        prose = [n for n, u in enumerate(units) if u.sort == "prose"]
        self.first, self.last = (prose[0], prose[-1]) if prose else (len(units), -1)
        headings = [n for n, u in enumerate(units) if u.sort == "heading"]
        self.tail = max(prose[-1:] + headings[-1:], default=-1)  # after it come no more sections
        self.loose: list[int] = []  # short lines outside all sections, whose kind hangs on the rest of the page

    def read(self) -> None:
        """Sets ``kind`` and ``field`` of every unit."""
        for n, unit in enumerate(self.units):
            if unit.sort == "furniture":
                self._leave("paragraph", "list")
            elif unit.sort == "heading" and self._enter(n, unit):
                pass
            elif not (self.section and self._under(self.section, n, unit)):
                self._outside(n, unit)
            self.since += 1
        self._settle()

    def _leave(self, *reaches: str) -> None:
        if self.section and self.section.reach in reaches:
            self.section = None

    def _enter(self, n: int, unit: _Unit) -> bool:
        """Opens the section of a heading; False where the words only look like one."""
        assert unit.heading
        section, front = unit.heading.section, n < self.first
        following, within = self.next[n], self.section
        if within and within.field == "publication_types" and section.kind in PROSE:
            return False
        if not unit.heading.alone:
            if within and within.kind == "reference":
                return False
            self.section = section if section.kind != "debris" else section._replace(reach="paragraph")
            unit.kind, unit.field = section.kind, section.field
            self.since = 0
            return True
        unit.kind = "debris"
        if section.kind in PROSE:
            leads = following and (following.sort == "prose" or not front or following.sort == "caption")
            if not leads:
                unit.field = "publication_types" if fold(unit.text) in self.rules.labels else ""
                return True
            unit.kind = section.kind
        elif front and section.kind == "debris":
            return True
        if section.kind == "reference" and not (following and _REFERENCE.match(following.text)):
            return True
        if section.kind in ("keywords", "reference"):
            unit.kind = section.kind
        self.section, self.since = section, -1
        return True

    def _under(self, section: Section, n: int, unit: _Unit) -> bool:
        """Gives a unit the kind of the section it stands in; False where the section ends before it."""
        ended = (
            (section.reach == "paragraph" and self.since > 0 and unit.gap)
            or (section.reach == "list" and self._ends_list(section, unit))
            or (section.kind in PROSE and n > self.tail and self.since > 0 and unit.sort != "prose")
        )  # fmt: skip
        if ended:
            self.section = None
            return False
        unit.kind, unit.field = section.kind, section.field
        if section.kind in PROSE:
            if unit.sort in ("caption", "citation"):
                unit.kind = "caption" if unit.sort == "caption" else "citation"
            else:
                self._inside(unit)
        elif section.kind == "affiliation" and unit.sort == "names":
            unit.kind = "authors"
        return True

    def _ends_list(self, section: Section, unit: _Unit) -> bool:
        if unit.sort == "citation" or (
            unit.sort == "prose" and not (section.kind != "keywords" and self.since == 0 and len(unit.text) < 250)
        ):
            return True
        return section.kind == "keywords" and self.since > 0 and unit.gap and not _BULLET.match(unit.text)

    def _outside(self, n: int, unit: _Unit) -> None:
        if unit.sort == "prose":
            unit.kind = "body"
            self._inside(unit)
        elif unit.sort in ("caption", "citation"):
            unit.kind = "caption" if unit.sort == "caption" else "citation"
        elif unit.sort == "affiliation" and (
            (n < self.first and self.loose) or self._follows(n, "authors", "affiliation")
        ):
            unit.kind = "affiliation"
        elif unit.sort == "names" and self.loose and (n < self.first or self.loose[-1] == n - 1):
            unit.kind = "authors"
        else:
            self.loose.append(n)

    def _follows(self, n: int, *kinds: str) -> bool:
        return n > 0 and self.units[n - 1].kind in kinds

    def _inside(self, unit: _Unit) -> None:
        """Headings inside a line of prose; the last of them holds for what follows."""
        headings = _split(unit, self.rules)
        if headings:
            last = headings[-1].section
            self.section, self.since = (None if last.reach == "list" else last), 0

    def _settle(self) -> None:
        """The kinds that need the whole page: titles, left-over lines, and running text outside all sections."""
        structured = any(u.kind not in ("body", None) for u in self.units)
        for n in self._titles(structured):
            self.units[n].kind = "title"
        structured = structured or any(u.kind == "title" for u in self.units)
        for n in self.loose:
            unit = self.units[n]
            if unit.kind is None:
                between = not structured or self.first < n < self.last
                unit.kind = "body" if between else "debris"
        if structured and sum(len(u.text) for u in self.units if u.kind == "body") <= _LONGEST_ABSTRACT:
            self._abstracts()

    def _abstracts(self) -> None:
        """Prose that no heading for methods or results stands above is the abstract of a structured page."""
        under: BlockKind | None = None
        for unit in self.units:
            if unit.headings or unit.heading:
                under = [h for h in (unit.heading, *unit.headings) if h][-1].section.kind
            if unit.kind == "body" and unit.sort == "prose" and not unit.headings and under != "body":
                unit.kind = "abstract"

    def _titles(self, structured: bool) -> list[int]:
        """The best line for the title in each language: the known one, else one before the authors, else a long one."""
        best: dict[str, tuple[float, int]] = {}
        for n in self.loose:
            unit = self.units[n]
            following = self.next[n]
            known = bool(self.title) and fold(unit.text) == self.title
            named = following is not None and following.kind == "authors"
            parted = following is not None and (following.gap or following.sort not in ("prose", "short"))
            if not known and not named and (n > self.first or not (parted or (structured and following))):
                continue
            words = len(unit.text.split()) if unit.text.isascii() else len(unit.text) / 4
            if len(unit.text) > 400 or (words < 3 and not known):
                continue
            score = 10.0 * known + 3.0 * named + min(words, 12) / 4
            language = script_language(unit.text)
            if score > best.get(language, (0.0, 0))[0]:
                best[language] = (score, n)
        return [n for _, n in best.values()]


def _split(unit: _Unit, rules: PageRules) -> tuple[Heading, ...]:
    unit.headings = tuple(rules.inline(unit.text))
    return unit.headings


def _repeats(units: list[_Unit]) -> None:
    """Marks what stands on the page a second time, and left-over lines that repeat anything."""
    openings = [fold(u.text[:80])[:24] for u in units]
    times = Counter(openings)
    keys = [fold(u.text) if times[o] > 1 else "" for u, o in zip(units, openings, strict=True)]
    seen: set[str] = set()  # of bibliography any line, of prose what is long enough
    for unit, key in zip(units, keys, strict=True):
        long = len(key) >= (_SHORTEST_REPEAT if unit.kind in PROSE else 4)
        if not key or unit.kind in ("debris", "reference") or (unit.sort == "heading" and unit.kind in PROSE):
            continue
        if key in seen:
            unit.kind, unit.headings = "repeat", ()
        elif long:
            seen.add(key)
    for unit, key in zip(units, keys, strict=True):
        if unit.kind == "debris" and unit.sort == "short" and key in seen:
            unit.kind = "repeat"


def _parts(text: str, units: Iterable[_Unit], rules: PageRules) -> Iterator[Part]:
    """The units cut at inline headings and before a closing copyright line."""
    for unit in units:
        kind = unit.kind or "body"
        new = unit.sort == "heading" or kind in ("title", "citation")
        words = kind in PROSE or kind == "title" or unit.headings
        language = language_of(unit.text) if words else script_language(unit.text)
        end = unit.end
        tail = (
            rules.tail.search(unit.text, max(0, len(unit.text) - 260)) if kind in PROSE and _signed(unit.text) else None
        )
        if tail and tail.start():
            end = unit.start + len(unit.text[: tail.start()].rstrip())
        headings = [h for h in unit.headings if unit.start + h.start < end]
        cuts = [(0, kind, unit.field, new)] if not headings or headings[0].start else []
        cuts += [(h.start, h.section.kind, h.section.field, True) for h in headings]
        stops = [unit.start + c[0] for c in cuts[1:]] + [end]
        for (at, kind_, field, new_), stop in zip(cuts, stops, strict=True):
            first = unit.start + at
            last = first + len(text[first:stop].rstrip())
            if last > first:
                yield Part(first, last, kind_, language, field, new_)
        if end < unit.end and tail:
            yield Part(unit.start + tail.start(), unit.end, "citation", language)


def _signed(text: str) -> bool:
    return "©" in text or "(c)" in text or "(C)" in text
