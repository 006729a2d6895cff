"""Readers of bibliographic formats: text, sections, bibliography, agreement with other readings, hostile input."""

from __future__ import annotations

import gzip
import json
import re
import time
import tracemalloc
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import SourceError
from kg.model import Document, to_json
from kg.registry import plugins
from kg.sources import expand, read
from kg.sources._pages import BLANK
from tests.reading import FORMATS, documents, errors, prose


def check(document: Document) -> None:
    """Blocks are in order, hold no blanks at their ends, and together hold all that is not blank."""
    end = 0
    for block in document.blocks:
        assert not document.text[end : block.start].strip(BLANK) and end <= block.start < block.end
        assert document.text[block.start : block.end].strip() == document.text[block.start : block.end]
        end = block.end
    assert not document.text[end:].strip(BLANK)


@pytest.mark.parametrize("path", sorted(FORMATS.iterdir()), ids=lambda p: p.name)
def test_formats_as_read(path: Path, golden: Callable[[str, Any], None]) -> None:
    found: list[Any] = []
    for item in read(path):
        if isinstance(item, SourceError):
            found.append(str(item).replace(str(path), path.name))
        else:
            check(item)
            blocks = [[b.kind, b.language, b.place, item.text[b.start : b.end]] for b in item.blocks]
            found.append({"id": item.id, "report": to_json(item.report), "blocks": blocks})
    golden(f"formats/{path.name}.json", found)


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("set.medline.xml", "medline"),
        ("article.nxml", "jats"),
        ("collection.bioc.xml", "bioc"),
        ("collection.bioc.json", "bioc"),
        ("some.PubTator.txt", "pubtator"),
        ("export.nbib", "nbib"),
        ("export.ris", "ris"),
        ("patients.csv", "csv"),
        ("page.html", "html"),
        ("search.europepmc.json", "europepmc"),
        ("article.pdf", "pdf"),
        ("manuscript.docx", "docx"),
    ],
)
def test_each_format_is_recognised_whatever_its_name(name: str, reader: str, tmp_path: Path) -> None:
    head = (FORMATS / name).read_bytes()[:4096]
    sure = {n: int(m.recognises(name, head)) for n, m in plugins("sources").items()}
    assert max(sure, key=lambda n: sure[n]) == reader and list(sure.values()).count(sure[reader]) == 1
    if sure[reader] == 2:
        sure = {n: int(m.recognises("x.txt", head)) for n, m in plugins("sources").items()}
        assert max(sure, key=lambda n: sure[n]) == reader
    zipped = tmp_path / f"{name}.gz"
    zipped.write_bytes(gzip.compress((FORMATS / name).read_bytes()))
    assert [d.text for d in documents(zipped)] == [d.text for d in documents(FORMATS / name)]


def test_medline_keeps_inline_text_labels_and_languages() -> None:
    first, second = documents(FORMATS / "set.medline.xml")
    assert first.report.title["en"] == "Remission of hairy cell leukemia, CD4+ & rare 🧬"
    assert prose(first, "case") == "CASE: A 58-year-old man had β2 changes. He received cladribine."
    assert prose(first, "discussion").endswith("One course sufficed.")
    assert (first.report.published, first.report.doi, first.report.pmcid) == (
        "2011-03-07",
        "10.9999/jih.2011.0145",
        "PMC9999901",
    )
    assert first.report.authors == ("Ada B Okonkwo", "Example Study Group")
    assert second.report.title == {"en": "Aplasia in a girl", "fr": "Aplasie chez une fille"}
    assert second.report.published == "1998" and second.blocks[-1].language == "fr"
    assert len(errors(FORMATS / "set.medline.xml")) == 1


def test_jats_keeps_legends_and_references_apart() -> None:
    [document] = documents(FORMATS / "article.nxml")
    case = prose(document, "case")
    assert "had pain for 12 months." in case and "Heparin was given at 10 IU/kg daily." in case
    assert "Eculizumab was begun." in case and "She was well after 14 months." in case
    assert "Doppler" not in case and "Figure 1 Doppler." in prose(document, "caption")
    assert "Thrombosis is dangerous and common [1]." in prose(document, "introduction")
    assert not re.search("died|thank|Hemoglobin", document.text)
    assert document.report.title["ko"] == "빈혈 환자의 간정맥 혈전증" and document.report.license == "CC BY 4.0"
    assert document.report.published == "2015-03-03" and document.id == "PMC9999904"
    assert any(b.place.endswith("sec[2]/p") for b in document.blocks)


