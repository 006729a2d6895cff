"""HL7 FHIR R4: a Bundle a report, a line of JSON each.

A case is a Patient; conditions are Conditions, interventions MedicationAdministrations or Procedures, outcomes and
findings Observations. The Provenance of each quotes the words on which it rests.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import NAMESPACE_URL, uuid5

from kg.exporters._network import plain
from kg.exporters._stamp import stamp
from kg.exporters._terms import address, terms
from kg.reports import Case, Episode, Quote, Report, Reports

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "HL7 FHIR R4, a Bundle a report, as JSON lines: the Provenance of each resource quotes the text"
SUFFIX = ".fhir.ndjson"

_Json = dict[str, Any]
_SPACE = re.compile(r"[^\S \r\n\t]")


def write(store: Store, out: BinaryIO, *, text: bool = True) -> Counter[str]:
    """Write a Bundle a report that has a case; ``text=False`` leaves the quotes out of the Provenance."""
    left: Counter[str] = Counter()
    reports = Reports(store, text=text)
    made_at = stamp()
    for report in reports:
        left["reports without a case"] += not report.cases
        if report.cases:
            bundle = _Bundle(reports, report, left, made_at).json()
            out.write(json.dumps(bundle, ensure_ascii=False).encode() + b"\n")
    return left


class _Bundle:
    """The resources of one report; what has no place is counted in ``left``."""

    def __init__(self, reports: Reports, report: Report, left: Counter[str], made_at: str) -> None:
        self.report, self.left, self.made_at = report, left, made_at
        self.expand = reports.vocabulary.expand
        self.code = reports.code
        self.terms = terms("fhir")
        self.software = report.extraction.iri if report.extraction else report.iri
        self.entries: list[_Json] = []

    def json(self) -> _Json:
        """The whole Bundle."""
        self.document()
        for case in self.report.cases:
            self.patient(case)
            for episode in case.episodes:
                self.episode(episode, case)
        return {
            "resourceType": "Bundle",
            "identifier": self.identifier(self.report.iri),
            "type": "collection",
            "timestamp": self.made_at,
            "entry": self.entries,
        }

    def add(self, type_: str, iri: str, resource: _Json) -> None:
        """An entry, without the elements that have no value."""
        filled = {key: value for key, value in resource.items() if value not in ("", [], {}, None)}
        about = {"resourceType": type_, "id": str(uuid5(NAMESPACE_URL, iri)), "identifier": [self.identifier(iri)]}
        self.entries.append({"fullUrl": f"urn:uuid:{about['id']}", "resource": {**about, **filled}})

    # --- the report and its software ---------------------------------------------------------------------------------

    def document(self) -> None:
        report = self.report
        place = {"title": _string(report.title), "url": address(report.publication)}
        content = {key: value for key, value in place.items() if value} or {"title": report.id}
        described = {"status": "current", "type": {"text": "case report"}, "content": [{"attachment": content}]}
        self.add("DocumentReference", report.iri, described)
        if report.extraction:
            name = {"name": report.extraction.extractor or "extractor", "type": "other"}
            self.add("Device", self.software, {"deviceName": [name]})

    def patient(self, case: Case) -> None:
        died = any(o.present and o.category == "death" for o in case.of_kind("Outcome"))
        self.add("Patient", case.iri, {"gender": case.sex or "unknown", "deceasedBoolean": died or None})
        if case.age_years:
            age = {"value": _number(case.age_years), "unit": "year", "system": self.terms["ucum"], "code": "a"}
            about = {"status": "final", "code": {"text": "age"}, "subject": self.reference(case.iri)}
            self.add("Observation", f"{case.iri}/age", {**about, "valueQuantity": age})
            self.provenance(f"{case.iri}/age", case.evidence)
        elif case.age_group:
            about = {"status": "final", "code": {"text": "age group"}, "subject": self.reference(case.iri)}
            self.add("Observation", f"{case.iri}/age", {**about, "valueString": case.age_group})
            self.provenance(f"{case.iri}/age", case.evidence)

    # --- episodes ---------------------------------------------------------------------------------------------------

    def episode(self, episode: Episode, case: Case) -> None:
        """An episode with its provenance, or its being left out."""
        match episode.kind:
            case "Condition" if episode.assertion in self.terms["verified"]:
                self.condition(episode, case)
            case "Intervention" if episode.assertion in ("present", "absent"):
                self.intervention(episode, case)
            case "Outcome" if episode.present:
                self.outcome(episode, case)
            case "Finding" if episode.present:
                about = {"status": "final", "code": self.concept(episode), "subject": self.reference(case.iri)}
                self.add("Observation", episode.iri, about)
            case kind:
                self.left[f"{kind.lower()}s stated as {episode.assertion}"] += 1
                return
        links = [link.evidence for link in case.links if link.source == episode.iri]
        self.provenance(episode.iri, [episode.quote, *links])

    def condition(self, condition: Episode, case: Case) -> None:
        # A diagnosis that was given up was ruled out by what came later.
        revised = condition.values.get("role") == "revised"
        status = self.terms["verified"]["absent" if revised else condition.assertion]
        site = condition.values.get("site")
        self.add("Condition", condition.iri, {
            "verificationStatus": {"coding": [{"system": self.terms["verification"], "code": status}]},
            "category": [self.listed("role", condition.values.get("role", ""))],
            "code": self.concept(condition),
            "bodySite": [{"text": _string(site)}] if site else [],
            "subject": self.reference(case.iri),
        })  # fmt: skip

    def intervention(self, intervention: Episode, case: Case) -> None:
        dose = intervention.values.get("dose")
        shared = {
            "status": "completed" if intervention.present else "not-done",
            "subject": self.reference(case.iri),
            "partOf": self.references(e for e in case.linked(intervention, "partOf")),
            "reasonReference": self.references(case.linked(intervention, "for")),
            "note": [{"text": _string(dose)}] if dose else [],
        }
        if intervention.values.get("kind") in self.terms["medicine_kinds"]:
            unknown = {"extension": [{"url": self.terms["data_absent_reason"], "valueCode": "unknown"}]}
            given = {"medicationCodeableConcept": self.concept(intervention), "effectivePeriod": unknown}
            self.add("MedicationAdministration", intervention.iri, {**shared, **given})
        else:
            self.add("Procedure", intervention.iri, {**shared, "code": self.concept(intervention)})

    def outcome(self, outcome: Episode, case: Case) -> None:
        tied = self.references(case.linked(outcome, "attributedTo"))
        url = self.expand("casekg:attributedTo")
        self.add("Observation", outcome.iri, {
            "extension": [{"url": url, "valueReference": reference} for reference in tied],
            "status": "final",
            "code": {"coding": [{"system": self.expand("casekg:"), "code": "Outcome"}], "text": "outcome"},
            "subject": self.reference(case.iri),
            "focus": self.references(case.linked(outcome, "of")),
            "partOf": self.references(case.linked(outcome, "after", "attributedTo")),
            "valueCodeableConcept": self.listed("category", outcome.category),
            "component": self.times(outcome),
        })  # fmt: skip

    def times(self, outcome: Episode) -> list[_Json]:
        """The stated time, in months."""
        if not (months := outcome.values.get("durationMonths")):
            return []
        quantity = {"value": _number(months), "unit": "month", "system": self.terms["ucum"], "code": "mo"}
        measured = outcome.values.get("durationType", "duration").replace("_", " ")
        return [{"code": {"text": measured}, "valueQuantity": quantity}]

    def provenance(self, target: str, quotes: Iterable[Quote]) -> None:
        """Where a resource comes from: the software that made it, and each span on which it rests."""
        entities = [
            {"role": "quotation", "extension": self.quotation(quote), "what": self.reference(self.report.iri)}
            for quote in dict.fromkeys(quotes)
        ]
        assembler = {"coding": [{"system": self.terms["participant"], "code": "assembler"}]}
        resource = {
            "resourceType": "Provenance",
            "id": str(uuid5(NAMESPACE_URL, f"{target}/provenance")),
            "target": [self.reference(target)],
            "recorded": self.made_at,
            "agent": [{"type": assembler, "who": self.reference(self.software)}],
            "entity": entities,
        }
        self.entries.append({"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource})

    def quotation(self, quote: Quote) -> list[_Json]:
        """The words of a span and its place in the text."""
        words = [{"url": self.expand("oa:exact"), "valueString": _string(quote.exact)}] if quote.exact.strip() else []
        places = (("oa:start", quote.start), ("oa:end", quote.end))
        return words + [{"url": self.expand(curie), "valueInteger": number} for curie, number in places]

    # --- data types -------------------------------------------------------------------------------------------------

    def identifier(self, iri: str) -> _Json:
        return {"system": self.terms["identifier"], "value": iri}

    def reference(self, iri: str) -> _Json:
        return {"reference": f"urn:uuid:{uuid5(NAMESPACE_URL, iri)}"}

    def references(self, episodes: Iterable[Episode]) -> list[_Json]:
        return [self.reference(episode.iri) for episode in episodes]

    def concept(self, episode: Episode) -> _Json:
        """A CodeableConcept: our concept, its codes in other vocabularies, and the report's label."""
        curies = (episode.concept.curie, *episode.concept.codes) if episode.concept else ()
        codings = []
        for curie in curies:
            prefix, _, code = curie.partition(":")
            codings.append({"system": self.terms["systems"].get(prefix) or self.expand(f"{prefix}:"), "code": code})
        if episode.concept:
            codings[0]["display"] = episode.concept.label
        words = _string(episode.label or episode.quote.exact).strip()
        if not codings:
            return {"text": words or "not stated"}
        return {"coding": codings, **({"text": words} if words else {})}

    def listed(self, scheme: str, code: str) -> _Json:
        """A code of a closed list."""
        system = self.expand(f"{scheme}:")
        return {"coding": [{"system": system, "code": code, "display": self.code(scheme, code).label}]}


def _string(text: str) -> str:
    """What FHIR takes for a string: other kinds of space, such as the one that does not break, become plain ones."""
    return _SPACE.sub(" ", plain(text))


def _number(text: str) -> int | float:
    """13 rather than 13.0, which would say that the tenths are known."""
    return int(text) if text.isdigit() else float(text)
