"""PubMed's own line format, MEDLINE (.nbib): one record or many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kg.errors import SourceError
from kg.model import Document
from kg.sources._tagged import tagged_document, tagged_records

__all__ = ["read", "recognises"]


def recognises(name: str, head: bytes) -> int:
    """By the tag of the first line, or the suffix."""
    return 2 if head.lstrip(b"\xef\xbb\xbf\r\n ").startswith(b"PMID- ") else int(name.lower().endswith(".nbib"))


def read(path: Path) -> Iterator[Document | SourceError]:
    """The records of a file in its order; the text is title and abstract."""
    number = 0
    for number, tags in tagged_records(path, "PMID"):
        where = f"{path}, line {number}"
        yield tags if isinstance(tags, SourceError) else tagged_document(tags, "nbib", "", where)
    if not number:
        yield SourceError(f"{path}: holds no PubMed record; each begins with a line such as 'PMID- 12345'.")
