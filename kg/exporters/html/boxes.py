"""The boxes of the picture: a tree of concepts in which no box opens onto more than a person can tell apart.

Each concept stands in one place, under the first of its broader concepts; filters go by all of them. Words that no
vocabulary holds stand in boxes of their own. Where more kinds meet than a column can show, the smaller ones go into a
box "more kinds", and where those are many still, into boxes by the alphabet.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kg.reports import Concept, Episode, Reports

__all__ = ["MOST", "Box", "Boxes"]

MOST = 14  # boxes in a column that a person still tells apart
_UNGROUNDED = "not in a vocabulary"
_SHOWN = 12  # characters of a name at either end of a box by the alphabet


@dataclass(slots=True)
class Box:
    """A concept, words that no vocabulary holds, or (``folded``) a box that holds smaller ones.

    ``broader`` are the boxes of further broader concepts, ``cases`` numbers of the cases within.
    """

    label: str
    column: int  # 0 condition, 1 intervention, 3 finding
    parent: int | None
    curie: str = ""
    broader: tuple[int, ...] = ()
    folded: bool = False
    cases: set[int] = field(default_factory=set)


class Boxes:
    """Numbers boxes as they are needed, parents before children; ``fold`` ends the making."""

    def __init__(self, reports: Reports) -> None:
        self.reports = reports
        self.list: list[Box] = []
        self._numbers: dict[object, int] = {}

    def of(self, episode: Episode, column: int) -> int:
        """The box of an episode: its concept, else the disease that came back, else its words."""
        if concept := episode.concept or episode.disease:
            return self._concept(concept, column)
        group = self._number((column, None), _UNGROUNDED, column, None)
        if column == 1:
            kind = self.reports.code("kind", episode.values["kind"]).label
            group = self._number((column, None, kind), f"{kind}, {_UNGROUNDED}", column, group)
        return self._number((column, group, episode.label), episode.label or "not named", column, group)

    def stated(self, column: int) -> int:
        """The box for a link whose end in that column is not stated."""
        return self._number((column, ""), "not stated", column, None)

    def count(self, box: int, case: int) -> None:
        """Note that the case belongs in the box and in all boxes around it."""
        at: int | None = box
        while at is not None and case not in self.list[at].cases:
            self.list[at].cases.add(case)
            at = self.list[at].parent

    def fold(self) -> None:
        """Put boxes between where one would open onto more than ``MOST``."""
        inside: dict[tuple[int, int | None], list[int]] = defaultdict(list)
        for number, box in enumerate(self.list):
            if box.cases:
                inside[box.column, box.parent].append(number)
        for (column, parent), children in inside.items():
            own = parent is not None and bool(
                self.list[parent].curie
            )  # the concept itself takes a place among its kinds
            most = MOST - own
            if len(children) > most:
                children.sort(key=lambda n: (-len(self.list[n].cases), self.list[n].label))
                rest = children[most - 1 :]
                more = self._folder(f"{len(rest):,} more kinds", column, parent, rest)
                self._by_alphabet(rest, column, more)

    def _by_alphabet(self, numbers: list[int], column: int, parent: int) -> None:
        if len(numbers) <= MOST:
            return
        numbers = sorted(numbers, key=lambda n: (self.list[n].label.casefold(), n))
        parts = min(MOST, -(-len(numbers) // MOST))
        size = -(-len(numbers) // parts)
        for start in range(0, len(numbers), size):
            part = numbers[start : start + size]
            first, last = (self.list[n].label[:_SHOWN].strip() for n in (part[0], part[-1]))
            self._by_alphabet(part, column, self._folder(f"{first} – {last}", column, parent, part))

    def _folder(self, label: str, column: int, parent: int | None, numbers: list[int]) -> int:
        folder = Box(label, column, parent, folded=True, cases=set().union(*(self.list[n].cases for n in numbers)))
        self.list.append(folder)
        for number in numbers:
            self.list[number].parent = len(self.list) - 1
        return len(self.list) - 1

    def _concept(self, concept: Concept, column: int, below: tuple[str, ...] = ()) -> int:
        if (column, concept.curie) in self._numbers:
            return self._numbers[column, concept.curie]
        below = (*below, concept.curie)
        wider = (self._wider(curie) for curie in concept.broader if curie not in below)
        above = tuple(self._concept(c, column, below) for c in wider)
        return self._number(
            (column, concept.curie), concept.label, column, above[0] if above else None, concept.curie, above[1:]
        )

    def _wider(self, curie: str) -> Concept:
        return self.reports.concept(self.reports.vocabulary.expand(curie))

    def _number(
        self, key: object, label: str, column: int, parent: int | None, curie: str = "", broader: tuple[int, ...] = ()
    ) -> int:
        if key not in self._numbers:
            self._numbers[key] = len(self.list)
            self.list.append(Box(label, column, parent, curie, broader))
        return self._numbers[key]
