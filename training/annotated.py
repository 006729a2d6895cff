"""Joins the repository's own annotations to the reports they are of, behind those that are annotated already.

    python -m training.annotated --data train.jsonl --corpora CASES.jsonl.gz --out annotated.jsonl --held-out held.jsonl

``training/annotations.jsonl.gz`` holds no text: a line is a report's id, the SHA-256 of its text, its cases as in
train.jsonl but for the quoted words, and ``skip`` where it is no case report. ``training/heldout.jsonl.gz`` holds more
of the same, to measure on and not to learn from. How they were made stands in docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from training.mentions import Report, read

__all__ = ["ANNOTATIONS", "HELD_OUT", "joined", "main"]

ANNOTATIONS = Path(__file__).with_name("annotations.jsonl.gz")
HELD_OUT = Path(__file__).with_name("heldout.jsonl.gz")
_FACTS = ("conditions", "interventions", "outcomes")


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes ``--data`` and, behind it, every annotated report of the corpus; and those held out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="annotated reports, JSON lines")
    parser.add_argument("--corpora", type=Path, required=True, help="reports, JSON lines, gzipped or not")
    parser.add_argument("--out", type=Path, required=True, help="file for all annotated reports")
    parser.add_argument("--held-out", type=Path, required=True, help="file for those that are not to be learned from")
    given = parser.parse_args(arguments)
    texts = {report["id"]: report["text"] for report in read(given.corpora)}
    for path, reports in (
        (given.out, (*read(given.data), *joined(ANNOTATIONS, texts))),
        (given.held_out, joined(HELD_OUT, texts)),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in reports), encoding="utf-8")


def joined(path: Path, texts: Mapping[str, str]) -> Iterator[Report]:
    """The annotations of a file with their texts and quotes; one whose text is another than it was is an error."""
    for report in read(path):
        text = texts.get(report["id"], "")
        if sha256(text.encode()).hexdigest() != report["sha256"]:
            raise SystemExit(f"{path}: the corpus has another text of {report['id']}, or none; give its own.")
        cases = [{**case, **{kind: _quoted(case[kind], text) for kind in _FACTS}} for case in report["cases"]]
        yield {**report, "cases": cases, "text": text}


def _quoted(facts: Sequence[Mapping[str, Any]], text: str) -> list[dict[str, Any]]:
    quoted = [{**fact, "text": text[fact["start"] : fact["end"]]} for fact in facts]
    return [{"label": fact["text"].lower(), **fact} if "category" not in fact else fact for fact in quoted]


if __name__ == "__main__":
    main()
