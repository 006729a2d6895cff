"""Outcomes that a whole phrase of the vocabulary names, where the trained part found none: "transfusion-independent".

Only phrases of several words count, and only of categories that such phrases name reliably (kg/rules/outcomes.toml,
``phrases``): one word alone ("worsening", "alive") says too little.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import cast

from kg.clinical.mentions import Mention
from kg.clinical.outcomes import numbered
from kg.clinical.story import Story
from kg.model import Category, Concept, Outcome
from kg.resources import folder

__all__ = ["with_phrases"]

_APART = 20  # characters between two statements of one category


@cache
def _reliable() -> frozenset[str]:
    rules = tomllib.loads((folder("rules") / "outcomes.toml").read_text(encoding="utf-8"))
    return frozenset(rules["phrases"])


def with_phrases(
    story: Story, mentions: Sequence[Mention], case: int, concepts: Mapping[str, Concept], found: Sequence[Outcome]
) -> list[Outcome]:
    """The outcomes found and those that phrases add, in the order of the text, numbered anew."""
    added: list[Outcome] = []
    for mention in mentions:
        category = concepts[mention.curies[0]].facet if mention.type == "outcome" else None
        sentence = story.sentences[mention.sentence]
        words = story.text[mention.start : mention.end]
        if category not in _reliable() or not (" " in words or "-" in words) or mention.assertion != "present":
            continue
        if not sentence.own or case not in story.cases_at(mention.start):
            continue
        if any(_told(o, mention, category) for o in (*found, *added)):
            continue
        added.append(
            Outcome(id="", start=mention.start, end=mention.end, text=words, category=cast(Category, category))
        )
    return numbered(sorted((*found, *added), key=lambda o: (o.start, o.end)))


def _told(outcome: Outcome, mention: Mention, category: str | None) -> bool:
    """Whether an outcome stands there already, or one of the same category so near that it is the same statement."""
    apart = max(outcome.start - mention.end, mention.start - outcome.end)
    return apart < 0 or (outcome.category == category and apart < _APART)
