"""The line to a SPARQL 1.1 store: its addresses, who asks, the terms it keeps in its own way, refusals in one sentence.

Where servers answer stands in servers.json. Requests go to the address that was given and nowhere else: https, or http
on this machine; nothing is redirected. User and password come from the environment or ~/.netrc and are shown only to a
server that asks for them.
"""

from __future__ import annotations

import json
import netrc
import os
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from kg.errors import StoreError
from kg.resources import folder

__all__ = ["TABLE", "TRIPLES", "Endpoint", "query_text"]

TABLE = "application/sparql-results+json"
TRIPLES = "application/n-triples"
_NONE: Mapping[str, str] = MappingProxyType({})
_SILENCE = 900.0  # seconds: a question of a large graph may take minutes
_WORDS = 300  # characters of what a server says for itself
_TYPED = rb'(?<!\\)("\^\^<)%s(>)'  # the datatype of a literal in N-Triples
_ASIDE = re.compile(r"<[^<>\s]*>|#.*")  # in a query: IRIs and comments
_FORM = re.compile(r"\b(?:select|ask|construct|describe)\b", re.IGNORECASE)
_ENDS = re.compile(r"/(?:sparql|query)?/*$")  # of an address: who names the query address means the store


@dataclass(frozen=True, slots=True)
class _Server:
    """A kind of server: what follows its address where it takes queries, gives graphs, and takes them if elsewhere.

    ``address`` is a pattern that its address fits, ``says`` a word of its header Server. ``kept_as`` names datatypes
    whose values it would change, and what they are sent as.
    """

    name: str
    query: str
    graphs: str
    written: str = ""
    address: str = ""
    says: str = ""
    kept_as: Mapping[str, str] = field(default_factory=dict)


