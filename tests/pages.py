"""Reports with which the page is tried: hostile ones, and so many kinds that boxes have to be folded."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

from kg.model import Block, CaseRecord, Document, Report
from tests.invented import understood

__all__ = ["HOSTILE", "TITLE", "held", "many_kinds", "trial_reports"]

TITLE = "</script><script>document.title='broken'</script> {core} \"&amp; ' <img src=x onerror=alert(1)>"
HOSTILE = (
    'Case \U0001f600\U0001f600 אבג \u202e. A man with <b>sham disease</b> "><script>alert(1)</script> took '
    "quartz & 'crystal' {packs} water. \u0634\u0641\u064a \u0627\u0644\u0645\u0631\u064a\u0636 he recovered <!-- -->. "
    "He had no zebra fever. It may have been ghost pox."
)


def trial_reports() -> Iterator[tuple[Document, CaseRecord]]:
    """The hostile report (markup, quotes, slots of the template, both directions, characters beyond 16 bits), and one
    in which no case was found.
    """
    about = Report(title={"en": "On zebras in general"})
    text = "Zebras are rare."
    document = Document("general", text, about, (Block(0, len(text), "abstract"),))
    yield document, CaseRecord(id="general", report=about, skip="it tells of no patient")
    yield understood(
        {
            "id": "hostile <&>",
            "title": TITLE,
            "published": "1988",
            "text": HOSTILE,
            "patient": {"age": {"value": 41, "unit": "year"}, "sex": "male"},
            "conditions": [
                {"id": "c1", "quote": "<b>sham disease</b>", "role": "primary"},
                {"id": "c2", "quote": "zebra fever", "role": "complication", "assertion": "absent"},
                {"id": "c3", "quote": "ghost pox", "role": "complication", "assertion": "possible"},
            ],
            "interventions": [{"id": "i1", "quote": "quartz & 'crystal' {packs} water", "kind": "drug", "for": ["c1"]}],
            "outcomes": [
                {"id": "o1", "quote": "he recovered <!-- -->", "category": "recovery", "of": ["c1"], "after": ["i1"]}
            ],
        }
    )


def many_kinds(count: int) -> Iterator[tuple[Document, CaseRecord]]:
    """So many reports, each of a disease of its own that no vocabulary holds; the first ones told twice."""
    for number in range(count + 3):
        disease = f"{'abcdefghijklmnopqrstuvwxyz'[number % count % 26]}-type disease {number % count:03}"
        yield understood(
            {
                "id": f"kind{number:03}",
                "title": f"Report {number}",
                "published": "2001",
                "text": f"Patient {number} had {disease}. Etoposide was given. She improved.",
                "patient": {"sex": "female"},
                "conditions": [{"id": "c1", "quote": disease, "role": "primary"}],
                "interventions": [
                    {"id": "i1", "quote": "Etoposide", "concept": "ckv:etoposide", "kind": "drug", "for": ["c1"]}
                ],
                "outcomes": [
                    {"id": "o1", "quote": "She improved", "category": "improvement", "of": ["c1"], "after": ["i1"]}
                ],
            }
        )


def held(page: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The core of a page and its reports, unpacked."""

    def unpacked(packed: str) -> Any:
        return json.loads(gzip.decompress(base64.b64decode(packed)))

    core = re.search(r'id="core">([^<]*)<', page)
    assert core
    packs = re.findall(r'class="pack">([^<]*)<', page)
    return unpacked(core[1]), [report for pack in packs for report in unpacked(pack)]
