"""What a build costs, stage by stage, how that grows, and what questions cost then: tables from one run.

    python -m benchmarks.scale [--sizes 1000,10000] [--stages 1000] [--peer 200] [--limit SECONDS]

Reads ``corpora/cases.jsonl.gz`` of ``$CASEKG_SHARED`` (default ../shared), repeated where more reports are wanted: each
copy has a DOI of its own and another title and first sentence, or it would be the same report. Stages are timed one
after another in one process, in processor time, which other work on the machine disturbs less than the clock. The peers
are pyshacl and rdflib's store in memory, with the first graphs of the same reports. Every size is built in a process of
its own, by as many as there are cores, without files, from files of 1,000 reports.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import multiprocessing
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pyoxigraph as ox

from benchmarks.queries import Timed, latencies
from kg import pipeline, quads, registry, sources, vocab
from kg.exporters import html, trig
from kg.model import Document
from kg.store import Embedded, open_store
from kg.totals import Summer
from kg.validate import Checker, Engine, check, validate

T = TypeVar("T")
SHARED = Path(os.environ.get("CASEKG_SHARED") or Path(__file__).parents[2] / "shared")
ALL = 2_300_000  # case reports in PubMed
FILE = 1000  # reports in a file
CURVE = (
    *("clock s", "reports/s", "MB/s", "cpu s", "ms each", "peak MB", "child MB", "B on disk"),
    *("none s", "one s", "next s"),  # builds after none, one and another report changed
)
STEP = 32  # reports checked at once, as the build does


def corpus(number: int) -> Iterator[dict[str, Any]]:
    """So many reports; from the second time on under another DOI, with another title and first sentence."""
    with gzip.open(SHARED / "corpora" / "cases.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    random.Random(0).shuffle(rows)  # the corpus lies in the order of its sources, long reports first
    for n in range(number):
        row = rows[n % len(rows)]
        if n >= len(rows):
            first, dot, rest = row["text"].partition(".")
            row = {key: value for key, value in row.items() if key not in {"pmid", "pmcid"}}
            row |= {"id": f"{row['id']}-{n}", "doi": f"10.1000/copy.{n}", "title": f"{row.get('title')} ({n})"}
            row["text"] = f"{first}, number {n}{dot}{rest}"
        yield row


def write(folder: Path, number: int) -> int:
    """So many reports in files; returns their bytes of text."""
    rows, size = corpus(number), 0
    for first in range(0, number, FILE):
        with (folder / f"{first:07}.jsonl").open("w", encoding="utf-8") as sink:
            for row in islice(rows, FILE):
                size += len(row["text"].encode())
                sink.write(json.dumps(row, ensure_ascii=False) + "\n")
    return size


class Stages:
    """Prints a line for each stage: milliseconds a report, reports a second, megabytes of text a second."""

    def __init__(self, reports: int, size: int) -> None:
        self.reports, self.size, self.total = reports, size, 0.0
        print(f"\nStages, {reports:,} reports, {size / 1e6:.1f} MB of text, one process, processor time")
        print(f"{'':44}{'ms each':>10}{'reports/s':>11}{'MB/s':>8}")

    def line(self, what: str, seconds: float) -> None:
        """One line."""
        rate = self.reports / seconds
        print(f"{what:44}{1000 / rate:10.2f}{rate:11.0f}{self.size / seconds / 1e6:8.2f}", flush=True)

    def __call__(self, what: str, work: Callable[[], T], *, ends: bool = True) -> T:
        """The result of the work, and a line for it; the total is that of what ends in the store."""
        begun = time.process_time()
        result = work()
        seconds = time.process_time() - begun
        self.total += seconds if ends else 0
        self.line(what, seconds)
        return result


def stages(folder: Path, place: Path, size: int, reports: int, peer: int) -> None:
    """Every stage by itself."""
    vocabulary = vocab.load()
    base = vocabulary.prefixes["id"]
    plugin = registry.plugin("extractors", "rules")
    understand = plugin.prepare(vocabulary.lexicon())
    writer = quads.Writer(vocabulary, base, "rules", plugin.version())
    checker, summer = Checker(vocabulary), Summer(vocabulary, base)
    read = chain.from_iterable(map(sources.read, sources.expand([folder])))
    timed = Stages(reports, size)
    documents = timed("read", lambda: [item for item in read if isinstance(item, Document)])
    understand(documents[0])
    records = timed("extract", lambda: [understand(d) for d in documents])
    made = timed("quads", lambda: [writer(d, r) for d, r in zip(documents, records, strict=True)])
    names = [quads.graph_iri(quads.report_iri(d, base)) for d in documents]
    graphs = dict(zip(names, made, strict=True))
    steps = [dict(islice(graphs.items(), n, n + STEP)) for n in range(0, len(graphs), STEP)]
    checker(steps[0])

    def count(part: Embedded) -> None:
        summer.count(part.data)

    timed("validate and count totals", lambda: [checker(step, count) for step in steps])
    with open_store(place / "stages", base=base) as store:
        store.bulk_load(vocabulary.quads({c for r in records for c in r.concepts()}))
        store.replace(quads.graph_iri(writer.extraction), writer.settings())
        begun = time.process_time()
        timed("load", partial(store.bulk_load, b"".join(made)))
        loaded = sum(graph.count(b"\n") for graph in made) / (time.process_time() - begun)
        timed.line("text to checked, stored quads", timed.total)
        found = timed("validate from the store", lambda: validate(store), ends=False)
        with (place / "graph.ttl").open("wb") as turtle, (place / "graph.trig").open("wb") as sink:
            timed("write graph.ttl and graph.trig", partial(trig.write, store, sink, turtle=turtle), ends=False)
        with (place / "graph.html").open("wb") as sink:
            timed("write graph.html", partial(html.write, store, sink), ends=False)
    print(f"{loaded:,.0f} quads/s loaded; the graph {'conforms' if found.conforms else found.verdict}")
    beside(dict(islice(graphs.items(), peer)))


def beside(graphs: dict[str, bytes]) -> None:
    """The reference engine of SHACL on a tenth of the graphs, and rdflib's store on all."""
    import rdflib

    some = dict(islice(graphs.items(), max(1, len(graphs) // 10)))
    engines: tuple[Engine, ...] = ("fast", "pyshacl")
    for engine in engines:
        begun = time.process_time()
        check(some, engine=engine)
        print(f"shapes, {engine}: {1000 * (time.process_time() - begun) / len(some):.2f} ms a report")
    text = b"".join(graphs.values())
    question = "SELECT ?o ?i ?c { ?o <%safter> ?i ; <%scategory> ?c }".replace(
        "%s", "https://w3id.org/casekg/ontology#"
    )
    ours, theirs = ox.Store(), rdflib.Dataset(default_union=True)
    for name, load, ask in (
        ("pyoxigraph", lambda: ours.bulk_load(text, ox.RdfFormat.N_QUADS),
         lambda: list(ours.query(question, use_default_graph_as_union=True))),  # type: ignore[arg-type]
        ("rdflib", lambda: theirs.parse(data=text, format="nquads"), lambda: list(theirs.query(question))),
    ):  # fmt: skip
        times = []
        for work in (load, ask):
            begun = time.process_time()
            work()
            times.append(1000 * (time.process_time() - begun))
        print(f"{len(graphs)} reports in memory, {name}: load {times[0]:.0f} ms, links and outcomes {times[1]:.0f} ms")


class Built(NamedTuple):
    """What one build took: seconds by the clock and of the processor, and peak memory in MB of it and a child."""

    clock: float
    processor: float
    peak: float
    child: float


def built(folder: Path, out: Path, answer: Any) -> None:
    """Build in this process."""
    begun = time.perf_counter()
    pipeline.build([folder], out)
    clock = time.perf_counter() - begun
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    processor = sum(one.ru_utime + one.ru_stime for one in used)
    answer.put(Built(clock, processor, *(one.ru_maxrss / 1024 for one in used)))


def changed(folder: Path, out: Path) -> list[float]:
    """Seconds by the clock of a build after nothing, after one report and after another one has changed."""
    times = []
    for change in range(3):
        if change:
            file = min(folder.iterdir())
            lines = file.read_text(encoding="utf-8").split("\n")
            lines[change] = lines[change].replace('"text": "', '"text": "Addendum. ', 1)
            file.write_text("\n".join(lines), encoding="utf-8")
        begun = time.perf_counter()
        pipeline.build([folder], out, jobs=1)
        times.append(time.perf_counter() - begun)
    return times


def grown(number: int, limit: float) -> tuple[Built, list[Timed]]:
    """Build so many reports, print the line of the curve, ask all questions."""
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "in", Path(name) / "out"
        folder.mkdir()
        size = write(folder, number)
        context = multiprocessing.get_context("spawn")
        answer = context.Queue()
        process = context.Process(target=built, args=(folder, out, answer))
        process.start()
        took: Built = answer.get()
        process.join()
        disk = sum(f.stat().st_size for f in (out / "store").iterdir())
        asked = list(latencies(out / "store", limit=limit))
        same, first, then = changed(folder, out)
    rates = (number / took.clock, size / took.clock / 1e6, took.processor, 1000 * took.processor / number)
    figures = (took.clock, *rates, took.peak, took.child, disk / number, same, first, then)
    print(f"{number:9,}" + "".join(f"{figure:11,.{0 if figure >= 1000 else 2}f}" for figure in figures), flush=True)
    return took, asked


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="1000,10000", help="numbers of reports, such as 1000,10000,100000")
    parser.add_argument("--stages", type=int, default=FILE, help="reports that each stage is timed with")
    parser.add_argument("--peer", type=int, default=200, help="reports for rdflib and, a tenth of them, pyshacl")
    parser.add_argument("--limit", type=float, default=60, help="seconds after which a question is ended")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "in"
        folder.mkdir()
        stages(folder, Path(name), write(folder, given.stages), given.stages, given.peer)
    print(f"\nkg build without files, {os.cpu_count()} cores, and again after none, one, another report changed")
    print(f"{'reports':>9}" + "".join(f"{column:>11}" for column in CURVE))
    sizes = [int(number) for number in given.sizes.split(",")]
    curve = {number: grown(number, given.limit) for number in sizes}
    if len(sizes) > 1:
        (few, early), (many, late) = ((number, curve[number][0].clock) for number in sorted(sizes)[-2:])
        power = math.log(late / early) / math.log(many / few)
        hours = late * (ALL / many) ** power / 3600
        print(f"from {few:,} to {many:,} the time grows with the power {power:.3f} of the reports;", end=" ")
        print(f"if it goes on so, {ALL:,} take {hours:.1f} hours")
    print(f"\nquestions, processor ms and rows{'':40}" + "".join(f"{number:>20,}" for number in sizes))
    for timed in zip(*(asked for _, asked in curve.values()), strict=True):
        print(f"{timed[0].asked:72}" + "".join(f"{one.figures:>20}" for one in timed))


if __name__ == "__main__":
    main()
