"""Age, age group and sex of each patient of a story, with the words that state them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import cast

from kg.clinical.ages import Age, patient_rules, words
from kg.clinical.story import Sentence, Story
from kg.model import SEXES, AgeGroup, Patient, Sex, Span

__all__ = ["patients"]

_TRUSTED = 2.0  # an age of less weight is not taken


@dataclass(frozen=True, slots=True)
class _Patterns:
    sexed: re.Pattern[str]
    group: re.Pattern[str]
    sexes: dict[str, Sex]
    nouns: frozenset[str]
    plural: frozenset[str]
    groups: dict[str, AgeGroup]


def patients(story: Story) -> tuple[Patient, ...]:
    """The patients of a story in order, one for each of ``story.cases``."""
    return tuple(_patient(story, case) for case in range(story.cases))


def _patient(story: Story, case: int) -> Patient:
    # Best where the words are of this patient alone, not of all.
    age = max(
        _ages(story, case),
        key=lambda a: (len(story.cases_at(a.span.start)) == 1, a.weight, -a.span.start),
        default=None,
    )
    sex, sex_span = _sex(story, case, age)
    group = None if age else _group(story, case)
    return Patient(
        age=age.value if age else None,
        age_group=group,
        sex=sex,
        age_span=age.span if age else None,
        sex_span=sex_span,
    )


def _ages(story: Story, case: int) -> Iterator[Age]:
    for age in story.ages:
        sentence = story.sentence_at(age.span.start)
        if age.weight >= _TRUSTED and sentence and sentence.own and case in story.cases_at(age.span.start):
            yield age


def _sex(story: Story, case: int, age: Age | None) -> tuple[Sex | None, Span | None]:
    """The sex of the person the age is of, else the one most words about the patient state."""
    if age and age.sex:
        return age.sex, age.sex_span
    p = _patterns()
    weights: dict[Sex, int] = dict.fromkeys(SEXES, 0)
    spans: dict[Sex, Span] = {}
    for sentence, start, m in _found(p.sexed, story, case):
        word = m["word"]
        sex = p.sexes[word]
        if word in p.plural and len(sentence.cases) == 1:
            continue  # "women" are this patient only where the sentence tells of several
        weights[sex] += 3 if word in p.nouns else 1
        spans.setdefault(sex, Span(start, start + len(word)))
    best = max(SEXES, key=weights.__getitem__)
    if sum(weights.values()) == 0 or weights["male"] == weights["female"]:
        return None, None
    return best, spans[best]


def _group(story: Story, case: int) -> AgeGroup | None:
    """The group of age a patient without a stated age is placed in by words, None where no word does."""
    p = _patterns()
    for _, _, m in _found(p.group, story, case):
        return p.groups[m["word"]]
    return None


def _found(pattern: re.Pattern[str], story: Story, case: int) -> Iterator[tuple[Sentence, int, re.Match[str]]]:
    """Matches in what tells of the patient: the sentence, the offset of the word, the match."""
    for sentence in story.of(case):
        for m in pattern.finditer(story.lower, sentence.start, sentence.end):
            if len(sentence.cases) == 1 or case in story.cases_at(m.start()):
                yield sentence, m.start("word"), m


@cache
def _patterns() -> _Patterns:
    rules = patient_rules()
    persons = rules["persons"]
    nouns = {word: sex for sex in SEXES for word in persons[sex] if word not in persons["kin"]}
    titles = {word: sex for sex in SEXES for word in persons[f"{sex}_titles"]}
    groups = {word: cast(AgeGroup, group) for group, names in rules["groups"].items() for word in names}
    kin = words(persons["kin"])
    return _Patterns(
        sexed=re.compile(rf"(?<![\w-])(?P<word>{words({**nouns, **titles})})\b(?!\s+(?:{kin})\b)(?!-to-)"),
        group=re.compile(
            rf"(?:\b(?:an?|the|our|this|old|young|\w+ed|male|female)\s+|^|\.\s)(?:\w+[\s,-]+){{0,2}}?(?P<word>{words(groups)})\b(?!-|\s+onset)"
        ),
        sexes={**nouns, **titles},
        nouns=frozenset(nouns),
        plural=frozenset(persons["plural"]),
        groups=groups,
    )