def test_jats_in_a_namespace_and_commas_between_numbers(tmp_path: Path) -> None:
    xml = (FORMATS / "article.nxml").read_text(encoding="utf-8")
    path = tmp_path / "a.xml"
    path.write_text(
        xml.replace(
            "<article ", '<o:metadata xmlns:o="urn:o"><article xmlns="https://jats.nlm.nih.gov/ns/archiving/1.3/" '
        ).replace("</article>", "</article></o:metadata>")
    )
    [document] = documents(path)
    [plain_] = documents(FORMATS / "article.nxml")
    assert (document.text, document.report, document.blocks) == (plain_.text, plain_.report, plain_.blocks)
    note = '<xref ref-type="bibr"><sup>{}</sup></xref>'
    path.write_text(
        BODIES["jats"].format(f"He was cured{note.format(1)},{note.format(2)}. He left{note.format(3)}, well.")
    )
    assert documents(path)[0].text == "He was cured. He left, well."


def test_bioc_and_pubtator_offsets_are_kept() -> None:
    [document] = documents(FORMATS / "collection.bioc.xml")
    assert document.text[43:51] == "leukemia"
    [of_pmc] = documents(FORMATS / "collection.bioc.json")
    assert of_pmc.text[56:].startswith("She received iron") and prose(of_pmc, "case").startswith("Case report")
    assert "died" not in prose(of_pmc) and of_pmc.report.authors == ("Hye-Jin Park",)
    first, second = documents(FORMATS / "some.PubTator.txt")
    assert first.text[22:] == "A man of 50 had hepatitis after clopidogrel. It resolved."
    assert prose(second, "case") == "CASE SUMMARY: A woman of 61 had neuropathy."


def test_rows_of_a_table(tmp_path: Path) -> None:
    [document] = documents(FORMATS / "patients.csv")
    assert document.text == 'A 5-year-old boy, "ill",\r\nhad leukemia. He was cured.'
    assert document.id == "7665777-1" and document.report.pmid == "33492400"
    [document] = documents(FORMATS / "cases.tsv")
    assert document.report.keywords == ("anemia", "iron") and document.report.authors == ("Park H", "Kim J")
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,text\n1,M\xe4nner\n2,A man was ill.\n3,\n")
    assert [d.id for d in documents(path)] == ["2"] and len(errors(path)) == 2
    path.write_bytes(b"id,words\n1,x\n")
    assert "has no column with the report's text" in errors(path)[0]


PATIENTS = [
    {"patient_uid": "7665777-1", "PMID": "33492400", "title": "Two courses", "patient": "A man of 40 had anemia."},
    {"patient_uid": "7665777-2", "PMID": "33492400", "title": "Two courses", "patient": "A girl of 9 had anemia."},
]


def test_records_of_pmc_patients(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, PATIENTS)))
    listed = tmp_path / "a.json"
    listed.write_text(json.dumps(PATIENTS, indent=1))
    for file in (path, listed):
        first, second = documents(file)
        assert (second.id, second.text, second.nth) == ("7665777-2", "A girl of 9 had anemia.", 2)
        assert first.nth == 1 and first.report.pmid == second.report.pmid == "33492400"
    listed.write_text('{"id": "x", "title": "nothing"}')
    assert errors(listed) == [f'{listed}, record 1: has no text; the field "text" holds the report.']


