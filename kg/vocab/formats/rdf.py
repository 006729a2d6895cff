"""SKOS and OWL in any RDF format. Which property says what stands in kg/rules/vocabularies.toml."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path

import pyoxigraph as ox

from kg.vocab.entries import Entry, Names, Source, Synonym, rules
from kg.vocab.formats import binary

__all__ = ["Graph", "read", "recognises"]

_SUFFIXES = {
    ".jsonld": ox.RdfFormat.JSON_LD,
    ".nq": ox.RdfFormat.N_QUADS,
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".owl": ox.RdfFormat.RDF_XML,
    ".rdf": ox.RdfFormat.RDF_XML,
    ".trig": ox.RdfFormat.TRIG,
    ".ttl": ox.RdfFormat.TURTLE,
    ".xml": ox.RdfFormat.RDF_XML,
}


def recognises(name: str, head: bytes) -> bool:
    """RDF by its suffix; a file called .owl may be Turtle too."""
    return Path(name).suffix in _SUFFIXES


def read(path: Path, names: Names) -> Source:
    """The concepts or classes of an RDF file; deprecated ones and ones without a label are left out."""
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    form = _SUFFIXES[suffix]
    with binary(path) as handle:
        if suffix == ".owl" and b"<" not in handle.read(100).lstrip()[:1]:
            form = ox.RdfFormat.TURTLE
    graph = Graph(names)
    with binary(path) as handle:
        graph.add(ox.parse(handle, format=form, base_iri=path.resolve().as_uri()))
    title, release, licence = graph.about()
    return Source(
        name=path.name,
        title=title,
        release=release,
        licence=licence,
        entries=tuple(graph.entries()),
        prefixes=names.used,
    )


class Graph:
    """Those statements of RDF files that tell of concepts."""

    def __init__(self, names: Names) -> None:
        self._names = names
        given: dict[str, list[str]] = rules()["rdf"]
        iris = {key: [names.expand(curie) for curie in curies] for key, curies in given.items()}
        self._concepts, self._vocabularies = set(iris.pop("concept")), set(iris.pop("about"))
        self._keys: dict[str, list[tuple[str, int]]] = {}  # property -> what it says, and how good it is at saying that
        for key, some in iris.items():
            for rank, iri in enumerate(some):
                self._keys.setdefault(iri, []).append((key, rank))
        self._is = names.expand("rdf:type")
        self._said: dict[str, dict[str, list[tuple[int, ox.NamedNode | ox.Literal]]]] = {}
        self._kinds: dict[str, set[str]] = {}

    def add(self, triples: Iterable[ox.Quad]) -> None:
        """Take note of what is wanted of the triples."""
        for triple in triples:
            subject, value = triple.subject, triple.object
            if not isinstance(subject, ox.NamedNode) or not isinstance(value, ox.NamedNode | ox.Literal):
                continue
            predicate = triple.predicate.value
            if predicate in self._keys:
                said = self._said.setdefault(subject.value, {})
                for key, rank in self._keys[predicate]:
                    said.setdefault(key, []).append((rank, value))
            elif predicate == self._is:
                self._kinds.setdefault(subject.value, set()).add(value.value)

    def about(self) -> tuple[str, str, str]:
        """Title, release and licence of the vocabulary, as far as it says."""
        for iri in sorted(i for i, kinds in self._kinds.items() if kinds & self._vocabularies):
            found = [next((v.value for v in self._values(iri, key)), "") for key in ("title", "release", "licence")]
            if any(found):
                return found[0], found[1], found[2]
        return "", "", ""

    def entries(self) -> list[Entry]:
        """The concepts, in order of their IRIs."""
        found = (self._entry(iri) for iri in sorted(self._kinds) if self._kinds[iri] & self._concepts)
        return [entry for entry in found if entry]

    def _entry(self, iri: str) -> Entry | None:
        if any(v.value in {"true", "1"} for v in self._values(iri, "deprecated")):
            return None
        labels: dict[str, str] = {}
        for value in self._values(iri, "label"):
            labels.setdefault(_language(value), value.value)
        if not labels:
            return None
        curies = {key: self._curies(iri, key) for key in ("broader", "match", "code_source", "part", "scheme")}
        types = [v.value for scheme in self._values(iri, "scheme") for v in self._values(scheme.value, "type")]
        synonyms = [Synonym(v.value, _language(v)) for v in self._values(iri, "synonym")]
        synonyms += [Synonym(v.value, _language(v), True) for v in self._values(iri, "abbreviation")]
        return Entry(
            curie=self._names.curie(iri),
            labels=labels,
            synonyms=tuple(synonyms),
            broader=curies["broader"],
            matches=curies["match"],
            code_sources=curies["code_source"],
            parts=curies["part"],
            scheme=next(iter(curies["scheme"]), ""),
            type=next((v.value for v in self._values(iri, "type")), None) or next(iter(types), None),
            facet=next((v.value for v in self._values(iri, "facet")), None),
            top=bool(self._values(iri, "top")),
            definition=next((v.value for v in self._values(iri, "definition") if _language(v) == "en"), ""),
        )

    def _curies(self, iri: str, key: str) -> tuple[str, ...]:
        found = [self._names.curie(v.value) for v in self._values(iri, key) if isinstance(v, ox.NamedNode)]
        return tuple(sorted(found)) if len(found) > 1 else tuple(found)

    def _values(self, iri: str, key: str) -> list[ox.NamedNode | ox.Literal]:
        """What is said of a node, by the best property first."""
        ranked = self._said.get(iri, {}).get(key, [])
        return [value for _, value in (sorted(ranked, key=itemgetter(0)) if len(ranked) > 1 else ranked)]


def _language(value: ox.NamedNode | ox.Literal) -> str:
    """The primary language of a label; English if it does not say."""
    tag = value.language if isinstance(value, ox.Literal) else None
    return tag.split("-")[0].lower() if tag else "en"
