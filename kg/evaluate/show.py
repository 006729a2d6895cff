"""One report with annotated and extracted facts side by side, as text and as a page that needs nothing else."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

from kg.evaluate.gold import GoldReport
from kg.evaluate.matching import Matched, duration_of, match_cases
from kg.model import Case, CaseRecord, Condition, Episode, Intervention, Outcome, Patient, Quantity

__all__ = ["side_by_side", "side_by_side_html"]

_MARKS = {"=": "same", "~": "differs", "-": "missed", "+": "spurious"}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em; color: #222 }}
.text {{ white-space: pre-wrap; overflow-wrap: anywhere }}
.gold {{ border-bottom: 3px solid #1f6fb4 }} .found {{ background: #fbe0bd }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ text-align: left; vertical-align: top; padding: .25em .6em }}
tr {{ border-bottom: 1px solid #ddd }} td:first-child {{ white-space: nowrap }}
.same td:first-child {{ color: #666 }} .differs td:first-child {{ color: #8a5a00 }}
.missed td:first-child {{ color: #1f6fb4 }} .spurious td:first-child {{ color: #b34700 }}
</style></head><body>
<h1>{title}</h1>
<p>In the text: <span class="gold">annotated</span>, <span class="found">extracted</span>.</p>
<p class="text">{text}</p>
{tables}
</body></html>
"""


class _Row(NamedTuple):
    """One line of the comparison: ``mark`` is = (same), ~ (same but for a part), - (missed) or + (spurious)."""

    mark: str
    gold: str
    found: str


def side_by_side(report: GoldReport, record: CaseRecord | None, text: str = "", width: int = 118) -> str:
    """Annotated facts on the left, extracted ones on the right, for a terminal ``width`` characters wide."""
    half = max((width - 5) // 2, 20)
    lines = [f"{report.id}" + (f" (annotated as without cases: {report.skip})" if report.skip else "")]
    for name, groups in _cases(report, record, text):
        lines += ["", name]
        for group, rows in groups:
            lines.append(f"  {group}")
            for row in rows:
                left, right = _wrapped(row.gold, half), _wrapped(row.found, half)
                for n in range(max(len(left), len(right))):
                    one = left[n] if n < len(left) else ""
                    other = right[n] if n < len(right) else ""
                    lines.append(f"{row.mark if n == 0 else ' '} {one:{half}} | {other}".rstrip())
    return "\n".join(lines) + "\n"


def side_by_side_html(report: GoldReport, record: CaseRecord | None, text: str = "") -> str:
    """The same as a page, with the text above: annotated spans underlined, extracted spans on a ground of colour."""
    text = report.text or text
    tables = []
    for case, groups in _cases(report, record, text):
        tables.append(f"<h2>{escape(case)}</h2><table><tr><th></th><th>annotated</th><th>extracted</th></tr>")
        for group, rows in groups:
            tables.append(f'<tr><th colspan="3">{escape(group)}</th></tr>')
            for mark, one, other in rows:
                name = _MARKS[mark]
                cells = "".join(f"<td>{escape(cell)}</td>" for cell in (name, one, other))
                tables.append(f'<tr class="{name}">{cells}</tr>')
        tables.append("</table>")
    found = record.cases if record else ()
    return _PAGE.format(
        title=escape(report.id), text=_marked(text, report.cases, found), tables="\n".join(tables)
    )  # all of it is escaped


def _cases(
    report: GoldReport, record: CaseRecord | None, text: str
) -> Iterator[tuple[str, list[tuple[str, list[_Row]]]]]:
    pairs = match_cases(report.cases, record.cases if record else (), report.text or text)
    for number, matched in enumerate(pairs, 1):
        groups = [("patient", [_patient(matched.gold.patient, matched.found.patient)])]
        groups += [(key, list(_rows(matched, key))) for key in ("conditions", "interventions", "outcomes")]
        yield f"Case {number}", [(key, rows) for key, rows in groups if rows]


def _rows(matched: Matched, key: str) -> Iterator[_Row]:
    gold, found, facts = matched
    items = {item.id: item for item in getattr(found, key)}
    for item in getattr(gold, key):
        other = items.pop(facts.get(item.id, ""), None)
        if other is None:
            yield _Row("-", _fact(item, gold), "")
        else:
            yield _Row("=" if _alike(item, other, facts) else "~", _fact(item, gold), _fact(other, found))
    for other in items.values():
        yield _Row("+", "", _fact(other, found))


def _alike(gold: Episode, found: Episode, facts: dict[str, str]) -> bool:
    def refs(ids: Iterable[str]) -> set[str]:
        return {facts.get(i, f"gold:{i}") for i in ids}

    match gold, found:
        case Condition(), Condition():
            return gold.role == found.role
        case Intervention(), Intervention():
            return gold.kind == found.kind and refs(gold.for_) == set(found.for_)
        case Outcome(), Outcome():
            same = duration_of(gold.duration) == duration_of(found.duration)
            return same and refs(gold.of) == set(found.of) and refs(gold.after) == set(found.after)
    return False


def _patient(gold: Patient, found: Patient) -> _Row:
    one, other = _person(gold), _person(found)
    return _Row("=" if one == other else "~" if one and other else "-" if one else "+", one, other)


def _person(patient: Patient) -> str:
    return ", ".join(filter(None, (_words(patient.age), patient.age_group, patient.sex)))


def _fact(item: Episode, case: Case) -> str:
    """A fact in words: what it says, what it is, and the other ends of its links."""
    labels = {c.id: c.label for c in case.conditions} | {i.id: i.label for i in case.interventions}

    def ends(name: str, ids: Iterable[str]) -> str:
        words = ", ".join(labels.get(i, i) for i in ids)
        return f"; {name} {words}" if words else ""

    match item:
        case Condition():
            return f"{item.label} [{item.role}]" + (f' "{item.text}"' if item.text != item.label else "")
        case Intervention():
            quote = f' "{item.text}"' if item.text != item.label else ""
            return f"{item.label} [{item.kind}]{quote}{ends('for', item.for_)}"
        case Outcome():
            time = f" ({_words(item.duration)})" if item.duration else ""
            return f'{item.category} "{item.text}"{time}{ends("of", item.of)}{ends("after", item.after)}'
    return item.text


def _words(quantity: Quantity | None) -> str:
    return f"{quantity.value:g} {quantity.unit}" if quantity else ""


def _wrapped(words: str, width: int) -> list[str]:
    return textwrap.wrap(words, width) or [""]


def _marked(text: str, gold: Sequence[Case], found: Sequence[Case]) -> str:
    """The text with the spans of both sides marked; spans may overlap."""
    sides = {
        name: [(i.start, i.end) for case in cases for i in (*case.conditions, *case.interventions, *case.outcomes)]
        for name, cases in (("gold", gold), ("found", found))
    }
    cuts = sorted({0, len(text), *(at for spans in sides.values() for span in spans for at in span if at <= len(text))})
    parts = []
    for start, end in pairwise(cuts):
        names = [name for name, spans in sides.items() if any(s <= start and end <= e for s, e in spans)]
        words = escape(text[start:end])
        parts.append(f'<span class="{" ".join(names)}">{words}</span>' if names else words)
    return "".join(parts)
