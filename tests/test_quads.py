"""From a record to its graph: names, evidence, links, literals, and bytes that never differ."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg import identity, literals, quads, vocab
from kg.errors import KGError, VocabularyError
from kg.model import (
    Assertion,
    Case,
    CaseRecord,
    Condition,
    Document,
    Intervention,
    Outcome,
    Patient,
    Quantity,
    Report,
    Span,
    Unit,
)
from kg.quads import Writer
from kg.store import open_store
from tests.records import TEXT, at, full_document, full_record, sentences

BASE = "https://w3id.org/casekg/id/"
GOLDEN = Path(__file__).parent / "cases" / "records" / "full.nq"


@pytest.fixture(scope="module")
def writer(vocabulary: vocab.Vocabulary) -> Writer:
    return Writer(vocabulary, BASE, "test", "1")


def document(text: str = TEXT, **about: object) -> Document:
    return Document("x", text, dataclasses.replace(Report(), **about), ())  # type: ignore[arg-type]


def record(case: Case, text: str = TEXT) -> CaseRecord:
    return CaseRecord(id="x", cases=(case,), sentences=sentences(text))


def condition(words: str, id: str = "c1", text: str = TEXT, *, assertion: Assertion = "present") -> Condition:
    return Condition(id=id, **at(words, text), label=words, role="primary", assertion=assertion)


class Graph:
    """A report's graph to ask: ``values(node, property)`` with IRIs as CURIEs or relative to the base."""

    def __init__(self, nquads: bytes, vocabulary: vocab.Vocabulary) -> None:
        self.quads = quads.parse(nquads)
        self.vocabulary = vocabulary

    def short(self, iri: str) -> str:
        return iri.removeprefix(BASE) if iri.startswith(BASE) else self.vocabulary.compact(iri)

    def triples(self) -> Iterator[tuple[str, str, str]]:
        for q in self.quads:
            value = q.object.value if not isinstance(q.object, ox.Triple) else ""
            yield (
                self.short(q.subject.value) if isinstance(q.subject, ox.NamedNode) else "",
                self.short(q.predicate.value),
                self.short(value) if isinstance(q.object, ox.NamedNode) else value,
            )

    def values(self, node: str, name: str) -> set[str]:
        return {o for s, p, o in self.triples() if p == name and (s == node or s.endswith(f"/{node}"))}

    def subjects(self, name: str, value: str | None = None) -> set[str]:
        return {s for s, p, o in self.triples() if p == name and value in {None, o}}


# --- the whole --------------------------------------------------------------------------------------------------------


def test_golden(writer: Writer, request: pytest.FixtureRequest) -> None:
    """The graph of a record that fills every field, line by line; the vocabulary's version is not part of it."""
    made = b"".join(
        line
        for line in writer(full_document(), full_record(), fingerprint="f").splitlines(keepends=True)
        if b"wasGeneratedBy" not in line and b"wasInformedBy" not in line
    )
    if request.config.getoption("--update-golden"):
        GOLDEN.parent.mkdir(parents=True, exist_ok=True)
        GOLDEN.write_bytes(made)
    assert made == GOLDEN.read_bytes()


def test_lines_are_sorted_distinct_and_canonical(writer: Writer) -> None:
    made = writer(full_document(), full_record())
    lines = made.splitlines(keepends=True)
    assert lines == sorted(set(lines))
    assert made == b"".join(ox.serialize([q], format=ox.RdfFormat.N_QUADS) or b"" for q in quads.parse(made))


def test_no_blank_nodes_and_one_graph(writer: Writer) -> None:
    made = quads.parse(writer(full_document(), full_record()))
    assert {str(q.graph_name) for q in made} == {f"<{BASE}doi/10.1000%2Fxyz%282003%2977%3C277%3Ar%3E2/graph>"}
    assert not [q for q in made if isinstance(q.subject, ox.BlankNode) or isinstance(q.object, ox.BlankNode)]


def test_where_and_when_it_was_made_is_not_told(writer: Writer) -> None:
    from_one = dataclasses.replace(full_document(), source="/home/somebody/report.txt")
    from_other = dataclasses.replace(full_document(), source="other:17")
    assert writer(from_one, full_record()) == writer(from_other, full_record())


