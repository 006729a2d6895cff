"""``kg vocab``: search, show, check and add vocabularies."""

from __future__ import annotations

import typer

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, help="Search, show, check and add vocabularies.")
