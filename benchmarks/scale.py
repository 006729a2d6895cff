"""What a build costs, stage by stage, and how that grows: one table from one run.

    python -m benchmarks.scale [--sizes 1000,10000] [--peer 200] [--limit SECONDS]

Reads ``corpora/cases.jsonl.gz`` of ``$CASEKG_SHARED`` (default ../shared), repeated where more reports are wanted: each
copy has a DOI of its own and another title and first sentence, or it would be the same report. Every size is built
in a process of its own, which gives its peak memory. Stages are timed one after another in one process, in processor
time, which other work on the machine disturbs less than the clock; 'kg build' by the clock, on all cores. The peer is
rdflib's store in memory, with the first graphs of the same store.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyoxigraph as ox

from benchmarks.queries import latencies
from kg import pipeline, quads, registry, sources, vocab
from kg.exporters import html, trig
from kg.store import open_store
from kg.validate import Engine, check, validate

T = TypeVar("T")
SHARED = Path(os.environ.get("CASEKG_SHARED") or Path(__file__).parents[2] / "shared")
ALL = 2_300_000  # case reports in PubMed
STEP = 2000  # reports loaded at once, about as many as the build loads


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


class Table:
    """Prints a line for each stage: reports a second, megabytes of text a second, milliseconds a report."""

    def __init__(self, reports: int, size: int) -> None:
        self.reports, self.size, self.total = reports, size, 0.0
        print(f"\n{reports:,} reports, {size / 1e6:.1f} MB of text")
        print(f"{'':34}{'reports/s':>10}{'MB/s':>8}{'ms each':>10}")

    def line(self, what: str, seconds: float, number: int | None = None) -> None:
        """One line."""
        share = (number or self.reports) / self.reports
        each = seconds / (number or self.reports)
        print(f"{what:34}{1 / each:10.0f}{self.size * share / seconds / 1e6:8.2f}{1000 * each:10.3f}", flush=True)

    def __call__(self, what: str, work: Callable[[], T]) -> T:
        """The result of the work, and a line for it."""
        begun = time.process_time()
        result = work()
        seconds = time.process_time() - begun
        self.total += seconds
        self.line(what, seconds)
        return result


def stages(file: Path, folder: Path, size: int, reports: int, peer: int) -> None:
    """Every stage by itself."""
    vocabulary = vocab.load()
    base = vocabulary.prefixes["id"]
    plugin = registry.plugin("extractors", "rules")
    understand = plugin.prepare(vocabulary.lexicon())
    writer = quads.Writer(vocabulary, base, "rules", plugin.version())
    table = Table(reports, size)
    documents = table("read", lambda: [d for d in sources.read(file) if not isinstance(d, Exception)])
    understand(documents[0])
    records = table("extract", lambda: [understand(d) for d in documents])
    made = table("quads", lambda: [writer(d, r) for d, r in zip(documents, records, strict=True)])
    names = [quads.graph_iri(quads.report_iri(d, base)) for d in documents]
    lines = sum(graph.count(b"\n") for graph in made)
    with open_store(folder / "stages", base=base) as store:
        store.bulk_load(vocabulary.quads({c for r in records for c in r.concepts()}))
        store.replace(quads.graph_iri(writer.extraction), writer.settings())
        begun = time.process_time()
        steps = [b"".join(made[n : n + STEP]) for n in range(0, len(made), STEP)]
        table("load", lambda: list(map(store.bulk_load, steps)))
        loaded = lines / (time.process_time() - begun)
        found = table("validate", lambda: validate(store))
        with (folder / "graph.ttl").open("wb") as turtle, (folder / "graph.trig").open("wb") as sink:
            table("write graph.ttl and graph.trig", partial(trig.write, store, sink, turtle=turtle))
        if reports <= html.MOST:
            with (folder / "graph.html").open("wb") as sink:
                table("write graph.html", partial(html.write, store, sink))
        table.line("all stages", table.total)
        print(f"{lines / reports:.0f} quads a report; {loaded:,.0f} quads/s loaded; {found.counts or 'conforms'}")
        if peer:
            beside(dict(islice(zip(names, made, strict=True), peer)))


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


def built(file: Path, out: Path, answer: Any) -> None:
    """Build in this process; tell the seconds by the clock and the peak memory of it and of its children, in MB."""
    begun = time.perf_counter()
    pipeline.build([file], out)
    seconds = time.perf_counter() - begun
    peaks = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    answer.put((seconds, *peaks))


def changed(file: Path, out: Path) -> float:
    """Seconds by the clock of a build after one report has changed, less those of a build after none has."""
    times = []
    for change in (False, True):
        if change:
            lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
            lines[0] = lines[0].replace('"text": "', '"text": "Addendum. ', 1)
            file.write_text("".join(lines), encoding="utf-8")
        begun = time.perf_counter()
        pipeline.build([file], out, jobs=1)
        times.append(time.perf_counter() - begun)
    return times[1] - times[0]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="1000,10000", help="numbers of reports, such as 1000,10000,100000")
    parser.add_argument("--peer", type=int, default=200, help="reports for rdflib and, a tenth of them, pyshacl")
    parser.add_argument("--limit", type=float, default=60, help="seconds after which a question is ended")
    given = parser.parse_args()
    points: list[tuple[int, float]] = []
    for number in map(int, given.sizes.split(",")):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            file, size = folder / "cases.jsonl", 0
            with file.open("w", encoding="utf-8") as sink:
                for row in islice(corpus(number), number):
                    size += len(row["text"].encode())
                    sink.write(json.dumps(row, ensure_ascii=False) + "\n")
            stages(file, folder, size, number, 0 if points else given.peer)
            context = multiprocessing.get_context("spawn")
            answer = context.Queue()
            process = context.Process(target=built, args=(file, folder / "out", answer))
            process.start()
            seconds, peak, largest = answer.get()
            process.join()
            disk = sum(f.stat().st_size for f in (folder / "out" / "store").iterdir())
            points.append((number, seconds))
            print(f"kg build without files, {os.cpu_count()} cores: {number / seconds:.0f} reports/s by the clock")
            print(f"peak memory {peak:.0f} MB, {largest:.0f} MB for the largest child")
            print(f"on disk {disk / number:,.0f} bytes a report", flush=True)
            asked = list(latencies(folder / "out" / "store", limit=given.limit))
            print(f"one changed report: {changed(file, folder / 'out'):.1f} s more than none")
            print(f"{'question':72}{'cpu ms':>10}{'clock ms':>10}{'rows':>9}")
            for one in sorted(asked, key=lambda t: -(t.processor or given.limit)):
                print(one.line())
    (first, early), (last, late) = points[0], points[-1]
    if last > first:
        each = (late - early) / (last - first)
        print(f"\n{1000 * each:.1f} ms for each report beyond the first {first:,}: {ALL:,} would take "
              f"{each * ALL / 3600:.1f} hours on this machine if it stays so")  # fmt: skip


if __name__ == "__main__":
    main()
