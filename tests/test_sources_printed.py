"""PDF and Word files: reading order, what is left out, places, and what is said of files that cannot be read."""

from __future__ import annotations

import io
import re
import time
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import SourceError
from kg.model import Document
from kg.sources import read
from tests.pdfs import HEIGHT, Words, column, docx, pdf
from tests.reading import FORMATS, prose

STORY = "A girl of 13 years had fever. She received etoposide and had a complete remission."


def one(data: bytes, path: Path) -> Document:
    path.write_bytes(data)
    [document] = read(path)
    assert isinstance(document, Document), document
    return document


def error(data: bytes, path: Path) -> str:
    path.write_bytes(data)
    [found] = read(path)
    assert isinstance(found, SourceError), found
    message = str(found)
    assert str(path) in message and message.endswith(".") and "\n" not in message
    return message


# --- PDF -----------------------------------------------------------------------------------------------------------


def test_two_columns_written_row_by_row() -> None:
    [document] = read(FORMATS / "article.pdf")
    assert isinstance(document, Document)
    text = prose(document)
    assert "cyclosporine 3 mg/kg twice daily and needed no transfusions" in text, "on to the next column"
    assert "none of whom lived for a year. A repeated look at the marrow" in text, "on to the next page"
    assert "The marrow was empty" in text and "antithymocyte globulin" in text and "hypoplastic leukemia" in text
    assert "Her T-cell count" in text, "a hyphen that the word has elsewhere too"
    assert "unknown cause. We report" in text, "the number of a reference is no word"
    assert "12 x 109/L" in text and "1.5 mg/m2" in text
    assert not re.search("Okonkwo et al|Page 2|Platelets Blasts|Nobody C", text)
    discussion = next(b for b in document.blocks if b.kind == "discussion")
    assert discussion.place == "pages 1-2"


def test_runs_of_the_page_do_not_stand_in_the_text(tmp_path: Path) -> None:
    story = [f"{STORY} This is sentence {n}." for n in range(40)]
    pages = [
        [
            Words(50, HEIGHT - 30, "J Invented Hematol 2015;12:101-104", 8),
            Words(290, 20, str(n), 8),
            *column(50, 740, story[10 * n : 10 * n + 10]),
        ]
        for n in range(4)
    ]
    document = one(pdf(pages), tmp_path / "a.pdf")
    assert document.text.count("2015;12") == 1 and document.report.journal == "J Invented Hematol"
    assert " ".join(prose(document).split()).count("complete remission. This is sentence") == 40
    assert not re.search(r"^\d$", document.text, re.MULTILINE)


def test_one_column_with_wide_spaces_stays_one(tmp_path: Path) -> None:
    words = STORY.split()
    page: list[Words] = []
    for n in range(30):  # every word apart as if the line were justified, never twice in the same place
        x = 50.0
        for k, word in enumerate(words):
            page.append(Words(x, 760 - 14 * n, word))
            x += 6 * len(word) + 8 + (n * 7 + k * 5) % 11
    assert one(pdf([page]), tmp_path / "a.pdf").text.count(STORY[:20]) == 30


def test_raised_numbers() -> None:
    [document] = read(FORMATS / "manuscript.docx")
    assert isinstance(document, Document)
    assert "100 mg/m2 for 5 days. She recovered within two weeks." in prose(document)
    assert document.report.authors == ("Ada B. Okonkwo", "Hye-Jin Park")


def test_pdf_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.sources.pdf.find_spec", lambda name: None)
    assert "a PDF is read with the extra casekg[pdf]" in error(pdf([column(50, 700, [STORY])]), tmp_path / "a.pdf")


GOOD = pdf([column(50, 700, [STORY])])
PADDED = b"(01234567890123456789012345678901)"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.4 rubbish", "is no PDF that can be read"),
        (GOOD[: len(GOOD) // 2], "is no PDF that can be read"),
        (b"PK whatever", "is no PDF, whatever its name says"),
        (pdf([[]]), "holds no text (its pages are pictures); run character recognition"),
        (GOOD.replace(b"/Kids [5 0 R]", b"/Kids [2 0 R]"), "page 1 cannot be read"),
        (
            pdf([column(50, 700, [STORY])], extra=f"/Encrypt << /Filter /Standard /V 1 /R 2 /O {PADDED.decode()} /U "
                f"{PADDED.decode()} /P -44 >> /ID [(a)(a)]"),
            "is protected by a password",
        ),
    ],
    ids=["rubbish", "cut off", "no pdf", "scan", "loop", "password"],
)  # fmt: skip
def test_pdf_that_cannot_be_read(data: bytes, words: str, tmp_path: Path) -> None:
    assert words in error(data, tmp_path / "a.pdf")


def test_pdf_that_kills_the_library_or_lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = tmp_path / "reader.py"
    monkeypatch.setattr("kg.sources.pdf._READER", reader)
    reader.write_text("import os; os.abort()")
    assert "makes the PDF library fail (ended with -6)" in error(GOOD, tmp_path / "a.pdf")
    monkeypatch.setattr("kg.sources.pdf._SECONDS", 0.5)
    reader.write_text("import time; time.sleep(60)")
    assert "takes more than 0.5 seconds to read" in error(GOOD, tmp_path / "a.pdf")


