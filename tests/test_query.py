"""Questions: headers, binding, and the rows of every shipped question on invented reports.

``tests/queries/NAME.csv`` holds the expected rows of question NAME; ``NAME@parameter=value.csv`` those with one.
IRIs are shortened by the data's base. ``--update-golden`` writes the files anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kg.errors import QueryError
from kg.query import ask, question, questions, read_question
from kg.store import Store

FOLDER = Path(__file__).parent / "queries"
EXPECTED = sorted(FOLDER.glob("*.csv"))


def test_every_question_has_expected_rows() -> None:
    assert {path.stem.partition("@")[0] for path in EXPECTED} == set(questions())


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.stem)
def test_question_gives_expected_rows(invented: Store, path: Path, request: pytest.FixtureRequest) -> None:
    name, _, given = path.stem.partition("@")
    values = dict(pair.split("=", 1) for pair in given.split("@") if pair)
    found = ask(invented, name, values).write("csv").replace(invented.base, "")
    if request.config.getoption("--update-golden"):
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_every_question_is_one_that_a_person_may_ask_without_parameters(invented: Store) -> None:
    for name in questions():
        ask(invented, name)


def test_a_concept_stands_for_all_its_kinds(invented: Store) -> None:
    wide = {row["treatment"] for row in ask(invented, "treatments", {"condition": "leukemia"})}
    narrow = {row["treatment"] for row in ask(invented, "treatments", {"condition": "hypoplastic leukemia"})}
    assert {"etoposide", "vincristine"} <= narrow < wide


def test_labels_may_be_korean_or_curies(invented: Store) -> None:
    english = ask(invented, "treatments", {"condition": "acute myeloid leukemia"})
    assert english.rows
    assert ask(invented, "treatments", {"condition": "ckv:acute-myeloid-leukemia"}) == english
    assert ask(invented, "treatments", {"condition": "급성골수성백혈병"}) == english


def test_several_values_mean_any_of_them(invented: Store) -> None:
    both = ask(invented, "treatments", {"intervention": ["etoposide", "vincristine"]})
    assert {row["treatment"] for row in both} == {"etoposide", "vincristine"}


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("treatmnts", {}, "no question 'treatmnts'.*treatments"),
        ("treatments", {"conditon": "leukemia"}, "no parameter 'conditon'.*condition"),
        ("treatments", {"condition": "hypoplastic leukaemai"}, "--condition.*hypoplastic leukemia"),
        ("treatments", {"outcome": "wonderful"}, "--outcome"),
    ],
)
def test_a_miss_is_answered_with_what_is_near(
    invented: Store, name: str, values: dict[str, str], sentence: str
) -> None:
    with pytest.raises(QueryError, match=sentence):
        ask(invented, name, values)


@pytest.mark.parametrize("value", ["x> } DROP ALL #", 'a"b', "a\\b", "line\nbreak", "<script>"])
def test_no_value_breaks_out_of_the_query(invented: Store, value: str) -> None:
    before = len(invented)
    with pytest.raises(QueryError):
        ask(invented, "explain", {"fact": f"http://example.org/{value}"})
        raise QueryError("an IRI with a blank or quote in it was not found, which is well")
    assert len(invented) == before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("#+ sumary: x\nSELECT * {}", "line 1 is no header"),
        ("#+ param x: colour\nVALUES ?x { UNDEF }", "a parameter is one of"),
        ("#+ param x: text\nSELECT * {}", "no line 'VALUES"),
    ],
)
def test_a_wrong_header_is_named_by_its_line(text: str, sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence):
        read_question(text, "my.rq")


def test_a_file_is_a_question_too(invented: Store, tmp_path: Path) -> None:
    file = tmp_path / "my.rq"
    file.write_text("ASK { ?s ?p ?o }", encoding="utf-8")
    assert ask(invented, question(str(file))).rows == ((True,),)
    file.write_text("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o } LIMIT 3", encoding="utf-8")
    answer = ask(invented, str(file))
    assert len(answer.as_rdflib()) == 3
    assert answer.as_networkx().number_of_edges() == 3
    file.write_text("SELEKT", encoding="utf-8")
    with pytest.raises(QueryError, match="not valid SPARQL"):
        ask(invented, str(file))


def test_answers_in_every_form(invented: Store) -> None:
    answer = ask(invented, "outcomes")
    assert answer.write("csv").splitlines()[0] == "result,cases,reports"
    assert answer.write("tsv").splitlines()[0] == "result\tcases\treports"
    assert answer.write("md").startswith("| result | cases | reports |\n| --- | --- | --- |\n")
    assert answer.to_dicts() == list(answer)
    assert list(answer.to_pandas()["result"]) == [row["result"] for row in answer]
    assert "&lt;script&gt;" in ask(invented, "treatments")._repr_html_()
