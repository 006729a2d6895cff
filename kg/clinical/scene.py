"""Where the items of one patient stand: the sentences of the case with every mention, list and outcome in its place."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kg.clinical.marked import Marked, mark
from kg.clinical.relatedness import Vector, Vectors
from kg.clinical.story import Story
from kg.model import Concept, Condition, Intervention, Outcome

__all__ = ["Item", "Place", "Scene"]

_JOINS = frozenset(
    (
        ",",
        "and",
        "plus",
        "with",
        "/",
        "+",
        "or",
        "(",
        ")",
        "<n>",
        "mg",
        "&",
        "-",
        "as",
        "well",
        "followed",
        "by",
        "then",
        "combined",
    )
)
_WIDEST = 6  # so many words at most between two members of one list


class Place(NamedTuple):
    """One mention: its sentence in the scene, its parts from ``first`` to before ``last``, the list it stands in."""

    sentence: int
    first: int
    last: int
    bundle: int
    start: int


class Item(NamedTuple):
    """A condition, intervention or outcome: its role, kind or category, its words, and its mentions (its own first).

    ``first`` is where it stands first in the text, ``groups`` are its concept and that concept's ancestors, ``meaning``
    is the vector of its words.
    """

    id: str
    sort: str
    words: tuple[str, ...]
    places: tuple[Place, ...]
    first: Place
    groups: tuple[str, ...]
    meaning: Vector


class Scene:
    """The sentences of one patient with the places of all conditions, interventions and outcomes.

    Items that stand in no sentence of the patient are left out.
    """

    def __init__(
        self,
        story: Story,
        case: int,
        conditions: Sequence[Condition],
        interventions: Sequence[Intervention],
        outcomes: Sequence[Outcome],
        concepts: Mapping[str, Concept],
    ) -> None:
        self._concepts = concepts
        self.sentences = list(mark(story, case, conditions, interventions))
        self._at = {m.sentence.index: n for n, m in enumerate(self.sentences)}
        self._bundles: dict[tuple[int, int], int] = {}
        self.leads: dict[int, tuple[str, str]] = {}
        for n, marked in enumerate(self.sentences):
            self._gather(n, marked.parts)
        disease = " ".join(c.label for c in conditions if c.role == "primary")
        self.conditions = self._items(story, [(c, c.role, c.label) for c in conditions], disease)
        self.interventions = self._items(story, [(i, i.kind, i.label) for i in interventions])
        self.outcomes = self._items(story, [(o, o.category, o.text) for o in outcomes])

    def _gather(self, n: int, parts: Sequence[str]) -> None:
        """Numbers the lists of a sentence ("A, B and C"), and keeps the two words before each."""
        before = -1
        for p, part in enumerate(parts):
            if part not in ("<I>", "<C>"):
                continue
            between = parts[before + 1 : p]
            if before >= 0 and parts[before] == part and len(between) <= _WIDEST and _JOINS.issuperset(between):
                bundle = self._bundles[n, before]
            else:
                bundle = len(self.leads)
                self.leads[bundle] = (parts[p - 2] if p > 1 else "#", parts[p - 1] if p else "#")
            self._bundles[n, p] = bundle
            before = p

    def _items(
        self, story: Story, named: Sequence[tuple[Condition | Intervention | Outcome, str, str]], disease: str = ""
    ) -> list[Item]:
        items, vectors = [], Vectors.load()
        for item, sort, label in named:
            spans = [(item.start, item.end), *((s.start, s.end) for s in item.mentions)]
            places = [place for start, end in spans if (place := self._place(story, start, end)) is not None]
            if places:
                words = tuple(label.lower().split()) or ("#",)
                first = min(places, key=lambda place: place.start)
                whose = disease if sort == "relapse" else ""  # the words for an episode say where, not of what
                meaning = vectors.of(f"{label} {item.text} {whose}")
                items.append(Item(item.id, sort, words, tuple(places), first, self._groups(item), meaning))
        return items

    def _groups(self, item: Condition | Intervention | Outcome) -> tuple[str, ...]:
        curie = None if isinstance(item, Outcome) else item.concept
        return (curie, *self._concepts[curie].ancestors) if curie else ()

    def _place(self, story: Story, start: int, end: int) -> Place | None:
        sentence = story.sentence_at(start)
        n = self._at.get(sentence.index) if sentence is not None else None
        if n is None:
            return None
        marked = self.sentences[n]
        own = marked.sentence
        first, last = (bisect_left(story.word_starts, at, own.first, own.last) - own.first for at in (start, end))
        if first == last:
            return None
        part = marked.place[first]
        return Place(n, part, marked.place[last - 1] + 1, self._bundles.get((n, part), -1), start)

    def parts(self, place: Place) -> Sequence[str]:
        """The parts of the sentence of a place."""
        return self.sentences[place.sentence].parts

    def words_of(self, n: int) -> Marked:
        """The sentence at place ``n``."""
        return self.sentences[n]
