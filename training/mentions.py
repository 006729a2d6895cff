"""What an annotated report teaches about its mentions, and how well found mentions meet it.

A report is annotated once per thing, at its most specific place. A tagger needs every mention: the further ones are
found here by their words, and those that may or may not be the patient's own are set aside as doubtful.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["FIELDS", "Labels", "Report", "Span", "folded", "labels_of", "measure", "read", "silver", "table", "write"]

Report = dict[str, Any]

# What each type of mention is called in a gold case, the field that refines it, and the values of that field.
FIELDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "condition": (
        "conditions",
        "role",
        ("primary", "revised", "presenting", "relapse", "complication", "comorbidity"),
    ),
    "intervention": (
        "interventions",
        "kind",
        (
            "drug",
            "procedure",
            "surgery",
            "radiotherapy",
            "transplantation",
            "cell therapy",
            "supportive",
            "device",
            "other",
        ),
    ),
    "outcome": (
        "outcomes",
        "category",
        (
            "complete_remission",
            "partial_response",
            "improvement",
            "recovery",
            "stable",
            "no_response",
            "progression",
            "relapse",
            "death",
            "survival",
            "adverse_event",
        ),
    ),
}
SURE = 0.5  # probability from which a span counts when spans are measured
HEAD_WORD_WEIGHT = 0.25  # "the tumor" of an annotated "Wilms tumor": neither a mention nor clearly none

NEGATED = re.compile(
    r"\b(?:no|not|without|den(?:y|ies|ied)|negative for|ruled out|absence of|excluded?|never)\b[^.;]{0,40}$", re.I
)
GENERAL = re.compile(r"\b(?:is|are|can|may|should|represents?|remains?|occurs?)\b", re.I)
NARRATED = re.compile(
    r"\b(?:patient|case|s?he|his|hers?|him|man|woman|boy|girl|infant|\w+-old|we|our|was|were|had|underwent)\b", re.I
)
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[A-Z0-9(\"'])|\n+")


class Span(NamedTuple):
    """A stretch of a report's text (str indices), its type, how probable it is, and the value that refines the type."""

    start: int
    end: int
    type: str
    score: float
    finer: str | None


def read(path: Path) -> list[Report]:
    """The reports of a JSON Lines file, gzipped or not."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in content.decode().split("\n") if line.strip()]


def folded(text: str) -> str:
    """A text without case, punctuation and layout, to recognise copies."""
    return " ".join(re.findall(r"\w+", text.casefold()))


@dataclass(frozen=True)
class Labels:
    """What a report teaches: its spans, and stretches of text (type, start, end, weight) that teach less or nothing."""

    annotated: list[Span]
    repeated: list[Span]
    doubtful: list[tuple[str, int, int, float]]


def labels_of(report: Report) -> Labels:
    """The annotated spans of a report and every further mention of the same words, unless negated or general talk."""
    text = report["text"]
    cuts = [0, *(match.end() for match in SENTENCE_END.finditer(text)), len(text)]
    annotated: list[Span] = []
    repeated: list[Span] = []
    doubtful: list[tuple[str, int, int, float]] = []

    def free(kind: str, start: int, end: int) -> bool:
        return all(s.end <= start or end <= s.start for s in (*annotated, *repeated) if s.type == kind)

    items = [
        (kind, item, item.get(field))
        for kind, (plural, field, _) in FIELDS.items()
        for case in report["cases"]
        for item in case[plural]
    ]
    items.sort(key=lambda entry: entry[1]["start"] - entry[1]["end"])  # longest first
    for kind, item, finer in items:
        if free(kind, item["start"], item["end"]):
            annotated.append(Span(item["start"], item["end"], kind, 1.0, finer))
    for kind, item, finer in items:
        for pattern in surfaces(text, item):
            for match in pattern.finditer(text):
                start, end = match.span()
                if not free(kind, start, end):
                    continue
                left = max(cut for cut in cuts if cut <= start)
                right = min(cut for cut in cuts if cut >= end)
                sentence = text[left:right]
                general = GENERAL.search(sentence) and not NARRATED.search(sentence)
                if kind == "outcome" or general or NEGATED.search(text[left:start]):
                    doubtful.append((kind, start, end, 0.0))
                else:
                    repeated.append(Span(start, end, kind, 1.0, finer))
    for kind, item, _ in items:
        head = re.search(r"[^\W\d_]{5,}$", item.get("label") or "")
        if kind == "condition" and head:
            found = re.finditer(rf"(?<!\w){re.escape(head.group())}s?(?!\w)", text, re.I)
            doubtful.extend((kind, *m.span(), HEAD_WORD_WEIGHT) for m in found if free(kind, *m.span()))
    return Labels(annotated, repeated, doubtful)


def surfaces(text: str, item: Report) -> Iterator[re.Pattern[str]]:
    """Patterns of the words by which a report may name an item again: its text, its label, its abbreviation."""
    for words in dict.fromkeys((item["text"], item.get("label") or "")):
        if len(words) < 3:
            continue
        yield re.compile(rf"(?<!\w){re.escape(words)}(?:e?s)?(?!\w)", re.I)
        short = re.search(rf"{re.escape(words)}s? \(([A-Z][A-Za-z0-9-]{{1,7}})\)", text, re.I)
        if short and sum(map(str.isupper, short.group(1))) >= 2:
            yield re.compile(rf"(?<!\w){re.escape(short.group(1))}s?(?!\w)")


def near(gold: tuple[int, int], found: tuple[int, int]) -> bool:
    """Half of either span is shared and the found one is not much longer: the scorer's rule."""
    shared, size, width = min(gold[1], found[1]) - max(gold[0], found[0]), gold[1] - gold[0], found[1] - found[0]
    return shared > 0 and 2 * shared >= min(size, width) and width <= max(3 * size, 30)


