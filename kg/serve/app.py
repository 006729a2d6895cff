"""The application: all routes, and what every request goes through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from kg.errors import KGError, ServeError
from kg.serve import description, graphs, pages, questions, reports, reviewing, sparql, things
from kg.serve.guard import Guard, refusal
from kg.serve.rendering import page
from kg.serve.service import Service

__all__ = ["application"]


def application(service: Service, hosts: Collection[str] = ()) -> Starlette:
    """The application that serves this store under these names; it works while its lifespan lasts."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with service.running():
            yield

    guards = [Middleware(Guard, service.limits, service.access, hosts)]
    if service.cors:
        # Without Authorization among the headers, and without cookies: who comes from elsewhere can only read.
        guards.append(Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "HEAD", "POST"]))
    app = Starlette(
        routes=[
            *sparql.ROUTES,
            *graphs.ROUTES,
            *description.ROUTES,
            *pages.ROUTES,
            *reports.ROUTES,
            *things.ROUTES,
            *questions.ROUTES,
            *reviewing.ROUTES,
        ],
        middleware=guards,
        exception_handlers={KGError: _refuse, HTTPException: _refuse},
        lifespan=lifespan,
    )
    app.state.service = service
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    """The error as its sentence: on a page for a browser, as text for a program."""
    if isinstance(error, HTTPException):
        told, more = ServeError(f"{error.detail}.", error.status_code), dict(error.headers or {})
    else:
        told, more = error if isinstance(error, ServeError) else ServeError(str(error), 400), {}
    answer = refusal(told, more)
    if "text/html" not in request.headers.get("accept", ""):
        return answer
    kept = {name: value for name, value in answer.headers.items() if not name.startswith("content-")}
    return page(request, "error.html", {"error": str(told), "status": told.status}, status=told.status, headers=kept)
