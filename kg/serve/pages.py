"""The pages for people, written by the server from ``templates/``, which escape whatever they are given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from kg.query import ask
from kg.serve.service import service

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["ROUTES"]

_HERE = Path(__file__).parent
_TEMPLATES = Jinja2Templates(_HERE / "templates")  # names that end in .html are escaped


async def overview(request: Request) -> Response:
    """How much the graph holds."""
    counts = await service(request).run(count)
    return _TEMPLATES.TemplateResponse(request, "overview.html", {"counts": counts})


def count(store: Store) -> list[dict[str, Any]]:
    """What there is, with its count."""
    return list(ask(store, "summary").to_dicts())


ROUTES: list[BaseRoute] = [
    Route("/", overview, name="overview"),
    Mount("/static", StaticFiles(directory=_HERE / "static"), name="static"),
]
