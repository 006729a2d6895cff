"""A document and what was understood of it, as quads: the graph of docs/graph.md, one named graph a report.

The only module that knows both text and RDF. It writes N-Quads text, since making a ``Quad`` object for each line costs
more than all the rest and processes hand each other text; ``parse`` gives the objects. Lines are sorted and distinct.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyoxigraph as ox

from kg.attribution import attribute
from kg.bibliography import Bibliography
from kg.errors import KGError
from kg.identity import (
    copy_iri,
    episode_names,
    graph_iri,
    is_copy,
    other_by_id,
    report_iri,
    report_keys,
    report_of,
)
from kg.lines import Terms
from kg.literals import decimal, duration, months, string
from kg.model import Case, CaseRecord, Condition, Document, Episode, Finding, Intervention, Outcome, Span, Window
from kg.review import Review

if TYPE_CHECKING:
    from kg.vocab import Vocabulary

__all__ = [
    "Writer",
    "copy_iri",
    "graph_iri",
    "is_copy",
    "other_by_id",
    "parse",
    "quads",
    "report_iri",
    "report_keys",
    "report_of",
]

_LINKS = {  # the CaseRecord's fields
    "for": "casekg:for", "part_of": "casekg:partOf", "of": "casekg:of", "after": "casekg:after",
    "attributed_to": "casekg:attributedTo",
}  # fmt: skip


def parse(nquads: bytes) -> list[ox.Quad]:
    """The quads of N-Quads text."""
    return list(ox.parse(nquads, format=ox.RdfFormat.N_QUADS))


def quads(
    document: Document,
    record: CaseRecord,
    *,
    vocabulary: Vocabulary,
    base: str,
    extractor: str,
    extractor_version: str,
) -> list[ox.Quad]:
    """The graph of one report, and the one of the extractor's settings. For many reports make one ``Writer``."""
    writer = Writer(vocabulary, base, extractor, extractor_version)
    return parse(writer(document, record) + writer.settings())


class Writer:
    """Writes the graphs of reports, one after another, as N-Quads.

    Raises VocabularyError for a concept or code that no vocabulary holds, KGError for a base that makes no IRIs.
    """

    def __init__(self, vocabulary: Vocabulary, base: str, extractor: str, extractor_version: str) -> None:
        try:
            ox.NamedNode(f"{base}x")
        except ValueError as error:
            raise KGError(
                f"The base {base!r} makes no IRIs ({error}); give one such as https://example.net/id/."
            ) from error
        if not base.endswith(("/", "#")):
            raise KGError(f"The base {base!r} must end with / or #.")
        self.base = base
        self.terms = Terms(vocabulary)
        self.agent = f"{base}extractor/{_segment(extractor)}/{_segment(extractor_version)}"
        self.agent_label = f"{extractor} {extractor_version}"
        self.vocabulary_version = vocabulary.version
        self.extraction = f"{base}extraction/{_sha256(f'{self.agent} {vocabulary.version}')[:16]}"

    def settings(self) -> bytes:
        """The graph that describes this extractor and its settings, to which the graph of every report leads."""
        terms, end = self.terms, f" <{graph_iri(self.extraction)}> .\n"
        lines = (
            f"<{self.extraction}> {terms['rdf:type']} {terms['casekg:Extraction']}",
            f"<{self.extraction}> {terms['prov:wasAssociatedWith']} <{self.agent}>",
            f"<{self.extraction}> {terms['casekg:method']} {terms['ECO:0000203']}",
            f"<{self.extraction}> {terms['casekg:vocabularyVersion']} {string(self.vocabulary_version)}",
            f"<{self.agent}> {terms['rdf:type']} {terms['prov:SoftwareAgent']}",
            f"<{self.agent}> {terms['rdfs:label']} {string(self.agent_label)}",
        )
        return "".join(sorted(line + end for line in lines)).encode()

    def __call__(
        self,
        document: Document,
        record: CaseRecord,
        report: str | None = None,
        fingerprint: str | None = None,
        reviews: Sequence[Review] = (),
    ) -> bytes:
        """The graph of one report as sorted N-Quads; KGError if the record does not fit the document.

        ``report`` is the IRI under which the report is already stored, if it is; ``fingerprint`` what the build keeps
        to know whether the graph is up to date; ``reviews`` what people decided.
        """
        return _Graph(self, document, record, report or report_iri(document, self.base)).nquads(fingerprint, reviews)

    def copy(self, document: Document, report: str, iri: str, fingerprint: str | None = None) -> bytes:
        """The graph of a copy, named ``iri``, of the report with that IRI: its bibliography alone."""
        return _Graph(self, document, CaseRecord(id=document.id), iri).copy(report, fingerprint)


