"""What the files of a vocabulary say, whatever their format."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, NamedTuple

from kg.errors import VocabularyError
from kg.resources import folder

__all__ = ["Entry", "Names", "Source", "Synonym", "rules"]


class Synonym(NamedTuple):
    """One way to write a concept."""

    surface: str
    language: str = "en"
    abbreviation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One concept of one vocabulary. ``top`` concepts have nothing broader on purpose.

    An entry without labels only says what its CURIE matches (SSSOM).
    """

    curie: str
    labels: Mapping[str, str] = field(default_factory=dict)  # language -> preferred label
    synonyms: tuple[Synonym, ...] = ()
    broader: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()
    code_sources: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    scheme: str = ""
    type: str | None = None
    facet: str | None = None
    definition: str = ""
    top: bool = False

    @property
    def label(self) -> str:
        """The English label, else any."""
        return self.labels.get("en") or next(iter(self.labels.values()), "")

    def to_json(self) -> dict[str, Any]:
        """The entry as JSON data, without what is empty; ``from_json`` reads it back."""
        return {name: value for name in _FIELDS if (value := getattr(self, name))}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Entry:
        """The entry that ``to_json`` wrote."""
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        given["synonyms"] = tuple(Synonym(*synonym) for synonym in data.get("synonyms", ()))
        return Entry(**given)


_FIELDS = [f.name for f in fields(Entry)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A vocabulary: who made it, which release, its concepts. Low ``priority`` goes first; the shipped one has 0."""

    name: str
    title: str = ""
    release: str = ""
    licence: str = ""
    priority: int = 50
    file: str = ""
    type: str | None = None
    facet: str | None = None
    prefixes: Mapping[str, str] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()


@cache
def rules() -> dict[str, Any]:
    """kg/rules/vocabularies.toml."""
    return tomllib.loads((folder("rules") / "vocabularies.toml").read_text(encoding="utf-8"))


class Names:
    """Prefixes and namespaces: IRIs to CURIEs and back."""

    def __init__(self, prefixes: Mapping[str, str], name: str = "") -> None:
        self.prefixes = {**rules()["prefixes"], **prefixes}
        self.used: dict[str, str] = {}
        self._name = name
        self._namespaces: dict[str, str] = {}
        self._contracted: dict[str, str] = {}
        self._same: dict[str, str] = rules()["same_prefix"]
        for prefix, namespace in self.prefixes.items():
            self._namespaces.setdefault(namespace, prefix)
        self._namespaces |= rules()["same_namespace"]
        self._lengths = sorted({len(n) for n in self._namespaces}, reverse=True)

    def expand(self, curie: str) -> str:
        """The IRI of a CURIE; VocabularyError if its prefix is unknown."""
        prefix, _, local = curie.partition(":")
        if prefix not in self.prefixes:
            raise VocabularyError(f"{curie}: the prefix {prefix!r} is not declared in any vocabulary.")
        return f"{self.prefixes[prefix]}{local}"

    def curie(self, written: str) -> str:
        """A CURIE or IRI of a file as a CURIE with the prefix used here, which is then in ``used``."""
        if "://" in written:
            if written not in self._contracted:
                self._contracted[written] = self._contract(written)
            return self._contracted[written]
        prefix, colon, local = written.partition(":")
        prefix = self._same.get(prefix, prefix)
        if not colon or not local or prefix not in self.prefixes:
            raise VocabularyError(f"{written!r} is no CURIE with a known prefix; say --prefix PREFIX=IRI for it.")
        self.used[prefix] = self.prefixes[prefix]
        return f"{prefix}:{local}"

    def _contract(self, iri: str) -> str:
        for length in self._lengths:
            prefix = self._namespaces.get(iri[:length])
            local = iri[length:]
            if prefix and local and "/" not in local and "#" not in local and "_" not in local[:-1]:
                self.used[prefix] = self.prefixes[prefix]
                return f"{prefix}:{local}"
        obo = self.prefixes["obo"]
        if iri.startswith(obo) and "_" in iri:
            prefix, _, local = iri[len(obo) :].partition("_")
            self._declare(prefix, f"{obo}{prefix}_")
            return f"{prefix}:{local}"
        cut = max(iri.rfind("#"), iri.rfind("/")) + 1
        prefix = self._namespaces.get(iri[:cut])
        if prefix is None:
            prefix = self._name
            number = 2
            while prefix in self.prefixes:
                prefix, number = f"{self._name}{number}", number + 1
            self._declare(prefix, iri[:cut])
        self.used[prefix] = self.prefixes[prefix]
        return f"{prefix}:{iri[cut:]}"

    def _declare(self, prefix: str, namespace: str) -> None:
        self.prefixes.setdefault(prefix, namespace)
        self.used[prefix] = self.prefixes[prefix]
        self._namespaces.setdefault(namespace, prefix)
        self._lengths = sorted({len(n) for n in self._namespaces}, reverse=True)
