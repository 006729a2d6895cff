"""From a block back to its source: the element of XML and web pages, the page of a PDF, a paragraph of a Word file."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, html

from kg.model import Document
from kg.sources._xml import Paths
from tests.pdfs import column, docx, pdf
from tests.reading import FORMATS, documents, prose

ROOTS = {"article.nxml": "article", "set.medline.xml": "MedlineCitation", "collection.bioc.xml": "document"}


def letters(text: str) -> str:
    """Letters and digits, in which a block and the element it was read from agree."""
    return re.sub(r"[\W_]+", "", text)


def check_elements(document: Document, root: Any) -> None:
    assert document.blocks
    for block in document.blocks:
        [element, *_] = root.xpath(block.place)
        label = element.get("Label") or ""
        parent = element.getparent()
        legend = parent.findtext("label") or "" if element.tag == "caption" else ""
        inside = letters(label + legend + "".join(map(str, element.itertext())))
        words = letters(document.text[block.start : block.end])
        assert is_within(words, inside), (block, words, inside)


def is_within(words: str, inside: str) -> bool:
    """Whether the words stand in an element in their order; numbers of notes and legends between them are left out."""
    found = iter(inside)
    return all(sign in found for sign in words)


@pytest.mark.parametrize("name", ROOTS)
def test_blocks_of_xml_name_their_element(name: str) -> None:
    xml = etree.fromstring((FORMATS / name).read_bytes().replace(b"&nbsp;", b"&#160;"))
    roots = {letters("".join(map(str, e.itertext()))): e for e in xml.iter(ROOTS[name])}
    found = documents(FORMATS / name)
    assert found
    for document in found:
        title = letters(next(iter(document.report.title.values())))
        [root] = [e for words, e in roots.items() if title in words]
        check_elements(document, root)


def test_blocks_of_real_articles_name_their_element(shared: Path) -> None:
    for path in sorted((shared / "fixtures" / "jats").iterdir()):
        for document, root in zip(documents(path), etree.parse(path).iter("article"), strict=True):
            check_elements(document, root)


def test_blocks_of_a_web_page_name_their_element() -> None:
    [document] = documents(FORMATS / "page.html")
    page: Any = html.document_fromstring((FORMATS / "page.html").read_bytes(), html.HTMLParser(encoding="utf-8"))
    for block in document.blocks:
        [element] = page.xpath(block.place)
        first = letters(document.text[block.start : block.end])[:8]
        assert first in letters("".join(map(str, element.getparent().itertext())))


def test_paths_are_those_of_lxml_in_linear_time(tmp_path: Path) -> None:
    article = (FORMATS / "article.nxml").read_bytes().replace(b"&nbsp;", b"&#160;")
    mixed = b'<a xmlns:m="m"><b/><!-- c --><b/><m:b/><m:b/><c xmlns="n"/><c xmlns="n"/><d><c xmlns="n"/></d><?pi?></a>'
    for root in (etree.fromstring(article), html.fromstring((FORMATS / "page.html").read_bytes()), etree.XML(mixed)):
        paths, tree = Paths(), root.getroottree()
        for element in root.iter("*"):
            assert paths.of(element) == tree.getpath(element)
    page = tmp_path / "many.html"
    page.write_text("<html>" + "<h2>Case report</h2><p>The man was ill and had anemia." * 5000)
    began = time.process_time()
    assert len(documents(page)[0].blocks) == 5000
    assert time.process_time() - began < 5


WORDS = st.text(alphabet="abcdéß𝔸🧬e\u0301 가나.,-", min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(sections=st.lists(st.lists(WORDS, min_size=1, max_size=3), min_size=1, max_size=4), end=st.sampled_from("\n\r"))
def test_any_article_maps_back(sections: list[list[str]], end: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    body = "".join(
        f"<sec><title>Part {n}</title>{''.join(f'<p>{a}<b>{a}</b>{a}</p>{end}' for a in paragraphs)}</sec>"
        for n, paragraphs in enumerate(sections)
    )
    path = tmp_path_factory.getbasetemp() / "any.nxml"
    xml = f'\ufeff<article article-type="case-report"><front><article-meta/></front><body>{body}</body></article>'
    path.write_text(xml, encoding="utf-8", newline="")
    root = etree.fromstring(path.read_bytes())
    [document] = documents(path)
    check_elements(document, root)


@settings(max_examples=6, deadline=None)
@given(pages=st.lists(st.text(alphabet="abcdefgh", min_size=4, max_size=9), min_size=1, max_size=4, unique=True))
def test_any_pdf_and_word_file_maps_back(pages: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp()
    lines = [f"The {word} was seen. He was given {word} and had a complete remission." for word in pages]
    (folder / "a.pdf").write_bytes(pdf([column(50, 700, [line]) for line in lines]))
    (folder / "a.docx").write_bytes(docx("".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in lines)))
    for name, sort in (("a.pdf", "page"), ("a.docx", "paragraph")):
        [document] = documents(folder / name)
        for number, line in enumerate(lines, 1):
            at = document.text.index(line)
            [block] = [b for b in document.blocks if b.start <= at < b.end]
            first, _, last = block.place.removeprefix(f"{sort}s ").removeprefix(f"{sort} ").partition("-")
            assert int(first) <= number
            assert number <= int(last or first) or sort == "paragraph"  # a block says where it begins


# --- saved pages of journals and of PubMed --------------------------------------------------------------------------


def test_saved_page_of_pubmed() -> None:
    [document] = documents(FORMATS / "pubmed.html")
    report = document.report
    assert (report.volume, report.issue, report.pages, report.pmcid) == ("12", "3", "145-9", "PMC9999909")
    assert report.publication_types[0] == "Case Reports" and report.headings[0] == "Cladribine / therapeutic use"
    assert report.authors == ("Okonkwo AB", "Lindqvist P")
    assert not re.search("died|Splenic|Search in|Send to", prose(document))
    assert [b.kind for b in document.blocks if b.kind in ("introduction", "case", "discussion")] == [
        "introduction", "case", "discussion",
    ]  # fmt: skip


TABLE = """<html><body><article><h1>Remission in a boy</h1><h2>Case report</h2>
<p>A boy of 5 years had leukemia and was given cytarabine.</p>
<table><tr><th>Age</th><th>Outcome</th></tr><tr><td>6</td><td>The boy died.</td></tr></table>
<p>He reached a remission after two courses of it and has been well since then at all visits.</p>
<figure><figcaption>Marrow of another boy who died.</figcaption></figure></article></body></html>"""


def test_cells_and_legends_of_a_web_page_stand_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text(TABLE)
    [document] = documents(path)
    first, last = "A boy of 5 years had leukemia and was given cytarabine.", "well since then at all visits."
    assert prose(document).startswith(f"Case report\n\n{first}") and prose(document).endswith(last)
    assert "died" not in prose(document)
    assert "Age Outcome \n6 The boy died." in document.text


def test_saved_page_of_a_publisher() -> None:
    [document] = documents(FORMATS / "publisher.html")
    words = prose(document)
    assert not re.search("Death of a woman|cyclosporine|consent|Nobody|empty marrow", words)
    assert "fever of 38.5 °C. He received antithymocyte globulin (Fig. 1)" in words and "well for 2 years" in words
    assert (document.report.license, document.report.keywords) == ("CC BY 4.0", ("Aplastic anemia", "Hepatitis"))


@pytest.mark.parametrize(
    ("name", "first", "last", "license_", "keywords"),
    [
        ("sciencedirect", "We report a 40-year-old woman", "has lasted for 3 years.", "CC BY-NC-ND 4.0", 2),
        ("atypon", "A 30-year-old farmer had", "has been well since.", None, 0),
        ("mdpi", "A 60-year-old baker had", "reached after four courses.", "CC BY 4.0", 2),
        ("silverchair", "We describe a 50-year-old tailor", "normal for 4 years.", "CC BY 4.0", 0),
        ("pmc", "Lymphoma is common.", "He reached complete remission and juggles again.", "CC BY 4.0", 2),
    ],
)
def test_saved_pages_of_other_platforms(name: str, first: str, last: str, license_: str | None, keywords: int) -> None:
    [document] = documents(FORMATS / f"{name}.html")
    words = prose(document)
    assert first in words and last in words and "In one series, 5 of 10 patients died." in words
    # Legends, tables and their notes, other articles, back matter, consent to cookies, tools.
    assert words.count("died") == 1
    assert not re.search("literature|eltrombopag|vincristine|[Cc]ookie|[Tt]erms|Previous|Highlight|PDF", words)
    assert (document.report.license, len(document.report.keywords)) == (license_, keywords)
