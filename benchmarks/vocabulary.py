"""How much of annotated reports the vocabularies know, and how fast their words are found.

    python benchmarks/vocabulary.py [--shared DIR] [--speed]

For the shipped vocabulary alone, and with those of the extra casekg[vocab]: of the gold conditions and interventions of
gold/dev.jsonl and gold/train.jsonl, the share whose words are found as one mention (a term that covers at least half of
them or lies in them by half, and is not three times as long), and the share where that has a concept of the right type;
reports of haematology apart from the others. For the reports of dev, which no model has seen, also what the extractor
finds, whose tagger knows conditions and interventions by form and company. With --speed: words a second on one core
over corpora/cases.jsonl.gz, memory, and the time to open a vocabulary of 200,000 terms.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kg import vocab
from kg.clinical.abbreviations import abbreviations
from kg.clinical.lexicon import Match, Matcher
from kg.clinical.mentions import find_mentions
from kg.clinical.story import read_story
from kg.clinical.tagging import Tagger
from kg.errors import VocabularyError
from kg.model import Document, Report
from kg.vocab import installed, packaged
from kg.vocab.adding import add

KINDS = {"conditions": "condition", "interventions": "intervention"}
MANY = 200_000
SLICE = 100


class Share(NamedTuple):
    """Of ``total`` items ``found`` by any term, ``typed`` by one of the right type, ``exact`` with the same words."""

    total: int
    found: int
    typed: int
    exact: int


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--shared", type=Path, default=Path(os.environ.get("CASEKG_SHARED") or "../shared"))
    arguments.add_argument("--speed", action="store_true")
    arguments.add_argument("--missing", type=int, default=0, help="list so many items that no term of the type fits")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CASEKG_DATA"], os.environ["CASEKG_CACHE"] = f"{folder}/data", f"{folder}/cache"
        measure("shipped", given)
        if given.speed:
            many(Path(folder))
        try:
            for name in packaged.names():
                add(name)
        except VocabularyError as error:
            sys.exit(str(error))
        measure("with casekg[vocab]", given)


def measure(name: str, given: argparse.Namespace) -> None:
    """Print what one set of vocabularies knows."""
    start = time.perf_counter()
    loaded = vocab.load()
    matcher = Matcher(loaded.lexicon())
    first = time.perf_counter() - start
    print(
        f"\n{name}: {len(loaded.concepts)} concepts, {len(loaded.lexicon().terms)} terms; "
        f"made in {first:.1f} s, opened in {opening() * 1000:.0f} ms"
    )
    if given.speed:
        speed(matcher, given.shared / "corpora" / "cases.jsonl.gz")
    print(f"{'':10} {'':10} {'':14} {'items':>6} {'found':>6} {'concept':>8} {'exact':>6}")
    missing: list[str] = []
    tagger = Tagger.load()
    for part, read in (("dev", terms), ("dev read", extracted), ("train", terms)):
        shares: dict[tuple[str, str], Share] = {}
        for report in reports(given.shared / "gold" / f"{part.split()[0]}.jsonl"):
            matches = read(report["text"], matcher, tagger)
            stratum = "haematology" if report["stratum"] == "heme" else "others"
            for key, kind in KINDS.items():
                for item in (i for case in report["cases"] for i in case[key]):
                    near = [m for m in matches if is_near((item["start"], item["end"]), (m.start, m.end))]
                    typed = [m for m in near if any(loaded.concepts[c].type == kind for c in m.curies)]
                    exact = any((m.start, m.end) == (item["start"], item["end"]) for m in typed)
                    old = shares.get((stratum, key), Share(0, 0, 0, 0))
                    shares[stratum, key] = Share(
                        *(a + b for a, b in zip(old, (1, bool(near), bool(typed), exact), strict=True))
                    )
                    if not typed:
                        missing.append(f"{part} {stratum} {kind}: {item['text']} ({item['label']})")
        for (stratum, key), share in sorted(shares.items()):
            rates = [count / share.total for count in share[1:]]
            print(f"{part:10} {stratum:11} {key:14} {share.total:5} {rates[0]:6.3f} {rates[1]:8.3f} {rates[2]:6.3f}")
    for line in missing[: given.missing]:
        print(line)


def reports(path: Path) -> Iterator[dict[str, Any]]:
    """The annotated reports that have cases."""
    with path.open(encoding="utf-8") as lines:
        for report in map(json.loads, lines):
            if report["cases"]:
                yield report


def terms(text: str, matcher: Matcher, _: Tagger) -> list[Match]:
    """All terms of a text, and the abbreviations that it defines for terms."""
    found = matcher.find(text)
    for short in abbreviations(text):
        curies = matcher.ground(text[short.long_span.start : short.long_span.end])
        if curies:
            places = re.finditer(rf"(?<!\w){re.escape(short.short)}(?!\w)", text)
            found += [Match(m.start(), m.end(), curies) for m in places]
    return found


def extracted(text: str, matcher: Matcher, tagger: Tagger) -> list[Match]:
    """The conditions and interventions that the extractor finds in a text, with or without concept."""
    found, _ = find_mentions(read_story(Document("x", text, Report(), ())), matcher, tagger)
    return [Match(m.start, m.end, m.curies) for m in found if m.type in KINDS.values()]


def is_near(gold: tuple[int, int], span: tuple[int, int]) -> bool:
    """The rule of the gold's scorer."""
    shared = min(gold[1], span[1]) - max(gold[0], span[0])
    size = gold[1] - gold[0]
    return shared > 0 and 2 * shared >= min(size, span[1] - span[0]) and span[1] - span[0] <= max(3 * size, 30)


def opening() -> float:
    """Seconds to open all that is installed, once it is compiled: the best of five."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        Matcher(vocab.load().lexicon())
        times.append(time.perf_counter() - start)
    return min(times)


def many(folder: Path) -> None:
    """Print how long the shipped vocabulary opens that was filled up to MANY terms: each label "of" each site."""
    concepts = list(vocab.load().concepts.values())
    sites = [c.label for c in concepts if c.type == "site"]
    others = [c.label for c in concepts if c.type == "condition"]
    file = folder / "many.tsv"
    lines = (f"X:{n}\t{others[n % len(others)]} of the {sites[n // len(others)]}" for n in range(MANY - len(concepts)))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    add(str(file), kind="condition", prefixes={"X": "https://example.org/x/"})
    start = time.perf_counter()
    Matcher(vocab.load().lexicon())
    made = time.perf_counter() - start
    count = len(vocab.load().lexicon().terms)
    print(f"\n{count} terms: made in {made:.1f} s, opened in {opening() * 1000:.0f} ms")
    installed.remove("many")


def speed(matcher: Matcher, corpus: Path) -> None:
    """Print words a second of processor time, of three readings of each slice the quickest, and memory."""
    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    words = sum(len(text.split()) for text in texts)
    tokens = sum(len(re.findall(r"\w+|[^\w\s]", text)) for text in texts)
    found, seconds = 0, 0.0
    for first in range(0, len(texts), SLICE):
        part, times = texts[first : first + SLICE], []
        for _ in range(3):
            start = time.process_time()
            matches = sum(len(matcher.find(text)) for text in part)
            times.append(time.process_time() - start)
        found, seconds = found + matches, seconds + min(times)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{words} words ({tokens} with punctuation), {found} terms found: {words / seconds / 1000:.0f} thousand words/s"
        f" ({tokens / seconds / 1000:.0f} thousand with punctuation), {memory:.0f} MB with the texts"
    )


if __name__ == "__main__":
    main()
