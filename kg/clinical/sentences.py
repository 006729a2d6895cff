"""Splits text into sentences and tokens, with exact offsets and by regular expressions alone."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from typing import NamedTuple

from kg.model import Span
from kg.resources import folder

__all__ = ["Token", "split_sentences", "split_tokens"]


class Token(NamedTuple):
    """A word, number or single punctuation mark: ``text == document.text[start:end]``."""

    start: int
    end: int
    text: str


class _Words(NamedTuple):
    abbreviations: frozenset[str]
    before_numbers: frozenset[str]
    openers: frozenset[str]


# Numbers keep their decimal point and thousands comma; hyphens stand alone, so "13-year-old" is five tokens.
_TOKEN = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+|\S")
_STOP = re.compile(r"[.!?\n]")
_SPACED = re.compile(r"[.!?]*[\"')\]”’]*(\s+)(?=[^\Wa-z_]|[\"'(\[“‘<>≥])")
_LAST_WORD = re.compile(r"[^\s(\[\"']+$")
_LONG_WORD = re.compile(r"\s[A-Za-z][a-z]{3,}$")
_OPENER = re.compile(r"[A-Z][a-z]*(?=\s)")


def split_tokens(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """The tokens of ``text[start:end]`` in order; offsets count from the beginning of ``text``."""
    stop = len(text) if end is None else end
    new = tuple.__new__  # half the time of calling Token, and this is the hottest line of reading
    return [new(Token, (m.start(), m.end(), m[0])) for m in _TOKEN.finditer(text, start, stop)]


def split_sentences(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """The sentences of ``text[start:end]`` without surrounding white space, in order."""
    stop = len(text) if end is None else end
    spans: list[Span] = []
    first = start
    for m in _STOP.finditer(text, start, stop):
        at = m.start()
        if at < first:
            continue
        after = _line_end(text, at, stop) if m[0] == "\n" else _stop_end(text, first, at, stop)
        if after:
            _add(spans, text, first, after)
            first = after
    _add(spans, text, first, stop)
    return spans


def _add(spans: list[Span], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    if bare := piece.strip():
        left = start + len(piece) - len(piece.lstrip())
        spans.append(Span(left, left + len(bare)))


def _line_end(text: str, at: int, stop: int) -> int | None:
    """Where the next sentence may begin when the line break at ``at`` ends one, else None.

    An empty line always does; a single line break does not when the next line runs on in lower case.
    """
    after = at + 1
    while after < stop and text[after].isspace():
        after += 1
    runs_on = after < stop and text[after].islower() and text.count("\n", at, after) == 1
    return None if runs_on else after


def _stop_end(text: str, first: int, at: int, stop: int) -> int | None:
    """Where the next sentence may begin when the mark ``.!?`` at ``at`` ends the one from ``first``, else None."""
    m = _SPACED.match(text, at, stop)
    words = _words()
    if not m:
        opener = _OPENER.match(text, at + 1, stop)
        if not opener or not text[at - 1].islower():
            return None
        plain = len(opener[0]) > 3 and _LONG_WORD.search(text, max(first, at - 16), at)
        return at + 1 if plain or opener[0] in words.openers else None
    if text[at] != "." or m.end() >= stop:
        return m.end()
    last = _LAST_WORD.search(text, max(first, at - 24), at)
    if not last:
        return m.end()
    word = last[0].lower()
    if word in words.abbreviations or (
        word in words.before_numbers and (text[m.end()].isdigit() or text[m.end()] in "([")
    ):
        return None
    if len(word) == 1 and last[0].isupper():
        # "cyclosporin A. The" ends a sentence; the initials of "John A. Smith" and a leading "A. Smith" do not.
        before = text[max(first, last.start() - 24) : last.start()].split()
        return m.end() if before and before[-1][0].islower() else None
    return m.end()


@cache
def _words() -> _Words:
    split = tomllib.loads((folder("rules") / "sentences.toml").read_text(encoding="utf-8"))["split"]
    return _Words(*(frozenset(split[field]) for field in _Words._fields))
