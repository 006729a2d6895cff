"""Annotated reports as the values of kg.model, for training: stories, conditions, interventions and outcomes.

A further mention of an annotated entity (the same words again, its label, or the abbreviation introduced behind it) is
found by its words, as the annotation names one span only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg.clinical.story import Story, read_story
from kg.model import Case, Condition, Document, Intervention, Outcome, Quantity, Report, Span

__all__ = ["GoldCase", "read_gold", "read_reports"]


@dataclass(frozen=True)
class GoldCase:
    """One annotated patient: ``number`` of ``of`` in the report ``id``, whose text ``story`` reads."""

    id: str
    number: int
    of: int
    story: Story
    case: Case


def read_reports(path: Path) -> list[Mapping[str, Any]]:
    """The annotated reports of a gold file as they stand there."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def read_gold(path: Path) -> Iterator[GoldCase]:
    """Every annotated patient of a gold file, in order."""
    for row in read_reports(path):
        if row["cases"]:
            story = read_story(Document(row["id"], row["text"], Report(), ()))
            for number, case in enumerate(row["cases"]):
                yield GoldCase(row["id"], number, len(row["cases"]), story, _case(story, case, number))


def _case(story: Story, case: Mapping[str, Any], number: int) -> Case:
    conditions = tuple(
        Condition(**_span(c), mentions=_mentions(story, c), label=c["label"], role=c["role"])
        for c in case["conditions"]
    )
    interventions = tuple(
        Intervention(**_span(i), mentions=_mentions(story, i), label=i["label"], kind=i["kind"], for_=tuple(i["for"]))
        for i in case["interventions"]
    )
    outcomes = tuple(
        Outcome(
            **_span(o),
            category=o["category"],
            of=tuple(o["of"]),
            after=tuple(o["after"]),
            duration=Quantity(**o["duration"]) if o.get("duration") else None,
        )
        for o in case["outcomes"]
    )
    return Case(id=f"case{number + 1}", conditions=conditions, interventions=interventions, outcomes=outcomes)


def _span(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item[key] for key in ("id", "start", "end", "text")}


def _mentions(story: Story, item: Mapping[str, Any]) -> tuple[Span, ...]:
    """Where else the words of an item stand."""
    text, own = story.text, (item["start"], item["end"])
    found = [own]
    for form in sorted({item["text"].lower(), item["label"].lower()}, key=len, reverse=True):
        if len(form) >= 4:
            found += [m.span() for m in re.finditer(rf"(?<!\w){re.escape(form)}(?!\w)", story.lower)]
    if m := re.match(r"\s*\(([A-Za-z][\w-]{1,9})\)", text[own[1] : own[1] + 16]):
        found += [n.span() for n in re.finditer(rf"(?<!\w){re.escape(m[1])}(?!\w)", text)]
    apart: list[tuple[int, int]] = []
    for start, end in found:
        if not any(start < e and s < end for s, e in apart):
            apart.append((start, end))
    return tuple(sorted(Span(*s) for s in apart[1:]))
