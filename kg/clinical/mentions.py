"""Where a story names conditions, interventions, findings and body sites, and what it asserts of each.

The trained tagger finds conditions and interventions it never saw; the vocabularies find what they have words for, and
ground what the tagger found.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kg.clinical.assertion import assertion_of, scopes
from kg.clinical.lexicon import Match, Matcher
from kg.clinical.naming import modifiers
from kg.clinical.story import Story
from kg.clinical.tagging import Tagged, Tagger
from kg.model import Assertion

__all__ = ["Mention", "MentionType", "find_mentions"]

MentionType = Literal["condition", "intervention", "finding", "site"]

_TAGGED: tuple[MentionType, ...] = ("condition", "intervention")
_NAMED: tuple[MentionType, ...] = ("finding", "site")
_OUTSIDE = 0.45  # weight of "no entity" against an entity: what is found too much, the classifiers of entities drop
_LEAST = (
    0.04  # a vocabulary term that the tagger thinks less likely than this is no mention of a condition or treatment
)


@dataclass(frozen=True, slots=True)
class Mention:
    """``text[start:end]`` of sentence number ``sentence`` names something of ``type``.

    ``curies`` are the vocabulary's concepts for it, likeliest first: for all of it if ``exact``, else for its core.
    ``score`` is the tagger's probability. A mention whose assertion is not ``firm`` stands under a cue that authors also
    use for their own diagnosis ("suggestive of").
    """

    start: int
    end: int
    type: MentionType
    curies: tuple[str, ...]
    assertion: Assertion
    score: float
    sentence: int
    firm: bool = True
    exact: bool = False


def find_mentions(story: Story, matcher: Matcher, tagger: Tagger) -> list[Mention]:
    """All mentions in readable sentences, in order of the text."""
    if not story.tokens:
        return []
    concepts = matcher.concepts
    matches: dict[str, list[Match]] = {kind: [] for kind in (*_TAGGED, *_NAMED)}
    for match in matcher.find(story.text):
        by_type: dict[str, list[str]] = {}
        for curie in match.curies:
            by_type.setdefault(concepts[curie].type, []).append(curie)
        for type_, same in by_type.items():
            if type_ in matches:
                matches[type_].append(Match(match.start, match.end, tuple(same)))
    chances = tagger.probabilities(story)
    spans: list[tuple[int, int, MentionType, float, tuple[str, ...], bool]] = []
    tags = tagger.decode(story, chances, _OUTSIDE)
    for kind in _TAGGED:
        own = [t for t in tags if t.type == kind]
        spans += _tagged(story, own, matches[kind], kind)
        spans += _terms_only(story, own, matches[kind], kind, tagger.chance(chances, kind))
    for kind in _NAMED:
        spans += [(m.start, m.end, kind, 1.0, m.curies, True) for m in matches[kind]]
    spans.sort(key=lambda span: span[:3])
    said = scopes(story)
    found = []
    for start, end, type_, score, curies, exact in spans:
        sentence = story.sentence_at(start)
        if sentence is None or end > sentence.end:
            continue
        assertion, firm = assertion_of(start, end, said)
        found.append(Mention(start, end, type_, curies, assertion, score, sentence.index, firm, exact))
    return found


def _tagged(
    story: Story, tags: Sequence[Tagged], matches: Sequence[Match], kind: MentionType
) -> list[tuple[int, int, MentionType, float, tuple[str, ...], bool]]:
    """What the tagger found, grounded by the terms in it and widened to a term around it."""
    spans: list[tuple[int, int, MentionType, float, tuple[str, ...], bool]] = []
    starts = [m.start for m in matches]
    tokens = story.tokens
    for tag in tags:
        start, end = tokens[tag.first].start, tokens[tag.last - 1].end
        first = max(0, bisect_right(starts, start) - 1)
        inside = [m for m in matches[first : bisect_left(starts, end)] if m.end > start]
        around = next((m for m in inside if m.start <= start and m.end >= end), None)
        if around:
            spans.append((around.start, around.end, kind, tag.score, around.curies, True))
            continue
        inside = [m for m in inside if m.start >= start and m.end <= end]
        core = max(inside, key=lambda m: (m.end - m.start, -m.start), default=None)
        exact = core is not None and core.end == end and _all_modifiers(story.lower[start : core.start])
        spans.append((start, end, kind, tag.score, core.curies if core else (), exact))
    return spans


def _all_modifiers(words: str) -> bool:
    """Whether only words that make no other entity stand before a term."""
    return all(word in modifiers() for word in words.replace("-", " ").split())


def _terms_only(
    story: Story, tags: Sequence[Tagged], matches: Sequence[Match], kind: MentionType, chances: Sequence[float]
) -> list[tuple[int, int, MentionType, float, tuple[str, ...], bool]]:
    """Terms of the vocabulary where the tagger found nothing of this kind but does not rule it out."""
    tokens = story.tokens
    taken = [(tokens[t.first].start, tokens[t.last - 1].end) for t in tags]
    spans: list[tuple[int, int, MentionType, float, tuple[str, ...], bool]] = []
    n = 0
    for match in matches:
        while n < len(taken) and taken[n][1] <= match.start:
            n += 1
        if n < len(taken) and taken[n][0] < match.end:
            continue
        first = bisect_left(tokens, match.start, key=lambda t: t.start)
        last = bisect_left(tokens, match.end, key=lambda t: t.start)
        spans.append((match.start, match.end, kind, max(chances[first:last], default=0.0), match.curies, True))
    return spans