class Endpoint:
    """One store. StoreError if the address cannot be used or no store of a known kind answers there."""

    def __init__(self, address: str) -> None:
        url = _checked(address)
        self.address = _ENDS.sub("", str(url.copy_with(fragment=None)))
        local = _local(url.host)
        self._http = httpx.Client(
            timeout=httpx.Timeout(_SILENCE, connect=20), auth=_login(url.host), trust_env=not local
        )
        try:
            self._server = self._recognised()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close what connections are open."""
        self._http.close()

    def ask(self, query: str, more: Mapping[str, str]) -> tuple[str, bytes]:
        """The media type, ``TABLE`` or ``TRIPLES``, and bytes of the answer; SyntaxError if it is no query there.

        ``more`` are further parameters of the request.
        """
        answer = self._query(self._server, query, more)
        if answer.status_code == 400:
            raise SyntaxError(_words(answer))
        kind, body = _media_type(answer), self._taken(answer).content
        most = answer.headers.get("X-SPARQL-MaxRows", "")
        if kind == TABLE and most.isdigit() and len(json.loads(body)["results"]["bindings"]) >= int(most):
            raise StoreError(f"{self.address} gives no more than {most} rows of an answer: have its limit raised.")
        if kind not in {TABLE, TRIPLES}:
            raise StoreError(f"{self.address} answers with {kind or 'something unnamed'}, which cannot be read.")
        return kind, self._restored(body, rb'(?<!\\)("datatype"\s*:\s*")%s(")' if kind == TABLE else _TYPED)

    def get(self, graph: str) -> bytes:
        """A graph as N-Triples; empty if it is not there."""
        answer = self._send("GET", self._server.graphs, params={"graph": graph}, headers={"Accept": TRIPLES})
        return b"" if answer.status_code == 404 else self._restored(self._taken(answer).content, _TYPED)

    def put(self, graph: str, triples: bytes) -> None:
        """Put N-Triples in the place of what a graph held."""
        self._write("PUT", graph, triples)

    def add(self, graph: str, triples: bytes) -> None:
        """Add N-Triples to a graph."""
        self._write("POST", graph, triples)

    def delete(self, graph: str) -> None:
        """Remove a graph, if it is there."""
        answer = self._send("DELETE", self._server.written or self._server.graphs, params={"graph": graph})
        if answer.status_code != 404:
            self._taken(answer)

    def _write(self, method: str, graph: str, triples: bytes) -> None:
        for kind, other in self._server.kept_as.items():
            triples = re.sub(_TYPED % re.escape(kind.encode()), rb"\1%s\2" % other.encode(), triples)
        place = self._server.written or self._server.graphs
        headers = {"Content-Type": TRIPLES}
        self._taken(self._send(method, place, params={"graph": graph}, content=triples, headers=headers))

    def _restored(self, body: bytes, where: bytes) -> bytes:
        """The bytes with the datatypes that were sent."""
        for kind, other in self._server.kept_as.items():
            body = re.sub(where % re.escape(other.encode()), rb"\1%s\2" % kind.encode(), body)
        return body

    def _recognised(self) -> _Server:
        """The kind of server that it is, known from where it answers."""
        told = "status unknown"
        for server in _servers():
            if not re.search(server.address, self.address):
                continue
            answer = self._query(server, query_text("union"))
            if answer.status_code in {401, 403}:
                self._taken(answer)
            says = answer.headers.get("Server", "").lower()
            if answer.is_success and _media_type(answer) == TABLE and server.says in says:
                return server
            told = f"status {answer.status_code}"
        raise StoreError(
            f"{self.address} does not answer as a SPARQL 1.1 store ({told}): give the address of the store, such as "
            "http://localhost:7878 or https://example.org/repositories/casekg."
        )

    def _query(self, server: _Server, query: str, more: Mapping[str, str] = _NONE) -> httpx.Response:
        form = _FORM.search(_ASIDE.sub(" ", query))
        kind = TRIPLES if form and form[0].lower() in {"construct", "describe"} else TABLE
        return self._send("POST", server.query, data={"query": query, **more}, headers={"Accept": kind})

    def _send(self, method: str, place: str, **given: Any) -> httpx.Response:
        """The answer to a request; all requests may be sent twice, so a line that breaks is tried once more."""
        for tries in (1, 2):
            try:
                return self._http.request(method, f"{self.address}{place}", **given)
            except httpx.TransportError as error:
                if tries == 2 or isinstance(error, httpx.TimeoutException | httpx.ConnectError):
                    why = str(error) or type(error).__name__
                    raise StoreError(f"{self.address} does not answer ({why}): is the store running there?") from error
        raise AssertionError

    def _taken(self, answer: httpx.Response) -> httpx.Response:
        """The answer, if it is no refusal."""
        if answer.is_success:
            return answer
        status = f"status {answer.status_code}"
        if answer.status_code in {401, 403}:
            raise StoreError(
                f"{self.address} refuses this user ({status}): give user and password as KG_STORE_USER and "
                "KG_STORE_PASSWORD, or in ~/.netrc."
            )
        if answer.is_redirect:
            raise StoreError(f"{self.address} points elsewhere ({status}), where nothing is sent: give that address.")
        raise StoreError(f"{self.address} refuses ({status}: {_words(answer)}); what was stored is kept.")


class _Login(httpx.Auth):
    """Shows user and password when the server first asks for them, in the way it asks for; alone a password is a token.

    From then on they go with each request.
    """

    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password
        self._way: httpx.Auth | None = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """One request, and once more with the password."""
        if self._way is None:
            answer = yield request
            if answer.status_code != 401:
                return
            if not self._user:
                self._way = _Bearer(self._password)
            elif answer.headers.get("WWW-Authenticate", "").lower().startswith("digest"):
                self._way = httpx.DigestAuth(self._user, self._password)
            else:
                self._way = httpx.BasicAuth(self._user, self._password)
        yield from self._way.auth_flow(request)


class _Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


def query_text(name: str) -> str:
    """The text of a query of queries/store/."""
    return (folder("queries") / "store" / f"{name}.rq").read_text(encoding="utf-8")


@cache
def _servers() -> tuple[_Server, ...]:
    return tuple(_Server(**row) for row in json.loads(Path(__file__).with_name("servers.json").read_text("utf-8")))


def _checked(address: str) -> httpx.URL:
    """The address, if requests may go there."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise StoreError(f"This is no address of a store ({error}): give one such as https://example.org.") from error
    if url.userinfo:
        raise StoreError(
            f"User and password do not belong into the address of the store at {url.host}: give them as KG_STORE_USER "
            "and KG_STORE_PASSWORD, or in ~/.netrc."
        )
    if not url.host or url.query or not (url.scheme == "https" or (url.scheme == "http" and _local(url.host))):
        raise StoreError(
            f"{url} is no address of a store that may be used: it must begin with https://, or http:// for a store of "
            "this machine, and have no parameters."
        )
    return url


def _local(host: str) -> bool:
    """Whether that is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _login(host: str) -> httpx.Auth | None:
    """User and password of the environment, else of ~/.netrc."""
    user, password = os.environ.get("KG_STORE_USER", ""), os.environ.get("KG_STORE_PASSWORD", "")
    if not password:
        try:
            user, _, password = netrc.netrc().authenticators(host) or ("", "", "")
        except FileNotFoundError:
            return None
        except (netrc.NetrcParseError, OSError, UnicodeDecodeError) as error:
            raise StoreError(f"~/.netrc cannot be read ({type(error).__name__}): mend it.") from error
    return _Login(user, password) if password else None


def _media_type(answer: httpx.Response) -> str:
    return str(answer.headers.get("Content-Type", "")).partition(";")[0].strip().lower()


def _words(answer: httpx.Response) -> str:
    """What a server says for itself, in one line."""
    text = re.sub(r"<[^<>]*>", " ", answer.text[: 20 * _WORDS])
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words[:_WORDS].rstrip(".;") or "no reason given"
