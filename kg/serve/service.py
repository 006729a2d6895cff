"""What a route needs: the workers, the limits, who may edit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from kg.serve.access import Access
from kg.serve.limits import Limits
from kg.serve.snapshot import Snapshots
from kg.serve.worker import Job
from kg.serve.workers import Workers

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

__all__ = ["Service", "service"]

_LOOK = 2.0  # seconds between looks whether the store has changed


@dataclass
class Service:
    """One served store. ``base`` begins the IRIs of its data; ``access`` says who may change something."""

    store: Path
    access: Access = field(default_factory=lambda: Access(None))
    limits: Limits = field(default_factory=Limits)
    cors: bool = True  # pages from elsewhere may read the graph

    def __post_init__(self) -> None:
        """Copy the store; StoreError if that cannot be done."""
        self.snapshots = Snapshots(self.store)
        self.base = self.snapshots.base

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work begins and ends with this context."""
        self.workers = Workers(self.snapshots, self.limits)
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

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            await asyncio.to_thread(self.snapshots.refresh)


def service(request: HTTPConnection) -> Service:
    """The service that a request is for."""
    return cast(Service, request.app.state.service)
