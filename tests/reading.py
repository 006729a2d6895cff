"""What a reader gives: its documents, its refusals, the prose of a document."""

from __future__ import annotations

from pathlib import Path

from kg.errors import SourceError
from kg.model import Document
from kg.sources import read

__all__ = ["FORMATS", "PROSE", "documents", "errors", "prose"]

FORMATS = Path(__file__).parent / "formats"
PROSE = {"abstract", "introduction", "case", "discussion", "body"}


def documents(path: Path) -> list[Document]:
    return [d for d in read(path) if isinstance(d, Document)]


def errors(path: Path) -> list[str]:
    return [str(e) for e in read(path) if isinstance(e, SourceError)]


def prose(document: Document, *kinds: str) -> str:
    return "\n".join(document.text[b.start : b.end] for b in document.blocks if b.kind in (kinds or PROSE))
