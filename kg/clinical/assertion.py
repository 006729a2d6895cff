"""What the words around a mention say of it: absent, possible, family, hypothetical, or nothing (present).

The cues and how far they reach are data: ``kg/rules/assertion.toml``.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, cast

from kg.clinical.story import Sentence, Story
from kg.errors import RuleError
from kg.model import ASSERTIONS, Assertion
from kg.resources import folder

__all__ = ["Scope", "assertion_of", "scopes"]

_SIDES = {"before": (False,), "after": (True,), "both": (False, True)}
_PRIORITY = {"family": 0, "absent": 1, "hypothetical": 2, "possible": 3, "historical": 4, "present": 5}


class Scope(NamedTuple):
    """The words ``text[start:end]`` under a cue; ``firm`` says that the cue alone decides."""

    start: int
    end: int
    assertion: Assertion
    firm: bool


class _Cue(NamedTuple):
    assertion: Assertion
    sides: Sequence[bool]  # for each stretch it speaks of, whether the cue stands after it
    reach: int
    firm: bool


class _Rules(NamedTuple):
    cues: Sequence[_Cue]
    pattern: re.Pattern[str]  # group n + 1 is cue n
    blind: re.Pattern[str]
    stops: re.Pattern[str]
    opens: frozenset[str]  # words with which a cue or a blind phrase may begin


def scopes(story: Story) -> list[Scope]:
    """All stretches of the story that stand under a cue, in order of their cues."""
    rules = _rules()
    text, words = story.lower, story.words
    found: list[Scope] = []
    free = 0
    for sentence in story.sentences:
        for n in range(sentence.first, sentence.last):
            if words[n] not in rules.opens or (start := story.tokens[n].start) < free:
                continue
            if blind := rules.blind.match(text, start, sentence.end):
                free = blind.end()
            elif m := rules.pattern.match(text, start, sentence.end):
                cue = rules.cues[cast(int, m.lastindex) - 1]
                for after in cue.sides:
                    begin, end = _reach(story, sentence, rules.stops, cue.reach, after, start, m.end())
                    if begin < end:
                        found.append(Scope(begin, end, cue.assertion, cue.firm))
    return found


def assertion_of(start: int, end: int, among: Sequence[Scope]) -> tuple[Assertion, bool]:
    """The assertion of the mention ``start:end`` and whether it is firm; the strongest of the scopes it begins in."""
    best: tuple[Assertion, bool] = ("present", True)
    for scope in among:
        if scope.start <= start and end <= scope.end + 1 and start < scope.end:
            new = (scope.assertion, scope.firm)
            if (not new[1], _PRIORITY[new[0]]) < (not best[1] or best[0] == "present", _PRIORITY[best[0]]):
                best = new
    return best


def _reach(
    story: Story, sentence: Sentence, stops: re.Pattern[str], reach: int, after: bool, start: int, end: int
) -> tuple[int, int]:
    """The stretch that a cue at ``start:end`` speaks of, within its sentence."""
    tokens = story.tokens
    if after:
        last = bisect_left(story.word_starts, start, sentence.first, sentence.last)
        left = tokens[max(sentence.first, last - reach)].start if last > sentence.first else start
        for m in stops.finditer(story.lower, left, start):
            left = m.end()
        return left, start
    first = bisect_left(story.word_starts, end, sentence.first, sentence.last)
    beyond = min(sentence.last, first + reach)
    right = tokens[beyond - 1].end if beyond > first else end
    if stop := stops.search(story.lower, end, right):
        right = stop.start()
    return end, right


@cache
def _rules() -> _Rules:
    path = folder("rules") / "assertion.toml"
    try:
        data: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        cues = []
        for entry in data["cue"]:
            if entry["assertion"] not in ASSERTIONS or entry["side"] not in _SIDES:
                raise RuleError(f"{path}: a cue says {entry['assertion']!r} on side {entry['side']!r}; mend the rule.")
            cues.append(_Cue(entry["assertion"], _SIDES[entry["side"]], entry["reach"], entry.get("firm", True)))
        pattern = re.compile("|".join(f"({entry['pattern']})" for entry in data["cue"]), re.VERBOSE)
        blind = re.compile("|".join(f"(?:{entry['pattern']})" for entry in data["blind"]), re.VERBOSE)
        stops = re.compile(data["stops"], re.VERBOSE)
    except (OSError, KeyError, TypeError, re.error, tomllib.TOMLDecodeError) as error:
        raise RuleError(f"{path}: {error}; mend the rule file.") from error
    if pattern.groups != len(cues):
        raise RuleError(f"{path}: a pattern has capturing groups; write (?: instead of (.")
    opens = frozenset(word for entry in [*data["blind"], *data["cue"]] for word in entry["opens"])
    return _Rules(cues, pattern, blind, stops, opens)
