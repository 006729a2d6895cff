"""NCBI E-utilities, shared by the services on them: a search on the history server, its ids, records by id.

Everything is sent by POST, so that long lists fit and no key stands in an address. See NCBI's "A General Introduction
to the E-utilities" (NBK25497): three requests a second, ten with a key, tool and e-mail with each.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from kg.errors import FetchError
from kg.fetch import Batch, Event, Found, Missing
from kg.online import AnswerError, Client, json_of

__all__ = ["ADDRESS", "connect", "fetched_by_id"]

ADDRESS = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
_SPACING, _SPACING_WITH_KEY = 0.37, 0.11  # seconds; a little less than the service allows
_PAGE = 5000  # ids listed at once
_FIRST, _LAST = date(1600, 1, 1), date(2100, 12, 31)


class _Search(NamedTuple):
    total: int
    key: str
    environment: str
    notes: tuple[str, ...]


def connect(email: str) -> Client:
    """A client that keeps the etiquette; the key is taken from NCBI_API_KEY."""
    key = os.environ.get("NCBI_API_KEY", "").strip()
    parameters = {"tool": "casekg", **({"email": email} if email else {}), **({"api_key": key} if key else {})}
    return Client(ADDRESS, spacing=_SPACING_WITH_KEY if key else _SPACING, parameters=parameters, secret=key)


def fetched_by_id(
    client: Client,
    database: str,
    query: str,
    limit: int | None,
    known: Collection[str],
    *,
    size: int,
    most: int | None,
    read: Callable[[bytes], dict[str, str]],
) -> Iterator[Event]:
    """The events of a fetch: ids from the history server, then what is not known, ``size`` records a file.

    ``most`` is how many records of one search the database lists; ``read`` gives for each id in an answer why it is
    not there, empty where it is.
    """
    search = _search(client, database, query)
    yield Found(search.total, search.notes)
    wanted = (key for key in islice(_ids(client, database, query, search, most), limit) if key not in known)
    while part := tuple(islice(wanted, size)):
        asking = {"db": database, "retmode": "xml", "id": ",".join(part)}
        data, came = client.ask("efetch.fcgi", lambda body: (body, read(body)), asking, post=True)
        delivered = tuple(key for key in part if came.get(key) == "")
        if delivered:
            yield Batch(f"{database}-{part[0]}.xml", data, delivered)
        for key in part:
            if key not in delivered:
                yield Missing(key, came.get(key) or "the service does not send it")


def _search(client: Client, database: str, query: str, days: tuple[date, date] | None = None) -> _Search:
    """A search whose result is kept on the history server; ``days`` narrows it to when records entered."""
    asking = {"db": database, "term": query, "usehistory": "y", "retmax": "0", "retmode": "json"}
    if days:
        asking |= {"datetype": "edat", "mindate": f"{days[0]:%Y/%m/%d}", "maxdate": f"{days[1]:%Y/%m/%d}"}
    return client.ask("esearch.fcgi", _found, asking, post=True)


def _found(body: bytes) -> _Search:
    answer = json_of(body)
    result: Any = answer.get("esearchresult") if isinstance(answer, dict) else None
    if not isinstance(result, dict):
        raise AnswerError("the answer holds no result of a search")
    if words := result.get("ERROR"):
        raise AnswerError(f"the search failed: {words}")
    if not str(result.get("count", "")).isdigit():
        raise AnswerError("the answer to the search has no count")
    total = int(result["count"])
    if total and not (result.get("webenv") and result.get("querykey")):
        raise AnswerError("the result of the search was not kept")
    unknown = (result.get("errorlist") or {}).get("phrasesnotfound") or ()
    notes = tuple(f"the service knows no {phrase!r} and leaves it out of the query" for phrase in unknown)
    return _Search(total, str(result.get("querykey", "")), str(result.get("webenv", "")), notes)


def _ids(client: Client, database: str, query: str, search: _Search, most: int | None) -> Iterator[str]:
    """The ids of a search; one of more than ``most`` is cut in two by date until the parts are small enough."""
    if most is None or search.total <= most:
        yield from _listed(client, database, search)
        return
    parts: list[tuple[date, date]] = [(_FIRST, _LAST)]
    while parts:
        first, last = parts.pop()
        narrowed = _search(client, database, query, (first, last))
        if narrowed.total <= most:
            yield from _listed(client, database, narrowed)
        elif first == last:
            raise FetchError(
                f"The query finds {narrowed.total} records that entered {database} on {first}, more than it lists at "
                "once; make the query narrower."
            )
        else:
            middle = first + (last - first) // 2
            parts += [(first, middle), (middle + timedelta(days=1), last)]  # the newest first


def _listed(client: Client, database: str, search: _Search) -> Iterator[str]:
    asking = {"db": database, "rettype": "uilist", "retmode": "text", "retmax": str(_PAGE)}
    asking |= {"WebEnv": search.environment, "query_key": search.key}
    for start in range(0, search.total, _PAGE):
        count = min(_PAGE, search.total - start)
        yield from client.ask("efetch.fcgi", partial(_numbers, count), {**asking, "retstart": str(start)}, post=True)


def _numbers(count: int, body: bytes) -> Sequence[str]:
    lines = body.decode("ascii", "replace").split()
    if len(lines) != count or not all(line.isdigit() for line in lines):
        raise AnswerError(f"the list of ids holds {len(lines)} words, not {count} numbers")
    return lines
