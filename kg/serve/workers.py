"""The workers together: who works, who waits, who is turned away, and what is stopped.

Work that is done within ``Limits.patience``, in time of a processor, is quick; a few workers to a processor do it at
once. Work that takes longer makes room: it goes on at low priority in one of a few further places, and while these are
taken, the work that would need another is stopped. So slow or hostile queries hold up others for no longer than that.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kg.errors import ServeError
from kg.serve.limits import Limits
from kg.serve.snapshot import Snapshots
from kg.serve.worker import Job, Worker

__all__ = ["Workers"]

_RETRY = 5  # seconds, for a client that is turned away
_LOOK = 0.05  # seconds
_PATIENCE_OF_CLOCK = 10  # times ``patience``, on the clock: others use the processor too


class Workers:
    """Runs functions on the newest snapshot; used within one event loop."""

    def __init__(self, snapshots: Snapshots, limits: Limits) -> None:
        self._snapshots = snapshots
        self._limits = limits
        self._free = asyncio.Semaphore(limits.quick)
        self._waiting = 0
        self._slow = 0
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._threads = ThreadPoolExecutor(2 * (limits.quick + limits.slow), thread_name_prefix="kg-serve")

    async def run(self, job: Job, *arguments: Any, seconds: float | None = None) -> Any:
        """What ``job(store, *arguments)`` returns or raises, in a worker.

        ``job`` is a function of a module, and what it takes and gives can be pickled; ``seconds`` is the time it may
        take, if not ``Limits.seconds``. ServeError: too many wait (503),
        it took too long (504), or the worker ended (503). If the caller is cancelled, the work is stopped.
        """
        await self._turn()
        quick = whole = True
        worker = None
        loop = asyncio.get_running_loop()
        try:
            worker = await self._worker()
            with self._snapshots.use() as snapshot:
                seconds, begun = seconds or self._limits.seconds, loop.time()
                whole = False
                work = loop.run_in_executor(self._threads, worker.work, snapshot, job, arguments, seconds)
                work.add_done_callback(lambda done: done.cancelled() or done.exception())
                if not await self._is_quick(worker, work):
                    if self._slow >= self._limits.slow:
                        raise ServeError(
                            "This takes long, and as many requests that do are worked on as may be: try later.",
                            503, _RETRY,
                        )  # fmt: skip
                    self._slow += 1
                    quick = False
                    self._free.release()
                    worker.stand_back()
                    await asyncio.wait({work}, timeout=begun + seconds - loop.time())
                if not work.done():
                    raise ServeError(f"This took more than {seconds:g} seconds and was stopped.", 504)
                whole = True
                return await work
        finally:
            if quick:
                self._free.release()
            else:
                self._slow -= 1
            if worker is not None:
                if quick and whole:
                    self._rest(worker)
                else:  # it is at work, or at low priority for good
                    self._end(worker)

    async def warm(self) -> None:
        """Have as many workers ready as work at once."""
        loop = asyncio.get_running_loop()
        starting = (loop.run_in_executor(self._threads, self._start) for _ in range(self._limits.quick))
        self._idle += await asyncio.gather(*starting)

    def close(self) -> None:
        """Stop all work."""
        for worker in list(self._all):
            self._end(worker)
        self._threads.shutdown()

    async def _turn(self) -> None:
        """Wait until there is a free place for quick work."""
        if self._free.locked() and self._waiting >= self._limits.waiting:
            raise ServeError("As many requests wait as may: try later.", 503, _RETRY)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limits.seconds):
                await self._free.acquire()
        except TimeoutError:
            raise ServeError(
                "Others were worked on for all the time that this request may take.", 503, _RETRY
            ) from None
        finally:
            self._waiting -= 1

    async def _is_quick(self, worker: Worker, work: asyncio.Future[Any]) -> bool:
        """Wait until the work is done, or has had the processor for ``patience``, or waits for something else."""
        loop, patience = asyncio.get_running_loop(), self._limits.patience
        begun, used = worker.clock(), 0.0
        until = loop.time() + min(_PATIENCE_OF_CLOCK * patience, self._limits.seconds)
        while not work.done() and used < patience and loop.time() < until:
            await asyncio.wait({work}, timeout=max(patience - used, _LOOK))
            used = worker.clock() - begun
        return work.done()

    async def _worker(self) -> Worker:
        """A worker without work, an old one or a new one."""
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            self._end(worker)
        started = asyncio.get_running_loop().run_in_executor(self._threads, self._start)
        try:
            return await asyncio.shield(started)
        except asyncio.CancelledError:
            started.add_done_callback(lambda done: None if done.exception() else self._rest(done.result()))
            raise

    def _start(self) -> Worker:
        worker = Worker(self._limits.memory)
        self._all.add(worker)
        return worker

    def _rest(self, worker: Worker) -> None:
        """Keep a worker for later, if there are not enough that wait for work."""
        if worker.alive and len(self._idle) < self._limits.quick:
            self._idle.append(worker)
        else:
            self._end(worker)

    def _end(self, worker: Worker) -> None:
        if worker in self._all:
            self._all.discard(worker)
            worker.kill()  # now, so that the thread that waits for its answer is free
            self._threads.submit(worker.clear)
