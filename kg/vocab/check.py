"""What can be wrong with vocabularies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kg.folding import key
from kg.vocab.entries import Entry, Source
from kg.vocab.index import type_of

__all__ = ["KINDS", "Problem", "problems"]

KINDS = ("cycle", "unknown", "orphan", "duplicate label", "no English label", "code without source")


class Problem(NamedTuple):
    """Something wrong with a concept; ``kind`` is one of ``KINDS``."""

    kind: str
    concept: str
    text: str
    vocabulary: str


def problems(sources: Sequence[Source]) -> list[Problem]:
    """All problems of all vocabularies, by vocabulary, kind and concept."""
    known = {e.curie for s in sources for e in s.entries if e.labels}
    found = [Problem(kind, c, text, s.name) for s in sources for kind, c, text in _of(s, known)]
    order = {s.name: n for n, s in enumerate(sources)}
    return sorted(found, key=lambda p: (order[p.vocabulary], KINDS.index(p.kind), p.concept, p.text))


def _of(source: Source, known: set[str]) -> Iterator[tuple[str, str, str]]:
    concepts = {e.curie: e for e in source.entries if e.labels}
    has_hierarchy = any(e.broader for e in concepts.values())
    narrower = {b for e in concepts.values() for b in e.broader}
    for curie, entry in concepts.items():
        if cycle := _cycle(curie, concepts):
            yield "cycle", curie, f"is its own ancestor: {' > '.join(cycle)}"
        for other in (*entry.broader, *entry.parts):
            if other not in known:
                yield "unknown", curie, f"leads to {other}, which no vocabulary holds"
        alone = source.priority == 0 or curie not in narrower
        if has_hierarchy and not entry.broader and not entry.top and alone:
            yield "orphan", curie, "has nothing broader and is no top concept"
        if "en" not in entry.labels:
            yield "no English label", curie, f"is called {entry.label!r} only"
        if source.priority == 0 and entry.matches and not entry.code_sources:
            yield "code without source", curie, f"does not say where {', '.join(entry.matches)} was read"
    yield from _duplicates(concepts, source)


def _duplicates(concepts: dict[str, Entry], source: Source) -> Iterator[tuple[str, str, str]]:
    """Words that two concepts of one type have in common; abbreviations may."""
    first: dict[tuple[str | None, str], tuple[str, str]] = {}
    for curie, entry in concepts.items():
        surfaces = [*entry.labels.values(), *(s.surface for s in entry.synonyms if not s.abbreviation)]
        for surface in surfaces:
            place = (type_of(entry, source), key(surface))
            other, words = first.setdefault(place, (curie, surface))
            if other != curie:
                yield "duplicate label", curie, f"is called {surface!r} and {other} {words!r}"


def _cycle(curie: str, concepts: dict[str, Entry]) -> list[str]:
    """A way from a concept up to itself, or nothing."""
    ways = [[curie]]
    seen = set()
    while ways:
        way = ways.pop()
        for above in concepts[way[-1]].broader if way[-1] in concepts else ():
            if above == curie:
                return [*way, above]
            if above not in seen:
                seen.add(above)
                ways.append([*way, above])
    return []
