"""The ontology and the vocabularies as quads."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyoxigraph as ox

from kg.resources import folder

if TYPE_CHECKING:
    from kg.vocab.vocabulary import Database, Vocabulary

__all__ = ["Graphs", "files"]

_Graph = ox.NamedNode | ox.BlankNode | ox.DefaultGraph


def files() -> list[Path]:
    """The shipped Turtle files: the ontology, then the vocabularies."""
    ontology = folder("ontology")
    return [*sorted(ontology.glob("*.ttl")), *sorted((ontology / "vocab").glob("*.ttl"))]


class Graphs:
    """Makes the quads of one vocabulary, each node once."""

    def __init__(self, vocabulary: Vocabulary, database: Database) -> None:
        self._vocabulary, self._database = vocabulary, database
        self._nodes: dict[str, ox.NamedNode] = {}  # by CURIE

    def quads(self, used: Collection[str] | None, told: set[str]) -> Iterator[ox.Quad]:
        """See ``Vocabulary.quads``. No triple stands in two graphs, so that a union counts none twice."""
        vocabulary = self._vocabulary
        said = self._said if used is None else cache(self._said)  # of all concepts it would be much to keep
        concepts = {vocabulary.expand(curie): curie for curie in vocabulary.concepts}
        start = [vocabulary.expand(c) for c in used or () if c in vocabulary.concepts]
        wanted = (concepts.keys() if used is None else self._led_to(start, said, concepts, told)) - told
        others = {iri for (iri,) in self._database.rows("SELECT iri FROM said")} - concepts.keys() - told
        told |= wanted | others
        for iri in sorted(others):
            yield from self._said(iri)
        for links in self.codes.values() if others else ():
            yield from links
        given = set()  # the vocabularies that concepts come from, but for the shipped ones
        for iri in sorted(wanted):
            own = said(iri)
            yield from self._about(iri, own)
            if not own:
                given.add(self._database.one("SELECT source FROM concept WHERE curie = ?", concepts[iri]))
        for source in vocabulary.sources():
            if source["name"] in given:
                yield from self._source(source)

    def about(self, iri: str) -> Iterator[ox.Quad]:
        """What is said of a concept, a term of the ontology or a code of a closed list."""
        yield from self._about(iri, self._said(iri))
        yield from self.codes.get(iri, ())

    @cached_property
    def codes(self) -> dict[str, list[ox.Quad]]:
        """By the code of a closed list, that it is within itself and every code above it."""
        concepts = {self._vocabulary.expand(curie) for curie in self._vocabulary.concepts}
        others = sorted({iri for (iri,) in self._database.rows("SELECT iri FROM said")} - concepts)
        found: dict[str, list[ox.Quad]] = {}
        for iri, graph, above in self._code_lists(others):
            quad = ox.Quad(ox.NamedNode(iri), self._node("casekg:within"), ox.NamedNode(above), graph)
            found.setdefault(iri, []).append(quad)
        return found

    def _said(self, iri: str) -> list[ox.Quad]:
        """What the shipped files say of a node, in the graph of the file."""
        quads: list[ox.Quad] = []
        for file, triples in self._database.rows("SELECT file, triples FROM said WHERE iri = ?", iri):
            graph = self._graph(file)
            parsed = ox.parse(triples, format=ox.RdfFormat.N_TRIPLES)
            quads += (ox.Quad(t.subject, t.predicate, t.object, graph) for t in parsed)
        return quads

    def _about(self, iri: str, own: list[ox.Quad]) -> Iterator[ox.Quad]:
        """What is said of a concept or term, ``own`` by the shipped files."""
        yield from own
        curie = self._vocabulary.compact(iri)
        columns = "SELECT type, facet, ancestors, source FROM concept WHERE curie = ?"
        for kind, facet, ancestors, source in self._database.rows(columns, curie):
            graph = own[0].graph_name if own else self._graph(source)
            stated = {quad.predicate for quad in own}
            for predicate, text in (("casekg:type", kind), ("casekg:facet", facet)):
                if text and self._node(predicate) not in stated:
                    yield self._text(curie, predicate, text, graph)
            for above in (curie, *ancestors.split()):
                yield self._link(curie, "casekg:within", above, graph)
            if not own:
                entries = self._database.one("SELECT entries FROM concept WHERE curie = ?", curie)
                yield from self._concept(curie, json.loads(entries), graph)

    def _led_to(
        self,
        start: list[str],
        said: Callable[[str], list[ox.Quad]],
        concepts: Mapping[str, str],
        told: Collection[str],
    ) -> set[str]:
        """These concepts and all to which they lead, those told apart: ancestors, parts of regimens."""
        found: set[str] = set()
        while start:
            iri = start.pop()
            if iri not in found and iri not in told:
                found.add(iri)
                start += map(self._vocabulary.expand, self._vocabulary.concepts[concepts[iri]].ancestors)
                objects = (quad.object for quad in said(iri))
                start += [node.value for node in objects if isinstance(node, ox.NamedNode) and node.value in concepts]
        return found

    def _code_lists(self, iris: Iterable[str]) -> Iterator[tuple[str, ox.NamedNode, str]]:
        """The codes of the closed lists, each with its graph and with itself and every code above it."""
        type_, concept, up = (self._vocabulary.expand(c) for c in ("rdf:type", "skos:Concept", "skos:broader"))
        broader: dict[str, list[str]] = {}
        codes: dict[str, ox.NamedNode] = {}
        for iri in iris:
            for quad in self._said(iri):
                if isinstance(quad.object, ox.NamedNode) and isinstance(quad.graph_name, ox.NamedNode):
                    if (quad.predicate.value, quad.object.value) == (type_, concept):
                        codes[iri] = quad.graph_name
                    elif quad.predicate.value == up:
                        broader.setdefault(iri, []).append(quad.object.value)
        for iri, graph in codes.items():
            for above in _closure(iri, broader):
                yield iri, graph, above

    def _concept(self, curie: str, entries: list[dict[str, Any]], graph: _Graph) -> Iterator[ox.Quad]:
        """A concept of a vocabulary that is not shipped: labels, definition, parents, matches."""
        own = entries[0]
        yield self._link(curie, "rdf:type", "skos:Concept", graph)
        yield self._link(curie, "skos:inScheme", f"ckv:graph/{own['source']}", graph)
        for language, label in own["labels"].items():
            yield self._text(curie, "skos:prefLabel", label, graph, language)
        for surface, language, abbreviation in dict.fromkeys(map(tuple, own.get("synonyms", ()))):
            predicate = "casekg:abbreviation" if abbreviation else "skos:altLabel"
            yield self._text(curie, predicate, surface, graph, "" if abbreviation else language)
        if "definition" in own:
            yield self._text(curie, "skos:definition", own["definition"], graph, "en")
        for match in sorted({m for e in entries for m in (*e.get("matches", ()), e["curie"])} - {curie}):
            yield self._link(curie, "skos:exactMatch", match, graph)

    def _source(self, about: dict[str, Any]) -> Iterator[ox.Quad]:
        """Who made a vocabulary, which release it is, under which licence."""
        node, graph = f"ckv:graph/{about['name']}", self._graph(about["name"])
        yield self._link(node, "rdf:type", "skos:ConceptScheme", graph)
        for predicate, text in (
            ("dcterms:title", about["title"] or about["name"]),
            ("owl:versionInfo", about["release"]),
            ("dcterms:license", about["licence"]),
        ):
            if text and "://" in text and " " not in text:
                yield ox.Quad(self._node(node), self._node(predicate), ox.NamedNode(text), graph)
            elif text:
                yield self._text(node, predicate, text, graph)

    def _link(self, subject: str, predicate: str, value: str, graph: _Graph) -> ox.Quad:
        return ox.Quad(self._node(subject), self._node(predicate), self._node(value), graph)

    def _text(self, subject: str, predicate: str, text: str, graph: _Graph, language: str = "") -> ox.Quad:
        literal = ox.Literal(text, language=language) if language else ox.Literal(text)
        return ox.Quad(self._node(subject), self._node(predicate), literal, graph)

    def _graph(self, name: str) -> ox.NamedNode:
        return self._node(f"ckv:graph/{name}")

    def _node(self, curie: str) -> ox.NamedNode:
        """The node that a CURIE names."""
        if curie not in self._nodes:
            self._nodes[curie] = ox.NamedNode(self._vocabulary.expand(curie))
        return self._nodes[curie]


def _closure(iri: str, broader: dict[str, list[str]]) -> list[str]:
    """A node and all that stands above it."""
    found = {iri: None}
    for above in (level := [iri]):
        fresh = [b for b in broader.get(above, ()) if b not in found]
        found |= dict.fromkeys(fresh)
        level += fresh
    return list(found)
