"""Fetching: one online service a file; what comes is written as files that ``sources`` read.

A service module has ``connect(email) -> Client`` and ``batches(client, query, limit, known) -> Iterator[Event]``,
which yields ``Found`` first, then a ``Batch`` for every file to write and ``Missing`` for what the service did not
deliver; ``known`` are the ids that lie in the folder already and are not asked for again. Modules that begin with ``_``
are shared.

Nothing here runs unless it is called: a build opens files only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kg.errors import FetchError
from kg.registry import plugin

__all__ = ["PROTOCOL", "Batch", "Event", "Fetched", "Found", "Missing", "fetch"]

PROTOCOL = ("batches", "connect")


class Found(NamedTuple):
    """How many reports the query finds, and what the service says about the query."""

    total: int
    notes: tuple[str, ...] = ()


class Batch(NamedTuple):
    """One file to write: its name without ``.gz``, its content just as the service sent it, the ids of its reports."""

    name: str
    data: bytes
    ids: tuple[str, ...]


class Missing(NamedTuple):
    """A report that was found and did not come, and why."""

    id: str
    why: str


Event = Found | Batch | Missing


@dataclass
class Fetched:
    """What one fetch did: ``found`` by the query, ``fetched`` now, ``known`` from before, ``missing`` with reasons."""

    found: int = 0
    fetched: int = 0
    known: int = 0
    missing: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def fetch(
    service: str,
    query: str,
    out: Path,
    *,
    email: str = "",
    limit: int | None = None,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
    tell: Callable[[str], None] = lambda words: None,
) -> Fetched:
    """Write the reports that ``query`` finds to files in ``out``, at most ``limit``, none that lies there already.

    ``tell`` hears why a request is waited for. Raises PluginError for an unknown service, FetchError if the service
    cannot be reached or refuses the query; what came before that is kept, and the same call goes on from there.
    """
    from kg.fetch._shelf import Shelf

    module = plugin("fetch", service)
    if not query.strip():
        raise FetchError(f"There is nothing to ask {service} for; give a query in its own language.")
    if limit is not None and limit < 1:
        raise FetchError("The limit must be 1 or more.")
    result = Fetched()
    with Shelf(out, service) as shelf, module.connect(email) as client:
        client.tell = tell
        known: Collection[str] = shelf.ids
        total: int | None = None
        for event in module.batches(client, query, limit, known):
            match event:
                case Found():
                    result.found, result.notes = event.total, list(event.notes)
                    total = min(event.total, limit or event.total)
                case Batch():
                    shelf.put(event)
                    result.fetched += len(event.ids)
                case Missing():
                    result.missing.append((event.id, event.why))
            progress(result.fetched + len(result.missing), total)
    if total is not None:
        result.known = max(0, total - result.fetched - len(result.missing))
    return result
