"""What every request goes through: its host, its size and time, and the headers of every answer."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kg.errors import ServeError
from kg.serve.access import Access
from kg.serve.limits import Limits

__all__ = ["Guard", "refusal"]

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PIECE = 64 * 1024  # bytes handed to the client at once; an answer of no more counts as small
_RETRY = 5  # seconds


class Guard:
    """Middleware around all routes.

    It reads the whole body before a route sees the request, and stops the work on it when the client goes away.
    ``hosts`` are the names under which the server may be asked, all if there are none: a page from elsewhere whose name
    its owner lets lead to this machine is not answered.
    """

    def __init__(self, app: ASGIApp, limits: Limits, access: Access, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._limits = limits
        self._access = access
        self._hosts = hosts
        self._leaving = 0  # bytes of large answers that clients have not taken yet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within the limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(self, send)
        try:
            self._check_host(HTTPConnection(scope))
            body = await self._body(scope, receive)
        except ServeError as refused:  # the rest of the request is not read
            await refusal(refused, {"Connection": "close"})(scope, receive, answer)
            return
        if body is None:
            return
        gone = asyncio.create_task(_gone(receive))
        work = asyncio.ensure_future(self._app(scope, _Arrived(body, gone), answer))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            self._leaving -= answer.size
            for task in (work, gone):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await work

    def leave(self, size: int) -> bool:
        """Count a large answer; whether there is room for it."""
        if self._leaving + size > self._limits.leaving:
            return False
        self._leaving += size
        return True

    def _check_host(self, request: HTTPConnection) -> None:
        if not self._hosts:
            return
        with suppress(ValueError):
            if urlsplit(f"//{request.headers.get('host', '')}").hostname in self._hosts:
                return
        raise ServeError(f"This server answers as {', '.join(sorted(self._hosts))} only.", 421)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The body of the request; None if the client has gone."""
        request = HTTPConnection(scope)
        most = self._limits.upload if self._access.may_edit(request) else self._limits.body
        too_large = ServeError(f"The body of this request may have at most {most} bytes.", 413)
        with suppress(ValueError):
            if int(request.headers.get("content-length", "0")) > most:
                raise too_large
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.arrival):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    pieces.append(message.get("body", b""))
                    size += len(pieces[-1])
                    if size > most:
                        raise too_large
                    if not message.get("more_body", False):
                        return b"".join(pieces)
        except TimeoutError:
            raise ServeError("The request took too long to arrive.", 408) from None


def refusal(error: ServeError, headers: dict[str, str] | None = None) -> PlainTextResponse:
    """An error as its sentence, with its status."""
    more = dict(headers or {})
    if error.retry_after is not None:
        more["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        more["WWW-Authenticate"] = "Bearer"
    return PlainTextResponse(f"{error}\n", error.status, more)


async def _gone(receive: Receive) -> None:
    """Wait until the client goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass


class _Arrived:
    """What a route receives: the body, and after that only that the client has gone."""

    def __init__(self, body: bytes, gone: asyncio.Task[None]) -> None:
        self._body: bytes | None = body
        self._gone = gone

    async def __call__(self) -> Message:
        """The next message."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await asyncio.shield(self._gone)
        return {"type": "http.disconnect"}


class _Answer:
    """What a route sends: it gets its headers, and goes out in pieces."""

    def __init__(self, guard: Guard, send: Send) -> None:
        self._guard = guard
        self._send = send
        self._start: Message | None = None
        self.size = 0  # bytes counted by the guard

    async def __call__(self, message: Message) -> None:
        """The next message."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            self._start = message
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if len(body) > _PIECE:
            if self._guard.leave(len(body)):
                self.size += len(body)
            elif self._start is not None:
                self._start = None
                busy = ServeError("Many large answers are on their way to others: try later.", 503, _RETRY)
                await refusal(busy)({"type": "http"}, _nothing, self)
                return
        if self._start is not None:
            await self._send(self._start)
            self._start = None
        for start in range(0, len(body) or 1, _PIECE):
            end = start + _PIECE
            await self._send({**message, "body": body[start:end], "more_body": more or end < len(body)})


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
