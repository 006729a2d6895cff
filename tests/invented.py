"""The invented reports of tests/queries/reports.json, in a store in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kg import quads, vocab
from kg.model import Block, CaseRecord, Document, Report, Span, record_from_json
from kg.store import Store, open_store

__all__ = ["read_reports", "store_of_reports", "understood"]

FILE = Path(__file__).parent / "queries" / "reports.json"


def located(item: dict[str, Any], text: str) -> dict[str, Any]:
    start = text.index(item["quote"])
    return {"label": item["quote"], **item, "start": start, "end": start + len(item["quote"]), "text": item["quote"]}


def read_reports() -> Iterator[tuple[Document, CaseRecord]]:
    yield from map(understood, json.loads(FILE.read_text(encoding="utf-8")))


def understood(report: dict[str, Any]) -> tuple[Document, CaseRecord]:
    """A report written as in tests/queries/reports.json, with its quotes found in its text."""
    text = report["text"]
    about = Report(title={"en": report["title"]}, published=report["published"], language=("en",))
    case = {key: [located(item, text) for item in report[key]] for key in ("conditions", "interventions", "outcomes")}
    record = record_from_json({"id": report["id"], "cases": [{"patient": report["patient"], **case}]})
    sentences = tuple(Span(m.start(), m.end()) for m in re.finditer(r"[^ .][^.]*\.", text))
    record = CaseRecord(id=record.id, report=about, cases=record.cases, sentences=sentences)
    return Document(report["id"], text, about, (Block(0, len(text), "abstract"),)), record


def store_of_reports(reports: Iterable[tuple[Document, CaseRecord]] | None = None) -> Store:
    """A store in memory: these reports and the concepts they name, or the invented reports and all vocabularies."""
    told = list(read_reports() if reports is None else reports)
    vocabulary = vocab.load()
    base = vocabulary.prefixes["id"]
    writer = quads.Writer(vocabulary, base, "rules", "test")
    store = open_store(None, base=base)
    store.bulk_load(vocabulary.quads(None if reports is None else {c for _, record in told for c in record.concepts()}))
    store.bulk_load(writer.settings())
    for document, record in told:
        store.replace(quads.graph_iri(quads.report_iri(document, base)), writer(document, record))
    return store
