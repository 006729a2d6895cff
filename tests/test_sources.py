"""Reading input: what stands where on a page, offsets, bibliography, and what is said of input that cannot be read."""

from __future__ import annotations

import gzip
import json
import os
import re
import tomllib
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import SourceError
from kg.model import Document, to_json
from kg.registry import names
from kg.resources import folder
from kg.sources import expand, read
from kg.sources._bibliography import parse_date, report_of
from kg.sources._files import LONGEST
from kg.sources._languages import language_of
from kg.sources._layout import blocks_of, lay_out
from kg.sources._pages import BLANK, page_rules
from tests.reading import PROSE

PAGES = Path(__file__).parent / "pages"


def one(path: Path) -> Document:
    [document] = read(path)
    assert isinstance(document, Document), document
    return document


def error(path: Path) -> str:
    [found] = read(path)
    assert isinstance(found, SourceError), found
    return str(found)


def of_kind(document: Document, *kinds: str) -> list[str]:
    return [document.text[b.start : b.end] for b in document.blocks if b.kind in kinds]


def check_blocks(document: Document) -> None:
    """Blocks are in order, do not overlap, and hold every character that is not blank."""
    end = 0
    for block in document.blocks:
        assert end <= block.start < block.end <= len(document.text)
        assert not document.text[end : block.start].strip(BLANK)
        assert document.text[block.start : block.end].strip() == document.text[block.start : block.end]
        end = block.end
    assert not document.text[end:].strip(BLANK)


def check_fields(document: Document) -> None:
    """What the page says of itself stands on it."""
    words = " ".join(document.text.split())
    report = document.report
    for title in report.title.values():
        assert title in words
    for value in (*report.keywords, report.doi, report.pmid, report.journal, report.volume, report.copyright):
        assert value is None or value in words
    titles = [" ".join(t.split()) for t in of_kind(document, "title")]
    assert all(any(title in t for t in titles) for title in report.title.values() if titles)


# --- the seeds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", ["000_9890254692961409", "004_85a81add77fe55b6"])
def test_seeds_as_read(seed: str, seeds: Path, golden: Callable[[str, Any], None]) -> None:
    document = one(seeds / f"{seed}.txt")
    check_blocks(document)
    check_fields(document)
    blocks = [{**to_json(b), "begins": document.text[b.start : min(b.end, b.start + 60)]} for b in document.blocks]
    golden(f"{seed}/document.json", {"id": document.id, "report": to_json(document.report), "blocks": blocks})


def test_bilingual_seed(seeds: Path) -> None:
    document = one(seeds / "000_9890254692961409.txt")
    report = document.report
    assert document.text == (seeds / "000_9890254692961409.txt").read_bytes().decode()
    assert list(report.title) == ["ko", "en"]
    assert report.authors[:2] == ("김주상", "이석") and report.authors[14:16] == ("Ju Sang Kim", "Seok Lee")
    assert len(report.authors) == 28 and len(report.affiliations) == 4 and len(report.keywords) == 5
    assert (report.journal, report.published, report.volume, report.issue, report.pages) == (
        "Korean J Hematol", "2003-06-30", "38", "2", "131-135",
    )  # fmt: skip
    assert report.issn == ("2287-979X", "2288-0011")
    [abstract] = of_kind(document, *PROSE)
    assert abstract.startswith("Isolated extramedullary relapse of") and abstract.endswith("for 12 months.")
    assert "qr-code Download" in of_kind(document, "debris")


def test_seed_with_citation_at_the_end(seeds: Path) -> None:
    document = one(seeds / "004_85a81add77fe55b6.txt")
    report = document.report
    assert report.authors[0] == "Ayami Yoshimi" and report.authors[-1] == "Seiji Kojima" and len(report.authors) == 7
    assert (report.journal, report.published, report.volume, report.pages) == ("Int J Hematol", "2003", "77", "277-281")
    assert report.keywords[0] == "Antithymocyte globulin" and len(report.keywords) == 4
    [abstract] = of_kind(document, *PROSE)
    assert abstract.startswith("A 13-year-old boy") and abstract.endswith("certain hypoplastic leukemias.")


# --- pages of our own ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", sorted(PAGES.iterdir()), ids=lambda p: p.stem)
def test_pages_as_read(page: Path, golden: Callable[[str, Any], None]) -> None:
    document = one(page)
    check_blocks(document)
    check_fields(document)
    blocks = [[b.kind, b.language, document.text[b.start : b.end]] for b in document.blocks]
    golden(f"pages/{page.stem}.json", {"report": to_json(document.report), "blocks": blocks})


