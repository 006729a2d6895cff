"""Conditions and interventions of a case, from text to episodes, with the shipped vocabularies and models."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from kg.clinical.naming import trimmed
from kg.clinical.story import read_story
from kg.model import Case, CaseRecord, Document, Report

NO_FACTS = tomllib.loads((Path(__file__).parent / "cases" / "no-episodes.toml").read_text(encoding="utf-8"))
BEFORE = "A 52-year-old man presented with a cough of three weeks. "

Extract = Callable[[Document], CaseRecord]


def case_of(extract: Extract, text: str) -> Case:
    """The only case of a text, every span of it checked."""
    record = extract(Document("x", text, Report(), ()))
    assert len(record.cases) == 1
    for item in record.cases[0].episodes():
        assert text[item.start : item.end] == item.text
    return record.cases[0]


def test_there_are_sixty_sentences_without_facts() -> None:
    assert sum(map(len, NO_FACTS.values())) >= 60


@pytest.mark.parametrize(("sort", "sentence"), [(sort, s) for sort, found in NO_FACTS.items() for s in found])
def test_no_fact_comes_from(extract: Extract, sort: str, sentence: str) -> None:
    case = case_of(extract, BEFORE + sentence)
    facts = [*case.conditions, *case.interventions, *case.outcomes]
    ends = [(f.text, end) for f in facts if f.assertion == "present" for end in (f.end, *(m.end for m in f.mentions))]
    assert [text for text, end in ends if end > len(BEFORE)] == []


def test_two_statements_joined_in_few_words(extract: Extract) -> None:
    told = "After a transient response the patient experienced disease progression and died."
    case = case_of(extract, BEFORE + "A tumor of the lung was resected. " + told)
    assert [(o.category, o.text) for o in case.outcomes][1:] == [
        ("progression", "disease progression"),
        ("death", "died"),
    ]
    assert case.outcomes[0].end <= case.outcomes[1].start


@pytest.mark.parametrize(
    ("told", "name"), [("giant-cell tumor versus", "giant-cell tumor"), ("two", ""), ("hernia 5 cm", "hernia 5")]
)
def test_no_name_ends_in_a_number_word_or_measure(told: str, name: str) -> None:
    tokens = read_story(Document("x", told, Report(), ())).tokens
    first, last = trimmed(tokens, 0, len(tokens))
    assert (told[tokens[first].start : tokens[last - 1].end] if first < last else "") == name
