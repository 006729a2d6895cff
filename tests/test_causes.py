"""Every example of kg/rules/causes.toml, and that a sentence without such words ties nothing."""

from __future__ import annotations

import re
import tomllib

import pytest

from kg.clinical.causes import Tie, ties
from kg.clinical.story import Story, read_story
from kg.model import Block, Document, Intervention, Outcome, Report
from kg.resources import folder

RULES = tomllib.loads((folder("rules") / "causes.toml").read_text(encoding="utf-8"))["rule"]
MARK = re.compile(r"\[\[(?P<outcome>.*?)\]\]|\{\{(?P<treatment>.*?)\}\}")


def parse(marked: str, category: str) -> tuple[Story, Outcome, list[Intervention], list[str]]:
    """The story, the outcome, all treatments and the ids of those to be tied, of an example with its marks."""
    text, at = "", 0
    outcome: Outcome | None = None
    treatments: list[Intervention] = []
    wanted = []
    for mark in MARK.finditer(marked):
        text += marked[at : mark.start()]
        at = mark.end()
        words = (mark["outcome"] or mark["treatment"]).removeprefix("!")
        start, end = len(text), len(text) + len(words)
        text += words
        if mark["outcome"]:
            outcome = Outcome(id="o1", start=start, end=end, text=words, category=category)  # type: ignore[arg-type]
        else:
            name = f"i{len(treatments) + 1}"
            treatments.append(Intervention(id=name, start=start, end=end, text=words, label=words, kind="drug"))
            if not mark["treatment"].startswith("!"):
                wanted.append(name)
    text += marked[at:]
    assert outcome
    story = read_story(Document("x", text, Report(), (Block(0, len(text), "case"),)))
    return story, outcome, treatments, wanted


@pytest.mark.parametrize(
    ("example", "category", "causal"),
    [(e, (r.get("categories") or ["recovery"])[0], r["causal"]) for r in RULES for e in r["examples"]],
)
def test_example_ties_what_it_marks(example: str, category: str, causal: bool) -> None:
    story, outcome, treatments, wanted = parse(example, category)
    assert ties(story, outcome, treatments) == Tie(tuple(wanted), causal)


@pytest.mark.parametrize(
    "sentence",
    [
        "{{!Etoposide}} was given, but no [[complete remission]] was seen.",
        "She received {{!rituximab}}. [[Complete remission]] was documented.",
        "[[Complete remission]] was documented and {{!rituximab}} was stopped.",
    ],
)
def test_mere_company_ties_nothing(sentence: str) -> None:
    story, outcome, treatments, _ = parse(sentence, "complete_remission")
    assert ties(story, outcome, treatments) is None
