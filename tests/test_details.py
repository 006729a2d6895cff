"""What the words beside a mention add: the examples of the rule file."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from kg.clinical.details import dose, line, parts, sites
from kg.clinical.mentions import Mention
from kg.clinical.story import Story, read_story
from kg.model import Document, Report
from kg.resources import folder

RULES: dict[str, Any] = tomllib.loads((folder("rules") / "details.toml").read_text(encoding="utf-8"))
SIGNS = str.maketrans("", "", "[]{}")
BEFORE = "A 5-year-old boy was treated. "


def read(example: str) -> tuple[Story, Mention, list[Mention]]:
    """The story, the mention in brackets, and those in braces; other words are none."""
    places = [(m[0][0], m.start(), m.end()) for m in re.finditer(r"\[[^]]*\]|\{[^}]*\}", example)]
    told = BEFORE + example.translate(SIGNS)
    story = read_story(Document("x", told, Report(), ()))
    marks: dict[str, list[Mention]] = {"[": [], "{": []}
    for sign, start, end in places:
        first = len(BEFORE) + len(example[:start].translate(SIGNS))
        last = first + len(example[start:end].translate(SIGNS))
        marks[sign].append(Mention(first, last, "intervention", (), "present", 1.0, 1, told[first:last]))
    return story, marks["["][0], marks["{"]


def words(story: Story, found: list[Mention]) -> tuple[str, ...]:
    return tuple(story.text[m.start : m.end] for m in found)


@pytest.mark.parametrize("example", RULES["sites"]["examples"])
def test_sites_of_a_condition(example: str) -> None:
    story, condition, places = read(example)
    assert sites(story, condition, places) == words(story, places)


@pytest.mark.parametrize("example", RULES["dose"]["examples"])
def test_dose_of_a_treatment(example: str) -> None:
    story, treatment, expected = read(example)
    assert (dose(story, treatment),) == words(story, expected)


@pytest.mark.parametrize("example", RULES["line"]["examples"], ids=lambda e: e["text"])
def test_line_of_a_treatment(example: dict[str, Any]) -> None:
    story, treatment, _ = read(example["text"])
    assert line(story, treatment) == example["line"]


@pytest.mark.parametrize("example", RULES["regimen"]["examples"])
def test_parts_of_a_regimen(example: str) -> None:
    story, whole, drugs = read(example)
    assert parts(story, whole, drugs) == drugs
