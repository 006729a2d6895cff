"""Sentences, tokens, roles: rules run their own examples, offsets hold for any text."""

from __future__ import annotations

import time
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.clinical.roles import sentence_roles
from kg.clinical.sentences import split_sentences, split_tokens
from kg.clinical.story import read_story
from kg.model import Block, Document, Report, Span
from kg.resources import folder

RULES: dict[str, Any] = tomllib.loads((folder("rules") / "sentences.toml").read_text(encoding="utf-8"))

# Text with all that the splitter looks at, and letters whose lower case is longer.
TEXTS = st.text(st.sampled_from("aBc İß.!?:;,()[]\"'\n\t 0159-–é한Case12 The "), max_size=200)


def document(text: str, *blocks: Block) -> Document:
    return Document("x", text, Report(), blocks)


@pytest.mark.parametrize("example", RULES["split"]["examples"], ids=lambda e: e["text"][:30])
def test_split_examples(example: dict[str, Any]) -> None:
    spans = split_sentences(example["text"])
    assert [example["text"][s.start : s.end] for s in spans] == example["sentences"]


@pytest.mark.parametrize(
    ("role", "text"), [(e["role"], text) for e in RULES["roles"]["examples"] for text in e["texts"]]
)
def test_role_examples(role: str, text: str) -> None:
    assert sentence_roles(text.lower(), [Span(0, len(text))]) == [role]


@given(TEXTS)
def test_offsets_hold(text: str) -> None:
    story = read_story(document(text))
    assert len(story.lower) == len(text)
    ends = 0
    for n, sentence in enumerate(story.sentences):
        assert sentence.index == n
        assert ends <= sentence.start < sentence.end
        assert text[sentence.start : sentence.end].strip() == text[sentence.start : sentence.end]
        ends = sentence.end
        for token in story.tokens_of(sentence):
            assert text[token.start : token.end] == token.text
            assert sentence.start <= token.start < token.end <= sentence.end
            assert story.sentence_at(token.start) is sentence
    assert "".join("".join(t.text for t in story.tokens)) == "".join(text.split())


@given(TEXTS)
def test_every_part_belongs_to_known_patients(text: str) -> None:
    story = read_story(document(text))
    for sentence in story.sentences:
        assert set(sentence.cases) <= set(range(story.cases))
        assert set(story.cases_at(sentence.start)) <= set(sentence.cases)


def test_only_readable_blocks_give_sentences() -> None:
    text = "A title\n\nJ. Doe\n\nShe had anemia. She recovered.\n\nDownload references\n\nShe had anemia."
    kinds = ["title", "authors", "abstract", "debris", "repeat"]
    blocks = []
    at = 0
    for kind, piece in zip(kinds, text.split("\n\n"), strict=True):
        blocks.append(Block(at, at + len(piece), kind))  # type: ignore[arg-type]
        at += len(piece) + 2
    story = read_story(document(text, *blocks))
    assert [(text[s.start : s.end], s.role, s.block) for s in story.sentences] == [
        ("A title", "title", "title"),
        ("She had anemia.", "story", "abstract"),
        ("She recovered.", "story", "abstract"),
    ]
    assert story.sentence_at(text.index("Doe")) is None


def test_tokens_keep_decimals_and_split_hyphens() -> None:
    assert [t.text for t in split_tokens("A 1.5-year-old: 12,000/µL, CD20+")] == [
        "A", "1.5", "-", "year", "-", "old", ":", "12,000", "/", "µL", ",", "CD20", "+",
    ]  # fmt: skip


def test_a_long_line_without_sentences_is_read_in_linear_time() -> None:
    started = time.process_time()
    read_story(document("word, " * 100_000))
    assert time.process_time() - started < 5
