"""Europe PMC: open-access articles as JATS XML, of all others the record with its abstract as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from kg.fetch import Batch, Event, Found, Missing
from kg.online import AnswerError, Client, NotFoundError, json_of, xml_of

__all__ = ["batches", "connect"]

ADDRESS = "https://www.ebi.ac.uk/europepmc/webservices/rest"
_SPACING = 0.2  # seconds
_PAGE = 1000  # hits listed at once
_RECORDS = 40  # records asked for at once, by their ids
_ID = re.compile(r"[\w./-]{1,60}", re.ASCII)


class _Hit(NamedTuple):
    id: str  # MED/29768149, PMC/PMC123, PPR/PPR1
    article: str  # its PMCID where the full text may be had


def connect(email: str) -> Client:
    """A client that keeps the etiquette."""
    return Client(ADDRESS, spacing=_SPACING, parameters={"email": email} if email else {})


def batches(client: Client, query: str, limit: int | None, known: Collection[str]) -> Iterator[Event]:
    """The articles of a query, a file each, and the records of those without full text, 40 a file."""
    total, hits = _hits(client, query)
    yield Found(total)
    left: list[_Hit] = []
    for hit in islice(hits, limit):
        if hit.id in known:
            continue
        article = _article(client, hit) if hit.article else None
        if article is not None:
            yield Batch(f"{hit.article}.xml", article, (hit.id,))
            continue
        left.append(hit)
        if len(left) == _RECORDS:
            yield from _records(client, left)
            left.clear()
    if left:
        yield from _records(client, left)


def _hits(client: Client, query: str) -> tuple[int, Iterator[_Hit]]:
    def page(mark: str) -> tuple[int, str, list[_Hit]]:
        return client.ask("search", _page, {**_asking(query), "cursorMark": mark, "pageSize": str(_PAGE)})

    total, following, first = page("*")

    def hits() -> Iterator[_Hit]:
        mark, found, after = "*", first, following
        seen: set[str] = set()
        while found:
            known = len(seen)
            for hit in found:
                if hit.id not in seen:
                    seen.add(hit.id)
                    yield hit
            if not after or after == mark or len(seen) == known:
                return
            mark = after
            _, after, found = page(mark)

    return total, hits()


def _asking(query: str) -> dict[str, str]:
    return {"query": query, "format": "json", "resultType": "lite"}


def _results(body: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    answer = json_of(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("hitCount"), int):
        raise AnswerError("the answer to the search has no count")
    listed = answer.get("resultList")
    found = listed.get("result") if isinstance(listed, dict) else None
    return answer, [hit for hit in found if isinstance(hit, dict)] if isinstance(found, list) else []


def _page(body: bytes) -> tuple[int, str, list[_Hit]]:
    answer, found = _results(body)
    hits = []
    for hit in found:
        key = f"{hit.get('source', '')}/{hit.get('id', '')}"
        if not _ID.fullmatch(key):
            continue
        open_text = hit.get("isOpenAccess") == "Y" and hit.get("inEPMC") == "Y"
        article = str(hit.get("pmcid") or "")
        hits.append(_Hit(key, article if open_text and re.fullmatch(r"PMC\d+", article) else ""))
    return answer["hitCount"], str(answer.get("nextCursorMark") or ""), hits


def _article(client: Client, hit: _Hit) -> bytes | None:
    """The full text of an article; None where the service has none."""
    try:
        return client.ask(f"{hit.article}/fullTextXML", _whole, {})
    except NotFoundError:
        return None


def _whole(body: bytes) -> bytes:
    if xml_of(body).tag != "article":
        raise AnswerError("the full text is no article")
    return body


def _records(client: Client, hits: Sequence[_Hit]) -> Iterator[Event]:
    """The records of these hits as one file, in their order."""
    pairs = (hit.id.partition("/")[::2] for hit in hits)
    query = " OR ".join(f'(EXT_ID:"{key}" AND SRC:{source})' for source, key in pairs)
    asking = {**_asking(query), "resultType": "core", "pageSize": str(len(hits))}
    _, found = client.ask("search", _results, asking)
    came = {f"{record.get('source', '')}/{record.get('id', '')}": record for record in found}
    there = [hit for hit in hits if hit.id in came]
    if there:
        listed = {"resultList": {"result": [came[hit.id] for hit in there]}}
        name = there[0].id.replace("/", "-")
        data = json.dumps(listed, ensure_ascii=False, indent=1).encode(errors="backslashreplace")
        yield Batch(f"europepmc-{name}.json", data, tuple(hit.id for hit in there))
    yield from (Missing(hit.id, "the service does not send it") for hit in hits if hit.id not in came)
