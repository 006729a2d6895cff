"""Lengths of time in a text, and which of them belongs to an outcome.

``lengths`` finds every length stated ("for 12 months", "two weeks later", "day 25", "6 years and 3 months"); the model
``outcome-times`` judges each against an outcome, so that the length of a treatment or of a history is not taken for it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple, cast

from kg.clinical.ages import patient_rules, words
from kg.clinical.classifier import Classifier, plain
from kg.clinical.story import Sentence, Story
from kg.model import DurationType, Outcome, Quantity, Span, Unit
from kg.resources import folder

__all__ = ["Length", "duration_rules", "lengths", "measure", "times"]

_SURE = 0.5


class Length(NamedTuple):
    """A length of time and its words."""

    span: Span
    value: Quantity


class _Patterns(NamedTuple):
    any: re.Pattern[str]
    numbers: Mapping[str, int]
    ordinals: Mapping[str, int]
    units: Mapping[str, Unit]
    lengths: Mapping[str, Quantity]


@cache
def duration_rules() -> dict[str, Any]:
    """kg/rules/durations.toml."""
    return tomllib.loads((folder("rules") / "durations.toml").read_text(encoding="utf-8"))


def lengths(lower: str, start: int = 0, end: int | None = None) -> list[Length]:
    """Every length of time in ``lower[start:end]``, a text in lower case, in order; ages are left out."""
    p = _patterns()
    stop = len(lower) if end is None else end
    aged = tuple(f" {word}" for word in duration_rules()["words"]["aged"])
    stated = (m for m in p.any.finditer(lower, start, stop) if not lower[start : m.start()].rstrip().endswith(aged))
    read = ((Span(*m.span()), _value(m, p)) for m in stated)
    return [Length(span, value) for span, value in read if value is not None]


def measure(story: Story, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes, each with the length of time that the text states for it."""
    model = Classifier.load("outcome-times")
    measured = []
    for outcome in outcomes:
        judged = [(model.chance(plain(features)), length) for length, features in times(story, outcome, outcomes)]
        chance, length = max(judged, key=lambda j: (j[0], -j[1].span.start), default=(0.0, None))
        if length is not None and chance >= _SURE:
            kind = _kind(story, outcome, length)
            outcome = replace(outcome, duration=length.value, duration_type=kind, duration_span=length.span)
        measured.append(outcome)
    return measured


def times(story: Story, outcome: Outcome, outcomes: Sequence[Outcome]) -> list[tuple[Length, list[str]]]:
    """The lengths stated in an outcome's sentence and the one before, each with what speaks for and against it."""
    sentence = story.sentence_at(outcome.start)
    if sentence is None:
        return []
    found = lengths(story.lower, sentence.start, sentence.end)
    before = story.sentences[sentence.index - 1] if sentence.index else None
    earlier = lengths(story.lower, before.start, before.end) if before is not None and before.own else []
    where = "before, some here" if found else "before"
    judged = [(n, _features(story, sentence, outcome, outcomes, n, found, "same")) for n in found]
    if before is not None:
        judged += [(n, _features(story, before, outcome, outcomes, n, earlier, where)) for n in earlier]
    return judged


def _features(
    story: Story,
    sentence: Sentence,
    outcome: Outcome,
    outcomes: Sequence[Outcome],
    length: Length,
    rivals: Sequence[Length],
    where: str,
) -> list[str]:
    left, right = _around(story, sentence, length.span)
    start, end = length.span.start, length.span.end
    category = outcome.category
    side = "in" if outcome.start <= start < outcome.end else "left" if start < outcome.start else "right"
    f = [where, where + side, f"{where}{side}|{category}", "cat=" + category, "unit=" + length.value.unit]
    for n, word in enumerate(reversed(left[-4:]), 1):
        f += [f"-{n}={word}", f"-{n}={word}|{where}{side}"]
    for n, word in enumerate(right[:4], 1):
        f += [f"+{n}={word}", f"+{n}={word}|{where}{side}"]
    f += ["L=" + word for word in set(left[-8:])] + ["R=" + word for word in set(right[:8])]
    f.append(f"-21={'_'.join(left[-2:])}")
    f.append(f"+12={'_'.join(right[:2])}")
    f.append(f"-1+1={left[-1] if left else '#'}_{right[0] if right else '#'}")
    if where == "same":
        gap = (end, outcome.start) if side == "left" else (outcome.end, start)
        between = [t.text.lower() for t in story.tokens_of(sentence) if gap[0] <= t.start < gap[1]]
        f += [f"gap={min(8, len(between))}{side}"] + [f"B={word}" for word in set(between)]
        mine = min(abs(start - outcome.end), abs(outcome.start - end)) if side != "in" else 0
        nearer = sum(
            min(abs(r.span.start - outcome.end), abs(outcome.start - r.span.end)) < mine
            for r in rivals
            if r is not length
        )
        f += [f"nearer={min(nearer, 2)}", f"nearer={min(nearer, 2)}|{side}"]
        crossed = sum(gap[0] <= o.start < gap[1] for o in outcomes if o is not outcome)
        f += [f"crossed={min(crossed, 2)}", f"crossed={min(crossed, 2)}|{side}"]
        closer = any(abs(o.start - end) < abs(outcome.start - end) for o in outcomes if o is not outcome)
        f.append(f"closer={closer}|{side}")
    else:
        told = any(sentence.start <= o.start < sentence.end for o in outcomes)
        f += [f"{where}|told={told}", f"{where}|last={length is rivals[-1]}"]
        tokens = story.tokens_of(story.sentences[sentence.index + 1])
        f += dict.fromkeys(f"here={t.text.lower()}" for t in tokens[:6])
    f.append(f"rivals={min(len(rivals), 3)}")
    return f


