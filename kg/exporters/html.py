"""The picture: one offline page, condition group -> intervention -> outcome, each band opening on its sentences.

The page holds its data as JSON and loads nothing; a strict Content-Security-Policy names its own script and style by
hash. No text of a report becomes markup: the page builds every node through textContent.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from typing import TYPE_CHECKING, Any, BinaryIO

from kg import resources
from kg.query import ask

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "one offline page: treatment-outcome links with their sentences"
SUFFIX = ".html"

_UNGROUNDED = "not in a vocabulary"


def write(store: Store, out: BinaryIO, *, text: bool = True) -> None:
    """Write the page; ``text=False`` leaves out the sentences, so that bands show numbers alone."""
    folder = resources.folder("page")
    parts = {name: (folder / f"page.{name}").read_text(encoding="utf-8") for name in ("html", "css", "js")}
    data = _data(store, text=text)
    title = f"Treatments and outcomes in {data['reports']} case report{'' if data['reports'] == 1 else 's'}"
    page = parts["html"]
    for slot, value in {
        "title": html.escape(title),
        "script_hash": _hash(parts["js"]),
        "style_hash": _hash(parts["css"]),
        "style": parts["css"],
        "script": parts["js"],
        "data": _script_safe(json.dumps(data, ensure_ascii=False, separators=(",", ":"))),
    }.items():
        page = page.replace("{" + slot + "}", value)
    out.write(page.encode())


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _script_safe(data: str) -> str:
    """JSON in which nothing can end the script element or open a comment."""
    return data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


class _Index:
    """Numbers things in the order in which they first come."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}
        self.things: list[dict[str, Any]] = []

    def number(self, key: Any, **thing: Any) -> int:
        if key not in self.numbers:
            self.numbers[key] = len(self.things)
            self.things.append(thing)
        return self.numbers[key]


def _data(store: Store, *, text: bool) -> dict[str, Any]:
    concepts, parents = _concepts(store)
    outcomes = _Index()
    for row in ask(store, "categories"):
        outcomes.number(row["category"], label=row["label"], colour=int(row["rank"] or 1) - 1)
    described = {row["case"]: row for row in reversed(list(ask(store, "cases")))}
    cases, sentences = _Index(), _Index()
    facts: dict[tuple[Any, ...], list[Any]] = {}

    def concept(iri: Any, label: Any, top: str) -> int:
        if iri in parents:
            return _place(iri, concepts, parents)
        group = concepts.number((top, _UNGROUNDED), label=_UNGROUNDED, broader=None)
        return concepts.number((top, label), label=label or "not stated", broader=group)

    for row in ask(store, "links"):
        about = described[row["case"]]
        case = cases.number(
            row["case"], id=about["id"], name=str(row["case"]).rpartition("/")[2], title=about["title"] or "",
            language=about["language"] or "",
        )  # fmt: skip
        start = int(row["sentence_start"] or 0)
        sentence = sentences.number((case, start), text=row["sentence"] if text else "", start=start)
        condition = concept(row["condition_concept"], row["condition_label"], "condition")
        intervention = concept(row["intervention_concept"], row["intervention_label"], "intervention")
        outcome = outcomes.numbers[row["category"]]
        key = (case, condition, intervention, outcome, sentence, row["quote_start"])
        fact = facts.setdefault(
            key, [case, condition, intervention, outcome, int(bool(row["attributed"])), sentence, []]
        )
        if text:
            _mark(fact[6], row["quote_start"], row["quote_end"], start, 0)
            _mark(fact[6], row["treatment_start"], row["treatment_end"], start, 1)
    reports = {about["id"] for about in described.values()}
    return {
        "reports": len(reports),
        "concepts": concepts.things,
        "outcomes": outcomes.things,
        "cases": cases.things,
        "sentences": sentences.things,
        "facts": list(facts.values()),
    }


def _mark(marks: list[list[int]], start: Any, end: Any, offset: int, kind: int) -> None:
    """Add a highlighted span of the sentence: kind 0 the outcome's words, 1 the treatment's."""
    if start is not None:
        mark = [start - offset, end - offset, kind]
        if mark not in marks:
            marks.append(mark)


def _concepts(store: Store) -> tuple[_Index, dict[str, tuple[str, str | None]]]:
    """An empty index, and label and first parent of every concept in use."""
    parents: dict[str, tuple[str, str | None]] = {}
    for row in ask(store, "concepts"):
        broader = row["broader"]
        parents.setdefault(str(row["concept"]), (str(row["label"]), None if broader is None else str(broader)))
    return _Index(), parents


def _place(iri: str, concepts: _Index, parents: dict[str, tuple[str, str | None]]) -> int:
    label, broader = parents[iri]
    above = _place(broader, concepts, parents) if broader in parents else None
    return concepts.number(iri, label=label, broader=above)
