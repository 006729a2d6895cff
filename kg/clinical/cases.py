"""Which words of a report tell of which of its patients.

A report numbers its patients ("case 1", "the second patient"), counts them ("we report two brothers") or introduces one
after the other ("a 5-year-old boy ... a 7-year-old girl"); the words are data, kg/rules/patient.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from kg.clinical.ages import Age, patient_rules, words
from kg.clinical.roles import SentenceRole
from kg.model import Span

__all__ = ["Division", "Part", "divide", "no_case_report"]

_OWN = ("story", "title")
_FEW = 3
_EARLY = 5  # a report counts its patients in its first sentences
_PREPOSITION = re.compile(r"\b(?:in|for|of)\s+(?:the\s+|our\s+)?$")
_COMPARED = re.compile(r"\b(?:similar to|as|as in|than in|unlike|compared with|compared to)\s+(?:the\s+|our\s+)?$")
_AND = re.compile(r"[\s,]*(?:and\s+)?(?:the\s+)?")
_CLAUSE = re.compile(r"[,;]|\s(?:whereas|while|but|and)\s")


@dataclass(frozen=True, slots=True)
class Part:
    """``text[start:end]`` tells of the patients ``cases`` (numbers from 0)."""

    start: int
    end: int
    cases: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Patterns:
    label: re.Pattern[str]
    second: re.Pattern[str]
    other: re.Pattern[str]
    count: re.Pattern[str]
    together: re.Pattern[str]
    series: re.Pattern[str]
    single: re.Pattern[str]
    anchor: re.Pattern[str]
    study: re.Pattern[str]
    case: re.Pattern[str]
    plurals: tuple[str, ...]
    ordinal: dict[str, int]
    numbers: dict[str, int]
    most: int


@dataclass(frozen=True, slots=True)
class _Label:
    """Words at ``start`` that name the patient ``case``; ``trailing`` where what is told stands before them."""

    start: int
    end: int
    case: int
    trailing: bool


@dataclass(frozen=True, slots=True)
class Division:
    """How many patients a report has, and the parts of its text that tell of each if there are several.

    ``skip`` says why there is none: "series" or "not a case report", with the publication type that says so.
    """

    total: int
    parts: Sequence[Part] = ()
    skip: str | None = None


def no_case_report(types: Iterable[str]) -> Division | None:
    """The division of a report whose publication types say that it has no patient of its own."""
    rules = patient_rules()["publication_types"]
    told = {name.lower(): name for name in types}
    found = [name for low, name in told.items() if low in rules["others"]]
    if not found or not told.keys().isdisjoint(rules["unless"]):
        return None
    return Division(0, (), f'not a case report (publication type "{found[0]}")')


def divide(lower: str, spans: Sequence[Span], roles: Sequence[SentenceRole], ages: Sequence[Age]) -> Division:
    """The patients of a text in lower case, given its sentences, their roles, and the ages stated."""
    p = _patterns()
    title = [s for s, role in zip(spans, roles, strict=True) if role == "title"]
    if any(p.study.search(lower, s.start, s.end) and not p.case.search(lower, s.start, s.end) for s in title):
        return Division(0, (), "not a case report")
    introduced = [a for a in ages if a.indefinite and a.weight >= 5]
    if len(introduced) < 2 and not p.second.search(lower) and not any(word in lower for word in p.plurals):
        return _one(lower, spans, roles, ages, p)  # nine reports in ten
    own = [span for span, role in zip(spans, roles, strict=True) if role in _OWN]
    introduced = [a for a in introduced if any(_within(a, span) for span in own)]
    counts = ((n, span.start) for k, span in enumerate(own) if (n := _count(lower, span, p, k < _EARLY)) > 1)
    counted, start = next(counts, (1, 0))
    labels = [_labels(lower, span, p) for span in spans]
    persons = len(set(_persons(introduced)))
    total = _total(lower, {x.case for found in labels for x in found}, counted, start, introduced[:persons], p)
    if total == 0:
        return Division(0, (), "series")
    if total == 1:
        return _one(lower, spans, roles, ages, p)
    return Division(total, _parts(lower, spans, _completed(lower, spans, labels, introduced, total, p), total, p))


def _one(
    lower: str, spans: Sequence[Span], roles: Sequence[SentenceRole], ages: Sequence[Age], p: _Patterns
) -> Division:
    """One patient, if the text speaks of one at all; a few words alone are taken to."""
    if len(spans) < _FEW or any(a.weight >= 4 for a in ages):
        return Division(1)
    own = (span for span, role in zip(spans, roles, strict=True) if role in _OWN)
    if any(p.anchor.search(lower, span.start, span.end) for span in own):
        return Division(1)
    return Division(0, (), "not a case report")


def _completed(
    lower: str,
    spans: Sequence[Span],
    labels: list[list[_Label]],
    introduced: Sequence[Age],
    total: int,
    p: _Patterns,
) -> list[list[_Label]]:
    """The labels of each sentence; where none are numbered, "one ... the other", else the introductions in order."""
    if not any(labels) and total == 2:
        labels = [_others(lower, span, p) for span in spans]
    named = {label.case for found in labels for label in found}
    if named:
        # "A 6-year-old girl ... The second girl": the first is told of before she is numbered.
        first = [] if 0 in named else [(0, a) for a in introduced[:1]]
    elif total <= len(set(persons := _persons(introduced))):
        first = [(n, a) for n, a in zip(persons, introduced, strict=True) if n < total]
    else:
        first = list(enumerate(introduced[:total])) if len(introduced) >= total else []
    given = [_Label(a.span.start, a.person.end if a.person else a.span.end, n, False) for n, a in first]
    return [
        [label for label in given if span.start <= label.start < span.end] + found
        for span, found in zip(spans, labels, strict=True)
    ]


def _persons(introduced: Sequence[Age]) -> list[int]:
    """Who each introduction is of, 0 for the first: of one age and sex is one person, told of in abstract and text.

    Among several persons, two of one age and sex that are introduced one after the other are two.
    """
    found: list[Age] = []
    persons: list[int] = []
    alone = all(_alike(age, introduced[0]) for age in introduced)
    for age in introduced:
        known = (n for n, other in enumerate(found) if _alike(age, other) and (alone or n != persons[-1]))
        n = next(known, len(found))
        if n == len(found):
            found.append(age)
        persons.append(n)
    return persons


def _alike(age: Age, other: Age) -> bool:
    return age.value == other.value and (age.sex == other.sex or None in (age.sex, other.sex))


def _total(lower: str, numbered: set[int], counted: int, at: int, introduced: Sequence[Age], p: _Patterns) -> int:
    """How many patients: by their labels, else by the count given in the sentence at ``at``, else by introductions."""
    if {0, 1} <= numbered:
        total = next(n for n in range(2, len(p.ordinal)) if n not in numbered)
        return total if total <= p.most else 0
    if counted > p.most or (counted < 2 and p.series.search(lower)):
        return min(len(introduced), p.most) or (1 if p.single.search(lower) else 0)
    if counted > 1:
        # A patient introduced before others are counted is the only one: "we found three cases in our records".
        alone = len(introduced) == 1 and introduced[0].span.start < at and not numbered
        total = 1 if alone else max(counted, *(n + 1 for n in numbered), 1)
        return total if total <= p.most else 0
    return max(1, min(len(introduced), p.most))


def _count(lower: str, span: Span, p: _Patterns, early: bool) -> int:
    """How many patients a sentence says the report has, 1 where it does not say; later ones only say "both"."""
    most = 1
    if p.single.search(lower, span.start, span.end):
        return most  # "He has three brothers"
    for m in p.count.finditer(lower, span.start, span.end):
        word = m["number"]
        if early or word == "both":
            most = max(most, int(word) if word.isdigit() else p.numbers.get(word, 2))
    return most


def _labels(lower: str, span: Span, p: _Patterns) -> list[_Label]:
    found = []
    for m in p.label.finditer(lower, span.start, span.end):
        if _COMPARED.search(lower[span.start : m.start()]):
            continue
        number = m["number"] or m["ordinal"] or m["bare"]
        found.append(_Label(m.start(), m.end(), p.ordinal[number], _trailing(lower, span, m)))
    return found


def _others(lower: str, span: Span, p: _Patterns) -> list[_Label]:
    """ "one patient ... the other" of two."""
    return [
        _Label(m.start(), m.end(), 0 if m["one"] else 1, _trailing(lower, span, m))
        for m in p.other.finditer(lower, span.start, span.end)
    ]


def _trailing(lower: str, span: Span, m: re.Match[str]) -> bool:
    """Whether a label closes what is told of the patient: "(Patient 1)", "was normal in the first patient and"."""
    if lower[m.start() - 1 : m.start()] == "(" and m.start() > span.start + 1:
        return True
    before = lower[span.start : m.start()]
    return bool(_PREPOSITION.search(before)) and len(before.split()) > 5


def _within(age: Age, span: Span) -> bool:
    return span.start <= age.span.start < span.end


def _parts(
    lower: str, spans: Sequence[Span], labels: Sequence[Sequence[_Label]], total: int, p: _Patterns
) -> list[Part]:
    everyone = tuple(range(total))
    current = everyone
    parts: list[Part] = []
    for span, found in zip(spans, labels, strict=True):
        found = [label for label in found if label.case < total]
        named = {label.case for label in found}
        if len(named) > 1:
            parts += _split(lower, span, found, everyone, p)
            current = parts[-1].cases if len(named) < total and not found[-1].trailing else everyone
            continue
        if named:
            current = (next(iter(named)),)
        elif p.together.search(lower, span.start, span.end) and not p.single.search(lower, span.start, span.end):
            current = everyone
        parts.append(Part(span.start, span.end, current))
    return parts


def _split(lower: str, span: Span, labels: Sequence[_Label], everyone: tuple[int, ...], p: _Patterns) -> list[Part]:
    """Cuts a sentence that names several patients: before leading labels, after trailing ones."""
    groups: list[
        tuple[int, int, bool, set[int]]
    ] = []  # start, end, trailing, cases; "the second and third patient" is one
    for label in labels:
        if groups and _AND.fullmatch(lower, groups[-1][1], label.start):
            start, _, trailing, cases = groups.pop()
            groups.append((start, label.end, trailing, cases | {label.case}))
        else:
            groups.append((label.start, label.end, label.trailing, {label.case}))
    cuts = []
    for (_, end, trailing, _), (start, _, next_trailing, _) in pairwise(groups):
        clauses = [m.start() for m in _CLAUSE.finditer(lower, end, start)]
        if trailing:
            cuts.append(end + 1 if lower[end : end + 1] == ")" else end)
        else:
            cuts.append(clauses[-1] if next_trailing and clauses else start)
    first = groups[0]
    begin = span.start if first[2] else first[0]
    parts = [Part(span.start, begin, everyone)] if begin > span.start else []
    shared = p.together.search(lower, groups[-1][1], span.end)
    last = shared.start() if shared else span.end
    for (_, _, _, cases), start, end in zip(groups, [begin, *cuts], [*cuts, last], strict=True):
        parts.append(Part(start, end, tuple(sorted(cases))))
    return [*parts, Part(last, span.end, everyone)] if shared else parts


@cache
def _patterns() -> _Patterns:
    rules = patient_rules()
    labels, persons, together, anchors = rules["labels"], rules["persons"], rules["together"], rules["anchors"]
    order = {word: n for n, name in enumerate(("first", "second", "third", "fourth", "fifth")) for word in labels[name]}
    ranks = [w for w in order if w.endswith(("st", "nd", "rd", "th"))]
    ordinals, numbers = words(ranks), words(set(order) - set(ranks))
    second = words(labels["second"])
    second_rank = words(w for w in labels["second"] if w in ranks)
    nouns, bearers = words(labels["nouns"]), words(labels["bearers"])
    numbered = rf"\b(?:{bearers})\s*(?:number|no\.?|report|#)?\s*"
    not_first = rf"(?!['’]?s?\s+(?:{words(labels['not_before'])})\b)"
    plurals = [*persons["plural"], "cases"]
    units = words(u for names in rules["units"].values() for u in names)
    counts = words(w for w in rules["numbers"] if w != "one")
    return _Patterns(
        label=re.compile(
            rf"{numbered}(?P<number>{numbers})\b"
            rf"(?=\s*[:.,;()—–-]|[ \t\r]*(?:\n|\Z)|\s+(?:{words(labels['before'])})\b)"
            rf"|\b(?P<ordinal>{ordinals})\s+"
            rf"(?:(?:\w+\s+)?(?:{nouns}|one)\b{not_first}|(?=and\s+(?:the\s+)?(?:{ordinals})\s+(?:{nouns})))"
            rf"|\b(?:the|our)\s+(?P<bare>{ordinals})\s+(?=(?:{words(labels['before'])})\b)"
        ),
        second=re.compile(rf"[\s(](?:(?:{bearers})\s*(?:number|no\.?|report|#)?\s*(?:{second})|{second_rank})\b"),
        other=re.compile(rf"\b(?:(?P<one>{words(labels['one'])})|(?:{words(labels['other'])}))\b"),
        count=re.compile(
            rf"(?<![\w.,*/-])(?P<number>both|[1-9]\d{{0,2}}|{counts})\s+(?!(?:{units})\b)"
            rf"(?:(?!(?:{words(rules['counts']['not_inside'])})\b)[\w'’-]+\s+){{0,4}}?(?:\([^)]*\)\s+)?(?:{words(plurals)})\b"
            rf"(?!\s+(?:{words(rules['counts']['not_before'])})\b)"
        ),
        together=re.compile(rf"\b(?:{words(together['words'])})\b"),
        series=re.compile(rf"\b(?:{words(rules['series']['words'])})\b"),
        single=re.compile(rf"\b(?:{words(together['single'])})\b"),
        anchor=re.compile(
            rf"\b(?:{words(anchors['words'])}|(?:{words(anchors['before'])})\s(?:[\w-]+\s){{0,3}}"
            rf"(?:{words([*anchors['persons'], *persons['plural']])}))\b"
        ),
        study=re.compile(rf"\b(?:{words(rules['studies']['words'])})\b"),
        case=re.compile(rf"\b(?:{words(rules['studies']['unless'])})\b"),
        plurals=tuple(f" {w}" for w in plurals),
        ordinal=order,
        numbers=rules["numbers"],
        most=rules["series"]["more_than"],
    )
