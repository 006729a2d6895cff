"""kg/rules/exports.toml: what the terms of the graph are called in other people's formats."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import Any

from kg.resources import folder

__all__ = ["terms"]


@cache
def terms(section: str) -> dict[str, Any]:
    """One section of the file."""
    every = tomllib.loads((folder("rules") / "exports.toml").read_text(encoding="utf-8"))
    found: dict[str, Any] = every[section]
    return found
