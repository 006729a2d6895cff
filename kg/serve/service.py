"""What a route needs: the workers, the limits, who may edit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from kg import vocab
from kg.errors import ServeError, StoreError
from kg.review import CURATION
from kg.serve.access import Access
from kg.serve.limits import Limits
from kg.serve.snapshot import Snapshots
from kg.serve.worker import Job
from kg.serve.workers import Workers
from kg.store import open_store

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from kg.store import Store

__all__ = ["Service", "service"]

_LOOK = 2.0  # seconds between looks whether the store has changed
_RETRY = 5  # seconds, while another program writes


@dataclass
class Service:
    """One served store. ``base`` begins the IRIs of its data; ``access`` says who may change something."""

    store: Path
    access: Access = field(default_factory=lambda: Access(None))
    limits: Limits = field(default_factory=Limits)
    cors: bool = True  # pages from elsewhere may read the graph
    curation: Path | None = None  # the file of decisions, by default beside the store

    def __post_init__(self) -> None:
        """Copy the store; StoreError if that cannot be done."""
        self.snapshots = Snapshots(self.store)
        self.base = self.snapshots.base
        self.decisions = self.curation or self.store.parent / CURATION
        self.prefixes = dict(
            vocab.load().prefixes
        )  # here, since to compile a vocabulary takes longer than a request may
        self._writing = asyncio.Lock()
        self._recalled: tuple[Path | None, dict[Any, asyncio.Future[Any]]] = (None, {})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work begins and ends with this context."""
        self.workers = Workers(self.snapshots, self.limits)
        await self.workers.warm()
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            self.workers.close()
            self.snapshots.close()

    async def run(self, job: Job, *arguments: Any) -> Any:
        """What ``job(store, *arguments)`` gives on the newest snapshot, see ``Workers.run``."""
        return await self.workers.run(job, *arguments)

    async def recall(self, job: Job, *arguments: Any) -> Any:
        """The same, worked out once for each snapshot, for what takes long and many ask for."""
        newest = self.snapshots.newest
        if self._recalled[0] != newest:
            self._recalled = newest, {}
        known = self._recalled[1]
        key = (job, arguments)
        if key not in known:
            work = self.workers.run(job, *arguments, seconds=self.limits.once)
            known[key] = asyncio.ensure_future(work)
            known[key].add_done_callback(lambda done: known.pop(key) if done.cancelled() or done.exception() else None)
        return await asyncio.shield(known[key])

    async def write(self, job: Job, *arguments: Any) -> Any:
        """What ``job(store, *arguments)`` gives, which may change the store; whoever reads from now on sees the change.

        ServeError 503 if another program writes to the store.
        """
        async with self._writing:
            copy = self.snapshots.fresh()
            try:
                changed = await self.run(_write, self.store, copy, job, arguments)
            except StoreError as error:
                raise ServeError(str(error), 503, _RETRY) from error
            await asyncio.to_thread(self.snapshots.adopt, copy)
            return changed

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            async with self._writing:
                await asyncio.to_thread(self.snapshots.refresh)


def _write(read: Store, path: Path, copy: Path, job: Job, arguments: tuple[Any, ...]) -> Any:
    """Do the job on the store itself and copy it, in a worker."""
    with open_store(path) as store:
        done = job(store, *arguments)
        store.data.flush()
        store.snapshot(copy)
    return done


def service(request: HTTPConnection) -> Service:
    """The service that a request is for."""
    return cast(Service, request.app.state.service)
