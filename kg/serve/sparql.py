"""The SPARQL endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyoxigraph as ox
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kg.errors import ServeError
from kg.serve.service import service

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["ROUTES"]


async def endpoint(request: Request) -> Response:
    """Answer a query."""
    text = request.query_params.get("query")
    if text is None:
        raise ServeError("There is no query.", 400)
    answer: bytes = await service(request).run(select, text)
    return Response(answer, media_type=ox.QueryResultsFormat.JSON.media_type)


def select(store: Store, text: str) -> bytes:
    """The answer to a query, as JSON."""
    try:
        found = store.query(text)
    except SyntaxError as error:
        raise ServeError(f"This is not valid SPARQL: {error}.", 400) from error
    if isinstance(found, ox.QueryTriples):
        raise ServeError("Ask for rows.", 400)
    return found.serialize(format=ox.QueryResultsFormat.JSON) or b""


ROUTES = [Route("/sparql", endpoint, methods=["GET"])]
