"""Who may change something: whoever sends the edit token.

The token comes in the header ``Authorization: Bearer TOKEN`` or, from the pages, once in the body of a form, for which
a browser gets a cookie. It is never in a URL, and never logged. A request that comes with the cookie must also come
from this server's own pages.
"""

from __future__ import annotations

import hmac
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from kg.errors import ServeError

__all__ = ["COOKIE", "Access"]

COOKIE = "kg-session"
_SESSIONS = 1000  # as many browsers are remembered; the oldest has to sign in again


class Access:
    """Knows the token and the browsers that have shown it; without a token nobody may change anything."""

    def __init__(self, token: str | None) -> None:
        self._token = token.encode() if token else None
        self._sessions: dict[str, None] = {}

    @property
    def open(self) -> bool:
        """Whether anybody at all may change something."""
        return self._token is not None

    def knows(self, token: str) -> bool:
        """Whether this is the token; takes the same time whatever it is."""
        return self._token is not None and hmac.compare_digest(self._token, token.encode(errors="surrogateescape"))

    def sign_in(self, token: str) -> str:
        """A new session, the value of the cookie; ServeError 403 if this is not the token."""
        if not self.knows(token):
            raise ServeError("This is not the edit token.", 403)
        session = secrets.token_urlsafe(32)
        self._sessions[session] = None
        while len(self._sessions) > _SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        return session

    def sign_out(self, request: HTTPConnection) -> None:
        """Forget the browser's session."""
        self._sessions.pop(_session(request), None)

    def may_edit(self, request: HTTPConnection) -> bool:
        """Whether the request shows the token, or a session that has."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self.knows(token.strip())
        return _session(request) in self._sessions

    def check(self, request: HTTPConnection) -> None:
        """ServeError unless this request may change something: 403 if nobody may, or it is not from here; else 401."""
        if not self.open:
            raise ServeError("This server only reads: start it with --edit to change anything.", 403)
        if not self.may_edit(request):
            raise ServeError("To change anything, send the edit token in the header Authorization: Bearer TOKEN.", 401)
        if "authorization" not in request.headers and not _from_here(request):
            raise ServeError("A page from elsewhere asked for this change; it was not made.", 403)


def _session(request: HTTPConnection) -> str:
    jar = SimpleCookie()
    try:
        jar.load(request.headers.get("cookie", ""))
    except CookieError:
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""


def _from_here(request: HTTPConnection) -> bool:
    """Whether a browser says that a page of this server sent the request; every browser says one of the two."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = urlsplit(request.headers.get("origin", ""))
    return bool(origin.netloc) and origin.netloc == request.headers.get("host")
