"""Puts a document together from the paragraphs of a structured format: title, abstract, sections, captions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

from kg.errors import SourceError
from kg.model import Block, BlockKind, Document, Report
from kg.resources import folder
from kg.sources._languages import language_of, script_language
from kg.sources._layout import PROSE, languages_of
from kg.sources._pages import BLANK, page_rules

__all__ = ["Composer", "format_words", "is_halved", "language_tag"]

_LONGEST_GAP = 64
_SPACES = re.compile(r"\s+")
_SURROGATE = re.compile("[\\ud800-\\udfff]")


class Composer:
    """Grows a text paragraph by paragraph; every paragraph is a block, cut at the headings inside it."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._pieces: list[str] = []
        self._size = 0
        self._asked: BlockKind = "title"
        self._within: BlockKind = "title"

    def add(self, words: str, kind: BlockKind, language: str = "", place: str = "") -> None:
        """Adds a paragraph, its white space evened; ``place`` says where in the source it stands."""
        words = _SPACES.sub(" ", words).strip(BLANK)
        if words:
            self.push(("\n\n" if self._pieces else "") + words, kind, language, place)

    def push(self, words: str, kind: BlockKind, language: str = "", place: str = "") -> None:
        """Adds words just as they are, with nothing before them; what is not blank is a block."""
        bare = words.strip(BLANK)
        start = self._size + (words.index(bare[0]) if bare else 0)
        self._pieces.append(words)
        self._size += len(words)
        cuts = [(0, self._continued(kind))]
        if kind in PROSE:
            cuts += [(h.start, h.section.kind) for h in page_rules().inline(bare) if h.section.kind in PROSE]
            self._within = cuts[-1][1]
        stops = [at for at, _ in cuts[1:]] + [len(bare)]
        for (at, sort), stop in zip(cuts, stops, strict=True):
            if stop > at:
                words = bare[at:stop]
                tag = language_of(words, language) if sort in PROSE else language or script_language(words)
                self.blocks.append(Block(start + at, start + len(bare[:stop].rstrip()), sort, tag, place))

    def pad_to(self, offset: int) -> bool:
        """Fills up with blanks so that the next words begin at ``offset``; False where they cannot."""
        missing = offset - self._size
        if 0 < missing <= _LONGEST_GAP:
            self._pieces.append("\n" + " " * (missing - 1))
            self._size = offset
        return self._size == offset

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._pieces)

    def document(self, name: str, source: str, fields: Mapping[str, Any]) -> Document:
        """The document, with ``fields`` of its bibliography by the names of ``Report``.

        SourceError, which does not say where, if anything in it is no whole character.
        """
        given = {key: value for key, value in fields.items() if value}
        if "language" not in given:
            given["language"] = languages_of(self.blocks)
        if is_halved((name, self.text, given)):
            raise SourceError("holds half a character (a lone surrogate); write it as UTF-8")
        return Document(name, self.text, Report(**given), tuple(self.blocks), source)

    def _continued(self, kind: BlockKind) -> BlockKind:
        """Body text goes on as what the last heading inside it said."""
        if kind != self._asked or kind != "body":
            self._within = self._asked = kind
        return self._within


def is_halved(value: object) -> bool:
    """Whether a string in ``value`` holds a lone surrogate: JSON can write it; in tables, a byte not UTF-8."""
    if isinstance(value, str):
        return not value.isascii() and _SURROGATE.search(value) is not None
    if isinstance(value, Mapping):
        return any(map(is_halved, value)) or any(map(is_halved, value.values()))
    return isinstance(value, list | tuple) and any(map(is_halved, value))


@cache
def format_words(name: str) -> Mapping[str, Any]:
    """One table of kg/rules/formats.toml."""
    table: Mapping[str, Any] = tomllib.loads((folder("rules") / "formats.toml").read_text(encoding="utf-8"))[name]
    return table


def language_tag(code: str) -> str:
    """The BCP 47 tag of a language code or name as formats write it; empty where it says nothing."""
    code = code.strip().lower()
    if len(code) == 2 or (len(code) > 3 and code[2] in "-_"):
        return code[:2]
    return str(format_words("languages").get(code, ""))