def test_settings_are_told_once(writer: Writer, vocabulary: vocab.Vocabulary) -> None:
    graph = Graph(writer.settings(), vocabulary)
    node = writer.extraction.removeprefix(BASE)
    assert graph.values(node, "prov:wasAssociatedWith") == {"extractor/test/1"}
    assert graph.values("extractor/test/1", "rdfs:label") == {"test 1"}
    assert Writer(vocabulary, BASE, "test", "2").extraction != writer.extraction
    made = Graph(writer(full_document(), full_record(), fingerprint="abc"), vocabulary)
    assert made.values("graph", "prov:wasGeneratedBy") == {node}
    assert made.values("graph", "casekg:fingerprint") == {"abc"}


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)


@st.composite
def understood(draw: st.DrawFn) -> tuple[Document, CaseRecord]:
    """A text of any characters and episodes anywhere in it."""
    text = draw(texts)

    def place() -> dict[str, int | str]:
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        return {"start": start, "end": end, "text": text[start:end]}

    conditions = tuple(
        Condition(id=f"c{n}", **place(), label=draw(texts), role="primary")  # type: ignore[arg-type]
        for n in range(draw(st.integers(0, 3)))
    )
    outcomes = tuple(
        Outcome(id=f"o{n}", **place(), category="death", of=tuple(c.id for c in conditions))  # type: ignore[arg-type]
        for n in range(draw(st.integers(0, 2)))
    )
    cuts = sorted(draw(st.sets(st.integers(1, len(text)), max_size=3)))
    spans = tuple(Span(a, b) for a, b in zip([0, *cuts], cuts, strict=False))
    about = Report(
        title={"en": draw(texts)},
        authors=(draw(texts),),
        doi=draw(st.none() | st.just("10.1234/") | texts),
        journal=draw(texts),
    )
    return Document(draw(texts), text, about, ()), CaseRecord(
        id="x", cases=(Case(id="case1", conditions=conditions, outcomes=outcomes),), sentences=spans
    )


@given(understood())
@settings(max_examples=60, deadline=None)
def test_round_trip(pair: tuple[Document, CaseRecord]) -> None:
    """Whatever the text, the store gives back the very bytes, quotes are slices, and every format says the same."""
    doc, rec = pair
    made = Writer(vocab_once(), BASE, "test", "1")(doc, rec)
    with open_store(base=BASE) as store:
        store.bulk_load(made)
        out = io.BytesIO()
        store.dump("nq", out)
        assert out.getvalue() == made
        for form, parsed in (("trig", ox.RdfFormat.TRIG), ("ttl", ox.RdfFormat.TURTLE), ("nt", ox.RdfFormat.N_TRIPLES)):
            out = io.BytesIO()
            store.dump(form, out, prefixes={"casekg": "https://w3id.org/casekg/ontology#"})
            again = {q.triple for q in ox.parse(out.getvalue(), format=parsed)}
            assert again == {q.triple for q in quads.parse(made)}
    graph = Graph(made, vocab_once())
    for span in graph.subjects("oa:exact"):
        start, end = map(int, span.rpartition("/")[2].split("-"))
        assert graph.values(span, "oa:exact") == {doc.text[start:end]}
        assert graph.values(span, "casekg:inSentence") or graph.values(span, "oa:hasSource")


@given(st.text() | st.text('a"\\\n\r\t\x00\x85\u2028u@^ '))
def test_a_string_is_read_as_it_was_written(text: str) -> None:
    assert literals.read(literals.string(text)) == ("", text) == literals.read(str(ox.Literal(text)))
    assert literals.read(str(ox.Literal(text, language="en"))) == ("en", text)


_VOCABULARY: list[vocab.Vocabulary] = []


def vocab_once() -> vocab.Vocabulary:
    if not _VOCABULARY:
        _VOCABULARY.append(vocab.load())
    return _VOCABULARY[0]


