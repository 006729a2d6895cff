"""The vocabulary as the other parts see it: concepts, words, hierarchy, prefixes, and the quads that say all that."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence, ValuesView
from difflib import get_close_matches
from functools import cached_property
from typing import Any, NamedTuple, overload

import pyoxigraph as ox

from kg.errors import VocabularyError
from kg.folding import key
from kg.model import Concept, Lexicon, Term
from kg.vocab import graphs

__all__ = ["Found", "Vocabulary"]


class Found(NamedTuple):
    """One answer of ``search``: a concept, and the words of it that fit."""

    curie: str
    label: str
    type: str
    words: str
    source: str


class Vocabulary:
    """All vocabularies that were loaded, over the database that ``index`` wrote.

    ``schemes`` leads from a type of concept to the shipped scheme that holds its concepts.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.prefixes: dict[str, str] = json.loads(
            database.one("SELECT value FROM meta WHERE name = 'prefixes'") or "{}"
        )
        self.version: str = database.one("SELECT value FROM meta WHERE name = 'version'") or ""
        self.schemes: dict[str, str] = json.loads(database.one("SELECT value FROM meta WHERE name = 'schemes'") or "{}")
        self.concepts: Mapping[str, Concept] = _Concepts(database)
        self._namespaces = sorted(((iri, p) for p, iri in self.prefixes.items()), key=lambda n: -len(n[0]))

    # --- identifiers ------------------------------------------------------------------------------------------------

    def term(self, curie: str) -> str:
        """The IRI of a term of the ontology or a concept; VocabularyError, with the nearest ones, if there is none."""
        known = self._database.one(
            "SELECT 1 FROM term WHERE curie = ? UNION SELECT 1 FROM concept WHERE curie = ?", curie, curie
        )
        if known is None:
            near = get_close_matches(curie, self._alike(curie), n=3, cutoff=0.6)
            raise VocabularyError(f"No vocabulary declares {curie!r}{_did_you_mean(near)}")
        return self.expand(curie)

    def expand(self, curie: str) -> str:
        """The IRI of any CURIE; VocabularyError if nobody declares its prefix."""
        prefix, colon, local = curie.partition(":")
        if not colon or prefix not in self.prefixes:
            near = get_close_matches(prefix, self.prefixes, n=3)
            raise VocabularyError(f"{curie!r} has no prefix that a vocabulary declares{_did_you_mean(near)}")
        return self.prefixes[prefix] + local

    def compact(self, iri: str) -> str:
        """The CURIE of an IRI; the IRI itself where no prefix fits."""
        for namespace, prefix in self._namespaces:
            if iri.startswith(namespace):
                local = iri[len(namespace) :]
                if local and "/" not in local and "#" not in local:
                    return f"{prefix}:{local}"
        return iri

    def _alike(self, curie: str) -> list[str]:
        """Terms and concepts that share the prefix."""
        like = curie.partition(":")[0] + ":%"
        rows = self._database.rows(
            "SELECT curie FROM term WHERE curie LIKE ? UNION SELECT curie FROM concept WHERE curie LIKE ?", like, like
        )
        return [row[0] for row in rows]

    @cached_property
    def tree(self) -> str:
        """Stands for what is within what: it differs where a concept has other ancestors."""
        rows = self._database.rows("SELECT curie, ancestors FROM concept WHERE ancestors <> '' ORDER BY curie")
        return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]

    # --- words ------------------------------------------------------------------------------------------------------

    def lexicon(self) -> Lexicon:
        """The words to look for in texts, best vocabulary first."""
        return Lexicon(self.concepts, _Terms(self._database), self.version)

    def find(self, label: str, type: str | None = None) -> str:
        """The concept (of a type) that a label in any language, an abbreviation, a code or an IRI names.

        A preferred label goes before synonyms. VocabularyError suggests the nearest where none fits.
        """
        if found := self.named(label, type):
            return found
        near = [f"{found.words!r}" for found in self.nearest(label, type)]
        raise VocabularyError(f"No {type or 'concept'} is called {label.strip()!r}{_did_you_mean(near)}")

    def named(self, label: str, type: str | None = None) -> str | None:
        """The same as ``find``, but None where nothing fits."""
        words = label.strip()
        code = self.compact(words) if "://" in words else words
        of = "" if type is None else " AND concept.type = ?"
        given = () if type is None else (type,)
        named = f"SELECT concept.curie FROM code JOIN concept ON concept.curie = code.concept WHERE code.curie = ?{of}"
        if found := self._database.one(named, code, *given):
            return str(found)
        spelled = (
            "SELECT concept.curie FROM word JOIN concept ON concept.curie = word.concept WHERE folded = ?"
            f" AND (NOT abbreviation OR surface = ?){of} ORDER BY abbreviation DESC, preferred DESC, number LIMIT 1"
        )
        for surface in (words, words.upper()):  # "all" finds ALL only where nothing is called "all"
            if found := self._database.one(spelled, key(words), surface, *given):
                return str(found)
        return None

    def search(self, words: str, limit: int = 20) -> list[Found]:
        """Concepts that have all of ``words`` in one of their labels, the best fit first; else the nearest."""
        folded = key(words)
        if code := self._database.one("SELECT concept FROM code WHERE curie = ?", words.strip()):
            return [Found(code, self.concepts[code].label, self.concepts[code].type, words.strip(), self._source(code))]
        clause = " AND ".join("folded LIKE ? ESCAPE '\\'" for _ in folded.split())
        if not any(map(str.isalnum, folded)):
            return []
        rows = self._database.rows(
            "SELECT curie, label, type, surface, source, folded, rank FROM word JOIN concept ON curie = concept"
            f" WHERE {clause} ORDER BY folded <> ?, NOT preferred, length(folded), number LIMIT ?",
            *(f"%{_escaped(part)}%" for part in folded.split()),
            folded,
            limit * 10,
        )
        found: dict[str, Found] = {}
        for curie, label, kind, surface, source, *_ in rows:
            found.setdefault(curie, Found(curie, label, kind, surface, source))
        return list(found.values())[:limit] or self.nearest(words)

    def labels(self, start: str, type: str | None = None, limit: int = 50) -> list[str]:
        """Labels and synonyms in any language that begin with ``start``, preferred ones first; for completion."""
        of = "" if type is None else " AND concept.type = ?"
        rows = self._database.rows(
            "SELECT DISTINCT surface FROM word JOIN concept ON concept.curie = word.concept"
            f" WHERE surface LIKE ? ESCAPE '\\'{of} ORDER BY NOT preferred, length(surface), number LIMIT ?",
            f"{_escaped(start)}%",
            *(() if type is None else (type,)),
            limit,
        )
        return [row[0] for row in rows]

    def codes(self, scheme: str, start: str = "") -> list[str]:
        """The codes of a code list that begin with ``start``, such as complete_remission of category."""
        rows = self._database.rows("SELECT curie FROM term WHERE curie LIKE ? ORDER BY curie", f"{scheme}:%")
        codes = (row[0].partition(":")[2] for row in rows)
        return [code for code in codes if code.startswith(start)]

    def nearest(self, words: str, type: str | None = None) -> list[Found]:
        """The concepts with labels most like ``words``, at most three."""
        folded = key(words)
        starts = {part[:3] for part in folded.split() if len(part) > 2} or {folded[:1]}
        clause = " OR ".join("folded LIKE ? ESCAPE '\\'" for _ in starts)
        of = "" if type is None else " AND type = ?"
        rows = self._database.rows(
            "SELECT curie, label, type, surface, source, folded FROM word JOIN concept ON curie = concept"
            f" WHERE ({clause}){of} ORDER BY number",
            *(f"%{_escaped(start)}%" for start in sorted(starts)),
            *(() if type is None else (type,)),
        )
        by_words: dict[str, Found] = {}
        for curie, label, kind, surface, source, other in rows:
            by_words.setdefault(other, Found(curie, label, kind, surface, source))
        found: dict[str, Found] = {}
        for near in get_close_matches(folded, by_words, n=9, cutoff=0.6):
            found.setdefault(by_words[near].curie, by_words[near])
        return list(found.values())[:3]

    # --- everything about a concept -----------------------------------------------------------------------------------

    def show(self, label: str) -> dict[str, Any]:
        """All that is known of a concept, as plain data: labels, synonyms, parents, codes with their sources, parts."""
        curie = self.find(label)
        concept = self.concepts[curie]
        entries = self._entries(curie)
        about = {s["name"]: s for s in self.sources()}
        children = self._database.rows(
            "SELECT curie FROM concept WHERE instr(' ' || broader || ' ', ?) ORDER BY rank", f" {curie} "
        )
        codes = self._database.rows("SELECT curie FROM code WHERE concept = ? ORDER BY curie", curie)
        return {
            "concept": curie,
            "iri": self.expand(curie),
            "type": concept.type,
            "facet": concept.facet,
            "labels": {lang: text for e in reversed(entries) for lang, text in e["labels"].items()},
            "synonyms": _unique(s[0] for e in entries for s in e.get("synonyms", ()) if not s[2]),
            "abbreviations": _unique(s[0] for e in entries for s in e.get("synonyms", ()) if s[2]),
            "definition": next((e["definition"] for e in entries if "definition" in e), ""),
            "ancestors": [{"concept": c, "label": self.concepts[c].label} for c in concept.ancestors],
            "narrower": [{"concept": c, "label": self.concepts[c].label} for (c,) in children],
            "parts": [{"concept": c, "label": self.concepts[c].label} for c in concept.parts if c in self.concepts],
            "codes": _unique(c for (c,) in codes if c != curie),
            "code_sources": self._code_sources(entries),
            "vocabularies": [{**about[name], "name": name} for name in _unique(e["source"] for e in entries)],
        }

    def sources(self) -> list[dict[str, Any]]:
        """The vocabularies loaded, best first: name, title, release, licence, priority, number of concepts."""
        return list(json.loads(self._database.one("SELECT value FROM meta WHERE name = 'sources'") or "[]"))

    def quads(self, used: Collection[str] | None = None, told: set[str] | None = None) -> Iterator[ox.Quad]:
        """The ontology and the vocabularies in graphs of their own, with ``casekg:within`` and the like written out.

        Of concepts only those ``used``, their ancestors and the parts of regimens; all of them if it is None. What is
        said of the nodes ``told`` is left out, and they become all of which was told.
        """
        return self._graphs.quads(used, set() if told is None else told)

    def about(self, node: ox.NamedNode) -> Iterator[ox.Quad]:
        """Of these quads those about one concept, one code of a closed list or one term of the ontology."""
        return self._graphs.about(node.value)

    @cached_property
    def _graphs(self) -> graphs.Graphs:
        return graphs.Graphs(self, self._database)

    def _entries(self, curie: str) -> list[dict[str, Any]]:
        return list(json.loads(self._database.one("SELECT entries FROM concept WHERE curie = ?", curie) or "[]"))

    def _source(self, curie: str) -> str:
        return str(self._database.one("SELECT source FROM concept WHERE curie = ?", curie))

    def _code_sources(self, entries: list[dict[str, Any]]) -> list[dict[str, str]]:
        described = json.loads(self._database.one("SELECT value FROM meta WHERE name = 'code_sources'") or "{}")
        return [
            {"source": c, **described.get(c, {})}
            for c in _unique(c for e in entries for c in e.get("code_sources", ()))
        ]