def test_pubmed_furniture_is_left_out() -> None:
    document = one(PAGES / "pubmed_page.txt")
    prose = " ".join(of_kind(document, *PROSE))
    assert "died of sepsis" not in prose and "Leukemia, Hairy Cell" not in prose
    assert document.report.publication_types == ("Case Reports", "Journal Article")
    assert document.report.pmid == "29999901"


def test_sections_of_a_journal_page() -> None:
    document = one(PAGES / "journal_page.txt")
    assert "Eculizumab was begun" in " ".join(of_kind(document, "case"))
    assert [b.kind for b in document.blocks if b.kind in PROSE] == [
        "abstract", "introduction", "case", "case", "discussion", "discussion",
    ]  # fmt: skip
    assert document.report.license == "CC BY 4.0" and document.report.published == "2015-03-03"
    assert not any("for a man who died" in text for text in of_kind(document, *PROSE))


def test_running_text_is_one_block() -> None:
    document = one(PAGES / "running.txt")
    assert [b.kind for b in document.blocks] == ["body"]
    assert document.report.title == {} and document.report.language == ("en",)


def test_running_text_of_the_corpora_loses_nothing(shared: Path) -> None:
    kinds: dict[str, int] = {}
    size = read_size = 0
    for n, document in enumerate(read(shared / "corpora" / "cases.jsonl.gz")):
        assert isinstance(document, Document), document
        check_blocks(document)
        for block in document.blocks:
            kinds[block.kind] = kinds.get(block.kind, 0) + 1
            size += block.end - block.start
            read_size += (block.end - block.start) * (block.kind in PROSE)
        if n == 1500:
            break
    assert read_size > 0.9999 * size, kinds


# --- the rules -----------------------------------------------------------------------------------------------------

RULES: dict[str, Any] = tomllib.loads((folder("rules") / "pages.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("section", RULES["section"], ids=lambda s: s["headings"][0])
def test_heading_examples(section: dict[str, Any]) -> None:
    assert section["examples"]
    for line in section["examples"]:
        heading = page_rules().heading(line)
        assert heading and heading.section.kind == section["kind"], line


@pytest.mark.parametrize("n", range(len(RULES["debris"])))
def test_furniture_examples(n: int) -> None:
    rule = RULES["debris"][n]
    assert rule["examples"]
    for line in rule["examples"]:
        assert page_rules().furnitures[n].pattern.fullmatch(line), line
        assert page_rules().furniture(line), line
    for line in rule.get("others", ()):
        assert page_rules().furniture(line) is None, line


@pytest.mark.parametrize("n", range(len(RULES["citation"])), ids=lambda n: RULES["citation"][n]["name"])
def test_citation_examples(n: int) -> None:
    rule, compiled = RULES["citation"][n], page_rules().citations[n]
    assert rule["examples"]
    for example in rule["examples"]:
        m = compiled.pattern.search(example["text"]) if compiled.anywhere else compiled.pattern.match(example["text"])
        assert m, example["text"]
        for field, value in example.items():
            if field != "text":
                assert (m[field] or "").strip(" .,") == value.strip(" .,"), example["text"]


def test_other_examples() -> None:
    rules = page_rules()
    for line in RULES["caption"]["examples"]:
        assert rules.caption.fullmatch(line), line
    for line in RULES["caption"]["others"]:
        assert not rules.caption.fullmatch(line), line
    for line in RULES["affiliation"]["examples"]:
        assert rules.is_affiliation(line), line
    for line in RULES["affiliation"]["others"]:
        assert not rules.is_affiliation(line), line
    for line in RULES["tail"]["examples"]:
        assert rules.tail.search(line), line
    for example in RULES["names"]["examples"]:
        assert list(rules.names(example["text"])) == example["names"]
    for example in RULES["dates"]["examples"]:
        assert parse_date(example["text"]) == example["date"]


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("The marrow was empty.", "en"),
        ("골수는 비어 있었다 (bone marrow).", "ko"),
        ("骨髄は空であった。", "ja"),
        ("骨髓检查正常。", "zh"),
        ("Костный мозг был пуст.", "ru"),
        ("كان نخاع العظم فارغا", "ar"),
        ("β-thalassemia in α-thalassemia", "en"),
        ("…", "en"),
    ],
)
def test_language_by_script(text: str, tag: str) -> None:
    assert language_of(text) == tag


# --- offsets -------------------------------------------------------------------------------------------------------

ODD = st.sampled_from(
    [
        "e\u0301",
        "\U0001f9ec",
        "\u200b",
        "\u200f",
        "\u05d0\u05d1",
        "\u0645\u0631",
        "\ufeff",
        "\xa0",
        "\u2028",
        "\x0b",
        "İ",
        "\x85",
    ]
)
LINES = st.sampled_from(
    [line for page in sorted(PAGES.iterdir()) for line in page.read_bytes().decode("utf-8-sig").splitlines()]
    + [
        "",
        "",
        "Case 1: A man of 40 was cured. DISCUSSION This is rare. © 2015 Nobody.",
        "Background.",
        "•",
        "Keywords",
        "  ",
    ]
)


