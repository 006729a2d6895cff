"""One report's graph read back as plain values: text, cases, episodes, links, each with its spans."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyoxigraph as ox

from kg import vocab
from kg.identity import graph_iri

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["KINDS", "Case", "Episode", "Link", "Place", "Reader", "Report", "Span"]

Span = tuple[int, int]  # of the report's text, in code points
KINDS = ("condition", "intervention", "outcome", "finding")
_CODES = ("casekg:role", "casekg:kind", "casekg:category", "casekg:sort")  # what each kind is told apart by
_LENGTH = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?)?")

_Node = dict[str, list[ox.NamedNode | ox.Literal]]  # CURIE of a property -> its values


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Words of the text and the sentence (or run of sentences) in which they stand."""

    span: Span
    sentence: Span


@dataclass(frozen=True, slots=True)
class Episode:
    """A condition, intervention, outcome or finding. ``code`` is the CURIE of its role, kind or category."""

    iri: str
    kind: str
    label: str
    concept: str | None  # CURIE
    disease: str | None  # CURIE of the disease at issue, for a relapse the one that came back
    code: str
    assertion: str  # CURIE
    present: bool
    order: int
    quote: Place
    mentions: tuple[Place, ...]
    months: float | None = None
    length: str | None = None  # of time, in words
    length_type: str | None = None
    notes: tuple[str, ...] = ()  # dose, line of therapy, sites

    @property
    def places(self) -> tuple[Place, ...]:
        """The quote and all further mentions."""
        return (self.quote, *self.mentions)


@dataclass(frozen=True, slots=True)
class Link:
    """``source`` and ``target`` are IRIs of episodes, ``type`` the CURIE of the property between them."""

    source: str
    target: str
    type: str
    span: Span


@dataclass(frozen=True, slots=True)
class Case:
    """One patient. ``age`` is in words, ``age_years`` for comparison; ``spans`` are the words of age and sex."""

    iri: str
    age: str | None
    age_years: float | None
    age_group: str | None
    sex: str | None
    spans: tuple[Span, ...]
    episodes: tuple[Episode, ...]
    links: tuple[Link, ...]

    @property
    def name(self) -> str:
        """The end of its IRI, such as ``case1``."""
        return self.iri.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Report:
    """One report. ``about`` holds its bibliography in words, under the names that a reader is shown."""

    iri: str
    id: str
    title: str
    titles: tuple[str, ...]  # in all languages
    language: str
    year: int | None
    text: str
    skip: str | None
    extractor: str
    about: dict[str, str]
    cases: tuple[Case, ...]


