"""When an extracted fact and an annotated one are the same.

A condition or intervention: two spans share half of the shorter one, and the extracted is no more than three times as
long (or 30 characters); or the labels are equal after folding. An outcome: the same category, and spans that near or in
one sentence. Facts are matched one to one, as many as can be; cases by the number of facts they share.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from kg.model import Case, Condition, Episode, Intervention, Outcome, Quantity, Span

__all__ = [
    "Matched",
    "asserted",
    "duration_of",
    "match_case",
    "match_cases",
    "near",
    "one_to_one",
    "same_entity",
    "same_outcome",
    "sentence_of",
    "spans_of",
]

_WORD = re.compile(r"[^\W_]+")
_CUT = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[A-Z0-9(\"'])|\n+")
_EMPTY = Case(id="")
_SMALLEST = {"year": (12, "month"), "week": (7, "day")}

E = TypeVar("E", bound=Episode)


class Matched(NamedTuple):
    """A pair of cases: ``facts`` leads from the id of an annotated fact to the id of the extracted one."""

    gold: Case
    found: Case
    facts: dict[str, str]


def asserted(case: Case) -> Case:
    """The case with only what it asserts as present."""
    return replace(
        case,
        conditions=tuple(i for i in case.conditions if i.assertion == "present"),
        interventions=tuple(i for i in case.interventions if i.assertion == "present"),
        outcomes=tuple(i for i in case.outcomes if i.assertion == "present"),
    )


def match_cases(gold: Sequence[Case], found: Sequence[Case], text: str) -> list[Matched]:
    """Cases paired by the facts they share, best first; those left over are paired with an empty case."""
    found = [asserted(case) for case in found]
    ranks = []
    for g, one in enumerate(gold):
        for f, other in enumerate(found):
            shared = float(len(_pair(one.conditions, other.conditions, same_entity)))
            shared += len(_pair(one.interventions, other.interventions, same_entity))
            shared += 0.5 * (duration_of(one.patient.age) == duration_of(other.patient.age))
            ranks.append((-shared, g, f))
    pairs: dict[int, int] = {}
    for _, g, f in sorted(ranks):
        if g not in pairs and f not in pairs.values():
            pairs[g] = f
    both = [(gold[g], found[f]) for g, f in pairs.items()]
    both += [(case, _EMPTY) for g, case in enumerate(gold) if g not in pairs]
    both += [(_EMPTY, case) for f, case in enumerate(found) if f not in pairs.values()]
    return [Matched(g, f, match_case(g, f, text)) for g, f in both]


def match_case(gold: Case, found: Case, text: str) -> dict[str, str]:
    """From the id of each annotated fact to the id of the extracted fact that is the same."""
    outcomes = _pair(gold.outcomes, found.outcomes, same_outcome(text))
    conditions = _pair(gold.conditions, found.conditions, same_entity)
    return conditions | _pair(gold.interventions, found.interventions, same_entity) | outcomes


def near(gold: Span, found: Span) -> bool:
    """Whether two spans cover each other enough to be the same words."""
    shared = min(gold.end, found.end) - max(gold.start, found.start)
    size, other = gold.end - gold.start, found.end - found.start
    return shared > 0 and 2 * shared >= min(size, other) and other <= max(3 * size, 30)


def same_entity(gold: Condition | Intervention, found: Condition | Intervention) -> bool:
    """Whether two conditions or interventions are the same."""
    own = Span(gold.start, gold.end)
    label = _fold(gold.label)
    return any(near(own, span) for span in spans_of(found)) or (bool(label) and label == _fold(found.label))


def duration_of(quantity: Quantity | None) -> tuple[float, str] | None:
    """An age or duration in the smallest whole unit of its kind, so that 2 year equals 24 month."""
    if quantity is None:
        return None
    factor, unit = _SMALLEST.get(quantity.unit, (1, quantity.unit))
    return quantity.value * factor, unit


def sentence_of(text: str, offset: int) -> str:
    """The sentence around an offset, as the matching of outcomes cuts it."""
    cuts = _cuts(text)
    n = bisect_right(cuts, offset)
    return text[cuts[n - 1] : cuts[n] if n < len(cuts) else len(text)].strip()


def same_outcome(text: str) -> Callable[[Outcome, Outcome], bool]:
    """The test whether two outcomes in ``text`` are the same."""
    cuts = _cuts(text)

    def same(gold: Outcome, found: Outcome) -> bool:
        if gold.category != found.category:
            return False
        own, sentence = Span(gold.start, gold.end), bisect_right(cuts, gold.start)
        return any(near(own, span) or bisect_right(cuts, span.start) == sentence for span in spans_of(found))

    return same


def _cuts(text: str) -> list[int]:
    return [0, *(m.end() for m in _CUT.finditer(text)), len(text)]


def spans_of(item: Episode) -> tuple[Span, ...]:
    """The item's own span and its further mentions."""
    return (Span(item.start, item.end), *item.mentions)


def _fold(label: str) -> str:
    words = _WORD.findall(label.casefold().replace("aemia", "emia").replace("oedema", "edema"))
    return " ".join(
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "is", "us")) else word
        for word in words
    )


def _closeness(gold: Episode, found: Episode) -> float:
    shared = min(gold.end, found.end) - max(gold.start, found.start)
    return shared / max(gold.end - gold.start, found.end - found.start, 1)


def _pair(gold: Sequence[E], found: Sequence[E], same: Callable[[E, E], bool]) -> dict[str, str]:
    """One-to-one matching of largest size, the closest candidates tried first; ids to ids."""
    options = {
        n: sorted((f for f, other in enumerate(found) if same(item, other)), key=lambda f: -_closeness(item, found[f]))
        for n, item in enumerate(gold)
    }
    return {gold[g].id: found[f].id for g, f in one_to_one(options).items()}


def one_to_one(options: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """A matching of largest size (augmenting paths): each number with one of its options, no option taken twice.

    Who comes first in ``options``, and in its options, is served first where that costs no pair.
    """
    owner: dict[int, int] = {}

    def place(n: int, seen: set[int]) -> bool:
        for option in options[n]:
            if option not in seen:
                seen.add(option)
                if option not in owner or place(owner[option], seen):
                    owner[option] = n
                    return True
        return False

    for n in options:
        place(n, set())
    return {n: option for option, n in owner.items()}