class _Graph(Bibliography):
    """The lines of one report's graph in the making."""

    def __init__(self, writer: Writer, document: Document, record: CaseRecord, report: str) -> None:
        super().__init__(writer.terms, document, record, report)
        self.writer = writer
        self.spans: dict[tuple[int, int], str] = {}
        self.sentences = sorted(record.sentences)
        self.starts = [s.start for s in self.sentences]
        self.facts: dict[tuple[int, str, str], str] = {}  # number of case, id of episode or both of a link -> its node

    def nquads(self, fingerprint: str | None, reviews: Sequence[Review]) -> bytes:
        self.bibliography()
        self.provenance(fingerprint)
        for number, window in enumerate(self.record.windows, 1):
            self.window(window, f"<{self.report}/window/{number}>")
        for number, case in enumerate(self.record.cases, 1):
            self.case(number, case, f"{self.report}/case{number}")
        attribute(self, self.writer.base, reviews)
        return self.written()

    # --- evidence ---------------------------------------------------------------------------------------------------

    def span(self, start: int, end: int) -> str:
        """The evidence node of a span."""
        node = self.spans.get((start, end))
        if node is None:
            text = self.document.text[start:end]
            if not 0 <= start < end or len(text) != end - start:
                raise KGError(f"{self.document.id}: the span {start}-{end} is no part of the text.")
            node = self.spans[start, end] = f"<{self.report}/span/{start}-{end}>"
            self.add(node, "rdf:type", self.terms["casekg:Evidence"])
            self.add(node, "oa:exact", string(text))
            self.add_typed(node, "oa:start", start, "xsd:integer")
            self.add_typed(node, "oa:end", end, "xsd:integer")
        return node

    def evidence(self, start: int, end: int) -> str:
        """The evidence node of a span that stands in a sentence."""
        node = self.span(start, end)
        self.add(node, "casekg:inSentence", self.sentence(start, end))
        return node

    def sentence(self, start: int, end: int) -> str:
        """The evidence node of the sentence around a span, or of the run of sentences that it crosses."""
        first = max(bisect_right(self.starts, start) - 1, 0)
        last = max(bisect_right(self.starts, end - 1) - 1, 0)
        if self.sentences and self.sentences[first].start < end and start < self.sentences[last].end:
            start, end = min(start, self.starts[first]), max(end, self.sentences[last].end)
        node = self.span(start, end)
        self.add(node, "oa:hasSource", self.node)
        return node

    def copy(self, report: str, fingerprint: str | None) -> bytes:
        self.add(self.node, "rdf:type", self.terms["casekg:Copy"])
        self.add(self.node, "casekg:copyOf", f"<{report}>")
        self.citation()
        self.add_text(f"<{graph_iri(self.report)}>", "casekg:fingerprint", fingerprint)
        return self.written()

    def provenance(self, fingerprint: str | None) -> None:
        graph = f"<{graph_iri(self.report)}>"
        self.add(graph, "rdf:type", self.terms["prov:Bundle"])
        self.add(graph, "prov:wasDerivedFrom", self.node)
        self.add(graph, "prov:wasGeneratedBy", f"<{self.writer.extraction}>")
        self.add(graph, "casekg:inputHash", f'"{_sha256(self.document.text)}"')
        self.add_text(graph, "casekg:fingerprint", fingerprint)

    def window(self, window: Window, node: str) -> None:
        """What a language model was asked about, with what success, and when."""
        self.add(node, "rdf:type", self.terms["casekg:Window"])
        self.add(node, "prov:used", self.node)
        self.add(node, "prov:wasInformedBy", f"<{self.writer.extraction}>")
        self.add_typed(node, "oa:start", window.start, "xsd:integer")
        self.add_typed(node, "oa:end", window.end, "xsd:integer")
        self.add_text(node, "casekg:status", window.status)
        self.add_text(node, "casekg:model", window.model)
        self.add_text(node, "casekg:prompt", window.prompt)
        self.add_typed(node, "casekg:dropped", window.dropped, "xsd:integer")
        if window.date:
            self.add_typed(node, "dcterms:date", window.date, "xsd:date")

    # --- the case ---------------------------------------------------------------------------------------------------

    def case(self, number: int, case: Case, iri: str) -> None:
        node, patient = f"<{iri}>", case.patient
        self.add(node, "rdf:type", self.terms["casekg:Case"])
        self.add(node, "casekg:report", self.node)
        if patient.age:
            self.add_typed(node, "casekg:age", duration(patient.age), "xsd:duration")
            self.add_typed(node, "casekg:ageYears", decimal(months(patient.age) / 12), "xsd:decimal")
        self.add_text(node, "casekg:ageGroup", patient.age_group)
        self.add_text(node, "casekg:sex", patient.sex)
        for span in (patient.age_span, patient.sex_span):
            self.mention(node, span)
        nodes: dict[str, str] = {}
        for kind, episodes in (
            ("condition", case.conditions),
            ("intervention", case.interventions),
            ("outcome", case.outcomes),
            ("finding", case.findings),
        ):
            for order, (episode, name) in enumerate(zip(episodes, episode_names(episodes), strict=True), 1):
                nodes[episode.id] = episode_node = f"<{iri}/{kind}/{name}>"
                self.episode(episode, episode_node, node, order)
        self.diseases(case, nodes)
        links = self.links(case, iri, nodes)
        self.facts |= {(number, "", ""): node} | {(number, *ends): link for ends, link in links.items()}
        self.facts |= {(number, id, ""): episode_node for id, episode_node in nodes.items()}
        for found in case.agreement:
            if fact := self.facts.get((number, found.item, found.to or "")):
                for name in found.found_by:
                    self.add_text(fact, "casekg:foundBy", name)
                self.add_text(fact, "casekg:toReview", found.review)

    def diseases(self, case: Case, nodes: dict[str, str]) -> None:
        """The disease at issue: a condition's own concept, and for a relapse that of the primary, which came back."""
        primary = {c.concept for c in case.conditions if c.role == "primary" and c.assertion == "present"}
        for condition in case.conditions:
            for concept in {condition.concept} | (primary if condition.role == "relapse" else set()):
                if concept:
                    self.add(nodes[condition.id], "casekg:disease", self.terms[concept])

    def mention(self, node: str, span: Span | None) -> None:
        if span:
            self.add(node, "casekg:evidence", self.evidence(span.start, span.end))

    def episode(self, episode: Episode, node: str, case: str, order: int) -> None:
        if self.document.text[episode.start : episode.end] != episode.text:
            raise KGError(f"{self.document.id}: {episode.id} quotes words that do not stand at {episode.start}.")
        self.add(node, "casekg:case", case)
        self.add_typed(node, "casekg:order", order, "xsd:integer")
        self.add(node, "casekg:assertion", self.code("assertion", episode.assertion))
        self.add(node, "casekg:quote", self.evidence(episode.start, episode.end))
        for span in episode.mentions:
            self.mention(node, span)
        match episode:
            case Condition():
                self.add(node, "rdf:type", self.terms["casekg:Condition"])
                self.add(node, "casekg:role", self.code("role", episode.role))
                for site in episode.sites:
                    self.add_text(node, "casekg:site", site)
            case Intervention():
                self.add(node, "rdf:type", self.terms["casekg:Intervention"])
                self.add(node, "casekg:kind", self.code("kind", episode.kind))
                self.add_text(node, "casekg:dose", episode.dose)
                if episode.line is not None:
                    self.add_typed(node, "casekg:line", episode.line, "xsd:integer")
            case Outcome():
                self.add(node, "rdf:type", self.terms["casekg:Outcome"])
                self.add(node, "rdfs:label", f"{string(episode.category.replace('_', ' '))}@en")
                self.add(node, "casekg:category", self.code("category", episode.category))
                self.add_text(node, "casekg:durationType", episode.duration_type)
                if episode.duration:
                    self.add_typed(node, "casekg:duration", duration(episode.duration), "xsd:duration")
                    self.add_typed(node, "casekg:durationMonths", decimal(months(episode.duration)), "xsd:decimal")
                self.mention(node, episode.duration_span)
            case Finding():
                self.add(node, "rdf:type", self.terms["casekg:Finding"])
                self.add_text(node, "casekg:sort", episode.sort)
        if isinstance(episode, Condition | Intervention | Finding):
            self.add(node, "rdfs:label", f"{string(episode.label)}@en")
            if episode.concept:
                self.add(node, "casekg:concept", self.terms[episode.concept])
            else:
                self.add_typed(node, "casekg:ungrounded", "true", "xsd:boolean")
            for candidate in episode.candidates:
                if candidate != episode.concept:
                    self.add(node, "casekg:candidate", self.terms[candidate])

    def links(self, case: Case, iri: str, nodes: dict[str, str]) -> dict[tuple[str, str], str]:
        """The plain triples between present episodes, and beside each a node with evidence; those by their ends."""
        links = {}
        present = {e.id: e for e in case.episodes() if e.assertion == "present"}
        own = {(e.from_, e.to, e.type): e for e in case.evidence}
        caused = {(o.id, target) for o in case.outcomes for target in o.attributed_to}
        for subject, field, target in case.links():
            if target not in nodes:
                raise KGError(f"{self.document.id}: {subject.id} lists {target!r}, which is no episode of {case.id}.")
            if subject.id not in present or target not in present:
                continue
            start, end, predicate = nodes[subject.id], nodes[target], _LINKS[field]
            self.add(start, predicate, end)
            if field == "after" and (subject.id, target) in caused:
                continue  # the link casekg:attributedTo says more and stands for both
            name = predicate.partition(":")[2]
            link = f"<{iri}/link/{start.rpartition('/')[2][:-1]}-{name}-{end.rpartition('/')[2][:-1]}>"
            links[subject.id, target] = link
            self.add(link, "rdf:type", self.terms["casekg:Link"])
            self.add(link, "rdf:subject", start)
            self.add(link, "rdf:predicate", self.terms[predicate])
            self.add(link, "rdf:object", end)
            stated = own.get((subject.id, target, field))
            if stated:
                self.add(link, "casekg:evidence", self.evidence(stated.start, stated.end))
            else:
                self.add(link, "casekg:evidence", self.sentence(subject.start, subject.end))
        return links


def _segment(text: str) -> str:
    """``text`` as one segment of an IRI's path."""
    return re.sub(r"[^A-Za-z0-9.+_-]+", "-", text) or "-"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
