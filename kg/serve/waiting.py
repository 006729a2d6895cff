"""What was decided about a report and is not in its graph yet, fact by fact, so that its page shows it at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kg.review import Decision, locate
from kg.serve.drafts import LINKS, values_of

if TYPE_CHECKING:
    from kg.reports import Episode, Report
    from kg.review import Quote

__all__ = ["Waiting"]

_SHOWN = ("label", "concept", "role", "kind", "category", "assertion", "duration")


@dataclass(frozen=True, slots=True)
class Waiting:
    """``about``: IRI of a report, episode or link -> the decision; ``facts``: those to add, by number of the case;
    ``links``: those to add, by the IRI of the episode that they lead from, with the label of the other.
    """

    about: dict[str, Decision] = field(default_factory=dict)
    facts: dict[int, list[Decision]] = field(default_factory=dict)
    links: dict[str, list[tuple[Decision, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, report: Report, decisions: Iterable[Decision]) -> Waiting:
        """Find the facts that these decisions are about, oldest decision first."""
        made = cls()
        for decision in decisions:
            made._put(report, decision)
        return made

    def _put(self, report: Report, decision: Decision) -> None:
        if decision.kind == "report":
            self.about[report.iri] = decision
        elif decision.from_ and decision.to:
            source = _meant(report, decision, decision.from_.kind, decision.from_.quote)
            target = _meant(report, decision, decision.to.kind, decision.to.quote)
            if source and target:
                ends = {(source.iri, decision.type, target.iri)}
                same = (k for case in report.cases for k in case.links if (k.source, LINKS[k.type], k.target) in ends)
                if link := next(same, None):
                    self.about[link.iri] = decision
                else:
                    self.links.setdefault(source.iri, []).append((decision, target.label))
        elif decision.quote:
            if episode := _meant(report, decision, decision.kind, decision.quote):
                self.about[episode.iri] = decision
            elif decision.what != "rejected":
                self.facts.setdefault(decision.case, []).append(decision)

    def changes(self, episode: Episode) -> str:
        """What a correction of that fact makes of it, in words."""
        decision = self.about[episode.iri]
        before = values_of(episode)
        new = {k: v for k, v in decision.values.items() if k in _SHOWN and v != before.get(k)}
        words = [f"words {decision.now.exact}"] if decision.now else []
        return "; ".join([*(f"{name} {_plain(value)}" for name, value in new.items()), *words])


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(str(part) for part in value.values())
    return "none" if value is None else str(value).replace("_", " ")


def _meant(report: Report, decision: Decision, kind: str, quote: Quote) -> Episode | None:
    """The episode on these words; of several, the one of the decision's case."""
    span = locate(quote, report.text)
    found = [
        (number != decision.case, episode.iri, episode)
        for number, case in enumerate(report.cases, 1)
        for episode in case.episodes
        if span and episode.kind.lower() == kind and (episode.quote.start, episode.quote.end) == (span.start, span.end)
    ]
    return min(found)[2] if found else None
