"""Decisions put in a CaseRecord: what people decided wins over what the extractor found.

A pure function: the same record, text and decisions give the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kg.model import (
    Case,
    CaseRecord,
    Condition,
    Episode,
    Finding,
    Intervention,
    LinkEvidence,
    Outcome,
    Patient,
    Quantity,
    Span,
)
from kg.review.decision import EPISODES, LINK_TYPES, Decision
from kg.review.quote import locate

__all__ = ["Review", "Reviewed", "review"]

_FIELDS = {"condition": "conditions", "intervention": "interventions", "outcome": "outcomes", "finding": "findings"}
_CLASSES: dict[str, type[Episode]] = {
    "condition": Condition, "intervention": Intervention, "outcome": Outcome, "finding": Finding,
}  # fmt: skip
_LISTS = {"for": "for_", "of": "of", "after": "after", "attributed_to": "attributed_to"}


@dataclass(frozen=True, slots=True)
class Review:
    """A decision in its place: ``case`` counts from 1, 0 is the report as a whole.

    ``about`` is the id of the episode, ``target`` of a link's other end; ``about`` is empty where the fact is gone.
    """

    decision: Decision
    case: int
    about: str = ""
    target: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The record as people have it, the decisions in their places, and those that have none, with the reason."""

    record: CaseRecord
    reviews: tuple[Review, ...] = ()
    unplaced: tuple[tuple[Decision, str], ...] = ()


def review(
    record: CaseRecord, text: str, decisions: Sequence[Decision], concepts: Container[str] | None = None
) -> Reviewed:
    """Apply the decisions that hold about one report, oldest first, to what was extracted from ``text``.

    A fact that was accepted, corrected or added is in the result with the values that the person gave it, whether the
    extractor finds it or not; one that was rejected is not. Where the whole report was accepted, nothing else is there.
    A decision whose words are not in the text, or whose concept is none of ``concepts``, has no effect.
    """
    draft = _Draft(record, text, concepts)
    for decision in decisions:
        draft.apply(decision)
    return draft.result(decisions)


