"""How long every shipped question takes on a store: of the whole graph, and of one condition, treatment or case.

    python benchmarks/queries.py out/ [--only NAME ...] [--selective] [--limit SECONDS]

Each is asked as the command line asks it without --evidence, up to three times in a process that has the store open;
the median of the processor time, which other work on the machine disturbs less than the clock, and of the clock. What
takes longer than the limit is ended and marked.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import NamedTuple

from kg.query import Question, ask, questions
from kg.store import open_store

ROUNDS = 3
EXAMPLES = {
    "condition": ("leukemia",),
    "intervention": ("methotrexate",),
    "concept": ("pneumonia",),
    "finding": ("CD34",),
}
SEVERAL = {("compare", "intervention"): ("methotrexate", "prednisolone")}
ENOUGH = 10.0  # seconds of one round after which no further is run


class Timed(NamedTuple):
    """One question: processor seconds, clock seconds and rows; None where it was ended."""

    question: str
    values: dict[str, tuple[str, ...]]
    processor: float | None = None
    clock: float | None = None
    rows: int | None = None

    @property
    def whole(self) -> bool:
        """Whether the question is of the whole graph."""
        return not self.values

    @property
    def asked(self) -> str:
        """The question with its values, at most 72 characters."""
        given = " ".join(f"--{k} {v}" for k, many in self.values.items() for v in many)
        return f"{self.question} {given}"[:72]

    @property
    def figures(self) -> str:
        """Milliseconds of the processor, and rows."""
        return "ended" if self.processor is None else f"{1000 * self.processor:.1f}{self.rows:9}"

    def line(self) -> str:
        """The row of the table."""
        if self.processor is None or self.clock is None:
            return f"{self.asked:72}{'ended':>10}"
        return f"{self.asked:72}{1000 * self.processor:10.1f}{1000 * self.clock:10.1f}{self.rows:9}"


def asked(question: Question, case: str) -> Iterator[dict[str, tuple[str, ...]]]:
    """With which values a question is asked: what it needs, then also each parameter that there is an example for."""
    examples: dict[str, tuple[str, ...]] = {}
    for parameter in question.parameters:
        if parameter.kind == "case":
            examples[parameter.name] = (case,)
        elif parameter.name == "fact":
            examples[parameter.name] = (f"{case}/condition/x",)
        elif found := SEVERAL.get((question.name, parameter.name)) or EXAMPLES.get(parameter.name):
            examples[parameter.name] = found
    needed = {name: examples[name] for name in question.needs}
    yield needed
    yield from ({**needed, name: values} for name, values in examples.items() if name not in needed)


def worker(path: Path, channel: Connection) -> None:
    """Answer what comes over the channel with times and the number of rows."""
    with open_store(path, read_only=True) as store:
        reports = (graph.removesuffix("/graph") for graph in store.data_graphs())
        channel.send(next(str(row["case"]) for report in reports for row in ask(store, "cases", {"report": report})))
        while True:
            name, values = channel.recv()
            processor: list[float] = []
            clock: list[float] = []
            rows = 0
            while len(clock) < ROUNDS and sum(clock) < ENOUGH:
                start = time.process_time(), time.perf_counter()
                rows = len(ask(store, name, values, facts=False))
                processor.append(time.process_time() - start[0])
                clock.append(time.perf_counter() - start[1])
            channel.send((median(processor), median(clock), rows))


class Asked:
    """A process with the store open, begun anew when a question had to be ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start()

    def start(self) -> None:
        """Open the store in a new process."""
        self.channel, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("spawn").Process(
            target=worker, args=(self.path, theirs), daemon=True
        )
        self.process.start()
        theirs.close()
        self.case: str = self.channel.recv()

    def stop(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self.process.join()

    def __call__(self, name: str, values: dict[str, tuple[str, ...]], limit: float) -> Timed:
        """Time one question."""
        self.channel.send((name, values))
        if not self.channel.poll(limit + 2 * ENOUGH):
            self.stop()
            self.start()
            return Timed(name, values)
        return Timed(name, values, *self.channel.recv())


def latencies(
    path: Path, *, limit: float = 120, only: tuple[str, ...] = (), selective: bool = False
) -> Iterator[Timed]:
    """Time every question of a store, or those named, or only of one condition, treatment or case."""
    process = Asked(path)
    try:
        for name, question in questions().items():
            if not only or name in only:
                for values in asked(question, process.case):
                    if values or not selective:
                        yield process(name, values, limit)
    finally:
        process.stop()


def main() -> None:
    """Print the table and the slowest of both kinds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("store", type=Path, help="a folder that kg build wrote, or its store")
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--selective", action="store_true", help="only of one condition, treatment or case")
    parser.add_argument("--limit", type=float, default=120, help="seconds after which a question is ended")
    given = parser.parse_args()
    inner = given.store / "store"
    print(f"{'':72}{'cpu ms':>10}{'clock ms':>10}{'rows':>9}")
    found = []
    place = inner if inner.is_dir() else given.store
    for timed in latencies(place, limit=given.limit, only=tuple(given.only), selective=given.selective):
        print(timed.line(), flush=True)
        found.append(timed)
    for what, whole in (("of the whole graph", True), ("of one condition, treatment or case", False)):
        slow = max((t for t in found if t.whole is whole), key=lambda t: t.processor or given.limit, default=None)
        if slow:
            print(f"slowest {what}: {slow.line()}")


if __name__ == "__main__":
    main()
