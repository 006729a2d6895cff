"""The vocabularies that come with the program, from ontology/."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyoxigraph as ox

from kg.errors import VocabularyError
from kg.vocab.entries import Names, Source
from kg.vocab.formats.rdf import Graph
from kg.vocab.graphs import files

__all__ = ["Shipped", "read"]


@dataclass(frozen=True)
class Shipped:
    """``terms`` are the CURIEs of all that the files declare; ``code_sources`` describe where codes were read,
    ``schemes`` lead from a type of concept to its scheme. ``said`` holds of each IRI what the files say of it, as
    N-Triples, and the name of the first file that does.
    """

    source: Source
    prefixes: dict[str, str]
    terms: list[str]
    code_sources: dict[str, dict[str, str]]
    schemes: dict[str, str]
    said: dict[str, tuple[str, str]]


def read() -> Shipped:
    """All of ontology/. VocabularyError if a file is not Turtle or two of them disagree on a prefix."""
    return _read(tuple((path, path.stat().st_mtime_ns) for path in files()))


@lru_cache(maxsize=1)
def _read(dated: tuple[tuple[Path, int], ...]) -> Shipped:
    prefixes: dict[str, str] = {}
    triples: list[ox.Quad] = []
    lines: dict[str, tuple[str, list[str]]] = {}
    for path, _ in dated:
        try:
            parser = ox.parse(path=str(path), format=ox.RdfFormat.TURTLE)
            own = list(parser)
        except (SyntaxError, OSError) as error:
            raise VocabularyError(f"{path} is not Turtle: {error}.") from error
        triples += own
        for t in own:
            if isinstance(t.subject, ox.NamedNode):
                lines.setdefault(t.subject.value, (path.stem, []))[1].append(f"{t.triple} .\n")
        for prefix, namespace in parser.prefixes.items():
            if prefixes.setdefault(prefix, namespace) != namespace:
                raise VocabularyError(f"{path}: the prefix {prefix}: is {prefixes[prefix]} in another file.")
    names = Names(prefixes)
    graph = Graph(names)
    graph.add(triples)
    entries = tuple(e for e in graph.entries() if e.type)
    terms = sorted(c for c in map(names.curie, lines) if not c.startswith(":"))
    kind, type_, terms_of_sources = names.expand("rdf:type"), names.expand("casekg:type"), _about(names)
    kinds: dict[str, list[str]] = {}
    said: dict[str, dict[str, str]] = {}
    for t in triples:
        predicate = t.predicate.value
        if predicate == kind:
            kinds.setdefault(_value(t.object), []).append(_value(t.subject))
        elif predicate == type_ or predicate in terms_of_sources:
            said.setdefault(_value(t.subject), {})[predicate] = _value(t.object)
    described = {
        names.curie(iri): {
            terms_of_sources[p]: value for p, value in said.get(iri, {}).items() if p in terms_of_sources
        }
        for iri in sorted(kinds.get(names.expand("dcterms:BibliographicResource"), ()))
    }
    schemes = {
        said[iri][type_]: names.curie(iri)
        for iri in kinds.get(names.expand("skos:ConceptScheme"), ())
        if type_ in said.get(iri, {})
    }
    source = Source(
        name="casekg",
        title=graph.about()[0],
        release=graph.about()[1],
        licence=graph.about()[2],
        priority=0,
        entries=entries,
    )
    texts = {iri: (file, "".join(several)) for iri, (file, several) in lines.items()}
    return Shipped(source, prefixes, terms, described, schemes, texts)


def _about(names: Names) -> dict[str, str]:
    """What is kept of the files in which codes were read: property -> name."""
    wanted = {"title": "dcterms:title", "release": "owl:versionInfo", "licence": "dcterms:license"}
    return {names.expand(curie): name for name, curie in wanted.items()}


def _value(node: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> str:
    return "" if isinstance(node, ox.Triple) else node.value
