"""All vocabularies in one small database, made once for each content and kept in the user's cache folder.

Concepts of several vocabularies that match exactly become one: that of the vocabulary that goes first, with the words
of all. Of one vocabulary no two concepts ever become one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from kg.folding import key
from kg.vocab.entries import Entry, Source, rules
from kg.vocab.surfaces import surfaces

if TYPE_CHECKING:
    from kg.vocab.shipped import Shipped

__all__ = ["SCHEMA", "type_of", "write"]

SCHEMA = "9"  # raise when the tables or what stands in them change

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE term (curie TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE concept (
    curie TEXT PRIMARY KEY, rank INTEGER, label TEXT, type TEXT, facet TEXT, source TEXT,
    broader TEXT, ancestors TEXT, parts TEXT, entries TEXT
) WITHOUT ROWID;
CREATE TABLE said (iri TEXT PRIMARY KEY, file TEXT, triples TEXT) WITHOUT ROWID;
CREATE TABLE code (curie TEXT PRIMARY KEY, concept TEXT) WITHOUT ROWID;
CREATE TABLE word (
    number INTEGER PRIMARY KEY, folded TEXT, surface TEXT, concept TEXT, language TEXT,
    abbreviation INTEGER, preferred INTEGER
);
"""
_INDEX = "CREATE INDEX word_folded ON word (folded)"


