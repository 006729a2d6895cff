"""What a reader sent from a form, as decisions: the fact in question looked up in the graph, with its words and values.

Runs in a worker. Whatever cannot be a decision is refused in words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kg import vocab
from kg.errors import ReviewError, VocabularyError
from kg.reports import Case, Episode, Link, Report, Reports
from kg.review import Decision, End, Quote, decision_from_json, decision_to_json, quote_of

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["LINKS", "draft", "values_of"]

# The types of links in the graph, and in a decision.
LINKS = {"for": "for", "partOf": "part_of", "of": "of", "after": "after", "attributedTo": "attributed_to"}
_UNITS = {"Y": "year", "M": "month", "D": "day"}
_DURATION = re.compile(r"P(\d+)([YMD])|PT(\d+)H")
_CODES = {"condition": ("role",), "intervention": ("kind",), "outcome": ("category",), "finding": ()}


def draft(store: Store, fields: Mapping[str, str], who: str, when: str, pending: Sequence[Decision]) -> list[Decision]:
    """The decisions that a form asks for; ``pending`` are those about the report that hold.

    ``fields``: report (IRI), what; fact (IRI of an episode or link, empty for the report); why; and the values of a
    correction or of a fact to add. ReviewError says what is missing or wrong.
    """
    report = Reports(store).named(fields.get("report", ""))
    if report is None:
        raise ReviewError("There is no such report.")
    desk = _Desk(report, {"who": who, "when": when, "why": fields.get("why", ""), "report": report.keys})
    what, fact = fields.get("what", ""), fields.get("fact", "")
    if what == "withdrawn":
        made = [Decision(who=who, when=when, what="withdrawn", why=fields.get("why", ""), undoes=fields.get("undoes"))]
    elif what == "added":
        made = [desk.added_link(fields) if fields.get("subject") == "link" else desk.added(fields)]
    elif not fact:
        made = desk.whole(what, pending)
    else:
        made = [desk.about(what, fact, fields)]
    return [decision_from_json(decision_to_json(decision)) for decision in made]


@dataclass(frozen=True)
class _Desk:
    """A report on the desk of a person; ``said`` is what all decisions of this moment have in common."""

    report: Report
    said: dict[str, Any]

    def about(self, what: str, fact: str, fields: Mapping[str, str]) -> Decision:
        """A decision about one episode or link that is in the graph."""
        for number, case in enumerate(self.report.cases, 1):
            if episode := case.by_iri.get(fact):
                return self.episode(what, number, episode, fields)
            for link in case.links:
                if link.iri == fact:
                    return self.link(what, number, case, link)
        raise ReviewError("The report has no such fact any more.")

    def episode(self, what: str, number: int, episode: Episode, fields: Mapping[str, str]) -> Decision:
        values = values_of(episode)
        now = None
        if what == "corrected":
            values |= _given(episode.kind.lower(), fields)
            if fields.get("words") and fields["words"] != episode.quote.exact:
                now = self.quote(fields)
        elif what == "rejected":
            values = {key: value for key, value in values.items() if key in {"label", "category"}}
        return self.decision(
            what, kind=episode.kind.lower(), case=number, quote=self.of(episode), now=now, values=values
        )

    def link(self, what: str, number: int, case: Case, link: Link) -> Decision:
        ends = (case.by_iri[link.source], case.by_iri[link.target])
        return self.joined(what, number, LINKS[link.type], *ends)

    def joined(self, what: str, number: int, type_: str, source: Episode, target: Episode) -> Decision:
        start, end = (End(e.kind.lower(), self.of(e)) for e in (source, target))
        return self.decision(what, kind="link", case=number, type=type_, from_=start, to=end)

    def added(self, fields: Mapping[str, str]) -> Decision:
        """A fact that the person found in the text."""
        kind = fields.get("subject", "")
        if kind not in _CODES:
            raise ReviewError(f"A fact to add is one of {', '.join(_CODES)}, or a link.")
        values = {"assertion": "present", **_given(kind, fields)}
        quote = self.quote(fields)
        if kind != "outcome":
            values.setdefault("label", quote.exact)
        return self.decision("added", kind=kind, case=_number(fields.get("case", "1")), quote=quote, values=values)

    def added_link(self, fields: Mapping[str, str]) -> Decision:
        """A link between two facts of one case."""
        for number, case in enumerate(self.report.cases, 1):
            ends = [case.by_iri.get(fields.get(name, "")) for name in ("from", "to")]
            if ends[0] and ends[1]:
                return self.joined("added", number, fields.get("type", ""), ends[0], ends[1])
        raise ReviewError("A link joins two facts of one case.")

    def whole(self, what: str, pending: Sequence[Decision]) -> list[Decision]:
        """The report as a whole: if it is accepted, so is every fact on which nobody has decided."""
        if what == "rejected":
            return [self.decision(what, kind="report")]
        if what != "accepted":
            raise ReviewError("A report as a whole is accepted or rejected.")
        done = {_place(decision) for decision in pending}
        made = []
        for number, case in enumerate(self.report.cases, 1):
            patient = self.decision(what, kind="patient", case=number, values=_patient(case))
            episodes = [self.episode(what, number, e, {}) for e in case.episodes if not e.review]
            links = [self.link(what, number, case, link) for link in case.links if not link.review]
            made += [d for d in (patient, *episodes, *links) if _place(d) not in done]
        return [*made, self.decision(what, kind="report", values={"cases": len(self.report.cases)})]

    def decision(self, what: str, **more: Any) -> Decision:
        return Decision(what=what, **self.said, **more)  # type: ignore[arg-type]

    def of(self, episode: Episode) -> Quote:
        return quote_of(self.report.text, episode.quote.start, episode.quote.end)

    def quote(self, fields: Mapping[str, str]) -> Quote:
        """The words that were marked, or that stand in one place only."""
        words, text = fields.get("words", "").split(), self.report.text
        found = [m.span() for m in re.finditer(r"\s+".join(map(re.escape, words)), text)] if words else []
        if fields.get("start"):  # a browser counts the end of a line as one character, whatever it is
            start = _number(fields["start"])
            found = [min(found, key=lambda place: abs(place[0] - start))] if found else []
        if len(found) != 1:
            where = "in several places: mark them in the text" if found else "nowhere"
            raise ReviewError(f"The words {' '.join(words)[:60]!r} stand {where}.")
        return quote_of(text, *found[0])


def _place(decision: Decision) -> tuple[object, ...]:
    """What a decision is about, so that two about the same are known as such."""
    ends = tuple((end.quote.start, end.quote.exact) for end in (decision.from_, decision.to) if end)
    words = (decision.quote.start, decision.quote.exact) if decision.quote else ()
    return decision.kind, decision.type, ends, words, decision.case if decision.kind == "patient" else 0


def values_of(episode: Episode) -> dict[str, Any]:
    """The fact as the graph has it, by the keys of the CaseRecord JSON."""
    values: dict[str, Any] = {"assertion": episode.assertion}
    for name in ("role", "kind", "category", "sort", "dose"):
        if value := episode.values.get(name):
            values[name] = value.replace("_", " ") if name == "kind" else value
    if line := episode.values.get("line"):
        values["line"] = int(line)
    if site := episode.values.get("site"):
        values["sites"] = site.split("; ")
    if episode.kind != "Outcome":
        values |= {"label": episode.label, "concept": episode.concept.curie if episode.concept else None}
    elif stated := episode.values.get("duration"):
        values |= {"duration": _quantity(stated, episode.values.get("durationMonths", "0"))}
        values |= {"duration_type": episode.values.get("durationType") or None}
    return values


def _quantity(stated: str, months: str) -> dict[str, Any]:
    """A length of time or age in its own unit, where it has one, else in months."""
    if found := _DURATION.fullmatch(stated):
        return {"value": int(found[1] or found[3]), "unit": _UNITS.get(found[2] or "", "hour")}
    return {"value": round(float(months), 3), "unit": "month"}


def _patient(case: Case) -> dict[str, Any]:
    age = _quantity(case.age, str(float(case.age_years or 0) * 12)) if case.age else None
    if age and age["unit"] == "hour":
        age = None
    return {"age": age, "age_group": case.age_group or None, "sex": case.sex or None}


def _given(kind: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """The values of a form for a fact of that kind; what was left empty is left out."""
    values: dict[str, Any] = {name: fields[name] for name in (*_CODES[kind], "assertion") if fields.get(name)}
    if kind != "outcome":
        values |= {"label": fields["label"]} if fields.get("label") else {}
        if concept := fields.get("concept", "").strip():
            values["concept"] = None if concept == "none" else _concept(concept, kind)
    elif fields.get("months"):
        values |= {"duration": {"value": _number(fields["months"]), "unit": "month"}}
    return values


def _concept(name: str, kind: str) -> str:
    try:
        return vocab.load().find(name, kind)
    except VocabularyError as error:
        raise ReviewError(str(error)) from error


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise ReviewError(f"{text[:20]!r} is no whole number.")
    return int(text)
