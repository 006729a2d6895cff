"""The linear classifier: its arithmetic, its file, its training."""

from __future__ import annotations

import gzip
import json
from math import exp
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.clinical import classifier
from kg.clinical.classifier import Classifier, spell, spelled
from kg.errors import RuleError


def test_scores_of_three_labels_follow_the_weights() -> None:
    model = Classifier(["a", "b", "c"], [0.0, 1.0, 0.0], {"x": [2.0, 0.0, 0.0]})
    scores = model.scores(["x", "unknown"])
    whole = exp(2) + exp(1) + exp(0)
    assert scores == pytest.approx({"a": exp(2) / whole, "b": exp(1) / whole, "c": exp(0) / whole})
    assert max(model.scores([]), key=model.scores([]).__getitem__) == "b"


def test_two_labels_need_one_column() -> None:
    model = Classifier(["no", "yes"], [-1.0], {"x": [3.0]})
    assert model.scores(["x"])["yes"] == pytest.approx(model.chance(["x"])) == pytest.approx(1 / (1 + exp(-2)))
    assert model.chance(["other"]) == pytest.approx(1 / (1 + exp(1)))


@given(st.lists(st.sampled_from(["x", "y", "z", "q"])))
def test_probabilities_sum_to_one(features: list[str]) -> None:
    model = Classifier(["a", "b", "c"], [0.5, -0.5, 0.0], {f: [1.0, -2.0, 0.3] for f in "xyz"})
    assert sum(model.scores(features).values()) == pytest.approx(1)


def test_a_clump_weighs_what_its_features_weigh(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(word: str, times: int) -> list[str]:
        return [f"w={word}", *["x"] * times]

    model = Classifier(["no", "yes"], [-1.0], {"w=a": [0.5], "x": [0.25]})
    monkeypatch.setattr(classifier, "_SPELLED", 1)  # forgotten at every second clump
    for clump in ((both, "a", 2), (both, "b", 0), (both, "a", 2)):
        assert model.chance(["x"], [clump]) == pytest.approx(model.chance(["x", *spell(clump)]))
    features = spelled("w", "cue")
    assert list(features.of(["a", "b", "a"])) == ["w=a|cue", "w=b|cue", "w=a|cue"]
    assert len(features) == 1


def test_a_model_whose_columns_do_not_fit_is_refused() -> None:
    with pytest.raises(RuleError, match="columns"):
        Classifier(["a", "b"], [0.0, 0.0], {})
    with pytest.raises(RuleError, match="weights for 'x'"):
        Classifier(["a", "b"], [0.0], {"x": [1.0, 2.0]})


def test_a_file_comes_back_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Classifier(["no", "yes"], [-1.0], {"x": [3.0]})
    (tmp_path / "plain-test.json").write_text(json.dumps(model.to_json()))
    (tmp_path / "packed-test.json.gz").write_bytes(gzip.compress(json.dumps(model.to_json()).encode()))
    (tmp_path / "broken-test.json").write_text("{")
    (tmp_path / "cut-test.json.gz").write_bytes(b"\x1f\x8b\x08")
    monkeypatch.setattr(classifier, "folder", lambda name: tmp_path)
    for name in ("plain-test", "packed-test"):
        assert Classifier.load(name).chance(["x"]) == model.chance(["x"])
    for name in ("broken-test", "cut-test"):
        with pytest.raises(RuleError, match="not a readable model"):
            Classifier.load(name)
    with pytest.raises(RuleError, match="there is no model"):
        Classifier.load("absent-test")


def test_training_learns_and_is_the_same_every_time() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is needed only to train")
    from training.linear import crossed, fit

    examples = [(["good", f"n{n % 3}"], "yes") if n % 2 else (["bad", f"n{n % 3}"], "no") for n in range(60)]
    model = fit(examples, labels=["no", "yes"])
    assert model.chance(["good"]) > 0.8 > 0.2 > model.chance(["bad"])
    assert model.to_json() == fit(examples, labels=["no", "yes"]).to_json()
    scores = crossed(examples, [str(n) for n in range(60)], labels=["no", "yes"])
    assert all((s["yes"] > 0.5) == (label == "yes") for s, (_, label) in zip(scores, examples, strict=True))