def write(database: sqlite3.Connection, sources: Sequence[Source], own: Shipped, meta: Mapping[str, str]) -> None:
    """Fill an empty database from vocabularies in their order of priority; ``own`` gives the terms of the ontology."""
    database.executescript(_TABLES)
    database.executemany("INSERT OR IGNORE INTO term VALUES (?)", ((t,) for t in own.terms))
    database.executemany("INSERT INTO said VALUES (?, ?, ?)", ((iri, *said) for iri, said in sorted(own.said.items())))
    merged = _merge(sources)
    database.executemany("INSERT INTO code VALUES (?, ?)", sorted(merged.codes.items()))
    ancestors = _Ancestors(merged)
    rows = []
    encode = json.JSONEncoder(ensure_ascii=False).encode
    for rank, (curie, members) in enumerate(merged.members.items()):
        first, source = members[0]
        above = ancestors.of(curie)
        facet = next((f for c in (curie, *above) if (f := merged.facet(c))), None) or _facet(first, source)
        parts = [merged.codes.get(p, p) for p in first.parts]
        entries = [{"source": s.name, **e.to_json()} for e, s in members]
        row = (curie, rank, first.label, type_of(first, source), facet, source.name)
        rows.append((*row, " ".join(ancestors.above(curie)), " ".join(above), " ".join(parts), encode(entries)))
    database.executemany("INSERT INTO concept VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    database.executemany("INSERT INTO word VALUES (NULL, ?, ?, ?, ?, ?, ?)", _words(merged))
    database.execute(_INDEX)
    database.executemany("INSERT INTO meta VALUES (?, ?)", [*meta.items(), ("schema", SCHEMA)])
    database.commit()


class _Merged:
    """``members``: concept -> its entries with their sources, best first; ``codes``: any CURIE -> its concept."""

    def __init__(self) -> None:
        self.members: dict[str, list[tuple[Entry, Source]]] = {}
        self.codes: dict[str, str] = {}

    def facet(self, curie: str) -> str | None:
        """The facet that a concept itself states."""
        return next((e.facet for e, _ in self.members.get(curie, ()) if e.facet), None)


def _merge(sources: Sequence[Source]) -> _Merged:
    """Join what matches exactly, best vocabulary first."""
    concepts: dict[str, list[tuple[Entry, Source]]] = {}
    for source in sources:
        for entry in source.entries:
            if entry.labels and type_of(entry, source):
                concepts.setdefault(entry.curie, []).append((entry, source))
    groups = _Groups({c: (members[0][1].name, c.partition(":")[0]) for c, members in concepts.items()})
    for source in sources:
        for entry in source.entries:
            for match in entry.matches:
                groups.join(entry.curie, match)
    merged = _Merged()
    first: dict[str, str] = {}
    for curie, members in concepts.items():  # in order of priority, so that the first of a group names it
        name = first.setdefault(groups.of(curie), curie)
        merged.members.setdefault(name, []).extend(members)
        merged.codes[curie] = name
    for curie in groups.known():
        if curie not in merged.codes and groups.of(curie) in first:
            merged.codes[curie] = first[groups.of(curie)]
    return merged


class _Groups:
    """CURIEs that mean the same; a group never holds two concepts of one vocabulary.

    ``source`` says of a CURIE which file and prefix it has: a file may hold classes of several vocabularies, as Mondo's
    does those of HPO.
    """

    def __init__(self, source: Mapping[str, tuple[str, str]]) -> None:
        self._parent: dict[str, str] = {}
        self._sources: dict[str, set[tuple[str, str]]] = {}
        self._source = source

    def of(self, curie: str) -> str:
        """The CURIE that stands for the group."""
        root = curie
        while (parent := self._parent.get(root, root)) != root:
            root = parent
        while (parent := self._parent.get(curie, curie)) != root:
            self._parent[curie] = root
            curie = parent
        return root

    def known(self) -> Iterator[str]:
        """All CURIEs that were joined to others."""
        yield from self._parent

    def join(self, one: str, other: str) -> None:
        a, b = self._root(one), self._root(other)
        if a != b and not self._sources[a] & self._sources[b]:
            self._parent[b] = a
            self._sources[a] |= self._sources.pop(b)

    def _root(self, curie: str) -> str:
        if curie not in self._parent:
            self._parent[curie] = curie
            self._sources[curie] = {self._source[curie]} if curie in self._source else set()
        return self.of(curie)


class _Ancestors:
    """Ancestors of concepts, from near to far, by the broader concepts of the best entry that has any."""

    def __init__(self, merged: _Merged) -> None:
        self._merged = merged
        self._broader: dict[str, list[str]] = {}

    def of(self, curie: str) -> list[str]:
        found: dict[str, None] = {}
        level = [curie]
        while level:
            level = [b for c in level for b in self.above(c) if b not in found and b != curie]
            found |= dict.fromkeys(level)
            level = list(dict.fromkeys(level))
        return list(found)

    def above(self, curie: str) -> list[str]:
        """The concepts right above."""
        if curie not in self._broader:
            codes = self._merged.codes
            members = self._merged.members[curie]
            if members[0][1].priority == 0:  # the shipped hierarchy ends where its top concepts are
                members = [member for member in members if member[1].priority == 0]
            given = next((e.broader for e, _ in members if e.broader), ())
            self._broader[curie] = [codes[b] for b in given if b in codes and codes[b] != curie]
        return self._broader[curie]


def type_of(entry: Entry, source: Source) -> str | None:
    """What a concept can be; None for one that is nothing a case report is asked for."""
    return entry.type or source.type or rules()["types"].get(entry.curie.partition(":")[0])


def _facet(entry: Entry, source: Source) -> str | None:
    return source.facet or rules()["facets"].get(entry.curie.partition(":")[0])


def _words(merged: _Merged) -> Iterator[tuple[str, str, str, str, bool, bool]]:
    """All ways to write all concepts: those of the best vocabulary first, preferred labels before synonyms."""
    ranked = [
        (source.priority, not preferred, order, word, curie)
        for order, (curie, members) in enumerate(merged.members.items())
        for entry, source in members
        for word, preferred in surfaces(entry, shipped=source.priority == 0)
    ]
    ranked.sort(key=lambda row: row[:3])
    seen: set[tuple[str, str, bool]] = set()
    for _, synonym, _, word, curie in ranked:
        if (word.surface, curie, word.abbreviation) not in seen:
            seen.add((word.surface, curie, word.abbreviation))
            yield key(word.surface), word.surface, curie, word.language, word.abbreviation, not synonym
