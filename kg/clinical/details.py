"""What the words beside a mention add: sites of a condition; dose, line and parts of a treatment.

The patterns are data, ``kg/rules/details.toml``.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from kg.clinical.mentions import Mention
from kg.clinical.story import Story
from kg.errors import RuleError
from kg.resources import folder

__all__ = ["dose", "line", "parts", "sites"]

_NEAR = 60  # characters before and after a name in which its dose stands


class _Rules(NamedTuple):
    lead: re.Pattern[str]
    before_site: frozenset[str]
    skip: frozenset[str]
    join: frozenset[str]
    dose_before: re.Pattern[str]
    dose_after: re.Pattern[str]
    lines: Sequence[tuple[int, re.Pattern[str]]]
    whole: re.Pattern[str]
    link: re.Pattern[str]
    between: re.Pattern[str]


def sites(story: Story, condition: Mention, places: Sequence[Mention]) -> tuple[str, ...]:
    """The body sites, as written, that end a condition or follow it: "relapse in the left calf and knee joint"."""
    rules = _rules()
    sentence = story.sentences[condition.sentence]
    lead = rules.lead.search(story.lower, condition.start, condition.end)
    lead = lead or rules.lead.match(story.lower, condition.end, sentence.end)
    if lead is None:
        return ()
    near = [p for p in places if p.sentence == condition.sentence and p.start >= lead.end()]
    tokens = story.tokens_of(sentence)
    n = bisect_left(tokens, lead.end(), key=lambda t: t.start)
    found = []
    while n < len(tokens):
        while n < len(tokens) and tokens[n].text.lower() in rules.skip:
            n += 1
        first = n
        while n < len(tokens) and tokens[n].text.lower() in rules.before_site and not _at(near, tokens[n].start):
            n += 1
        place = _at(near, tokens[n].start) if n < len(tokens) else None
        while place:  # "knee" and "joint" may be two terms side by side
            last = place.end
            n = bisect_left(tokens, last, key=lambda t: t.start)
            place = _at(near, tokens[n].start) if n < len(tokens) else None
            if place is None:
                found.append(story.text[tokens[first].start : last])
        if n == first or n >= len(tokens) or tokens[n].text.lower() not in rules.join:
            break
        while n < len(tokens) and tokens[n].text.lower() in rules.join:
            n += 1
    return tuple(found)


def dose(story: Story, treatment: Mention) -> str | None:
    """The dose as written right before or after a name, None where there is none."""
    rules = _rules()
    sentence = story.sentences[treatment.sentence]
    start, end = max(sentence.start, treatment.start - _NEAR), min(sentence.end, treatment.end + _NEAR)
    found = rules.dose_before.search(story.lower, start, treatment.start)
    found = found or rules.dose_after.match(story.lower, treatment.end, end)
    return story.text[slice(*found.span("amount"))] if found else None


def line(story: Story, treatment: Mention) -> int | None:
    """The line of therapy that the mention or the words right before it state."""
    sentence = story.sentences[treatment.sentence]
    start = max(sentence.start, treatment.start - 20)
    for number, pattern in _rules().lines:
        if pattern.search(story.lower, start, treatment.end):
            return number
    return None


def parts(story: Story, whole: Mention, others: Sequence[Mention]) -> list[Mention]:
    """Of ``others``, in order of the text, the agents that the words right after ``whole`` list as its parts."""
    rules = _rules()
    text = story.lower
    if not rules.whole.search(text, whole.start, whole.end):
        return []
    sentence = story.sentences[whole.sentence]
    link = rules.link.match(text, whole.end, sentence.end)
    found: list[Mention] = []
    at = link.end() if link else sentence.end
    for other in others:
        if other.start < at or other.sentence != whole.sentence:
            continue
        gap = text[at : other.start]
        if not (rules.between.fullmatch(gap) if found else not gap.strip(" (")):
            break
        found.append(other)
        at = other.end
    return found


def _at(places: Sequence[Mention], start: int) -> Mention | None:
    return next((p for p in places if p.start <= start < p.end), None)


@cache
def _rules() -> _Rules:
    path = folder("rules") / "details.toml"

    def pattern(text: str) -> re.Pattern[str]:
        return re.compile(text, re.VERBOSE)

    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        place, amount, regimen = data["sites"], data["dose"], data["regimen"]
        named = f"(?P<amount>{amount['amount']})"
        return _Rules(
            pattern(place["lead"]),
            frozenset(place["before"]),
            frozenset(place["skip"]),
            frozenset(place["join"]),
            pattern(rf"(?<![\w.]){named}(?:{amount['before']})\Z"),
            pattern(f"(?:{amount['after']}){named}"),
            [(int(n), pattern(p)) for n, p in sorted(data["line"].items()) if n.isdigit()],
            pattern(regimen["whole"]),
            pattern(regimen["link"]),
            pattern(regimen["between"]),
        )
    except (OSError, KeyError, TypeError, re.error, tomllib.TOMLDecodeError) as error:
        raise RuleError(f"{path}: {error}; mend the rule file.") from error
