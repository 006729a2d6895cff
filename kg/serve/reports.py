"""The list of reports, and one report: its text with the facts marked, the course, and a table of facts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pyoxigraph as ox
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kg.errors import QueryError, ReviewError, ServeError, VocabularyError
from kg.identity import graph_iri
from kg.model import ASSERTIONS, CATEGORIES, KINDS, ROLES
from kg.query import ask, filters, question
from kg.reports import Case, Episode, Link, Report, Reports
from kg.review import LINK_TYPES, Curation
from kg.serve.negotiation import form
from kg.serve.rendering import href, page
from kg.serve.service import service
from kg.serve.waiting import Waiting
from kg.table import Table

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["ROUTES", "Shown", "keys_of", "report_page", "told"]

_PAGE = 50  # reports of a page
_ALL: Mapping[str, str] = MappingProxyType({})
_ABSENT = {"absent": "absent", "present": ""}


async def reports(request: Request) -> Response:
    """The reports that a search and filters leave."""
    given = {k: v[-1].strip() for k, v in form(request.scope["query_string"]).items() if v[-1].strip()}
    number = int(given["page"]) if (given.get("page") or "").isdecimal() else 1
    values = {name: value for name, value in given.items() if name != "page"}
    asked = question("reports")
    shown: dict[str, Any] = {"parameters": (*asked.parameters, *filters().parameters), "values": values}
    try:
        known = service(request)
        every: Table = await (known.run(answer, values) if values else known.recall(answer))
    except (QueryError, VocabularyError) as error:
        return page(request, "reports.html", {**shown, "error": str(error)}, status=400)
    total, first = len(every), (number - 1) * _PAGE
    rows = Table(every.columns, every.rows[first : first + _PAGE]).to_dicts()
    more = {n: f"/reports?{urlencode({**values, 'page': n})}" for n in (number - 1, number + 1)}
    links = {
        "before": more[number - 1] if number > 1 else None,
        "after": more[number + 1] if number * _PAGE < total else None,
    }
    return page(request, "reports.html", {**shown, **links, "rows": rows, "total": total})


def answer(store: Store, values: Mapping[str, str] = _ALL) -> Table:
    """The reports that these values leave."""
    found = ask(store, "reports", values)
    return Table(found.columns, found.rows)


async def find(request: Request) -> Response:
    """From the id of a report to its page."""
    known = service(request)
    name = form(request.scope["query_string"]).get("id", [""])[-1]
    iri: str | None = await known.run(named, name)
    if iri is None:
        raise ServeError(f"There is no report {name!r}.", 404)
    return RedirectResponse(href(known.base, iri), 303)


def named(store: Store, name: str) -> str | None:
    """The IRI of the report with that id or key."""
    found = Reports(store, text=False).named(name)
    return found.iri if found else None


# --- one report -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of the text: ``kinds`` are the classes of the facts on it, ``title`` says what they are."""

    text: str
    start: int
    kinds: str = ""
    title: str = ""
    fact: str = ""  # where its row is


@dataclass(frozen=True, slots=True)
class Shown:
    """A report with its text cut into stretches."""

    report: Report
    marks: tuple[Mark, ...]
    built: frozenset[str]  # names of the decisions that are in the graph


def told(store: Store, iri: str) -> Shown | None:
    """The report with that IRI, ready to be shown."""
    report = Reports(store).named(iri)
    if report is None:
        return None
    start = f"{report.iri}/review/"
    nodes = {q.subject.value for q in store.quads(graph_iri(report.iri)) if isinstance(q.subject, ox.NamedNode)}
    built = frozenset(node.removeprefix(start) for node in nodes if node.startswith(start))
    return Shown(report, tuple(_marks(report)), built)


def keys_of(store: Store, iri: str) -> tuple[str, ...]:
    """The keys by which the report with that IRI is known; none if there is no such report."""
    report = Reports(store, text=False).named(iri)
    return report.keys if report else ()


async def report_page(request: Request, found: Shown) -> Response:
    """The page of a report, with what people decided about it."""
    report, known = found.report, service(request)
    fault = ""
    try:
        decided = (await asyncio.to_thread(Curation.load, known.decisions)).of(report.keys)
    except ReviewError as error:
        decided, fault = (), str(error)
    waiting = tuple(d for d in decided if d.name not in found.built)
    shown = {
        "report": report,
        "marks": found.marks,
        "decisions": decided,
        "waiting": waiting,
        "new": Waiting.of(report, waiting),
        "fault": fault,
        "taken_back": len(found.built - {d.name for d in decided}),
        "built": found.built,
        "codes": {"role": ROLES, "kind": KINDS, "category": CATEGORIES, "assertion": ASSERTIONS},
        "link_types": LINK_TYPES,
        "one": one,
        "course": course,
        "linked": linked,
        "anchor": lambda iri: iri.removeprefix(report.iri).lstrip("/"),
    }
    return page(request, "report.html", shown)


def one(episode: Episode) -> str:
    """What an episode is, beyond its label: role, kind, category, time."""
    parts = [episode.values.get(name, "") for name in ("role", "kind", "sort", "site", "dose")]
    if months := episode.values.get("durationMonths"):
        how = episode.values.get("durationType", "").replace("_", " ")
        parts.append(f"{how} {float(months):g} months".strip())
    if not episode.present:
        parts.insert(0, episode.assertion)
    return ", ".join(part.replace("_", " ") for part in parts if part)


def course(case: Case) -> list[Episode]:
    """What the report states of its patient, in the order in which it is told."""
    return sorted((e for e in case.episodes if e.present), key=lambda e: (e.quote.start, e.order))


def linked(case: Case, episode: Episode) -> list[tuple[str, Episode, Link]]:
    """The links that lead from an episode, in words."""
    words = {"for": "for", "partOf": "part of", "of": "of", "after": "after", "attributedTo": "attributed to"}
    return [(words[link.type], case.by_iri[link.target], link) for link in case.links if link.source == episode.iri]


def _marks(report: Report) -> Iterator[Mark]:
    """The text cut wherever a fact begins or ends; where facts overlap, the shortest gives the colour."""
    spans = sorted(
        (
            (quote.end - quote.start, quote.start, quote.end, episode.iri, episode)
            for case in report.cases
            for episode in case.episodes
            for quote in (episode.quote, *episode.mentions)
        ),
        key=lambda span: span[:4],
    )
    cuts = sorted({0, len(report.text), *(s[1] for s in spans), *(s[2] for s in spans)})
    for start, end in pairwise(cuts):
        here = [episode for _, first, last, _, episode in spans if first <= start and end <= last]
        if not here:
            yield Mark(report.text[start:end], start)
            continue
        unsure = _ABSENT.get(here[0].assertion, "unsure")
        several = "several" if len(here) > 1 else ""
        yield Mark(
            report.text[start:end],
            start,
            " ".join(filter(None, ("fact", here[0].kind.lower(), unsure, several))),
            "; ".join(dict.fromkeys(f"{e.kind.lower()}: {e.label}" for e in here)),
            here[0].iri.removeprefix(report.iri).lstrip("/"),
        )


ROUTES = [
    Route("/reports", reports, name="reports"),
    Route("/find", find, name="find"),
]
