"""Where the shipped folders are (in a wheel, an editable install and a plain checkout), and the user's own."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

__all__ = ["cache_folder", "content_hash", "data_folder", "folder", "keep_newest"]

_CONTENT = {".toml", ".gz", ".npz", ".json", ".py"}  # what is a rule, a model or code


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


def keep_newest(place: Path, pattern: str, count: int = 4) -> None:
    """Delete all but the newest files of a folder that fit the pattern, so that a cache does not grow without end."""
    with suppress(OSError):  # another process may be at the same, or hold one open where that forbids it
        for old in sorted(place.glob(pattern), key=lambda file: file.stat().st_mtime)[:-count]:
            old.unlink(missing_ok=True)
