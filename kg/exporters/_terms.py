"""kg/rules/exports.toml: what the terms of the graph are called in other people's formats."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import Any

from kg.resources import folder

__all__ = ["address", "terms"]


@cache
def terms(section: str) -> dict[str, Any]:
    """One section of the file."""
    every = tomllib.loads((folder("rules") / "exports.toml").read_text(encoding="utf-8"))
    found: dict[str, Any] = every[section]
    return found


def address(publication: str) -> str:
    """The web address of a publication, given as a CURIE; empty for one without such an identifier."""
    prefix, _, number = publication.partition(":")
    start = terms("publications").get(prefix)
    return f"{start}{number}" if start else ""
