"""MEDLINE/PubMed XML: one record or a set, plain or gzip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kg.errors import SourceError
from kg.model import BlockKind, Document
from kg.sources._bibliography import bare_title, best_date, license_in, orcid, unique
from kg.sources._compose import Composer, language_tag
from kg.sources._languages import language_of
from kg.sources._pages import page_rules
from kg.sources._xml import Element, child_words, records, words

__all__ = ["read", "recognises"]

_TAGS = ("PubmedArticle", "MedlineCitation")
_MARKS = (b"<PubmedArticle", b"<MedlineCitation")


def recognises(name: str, head: bytes) -> int:
    """By the elements at its beginning, or the document type."""
    return 2 * any(mark in head for mark in _MARKS)


def read(path: Path) -> Iterator[Document | SourceError]:
    """The records of a file in its order, one at a time; the text is title and abstract."""
    return records(path, _TAGS, _document)


def _document(record: Element, where: str) -> Document:
    citation = record if record.tag == "MedlineCitation" else record.find("MedlineCitation")
    article = citation.find("Article") if citation is not None else None
    if citation is None or article is None:
        raise SourceError("holds no article")
    pmid = child_words(citation, "PMID")
    languages = tuple(filter(None, (language_tag(words(e)) for e in article.findall("Language"))))
    titles = _titles(article, languages)
    authors = [(_name(a), a) for a in article.findall("AuthorList/Author")]
    copyright_ = child_words(article, "Abstract/CopyrightInformation")
    composer = Composer()
    own = child_words(article, "VernacularTitle")
    for tag, title in titles.items():
        composer.add(title, "title", tag, f"Article/{'VernacularTitle' if title == own else 'ArticleTitle'}")
    _add_abstract(composer, article.find("Abstract"), "Article/Abstract")
    for number, abstract in enumerate(citation.findall("OtherAbstract"), 1):
        _add_abstract(composer, abstract, f"OtherAbstract[{number}]")
    if not composer.blocks:
        raise SourceError(f"has neither title nor abstract (PMID {pmid or 'unknown'})")
    ids = {e.get("IdType", ""): words(e) for e in record.findall("PubmedData/ArticleIdList/ArticleId")}
    doi = next((words(e) for e in article.findall("ELocationID") if e.get("EIdType") == "doi"), "")
    journal = "Journal/JournalIssue"
    return composer.document(
        pmid or where.rsplit("/", 1)[-1],
        where,
        {
            "title": {tag: bare_title(title) for tag, title in titles.items()},
            "authors": tuple(name for name, _ in authors if name),
            "affiliations": unique(words(e) for e in article.iterfind(".//Affiliation")),
            "journal": child_words(article, "Journal/Title") or child_words(citation, "MedlineJournalInfo/MedlineTA"),
            "issn": unique(
                [child_words(article, "Journal/ISSN"), child_words(citation, "MedlineJournalInfo/ISSNLinking")]
            ),
            "published": best_date(_date(article.find(f"{journal}/PubDate")), _date(article.find("ArticleDate"))),
            "volume": child_words(article, f"{journal}/Volume"),
            "issue": child_words(article, f"{journal}/Issue"),
            "pages": child_words(article, "Pagination/MedlinePgn"),
            "doi": doi or ids.get("doi"),
            "pmid": pmid,
            "pmcid": ids.get("pmc"),
            "keywords": unique(words(e) for e in citation.findall("KeywordList/Keyword")),
            "language": languages,
            "license": license_in(copyright_),
            "copyright": copyright_,
            "publication_types": tuple(words(e) for e in article.findall("PublicationTypeList/PublicationType")),
            "author_ids": {name: key for name, author in authors if name and (key := _orcid(author))},
            "headings": tuple(map(_heading, citation.findall("MeshHeadingList/MeshHeading"))),
            "subjects": unique(
                f"mesh:{ui}"
                for e in citation.iterfind("MeshHeadingList/MeshHeading/DescriptorName")
                if (ui := e.get("UI"))
            ),
        },
    )


def _titles(article: Element, languages: tuple[str, ...]) -> dict[str, str]:
    """The title in English and, where there is one, in the language of the article."""
    title, own = child_words(article, "ArticleTitle"), child_words(article, "VernacularTitle")
    titles = {language_of(title): title} if title and not title.startswith("[Not Available]") else {}
    other = next((tag for tag in languages if tag != "en"), "")
    if own and (tag := other or language_of(own)) != "en":
        titles[tag] = own
    return titles


def _add_abstract(composer: Composer, abstract: Element | None, place: str) -> None:
    if abstract is None:
        return
    tag = language_tag(abstract.get("Language", ""))
    for number, part in enumerate(abstract.findall("AbstractText"), 1):
        label = part.get("Label", "")
        text = words(part)
        section = page_rules().section(label) or page_rules().section(part.get("NlmCategory", ""))
        kind: BlockKind = section.kind if section and section.inline and not section.field else "abstract"
        named = label and label != "UNLABELLED"
        composer.add(f"{label}: {text}" if named and text else text, kind, tag, f"{place}/AbstractText[{number}]")


def _name(author: Element) -> str:
    if group := child_words(author, "CollectiveName"):
        return group
    given = child_words(author, "ForeName") or child_words(author, "Initials")
    return " ".join(filter(None, (given, child_words(author, "LastName"), child_words(author, "Suffix"))))


def _orcid(author: Element) -> str:
    return next(filter(None, (orcid(words(e)) for e in author.findall("Identifier") if e.get("Source") == "ORCID")), "")


def _heading(heading: Element) -> str:
    """A descriptor with its qualifiers: ``Leukemia, Hairy Cell/drug therapy/genetics``."""
    return "/".join(words(e) for e in heading if e.tag in ("DescriptorName", "QualifierName"))


def _date(date: Element | None) -> str:
    if date is None:
        return ""
    if loose := child_words(date, "MedlineDate"):
        return loose
    year, month, day = (child_words(date, part) for part in ("Year", "Month", "Day"))
    if month.isdigit():
        return "-".join(filter(None, (year, month.zfill(2), day.zfill(2) if day else "")))
    return " ".join(filter(None, (year, month, day)))
