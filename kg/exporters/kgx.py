"""KGX: nodes and edges as tables, in the terms of the Biolink Model.

A node is a case or a concept, an edge what a report says of a case: conditions it has, treatments applied to them, harm
tied to treatments. Concepts of a report that no vocabulary holds have no place. A concept goes by its code in the first
vocabulary that Biolink names for such nodes, so that the graph meets those of others, else by its own CURIE.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple
from urllib.parse import quote

from kg.exporters._archive import archive
from kg.exporters._terms import terms
from kg.reports import Case, Episode, Link, Report, Reports

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "KGX tables with Biolink terms, in a zip archive: cases, treatments applied, conditions"
SUFFIX = ".kgx.zip"

_Row = dict[str, str]
_ASIDE = {"site", "dose", "duration"}


def write(store: Store, out: BinaryIO, *, text: bool = True) -> Counter[str]:
    """Write nodes.tsv and edges.tsv; ``text=False`` leaves the supporting texts empty."""
    reports = Reports(store, text=text)
    made = _Maker(store.base)
    with archive(out, "nodes.tsv", "edges.tsv") as files:
        nodes, edges = (_Table(file, made.terms[name.removesuffix(".tsv")]) for name, file in files.items())
        for report in reports:
            made.left["reports without a case"] += not report.cases
            for case in report.cases:
                nodes.write(made.case(case, report))
                for edge in made.edges(case, report):
                    edges.write(edge)
        for node in made.concepts():
            nodes.write(node)
    return made.left


class _Table:
    """A table as KGX reads it: cells hold no tab, line break or quotation marks around them, "|" parts values."""

    def __init__(self, file: BinaryIO, columns: list[str]) -> None:
        self.file, self.columns = file, columns
        self.write({column: column for column in columns})

    def write(self, row: _Row) -> None:
        """Write the cells of a row in the order of the columns."""
        cells = (" ".join(row.get(column, "").split()) for column in self.columns)
        self.file.write(("\t".join(cells) + "\n").encode())


class _Node(NamedTuple):
    """A concept as a node: ``known`` are all CURIEs that it goes by."""

    category: str
    name: str
    known: dict[str, None]


class _Maker:
    """Makes rows; keeps the concepts in use, and counts in ``left`` what it leaves out."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.terms = terms("kgx")
        self.left: Counter[str] = Counter()
        self.used: dict[str, _Node] = {}

    def case(self, case: Case, report: Report) -> _Row:
        """The node of a case."""
        category, name = self.terms["categories"]["case"], report.title or report.id
        return {"id": self.name(case), "category": category, "name": _one(name), "iri": case.iri}

    def name(self, case: Case) -> str:
        """A CURIE of a case: what stands after the base, with its slashes escaped, which KGX takes for an IRI's."""
        return f"id:{quote(case.iri.removeprefix(self.base), safe='')}"

    def concepts(self) -> Iterator[_Row]:
        """The nodes of the concepts that edges lead to."""
        for curie, node in sorted(self.used.items()):
            others = "|".join(known for known in node.known if known != curie)
            yield {"id": curie, "category": node.category, "name": node.name, "xref": others}

    def edges(self, case: Case, report: Report) -> Iterator[_Row]:
        """What the report says of the case."""
        shared = {
            "knowledge_level": self.terms["knowledge_level"],
            "agent_type": self.terms["agent_type"],
            "primary_knowledge_source": self.terms["knowledge_source"],
            "publications": report.publication,
        }
        for condition in case.of_kind("Condition"):
            if edge := self.condition(condition, case):
                yield {**shared, **edge}
        for link in case.links:
            if edge := self.link(link, case):
                yield {**shared, **edge}
        self.leave(case)

    def leave(self, case: Case) -> None:
        """Count what no edge can hold."""
        applied = [(case.by_iri[link.source], case.by_iri[link.target]) for link in case.links if link.type == "for"]
        told = {outcome.iri for treatment, condition in applied for outcome in _outcomes(treatment, condition, case)}
        told |= {link.source for link in case.links if link.type == "attributedTo"}
        untold = (o for o in case.of_kind("Outcome") if o.present and o.iri not in told)
        self.left["findings"] += sum(1 for _ in case.of_kind("Finding"))
        self.left["interventions not present"] += sum(not i.present for i in case.of_kind("Intervention"))
        self.left["outcomes of no treatment of a condition"] += sum(1 for _ in untold)
        self.left["ages and sexes of patients"] += bool(case.age or case.age_group) + bool(case.sex)
        self.left["sites, doses and times"] += sum(bool(e.values.keys() & _ASIDE) for e in case.episodes)

    def condition(self, condition: Episode, case: Case) -> _Row | None:
        """That the case has a condition, or has it not."""
        if condition.assertion not in ("present", "absent"):
            self.left["conditions neither present nor absent"] += 1
            return None
        node = self.node(condition)
        if node is None:
            return None
        feature = self.used[node].category == self.terms["categories"]["feature"]
        return {
            "id": condition.iri,
            **self.terms["feature" if feature else "disease"],
            "subject": self.name(case),
            "object": node,
            # A diagnosis that was given up was ruled out by what came later.
            "negated": str(condition.assertion == "absent" or condition.values.get("role") == "revised").lower(),
            "original_predicate": f"role:{condition.values.get('role', '')}",
            "original_object": _own(condition),
            "supporting_text": _one(condition.quote.exact),
        }

    def link(self, link: Link, case: Case) -> _Row | None:
        """That a treatment was applied to a condition, or that harm is tied to it."""
        source, target = case.by_iri[link.source], case.by_iri[link.target]
        if link.type == "for":
            treatment, condition, says = source, target, "applied"
        elif link.type == "attributedTo" and source.category == "adverse_event":
            harmed = case.linked(source, "of")
            if not harmed:
                self.left["adverse events that name no condition"] += 1
                return None
            treatment, condition, says = target, harmed[0], "harm"
            self.left["further conditions of an adverse event"] += len(harmed) - 1
        else:
            return None
        subject, object_ = self.node(treatment), self.node(condition)
        if subject is None or object_ is None:
            return None
        return {
            "id": link.iri,
            **self.terms[says],
            "subject": subject,
            "object": object_,
            "negated": "false",
            "original_subject": _own(treatment),
            "original_predicate": f"casekg:{link.type}",
            "original_object": _own(condition),
            "supporting_text": _one(link.evidence.exact),
            "reported_outcome": "|".join(_categories(treatment, condition, case)) if says == "applied" else "",
        }

    def node(self, episode: Episode) -> str | None:
        """The node of an episode's concept; None if no vocabulary holds it."""
        concept, categories = episode.concept, self.terms["categories"]
        if concept is None:
            self.left[f"uses of {episode.kind.lower()}s that no vocabulary holds"] += 1
            return None
        if episode.kind == "Condition":
            sign = not concept.code(self.terms["diseases"]) and concept.code(self.terms["features"])
            kind = "feature" if sign else "disease"
        else:
            kind = "agent" if concept.facet in self.terms["agent_kinds"] else "treatment"
        curie = self.biolink(concept.code(self.terms["ids"][kind]) or concept.curie)
        node = self.used.setdefault(curie, _Node(categories[kind], concept.label, {}))
        node.known.update(dict.fromkeys((concept.curie, *map(self.biolink, concept.codes))))
        return curie

    def biolink(self, curie: str) -> str:
        """A code with the prefix that Biolink has for its vocabulary."""
        prefix, _, code = curie.partition(":")
        return f"{self.terms['prefixes'].get(prefix, prefix)}:{code}"


def _own(episode: Episode) -> str:
    """The CURIE of our concept."""
    return episode.concept.curie if episode.concept else ""


def _outcomes(treatment: Episode, condition: Episode, case: Case) -> Iterator[Episode]:
    """The condition's outcomes after the treatment, as reported."""
    after = case.linking(treatment, "after", "attributedTo")
    return (outcome for outcome in after if condition in case.linked(outcome, "of"))


def _categories(treatment: Episode, condition: Episode, case: Case) -> Iterable[str]:
    """The categories of these outcomes, each once."""
    return dict.fromkeys(f"category:{outcome.category}" for outcome in _outcomes(treatment, condition, case))


def _one(text: str) -> str:
    """Text that stays one value."""
    return text.replace("|", "\N{BROKEN BAR}")
