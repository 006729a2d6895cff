"""Decisions of readers who have the edit token: they come from the forms on a report's page, and go to the file."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kg.errors import ServeError
from kg.review import Curation, append
from kg.serve.access import COOKIE
from kg.serve.drafts import draft
from kg.serve.negotiation import form
from kg.serve.rendering import NAME, href, page
from kg.serve.reports import keys_of
from kg.serve.service import service

__all__ = ["ROUTES"]

_KEPT = 8 * 3600  # seconds that a browser stays signed in


async def decide(request: Request) -> Response:
    """Keep what a reader decided."""
    known = service(request)
    known.access.check(request)
    fields = {name: values[-1] for name, values in form(await request.body()).items()}
    who = fields.get("who") or unquote(request.cookies.get(NAME, ""))
    if not who.strip():
        raise ServeError("Say who decides: sign in with a name, or send it as the field who.", 400)
    when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    report = fields.get("report", "")
    keys: tuple[str, ...] = await known.run(keys_of, report)
    held = (await asyncio.to_thread(Curation.load, known.decisions)).of(keys)
    made = await known.run(draft, fields, who, when, held)
    await asyncio.to_thread(append, known.decisions, made)
    return RedirectResponse(f"{href(known.base, report)}#decisions", 303)


async def sign_in(request: Request) -> Response:
    """Ask for the edit token and a name; give a browser that sends them a session."""
    known = service(request)
    if request.method != "POST":
        return page(request, "sign-in.html", {})
    fields = {name: values[-1] for name, values in form(await request.body()).items()}
    name = " ".join(fields.get("who", "").split())
    if not name or len(name) > 100:
        return page(request, "sign-in.html", {"error": "A decision is somebody's: give your name."}, status=400)
    try:
        session = known.access.sign_in(fields.get("token", ""))
    except ServeError as error:
        return page(request, "sign-in.html", {"error": str(error)}, status=error.status)
    answer = RedirectResponse("/reports", 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, session, max_age=_KEPT, httponly=True, samesite="strict", secure=secure)
    answer.set_cookie(NAME, quote(name), max_age=_KEPT, httponly=True, samesite="strict", secure=secure)
    return answer


async def sign_out(request: Request) -> Response:
    """Forget the browser."""
    service(request).access.sign_out(request)
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    answer.delete_cookie(NAME, httponly=True, samesite="strict")
    return answer


ROUTES = [
    Route("/review", decide, methods=["POST"], name="review"),
    Route("/sign-in", sign_in, methods=["GET", "POST"], name="sign-in"),
    Route("/sign-out", sign_out, methods=["POST"], name="sign-out"),
]
