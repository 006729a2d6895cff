"""How outcomes are worded: the examples of the rule file."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from kg.clinical.outcomes import candidates
from kg.clinical.story import read_story
from kg.model import Document, Report
from kg.resources import folder

CUES: list[dict[str, Any]] = tomllib.loads((folder("rules") / "outcomes.toml").read_text(encoding="utf-8"))["cue"]
BEFORE = "A 5-year-old boy was treated for pneumonia. "


def cues_at_head(example: str) -> set[str]:
    """The cues of the candidates at the head, which stands in brackets."""
    head = len(BEFORE) + example.index("[")
    story = read_story(Document("x", BEFORE + example.replace("[", "").replace("]", ""), Report(), ()))
    found = candidates(story, 0, [], [], [0.0] * len(story.tokens), {})
    return {one.cue for one in found if one.marked.tokens[one.at].start == head}


@pytest.mark.parametrize(("cue", "example"), [(cue["name"], e) for cue in CUES for e in cue["examples"]])
def test_examples_of_a_cue(cue: str, example: str) -> None:
    assert cues_at_head(example) == {cue}


@pytest.mark.parametrize("example", [e for cue in CUES for e in cue.get("others", ())])
def test_a_cue_leaves_others_alone(example: str) -> None:
    assert cues_at_head(example) == set()
