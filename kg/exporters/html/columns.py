"""What the page holds: a core for the pictures, and the reports in packs that are opened when they are needed.

Both are JSON, compressed and written in base64, since thousands of reports have to fit in one page.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING, Any

from kg.exporters.html.boxes import MOST, Boxes
from kg.exporters.html.courses import steps
from kg.exporters.html.networks import SIZE, Node, networks
from kg.exporters.html.reading import KINDS, Reader
from kg.query import ask

if TYPE_CHECKING:
    from kg.exporters.html.reading import Case, Episode, Place, Report

__all__ = ["Columns"]

_PACK = 48  # reports in a pack: small enough to open in no time, large enough to compress well
_OUTCOME = 2  # number of the column


class Columns:
    """Takes reports one after another; ``packs`` holds them packed, ``core`` all that the pictures count."""

    def __init__(self, reader: Reader, *, text: bool) -> None:
        self.reader, self.text = reader, text
        self.boxes = Boxes(reader)
        self.packs: list[str] = []
        self._waiting: list[dict[str, Any]] = []
        rows = ask(reader.store, "categories").to_dicts()  # from best to worst, each with the number of its colour
        self._outcomes = {reader.curie(str(r["category"])): (str(r["label"]), int(r["rank"] or 1) - 1) for r in rows}
        self._numbers = {iri: number for number, iri in enumerate(self._outcomes)}
        self._reports: list[list[Any]] = []
        self._cases: list[list[Any]] = []
        self._facts: list[list[int]] = []
        self._codes: set[str] = set()
        self._links: dict[tuple[Node, Node], set[int]] = defaultdict(set)

    def add(self, report: Report) -> None:
        """Take one report with all its cases."""
        number = len(self._reports)
        self._reports.append([report.id, report.title, report.language, report.year])
        for case in report.cases:
            self._add_case(number, case)
        packed = {
            "iri": report.iri.removeprefix(self.reader.store.base),
            "about": {**report.about, "extractor": report.extractor},
            "text": report.text if self.text else None,
            "skip": report.skip,
            "cases": [self._packed(report, case) for case in report.cases],
        }
        self._waiting.append(_without_empty(packed))
        if len(self._waiting) == _PACK:
            self._pack()

    @property
    def size(self) -> int:
        """Number of reports taken."""
        return len(self._reports)

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
                "outcomes": list(self._outcomes.values()),
                "codes": {code: self.reader.label(code) for code in sorted(self._codes)},
                "reports": self._reports,
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
        place = {e.iri: (e, at) for at, e in enumerate(case.episodes) if e.present}
        box = {iri: self._box(e) for iri, (e, _) in place.items() if e.kind != "finding"}
        held = [sorted({n for iri, n in box.items() if place[iri][0].kind == kind}) for kind in KINDS[:3]]
        self._cases.append([report, case.name, case.age_years, case.age or case.age_group, case.sex, *held])
        ends: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for link in case.links:
            ends[link.type][link.source].append(link.target)
        for iri, (outcome, at) in place.items():
            tied = ends["casekg:attributedTo"][iri]
            treatments = [*ends["casekg:after"][iri], *tied]
            if outcome.kind != "outcome" or not treatments:
                continue
            conditions = sorted({box[c] for c in ends["casekg:of"][iri]} or {self.boxes.stated(0)})
            for treatment in sorted(treatments, key=lambda t: place[t][1]):
                for condition in conditions:
                    self._facts.append(
                        [number, condition, box[treatment], box[iri], int(treatment in tied), at, place[treatment][1]]
                    )
                    nodes: tuple[Node, ...] = ((0, condition), (1, box[treatment]), (_OUTCOME, box[iri]))
                    for pair in combinations(nodes, 2):
                        self._links[pair].add(number)
                    self.boxes.count(condition, number)
                    self.boxes.count(box[treatment], number)

    def _box(self, episode: Episode) -> int:
        if episode.kind == "outcome":
            return self._numbers[episode.code]
        return self.boxes.of(episode, KINDS.index(episode.kind))

    def _packed(self, report: Report, case: Case) -> dict[str, Any]:
        """A case in full. Episodes stand in the order of ``Case.episodes``, by which links and facts number them."""
        step = steps(report, case)
        self._codes.update(code for e in case.episodes for code in (e.code, e.assertion))
        number = {e.iri: at for at, e in enumerate(case.episodes)}
        return {
            "name": case.name,
            "spans": case.spans,
            "episodes": [
                _without_empty(
                    {
                        "name": e.iri.removeprefix(f"{case.iri}/"),
                        "kind": e.kind,
                        "label": e.label,
                        "code": e.code,
                        "stated": None if e.present else e.assertion,
                        "concept": e.concept,
                        "at": _flat(e.quote),
                        "also": [_flat(place) for place in e.mentions],
                        "step": step.get(e.iri),
                        "length": e.length,
                        "lengthType": e.length_type,
                        "notes": e.notes,
                    }
                )
                for e in case.episodes
            ],
            "links": [
                [number[link.source], number[link.target], link.type.partition(":")[2], *link.span]
                for link in case.links
            ],
        }

    def _pack(self) -> None:
        self.packs.append(pack(self._waiting))
        self._waiting = []


def pack(data: Any) -> str:
    """JSON, compressed, in base64."""
    plain = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(plain, 9, mtime=0)).decode()


def _without_empty(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", [], (), {})}


def _flat(place: Place) -> list[int]:
    """Start and end of the words, then of their sentence."""
    return [*place.span, *place.sentence]
