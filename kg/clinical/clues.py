"""What may be a condition or an intervention of a case, and what speaks for and against it and for its role or kind.

Clues are strings, the features of the classifiers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from kg.clinical.classifier import Bag, Row
from kg.clinical.entities import Entity, entities
from kg.clinical.mentions import Mention, MentionType
from kg.clinical.story import Sentence, Story
from kg.model import Concept

__all__ = ["candidates"]

_REACH = 7  # words on the left whose presence counts
_SHOWN = 2  # mentions whose surroundings are told


def candidates(
    story: Story, mentions: Sequence[Mention], case: int, concepts: Mapping[str, Concept], type_: MentionType
) -> list[tuple[Entity, Row]]:
    """All that may be conditions (or interventions, by ``type_``) of patient ``case``, each with its clues."""
    own = [m for m in mentions if story.sentences[m.sentence].own and case in story.cases_at(m.start)]
    among = entities(story, [m for m in own if m.type == type_], concepts)
    other = "intervention" if type_ == "condition" else "condition"
    others, places = ([m for m in own if m.type == named] for named in (other, "site"))
    return list(zip(among, _clues(story, among, others, places, concepts), strict=True))


def _clues(
    story: Story,
    among: Sequence[Entity],
    others: Sequence[Mention],
    places: Sequence[Mention],
    concepts: Mapping[str, Concept],
) -> list[Row]:
    """Features of each entity of ``among``, which are of one type.

    ``others`` are the mentions of the other type, ``places`` those of body sites.
    """
    scores = [max([m.score for m in entity.mentions]) for entity in among]
    rank = {n: place for place, n in enumerate(sorted(range(len(among)), key=lambda n: -scores[n]))}
    most = max((len(e.mentions) for e in among), default=0)
    in_sentence: dict[int, int] = {}
    for entity in among:
        in_sentence[entity.best.sentence] = in_sentence.get(entity.best.sentence, 0) + 1
    taken = {m.sentence for m in others if m.score > 0.5}
    first_other = min(taken, default=len(story.sentences))
    found: list[Row] = []
    for n, entity in enumerate(among):
        best = entity.best
        sentences = [story.sentences[m.sentence] for m in entity.mentions]
        indexes = [s.index for s in sentences]
        first, count = min(indexes), len(entity.mentions)
        bags: list[Bag] = [("word ", "", sorted(entity.named.words))]
        row = [
            f"score {int(scores[n] * 10)}",
            f"best {int(best.score * 5)}",
            f"count {min(count, 4)}",
            f"rank {min(rank[n], 5)}",
            f"order {min(n, 4)}",
            f"place {_place(first, len(story.sentences))}",
            f"last {_place(max(indexes), len(story.sentences))}",
            f"said {best.assertion} {best.firm}",
            f"head {entity.named.head}",
            f"end {entity.named.head[-4:]}",
            f"size {min(len(entity.named.words), 5)}",
            f"beside {min(in_sentence[best.sentence], 4)}",
            f"other {best.sentence in taken}",
            f"then {(first > first_other) - (first < first_other)}",
        ]
        row += dict.fromkeys([f"role {s.role}" for s in sentences])
        row += dict.fromkeys([f"block {s.block}" for s in sentences])
        if count == most > 1:
            row.append("most told")
        if entity.named.generic:
            row.append("generic")
        if entity.named.recurring:
            row.append("recurring")
        if any(o.start <= best.start and best.end <= o.end for o in others):
            row.append("within other")
        if best.curies:
            concept = concepts[best.curies[0]]
            row += [f"exact {best.exact}", f"facet {concept.facet}"]
            bags.append(("is ", "", (concept.curie, *concept.ancestors)))
        else:
            size = min(len(entity.named.words), 3)
            row += ["no concept", f"unknown {size} {int(best.score * 5)}", f"unknown {size} -{entity.named.head[-3:]}"]
        if any(p.start <= best.start and best.end <= p.end for p in places):
            row.append("only a place")
        for which, mention in enumerate(_shown(entity)):
            bags += _around(story, mention, story.sentences[mention.sentence], "12"[which])
        found.append([("", "", row), *bags])
    return found


def _shown(entity: Entity) -> list[Mention]:
    """The mentions whose surroundings are told: the best, then the first other one."""
    return [entity.best, *(m for m in entity.mentions if m is not entity.best)][:_SHOWN]


def _place(index: int, total: int) -> str:
    if index < 3:
        return str(index)
    return f"end {total - index}" if total - index < 3 else "middle"


def _around(story: Story, mention: Mention, sentence: Sentence, which: str) -> Row:
    """The words around a mention, with those next to it in their order."""
    words = story.zeroed
    first = bisect_left(story.word_starts, mention.start, sentence.first, sentence.last)
    last = bisect_left(story.word_starts, mention.end, first, sentence.last)
    left, right = words[max(sentence.first, first - _REACH) : first], words[last : min(sentence.last, last + 5)]
    left = [*["<"] * (2 - len(left)), *left]
    right = [*right, *[">"] * (2 - len(right))]
    row = [
        f"{which}<{left[-1]}",
        f"{which}<<{left[-2]} {left[-1]}",
        f"{which}>{right[0]}",
        f"{which}>>{right[0]} {right[1]}",
    ]
    row.append(f"{which}opens {' '.join(words[sentence.first : min(sentence.first + 2, sentence.last)])}")
    return [("", "", row), (f"{which}L ", "", dict.fromkeys(left)), (f"{which}R ", "", dict.fromkeys(right))]
