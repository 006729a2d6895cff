"""What cues say of mentions: the examples of the rule file, and sentences that must give no fact."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from kg.clinical.assertion import assertion_of, scopes
from kg.clinical.story import read_story
from kg.model import Document, Report
from kg.resources import folder

RULES: dict[str, Any] = tomllib.loads((folder("rules") / "assertion.toml").read_text(encoding="utf-8"))


def said(example: str) -> list[str]:
    """The assertion of each [bracketed] mention."""
    text, spans = "", []
    for part in re.split(r"(\[[^]]+\])", example):
        if part.startswith("["):
            spans.append((len(text), len(text) + len(part) - 2))
            part = part[1:-1]
        text += part
    story = read_story(Document("x", text, Report(), ()))
    among = scopes(story)
    return [assertion_of(start, end, among)[0] for start, end in spans]


@pytest.mark.parametrize(
    ("assertion", "example"), [(c["assertion"], e) for c in RULES["cue"] for e in c.get("examples", ())]
)
def test_examples_of_a_cue(assertion: str, example: str) -> None:
    assert assertion in said(example)


@pytest.mark.parametrize(
    ("assertion", "example"), [(c["assertion"], e) for c in RULES["cue"] for e in c.get("others", ())]
)
def test_a_cue_leaves_others_alone(assertion: str, example: str) -> None:
    assert said(example) == ["present"]


@pytest.mark.parametrize("example", [e for b in RULES["blind"] for e in b["examples"]])
def test_blind_phrases_are_no_cue(example: str) -> None:
    text = example + " pneumonia."
    said = scopes(read_story(Document("x", text, Report(), ())))
    assert assertion_of(len(example) + 1, len(text) - 1, said)[0] == "present"
