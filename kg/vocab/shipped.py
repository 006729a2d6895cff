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
    """``terms`` are the CURIEs of all that the files declare; ``code_sources`` describe where codes were read."""

    source: Source
    prefixes: dict[str, str]
    terms: list[str]
    code_sources: dict[str, dict[str, str]]


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
    described: dict[str, dict[str, str]] = {}
    wanted = {names.expand(c): c.partition(":")[2] for c in ("dcterms:title", "owl:versionInfo", "dcterms:license")}
    kind = names.expand("dcterms:BibliographicResource")
    sources = {
        t.subject.value
        for t in triples
        if isinstance(t.object, ox.NamedNode) and t.object.value == kind and isinstance(t.subject, ox.NamedNode)
    }
    for t in triples:
        if isinstance(t.subject, ox.NamedNode) and t.subject.value in sources and t.predicate.value in wanted:
            about = described.setdefault(names.curie(t.subject.value), {})
            about[wanted[t.predicate.value]] = t.object.value if not isinstance(t.object, ox.Triple) else ""
    source = Source(
        name="casekg",
        title=graph.about()[0],
        release=graph.about()[1],
        licence=graph.about()[2],
        priority=0,
        entries=entries,
    )
    return Shipped(source, prefixes, terms, described)