def _around(story: Story, sentence: Sentence, span: Span) -> tuple[list[str], list[str]]:
    """The words of a sentence before and after a span, numbers as ``<n>``."""
    left, right = [], []
    for token in story.tokens_of(sentence):
        if token.end <= span.start:
            left.append("<n>" if token.text[0].isdigit() else token.text.lower())
        elif token.start >= span.end:
            right.append("<n>" if token.text[0].isdigit() else token.text.lower())
    return left, right


def _kind(story: Story, outcome: Outcome, length: Length) -> DurationType:
    """What a length says of its outcome."""
    types = duration_rules()["types"]
    sentence = story.sentence_at(length.span.start)
    if outcome.category in types["events"] or sentence is None:
        return "until_event"
    left, right = _around(story, sentence, length.span)
    if any(word in types["follow_up"] for word in (*left[-2:], *right[:2])):
        return "follow_up"
    return "lasted" if any(word in types["lasted"] for word in left[-4:]) else "follow_up"


def _value(m: re.Match[str], p: _Patterns) -> Quantity | None:
    if m["named"]:
        return p.lengths[m["named"]]
    if m["place"]:
        return _quantity(_number(m["place"], p), p.units[m["place_unit"]])
    if m["ordinal"]:
        number = p.ordinals.get(m["ordinal"]) or float(re.sub(r"\D", "", m["ordinal"]))
        return _quantity(number, p.units[m["ordinal_unit"]])
    if m["one"]:
        return Quantity(1, p.units[m["one_unit"] or m["one_unit2"]])
    number = _number(m["top"] or m["number"], p) + (0.5 if m["half"] else 0)
    unit = p.units[m["unit"]]
    if not m["rest"]:
        return _quantity(number, unit)
    small = p.units[m["rest_unit"]]
    factor = {("year", "month"): 12, ("week", "day"): 7, ("day", "hour"): 24}.get((unit, small))
    return _quantity(number * factor + _number(m["rest"], p), small) if factor else _quantity(number, unit)


def _quantity(value: float, unit: Unit) -> Quantity | None:
    return Quantity(int(value) if value == int(value) else value, unit) if 0 < value < 1000 else None


def _number(text: str, p: _Patterns) -> float:
    """A number in digits or words: "12", "1.5", "twenty-four"."""
    if text[0].isdigit():
        return float(text.replace(",", "."))
    return float(sum(p.numbers[word] for word in re.split(r"[\s-]+", text)))


@cache
def _patterns() -> _Patterns:
    rules = duration_rules()
    numbers: Mapping[str, int] = patient_rules()["numbers"]
    units = {word: cast(Unit, unit) for unit, forms in rules["units"].items() for word in forms}
    tens = words(n for n, value in numbers.items() if value >= 20)
    ones = words(n for n, value in numbers.items() if value < 10)
    number = rf"(?:\d+(?:[.,]\d+)?|(?:{tens})[\s-](?:{ones})|(?:{words(numbers)}))"
    unit = rf"(?:{words(units)})\b"
    around = rules["words"]
    gap = r"[\s\u2009\xa0Â-]*"
    no_age = rf"(?!{gap}(?:{words(w.strip(' -') for w in around['age'])})\b)"
    pattern = re.compile(
        rf"(?<![\w.,/])(?:"
        rf"(?P<named>{words(rules['lengths'])})\b"
        rf"|(?P<number>{number})(?:\s*(?:-|–|to|or)\s*(?P<top>{number}))?(?P<half>\s+and\s+(?:a\s+half|1/2))?"
        rf"{gap}(?P<unit>{unit})"
        rf"(?:,?\s*(?:and\s+)?(?P<rest>{number}){gap}(?P<rest_unit>{unit}))?{no_age}"
        rf"|(?P<place_unit>days?|weeks?|months?|years?)\s*(?:\+\s*)?(?P<place>{number})(?![\w-]|\.\d|\s*(?:mg|ml|g|kg|%|x|×))"
        rf"|(?P<ordinal>{words(rules['ordinals'])}|\d+(?:st|nd|rd|th))[\s-](?:(?:{words(around['counted'])})[\s-])*"
        rf"(?P<ordinal_unit>{unit}){no_age}"
        rf"|(?<!times\s)(?<!once\s)(?<!twice\s)(?P<one>an?)[\s-](?:(?P<one_unit>{unit})(?=\s+(?:{words(around['one_after'])})\b)"
        rf"|(?:(?<=within\sa\s)|(?<=after\sa\s)|(?<=than\sa\s)|(?<=for\sa\s)|(?<=about\sa\s))(?P<one_unit2>{unit})){no_age}"
        rf")"
    )
    named = {name: Quantity(**value) for name, value in rules["lengths"].items()}
    return _Patterns(pattern, numbers, rules["ordinals"], units, named)
