"""What the program itself loses: a model whose replies are the annotations of real reports, through all of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from kg import sources, vocab
from kg.clinical.story import read_story
from kg.evaluate import GoldReport, evaluate, read_gold
from kg.extractors import extractor
from kg.llm import LanguageModel
from kg.llm.prompt import messages
from kg.llm.windows import Stretch, windows
from kg.model import Document, Episode
from tests.models import Model


def annotated(report: GoldReport, window: Stretch) -> str:
    """The annotations of a window in the form of a reply; lengths of time are left out, as they quote no words."""
    told: dict[str, list[dict[str, Any]]] = {"conditions": [], "interventions": [], "outcomes": []}
    for number, case in enumerate(report.cases, 1):
        here = {e.id for e in case.episodes() if window.start <= e.start < window.end}

        def ids(targets: Iterable[str], number: int = number, here: set[str] = here) -> list[str]:
            return [f"{number}{t}" for t in targets if t in here]

        def fact(e: Episode, number: int = number) -> dict[str, Any]:
            line = next((n for n, s in enumerate(window.lines, 1) if s.start <= e.start < s.end), None)
            return {"id": f"{number}{e.id}", "patient": number, "sentence": line, "quote": e.text}

        told["conditions"] += [{**fact(c), "label": c.label, "role": c.role} for c in case.conditions if c.id in here]
        told["interventions"] += [
            {**fact(i), "label": i.label, "kind": i.kind, "for": ids(i.for_)}
            for i in case.interventions
            if i.id in here
        ]
        told["outcomes"] += [
            {**fact(o), "category": o.category, "of": ids(o.of), "after": ids(o.after)}
            for o in case.outcomes
            if o.id in here
        ]
    return json.dumps(told)


def test_what_a_faultless_model_would_score(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared / "gold" / "dev.jsonl"
    gold = read_gold(path)
    documents = [d for d in sources.read(path) if isinstance(d, Document)]
    replies = {}
    for document in documents:
        story = read_story(document)
        for window in windows(story) if story.cases else ():
            replies[messages(story, window)[-1]["content"]] = annotated(gold[document.id], window)
    monkeypatch.setattr("kg.extractors.llm.cache_folder", lambda: tmp_path)
    with Model(lambda question: replies[question["messages"][-1]["content"]]) as server:
        understand = extractor("llm", LanguageModel(name="faultless", endpoint=server.endpoint)).prepare(
            vocab.load().lexicon()
        )
        scores = evaluate(gold, map(understand, documents))
    assert scores.core() >= 0.98
    assert all(scores.rows[row].precision >= 0.99 for row in ("conditions", "interventions", "outcomes"))
