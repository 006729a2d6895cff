"""What two builds say differently: facts added, removed and changed, report by report.

A fact is known again by its IRI, which stays the same while report, case and quoted words do. Order and place in the
text are no facts: they move when something before them does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kg.identity import graph_iri
from kg.reports import Case, Episode, Report, Reports
from kg.table import Table, Value

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["diff"]

_COLUMNS = ("id", "change", "class", "fact", "property", "before", "after", "quote", "iri")


@dataclass(frozen=True, slots=True)
class _Fact:
    """What a person calls it, its words in the report, and its values, which may change."""

    iri: str
    kind: str
    name: str
    values: Mapping[str, str]
    quote: str = ""


def diff(before: Store, after: Store) -> Table:
    """The facts in which two stores differ, by report: one row for each fact added or removed and each value changed.

    Reports are paired by IRI, those without a partner by id, since the IRI of a report without identifier is a hash of
    its text. Columns: id of the report, change, class, fact, property with its values before and after (of changed
    facts), quote, IRI without the base. The remark counts facts and reports.
    """
    old, new = Reports(before), Reports(after)
    rows: list[tuple[Value, ...]] = []
    pairs = _pairs(old, new)
    for one, other in pairs:
        if not (one and other) or _fingerprint(old, one) != _fingerprint(new, other):
            was, now = old.named(one) if one else None, new.named(other) if other else None
            if report := now or was:
                rows += _changes(report.id, _facts(old, was), _facts(new, now))
    facts = {change: len({(r[0], r[-1]) for r in rows if r[1] == change}) for change in ("added", "removed", "changed")}
    said = ", ".join(f"{count:,} facts {change}" for change, count in facts.items())
    touched = len({row[0] for row in rows})
    return Table(_COLUMNS, tuple(rows), remarks=(f"{said}, in {touched:,} of {len(pairs):,} reports.",))


def _pairs(old: Reports, new: Reports) -> list[tuple[str, str]]:
    """The IRIs of each report in both stores, empty in the one that does not have it."""
    names, others = _names(old), _names(new)
    ids = {_text(new, "casekg:sourceId", others[n]): n for n in others if n not in names}
    partner = {n: n if n in others else ids.get(_text(old, "casekg:sourceId", names[n]), "") for n in names}
    alone = others.keys() - set(partner.values())
    pairs = [(n, partner[n]) for n in names] + [("", n) for n in alone]
    return [(names.get(n, ""), others.get(m, "")) for n, m in sorted(pairs)]


def _names(reports: Reports) -> dict[str, str]:
    """The IRIs of all reports, by IRI without the base."""
    base, ending = reports.store.base, graph_iri("")
    own = (g.removesuffix(ending) for g in reports.store.data_graphs())
    return {iri.removeprefix(base): iri for iri in own if not iri.startswith(f"{base}extraction/")}


def _fingerprint(reports: Reports, report: str) -> str:
    """A hash of all that the report's graph was made from; where there is none, nothing that another could equal."""
    return _text(reports, "casekg:fingerprint", graph_iri(report)) or f"{id(reports)} {report}"


def _text(reports: Reports, curie: str, node: str) -> str:
    return reports.store.value(node, reports.vocabulary.term(curie)) or ""


def _changes(id: str, old: Mapping[str, _Fact], new: Mapping[str, _Fact]) -> Iterator[tuple[Value, ...]]:
    for key in sorted({*old, *new}):
        fact = new.get(key) or old[key]
        if key not in old or key not in new:
            change = "removed" if key in old else "added"
            yield id, change, fact.kind, fact.name, None, None, None, fact.quote, fact.iri
            continue
        was = old[key].values
        for what in sorted({*was, *fact.values}):
            one, other = was.get(what, ""), fact.values.get(what, "")
            if one != other:
                yield id, "changed", fact.kind, fact.name, what, one or None, other or None, fact.quote, fact.iri


def _facts(reports: Reports, report: Report | None) -> dict[str, _Fact]:
    """Every fact of a report, by what its IRI adds to the report's."""
    if report is None:
        return {}
    facts = {"": _of_report(report)}
    for case in report.cases:
        patient = {"age": case.age, "age group": case.age_group, "sex": case.sex}
        facts[case.iri] = _Fact(case.iri, "case", case.iri.rpartition("/")[2], patient)
        facts |= {e.iri: _of_episode(e) for e in case.episodes}
        facts |= _of_links(case)
    base = reports.store.base
    return {
        key.replace(f"{report.iri}/", ""): replace(fact, iri=fact.iri.removeprefix(base)) for key, fact in facts.items()
    }


def _of_report(report: Report) -> _Fact:
    values = {f"title@{language}": title for language, title in report.titles.items()} | {
        "id": report.id,
        "byline": report.byline,
        "journal": report.journal,
        "issued": report.issued,
        "volume": report.volume,
        "issue": report.issue,
        "pages": report.pages,
        "doi": report.doi,
        "pmid": report.pmid,
        "pmcid": report.pmcid,
        "rights": report.rights,
        "skipped because": report.skip,
        "SHA-256 of the text": report.input_hash,
    }
    return _Fact(report.iri, "report", report.title or report.id, values)


def _of_episode(episode: Episode) -> _Fact:
    concept = episode.concept.curie if episode.concept else ""
    values = {**episode.values, "label": episode.label, "concept": concept, "assertion": episode.assertion}
    return _Fact(episode.iri, episode.kind.lower(), episode.label, values, episode.quote.exact)


def _of_links(case: Case) -> dict[str, _Fact]:
    """Links by their ends and type; of a pair, ``attributedTo`` takes the place of ``after``."""
    facts = {}
    for link in case.links:
        source, target = case.by_iri[link.source], case.by_iri[link.target]
        name = f"{source.label} - {target.label}"
        key = f"{link.source} {'after' if link.type == 'attributedTo' else link.type} {link.target}"
        values = {"type": link.type, "evidence": link.evidence.exact}
        facts[key] = _Fact(link.iri, "link", name, values, link.evidence.exact)
    return facts
