"""Records for the tests of the graph side: one that fills every field, and a small one to change."""

from __future__ import annotations

from typing import Any

from kg.model import (
    Agreement,
    Block,
    Case,
    CaseRecord,
    Condition,
    Document,
    Finding,
    Intervention,
    LinkEvidence,
    Outcome,
    Patient,
    Quantity,
    Report,
    Span,
    Window,
)
from kg.review import Decision, Review, quote_of

__all__ = ["TEXT", "at", "full_document", "full_record", "full_reviews", "sentences"]

TEXT = (
    "A 13-year-old boy had pancytopenia. Severe aplastic anemia was diagnosed; the final diagnosis was hypoplastic "
    "leukemia of the marrow. CD34 was positive. Combination chemotherapy with vincristine 2 mg was given as first "
    "line. Etoposide resulted in complete remission \U0001d53e, which lasted 12 months. There was no infection.\n"
    "제목: 백혈병 환자의 관해."
)


def at(words: str, text: str = TEXT) -> dict[str, Any]:
    """The place of ``words`` in the text, as the fields of an episode."""
    start = text.index(words)
    return {"start": start, "end": start + len(words), "text": words}


def span(words: str) -> Span:
    start = TEXT.index(words)
    return Span(start, start + len(words))


def sentences(text: str = TEXT) -> tuple[Span, ...]:
    """Sentences end with a full stop and a space or line."""
    found, start = [], 0
    for end in (n + 1 for n, c in enumerate(text) if c == "." and text[n + 1 : n + 2] in {" ", "\n", ""}):
        found.append(Span(start, end))
        start = end + 1
    return tuple(found)


REPORT = Report(
    title={"en": "Remission after etoposide", "ko": "백혈병 환자의 관해"},
    authors=("Yoshimi, A.", "Nakamoto, C."),
    affiliations=("Department of Haematology",),
    journal="Int J Hematol",
    issn=("0925-5710",),
    published="2003-06",
    volume="77",
    issue="3",
    pages="277-281",
    doi="https://doi.org/10.1000/XYZ(2003)77<277:R>2",
    pmid="12731672",
    pmcid="PMC123",
    keywords=("leukemia", "etoposide"),
    language=("en", "ko"),
    license="CC BY 4.0",
    copyright="(C) 2003 The Society",
    url="https://example.net/article",
    publication_types=("Case Reports",),
    author_ids={"Yoshimi, A.": "orcid:0000-0002-1825-0097"},
    headings=("Leukemia/drug therapy",),
    subjects=("mesh:D007938",),
)


def full_document() -> Document:
    return Document("full", TEXT, REPORT, (Block(0, len(TEXT), "abstract"),))


def full_record() -> CaseRecord:
    conditions = (
        Condition(id="c1", **at("hypoplastic leukemia"), label="hypoplastic leukemia",
                  concept="ckv:hypoplastic-leukemia", candidates=("ckv:hypoplastic-leukemia", "ckv:leukemia"),
                  role="primary", sites=("marrow",)),
        Condition(id="c2", **at("Severe aplastic anemia"), label="severe aplastic anemia", role="revised",
                  mentions=(span("pancytopenia"),)),
        Condition(id="c3", **at("infection"), label="infection", role="complication", assertion="absent"),
    )  # fmt: skip
    interventions = (
        Intervention(id="i1", **at("Combination chemotherapy"), label="combination chemotherapy", kind="drug",
                     for_=("c1",), line=1),
        Intervention(id="i2", **at("vincristine"), label="vincristine", concept="ckv:vincristine", kind="drug",
                     for_=("c1", "c3"), part_of="i1", dose="2 mg"),
        Intervention(id="i3", **at("Etoposide"), label="etoposide", concept="ckv:etoposide", kind="drug"),
    )  # fmt: skip
    outcome = Outcome(
        id="o1", **at("complete remission"), category="complete_remission", of=("c1",), after=("i2", "i3"),
        attributed_to=("i3",), duration=Quantity(12, "month"), duration_type="lasted", duration_span=span("12 months"),
    )  # fmt: skip
    own = span("Etoposide resulted in complete remission")
    case = Case(
        id="case1",
        patient=Patient(age=Quantity(13, "year"), age_group="child", sex="male", age_span=span("13-year-old"),
                        sex_span=span("boy")),
        conditions=conditions,
        interventions=interventions,
        outcomes=(outcome,),
        findings=(Finding(id="f1", **at("CD34"), label="CD34", sort="marker"),),
        evidence=(LinkEvidence(from_="o1", to="i3", type="attributed_to", start=own.start, end=own.end),),
        agreement=(
            Agreement(item="c1", found_by=("rules", "llm"), review="role: primary by rules, relapse by llm"),
            Agreement(item="o1", to="i3", type="attributed_to", found_by=("rules", "llm")),
        ),
    )  # fmt: skip
    window = Window(start=0, end=len(TEXT), status="done", model="small", prompt="1", date="2026-01-01", dropped=2)
    return CaseRecord(
        id="full",
        report=REPORT,
        cases=(case,),
        sentences=sentences(),
        skip="an example",
        unread=("de",),
        windows=(window,),
    )


def full_reviews() -> tuple[Review, ...]:
    """A fact of the full record that was accepted, and one that was rejected and is gone."""
    about, gone = span("Severe aplastic anemia"), span("diagnosis")
    who: dict[str, Any] = {"who": "A. Reader", "when": "2024-05-01T12:00:00Z", "why": "as it says", "kind": "condition"}
    accepted = Decision(**who, what="accepted", quote=quote_of(TEXT, about.start, about.end))
    rejected = Decision(**who, what="rejected", quote=quote_of(TEXT, gone.start, gone.end))
    return Review(accepted, 1, "c2", span=about), Review(rejected, 1, span=gone)
