"""Annotated reports, one JSON object a line: ``id``, ``text``, ``cases``, and ``skip`` where there is no case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kg.errors import SourceError
from kg.model import Case, record_from_json

__all__ = ["GoldReport", "read_gold"]


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
