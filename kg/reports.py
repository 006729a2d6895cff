"""What the graph says of each report, as plain values: for exports, pages and whatever else hands reports on.

One report is read at a time, from its own graph, so that memory does not grow with the store. Codes are written as the
CaseRecord JSON writes them; IRIs of concepts as CURIEs, of everything else in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING

import pyoxigraph as ox

from kg import vocab
from kg.identity import graph_iri, report_of
from kg.nodes import Names, Nodes
from kg.store import written

if TYPE_CHECKING:
    from kg.store import Store
    from kg.vocab import Vocabulary

__all__ = ["Case", "Concept", "Episode", "Extraction", "Link", "Quote", "Report", "Reports"]

LINKS = ("for", "partOf", "of", "after", "attributedTo")
KINDS = ("Condition", "Intervention", "Outcome", "Finding")


@dataclass(frozen=True, slots=True)
class Quote:
    """A span of the report's text: its words (empty if texts are left out), its place, and its sentence's IRI."""

    iri: str
    exact: str
    start: int
    end: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Concept:
    """A vocabulary concept; ``codes`` are CURIEs of exact matches in other vocabularies, ``near`` of close ones.

    ``broader`` are CURIEs of the concepts next above it.
    """

    curie: str
    label: str
    type: str
    facet: str
    codes: tuple[str, ...]
    near: tuple[str, ...]
    broader: tuple[str, ...] = ()

    def code(self, prefixes: Sequence[str]) -> str:
        """The code of the first of these vocabularies that has one; empty if none has."""
        found = (code for prefix in prefixes for code in self.codes if code.startswith(f"{prefix}:"))
        return next(found, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A condition, intervention, outcome or finding: ``kind`` says which. ``values`` are its further properties.

    ``values`` holds role and site of a condition; kind, dose and line of an intervention; category, duration (ISO
    8601), durationMonths and durationType of an outcome; sort of a finding. Several sites are joined by "; ".
    """

    iri: str
    kind: str
    order: int
    label: str
    concept: Concept | None
    assertion: str
    quote: Quote
    mentions: tuple[Quote, ...]
    values: Mapping[str, str]
    disease: Concept | None = None  # the disease at issue, for a relapse the one that came back
    review: str = ""  # what a person decided about it

    @property
    def present(self) -> bool:
        """Whether the report states it of its patient as a fact."""
        return self.assertion == "present"

    @property
    def category(self) -> str:
        """Of an outcome."""
        return self.values.get("category", "")


@dataclass(frozen=True, slots=True)
class Link:
    """A link between two episodes, by their IRIs; ``type`` is for, partOf, of, after or attributedTo."""

    iri: str
    source: str
    type: str
    target: str
    evidence: Quote
    review: str = ""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One patient; episodes in the order of the story, links sorted. Empty texts stand for what is not stated."""

    iri: str
    age: str = ""  # ISO 8601 duration
    age_years: str = ""
    age_group: str = ""
    sex: str = ""
    evidence: tuple[Quote, ...] = ()
    episodes: tuple[Episode, ...] = ()
    links: tuple[Link, ...] = ()

    @cached_property
    def by_iri(self) -> dict[str, Episode]:
        """Its episodes."""
        return {e.iri: e for e in self.episodes}

    def of_kind(self, kind: str) -> Iterator[Episode]:
        """Its episodes of one kind, such as Condition."""
        return (e for e in self.episodes if e.kind == kind)

    def linked(self, episode: Episode, *types: str) -> list[Episode]:
        """The episodes to which links of these types lead from one, each once."""
        targets = dict.fromkeys(link.target for link in self.links if link.source == episode.iri and link.type in types)
        return [self.by_iri[t] for t in targets]

    def linking(self, episode: Episode, *types: str) -> list[Episode]:
        """The episodes from which links of these types lead to one, each once."""
        sources = dict.fromkeys(link.source for link in self.links if link.target == episode.iri and link.type in types)
        return [self.by_iri[s] for s in sources]


@dataclass(frozen=True, slots=True)
class Extraction:
    """What made a report's graph: the extractor with its version, a hash of the vocabularies, the method's CURIE."""

    iri: str
    extractor: str
    vocabulary: str
    method: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report with its bibliography and cases. ``text`` is empty if texts are left out."""

    iri: str
    id: str
    titles: Mapping[str, str] = field(default_factory=dict)  # language tag -> title
    byline: str = ""
    journal: str = ""
    issued: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    doi: str = ""
    pmid: str = ""
    pmcid: str = ""
    rights: str = ""
    languages: tuple[str, ...] = ()
    text: str = ""
    skip: str = ""  # why no case was found
    keys: tuple[str, ...] = ()  # what a copy of it is known by
    input_hash: str = ""
    review: str = ""
    extraction: Extraction | None = None
    cases: tuple[Case, ...] = ()
    quotes: Mapping[str, Quote] = field(default_factory=dict)  # by IRI

    @property
    def title(self) -> str:
        """The title in English, else in the first language there is."""
        return self.titles.get("en") or next(iter(self.titles.values()), "")

    @property
    def publication(self) -> str:
        """The report's best identifier as a CURIE (DOI:, PMID: or PMC:), else its IRI."""
        for prefix, number in (("DOI", self.doi), ("PMID", self.pmid), ("PMC", self.pmcid.removeprefix("PMC"))):
            if number:
                return f"{prefix}:{number}"
        return self.iri


