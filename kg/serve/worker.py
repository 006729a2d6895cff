"""One process that works on a snapshot of the store and can be stopped at any time."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kg.errors import KGError, ServeError
from kg.store import open_store

try:
    import resource
except ImportError:  # Windows: no limit of memory
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from kg.store import Embedded

__all__ = ["Job", "Worker"]

_GRACE = 5.0  # seconds after which a worker ends itself if nobody has: its server was killed
_RETRY = 5  # seconds
_LOW = 10  # as nice(1) counts
_SCHEDULED = (
    2  # the kind of clock in the number by which Linux knows a process's clock, as clock_getcpuclockid(3) makes it
)

Job = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class _Task:
    snapshot: Path
    job: Job
    arguments: tuple[Any, ...]
    seconds: float


class Worker:
    """A process; one thread at a time may call ``work``, any may ``kill`` it."""

    def __init__(self, memory: int) -> None:
        """Start the process; ``memory`` is in bytes."""
        context: Any
        if os.name == "posix":
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(["kg.serve.app"])  # all that works for a route, read once for all workers
        else:
            context = multiprocessing.get_context("spawn")
        self._broken = False  # the process has ended, or is about to
        try:
            self._connection, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs, memory), name="kg serve", daemon=True)
            self._process.start()
            theirs.close()
            self._connection.recv()  # it is ready
        except (EOFError, OSError) as error:  # no process, file or memory is to be had
            raise ServeError("A process for the work on this request could not be started.", 503, _RETRY) from error

    @property
    def alive(self) -> bool:
        """Whether it can be given work."""
        return not self._broken and bool(self._process.is_alive())

    def clock(self) -> float:
        """Seconds of processor time that it has used; seconds on the clock where the system does not say that."""
        if sys.platform == "linux" and self._process.pid:
            with suppress(OSError):
                return time.clock_gettime(~self._process.pid << 3 | _SCHEDULED)
        return time.monotonic()

    def stand_back(self) -> None:
        """Let other processes go first from now on."""
        if hasattr(os, "setpriority") and self._process.pid:
            with suppress(OSError):  # it has ended in this moment
                os.setpriority(os.PRIO_PROCESS, self._process.pid, _LOW)

    def work(self, snapshot: Path, job: Job, arguments: tuple[Any, ...], seconds: float) -> Any:
        """What ``job(store, *arguments)`` returns or raises; ServeError if the process ends before."""
        try:
            self._connection.send(_Task(snapshot, job, arguments, seconds))
            done, value = self._connection.recv()
        except (EOFError, OSError) as error:
            self._broken = True
            raise ServeError("This was broken off: it needed more memory than a request may have.", 503) from error
        if done:
            return value
        raise value

    def kill(self) -> None:
        """End the process, whatever it is doing; ``work`` then raises. Returns at once."""
        self._broken = True
        self._process.kill()

    def clear(self) -> None:
        """Wait until a killed process is gone, and give back what it took of the system."""
        self._process.join()
        self._process.close()
        self._connection.close()


def _serve(connection: Connection, memory: int) -> None:
    """What the process does: one task after the other, until the server is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends its workers
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    opened: tuple[Path, Embedded] | None = None
    with suppress(EOFError, OSError, KeyboardInterrupt):
        connection.send(None)
        while True:
            task: _Task = connection.recv()
            _alarm(task.seconds + _GRACE)
            try:
                if opened is None or opened[0] != task.snapshot:
                    if opened:
                        opened[1].close()
                    opened = task.snapshot, open_store(task.snapshot, read_only=True)
                answer = (True, task.job(opened[1], *task.arguments))
            except Exception as error:
                answer = (False, _told(error))
            connection.send(answer)
            _alarm(0)


def _alarm(seconds: float) -> None:
    """End this process after so many seconds even inside the store's own code; 0 calls that off."""
    if hasattr(signal, "SIGALRM"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _told(error: Exception) -> Exception:
    """The error as it can be handed to another process."""
    if isinstance(error, KGError | SyntaxError | ValueError):
        with suppress(Exception):
            pickle.loads(pickle.dumps(error))
            return error
    return ServeError(f"The work on this request failed: {error}.")