def measure(
    reports: Sequence[Report], predicted: Sequence[Sequence[Span]], least: float = SURE
) -> dict[str, dict[str, float]]:
    """Per type: precision, recall and F1 of mentions, recall of the annotated ones alone, and the shares of exact
    offsets and of right finer kinds among those found. Spans less probable than ``least`` or on doubtful words are
    left aside.
    """
    counts = {kind: dict.fromkeys(("gold", "found", "hit", "annotated", "met", "exact", "kinds"), 0) for kind in FIELDS}
    for report, spans in zip(reports, predicted, strict=True):
        if report.get("skip"):
            continue
        labels = labels_of(report)
        for kind, count in counts.items():
            gold = [s for s in (*labels.annotated, *labels.repeated) if s.type == kind]
            left = list(gold)
            for span in (s for s in spans if s.type == kind and s.score >= least):
                match = [g for g in left if near(g[:2], span[:2])]
                if match:
                    nearest = min(match, key=lambda g: abs(g.start - span.start) + abs(g.end - span.end))
                    left.remove(nearest)
                    count["hit"] += 1
                    count["exact"] += nearest[:2] == span[:2]
                    count["kinds"] += nearest.finer == span.finer
                elif any(k == kind and a < span.end and span.start < b for k, a, b, _ in labels.doubtful):
                    continue
                count["found"] += 1
            own = [s for s in labels.annotated if s.type == kind]
            count["gold"] += len(gold)
            count["annotated"] += len(own)
            count["met"] += sum(g not in left for g in own)
    figures = {}
    for kind, c in counts.items():
        p, r = c["hit"] / max(c["found"], 1), c["hit"] / max(c["gold"], 1)
        figures[kind] = {
            "precision": p,
            "recall": r,
            "f1": 2 * p * r / max(p + r, 1e-9),
            "recall_annotated": c["met"] / max(c["annotated"], 1),
            "exact": c["exact"] / max(c["hit"], 1),
            "finer": c["kinds"] / max(c["hit"], 1),
            "gold": c["gold"],
        }
    return figures


def table(title: str, figures: dict[str, dict[str, float]]) -> str:
    """The figures as lines of text."""
    lines = [f"{title:14}" + "".join(f"{name:>18}" for name in next(iter(figures.values())))]
    lines += [f"{kind:14}" + "".join(f"{value:18.3f}" for value in row.values()) for kind, row in figures.items()]
    return "\n".join(lines)


def silver(report: Report, spans: Iterable[Span]) -> str:
    """A report with its spans as one JSON line; the finer kind goes by its own name."""
    rows = []
    for span in spans:
        row: Report = {"start": span.start, "end": span.end, "type": span.type, "score": span.score}
        if span.finer:
            row[FIELDS[span.type][1]] = span.finer
        rows.append(row)
    return json.dumps({"id": report["id"], "text": report["text"], "spans": rows}, ensure_ascii=False) + "\n"


def write(path: Path, lines: Iterable[str]) -> None:
    """Write a gzipped text file whose bytes depend on its content only."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as handle:
        handle.writelines(line.encode() for line in lines)
