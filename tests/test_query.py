"""Questions: headers, binding, and the rows of every shipped question on the invented reports of tests/queries/.

``tests/queries/NAME.csv`` holds the expected rows of question NAME; ``NAME@parameter=value.csv`` those with a parameter.
IRIs are shortened by the data's base. ``--update-golden`` writes the files anew.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kg import quads, vocab
from kg.errors import QueryError
from kg.model import Block, CaseRecord, Document, Report, Span, record_from_json
from kg.query import ask, question, questions, read_question
from kg.store import Store, open_store
from kg.table import Table

FOLDER = Path(__file__).parent / "queries"
EXPECTED = sorted(FOLDER.glob("*.csv"))


def located(item: dict[str, Any], text: str) -> dict[str, Any]:
    start = text.index(item["quote"])
    return {"label": item["quote"], **item, "start": start, "end": start + len(item["quote"]), "text": item["quote"]}


def read_reports() -> Iterator[tuple[Document, CaseRecord]]:
    for report in json.loads((FOLDER / "reports.json").read_text(encoding="utf-8")):
        text = report["text"]
        about = Report(title={"en": report["title"]}, published=report["published"], language=("en",))
        case = {key: [located(item, text) for item in report[key]] for key in ("conditions", "interventions", "outcomes")}
        record = record_from_json({"id": report["id"], "cases": [{"patient": report["patient"], **case}]})
        sentences = tuple(Span(m.start(), m.end()) for m in re.finditer(r"[^ .][^.]*\.", text))
        record = CaseRecord(id=record.id, report=about, cases=record.cases, sentences=sentences)
        yield Document(report["id"], text, about, (Block(0, len(text), "abstract"),)), record


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    vocabulary = vocab.load()
    with open_store(None) as opened:
        opened.put_vocabulary(vocabulary)
        writer = quads.Writer(vocabulary, vocabulary.prefixes["id"], extractor="rules", version="test")
        for document, record in read_reports():
            report = quads.report_iri(document, writer.base)
            opened.replace(quads.graph_iri(report), quads.parse(writer.write(document, record, report, "test")))
        yield opened


def test_every_question_has_expected_rows() -> None:
    assert {path.stem.partition("@")[0] for path in EXPECTED} == set(questions())


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.stem)
def test_question_gives_expected_rows(store: Store, path: Path, request: pytest.FixtureRequest) -> None:
    name, _, given = path.stem.partition("@")
    values = dict(pair.split("=", 1) for pair in given.split("@") if pair)
    found = ask(store, name, values).write("csv").replace(store.base, "")
    if request.config.getoption("--update-golden"):
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")