class _Draft:
    """A record in the making."""

    def __init__(self, record: CaseRecord, text: str, concepts: Container[str] | None) -> None:
        self.record, self.text, self.concepts = record, text, concepts
        self.cases = list(record.cases)
        self.reviews: list[Review] = []
        self.unplaced: list[tuple[Decision, str]] = []

    def apply(self, decision: Decision) -> None:
        """Apply one decision, or note why it has no place."""
        concept = decision.values.get("concept")
        if self.concepts is not None and concept and concept not in self.concepts:
            self.unplaced.append((decision, f"no vocabulary holds {concept}"))
        elif decision.kind == "report":
            self.reviews.append(Review(decision, 0))
        elif decision.kind == "patient":
            self.patient(decision)
        elif decision.kind == "link":
            self.link(decision)
        else:
            self.episode(decision)

    def result(self, decisions: Sequence[Decision]) -> Reviewed:
        """The record and the reviews, those of facts that are gone since pointing nowhere."""
        skip = self.record.skip if self.record.cases or not self.cases else None
        if whole := [d for d in decisions if d.kind == "report"]:
            if whole[-1].what == "rejected":
                self.cases, skip = [], "rejected in review"
            else:
                self.keep_reviewed(int(whole[-1].values["cases"]))
        there = {(n, e.id) for n, case in enumerate(self.cases, 1) for e in case.episodes()}
        links = {(n, e.id, target) for n, case in enumerate(self.cases, 1) for e, _, target in case.links()}
        reviews = []
        for one in self.reviews:
            stands = (
                (one.case, one.about, one.target) in links
                if one.target
                else not one.about or (one.case, one.about) in there
            )
            reviews.append(one if stands else replace(one, about="", target=""))
        record = replace(self.record, cases=tuple(self.cases), skip=skip) if decisions else self.record
        return Reviewed(record, tuple(reviews), tuple(self.unplaced))

    # --- episodes ---------------------------------------------------------------------------------------------------

    def episode(self, decision: Decision) -> None:
        assert decision.quote is not None
        span = locate(decision.quote, self.text)
        now = locate(decision.now, self.text) if decision.now else span
        if now is None:
            words = (decision.now or decision.quote).exact
            self.unplaced.append((decision, f"the text does not say {_short(words)} there any more"))
            return
        found = next((f for place in (span, now) if place and (f := self.meant(decision, place))), None)
        if decision.what == "rejected":
            if found:
                self.drop(*found)
            self.reviews.append(Review(decision, min(decision.case, len(self.cases)), span=span))
            return
        number, episode = found or self.fresh(decision, now)
        self.put(number, _with_values(episode, decision.values, now, self.text))
        self.reviews.append(Review(decision, number, episode.id, span=now))

    def meant(self, decision: Decision, span: Span) -> tuple[int, Episode] | None:
        """The episode that a decision means, with the number of its case.

        Where it only rests on some of the same words, it is of the same name, or nobody has decided on it yet and the
        decision is not to add one.
        """
        name = str(decision.values.get("label", decision.values.get("category")))
        decided = {(r.case, r.about) for r in self.reviews}
        return self.find(
            decision.kind,
            span,
            decision.case,
            name,
            lambda number, episode, fit: (
                fit == 0 or _name(episode) == name or not (decision.what == "added" or (number, episode.id) in decided)
            ),
        )

    def find(
        self,
        kind: str,
        span: Span,
        number: int,
        name: str = "",
        allowed: Callable[[int, Episode, int], bool] = lambda number, episode, fit: True,
    ) -> tuple[int, Episode] | None:
        """The allowed episode of a kind that rests on the span best, if it can be in that case and of that name."""
        ranked = [
            (n != number, fit, _name(episode) != name, abs(episode.start - span.start), episode.id, n, episode)
            for n, case in enumerate(self.cases, 1)
            for episode in _episodes(case, kind)
            if (fit := _fit(episode, span)) is not None and allowed(n, episode, fit)
        ]
        return min(ranked)[-2:] if ranked else None

    def fresh(self, decision: Decision, span: Span) -> tuple[int, Episode]:
        """A new episode in its place in the story; the case is made if the report had none."""
        number = min(max(decision.case, 1), len(self.cases) + 1)
        if number > len(self.cases):
            self.cases.append(Case(id=_unused("case", {c.id for c in self.cases}, number)))
        case = self.cases[number - 1]
        id = _unused(decision.kind[0], {e.id for e in case.episodes()}, 1)
        values = {k: v for k, v in decision.values.items() if k in {"label", "role", "kind", "category"}}
        episode = _CLASSES[decision.kind](
            id=id, start=span.start, end=span.end, text=self.text[span.start : span.end], **values
        )
        items = _episodes(case, decision.kind)
        at = sum(1 for e in items if e.start <= span.start)
        self.change(number, **{_FIELDS[decision.kind]: (*items[:at], episode, *items[at:])})
        return number, episode

    def put(self, number: int, episode: Episode) -> None:
        """Replace the episode with that id; another one that now says just the same is joined to it."""
        field = _FIELDS[_kind(episode)]
        items: tuple[Episode, ...] = getattr(self.cases[number - 1], field)
        twins = {
            e.id
            for e in items
            if e.id != episode.id and (e.start, e.end, _name(e)) == (episode.start, episode.end, _name(episode))
        }
        self.change(number, **{field: tuple(episode if e.id == episode.id else e for e in items if e.id not in twins)})
        for twin in twins:
            self.cases[number - 1] = _renamed(self.cases[number - 1], twin, episode.id)
            self.reviews = [
                replace(r, about=episode.id) if (r.case, r.about) == (number, twin) else r for r in self.reviews
            ]

    def drop(self, number: int, episode: Episode) -> None:
        """Remove an episode and all links to it."""
        field = _FIELDS[_kind(episode)]
        self.change(number, **{field: tuple(e for e in getattr(self.cases[number - 1], field) if e.id != episode.id)})
        self.cases[number - 1] = _renamed(self.cases[number - 1], episode.id, None)

    def change(self, number: int, **fields: Any) -> None:
        self.cases[number - 1] = replace(self.cases[number - 1], **fields)

    # --- links, patients, whole reports -----------------------------------------------------------------------------

    def link(self, decision: Decision) -> None:
        assert decision.from_ and decision.to and decision.type
        ends: list[tuple[int, Episode]] = []
        for end in (decision.from_, decision.to):
            span = locate(end.quote, self.text)
            number = ends[0][0] if ends else decision.case
            found = self.find(end.kind, span, number) if span else None
            if not found or (ends and found[0] != number):
                self.unplaced.append((decision, f"there is no {end.kind} {_short(end.quote.exact)} to link"))
                return
            ends.append(found)
        (number, source), (_, target) = ends
        stated = locate(decision.quote, self.text) if decision.quote else None
        if decision.what == "rejected":
            types = {decision.type} | ({"attributed_to"} if decision.type == "after" else set())
            self.change_links(number, source, target, frozenset(types), drop=True)
            self.reviews.append(Review(decision, number, span=stated))
        else:
            types = {decision.type} | ({"after"} if decision.type == "attributed_to" else set())
            self.change_links(number, source, target, frozenset(types), drop=False)
            if stated:
                own = LinkEvidence(
                    from_=source.id, to=target.id, type=decision.type, start=stated.start, end=stated.end
                )
                kept = [
                    e
                    for e in self.cases[number - 1].evidence
                    if (e.from_, e.to, e.type) != (own.from_, own.to, own.type)
                ]
                self.change(number, evidence=(*kept, own))
            self.reviews.append(Review(decision, number, source.id, target.id, stated))

    def change_links(self, number: int, source: Episode, target: Episode, types: frozenset[str], *, drop: bool) -> None:
        changed: dict[str, Any] = {}
        for type_ in types:
            if type_ == "part_of":
                same = isinstance(source, Intervention) and source.part_of == target.id
                if same or not drop:
                    changed["part_of"] = None if drop else target.id
                continue
            ids: tuple[str, ...] = getattr(source, _LISTS[type_])
            others = tuple(i for i in ids if i != target.id)
            changed[_LISTS[type_]] = others if drop else ids if target.id in ids else (*ids, target.id)
        self.put(number, replace(source, **changed))
        if drop:
            kept = tuple(
                e
                for e in self.cases[number - 1].evidence
                if (e.from_, e.to) != (source.id, target.id) or e.type not in types
            )
            self.change(number, evidence=kept)

    def patient(self, decision: Decision) -> None:
        if not 1 <= decision.case <= len(self.cases):
            self.unplaced.append((decision, f"there is no case {decision.case}"))
            return
        before, after = self.cases[decision.case - 1].patient, Patient(**_read(decision.values))
        span = locate(decision.quote, self.text) if decision.quote else None
        after = replace(
            after,
            age_span=span or (before.age_span if after.age == before.age else None),
            sex_span=before.sex_span if after.sex == before.sex else None,
        )
        self.change(decision.case, patient=after)
        self.reviews.append(Review(decision, decision.case))

    def keep_reviewed(self, cases: int) -> None:
        """Leave out every fact that nobody decided on."""
        del self.cases[cases:]
        for number, case in enumerate(self.cases, 1):
            own = [r for r in self.reviews if r.case == number and r.about and r.decision.what != "rejected"]
            known = {r.about for r in own if not r.target}
            joined = {(r.about, r.target) for r in own if r.target}
            for episode in tuple(case.episodes()):
                if episode.id not in known:
                    self.drop(number, episode)
            for source, _, target in tuple(self.cases[number - 1].links()):
                if (source.id, target) not in joined:
                    ends = {e.id: e for e in self.cases[number - 1].episodes()}
                    self.change_links(number, ends[source.id], ends[target], _types(source), drop=True)