def test_records_of_multicare(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    cases = [{"case_id": f"PMC10000728_0{n}", "case_text": f"A man of {n}0 was ill.", "gender": "Male"} for n in (3, 4)]
    path.write_text(json.dumps({"article_id": "PMC10000728", "title": "Men", "cases": cases}))
    found = documents(path)
    assert [(d.id, d.nth, d.report.pmcid, d.report.title) for d in found] == [
        ("PMC10000728_03", 3, "PMC10000728", {"en": "Men"}),
        ("PMC10000728_04", 4, "PMC10000728", {"en": "Men"}),
    ]


def test_web_page_without_the_site() -> None:
    [document] = documents(FORMATS / "page.html")
    assert not re.search("Login|not of the article|Example 2020|banner", document.text)
    assert "pancytopenia 🧬. He received cladribine." in prose(document, "abstract")
    assert "He was discharged." in prose(document, "case") and "Fever ceased" in prose(document, "case")
    assert "died" not in prose(document)
    assert document.report.authors == ("Ada B Okonkwo", "Per Lindqvist") and document.report.pages == "1-4"
    assert (document.report.doi, document.report.published) == ("10.9999/x.1", "2011-03-05")
    assert document.report.keywords == ("cladribine", "leukemia")
    assert all("/" in b.place for b in document.blocks)


def test_web_page_in_its_own_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    text = '<html><head><meta charset="euc-kr"></head><body><p>{}</p></body></html>'
    path.write_bytes(text.format("환자는 회복되었다.").encode("euc-kr"))
    assert documents(path)[0].text == "환자는 회복되었다."
    path.write_bytes(b"<html><body><script>x()</script></body></html>")
    assert "holds no text" in errors(path)[0]


# --- independent readings of the real files -------------------------------------------------------------------------


def plain(xml: str) -> str:
    return " ".join(unescape(re.sub(r"<!--.*?-->|<[^>]*>", "", xml)).split())


def inside(tag: str, xml: str) -> str:
    m = re.search(rf"<{tag}[ >].*?</{tag}>", xml, re.DOTALL)
    return plain(m[0]) if m else ""


def test_real_medline_records(shared: Path) -> None:
    for path in sorted((shared / "fixtures" / "medline").iterdir()):
        xml = path.read_text(encoding="utf-8")
        [document] = documents(path)
        check(document)
        title = inside("ArticleTitle", xml).strip("[].")
        assert document.report.title["en"].strip(".") == title
        assert document.report.pmid == inside("PMID", xml) and document.report.journal == inside("Title", xml)
        assert (document.report.published or "").startswith(inside("Year", inside_raw("PubDate", xml)))
        for words in re.findall(r"<AbstractText.*?</AbstractText>", xml, re.DOTALL):
            assert plain(words) in document.text
    [french] = documents(shared / "fixtures" / "medline" / "3029822.xml")
    assert french.report.title["fr"].startswith("Tumeur glomique") and "Case Reports" in french.report.publication_types


def inside_raw(tag: str, xml: str) -> str:
    m = re.search(rf"<{tag}[ >].*?</{tag}>", xml, re.DOTALL)
    return m[0] if m else ""


def test_real_jats_articles(shared: Path) -> None:
    for path in sorted((shared / "fixtures" / "jats").iterdir()):
        xml = path.read_text(encoding="utf-8")
        front = inside_raw("front", xml)
        [document] = documents(path)
        check(document)
        assert document.report.title["en"].rstrip(".") == inside("article-title", front).rstrip(".")
        assert document.report.journal == inside("journal-title", front)
        for sort, value in (("doi", document.report.doi), ("pmid", document.report.pmid)):
            m = re.search(rf'<article-id pub-id-type="{sort}">([^<]*)', front)
            assert value == (m[1] if m else None)
        assert (document.report.published or "")[:4] in re.findall(r"<year>(\d{4})", front)
        body = re.sub(
            r"<(fig|table-wrap|disp-formula|supplementary-material)[ >].*?</\1>",
            "",
            inside_raw("body", xml),
            flags=re.DOTALL,
        )
        words = re.findall(r"[a-z]{4,}", plain(re.sub(r"</(p|title|sec)>", " ", body)))
        ours = set(re.findall(r"[a-z]{4,}", document.text))
        assert sum(word in ours for word in words) >= 0.999 * len(words)
        assert ("case report" in map(str.lower, document.report.publication_types)) == (
            'article-type="case-report"' in xml
        )


def test_real_bioc_and_pubtator_agree(shared: Path) -> None:
    of_bioc = documents(shared / "fixtures" / "bioc" / "cdr_case_reports.BioC.xml")
    of_pubtator = documents(shared / "fixtures" / "pubtator" / "cdr_case_reports.PubTator.txt")
    assert [(d.id, d.text.replace("\n", " ")) for d in of_bioc] == [
        (d.id, d.text.replace("\n", " ")) for d in of_pubtator
    ]
    by_id = {d.id: d for d in of_pubtator}
    lines = (shared / "fixtures" / "pubtator" / "cdr_case_reports.PubTator.txt").read_text(encoding="utf-8")
    annotated = re.findall(r"^(\d+)\t(\d+)\t(\d+)\t([^\t]+)\t", lines, re.MULTILINE)
    assert len(annotated) > 50
    for key, start, end, words in annotated:
        assert by_id[key].text[int(start) : int(end)] == words


# --- hostile input --------------------------------------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{LAUGHS}]>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l9 SYSTEM "file:///etc/passwd">]>'
ARTICLE = "<PMID>1</PMID><Article><ArticleTitle>{}</ArticleTitle></Article>"
PASSAGE = "<passage><offset>0</offset><text>{}</text></passage>"
BODIES = {
    "medline": f"<PubmedArticle><MedlineCitation>{ARTICLE}</MedlineCitation></PubmedArticle>",
    "jats": '<article article-type="case-report"><front><article-meta/></front><body><p>{}</p></body></article>',
    "bioc": f"<collection><!-- BioC --><document><id>1</id>{PASSAGE}</document></collection>",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("head", [BOMB, OUTSIDE], ids=["bomb", "outside"])
def test_entities_are_refused(tmp_path: Path, head: str, body: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(head + body.format("A &l9; man"))
    began = time.process_time()
    assert not documents(path)
    [message] = errors(path)
    assert "entity" in message and "root:" not in message
    assert time.process_time() - began < 2


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(
    "words",
    ["<i>" * 100_000 + "x", "cut off <i>", "x" * 20_000_000, "\x01"],
    ids=["deep", "cut off", "long", "control"],
)
def test_broken_xml_is_one_error(tmp_path: Path, body: str, words: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(body.format(words))
    began = time.process_time()
    assert len(errors(path)) == 1 and not documents(path)
    assert time.process_time() - began < 5


def test_good_records_before_a_fault_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(f"<PubmedArticleSet>{BODIES['medline'].format('A man')}{BODIES['medline'].format('A boy')}<broken")
    assert [isinstance(d, Document) for d in read(path)] == [True, True, False]


def test_endless_record_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.sources._xml._LARGEST", 1 << 20)
    path = tmp_path / "a.xml.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(b"<PubmedArticleSet><PubmedArticle>" + b"<Author>x</Author>" * 200_000)
    assert "one record is longer than 1 MB" in errors(path)[0]


def test_medline_set_streams(tmp_path: Path) -> None:
    path = tmp_path / "a.xml.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(b"<PubmedArticleSet>")
        for _ in range(250):
            stream.write(BODIES["medline"].format("the man was ill and " * 1000).encode())
        stream.write(b"</PubmedArticleSet>")
    tracemalloc.start()
    try:
        assert sum(isinstance(d, Document) for d in read(path)) == 250
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["a.html", "a.nbib", "a.ris", "a.csv", "a.bioc.json"])
def test_other_hostile_input_is_bounded(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    began = time.process_time()
    for data in (
        b"<html><body>" + b"<div>" * 50_000 + b"text",
        b"PMID- 1\nTI  - " + b"x\n      " * 200_000,
        b'{"documents": ' + b"[" * 50_000,
        b'id,text\n1,"' + b"open\n" * 20_000,
        b"\xff\xfe\x00\x01",
        b"\x1f\x8b\x08",
    ):
        path.write_bytes(data)
        for item in read(path):
            assert isinstance(item, Document | SourceError)
    assert time.process_time() - began < 10


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_spoilt_files_give_documents_or_errors(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Bytes cut, doubled, changed and put in: whatever comes, it is read or refused, and offsets hold."""
    source = data.draw(st.sampled_from(sorted(p for p in FORMATS.iterdir() if p.suffix != ".pdf")))  # that one is slow
    raw = bytearray(source.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(raw) - 1, 0)))
        piece = data.draw(
            st.one_of(
                st.binary(max_size=4), st.sampled_from([b"<p>", b"</p>", b"&x;", b"\xe2\x80\x8b", b'"', b"\n", b"{"])
            )
        )
        raw[at : at + data.draw(st.sampled_from([0, 0, 1, 5, 200]))] = piece
    path = tmp_path_factory.getbasetemp() / source.name
    path.write_bytes(bytes(raw))
    for item in read(path):
        if isinstance(item, Document):
            check(item)
        else:
            assert str(path) in str(item)


def test_folder_of_all_formats() -> None:
    found = [d for path in expand([FORMATS]) for d in read(path)]
    assert sum(isinstance(d, Document) for d in found) >= 14
    assert json.dumps([d.id for d in found if isinstance(d, Document)])
