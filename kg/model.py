"""What the stages hand to each other: frozen values, no RDF.

``Document`` is what a source read, ``Lexicon`` the words to look for, ``CaseRecord`` what an extractor understood.
All offsets are Python str indices into ``Document.text``, and ``text[start:end] == item.text`` holds for every item.
``to_json`` of a record is the published contract (docs/caserecord.md); ``record_from_json`` reads it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

__all__ = [
    "AGE_GROUPS",
    "ASSERTIONS",
    "CATEGORIES",
    "DURATION_TYPES",
    "KINDS",
    "ROLES",
    "SEXES",
    "STATUSES",
    "Agreement",
    "Block",
    "Case",
    "CaseRecord",
    "Concept",
    "Condition",
    "Document",
    "Episode",
    "Finding",
    "Intervention",
    "Lexicon",
    "LinkEvidence",
    "Outcome",
    "Patient",
    "Quantity",
    "Report",
    "Span",
    "Term",
    "Window",
    "record_from_json",
    "to_json",
]

Role = Literal["primary", "revised", "presenting", "relapse", "complication", "comorbidity"]
Kind = Literal[
    "drug", "procedure", "surgery", "radiotherapy", "transplantation", "cell therapy", "supportive", "device", "other"
]
Category = Literal[
    "complete_remission", "partial_response", "improvement", "recovery", "stable", "no_response", "progression",
    "relapse", "death", "survival", "adverse_event",
]  # fmt: skip
Assertion = Literal["present", "absent", "possible", "historical", "family", "hypothetical"]
DurationType = Literal["lasted", "until_event", "follow_up"]
Sex = Literal["male", "female"]
AgeGroup = Literal["neonate", "infant", "child", "adolescent", "adult", "elderly", "fetus"]
Unit = Literal["year", "month", "week", "day", "hour"]
Status = Literal["done", "refused", "truncated", "failed"]

ROLES, KINDS, CATEGORIES = get_args(Role), get_args(Kind), get_args(Category)
ASSERTIONS, DURATION_TYPES = get_args(Assertion), get_args(DurationType)
SEXES, AGE_GROUPS, STATUSES = get_args(Sex), get_args(AgeGroup), get_args(Status)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A slice ``text[start:end]`` of a document."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Quantity:
    """An age or a length of time: ``Quantity(13, "year")``."""

    value: float
    unit: Unit


# --- what a source reads -------------------------------------------------------------------------------------------

BlockKind = Literal[
    "title", "abstract", "introduction", "case", "discussion", "body", "caption", "keywords", "authors", "affiliation",
    "citation", "reference", "debris", "repeat",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of the document of one kind and language (BCP 47). ``repeat`` is a second copy of an earlier block.

    ``place`` says where in an XML, HTML or PDF source it stands: an element's path or a page.
    """

    start: int
    end: int
    kind: BlockKind
    language: str = "en"
    place: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The bibliography of one report; whatever the input does not say is empty or None."""

    title: Mapping[str, str] = field(default_factory=dict)  # language tag -> title
    authors: tuple[str, ...] = ()
    affiliations: tuple[str, ...] = ()
    journal: str | None = None
    issn: tuple[str, ...] = ()
    published: str | None = None  # YYYY, YYYY-MM or YYYY-MM-DD, as precise as the source
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    doi: str | None = None
    pmid: str | None = None
    pmcid: str | None = None
    keywords: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    license: str | None = None
    copyright: str | None = None
    url: str | None = None
    publication_types: tuple[str, ...] = ()
    author_ids: Mapping[str, str] = field(default_factory=dict)  # an author's name -> "orcid:0000-0002-1825-0097"
    headings: tuple[str, ...] = ()  # of MeSH, in words: "Leukemia, Hairy Cell/drug therapy"
    subjects: tuple[str, ...] = ()  # of MeSH, descriptors by number: "mesh:D007943"


@dataclass(frozen=True, slots=True)
class Document:
    """One input record as read: its text with nothing changed, what each stretch of it is, and its bibliography.

    ``nth``: a table with a row for each patient of an article tells in this one of its nth patient.
    """

    id: str
    text: str
    report: Report
    blocks: tuple[Block, ...]
    source: str = ""  # where it was read, for messages only: never written to the graph
    nth: int = 1


# --- the words to look for -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Concept:
    """What extraction needs to know of a vocabulary concept.

    ``type``: condition, intervention, finding, site, outcome. ``facet`` narrows it: an intervention's kind ("drug"), a
    finding's sort ("marker"), an outcome's category. ``ancestors``: CURIEs from near to far. ``parts``: CURIEs of what
    a regimen consists of.
    """

    curie: str
    label: str  # preferred label in English, lower case but for proper names and symbols
    type: str
    facet: str | None = None
    ancestors: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """One way to write a concept; an abbreviation is matched with its case as it stands."""

    surface: str
    curie: str
    language: str = "en"
    abbreviation: bool = False


@dataclass(frozen=True)
class Lexicon:
    """Concepts by CURIE and all their terms, best vocabulary first; ``version`` is a hash of the content."""

    concepts: Mapping[str, Concept]
    terms: Sequence[Term]
    version: str


# --- what an extractor understands ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """Who the case is about."""

    age: Quantity | None = None
    age_group: AgeGroup | None = None
    sex: Sex | None = None
    age_span: Span | None = None
    sex_span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """What all four kinds of episode share. ``start``/``end`` quote ``text``; ``mentions`` are further spans of it."""

    id: str
    start: int
    end: int
    text: str
    assertion: Assertion = "present"
    mentions: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition(Episode):
    """A disease, relapse, complication, comorbidity or presenting problem."""

    label: str
    concept: str | None = None
    candidates: tuple[str, ...] = ()
    role: Role
    sites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention(Episode):
    """A treatment that was given; ``for_`` (JSON ``for``) lists condition ids, ``part_of`` the id of its regimen."""

    label: str
    concept: str | None = None
    candidates: tuple[str, ...] = ()
    kind: Kind
    for_: tuple[str, ...] = ()
    part_of: str | None = None
    dose: str | None = None
    line: int | None = None  # line of therapy, 1 the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Episode):
    """What happened: ``of`` conditions, ``after`` interventions, ``attributed_to`` those the authors tie causally."""

    category: Category
    of: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    attributed_to: tuple[str, ...] = ()
    duration: Quantity | None = None
    duration_type: DurationType | None = None
    duration_span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Episode):
    """A marker, karyotype, stage, risk group or key value."""

    label: str
    concept: str | None = None
    candidates: tuple[str, ...] = ()
    sort: str | None = None  # marker, cytogenetics, stage, risk, value


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEvidence:
    """The span a link rests on when it is not the sentence of the item that lists it. ``type`` is the field's name."""

    from_: str
    to: str
    type: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Who found an episode, or its link ``to`` another of ``type``; ``review`` says what extractors differ in."""

    item: str
    to: str | None = None
    type: str | None = None
    found_by: tuple[str, ...]
    review: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of the text that a language model was asked about; ``dropped`` counts what it said in vain."""

    start: int
    end: int
    status: Status
    model: str
    prompt: str  # version of the prompt
    date: str | None = None  # ISO 8601, of the reply
    dropped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One patient and the course of the illness, in the order of the story."""

    id: str
    patient: Patient = Patient()
    conditions: tuple[Condition, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    findings: tuple[Finding, ...] = ()
    evidence: tuple[LinkEvidence, ...] = ()
    agreement: tuple[Agreement, ...] = ()

    def episodes(self) -> Iterable[Episode]:
        """All conditions, interventions, outcomes and findings."""
        yield from self.conditions
        yield from self.interventions
        yield from self.outcomes
        yield from self.findings

    def links(self) -> Iterable[tuple[Episode, str, str]]:
        """(episode, JSON field, id of the other episode) for every link."""
        for intervention in self.interventions:
            for target in intervention.for_:
                yield intervention, "for", target
            if intervention.part_of is not None:
                yield intervention, "part_of", intervention.part_of
        for outcome in self.outcomes:
            for target in outcome.of:
                yield outcome, "of", target
            for target in outcome.after:
                yield outcome, "after", target
            for target in outcome.attributed_to:
                yield outcome, "attributed_to", target


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """What one report says. ``sentences`` are the spans of all its sentences; ``skip`` says why there is no case."""

    id: str
    report: Report = Report()
    cases: tuple[Case, ...] = ()
    skip: str | None = None
    sentences: tuple[Span, ...] = ()
    unread: tuple[str, ...] = ()  # languages (BCP 47) of text that was not understood
    windows: tuple[Window, ...] = ()  # where a language model was asked

    def concepts(self) -> frozenset[str]:
        """CURIEs of all concepts that the record names, candidates included."""
        named = (e for case in self.cases for e in case.episodes() if isinstance(e, Condition | Intervention | Finding))
        return frozenset(c for e in named for c in (e.concept, *e.candidates) if c)


_CLASSES: dict[str, type] = {
    "conditions": Condition, "interventions": Intervention, "outcomes": Outcome, "findings": Finding,
    "evidence": LinkEvidence, "agreement": Agreement, "mentions": Span, "sentences": Span, "windows": Window,
}  # fmt: skip
_SINGLE: dict[str, type] = {
    "patient": Patient, "report": Report, "age": Quantity, "duration": Quantity,
    "age_span": Span, "sex_span": Span, "duration_span": Span,
}  # fmt: skip


def to_json(value: Any) -> Any:
    """A value of this module as plain JSON data: ``for_`` becomes ``for``, tuples lists, whole numbers int."""
    if hasattr(value, "__dataclass_fields__"):
        return {f.name.rstrip("_"): to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple | list):
        return [to_json(v) for v in value]
    if isinstance(value, Mapping):
        return {k: to_json(v) for k, v in value.items()}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def record_from_json(data: Mapping[str, Any]) -> CaseRecord:
    """The CaseRecord that ``to_json`` wrote; unknown keys are left out, missing ones take defaults."""
    record = _build(CaseRecord, data)
    assert isinstance(record, CaseRecord)
    return record


def _build(cls: type, data: Mapping[str, Any]) -> Any:
    values = {}
    for f in fields(cls):
        key = f.name.rstrip("_")
        if key not in data:
            continue
        value = data[key]
        if value is None:
            pass
        elif key == "cases":
            value = tuple(_build(Case, {"id": f"case{n}", **v}) for n, v in enumerate(value, 1))
        elif key in _CLASSES:
            value = tuple(_build(_CLASSES[key], v) for v in value)
        elif key in _SINGLE:
            value = _build(_SINGLE[key], value)
        elif isinstance(value, list):
            value = tuple(value)
        values[f.name] = value
    return cls(**values)
