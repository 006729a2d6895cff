"""Where the shipped folders are: in a wheel, an editable install and a plain checkout."""

from __future__ import annotations

from pathlib import Path

__all__ = ["folder"]


def folder(name: str) -> Path:
    """The folder ``ontology``, ``shapes``, ``queries``, ``rules`` or ``models``, inside the package or beside it."""
    package = Path(__file__).parent
    shipped = package / name
    return shipped if shipped.is_dir() else package.parent / name
