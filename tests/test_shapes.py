"""Shapes and violation questions: what is as it must be passes, and every constraint is seen to catch a planted fault.

The faults stand in tests/shapes/CLASS.toml: a SPARQL update for each constraint of each shape, found by both engines.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pyoxigraph as ox
import pytest

from kg import resources, vocab
from kg.errors import ShapeError, SourceError, StoreError
from kg.quads import Writer, graph_iri
from kg.store import Store, open_store
from kg.validate import Checker, Engine, check, validate
from tests.records import full_document, full_record, full_reviews

FOLDER = Path(__file__).parent / "shapes"
BASE = "https://w3id.org/casekg/id/"
SHAPE = "https://w3id.org/casekg/shapes/"
module = import_module("kg.validate")  # the package gives its name to the function


def faults(path: Path) -> Iterator[tuple[str, str, str]]:
    """(what must catch it, what is wrong, SPARQL update)."""
    for caught_by, update in tomllib.loads(path.read_text(encoding="utf-8")).items():
        for name, text in update.items() if isinstance(update, dict) else [("", update)]:
            yield caught_by, name, text


PLANTED = [f for path in sorted(FOLDER.glob("*.toml")) if path.stem != "violations" for f in faults(path)]
ASKED = list(faults(FOLDER / "violations.toml"))


def report(n: int) -> str:
    return f"{BASE}pmid/{n}"


@pytest.fixture(scope="module")
def writer(vocabulary: vocab.Vocabulary) -> Writer:
    return Writer(vocabulary, BASE, "test", "1")


def graph(writer: Writer, n: int) -> bytes:
    """The graph of a report that is as it must be and fills every field."""
    about = dataclasses.replace(
        full_document().report, doi=f"10.1000/{n}", pmid=str(n), title={"en": str(n)}, pmcid=f"PMC{n}"
    )
    return writer(dataclasses.replace(full_document(), report=about), full_record(), report(n), reviews=full_reviews())


def spoilt(nquads: bytes, update: str, prefixes: dict[str, str]) -> bytes:
    """The triples after the update; it must have changed something."""
    store = ox.Store()
    store.load(
        ox.serialize((q.triple for q in ox.parse(nquads, format=ox.RdfFormat.N_QUADS)), format=ox.RdfFormat.N_TRIPLES),
        ox.RdfFormat.N_TRIPLES,
    )
    before = set(store)
    store.update("".join(f"PREFIX {p}: <{iri}>\n" for p, iri in prefixes.items()) + update)
    assert set(store) != before, f"nothing changed by {update}"
    return ox.serialize((q.triple for q in store), format=ox.RdfFormat.N_TRIPLES) or b""


def in_graph(triples: bytes, n: int) -> bytes:
    return b"".join(line.removesuffix(b".") + f"<{graph_iri(report(n))}> .\n".encode() for line in triples.splitlines())


# --- shapes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["fast", "pyshacl", "checked"])
def test_what_is_as_it_must_be_passes(writer: Writer, engine: Engine) -> None:
    assert check({graph_iri(report(1)): graph(writer, 1)}, engine=engine)[0] == []


def found_in(nquads: bytes, engine: Engine) -> Counter[str]:
    """What an engine finds in the graph of report 1, as in "Report-doi pattern", and how often."""
    found = check({graph_iri(report(1)): nquads}, engine=engine)[0]
    assert {r.report for r in found if r.focus} <= {report(1)}
    return Counter(f"{r.shape.removeprefix(SHAPE)} {constraint(r.component)}" for r in found)


def constraint(component: str) -> str:
    name = component.removesuffix("ConstraintComponent")
    return name[0].lower() + name[1:]


@pytest.fixture(scope="module")
def spoil(writer: Writer, vocabulary: vocab.Vocabulary) -> Callable[[str, bytes], bytes]:
    """Makes of the graph of report 1 what it is after an update."""
    prefixes = {**vocabulary.prefixes, "id": f"{report(1)}/"}
    return lambda update, nquads: in_graph(spoilt(nquads, update, prefixes), 1)


@pytest.fixture(scope="module")
def alone(writer: Writer, spoil: Callable[[str, bytes], bytes]) -> list[Counter[str]]:
    """For each planted fault what the fast engine finds in a report that has no other."""
    sound = graph(writer, 1)
    return [found_in(spoil(update, sound), "fast") for _, _, update in PLANTED]


@pytest.mark.parametrize("n", range(len(PLANTED)), ids=lambda n: " ".join(PLANTED[n][:2]).strip())
def test_a_planted_fault_is_caught(n: int, alone: list[Counter[str]]) -> None:
    """By the one constraint that is meant for it and by no other."""
    assert set(alone[n]) == {PLANTED[n][0]}


def test_pyshacl_catches_every_planted_fault(
    writer: Writer, spoil: Callable[[str, bytes], bytes], alone: list[Counter[str]]
) -> None:
    """As often as the fast engine does. It is slow, so faults that do not meddle with one another share a report."""
    sound = graph(writer, 1)
    reports: list[tuple[bytes, Counter[str]]] = []
    for (_, _, update), own in zip(PLANTED, alone, strict=True):
        for n, (nquads, faults_in_it) in enumerate([*reports, (sound, Counter[str]())]):
            try:
                more = spoil(update, nquads)
            except AssertionError:  # another fault left nothing to change
                continue
            if found_in(more, "fast") == faults_in_it + own:
                reports[n : n + 1] = [(more, faults_in_it + own)]
                break
    assert sum((expected for _, expected in reports), Counter()) == sum(alone, Counter())
    assert len(reports) < 20
    for nquads, expected in reports:
        assert found_in(nquads, "pyshacl") == expected


def test_every_constraint_has_its_fault() -> None:
    import rdflib

    shapes = rdflib.Graph()
    for path in resources.folder("shapes").glob("*.ttl"):
        shapes.parse(path)
    other = {
        "path",
        "message",
        "severity",
        "property",
        "targetClass",
        "flags",
        "qualifiedValueShape",
        "targetSubjectsOf",
    }
    constraints = {
        f"{subject.removeprefix(SHAPE)} {str(predicate).rpartition('#')[2]}"
        for subject, predicate in shapes.subject_predicates()
        if isinstance(subject, rdflib.URIRef) and str(predicate).startswith("http://www.w3.org/ns/shacl#")
    }
    constraints = {c for c in constraints if c.split()[1] not in other} - {"Placeholder pattern"}  # by Report-iri
    assert constraints == {fault[0] for fault in PLANTED}


def test_shapes_stay_within_shacl_core() -> None:
    for path in resources.folder("shapes").glob("*.ttl"):
        text = path.read_text(encoding="utf-8")
        assert not [word for word in ("sh:sparql", "sh:rule", "sh:js", "sh:target ") if word in text], path


def test_both_engines_give_the_same_results(writer: Writer) -> None:
    spoilt_graph = (
        graph(writer, 1).replace(b'"male"', b'"m"').replace(b"^^<http://www.w3.org/2001/XMLSchema#gYearMonth>", b"")
    )
    fast = sorted(check({graph_iri(report(1)): spoilt_graph}, engine="fast")[0])
    assert [(r.severity, re.split("[#/]", r.path)[-1], r.report) for r in fast] == [
        ("Violation", "issued", report(1)), ("Violation", "sex", report(1)),
    ]  # fmt: skip
    slow = sorted(check({graph_iri(report(1)): spoilt_graph}, engine="pyshacl")[0])
    assert [dataclasses.replace(r, value="") for r in slow] == [dataclasses.replace(r, value="") for r in fast]
    assert check({graph_iri(report(1)): spoilt_graph})[1] == 1


def test_engines_that_disagree_are_an_error(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt_graph = graph(writer, 1).replace(b'"male"', b'"m"')
    monkeypatch.setattr(module, "_reference", lambda graphs, names: iter(()))
    with pytest.raises(ShapeError, match=r"disagree on .*case1.*Case-sex"):
        check({graph_iri(report(1)): spoilt_graph})


@pytest.mark.filterwarnings("ignore")
def test_the_w3c_suite(shared: Path) -> None:
    """The fast engine gives what the W3C expects of SHACL Core, everywhere; pyshacl the same but for one test."""
    import pyshacl
    import rdflib
    import shacl
    from rdflib.namespace import RDF, SH

    manifest = rdflib.Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
    suite = rdflib.Namespace("http://www.w3.org/ns/shacl-test#")

    def told(graph: rdflib.Graph, results: rdflib.term.Node | None) -> list[tuple[str, ...]]:
        parts = (SH.focusNode, SH.sourceConstraintComponent, SH.resultSeverity)
        found = [[graph.value(r, p) for p in parts] for r in graph.objects(results, SH.result)]
        return sorted(
            tuple(v.n3() if isinstance(v, rdflib.URIRef | rdflib.Literal) else "_" for v in row) for row in found
        )

    count, odd = 0, []
    for file in sorted((shared / "suites" / "shacl" / "core").rglob("*.ttl")):
        about = rdflib.Graph().parse(file)
        test = about.value(None, RDF.type, suite.Validate)
        action, expected = about.value(test, manifest.action), about.value(test, manifest.result)
        if test is None or action is None or expected == suite.Failure:
            continue
        data, shapes = (
            str(about.value(action, p)).removeprefix("file://") for p in (suite.dataGraph, suite.shapesGraph)
        )
        wanted = told(about, expected)
        report_ = shacl.Shapes.from_file(shapes).validate_file(data)
        got = sorted(
            ("_" if r.focus_node.startswith("_:") else r.focus_node, f"<{r.component_iri}>", f"<{r.severity_iri}>")
            for r in report_.results
        )
        assert got == wanted, file
        count += 1
        _, reference, _ = pyshacl.validate(
            rdflib.Graph().parse(data), shacl_graph=rdflib.Graph().parse(shapes), inference="none"
        )
        assert isinstance(reference, rdflib.Graph)
        if told(reference, reference.value(None, RDF.type, SH.ValidationReport)) != wanted:
            odd.append(file.stem)
    assert count >= 95
    assert odd == ["uniqueLang-002"]  # pyshacl takes "1"^^xsd:boolean for true


# --- questions --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def concepts(vocabulary: vocab.Vocabulary) -> Iterator[Store]:
    """A store that holds the vocabularies and, one test after another, other reports."""
    with open_store(base=BASE) as store:
        store.bulk_load(vocabulary.quads())
        yield store


@pytest.fixture
def two(concepts: Store, writer: Writer) -> Store:
    """The vocabularies, one report as it must be and one without title and with a code of its own."""
    spoilt_graph = b"".join(line for line in graph(writer, 2).splitlines(keepends=True) if b"/title>" not in line)
    concepts.replace(graph_iri(report(1)), graph(writer, 1))
    concepts.replace(graph_iri(report(2)), spoilt_graph.replace(b'"male"', b'"m"'))
    return concepts


@pytest.mark.parametrize(("question", "name", "update"), ASKED, ids=lambda v: v if "{" not in v else "")
def test_a_question_finds_its_fault(
    question: str, name: str, update: str, writer: Writer, vocabulary: vocab.Vocabulary, concepts: Store
) -> None:
    """That question and no other, in a store where another report is as it must be."""
    both = [q for n in (1, 2) for q in ox.parse(graph(writer, n), format=ox.RdfFormat.N_QUADS)]
    nquads = ox.serialize(both, format=ox.RdfFormat.N_QUADS) or b""
    concepts.remove(graph_iri(report(2)))
    concepts.replace(graph_iri(report(1)), in_graph(spoilt(nquads, update, vocabulary.prefixes), 1))
    found = {r.shape: r for scope in ("report", "store") for r in module._ask(concepts, scope)}
    assert set(found) == {question}
    result = found[question]
    assert result.focus.startswith(BASE) and result.message.endswith(".")
    warnings = {"event-after-death", "remission-before-disease", "copies-disagree", "titles-twice"}
    assert result.severity == ("Warning" if question in warnings else "Violation")


def test_every_question_has_its_fault() -> None:
    assert {p.stem for p in (resources.folder("queries") / "violations").glob("*.rq")} == {fault[0] for fault in ASKED}


STORE = {"copies-apart", "copies-disagree", "titles-twice", "link-crosses-cases", "evidence-elsewhere"}
ALONE = [fault for fault in ASKED if fault[0] not in STORE]


@pytest.mark.parametrize(("question", "name", "update"), ALONE, ids=lambda v: v if "{" not in v else "")
def test_a_report_by_itself_is_asked_too(
    question: str, name: str, update: str, writer: Writer, vocabulary: vocab.Vocabulary, concepts: Store
) -> None:
    """The vocabularies being in the background; and it is a fault that the shapes let pass."""
    concepts.remove(graph_iri(report(2)))
    concepts.replace(graph_iri(report(1)), graph(writer, 1))
    nquads = in_graph(spoilt(graph(writer, 3), update, vocabulary.prefixes), 3)
    found = Checker(concepts)({graph_iri(report(3)): nquads})
    assert {(r.shape, r.report) for r in found.results} == {(question, report(3))}


def test_what_lies_in_another_report_is_not_there(writer: Writer, two: Store) -> None:
    """A graph must hold all that it rests on: two reports in one batch do not help one another."""
    one = graph(writer, 1)
    quote = next(q for q in ox.parse(one, format=ox.RdfFormat.N_QUADS) if q.predicate.value.endswith("#quote"))
    elsewhere = one.replace(f"#quote> {quote.object} ".encode(), f"#quote> <{report(2)}/span/0-36> ".encode())
    assert elsewhere != one
    found = Checker(two)({graph_iri(report(1)): elsewhere, graph_iri(report(2)): graph(writer, 2)})
    assert f"{SHAPE}Episode-quote" in {r.shape for r in found.results}
    assert {r.report for r in found.results} == {report(1)} and not found.conforms


def test_questions_say_what_they_look_for() -> None:
    for path in (resources.folder("queries") / "violations").glob("*.rq"):
        assert path.read_text(encoding="utf-8").startswith("#+ summary: "), path


def test_quotes_are_compared_by_code_point(two: Store, writer: Writer) -> None:
    """The text holds a character beyond the basic plane before some of its quotes, and all are found in their place."""
    two.replace(graph_iri(report(2)), graph(writer, 2))
    assert validate(two).results == ()


# --- targets ----------------------------------------------------------------------------------------------------------


def test_a_store_is_validated(two: Store) -> None:
    found = validate(two)
    assert not found.conforms and found.counts == {"Violation": 1, "Warning": 1}
    assert (found.checked, found.confirmed) == (2, 1)
    assert [(r.severity, r.message, r.report) for r in found.results] == [
        ("Warning", "The report has no title.", report(2)),
        ("Violation", "The sex is male or female.", report(2)),
    ]
    assert [row["count"] for row in found.summary()] == [1, 1]
    assert found.to_dicts()[1]["focus"] == f"{report(2)}/case1"
    assert found.table().columns[:2] == ("severity", "message")
    assert "The sex is male or female." in found._repr_html_()


def test_warnings_do_not_count(two: Store, writer: Writer) -> None:
    two.remove(graph_iri(report(1)))
    only = b"".join(line for line in graph(writer, 2).splitlines(keepends=True) if b"/title>" not in line)
    two.replace(graph_iri(report(2)), only)
    assert validate(two).conforms


@pytest.mark.parametrize(("n", "conforms"), [(1, True), (2, False)])
def test_some_graphs_only(two: Store, n: int, conforms: bool) -> None:
    found = validate(two, graphs=[graph_iri(report(n))])
    assert (found.checked, found.conforms) == (1, conforms)


@pytest.mark.parametrize("form", ["ttl", "trig", "nq", "nt"])
def test_a_file_is_validated(two: Store, form: str, tmp_path: Path) -> None:
    path = tmp_path / f"graph.{form}"
    with path.open("wb") as out:
        two.dump(form, out, graphs=[g for g in two.graphs() if g.startswith(BASE)])
    found = validate(path)
    assert [r.message for r in found.results] == ["The report has no title.", "The sex is male or female."]
    assert {r.focus for r in found.results} == {f"{report(2)}/case1", report(2)}


def test_a_folder_is_validated(writer: Writer, tmp_path: Path) -> None:
    with open_store(tmp_path / "store", base=BASE) as store:
        store.bulk_load(graph(writer, 1))
    for folder in (tmp_path, tmp_path / "store"):
        found = validate(folder, engine="fast")
        assert [r.shape for r in found.results] == ["concept-unknown"] * len(found.results)  # no vocabulary in there
    with pytest.raises(StoreError, match="holds no store"):
        validate(tmp_path.parent)


@pytest.mark.parametrize(("name", "text"), [("a.ttl", "no turtle"), ("a.xyz", ""), ("missing.ttl", None)])
def test_a_file_that_is_no_rdf_says_so(name: str, text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=f"{name}: cannot be read as RDF"):
        validate(tmp_path / name)
