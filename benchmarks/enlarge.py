"""A large store without extracting: the reports of a store, so many times over, each time under other names.

    python -m benchmarks.enlarge out/ 12 /tmp/large

Each copy of a report has IRIs and keys of its own; texts, labels and concepts are those of the original, so that words
grow no more numerous, as they would with other reports. The totals are multiplied.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyoxigraph as ox

from kg import vocab
from kg.store import Embedded, open_store

STEP = 3000  # graphs loaded at once


def copies(store: Embedded, number: int) -> Iterator[bytes]:
    """The N-Quads of some thousand graphs of reports, each as often as that."""
    base = store.base.encode()
    known = vocab.load()
    own = re.compile(rb"<" + re.escape(base) + rb"(?!extraction/|extractor/|person/)")
    names = b"|".join(re.escape(known.term(f"casekg:{name}").encode()) for name in ("sourceId", "key"))
    key = re.compile(rb"(> <(?:" + names + rb')> "(?:[^"\\]|\\.)*)"')
    graphs = iter(g for g in store.data_graphs() if not g.startswith(f"{store.base}extraction/"))
    while few := list(islice(graphs, STEP)):
        quads = (quad for graph in few for quad in store.quads(graph))
        lines = ox.serialize(quads, format=ox.RdfFormat.N_QUADS) or b""
        for n in range(number):
            mark = b"%d" % n
            yield lines if n == 0 else key.sub(rb"\1-" + mark + b'"', own.sub(b"<" + base + b"x" + mark + b"/", lines))


def totals(store: Embedded, number: int) -> Iterator[ox.Quad]:
    """The totals, of so many copies."""
    for name in (f"{store.base}totals/graph", f"{store.base}totals/mark/graph"):
        for quad in store.quads(name):
            value = quad.object
            if isinstance(value, ox.Literal) and value.datatype == ox.Literal(0).datatype:
                value = ox.Literal(number * int(value.value))
            yield ox.Quad(quad.subject, quad.predicate, value, quad.graph_name)


def main() -> None:
    """Write the large store."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("store", type=Path, help="a folder that kg build wrote, or its store")
    parser.add_argument("copies", type=int)
    parser.add_argument("large", type=Path, help="a new folder")
    given = parser.parse_args()
    inner = given.store / "store"
    begun = time.process_time()
    source = inner if inner.is_dir() else given.store
    with open_store(source, read_only=True) as store, open_store(given.large, base=store.base) as large:
        data = {*store.data_graphs()}
        told = [g for g in store.graphs() if g not in data and not g.startswith(store.base)]
        told += [g for g in data if g.startswith(f"{store.base}extraction/")]
        large.bulk_load(quad for graph in sorted(told) for quad in store.quads(graph))
        large.bulk_load(totals(store, given.copies))
        for part in copies(store, given.copies):
            large.bulk_load(part)
        large.optimize()
    size = sum(file.stat().st_size for file in given.large.iterdir())
    print(f"{time.process_time() - begun:.0f} s of processor time, {size / 1e9:.1f} GB")


if __name__ == "__main__":
    main()
