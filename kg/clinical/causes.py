"""Ties an outcome to treatments where the words of its own sentence say so: "etoposide resulted in complete remission".

A sentence that names its treatment takes that one and no other; the wording that names it as the cause makes the
outcome attributed to it. The wordings stand in kg/rules/causes.toml.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from kg.clinical.story import Sentence, Story
from kg.model import Intervention, Outcome, Span
from kg.resources import folder

__all__ = ["Tie", "attribute", "ties", "treatment_lists"]


@dataclass(frozen=True, slots=True)
class Tie:
    """What one sentence ties to an outcome: ids of interventions, and whether its words name them as the cause."""

    interventions: tuple[str, ...]
    causal: bool


@dataclass(frozen=True, slots=True)
class _Rule:
    before: bool  # the treatment stands before the outcome
    causal: bool
    words: re.Pattern[str]
    ending: re.Pattern[str]  # the same behind an outcome's first words: "did not respond to ..."
    categories: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Rules:
    rules: tuple[_Rule, ...]
    listed: re.Pattern[str]
    breaks: re.Pattern[str]


@cache
def _rules() -> _Rules:
    data = tomllib.loads((folder("rules") / "causes.toml").read_text(encoding="utf-8"))
    gaps = data["gaps"]
    rules = tuple(
        _Rule(
            r["side"] == "before", r["causal"], re.compile(r["words"].replace("{few}", gaps["few"]), re.I),
            re.compile(r".*\S\b" + r["words"].replace("{few}", gaps["few"]), re.I | re.S),
            frozenset(r.get("categories", ())),
        )
        for r in data["rule"]
    )  # fmt: skip
    return _Rules(rules, re.compile(gaps["list"], re.I), re.compile(gaps["breaks"], re.I))


def attribute(story: Story, outcomes: Sequence[Outcome], interventions: Sequence[Intervention]) -> list[Outcome]:
    """The outcomes, with ``after`` and ``attributed_to`` as their own sentences say where they say it."""
    done = []
    for outcome in outcomes:
        tie = ties(story, outcome, interventions)
        if tie is None:
            done.append(outcome)
        else:
            done.append(
                replace(outcome, after=tie.interventions, attributed_to=tie.interventions if tie.causal else ())
            )
    return done


def ties(story: Story, outcome: Outcome, interventions: Sequence[Intervention]) -> Tie | None:
    """What the outcome's sentence ties to it, or None if it names no treatment."""
    sentence = next((s for s in story.sentences if s.start <= outcome.start < s.end), None)
    if sentence is None:
        return None
    rules, lists = _rules(), treatment_lists(story.text, sentence, interventions)
    found: dict[str, None] = {}
    causal = False
    for start, end, members in lists:
        before, within = end <= outcome.start, outcome.start < start < outcome.end
        if not (before or within) and start < outcome.end:
            continue
        gap = (
            story.text[end : outcome.start] if before else story.text[outcome.start if within else outcome.end : start]
        )
        if rules.breaks.search(gap) or _between(lists, outcome, start, end):
            continue
        for rule in rules.rules:
            fits = not rule.categories or outcome.category in rule.categories
            if rule.before == before and fits and (rule.ending if within else rule.words).fullmatch(gap):
                found |= dict.fromkeys(members)
                causal = causal or rule.causal
                break
    order = [i.id for i in interventions if i.id in found]
    return Tie(tuple(order), causal) if order else None


def _between(lists: Sequence[tuple[int, int, list[str]]], outcome: Outcome, start: int, end: int) -> bool:
    """Whether another list stands between a list and the outcome."""
    low, high = (end, outcome.start) if end <= outcome.start else (outcome.end, start)
    return any(low <= s and e <= high for s, e, _ in lists if (s, e) != (start, end))


def treatment_lists(
    text: str, sentence: Sentence, interventions: Sequence[Intervention]
) -> list[tuple[int, int, list[str]]]:
    """The treatments of a sentence, those of one list together: start, end, ids."""
    spans = sorted(
        (span.start, span.end, i.id)
        for i in interventions
        for span in (Span(i.start, i.end), *i.mentions)
        if sentence.start <= span.start and span.end <= sentence.end
    )
    lists: list[tuple[int, int, list[str]]] = []
    for start, end, name in spans:
        if lists and (start <= lists[-1][1] or _rules().listed.fullmatch(text, lists[-1][1], start)):
            first, last, members = lists[-1]
            lists[-1] = (first, max(last, end), [*members, name])
        else:
            lists.append((start, end, [name]))
    return lists
