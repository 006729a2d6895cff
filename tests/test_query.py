"""Questions: headers, binding, and the rows of every shipped question on invented reports.

``tests/queries/NAME.csv`` holds the expected rows of question NAME; ``NAME@parameter=value.csv`` those with one. IRIs
are shortened by the data's base; what the rows rest on stands in a last column, as report and offsets of the
sentences.
``--update-golden`` writes the files anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kg.errors import QueryError
from kg.query import CAUTION, ask, filters, question, questions, read_question, sentences
from kg.store import Store
from kg.table import Table
from tests.invented import store_of_reports, understood

FOLDER = Path(__file__).parent / "queries"
EXPECTED = sorted(FOLDER.glob("*.csv"))


def given_in(path: Path) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for pair in path.stem.split("@")[1:]:
        name, _, value = pair.partition("=")
        values.setdefault(name, []).append(value)
    return values


def test_every_question_has_expected_rows() -> None:
    about_iris = {"explain", "sentences"}  # an IRI makes no file name; tested with what it explains
    assert {path.stem.partition("@")[0] for path in EXPECTED} == set(questions()) - about_iris


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.stem)
def test_question_gives_expected_rows(invented: Store, path: Path, request: pytest.FixtureRequest) -> None:
    found = ask(invented, path.stem.partition("@")[0], given_in(path))
    if found.facts is not None:
        behind: dict[object, list[str]] = {}
        for row in sentences(invented, found):
            behind.setdefault(row["row"], []).append(f"{row['id']} {row['start']}-{row['end']}")
        rests_on = ["; ".join(behind.get(number, [])) for number in range(1, len(found) + 1)]
        rows = tuple((*row, places) for row, places in zip(found.rows, rests_on, strict=True))
        found = Table((*found.columns, "(rests on)"), rows)
    text = found.write("csv").replace(invented.base, "")
    if request.config.getoption("--update-golden"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_every_question_may_be_asked_with_no_more_than_what_it_needs(invented: Store) -> None:
    for name, asked in questions().items():
        if asked.needs:
            with pytest.raises(QueryError, match=rf"needs --{asked.needs[0]}"):
                ask(invented, name)
        else:
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
        ("treatments", {"sex": "woman"}, "--sex is female or male"),
        ("treatments", {"age": "old"}, "--age takes 13, 18-65"),
        ("treatments", {"age": "-"}, "--age takes"),
        ("treatments", {"year": "2005-1999"}, "ends before it begins"),
        ("categories", {"sex": "male"}, "no parameter 'sex'"),
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
        ("#+ share: cases\nSELECT * {}", "must name two columns"),
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
    assert answer.to_networkx().number_of_edges() == 3
    file.write_text("SELEKT", encoding="utf-8")
    with pytest.raises(QueryError, match="not valid SPARQL"):
        ask(invented, str(file))


def test_answers_in_every_form(invented: Store) -> None:
    answer = ask(invented, "outcomes")
    columns = ("result", "cases", "attributed", "among", "share", "low", "high")
    assert answer.write("csv").splitlines()[0] == ",".join(columns)
    assert answer.write("tsv").splitlines()[0] == "\t".join(columns)
    assert answer.write("md").startswith(f"| {' | '.join(columns)} |\n| --- |")
    assert answer.to_dicts() == list(answer)
    assert list(answer.to_pandas()["result"]) == [row["result"] for row in answer]
    assert list(answer.to_polars()["cases"]) == [row["cases"] for row in answer]
    linked = ask(invented, "treatments").to_networkx()
    assert linked.number_of_edges() == len(ask(invented, "treatments"))
    assert linked.nodes["etoposide"] == {"column": "treatment"}
    assert all(row["cases"] >= row["attributed"] for _, _, row in linked.edges(data=True))
    years = ask(invented, "cases").to_networkx("id", "year")
    assert set(years.successors("alpha")) == {"2001"}
    with pytest.raises(QueryError, match=r"no column 'colour'; it has result, cases"):
        answer.to_networkx("result", "colour")
    shown = sentences(invented, ask(invented, "treatments"))._repr_html_()
    assert "&lt;script&gt;" in shown and "<script>" not in shown
    assert "not effect sizes" in answer._repr_html_()


def test_an_answer_says_on_how_many_reports_it_rests(invented: Store) -> None:
    said = ask(invented, "treatments", {"condition": "백혈병", "sex": "male"}).remarks
    assert said[0] == "--condition 백혈병 is leukemia (ckv:leukemia)."
    assert said[1] == "2 of 2 reports that the filters choose."
    assert said[-1] == CAUTION
    assert ask(invented, "treatments").remarks[0] == "4 of 4 reports."
    assert ask(invented, "categories").remarks == ()


def test_a_case_is_named_by_report_identifier_or_iri(invented: Store) -> None:
    (case,) = {row["case"] for row in ask(invented, "timeline", {"case": "alpha"})}
    iri = str(case)
    for name in ("alpha/case1", iri, iri.removeprefix(invented.base), iri.rpartition("/case")[0]):
        assert ask(invented, "timeline", {"case": name}).rows == ask(invented, "timeline", {"case": "alpha"}).rows
    for name in ("omega", "alpha/case2", "a b", "x> } #"):
        with pytest.raises(QueryError, match="no case of a report"):
            ask(invented, "timeline", {"case": name})


def test_filters_reach_every_question_about_cases(invented: Store) -> None:
    for name, asked in questions().items():
        if asked.filtered and not asked.needs:
            none = ask(
                invented, name, {"sex": "female", "age": "120-", "year": "1900", "finding": "CD34", "journal": "x"}
            )
            assert sum(int(v) for row in none.rows for v in row if isinstance(v, int)) == 0
    assert "timeline" not in {name for name, asked in questions().items() if asked.filtered}
    assert {p.name for p in filters().parameters} == {"age", "sex", "year", "journal", "finding", "line"}


@pytest.mark.parametrize(
    ("text", "first", "final", "told"),
    [
        ("Gout was diagnosed at first. Biopsy showed tuberculosis.", "Gout", "tuberculosis", 1),
        ("A gallbladder stone, at first taken for gout, was seen.", "gout", "gallbladder stone", 1),
        ("We report leprosy. At first gout was assumed.", "gout", "leprosy", 1),
        ("Ultrasound had shown obesity. Gout was suspected.", "Gout", "obesity", 0),
        ("The patient had a history of obesity. Gout was suspected.", "Gout", "obesity", 0),
        ("Acute leukemia was assumed. It was leukemia.", "Acute leukemia", "leukemia", 0),
    ],
)
def test_what_was_told_before_or_is_wider_replaced_no_diagnosis(text: str, first: str, final: str, told: int) -> None:
    concepts = {"gout": "ckv:gout", "leukemia": "ckv:leukemia", "acute leukemia": "ckv:acute-leukemia"}
    conditions = [
        {"id": f"c{n}", "quote": quote, "role": role, "concept": concepts.get(quote.lower())}
        for n, (quote, role) in enumerate(((first, "revised"), (final, "primary")), 1)
    ]
    about = {"id": "x", "title": "X", "published": "2001", "text": text, "patient": {}}
    with store_of_reports(
        [understood({**about, "conditions": conditions, "interventions": [], "outcomes": []})]
    ) as store:
        assert len(ask(store, "revised-diagnoses")) == told


def test_care_items_are_those_of_the_document(invented: Store) -> None:
    document = (Path(__file__).parents[1] / "docs" / "care.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| (\d+[a-d]?) \|", document, re.M)
    assert [row["item"] for row in ask(invented, "care-items")] == described
    columns = ask(invented, "care").columns
    assert [c.removeprefix("item_") for c in columns if c.startswith("item_")] == described
    assert len(ask(invented, "care")) == 4


def test_a_store_shows_what_it_holds(invented: Store) -> None:
    shown = invented._repr_html_()
    assert "<td>reports</td><td>4</td>" in shown and "in memory" in shown
