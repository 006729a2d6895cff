"""The course of one patient: a lane for each condition, treatment and outcome over the steps of the story."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kg.courses import in_words, steps
from kg.figures._sheet import FAINT, INK, SOFT, TREATMENT, colours, fit, sheet
from kg.query import cases_of
from kg.reports import Reports

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kg.reports import Case, Episode
    from kg.store import Store
    from kg.table import Table

__all__ = ["QUESTION", "SUMMARY", "draw"]

SUMMARY = "The course of one patient: conditions, treatments, outcomes"
QUESTION = "timeline"

_LEFT, _ROW, _STEP, _HEAD, _FOOT = 3.0, 0.24, 0.55, 0.3, 0.55  # inches
_DISEASE = "#8a5a00"
_LANES = (("Condition", "Conditions"), ("Intervention", "Treatments"), ("Outcome", "Outcomes"))
_LENGTHS = {"lasted": "for", "until_event": "after", "follow_up": "followed for"}
_ENDS = frozenset({"complete_remission", "recovery"})  # outcomes with which an episode of disease ends


def draw(store: Store, answer: Table, most: int) -> tuple[Figure, list[str]]:
    """One chart a case of the report, at most so many."""
    cases = cases_of(answer)
    reports = Reports(store)
    fill = colours(store)
    told: list[tuple[Case, dict[str, int | None]]] = []
    for iri in cases[:most]:
        report = reports.named(iri.rpartition("/case")[0])
        assert report is not None, "an answer rests on reports of the store"
        told += [(case, steps(report, case)) for case in report.cases if case.iri == iri]
    across = max(_count(order) + any(at is None for at in order.values()) for _, order in told)
    width = _LEFT + _STEP * (across + 2)
    figure, axes = sheet(width, sum(_height(case) for case, _ in told))
    top = 0.0
    for case, order in told:
        categories = {e.category: fill[reports.code("category", e.category).label] for e in case.of_kind("Outcome")}
        _Chart(axes, case, order, categories, width).draw(top)
        top += _height(case)
    some = f" Shown: {most} of {len(cases):,} cases." if len(cases) > most else ""
    solid = "Solid is what the report states: times between treatment and outcome, how long an outcome was seen."
    return figure, [f"Steps are in the order told and no scale of time. {solid} Dotted is what it does not.{some}"]


def _count(order: dict[str, int | None]) -> int:
    return 1 + max((at for at in order.values() if at is not None), default=-1)


def _lanes(case: Case, kind: str) -> list[Episode]:
    return [episode for episode in case.of_kind(kind) if episode.present]


def _height(case: Case) -> float:
    return _HEAD + _FOOT + sum(_ROW * (1 + len(lanes)) for kind, _ in _LANES if (lanes := _lanes(case, kind)))


class _Chart:
    """The chart of one case on axes of inches; ``order`` is the step of each episode."""

    def __init__(
        self, axes: Axes, case: Case, order: dict[str, int | None], fill: dict[str, str], width: float
    ) -> None:
        self.axes, self.case, self.order, self.fill, self.width = axes, case, order, fill, width
        self.steps = _count(order)
        self.spots: dict[str, tuple[float, float]] = {}

    def draw(self, top: float) -> None:
        age = in_words(self.case.age) or self.case.age_group
        person = ", ".join(filter(None, (age, self.case.sex))) or "age and sex not stated"
        name = f"case {self.case.iri.rpartition('/case')[2]}: {person}"
        self.axes.text(0, top + 0.12, name, color=INK, weight="bold", va="center")
        y = top + _HEAD
        for kind, heading in _LANES:
            lanes = sorted(_lanes(self.case, kind), key=self._place)
            if lanes:
                self.axes.text(0, y + _ROW / 2, heading, color=SOFT, va="center", size=7, weight="bold")
                y += _ROW
            for episode in lanes:
                self.spots[episode.iri] = (self._x(episode), y + _ROW / 2)
                self.axes.text(0.1, y + _ROW / 2, fit(episode.label, _LEFT - 0.2), color=INK, va="center")
                y += _ROW
        self._joins()
        for episode in self.case.episodes:
            if episode.iri in self.spots:
                self._mark(episode)
        self._axis(top + _HEAD, y + 0.12)

    def _place(self, episode: Episode) -> tuple[float, int]:
        at = self.order.get(episode.iri)
        return (float("inf") if at is None else at, episode.order)

    def _x(self, episode: Episode) -> float:
        at = self.order.get(episode.iri)
        return _LEFT + _STEP * ((self.steps + 0.75 if at is None else at) + 0.5)

    def _joins(self) -> None:
        """Lines from treatments to the outcomes after them, thick where the authors attribute the outcome."""
        tied = {(k.source, k.target) for k in self.case.links if k.type == "attributedTo"}
        after = {(k.source, k.target) for k in self.case.links if k.type in ("after", "attributedTo")}
        for outcome, treatment in sorted(after):
            if outcome in self.spots and treatment in self.spots:
                (x1, y1), (x2, y2) = self.spots[treatment], self.spots[outcome]
                bold = (outcome, treatment) in tied
                colour, thick = (INK, 1.4) if bold else (FAINT, 0.8)
                self.axes.plot((x1, x2), (y1, y2), color=colour, linewidth=thick, alpha=0.7, zorder=1)

    def _mark(self, episode: Episode) -> None:
        x, y = self.spots[episode.iri]
        edge: dict[str, Any] = {"markeredgecolor": INK, "markeredgewidth": 0.7, "zorder": 3}
        if episode.kind == "Condition":
            self._illness(episode, x, y)
            self.axes.plot(x, y, "o", markersize=8, color="#fdf3df", **{**edge, "markeredgecolor": _DISEASE})
        elif episode.kind == "Intervention":
            self.axes.plot(x, y, "s", markersize=8, color=TREATMENT, **edge)
        else:
            self._length(episode, x, y)
            self.axes.plot(x, y, "D", markersize=7.5, color=self.fill[episode.category], **edge)

    def _illness(self, episode: Episode, x: float, y: float) -> None:
        """How long the illness is told to go on: up to a remission or recovery; dotted where no end is told."""
        if self.order.get(episode.iri) is None:
            return
        ends = [
            self.spots[outcome.iri][0]
            for outcome in self.case.linking(episode, "of")
            if outcome.category in _ENDS and outcome.iri in self.spots and self.order.get(outcome.iri) is not None
        ]
        end = min((at for at in ends if at > x), default=None)
        last = _LEFT + _STEP * self.steps if end is None else end
        style = (0, (1, 2)) if end is None else "solid"
        self.axes.plot((x, last), (y, y), color=_DISEASE, linewidth=2, linestyle=style, zorder=2)
        if end is not None:
            self.axes.plot((end, end), (y - 0.06, y + 0.06), color=_DISEASE, linewidth=2, zorder=2)

    def _length(self, episode: Episode, x: float, y: float) -> None:
        """The stated length of time of an outcome, drawn and in words."""
        length, measure = in_words(episode.values.get("duration", "")), episode.values.get("durationType", "")
        if not length:
            return
        colour = self.fill[episode.category]
        words = x + 0.12
        if measure == "until_event":
            begun = [self.spots[t.iri][0] for t in self.case.linked(episode, "after", "attributedTo")]
            since = max((at for at in begun if at < x), default=x)
            self.axes.plot((since, x), (y, y), color=colour, linewidth=2, zorder=2)
        elif measure == "lasted":
            words = x + _STEP * 0.6
            self.axes.plot((x, words), (y, y), color=colour, linewidth=2, zorder=2)
            self.axes.plot((words, words), (y - 0.06, y + 0.06), color=colour, linewidth=2, zorder=2)
        else:
            words = x + _STEP * 0.6
            arrow = {"arrowstyle": "->", "color": colour, "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
            self.axes.annotate("", (words, y), (x, y), arrowprops=arrow, zorder=2)
        self.axes.text(words + 0.05, y, f"{_LENGTHS.get(measure, '')} {length}".strip(), size=7, va="center", color=INK)

    def _axis(self, top: float, y: float) -> None:
        numbers = range(self.steps)
        x = [_LEFT + _STEP * (number + 0.5) for number in numbers]
        if x:
            self.axes.plot((x[0], x[-1]), (y, y), color=SOFT, linewidth=1.2, linestyle=(0, (1, 2)))
        for number in numbers:
            self.axes.text(x[number], y + 0.13, str(number + 1), color=SOFT, size=7, ha="center", va="center")
        self.axes.text(0, y + 0.13, "steps, in the order told", color=SOFT, size=7, va="center")
        if any(self.order[iri] is None for iri in self.spots):
            edge = _LEFT + _STEP * (self.steps + 0.6)
            self.axes.plot((edge, edge), (top, y), color=FAINT, linewidth=0.8, linestyle=(0, (1, 2)))
            self.axes.text(edge + 0.05, y + 0.13, "order not told", color=SOFT, size=7, va="center")
