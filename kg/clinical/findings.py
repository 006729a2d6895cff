"""Findings about a patient: markers, chromosomes, stages, risk groups and key values.

Named ones come from the vocabulary, open forms (CD7, 46,XY,t(9;22)(q34;q11), stage IIIB) from kg/rules/findings.toml. A
marker is taken only where the words say whether it is there, a value only with its number and unit.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from kg.clinical.mentions import Mention
from kg.clinical.story import Sentence, Story
from kg.errors import RuleError
from kg.model import Assertion, Concept, Finding, Span
from kg.resources import folder

__all__ = ["find_findings"]

_OPEN = ("marker", "cytogenetics", "stage", "risk")


@dataclass(frozen=True, slots=True)
class _Rules:
    open: Mapping[str, tuple[tuple[str, ...], re.Pattern[str]]]  # sort -> hints, pattern
    plus: re.Pattern[str]
    minus: re.Pattern[str]
    before: re.Pattern[str]  # group "minus" is set where it denies
    after: re.Pattern[str]
    value: re.Pattern[str]
    score: re.Pattern[str]
    scores: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    sort: str
    label: str
    curies: tuple[str, ...]
    assertion: Assertion


def find_findings(
    story: Story, mentions: Sequence[Mention], case: int, concepts: Mapping[str, Concept]
) -> list[Finding]:
    """The findings of one patient in the order of the text; ids are f1, f2 and so on."""
    found = sorted(_all(story, mentions, case, concepts), key=lambda f: (f.start, f.start - f.end))
    merged: dict[tuple[str, str], list[_Found]] = {}
    for item in found:
        merged.setdefault((item.label.casefold(), item.assertion), []).append(item)
    return [
        Finding(
            id=f"f{n}",
            start=first.start,
            end=first.end,
            text=story.text[first.start : first.end],
            assertion=first.assertion,
            mentions=tuple(Span(f.start, f.end) for f in further),
            label=first.label,
            concept=first.curies[0] if first.curies else None,
            candidates=first.curies[1:],
            sort=first.sort,
        )
        for n, (first, *further) in enumerate(merged.values(), 1)
    ]


def _all(story: Story, mentions: Sequence[Mention], case: int, concepts: Mapping[str, Concept]) -> Iterator[_Found]:
    rules = _rules()
    named: dict[int, list[Mention]] = {}
    for mention in mentions:
        if (
            mention.type == "finding"
            and story.sentences[mention.sentence].own
            and case in story.cases_at(mention.start)
        ):
            named.setdefault(mention.sentence, []).append(mention)
    open_forms = _open(story, case, rules)
    for index in sorted({*named, *open_forms}):
        sentence = story.sentences[index]
        own = named.get(index, [])
        taken: list[Span] = []
        for sort, start, end in open_forms.get(index, ()):
            if any(start < t.end and end > t.start for t in taken):
                continue
            inside = next(
                (m for m in own if (m.start <= start and m.end >= end) or (m.start >= start and m.end <= end)), None
            )
            curies = inside.curies if inside and (inside.start, inside.end) == (start, end) else ()
            item = _found(
                story, sentence, start, end, sort, curies, inside.assertion if inside else None, concepts, rules
            )
            if item:
                taken.append(Span(item.start, item.end))
                yield item
        for m in own:
            if any(m.start < t.end and m.end > t.start for t in taken):
                continue
            sort = concepts[m.curies[0]].facet or "value"
            if item := _found(story, sentence, m.start, m.end, sort, m.curies, m.assertion, concepts, rules):
                yield item


def _open(story: Story, case: int, rules: _Rules) -> dict[int, list[tuple[str, int, int]]]:
    """What the open forms match: sentence -> sort, start and end."""
    found: dict[int, list[tuple[str, int, int]]] = {}
    for sort, (hints, pattern) in rules.open.items():
        if any(hint in story.text for hint in hints):
            for m in pattern.finditer(story.text):
                sentence = story.sentence_at(m.start())
                if sentence and sentence.own and m.end() <= sentence.end and case in story.cases_at(m.start()):
                    found.setdefault(sentence.index, []).append((sort, m.start(), m.end()))
    return found


def _found(
    story: Story,
    sentence: Sentence,
    start: int,
    end: int,
    sort: str,
    curies: tuple[str, ...],
    assertion: Assertion | None,
    concepts: Mapping[str, Concept],
    rules: _Rules,
) -> _Found | None:
    text = story.text
    label = concepts[curies[0]].label if curies else " ".join(text[start:end].split())
    if sort == "marker":
        said = _polarity(text, sentence, start, end, rules)
        return _Found(start, end, sort, label, curies, said) if said else None
    scored = bool(curies) and rules.scores.search(label) is not None
    if sort == "value" or scored:
        m = (rules.score if scored else rules.value).match(text, end, sentence.end)
        if not m:
            return None
        return _Found(start, m.end(), sort, f"{label} {m['amount'].strip()}", curies, "present")
    before = list(rules.before.finditer(text, sentence.start, start))
    denied = bool(before) and before[-1]["minus"] is not None
    return _Found(start, end, sort, label, curies, "absent" if denied else assertion or "present")


def _polarity(text: str, sentence: Sentence, start: int, end: int, rules: _Rules) -> Assertion | None:
    """Whether the words say that the marker is there; None where they do not say."""
    if rules.plus.match(text, end, sentence.end):
        return "present"
    if rules.minus.match(text, end, sentence.end):
        return "absent"
    before = [*rules.before.finditer(text, sentence.start, start)]
    after = rules.after.search(text, end, sentence.end)
    cue = before[-1] if before else after
    return None if cue is None else "absent" if cue["minus"] else "present"


@cache
def _rules() -> _Rules:
    path = folder("rules") / "findings.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        marker, value = data["marker"], data["value"]

        def compiled(pattern: str) -> re.Pattern[str]:
            return re.compile(pattern, re.VERBOSE)

        def cues(place: str) -> re.Pattern[str]:
            return compiled(f"(?P<minus>{marker[f'{place}_minus']}) | {marker[f'{place}_plus']}")

        return _Rules(
            open={
                sort: (tuple(data[sort]["hints"]), compiled(rf"(?<![\w-])(?:{data[sort]['pattern']})(?!\w)"))
                for sort in _OPEN
            },
            plus=compiled(marker["plus"]),
            minus=compiled(marker["minus"]),
            before=cues("before"),
            after=cues("after"),
            value=compiled(rf"(?:{value['filler']})(?P<amount>{value['number']}\s?{value['unit']})(?![\w/]|\s+of\b)"),
            score=compiled(rf"(?:{value['filler']})(?P<amount>\d+(?:\.\d+)?)(?![\w/])"),
            scores=re.compile(value["scores"], re.IGNORECASE),
        )
    except (OSError, KeyError, TypeError, re.error, tomllib.TOMLDecodeError) as error:
        raise RuleError(f"{path}: {error}; mend the rule file.") from error
