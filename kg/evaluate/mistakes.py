"""What went wrong, fact by fact, and which kinds of mistake are most frequent."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kg.evaluate.gold import GoldReport
from kg.evaluate.matching import (
    Matched,
    duration_of,
    match_cases,
    near,
    same_entity,
    same_outcome,
    sentence_of,
    spans_of,
)  # fmt: skip
from kg.evaluate.scores import links_of
from kg.model import CaseRecord, Condition, Episode, Intervention, Outcome, Quantity, Span

__all__ = ["Mistake", "MistakeKind", "mistakes_of", "ranking"]

_KINDS = {"conditions": "condition", "interventions": "intervention", "outcomes": "outcome"}
_LINKS = (("link for", "interventions", "for_"), ("link of", "outcomes", "of"), ("link after", "outcomes", "after"))


@dataclass(frozen=True, slots=True)
class Mistake:
    """One fact that is not as annotated: ``detail`` narrows ``kind``, ``text`` quotes it, ``sentence`` surrounds it."""

    kind: str
    detail: str
    report: str
    text: str
    sentence: str


@dataclass(frozen=True, slots=True)
class MistakeKind:
    """A kind of mistake with its number, its details by number, and some examples."""

    kind: str
    count: int
    details: tuple[tuple[str, int], ...]
    examples: tuple[Mistake, ...]


def ranking(mistakes: Iterable[Mistake], examples: int = 3) -> list[MistakeKind]:
    """The kinds of mistake, the most frequent first; the examples are of different reports where there are such."""
    by_kind: dict[str, list[Mistake]] = defaultdict(list)
    for mistake in mistakes:
        by_kind[mistake.kind].append(mistake)
    kinds = []
    for kind, found in by_kind.items():
        each = {m.report: m for m in reversed(found)}
        shown = tuple(m for m in found if each[m.report] is m)[:examples]
        details = Counter(m.detail for m in found if m.detail).most_common(8)
        kinds.append(MistakeKind(kind, len(found), tuple(details), shown))
    return sorted(kinds, key=lambda k: (-k.count, k.kind))


def mistakes_of(report: GoldReport, record: CaseRecord | None, text: str = "") -> Iterator[Mistake]:
    """All mistakes in one report; ``text`` is needed where the gold has none."""
    text = report.text or text
    cases = record.cases if record else ()
    if report.skip:
        for case in cases:
            yield Mistake("case spurious", report.skip, report.id, case.id, "")
        return
    for matched in match_cases(report.cases, cases, text):
        if not matched.found.id:
            yield Mistake("case missed", "", report.id, matched.gold.id, "")
        elif not matched.gold.id:
            yield Mistake("case spurious", "", report.id, matched.found.id, "")
        dropped = [item for case in cases if case.id == matched.found.id for item in case.episodes()]
        yield from _Pair(matched, report.id, text, [i for i in dropped if i.assertion != "present"]).mistakes()


class _Pair:
    """The mistakes of one pair of cases; ``dropped`` are extracted items that are not asserted as present."""

    def __init__(self, matched: Matched, report: str, text: str, dropped: Sequence[Episode]) -> None:
        self.gold, self.found, self.facts = matched
        self.report, self.text, self.dropped = report, text, dropped
        taken = set(self.facts.values())
        self.left = {
            key: [item for item in getattr(self.found, key) if item.id not in taken] for key in _KINDS
        }  # extracted items without an annotated one

    def mistakes(self) -> Iterator[Mistake]:
        yield from self._patient()
        for key, kind in _KINDS.items():
            for item in getattr(self.gold, key):
                if item.id not in self.facts:
                    yield self._missed(key, kind, item)
                else:
                    yield from self._different(item, self._found(item))
        for key, kind in _KINDS.items():
            for item in self.left[key]:
                what = "listed twice" if self._again(key, item) else "spurious"
                yield self._mistake(f"{kind} {what}", _sort(item), item)
        for name, key, field in _LINKS:
            yield from self._links(name, key, field)

    def _mistake(self, kind: str, detail: str, item: Episode) -> Mistake:
        return Mistake(kind, detail, self.report, item.text, sentence_of(self.text, item.start))

    def _found(self, item: Episode) -> Episode:
        key = next(key for key in _KINDS if item in getattr(self.gold, key))
        others: Sequence[Episode] = getattr(self.found, key)
        return next(other for other in others if other.id == self.facts[item.id])

    def _missed(self, key: str, kind: str, item: Episode) -> Mistake:
        """An annotated fact without its like: perhaps found with another span, category, type or assertion."""
        own = Span(item.start, item.end)
        for other in self.left[key]:
            close = any(min(own.end, s.end) > max(own.start, s.start) for s in spans_of(other))
            if isinstance(item, Outcome) and isinstance(other, Outcome) and item.category != other.category:
                same_place = sentence_of(self.text, item.start) == sentence_of(self.text, other.start)
                if close or same_place:
                    self.left[key].remove(other)
                    return self._mistake("outcome of wrong category", f"{other.category} for {item.category}", item)
            elif close:
                self.left[key].remove(other)
                return self._mistake(f"{kind} with wrong span", _sort(item), item)
        for other_key, other_kind in _KINDS.items():
            for other in self.left[other_key]:
                if other_key != key and any(near(own, s) for s in spans_of(other)):
                    self.left[other_key].remove(other)
                    return self._mistake(f"{kind} taken for another type", other_kind, item)
        for other in self.dropped:
            if any(near(own, s) for s in spans_of(other)):
                return self._mistake(f"{kind} with wrong assertion", other.assertion, item)
        return self._mistake(f"{kind} missed", _sort(item), item)

    def _again(self, key: str, item: Episode) -> bool:
        """Whether an extracted item is one more of an annotated fact that has its like already."""
        if isinstance(item, Outcome):
            same = same_outcome(self.text)
            return any(same(g, item) for g in self.gold.outcomes if g.id in self.facts)
        assert isinstance(item, Condition | Intervention)
        return any(same_entity(g, item) for g in getattr(self.gold, key) if g.id in self.facts)

    def _different(self, gold: Episode, found: Episode) -> Iterator[Mistake]:
        if isinstance(gold, Condition) and isinstance(found, Condition) and gold.role != found.role:
            yield self._mistake("role wrong", f"{found.role} for {gold.role}", gold)
        if isinstance(gold, Intervention) and isinstance(found, Intervention) and gold.kind != found.kind:
            yield self._mistake("kind wrong", f"{found.kind} for {gold.kind}", gold)
        if isinstance(gold, Outcome) and isinstance(found, Outcome):
            what = _compared(gold.duration, found.duration)
            if what:
                yield self._mistake(f"duration {what}", "", gold)

    def _links(self, name: str, key: str, field: str) -> Iterator[Mistake]:
        want, got = links_of(self.gold, key, field), links_of(self.found, key, field)
        back = {found: gold for gold, found in self.facts.items()}
        ends: Mapping[str, Episode] = {i.id: i for i in self.gold.episodes()}
        for a, b in sorted(want):
            if (self.facts.get(a), self.facts.get(b)) not in got:
                what = "missed" if a in self.facts and b in self.facts else "missed with an end"
                yield self._link(f"{name} {what}", ends.get(a), ends.get(b))
        ends = {i.id: i for i in self.found.episodes()}
        for a, b in sorted(got):
            if a in ends and b in ends and (back.get(a), back.get(b)) not in want:
                what = "spurious" if a in back and b in back else "spurious with an end"
                yield self._link(f"{name} {what}", ends[a], ends[b])

    def _link(self, kind: str, item: Episode | None, other: Episode | None) -> Mistake:
        assert item
        words = f"{item.text} -> {other.text if other else '?'}"
        return Mistake(kind, _sort(item), self.report, words, sentence_of(self.text, item.start))

    def _patient(self) -> Iterator[Mistake]:
        one, other = self.gold.patient, self.found.patient
        if what := _compared(one.age, other.age):
            yield Mistake(f"age {what}", "", self.report, f"{_words(other.age)} for {_words(one.age)}", "")
        for name, g, f in (("sex", one.sex, other.sex), ("age group", one.age_group, other.age_group)):
            if g != f:
                what = "missed" if not f else "spurious" if not g else "wrong"
                yield Mistake(f"{name} {what}", f"{f} for {g}", self.report, f"{f} for {g}", "")


def _compared(gold: Quantity | None, found: Quantity | None) -> str:
    if duration_of(gold) == duration_of(found):
        return ""
    return "missed" if found is None else "spurious" if gold is None else "wrong"


def _words(quantity: Quantity | None) -> str:
    return f"{quantity.value:g} {quantity.unit}" if quantity else "none"


def _sort(item: Episode) -> str:
    match item:
        case Condition():
            return item.role
        case Intervention():
            return item.kind
        case Outcome():
            return item.category
        case _:
            return ""
