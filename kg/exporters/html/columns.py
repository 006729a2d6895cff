"""What the page holds: a core for the pictures, and the reports in packs that are opened when they are needed.

Both are JSON, compressed and written in base64, since thousands of reports have to fit in one page.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections import defaultdict
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

from kg.courses import in_words, places, sentence, steps
from kg.exporters.html.boxes import MOST, Boxes
from kg.exporters.html.networks import SIZE, Node, networks
from kg.query import ask

if TYPE_CHECKING:
    from kg.reports import Case, Episode, Quote, Report, Reports

__all__ = ["Columns"]

_PACK = 48  # reports in a pack: small enough to open in no time, large enough to compress well
_COLUMNS = ("Condition", "Intervention", "Outcome")
_OUTCOME = 2  # number of the column
_NOTES = ("line", "dose", "site")
_CODES = {"Condition": "role", "Intervention": "kind", "Outcome": "category"}  # what tells each kind apart


class Columns:
    """Takes reports one after another; ``packs`` holds them packed, ``core`` all that the pictures count."""

    def __init__(self, reports: Reports) -> None:
        self.reports = reports
        self.boxes = Boxes(reports)
        self.packs: list[str] = []
        self._waiting: list[dict[str, Any]] = []
        curie = reports.vocabulary.compact
        rows = ask(reports.store, "categories").to_dicts()  # from best to worst, each with the number of its colour
        self._outcomes = {
            curie(str(r["category"])).partition(":")[2]: (str(r["label"]), int(r["rank"] or 1) - 1) for r in rows
        }
        self._numbers = {code: number for number, code in enumerate(self._outcomes)}
        self._told: list[list[Any]] = []
        self._cases: list[list[Any]] = []
        self._facts: list[list[int]] = []
        self._links: dict[tuple[Node, Node], set[int]] = defaultdict(set)

    def add(self, report: Report) -> None:
        """Take one report with all its cases."""
        number = len(self._told)
        language = report.languages[0] if len(report.languages) == 1 else ""
        year = int(report.issued[:4]) if report.issued[:4].isdecimal() else None
        self._told.append([report.id, report.title, language, year])
        for case in report.cases:
            self._add_case(number, case)
        about = {
            "authors": report.byline,
            "journal": f"{report.journal} {report.volume}".strip(),
            "published": report.issued,
            "DOI": report.doi,
            "PMID": report.pmid,
            "licence": report.rights,
            "extractor": report.extraction.extractor if report.extraction else "",
        }
        packed = {
            "iri": report.iri.removeprefix(self.reports.store.base),
            "about": _without_empty(about),
            "text": report.text,
            "skip": report.skip,
            "cases": [self._packed(report, case) for case in report.cases],
        }
        self._waiting.append(_without_empty(packed))
        if len(self._waiting) == _PACK:
            self._pack()

    @property
    def size(self) -> int:
        """Number of reports taken."""
        return len(self._told)

    def core(self) -> str:
        """What the pictures count, packed; call it when all reports are in."""
        if self._waiting:
            self._pack()
        self.boxes.fold()
        boxes = self.boxes.list
        names: dict[Node, str] = {(b.column, n): b.label for n, b in enumerate(boxes) if b.curie}
        names |= {(_OUTCOME, n): label for n, (label, _) in enumerate(self._outcomes.values())}
        around: dict[Node, list[Node]] = {(b.column, n): self._around(n) for n, b in enumerate(boxes)}
        around |= {(_OUTCOME, n): [(_OUTCOME, n)] for n in range(len(self._outcomes))}
        drawn = networks(self._links, around, names)
        return pack(
            {
                "most": MOST,
                "pack": _PACK,
                "size": SIZE,
                "boxes": [
                    [b.label, b.column, -1 if b.parent is None else b.parent, b.curie, b.broader, int(b.folded)]
                    for b in boxes
                ],
                "outcomes": [[*told, code] for code, told in self._outcomes.items()],
                "reports": self._told,
                "cases": self._cases,
                "facts": self._facts,
                "networks": [
                    [*node, [part for (column, n), x, y in near for part in (column, n, x, y)]]
                    for node, near in drawn.items()
                ],
            }
        )

    def _around(self, number: int) -> list[Node]:
        """A box and all boxes of wider concepts."""
        boxes, seen, todo = self.boxes.list, [], [number]
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.append(at)
                parent = boxes[at].parent
                todo += [*([] if parent is None else [parent]), *boxes[at].broader]
        return [(boxes[n].column, n) for n in seen if not boxes[n].folded]

    def _add_case(self, report: int, case: Case) -> None:
        """Number what the case holds and list its facts: outcome after intervention, for a condition."""
        number = len(self._cases)
        at = {e.iri: n for n, e in enumerate(case.episodes)}
        box = {e.iri: self._box(e) for e in case.episodes if e.present and e.kind in _COLUMNS}
        held = [sorted({box[e.iri] for e in case.of_kind(kind) if e.present}) for kind in _COLUMNS]
        years = float(case.age_years) if case.age_years else None
        age = in_words(case.age) or case.age_group or None
        self._cases.append([report, _end(case.iri), years, age, case.sex or None, *held])
        for outcome in case.of_kind("Outcome"):
            tied = {e.iri for e in case.linked(outcome, "attributedTo")}
            of = {box[e.iri] for e in case.linked(outcome, "of")}
            treatments = sorted(case.linked(outcome, "after", "attributedTo"), key=lambda e: e.order)
            for treatment, condition in product(treatments, sorted(of or {self.boxes.stated(0)} if treatments else ())):
                one, other = box[treatment.iri], box[outcome.iri]
                fact = [number, condition, one, other, int(treatment.iri in tied), at[outcome.iri], at[treatment.iri]]
                self._facts.append(fact)
                nodes: tuple[Node, ...] = ((0, condition), (1, one), (_OUTCOME, other))
                for pair in combinations(nodes, 2):
                    self._links[pair].add(number)
                self.boxes.count(condition, number)
                self.boxes.count(one, number)

    def _box(self, episode: Episode) -> int:
        if episode.kind == "Outcome":
            return self._numbers[episode.category]
        return self.boxes.of(episode, _COLUMNS.index(episode.kind))

    def _packed(self, report: Report, case: Case) -> dict[str, Any]:
        """A case in full. Episodes stand in the order of ``Case.episodes``, by which links and facts number them."""
        step = steps(report, case)
        number = {e.iri: at for at, e in enumerate(case.episodes)}
        return {
            "name": _end(case.iri),
            "spans": [[q.start, q.end] for q in case.evidence],
            "episodes": [self._episode(report, e, step.get(e.iri)) for e in case.episodes],
            "links": [
                [number[link.source], number[link.target], link.type, link.evidence.start, link.evidence.end]
                for link in case.links
            ],
        }

    def _episode(self, report: Report, episode: Episode, step: int | None) -> dict[str, Any]:
        values, scheme = episode.values, _CODES.get(episode.kind, "")
        told = {
            "name": "/".join(episode.iri.rsplit("/", 2)[1:]),
            "kind": episode.kind.lower(),
            "label": episode.label,
            "code": episode.category,
            "as": self.reports.code(scheme, values[scheme]).label if scheme else values.get("sort"),
            "stated": None if episode.present else self.reports.code("assertion", episode.assertion).label,
            "concept": episode.concept.curie if episode.concept else None,
            "at": _flat(report, episode.quote),
            "also": [_flat(report, quote) for quote in places(episode)[1:]],
            "step": step,
            "length": in_words(values.get("duration", "")),
            "lengthType": values.get("durationType"),
            "notes": [
                f"line {values['line']}" if name == "line" else values[name] for name in _NOTES if name in values
            ],
        }
        return _without_empty(told)

    def _pack(self) -> None:
        self.packs.append(pack(self._waiting))
        self._waiting = []


def pack(data: Any) -> str:
    """JSON, compressed, in base64."""
    plain = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(plain, 9, mtime=0)).decode()


def _without_empty(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", [], (), {})}


def _flat(report: Report, quote: Quote) -> list[int]:
    """Start and end of the words, then of their sentence."""
    around = sentence(report, quote)
    return [quote.start, quote.end, around.start, around.end]


def _end(iri: str) -> str:
    return iri.rpartition("/")[2]
