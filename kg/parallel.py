"""The same work on many items at once, in threads or processes, with the results in the items' order.

So many items are taken ahead as keep all hands busy, and no more: memory does not grow with the input.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from kg.errors import KGError

__all__ = ["beside", "chunks", "in_processes", "in_threads"]

_AHEAD = 24  # items that wait or are done, beyond four a process: there is work while what was done is stored

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

T = TypeVar("T")
R = TypeVar("R")


def chunks(items: Iterator[T], size: int) -> Iterator[tuple[T, ...]]:
    """The items in tuples of so many, the last one shorter."""
    while chunk := tuple(islice(items, size)):
        yield chunk


def in_threads(
    work: Callable[[T], R], items: Iterable[T], threads: int, stop: Callable[[], object] = lambda: None
) -> Iterator[R]:
    """What ``work`` makes of the items: for work that waits for others. ``stop`` is called if that ends early."""
    with ThreadPoolExecutor(threads) as pool:
        try:
            yield from _in_order(pool, work, items, 2 * threads)
        except BaseException:
            stop()
            raise


def in_processes(
    work: Callable[[T], R], items: Iterable[T], processes: int, prepare: Callable[[], object]
) -> Iterator[R]:
    """What ``work`` makes of the items; each process calls ``prepare`` first. KGError if a process is lost."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_start, initargs=(prepare,)) as pool:
        try:
            yield from _in_order(pool, work, items, 4 * processes + _AHEAD)
        except BrokenProcessPool as error:
            raise KGError(
                "A process that extracts reports was ended from outside or could not start (out of memory, or kg.build "
                "called from a script without 'if __name__ == \"__main__\"'); run again, or with --jobs 1."
            ) from error


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """Do the work in another process while the block runs, and wait for it; its KGError is raised here.

    If the block ends early, so does the work.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_tell, args=(work, there))
    process.start()
    there.close()
    try:
        yield
        try:
            error: KGError | None = here.recv()
        except EOFError:
            raise KGError("A process that writes files was ended from outside (out of memory?); run again.") from None
        process.join()
        if error is not None:
            raise error
    finally:
        process.terminate()
        process.join()


def _tell(work: Callable[[], object], there: Connection) -> None:
    """Do the work and send its KGError or None; Ctrl-C is for the parent, which ends this process by SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # drafts of files are removed
    try:
        work()
    except KGError as error:
        there.send(error)
    else:
        there.send(None)


def _start(prepare: Callable[[], object]) -> None:
    """Make a process ready; Ctrl-C is for the parent, which ends its children."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prepare()


def _in_order(pool: Executor, work: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[R]:
    waiting: deque[Future[R]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
