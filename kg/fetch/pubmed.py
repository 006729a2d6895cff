"""PubMed: records with abstracts as MEDLINE XML, by a query in PubMed's own language."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from kg.fetch import Event
from kg.fetch._entrez import connect, fetched_by_id
from kg.online import AnswerError, Client, xml_of

__all__ = ["batches", "connect"]

_MOST = 9999  # of one search PubMed lists no more


def batches(client: Client, query: str, limit: int | None, known: Collection[str]) -> Iterator[Event]:
    """The records of a query, 200 a file; ids are PMIDs."""
    return fetched_by_id(client, "pubmed", query, limit, known, size=200, most=_MOST, read=_ids_in)


def _ids_in(body: bytes) -> dict[str, str]:
    root = xml_of(body)
    if root.tag != "PubmedArticleSet":
        raise AnswerError(f"the answer is a {root.tag}: {' '.join(''.join(map(str, root.itertext())).split())[:200]}")
    own = [e.text or "" for e in root.iterfind("PubmedArticle/MedlineCitation/PMID")]
    books = [e.text or "" for e in root.iterfind("PubmedBookArticle/BookDocument/PMID")]
    return dict.fromkeys(own, "") | dict.fromkeys(books, "is a chapter of a book")
