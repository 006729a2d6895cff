"""Sentences with the conditions and interventions marked in them: what outcomes and links are judged by."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from kg.clinical.story import Sentence, Story, Token
from kg.model import Condition, Intervention

__all__ = ["Mark", "Marked", "mark"]


class Mark(NamedTuple):
    """One mention of an entity: ``kind`` C or I, ``item`` the entity's place in its list, ``sort`` its role or kind."""

    start: int
    end: int
    kind: str
    item: int
    sort: str


class Marked(NamedTuple):
    """One sentence of a case: its tokens in lower case, and for each the kind of entity it belongs to ("" for none).

    ``parts`` is the sentence with every mention as one part ``<C>`` or ``<I>`` and every number as ``<n>``;
    ``place[t]`` says which part the token ``t`` went into.
    """

    sentence: Sentence
    tokens: Sequence[Token]
    words: Sequence[str]
    tags: Sequence[str]
    marks: Sequence[Mark]
    parts: Sequence[str]
    place: Sequence[int]


def mark(
    story: Story,
    case: int,
    conditions: Sequence[Condition],
    interventions: Sequence[Intervention],
    keep: Container[str] = (),
) -> Iterator[Marked]:
    """The sentences of ``case`` in order, with the mentions of its entities; in ``parts`` the words ``keep`` stay."""
    marks = sorted(_marks(conditions, interventions))
    starts = [m.start for m in marks]
    for sentence in story.of(case):
        inside = marks[bisect_left(starts, sentence.start) : bisect_left(starts, sentence.end)]
        tokens, words = story.tokens_of(sentence), story.words[sentence.first : sentence.last]
        tags = [""] * len(tokens)
        parts = story.numbered[sentence.first : sentence.last]
        place: Sequence[int] = range(len(parts))
        if inside:
            for m in inside:
                first = bisect_left(story.word_starts, m.start, sentence.first, sentence.last)
                last = bisect_left(story.word_starts, m.end, first, sentence.last)
                for n in range(first - sentence.first, last - sentence.first):
                    if tags[n] != "I":
                        tags[n] = m.kind
            parts, place = _parts(parts, words, tags, keep)
        yield Marked(sentence, tokens, words, tags, inside, parts, place)


def _marks(conditions: Sequence[Condition], interventions: Sequence[Intervention]) -> Iterator[Mark]:
    for n, condition in enumerate(conditions):
        yield Mark(condition.start, condition.end, "C", n, condition.role)
        for span in condition.mentions:
            yield Mark(span.start, span.end, "C", n, condition.role)
    for n, intervention in enumerate(interventions):
        yield Mark(intervention.start, intervention.end, "I", n, intervention.kind)
        for span in intervention.mentions:
            yield Mark(span.start, span.end, "I", n, intervention.kind)


def _parts(
    numbered: Sequence[str], words: Sequence[str], tags: Sequence[str], keep: Container[str]
) -> tuple[list[str], list[int]]:
    parts: list[str] = []
    place: list[int] = []
    before = ""
    for part, word, tag in zip(numbered, words, tags, strict=True):
        if not tag or word in keep:
            parts.append(part)
        elif tag != before or parts[-1] != f"<{tag}>":
            parts.append(f"<{tag}>")
        before = tag
        place.append(len(parts) - 1)
    return parts, place
