"""Asking a service politely: one request at a time, spaced, tried again when the service or the line fails."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any, Self, TypeVar

import httpx
from lxml import etree

from kg.errors import FetchError

__all__ = ["AnswerError", "Client", "NotFoundError", "json_of", "xml_of"]

T = TypeVar("T")

_TRIES = 7
_FIRST_WAIT = 1.0  # seconds before the second try; doubled for each further one
_LONGEST_WAIT = 120.0  # a service that asks for more is asked another day
_LARGEST = 256 * 1024 * 1024  # bytes of one answer
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class AnswerError(Exception):
    """An answer that came whole by its status and is not what was asked for: it is asked for again."""


class NotFoundError(FetchError):
    """What was asked for does not exist (404, 410)."""


class Client:
    """One service. ``spacing``: seconds between requests; ``parameters`` go with each; ``secret`` is never shown."""

    def __init__(self, address: str, *, spacing: float, parameters: Mapping[str, str], secret: str = "") -> None:
        self.tell: Callable[[str], None] = lambda words: None
        self._address, self._spacing, self._parameters, self._secret = address, spacing, dict(parameters), secret
        self._next = 0.0
        self._http = httpx.Client(
            timeout=httpx.Timeout(90, connect=20),
            headers={"User-Agent": f"casekg/{version('casekg')} (+https://w3id.org/casekg)"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def ask(self, path: str, accept: Callable[[bytes], T], parameters: Mapping[str, str], *, post: bool = False) -> T:
        """What ``accept`` makes of the answer; AnswerError from it, a failing line or a busy service are tried again.

        FetchError when it will not do; NotFoundError for a 404.
        """
        everything = {**self._parameters, **parameters}
        why = ""
        for attempt in range(_TRIES):
            asked: float | None = None
            try:
                status, headers, body = self._send(path, everything, post)
                if status == 200:
                    return accept(body)
                if status in (404, 410):
                    raise NotFoundError(f"{self._address} has no {path}; check the address.")
                why = self._said(status, body)
                if status not in _AGAIN:
                    raise FetchError(f"{self._address} refuses: {why}; check the query, the key and the address.")
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
            self._next = time.monotonic() + wait
        raise FetchError(
            f"{self._address} does not answer ({why}); what came is kept, run the same command later to go on."
        )

    def _send(self, path: str, parameters: Mapping[str, str], post: bool) -> tuple[int, httpx.Headers, bytes]:
        time.sleep(max(0.0, self._next - time.monotonic()))
        self._next = time.monotonic() + self._spacing
        url = f"{self._address}/{path}"
        given: dict[str, Any] = {"data": parameters} if post else {"params": parameters}
        with self._http.stream("POST" if post else "GET", url, **given) as answer:
            pieces: list[bytes] = []
            size = 0
            for piece in answer.iter_bytes():
                size += len(piece)
                if size > _LARGEST:
                    raise FetchError(f"{self._address} sends more than {_LARGEST >> 20} MB at once; that is no report.")
                pieces.append(piece)
            return answer.status_code, answer.headers, b"".join(pieces)

    def _said(self, status: int, body: bytes) -> str:
        """The status and the service's own words for it, in one line."""
        try:
            told = json.loads(body)
            words = str(told.get("error") or told.get("errMsg") or "") if isinstance(told, dict) else ""
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
