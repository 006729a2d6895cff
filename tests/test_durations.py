"""Lengths of time as they are written: the examples of the rule file."""

from __future__ import annotations

from typing import Any

import pytest

from kg.clinical.durations import duration_rules, lengths
from kg.model import Quantity

RULES = duration_rules()


@pytest.mark.parametrize("example", RULES["examples"], ids=lambda e: e["text"])
def test_the_first_length_of_a_text(example: dict[str, Any]) -> None:
    assert lengths(example["text"].lower())[0].value == Quantity(example["value"], example["unit"])


@pytest.mark.parametrize("example", RULES["nothing"], ids=lambda e: e["text"])
def test_ages_and_doses_are_no_lengths(example: dict[str, Any]) -> None:
    assert lengths(example["text"].lower()) == []
