"""The report as a story: its readable sentences, what each speaks about, and its tokens.

A patient is known by number, 0 for the first: ``Sentence.cases`` holds the numbers of the patients a sentence tells of,
empty where it tells of none (background, discussion, laboratory, other patients, family).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kg.clinical.sentences import Token, split_sentences, split_tokens
from kg.model import Block, Document

__all__ = ["Sentence", "SentenceRole", "Story", "Token", "read_story"]

SentenceRole = Literal["title", "story", "background", "discussion", "laboratory", "others", "family"]

_READABLE = frozenset({"title", "abstract", "introduction", "case", "discussion", "body"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, ``text[start:end]``: its tokens are ``tokens[first:last]``, its place ``sentences[index]``."""

    start: int
    end: int
    index: int
    first: int
    last: int
    role: SentenceRole = "story"
    cases: tuple[int, ...] = (0,)
    block: str = "body"


@dataclass(frozen=True)
class Story:
    """A document read: ``lower`` is its text in lower case at unchanged offsets, ``cases`` the number of its patients.

    ``skip`` says why the report has no case of its own (then ``cases`` is 0), else None.
    """

    document: Document
    text: str
    lower: str
    sentences: Sequence[Sentence]
    tokens: Sequence[Token]
    cases: int = 1
    skip: str | None = None

    def of(self, case: int) -> Iterator[Sentence]:
        """The sentences that tell of the patient ``case``, in order."""
        return (s for s in self.sentences if case in s.cases)

    def tokens_of(self, sentence: Sentence) -> Sequence[Token]:
        """The tokens of one sentence."""
        return self.tokens[sentence.first : sentence.last]

    def sentence_at(self, offset: int) -> Sentence | None:
        """The sentence around ``offset``, None where no readable sentence is."""
        n = bisect_right(self.sentences, offset, key=lambda s: s.start) - 1
        if n < 0 or offset >= self.sentences[n].end:
            return None
        return self.sentences[n]


def read_story(document: Document) -> Story:
    """Sentences, roles, patients and tokens of ``document``; only readable blocks give sentences."""
    text = document.text
    sentences: list[Sentence] = []
    tokens: list[Token] = []
    for block in document.blocks or (Block(0, len(text), "body"),):
        if block.kind not in _READABLE:
            continue
        for span in split_sentences(text, block.start, block.end):
            found = split_tokens(text, span.start, span.end)
            first = len(tokens)
            tokens += found
            role: SentenceRole = "title" if block.kind == "title" else "story"
            sentences.append(Sentence(span.start, span.end, len(sentences), first, len(tokens), role, (0,), block.kind))
    return Story(document, text, _lower(text), sentences, tokens)


def _lower(text: str) -> str:
    """``text`` in lower case at unchanged offsets: the few letters whose lower case is longer stay as they are."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c if len(c.lower()) != 1 else c.lower() for c in text)
