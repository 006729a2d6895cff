"""docs/ontology.md is written from the ontology's files by ``--update-golden``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyoxigraph as ox
import pytest

from kg import resources, vocab
from tests.conftest import ROOT

ONTOLOGY = resources.folder("ontology")
HEAD = """# Ontology

What can be said of a case, term by term. Written from `ontology/casekg.ttl` and `ontology/vocab/codes.ttl`;
`make golden` writes it anew. The ontology is in the profile OWL 2 DL (judged by OWLAPI), and HermiT finds no
contradiction in it or between it and graphs of reports. [graph.md](graph.md) shows the terms at work.
"""


class Terms:
    """What files say, by CURIE and property."""

    def __init__(self, *names: str) -> None:
        self.vocabulary = vocab.load()
        self.said: dict[str, dict[str, list[Any]]] = {}
        for name in names:
            for quad in ox.parse(path=ONTOLOGY / name):
                if isinstance(quad.subject, ox.NamedNode):
                    about = self.said.setdefault(self.vocabulary.compact(quad.subject.value), {})
                    about.setdefault(self.vocabulary.compact(quad.predicate.value), []).append(quad.object)

    def text(self, term: str, predicate: str, language: str = "en") -> str:
        return next((v.value for v in self.said[term].get(predicate, ()) if v.language == language), "")

    def nodes(self, term: str, predicate: str) -> list[str]:
        return sorted(self.vocabulary.compact(v.value) for v in self.said[term].get(predicate, ()))

    def of_type(self, *types: str) -> list[str]:
        return [term for term in self.said if {*types} & {*self.nodes(term, "rdf:type")}]


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [columns, ["---"] * len(list(columns)), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def ontology_page() -> str:
    terms, codes = Terms("casekg.ttl"), Terms("vocab/codes.ttl")
    classes = terms.of_type("owl:Class")
    properties = terms.of_type("owl:ObjectProperty", "owl:DatatypeProperty", "owl:AnnotationProperty")

    def rows(names: Iterable[str], *links: str) -> Iterable[list[str]]:
        for name in names:
            told = [terms.text(name, "rdfs:label"), terms.text(name, "skos:definition")]
            yield [f"`{name}`", *told, *(code(terms.nodes(name, link)) for link in links)]

    def own(names: list[str], wanted: bool = True) -> list[str]:
        return [name for name in names if name.startswith("casekg:") == wanted]

    parts = [HEAD]
    columns = ["class", "label", "definition", "kind of", "close to"]
    parts += ["## Classes\n", table(columns, rows(own(classes), "rdfs:subClassOf", "skos:closeMatch"))]
    columns = ["property", "label", "definition", "of", "leads to"]
    parts += ["## Properties\n", table(columns, rows(own(properties), "rdfs:domain", "rdfs:range"))]
    for scheme in codes.of_type("skos:ConceptScheme"):
        listed = [t for t in codes.of_type("skos:Concept") if scheme in codes.nodes(t, "skos:inScheme")]
        parts += [f"## Codes: {codes.text(scheme, 'skos:prefLabel')}\n", code_table(codes, listed)]
    others = [*own(classes, False), *own(properties, False)]
    parts += ["## Terms of others\n", table(["term", "label", "its reading here"], rows(others))]
    return "\n".join(parts)


def code_table(codes: Terms, listed: list[str]) -> str:
    def row(name: str) -> list[str]:
        labels = [codes.text(name, "skos:prefLabel", language) for language in ("en", "ko")]
        return [f"`{name}`", *labels, codes.text(name, "skos:definition"), code(codes.nodes(name, "skos:broader"))]

    return table(["code", "English", "Korean", "definition", "group"], map(row, listed))


def test_the_page_of_the_ontology_is_what_its_files_say(request: pytest.FixtureRequest) -> None:
    path = ROOT / "docs" / "ontology.md"
    if request.config.getoption("--update-golden"):
        path.write_text(ontology_page(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == ontology_page()
