"""What a document says about itself, as lines of its report's graph: title, authors, journal, identifiers, licence."""

from __future__ import annotations

import re

from kg.identity import graph_iri, identifiers, report_keys
from kg.lines import Lines, Terms
from kg.literals import date_type, string
from kg.model import CaseRecord, Document

__all__ = ["Bibliography"]

_ISSN = re.compile(r"\d{4}-\d{3}[\dX]", re.ASCII)
_KEY = re.compile(r"orcid:(?:\d{4}-){3}\d{3}[\dX]|mesh:[A-Z]\d{4,12}", re.ASCII)  # what may become an IRI
_LANGUAGE = re.compile(r"[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*")


class Bibliography(Lines):
    """The lines about a report as a document; ``node`` is the report itself."""

    def __init__(self, terms: Terms, document: Document, record: CaseRecord, report: str) -> None:
        super().__init__(terms, graph_iri(report))
        self.document, self.record, self.report = document, record, report
        self.node = f"<{report}>"

    def bibliography(self) -> None:
        """All of it."""
        node, report = self.node, self.document.report
        self.add(node, "rdf:type", self.terms["casekg:Report"])
        if self.record.cases:
            self.add(node, "rdf:type", self.terms["fabio:CaseReport"])
        self.add_text(node, "casekg:text", self.document.text)
        self.add_text(node, "casekg:skip", self.record.skip)
        for language in self.record.unread:
            self.add_text(node, "casekg:unread", language)
        self.citation()
        self.add_text(node, "casekg:byline", "; ".join(report.authors))
        for predicate, values in (
            ("casekg:affiliation", report.affiliations),
            ("dc:creator", report.authors),
            ("dc:type", report.publication_types),
            ("dcterms:language", report.language),
            ("prism:keyword", report.keywords),
            ("dc:subject", report.headings),
            ("bibo:issn", tuple(filter(_ISSN.fullmatch, report.issn))),
        ):
            for value in values:
                self.add_text(node, predicate, value)
        for predicate, keys in (("dcterms:creator", report.author_ids.values()), ("dcterms:subject", report.subjects)):
            for key in filter(_KEY.fullmatch, keys):
                self.add(node, predicate, f"<{self.terms.vocabulary.expand(key)}>")

    def citation(self) -> None:
        """What copies of a report may say in different ways: where it stands, and what it is known by."""
        node, report = self.node, self.document.report
        self.add_text(node, "casekg:sourceId", self.document.id)
        for key in report_keys(self.document):
            self.add_text(node, "casekg:key", key)
        for language, title in report.title.items():
            tag = f"@{language.lower()}" if _LANGUAGE.fullmatch(language) else ""
            self.add(node, "dcterms:title", string(title) + tag)
        known = identifiers(report)
        self.add_text(node, "bibo:doi", known.get("doi"))
        self.add_text(node, "bibo:pmid", known.get("pmid"))
        self.add_text(node, "fabio:hasPubMedCentralId", known.get("pmcid"))
        self.add_text(node, "prism:publicationName", report.journal)
        self.add_text(node, "bibo:volume", report.volume)
        self.add_text(node, "bibo:issue", report.issue)
        self.add_text(node, "bibo:pages", report.pages)
        self.add_text(node, "dc:rights", report.license)
        self.add_text(node, "schema:copyrightNotice", report.copyright)
        self.add_text(node, "fabio:hasURL", report.url)
        if report.published and (datatype := date_type(report.published)):
            self.add_typed(node, "dcterms:issued", report.published, datatype)