class Database:
    """Read-only access to the database file, or to one in memory; opened anew in a process that was forked."""

    def __init__(self, path: str, opened: sqlite3.Connection | None = None) -> None:
        self._path = path
        self._opened = opened or self._open()
        self._process = os.getpid()

    def one(self, statement: str, *values: object) -> Any:
        """The first value of the first row, or None."""
        row = self._connection().execute(statement, values).fetchone()
        return row[0] if row else None

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows."""
        return self._connection().execute(statement, values).fetchall()

    def _connection(self) -> sqlite3.Connection:
        if self._path and self._process != os.getpid():
            self._opened, self._process = self._open(), os.getpid()
        return self._opened

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self._path}?mode=ro&immutable=1", uri=True, check_same_thread=False)


class _Concepts(Mapping[str, Concept]):
    """Concepts by CURIE, read when they are asked for."""

    _COLUMNS = "SELECT curie, label, type, facet, ancestors, parts FROM concept"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Concept] = {}

    def __getitem__(self, curie: str) -> Concept:
        if (known := self._known.get(curie)) is None:
            rows = self._database.rows(f"{self._COLUMNS} WHERE curie = ?", curie)
            if not rows:
                raise KeyError(curie)
            known = self._known[curie] = _concept(rows[0])
        return known

    def __iter__(self) -> Iterator[str]:
        return (row[0] for row in self._database.rows("SELECT curie FROM concept ORDER BY rank"))

    def __len__(self) -> int:
        return int(self._database.one("SELECT count(*) FROM concept"))

    def values(self) -> ValuesView[Concept]:
        """All concepts, read at once."""
        if len(self._known) < len(self):
            self._known = {row[0]: _concept(row) for row in self._database.rows(f"{self._COLUMNS} ORDER BY rank")}
        return ValuesView(self._known)


class _Terms(Sequence[Term]):
    """All words of all concepts, read when they are asked for: a compiled lexicon that is still there needs none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @cached_property
    def _all(self) -> list[Term]:
        rows = self._database.rows("SELECT surface, concept, language, abbreviation FROM word ORDER BY number")
        return [Term(surface, curie, language, bool(short)) for surface, curie, language, short in rows]

    @overload
    def __getitem__(self, at: int) -> Term: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Term]: ...
    def __getitem__(self, at: int | slice) -> Term | Sequence[Term]:
        return self._all[at]

    def __len__(self) -> int:
        return int(self._database.one("SELECT count(*) FROM word"))


def _concept(row: tuple[Any, ...]) -> Concept:
    curie, label, kind, facet, ancestors, parts = row
    return Concept(curie, label, kind, facet, tuple(ancestors.split()), tuple(parts.split()))


def _unique(items: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _did_you_mean(near: Sequence[str]) -> str:
    """The end of a sentence."""
    if not near:
        return "."
    return f"; did you mean {', '.join(near[:-1])} or {near[-1]}?" if len(near) > 1 else f"; did you mean {near[0]}?"
