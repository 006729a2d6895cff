"""What ``kg vocab add`` does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from kg.errors import VocabularyError
from kg.vocab import installed, packaged, shipped
from kg.vocab.entries import Source

__all__ = ["add"]


def add(
    file: str,
    *,
    name: str | None = None,
    kind: str | None = None,
    facet: str | None = None,
    priority: int | None = None,
    licence: str | None = None,
    release: str | None = None,
    prefixes: Mapping[str, str] | None = None,
) -> Source:
    """Read a file, or a vocabulary of the extra by its name, and install it; what is given overrides what it says.

    Raises VocabularyError if it cannot be read, or does not fit in with what is installed.
    """
    own = shipped.read()
    known = dict(own.prefixes)
    others = [s for s in installed.sources() if s.name != name]
    for source in others:
        known |= source.prefixes
    asked = {**known, **(prefixes or {})}
    if file in packaged.names() and not Path(file).exists():
        source = packaged.read(file, own)
    else:
        path = Path(file)
        source = replace(
            installed.read(path, own, prefixes=asked, kind=kind, facet=facet), name=path.name.split(".")[0]
        )
    source = replace(
        source,
        name=name or source.name,
        type=kind or source.type,
        facet=facet or source.facet,
        priority=source.priority if priority is None else priority,
        licence=licence or source.licence,
        release=release or source.release,
    )
    if source.priority < 1:
        raise VocabularyError("--priority is 1 or more: the shipped vocabulary always goes first.")
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", source.name) or source.name == "casekg":
        raise VocabularyError(f"{source.name!r} cannot name a vocabulary; say --name with letters, digits and hyphens.")
    for prefix, namespace in source.prefixes.items():
        if known.get(prefix, namespace) != namespace:
            raise VocabularyError(f"{file}: the prefix {prefix}: is {namespace} there and {known[prefix]} elsewhere.")
    installed.add(source)
    return source
