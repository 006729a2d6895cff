"""Cases made of what a model said: only what its quotes show in the text, with concepts of the vocabularies.

Patients with age and sex, sites, doses, lengths of time and findings are read by the program; the model adds
conditions, treatments, outcomes and the links between them. What the words deny is never present.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from kg.clinical.abbreviations import abbreviations
from kg.clinical.assertion import assertion_of, scopes
from kg.clinical.conditions import condition
from kg.clinical.durations import lengths
from kg.clinical.entities import Entity, entities, told_at
from kg.clinical.findings import find_findings
from kg.clinical.interventions import intervention
from kg.clinical.lexicon import Matcher
from kg.clinical.mentions import Mention, MentionType, ground, terms, written_out
from kg.clinical.naming import named, plain
from kg.clinical.patients import patients
from kg.clinical.story import Story
from kg.folding import key
from kg.llm.quotes import find_quote
from kg.llm.windows import Stretch
from kg.model import (
    ASSERTIONS,
    CATEGORIES,
    DURATION_TYPES,
    KINDS,
    ROLES,
    Assertion,
    Case,
    Intervention,
    Outcome,
    Patient,
    Span,
)

__all__ = ["cases"]

_CODES = {
    "conditions": {"role": ROLES, "assertion": ASSERTIONS},
    "interventions": {"kind": KINDS, "assertion": ASSERTIONS},
    "outcomes": {"category": CATEGORIES, "assertion": ASSERTIONS},
}
_PRESET = {"assertion": "present", "patient": 1}  # what may be left out
_MOST = 300  # facts of one kind in one window: no text has more


@dataclass(frozen=True, eq=False, slots=True)
class _Fact:
    """One fact whose quote was found: the number of its window, what the model said, where the quote stands."""

    window: int
    item: Mapping[str, Any]
    span: Span
    assertion: Assertion

    @property
    def key(self) -> tuple[int, str]:
        """What links of the same window name it by."""
        return self.window, self.item["id"]


def cases(
    story: Story, matcher: Matcher, told: Sequence[tuple[Stretch, Mapping[str, Any] | None]]
) -> tuple[tuple[Case, ...], list[int]]:
    """A case for each patient of the story from the replies to its windows, and how much of each was dropped."""
    reader = _Reader(story, matcher, len(told))
    for number, (window, reply) in enumerate(told):
        if reply is not None:
            reader.take(number, window, reply)
    return tuple(reader.case(n, patient) for n, patient in enumerate(patients(story))), reader.dropped


class _Reader:
    """Takes what holds of the replies, then makes cases of it."""

    def __init__(self, story: Story, matcher: Matcher, windows: int) -> None:
        self.story, self.concepts, self.matcher = story, matcher.concepts, matcher
        self.terms, self.scopes = terms(story, matcher), scopes(story)
        self.short = {a.short: a for a in abbreviations(story.text)}
        self.places = self.named("site")
        self.dropped = [0] * windows
        self.facts: dict[str, list[_Fact]] = {kind: [] for kind in _CODES}

    # --- what holds -------------------------------------------------------------------------------------------------

    def take(self, number: int, window: Stretch, reply: Mapping[str, Any]) -> None:
        """Take the facts of a reply whose codes are known and whose quotes stand in the window; count the others."""
        ids: set[str] = set()
        for kind, codes in _CODES.items():
            items = reply.get(kind, [])
            for item in items[:_MOST] if isinstance(items, list) else ():
                fact = self.fact(number, window, item, codes)
                if fact is None or fact.item["id"] in ids:
                    self.dropped[number] += 1
                else:
                    ids.add(fact.item["id"])
                    self.facts[kind].append(fact)
            self.dropped[number] += max(len(items) - _MOST, 0) if isinstance(items, list) else 1

    def fact(self, number: int, window: Stretch, item: Any, codes: Mapping[str, Sequence[str]]) -> _Fact | None:
        if not isinstance(item, dict):
            return None
        item = {**_PRESET, **{k: v for k, v in item.items() if v is not None}}
        if not all(isinstance(item.get(name), str) for name in ("id", "quote", *codes)):
            return None
        if not all(item[name] in known for name, known in codes.items()):
            return None
        if type(item["patient"]) is not int or not 1 <= item["patient"] <= self.story.cases:
            return None
        hint = item.get("sentence")
        near = window.lines[hint - 1] if type(hint) is int and 1 <= hint <= len(window.lines) else None
        span = find_quote(self.story.text, item["quote"], Span(window.start, window.end), near)
        if span is None or None in (self.story.sentence_at(span.start), self.story.sentence_at(span.end - 1)):
            return None
        said, firm = assertion_of(span.start, span.end, self.scopes)
        return _Fact(number, item, span, said if said != "present" and firm else item["assertion"])

    def of(self, kind: str, patient: int) -> Iterator[_Fact]:
        return (f for f in self.facts[kind] if f.item["patient"] == patient + 1)

    # --- cases ------------------------------------------------------------------------------------------------------

    def case(self, number: int, patient: Patient) -> Case:
        """All that was said of one patient, in the order of the story."""
        ill, given = self.entities("conditions", number), self.entities("interventions", number)
        found = self.outcomes(number)
        ids = {
            **{f.key: f"c{n}" for n, (_, facts) in enumerate(ill, 1) for f in facts},
            **{f.key: f"i{n}" for n, (_, facts) in enumerate(given, 1) for f in facts},
        }
        conditions = tuple(
            condition(self.story, entity, facts[0].item["role"], n, self.concepts, self.places)
            for n, (entity, facts) in enumerate(ill, 1)
        )
        present = {c.id for c in conditions if c.assertion == "present"}
        present |= {f"i{n}" for n, (entity, _) in enumerate(given, 1) if entity.best.assertion == "present"}
        links = _Links(ids, present, self.dropped)
        return Case(
            id=f"case{number + 1}",
            patient=patient,
            conditions=conditions,
            interventions=tuple(self.intervention(n, *entity, links) for n, entity in enumerate(given, 1)),
            outcomes=tuple(self.outcome(f"o{n}", facts, links) for n, facts in enumerate(found, 1)),
            findings=tuple(find_findings(self.story, self.named("finding"), number, self.concepts)),
        )

    def entities(self, kind: str, patient: int) -> list[tuple[Entity, list[_Fact]]]:
        """The distinct things that facts of a kind name, each with its facts, those of its best mention first.

        Mentions are gathered as the rules gather them; but what the model told apart in one window stays apart, unless
        it has the same concept or name.
        """
        type_: MentionType = "condition" if kind == "conditions" else "intervention"
        among = sorted(self.of(kind, patient), key=lambda f: (f.span, f.window))
        facts: dict[Mention, list[_Fact]] = {}
        for fact in among:
            facts.setdefault(self.mention(type_, fact, among), []).append(fact)
        found: list[Entity] = []
        for entity in entities(self.story, facts, self.concepts):
            names: dict[str, list[Mention]] = {}
            for m in entity.mentions:
                names.setdefault(m.curies[0] if m.exact else key(plain(m.name)), []).append(m)
            told = [{f.window for m in same for f in facts[m]} for same in names.values()]
            if any(a & b for a, b in combinations(told, 2)):
                found += [replace(entity, best=same[0], mentions=tuple(same)) for same in names.values()]
            else:
                found.append(entity)
        found.sort(key=lambda e: told_at(self.story, e))
        return [
            (entity, [f for m in dict.fromkeys((entity.best, *entity.mentions)) for f in facts[m]]) for entity in found
        ]

    def mention(self, type_: MentionType, fact: _Fact, among: Sequence[_Fact]) -> Mention:
        """A fact's quote grounded in the vocabularies: by its own words, else by a label that shares a word with it.

        A term around it that holds the quote of another fact too ("S-1/CDDP") is not what it names.
        """
        story, span = self.story, fact.span
        over = [m for m in self.terms[type_] if m.start < span.end and span.start < m.end]
        apart = [f.span for f in among if f.span.end <= span.start or span.end <= f.span.start]
        if any(m.start <= s.start and s.end <= m.end for m in over for s in apart):
            start, end = span.start, span.end
            curies = self.of_type(type_, story.text[start:end])
            exact = bool(curies)
        else:
            start, end, curies, exact = ground(story, span.start, span.end, over)
        name = written_out(story, start, end, self.short)
        other = fact.item.get("label")
        if not curies and isinstance(other, str) and named(other, type_).words & named(name, type_).words:
            curies = self.of_type(type_, other)
            exact = bool(curies)
        return self.placed(start, end, type_, curies, exact, fact.assertion, name)

    def of_type(self, type_: MentionType, words: str) -> tuple[str, ...]:
        """The concepts of a type that words as a whole name."""
        return tuple(c for c in self.matcher.ground(words) if self.concepts[c].type == type_)

    def named(self, type_: MentionType) -> list[Mention]:
        """What the vocabularies name in the text, as they say it."""
        found = []
        for m in self.terms[type_]:
            sentence = self.story.sentence_at(m.start)
            if sentence is not None and m.end <= sentence.end:
                said, _ = assertion_of(m.start, m.end, self.scopes)
                found.append(self.placed(m.start, m.end, type_, m.curies, True, said, self.story.text[m.start : m.end]))
        return found

    def placed(
        self, start: int, end: int, type_: MentionType, curies: tuple[str, ...], exact: bool, said: Assertion, name: str
    ) -> Mention:
        sentence = self.story.sentence_at(start)
        return Mention(start, end, type_, curies, said, 1.0, sentence.index if sentence else 0, name, True, exact)

    def intervention(self, number: int, entity: Entity, facts: Sequence[_Fact], links: _Links) -> Intervention:
        best = entity.best
        facet = self.concepts[best.curies[0]].facet if best.curies else None
        kind = next((k for k in KINDS if k == facet), facts[0].item["kind"])
        read = intervention(self.story, entity, kind, number, self.concepts)
        whole = [w for w in links.of(facts, "part_of", "i", one=True) if w != read.id]
        if best.assertion != "present":
            return read
        return replace(read, for_=links.of(facts, "for", "c"), part_of=whole[0] if whole else None)

    def outcomes(self, patient: int) -> list[list[_Fact]]:
        """Facts about outcomes, those of one category together that overlap, as two windows may tell one."""
        found: list[list[_Fact]] = []
        for fact in sorted(self.of("outcomes", patient), key=lambda f: (f.span, f.window)):
            last = next((g for g in reversed(found) if g[0].item["category"] == fact.item["category"]), None)
            if last and fact.span.start < last[0].span.end:
                last.append(fact)
            else:
                found.append([fact])
        return found

    def outcome(self, id_: str, facts: Sequence[_Fact], links: _Links) -> Outcome:
        first = facts[0]
        start, end, present = first.span.start, first.span.end, first.assertion == "present"
        caused = links.of(facts, "attributed_to", "i") if present else ()
        outcome = Outcome(
            id=id_,
            start=start,
            end=end,
            text=self.story.text[start:end],
            assertion=first.assertion,
            category=first.item["category"],
            of=links.of(facts, "of", "c") if present else (),
            after=tuple(dict.fromkeys((*links.of(facts, "after", "i"), *caused))) if present else (),
            attributed_to=caused,
        )
        return self.timed(outcome, first)

    def timed(self, outcome: Outcome, fact: _Fact) -> Outcome:
        """The outcome with the length of time that its fact quotes, read from the text itself."""
        said = fact.item.get("duration")
        if not isinstance(said, dict) or not isinstance(said.get("quote"), str):
            return outcome
        sentence = self.story.sentence_at(outcome.start)
        assert sentence is not None
        around = self.story.sentences[max(sentence.index - 1, 0)].start
        span = find_quote(
            self.story.text, said["quote"], Span(around, sentence.end), Span(sentence.start, sentence.end)
        )
        stated = lengths(self.story.lower, span.start, span.end) if span else []
        if not stated:
            self.dropped[fact.window] += 1
            return outcome
        kind = next((t for t in DURATION_TYPES if t == said.get("type")), None)
        return replace(outcome, duration=stated[0].value, duration_type=kind, duration_span=stated[0].span)


@dataclass(frozen=True)
class _Links:
    """Finds the episodes that links name; those to what is not there are counted, those to what is not present left."""

    ids: Mapping[tuple[int, str], str]
    present: set[str]
    dropped: list[int]

    def of(self, facts: Iterable[_Fact], name: str, kind: str, *, one: bool = False) -> tuple[str, ...]:
        """The ids of episodes of one kind (c, i) that facts name in a list, or in a single value."""
        found: dict[str, None] = {}
        for fact in facts:
            said = fact.item.get(name, [])
            for target in ([said] if one and said else said) if one or isinstance(said, list) else [None]:
                id_ = self.ids.get((fact.window, target)) if isinstance(target, str) else None
                if id_ is None or not id_.startswith(kind):
                    self.dropped[fact.window] += 1
                elif id_ in self.present:
                    found[id_] = None
        return tuple(found)
