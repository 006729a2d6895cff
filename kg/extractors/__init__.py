"""Extractors: one way of understanding a document a file.

An extractor module has ``version() -> str``, which changes with every rule and model, and
``prepare(lexicon) -> Callable[[Document], CaseRecord]``, which is called once a process.
"""

from __future__ import annotations

PROTOCOL = ("prepare", "version")
