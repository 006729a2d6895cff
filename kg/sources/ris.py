"""RIS, the line format of reference managers (.ris): one reference or many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kg.errors import SourceError
from kg.model import Document
from kg.sources._files import stem_of
from kg.sources._tagged import tagged_document, tagged_records

__all__ = ["read", "recognises"]


def recognises(name: str, head: bytes) -> int:
    """By the tag of the first line, or the suffix."""
    return 2 if head.lstrip(b"\xef\xbb\xbf\r\n ").startswith(b"TY  - ") else int(name.lower().endswith(".ris"))


def read(path: Path) -> Iterator[Document | SourceError]:
    """The references of a file in its order; the text is title and abstract."""
    number = 0
    for number, tags in tagged_records(path, "TY"):
        where = f"{path}, line {number}"
        if isinstance(tags, SourceError):
            yield tags
        else:
            own = tags.get("ID") or tags.get("AN") or tags.get("DO") or [f"{stem_of(path)}-{number}"]
            yield tagged_document(tags, "ris", own[0], where)
    if not number:
        yield SourceError(f"{path}: holds no RIS reference; each begins with a line such as 'TY  - JOUR'.")
