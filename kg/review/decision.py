"""One decision of a person about a fact: a line of a curation file, checked field by field when it is read.

Curation files are handed from one person to another, so nothing in them is taken on trust.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal, get_args

from kg.errors import ReviewError
from kg.model import AGE_GROUPS, ASSERTIONS, CATEGORIES, DURATION_TYPES, KINDS, ROLES, SEXES
from kg.review.quote import CONTEXT, Quote

__all__ = ["DECISIONS", "LINK_TYPES", "SUBJECTS", "Decision", "End", "decision_from_json", "decision_to_json"]

What = Literal["accepted", "rejected", "corrected", "added", "withdrawn"]
Subject = Literal["condition", "intervention", "outcome", "finding", "link", "patient", "report"]
DECISIONS: tuple[What, ...] = get_args(What)
SUBJECTS: tuple[Subject, ...] = get_args(Subject)
EPISODES = SUBJECTS[:4]
LINK_TYPES = {  # the kinds of episode that each link joins
    "for": ("intervention", "condition"),
    "part_of": ("intervention", "intervention"),
    "of": ("outcome", "condition"),
    "after": ("outcome", "intervention"),
    "attributed_to": ("outcome", "intervention"),
}
_UNITS = {"age": ("year", "month", "week", "day"), "duration": ("year", "month", "week", "day", "hour")}
_LONGEST = 2000  # characters of a quote or text
_CURIE = re.compile(r"[A-Za-z][\w.-]*:[\w./-]+", re.ASCII)
_KEY = re.compile(r"(doi|pmid|pmcid|title|text):\S+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ID = re.compile(r"[0-9a-z-]{1,64}")


@dataclass(frozen=True, slots=True)
class End:
    """An episode to which a link leads, by its words."""

    kind: str
    quote: Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who decided what about which fact, when and why.

    ``report`` are the keys by which the report is known. ``quote`` are the words of the fact, ``now`` those that it
    should rest on instead. ``values`` is the fact as the person has it, by the keys of the CaseRecord JSON. A link has
    ``type``, ``from_`` and ``to``. ``undoes`` is the id of a decision that is taken back.
    """

    who: str
    when: str  # UTC, to the second: 2003-06-30T12:00:00Z
    what: What
    report: tuple[str, ...] = ()
    kind: Subject = "report"
    case: int = 1
    quote: Quote | None = None
    now: Quote | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    type: str | None = None
    from_: End | None = None
    to: End | None = None
    why: str = ""
    undoes: str | None = None
    id: str = ""

    @property
    def digest(self) -> str:
        """A hash of all that it says."""
        line = json.dumps(decision_to_json(self, id=False), ensure_ascii=False, sort_keys=True)
        return blake2b(line.encode("utf-8", "replace"), digest_size=8).hexdigest()

    @property
    def name(self) -> str:
        """What a later line takes it back by: its id, else the hash."""
        return self.id or self.digest

    @property
    def about(self) -> str:
        """What it is about, in words for a person."""
        if self.from_ and self.to:
            return f"{self.from_.quote.exact} - {self.type} - {self.to.quote.exact}"
        return self.quote.exact if self.quote else self.undoes or ""


def decision_to_json(decision: Decision, *, id: bool = True) -> dict[str, Any]:
    """The decision as plain JSON data; what is empty is left out."""
    ends = {
        name: {"kind": end.kind, "quote": _quote_to_json(end.quote)}
        for name, end in (("from", decision.from_), ("to", decision.to))
        if end
    }
    data = {
        "id": decision.name if id else "",
        "when": decision.when,
        "who": decision.who,
        "what": decision.what,
        "why": decision.why,
        "undoes": decision.undoes,
        "report": list(decision.report),
        "case": decision.case if decision.kind != "report" else None,
        "kind": decision.kind if not decision.undoes else None,
        "type": decision.type,
        **ends,
        "quote": _quote_to_json(decision.quote) if decision.quote else None,
        "now": _quote_to_json(decision.now) if decision.now else None,
        "values": dict(decision.values),
    }
    return {key: value for key, value in data.items() if value not in (None, "", [], {})}


def _quote_to_json(quote: Quote) -> dict[str, Any]:
    return {
        "exact": quote.exact,
        "start": quote.start,
        "end": quote.end,
        "prefix": quote.prefix,
        "suffix": quote.suffix,
    }


def decision_from_json(data: Any) -> Decision:
    """The decision that ``decision_to_json`` wrote; ReviewError says which field is not as it must be."""
    row = _Row(data)
    what: What = row.one_of("what", DECISIONS)
    id_ = row.text("id", pattern=_ID, optional=True)
    who, when, why = row.text("who", longest=200), _time(row), row.text("why", optional=True)
    if what == "withdrawn":
        return Decision(id=id_, who=who, when=when, what=what, why=why, undoes=row.text("undoes", pattern=_ID))
    kind: Subject = row.one_of("kind", SUBJECTS)
    keys = row.data.get("report")
    if not isinstance(keys, list) or not keys or not all(isinstance(k, str) and _KEY.fullmatch(k) for k in keys):
        raise ReviewError("'report' must list keys of the report such as doi:10.1000/xyz")
    type_, ends = (row.one_of("type", tuple(LINK_TYPES)), _ends(row)) if kind == "link" else (None, (None, None))
    return Decision(
        id=id_,
        who=who,
        when=when,
        what=what,
        why=why,
        report=tuple(keys),
        kind=kind,
        case=row.whole("case", 1),
        quote=_quote(row, "quote", optional=kind not in EPISODES),
        now=_quote(row, "now", optional=True),
        values=_values(row, kind, needed=what != "rejected"),
        type=type_,
        from_=ends[0],
        to=ends[1],
    )


