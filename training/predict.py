"""Runs the rules extractor over a JSONL file of reports, writes its records, and says how fast it is.


python -m training.predict GOLD.jsonl PREDICTED.jsonl        # then: kg evaluate GOLD.jsonl, or score.py
python -m training.predict CORPUS.jsonl.gz --profile         # reports a second on one core, and the slowest parts
"""

from __future__ import annotations

import argparse
import cProfile
import gzip
import json
import pstats
import time
from collections.abc import Iterator
from pathlib import Path

from kg import vocab
from kg.extractors import rules
from kg.model import Document, Report, to_json

__all__ = ["documents", "main"]


def documents(path: Path) -> Iterator[Document]:
    """The reports of a JSONL file, plain or .gz, as documents of one block."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield Document(row["id"], row["text"], Report(), ())


def main() -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("reports", type=Path)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--profile", action="store_true", help="print the functions that take the most time")
    args = parser.parse_args()
    started = time.perf_counter()
    extract = rules.prepare(vocab.load(()).lexicon())
    print(f"prepared in {time.perf_counter() - started:.2f} s")
    read = list(documents(args.reports))
    extract(read[0])
    profile = cProfile.Profile() if args.profile else None
    started = time.process_time()
    if profile:
        profile.enable()
    if args.out:
        with args.out.open("w", encoding="utf-8") as out:
            for document in read:
                out.write(json.dumps(to_json(extract(document)), ensure_ascii=False) + "\n")
    else:
        for document in read:
            extract(document)
    if profile:
        profile.disable()
    seconds = time.process_time() - started
    print(f"{len(read)} reports, {len(read) / seconds:.0f} a second of one core")
    if profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(r"kg[/.]", 45)


if __name__ == "__main__":
    main()
