"""Words as they are compared: case, spelling, plural, hyphens, Greek letters and possessives folded away.

Both the words of a text and those of a vocabulary go through ``fold``; every folded word knows where it stands in the
original. What is folded into what is data, kg/rules/spelling.toml.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple

from kg.resources import folder

__all__ = ["GLUED", "HYPHEN", "SPACE", "Folded", "fold", "hangul", "spelling", "spelling_version"]

GLUED, SPACE, HYPHEN = 0, 1, 2

_DASH = "\\-\u2010\u2011\u2012\u2013\u2212"
_INSIDE = "\u00ad\u200b\u200c\u200d\u2060\ufeff\u0300-\u036f"  # soft hyphens, zero widths and accents do not end a word
_APOSTROPHE = "'\u2019\u02bc\u00b4`\u2018"
_POSSESSIVE = rf"[{_APOSTROPHE}][sS](?![^\W_])"
_CHUNK = re.compile(rf"[^\W_](?:[^\W_]|[{_INSIDE}])*(?:{_POSSESSIVE})?")
_OWNED = re.compile(rf"{_POSSESSIVE}$")
_GREEK, _HANGUL = "\u0370-\u03ff\u1f00-\u1fff", "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
_PART = re.compile(rf"[{_HANGUL}]+|[{_GREEK}]|\d+|(?:(?![{_HANGUL}{_GREEK}])[^\W\d_]|[{_INSIDE}])+|[^\W_]")
_IS_HANGUL = re.compile(rf"[{_HANGUL}]")
_LOST = re.compile(rf"[{_INSIDE}]")
_MEMORY = 200_000  # words remembered before the memory is emptied


class Folded(NamedTuple):
    """The words of a text in order, as parallel lists: punctuation marks are words of their own.

    ``words`` are folded, ``exact`` keep their case, ``starts`` and ``ends`` are offsets in the text, ``gaps`` say what
    stands before each word: nothing (GLUED), a blank or punctuation (SPACE), or a hyphen (HYPHEN).
    """

    words: list[str]
    exact: list[str]
    starts: list[int]
    ends: list[int]
    gaps: list[int]


_Pieces = tuple[tuple[int, int, str, str, int], ...]  # relative start and end, folded, exact, gap before


def fold(text: str, known: Container[str] = frozenset()) -> Folded:
    """The folded words of ``text``; a hyphenated pair is one word where ``known`` has that ("post-operative")."""
    words: list[str] = []
    exact: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    gaps: list[int] = []
    spelling = _spelling()
    chunks, between = spelling.chunks, spelling.between
    if len(chunks) > _MEMORY:
        chunks.clear()
    if len(between) > _MEMORY:
        between.clear()
    last = 0
    for match in _CHUNK.finditer(text):
        begin, end = match.span()
        raw = match.group()
        if begin - last == 1 and text[last] == " ":
            gap = SPACE
        else:
            stretch = text[last:begin]
            if (known_gap := between.get(stretch)) is None:
                known_gap = between[stretch] = _between(stretch)
            gap, marks = known_gap
            if stretch[:1] == "." and marks and words and len(words[-1]) == 1 and words[-1].isalpha():
                marks = marks[1:]  # "E. coli"
            for at, mark in marks:
                words.append(mark)
                exact.append(mark)
                starts.append(last + at)
                ends.append(last + at + 1)
                gaps.append(SPACE)
        if (pieces := chunks.get(raw)) is None:
            pieces = chunks[raw] = spelling.pieces(raw)
        for from_, to, word, own, before in pieces:
            words.append(word)
            exact.append(own)
            starts.append(begin + from_)
            ends.append(begin + to)
            gaps.append(gap if before < 0 else before)
        if gap == HYPHEN and known and len(pieces) == 1 and len(words) > 1:
            joined = spelling.word(text[starts[-2] : ends[-2]] + text[starts[-1] : ends[-1]])
            if joined in known:
                words[-2:] = [joined]
                exact[-2:] = [exact[-2] + exact[-1]]
                ends[-2:] = [ends[-1]]
                del starts[-1], gaps[-1]
        last = end
    for at, mark in _between(text[last:])[1]:
        words.append(mark)
        exact.append(mark)
        starts.append(last + at)
        ends.append(last + at + 1)
        gaps.append(SPACE)
    return Folded(words, exact, starts, ends, gaps)


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


def _between(stretch: str) -> tuple[int, tuple[tuple[int, str], ...]]:
    """What stands between two words: the kind of gap, and the marks in it with their places."""
    if re.fullmatch(rf"\s?[{_DASH}]\s?", stretch) and not re.fullmatch(r"\s.\s", stretch, re.DOTALL):
        return HYPHEN, ()
    if not stretch or stretch == "\u2019" or stretch == "'":
        return SPACE, ()
    marks = [
        (m.start(), m.group()[0])
        for m in re.finditer(rf"\n\s*\n|(?<=\s)[{_DASH}](?=\s)|[^\w\s{_DASH}{_APOSTROPHE}®™]", stretch)
    ]
    return SPACE, tuple(marks)


@dataclass(frozen=True)
class _Spelling:
    same: dict[str, str]
    same_capitals: dict[str, str]
    respell: tuple[tuple[re.Pattern[str], str], ...]
    plural: tuple[tuple[re.Pattern[str], str], ...]
    singular: frozenset[str]
    names: frozenset[str]
    chunks: dict[str, _Pieces]
    between: dict[str, tuple[int, tuple[tuple[int, str], ...]]]

    def pieces(self, raw: str) -> _Pieces:
        """A run of letters and digits without possessive, cut where the script changes: "CD34" is two words, glued."""
        found = []
        before, last = -1, ""
        for m in _PART.finditer(_OWNED.sub("", raw)):
            part = m.group()
            korean = bool(_IS_HANGUL.match(part))
            if last:
                before = SPACE if korean != bool(_IS_HANGUL.match(last)) else GLUED
            found.append((m.start(), m.end(), self.word(part), _exact(part), before))
            last = part
        return tuple(found)

    def word(self, raw: str) -> str:
        """One word folded."""
        plain = _LOST.sub("", raw)
        if plain in self.same_capitals:
            return self.same_capitals[plain]
        word = unicodedata.normalize("NFKD", plain).casefold()
        word = unicodedata.normalize("NFC", "".join(c for c in word if not unicodedata.combining(c)))
        if len(word) == 1 and unicodedata.name(word, "").startswith("GREEK SMALL LETTER "):
            return unicodedata.name(word).split()[3].casefold().replace("lamda", "lambda")
        word = self.same.get(word, word)
        if len(word) > 4 and word.isascii() and word not in self.singular:
            for pattern, put in self.respell:
                word = pattern.sub(put, word)
            for pattern, put in self.plural:
                changed = pattern.sub(put, word)
                if changed != word:
                    word = changed
                    break
        return word.capitalize() if word in self.names and plain[:1].isupper() else word


def _exact(raw: str) -> str:
    """A word with its case, but for a plural's "s" ("PLFs") and the capital of a plain word; Greek letters by name."""
    word = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", _LOST.sub("", raw)))
    if len(word) == 1 and "GREEK" in unicodedata.name(word, ""):
        return unicodedata.name(word).split()[3].casefold().replace("lamda", "lambda")
    if len(word) > 3 and word.istitle():
        return word.lower()  # "Hyper-CVAD" opens a sentence
    return word[:-1] if len(word) > 2 and word[-1] == "s" and word[:-1].isupper() else word


@cache
def _spelling() -> _Spelling:
    rules = spelling()
    return _Spelling(
        same=rules["same"],
        same_capitals=rules["same_capitals"],
        respell=tuple((re.compile(r["find"]), r["put"]) for r in rules["spelling"]),
        plural=tuple((re.compile(r["find"]), r["put"]) for r in rules["plural"]),
        singular=frozenset(rules["words"]["singular"]),
        names=frozenset(rules["words"]["names"]),
        chunks={},
        between={},
    )
