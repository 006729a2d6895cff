"""The tagger: what it says of a report depends on nothing that it read before."""

from __future__ import annotations

import numpy as np
import pytest

from kg.clinical import tagging
from kg.clinical.story import read_story
from kg.clinical.tagging import FLAGS, Tagger, fold, pieces
from kg.model import Document, Report
from kg.resources import folder

TEXTS = (
    "A 34-year-old woman with acute myeloid leukemia was given cytarabine 100 mg. She died of sepsis on day 25.",
    "The leukemia relapsed.\n\n백혈병 (ALL) ... Unheard-of-itis, 12.5 % of qqq-mab; İß.",
    ".",
)


def fresh() -> Tagger:
    with np.load(folder("models") / "tagger.npz", allow_pickle=False) as data:
        return Tagger({key: data[key] for key in data.files})


def read(tagger: Tagger, text: str) -> list[float]:
    story = read_story(Document("x", text, Report(), ()))
    flags = [n % 3 and n % 2 ** len(FLAGS) for n in range(len(story.tokens))]
    chances = tagger.probabilities(story, flags)
    assert chances.shape == (len(story.tokens), len(tagger.types), 3)
    assert np.allclose(chances.sum(axis=2), 1, atol=3e-4)
    return [float(chance) for chance in chances.ravel()]


def test_what_was_read_before_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = [read(Tagger.load(), text) for text in TEXTS]
    monkeypatch.setattr(tagging, "_KEPT", 12)  # fewer than the words of a report: the table grows and is begun anew
    tight = fresh()
    for text, said in [*zip(TEXTS, alone, strict=True), *zip(TEXTS[::-1], alone[::-1], strict=True)]:
        assert read(tight, text) == said
    assert read(tight, "") == []


def test_words_are_known_by_case_digits_and_pieces() -> None:
    assert fold("CD19") == fold("cd20") == "cd00"
    assert pieces("Leukemia") == ["=Aaa", "-ia", "-mia", "-emia", "-kemia", "le-", "leu-", "leuk-"]
    assert pieces("12.5") == ["=00.0", "-.0", "-0.0", "00-", "00.-"]
