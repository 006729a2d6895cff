"""The RDF exports: only what the reports use of the vocabularies, and all of that."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest
from rdflib import Dataset, Graph

from kg import exporters, registry, resources, vocab
from kg.query import ask
from kg.reports import Reports
from kg.store import FORMATS, Store, open_store
from tests.test_query import EXPECTED, given_in

RDF = {**FORMATS, "jsonld": ox.RdfFormat.JSON_LD}


def written(store: Store, form: str, *, text: bool = True) -> bytes:
    out = io.BytesIO()
    exporters.export(store, out, form, text=text)
    return out.getvalue()


@pytest.fixture(scope="module")
def alone(invented: Store) -> Iterator[Store]:
    """A store that holds what the TriG export says, and nothing else."""
    with open_store(None, base=invented.base) as store:
        store.bulk_load(list(ox.parse(written(invented, "trig"), format=ox.RdfFormat.TRIG)))
        yield store


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.stem)
def test_an_export_answers_every_question_by_itself(path: Path, alone: Store, invented: Store) -> None:
    name, given = path.stem.partition("@")[0], given_in(path)
    assert Counter(ask(alone, name, given).rows) == Counter(ask(invented, name, given).rows)


def test_what_no_report_uses_stays_out(alone: Store, invented: Store) -> None:
    vocabulary = vocab.load()
    held = {vocabulary.compact(q.subject.value) for q in alone.quads() if isinstance(q.subject, ox.NamedNode)}
    assert {"ckv:leukemia", "ckv:conditions", "casekg:Condition", "casekg:concept"} <= held
    assert "ckv:zygomycosis" not in held
    assert len(alone) < len(invented) / 10
    again = written(alone, "trig")
    assert again == written(invented, "trig"), "an export of an export is the same"


@pytest.mark.parametrize("form", RDF)
def test_the_formats_say_the_same(form: str, alone: Store, invented: Store) -> None:
    every = ox.parse(written(invented, form), format=RDF[form])
    if RDF[form].supports_datasets:
        assert set(every) == set(alone.quads())
    else:
        assert {q.triple for q in every} == {q.triple for q in alone.quads()}


def test_rdflib_reads_json_ld_as_the_same_quads(invented: Store) -> None:
    one, other = (
        Dataset().parse(data=written(invented, form).decode(), format=name)
        for form, name in (("jsonld", "json-ld"), ("nq", "nquads"))
    )
    assert set(one.quads()) == set(other.quads())


def test_json_ld_says_its_prefixes_as_the_published_context_does(invented: Store) -> None:
    published = json.loads((resources.folder("ontology") / "context.jsonld").read_text(encoding="utf-8"))["@context"]
    context = json.loads(written(invented, "jsonld"))["@context"]
    prefixes = {name: iri for name, iri in published.items() if str(iri).startswith("http") and name != "@base"}
    assert prefixes.items() <= {name: said["@id"] for name, said in context.items() if name[0] != "@"}.items()
    assert context["@base"] == published["@base"]


@pytest.mark.parametrize("form", RDF)
def test_no_sentence_of_a_report_is_left_without_texts(form: str, invented: Store) -> None:
    whole, bare = (" ".join(written(invented, form, text=text).decode().split()) for text in (True, False))
    quotes = {quote.exact for report in Reports(invented) for quote in report.quotes.values()}
    titles = {title for report in Reports(invented) for title in report.titles.values()}
    sentences = {" ".join(quote.split()) for quote in quotes if quote.endswith(".") and quote not in titles}
    assert any(sentence in whole for sentence in sentences)
    assert not [sentence for sentence in sentences if sentence in bare]


@pytest.mark.parametrize("form", RDF)
def test_full_texts_and_quotes_can_be_left_out(form: str, invented: Store) -> None:
    bare = written(invented, form, text=False).decode()
    predicates = {q.predicate.value for q in ox.parse(bare, format=RDF[form])}
    assert not predicates & set(exporters.withheld(text=False))


def test_void_counts_what_is_there(invented: Store) -> None:
    graph = Graph().parse(data=written(invented, "void"), format="turtle")
    names = {**vocab.load().prefixes, "void": "http://rdfs.org/ns/void#"}
    rows = graph.query(
        "SELECT ?n ?cases ?uses { ?d a void:Dataset ; void:triples ?n ."
        " ?d void:classPartition ?c ; void:propertyPartition ?p ."
        " ?c void:class casekg:Case ; void:entities ?cases . ?p void:property casekg:concept ; void:triples ?uses }",
        initNs=names,
    )
    ((triples, cases, uses),) = [[int(str(value)) for value in row] for row in rows]  # type: ignore[union-attr]
    assert triples == sum(1 for g in invented.graphs() if g.startswith(invented.base) for _ in invented.quads(g))
    assert cases == next(row["count"] for row in ask(invented, "summary") if row["what"] == "cases")
    assert uses == sum(1 for q in invented.quads() if q.predicate.value.endswith("#concept"))


def test_mappings_are_those_of_the_vocabulary(invented: Store) -> None:
    lines = written(invented, "sssom").decode().splitlines()
    head = [line.removeprefix("#") for line in lines if line.startswith("#")]
    header, *rows = [line.split("\t") for line in lines if not line.startswith("#")]
    prefixes = {line.split(":")[0].strip() for line in head[head.index("curie_map:") + 1 :]}
    found = [dict(zip(header, row, strict=True)) for row in rows]
    assert {row[key].partition(":")[0] for row in found for key in header if key.endswith("_id")} <= prefixes
    vocabulary = vocab.load()
    match = vocabulary.term("skos:exactMatch")
    assert len(found) == sum(1 for _ in invented.match(None, ox.NamedNode(match), None)) > 5000
    leukemia = [row for row in found if row["subject_id"] == "ckv:acute-lymphoblastic-leukemia"]
    assert {"MONDO:0004967", "NCIT:C3167"} <= {row["object_id"] for row in leukemia}
    sources = {row["object_id"]: row["mapping_source"] for row in leukemia}
    assert sources["NCIT:C3167"].startswith("ckv:source-mondo-ncit-")
    assert not [row for row in found for key in header if not row[key]], (
        "each row says whose code it is and where it was read"
    )
    assert {"license", "mapping_set_id", "mapping_set_version"} <= {line.split(":")[0] for line in head}


def test_formats_are_known_by_their_suffix() -> None:
    assert exporters.format_of("out.csv.zip") == "csv"
    assert exporters.format_of("graph.void.ttl") == "void"
    assert exporters.format_of("graph.ttl") == "ttl"
    assert exporters.format_of("graph.xyz") is None


def test_every_format_stands_in_the_documents() -> None:
    folder = Path(__file__).parents[1]
    page, readme = ((folder / name).read_text(encoding="utf-8") for name in ("docs/exports.md", "README.md"))
    for name in exporters.formats():
        assert f"| `{name}` | `{registry.plugin('exporters', name).SUFFIX}` |" in page
        assert f" {name}," in readme or f" {name} (" in readme