def test_pdf_bomb_is_bounded(tmp_path: Path) -> None:
    stream = zlib.compress(b" " * 20_000_000, 9)
    length = re.search(rb"<< /Length \d+ >>\nstream\n.*?\nendstream", GOOD, re.DOTALL)
    assert length
    packed = b"<< /Length %d /Filter [/FlateDecode] >>\nstream\n%s\nendstream" % (len(stream), stream)
    began = time.process_time()
    path = tmp_path / "a.pdf"
    path.write_bytes(GOOD.replace(length[0], packed))
    assert all(isinstance(item, SourceError) for item in read(path))
    assert time.process_time() - began < 20


@settings(max_examples=12, deadline=None)
@given(lines=st.lists(st.text(alphabet="abcdeé ()\\-.,123 ", max_size=60), min_size=1, max_size=12))
def test_words_of_a_page_are_kept(lines: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "words.pdf"
    path.write_bytes(pdf([column(50, 700, lines)]))
    for item in read(path):
        if isinstance(item, Document):
            kept = re.sub(r"[\s-]", "", item.text)
            wanted = re.sub(r"[\s-]", "", "".join(lines))
            assert kept == wanted
            for block in item.blocks:
                assert block.place == "page 1" and item.text[block.start : block.end].strip()
        else:
            assert not "".join(lines).strip(" ")


@settings(max_examples=8, deadline=None)
@given(at=st.integers(0, 4000), piece=st.binary(max_size=8), cut=st.sampled_from([0, 1, 9, 300]))
def test_spoilt_pdf_is_read_or_refused(
    at: int, piece: bytes, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw = bytearray((FORMATS / "article.pdf").read_bytes())
    raw[at : at + cut] = piece
    path = tmp_path_factory.getbasetemp() / "spoilt.pdf"
    path.write_bytes(raw)
    found = list(read(path))
    assert found and all(isinstance(item, Document) or str(path) in str(item) for item in found)


# --- Word ----------------------------------------------------------------------------------------------------------


def paragraph(words: str) -> str:
    return f"<w:p><w:r><w:t>{words}</w:t></w:r></w:p>"


def test_word_keeps_tables_and_boxes_apart() -> None:
    [document] = read(FORMATS / "manuscript.docx")
    assert isinstance(document, Document)
    assert not re.search("She died|Hidden|Marrow of the girl|Month", prose(document))
    assert document.text.count("Figure 1. Marrow of the girl.") == 1
    assert document.report.title == {"en": "A girl with hypoplastic leukemia and CD34+ blasts 🧬"}
    assert [b.place for b in document.blocks if b.kind == "case"] == ["paragraph 4"]


def test_running_text_in_a_table_is_read(tmp_path: Path) -> None:
    table = f"<w:tbl><w:tr><w:tc>{paragraph(STORY * 4)}</w:tc></w:tr></w:tbl>"
    assert STORY in prose(one(docx(table), tmp_path / "a.docx"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (docx(""), "holds no text"),
        (docx(paragraph(STORY))[:-30], "is no Word file that can be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1old", "is an old or protected Word file"),
        (b"plain text", "is no Word file that can be read"),
        (docx(paragraph("<w:t>")), "is not XML that can be read"),
        (docx("<w:p>" * 50_000), "is not XML that can be read"),
    ],
    ids=["empty", "cut off", "old", "text", "broken", "deep"],
)
def test_word_that_cannot_be_read(data: bytes, words: str, tmp_path: Path) -> None:
    assert words in error(data, tmp_path / "a.docx")


def test_packed_file_of_another_kind(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    assert "is packed, but no Word file" in error(out.getvalue(), tmp_path / "a.docx")


@pytest.mark.parametrize(
    "inside", [b"<w:p>" + b" " * 70_000_000, paragraph("x" * 1000).encode() * 18_000], ids=["blanks", "paragraphs"]
)
def test_zip_bomb_is_bounded(inside: bytes, tmp_path: Path) -> None:
    out = io.BytesIO()
    space = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b'<w:document xmlns:w="%s"><w:body>%s' % (space, inside))
    began = time.process_time()
    path = tmp_path / "a.docx"
    path.write_bytes(out.getvalue())
    assert len(out.getvalue()) < 1_000_000
    assert re.search("longer than|more than 16 MB|is not XML", error(out.getvalue(), path))
    assert time.process_time() - began < 10


def test_entities_in_word_are_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    bomb = '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
    body = f'<w:document xmlns:w="{space}"><w:body>{{}}</w:body></w:document>'
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", bomb + body.format(paragraph("A man &b; was ill.")))
    path = tmp_path / "a.docx"
    path.write_bytes(out.getvalue())
    found = "".join(item.text if isinstance(item, Document) else str(item) for item in read(path))
    assert "root:" not in found
