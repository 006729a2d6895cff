"""The names of things in the graph: which report a document is, and the IRIs of its graph, cases, episodes and spans.

A report is named by its own best identifier (DOI, else PMID, PMCID, else a hash of its folded text), an episode by
report, case, kind and a hash of its folded quote. Nothing here depends on an extractor's ids, offsets or concepts, so a
name survives a better extractor. Only this module and ``quads`` mint IRIs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from hashlib import blake2b
from urllib.parse import quote

from kg.model import Document, Episode, Report

__all__ = [
    "copy_iri",
    "digest",
    "episode_names",
    "fold",
    "graph_iri",
    "identifiers",
    "is_copy",
    "other_by_id",
    "report_iri",
    "report_keys",
    "report_of",
    "review_iri",
    "reviewer_iri",
]

_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.\d{4,9}/\S+)", re.I)
_PMID = re.compile(r"(?:pmid:\s*)?(\d{1,9})", re.I)
_PMCID = re.compile(r"(?:pmcid:\s*)?(?:pmc)?(\d{1,9})", re.I)


def fold(text: str) -> str:
    """``text`` without what copies of one text differ in: width, case, white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def digest(text: str, size: int) -> str:
    """A hash of the folded text as ``2 * size`` hexadecimal digits."""
    return blake2b(fold(text).encode("utf-8", "replace"), digest_size=size).hexdigest()


def identifiers(report: Report) -> dict[str, str]:
    """The identifiers of a report that are well formed, normalised, best first: keys doi, pmid, pmcid."""
    found = {}
    if report.doi and (match := _DOI.fullmatch(report.doi.strip())):
        found["doi"] = match[1].lower()
    if report.pmid and (match := _PMID.fullmatch(report.pmid.strip())):
        found["pmid"] = str(int(match[1]))
    if report.pmcid and (match := _PMCID.fullmatch(report.pmcid.strip())):
        found["pmcid"] = f"PMC{int(match[1])}"
    return found


def report_iri(document: Document, base: str) -> str:
    """The IRI of the report that ``document`` is, such as ``<base>doi/10.1000%2Fxyz``.

    Further patients of an article, told of in records of their own, are reports of their own: ``<base>pmid/123-2``.
    """
    for name, value in identifiers(document.report).items():
        return _by(name, value, document.nth, base)
    return f"{base}text/{digest(document.text, 10)}"


def report_keys(document: Document) -> tuple[str, ...]:
    """What a copy of the report is known by: ``doi:...``, ``pmid:...``, ``pmcid:...``, ``title:`` and ``text:`` hashes.

    The title counts together with the authors and only where both are known.
    """
    report = document.report
    patient = f"#{document.nth}" if document.nth > 1 else ""
    keys = [f"{name}:{value}{patient}" for name, value in identifiers(report).items()]
    if report.title and report.authors:
        title = next((t for tag, t in report.title.items() if tag.startswith("en")), next(iter(report.title.values())))
        keys.append(f"title:{digest(' / '.join((title, *report.authors)), 10)}{patient}")
    return tuple(keys) or (f"text:{digest(document.text, 10)}",)


def copy_iri(report: str, document: Document, nth: int = 1) -> str:
    """The IRI of a copy of the report with that IRI, the ``nth`` of those that are alike word for word."""
    name = digest(f"{document.id} {document.text}", 6)
    return f"{report}/copy/{name}" + (f"-{nth}" if nth > 1 else "")


def report_of(node: str) -> str:
    """The IRI of the report that ``node`` is, or is a copy of."""
    return node.partition("/copy/")[0]


def is_copy(graph: str) -> bool:
    """Whether a graph is about a copy of a report."""
    return "/copy/" in graph


def other_by_id(document: Document, known: str, base: str) -> bool:
    """Whether it is another report than that named ``known``: both have an identifier of one kind, not the same."""
    return any(
        known.startswith(f"{base}{name}/") and known != _by(name, value, document.nth, base)
        for name, value in identifiers(document.report).items()
    )


def _by(name: str, value: str, nth: int, base: str) -> str:
    patient = f"-{nth}" if nth > 1 else ""
    return f"{base}{name}/{quote(value, safe='', errors='replace')}{patient}"


def graph_iri(report: str) -> str:
    """The IRI of the graph that holds all about the report with that IRI."""
    return f"{report}/graph"


def review_iri(report: str, name: str) -> str:
    """The IRI of the decision of that name about a report."""
    return f"{report}/review/{quote(name, safe='')}"


def reviewer_iri(base: str, who: str) -> str:
    """The IRI of the person of that name."""
    return f"{base}reviewer/{quote(fold(who), safe='', errors='replace')}"


def episode_names(episodes: Sequence[Episode]) -> list[str]:
    """A name for each of the episodes of one kind of a case: the hash of its quote, and ``-2`` ... among equals.

    Equals are counted in the order of the text.
    """
    hashes = [digest(e.text, 4) for e in episodes]
    if len(set(hashes)) == len(hashes):
        return hashes
    count: dict[str, int] = {}
    names = [""] * len(hashes)
    for n in sorted(range(len(hashes)), key=lambda n: (episodes[n].start, episodes[n].end, n)):
        count[hashes[n]] = nth = count.get(hashes[n], 0) + 1
        names[n] = hashes[n] if nth == 1 else f"{hashes[n]}-{nth}"
    return names