def test_half_a_surrogate_pair_does_no_harm(writer: Writer) -> None:
    text = "A boy \ud83d had leukemia."
    made = writer(document(text), record(Case(id="case1", conditions=(condition("\ud83d had", text=text),)), text))
    assert "A boy \ufffd had leukemia." in {
        q.object.value for q in quads.parse(made) if isinstance(q.object, ox.Literal)
    }


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("about", "name"),
    [
        ({"doi": "10.1000/XYZ", "pmid": "1"}, "doi/10.1000%2Fxyz"),
        ({"doi": "https://doi.org/10.1000/xyz"}, "doi/10.1000%2Fxyz"),
        ({"doi": "doi:10.1000/xyz"}, "doi/10.1000%2Fxyz"),
        ({"doi": "10.1000/a<b>\"c d", "pmid": "PMID: 0012"}, "pmid/12"),  # a DOI holds no space
        ({"doi": "10.1000/a<b>\"{}|^`\\c"}, "doi/10.1000%2Fa%3Cb%3E%22%7B%7D%7C%5E%60%5Cc"),
        ({"doi": "10.1000/../../x#y?z"}, "doi/10.1000%2F..%2F..%2Fx%23y%3Fz"),
        ({"doi": "10.1000/한글"}, "doi/10.1000%2F%ED%95%9C%EA%B8%80"),
        ({"doi": "none", "pmcid": "pmc42"}, "pmcid/PMC42"),
        ({"doi": "", "pmid": "n/a"}, f"text/{identity.digest(TEXT, 10)}"),
    ],
)  # fmt: skip
def test_a_report_is_named_by_its_best_identifier(about: dict[str, str], name: str) -> None:
    iri = quads.report_iri(document(**about), BASE)
    assert iri == BASE + name
    assert ox.NamedNode(iri).value == iri


def test_texts_that_differ_in_folding_only_are_one_report() -> None:
    assert quads.report_iri(document("Ａ Boy\r\n had  FEVER."), BASE) == quads.report_iri(
        document("a boy had fever. "), BASE
    )
    assert quads.report_iri(document("a boy"), BASE) != quads.report_iri(document("a girl"), BASE)


def test_keys_of_copies() -> None:
    one = document(doi="10.1/x", title={"ko": "관해", "en": "Complete  Remission"}, authors=("Kim, A.",))
    assert quads.report_keys(one)[0].startswith("title:")  # 10.1/x is no DOI: registrants have four digits or more
    other = document("another text", pmid="7", title={"en": "complete remission"}, authors=("KIM, A.",))
    assert set(quads.report_keys(one)) & set(quads.report_keys(other))
    assert quads.report_keys(other)[0] == "pmid:7"
    assert quads.report_keys(document(title={"en": "A case"})) == (f"text:{identity.digest(TEXT, 10)}",)


def test_an_episode_keeps_its_name_when_ids_places_and_concepts_change(
    writer: Writer, vocabulary: vocab.Vocabulary
) -> None:
    def name(case: Case, text: str) -> str:
        graph = Graph(writer(document(text, pmid="1"), record(case, text)), vocabulary)
        return next(iter(graph.subjects("casekg:role")))

    before = name(Case(id="case1", conditions=(condition("hypoplastic leukemia"),)), TEXT)
    moved = "Title. " + TEXT.replace("hypoplastic leukemia", "Hypoplastic\nLeukemia")
    changed = dataclasses.replace(
        condition("Hypoplastic\nLeukemia", "other", moved), concept="ckv:hypoplastic-leukemia", role="relapse"
    )
    assert name(Case(id="patient", conditions=(changed,)), moved) == before
    assert before.startswith("pmid/1/case1/condition/")


def test_equals_are_counted_in_the_order_of_the_text() -> None:
    text = "fever, then fever, then Fever"
    places = [i for i in range(len(text)) if text[i : i + 5].lower() == "fever"]
    found = [
        Condition(id=str(p), start=p, end=p + 5, text=text[p : p + 5], label="fever", role="presenting") for p in places
    ]
    names = identity.episode_names(found)
    assert names == [names[0], f"{names[0]}-2", f"{names[0]}-3"]
    assert identity.episode_names(found[::-1]) == names[::-1]


@pytest.mark.parametrize("base", ["no iri/", "https://w3id.org/x", "https://w3id.org/a b/"])
def test_a_base_that_makes_no_iris_is_refused(vocabulary: vocab.Vocabulary, base: str) -> None:
    with pytest.raises(KGError, match="base"):
        Writer(vocabulary, base, "test", "1")


