"""How fast each reader is, how much memory it takes, and whether it agrees with another reading of the same files.

    python benchmarks/readers.py [--shared DIR] [--size MB] [--only FORMAT,FORMAT] [--agreement]

Speed: the fixtures of tests/formats/ and those of the shared data are multiplied to --size megabytes, and each reader
reads them in a process of its own; formats of one report a file get a folder of files, PDF a few. Seconds are those of
the processor, memory is the highest resident size of that process after a tenth of the records and after all. With
--agreement instead: title, year, journal, DOI, PMID and text length of each real fixture against XPath over the same
XML, and the package bioc (install it first) for BioC.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

from lxml import etree

from kg.model import Document
from kg.sources import expand, read

FORMATS = Path(__file__).parents[1] / "tests" / "formats"
MANY = 4000  # files of a folder are enough to tell their speed
PDFS = 12


class Sample(NamedTuple):
    """A format: files of one record each, or what stands before, between and after records of one file."""

    name: str
    suffix: str
    records: list[bytes]
    head: bytes = b""
    between: bytes = b"\n"
    tail: bytes = b""
    folder: bool = False


def main() -> None:
    """Print the table asked for, as Markdown."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--shared", type=Path, default=Path(os.environ.get("CASEKG_SHARED") or "../shared"))
    arguments.add_argument("--size", type=int, default=100, help="megabytes of each format")
    arguments.add_argument("--only", help="names of formats, as in the table")
    arguments.add_argument("--agreement", action="store_true")
    arguments.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.read:
        print(json.dumps(measured(given.read)))
    elif given.agreement:
        agreement(given.shared)
    else:
        speed(given.shared, given.size * 1_000_000, given.only)


# --- speed ---------------------------------------------------------------------------------------------------------


def speed(shared: Path, size: int, only: str | None) -> None:
    """One row a format: records a second, megabytes a second, memory after a tenth of the input and after all of it."""
    print("| reader | records | MB | records/s | MB/s | memory after a tenth | memory |")
    print("|---|---|---|---|---|---|---|")
    for sample in samples(shared):
        if only and sample.name not in only.split(","):
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = one(sample, Path(folder), size)
        records, seconds, megabytes = found["records"], found["seconds"], found["bytes"] / 1e6
        rate = f"{records / seconds:,.0f} | {megabytes / seconds:.1f}"
        memory = f"{found['early']:.0f} MB | {found['memory']:.0f} MB"
        print(f"| {sample.name} | {records:,} | {megabytes:.1f} | {rate} | {memory} |", flush=True)


