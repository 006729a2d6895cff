"""The overview: how much the graph holds, whether it is as it must be, and the picture of it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from kg import resources
from kg.errors import ServeError
from kg.exporters import html
from kg.query import ask
from kg.serve.negotiation import form
from kg.serve.rendering import FOLDER, page
from kg.serve.service import Service, service

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["ROUTES"]

_MOST = 10_000  # reports that are drawn for who asks: a hundredth of a second of a processor each, in one picture

# The picture names its script and style by hash: this only lets it into a page of this server.
_PICTURE = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}
_FRAMES = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
}


async def overview(request: Request) -> Response:
    """How much the graph holds, what its last validation found, and the picture."""
    known = service(request)
    counts = await known.recall(count)
    shown = {"counts": counts, "validation": _validation(request), "drawn": _built(known).is_file() or _few(counts)}
    return page(request, "overview.html", shown, headers=_FRAMES)


def count(store: Store) -> list[dict[str, Any]]:
    """What there is, with its count."""
    return list(ask(store, "summary").to_dicts())


async def picture(request: Request) -> Response:
    """The exported picture of the whole graph as the build wrote it, or drawn anew; or of one report."""
    known = service(request)
    wanted = form(request.scope["query_string"]).get("report")
    built = _built(known)
    if not wanted and built.is_file():
        return FileResponse(built, headers=_PICTURE, media_type="text/html; charset=utf-8")
    if not wanted and not _few(await known.recall(count)):
        raise ServeError(f"This graph holds more than {_MOST:,} reports, too many for one picture.", 403)
    drawn: bytes = await (known.run(draw, tuple(wanted)) if wanted else known.recall(draw, None))
    return Response(drawn, headers=_PICTURE, media_type="text/html; charset=utf-8")


def _built(known: Service) -> Path:
    """The picture that the build wrote, where it did."""
    return known.store.parent / "graph.html"


def _few(counts: list[dict[str, Any]]) -> bool:
    """Whether there are so few reports that they can be drawn for who asks."""
    return all(row["count"] <= _MOST for row in counts if row["what"] == "reports")


def draw(store: Store, reports: tuple[str, ...] | None) -> bytes:
    """The picture of these reports, or of all."""
    out = io.BytesIO()
    html.write(store, out, reports=reports)
    return out.getvalue()


async def page_style(request: Request) -> Response:
    """The style of the picture, which marks facts here too."""
    return FileResponse(resources.folder("page") / "page.css", media_type="text/css")


def _validation(request: Request) -> dict[str, int] | None:
    """What the last build found wrong, by severity; None if there is no record of a build beside the store."""
    try:
        built = json.loads((service(request).store.parent / "build.json").read_text(encoding="utf-8"))
        return {str(severity): int(found) for severity, found in built["validation"].items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


ROUTES: list[BaseRoute] = [
    Route("/", overview, name="overview"),
    Route("/picture", picture, name="picture"),
    Route("/page.css", page_style, name="page-style"),
    Mount("/static", StaticFiles(directory=FOLDER / "static"), name="static"),
]