# --- evidence and links -----------------------------------------------------------------------------------------------


def test_every_quote_leads_to_its_sentence_and_report(writer: Writer, vocabulary: vocab.Vocabulary) -> None:
    graph = Graph(writer(full_document(), full_record()), vocabulary)
    quotes = {o for _, p, o in graph.triples() if p in {"casekg:quote", "casekg:evidence"}}
    assert len(quotes) > 5
    for quote in quotes:
        sentence = graph.values(quote, "casekg:inSentence") or {quote}
        assert len(sentence) == 1
        assert graph.values(sentence.pop(), "oa:hasSource") == {"doi/10.1000%2Fxyz%282003%2977%3C277%3Ar%3E2"}


@pytest.mark.parametrize(
    ("words", "spans", "sentence"),
    [
        ("b", ((0, 3), (4, 7)), "0-3"),
        ("b c", ((0, 3), (4, 7)), "0-7"),  # across two sentences: the run of both
        ("a b", ((0, 3), (4, 7)), "0-3"),  # the sentence itself
        ("b c", ((4, 7),), "2-7"),  # begins between sentences
        ("c", (), "4-5"),  # no sentences known
        ("a", ((4, 7),), "0-1"),
    ],
)
def test_sentences(
    words: str, spans: tuple[tuple[int, int], ...], sentence: str, writer: Writer, vocabulary: vocab.Vocabulary
) -> None:
    text = "a b c d"
    rec = CaseRecord(
        id="x",
        cases=(Case(id="case1", conditions=(condition(words, text=text),)),),
        sentences=tuple(Span(*s) for s in spans),
    )
    graph = Graph(writer(document(text), rec), vocabulary)
    start = text.index(words)
    assert {s.rpartition("/")[2] for s in graph.values(f"{start}-{start + len(words)}", "casekg:inSentence")} == {
        sentence
    }


def test_one_evidence_node_for_each_distinct_span(writer: Writer, vocabulary: vocab.Vocabulary) -> None:
    same = dataclasses.replace(condition("infection", "c2"), label="another")
    graph = Graph(writer(document(), record(Case(id="case1", conditions=(condition("infection"), same)))), vocabulary)
    assert len(graph.subjects("oa:exact", "infection")) == 1
    assert len(graph.subjects("casekg:role")) == 2


def test_links(writer: Writer, vocabulary: vocab.Vocabulary) -> None:
    graph = Graph(writer(full_document(), full_record()), vocabulary)
    links = {
        (
            next(iter(graph.values(link, "rdf:predicate"))),
            next(iter(graph.values(link, "casekg:evidence"))).rpartition("/")[2],
        )
        for link in graph.subjects("rdf:predicate")
    }
    first = TEXT.index("Combination"), TEXT.index("line.") + 5
    last = TEXT.index("Etoposide"), TEXT.index("months.") + 7
    own = TEXT.index("Etoposide"), TEXT.index(" \U0001d53e")
    assert links == {
        ("casekg:for", f"{first[0]}-{first[1]}"),
        ("casekg:partOf", f"{first[0]}-{first[1]}"),
        ("casekg:of", f"{last[0]}-{last[1]}"),
        ("casekg:after", f"{last[0]}-{last[1]}"),
        ("casekg:attributedTo", f"{own[0]}-{own[1]}"),
    }
    assert len(graph.subjects("rdf:predicate", "casekg:after")) == 1  # that of etoposide stands in attributedTo
    assert len([1 for _, p, _ in graph.triples() if p == "casekg:after"]) == 2


@pytest.mark.parametrize("assertion", ["absent", "possible", "historical", "family", "hypothetical"])
def test_what_is_not_present_carries_no_links(
    assertion: Assertion, writer: Writer, vocabulary: vocab.Vocabulary
) -> None:
    outcome = Outcome(id="o1", **at("complete remission"), category="complete_remission", of=("c1",))
    for changed in (
        Case(id="case1", conditions=(condition("infection", assertion=assertion),), outcomes=(outcome,)),
        Case(
            id="case1",
            conditions=(condition("infection"),),
            outcomes=(dataclasses.replace(outcome, assertion=assertion),),
        ),
    ):
        graph = Graph(writer(document(), record(changed)), vocabulary)
        assert not graph.subjects("casekg:of") and not graph.subjects("rdf:subject")


