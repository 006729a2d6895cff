"""Pages from ``templates/``, which escape whatever they are given; every link to a node of the graph is made here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from kg.serve.service import service

__all__ = ["FOLDER", "NAME", "href", "page"]

FOLDER = Path(__file__).parent
NAME = "kg-name"  # the cookie with the name of who is signed in
_TEMPLATES = Jinja2Templates(FOLDER / "templates")  # names that end in .html are escaped


def page(
    request: Request,
    template: str,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    """A page; templates know ``href``, whether the reader may edit, and whether anybody may."""
    known = service(request)
    common = {
        "href": lambda iri: href(known.base, iri),
        "may_edit": known.access.may_edit(request),
        "open": known.access.open,
        "reviewer": unquote(request.cookies.get(NAME, "")),
    }
    return _TEMPLATES.TemplateResponse(request, template, {**common, **values}, status, headers)


def href(base: str, iri: str) -> str:
    """Where a node of the graph is shown: data under ``/id/``, everything else by its IRI."""
    if iri.startswith(base):
        return "/id/" + quote(iri.removeprefix(base), safe="/%:@!$&'()*+,;=~.-_")
    return f"/resource?iri={quote(iri, safe='')}"
