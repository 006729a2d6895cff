"""The ontology: every term that anything uses is declared, labelled and defined; the code lists; the JSON context."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from kg import model, quads, resources, vocab
from kg.model import (
    Agreement,
    Case,
    Condition,
    Finding,
    Intervention,
    LinkEvidence,
    Outcome,
    Patient,
    Quantity,
    Span,
    Window,
)
from tests.records import full_document, full_record

ROOT = Path(__file__).parents[1]
ONTOLOGY = resources.folder("ontology")
CASEKG = "https://w3id.org/casekg/ontology#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
W3C = ("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://www.w3.org/2000/01/rdf-schema#", "http://www.w3.org/ns/shacl#",
       "http://www.w3.org/2001/XMLSchema#", "http://www.w3.org/2002/07/owl#")  # fmt: skip
RDF_FILES = sorted(
    [*resources.folder("shapes").glob("*.ttl"), ONTOLOGY / "vocab" / "codes.ttl", ONTOLOGY / "casekg.ttl"]
)
QUESTIONS = sorted(resources.folder("queries").rglob("*.rq"))


def triples(path: Path) -> list[ox.Quad]:
    return list(ox.parse(path=path))


@pytest.fixture(scope="module")
def declared() -> set[str]:
    """IRIs that the ontology and the shipped vocabularies describe."""
    files = [ONTOLOGY / "casekg.ttl", *sorted((ONTOLOGY / "vocab").glob("*.ttl"))]
    return {q.subject.value for f in files for q in triples(f) if isinstance(q.subject, ox.NamedNode)}


def plain(term: object) -> str:
    """The text of an IRI or literal."""
    return str(getattr(term, "value", term))


def is_known(iri: str, declared: set[str]) -> bool:
    return iri in declared or iri.startswith(W3C)


@pytest.mark.parametrize("path", RDF_FILES, ids=lambda p: p.stem)
def test_every_term_of_a_turtle_file_is_declared(path: Path, declared: set[str]) -> None:
    named = {q.subject.value for q in triples(path) if isinstance(q.subject, ox.NamedNode)}
    outside = ("closeMatch", "exactMatch", "isDefinedBy", "license", "preferredNamespaceUri")
    used = {q.predicate.value for q in triples(path)}
    used |= {
        q.object.value
        for q in triples(path)
        if isinstance(q.object, ox.NamedNode) and not q.predicate.value.endswith(outside)
    }
    assert not {iri for iri in used - named if not is_known(iri, declared)}


@pytest.mark.parametrize("path", QUESTIONS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_term_of_a_question_is_declared(path: Path, declared: set[str]) -> None:
    text = re.sub(r"(^|\s)#.*$", " ", path.read_text(encoding="utf-8"), flags=re.M)
    prefixes = dict(re.findall(r"PREFIX\s+([\w-]+):\s*<([^>]*)>", text))
    body = re.sub(r'PREFIX\s+\S+\s+<[^>]*>|"(\\.|[^"\\])*"|<[^<>\s]*>', " ", text)
    used = {prefixes[p] + local for p, local in re.findall(r"(?<![\w?$:-])([a-z]\w*):([\w-]+)", body)}
    assert used or path.parent.name in {"store", "counts"}  # these know no term of ours
    assert not {iri for iri in used if not is_known(iri, declared)}


def test_every_curie_in_the_code_is_declared(declared: set[str]) -> None:
    prefixes = vocab.load().prefixes
    curie = re.compile(rf"({'|'.join(p for p in prefixes if p not in {'id'})}):[A-Za-z_][\w-]*")
    used = set()
    for path in (ROOT / "kg").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and curie.fullmatch(node.value):
                used.add((str(path.relative_to(ROOT)), node.value))
    assert used
    assert not {
        (path, name)
        for path, name in used
        if not is_known(prefixes[name.partition(":")[0]] + name.partition(":")[2], declared)
    }


@pytest.mark.parametrize("path", [ONTOLOGY / "casekg.ttl", ONTOLOGY / "vocab" / "codes.ttl"], ids=lambda p: p.stem)
def test_every_term_is_labelled_and_defined(path: Path) -> None:
    about: dict[str, set[tuple[str, str | None]]] = {}
    for quad in triples(path):
        if isinstance(quad.subject, ox.NamedNode):
            language = quad.object.language if isinstance(quad.object, ox.Literal) else None
            about.setdefault(quad.subject.value, set()).add((quad.predicate.value, language))
    for term, said in about.items():
        if term == "https://w3id.org/casekg/ontology":
            continue
        labels = {language for p, language in said if p.endswith(("#label", "#prefLabel"))}
        assert "en" in labels, f"{term} has no English label"
        assert any(p == f"{SKOS}definition" and lang == "en" for p, lang in said), f"{term} has no definition"
        if path.stem == "codes":
            assert labels == {"en", "ko"}, f"{term} needs a label in each language"


@pytest.mark.parametrize(
    ("scheme", "codes"),
    [("role", model.ROLES), ("kind", model.KINDS), ("category", model.CATEGORIES), ("assertion", model.ASSERTIONS)],
)
def test_code_lists_are_those_of_the_contract(scheme: str, codes: tuple[str, ...]) -> None:
    quads_ = triples(ONTOLOGY / "vocab" / "codes.ttl")
    in_scheme = {
        q.subject for q in quads_ if q.predicate.value == f"{SKOS}inScheme" and plain(q.object).endswith(f"/{scheme}")
    }
    notations = {
        q.subject: plain(q.object) for q in quads_ if q.predicate.value == f"{SKOS}notation" and q.subject in in_scheme
    }
    assert sorted(notations.values()) == sorted(codes)
    for node, code in notations.items():
        assert plain(node).rpartition("/")[2] == code.replace(" ", "_")
    term = vocab.load().term
    assert all(term(f"{scheme}:{code.replace(' ', '_')}") for code in codes)


@pytest.mark.parametrize(
    ("shape", "scheme", "codes"),
    [("Condition-role", "role", model.ROLES), ("Intervention-kind", "kind", model.KINDS),
     ("Outcome-category", "category", model.CATEGORIES), ("Episode-assertion", "assertion", model.ASSERTIONS)],
)  # fmt: skip
def test_shapes_know_the_same_codes(shape: str, scheme: str, codes: tuple[str, ...]) -> None:
    text = (resources.folder("shapes") / f"{shape.partition('-')[0]}.ttl").read_text(encoding="utf-8")
    listed = re.search(rf"shape:{shape} .*?sh:in \((.*?)\)", text, re.S)
    assert listed and sorted(listed[1].split()) == sorted(f"{scheme}:{c.replace(' ', '_')}" for c in codes)


def test_categories_are_ranked_and_grouped() -> None:
    quads_ = triples(ONTOLOGY / "vocab" / "codes.ttl")
    ranks = [plain(q.object) for q in quads_ if q.predicate.value == f"{CASEKG}rank"]
    assert sorted(map(int, ranks)) == list(range(1, len(model.CATEGORIES) + 1))
    groups = {plain(q.object).rpartition("/")[2] for q in quads_ if q.predicate.value == f"{SKOS}broader"}
    assert groups == {"favourable", "unchanged", "unfavourable"}


def test_alignments_are_verified_ones(shared: Path) -> None:
    known = {
        line.split("\t")[2]
        for line in (shared / "vocab" / "verified_terms.tsv").read_text(encoding="utf-8").splitlines()
    }
    own = ("http://hl7.org/fhir/", "https://w3id.org/biolink/vocab/")  # read in their own documentation
    for path in (ONTOLOGY / "casekg.ttl", ONTOLOGY / "vocab" / "codes.ttl"):
        for quad in triples(path):
            if quad.predicate.value.endswith("Match") and isinstance(quad.object, ox.NamedNode):
                assert quad.object.value in known or quad.object.value.startswith(own), quad


def test_only_what_owl_2_knows_is_in_the_ontology() -> None:
    """No durations as ranges and no built-in RDF terms as entities: OWL 2 DL has neither."""
    for quad in triples(ONTOLOGY / "casekg.ttl"):
        assert not str(quad.object).startswith("<http://www.w3.org/2001/XMLSchema#duration")
        assert not str(quad.subject).startswith("<http://www.w3.org/1999/02/22-rdf-syntax-ns#")


# --- the JSON context -----------------------------------------------------------------------------------------------


def context() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ONTOLOGY / "context.jsonld").read_text(encoding="utf-8"))["@context"]
    return loaded


def terms(scope: dict[str, Any]) -> dict[str, Any]:
    """Every term of a context and of those within it; codes of closed lists are not keys."""
    found = {}
    for key, value in scope.items():
        if key.startswith("@") or (isinstance(value, str) and value.startswith("http")):
            continue
        found[key] = value
        if isinstance(value, dict) and "@reverse" in value:
            found |= terms(value.get("@context", {}))
    return found


def test_the_context_has_every_key_of_the_contract_and_no_other() -> None:
    parts = (
        model.CaseRecord,
        model.Report,
        Case,
        Patient,
        Condition,
        Intervention,
        Outcome,
        Finding,
        LinkEvidence,
        Agreement,
        Window,
        Span,
        Quantity,
    )
    keys = {f.name.rstrip("_") for part in parts for f in fields(part)}
    assert set(terms(context())) == keys


def test_every_property_of_the_context_is_declared(declared: set[str]) -> None:
    prefixes = {k: v for k, v in context().items() if isinstance(v, str) and v.startswith("http")}
    assert all(vocab.load().prefixes[p] == iri for p, iri in prefixes.items() if not p.startswith("@"))
    for key, value in terms(context()).items():
        name = value if isinstance(value, str) else value.get("@id") or value["@reverse"]
        if not name.startswith("@"):
            prefix, _, local = name.partition(":")
            assert is_known(prefixes[prefix] + local, declared), key


COMPUTED = {  # what the graph says beyond the record
    "rdf:type", "casekg:text", "casekg:key", "casekg:byline", "casekg:order", "casekg:ungrounded", "casekg:disease",
    "casekg:ageYears", "casekg:durationMonths", "casekg:quote", "casekg:inSentence", "casekg:inputHash",
    "casekg:method", "casekg:vocabularyVersion", "prov:wasDerivedFrom", "prov:wasGeneratedBy", "prov:wasAssociatedWith",
    "prov:wasInformedBy",
}  # fmt: skip
FLATTER = {"casekg:value", "casekg:unit"}  # what the record says in another shape


def test_a_record_read_with_the_context_says_what_its_graph_says() -> None:
    document, record, vocabulary = full_document(), full_record(), vocab.load()
    data = json.dumps({"@context": context(), **model.to_json(record)})
    base = context()["@base"]
    as_json = list(ox.parse(data, format=ox.RdfFormat.JSON_LD, base_iri=base))
    graph = quads.quads(document, record, vocabulary=vocabulary, base=base, extractor="test", extractor_version="1")

    def names(found: list[ox.Quad]) -> set[str]:
        return {vocabulary.compact(q.predicate.value) for q in found}

    assert names(as_json) - names(graph) == FLATTER
    assert names(graph) - names(as_json) == COMPUTED
    for name in ("role", "kind", "category", "assertion", "concept", "label", "title", "sourceId", "predicate"):
        of = [
            {q.object for q in found if q.predicate.value.endswith((f"#{name}", f"/{name}"))}
            for found in (as_json, graph)
        ]
        if name == "label":  # the graph labels outcomes too, by their category
            assert of[0] < of[1]
        elif name == "predicate":  # the record lists own evidence only, the graph every link
            assert of[0] <= of[1]
        else:
            assert of[0] == of[1], name
