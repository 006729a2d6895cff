"""Who decided what about which fact: the lines that reviews add to a report's graph, as PROV-O.

Each decision is an activity of a person at a time. What it is about carries the state that the last decision gave it;
what carries none is as the extractor left it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from kg.identity import review_iri, reviewer_iri
from kg.review import Review

__all__ = ["attribute"]


class _Graph(Protocol):
    """The graph of a report in the making; ``facts`` leads from case and ids of a fact to its node."""

    report: str
    node: str
    facts: dict[tuple[int, str, str], str]

    @property
    def terms(self) -> Mapping[str, str]: ...

    def add(self, subject: str, predicate: str, term: str) -> None: ...

    def add_text(self, subject: str, predicate: str, text: str | None) -> None: ...

    def add_typed(self, subject: str, predicate: str, value: object, datatype: str) -> None: ...

    def evidence(self, start: int, end: int) -> str: ...


def attribute(graph: _Graph, base: str, reviews: Sequence[Review]) -> None:
    """Add the decisions, oldest first, to the graph; ``base`` begins the names of people."""
    states: dict[str, tuple[str, str]] = {}
    for review in reviews:
        decision = review.decision
        node = f"<{review_iri(graph.report, decision.name)}>"
        person = f"<{reviewer_iri(base, decision.who)}>"
        code = f"review:{decision.what}"
        graph.add(node, "rdf:type", graph.terms["casekg:Review"])
        graph.add_text(node, "rdfs:label", " ".join(f"{decision.what} {decision.kind} {decision.about}".split()))
        graph.add(node, "casekg:decision", graph.terms[code])
        graph.add(node, "prov:used", graph.node)
        graph.add(node, "prov:wasAssociatedWith", person)
        graph.add_typed(node, "prov:endedAtTime", decision.when, "xsd:dateTime")
        graph.add_text(node, "casekg:reason", decision.why)
        graph.add(person, "rdf:type", graph.terms["prov:Person"])
        graph.add_text(person, "rdfs:label", " ".join(decision.who.split()))
        if review.span:
            graph.add(node, "casekg:evidence", graph.evidence(review.span.start, review.span.end))
        if fact := _fact(graph, review):
            graph.add(node, "casekg:about", fact)
            states[fact] = (code, person)
    for fact, (code, person) in states.items():
        graph.add(fact, "casekg:reviewState", graph.terms[code])
        graph.add(fact, "prov:wasAttributedTo", person)


def _fact(graph: _Graph, review: Review) -> str | None:
    """The node of what was decided on; None if the graph does not hold it."""
    if review.decision.kind == "report":
        return graph.node
    if review.decision.kind != "patient" and not review.about:
        return None
    return graph.facts.get((review.case, review.about, review.target))
