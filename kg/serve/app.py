"""The application: all routes, and what every request goes through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from kg.errors import KGError, ServeError
from kg.serve import pages, sparql
from kg.serve.guard import Guard
from kg.serve.service import Service

__all__ = ["application"]


def application(service: Service) -> Starlette:
    """The application that serves this store; it works while its lifespan lasts."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = Starlette(
        routes=[*sparql.ROUTES, *pages.ROUTES],
        middleware=[Middleware(Guard, service.limits)],
        exception_handlers={KGError: _refuse},
        lifespan=lifespan,
    )
    app.state.service = service
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    """An error as its sentence, with its status."""
    status, headers = 400, {}
    if isinstance(error, ServeError):
        status = error.status
        if error.retry_after is not None:
            headers["Retry-After"] = str(error.retry_after)
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
    return PlainTextResponse(f"{error}\n", status, headers)
