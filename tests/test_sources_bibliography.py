"""Bibliography: dates at their true precision, ORCID iDs with their check digit, MeSH, what is no case report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg import quads, vocab
from kg.model import Block, CaseRecord, Document, Report
from kg.sources import read
from kg.sources._bibliography import best_date, orcid, parse_date

FORMATS = Path(__file__).parent / "formats"


def first(name: str) -> Report:
    document = next(iter(read(FORMATS / name)))
    assert isinstance(document, Document)
    return document.report


@pytest.mark.parametrize(
    ("words", "date"),
    [
        ("2016", "2016"),
        ("2016 Spring", "2016"),
        ("1998 Nov-Dec", "1998"),
        ("2000 Dec-2001 Jan", "2000"),
        ("2003 Mar 3-9", "2003-03"),
        ("2003 Jun 30", "2003-06-30"),
        ("30 June 2003", "2003-06-30"),
        ("2003년 6월", "2003-06"),
        ("n.d.", None),
        ("0000", None),
        ("1234", None),
    ],
)
def test_no_date_is_more_precise_than_its_words(words: str, date: str | None) -> None:
    assert parse_date(words) == date


def test_the_day_of_electronic_publication_only_sharpens_the_issue() -> None:
    assert best_date("2016", "2016-03-09") == "2016-03-09"
    assert best_date("2016 Apr", "2016-03-09") == "2016-04", "the issue has another month"


@given(st.integers(0, 10**15 - 1))
def test_orcid_has_one_right_check_digit(number: int) -> None:
    digits = f"{number:015}"
    right = [key for c in "0123456789X" if (key := orcid(f"https://orcid.org/{digits}{c}"))]
    assert len(right) == 1
    assert right[0].replace("-", "")[6:-1] == digits and orcid(right[0]) == right[0]


def test_orcid_in_all_its_spellings() -> None:
    for words in (
        "0000-0002-1825-0097",
        "http://orcid.org/0000-0002-1825-0097",
        "0000000218250097",
        " ORCID: 0000-0002-1825-0097",
    ):
        assert orcid(words) == "orcid:0000-0002-1825-0097"
    assert orcid("0000-0002-9079-593x") == "orcid:0000-0002-9079-593X"
    for words in ("", "0000-0002-1825-0098", "00000002182500970", "1234"):
        assert orcid(words) == ""


@pytest.mark.parametrize(
    "name", ["set.medline.xml", "export.nbib", "article.nxml", "page.html", "search.europepmc.json"]
)
def test_formats_that_know_orcid(name: str) -> None:
    report = first(name)
    assert report.author_ids and set(report.author_ids) <= set(report.authors)


def test_mesh_headings_and_their_numbers() -> None:
    assert first("set.medline.xml").headings == ("Cladribine/therapeutic use", "Male")
    assert first("set.medline.xml").subjects == ("mesh:D017338", "mesh:D008297")
    assert first("export.nbib").headings[1] == "Leukemia, Hairy Cell/drug therapy"
    assert first("search.europepmc.json").headings[0] == "Hemoglobinuria, Paroxysmal/drug therapy"


def test_what_is_no_name_never_becomes_one() -> None:
    report = Report(
        doi="10.1000/x",
        authors=("A B",),
        author_ids={"A B": "orcid:../../x> <y", "C D": "orcid:0000-0002-1825-0097"},
        subjects=("mesh:D1 <x>", "http://evil", "mesh:D017338"),
        issn=("1234-567X", "12345678", "x\n"),
    )
    document = Document("a", "A man was ill.", report, (Block(0, 14, "body"),))
    writer = quads.Writer(vocab.load(), "https://w3id.org/casekg/id/", "rules", "1")
    written = {
        (q.predicate.value.rpartition("/")[2], str(q.object)) for q in quads.parse(writer(document, CaseRecord(id="a")))
    }
    assert {o for p, o in written if p == "creator"} == {'"A B"', "<https://orcid.org/0000-0002-1825-0097>"}
    assert {o for p, o in written if p == "subject"} == {"<http://identifiers.org/mesh/D017338>"}
    assert {o for p, o in written if p == "issn"} == {'"1234-567X"'}


STORY = "A 58-year-old man had hairy cell leukemia. He received cladribine and reached complete remission."


@pytest.mark.parametrize(
    ("types", "told"),
    [
        ((), None),
        (("Case Reports", "Journal Article"), None),
        (("Review",), None),
        (("Journal Article", "Meta-Analysis"), 'not a case report (publication type "Meta-Analysis")'),
        (("correction",), 'not a case report (publication type "correction")'),
        (("Editorial", "Case Reports"), None),
    ],
)
def test_what_is_no_case_report_by_its_type(
    types: tuple[str, ...], told: str | None, extract: Callable[[Document], CaseRecord]
) -> None:
    document = Document("a", STORY, Report(), (Block(0, len(STORY), "abstract"),))
    record = extract(replace(document, report=Report(publication_types=types)))
    assert record.skip == told
    assert bool(record.cases) == (told is None)
