"""Patients: the rules' own examples, and the targets on annotated reports."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from kg.clinical.patients import patients
from kg.clinical.story import Story, read_story
from kg.model import Document, Patient, Report
from kg.resources import folder

EXAMPLES: list[dict[str, Any]] = tomllib.loads((folder("rules") / "patient.toml").read_text(encoding="utf-8"))[
    "examples"
]


def story(text: str) -> Story:
    return read_story(Document("x", text, Report(), ()))


def said(patient: Patient) -> str:
    age = f"{patient.age.value:g} {patient.age.unit}" if patient.age else "-"
    return f"{age}, {patient.age_group or '-'}, {patient.sex or '-'}"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e["text"][:40])
def test_examples(example: dict[str, Any]) -> None:
    read = story(example["text"])
    assert [said(p) for p in patients(read)] == example["patients"]
    if "cases" in example:
        assert ["".join(map(str, s.cases)) for s in read.sentences] == example["cases"]


def test_a_series_has_no_patients_and_says_why() -> None:
    read = story("We retrospectively reviewed 24 patients with sarcoma. The median age was 45 years.")
    assert (read.cases, read.skip) == (0, "series")


def test_spans_quote_age_and_sex() -> None:
    text = "We saw a 45-year-old Korean woman."
    (patient,) = patients(story(text))
    assert patient.age_span and text[patient.age_span.start : patient.age_span.end] == "45-year-old"
    assert patient.sex_span and text[patient.sex_span.start : patient.sex_span.end] == "woman"


def test_one_sentence_may_tell_of_two_patients_in_turn() -> None:
    text = "We describe a 5-year-old boy with asthma and a 7-year-old girl with eczema."
    read = story(text)
    assert [said(p) for p in patients(read)] == ["5 year, -, male", "7 year, -, female"]
    assert read.sentences[0].cases == (0, 1)
    assert read.cases_at(text.index("asthma")) == (0,)
    assert read.cases_at(text.index("eczema")) == (1,)


def test_targets_on_annotated_reports(shared: Path) -> None:
    right = {"cases": 0, "age": 0, "sex": 0}
    stated = {"cases": 0, "age": 0, "sex": 0}
    found = {"cases": 0, "age": 0, "sex": 0}
    for line in (shared / "gold" / "dev.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        got = patients(story(row["text"]))
        right["cases"] += min(len(got), len(row["cases"]))
        stated["cases"] += len(row["cases"])
        found["cases"] += len(got)
        for case, patient in zip(row["cases"], got, strict=False):
            gold = case["patient"]
            age = patient.age and {"value": patient.age.value, "unit": patient.age.unit}
            for key, want, have in (("age", gold["age"], age), ("sex", gold["sex"], patient.sex)):
                stated[key] += want is not None
                found[key] += have is not None
                right[key] += want is not None and want == have
    f1 = {key: 2 * right[key] / (stated[key] + found[key]) for key in right}
    assert f1["age"] >= 0.96
    assert f1["sex"] >= 0.97
    assert f1["cases"] >= 0.97
