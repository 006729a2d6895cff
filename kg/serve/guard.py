"""What every request goes through: how large it may be, how long it may take, and the headers of every answer."""

from __future__ import annotations

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kg.errors import ServeError
from kg.serve.limits import Limits

__all__ = ["Guard"]

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
_PIECE = 64 * 1024  # bytes handed to the client at once, so that a slow one is noticed


class Guard:
    """Middleware around all routes."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within the limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        arriving = _Arriving(receive, self._limits)
        leaving = _Leaving(send, self._limits.departure)
        try:
            await self._app(scope, arriving, leaving)
        except ServeError as refused:
            if not leaving.begun:
                headers = {"Connection": "close"}
                await PlainTextResponse(f"{refused}\n", refused.status, headers)(scope, receive, leaving)


class _Arriving:
    """The body of a request, which has a size and a time to arrive."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive = receive
        self._most = limits.upload
        self._until = asyncio.get_running_loop().time() + limits.arrival
        self._size = 0
        self._whole = False

    async def __call__(self) -> Message:
        """The next piece."""
        if self._whole:
            return await self._receive()  # waits until the client is gone
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise ServeError("The request took too long to arrive.", 408) from None
        self._size += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._size > self._most:
            raise ServeError(f"A request may hold at most {self._most} bytes.", 413)
        return message


class _Leaving:
    """The answer, which gets its headers, and a time to be taken away."""

    def __init__(self, send: Send, seconds: float) -> None:
        self._send = send
        self._seconds = seconds
        self.begun = False

    async def __call__(self, message: Message) -> None:
        """The next piece."""
        if message["type"] == "http.response.start":
            self.begun = True
            self._until = asyncio.get_running_loop().time() + self._seconds
            headers = MutableHeaders(raw=message["headers"])
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            await self._send(message)
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        async with asyncio.timeout_at(self._until):
            for start in range(0, len(body) or 1, _PIECE):
                end = start + _PIECE
                await self._send({**message, "body": body[start:end], "more_body": more or end < len(body)})
