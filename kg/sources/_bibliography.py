"""The bibliography of a page, from the parts that ``_layout`` found: what the page says, as precisely as it says it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kg.model import Report
from kg.sources._layout import PROSE, Part, languages_of
from kg.sources._pages import PageRules, fold, page_rules

__all__ = ["bare_title", "best_date", "license_in", "orcid", "parse_date", "report_of", "unique"]

_YEAR = re.compile(r"(?:19|20)\d\d")
_ISO = re.compile(r"((?:1[5-9]|20)\d\d)(?:-(\d\d)(?:-(\d\d))?)?")
_KOREAN = re.compile(r"(\d{4})년(?:\s?(\d{1,2})월(?:\s?(\d{1,2})일)?)?")
_DAY = re.compile(r"(?<!\d)([0-3]?\d)(?!\d)")
_ORCID = re.compile(r"(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dXx])(?!\d)")
_LETTERS = re.compile(r"[A-Za-z]+")
_NUMBERED = re.compile(r"(?:^|(?<=[.;\s]))\(\d{1,2}\)\s*|\n")
_LEADING = re.compile(r"^(?:[\d*†‡§¶⁰¹²³⁴-⁹]+[\s.)]*|[a-h][.)]?\s(?=[A-Z]))+")
_GLUED = re.compile(r"(?<=[^\W\d_])\d{1,2}(?=,|$)")
_KEYWORD = re.compile(r"\s*(?:[;；•·\r\n]|(?<=\s)[–-](?=\s))\s*")
_COMMA = re.compile(r"\s*[,，、]\s*")
_CITED_NAME = re.compile(r"([^\W\d_][^,;:()\d]{0,40}),\s((?:[A-Z]\.[\s-]?)+)")
_LISTED = re.compile(r"\s*(?:,|;|\bor\b|\band\b|&|및)\s*")


def report_of(text: str, parts: Sequence[Part], told: Mapping[str, Any] | None = None) -> Report:
    """The bibliography that the parts of ``text`` hold; what is ``told`` from elsewhere, by field, comes first."""
    found: dict[str, Any] = (
        _read(text, parts) if any(p.kind not in PROSE for p in parts) else {"language": languages_of(parts)}
    )
    titles = {**found.get("title", {}), **(told or {}).get("title", {})}
    return Report(**(found | (dict(told) if told else {}) | {"title": titles}))


def _read(text: str, parts: Sequence[Part]) -> dict[str, Any]:
    rules = page_rules()
    titles = {p.language: _one_line(text[p.start : p.end]) for p in reversed(parts) if p.kind == "title"}
    titles = {tag: bare_title(title) for tag, title in reversed(titles.items())}
    found = _fields(text, parts, rules, titles.values())
    cited = found.pop("authors", "")
    if "title" in found and not titles:
        titles["en"] = bare_title(found["title"])
    return {
        "title": titles,
        "authors": _authors(text, parts, rules, cited),
        "affiliations": unique(_affiliations(text, parts)),
        "journal": found.get("journal"),
        "issn": unique(_issns(text, parts, rules)),
        "published": best_date(found.get("date", ""), found.get("published", "")),
        "volume": found.get("volume"),
        "issue": found.get("issue"),
        "pages": found.get("pages", "").replace("–", "-") or None,
        "doi": found.get("doi"),
        "pmid": found.get("pmid"),
        "pmcid": found.get("pmcid"),
        "keywords": unique(_keywords(text, parts)),
        "headings": tuple(_one_line(text[p.start : p.end]).replace("*", "") for p in parts if p.field == "headings"),
        "language": languages_of(parts),
        "license": license_in("\n".join(text[p.start : p.end] for p in parts if p.kind in ("citation", "debris"))),
        "copyright": found.get("copyright"),
        "publication_types": unique(_one_line(text[p.start : p.end]) for p in parts if p.field == "publication_types"),
    }


def parse_date(words: str) -> str | None:
    """``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``, as precise as ``words``; None where they hold no year."""
    words = words.strip()
    if m := _ISO.fullmatch(words) or _KOREAN.fullmatch(words):
        year, month, day = m[1], m[2], m[3]
    elif y := _YEAR.search(words):
        rest = words[: y.start()] + " " + words[y.end() :]
        named = {page_rules().months.get(w.lower(), "") for w in _LETTERS.findall(rest)} - {""}
        days = set(_DAY.findall(rest))
        year, month = y[0], named.pop() if len(named) == 1 else None  # "Nov-Dec" is no month
        day = days.pop() if len(days) == 1 else None
    else:
        return None
    if not month or not 1 <= int(month) <= 12:
        return year
    date = f"{year}-{int(month):02}"
    return f"{date}-{int(day):02}" if day and 1 <= int(day) <= 31 else date


def orcid(words: str) -> str:
    """The ORCID iD in ``words``, "orcid:0000-0002-1825-0097"; empty where there is none or its check digit is wrong."""
    m = _ORCID.search(words)
    if not m:
        return ""
    digits = "".join(m.groups()).upper()
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    rest = (12 - total % 11) % 11  # ISO 7064 MOD 11-2
    return f"orcid:{'-'.join(m.groups()).upper()}" if digits[-1] == ("X" if rest == 10 else str(rest)) else ""


def _fields(text: str, parts: Iterable[Part], rules: PageRules, titles: Iterable[str]) -> dict[str, str]:
    """The first value of each field; volume, pages ... of another journal or year than the first are not taken."""
    found: dict[str, str] = {}
    for part in parts:
        if part.kind != "citation":
            continue
        words = _one_line(text[part.start : part.end])
        for title in titles:  # a full stop inside the title must not end it
            words = words.replace(title, title.replace(".", " "))
        for rule in rules.citations:
            m = rule.pattern.search(words) if rule.anywhere else rule.pattern.match(words)
            if not m:
                continue
            values = {
                k: v.strip(" .,;") if k not in ("authors", "copyright") else v.strip()
                for k, v in m.groupdict().items()
                if v
            }
            if "journal" in values and not _same_issue(found, values):
                continue
            for key, value in values.items():
                found.setdefault(key, value)
    return found


def _same_issue(found: Mapping[str, str], values: Mapping[str, str]) -> bool:
    if "journal" not in found:
        return True
    return fold(found["journal"]) == fold(values["journal"]) and found["date"][:4] == values["date"][:4]


def _issns(text: str, parts: Iterable[Part], rules: PageRules) -> Iterator[str]:
    rule = next(c for c in rules.citations if c.name == "issn")
    for part in parts:
        if part.kind == "citation":
            yield from (m["issn"].upper() for m in rule.pattern.finditer(text, part.start, part.end))


def best_date(issue: str, day: str) -> str | None:
    """The date of the issue, or the day of publication where that only makes it more precise."""
    of_issue, of_day = parse_date(issue), parse_date(day)
    return of_day if of_day and (not of_issue or of_day.startswith(of_issue)) else of_issue


def license_in(words: str) -> str | None:
    """The licence that ``words`` name in its short form: "CC BY-NC 4.0"; of several mentions one with its version."""
    rule = next(c for c in page_rules().citations if c.name == "licence")
    said = rule.pattern.finditer(words)
    found = [_short_license(m["license"], m["slug"]) for m in said]
    return next((words for words in found if words[-1].isdigit()), found[0] if found else None)


def _short_license(words: str, slug: str | None) -> str:
    if slug:
        name, _, version = slug.partition("/")
        return f"CC {name.upper()} {version}"
    if words.startswith("CC"):
        return _one_line(words)
    low = fold(words)
    tags = [tag for key, tag in (("noncommercial", "NC"), ("noderiv", "ND"), ("sharealike", "SA")) if key in low]
    version = words.rsplit(" ", 1)[-1]
    return f"CC {'-'.join(['BY', *tags])}" + (f" {version}" if version[0].isdigit() else "")


def _authors(text: str, parts: Iterable[Part], rules: PageRules, cited: str) -> tuple[str, ...]:
    """The bylines in the order of the page; without one, the cited names completed by those of the correspondence."""
    bylines: list[str] = []
    letters: list[str] = []
    for part in parts:
        if part.kind == "authors":
            words = text[part.start : part.end]
            if part.field != "correspondence":
                bylines += rules.names(words)
            elif heading := rules.heading(words):
                letters += _people(words[heading.end :], rules)
            else:
                letters += _people(words, rules)
    if bylines:
        return unique(bylines)
    return unique(_completed(_cited_names(cited, rules), letters, cited.endswith("et al.")))


def _people(words: str, rules: PageRules) -> Iterator[str]:
    return (" ".join(item.split()) for piece in _LISTED.split(words.rstrip(". \n")) for item in rules.names(piece))


def _cited_names(cited: str, rules: PageRules) -> list[str]:
    """The names of a citation as written: "Yoshimi, A." or "Yoshimi A"."""
    names = [f"{m[1].strip(' &')}, {m[2].strip()}" for m in _CITED_NAME.finditer(cited)]
    return names or list(rules.names(cited.removesuffix("et al.").strip(" .,")))


def _completed(cited: Sequence[str], letters: Sequence[str], more: bool) -> Iterator[str]:
    """The cited names, each in the full form the correspondence gives; after "et al." the others of it follow."""
    left = list(letters)
    for name in cited:
        full = next((other for other in left if _same_person(name, other)), None)
        if full:
            left.remove(full)
        yield full or name
    if more or not cited:
        yield from left


def _same_person(short: str, full: str) -> bool:
    """Whether "Yoshimi, A." can be "Ayami Yoshimi"."""
    family, _, initials = short.partition(", ") if ", " in short else short.rpartition(" ")
    given = full.casefold().removesuffix(family.casefold()).split()
    return (
        full.casefold().endswith(family.casefold()) and bool(given) and given[0][0] == initials.strip()[:1].casefold()
    )


def _affiliations(text: str, parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        if part.kind == "affiliation":
            for piece in _NUMBERED.split(text[part.start : part.end]):
                yield _GLUED.sub("", _LEADING.sub("", _one_line(piece))).strip(" ,;.")


def _keywords(text: str, parts: Iterable[Part]) -> Iterator[str]:
    rules = page_rules()
    for part in parts:
        if part.kind != "keywords":
            continue
        words = text[part.start : part.end]
        if heading := rules.heading(words):
            words = words[heading.end :]
        split = _KEYWORD if _KEYWORD.search(words.strip()) else _COMMA
        yield from (_one_line(w).strip(" .,;:•") for w in split.split(words))


def bare_title(title: str) -> str:
    """Without the final stop, and without the brackets PubMed sets around a translated title."""
    bare = title.strip()
    if bare.startswith("[") and bare.rstrip(".").endswith("]"):
        bare = bare.rstrip(".")[1:-1]
    return bare[:-1] if bare.endswith(".") and not bare.endswith("..") else bare


def _one_line(words: str) -> str:
    return " ".join(words.split())


def unique(items: Iterable[str]) -> tuple[str, ...]:
    """The items in their order, without empty ones and without second spellings of one."""
    seen: dict[str, str] = {}
    for item in items:
        if item:
            seen.setdefault(fold(item), item)
    return tuple(seen.values())
