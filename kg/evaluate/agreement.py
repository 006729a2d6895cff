"""Whether two reviewers decide alike.

On facts that both decided on: how often they came to the same decision, and Cohen's kappa, which takes off what chance
alone would give (Cohen 1960). On reports that both accepted as a whole: F1 of the facts that each left in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from kg.evaluate.gold import GoldReport
from kg.evaluate.scores import Score, evaluate
from kg.model import Case, CaseRecord
from kg.review import SUBJECTS, Curation, Decision, in_effect, review

__all__ = ["Agreement", "agreement", "kappa"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two reviewers agree on: pairs of decisions by kind of fact, scores of reports that both accepted."""

    one: str
    other: str
    decisions: dict[str, list[tuple[str, str]]]
    reports: int
    scores: dict[str, Score]


def agreement(decisions: Sequence[Decision], text: Callable[[str], str]) -> Iterator[Agreement]:
    """For every two reviewers who decided on the same fact or report; ``text`` gives a report's text for its key."""
    people = sorted({d.who for d in decisions})
    own = {who: in_effect([d for d in decisions if d.who == who]) for who in people}
    for one, other in combinations(people, 2):
        mine, theirs = _by_fact(own[one]), _by_fact(own[other])
        pairs: dict[str, list[tuple[str, str]]] = {kind: [] for kind in SUBJECTS}
        for fact in sorted(mine.keys() & theirs.keys(), key=str):
            pairs[mine[fact].kind].append((mine[fact].what, theirs[fact].what))
        reports, scores = _of_reports(own[one], own[other], text)
        if any(pairs.values()):
            yield Agreement(one, other, pairs, reports, scores)


def kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's kappa of two reviewers' decisions; None where chance alone explains full agreement, or of nothing."""
    if not pairs:
        return None
    ours, theirs = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    observed = sum(a == b for a, b in pairs) / len(pairs)
    chance = sum(ours[what] * theirs[what] for what in ours) / len(pairs) ** 2
    return (observed - chance) / (1 - chance) if chance < 1 else None


def _by_fact(decisions: Sequence[Decision]) -> dict[tuple[object, ...], Decision]:
    """The last decision about each fact, named by report, kind and the words that the extractor quoted."""
    found: dict[tuple[object, ...], Decision] = {}
    for d in decisions:
        place = (d.quote.start, d.quote.exact) if d.quote and d.kind not in {"link", "patient"} else ()
        ends = tuple((end.quote.start, end.quote.exact) for end in (d.from_, d.to) if end)
        found[_key(d), d.kind, d.case if d.kind == "patient" else 0, d.type, place, ends] = d
    return found


def _key(decision: Decision) -> str:
    """One of the keys of the report: the same for all who decided on it in one graph."""
    return min(decision.report)


def _of_reports(
    ours: Sequence[Decision], theirs: Sequence[Decision], text: Callable[[str], str]
) -> tuple[int, dict[str, Score]]:
    """The scores of one reviewer's facts against the other's, in reports that both accepted."""
    gold: dict[str, GoldReport] = {}
    found = []
    whole = [
        {_key(d): d for d in decisions if d.kind == "report" and d.what != "rejected"} for decisions in (ours, theirs)
    ]
    for key in sorted(whole[0].keys() & whole[1].keys()):
        words = text(key)
        records = []
        for decisions, accepted in zip((ours, theirs), whole, strict=True):
            cases = tuple(Case(id=f"case{n}") for n in range(1, int(accepted[key].values["cases"]) + 1))
            about = Curation(decisions).of(accepted[key].report)
            records.append(review(CaseRecord(id=key, cases=cases), words, about).record)
        gold[key] = GoldReport(key, records[0].cases, words)
        found.append(records[1])
    return len(gold), dict(evaluate(gold, found).rows) if gold else {}
