"""GA4GH Phenopackets v2: one a case, a line of JSON each.

Conditions are diseases or phenotypic features, interventions are medical actions with their target and the response to
them. Only what is present, or absent and then excluded, has a place; so has only what a vocabulary holds.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, BinaryIO

import pyoxigraph as ox

from kg.exporters._stamp import stamp
from kg.exporters._terms import address, terms
from kg.reports import Case, Concept, Episode, Report, Reports

if TYPE_CHECKING:
    from kg.store import Store
    from kg.vocab import Vocabulary

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "GA4GH Phenopackets v2, one a case, as JSON lines: diseases, medical actions with target and response"
SUFFIX = ".phenopackets.jsonl"

_Json = dict[str, Any]
_ASIDE = {"site", "dose", "duration"}


def write(store: Store, out: BinaryIO, *, text: bool = True) -> Counter[str]:
    """Write a phenopacket a case; ``text`` changes nothing, since they quote no text."""
    reports = Reports(store, text=False)
    left: Counter[str] = Counter()
    made = _Maker(reports, left)
    for report in reports:
        left["reports without a case"] += not report.cases
        for case in report.cases:
            out.write(json.dumps(made.phenopacket(case, report), ensure_ascii=False).encode() + b"\n")
    return left


class _Maker:
    """Makes phenopackets and counts in ``left`` what it leaves out."""

    def __init__(self, reports: Reports, left: Counter[str]) -> None:
        self.reports, self.left = reports, left
        self.terms = terms("phenopackets")
        self.created = stamp()
        self.resources = _resources(reports.vocabulary)
        self.used: set[str] = set()  # prefixes of the phenopacket in the making

    def phenopacket(self, case: Case, report: Report) -> _Json:
        """One case."""
        self.used = {"ckv"}
        diseases: list[_Json] = []
        features: list[_Json] = []
        for condition in case.of_kind("Condition"):
            self.condition(condition, diseases, features)
        actions = [a for i in case.of_kind("Intervention") if (a := self.action(i, case))]
        for outcome in case.of_kind("Outcome"):
            self.leave(outcome, case)
        self.left["findings"] += sum(1 for _ in case.of_kind("Finding"))
        self.left["sites, doses and times"] += sum(bool(e.values.keys() & _ASIDE) for e in case.episodes)
        packet = {
            "id": case.iri,
            "subject": self.subject(case),
            "phenotypicFeatures": features,
            "diseases": diseases,
            "medicalActions": actions,
            "metaData": self.about(report),
        }
        return {key: value for key, value in packet.items() if value}

    def subject(self, case: Case) -> _Json:
        individual: _Json = {"id": case.iri}
        if case.sex:
            individual["sex"] = self.terms["sex"][case.sex]
        if case.age:
            individual["timeAtLastEncounter"] = {"age": {"iso8601duration": case.age}}
        elif case.age_group:
            self.left["age groups without an age"] += 1
        if any(o.present and o.category == "death" for o in case.of_kind("Outcome")):
            individual["vitalStatus"] = {"status": "DECEASED"}
        return individual

    def condition(self, condition: Episode, diseases: list[_Json], features: list[_Json]) -> None:
        """Put a condition among the diseases or the phenotypic features, or leave it out."""
        if condition.assertion not in ("present", "absent"):
            self.left["conditions neither present nor absent"] += 1
        elif condition.concept is None:
            self.left["conditions that no vocabulary holds"] += 1
        else:
            # A diagnosis that was given up was ruled out by what came later.
            excluded = condition.assertion == "absent" or condition.values.get("role") == "revised"
            without = {"excluded": True} if excluded else {}
            sign = condition.values.get("role") == "presenting" or not condition.concept.code(self.terms["diseases"])
            if sign and condition.concept.code(self.terms["features"]):
                features.append({"type": self.term(condition.concept, "features"), **without})
            else:
                diseases.append({"term": self.term(condition.concept, "diseases"), **without})

    def action(self, intervention: Episode, case: Case) -> _Json | None:
        """A medical action; None if it has no place."""
        if not intervention.present:
            self.left["interventions not present"] += 1
            return None
        if intervention.concept is None:
            self.left["interventions that no vocabulary holds"] += 1
            return None
        if intervention.values.get("kind") in self.terms["agent_kinds"]:
            action: _Json = {"treatment": {"agent": self.term(intervention.concept, "agents")}}
        else:
            action = {"procedure": {"code": self.term(intervention.concept, "procedures")}}
        response = self.response(intervention, case)
        if target := self.target(intervention, response, case):
            action["treatmentTarget"] = self.term(target, "diseases", "features")
        if response:
            concept = self.reports.code("category", response.category)
            near = next((c for c in concept.near if c.partition(":")[0] in self.terms["responses"]), concept.curie)
            action["responseToTreatment"] = self.named(near, concept.label)
        if harms := self.harms(intervention, case):
            action["adverseEvents"] = harms
        return action

    def target(self, intervention: Episode, response: Episode | None, case: Case) -> Concept | None:
        """The condition that the response is of, so that the two go together; without one, that of the purpose."""
        purposes = [c.concept for c in case.linked(intervention, "for") if c.concept]
        answered = [c.concept for c in case.linked(response, "of") if c.concept] if response else []
        self.left["further conditions of a treatment"] += max(len({*purposes, *answered}) - 1, 0)
        return next((c for c in purposes if c in answered), next(iter(answered or purposes), None))

    def response(self, intervention: Episode, case: Case) -> Episode | None:
        """The best response reported after it; those that the authors tie to it go before the others."""
        for types in (("attributedTo",), ("attributedTo", "after")):
            found = [o for o in case.linking(intervention, *types) if o.category in self.terms["response_categories"]]
            if found:
                self.left["further responses to a treatment"] += len({o.category for o in found}) - 1
                return min(found, key=lambda o: (self.terms["response_categories"].index(o.category), o.order))
        return None

    def harms(self, intervention: Episode, case: Case) -> list[_Json]:
        """The conditions of adverse events that the authors tie to it."""
        events = [o for o in case.linking(intervention, "attributedTo") if o.category == "adverse_event"]
        concepts = dict.fromkeys(c.concept for event in events for c in case.linked(event, "of") if c.concept)
        return [self.term(concept, "features", "diseases") for concept in concepts]

    def leave(self, outcome: Episode, case: Case) -> None:
        """Count an outcome that no medical action can hold."""
        if outcome.present and outcome.category != "death" and not case.linked(outcome, "after", "attributedTo"):
            self.left["outcomes of no treatment"] += 1
        elif outcome.present and outcome.category in ("relapse", "survival"):
            self.left["relapses and survivals"] += 1

    # --- terms ------------------------------------------------------------------------------------------------------

    def term(self, concept: Concept, *uses: str) -> _Json:
        """An OntologyClass, by the first code that fits the uses, else by our own CURIE."""
        code = next((c for use in uses if (c := concept.code(self.terms[use]))), concept.curie)
        return self.named(code, concept.label)

    def named(self, curie: str, label: str) -> _Json:
        self.used.add(curie.partition(":")[0])
        return {"id": curie, "label": label}

    def about(self, report: Report) -> _Json:
        """MetaData, with a Resource for every prefix that the phenopacket uses."""
        told = {"reference": address(report.publication), "description": report.title}
        reference = {"id": report.publication, **{key: value for key, value in told.items() if value}}
        return {
            "created": self.created,
            "createdBy": report.extraction.extractor if report.extraction else "CaseKG",
            "resources": [self.resource(prefix) for prefix in sorted(self.used)],
            "phenopacketSchemaVersion": self.terms["version"],
            "externalReferences": [reference],
        }

    def resource(self, prefix: str) -> _Json:
        namespace = self.reports.vocabulary.prefixes[prefix]
        title, release = self.resources.get(prefix, (prefix, "not stated"))
        if namespace.startswith(self.reports.vocabulary.prefixes["ckv"]):
            title, release = "CaseKG vocabulary", self.reports.vocabulary.version
        return {
            "id": prefix.lower(), "name": title, "url": namespace, "version": release,
            "namespacePrefix": prefix, "iriPrefix": namespace,
        }  # fmt: skip


def _resources(vocabulary: Vocabulary) -> dict[str, tuple[str, str]]:
    """Title and release of the first file in which codes of each prefix were read."""
    wanted = {vocabulary.term(c): c for c in ("vann:preferredNamespacePrefix", "dcterms:title", "owl:versionInfo")}
    said: dict[str, dict[str, list[str]]] = {}
    for quad in vocabulary.quads(()):
        name = wanted.get(quad.predicate.value)
        if name and isinstance(quad.subject, ox.NamedNode) and isinstance(quad.object, ox.Literal):
            said.setdefault(quad.subject.value, {}).setdefault(name, []).append(quad.object.value)
    found: dict[str, tuple[str, str]] = {}
    for _, about in sorted(said.items()):
        release = about.get("owl:versionInfo", ["not stated"])[0]
        for prefix in about.get("vann:preferredNamespacePrefix", ()):
            found.setdefault(prefix, (about.get("dcterms:title", [prefix])[0], release))
    return found
