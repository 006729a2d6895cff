"""Exporters: one output format a file.

An exporter module has ``SUMMARY`` (one line), ``SUFFIX`` (such as ``".ttl"``) and ``write(store, out, *, text=True)``,
which writes bytes to ``out``; ``text=False`` leaves out texts and quotes. It returns None, or how often it had to leave
out what the format has no place for: ``{"conditions that no vocabulary holds": 3}``. Modules whose names begin with an
underscore are shared by several formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO

from kg import registry, vocab

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["export", "format_of", "formats", "withheld"]

PROTOCOL = ("SUFFIX", "SUMMARY", "write")


def formats() -> dict[str, str]:
    """Every format's name with its one-line summary."""
    return {name: module.SUMMARY for name, module in registry.plugins("exporters").items()}


def format_of(file: str) -> str | None:
    """The format whose suffix the file's name has, the longest if several fit; None if none does."""
    suffixes = {name: module.SUFFIX for name, module in registry.plugins("exporters").items()}
    fitting = [name for name, suffix in suffixes.items() if file.endswith(suffix)]
    return max(fitting, key=lambda name: len(suffixes[name]), default=None)


def export(store: Store, out: BinaryIO, format: str, *, text: bool = True) -> dict[str, int]:
    """Write the graph to ``out``; what had to be left out, with how often.

    PluginError names the formats there are, ExportError says what cannot be written.
    """
    left: Mapping[str, int] | None = registry.plugin("exporters", format).write(store, out, text=text)
    return {what: count for what, count in sorted((left or {}).items()) if count}


def withheld(text: bool) -> tuple[str, ...]:
    """IRIs of the properties to leave out: without ``text``, those of a report's full text and of quotes of it."""
    return () if text else tuple(map(vocab.load().term, ("casekg:text", "oa:exact")))
