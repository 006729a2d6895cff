"""What a line of a page is, by kg/rules/pages.toml: heading, furniture, bibliography, names, address, prose."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from kg.model import BlockKind
from kg.resources import folder

__all__ = [
    "BLANK",
    "Citation",
    "Furniture",
    "Heading",
    "PageRules",
    "Section",
    "fold",
    "is_note",
    "page_rules",
]

# White space and characters without width: no line begins or ends with one of them.
BLANK = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060"

_HEADING = re.compile(
    r"[#*_\s]*(?:(?:\d{1,2}(?:\.\d{1,2})*|[IVX]{1,4}|[Ⅰ-Ⅵ])[.)]?\s+)?(.{2,60}?)\s*(?:\(\d{1,4}\))?[\s:：.*_#]*"
)
_LEAD = re.compile(
    r"[*_]{0,2}([^\W\d_][^:：.;!?\n]{1,60}?)[*_]{0,2}\s?(?:[:：][*_]{0,2}(?!//)|\.(?=\s)|\s[–—-](?=\s))\s*"
)
_CAPITALS = re.compile(r"([A-Z][A-Z/&, -]{3,40}?)\s+(?=[A-Z][a-z]|A\s)")
_BEGIN = re.compile(r"[\W\d_]*(?:[IVXⅠ-Ⅵ]{1,4}[.)]?\s+)?([^\W\d_]+)")
_FIRST_WORD = re.compile(r"[*_]{0,2}([^\W\d_]+)")
_SENTENCE_BEGIN = re.compile(r"\.[)\]”\"]{0,2}[*_\s]{0,3}([A-Z가-힣][^\W\d_]+)")  # the plain first sign makes it fast
_NUMBERED = re.compile(r"(.+?)\s*(?:no\.?\s*|#\s?)?(?:\d{1,2}|[A-H]|[IVX]{1,4}|one|two|three|four)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NO_LETTER = re.compile(r"[\W_]+")
_SENTENCE = re.compile(r"[^\W\d_]{2}[.!?。][\"')\]”’]*\s+[A-Z\"“(]")
_CLOSE = re.compile(r"(?:[.!?。][\"')\]”’]*)$")
_ITEM = re.compile(r"\s*[,;，；•·、\n]\s*(?:(?:and|&|및)\s+)?|\s+(?:and|&|및)\s+")
_MARKS = re.compile(r"\([\da-z,\s]{1,8}\)|\S+@\S+|[\d*†‡§¶#✉⁰¹²³⁴-⁹^]+|\s[a-h](?=[,;\s]|$)")
_NAME_WORD = re.compile(r"[^\W\d_]+(?:['’.-]+[^\W\d_]*)*")
_NAME_CJK = re.compile(r"[가-힣]{2,4}|[가-힣]{1,2}\s[가-힣]{1,3}|[\u4e00-\u9fff]{2,4}")
_NOTE = re.compile(r"[\d,;*†‡§¶\s–-]{1,24}")
_BEFORE_NOTE = re.compile(r"(?:[^\W\d_]{4,}|[.,;:!?)\]”’\"'])$")  # not "mg/m", "10", "Ca": those take exponents


class Section(NamedTuple):
    """What stands under a heading; the head of pages.toml says what each part means."""

    kind: BlockKind
    reach: str
    field: str
    inline: bool


class Heading(NamedTuple):
    """A heading in a line, ``line[start:end]``; ``alone`` when the line holds nothing else."""

    start: int
    end: int
    section: Section
    alone: bool


class Furniture(NamedTuple):
    """Lines that say nothing about the report, or (kind citation) only when it was handled."""

    pattern: re.Pattern[str]
    longest: int
    bullet: bool
    kind: BlockKind


class Citation(NamedTuple):
    """One way to write bibliography; the named groups are fields."""

    name: str
    pattern: re.Pattern[str]
    anywhere: bool


@dataclass(frozen=True)
class PageRules:
    """pages.toml, compiled."""

    sections: Mapping[str, Section]
    numbered: frozenset[str]
    openers: frozenset[str]
    loose: re.Pattern[str]
    labels: frozenset[str]
    furnitures: tuple[Furniture, ...]
    furnished: re.Pattern[str]  # any of them
    caption: re.Pattern[str]
    institution: re.Pattern[str]
    small: frozenset[str]
    particles: frozenset[str]
    degrees: re.Pattern[str]
    months: Mapping[str, str]
    citations: tuple[Citation, ...]
    cited: re.Pattern[str]  # any of them
    tail: re.Pattern[str]
    telling: re.Pattern[str]

    def section(self, words: str) -> Section | None:
        """The section that ``words`` open when they stand as a heading."""
        key = fold(words)
        if found := self.sections.get(key):
            return found
        m = _NUMBERED.fullmatch(words)
        key = fold(m[1]) if m else ""
        return self.sections[key] if key in self.numbered else None

    def heading(self, line: str) -> Heading | None:
        """The heading that ``line`` is, or that leads it."""
        begin = _BEGIN.match(line)
        if not begin or begin[1].casefold() not in self.openers:
            return None
        if len(line) <= 80 and (m := _HEADING.fullmatch(line)) and (found := self.section(m[1])):
            return Heading(0, len(line), found, True)
        if (m := _LEAD.match(line)) and (found := self.section(m[1])):
            return Heading(0, m.end(), found, m.end() == len(line))
        if m := self.loose.match(line):
            return Heading(0, m.end(), self.sections[fold(m[1])], False)
        return None

    def inline(self, line: str) -> Iterator[Heading]:
        """The headings inside a line of prose, one at its very beginning included, in order."""
        first = _FIRST_WORD.match(line)
        if first and first[1].casefold() in self.openers and (found := self._leading(line, 0)):
            yield found
        for m in _SENTENCE_BEGIN.finditer(line):
            if m[1].casefold() in self.openers and (found := self._leading(line, m.start(1))):
                yield found

    def _leading(self, line: str, at: int) -> Heading | None:
        for pattern in (_LEAD, _CAPITALS):
            if (m := pattern.match(line, at)) and (section := self.section(m[1].strip(" ,"))) and section.inline:
                return Heading(at, m.end(), section, False)
        return None

    def furniture(self, line: str) -> BlockKind | None:
        """``debris`` (or ``citation``) where the whole line is furniture of the site."""
        bare = line.lstrip("•·*– \t")
        if not self.furnished.fullmatch(line) and not self.furnished.fullmatch(bare):
            return None
        for rule in self.furnitures:
            if len(line) <= rule.longest and rule.pattern.fullmatch(bare if rule.bullet else line):
                return rule.kind
        return None

    def is_citation(self, line: str) -> bool:
        """Whether the line begins with a form of bibliography, which makes up most of it where it holds sentences."""
        if len(line) > 900 or not self.cited.match(line):
            return False
        longest = max((m.end() for c in self.citations if (m := c.pattern.match(line))), default=0)
        return longest > 0 and (longest >= 0.6 * len(line) or not self.is_prose(line))

    def names(self, line: str) -> tuple[str, ...]:
        """The people a line lists, as written but for marks and degrees; empty if anything in it is no name."""
        start = line[:80].split(None, 2)
        if len(line) > 3000 or (len(start) > 1 and start[1][0].islower() and start[1] not in self.particles):
            return ()
        bare = self.degrees.sub("", _MARKS.sub(" ", line))
        found = tuple(item for part in _ITEM.split(bare) if (item := " ".join(part.split()).strip(" .")))
        return found if all(map(self._is_name, found)) else ()

    def _is_name(self, item: str) -> bool:
        if _NAME_CJK.fullmatch(item):
            return True
        words = item.replace(".", ". ").split()
        if not 2 <= len(words) <= 6 or len(item) > 60:
            return False
        return all(w in self.particles or (w[0].isupper() and bool(_NAME_WORD.fullmatch(w))) for w in words)

    def is_affiliation(self, line: str) -> bool:
        """Whether the line is an address: an institution in it, hardly a word in lower case."""
        if len(line) > 600 or not self.institution.search(line):
            return False
        words: list[str] = [w for w in _WORD.findall(line) if w.lower() not in self.small]
        return sum(w[0].islower() for w in words) <= 0.2 * len(words)

    def runs(self, line: str) -> bool:
        """Whether a line is running text at first sight, so that nothing else need be tried."""
        closed = len(line) >= 250 or (len(line) >= 60 and line[-1] in ".!?" and line[-2].isalpha())
        return closed and self.telling.search(line) is not None

    def is_prose(self, line: str) -> bool:
        """Whether the line holds sentences."""
        if len(line) >= 250:
            return True
        words = _WORD.findall(line)
        low = sum(not w[0].isupper() for w in words)
        if len(words) < 3 or low < 0.4 * len(words):
            return False
        return bool(_CLOSE.search(line) or _SENTENCE.search(line))


def fold(words: str) -> str:
    """Letters and digits alone, in lower case: what two spellings of one line share."""
    return _NO_LETTER.sub("", words.casefold())


def is_note(raised: str, before: str) -> bool:
    """Whether raised signs are the number of a reference or note, no exponent or charge of what stands ``before``."""
    return bool(_NOTE.fullmatch(raised) and _BEFORE_NOTE.search(before))


@cache
def page_rules() -> PageRules:
    """The rules, read once a process."""
    data = tomllib.loads((folder("rules") / "pages.toml").read_text(encoding="utf-8"))
    sections = {
        fold(words): Section(s["kind"], s["reach"], s.get("field", ""), s.get("inline", False))
        for s in data["section"]
        for words in s["headings"]
    }
    loose = [words for s in data["section"] if s.get("loose") for words in s["headings"]]
    either = "|".join(re.escape(words) for words in sorted(loose, key=len, reverse=True))
    dates = data["dates"]
    months = {name: f"{n:02}" for n, names in enumerate(dates["months"], 1) for name in names}
    date = dates["pattern"].replace("{month}", f"(?i:{'|'.join(sorted(months, key=len, reverse=True))})")

    def dated(pattern: str) -> re.Pattern[str]:
        return _verbose(pattern.replace("{date}", f"(?:{date})").replace("{year}", f"(?:{dates['year']})"))

    furnitures = tuple(
        Furniture(dated(d["pattern"]), d.get("longest", 200), d.get("bullet", False), d.get("kind", "debris"))
        for d in data["debris"]
    )
    citations = tuple(Citation(c["name"], dated(c["pattern"]), c.get("anywhere", False)) for c in data["citation"])
    return PageRules(
        sections=sections,
        numbered=frozenset(fold(w) for s in data["section"] if s.get("numbered") for w in s["headings"]),
        openers=frozenset(m[0].casefold() for s in data["section"] for w in s["headings"] if (m := _WORD.match(w))),
        loose=re.compile(rf"(?i:({either}))\s+(?=[^\Wa-z_])"),
        labels=frozenset(map(fold, data["labels"]["words"])),
        furnitures=furnitures,
        furnished=_any(f.pattern for f in furnitures),
        caption=_verbose(data["caption"]["pattern"]),
        institution=_verbose(data["affiliation"]["words"]),
        small=frozenset(data["affiliation"]["small"]),
        particles=frozenset(data["names"]["particles"]),
        degrees=_verbose(data["names"]["degrees"]),
        months=months,
        citations=citations,
        cited=_any(c.pattern for c in citations),
        tail=_verbose(data["tail"]["pattern"]),
        telling=re.compile(f" (?:{'|'.join(data['prose']['telling'])}) "),
    )


def _verbose(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.VERBOSE)


def _any(patterns: Iterable[re.Pattern[str]]) -> re.Pattern[str]:
    """One pattern that matches where any does, to ask once where mostly none does."""
    either = (re.sub(r"\(\?P<\w+>", "(?:", p.pattern).removeprefix("(?i)") for p in patterns)
    return re.compile("|".join(f"(?:{p})" for p in either), re.VERBOSE | re.IGNORECASE)