class Reader:
    """Reads reports from a store, one graph at a time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._vocabulary = vocab.load()
        self._curies: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        self._extractors: dict[str, str] = {}

    def reports(self) -> Iterable[Report]:
        """All reports, in the order of their IRIs."""
        for graph in self.store.graphs():
            if graph.startswith(self.store.base) and (report := self.read(graph)):
                yield report

    def read(self, graph: str) -> Report | None:
        """The report of that graph; None if the graph is about something else."""
        nodes: dict[str, _Node] = defaultdict(lambda: defaultdict(list))
        for quad in self.store.quads(graph):
            if isinstance(quad.subject, ox.NamedNode) and isinstance(quad.object, ox.NamedNode | ox.Literal):
                nodes[quad.subject.value][self.curie(quad.predicate.value)].append(quad.object)
        kinds: dict[str, list[str]] = defaultdict(list)
        for iri in sorted(nodes):
            for type_ in nodes[iri]["rdf:type"]:
                kinds[self.curie(type_.value)].append(iri)
        if not kinds["casekg:Report"]:
            return None
        places = {
            iri: Place(_span(nodes[iri]), _span(nodes[_one(nodes[iri], "casekg:inSentence") or iri]))
            for iri in kinds["casekg:Evidence"]
        }
        episodes: dict[str, list[Episode]] = defaultdict(list)
        for kind in KINDS:
            for iri in kinds[f"casekg:{kind.capitalize()}"]:
                episodes[_one(nodes[iri], "casekg:case")].append(self._episode(iri, kind, nodes[iri], places))
        cases = {iri: self._case(iri, nodes[iri], places, episodes[iri]) for iri in kinds["casekg:Case"]}
        links: dict[str, list[Link]] = defaultdict(list)
        for iri in kinds["casekg:Link"]:
            node = nodes[iri]
            source, target = _one(node, "rdf:subject"), _one(node, "rdf:object")
            link = Link(
                source, target, self.curie(_one(node, "rdf:predicate")), _span(nodes[_one(node, "casekg:evidence")])
            )
            links[_one(nodes[source], "casekg:case")].append(link)
        told = sorted(cases, key=lambda iri: (len(iri), iri))  # case10 after case9
        extraction = _one(nodes[graph], "prov:wasGeneratedBy")
        report = kinds["casekg:Report"][0]
        return self._report(
            report,
            nodes[report],
            self._extractor(extraction),
            tuple(_with_links(cases[iri], links[iri]) for iri in told),
        )

    def curie(self, iri: str) -> str:
        """The CURIE of an IRI."""
        if iri not in self._curies:
            self._curies[iri] = self._vocabulary.compact(iri)
        return self._curies[iri]

    def concept(self, curie: str) -> tuple[str, tuple[str, ...]]:
        """English label of a concept or code, and the CURIEs of its broader concepts."""
        name, up = self._vocabulary.term("skos:prefLabel"), self._vocabulary.term("skos:broader")
        labels, broader = [], set()
        for quad in self.store.about(ox.NamedNode(self._vocabulary.expand(curie))):
            if quad.predicate.value == name and isinstance(quad.object, ox.Literal):
                labels.append((quad.object.language != "en", quad.object.value))
            elif quad.predicate.value == up and isinstance(quad.object, ox.NamedNode):
                broader.add(self.curie(quad.object.value))
        return min(labels)[1] if labels else curie, tuple(sorted(broader))

    def label(self, code: str) -> str:
        """English label of a role, kind, category or assertion by its CURIE; a sort of finding is its own label."""
        if code not in self._labels:
            self._labels[code] = self.concept(code)[0] if ":" in code else code
        return self._labels[code]

    def named(self, name: str) -> Report | None:
        """The report with that id, or with that IRI, whole or its end."""
        iri = self.store.subject(self._vocabulary.term("casekg:sourceId"), name)
        return self.read(graph_iri(iri or self.store.base + name.removeprefix(self.store.base)))

    def _extractor(self, extraction: str) -> str:
        """Name and version of the program that an extraction was made with."""
        if extraction not in self._extractors:
            agent = self.store.value(extraction, self._vocabulary.term("prov:wasAssociatedWith"))
            label = agent and self.store.value(agent, self._vocabulary.expand("rdfs:label"))
            self._extractors[extraction] = label or ""
        return self._extractors[extraction]

    def _report(self, iri: str, node: _Node, extractor: str, cases: tuple[Case, ...]) -> Report:
        titles = sorted(
            (t for t in node["dcterms:title"] if isinstance(t, ox.Literal)),
            key=lambda t: (not (t.language or "").startswith("en"), t.value),
        )
        issued = _one(node, "dcterms:issued")
        about = {
            "authors": _one(node, "casekg:byline"),
            "journal": " ".join(filter(None, (_one(node, "prism:publicationName"), _one(node, "bibo:volume")))),
            "published": issued,
            "DOI": _one(node, "bibo:doi"),
            "PMID": _one(node, "bibo:pmid"),
            "licence": _one(node, "dc:rights"),
        }
        languages = sorted(v.value for v in node["dcterms:language"])
        return Report(
            iri, _one(node, "casekg:sourceId"), titles[0].value if titles else "", tuple(t.value for t in titles),
            languages[0] if len(languages) == 1 else "", int(issued[:4]) if issued[:4].isdecimal() else None,
            _one(node, "casekg:text"), _one(node, "casekg:skip") or None, extractor,
            {name: value for name, value in about.items() if value}, cases,
        )  # fmt: skip

    def _case(self, iri: str, node: _Node, places: dict[str, Place], episodes: list[Episode]) -> Case:
        years = _one(node, "casekg:ageYears")
        return Case(
            iri, _words(_one(node, "casekg:age")), float(years) if years else None,
            _one(node, "casekg:ageGroup") or None, _one(node, "casekg:sex") or None,
            tuple(sorted(places[e.value].span for e in node["casekg:evidence"])),
            tuple(sorted(episodes, key=lambda e: (KINDS.index(e.kind), e.order))), (),
        )  # fmt: skip

    def _episode(self, iri: str, kind: str, node: _Node, places: dict[str, Place]) -> Episode:
        code = next((self.curie(v.value) for p in _CODES for v in node[p]), "")
        months = _one(node, "casekg:durationMonths")
        notes = [f"line {v.value}" for v in node["casekg:line"]]
        notes += sorted(v.value for p in ("casekg:dose", "casekg:site") for v in node[p])
        concept, disease = (self.curie(_one(node, p)) or None for p in ("casekg:concept", "casekg:disease"))
        assertion = self.curie(_one(node, "casekg:assertion"))
        return Episode(
            iri, kind, _one(node, "rdfs:label"), concept, disease, code, assertion, assertion.endswith(":present"),
            int(_one(node, "casekg:order") or 0), places[_one(node, "casekg:quote")],
            tuple(sorted(places[v.value] for v in node["casekg:evidence"])),
            float(months) if months else None, _words(_one(node, "casekg:duration")),
            _one(node, "casekg:durationType") or None, tuple(notes),
        )  # fmt: skip


def _one(node: _Node, name: str) -> str:
    """The value of a property as text; empty if there is none, the first in order if there are several."""
    return min((v.value for v in node[name]), default="")


def _span(node: _Node) -> Span:
    return int(_one(node, "oa:start")), int(_one(node, "oa:end"))


def _with_links(case: Case, links: Iterable[Link]) -> Case:
    return Case(
        case.iri, case.age, case.age_years, case.age_group, case.sex, case.spans, case.episodes, tuple(links)
    )  # fmt: skip


def _words(duration: str) -> str | None:
    """An xsd:duration in words: 42 months, 2 weeks, 13 years."""
    match = _LENGTH.fullmatch(duration)
    if not duration or match is None:
        return None
    years, months, days, hours = (int(part or 0) for part in match.groups())
    if years and months:  # the graph's canonical form of "42 months"
        years, months = 0, years * 12 + months
    weeks = 0
    if days and days % 7 == 0:
        weeks, days = days // 7, 0
    parts = ((years, "year"), (months, "month"), (weeks, "week"), (days, "day"), (hours, "hour"))
    return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in parts if n) or "0 hours"
