"""Precision, recall and F1 of every row, over all reports and for each stratum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kg.evaluate.gold import GoldReport
from kg.evaluate.matching import Matched, duration_of, match_cases
from kg.model import Case, CaseRecord, Outcome

__all__ = ["CORE", "ROWS", "Evaluation", "Score", "evaluate", "links_of"]

ROWS = (
    "cases", "age", "age group", "sex", "conditions", "role", "interventions", "kind", "outcomes", "duration",
    "link for", "link of", "link after", "effect",
)  # fmt: skip
CORE = ("conditions", "interventions", "outcomes", "link after", "effect")
_WORST = ("conditions", "interventions", "outcomes", "link after")
_LINKS = (("link for", "interventions", "for_"), ("link of", "outcomes", "of"), ("link after", "outcomes", "after"))


class Score(NamedTuple):
    """Counts of one row: facts on both sides, annotated facts, extracted facts."""

    both: int = 0
    gold: int = 0
    found: int = 0

    @property
    def precision(self) -> float:
        """Of the extracted facts, those that are right."""
        return self.both / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Of the annotated facts, those that were found."""
        return self.both / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.both / (self.gold + self.found) if self.both else 0.0


@dataclass(frozen=True)
class Evaluation:
    """``rows`` over all reports, ``strata`` by stratum; ``worst`` holds (value, id) of each report, the worst first.

    ``documents`` counts the reports with cases, ``missing`` the annotated reports that were not extracted at all.
    """

    documents: int
    missing: int
    rows: Mapping[str, Score]
    strata: Mapping[str, Mapping[str, Score]]
    worst: Sequence[tuple[float, str]]

    def core(self, stratum: str | None = None) -> float:
        """The mean F1 of the rows in ``CORE``."""
        rows = self.rows if stratum is None else self.strata[stratum]
        return sum(rows[name].f1 for name in CORE) / len(CORE)


def evaluate(
    gold: Mapping[str, GoldReport], records: Iterable[CaseRecord], texts: Mapping[str, str] | None = None
) -> Evaluation:
    """Compares records with the annotated reports of the same id; ``texts`` gives the text where the gold has none."""
    found = {record.id: record for record in records}
    total: dict[str | None, dict[str, Score]] = {None: dict.fromkeys(ROWS, Score())}
    worst: list[tuple[float, str]] = []
    for report in gold.values():
        record = found.get(report.id)
        rows = _report(report, record.cases if record else (), report.text or (texts or {}).get(report.id, ""))
        for stratum in {None, report.stratum}:
            table = total.setdefault(stratum, dict.fromkeys(ROWS, Score()))
            for name, score in rows.items():
                table[name] = _sum(table[name], score)
        if not report.skip:
            worst.append((sum(rows.get(name, Score()).f1 for name in _WORST), report.id))
    return Evaluation(
        documents=len(worst),
        missing=sum(key not in found for key in gold),
        rows=total[None],
        strata={name: total[name] for name in sorted(filter(None, total))},
        worst=sorted(worst),
    )


def links_of(case: Case, key: str, field: str) -> set[tuple[str, str]]:
    """The links of one field as pairs of ids."""
    return {(item.id, ref) for item in getattr(case, key) for ref in getattr(item, field)}


def _report(report: GoldReport, cases: Sequence[Case], text: str) -> dict[str, Score]:
    shared = min(len(report.cases), len(cases))
    rows = {"cases": Score(shared, len(report.cases), len(cases))}
    if report.skip:
        return rows
    for matched in match_cases(report.cases, cases, text):
        for name, score in _case(matched):
            rows[name] = _sum(rows.get(name, Score()), score)
    return rows


def _case(matched: Matched) -> Iterator[tuple[str, Score]]:
    gold, found, facts = matched
    by_id = {item.id: item for item in found.episodes()}
    for key, attribute in (("conditions", "role"), ("interventions", "kind"), ("outcomes", "")):
        items = getattr(gold, key)
        pairs = [(item, by_id[facts[item.id]]) for item in items if item.id in facts]
        yield key, Score(len(pairs), len(items), len(getattr(found, key)))
        if attribute:
            right = sum(getattr(g, attribute) == getattr(f, attribute) for g, f in pairs)
            yield attribute, Score(right, len(pairs), len(pairs))
    yield "duration", _durations([(g, by_id[facts[g.id]]) for g in gold.outcomes if g.id in facts])
    known = {item.id for key in ("conditions", "interventions", "outcomes") for item in getattr(found, key)}
    for name, key, field in _LINKS:
        want = links_of(gold, key, field)
        got = {link for link in links_of(found, key, field) if known.issuperset(link)}
        yield name, Score(sum((facts.get(a), facts.get(b)) in got for a, b in want), len(want), len(got))
    want_effects = {(facts.get(i, f"gold:{i}"), category) for i, category in _effects(gold)}
    got_effects = {(i, category) for i, category in _effects(found) if i in known}
    yield "effect", Score(len(want_effects & got_effects), len(want_effects), len(got_effects))
    yield from _patient(gold, found)


def _durations(pairs: Sequence[tuple[Outcome, object]]) -> Score:
    timed = [(g.duration, f.duration) for g, f in pairs if isinstance(f, Outcome) and g.duration]
    given = sum(isinstance(f, Outcome) and f.duration is not None for _, f in pairs)
    return Score(sum(duration_of(g) == duration_of(f) for g, f in timed), len(timed), given)


def _effects(case: Case) -> set[tuple[str, str]]:
    """Which intervention had which category of outcome, whatever the span."""
    return {(ref, outcome.category) for outcome in case.outcomes for ref in outcome.after}


def _patient(gold: Case, found: Case) -> Iterator[tuple[str, Score]]:
    ages = duration_of(gold.patient.age), duration_of(found.patient.age)
    groups = gold.patient.age_group, found.patient.age_group
    sexes = gold.patient.sex, found.patient.sex
    for name, (g, f) in (("age", ages), ("age group", groups), ("sex", sexes)):
        yield name, Score(int(g is not None and g == f), int(g is not None), int(f is not None))


def _sum(one: Score, other: Score) -> Score:
    return Score(one.both + other.both, one.gold + other.gold, one.found + other.found)