def _episodes(case: Case, kind: str) -> tuple[Episode, ...]:
    episodes: tuple[Episode, ...] = getattr(case, _FIELDS[kind])
    return episodes


def _kind(episode: Episode) -> str:
    return next(kind for kind in EPISODES if isinstance(episode, _CLASSES[kind]))


def _name(episode: Episode) -> str:
    return episode.category if isinstance(episode, Outcome) else str(getattr(episode, "label", ""))


def _fit(episode: Episode, span: Span) -> int | None:
    """How well an episode rests on a span: 0 just so, 1 among its mentions, 2 on most of the same words; None not."""
    if (episode.start, episode.end) == (span.start, span.end):
        return 0
    if span in episode.mentions:
        return 1
    shared = min(episode.end, span.end) - max(episode.start, span.start)
    return 2 if shared > 0 and 2 * shared >= min(episode.end - episode.start, span.end - span.start) else None


def _with_values(episode: Episode, values: Mapping[str, Any], span: Span, text: str) -> Episode:
    """The episode with the person's values, on the person's words; those it stood on become a mention."""
    changed: dict[str, Any] = _read(values)
    if isinstance(episode, Condition | Intervention | Finding) and changed.get("concept") != episode.concept:
        changed["candidates"] = ()
    before = Span(episode.start, episode.end)
    if before != span:
        overlaps = before.start < span.end and span.start < before.end
        mentions = episode.mentions if overlaps else (before, *episode.mentions)
        changed["mentions"] = tuple(m for m in mentions if m != span)
    if isinstance(episode, Outcome) and "duration" in changed and changed["duration"] != episode.duration:
        changed["duration_span"] = None
    return replace(episode, **changed, start=span.start, end=span.end, text=text[span.start : span.end])


def _read(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values as the model holds them."""
    read: dict[str, Any] = {}
    for key, value in values.items():
        if key in {"age", "duration"} and value is not None:
            value = Quantity(value["value"], value["unit"])
        read[key] = tuple(value) if isinstance(value, list) else value
    return read


def _unused(start: str, taken: Container[str], number: int) -> str:
    while f"{start}{number}" in taken:
        number += 1
    return f"{start}{number}"


def _types(episode: Episode) -> frozenset[str]:
    """The types of link that an episode of this kind lists."""
    return frozenset(t for t, (source, _) in LINK_TYPES.items() if source == _kind(episode))


def _renamed(case: Case, old: str, new: str | None) -> Case:
    """The case with every reference to an id replaced, or left out if there is no new one."""

    names = {old: new} if new else {}

    def ids(listed: tuple[str, ...], own: str) -> tuple[str, ...]:
        named = (new if i == old else i for i in listed)
        return tuple(dict.fromkeys(i for i in named if i is not None and i != own))

    return replace(
        case,
        interventions=tuple(
            replace(i, for_=ids(i.for_, i.id), part_of=next(iter(ids((i.part_of,), i.id)), None) if i.part_of else None)
            for i in case.interventions
        ),
        outcomes=tuple(
            replace(o, of=ids(o.of, o.id), after=ids(o.after, o.id), attributed_to=ids(o.attributed_to, o.id))
            for o in case.outcomes
        ),
        evidence=tuple(
            replace(e, from_=names.get(e.from_, e.from_), to=names.get(e.to, e.to))
            for e in case.evidence
            if new or old not in (e.from_, e.to)
        ),
    )


def _short(words: str) -> str:
    return repr(words if len(words) <= 60 else f"{words[:57]}...")
