"""``kg evaluate``: scores of an extractor on annotated reports."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kg import evaluate, pipeline
from kg.cli import output
from kg.errors import KGError, SourceError
from kg.evaluate import Evaluation, GoldReport
from kg.model import CaseRecord, Document
from kg.table import Table, Value

if TYPE_CHECKING:
    from kg.llm import LanguageModel

__all__ = ["show"]


def show(
    gold_path: Path,
    extractor: str,
    vocabularies: Sequence[Path],
    model: LanguageModel | None,
    *,
    worst: int,
    one: str | None,
    errors: bool,
    html: Path | None,
    json: bool,
) -> None:
    """Extract the annotated texts and print scores, or one report side by side, or the kinds of mistake."""
    gold = evaluate.read_gold(gold_path)
    texts, records = {}, {}
    for document, record in _extracted(gold_path, extractor, vocabularies, model):
        texts[document.id], records[document.id] = document.text, record
    if one is not None:
        if one not in gold:
            raise KGError(f"{gold_path} has no report {one!r}.")
        _show_one(gold[one], records.get(one), texts.get(one, ""), html)
    elif errors:
        _show_errors(gold, records, texts, json=json)
    else:
        _show_scores(evaluate.evaluate(gold, records.values(), texts), worst, json=json)


def _extracted(
    path: Path, extractor: str, vocabularies: Sequence[Path], model: LanguageModel | None
) -> Iterator[tuple[Document, CaseRecord]]:
    for item in pipeline.extract([path], extractor=extractor, vocabularies=vocabularies, model=model):
        if isinstance(item, SourceError):
            raise item
        yield item


def _show_one(report: GoldReport, record: CaseRecord | None, text: str, html: Path | None) -> None:
    if html is None:
        output.data(evaluate.side_by_side(report, record, text) + "\n")
        return
    with output.sink(html) as sink:
        sink.write(evaluate.side_by_side_html(report, record, text).encode())
    output.message(str(html))


def _show_errors(
    gold: dict[str, GoldReport], records: dict[str, CaseRecord], texts: dict[str, str], *, json: bool
) -> None:
    found = (
        m for key, report in gold.items() for m in evaluate.mistakes_of(report, records.get(key), texts.get(key, ""))
    )
    rows: list[tuple[Value, ...]] = []
    for kind in evaluate.ranking(found):
        details = ", ".join(f"{name} {count}" for name, count in kind.details)
        examples = " / ".join(f"{m.report}: {m.text}" for m in kind.examples)
        rows.append((kind.count, kind.kind, details, examples))
    output.table(Table(("count", "mistake", "mostly", "examples"), tuple(rows)), "json" if json else "table")


def _show_scores(scores: Evaluation, worst: int, *, json: bool) -> None:
    tables = {"all": scores.rows, **scores.strata}
    if json:
        data = {
            name: {
                "core": scores.core(None if name == "all" else name),
                **{row: {"precision": s.precision, "recall": s.recall, "f1": s.f1, "gold": s.gold, "found": s.found}
                   for row, s in table.items()},
            }
            for name, table in tables.items()
        }  # fmt: skip
        worst_of = [{"id": key, "value": round(value, 3)} for value, key in scores.worst[:worst]]
        output.data(json_module.dumps({"scores": data, "worst": worst_of}, indent=2) + "\n")
        return
    output.data(f"{scores.documents} reports, {scores.missing} without a prediction\n")
    columns = ("", "P", "R", "F1", "gold", "found", *(f"F1 {name}" for name in scores.strata))
    rows: list[tuple[Value, ...]] = [
        (row, *(f"{v:.3f}" for v in (s.precision, s.recall, s.f1)), s.gold, s.found,
         *(f"{table[row].f1:.3f}" for table in scores.strata.values()))
        for row, s in scores.rows.items()
    ]  # fmt: skip
    strata = tuple(f"{scores.core(name):.3f}" for name in scores.strata)
    rows.append(("core", "", "", f"{scores.core():.3f}", None, None, *strata))
    output.table(Table(columns, tuple(rows)), "table")
    for value, key in scores.worst[:worst]:
        output.data(f"worst {key} {value:.2f}\n")