@st.composite
def pages(draw: st.DrawFn) -> str:
    lines = draw(st.lists(LINES, max_size=25))
    for _ in range(draw(st.integers(0, 4)) if lines else 0):
        n = draw(st.integers(0, len(lines) - 1))
        at = draw(st.integers(0, len(lines[n])))
        lines[n] = lines[n][:at] + draw(ODD) + lines[n][at:]
    return draw(st.sampled_from(["", "\ufeff"])) + draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"])).join(lines)


def laid_out(text: str) -> Document:
    parts = lay_out(text, "a")
    return Document("x", text, report_of(text, parts), blocks_of(parts))


@settings(max_examples=300, deadline=None)
@given(pages())
def test_offsets_hold_on_any_page(text: str) -> None:
    document = laid_out(text)
    check_blocks(document)
    check_fields(document)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_offsets_hold_on_any_text(text: str) -> None:
    check_blocks(laid_out(text))


@pytest.mark.parametrize("page", sorted(PAGES.iterdir()), ids=lambda p: p.stem)
def test_line_ends_and_bom_change_no_block(page: Path) -> None:
    text = page.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    plain = laid_out(text)
    other = laid_out("\ufeff" + text.replace("\n", "\r\n"))
    check_blocks(other)
    assert other.report == plain.report
    assert [(b.kind, b.language) for b in other.blocks] == [(b.kind, b.language) for b in plain.blocks]
    slices = [other.text[b.start : b.end].replace("\r\n", "\n") for b in other.blocks]
    assert slices == [plain.text[b.start : b.end] for b in plain.blocks]


# --- JSON lines ----------------------------------------------------------------------------------------------------


