"""Harms that the authors blame on a treatment: "rhabdomyolysis induced by dabrafenib" is an adverse event of that drug.

The wordings stand in kg/rules/harms.toml. Order in time alone is no blame.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from kg.clinical.causes import treatment_lists
from kg.clinical.outcomes import numbered
from kg.clinical.story import Sentence, Story
from kg.model import Condition, Intervention, Outcome, Span
from kg.resources import folder

__all__ = ["with_harms"]

# Mentions are wrapped in these while wordings are looked for.
_TREATMENT, _HARM, _END = "\x01", "\x02", "\x03"


class _Rules(NamedTuple):
    words: tuple[re.Pattern[str], ...]
    induced: re.Pattern[str]
    roles: frozenset[str]


class _Mark(NamedTuple):
    start: int
    end: int
    item: Condition | Intervention


@cache
def _rules() -> _Rules:
    data = tomllib.loads((folder("rules") / "harms.toml").read_text(encoding="utf-8"))
    put = {name: data[name] for name in ("few", "given", "induced")}
    put |= {"treatment": f"(?P<treatment>{_TREATMENT}[^{_END}]*{_END})", "harm": f"(?P<harm>{_HARM}[^{_END}]*{_END})"}
    words = []
    for rule in data["rule"]:
        text = rule["words"].replace("{harm}", put["harm"], 1).replace("{harm}", f"{_HARM}[^{_END}]*{_END}")
        for name in ("few", "given", "induced", "treatment"):
            text = text.replace(f"{{{name}}}", put[name])
        words.append(re.compile(text, re.VERBOSE))
    return _Rules(tuple(words), re.compile(data["induced"], re.VERBOSE), frozenset(data["roles"]))


def with_harms(
    story: Story,
    case: int,
    conditions: Sequence[Condition],
    interventions: Sequence[Intervention],
    outcomes: Sequence[Outcome],
) -> list[Outcome]:
    """The outcomes, and an adverse event wherever a sentence blames one; of the same sentence it takes the place."""
    roles = _rules().roles
    items: list[Condition | Intervention] = [*(c for c in conditions if c.role in roles), *interventions]
    marks = [
        _Mark(span.start, span.end, item) for item in items for span in (Span(item.start, item.end), *item.mentions)
    ]
    marks.sort(key=lambda m: (m.start, -m.end))
    starts = [m.start for m in marks]
    found: list[Outcome] = []
    for told in story.of(case):
        own = marks[bisect_left(starts, told.start) : bisect_left(starts, told.end)]
        if len(own) > 1:
            found += _harms(story, told, own, interventions)
    if not found:
        return list(outcomes)
    blamed = {sentence.index for harm in found if (sentence := story.sentence_at(harm.start))}
    kept = [o for o in outcomes if o.category != "adverse_event" or _index(story, o) not in blamed]
    return numbered(sorted((*kept, *found), key=lambda o: (o.start, o.end)))


def _without_blame(story: Story, mark: _Mark) -> _Mark:
    """A harm without the words that tie it to the treatment before it: "induced mucositis"."""
    tied = _rules().induced.match(story.lower, mark.start - 1, mark.end) if mark.start else None
    return mark._replace(start=tied.end()) if tied and isinstance(mark.item, Condition) else mark


def _index(story: Story, outcome: Outcome) -> int | None:
    sentence = story.sentence_at(outcome.start)
    return sentence.index if sentence else None


def _harms(
    story: Story, sentence: Sentence, marks: Sequence[_Mark], interventions: Sequence[Intervention]
) -> Iterator[Outcome]:
    """The adverse events that one sentence, in which ``marks`` stand, tells of."""
    inside: list[_Mark] = []
    for mark in marks:
        last = inside[-1] if inside else None
        if last is None or mark.start >= last.end:
            inside.append(_without_blame(story, mark))
        elif isinstance(last.item, Condition) and isinstance(mark.item, Intervention) and mark.end <= last.end:
            rest = _rules().induced.match(story.lower, mark.end, last.end)
            if rest:  # the treatment is named within the harm
                inside[-1:] = [mark, last._replace(start=rest.end())]
    if len({type(mark.item) for mark in inside}) < 2:
        return
    wrapped, places, at = "", dict[int, _Mark](), sentence.start
    for mark in inside:
        wrapped += story.lower[at : mark.start]
        places[len(wrapped)] = mark
        sign = _HARM if isinstance(mark.item, Condition) else _TREATMENT
        wrapped += sign + story.lower[mark.start : mark.end] + _END
        at = mark.end
    wrapped += story.lower[at : sentence.end]
    told: set[str] = set()
    for words in _rules().words:
        for match in words.finditer(wrapped):
            harm, treatment = places.get(match.start("harm")), places.get(match.start("treatment"))
            if harm is None or treatment is None or harm.item.id in told:
                continue  # a text may hold such signs of its own
            told.add(harm.item.id)
            start, end = min(harm.start, treatment.start), max(harm.end, treatment.end)
            given = next(
                members
                for s, e, members in treatment_lists(story.text, sentence, interventions)
                if s <= treatment.start < e
            )
            after = tuple(i.id for i in interventions if i.id in given)
            yield Outcome(
                id="", start=start, end=end, text=story.text[start:end], category="adverse_event",
                of=(harm.item.id,), after=after, attributed_to=after,
            )  # fmt: skip
