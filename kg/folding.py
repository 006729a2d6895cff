"""Words as they are compared: case, spelling, plural, hyphens, Greek letters and possessives folded away.

Both the words of a text and those of a vocabulary are folded; every folded word knows where it stands in the original.
What is folded into what is data, kg/rules/spelling.toml. A text is cut into units, a word or mark with the blanks
before it, and what a unit folds to is remembered: most of the work is then done by C code that looks units up.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2b
from itertools import accumulate, chain, repeat
from types import MappingProxyType
from typing import Any, NamedTuple

from kg.resources import folder

__all__ = ["GLUED", "HYPHEN", "SPACE", "Folded", "Folder", "Word", "hangul", "key", "spelling", "spelling_version"]

GLUED, SPACE, HYPHEN = 0, 1, 2

_DASH = "\\-\u2010\u2011\u2012\u2013\u2212"
_INSIDE = "\u00ad\u200b\u200c\u200d\u2060\ufeff\u0300-\u036f"  # soft hyphens, zero widths and accents do not end a word
_APOSTROPHE = "'\u2019\u02bc\u00b4`\u2018"
_OWNED = rf"[{_APOSTROPHE}][sS](?!\w)"
_WORD = rf"\w+(?:[{_INSIDE}]+\w*)*(?:{_OWNED})?"
# White space and then a letter with its full stop ("E. coli"), a word with all that hangs on it by hyphens, or a mark.
_UNIT = re.compile(rf"\s*+(?:(?<![^\s(])[A-Z]\.(?=\s?\w)|[{_DASH}]?{_WORD}(?:[{_DASH}]\n?{_WORD})*|[^\w\s]|\Z)")
_POSSESSIVE = re.compile(rf"{_OWNED}$")
_CHUNK = re.compile(rf"[^\W_]+(?:[{_INSIDE}]+[^\W_]*)*(?:{_OWNED})?")
_GREEK, _HANGUL = "\u0370-\u03ff\u1f00-\u1fff", "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
_LETTERS = rf"(?:(?![{_HANGUL}{_GREEK}])[^\W\d_])"
_PART = re.compile(rf"(?:[{_HANGUL}]+|[{_GREEK}]|\d+|{_LETTERS}(?:{_LETTERS}|[{_INSIDE}])*|[^\W_])[{_INSIDE}]*")
_IS_HANGUL = re.compile(rf"[{_HANGUL}]")
_LOST = re.compile(rf"[{_INSIDE}]")
_IS_DASH = re.compile(rf"[{_DASH}]")
_NO_MARK = re.compile(rf"[{_APOSTROPHE}{_INSIDE}®™]")
_BLANK_LINE = re.compile(r"\n\s*\n")
_MEMORY = 100_000  # units remembered before the memory is emptied


class Word(NamedTuple):
    """A folded word, or a punctuation mark: ``exact`` keeps the case; ``start``, ``end`` are offsets in its unit.

    ``gap`` says what stands before it: nothing (GLUED), a blank or punctuation (SPACE), or a hyphen (HYPHEN); ``place``
    where in terms it occurs (see ``Folder``).
    """

    folded: str
    exact: str
    start: int
    end: int
    gap: int
    place: int


class Folded:
    """The words of a text in order; ``span(n)`` is where the n-th stands in the text."""

    def __init__(self, units: list[str], groups: list[tuple[Word, ...]]) -> None:
        self.words = list(chain.from_iterable(groups))
        self._units = units
        self._groups = groups

    def span(self, n: int) -> tuple[int, int]:
        """Start and end of the n-th word in the text."""
        word, unit = self.words[n], self.begins[n]
        return unit + word.start, unit + word.end

    @cached_property
    def begins(self) -> list[int]:
        """Where the unit of each word begins in the text."""
        starts = accumulate(map(len, self._units), initial=0)
        return list(chain.from_iterable(map(repeat, starts, map(len, self._groups))))


class Folder(dict[str, tuple[Word, ...]]):
    """Folds texts, and remembers how: unit -> words.

    A hyphenated pair is one word where ``known`` has that ("post-operative"). ``places`` and ``exact_places`` hold a
    number for each word, folded or exact, that the user wants to see again in ``Word.place``, 0 for others.
    """

    def __init__(
        self,
        known: Container[str] = frozenset(),
        places: Mapping[str, int] = MappingProxyType({}),
        exact_places: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self._known = known
        self._places = places
        self._exact_places = exact_places
        self._spelling = _spelling()

    def word(self, raw: str) -> str:
        """One word folded."""
        return self._spelling.word(raw)

    def fold(self, text: str) -> Folded:
        """The words of ``text``."""
        if len(self) > _MEMORY:
            self.clear()
        units = _UNIT.findall(text)
        return Folded(units, list(map(self.__getitem__, units)))

    def __missing__(self, unit: str) -> tuple[Word, ...]:
        plain = unit[1:] if unit[:1] == " " else unit
        found: tuple[Word, ...]
        if plain.isalpha() and plain.isascii():  # most are, and these are quickly done
            start = len(unit) - len(plain)
            found = (self._word(self._spelling.word(plain), _exact(plain), start, len(unit), SPACE),)
        else:
            found = tuple(self._words(unit))
        self[unit] = found
        return found

    def _words(self, unit: str) -> list[Word]:
        """The words and marks of any unit."""
        words: list[Word] = []
        rest = unit.lstrip()
        blank = len(unit) - len(rest)
        if line := _BLANK_LINE.search(unit, 0, blank):
            words.append(self._word("\n", "\n", *line.span(), SPACE))
        gap, last = (HYPHEN if _IS_DASH.match(rest) else SPACE), blank
        for match in _CHUNK.finditer(unit, blank):
            if last > blank:
                gap = HYPHEN if _IS_DASH.match(unit, last) else SPACE
            pieces = self._spelling.pieces(match.group())
            for from_, to, folded, exact, before in pieces:
                start, end = match.start() + from_, match.start() + to
                words.append(self._word(folded, exact, start, end, gap if before < 0 else before))
            if gap == HYPHEN and last > blank and len(pieces) == 1:
                self._join(unit, words)
            last = match.end()
        mark = rest if len(rest) == 1 and last == blank else ""
        if mark and not _NO_MARK.match(mark) and mark != "_" and (blank or not _IS_DASH.match(mark)):
            words.append(self._word(mark, mark, blank, len(unit), SPACE))
        return words

    def _join(self, unit: str, words: list[Word]) -> None:
        """Make one word of the last two if that is known."""
        one, other = words[-2:]
        joined = self._spelling.word(unit[one.start : one.end] + unit[other.start : other.end])
        if joined in self._known:
            words[-2:] = [self._word(joined, one.exact + other.exact, one.start, other.end, one.gap)]

    def _word(self, folded: str, exact: str, start: int, end: int, gap: int) -> Word:
        place = self._places.get(folded, 0) | self._exact_places.get(exact, 0)
        return Word(folded, exact, start, end, gap, place)


def key(words: str) -> str:
    """``words`` folded to one text, equal for all that is compared as equal; Korean ones without blanks."""
    folded = [word.folded for word in _folder().fold(words).words]
    return ("" if any(map(hangul, folded)) else " ").join(folded)


def hangul(word: str) -> bool:
    """Whether a word holds Korean letters."""
    return _IS_HANGUL.search(word) is not None


def spelling() -> dict[str, Any]:
    """kg/rules/spelling.toml."""
    return tomllib.loads((folder("rules") / "spelling.toml").read_text(encoding="utf-8"))


@cache
def spelling_version() -> str:
    """A hash of the rules that folding follows."""
    return blake2b((folder("rules") / "spelling.toml").read_bytes(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class _Spelling:
    same: dict[str, str]
    same_capitals: dict[str, str]
    respell: tuple[tuple[re.Pattern[str], str], ...]
    plural: tuple[tuple[re.Pattern[str], str], ...]
    changes: re.Pattern[str]  # finds what respell or plural would change; most words have nothing of the kind
    singular: frozenset[str]
    memory: dict[str, str]

    def pieces(self, raw: str) -> list[tuple[int, int, str, str, int]]:
        """A run of letters and digits without possessive, cut where the script changes: "CD34" is two words, glued.

        Of each: start, end, folded, exact, gap before (-1 for the first).
        """
        found = []
        before, last = -1, ""
        for m in _PART.finditer(_POSSESSIVE.sub("", raw)):
            part = m.group()
            korean = bool(_IS_HANGUL.match(part))
            if last:
                before = SPACE if korean != bool(_IS_HANGUL.match(last)) else GLUED
            found.append((m.start(), m.end(), self.word(part), _exact(part), before))
            last = part
        return found

    def word(self, raw: str) -> str:
        """One word folded."""
        if (word := self.memory.get(raw)) is None:
            if len(self.memory) > _MEMORY:
                self.memory.clear()
            word = self.memory[raw] = self._fold(raw)
        return word

    def _fold(self, raw: str) -> str:
        plain = raw if raw.isascii() else _LOST.sub("", raw)
        if plain in self.same_capitals:
            return self.same_capitals[plain]
        word = plain.casefold()
        if not plain.isascii():
            word = unicodedata.normalize("NFKD", plain).casefold()
            word = unicodedata.normalize("NFC", "".join(c for c in word if not unicodedata.combining(c)))
        if len(word) == 1 and unicodedata.name(word, "").startswith("GREEK SMALL LETTER "):
            return unicodedata.name(word).split()[3].casefold().replace("lamda", "lambda")
        word = self.same.get(word, word)
        if len(word) > 4 and word.isascii() and word not in self.singular and self.changes.search(word):
            for pattern, put in self.respell:
                word = pattern.sub(put, word)
            for pattern, put in self.plural:
                changed = pattern.sub(put, word)
                if changed != word:
                    word = changed
                    break
        return word


def _exact(raw: str) -> str:
    """A word with its case, but for a plural's "s" ("PLFs") and the capital of a plain word; Greek letters by name."""
    word = raw
    if not raw.isascii():
        word = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", _LOST.sub("", raw)))
    if len(word) == 1 and "GREEK" in unicodedata.name(word, ""):
        return unicodedata.name(word).split()[3].casefold().replace("lamda", "lambda")
    if len(word) > 3 and word.istitle():
        return word.lower()  # "Hyper-CVAD" opens a sentence
    return word[:-1] if len(word) > 2 and word[-1] == "s" and word[:-1].isupper() else word


@cache
def _folder() -> Folder:
    return Folder()


@cache
def _spelling() -> _Spelling:
    rules = spelling()
    return _Spelling(
        same=rules["same"],
        same_capitals=rules["same_capitals"],
        respell=tuple((re.compile(r["find"]), r["put"]) for r in rules["spelling"]),
        plural=tuple((re.compile(r["find"]), r["put"]) for r in rules["plural"]),
        changes=re.compile("|".join(f"(?:{r['find']})" for r in (*rules["spelling"], *rules["plural"]))),
        singular=frozenset(rules["words"]["singular"]),
        memory={},
    )
