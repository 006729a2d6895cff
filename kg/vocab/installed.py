"""Vocabularies of the user: read from whatever file, and kept in the user's data folder in one form."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType

from kg.errors import VocabularyError
from kg.resources import data_folder
from kg.vocab import formats
from kg.vocab.entries import Entry, Source, rules
from kg.vocab.index import type_of
from kg.vocab.shipped import Shipped

__all__ = ["add", "files", "read", "remove", "sources"]

_SUFFIX = ".vocabulary.gz"


def files() -> list[Path]:
    """The files of all installed vocabularies, by name."""
    return sorted((data_folder() / "vocabularies").glob(f"*{_SUFFIX}"))


def sources() -> list[Source]:
    """All installed vocabularies, by priority and name."""
    return sorted((_load(path) for path in files()), key=lambda s: (s.priority, s.name))


def read(
    path: Path,
    own: Shipped,
    *,
    prefixes: Mapping[str, str] = MappingProxyType({}),
    kind: str | None = None,
    facet: str | None = None,
) -> Source:
    """A vocabulary file in any format, with what no report is asked for left out.

    ``prefixes`` are known beside the shipped ones. ``kind`` and ``facet`` say what its concepts are where the file does
    not; those in a shipped scheme are what that holds. VocabularyError if nothing says it.
    """
    source = formats.read(path, {**own.prefixes, **prefixes})
    types = {scheme: kind for kind, scheme in own.schemes.items()}
    source = replace(source, type=kind or source.type, facet=facet or source.facet, file=path.name)
    entries = [replace(e, type=e.type or types.get(e.scheme)) for e in source.entries]
    concepts = [e for e in entries if e.labels]
    if not entries:
        raise VocabularyError(f"{path} holds neither concepts nor exact matches.")
    if concepts and not any(type_of(e, source) for e in concepts):
        raise VocabularyError(f"{path}: nothing says what its concepts are; say --type condition or the like.")
    return replace(source, entries=tuple(_pruned(entries)))


def add(source: Source) -> Path:
    """Install a vocabulary under its name, in the place of one that has it; returns its file."""
    path = data_folder() / "vocabularies" / f"{source.name}{_SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {f.name: getattr(source, f.name) for f in fields(source) if f.name != "entries"}
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as draft:
        try:
            with gzip.GzipFile("", "wb", fileobj=draft, mtime=0) as out:
                for line in (about, *(entry.to_json() for entry in source.entries)):
                    out.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            draft.close()
            Path(draft.name).replace(path)
        except BaseException:
            Path(draft.name).unlink(missing_ok=True)
            raise
    return path


def remove(name: str) -> None:
    """Take an installed vocabulary away; VocabularyError if there is none of that name."""
    try:
        (data_folder() / "vocabularies" / f"{name}{_SUFFIX}").unlink()
    except FileNotFoundError:
        there = ", ".join(path.name.removesuffix(_SUFFIX) for path in files()) or "none"
        raise VocabularyError(f"No vocabulary {name!r} is installed; there are: {there}.") from None


def _load(path: Path) -> Source:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            about = json.loads(next(lines))
            return Source(**about, entries=tuple(Entry.from_json(json.loads(line)) for line in lines))
    except (OSError, ValueError, TypeError, StopIteration, EOFError) as error:
        raise VocabularyError(
            f"The installed vocabulary {path} is broken ({error}): add it again with kg vocab add."
        ) from error


def _pruned(entries: Iterable[Entry]) -> list[Entry]:
    """Without branches of no interest, where the file has a hierarchy and the rules name its branches."""
    entries = list(entries)
    broader = {e.curie: e.broader for e in entries}
    if not any(broader.values()):
        return entries
    under = {root for roots in rules()["under"].values() for root in roots} & broader.keys()
    without = {root for roots in rules()["without"].values() for root in roots}
    limited = {root.partition(":")[0] for root in under}
    kept = []
    for entry in entries:
        above = _above(entry.curie, broader)
        if not above & without and (above & under or entry.curie.partition(":")[0] not in limited or not entry.labels):
            kept.append(entry)
    return kept


def _above(curie: str, broader: Mapping[str, tuple[str, ...]]) -> set[str]:
    """A concept and its ancestors."""
    found, level = {curie}, [curie]
    while level:
        level = [b for c in level for b in broader.get(c, ()) if b not in found]
        found.update(level)
    return found
