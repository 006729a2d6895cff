"""Asking a service politely: requests spaced, tried again when the service or the line fails, answers bounded in size.

Only ``fetch`` and ``llm`` use this; nothing else of the program goes online.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from threading import Event, Lock
from types import MappingProxyType
from typing import Any, Self, TypeVar

import httpx
from lxml import etree

from kg.errors import FetchError

__all__ = ["AnswerError", "Client", "NoAnswerError", "NotFoundError", "RefusedError", "json_of", "xml_of"]

T = TypeVar("T")
_NONE: Mapping[str, str] = MappingProxyType({})

_TRIES = 7
_FIRST_WAIT = 1.0  # seconds before the second try; doubled for each further one
_LONGEST_WAIT = 120.0  # a service that asks for more is asked another day
_LARGEST = 256 * 1024 * 1024  # bytes of one answer
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class AnswerError(Exception):
    """An answer that came whole by its status and is not what was asked for: it is asked for again."""


class RefusedError(FetchError):
    """The service refuses for good; ``status`` and ``words`` say how."""

    def __init__(self, address: str, status: int, words: str) -> None:
        super().__init__(f"{address} refuses: {words}; check the query, the key and the address.")
        self.status, self.words = status, words


class NoAnswerError(FetchError):
    """No answer of use came, however often it was asked for."""


class NotFoundError(FetchError):
    """What was asked for does not exist (404, 410)."""


class Client:
    """One service, which several threads may ask.

    ``spacing``: seconds between requests; ``parameters`` and ``headers`` go with each; ``secret`` is never shown.
    ``silence``: seconds without a byte until the line counts as broken; ``patience``: seconds for one whole answer;
    ``largest``: bytes of it. ``permit`` is called before each request and may raise; ``tell`` hears why one is waited
    for; nothing is waited for any more once ``stopped`` is set.
    """

    def __init__(
        self,
        address: str,
        *,
        spacing: float,
        parameters: Mapping[str, str] = _NONE,
        headers: Mapping[str, str] = _NONE,
        secret: str = "",
        silence: float = 90,
        patience: float | None = None,
        largest: int = _LARGEST,
    ) -> None:
        self.tell: Callable[[str], None] = lambda words: None
        self.permit: Callable[[], None] = lambda: None
        self.stopped = Event()
        self._address, self._spacing, self._parameters, self._secret = address, spacing, dict(parameters), secret
        self._patience, self._largest = patience, largest
        self._next = 0.0
        self._turn = Lock()
        self._http = httpx.Client(
            timeout=httpx.Timeout(silence, connect=20),
            headers={"User-Agent": f"casekg/{version('casekg')} (+https://w3id.org/casekg)", **headers},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what connections are open."""
        self._http.close()

    def ask(self, path: str, accept: Callable[[bytes], T], parameters: Mapping[str, str], *, post: bool = False) -> T:
        """What ``accept`` makes of the answer; AnswerError from it, a failing line or a busy service are tried again.

        FetchError when it will not do: RefusedError where the service says no, NotFoundError for a 404.
        """
        everything = {**self._parameters, **parameters}
        return self._request(path, accept, "POST" if post else "GET", **{"data" if post else "params": everything})

    def post_json(self, path: str, accept: Callable[[bytes], T], content: Mapping[str, Any]) -> T:
        """The same for a request whose content is JSON."""
        return self._request(path, accept, "POST", json=content)

    def _request(self, path: str, accept: Callable[[bytes], T], method: str, **given: Any) -> T:
        why = ""
        for attempt in range(_TRIES):
            asked: float | None = None
            try:
                status, headers, body = self._send(method, path, given)
                if status == 200:
                    return accept(body)
                why = self._hidden(self._said(status, body))
                if status in (404, 410):
                    raise NotFoundError(f"{self._address} has no {path} ({why}); check the address.")
                if status not in _AGAIN:
                    raise RefusedError(self._address, status, why)
                asked = _retry_after(headers.get("Retry-After", ""))
            except (httpx.TransportError, httpx.DecodingError) as error:
                why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            except AnswerError as error:
                why = str(error)
            why = self._hidden(why)
            wait = max(_FIRST_WAIT * 2**attempt, asked or 0)
            if wait > _LONGEST_WAIT or attempt == _TRIES - 1:
                break
            self.tell(f"{self._address}: {why}; trying again in {wait:.0f} s.")
            with self._turn:
                self._next = max(self._next, time.monotonic() + wait)
        raise NoAnswerError(
            f"{self._address} does not answer ({why}); what came is kept, run the same command later to go on."
        )

    def _send(self, method: str, path: str, given: Mapping[str, Any]) -> tuple[int, httpx.Headers, bytes]:
        with self._turn:
            self.stopped.wait(max(0.0, self._next - time.monotonic()))
            self._next = time.monotonic() + self._spacing
            self.permit()
        begun = time.monotonic()
        with self._http.stream(method, f"{self._address}/{path}", **given) as answer:
            pieces: list[bytes] = []
            size = 0
            for piece in answer.iter_bytes():
                size += len(piece)
                if size > self._largest:
                    raise FetchError(
                        f"{self._address} sends more than {self._largest / 2**20:g} MB at once; that is no answer."
                    )
                if self._patience is not None and time.monotonic() - begun > self._patience:
                    raise FetchError(f"{self._address} takes more than {self._patience:g} s for one answer.")
                pieces.append(piece)
            return answer.status_code, answer.headers, b"".join(pieces)

    def _said(self, status: int, body: bytes) -> str:
        """The status and the service's own words for it, in one line."""
        try:
            told = json.loads(body)
            fault = (told.get("error") or told.get("errMsg") or "") if isinstance(told, dict) else ""
            words = str(fault.get("message", "") if isinstance(fault, dict) else fault)[:500]
        except ValueError:
            words = "" if b"<" in body[:500] else body[:200].decode("utf-8", "replace")
        return f"status {status}" + (f", {' '.join(words.split())}" if words.strip() else "")

    def _hidden(self, words: str) -> str:
        return words.replace(self._secret, "***") if self._secret else words


def _retry_after(header: str) -> float | None:
    """Seconds that a Retry-After header asks for, given as a number or a date."""
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def json_of(body: bytes) -> Any:
    """The JSON of an answer; control characters that services forget to escape are let pass."""
    try:
        return json.loads(body.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError) as error:
        raise AnswerError(f"the answer is not JSON ({error})") from error


def xml_of(body: bytes) -> etree._Element:
    """The root element of an answer; nothing outside it is loaded."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise AnswerError(f"the answer is cut off or no XML ({' '.join(str(error).split())})") from error
