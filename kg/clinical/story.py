"""The report as a story: its readable sentences, what each speaks about, which patients it tells of, and its tokens.

A patient is known by number, 0 for the first. Where one sentence tells of several patients in turn, ``Sentence.cases``
holds them all and ``Story.cases_at`` says whose a single word is.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from kg.clinical.ages import Age, ages
from kg.clinical.cases import Division, Part, divide, no_case_report
from kg.clinical.roles import SentenceRole, sentence_roles
from kg.clinical.sentences import Token, split_sentences, split_tokens
from kg.model import Block, Document, Span
from kg.resources import folder

__all__ = ["Sentence", "SentenceRole", "Story", "Token", "read_story"]

_ALONE: tuple[tuple[int, ...], ...] = ((), (0,))  # the patients of all words by how many there are
# Blanks, hyphens and apostrophes of fine printing, as a keyboard writes them.
_PLAIN = dict(zip("\u00a0\u2002\u2003\u2007\u2008\u2009\u200a\u202f\u2010\u2011\u2019", "        --'", strict=True))
_DIGIT = re.compile(r"\d")
_READABLE = frozenset({"title", "abstract", "introduction", "case", "discussion", "body"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, ``text[start:end]``: its tokens are ``tokens[first:last]``, its place ``sentences[index]``.

    ``cases`` are the patients it tells of; a sentence that is not of the story or a title gives no facts of any.
    """

    start: int
    end: int
    index: int
    first: int
    last: int
    role: SentenceRole = "story"
    cases: tuple[int, ...] = (0,)
    block: str = "body"

    @property
    def own(self) -> bool:
        """Whether it tells of the report's own patients."""
        return self.role in ("story", "title")


@dataclass(frozen=True)
class Story:
    """A document read: ``lower`` is its text in lower case and plain type at unchanged offsets, ``cases`` the number
    of its patients.

    ``parts`` divide the sentences among several patients; ``ages`` are all ages stated. ``skip`` says why the report
    has no case of its own (then ``cases`` is 0), else None.
    """

    document: Document
    text: str
    lower: str
    sentences: Sequence[Sentence]
    tokens: Sequence[Token]
    parts: Sequence[Part]
    ages: Sequence[Age]
    cases: int = 1
    skip: str | None = None
    starts: Sequence[int] = ()  # of the sentences
    unread: tuple[str, ...] = ()  # languages of blocks that were passed over

    @cached_property
    def words(self) -> Sequence[str]:
        """The tokens in lower case."""
        return [token.text.lower() for token in self.tokens]

    @cached_property
    def word_starts(self) -> Sequence[int]:
        """Where the tokens begin."""
        return [token.start for token in self.tokens]

    @cached_property
    def zeroed(self) -> Sequence[str]:
        """The tokens in lower case, every digit 0."""
        return [word if word.isalpha() else _DIGIT.sub("0", word) for word in self.words]

    @cached_property
    def numbered(self) -> Sequence[str]:
        """The tokens in lower case, every number as ``<n>``."""
        return ["<n>" if word[0].isdigit() else word for word in self.words]

    def of(self, case: int) -> Iterator[Sentence]:
        """The sentences that tell of the patient ``case``, in order."""
        return (s for s in self.sentences if case in s.cases and s.own)

    def tokens_of(self, sentence: Sentence) -> Sequence[Token]:
        """The tokens of one sentence."""
        return self.tokens[sentence.first : sentence.last]

    def sentence_at(self, offset: int) -> Sentence | None:
        """The sentence around ``offset``, None where no readable sentence is."""
        n = bisect_right(self.starts, offset) - 1
        return self.sentences[n] if n >= 0 and offset < self.sentences[n].end else None

    def told_at(self, starts: Iterable[int]) -> int:
        """The first of these offsets; one in a title, which names things ahead of the story, only if all are."""
        return min(starts, key=lambda start: (self._in_title(start), start))

    def _in_title(self, offset: int) -> bool:
        sentence = self.sentence_at(offset)
        return sentence is not None and sentence.role == "title"

    def cases_at(self, offset: int) -> tuple[int, ...]:
        """The patients that the word at ``offset`` tells of."""
        if self.cases < 2:
            return _ALONE[self.cases]
        n = bisect_right(self.parts, offset, key=lambda p: p.start) - 1
        return self.parts[n].cases if n >= 0 else ()


def read_story(document: Document) -> Story:
    """Sentences, roles, patients and tokens of ``document``; only readable blocks give sentences."""
    text = document.text
    lower = _lower(text)
    prose = [b for b in document.blocks or (Block(0, len(text), "body"),) if b.kind in _READABLE]
    blocks = [b for b in prose if _is_read(b)]
    passed = (b.language for b in prose if not _is_read(b) and (b.kind != "title" or not blocks))
    unread = tuple(dict.fromkeys(passed))
    found = [(span, block.kind) for block in blocks for span in split_sentences(text, block.start, block.end)]
    found.sort(key=lambda pair: pair[0].start)
    spans = [span for span, _ in found]
    roles = sentence_roles(lower, spans, [kind for _, kind in found])
    stated = ages(lower)
    division = no_case_report(document.report.publication_types) or divide(lower, spans, roles, stated)
    if unread and not blocks:
        division = Division(0, (), f"not in a language that is read ({', '.join(unread)})")
    total, parts = division.total, division.parts
    sentences: list[Sentence] = []
    tokens: list[Token] = []
    for n, (span, kind) in enumerate(found):
        first = len(tokens)
        tokens += split_tokens(text, span.start, span.end)
        cases = _ALONE[total] if total < 2 else _cases(parts, span)
        sentences.append(Sentence(span.start, span.end, n, first, len(tokens), roles[n], cases, kind))
    starts = [s.start for s in spans]
    return Story(document, text, lower, sentences, tokens, parts, stated, total, division.skip, starts, unread)


def _is_read(block: Block) -> bool:
    return block.language.partition("-")[0] in _languages()


@cache
def _languages() -> frozenset[str]:
    """The languages that are read."""
    rules = tomllib.loads((folder("rules") / "sentences.toml").read_text(encoding="utf-8"))
    return frozenset(rules["languages"]["read"])


def _cases(parts: Sequence[Part], span: Span) -> tuple[int, ...]:
    """The patients of all parts inside a sentence."""
    n = bisect_right(parts, span.start, key=lambda p: p.start) - 1
    cases = parts[n].cases
    while (n := n + 1) < len(parts) and parts[n].start < span.end:
        cases = tuple(sorted({*cases, *parts[n].cases}))
    return cases


def _lower(text: str) -> str:
    """``text`` in lower case and plain type at unchanged offsets: the few letters that would grow stay as they are."""
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(low if len(low := c.lower()) == 1 else c for c in text)
    if not lower.isascii():
        for fine, plain in _PLAIN.items():  # a tenth of the time of str.translate, which looks at each letter
            lower = lower.replace(fine, plain)
    return lower