class Reports:
    """The reports of a store, in the order of their IRIs: ``for report in Reports(store)``.

    ``text=False`` leaves out full texts and quotes.
    """

    def __init__(self, store: Store, *, text: bool = True) -> None:
        self.store, self.text = store, text
        self.vocabulary: Vocabulary = vocab.load()
        self._concepts: dict[str, Concept] = {}
        self._extractions: dict[str, Extraction] = {}
        self._names = Names(self.vocabulary)
        self._code = cache(self.vocabulary.term)

    def __iter__(self) -> Iterator[Report]:
        for graph in self.store.data_graphs():
            nodes = self._nodes(graph)
            for iri in nodes.of_type("casekg:Report"):
                yield self._report(iri, graph, nodes)

    def named(self, name: str) -> Report | None:
        """The report with that id, key such as ``doi:10.1000/xyz``, or IRI, whole or without the base."""
        called = (self.store.subject(self.vocabulary.term(p), name) for p in ("casekg:sourceId", "casekg:key"))
        known = next(filter(None, called), None)
        iri = report_of(known) if known else self.store.base + name.removeprefix(self.store.base)
        try:
            nodes = self._nodes(graph_iri(iri))
        except ValueError:  # what can be no IRI names no report
            return None
        return self._report(iri, graph_iri(iri), nodes) if iri in nodes.of_type("casekg:Report") else None

    def concept(self, iri: str) -> Concept:
        """What the store says of a concept; asked once."""
        if iri not in self._concepts:
            nodes = Nodes(written(self.store.about(ox.NamedNode(iri))), self._names)
            labels = dict(nodes.texts(iri, "skos:prefLabel"))
            self._concepts[iri] = Concept(
                self.vocabulary.compact(iri),
                labels.get("en") or next(iter(labels.values()), iri),
                nodes.text(iri, "casekg:type"),
                nodes.text(iri, "casekg:facet"),
                *(
                    tuple(sorted(self.vocabulary.compact(c) for c in nodes.nodes(iri, match)))
                    for match in ("skos:exactMatch", "skos:closeMatch", "skos:broader")
                ),
            )
        return self._concepts[iri]

    def code(self, scheme: str, code: str) -> Concept:
        """A code of a closed list, such as ``code("category", "relapse")``."""
        return self.concept(self._code(f"{scheme}:{code}"))

    def _nodes(self, graph: str) -> Nodes:
        return Nodes(self.store.nquads(graph), self._names)

    # --- parts of a report ------------------------------------------------------------------------------------------

    def _report(self, iri: str, graph: str, nodes: Nodes) -> Report:
        quotes = {node: self._quote(node, nodes) for node in nodes.of_type("casekg:Evidence")}
        return Report(
            iri=iri,
            id=nodes.text(iri, "casekg:sourceId"),
            titles=dict(nodes.texts(iri, "dcterms:title")),
            byline=nodes.text(iri, "casekg:byline"),
            journal=nodes.text(iri, "prism:publicationName"),
            issued=nodes.text(iri, "dcterms:issued"),
            volume=nodes.text(iri, "bibo:volume"),
            issue=nodes.text(iri, "bibo:issue"),
            pages=nodes.text(iri, "bibo:pages"),
            doi=nodes.text(iri, "bibo:doi"),
            pmid=nodes.text(iri, "bibo:pmid"),
            pmcid=nodes.text(iri, "fabio:hasPubMedCentralId"),
            rights=nodes.text(iri, "dc:rights"),
            languages=tuple(text for _, text in nodes.texts(iri, "dcterms:language")),
            text=nodes.text(iri, "casekg:text") if self.text else "",
            skip=nodes.text(iri, "casekg:skip"),
            keys=tuple(text for _, text in nodes.texts(iri, "casekg:key")),
            input_hash=nodes.text(graph, "casekg:inputHash"),
            review=_review(nodes, iri),
            extraction=self._extraction(nodes.node(graph, "prov:wasGeneratedBy")),
            cases=tuple(self._case(case, nodes, quotes) for case in nodes.of_type("casekg:Case")),
            quotes=quotes,
        )

    def _quote(self, iri: str, nodes: Nodes) -> Quote:
        return Quote(
            iri,
            nodes.text(iri, "oa:exact") if self.text else "",
            int(nodes.text(iri, "oa:start") or 0),
            int(nodes.text(iri, "oa:end") or 0),
            nodes.node(iri, "casekg:inSentence") or iri,
        )

    def _case(self, iri: str, nodes: Nodes, quotes: Mapping[str, Quote]) -> Case:
        own = nodes.with_value("casekg:case", iri)
        kinds = ((n, kind) for kind in KINDS for n in nodes.of_type(f"casekg:{kind}") if n in own)
        episodes = [self._episode(n, kind, nodes, quotes) for n, kind in kinds]
        links = []
        for node in nodes.of_type("casekg:Link"):
            source, target = nodes.node(node, "rdf:subject"), nodes.node(node, "rdf:object")
            if source in own:
                type_ = self._names[f"<{nodes.node(node, 'rdf:predicate')}>"].partition(":")[2]
                links.append(
                    Link(node, source, type_, target, quotes[nodes.node(node, "casekg:evidence")], _review(nodes, node))
                )
        return Case(
            iri=iri,
            age=nodes.text(iri, "casekg:age"),
            age_years=nodes.text(iri, "casekg:ageYears"),
            age_group=nodes.text(iri, "casekg:ageGroup"),
            sex=nodes.text(iri, "casekg:sex"),
            evidence=tuple(quotes[q] for q in nodes.nodes(iri, "casekg:evidence")),
            episodes=tuple(sorted(episodes, key=lambda e: (KINDS.index(e.kind), e.order, e.iri))),
            links=tuple(links),
        )

    def _episode(self, iri: str, kind: str, nodes: Nodes, quotes: Mapping[str, Quote]) -> Episode:
        values: dict[str, str] = {}
        for name in ("site", "dose", "line", "duration", "durationMonths", "durationType", "sort"):
            if several := [text for _, text in nodes.texts(iri, f"casekg:{name}")]:
                values[name] = "; ".join(several)
        for name in ("role", "kind", "category"):
            if code := nodes.node(iri, f"casekg:{name}"):
                values[name] = _code(code)
        concept, disease = nodes.node(iri, "casekg:concept"), nodes.node(iri, "casekg:disease")
        return Episode(
            iri=iri,
            kind=kind,
            order=int(nodes.text(iri, "casekg:order") or 0),
            label=nodes.text(iri, "rdfs:label"),
            concept=self.concept(concept) if concept else None,
            assertion=_code(nodes.node(iri, "casekg:assertion")),
            quote=quotes[nodes.node(iri, "casekg:quote")],
            mentions=tuple(quotes[q] for q in nodes.nodes(iri, "casekg:evidence")),
            values=values,
            disease=self.concept(disease) if disease else None,
            review=_review(nodes, iri),
        )

    def _extraction(self, iri: str) -> Extraction | None:
        if iri and iri not in self._extractions:
            nodes = self._nodes(f"{iri}/graph")
            agent = nodes.node(iri, "prov:wasAssociatedWith")
            self._extractions[iri] = Extraction(
                iri,
                nodes.text(agent, "rdfs:label"),
                nodes.text(iri, "casekg:vocabularyVersion"),
                self.vocabulary.compact(nodes.node(iri, "casekg:method")),
            )
        return self._extractions.get(iri)


def _review(nodes: Nodes, fact: str) -> str:
    return _code(nodes.node(fact, "casekg:reviewState"))


def _code(iri: str) -> str:
    """A code of a closed list, as the CaseRecord JSON writes it but for underscores in place of spaces."""
    return iri.rpartition("/")[2]