# --- literals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "duration", "months"),
    [
        (13, "year", "P13Y", "156"),
        (1.5, "year", "P1Y6M", "18"),
        (24, "month", "P2Y", "24"),
        (2.5, "month", "P2M15DT5H", "2.5"),
        (6, "week", "P42D", "1.3799"),
        (2, "day", "P2D", "0.0657"),
        (36, "hour", "P1DT12H", "0.0493"),
        (0, "day", "PT0S", "0"),
        (75, "month", "P6Y3M", "75"),
    ],
)
def test_times(
    value: float, unit: Unit, duration: str, months: str, writer: Writer, vocabulary: vocab.Vocabulary
) -> None:
    outcome = Outcome(id="o1", **at("complete remission"), category="survival", duration=Quantity(value, unit))
    graph = Graph(writer(document(), record(Case(id="case1", outcomes=(outcome,)))), vocabulary)
    assert {o for _, p, o in graph.triples() if p == "casekg:duration"} == {duration}
    assert {o for _, p, o in graph.triples() if p == "casekg:durationMonths"} == {months}


@pytest.mark.parametrize(
    ("value", "unit", "years"), [(13, "year", "13"), (18, "month", "1.5"), (3, "week", "0.0575"), (1, "day", "0.0027")]
)
def test_ages(value: float, unit: Unit, years: str, writer: Writer, vocabulary: vocab.Vocabulary) -> None:
    graph = Graph(writer(document(), record(Case(id="case1", patient=Patient(age=Quantity(value, unit))))), vocabulary)
    assert graph.values("case1", "casekg:ageYears") == {years}


@pytest.mark.parametrize(
    ("published", "datatype"),
    [("2003", "gYear"), ("2003-06", "gYearMonth"), ("2004-02-29", "date"), ("2003-02-29", None), ("2003-13", None),
     ("June 2003", None), ("20030", None)],
)  # fmt: skip
def test_dates_are_as_precise_as_they_are_true(published: str, datatype: str | None, writer: Writer) -> None:
    found = [
        q.object
        for q in quads.parse(writer(document(published=published), CaseRecord(id="x")))
        if q.predicate.value.endswith("issued")
    ]
    assert [o.datatype.value.rpartition("#")[2] for o in found if isinstance(o, ox.Literal)] == (
        [datatype] if datatype else []
    )


def test_a_report_without_a_case_is_a_report(writer: Writer, vocabulary: vocab.Vocabulary) -> None:
    graph = Graph(writer(document(pmid="5"), CaseRecord(id="x", skip="series")), vocabulary)
    assert graph.values("pmid/5", "rdf:type") == {"casekg:Report"}
    assert graph.values("pmid/5", "casekg:skip") == {"series"}


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_a_concept_that_no_vocabulary_holds_is_refused(writer: Writer) -> None:
    invented = dataclasses.replace(condition("infection"), concept="ckv:zebra-stripe-disease")
    with pytest.raises(VocabularyError, match="zebra-stripe-disease"):
        writer(document(), record(Case(id="case1", conditions=(invented,))))


def test_a_record_that_does_not_fit_its_text_is_refused(writer: Writer) -> None:
    wrong = dataclasses.replace(condition("infection"), text="infections")
    with pytest.raises(KGError, match="c1 quotes words"):
        writer(document(), record(Case(id="case1", conditions=(wrong,))))
    beyond = dataclasses.replace(condition("infection"), mentions=(Span(5, 10_000),))
    with pytest.raises(KGError, match="5-10000"):
        writer(document(), record(Case(id="case1", conditions=(beyond,))))


def test_a_link_to_nothing_is_refused(writer: Writer) -> None:
    lost = Intervention(id="i1", **at("vincristine"), label="vincristine", kind="drug", for_=("c9",))
    with pytest.raises(KGError, match="'c9'"):
        writer(document(), record(Case(id="case1", interventions=(lost,))))
