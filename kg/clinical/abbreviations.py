"""Abbreviations that a document defines for itself: "postoperative liver failure (PLF)".

The method is that of Schwartz and Hearst (2003): a short form in brackets, and before it the shortest stretch of words
that holds its letters in order, the first of them at the beginning of a word; but words that each begin with one of the
letters come first ("proton pump inhibitor (PPI)"). "PLF (postoperative liver failure)" and "백혈병(acute lymphoblastic
leukemia, ALL)" are read too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from kg.model import Span

__all__ = ["Abbreviation", "abbreviations"]

_BRACKETS = re.compile(r"\(([^()\[\]]{2,150})\)|\[([^()\[\]]{2,150})\]")
_SHORT = re.compile(r"(?=.{0,14}[A-Z])(?=[^\W_])[\w+/α-ω.'’-]{2,15}(?: [A-Z0-9][\w-]{0,5})?(?<![.'’-])")
_PIECE = re.compile(r"[^,;=:]+")
_LEADS = re.compile(
    r"\s*(?:(?:also )?(?:termed|called|known as|referred to as|abbreviated(?: as| to)?|hereafter|i\.e\.,?|or) )?"
)
_CAPITALS = re.compile(r"[^\s()]*[A-Z][^\s()]*(?=\s*$)")
_INITIAL = re.compile(r"(?<![^\W_])[^\W_]")
_GREEK = str.maketrans("αβγδεκλμζ", "abgdeklmz")
_BOUNDARY = re.compile(r"[.;:!?()\[\]]\s|\n\s*\n|[()\[\]]")


@dataclass(frozen=True, slots=True)
class Abbreviation:
    """``short`` stands for the words at ``long_span``; ``short_span`` is where the document says so."""

    short: str
    long_span: Span
    short_span: Span


@lru_cache(maxsize=4)  # several ask of one text
def abbreviations(text: str) -> tuple[Abbreviation, ...]:
    """The abbreviations that ``text`` defines, in order; of two definitions of one short form the first counts."""
    found: dict[str, Abbreviation] = {}
    for bracket in _BRACKETS.finditer(text):
        group = 1 if bracket[1] is not None else 2
        start, end = bracket.span(group)
        definition = (
            _inside(text, start, end)
            or _before(text, bracket.start(), start, end)
            or _reversed(text, bracket.start(), start, end)
        )
        if definition:
            found.setdefault(definition.short, definition)
    return tuple(found.values())


def _before(text: str, bracket: int, start: int, end: int) -> Abbreviation | None:
    """ "postoperative liver failure (PLF)", "... (PLF, n = 3)"."""
    piece = _PIECE.match(text, start, end)
    if piece is None:
        return None
    begin = _LEADS.match(text, start, piece.end()).end()  # type: ignore[union-attr]  # it always matches
    short = Span(begin, begin + len(text[begin : piece.end()].rstrip()))
    if not _is_short(text, short):
        return None
    long = _long(text, _sentence(text, bracket), bracket, text[short.start : short.end])
    return Abbreviation(text[short.start : short.end], long, short) if long else None


def _inside(text: str, start: int, end: int) -> Abbreviation | None:
    """ "(acute lymphoblastic leukemia, ALL)", "(acute lymphoblastic leukemia: ALL)"."""
    pieces = list(_PIECE.finditer(text, start, end))
    if len(pieces) != 2:
        return None
    short = _trimmed(text, *pieces[1].span())
    if not _is_short(text, short) or not text[pieces[0].start() : pieces[0].end()].strip():
        return None
    long = _long(text, pieces[0].start(), pieces[0].end(), text[short.start : short.end])
    return Abbreviation(text[short.start : short.end], long, short) if long else None


def _reversed(text: str, bracket: int, start: int, end: int) -> Abbreviation | None:
    """ "PLF (postoperative liver failure)"."""
    before = _CAPITALS.search(text[max(0, bracket - 20) : bracket])
    if before is None:
        return None
    short = _trimmed(text, *(max(0, bracket - 20) + at for at in before.span()))
    long = _trimmed(text, start, end)
    if not _is_short(text, short) or " " not in text[long.start : long.end]:
        return None
    whole = _long(text, long.start, long.end, text[short.start : short.end])
    return Abbreviation(text[short.start : short.end], long, short) if whole == long else None


def _trimmed(text: str, start: int, end: int) -> Span:
    words = text[start:end]
    return Span(start + len(words) - len(words.lstrip()), end - len(words) + len(words.rstrip()))


def _is_short(text: str, span: Span) -> bool:
    return _SHORT.fullmatch(text, span.start, span.end) is not None


def _sentence(text: str, at: int) -> int:
    """Where the words before ``at`` begin that may belong to it: the sentence, at most 200 characters."""
    begin = max(0, at - 200)
    return max((m.end() for m in _BOUNDARY.finditer(text, begin, at)), default=begin)


def _long(text: str, start: int, end: int, short: str) -> Span | None:
    """The shortest stretch of ``text[start:end]`` up to its end that spells ``short``, or None.

    It has at most as many words as the short form has letters plus five, and at most twice as many.
    """
    stretch = text[start:end].rstrip()
    end = start + len(stretch)
    plain = _plain(stretch)
    letters = [c for c in _plain(short) if c.isalnum()]
    if len(short) > 2 and short[-1] == "s" and short[-2].isupper():
        letters.pop()  # "PLFs"
    words = [m.start() for m in _INITIAL.finditer(stretch)][-len(letters) :]
    if [plain[at] for at in words] == letters and len(letters) > 1:
        return Span(start + words[0], end)
    at = len(plain)
    for letter in reversed(letters):
        at = plain.rfind(letter, 0, at)
        if at < 0:
            return None
    while at > 0 and text[start + at - 1].isalnum():  # the first letter begins a word
        at = plain.rfind(letters[0], 0, at)
        if at < 0:
            return None
    if at == 0 and start > 0 and text[start - 1].isalnum():
        return None
    at += start
    long = text[at:end]
    parts = re.split(r"[\s\-\u2010-\u2014]+", long)
    if len(parts) > min(len(letters) + 5, len(letters) * 2) or len(long) <= len(short) or short in parts:
        return None
    return Span(at, end)


def _plain(text: str) -> str:
    """Letters as they are compared, at unchanged places: Greek ones as the Latin ones that their names begin with."""
    plain = text.translate(_GREEK).lower()
    return plain if len(plain) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
