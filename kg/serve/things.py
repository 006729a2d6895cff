"""Every IRI of the graph, dereferenced: as a page for people, as RDF for programs, by what the request accepts.

Data lie at ``/id/...``, which stands for the base of the graph's IRIs; every other IRI is asked for by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyoxigraph as ox
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kg import vocab
from kg.errors import ServeError, VocabularyError
from kg.identity import graph_iri, report_of
from kg.query import ask
from kg.reports import Reports
from kg.serve.answers import Answer, Wanted, serialized
from kg.serve.negotiation import GRAPHS, accepted, form
from kg.serve.rendering import href, page
from kg.serve.reports import Shown, report_page, told
from kg.serve.service import service

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["ROUTES"]

_FORMATS = {
    "ttl": "text/turtle",
    "nt": "application/n-triples",
    "jsonld": "application/ld+json",
    "rdf": "application/rdf+xml",
}
_PARTS = ("/case", "/span/", "/review/", "/graph")
_SHOWN = 500  # properties of a node, and uses of a concept


@dataclass(frozen=True, slots=True)
class Node:
    """What is known of a node that is neither report nor concept: its properties, readable name and value."""

    iri: str
    values: tuple[tuple[str, str, bool], ...]  # property, value, whether the value is an IRI


async def data(request: Request) -> Response:
    """A node of the data."""
    path = request.scope["raw_path"].decode("ascii", "replace").partition("/id/")[2]
    return await _thing(request, service(request).base + path)


async def resource(request: Request) -> Response:
    """Any node, by its IRI; a concept also by a label."""
    fields = form(request.scope["query_string"])
    if name := fields.get("name", [""])[-1].strip():
        iri: str = await service(request).run(called, name)
        return RedirectResponse(href(service(request).base, iri), 303)
    return await _thing(request, fields.get("iri", [""])[-1])


def called(store: Store, name: str) -> str:
    """The IRI of the concept with that label; ServeError 404 suggests others."""
    try:
        known = vocab.load()
        return known.expand(known.find(name))
    except VocabularyError as error:
        raise ServeError(str(error), 404) from error


async def _thing(request: Request, iri: str) -> Response:
    known = service(request)
    try:
        ox.NamedNode(iri)
    except ValueError as error:
        raise ServeError("That is no IRI.", 404) from error
    kind = _FORMATS.get(form(request.scope["query_string"]).get("format", [""])[-1])
    chosen = kind or accepted(request, ("text/html", *GRAPHS))
    if chosen is None:
        raise ServeError("The request accepts neither a page nor RDF.", 406)
    if chosen != "text/html":
        wanted = Wanted(None, chosen, known.prefixes, known.limits.result)
        answer: Answer = await known.run(described, iri, wanted)
        return Response(answer.body, media_type=answer.media_type, headers={"Vary": "Accept"})
    found: Shown | Node | dict[str, Any] | str = await known.run(shown, iri)
    answered = await _page(request, iri, found)
    answered.headers["Vary"] = "Accept"
    return answered


async def _page(request: Request, iri: str, found: Shown | Node | dict[str, Any] | str) -> Response:
    """The page of what was found, or the way to the page that it stands on."""
    if isinstance(found, str):
        return RedirectResponse(href(service(request).base, found) + f"#{iri.removeprefix(found).lstrip('/')}", 303)
    if isinstance(found, Shown):
        return await report_page(request, found)
    if isinstance(found, Node):
        return page(request, "node.html", {"node": found})
    return page(request, "concept.html", {"concept": found})


def described(store: Store, iri: str, wanted: Wanted) -> Answer:
    """The graph of a report, or else all that is said of a node; ServeError 404 if nothing is."""
    graph = next((g for g in (iri, graph_iri(iri)) if iri.startswith(store.base) and store.holds(g)), None)
    triples = [q.triple for q in (store.quads(graph) if graph else store.about(ox.NamedNode(iri)))]
    if not triples:
        raise ServeError(f"The graph says nothing of {iri}.", 404)
    return serialized(sorted({*triples}, key=str), wanted)


def shown(store: Store, iri: str) -> Shown | Node | dict[str, Any] | str:
    """The report with that IRI; the IRI of the report that holds the node; what is known of a concept or other node."""
    reports = Reports(store)
    if iri.startswith(store.base):
        if report := told(store, iri):
            return report
        ends = [end for part in _PARTS if (end := iri.find(part, len(store.base))) > 0]
        holder = report_of(iri[: min(ends)] if ends else iri)
        if holder != iri and store.holds(graph_iri(holder)) and reports.named(holder):
            return holder
    elif (curie := reports.vocabulary.compact(iri)) in reports.vocabulary.concepts:
        return _concept(store, curie)
    about = [
        (
            reports.vocabulary.compact(q.predicate.value),
            str(getattr(q.object, "value", q.object)),
            isinstance(q.object, ox.NamedNode),
        )
        for q in store.about(ox.NamedNode(iri))
    ]
    if not about:
        raise ServeError(f"The graph says nothing of {iri}.", 404)
    return Node(iri, tuple(sorted(about)[:_SHOWN]))


def _concept(store: Store, curie: str) -> dict[str, Any]:
    """All that the vocabularies say of a concept, and where reports use it or a kind of it."""
    about = vocab.load().show(curie)
    found = ask(store, "uses", {"concept": curie})
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows[:_SHOWN]]
    facts = (found.facts or ())[:_SHOWN]
    return {
        **about,
        "uses": [{**row, "facts": list(of)} for row, of in zip(rows, facts, strict=True)],
        "total": len(found),
    }


ROUTES = [
    Route("/id/{path:path}", data, name="data"),
    Route("/resource", resource, name="resource"),
]
