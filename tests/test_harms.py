"""Every example of kg/rules/harms.toml, and sentences that blame nothing."""

from __future__ import annotations

import re
import tomllib

import pytest

from kg.clinical.harms import with_harms
from kg.clinical.story import read_story
from kg.model import Block, Condition, Document, Intervention, Outcome, Report
from kg.resources import folder

RULES = tomllib.loads((folder("rules") / "harms.toml").read_text(encoding="utf-8"))["rule"]
MARK = re.compile(r"\[\[|\]\]|\{\{|\}\}")


def blamed(marked: str, role: str = "complication") -> tuple[list[Outcome], list[Condition], list[Intervention]]:
    """The adverse events found in a sentence with its marks, and the harms and treatments marked."""
    text, at = "", 0
    harms: list[Condition] = []
    treatments: list[Intervention] = []
    begun: list[int] = []
    for mark in MARK.finditer(marked):
        text += marked[at : mark.start()]
        at = mark.end()
        if mark[0] in ("[[", "{{"):
            begun.append(len(text))
            continue
        start = begun.pop()
        span = {"start": start, "end": len(text), "text": text[start:], "label": text[start:].lower()}
        if mark[0] == "]]":
            harms.append(Condition(id=f"c{len(harms) + 1}", role=role, **span))  # type: ignore[arg-type]
        else:
            treatments.append(Intervention(id=f"i{len(treatments) + 1}", kind="drug", **span))  # type: ignore[arg-type]
    text += marked[at:]
    story = read_story(Document("x", text, Report(), (Block(0, len(text), "case"),)))
    return with_harms(story, 0, harms, treatments, []), harms, treatments


@pytest.mark.parametrize("example", [example for rule in RULES for example in rule["examples"]])
def test_example_blames_what_it_marks(example: str) -> None:
    found, harms, treatments = blamed(example)
    assert len(found) == 1
    assert found[0].category == "adverse_event"
    assert found[0].of == (harms[-1].id,)
    assert found[0].after == found[0].attributed_to == tuple(t.id for t in treatments)
    named = (found[0].start, found[0].end)
    assert named[0] <= treatments[0].start or harms[-1].start < treatments[0].start
    assert named[1] >= max(harms[-1].end, treatments[-1].end)


@pytest.mark.parametrize(
    "sentence",
    [
        "[[Bleeding]] was seen after {{splenectomy}}.",
        "{{Prednisone}} was given for [[pneumonitis]].",
        "The [[fever]] was not thought to be of the {{vancomycin}}.",
        "\x01[[Fever]]\x03 induced by \x02{{filgrastim}}.",
    ],
)
def test_order_in_time_is_no_blame(sentence: str) -> None:
    assert blamed(sentence)[0] == []


def test_a_condition_from_before_is_no_harm() -> None:
    assert blamed("Her [[asthma]] was caused by {{propranolol}}.", role="comorbidity")[0] == []
