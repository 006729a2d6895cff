"""Which input file holds which reports: what a build may skip, and what it must remove.

Kept as ``inputs.json`` beside the store. It only saves work: if it is lost, the next build reads every file again and
finds in the graph itself that nothing has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["Inputs"]


@dataclass
class _File:
    """One file as last read: size and time to see at a glance that it is the same, a hash to be sure."""

    size: int
    changed: int  # nanoseconds
    sha256: str
    graphs: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)  # graphs of reports that another file holds too


class Inputs:
    """The files of one store. ``configuration`` stands for everything but the files that the graph depends on."""

    def __init__(self, path: Path, configuration: str) -> None:
        self._path = path
        self._configuration = configuration
        self._files: dict[str, _File] = {}
        self._same = False
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            self._files = {name: _File(**entry) for name, entry in stored["files"].items()}
            self._same = stored["configuration"] == configuration
        except (OSError, ValueError, TypeError, KeyError):
            self._files = {}
        self._owners = {graph: name for name, entry in self._files.items() for graph in entry.graphs}

    def unchanged(self, path: Path) -> _File | None:
        """The entry of a file whose bytes and configuration are those of the last build, else None."""
        entry = self._files.get(_name(path))
        if entry is None or not self._same:
            return None
        stat = path.stat()
        if (stat.st_size, stat.st_mtime_ns) == (entry.size, entry.changed):
            return entry
        return entry if stat.st_size == entry.size and _sha256(path) == entry.sha256 else None

    def start(self, path: Path) -> _File:
        """A fresh entry for a file about to be read; what it held before it must claim again."""
        stat = path.stat()
        before = self._files.get(_name(path))
        for graph in before.graphs if before else ():
            self._owners.pop(graph, None)
        entry = self._files[_name(path)] = _File(stat.st_size, stat.st_mtime_ns, _sha256(path))
        return entry

    def claim(self, path: Path, graph: str) -> bool:
        """Make the file the holder of a report; False if another file holds it: then this one has a copy."""
        name = _name(path)
        holder = self._owners.setdefault(graph, name)
        held = self._files[name].graphs if holder == name else self._files[name].copies
        if graph not in held:
            held.append(graph)
            return holder == name
        return False

    def forget_missing(self, given: Iterable[Path], present: Iterable[Path]) -> Iterator[str]:
        """Forget the files that stood under the given paths and are gone; yields graphs that no file holds any more.

        If another file holds a copy of such a report, that file is forgotten too, so that it is read again.
        """
        here = {_name(p) for p in present}
        roots = [_name(p) for p in given]
        gone = [n for n in self._files if n not in here and any(n == r or n.startswith(r + os.sep) for r in roots)]
        orphans = {g for name in gone for g in self._files.pop(name).graphs}
        for graph in orphans:
            del self._owners[graph]
        for name in [n for n, entry in self._files.items() if orphans.intersection(entry.copies)]:
            self._files.pop(name)
        yield from sorted(orphans)

    def save(self) -> None:
        """Write the file, whole or not at all."""
        data = {"configuration": self._configuration, "files": {n: asdict(e) for n, e in sorted(self._files.items())}}
        draft = self._path.with_suffix(".tmp")
        draft.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
        draft.replace(self._path)


def _name(path: Path) -> str:
    return str(path.resolve())


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
