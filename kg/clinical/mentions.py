"""Where a story names conditions, interventions, findings and body sites, and what it asserts of each.

The trained tagger finds conditions and interventions it never saw; the vocabularies find what they have words for, and
ground what the tagger found.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kg.clinical.abbreviations import Abbreviation, abbreviations
from kg.clinical.assertion import assertion_of, scopes
from kg.clinical.lexicon import Match, Matcher
from kg.clinical.naming import modifiers, trimmed
from kg.clinical.story import Story
from kg.clinical.tagging import FLAGS, Tagged, Tagger
from kg.folding import hangul
from kg.model import Assertion

__all__ = ["Mention", "MentionType", "find_mentions", "flags", "ground", "terms", "written_out"]

MentionType = Literal["condition", "intervention", "finding", "site", "outcome"]

_WORD = re.compile(r"[^\W_](?:[\w+-]*[\w+])?")
_TAGGED: tuple[MentionType, ...] = ("condition", "intervention")
_NAMED: tuple[MentionType, ...] = ("finding", "site", "outcome")
_LIKELY = 0.35  # probability from which a token may be part of a mention; what is found too much, classifiers drop
_LEAST = 0.03  # a vocabulary term less likely than this to the tagger is kept only if it is denied or the like
_KOREAN = 0.5  # the probability of a term in Korean words, which the tagger cannot read


@dataclass(frozen=True, slots=True)
class Mention:
    """``text[start:end]`` of sentence number ``sentence`` names something of ``type``.

    ``curies`` are the vocabulary's concepts for it, likeliest first: for all of it if ``exact``, else for its core.
    ``score`` is the tagger's probability. A mention whose assertion is not ``firm`` stands under a cue that authors
    also use for their own diagnosis ("suggestive of"). ``name`` is its text with abbreviations written out.
    """

    start: int
    end: int
    type: MentionType
    curies: tuple[str, ...]
    assertion: Assertion
    score: float
    sentence: int
    name: str
    firm: bool = True
    exact: bool = False


def find_mentions(story: Story, matcher: Matcher, tagger: Tagger) -> tuple[list[Mention], list[float]]:
    """All mentions in readable sentences, in order of the text; and how likely each token tells of an outcome."""
    if not story.tokens:
        return [], []
    matches = terms(story, matcher)
    chances = tagger.probabilities(story, flags(story, matches))
    spans: list[tuple[int, int, MentionType, float, tuple[str, ...], bool]] = []
    for kind in _TAGGED:
        own = tagger.decode(story, chances, kind, _LIKELY)
        inside = (1 - chances[:, tagger.types.index(kind), 0]).tolist()
        spans += _tagged(story, own, matches[kind], matches["site"], kind)
        spans += _terms_only(story, own, matches[kind], kind, inside)
    for kind in _NAMED:
        spans += [(m.start, m.end, kind, 1.0, m.curies, True) for m in matches[kind]]
    spans.sort(key=lambda span: span[:3])
    said = scopes(story)
    short = {a.short: a for a in abbreviations(story.text)}
    found = []
    for start, end, type_, score, curies, exact in spans:
        sentence = story.sentence_at(start)
        if sentence is None or end > sentence.end:
            continue
        assertion, firm = assertion_of(start, end, said)
        if score < _LEAST and (assertion == "present" or not firm):
            continue
        name = written_out(story, start, end, short) if short else story.text[start:end]
        if len(name) == 1 and not hangul(name):  # a letter or number alone names nothing
            continue
        found.append(Mention(start, end, type_, curies, assertion, score, sentence.index, name, firm, exact))
    told: list[float] = (1 - chances[:, tagger.types.index("outcome"), 0]).tolist()
    return found, told


def terms(story: Story, matcher: Matcher) -> dict[str, list[Match]]:
    """The terms of the vocabularies in a story by their type; a term may be of several."""
    concepts = matcher.concepts
    found: dict[str, list[Match]] = {type_: [] for type_, _ in FLAGS}
    for match in matcher.find(story.text):
        by_type: dict[str, list[str]] = {}
        for curie in match.curies:
            by_type.setdefault(concepts[curie].type, []).append(curie)
        for type_, same in by_type.items():
            found[type_].append(Match(match.start, match.end, tuple(same)))
    return found


def flags(story: Story, found: Mapping[str, Sequence[Match]]) -> list[int]:
    """For each token, the bits of FLAGS: of what type of term it is the beginning or another part."""
    tokens = story.tokens
    bits = [0] * len(tokens)
    for number in range(0, len(FLAGS), 2):
        at = 0
        for match in found[FLAGS[number][0]]:
            at = bisect_left(story.word_starts, match.start, at)
            n = at
            while n < len(tokens) and tokens[n].start < match.end:
                bits[n] |= 1 << (number if n == at else number + 1)
                n += 1
    return bits


def written_out(story: Story, start: int, end: int, short: Mapping[str, Abbreviation]) -> str:
    """The text of a mention with each abbreviation replaced by what it stands for, or left out beside that."""
    text = story.text
    parts = []
    at = start
    for m in _WORD.finditer(text, start, end):
        known = short.get(m[0]) or (short.get(m[0][:-1]) if m[0].endswith("s") else None)
        if known:
            long = known.long_span
            beside = start <= long.start and m.start() <= known.short_span.end
            parts.append(text[at : m.start()] + ("" if beside else text[long.start : long.end]))
            at = m.end()
    name = "".join([*parts, text[at:end]]).replace("()", "")
    return name if name.strip() else text[start:end]  # a short form alone, before the words that define it


def ground(story: Story, start: int, end: int, matches: Sequence[Match]) -> tuple[int, int, tuple[str, ...], bool]:
    """What the words ``start:end`` name, by the terms that overlap them; widened to a term around or before them.

    The last value says whether the concepts stand for all of the words, not only for their core.
    """
    around = next((m for m in matches if m.start <= start and m.end >= end), None)
    if around:
        return around.start, around.end, around.curies, True
    inside = [m for m in matches if m.end <= end]
    start = min([start, *(m.start for m in inside)])  # "isolated" of "isolated relapse in the knee"
    core = max(inside, key=lambda m: (m.end - m.start, -m.start), default=None)
    exact = core is not None and core.end == end and _all_modifiers(story.lower[start : core.start])
    return start, end, core.curies if core else (), exact


def _tagged(
    story: Story, tags: Sequence[Tagged], matches: Sequence[Match], places: Sequence[Match], kind: MentionType
) -> list[tuple[int, int, MentionType, float, tuple[str, ...], bool]]:
    """What the tagger found, grounded by the terms in it, widened to a term around it or the place it breaks off in."""
    spans: list[tuple[int, int, MentionType, float, tuple[str, ...], bool]] = []
    starts, ends = [m.start for m in matches], [m.end for m in places]
    tokens = story.tokens
    for tag in tags:
        first_token, last_token = trimmed(tokens, tag.first, tag.last)
        if first_token == last_token:
            continue
        start, end = tokens[first_token].start, tokens[last_token - 1].end
        if hangul(story.text[start:end]):
            continue
        cut = bisect_left(ends, end)
        if cut < len(places) and start < places[cut].start < end:
            end = max(end, places[cut].end)
        first = max(0, bisect_right(starts, start) - 1)
        inside = [m for m in matches[first : bisect_left(starts, end)] if m.end > start]
        start, end, curies, exact = ground(story, start, end, inside)
        spans.append((start, end, kind, tag.score, curies, exact))
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
        first = bisect_left(story.word_starts, match.start)
        last = bisect_left(story.word_starts, match.end, first)
        score = _KOREAN if hangul(story.text[match.start : match.end]) else max(chances[first:last], default=0.0)
        spans.append((match.start, match.end, kind, score, match.curies, True))
    return spans
