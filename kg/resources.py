"""Where the shipped folders are (in a wheel, an editable install and a plain checkout), and the user's own."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

__all__ = ["cache_folder", "cached", "content_hash", "data_folder", "folder"]

_CONTENT = {".toml", ".gz", ".npz", ".json", ".py"}  # what is a rule, a model or code
_KEPT = 4  # files of one kind in a cache
_LEFT = 3600  # seconds after which nobody writes a draft any more


def folder(name: str) -> Path:
    """The folder ``ontology``, ``shapes``, ``queries``, ``rules`` or ``models``, inside the package or beside it."""
    package = Path(__file__).parent
    shipped = package / name
    return shipped if shipped.is_dir() else package.parent / name


def cache_folder() -> Path:
    """Where this program keeps what it can make again: ``$CASEKG_CACHE``, else the user's cache folder."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get("CASEKG_CACHE") or user_cache_dir("casekg", appauthor=False))


def data_folder() -> Path:
    """Where this program keeps what the user gave it: ``$CASEKG_DATA``, else the user's data folder."""
    from platformdirs import user_data_dir

    return Path(os.environ.get("CASEKG_DATA") or user_data_dir("casekg", appauthor=False))


def content_hash(*places: Path) -> str:
    """A short hash of the rules, models and code in these files and folders: what it differs for behaves otherwise."""
    digest = hashlib.sha256()
    for root in places:
        for path in sorted(p for p in (root.rglob("*") if root.is_dir() else (root,)) if p.suffix in _CONTENT):
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


@contextmanager
def cached(file: Path, pattern: str) -> Iterator[Path]:
    """Where to write what becomes ``file`` of a cache when it is whole: other processes see all of it or nothing.

    Of the files that fit the pattern the newest four are kept; drafts that an ended process left go after an hour.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"draft-{uuid4().hex}")
    try:
        yield draft
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    with suppress(OSError):  # another process may be at the same, or hold one open where that forbids it
        left = (old for old in file.parent.glob("draft-*") if old.stat().st_mtime < time.time() - _LEFT)
        for old in (*sorted(file.parent.glob(pattern), key=lambda old: old.stat().st_mtime)[:-_KEPT], *left):
            old.unlink(missing_ok=True)
