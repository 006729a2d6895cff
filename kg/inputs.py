"""Which input file holds which reports: what a build may skip, and what it must remove.

Kept as ``inputs.json`` beside the store. It only saves work: if it is lost, the next build reads every file again and
finds in the graph itself that nothing has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from types import MappingProxyType

__all__ = ["Inputs"]

_NAMES = "surrogateescape"  # the name of a file may hold bytes that are not UTF-8


@dataclass
class _File:
    """One file as last read: size and time to see at a glance that it is the same, a hash to be sure."""

    size: int
    changed: int  # nanoseconds
    sha256: str
    complete: bool = False  # read to its end, without a fault
    graphs: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)  # graphs of reports that another file holds too


class Inputs:
    """The files of one store. ``configuration`` stands for everything but the files that the graph depends on.

    ``marks`` stand for what was decided about reports, by their keys; ``decided`` are those whose mark is not that of
    the last build.
    """

    def __init__(self, path: Path, configuration: str, marks: Mapping[str, str] = MappingProxyType({})) -> None:
        self._path = path
        self._configuration = configuration
        self._files: dict[str, _File] = {}
        self._before: dict[str, list[str]] = {}  # what the files being read held when they were last read
        self._marks, self._marked = marks, dict[str, str]()
        try:
            stored = json.loads(path.read_text(encoding="utf-8", errors=_NAMES))
            self._files = {name: _File(**entry) for name, entry in stored["files"].items()}
            for entry in self._files.values():
                entry.complete = entry.complete and stored["configuration"] == configuration
            self._marked = dict(stored.get("decided", {}))
        except (OSError, ValueError, TypeError, KeyError):
            self._files = {}
        self.decided = {key for key in {*marks, *self._marked} if marks.get(key) != self._marked.get(key)}
        self._owners = {graph: name for name, entry in self._files.items() for graph in entry.graphs}

    def unchanged(self, path: Path) -> tuple[list[str], list[str]] | None:
        """Graphs and copies of a file whose bytes and configuration are those of the last build, else None."""
        entry = self._files.get(_name(path))
        if entry is None or not entry.complete:
            return None
        stat = path.stat()
        same = stat.st_size == entry.size and (stat.st_mtime_ns == entry.changed or _sha256(path) == entry.sha256)
        return (entry.graphs, entry.copies) if same else None

    def start(self, path: Path) -> None:
        """Begin a file; what it held before it must claim again. OSError if it cannot be read or is a pipe."""
        stat = path.stat()
        if not S_ISREG(stat.st_mode):  # to open a pipe is to wait for who writes to it
            raise OSError(f"{path} is not a file")
        fresh = _File(stat.st_size, stat.st_mtime_ns, _sha256(path))
        name = _name(path)
        if name in self._files:
            self._before[name] = self._files[name].graphs
            for graph in self._before[name]:
                self._owners.pop(graph, None)
        self._files[name] = fresh

    def held(self, graph: str) -> bool:
        """Whether a file holds that graph."""
        return graph in self._owners

    def claim(self, path: Path, graph: str) -> bool:
        """Make the file the holder of a report; False if the report was claimed already: then this is a copy."""
        name = _name(path)
        if self._owners.get(graph) is None:
            self._owners[graph] = name
            self._files[name].graphs.append(graph)
            return True
        self._files[name].copies.append(graph)
        return False

    def read_again(self, graphs: Iterable[str]) -> None:
        """Have the next build read the files that hold these graphs, though they have not changed."""
        for graph in graphs:
            self._files[self._owners[graph]].complete = False

    def finish(self, path: Path, *, complete: bool) -> list[str]:
        """End a file; the graphs that it held before and that no file holds any more."""
        name = _name(path)
        self._files[name].complete = complete
        return [graph for graph in self._before.pop(name, ()) if graph not in self._owners]

    def forget_missing(self, given: Iterable[Path], present: Iterable[Path]) -> list[str]:
        """Forget the files that stood under the given paths and are gone; the graphs that no file holds any more.

        A file with a copy of such a report is forgotten too, so that it is read again.
        """
        here = {_name(p) for p in present}
        roots = [_name(p) for p in given]
        gone = [n for n in self._files if n not in here and any(n == r or n.startswith(r + os.sep) for r in roots)]
        orphans = {graph for name in gone for graph in self._files.pop(name).graphs}
        for graph in orphans:
            del self._owners[graph]
        for entry in self._files.values():
            entry.complete = entry.complete and not orphans.intersection(entry.copies)
        return sorted(orphans)

    def reviewed(self, files: Iterable[Path], graphs: Mapping[str, str]) -> None:
        """Note that what was decided stands in the graphs: all but those that none of the files holds.

        ``graphs`` leads from the keys of reports to their graphs.
        """
        names = {_name(path) for path in files}
        for key in self.decided:
            if key not in graphs or self._owners.get(graphs[key]) in names:
                self._marked.pop(key, None)
                if key in self._marks:
                    self._marked[key] = self._marks[key]

    def save(self) -> None:
        """Write the file, whole or not at all."""
        about = {"configuration": self._configuration, "decided": self._marked, "files": {}}
        head = json.dumps(about, ensure_ascii=False).removesuffix("}}")
        entries = ",\n".join(f"{_json(name)}: {_json(vars(entry))}" for name, entry in sorted(self._files.items()))
        draft = self._path.with_suffix(".tmp")
        draft.write_text(f"{head}\n{entries}\n}}}}\n", encoding="utf-8", errors=_NAMES)
        draft.replace(self._path)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _name(path: Path) -> str:
    return os.path.realpath(path)  # unlike ``resolve``, it bears a link that leads to itself


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
