"""Word vectors, and the links that rest on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kg import vocab
from kg.clinical import relatedness
from kg.clinical.links import Pair, again_pairs, link, through
from kg.clinical.relatedness import Vectors
from kg.clinical.story import read_story
from kg.errors import RuleError
from kg.extractors import rules
from kg.model import Case, Document, Report


@pytest.mark.parametrize(
    ("phrase", "near", "far"),
    [
        ("voriconazole", "invasive aspergillosis", "femoral fracture"),
        ("Mastectomy", "breast cancer", "acute kidney injury"),
        ("creatinine normalized", "acute renal failure", "acute myeloid leukemia"),
        ("visual acuity improved", "retinal detachment", "hypercalcemia"),
    ],
)
def test_what_belongs_together_is_nearer(phrase: str, near: str, far: str) -> None:
    vectors = Vectors.load()
    meant = vectors.of(phrase)
    assert meant @ vectors.of(near) > meant @ vectors.of(far)


def test_a_phrase_has_length_one_and_unknown_words_have_none() -> None:
    vectors = Vectors.load()
    assert np.linalg.norm(vectors.of("Severe APLASTIC anemia, severe")) == pytest.approx(1, abs=1e-5)
    assert (vectors.of("APLASTIC anemia") == vectors.of("aplastic Anemia")).all()
    for nothing in ("", "qqqqqqq", "12 %", "백혈병", "\ud800 \x00"):
        assert not vectors.of(nothing).any()


def test_a_file_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relatedness, "folder", lambda name: tmp_path)
    for broken in (None, b"PK\x03\x04", b""):
        if broken is not None:
            (tmp_path / "vectors.npz").write_bytes(broken)
        with pytest.raises(RuleError, match="no readable vectors"):
            Vectors.load.__wrapped__()


def test_links_meet_over_the_likeliest_third() -> None:
    afters = {("o1", "i1"): 0.5, ("o1", "i2"): 0.9, ("o2", "i1"): 0.1}
    fors = {("i1", "c1"): 0.8, ("i2", "c1"): 0.2, ("i2", "c2"): 0.5}
    assert through(afters, fors) == {
        ("o1", "c1"): pytest.approx(0.4),
        ("o1", "c2"): pytest.approx(0.45),
        ("o2", "c1"): pytest.approx(0.08),
    }


def test_the_second_look_sees_the_rival() -> None:
    pairs = [Pair("o1", "c1", -1, (), ()), Pair("o1", "c2", -1, (), ())]
    own = {("o1", "c1"): 0.5, ("o1", "c2"): 0.5}
    alone = [p.features for p in again_pairs(pairs, own, {})]
    first, second = (p.features for p in again_pairs(pairs, own, {("o1", "c1"): 0.9}))
    assert alone[0] == alone[1]
    assert first != alone[0]
    assert second != alone[1]  # it has no share of its own, but a rival that has


TEXT = (
    "A 50-year-old man with acute myeloid leukemia received cytarabine. He achieved complete remission. "
    "The leukemia relapsed. He was treated with azacitidine and venetoclax."
)


def extracted(text: str) -> Case:
    (case,) = rules.prepare(vocab.load().lexicon())(Document("x", text, Report(), ())).cases
    return case


def test_an_outcome_that_may_be_none_has_no_weak_links() -> None:
    case = extracted(TEXT)
    story = read_story(Document("x", TEXT, Report(), ()))
    remission = next(o for o in case.outcomes if o.category == "complete_remission")
    concepts = vocab.load().lexicon().concepts

    def linked(sure: float) -> tuple[int, int]:
        _, (outcome,) = link(
            story, 0, case.conditions, case.interventions, [remission], {remission.start: sure}, concepts
        )
        return len(outcome.of), len(outcome.after)

    assert min(linked(1.0)) > 0
    assert linked(0.001) == (0, 0)


def test_what_is_given_after_a_relapse_is_given_for_it() -> None:
    case = extracted(
        "A 50-year-old man with acute myeloid leukemia received cytarabine and achieved complete remission. "
        "Two years later he had a relapse of the acute myeloid leukemia in the skin. He was treated with azacitidine."
    )
    roles = {c.id: c.role for c in case.conditions}
    for_ = {i.label: [roles[c] for c in i.for_] for i in case.interventions}
    assert "relapse" in roles.values()
    assert for_["azacitidine"] == ["relapse"]
    assert for_["cytarabine"] == ["primary"]
