"""Patients one below the other: the treatments of each in the order told, and the outcomes after them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from kg.courses import in_words, steps
from kg.figures._sheet import FAINT, INK, SOFT, TREATMENT, colours, fit, ink_on, sheet
from kg.query import cases_of
from kg.reports import Reports

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kg.reports import Case, Episode, Report
    from kg.store import Store
    from kg.table import Table

__all__ = ["QUESTION", "SUMMARY", "draw"]

SUMMARY = "Patients side by side: treatments for a condition, and what followed"
QUESTION = "best-response"

_LEFT, _CELL, _GAP, _CHIP, _PAD = 1.6, 1.95, 0.22, 0.2, 0.1  # inches
_ACROSS = 4  # steps in a line
_SMALL = 7.0  # points
_LENGTHS = {"lasted": "for", "until_event": "after", "follow_up": "followed"}


@dataclass(frozen=True)
class _Lane:
    """A patient's treatments and outcomes step by step; ``loose`` are the names of those whose step is not told."""

    report: Report
    case: Case
    course: list[list[Episode]]
    loose: frozenset[str]

    @property
    def lines(self) -> list[list[list[Episode]]]:
        """The steps in lines as wide as the figure."""
        return [self.course[at : at + _ACROSS] for at in range(0, len(self.course), _ACROSS)]

    @property
    def height(self) -> float:
        return max(0.5, _PAD + sum(max(map(len, line)) * _CHIP + _PAD for line in self.lines))

    def joined(self, number: int) -> object:
        """The style of the line that leads to a step; None where its place in the order is not told."""
        step = self.course[number]
        if number == 0 or all(episode.iri in self.loose for episode in step):
            return None
        before = {episode.iri for episode in self.course[number - 1]}
        timed = (e for e in step if e.values.get("durationType") == "until_event")
        stated = any(t.iri in before for e in timed for t in self.case.linked(e, "after", "attributedTo"))
        return "solid" if stated else (0, (1, 2))


def draw(store: Store, answer: Table, most: int) -> tuple[Figure, list[str]]:
    """One lane a patient, those of whom most is told first."""
    behind = {iri for facts in answer.facts or () for iri in facts}
    cases = cases_of(answer)
    told = Counter(case for iri in behind for case in cases_of([iri]))
    reports = Reports(store)
    lanes = [_lane(reports, case, behind) for case in sorted(cases, key=lambda case: (-told[case], case))[:most]]
    labels = colours(store)
    outcomes = {e.category for lane in lanes for step in lane.course for e in step if e.category}
    fill = {category: labels[reports.code("category", category).label] for category in outcomes}
    width = _LEFT + _ACROSS * (_CELL + _GAP)
    figure, axes = sheet(width, sum(lane.height for lane in lanes))
    y = 0.0
    for lane in lanes:
        axes.plot((0, width), (y, y), color=FAINT, linewidth=0.5)
        _head(axes, y, lane)
        _course(axes, y + _PAD, lane, fill)
        y += lane.height
    some = f" Shown: {most} of {len(cases):,} patients, those of whom most is told." if len(cases) > most else ""
    said = "Each line is one patient: treatments grey, outcomes in colour, in the order told and no scale of time."
    joins = "Solid joins: the time between is stated; dotted: it is not. Dashed outline: the place in the order is not."
    return figure, [f"{said} {joins}{some}"]


def _lane(reports: Reports, iri: str, behind: set[str]) -> _Lane:
    report = reports.named(iri.rpartition("/case")[0])
    assert report is not None, "an answer rests on reports of the store"
    case = next(case for case in report.cases if case.iri == iri)
    order = steps(report, case)
    found: dict[float, list[Episode]] = {}
    for episode in case.episodes:
        if episode.iri in behind:
            at = order.get(episode.iri)
            found.setdefault(inf if at is None else at, []).append(episode)
    loose = frozenset(episode.iri for episode in found.get(inf, ()))
    return _Lane(report, case, [found[at] for at in sorted(found)], loose)


def _head(axes: Axes, y: float, lane: _Lane) -> None:
    age = in_words(lane.case.age) or lane.case.age_group
    person = ", ".join(filter(None, (age, lane.case.sex))) or "age, sex not stated"
    number = lane.case.iri.rpartition("/case")[2] if len(lane.report.cases) > 1 else ""
    name = fit(f"{lane.report.id} {number}".strip(), 0.85 * _LEFT)
    axes.text(0, y + 0.17, name, color=INK, weight="bold", va="center")
    axes.text(0, y + 0.34, fit(person, _LEFT), color=SOFT, va="center")


def _course(axes: Axes, top: float, lane: _Lane, fill: Mapping[str, str]) -> None:
    y, number = top, 0
    for line in lane.lines:
        for at, step in enumerate(line):
            x = _LEFT + at * (_CELL + _GAP)
            if style := lane.joined(number):
                axes.plot((x - _GAP, x), (y + _CHIP / 2, y + _CHIP / 2), color=SOFT, linewidth=1.2, linestyle=style)
            for down, episode in enumerate(step):
                edge = (0, (3, 2)) if episode.iri in lane.loose else "solid"
                _chip(axes, x, y + down * _CHIP, episode, fill.get(episode.category, TREATMENT), edge)
            number += 1
        y += max(map(len, line)) * _CHIP + _PAD


def _chip(axes: Axes, x: float, y: float, episode: Episode, fill: str, edge: object) -> None:
    from matplotlib.patches import FancyBboxPatch

    style = f"round,pad=0,rounding_size={0 if episode.category else 0.05}"
    place = ((x, y + 0.015), _CELL, _CHIP - 0.03)
    axes.add_patch(FancyBboxPatch(*place, boxstyle=style, facecolor=fill, edgecolor=INK, linewidth=0.6, linestyle=edge))
    length = in_words(episode.values.get("duration", ""))
    time = f" · {_LENGTHS.get(episode.values.get('durationType', ''), '')} {length}" if length else ""
    words = fit(episode.label, _CELL - 0.05 - len(time) * _SMALL * 0.5 / 72, _SMALL) + time
    axes.text(x + _CELL / 2, y + _CHIP / 2, words, color=ink_on(fill), size=_SMALL, ha="center", va="center")
