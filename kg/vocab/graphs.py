"""The ontology and the vocabularies as quads."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyoxigraph as ox

from kg.resources import folder

if TYPE_CHECKING:
    from kg.vocab.vocabulary import Database, Vocabulary

__all__ = ["about", "codes", "files", "quads"]


def files() -> list[Path]:
    """The shipped Turtle files: the ontology, then the vocabularies."""
    ontology = folder("ontology")
    return [*sorted(ontology.glob("*.ttl")), *sorted((ontology / "vocab").glob("*.ttl"))]


def quads(
    vocabulary: Vocabulary, database: Database, used: Collection[str] | None, told: set[str]
) -> Iterator[ox.Quad]:
    """See ``Vocabulary.quads``. No triple stands in two graphs, so that a union counts none twice."""
    concepts = {vocabulary.expand(curie): curie for curie in vocabulary.concepts}
    start = [vocabulary.expand(c) for c in used or () if c in vocabulary.concepts]
    wanted = (concepts.keys() if used is None else _led_to(start, vocabulary, database, concepts, told)) - told
    others = {iri for (iri,) in database.rows("SELECT iri FROM said")} - concepts.keys() - told
    told |= wanted | others
    for iri in sorted(others):
        yield from _said(vocabulary, database, iri)
    for links in codes(vocabulary, database).values() if others else ():
        yield from links
    for iri in sorted(wanted):
        yield from about(vocabulary, database, iri)
    given = {_source(database, concepts[iri], iri) for iri in wanted}
    for source in vocabulary.sources():
        if source["name"] in given:
            yield from _Writer(vocabulary).source(source)


def about(vocabulary: Vocabulary, database: Database, iri: str) -> Iterator[ox.Quad]:
    """What the vocabularies say of a concept, or the ontology of one of its terms."""
    curie, writer = vocabulary.compact(iri), _Writer(vocabulary)
    own = list(_said(vocabulary, database, iri))
    yield from own
    columns = "SELECT type, facet, ancestors, source, entries FROM concept WHERE curie = ?"
    for kind, facet, ancestors, source, entries in database.rows(columns, curie):
        graph = _graph(vocabulary, database.one("SELECT file FROM said WHERE iri = ?", iri) or source)
        stated = {quad.predicate for quad in own}
        for predicate, text in (("casekg:type", kind), ("casekg:facet", facet)):
            if text and writer.node(predicate) not in stated:
                yield writer.text(curie, predicate, text, graph)
        for above in (curie, *ancestors.split()):
            yield writer.link(curie, "casekg:within", above, graph)
        if not own:
            yield from writer.concept(curie, json.loads(entries), graph)


def codes(vocabulary: Vocabulary, database: Database) -> dict[str, list[ox.Quad]]:
    """By the code of a closed list, that it is within itself and every code above it."""
    concepts = {vocabulary.expand(curie) for curie in vocabulary.concepts}
    others = sorted({iri for (iri,) in database.rows("SELECT iri FROM said")} - concepts)
    within = ox.NamedNode(vocabulary.expand("casekg:within"))
    found: dict[str, list[ox.Quad]] = {}
    for iri, graph, above in _code_lists(vocabulary, database, others):
        found.setdefault(iri, []).append(ox.Quad(ox.NamedNode(iri), within, ox.NamedNode(above), graph))
    return found


def _source(database: Database, curie: str, iri: str) -> str | None:
    """The vocabulary that a concept comes from, unless it is shipped."""
    if database.one("SELECT 1 FROM said WHERE iri = ?", iri):
        return None
    return str(database.one("SELECT source FROM concept WHERE curie = ?", curie))


def _said(vocabulary: Vocabulary, database: Database, iri: str) -> Iterator[ox.Quad]:
    """What the shipped files say of a node, in the graph of the file."""
    for file, triples in database.rows("SELECT file, triples FROM said WHERE iri = ?", iri):
        graph = _graph(vocabulary, file)
        for quad in ox.parse(triples, format=ox.RdfFormat.N_TRIPLES):
            yield ox.Quad(quad.subject, quad.predicate, quad.object, graph)


def _led_to(
    start: list[str], vocabulary: Vocabulary, database: Database, concepts: Mapping[str, str], told: Collection[str]
) -> set[str]:
    """These concepts and all to which they lead, those told apart: ancestors, parts of regimens."""
    found: set[str] = set()
    while start:
        iri = start.pop()
        if iri not in found and iri not in told:
            found.add(iri)
            start += map(vocabulary.expand, vocabulary.concepts[concepts[iri]].ancestors)
            objects = (quad.object for quad in _said(vocabulary, database, iri))
            start += [node.value for node in objects if isinstance(node, ox.NamedNode) and node.value in concepts]
    return found


def _code_lists(
    vocabulary: Vocabulary, database: Database, iris: Iterable[str]
) -> Iterator[tuple[str, ox.NamedNode, str]]:
    """The codes of the closed lists, each with its graph and with itself and every code above it."""
    type_, concept, up = (vocabulary.expand(c) for c in ("rdf:type", "skos:Concept", "skos:broader"))
    broader: dict[str, list[str]] = {}
    codes: dict[str, ox.NamedNode] = {}
    for iri in iris:
        for quad in _said(vocabulary, database, iri):
            if isinstance(quad.object, ox.NamedNode) and isinstance(quad.graph_name, ox.NamedNode):
                if (quad.predicate.value, quad.object.value) == (type_, concept):
                    codes[iri] = quad.graph_name
                elif quad.predicate.value == up:
                    broader.setdefault(iri, []).append(quad.object.value)
    for iri, graph in codes.items():
        for above in _closure(iri, broader):
            yield iri, graph, above


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
                yield ox.Quad(self.node(node), self.node(predicate), ox.NamedNode(text), graph)
            elif text:
                yield self.text(node, predicate, text, graph)

    def link(self, subject: str, predicate: str, value: str, graph: ox.NamedNode) -> ox.Quad:
        return ox.Quad(self.node(subject), self.node(predicate), self.node(value), graph)

    def text(self, subject: str, predicate: str, text: str, graph: ox.NamedNode, language: str = "") -> ox.Quad:
        literal = ox.Literal(text, language=language) if language else ox.Literal(text)
        return ox.Quad(self.node(subject), self.node(predicate), literal, graph)

    def node(self, curie: str) -> ox.NamedNode:
        """The node that a CURIE names."""
        if curie not in self._nodes:
            self._nodes[curie] = ox.NamedNode(self._vocabulary.expand(curie))
        return self._nodes[curie]
