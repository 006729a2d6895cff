"""Annotated reports, one JSON object a line: ``id``, ``text``, ``cases``, and ``skip`` where there is no case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg.errors import SourceError
from kg.evaluate.matching import asserted
from kg.model import Case, CaseRecord, record_from_json, to_json

__all__ = ["GoldReport", "gold_line", "read_gold"]


_LINKS = ("for", "of", "after", "attributed_to")


@dataclass(frozen=True, slots=True)
class GoldReport:
    """One annotated report. ``text`` is empty where the file leaves it to the report itself."""

    id: str
    cases: tuple[Case, ...] = ()
    text: str = ""
    stratum: str | None = None
    skip: str | None = None


def read_gold(path: Path) -> dict[str, GoldReport]:
    """The annotated reports of a file by id; SourceError names the line that is not as it must be."""
    return {report.id: report for report in _reports(path)}


def gold_line(record: CaseRecord, text: str, *, rejected: bool = False) -> str:
    """A reviewed record as a line of annotated reports: what it states as present; ``rejected`` is no case report."""
    said: dict[str, object] = {"id": record.id, "text": text, "cases": [_stated(case) for case in record.cases]}
    if rejected:
        said["skip"] = "not a case report"
    return json.dumps(said, ensure_ascii=False)


def _stated(case: Case) -> Any:
    """What a case states as present, and the links between that, as JSON."""
    stated: dict[str, Any] = to_json(asserted(case))
    there = {item["id"] for key in ("conditions", "interventions", "outcomes") for item in stated[key]}
    for item in (*stated["interventions"], *stated["outcomes"]):
        item |= {key: [id for id in item[key] if id in there] for key in _LINKS if key in item}
    return stated | {"evidence": [e for e in stated["evidence"] if there >= {e["from"], e["to"]}]}


def _reports(path: Path) -> Iterator[GoldReport]:
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _report(line, f"{path}, line {number}")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: cannot be read as annotated reports ({error}).") from error


def _report(line: str, where: str) -> GoldReport:
    try:
        row = json.loads(line)
        record = record_from_json(row)
        text = row.get("text", "")
        report = GoldReport(record.id, record.cases, text, row.get("stratum"), record.skip)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SourceError(f"{where}: is not an annotated report ({error}); see docs/caserecord.md.") from error
    for case in report.cases:
        for item in case.episodes():
            if text and text[item.start : item.end] != item.text:
                raise SourceError(
                    f"{where}: the offsets of {item.id} do not give {item.text!r}; count characters, not bytes."
                )
    return report
