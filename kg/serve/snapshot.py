"""Copies of the store that nobody writes to, so that it can be read while 'kg build' goes on.

A copy is made of hard links where the file system has them: in no time, and of no size.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kg.errors import StoreError
from kg.store import open_store

try:
    import fcntl
except ImportError:  # Windows: what a killed server left is not cleared away
    fcntl = None  # type: ignore[assignment]

__all__ = ["Snapshots"]

_PREFIX = ".serve-"
_LOCK = "in-use"


class Snapshots:
    """The newest copy of a store, and older ones for as long as somebody reads them; for use by many threads."""

    def __init__(self, store: Path) -> None:
        """Make the first copy; StoreError if the store cannot be opened."""
        self.store = store
        self._lock = threading.Lock()
        self._users: Counter[Path] = Counter()
        self._number = 0
        self._stamp: object = None
        self._newest: Path | None = None
        self._folder = _folder(store)
        self._held = (self._folder / _LOCK).open("wb")
        if fcntl:
            fcntl.flock(self._held, fcntl.LOCK_EX)
        try:
            self.base = self._copy()
        except BaseException:
            self.close()
            raise

    @property
    def newest(self) -> Path:
        """The newest copy; ``use`` keeps it."""
        assert self._newest is not None
        return self._newest

    @contextmanager
    def use(self) -> Iterator[Path]:
        """The newest copy, kept while the context is open."""
        with self._lock:
            taken = self.newest
            self._users[taken] += 1
        try:
            yield taken
        finally:
            with self._lock:
                self._users[taken] -= 1
                self._clear()

    def refresh(self) -> bool:
        """Copy the store again if it has changed and nobody writes to it; whether there is a new copy."""
        if self._changes() == self._stamp:
            return False
        try:
            self._copy()
        except StoreError:
            return False
        return True

    def fresh(self) -> Path:
        """A place for a further copy, to be ``adopt``-ed."""
        with self._lock:
            self._number += 1
            return self._folder / str(self._number)

    def adopt(self, copy: Path) -> None:
        """A copy made by whoever wrote to the store is the newest from now on."""
        stamp = self._changes()
        with self._lock:
            self._newest, self._stamp = copy, stamp
            self._users[copy] += 0
            self._clear()

    def close(self) -> None:
        """Remove all copies."""
        self._held.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _copy(self) -> str:
        stamp, place = self._changes(), self.fresh()
        with open_store(self.store, read_only=True) as store:
            store.snapshot(place)
            base = store.base
        self.adopt(place)
        self._stamp = stamp  # what was written since is not in the copy
        return base

    def _clear(self) -> None:
        for copy in [c for c, users in self._users.items() if not users and c != self._newest]:
            del self._users[copy]
            shutil.rmtree(copy, ignore_errors=True)

    def _changes(self) -> object:
        """What is different when the store is."""
        found = []
        for file in self.store.iterdir():
            with suppress(OSError):  # gone in this moment
                known = file.stat()
                found.append((file.name, known.st_size, known.st_mtime_ns))
        return sorted(found)


def _folder(store: Path) -> Path:
    """A new folder for copies: beside the store, where links reach, else where temporary files are.

    What servers left that were killed is cleared away.
    """
    for left in store.parent.glob(f"{_PREFIX}*"):
        with suppress(OSError), (left / _LOCK).open("rb") as held:
            if fcntl:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
    with suppress(OSError):
        return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=store.parent))
    return Path(tempfile.mkdtemp(prefix=_PREFIX))
