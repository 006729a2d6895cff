"""Ages in a text: every statement of somebody's age, with how surely it is the patient's at presentation."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from kg.model import SEXES, Quantity, Sex, Span, Unit
from kg.resources import folder

__all__ = ["Age", "ages", "patient_rules", "words"]


@dataclass(frozen=True, slots=True)
class Age:
    """An age and its words; ``weight`` orders rivals, and below 2 it is not trusted.

    ``sex`` is that of the person the words name ("a 5-year-old boy"), with its span; ``indefinite`` is true where they
    introduce somebody ("a 5-year-old boy", not "the 5-year-old boy").
    """

    span: Span
    value: Quantity
    weight: float
    sex: Sex | None = None
    sex_span: Span | None = None
    indefinite: bool = False
    person: Span | None = None


_REACH = 40  # an age has its number and the rest of its words so near its unit

# "A girl was born to a 31-year-old mother": the age is not the patient's.
_BORN = re.compile(r"\b(?:born|delivered|delivery)\b[^.]*\bto an?\s*$")


@dataclass(frozen=True, slots=True)
class _Patterns:
    unit: re.Pattern[str]
    age: re.Pattern[str]
    bare: re.Pattern[str]
    short: re.Pattern[str]
    person: re.Pattern[str]
    near: re.Pattern[str]
    aged: re.Pattern[str]
    named: re.Pattern[str]
    not_after: re.Pattern[str]
    not_before: re.Pattern[str]
    past: re.Pattern[str]
    kin_before: re.Pattern[str]
    kin: frozenset[str]
    sexes: Mapping[str, Sex]
    numbers: Mapping[str, int]
    units: Mapping[str, Unit]


def ages(lower: str) -> list[Age]:
    """Every stated age of a text in lower case, in order."""
    p = _patterns()
    found: list[Age] = []
    end = 0
    for unit in p.unit.finditer(lower):
        # Looking for the few units first, then around them, is three times as fast as looking for numbers.
        m = p.age.search(lower, max(end, unit.start() - _REACH), unit.end() + _REACH)
        if m and m.start() <= unit.start():
            end = m.end()
            if age := _counted(lower, m, p):
                found.append(age)
    for pattern in (p.bare, p.short):
        found += [age for m in pattern.finditer(lower) if (age := _plain(lower, m, p))]
    return sorted(found, key=lambda a: a.span.start)


def _counted(lower: str, m: re.Match[str], p: _Patterns) -> Age | None:
    """An age with its unit: "13-year-old boy", "aged 45 years", "a 49 year gentleman", "woman, 34 years,"."""
    before = lower[max(0, m.start() - 40) : m.start()]
    if m["old"]:
        weight = 5.0 if m["old"].endswith("old") else 3.0
    elif p.near.match(lower, m.end()):
        weight = 4.0
    elif p.aged.search(before) or (
        p.named.search(before) and (lower[m.end() : m.end() + 1] in {",", ")", ";", ".", ""} or before.endswith(" of "))
    ):
        weight = 3.5
    else:
        return None
    value = _value(m, p)
    if value is None or p.not_after.search(before) or (not m["old"] and p.not_before.match(lower, m.end())):
        return None
    return _age(lower, m, value, weight, before, p)


def _plain(lower: str, m: re.Match[str], p: _Patterns) -> Age | None:
    """An age without a unit: "aged 45", "at the age of 31", "a 64 male Caucasian"."""
    number = _number(m["num"], p)
    if number is None or not 0 < number < 120:
        return None
    before = lower[max(0, m.start() - 40) : m.start()]
    if p.not_after.search(before):
        return None
    return _age(lower, m, Quantity(number, "year"), 2.5, before, p)


def _age(lower: str, m: re.Match[str], value: Quantity, weight: float, before: str, p: _Patterns) -> Age:
    person = p.person.match(lower, m.end())
    sex = span = None
    if person:
        weight += 1
        name = person["person"]
        if name in p.kin and p.kin_before.search(before):
            weight -= 5
        sex = p.sexes.get(name)
        span = Span(*person.span("person")) if sex else None
    elif p.kin_before.search(before):
        weight -= 5
    if _BORN.search(lower[max(0, m.start() - 120) : m.start()]):
        weight -= 5
    if p.past.search(before):
        weight -= 2.5
    indefinite = bool(person) and bool(
        re.search(r"(?:^|[.:;\n(]|\band|\bcase \d|\b(?:an?|one)(?:[\s,-]+[\w-]+){0,3})[\s-]*$", before)
    )
    return Age(
        Span(m.start("num"), m.end()),
        value,
        weight,
        sex,
        span,
        indefinite,
        Span(*person.span("person")) if person else None,
    )


def _value(m: re.Match[str], p: _Patterns) -> Quantity | None:
    number = _number(m["num"], p)
    if number is None:
        return None
    unit = p.units[m["unit"]]
    if m["half"] or m["half2"]:
        number += 0.5
    if m["num2"] and unit == "year" and p.units[m["unit2"]] == "month":
        months = _number(m["num2"], p) or 0
        return Quantity(number * 12 + months, "month")
    return Quantity(number, unit) if number > 0 else None


def _number(words: str, p: _Patterns) -> float | None:
    """ "13", "2.5", "2,5", "forty-two" as a number."""
    if words[0].isdigit():
        return float(words.replace(",", "."))
    parts = re.split(r"[\s-]+", words)
    return float(sum(p.numbers[part] for part in parts)) if all(part in p.numbers for part in parts) else None


@cache
def patient_rules() -> dict[str, Any]:
    """kg/rules/patient.toml."""
    return tomllib.loads((folder("rules") / "patient.toml").read_text(encoding="utf-8"))


def words(items: Iterable[str]) -> str:
    """The body of a regular expression that matches any of ``items``, the longest first."""
    return "|".join(re.escape(item) for item in sorted(items, key=lambda w: (-len(w), w)))


@cache
def _patterns() -> _Patterns:
    rules = patient_rules()
    persons, age = rules["persons"], rules["age"]
    numbers: dict[str, int] = rules["numbers"]
    units = {word: cast(Unit, unit) for unit, names in rules["units"].items() for word in names}
    sexes = {word: sex for sex in SEXES for word in persons[sex]}
    kin = frozenset(persons["kin"])
    tens = words(w for w, n in numbers.items() if n >= 20)
    ones = words(w for w, n in numbers.items() if n < 10)
    number = rf"\d{{1,3}}(?:[.,]\d{{1,2}})?|(?:{tens})(?:[\s-]+(?:{ones}))?|{words(numbers)}"
    dash = r"[\s\-‐‑–—]{0,3}"
    unit = rf"(?:{words(units)})"
    anyone = words({*sexes, *persons["either"], *kin})
    stop = r"(?!(?:was|is|had|has|who|with|the|his|her|its|of|in|at|after|for|and|presented|later|this|our|history)\b)"
    return _Patterns(
        unit=re.compile(rf"[\d\s½‐‑–—-]{unit}(?=[^\w]|$)"),
        age=re.compile(
            rf"(?<![\w.,/])(?<!\d-)(?P<num>{number})(?P<half>\s?½|[\s-]+and[\s-]+(?:a[\s-]+)?half)?{dash}(?:old[\s-]+)?(?P<unit>{unit})"
            rf"(?:['’]s?)?(?P<half2>\s+and\s+(?:a\s+)?half)?(?![^\W\d_])(?:{dash}(?:and{dash})?(?P<num2>\d{{1,2}}){dash}(?P<unit2>{unit}))?"
            rf"(?P<old>{dash}\.?{dash}old\b|\s+of\s+(?:age|life)\b|/o\b)?(?![^\W\d_])"
        ),
        bare=re.compile(rf"[\s(]aged?(?:\s+of|\s*[:=])?\s+(?P<num>{number})\b(?!\s*(?:[-–%]|{unit}\b|to\b|\d))"),
        short=re.compile(rf"[\s(]an?\s+(?P<num>\d{{2}})\s+(?=(?:{words(sexes)})\b)"),
        person=re.compile(rf"(?P<gap>[\s,\-‐‑–—]*(?:{stop}[\w'’/()+-]+[\s,-]+){{0,6}}?)(?P<person>{anyone})\b"),
        near=re.compile(rf"[\s-]+(?:{stop}[\w'’/-]+[\s-]+){{0,2}}?(?:{anyone})\b"),
        aged=re.compile(r"\baged?(?:\s+of|\s*:|\s+was|\s+is)?\s*$"),
        named=re.compile(rf"\b(?:{anyone}|mr|mrs|ms|miss)\b[\w\s.]{{0,12}}(?:of|,|\(|\(\w+,)\s*$|\((?:\w+,\s*)?$"),
        not_after=re.compile(rf"(?:^|[\s(])(?:{words(age['not_after'])})[\s-]*$"),
        not_before=re.compile(rf"[\s-]*(?:of\s+)?(?:{words(age['not_before'])})\b"),
        past=re.compile(rf"\b(?:{words(age['past'])})\s*$"),
        kin_before=re.compile(
            rf"\b(?:his|her|their|whose|patient's|patient’s)\s+(?:[\w-]+\s+)?$|\b(?:{words(kin)})[\s,(]+(?:was|is|aged|of)?\s*(?:an?\s*)?$"
        ),
        kin=kin,
        sexes=sexes,
        numbers=numbers,
        units=units,
    )
