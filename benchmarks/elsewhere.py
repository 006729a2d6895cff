"""A store elsewhere beside the embedded one, and a Dask cluster beside ``--jobs``, in one run; prints two tables.

``python -m benchmarks.elsewhere cases.jsonl``: the first reports of a file. Times are those of the clock, processor
seconds those of all processes that took part.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from benchmarks.serve import free_port, serving
from kg import cluster, pipeline
from kg.query import ask
from kg.store import Store, open_store

QUESTIONS = ("summary", "treatments", "cases", "episodes", "links")
PROGRAMS = Path(sys.executable).parent


def seconds(processes: Sequence[int]) -> float:
    """Processor seconds of this process, its children that ended, and those processes."""
    own = sum(os.times()[:4])
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        own += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own


def timed(what: str, processes: Sequence[int], work: Callable[..., object], *given: Any, **named: Any) -> None:
    """Print how long ``work`` takes."""
    begun, spent = time.perf_counter(), seconds(processes)
    work(*given, **named)
    print(f"{what:40} {time.perf_counter() - begun:8.1f} s {seconds(processes) - spent:8.1f} processor s", flush=True)


def stores(built: Path, scratch: Path) -> None:
    """Load the same graphs into both, and ask both the same."""
    with open_store(built / "store", read_only=True) as source:
        base, names = source.base, source.graphs()
        graphs = {g: ox.serialize(source.quads(g), format=ox.RdfFormat.N_QUADS) or b"" for g in names}
    port = free_port()
    command = [
        str(PROGRAMS / "oxigraph"),
        "serve",
        "--location",
        str(scratch / "server"),
        "--bind",
        f"127.0.0.1:{port}",
    ]
    with (
        serving(command, port) as server,
        open_store(f"http://127.0.0.1:{port}", base=base) as remote,
        open_store(scratch / "embedded", base=base) as embedded,
    ):
        both: dict[str, tuple[Store, list[int]]] = {"embedded": (embedded, []), "elsewhere": (remote, [server.pid])}
        print(f"{len(graphs)} graphs, {sum(map(len, graphs.values())) / 1e6:.0f} MB of N-Quads")
        for name, (store, processes) in both.items():
            timed(f"load, {name}", processes, store.replace_all, graphs)
        for question in QUESTIONS:
            for store, _ in both.values():
                ask(store, question)  # what is read once is read
            for name, (store, processes) in both.items():
                timed(f"{question}, {name}", processes, ask, store, question)
        for name, (store, processes) in both.items():
            with (scratch / "out.nq").open("wb") as out:
                timed(f"export nq, {name}", processes, store.dump, "nq", out)


@contextmanager
def workers(count: int, scratch: Path) -> Iterator[tuple[str, list[int]]]:
    """A scheduler with so many workers: its address, and the processes."""
    port = free_port()
    address, dask = f"tcp://127.0.0.1:{port}", str(PROGRAMS / "dask")
    scheduler = [dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    worker = [dask, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    quiet = {"cwd": scratch, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with ExitStack() as stack:
        started = [stack.enter_context(serving(scheduler, port))]
        for _ in range(count):
            started.append(stack.enter_context(subprocess.Popen(worker, **quiet)))  # type: ignore[call-overload]
            stack.callback(started[-1].kill)
        time.sleep(10)  # until they are registered
        yield address, [process.pid for process in started]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("cases", type=Path, help="reports as JSON lines")
    options.add_argument("--reports", type=int, default=400)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        reports = scratch / "cases.jsonl"
        with chosen.cases.open(encoding="utf-8") as lines:
            reports.write_text("".join(line for line, _ in zip(lines, range(chosen.reports), strict=False)), "utf-8")
        for jobs in (1, 2):
            timed(f"build, --jobs {jobs}", [], pipeline.build, [reports], scratch / f"jobs{jobs}", jobs=jobs)
        for count in (1, 2):
            with workers(count, scratch) as (address, processes):
                given = ([str(reports)], str(scratch / f"parts{count}"), address)
                timed(f"build, Dask with {count} worker(s)", processes, cluster.build, *given, size=50)
        stores(scratch / "jobs1", scratch)


if __name__ == "__main__":
    main()