class _Row:
    """A JSON object and what is asked of its fields."""

    def __init__(self, data: Any) -> None:
        if not isinstance(data, Mapping):
            raise ReviewError("it is no JSON object")
        self.data = data

    def text(
        self, key: str, *, pattern: re.Pattern[str] | None = None, optional: bool = False, longest: int = _LONGEST
    ) -> str:
        value = self.data.get(key)
        if value is None and optional:
            return ""
        if not isinstance(value, str) or not value.strip() or len(value) > longest:
            raise ReviewError(f"{key!r} must be a text of up to {longest} characters")
        if key != "exact" and _CONTROL.search(value):
            raise ReviewError(f"{key!r} holds control characters")
        if pattern and not pattern.fullmatch(value):
            raise ReviewError(f"{key!r} is {value!r}, which cannot be one")
        return value

    def one_of(self, key: str, known: tuple[Any, ...]) -> Any:
        if (value := self.data.get(key)) not in known:
            raise ReviewError(f"{key!r} must be one of {', '.join(map(str, known))}")
        return value

    def whole(self, key: str, default: int) -> int:
        value = self.data.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
            raise ReviewError(f"{key!r} must be a whole number")
        return value


def _time(row: _Row) -> str:
    when = row.text("when")
    try:
        datetime.strptime(when, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        raise ReviewError("'when' must be a time such as 2003-06-30T12:00:00Z") from None
    return when


def _quote(row: _Row, key: str, *, optional: bool = False) -> Quote | None:
    if row.data.get(key) is None and optional:
        return None
    inner = _Row(row.data.get(key))
    around = [inner.data.get(side, "") for side in ("prefix", "suffix")]
    if not all(isinstance(text, str) and len(text) <= CONTEXT for text in around):
        raise ReviewError(f"'prefix' and 'suffix' of {key!r} must be texts of up to {CONTEXT} characters")
    return Quote(inner.text("exact"), inner.whole("start", 0), inner.whole("end", 0), *around)


def _ends(row: _Row) -> tuple[End, End]:
    ends = []
    for key, kind in zip(("from", "to"), LINK_TYPES[row.data["type"]], strict=True):
        inner = _Row(row.data.get(key))
        quote = _quote(inner, "quote")
        assert quote is not None
        ends.append(End(inner.one_of("kind", (kind,)), quote))
    return ends[0], ends[1]


def _values(row: _Row, kind: str, *, needed: bool) -> dict[str, Any]:
    values = _Row(row.data.get("values", {}))
    known = _FIELDS[kind]
    for key in values.data:
        if key not in known:
            raise ReviewError(f"a {kind} has no value {key!r}; it has {', '.join(known) or 'none'}")
    if needed and (missing := [key for key in _NEEDED.get(kind, ()) if key not in values.data]):
        raise ReviewError(f"'values' of a {kind} must have {', '.join(missing)}")
    return {key: None if values.data[key] is None and key in _EMPTY else known[key](values, key) for key in values.data}


def _codes(codes: tuple[str, ...]) -> Callable[[_Row, str], Any]:
    return lambda row, key: row.one_of(key, codes)


def _texts(row: _Row, key: str) -> list[str]:
    value = row.data[key]
    if not isinstance(value, list):
        raise ReviewError(f"{key!r} must be a list of texts")
    return [_Row({key: item}).text(key, longest=200) for item in value]


def _quantity(row: _Row, key: str) -> dict[str, Any]:
    inner = _Row(row.data[key])
    value = inner.data.get("value")
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 10_000:
        raise ReviewError(f"{key!r} must have a number as its value")
    return {"value": value, "unit": inner.one_of("unit", _UNITS[key])}


def _short(row: _Row, key: str) -> str:
    return row.text(key, longest=300)


def _curie(row: _Row, key: str) -> str:
    return row.text(key, pattern=_CURIE)


_NAMED: dict[str, Callable[[_Row, str], Any]] = {"label": _short, "concept": _curie, "assertion": _codes(ASSERTIONS)}
_FIELDS: dict[str, dict[str, Callable[[_Row, str], Any]]] = {
    "condition": {**_NAMED, "role": _codes(ROLES), "sites": _texts},
    "intervention": {**_NAMED, "kind": _codes(KINDS), "dose": _short, "line": lambda row, key: row.whole(key, 1)},
    "outcome": {
        "category": _codes(CATEGORIES),
        "assertion": _codes(ASSERTIONS),
        "duration": _quantity,
        "duration_type": _codes(DURATION_TYPES),
    },
    "finding": {**_NAMED, "sort": _short},
    "link": {},
    "patient": {"age": _quantity, "age_group": _codes(AGE_GROUPS), "sex": _codes(SEXES)},
    "report": {"cases": lambda row, key: row.whole(key, 0)},
}
_NEEDED = {
    "condition": ("label", "role"),
    "intervention": ("label", "kind"),
    "outcome": ("category",),
    "finding": ("label",),
    "report": ("cases",),
}
_EMPTY = {"concept", "dose", "line", "duration", "duration_type", "sort", "age", "age_group", "sex"}
