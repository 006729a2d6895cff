"""What the judge reads: one patient's text with everything in it that may be an outcome or be linked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kg.clinical.outcomes import NOTHING, Candidate
from kg.clinical.story import Story
from kg.model import CATEGORIES, KINDS, ROLES, Condition, Intervention

__all__ = ["LABELS", "LINKS", "SIZES", "CaseScene", "Link", "read_scene"]

LABELS = (NOTHING, *CATEGORIES)
LINKS = ("link-for", "link-of", "link-after")
_SORTS = {sort: n for n, sort in enumerate((*ROLES, *KINDS))}
_MOST = 3  # sentences apart, before which and behind which all are alike
SIZES = (3 * _MOST + 1, 5, 4, 3, len(_SORTS) + 1, len(_SORTS) + 1)  # how many values each of a link's marks has
OUTCOME = len(_SORTS)

Span = tuple[int, int]
Thing = tuple[int, list[tuple[int, int, int]], int]  # its number, its mentions (sentence, start, end), its sort


@dataclass(frozen=True)
class Link:
    """A pair that may be linked: the nearest two mentions, the target's first one, and how they stand to each other."""

    source: int
    target: int
    spans: tuple[Span, Span, Span]
    marks: tuple[int, ...]


@dataclass(frozen=True)
class CaseScene:
    """``marks`` are the mentions (start, end, 1 condition or 2 intervention), ``candidates`` the words that may carry
    an outcome; ``links`` holds for each kind the pairs of (intervention or candidate) and (condition or intervention),
    by their places in the lists that the scene was made of."""

    text: str
    marks: tuple[tuple[int, int, int], ...]
    candidates: tuple[Span, ...]
    links: dict[str, tuple[Link, ...]]


def read_scene(
    story: Story,
    conditions: Sequence[Condition],
    interventions: Sequence[Intervention],
    candidates: Sequence[Candidate],
) -> CaseScene:
    """The scene of one patient."""
    ill = list(_things(story, conditions))
    given = list(_things(story, interventions))
    words = tuple(((token := c.marked.tokens[c.at]).start, token.end) for c in candidates)
    told: list[Thing] = [
        (n, [(c.marked.sentence.index, *span)], OUTCOME)
        for n, (c, span) in enumerate(zip(candidates, words, strict=True))
    ]
    marks = [(s, e, kind) for kind, things in ((1, ill), (2, given)) for _, places, _ in things for _, s, e in places]
    pairs = {"link-for": (given, ill), "link-of": (told, ill), "link-after": (told, given)}
    return CaseScene(story.text, tuple(marks), words, {name: tuple(_links(*ends)) for name, ends in pairs.items()})


def _things(story: Story, items: Sequence[Condition | Intervention]) -> Iterator[Thing]:
    for n, item in enumerate(items):
        spans = [(item.start, item.end), *((m.start, m.end) for m in item.mentions)]
        places = [(where.index, s, e) for s, e in spans if (where := story.sentence_at(s)) is not None]
        if places:
            yield n, places, _SORTS[item.kind if isinstance(item, Intervention) else item.role]


def _links(sources: Sequence[Thing], targets: Sequence[Thing]) -> Iterator[Link]:
    for source, own, sort in sources:
        found = [(t, *min(((a, b) for a in own for b in t[1]), key=_distance)) for t in targets]
        for target, a, b in found:
            nearer = sum(_distance((a, other)) < _distance((a, b)) for t, _, other in found if t is not target)
            apart = a[0] - b[0]
            order = 0 if apart else 1 if b[1] < a[1] else 2
            marks = (
                max(-_MOST, min(2 * _MOST, apart)) + _MOST, min(4, nearer), min(3, len(target[1]) - 1), order,
                target[2], sort,
            )  # fmt: skip
            yield Link(source, target[0], (a[1:], b[1:], min(target[1], key=lambda p: p[1])[1:]), marks)


def _distance(pair: tuple[tuple[int, int, int], tuple[int, int, int]]) -> tuple[float, int]:
    a, b = pair
    apart = a[0] - b[0]
    return (apart if apart >= 0 else -1.5 * apart), abs(a[1] - b[1]) if not apart else 0
