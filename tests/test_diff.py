"""kg diff: what two builds say differently."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kg import quads, vocab
from kg.diff import diff
from kg.model import CaseRecord, Document
from kg.store import Store, open_store
from tests.records import full_document, full_record

Made = tuple[Document, CaseRecord]


@pytest.fixture(scope="module")
def store_of() -> Callable[..., Store]:
    vocabulary = vocab.load()

    def make(*reports: Made, base: str = "https://example.org/id/") -> Store:
        writer = quads.Writer(vocabulary, base, "rules", "test")
        store = open_store(None, base=base)
        store.bulk_load(vocabulary.quads({c for _, record in reports for c in record.concepts()}))
        store.bulk_load(writer.settings())
        for document, record in reports:
            store.bulk_load(writer(document, record, fingerprint=repr((document, record))))
        return store

    return make


def changed(**changes: object) -> Made:
    record = full_record()
    (case,) = record.cases
    return full_document(), replace(record, cases=(replace(case, **changes),))  # type: ignore[arg-type]


FULL: Made = (full_document(), full_record())


def test_equal_builds_differ_in_nothing(store_of: Callable[..., Store]) -> None:
    same = diff(store_of(FULL), store_of(FULL))
    assert same.rows == ()
    assert same.remarks == ("0 facts added, 0 facts removed, 0 facts changed, in 0 of 1 reports.",)
    other_base = diff(store_of(FULL), store_of(FULL, base="https://example.net/"))
    assert other_base.rows == ()


def test_facts_added_removed_and_changed(store_of: Callable[..., Store]) -> None:
    case = FULL[1].cases[0]
    outcome = replace(case.outcomes[0], attributed_to=(), category="partial_response")
    now = changed(outcomes=(outcome,), findings=(), patient=replace(case.patient, sex="female"))
    found = diff(store_of(FULL), store_of(now))
    by_change = {
        change: [row for row in found if row["change"] == change] for change in ("added", "removed", "changed")
    }
    assert by_change["added"] == []
    assert [(row["class"], row["fact"], row["quote"]) for row in by_change["removed"]] == [("finding", "CD34", "CD34")]
    values = {(row["class"], row["property"]): (row["before"], row["after"]) for row in by_change["changed"]}
    assert values["case", "sex"] == ("male", "female")
    assert values["outcome", "category"] == ("complete_remission", "partial_response")
    assert values["link", "type"] == ("attributedTo", "after")
    backwards = diff(store_of(now), store_of(FULL))
    assert [row["fact"] for row in backwards if row["change"] == "added"] == ["CD34"]


def test_a_report_that_came_or_went_is_told_fact_by_fact(store_of: Callable[..., Store]) -> None:
    found = diff(store_of(), store_of(FULL))
    assert {row["change"] for row in found} == {"added"}
    assert {"report", "case", "condition", "intervention", "outcome", "finding", "link"} == {r["class"] for r in found}
    assert "in 1 of 1 reports." in found.remarks[0]


def test_a_report_without_identifier_is_known_by_its_id_when_its_text_changes(store_of: Callable[..., Store]) -> None:
    document, record = FULL
    bare = replace(document.report, doi=None, pmid=None, pmcid=None)
    before = replace(document, report=bare)
    after = replace(before, text=document.text + " More.")
    found = diff(store_of((before, record)), store_of((after, record)))
    assert {(row["class"], row["property"]) for row in found} == {("report", "SHA-256 of the text")}
