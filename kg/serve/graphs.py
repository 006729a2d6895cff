"""The graphs one by one, as the SPARQL 1.1 Graph Store HTTP Protocol says: to read, and to write with the edit token.

A graph is named in the URL, ``/data?graph=IRI`` or ``/data?default``, or is the URL itself, ``/data/...``.
"""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kg.errors import ServeError
from kg.serve import answers
from kg.serve.answers import Answer
from kg.serve.negotiation import GRAPHS, address, body_type, form, wanted
from kg.serve.service import service

__all__ = ["ROUTES"]


async def graph(request: Request) -> Response:
    """Read, replace, add to or remove one graph."""
    known = service(request)
    name, minted = _named(request)
    if request.method in {"GET", "HEAD"}:
        answer: Answer = await known.run(answers.read, name, wanted(request))
        return Response(answer.body, media_type=answer.media_type, headers={"Vary": "Accept"})
    known.access.check(request)
    if request.method == "DELETE":
        await known.write(answers.drop, name)
        return Response(status_code=204)
    kind = body_type(request)
    if kind not in GRAPHS:
        raise ServeError(f"A graph is sent as {', '.join(GRAPHS)}.", 415)
    base = name or address(request.url)
    new: bool = await known.write(answers.put, name, await request.body(), kind, base, request.method == "PUT")
    if minted:
        return Response(status_code=201, headers={"Location": base})
    return Response(status_code=201 if new else 204)


def _named(request: Request) -> tuple[str | None, bool]:
    """The IRI of the graph, None for the default graph; and whether it is a new one that the server names."""
    fields = form(request.scope["query_string"])
    here = address(request.url)
    if request.path_params.get("path"):
        if fields:
            raise ServeError("A graph is named by the path or by parameters, not by both.", 400)
        return here, False
    if set(fields) == {"default"} and len(fields["default"]) == 1:
        return None, False
    if set(fields) == {"graph"} and len(fields["graph"]) == 1:
        return fields["graph"][0], False
    if not fields and request.method == "POST":
        return f"{here.rstrip('/')}/{secrets.token_hex(16)}", True
    raise ServeError("Name one graph: ?graph=IRI, or ?default.", 400)


_METHODS = ["GET", "PUT", "POST", "DELETE"]
ROUTES = [
    Route("/data", graph, methods=_METHODS, name="data"),
    Route("/data/{path:path}", graph, methods=_METHODS),
]