def one(sample: Sample, place: Path, size: int) -> dict[str, Any]:
    """Write a sample of that many bytes and read it in a process of its own."""
    if sample.folder:
        average = sum(map(len, sample.records)) / len(sample.records)
        for n in range(PDFS if sample.suffix == ".pdf" else min(MANY, int(size / average))):
            (place / f"{n:05}{sample.suffix}").write_bytes(sample.records[n % len(sample.records)])
    else:
        with (place / f"all{sample.suffix}").open("wb") as out:
            out.write(sample.head)
            n = 0
            while out.tell() < size:
                out.write((sample.between if n else b"") + sample.records[n % len(sample.records)])
                n += 1
            out.write(sample.tail)
    done = subprocess.run([sys.executable, __file__, "--read", str(place)], capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measured(place: Path) -> dict[str, Any]:
    """Read all under a folder: records, bytes, seconds of processor time (children included), memory in MB."""
    files = list(expand([place]))
    seen: list[int] = []  # the highest resident size after each record, in kB
    began = time.process_time()
    for path in files:
        read_now = (item for item in read(path) if isinstance(item, Document))
        seen.extend(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss for _ in read_now)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = time.process_time() - began + children.ru_utime + children.ru_stime
    return {
        "records": len(seen),
        "bytes": sum(path.stat().st_size for path in files),
        "seconds": seconds,
        "early": seen[len(seen) // 10] / 1024,
        "memory": seen[-1] / 1024,
    }


def samples(shared: Path) -> Iterator[Sample]:
    """Every format with the real files of the shared data where there are any, else the project's own."""
    fixtures = shared / "fixtures"
    cases = re.findall(rb"<PubmedArticle>.*?</PubmedArticle>", b"".join(bodies(fixtures / "medline")), re.DOTALL)
    yield Sample("medline", ".xml", cases, b"<PubmedArticleSet>", b"\n", b"</PubmedArticleSet>")
    articles = [
        m[0] for body in bodies(fixtures / "jats") if (m := re.search(rb"<article[ >].*</article>", body, re.DOTALL))
    ]
    yield Sample("jats", ".xml", articles, b"<pmc-articleset>", b"\n", b"</pmc-articleset>")
    documents = re.findall(rb"<document>.*?</document>", b"".join(bodies(fixtures / "bioc")), re.DOTALL)
    yield Sample("bioc XML", ".xml", documents, b"<collection><!-- BioC -->", b"\n", b"</collection>")
    [collection, *_] = json.loads((FORMATS / "collection.bioc.json").read_bytes())
    passages = [json.dumps(d).encode() for d in collection["documents"] if isinstance(d.get("passages"), list)]
    yield Sample("bioc JSON", ".json", passages, b'{"documents": [', b",\n", b"]}")
    tagged = b"".join(bodies(fixtures / "pubtator")).strip().split(b"\n\n")
    yield Sample("pubtator", ".txt", [b"\n".join(r.split(b"\n")[:2]) for r in tagged], b"", b"\n\n")
    for name in ("nbib", "ris"):
        yield Sample(name, f".{name}", [(FORMATS / f"export.{name}").read_bytes()])
    hits = json.loads((FORMATS / "search.europepmc.json").read_bytes())["resultList"]["result"]
    listed = [json.dumps(hit).encode() for hit in hits[:2]]
    yield Sample("europepmc", ".json", listed, b'{"resultList": {"result": [', b",\n", b"]}}")
    texts = [json.loads(line) for line in (shared / "gold" / "dev.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [json.dumps({"id": t["id"], "text": t["text"]}, ensure_ascii=False).encode() for t in texts]
    yield Sample("jsonl", ".jsonl", rows)
    cells = [f'{t["id"]},"{t["text"].replace(chr(34), chr(39))}"'.encode() for t in texts]
    yield Sample("csv", ".csv", cells, b"id,text\n")
    yield Sample(
        "text", ".txt", [p.read_bytes() for p in sorted((FORMATS.parents[1] / "seeds").iterdir())], folder=True
    )
    for name, suffix in (("page.html", ".html"), ("manuscript.docx", ".docx"), ("article.pdf", ".pdf")):
        yield Sample(suffix[1:], suffix, [(FORMATS / name).read_bytes()], folder=True)


def bodies(folder: Path) -> Iterator[bytes]:
    """The content of each file of a folder."""
    return (path.read_bytes() for path in sorted(folder.iterdir()))


# --- agreement -----------------------------------------------------------------------------------------------------


class Reading(NamedTuple):
    """What two readings of one record are compared in; ``signs`` of the running text, blanks not counted."""

    title: str
    year: str
    journal: str
    doi: str
    pmid: str
    signs: int


def agreement(shared: Path) -> None:
    """For each format the share of records in which each field agrees, and how far the texts differ in length."""
    print("| fixtures | records | title | year | journal | DOI | PMID | signs of the text |")
    print("|---|---|---|---|---|---|---|---|")
    fixtures = shared / "fixtures"
    for name, folder, other in (
        ("MEDLINE, by XPath", "medline", medline),
        ("JATS, by XPath", "jats", jats),
        ("BioC, by the package bioc", "bioc", bioc),
    ):
        pairs = [pair for path in sorted((fixtures / folder).iterdir()) for pair in both(path, other)]
        shares = []
        for n in range(5):
            known = [(ours[n], theirs[n]) for ours, theirs in pairs if theirs[n]]
            shares.append(f"{sum(a == b for a, b in known)} of {len(known)}" if known else "")
        ours, theirs = (sum(pair[n].signs for pair in pairs) for n in (0, 1))
        print(f"| {name} | {len(pairs)} | {' | '.join(shares)} | {ours:,} of {theirs:,} |")


def both(path: Path, other: Callable[[Path], Iterator[Reading]]) -> Iterator[tuple[Reading, Reading]]:
    """Our reading and the other of each record of a file, in order."""
    documents = (d for d in read(path) if isinstance(d, Document))
    for document, theirs in zip(documents, other(path), strict=True):
        report = document.report
        title = report.title.get("en") or next(iter(report.title.values()), "")
        year = (report.published or "")[:4]
        words = " ".join(
            document.text[b.start : b.end] for b in document.blocks if b.kind not in ("title", "caption", "debris")
        )
        ours = Reading(bare(title), year, report.journal or "", report.doi or "", report.pmid or "", signs(words))
        yield ours, theirs


def medline(path: Path) -> Iterator[Reading]:
    """The records of a MEDLINE file."""
    for article in etree.parse(path).iterfind(".//PubmedArticle"):
        doi = ".//ELocationID[@EIdType='doi'] | .//PubmedData/ArticleIdList/ArticleId[@IdType='doi']"
        yield Reading(
            bare(said(article, ".//ArticleTitle")),
            said(article, ".//PubDate/Year | .//PubDate/MedlineDate")[:4],
            said(article, ".//Journal/Title"),
            said(article, doi),
            said(article, ".//MedlineCitation/PMID"),
            sum(
                signs(f"{e.get('Label') or ''}{':' * ('Label' in e.attrib)}{said(e, '.')}")
                for e in article.iterfind(".//AbstractText")
            ),
        )


OUT = (  # what is no running text of an article
    "ancestor-or-self::*[self::fig or self::table-wrap or self::ref-list or self::disp-formula or self::label or "
    "self::fn or self::supplementary-material or self::ack or self::glossary or self::notes or self::tex-math or "
    "self::xref[@ref-type='bibr'][sup or parent::sup]]"
)


def jats(path: Path) -> Iterator[Reading]:
    """The articles of a JATS file; the year is that of print, else of the collection, else the first."""
    for article in etree.parse(path).iter("article"):
        date = "front/article-meta/pub-date"
        years = (f"{date}[@pub-type='ppub']/year", f"{date}[@pub-type='collection']/year", f"{date}/year")
        text = f"(front/article-meta/abstract | body)//text()[not({OUT})][not(parent::title/parent::abstract)]"
        yield Reading(
            bare(said(article, "front/article-meta/title-group/article-title")),
            next(filter(None, (said(article, year) for year in years)), ""),
            said(article, "front/journal-meta//journal-title"),
            said(article, "front/article-meta/article-id[@pub-id-type='doi']"),
            said(article, "front/article-meta/article-id[@pub-id-type='pmid']"),
            signs("".join(map(str, cast("list[Any]", article.xpath(text))))),
        )


def bioc(path: Path) -> Iterator[Reading]:
    """The documents of a BioC file, by another reader."""
    from bioc import biocxml

    with path.open(encoding="utf-8") as stream:
        for document in biocxml.load(stream).documents:
            title = next((p.text for p in document.passages if p.infons.get("type") == "title"), "")
            rest = [p.text for p in document.passages if p.infons.get("type") != "title"]
            number = document.id if document.id.isdigit() else ""
            yield Reading(bare(title), "", "", "", number, signs("".join(rest)))


def said(element: Any, path: str) -> str:
    """The words of the first element at a path."""
    return " ".join(str(element.xpath(f"string({path})")).split())


def signs(text: str) -> int:
    """How many signs a text has that are no blanks."""
    return len("".join(text.split()))


def bare(title: str) -> str:
    """A title without brackets and its full stop."""
    return re.sub(r"^\[|\]?\.?$", "", " ".join(title.split()))


if __name__ == "__main__":
    main()
