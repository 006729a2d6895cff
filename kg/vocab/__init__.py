"""Vocabularies: concepts, labels, hierarchy and prefixes, from ontology/, from files of the user, and compiled once.

``load`` gives the one ``Vocabulary`` that all other parts ask. The words of it go to the extractors as a plain
``Lexicon``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from kg.errors import VocabularyError
from kg.folding import spelling_version
from kg.resources import cache_folder, cached, folder
from kg.vocab import check, graphs, index, installed, shipped
from kg.vocab.check import Problem
from kg.vocab.entries import Names, Source
from kg.vocab.vocabulary import Database, Found, Vocabulary

__all__ = ["Found", "Problem", "Vocabulary", "assemble", "kept", "load", "problems"]


def load(extra: Sequence[Path] = ()) -> Vocabulary:
    """The shipped vocabularies, the files ``extra`` in their order, and those that ``kg vocab add`` installed.

    Raises VocabularyError for a file that is not as it must be.
    """
    version = _version(extra)
    if found := kept(version):
        return found
    sources, file = _sources(extra), _file(version)
    try:
        _write(file, sources, version)
        return Vocabulary(Database(str(file)))
    except OSError:  # no place for a cache: make it in memory, which only costs time
        return assemble(sources, version)


def kept(version: str) -> Vocabulary | None:
    """The vocabularies with that version, loaded lately; None if the cache holds them no more."""
    file = _file(version)
    with suppress(sqlite3.Error, OSError):
        database = Database(str(file))
        if database.one("SELECT value FROM meta WHERE name = 'schema'") == index.SCHEMA:
            with suppress(OSError):
                file.touch()  # what is in use stays when old ones are cleared away
            return Vocabulary(database)
    return None


def assemble(sources: Sequence[Source], version: str = "") -> Vocabulary:
    """A vocabulary in memory, of just these sources and the terms of the ontology."""
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    index.write(memory, sources, shipped.read(), {**_meta(sources), "version": version})
    return Vocabulary(Database("", memory))


def problems(extra: Sequence[Path] = ()) -> list[Problem]:
    """What is wrong with the vocabularies that ``load`` would load."""
    return check.problems(_sources(extra))


def _file(version: str) -> Path:
    return cache_folder() / f"vocabulary-{version[:32]}.sqlite"


def _version(extra: Sequence[Path]) -> str:
    """A hash of all that the vocabulary is made of."""
    digest = sha256(f"{index.SCHEMA} {spelling_version()}".encode())
    rules = folder("rules") / "vocabularies.toml"
    for path in [rules, *graphs.files(), *extra, *installed.files()]:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise VocabularyError(f"The vocabulary {path} cannot be read: {error.strerror or error}.") from error
        digest.update(f"\n{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _sources(extra: Sequence[Path]) -> list[Source]:
    """All vocabularies from their files, by priority."""
    own = shipped.read()
    given = [
        replace(installed.read(path, own), priority=n, name=path.name.split(".")[0]) for n, path in enumerate(extra, 1)
    ]
    return sorted([own.source, *given, *installed.sources()], key=lambda s: s.priority)


def _meta(sources: Sequence[Source]) -> dict[str, str]:
    """What the database keeps beside concepts and words. VocabularyError if two vocabularies disagree on a prefix."""
    own = shipped.read()
    prefixes = dict(own.prefixes)
    for source in sources:
        for prefix, namespace in source.prefixes.items():
            if prefixes.setdefault(prefix, namespace) != namespace:
                raise VocabularyError(
                    f"The vocabulary {source.name} says that {prefix}: is {namespace}, others say {prefixes[prefix]}."
                )
    return {
        "prefixes": json.dumps(Names(prefixes).prefixes),
        "sources": json.dumps([_about(source) for source in sources]),
        "schemes": json.dumps(own.schemes),
        "code_sources": json.dumps(own.code_sources),
    }


def _about(source: Source) -> Mapping[str, object]:
    return {
        "name": source.name,
        "title": source.title,
        "release": source.release,
        "licence": source.licence,
        "priority": source.priority,
        "concepts": sum(1 for e in source.entries if e.labels),
        "mappings": sum(len(e.matches) for e in source.entries),
    }


def _write(file: Path, sources: Sequence[Source], version: str) -> None:
    """Write the database."""
    meta = {**_meta(sources), "version": version}
    with cached(file, "vocabulary-*.sqlite") as draft, closing(sqlite3.connect(draft)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        index.write(database, sources, shipped.read(), meta)
