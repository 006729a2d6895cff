"""Exporters: one output format a file.

An exporter module has ``SUMMARY`` (one line), ``SUFFIX`` (such as ``".ttl"``) and
``write(store, out, *, text=True) -> None``, which writes bytes to ``out``; ``text=False`` leaves out full text and quotes.
"""

from __future__ import annotations

PROTOCOL = ("SUFFIX", "SUMMARY", "write")
