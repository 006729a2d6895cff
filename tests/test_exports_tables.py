"""Tables: every episode, link and span of the graph is a row, and pyarrow reads them."""

from __future__ import annotations

import csv
import io
import sys
import zipfile

import pyarrow.parquet as pq
import pytest

from kg import exporters
from kg.errors import ExportError
from kg.exporters._tables import TABLES
from kg.query import ask
from kg.reports import Reports
from kg.store import Store

Rows = dict[str, list[dict[str, str]]]


def tables(store: Store, form: str, *, text: bool = True) -> Rows:
    out = io.BytesIO()
    assert exporters.export(store, out, form, text=text) == {}
    with zipfile.ZipFile(out) as packed:
        assert packed.testzip() is None
        files = {name.partition(".")[0]: io.BytesIO(packed.read(name)) for name in packed.namelist()}
    if form == "csv":
        return {name: list(csv.DictReader(io.TextIOWrapper(f, "utf-8", newline=""))) for name, f in files.items()}
    return {
        name: [{c: "" if v is None else str(v) for c, v in row.items()} for row in pq.read_table(f).to_pylist()]
        for name, f in files.items()
    }


def column(rows: Rows, table: str, name: str) -> list[str]:
    return [row[name] for row in rows[table]]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_hold_what_the_graph_holds(form: str, invented: Store) -> None:
    found = tables(invented, form)
    assert {name: tuple(rows[0]) for name, rows in found.items() if rows}.items() <= TABLES.items()
    counts = {str(row["what"]): row["count"] for row in ask(invented, "summary")}
    sizes = {f"{name}s": len(rows) for name, rows in found.items()}
    assert {what: sizes[what] for what in ("reports", "cases", "links")}.items() <= counts.items()
    episodes = [
        iri for kind in ("condition", "intervention", "outcome", "finding") for iri in column(found, kind, kind)
    ]
    assert sorted(episodes) == sorted(str(row["episode"]) for row in ask(invented, "episodes"))
    spans = set(column(found, "evidence", "evidence"))
    assert {*column(found, "link", "evidence"), *column(found, "condition", "evidence")} <= spans
    assert {*column(found, "link", "source"), *column(found, "link", "target")} <= set(episodes)
    assert set(column(found, "evidence", "sentence")) <= spans


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_quotes_can_be_left_out(form: str, invented: Store) -> None:
    assert not any(column(tables(invented, form, text=False), "evidence", "exact"))
    quotes = column(tables(invented, form), "evidence", "exact")
    assert quotes and all(quotes)


def test_both_forms_say_the_same_and_equal_graphs_are_equal_bytes(invented: Store) -> None:
    assert tables(invented, "csv") == tables(invented, "parquet")
    one, two = io.BytesIO(), io.BytesIO()
    exporters.export(invented, one, "csv")
    exporters.export(invented, two, "csv")
    assert one.getvalue() == two.getvalue()


def test_the_view_of_a_report_is_what_was_written(invented: Store) -> None:
    """A quote is the slice of the text, and its sentence holds it."""
    for report in Reports(invented):
        assert report.extraction and report.extraction.extractor == "rules test"
        for quote in report.quotes.values():
            assert report.text[quote.start : quote.end] == quote.exact
            assert quote.exact in report.quotes[quote.sentence].exact
        for case in report.cases:
            for link in case.links:
                assert {link.source, link.target} <= case.by_iri.keys()
                assert case.by_iri[link.target] in case.linked(case.by_iri[link.source], link.type)
                assert case.by_iri[link.source] in case.linking(case.by_iri[link.target], link.type)


def test_without_pyarrow_the_remedy_is_named(invented: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ExportError, match=r"casekg\[parquet\]"):
        exporters.export(invented, io.BytesIO(), "parquet")
