"""Spoilt input for every reader: whatever comes, it is read or refused in one sentence, in time, and offsets hold.

    python benchmarks/fuzz.py [--seconds N] [--only FORMAT,FORMAT] [--shared DIR]

The fixtures of tests/formats/, tests/pages/ and the shared data are cut, doubled, joined, changed and packed by
hypothesis, N seconds a format, with other seeds each time. What fails is made as small as it gets, printed and kept in
scratch/fuzz/.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from kg.errors import SourceError
from kg.model import Document
from kg.sources import read

TESTS = Path(__file__).parents[1] / "tests"
KEPT = Path("scratch/fuzz")
SLOWEST = 20.0  # seconds of the processor that one spoilt file may take
FORMATS = {
    "medline": "*.medline.xml", "jats": "*.nxml", "bioc": "*.bioc.*", "pubtator": "*.PubTator.txt", "nbib": "*.nbib",
    "ris": "*.ris", "europepmc": "*.europepmc.json", "csv": "*.[ct]sv", "html": "*.html", "docx": "*.docx",
    "pdf": "*.pdf", "text": "../pages/*", "jsonl": "*.jsonl",
}  # fmt: skip
TOKENS = [
    token.encode("utf-8", "surrogatepass").replace(b"FF", b"\xff")
    for token in (
        "", "\0", "FF", "\ufeff", "\r", "\n", "\r\n", "\n\n", '"', "'", ",", "\t", "{", "}", "[", "]", "<p>", "</p>",
        "<sec>", "</article>", "<!--", "]]>", "<![CDATA[", "&x;", "&nbsp;", "&#0;", "&#x10FFFF;", "\\ud800", "\\u0000",
        "<!DOCTYPE a [<!ENTITY x 'y'>]>", "NaN", "1e999", "null", "-1", "9" * 40, "  - ", "TI  - ", "|a|", "1|t|",
        "\U0001f9ec", "e\u0301", "\u200b", "\u202e", "\u05d0", "\u2028", "\x85", "\x0b", "\u0130", "\ud800",
        "Keywords", "Case 1", "DISCUSSION", "References", "10.1/", "PMID: ", "2011-13-45", "(" * 200, "a" * 5000,
        " " * 5000, "<i>" * 300, "[" * 1200,
    )
]  # fmt: skip


def main() -> None:
    """Fuzz the formats asked for; exit code 1 if anything fell out."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=45.0)
    arguments.add_argument("--only", default=",".join(FORMATS))
    arguments.add_argument("--shared", type=Path, default=Path(os.environ.get("CASEKG_SHARED") or "../shared"))
    given_ = arguments.parse_args()
    failed = 0
    for name in given_.only.split(","):
        tried, found = fuzz(name, list(fixtures(name, given_.shared)), given_.seconds)
        print(f"{name}: {tried:,} files, {found or 'nothing'} fell out", flush=True)
        failed += found
    sys.exit(bool(failed))


def fixtures(name: str, shared: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files to begin with."""
    for path in sorted((TESTS / "formats").glob(FORMATS[name])):
        yield path.name, path.read_bytes()
    if (shared / "fixtures" / name).is_dir():
        for path in sorted((shared / "fixtures" / name).iterdir()):
            yield path.name, path.read_bytes()
    if name == "jsonl":
        yield "a.jsonl", b'{"id": 1, "text": "A man of 40 had anemia.", "title": {"ko": "x"}, "year": 2001}\n' * 2
        yield "a.json", b'[{"patient_uid": "7665777-2", "PMID": "1", "patient": "A girl was ill.", "authors": ["A"]}]'


def fuzz(name: str, files: Sequence[tuple[str, bytes]], seconds: float) -> tuple[int, int]:
    """How many spoilt files were tried, and how many kinds of failure fell out."""
    tried = failed = 0
    folder = Path(tempfile.mkdtemp())
    end = time.monotonic() + seconds

    @settings(max_examples=50, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(files) - 1), st.integers(0, len(files) - 1), st.data())
    def spoil(n: int, other: int, data: st.DataObject) -> None:
        nonlocal tried
        tried += 1
        first, second = files[n], files[other]
        spoilt = spoil_docx if name == "docx" and data.draw(st.booleans()) else spoil_bytes
        raw = spoilt(first[1], second[1], data)
        if data.draw(st.integers(0, 19)) == 0:
            raw = gzip.compress(raw, 1)[: -data.draw(st.sampled_from([1, 9])) or None]
        path = folder / first[0]
        path.write_bytes(raw)
        check(path)

    number = int(time.time())
    while time.monotonic() < end:
        number += 1
        try:
            seed(number)(spoil)()
        except Exception as error:
            failed += 1
            KEPT.mkdir(parents=True, exist_ok=True)
            for path in folder.iterdir():
                path.replace(KEPT / f"{number}-{path.name}")
            print(f"{name}, kept as {KEPT}/{number}-*: {type(error).__name__}: {error}", flush=True)
            if failed == 3:
                break
    return tried, failed


def check(path: Path) -> None:
    """Reads a file and checks what comes."""
    began = time.process_time()
    for item in read(path):
        if isinstance(item, SourceError):
            message = str(item)
            assert str(path) in message and message.endswith("."), message
            assert "\n" not in message and len(message) < 600, message
            continue
        assert isinstance(item, Document)
        assert item.id and item.text.strip()
        end = 0
        for block in item.blocks:
            assert end <= block.start < block.end <= len(item.text), block
            assert item.text[block.start : block.end].strip() == item.text[block.start : block.end], block
            end = block.end
        json.dumps([item.id, item.text, asdict(item.report)], ensure_ascii=False).encode("utf-8")
    assert time.process_time() - began < SLOWEST


def spoil_bytes(first: bytes, second: bytes, data: st.DataObject) -> bytes:
    """One to five changes: a piece is left out, doubled, taken from another file, or has a token put in its place."""
    raw = bytearray(first)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(raw)))
        size = data.draw(st.sampled_from([0, 0, 1, 3, 20, 300, 4000]))
        match data.draw(st.integers(0, 4)):
            case 0:
                raw[at : at + size] = data.draw(st.binary(max_size=6))
            case 1 | 2:
                raw[at : at + size % 30] = data.draw(st.sampled_from(TOKENS))
            case 3:
                raw[at:at] = raw[max(0, at - size) : at]
            case 4:
                start = data.draw(st.integers(0, len(second)))
                raw[at : at + size] = second[start : start + size]
    return bytes(raw)


def spoil_docx(first: bytes, second: bytes, data: st.DataObject) -> bytes:
    """A Word file in which the XML is spoilt, packed anew."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(first)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            content = old.read(part)
            new.writestr(part, spoil_bytes(content, content, data) if part == "word/document.xml" else content)
    return out.getvalue()


if __name__ == "__main__":
    main()
