"""The workers together: who works, who waits, who is turned away, and what is stopped.

Nobody can tell beforehand how long a query takes. So all work begins in a place for quick work; after ``Limits.brief``
of a processor's time it moves to a place for longer work, and the next one begins in its stead. What took longer when
it was last asked for, with whatever names and values, waits in a queue of its own for such a place from the beginning.
After ``Limits.patience`` work goes on at low priority in one of a few further places, and while these are taken, the
work that would need another is stopped. So quick work never waits long for longer work, or for hostile queries.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
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


# What of a query or an address differs from one time to the next, and says little of how long it takes.
_VALUE = re.compile(r"""<[^<>"{}|^`\\\s]*>|"[^"\n]*"|'[^'\n]*'|https?:\S+|\d+""")
_READ = 4000  # characters of a query by which its kind is known
_KNOWN = 1000  # kinds of work that are remembered

Kind = tuple[Job, tuple[str, ...]]


class _Places:
    """Places for so many at once, and a queue for so many more."""

    def __init__(self, places: int, limits: Limits) -> None:
        self._free = asyncio.Semaphore(places)
        self._waiting = 0
        self._limits = limits

    async def take(self) -> _Places:
        """Wait for a place; ServeError 503 if too many wait, or for too long."""
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
        return self

    async def instead(self, held: _Places) -> bool:
        """Take a place that is free now and give up the one that is held; whether there is one."""
        if self._free.locked():
            return False
        await self._free.acquire()  # at once
        held.leave()
        return True

    def leave(self) -> None:
        """Give the place back."""
        self._free.release()


class Workers:
    """Runs functions on the newest snapshot; used within one event loop."""

    def __init__(self, snapshots: Snapshots, limits: Limits) -> None:
        self._snapshots = snapshots
        self._limits = limits
        self._most = limits.quick + 2 * limits.long  # works at once, the slow ones aside
        self._quick = _Places(limits.quick, limits)
        self._longer = _Places(limits.long, limits)  # for what was thought to be quick
        self._long = _Places(limits.long, limits)  # for what is known to be longer
        self._slow = _Places(limits.slow, limits)
        self._known: OrderedDict[Kind, None] = OrderedDict()  # what took longer when it was last asked for
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._threads = ThreadPoolExecutor(2 * (self._most + limits.slow), thread_name_prefix="kg-serve")

    async def run(self, job: Job, *arguments: Any, seconds: float | None = None) -> Any:
        """What ``job(store, *arguments)`` returns or raises, in a worker.

        ``job`` is a function of a module, and what it takes and gives can be pickled; ``seconds`` is the time it may
        take, if not ``Limits.seconds``. ServeError: too many wait (503),
        it took too long (504), or the worker ended (503). If the caller is cancelled, the work is stopped.
        """
        kind = (job, tuple(_VALUE.sub("", text[:_READ]) for text in arguments if isinstance(text, str)))
        held = await (self._long if kind in self._known else self._quick).take()
        whole = True
        worker = None
        loop = asyncio.get_running_loop()
        try:
            worker = await self._worker()
            with self._snapshots.use() as snapshot:
                seconds, begun = seconds or self._limits.seconds, loop.time()
                whole = False
                work = loop.run_in_executor(self._threads, worker.work, snapshot, job, arguments, seconds)
                work.add_done_callback(lambda done: done.cancelled() or done.exception())
                brief = await self._done(worker, work, self._limits.brief)
                self._learn(kind, brief)
                if not brief:
                    if held is self._quick and await self._longer.instead(held):
                        held = self._longer
                    if not await self._done(worker, work, self._limits.patience - self._limits.brief):
                        if not await self._slow.instead(held):
                            raise ServeError(
                                "This takes long, and as many requests that do are worked on as may be: try later.",
                                503, _RETRY,
                            )  # fmt: skip
                        held = self._slow
                        worker.stand_back()
                        await asyncio.wait({work}, timeout=begun + seconds - loop.time())
                if not work.done():
                    raise ServeError(f"This took more than {seconds:g} seconds and was stopped.", 504)
                whole = True
                return await work
        finally:
            held.leave()
            if worker is not None:
                if whole and held is not self._slow:
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

    async def _done(self, worker: Worker, work: asyncio.Future[Any], patience: float) -> bool:
        """Wait until the work is done, or has had the processor for ``patience``, or waits for something else."""
        loop = asyncio.get_running_loop()
        begun, used = worker.clock(), 0.0
        until = loop.time() + min(_PATIENCE_OF_CLOCK * patience, self._limits.seconds)
        while not work.done() and used < patience and loop.time() < until:
            await asyncio.wait({work}, timeout=max(patience - used, _LOOK))
            used = worker.clock() - begun
        return work.done()

    def _learn(self, kind: Kind, brief: bool) -> None:
        """Remember whether work of this kind takes longer."""
        if brief:
            self._known.pop(kind, None)
            return
        self._known[kind] = None
        self._known.move_to_end(kind)
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)

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
        if worker.alive and len(self._idle) < self._most:
            self._idle.append(worker)
        else:
            self._end(worker)

    def _end(self, worker: Worker) -> None:
        if worker in self._all:
            self._all.discard(worker)
            worker.kill()  # now, so that the thread that waits for its answer is free
            self._threads.submit(worker.clear)
