"""Exporters: one output format a file.

An exporter module has ``SUMMARY`` (one line), ``SUFFIX`` (such as ``".ttl"``) and
``write(store, out, *, text=True) -> None``, which writes bytes to ``out``; ``text=False`` leaves out texts and quotes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from kg import registry

if TYPE_CHECKING:
    from kg.store import Store
    from kg.vocab import Vocabulary

__all__ = ["export", "formats", "verbatim"]

PROTOCOL = ("SUFFIX", "SUMMARY", "write")


def formats() -> dict[str, str]:
    """Every format's name with its one-line summary."""
    return {name: module.SUMMARY for name, module in registry.plugins("exporters").items()}


def export(store: Store, out: BinaryIO, format: str, *, text: bool = True) -> None:
    """Write the graph to ``out``; PluginError names the formats there are, ExportError says what cannot be written."""
    registry.plugin("exporters", format).write(store, out, text=text)


def verbatim(vocabulary: Vocabulary) -> tuple[str, ...]:
    """IRIs of the properties that hold a report's own words: its full text, and quotes of it."""
    return vocabulary.term("casekg:text"), vocabulary.term("oa:exact")
