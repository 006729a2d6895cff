"""What a request says of itself: the media types that it accepts, that of its body, its fields, its address."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import parse_qsl

import mimeparse
import pyoxigraph as ox
from starlette.datastructures import URL
from starlette.requests import Request

from kg.errors import ServeError
from kg.serve.answers import Wanted
from kg.serve.service import service

__all__ = ["GRAPHS", "accepted", "address", "body_type", "form", "text", "wanted"]

# The first is what a client gets that does not care.
_ROWS = (
    "application/sparql-results+json", "application/json", "application/sparql-results+xml", "application/xml",
    "text/csv", "text/tab-separated-values",
)  # fmt: skip
GRAPHS = (
    "text/turtle", "application/n-triples", "application/ld+json", "application/rdf+xml", "application/trig",
    "application/n-quads", "text/n3",
)  # fmt: skip
_FIELDS = 100  # of a form


def accepted(request: Request, offered: Sequence[str]) -> str | None:
    """The media type of these that the request likes best, the first of equals; None if it accepts none."""
    ranges = ", ".join(r for value in request.headers.getlist("accept") for r in value.split(",") if r.strip())
    try:
        return _best(tuple(offered), ranges or "*/*")
    except mimeparse.MimeTypeParseException as error:
        raise ServeError(f"The header Accept cannot be understood: {error}.", 400) from error


@lru_cache(maxsize=128)  # few are sent, and to look through them takes as long as all else that is done for a request
def _best(offered: tuple[str, ...], ranges: str) -> str | None:
    return mimeparse.best_match(offered[::-1], ranges) or None


def body_type(request: Request) -> str:
    """The media type of the body, in lower case and without parameters.

    ServeError 415 if there is none, or the body is not in UTF-8.
    """
    try:
        kind, sort, parameters = mimeparse.parse_mime_type(request.headers.get("content-type", ""))
    except mimeparse.MimeTypeParseException as error:
        raise ServeError("The header Content-Type is missing, or cannot be understood.", 415) from error
    if parameters.get("charset", "utf-8").lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise ServeError("The body has to be in UTF-8.", 415)
    return f"{kind}/{sort}".lower()


def address(url: URL) -> str:
    """The address, without query and fragment, as an IRI; ServeError 400 if it is none, by a hostile Host or path."""
    try:
        return ox.NamedNode(str(url.replace(query="", fragment=""))).value
    except ValueError as error:
        raise ServeError(f"The address of this request is not an IRI: {error}.", 400) from error


def wanted(request: Request) -> Wanted:
    """What the request accepts, each as it likes best; ServeError 406 if it accepts nothing that there is."""
    known = service(request)
    rows, graph = accepted(request, _ROWS), accepted(request, GRAPHS)
    if rows is None and graph is None:
        raise ServeError("The request accepts no format of an answer.", 406)
    return Wanted(rows, graph, known.prefixes, known.limits.result)


async def text(request: Request) -> str:
    """The body as text."""
    return _decoded(await request.body())


def form(encoded: bytes) -> dict[str, list[str]]:
    """The fields of a URL's query or of a form's body, each with its values in order."""
    fields: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(
            _decoded(encoded), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS
        ):
            fields.setdefault(name, []).append(value)
    except UnicodeDecodeError:
        raise ServeError("The request is not in UTF-8.", 400) from None
    except ValueError:
        raise ServeError(f"A request may have at most {_FIELDS} fields.", 400) from None
    return fields


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise ServeError("The request is not in UTF-8.", 400) from None
