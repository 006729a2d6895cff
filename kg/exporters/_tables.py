"""The graph as flat tables: which columns there are, and the rows of one report."""

from __future__ import annotations

from collections.abc import Iterator

from kg.reports import Case, Episode, Report

__all__ = ["TABLES", "Value", "numbers", "rows"]

Value = str | int | float | None

_SHARED = ("case", "order", "label", "concept", "concept_label", "codes", "assertion", "evidence")
TABLES: dict[str, tuple[str, ...]] = {
    "report": ("report", "id", "title", "byline", "journal", "issued", "volume", "issue", "pages", "doi", "pmid",
               "pmcid", "language", "rights", "input_hash", "extractor"),
    "case": ("case", "report", "age", "age_years", "age_group", "sex", "evidence"),
    "condition": ("condition", *_SHARED, "role", "site"),
    "intervention": ("intervention", *_SHARED, "kind", "dose", "line"),
    "outcome": ("outcome", *_SHARED, "category", "duration", "duration_months", "duration_type"),
    "finding": ("finding", *_SHARED, "sort"),
    "link": ("link", "case", "source", "type", "target", "evidence"),
    "evidence": ("evidence", "report", "exact", "start", "end", "sentence"),
}  # fmt: skip
_WHOLE = frozenset({"order", "line", "start", "end"})
_DECIMAL = frozenset({"age_years", "duration_months"})


def numbers(column: str) -> type[int] | type[float] | None:
    """What the values of a column are; None where they are text."""
    return int if column in _WHOLE else float if column in _DECIMAL else None


def rows(report: Report) -> Iterator[tuple[str, tuple[Value, ...]]]:
    """Name of the table and values in the order of its columns; several values in one cell are joined by "; "."""
    extractor = report.extraction.extractor if report.extraction else ""
    about = {
        "report": report.iri, "id": report.id, "title": report.title, "byline": report.byline,
        "journal": report.journal, "issued": report.issued, "volume": report.volume, "issue": report.issue,
        "pages": report.pages, "doi": report.doi, "pmid": report.pmid, "pmcid": report.pmcid,
        "language": "; ".join(report.languages), "rights": report.rights, "input_hash": report.input_hash,
        "extractor": extractor,
    }  # fmt: skip
    yield _row("report", about)
    for case in report.cases:
        yield from _case(case, report)
    for quote in report.quotes.values():
        place = {"start": str(quote.start), "end": str(quote.end)}
        said = {"evidence": quote.iri, "report": report.iri, "exact": quote.exact, "sentence": quote.sentence}
        yield _row("evidence", said | place)


def _case(case: Case, report: Report) -> Iterator[tuple[str, tuple[Value, ...]]]:
    about = {"case": case.iri, "report": report.iri, "age": case.age, "age_years": case.age_years}
    patient = {"age_group": case.age_group, "sex": case.sex, "evidence": "; ".join(q.iri for q in case.evidence)}
    yield _row("case", about | patient)
    for episode in case.episodes:
        kind = episode.kind.lower()
        yield _row(kind, {kind: episode.iri, "case": case.iri, **_episode(episode)})
    for link in case.links:
        ends = {"source": link.source, "type": link.type, "target": link.target}
        yield _row("link", {"link": link.iri, "case": case.iri, **ends, "evidence": link.evidence.iri})


def _episode(episode: Episode) -> dict[str, str]:
    concept = episode.concept
    return {
        "order": str(episode.order),
        "label": episode.label,
        "concept": concept.curie if concept else "",
        "concept_label": concept.label if concept else "",
        "codes": "; ".join(concept.codes) if concept else "",
        "assertion": episode.assertion,
        "evidence": episode.quote.iri,
        **episode.values,
        "duration_months": episode.values.get("durationMonths", ""),
        "duration_type": episode.values.get("durationType", ""),
    }


def _row(table: str, values: dict[str, str]) -> tuple[str, tuple[Value, ...]]:
    return table, tuple(_value(column, values.get(column, "")) for column in TABLES[table])


def _value(column: str, text: str) -> Value:
    number = numbers(column)
    return (number(text) if number else text) if text else None
