"""The vocabularies that come with the program, from ontology/."""

from __future__ import annotations

from dataclasses import dataclass

import pyoxigraph as ox

from kg.errors import VocabularyError
from kg.vocab.entries import Names, Source
from kg.vocab.formats.rdf import Graph
from kg.vocab.graphs import files

__all__ = ["Shipped", "read"]


@dataclass(frozen=True)
class Shipped:
    """``terms`` are the CURIEs of all that the files declare; ``code_sources`` describe where codes were read,
    ``schemes`` lead from a type of concept to its scheme.
    """

    source: Source
    prefixes: dict[str, str]
    terms: list[str]
    code_sources: dict[str, dict[str, str]]
    schemes: dict[str, str]


def read() -> Shipped:
    """All of ontology/. VocabularyError if a file is not Turtle or two of them disagree on a prefix."""
    prefixes: dict[str, str] = {}
    triples: list[ox.Quad] = []
    for path in files():
        try:
            parser = ox.parse(path=str(path), format=ox.RdfFormat.TURTLE)
            triples += parser
        except (SyntaxError, OSError) as error:
            raise VocabularyError(f"{path} is not Turtle: {error}.") from error
        for prefix, namespace in parser.prefixes.items():
            if prefixes.setdefault(prefix, namespace) != namespace:
                raise VocabularyError(f"{path}: the prefix {prefix}: is {prefixes[prefix]} in another file.")
    names = Names(prefixes)
    graph = Graph(names)
    graph.add(triples)
    entries = tuple(e for e in graph.entries() if e.type)
    subjects = {t.subject.value for t in triples if isinstance(t.subject, ox.NamedNode)}
    terms = sorted(c for c in map(names.curie, subjects) if not c.startswith(":"))
    said = {(_value(t.subject), names.curie(t.predicate.value)): _value(t.object) for t in triples}
    kinds = {
        _value(t.subject): names.curie(_value(t.object))
        for t in triples
        if t.predicate.value == names.expand("rdf:type")
    }
    described = {
        names.curie(iri): {
            key: said[iri, curie]
            for key, curie in (
                ("title", "dcterms:title"),
                ("release", "owl:versionInfo"),
                ("licence", "dcterms:license"),
            )
            if (iri, curie) in said
        }
        for iri, kind in sorted(kinds.items())
        if kind == "dcterms:BibliographicResource"
    }
    schemes = {
        said[iri, "casekg:type"]: names.curie(iri)
        for iri, kind in kinds.items()
        if kind == "skos:ConceptScheme" and (iri, "casekg:type") in said
    }
    source = Source(
        name="casekg",
        title=graph.about()[0],
        release=graph.about()[1],
        licence=graph.about()[2],
        priority=0,
        entries=entries,
    )
    return Shipped(source, prefixes, terms, described, schemes)


def _value(node: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> str:
    return "" if isinstance(node, ox.Triple) else node.value
