"""Plain text pages, scraped or written: .txt and .md, one report a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kg.errors import SourceError
from kg.model import Document
from kg.sources._bibliography import report_of
from kg.sources._files import decoded, stem_of, whole
from kg.sources._layout import blocks_of, lay_out

__all__ = ["read", "recognises"]

_SUFFIXES = (".txt", ".text", ".md", ".markdown")


def recognises(name: str, head: bytes) -> int:
    """By its suffix alone: any text may be a report."""
    return int(name.lower().endswith(_SUFFIXES))


def read(path: Path) -> Iterator[Document | SourceError]:
    """The one report of a text file; its text is the file's, newlines and BOM as they are."""
    text = decoded(whole(path), str(path))
    if not text.strip("\ufeff \t\r\n\f"):
        yield SourceError(f"{path}: is empty; remove it or fill it.")
        return
    parts = lay_out(text, str(path))
    yield Document(stem_of(path), text, report_of(text, parts), blocks_of(parts), str(path))
