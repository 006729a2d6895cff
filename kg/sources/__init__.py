"""Sources: one input format a file.

A source module has ``recognises(name, head) -> int``, which sees a file's name without ``.gz`` and its first
uncompressed bytes and says how sure it is (0 not mine, 1 by the name, 2 by the bytes; the surest reads), and
``read(path) -> Iterator[Document | SourceError]``, which yields what it can and an error for each record it cannot.
Modules that begin with ``_`` are shared by readers.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from kg.errors import SourceError
from kg.model import Document
from kg.registry import plugins
from kg.sources._files import first_bytes

__all__ = ["PROTOCOL", "expand", "may_hold_reports", "read"]

PROTOCOL = ("read", "recognises")

# What lies beside reports in a folder and is plainly none: passed over without a word.
_NO_DATA = frozenset({
    ".css", ".js", ".py", ".pyc", ".sh", ".r", ".ipynb", ".toml", ".yaml", ".yml", ".ini", ".cfg", ".lock", ".log",
    ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".tif", ".tiff", ".bmp", ".mp4", ".mov", ".mp3", ".wav",
    ".woff", ".woff2", ".ttf", ".ttl", ".trig", ".nq", ".nt", ".rq", ".bak", ".tmp", ".part", ".swp", ".md5", ".sha256",
})  # fmt: skip
_NO_REPORT = frozenset({"readme", "license", "licence", "copying", "notice", "changelog"})  # with any suffix or none


def expand(paths: Iterable[Path]) -> Iterator[Path]:
    """The files under ``paths`` in their order, each once; folders are walked by name without what is hidden."""
    seen: set[str] = set()
    for path in paths:
        for file in _walk(path) if _is_folder(path) else (path,):
            if (key := os.path.abspath(file)) not in seen:  # noqa: PTH100 (a link is a file of its own)
                seen.add(key)
                yield file


def _walk(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir(), key=lambda p: p.name)
    except OSError:
        yield folder  # ``read`` says why it cannot be listed
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if _is_folder(entry):
            if not entry.is_symlink():  # a link may lead back up
                yield from _walk(entry)
        elif may_hold_reports(entry.name):
            yield entry


def may_hold_reports(name: str) -> bool:
    """Whether a file of that name in a folder is read: it is not hidden, and its name is of no other kind of file."""
    bare = Path(name.removesuffix(".gz").lower())
    return not name.startswith(".") and bare.suffix not in _NO_DATA and bare.stem not in _NO_REPORT


def read(path: Path) -> Iterator[Document | SourceError]:
    """The reports of one file, by the reader that knows it best; what cannot be read comes as a SourceError."""
    try:
        yield from _reader(path).read(path)
    except SourceError as error:
        yield error


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # ``read`` says what is wrong with it


def _reader(path: Path) -> ModuleType:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise SourceError(f"{path}: there is no such file or folder; check the path.") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: cannot be reached ({getattr(error, 'strerror', None) or error}).") from error
    if stat.S_ISDIR(mode):
        raise SourceError(f"{path}: this folder cannot be listed; check its rights.")
    if not stat.S_ISREG(mode):
        raise SourceError(f"{path}: is a device or pipe, not a file; write its content to a file first.")
    head = first_bytes(path)
    if not head:
        raise SourceError(f"{path}: is empty; remove it or fill it.")
    readers = plugins("sources")
    name = path.name.removesuffix(".gz")
    sure = {reader: int(module.recognises(name, head)) for reader, module in readers.items()}
    best = max(sure, key=lambda reader: sure[reader])
    if not sure[best]:
        if head.startswith(b"PK\x03\x04") or head[257:262] == b"ustar":
            raise SourceError(f"{path}: is an archive of files; unpack it and give the folder.")
        raise SourceError(
            f"{path}: no reader knows this format (there are: {', '.join(readers)}); convert it or leave it out."
        )
    return readers[best]
