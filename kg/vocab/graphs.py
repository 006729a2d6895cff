"""The ontology and the vocabularies as quads."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyoxigraph as ox

from kg.resources import folder

if TYPE_CHECKING:
    from kg.vocab.vocabulary import Database, Vocabulary

__all__ = ["files", "quads"]


def files() -> list[Path]:
    """The shipped Turtle files: the ontology, then the vocabularies."""
    ontology = folder("ontology")
    return [*sorted(ontology.glob("*.ttl")), *sorted((ontology / "vocab").glob("*.ttl"))]


def quads(vocabulary: Vocabulary, database: Database, used: Collection[str] | None) -> Iterator[ox.Quad]:
    """See ``Vocabulary.quads``. No triple stands in two graphs, so that a union counts none twice."""
    home: dict[str, ox.NamedNode] = {}
    said: set[tuple[str, str]] = set()
    broader: dict[str, list[str]] = {}
    up = vocabulary.term("skos:broader")
    concept, stated = vocabulary.term("skos:Concept"), {vocabulary.term(c) for c in ("casekg:type", "casekg:facet")}
    for path in files():
        graph = _graph(vocabulary, path.stem)
        for triple in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE):
            yield ox.Quad(triple.subject, triple.predicate, triple.object, graph)
            if isinstance(triple.subject, ox.NamedNode):
                if isinstance(triple.object, ox.NamedNode) and triple.object.value == concept:
                    home[triple.subject.value] = graph
                elif isinstance(triple.object, ox.NamedNode) and triple.predicate.value == up:
                    broader.setdefault(triple.subject.value, []).append(triple.object.value)
                elif triple.predicate.value in stated:
                    said.add((triple.subject.value, triple.predicate.value))
    writer, within = _Writer(vocabulary), vocabulary.term("casekg:within")
    wanted = None if used is None else {c for u in used for c in (u, *_ancestors(vocabulary, u))}
    sources: set[str] = set()
    rows = database.rows("SELECT curie, type, facet, ancestors, source, entries FROM concept ORDER BY rank")
    for curie, kind, facet, ancestors, source, entries in rows:
        iri = vocabulary.expand(curie)
        if iri not in home and wanted is not None and curie not in wanted:
            continue
        graph = home.get(iri) or _graph(vocabulary, source)
        for predicate, text in (("casekg:type", kind), ("casekg:facet", facet)):
            if text and (iri, vocabulary.term(predicate)) not in said:
                yield writer.text(curie, predicate, text, graph)
        for above in (curie, *ancestors.split()):
            yield writer.link(curie, "casekg:within", above, graph)
        if iri not in home:
            sources.add(source)
            yield from writer.concept(curie, json.loads(entries), graph)
    for iri in home.keys() - {vocabulary.expand(curie) for curie in vocabulary.concepts}:  # the closed code lists
        for above in _closure(iri, broader):
            yield ox.Quad(ox.NamedNode(iri), ox.NamedNode(within), ox.NamedNode(above), home[iri])
    for about in vocabulary.sources():
        if about["name"] in sources:
            yield from writer.source(about)


def _ancestors(vocabulary: Vocabulary, curie: str) -> tuple[str, ...]:
    return vocabulary.concepts[curie].ancestors if curie in vocabulary.concepts else ()


def _closure(iri: str, broader: dict[str, list[str]]) -> list[str]:
    """A node and all that stands above it."""
    found = {iri: None}
    for above in (level := [iri]):
        fresh = [b for b in broader.get(above, ()) if b not in found]
        found |= dict.fromkeys(fresh)
        level += fresh
    return list(found)


def _graph(vocabulary: Vocabulary, name: str) -> ox.NamedNode:
    return ox.NamedNode(vocabulary.expand(f"ckv:graph/{name}"))


class _Writer:
    """Makes quads of CURIEs."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._nodes: dict[str, ox.NamedNode] = {}

    def concept(self, curie: str, entries: list[dict[str, Any]], graph: ox.NamedNode) -> Iterator[ox.Quad]:
        """A concept of a vocabulary that is not shipped: labels, definition, parents, matches."""
        own = entries[0]
        yield self.link(curie, "rdf:type", "skos:Concept", graph)
        yield self.link(curie, "skos:inScheme", f"ckv:graph/{own['source']}", graph)
        for language, label in own["labels"].items():
            yield self.text(curie, "skos:prefLabel", label, graph, language)
        for surface, language, abbreviation in dict.fromkeys(map(tuple, own.get("synonyms", ()))):
            predicate = "casekg:abbreviation" if abbreviation else "skos:altLabel"
            yield self.text(curie, predicate, surface, graph, "" if abbreviation else language)
        if "definition" in own:
            yield self.text(curie, "skos:definition", own["definition"], graph, "en")
        for match in sorted({m for e in entries for m in (*e.get("matches", ()), e["curie"])} - {curie}):
            yield self.link(curie, "skos:exactMatch", match, graph)

    def source(self, about: dict[str, Any]) -> Iterator[ox.Quad]:
        """Who made a vocabulary, which release it is, under which licence."""
        node, graph = f"ckv:graph/{about['name']}", _graph(self._vocabulary, about["name"])
        yield self.link(node, "rdf:type", "skos:ConceptScheme", graph)
        for predicate, text in (
            ("dcterms:title", about["title"] or about["name"]),
            ("owl:versionInfo", about["release"]),
            ("dcterms:license", about["licence"]),
        ):
            if text and "://" in text and " " not in text:
                yield ox.Quad(self._node(node), self._node(predicate), ox.NamedNode(text), graph)
            elif text:
                yield self.text(node, predicate, text, graph)

    def link(self, subject: str, predicate: str, value: str, graph: ox.NamedNode) -> ox.Quad:
        return ox.Quad(self._node(subject), self._node(predicate), self._node(value), graph)

    def text(self, subject: str, predicate: str, text: str, graph: ox.NamedNode, language: str = "") -> ox.Quad:
        literal = ox.Literal(text, language=language) if language else ox.Literal(text)
        return ox.Quad(self._node(subject), self._node(predicate), literal, graph)

    def _node(self, curie: str) -> ox.NamedNode:
        if curie not in self._nodes:
            self._nodes[curie] = ox.NamedNode(self._vocabulary.expand(curie))
        return self._nodes[curie]
