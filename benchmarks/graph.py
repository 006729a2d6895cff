"""How fast the graph side is: quads, load, dump and validation of annotated reports.

    python benchmarks/graph.py [--reports N] [--pyshacl]

It reads the annotated reports of ``$CASEKG_SHARED/gold/train.jsonl`` (default ../shared), repeated under fresh
identifiers when N is more than there are, and prints processor time, which other work on the machine disturbs less than
the clock.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from kg import vocab
from kg.model import CaseRecord, Document, Report, Span, record_from_json
from kg.quads import Writer, graph_iri, report_iri
from kg.store import FORMATS, open_store
from kg.validate import Checker, check, validate

T = TypeVar("T")
SHARED = Path(os.environ.get("CASEKG_SHARED") or Path(__file__).parents[2] / "shared")
SENTENCE = re.compile(r"\S(?:[^.!?]|[.!?](?!\s))*[.!?]?")


def reports(number: int, labels: dict[tuple[str, str], str]) -> Iterator[tuple[Document, CaseRecord]]:
    """Documents with the records that annotators made of them; concepts are those whose label is the annotator's."""
    lines = (SHARED / "gold" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    for n in range(number):
        data = json.loads(lines[n % len(lines)])
        text = f"{data['text']} Copy {n // len(lines)}." if n >= len(lines) else data["text"]
        for case in data["cases"]:
            for kind in ("condition", "intervention"):
                for episode in case[f"{kind}s"]:
                    episode["concept"] = labels.get((kind, episode["label"].lower()))
        about = Report(title={"en": data.get("title") or "A case"}, journal=data.get("journal"), doi=f"10.1000/{n}")
        spans = tuple(Span(m.start(), m.end()) for m in SENTENCE.finditer(text))
        yield Document(f"{n}", text, about, ()), dataclasses.replace(record_from_json(data), sentences=spans)


class Stopwatch:
    """Prints a table of processor time."""

    def __init__(self, number: int) -> None:
        self.number = number
        print(f"{'':34}{'ms a report':>12}{'reports/s':>12}")

    def __call__(self, what: str, work: Callable[[], T], number: int | None = None) -> T:
        """The result of ``work``; prints its time for each of ``number`` reports."""
        start = time.process_time()
        result = work()
        each = (time.process_time() - start) / (number or self.number)
        print(f"{what:34}{1000 * each:12.3f}{1 / each:12.0f}", flush=True)
        return result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=1000)
    parser.add_argument("--pyshacl", action="store_true", help="time the reference engine too")
    options = parser.parse_args()
    vocabulary = vocab.load()
    lexicon = vocabulary.lexicon()
    labels: dict[tuple[str, str], str] = {}
    for term in lexicon.terms:
        labels.setdefault((lexicon.concepts[term.curie].type, term.surface.lower()), term.curie)
    pairs = list(reports(options.reports, labels))
    base = vocabulary.prefixes["id"]
    writer = Writer(vocabulary, base, "benchmark", "1")
    writer(*pairs[0])
    watch = Stopwatch(len(pairs))
    graphs = watch("quads", lambda: {graph_iri(report_iri(d, base)): writer(d, r) for d, r in pairs})
    nquads = b"".join(graphs.values())
    print(f"{nquads.count(10) / len(pairs):.0f} quads and {len(nquads) / len(pairs):.0f} bytes of N-Quads a report")
    few = dict(list(graphs.items())[:100])
    watch("shapes, fast engine", lambda: check(graphs, engine="fast"))
    if options.pyshacl:
        watch("shapes, pyshacl", lambda: check(few, engine="pyshacl"), len(few))
    with open_store(base=base) as background:
        background.bulk_load(vocabulary.quads())
        checker = Checker(background)
        batches = [dict(list(graphs.items())[n : n + 32]) for n in range(0, len(graphs), 32)]
        watch("shapes and questions, 32 at a time", lambda: [checker(batch) for batch in batches])
    with tempfile.TemporaryDirectory() as folder:
        with open_store(Path(folder) / "store", base=base) as store:
            watch("load into the store, at once", lambda: store.bulk_load(nquads))
            watch("replace one by one", lambda: list(map(store.replace, *zip(*few.items(), strict=True))), len(few))
            for form in FORMATS:
                watch(f"dump {form}", partial(store.dump, form, io.BytesIO(), prefixes=vocabulary.prefixes))
            store.bulk_load(vocabulary.quads())
            watch("validate the store", lambda: validate(store))
            watch("validate 10 graphs of it", lambda: validate(store, graphs=list(graphs)[:10]), 10)
        size = sum(f.stat().st_size for f in (Path(folder) / "store").iterdir())
        print(f"{size / len(pairs):.0f} bytes on disk a report")


if __name__ == "__main__":
    main()