def write_lines(path: Path, *records: Any) -> Path:
    lines = [r if isinstance(r, str) else json.dumps(r, ensure_ascii=False) for r in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_records_of_a_jsonl_file(tmp_path: Path) -> None:
    text = "BACKGROUND: Rare.\r\nA 5-year-old boy had leukemia. He was cured."
    path = write_lines(
        tmp_path / "some.jsonl",
        {"id": 7, "text": text, "title": "A boy", "year": "2011", "journal": "J", "authors": ["A B"], "pmid": 12345},
        "",
        {"text": "A woman had anemia.", "title": {"ko": "빈혈"}, "published": "2015 Mar 3"},
        "{broken",
        '["list"]',
        {"id": "none", "text": "  "},
        '{"id": "last", "text": "A man was ill \\ud83e\\uddec."}',
    )
    got = list(read(path))
    first, second, last = (d for d in got if isinstance(d, Document))
    assert (first.id, first.text, first.report.title) == ("7", text, {"en": "A boy"})
    assert (first.report.published, first.report.journal, first.report.pmid) == ("2011", "J", "12345")
    assert first.report.authors == ("A B",)
    assert [b.kind for b in first.blocks] == ["introduction"]
    assert (second.id, second.report.title, second.report.published) == ("some-3", {"ko": "빈혈"}, "2015-03-03")
    assert last.id == "last" and last.text == "A man was ill 🧬."
    errors = [str(e) for e in got if isinstance(e, SourceError)]
    assert [m[1] for e in errors if (m := re.search(r"some\.jsonl, line (\d+):", e))] == ["4", "5", "6"]
    assert [isinstance(d, Document) for d in got] == [True, True, False, False, False, True]


def test_fields_win_over_the_page(tmp_path: Path, seeds: Path) -> None:
    text = (seeds / "004_85a81add77fe55b6.txt").read_text(encoding="utf-8")
    [document] = read(write_lines(tmp_path / "a.jsonl", {"id": "x", "text": text, "journal": "Other", "doi": "10.1/x"}))
    assert isinstance(document, Document)
    assert (document.report.journal, document.report.doi, document.report.volume) == ("Other", "10.1/x", "77")


def test_known_title_in_the_text_is_its_title(tmp_path: Path) -> None:
    record = {"id": "x", "title": "Acute leukemia", "text": "Acute leukemia\nA boy had acute leukemia. He was cured."}
    [document] = read(write_lines(tmp_path / "a.jsonl", record))
    assert isinstance(document, Document)
    assert of_kind(document, "title") == ["Acute leukemia"]


def test_jsonl_streams(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl.gz"
    line = json.dumps({"text": "A 5-year-old boy had leukemia and was cured. " * 40}).encode() + b"\n"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        for _ in range(1200):
            stream.write(line)
    list(zip(range(50), read(path), strict=False))
    tracemalloc.start()
    try:
        assert sum(isinstance(d, Document) for d in read(path)) == 1200
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_line_too_long_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"id": "a", "text": "A man was ill."}\n{"id": "b", "text": "')
        for _ in range(50):
            stream.write(b"x" * 1_000_000)
        stream.write(b'"}\n{"id": "c", "text": "A man was well."}\n')
    got = list(read(path))
    assert [d.id if isinstance(d, Document) else "" for d in got] == ["a", "", "c"]
    assert "long.jsonl, line 2: is longer than 16 MB" in str(got[1])


# --- input that cannot be read --------------------------------------------------------------------------------------


def test_missing_path(tmp_path: Path) -> None:
    missing = tmp_path / "none.txt"
    assert list(expand([missing])) == [missing]
    assert error(missing) == f"{missing}: there is no such file or folder; check the path."


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.txt", b"", "is empty"),
        ("a.txt", b"\xef\xbb\xbf\r\n \n", "is empty"),
        ("a.jsonl", b"\n\n", "is empty"),
        ("a.txt", b"\x7fELF\x02\x00\x00text", "is a binary file"),
        ("a.txt", "Ein Mann war krank.".encode("utf-16"), "is UTF-16, not UTF-8"),
        ("a.txt", "Line\nM\xe4nner".encode("latin-1"), "is not UTF-8 (byte 0xe4 at offset 6, line 2)"),
        ("a.jsonl", b'{"text": "M\xe4nner"}\n', "line 1: is not UTF-8"),
        ("a.txt", b"x" * (LONGEST + 1), "is longer than 16 MB"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "A man."}\n')[:-12], "the gzip data is damaged"),
        ("a.jsonl.gz", b"\x1f\x8b\x08\x00broken gzip", "the gzip data is damaged"),
        ("a.txt", b"a\n" * 100_001, "has more than 100,000 lines"),
        ("a.html", b"<p>a" * 100_001, "has more than 100,000 lines"),
        ("a.html", b"<html><script>i<a b</script><p " + b"a='>' b " * 3000, "has more than 5,000 attributes"),
        ("a.xyz", b"whatever", "no reader knows this format"),
        ("a.jsonl", b'{"text": "half \\ud800 character"}\n', "half a character"),
        ("a.jsonl", b'{"text": "A man.", "title": {"ko": "\\ud800"}}\n', "half a character"),
        ("a.csv", b'id,text\n2,"A boy.\n3,A girl.\n', "line 2: a quotation mark is opened in this row"),
        ("a.csv", b"id,text\n", "holds no row"),
        ("a.zip", b"PK\x03\x04" + b"\0" * 30, "is an archive of files"),
        ("a.csv", b"text,title\nA man.,M\xe4nner\n", "what is not UTF-8"),
        ("a.json", b'{"resultList": {"result": [{"title": "\\ud800Anemia in a man"}]}}', "half a character"),
        ("a.json", b'{"documents": [{"id": "1", "passages": [{"text": "A \\ud800"}]}]}', "half a character"),
        ("a.jsonl", b"[" * 100_000 + b"\n", "is not a JSON object"),
    ],
    ids=lambda v: v[:24] if isinstance(v, str) else "",
)
def test_bad_input_is_one_clear_error(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    message = error(path)
    assert words in message and str(path) in message and message.endswith(".") and "\n" not in message


def test_gzip_bomb_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.txt.gz"
    with gzip.open(path, "wb") as stream:
        for _ in range(100):
            stream.write(b"a" * 1_000_000)
    assert "is longer than 16 MB" in error(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("A man was ill.")
    path.chmod(0)
    assert "cannot be read" in error(path)


def test_pipe_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    os.mkfifo(path)
    assert "is a device or pipe" in error(path)


def test_folder_is_walked_in_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a/b.jsonl", ".hidden/x.txt", ".x.txt", "a.css", "README.md", "c.bin", "c.txt.gz"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"A man was ill.")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = [str(p.relative_to(tmp_path)) for p in expand([tmp_path / "b.txt", tmp_path])]
    assert found == ["b.txt", "a/b.jsonl", "a/z.txt", "c.bin", "c.txt.gz"]


def test_one_bad_file_among_good_ones(tmp_path: Path, seeds: Path) -> None:
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\xfa")
    got = [d for path in expand([seeds, tmp_path]) for d in read(path)]
    assert [isinstance(d, Document) for d in got] == [True, True, False]


def test_readers_do_not_vanish() -> None:
    wanted = "bioc csv docx europepmc html jats jsonl medline nbib pdf pubtator ris text"
    assert " ".join(names("sources")) == wanted
