"""PubMed Central: articles as JATS XML, with their full text where the publisher allows it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from kg.fetch import Event
from kg.fetch._entrez import connect, fetched_by_id
from kg.online import AnswerError, Client, xml_of

__all__ = ["batches", "connect"]

_SORTS = ("pmc", "pmcid")


def batches(client: Client, query: str, limit: int | None, known: Collection[str]) -> Iterator[Event]:
    """The articles of a query, 20 a file; ids are PMCIDs without their letters."""
    return fetched_by_id(client, "pmc", query, limit, known, size=20, most=None, read=_ids_in)


def _ids_in(body: bytes) -> dict[str, str]:
    root = xml_of(body)
    if root.tag != "pmc-articleset":
        raise AnswerError(f"the answer is a {root.tag}: {' '.join(''.join(map(str, root.itertext())).split())[:200]}")
    found = {}
    for article in root.iterfind("article"):
        for key in article.iterfind("front/article-meta/article-id"):
            if key.get("pub-id-type") in _SORTS and key.text:
                found[key.text.strip().upper().removeprefix("PMC")] = ""
    for reply in root.iterfind("Reply"):
        found.setdefault(reply.get("Id", "").upper().removeprefix("PMC"), reply.get("error") or "is not delivered")
    return found
