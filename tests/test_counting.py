"""Counting done right, on made reports: cases and not mentions, what is present, wholes, intervals, filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import QueryError
from kg.model import Block, CaseRecord, Document, record_from_json
from kg.query import ask, sentences
from kg.shares import wilson, with_shares
from kg.store import Store
from kg.table import Table
from tests.invented import store_of_reports

TEXT = (
    "A 40-year-old man had acute myeloid leukemia with CD34 and a pT3N1 tumor of stage IV. Leukemia was told again. "
    "Cytarabine was given, and cytarabine again. A complete remission followed. Cyclosporine was for graft rejection. "
    "There was no relapse."
)


def item(id: str, quote: str, nth: int = 1, **fields: Any) -> dict[str, Any]:
    start = -1
    for _ in range(nth):
        start = TEXT.index(quote, start + 1)
    return {"id": id, "start": start, "end": start + len(quote), "text": quote, "label": quote.lower(), **fields}


def case(**changes: Any) -> dict[str, Any]:
    """A patient told of twice over: two mentions of the disease, two of the drug, two remissions after both."""
    aml, leukemia, cytarabine = "ckv:acute-myeloid-leukemia", "ckv:leukemia", "ckv:cytarabine"
    of_both: dict[str, Any] = {"of": ["c1", "c2"], "after": ["i1", "i2"]}
    return {
        "patient": {"age": {"value": 40, "unit": "year"}, "sex": "male"},
        "conditions": [
            item("c1", "acute myeloid leukemia", concept=aml, role="primary"),
            item("c2", "Leukemia", concept=leukemia, role="primary"),
        ],
        "interventions": [
            item("i1", "Cytarabine", concept=cytarabine, kind="drug"),
            item("i2", "cytarabine again", concept=cytarabine, kind="drug") | {"label": "cytarabine"},
            item("i3", "Cyclosporine", concept="ckv:cyclosporine", kind="drug"),
        ],
        "outcomes": [
            item("o1", "complete remission", category="complete_remission", **of_both),
            item("o2", "remission followed", category="complete_remission", **of_both),
            item("o3", "relapse", category="relapse", assertion="absent", **of_both),
        ],
        "findings": [
            item("f1", "CD34", concept="ckv:cd34", sort="marker"),
            item("f2", "pT3N1", sort="stage"),
            item("f3", "stage IV", concept="ckv:stage-iv", sort="stage"),
        ],
        **changes,
    }


WITHOUT_REMISSION = {
    "outcomes": [item("o1", "relapse", category="no_response", of=["c1"], after=["i1"])],
    "findings": [],
}
ATTRIBUTED = {
    "outcomes": [
        item("o1", "complete remission", category="complete_remission", of=["c1"], after=["i1"], attributed_to=["i1"])
    ],
    "patient": {"age": {"value": 3, "unit": "month"}, "sex": "female"},
}
REPORTS: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "a": ({"published": "1999", "journal": "Blood Advances"}, [case(), case()]),  # two patients in one report
    "b": ({"published": "2003-06"}, [case()]),
    "c": ({"published": "2005-01-02", "journal": "Lancet"}, [case(**ATTRIBUTED)]),
    "d": ({}, [case(**WITHOUT_REMISSION)]),
}


def reports() -> Iterator[tuple[Document, CaseRecord]]:
    for name, (about, cases) in REPORTS.items():
        text = f"{TEXT} {name}"
        record = record_from_json({"id": name, "report": about, "cases": cases})
        yield Document(name, text, record.report, (Block(0, len(text), "abstract"),)), record


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with store_of_reports(list(reports())) as opened:
        yield opened


def row(table: Table, **chosen: str) -> dict[str, Any]:
    (found,) = [r for r in table if all(r[key] == value for key, value in chosen.items())]
    return found


def test_cases_are_counted_and_not_mentions(store: Store) -> None:
    found = row(
        ask(store, "treatments", {"condition": "leukemia"}), treatment="cytarabine", result="complete remission"
    )
    assert (found["cases"], found["attributed"], found["treated"]) == (4, 1, 5)
    assert found["share"] == 0.8
    assert (found["low"], found["high"]) == tuple(round(limit, 3) for limit in wilson(4, 5))


def test_an_outcome_that_is_not_present_counts_nowhere(store: Store) -> None:
    for name in ("treatments", "outcomes"):
        assert "relapse" not in {r["result"] for r in ask(store, name)}


def test_the_whole_does_not_shrink_with_the_outcome_asked_for(store: Store) -> None:
    asked = {"condition": "leukemia", "outcome": "complete_remission"}
    assert row(ask(store, "treatments", asked), treatment="cytarabine")["treated"] == 5


def test_no_interval_below_five(store: Store) -> None:
    (found,) = ask(store, "outcomes", {"sex": "female"})
    assert (found["share"], found["low"], found["high"]) == (1, None, None)


def test_compare_counts_who_had_both(store: Store) -> None:
    answer = ask(store, "compare", {"intervention": ["cytarabine", "cyclosporine"], "condition": "leukemia"})
    assert {r["treatment"] for r in answer} == {"cytarabine"}
    assert row(answer, result="complete remission")["both"] == 0


@pytest.mark.parametrize(
    ("chosen", "reports", "cases"),
    [
        ({}, 4, 5),
        ({"age": "40"}, 3, 4),
        ({"age": "-17"}, 1, 1),
        ({"age": ["0", "18-65"]}, 4, 5),
        ({"age": "41-"}, 0, 0),
        ({"sex": "Female"}, 1, 1),
        ({"year": "1999"}, 1, 2),
        ({"year": "2000-"}, 2, 2),
        ({"journal": "blood"}, 1, 2),
        ({"finding": "CD34"}, 3, 4),
        ({"finding": "CD34+"}, 3, 4),
        ({"finding": "disease stage"}, 3, 4),
        ({"finding": "pT3"}, 3, 4),
        ({"finding": "Ph+"}, 0, 0),
        ({"finding": ["Ph+", "stage IV"], "sex": "male", "year": "1999-2003"}, 2, 3),
    ],
)
def test_filters(store: Store, chosen: dict[str, Any], reports: int, cases: int) -> None:
    assert ask(store, "size", chosen).rows == ((reports, cases),)


def test_words_that_no_vocabulary_holds_are_sought_and_said(store: Store) -> None:
    said = ask(store, "outcomes", {"finding": "pT3N1M0 and so on"}).remarks
    assert "in no vocabulary" in said[0]
    assert ask(store, "outcomes", {"finding": "Ph+"}).remarks[0] == (
        "--finding Ph+ is Philadelphia chromosome (ckv:philadelphia-chromosome)."
    )


def test_the_sentences_behind_a_row_are_those_of_outcome_and_treatment(store: Store) -> None:
    answer = ask(store, "outcomes", {"intervention": "cytarabine", "sex": "female"})
    assert {str(r["sentence"]) for r in sentences(store, answer)} == {"complete remission"}  # no sentences were given


@given(st.integers(1, 400).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))))
def test_wilson_holds_the_share_and_stays_a_proportion(counts: tuple[int, int]) -> None:
    low, high = wilson(*counts)
    assert 0 <= low <= counts[0] / counts[1] <= high <= 1
    mirrored = wilson(counts[1] - counts[0], counts[1])
    assert (1 - high, 1 - low) == pytest.approx(mirrored)


def test_wilson_as_published() -> None:
    # R. G. Newcombe, Stat Med 1998;17:857-872, table I, method 3: 81/263, 15/148, 0/20, 1/29
    for part, whole, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(part, whole) == pytest.approx((low, high), abs=5e-5)
    with pytest.raises(ValueError, match="no proportion"):
        wilson(3, 2)


def test_a_share_of_columns_that_are_not_there_is_refused() -> None:
    with pytest.raises(QueryError, match="no columns"):
        with_shares(Table(("a",), ((1,),)), "a", "b")
