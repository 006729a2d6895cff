"""The curation file: JSON lines, one decision each, only ever added to, so that it can be kept under version control.

The later of two decisions about one fact holds. A decision is taken back by a later line that names it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

from kg.errors import ReviewError
from kg.review.decision import Decision, decision_from_json, decision_to_json

try:
    import fcntl
except ImportError:  # Windows: a line is still written in one piece
    fcntl = None  # type: ignore[assignment]

__all__ = ["CURATION", "Curation", "append", "in_effect", "read"]

CURATION = "curation.jsonl"  # in the folder of a build, where no other file is named
_IDENTIFIERS = ("doi:", "pmid:", "pmcid:")


def read(path: Path) -> tuple[Decision, ...]:
    """All decisions of a file in the order of its lines; none if there is no such file.

    ReviewError names the line that is not as it must be.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise ReviewError(f"{path}: cannot be read as decisions ({error}).") from error
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(decision_from_json(json.loads(line)))
            except (ValueError, RecursionError, ReviewError) as error:
                raise ReviewError(f"{path}, line {number}: is no decision: {error}; see docs/review.md.") from error
    return tuple(found)


def append(path: Path, decisions: Iterable[Decision]) -> int:
    """Add the decisions that the file does not hold yet, all in one write; how many those are."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # What UTF-8 has no bytes for, half a surrogate pair, is written as JSON escapes it.
        with path.open("a+", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            known = {decision.name for decision in read(path)}
            fresh = {d.name: d for d in decisions if d.name not in known}
            lines = "".join(json.dumps(decision_to_json(d), ensure_ascii=False) + "\n" for d in fresh.values())
            file.seek(0)
            text = file.read()
            file.write("\n" + lines if text and not text.endswith("\n") else lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ReviewError(f"{path} cannot be written: {error.strerror}; name another file.") from error
    return len(fresh)


def in_effect(decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """The decisions that hold, oldest first: without those that a later one takes back, and without the taking back."""
    ordered = sorted(decisions, key=lambda d: d.when)
    undone: set[str] = set()
    held = []
    for decision in reversed(ordered):
        if decision.name in undone:
            continue
        if decision.undoes:
            undone.add(decision.undoes)
        else:
            held.append(decision)
    return tuple(reversed(held))


class Curation:
    """The decisions that hold, by the reports that they are about; ``path`` is the file they were read from."""

    def __init__(self, decisions: Sequence[Decision] = (), path: Path | None = None) -> None:
        self.path = path
        self.decisions = in_effect(decisions)
        self._by_key: dict[str, list[int]] = {}
        for n, decision in enumerate(self.decisions):
            for key in decision.report:
                self._by_key.setdefault(key, []).append(n)

    @classmethod
    def load(cls, path: Path) -> Curation:
        """What stands in a file; ReviewError if it cannot be read."""
        return cls(read(path), path)

    def of(self, keys: Sequence[str]) -> tuple[Decision, ...]:
        """The decisions about the report that is known by these keys, oldest first.

        A title and authors in common do not make two reports one whose identifiers differ.
        """
        found = sorted({n for key in keys for n in self._by_key.get(key, ())})
        return tuple(self.decisions[n] for n in found if not _another(self.decisions[n].report, keys))

    def marks(self) -> dict[str, str]:
        """For each key of a report a hash of what was decided about it: another one means another graph."""
        return {
            key: blake2b("".join(self.decisions[n].digest for n in found).encode(), digest_size=8).hexdigest()
            for key, found in sorted(self._by_key.items())
        }


def _another(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two reports have identifiers of one sort and they differ."""
    for sort in _IDENTIFIERS:
        own, others = ({k for k in keys if k.startswith(sort)} for keys in (one, other))
        if own and others and not own & others:
            return True
    return False
