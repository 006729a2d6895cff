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
from kg.clinical.classifier import Classifier, plain, spell
from kg.errors import RuleError


def test_scores_of_three_labels_follow_the_weights() -> None:
    model = Classifier(["a", "b", "c"], [0.0, 1.0, 0.0], {"x": [2.0, 0.0, 0.0]})
    scores = model.scores(plain(["x", "unknown"]))
    whole = exp(2) + exp(1) + exp(0)
    assert scores == pytest.approx({"a": exp(2) / whole, "b": exp(1) / whole, "c": exp(0) / whole})
    none = model.scores([])
    assert max(none, key=none.__getitem__) == "b"


def test_two_labels_need_one_column() -> None:
    model = Classifier(["no", "yes"], [-1.0], {"x": [3.0]})
    assert (
        model.scores(plain(["x"]))["yes"]
        == pytest.approx(model.chance(plain(["x"])))
        == pytest.approx(1 / (1 + exp(-2)))
    )
    assert model.chance(plain(["other"])) == pytest.approx(1 / (1 + exp(1)))


@given(st.lists(st.sampled_from(["x", "y", "z", "q"])))
def test_probabilities_sum_to_one(features: list[str]) -> None:
    model = Classifier(["a", "b", "c"], [0.5, -0.5, 0.0], {f: [1.0, -2.0, 0.3] for f in "xyz"})
    assert sum(model.scores(plain(features)).values()) == pytest.approx(1)


def test_bags_and_clumps_weigh_what_their_features_weigh(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(word: str, times: int) -> list[str]:
        return [f"w={word}", *["x"] * times]

    two = {"w=a": [0.5], "w=b|cue": [2.0], "w=|": [4.0], "w=||cue": [8.0], "x": [0.25]}
    model = Classifier(["no", "yes"], [-1.0], two)
    monkeypatch.setattr(classifier, "_REMEMBERED", 1)  # forgotten at every second clump
    row = [*plain(["x"]), ("w=", "|cue", ["a", "b", "|"]), ("w=", "", ["a", "c", "|"]), ("q=", "|cue", ["a"])]
    assert spell(row)[1:4] == ["w=a|cue", "w=b|cue", "w=||cue"]
    for clump in ((both, "a", 2), (both, "b", 0), (both, "a", 2)):
        assert model.chance(row, [clump]) == pytest.approx(model.chance(plain(spell(row, [clump]))))
    three = Classifier(["a", "b", "c"], [0.0] * 3, {key: [value, 0.0, -value] for key, (value,) in two.items()})
    assert three.scores(row) == pytest.approx(three.scores(plain(spell(row))))
    assert three.scores(row)["a"] > 0.99


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
        assert Classifier.load(name).chance(plain(["x"])) == model.chance(plain(["x"]))
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
    assert model.chance(plain(["good"])) > 0.8 > 0.2 > model.chance(plain(["bad"]))
    assert model.to_json() == fit(examples, labels=["no", "yes"]).to_json()
    scores = crossed(examples, [str(n) for n in range(60)], labels=["no", "yes"])
    assert all((s["yes"] > 0.5) == (label == "yes") for s, (_, label) in zip(scores, examples, strict=True))
