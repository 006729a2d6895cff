"""Finds a quote in a text: as it stands, else folded (white space, Unicode, case), else with a few letters wrong.

What is found is a place in the text; the quote's own wording is not used any further.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from kg.folding import hangul
from kg.model import Span

__all__ = ["find_quote"]

_LONGEST = 300  # characters: what is longer names nothing
_LEAST = 5  # letters from which case is folded: "ALL" is not "all"
_PER_ERROR = 10  # characters of a quote for each letter that may be wrong
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_APOSTROPHES = str.maketrans("\u2018\u2019\u02bc\u00b4`\u201c\u201d", "'''''\"\"")
_NUMBER = re.compile(r"\d+")


class _Folded(NamedTuple):
    """Folded text and, for each of its characters, the place of the one it comes from."""

    text: str
    places: tuple[int, ...]


def find_quote(text: str, quote: str, within: Span, near: Span | None = None) -> Span | None:
    """Where ``quote`` stands in ``text[within.start:within.end]``, best inside ``near`` or closest to it; else None."""
    quote = quote.strip().strip('"\u201c\u201d')
    if not quote or len(quote) > _LONGEST or not any(map(str.isalnum, quote)):
        return None
    places = [within] if near is None else [near, within]
    aim = near.start if near else within.start
    for place in places:
        for all_found in (_exact(text, quote, place), _alike(text, quote, place, fold_case=False)):
            if best := min(all_found, key=lambda s: abs(s.start - aim), default=None):
                return best
    if sum(map(str.isalpha, quote)) >= _LEAST:
        for place in places:
            if best := min(_alike(text, quote, place, fold_case=True), key=lambda s: abs(s.start - aim), default=None):
                return best
    return next((found for place in places if (found := _nearly(text, quote, place))), None)


def _exact(text: str, quote: str, place: Span) -> Iterator[Span]:
    at = text.find(quote, place.start, place.end)
    while at >= 0:
        if _whole(text, at, at + len(quote)):
            yield Span(at, at + len(quote))
        at = text.find(quote, at + 1, place.end)


def _alike(text: str, quote: str, place: Span, *, fold_case: bool) -> Iterator[Span]:
    folded, sought = _fold(text[place.start : place.end], fold_case), _fold(quote, fold_case).text.strip()
    at = folded.text.find(sought) if sought else -1
    while at >= 0:
        found = _span(text, folded, place.start, at, at + len(sought))
        if _whole(text, found.start, found.end):
            yield found
        at = folded.text.find(sought, at + 1)


def _nearly(text: str, quote: str, place: Span) -> Span | None:
    """The place that differs least, by at most a letter in ten; numbers must be the same."""
    folded, sought = _fold(text[place.start : place.end], True), _fold(quote, True).text.strip()
    errors = len(sought) // _PER_ERROR
    if not errors or not folded.text:
        return None
    distances = _ends(folded.text, sought)
    for end in np.argsort(distances, kind="stable")[:8].tolist():
        if distances[end] > errors:
            break
        first = max(0, end - len(sought) - errors)
        backwards = _ends(folded.text[first:end][::-1], sought[::-1])
        start = end - int(np.argmin(backwards))
        if start >= end:
            continue
        found = _span(text, folded, place.start, start, end)
        same = _NUMBER.findall(text[found.start : found.end]) == _NUMBER.findall(quote)
        if same and _whole(text, found.start, found.end):
            return found
    return None


def _ends(text: str, sought: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """For each end 0 to len(text): how many letters differ in the part of ``text`` up to there that is most alike.

    Sellers' algorithm, a row of its table at a time.
    """
    letters = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    steps = np.arange(len(text) + 1)
    row = np.zeros(len(text) + 1, dtype=np.int64)
    for n, letter in enumerate(sought, 1):
        other = np.empty_like(row)
        other[0] = n
        other[1:] = np.minimum(row[:-1] + (letters != ord(letter)), row[1:] + 1)
        row = np.minimum.accumulate(other - steps) + steps
    return row


def _whole(text: str, start: int, end: int) -> bool:
    """Whether no word is cut at either side; particles may follow a Korean word."""

    def cut(left: str, right: str) -> bool:
        return left.isalnum() and right.isalnum() and not hangul(left + right)

    return not cut(text[max(start - 1, 0) : start], text[start : start + 1]) and not cut(
        text[end - 1 : end], text[end : end + 1]
    )


def _span(text: str, folded: _Folded, offset: int, start: int, end: int) -> Span:
    """The place in the text of ``folded.text[start:end]``, with the accents that follow its last letter."""
    first, last = offset + folded.places[start], offset + folded.places[end - 1] + 1
    while last < len(text) and unicodedata.combining(text[last]):
        last += 1
    return Span(first, last)


@lru_cache(16)  # all quotes of one reply are sought in one window
def _fold(text: str, fold_case: bool) -> _Folded:
    letters: list[str] = []
    places: list[int] = []
    for n, char in enumerate(text):
        if _INVISIBLE.match(char):
            continue
        if char.isascii():
            plain = char
        else:
            plain = _DASHES.sub("-", char.translate(_APOSTROPHES))
            plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
        for c in plain.casefold() if fold_case else plain:
            if c.isspace():
                if letters and letters[-1] == " ":
                    continue
                c = " "
            letters.append(c)
            places.append(n)
    return _Folded("".join(letters), tuple(places))
