"""Formats of vocabulary files: one a module.

A module has ``recognises(name, head) -> bool``, which sees a file's name in lower case without ``.gz`` and its first
bytes, and ``read(path, names) -> Source``, which hands on what the file says, with CURIEs made by ``names``.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, TextIO

from kg.errors import KGError, VocabularyError
from kg.registry import plugins
from kg.vocab.entries import Names, Source

PROTOCOL = ("read", "recognises")

__all__ = ["PROTOCOL", "binary", "read", "text"]


def read(path: Path, prefixes: Mapping[str, str]) -> Source:
    """What the vocabulary file ``path`` says, in whatever format; ``prefixes`` are known beside its own.

    Raises VocabularyError if it cannot be read or no format recognises it.
    """
    name = path.name.lower().removesuffix(".gz")
    known = plugins("vocab.formats")
    try:
        with binary(path) as handle:
            head = handle.read(4096)
        for module in known.values():
            if module.recognises(name, head):
                source = module.read(path, Names(prefixes, name.split(".")[0]))
                assert isinstance(source, Source)
                return source
    except KGError as error:
        raise VocabularyError(f"{path}: {error}") from error
    except (OSError, ValueError, SyntaxError, LookupError, TypeError) as error:
        raise VocabularyError(f"{path} cannot be read as a vocabulary: {error}.") from error
    raise VocabularyError(f"{path} is in no known vocabulary format; there are {', '.join(known)}.")


def binary(path: Path) -> BinaryIO:
    """A file opened for reading, unpacked if its name ends in ``.gz``."""
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")  # type: ignore[return-value]


def text(path: Path) -> TextIO:
    """The same as UTF-8 text, a byte order mark left out."""
    return io.TextIOWrapper(binary(path), encoding="utf-8-sig")
