"""The interventions of a case: which of those named were given to the patient, and of what kind each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from kg.clinical.classifier import Classifier
from kg.clinical.clues import clues
from kg.clinical.entities import Entity, entities, label
from kg.clinical.mentions import Mention
from kg.clinical.story import Story
from kg.model import Concept, Intervention, Kind

__all__ = ["candidates", "interventions"]

_KEPT = 0.4  # a candidate less likely than this is left out


def interventions(
    story: Story, mentions: Sequence[Mention], case: int, concepts: Mapping[str, Concept]
) -> list[Intervention]:
    """The interventions of patient ``case`` in the order of the story; those not present say so in their assertion."""
    keep, kind = Classifier.load("intervention_kept"), Classifier.load("intervention_kind")
    found: list[tuple[Entity, dict[str, float]]] = []
    for entity, row in candidates(story, mentions, case, concepts):
        if entity.best.assertion != "present" and entity.best.firm:
            found.append((entity, {"other": 1.0}))
        elif keep.chance(row) >= _KEPT:
            found.append((entity, kind.scores(row)))
    return [_intervention(story, entity, scores, n, concepts) for n, (entity, scores) in enumerate(found, 1)]


def candidates(
    story: Story, mentions: Sequence[Mention], case: int, concepts: Mapping[str, Concept]
) -> list[tuple[Entity, list[str]]]:
    """All that may be interventions for patient ``case``, each with what speaks for and against it."""
    own = [m for m in mentions if story.sentences[m.sentence].own and case in story.cases_at(m.start)]
    among = entities(story, [m for m in own if m.type == "intervention"], concepts)
    return list(zip(among, clues(story, among, [m for m in own if m.type == "condition"], concepts), strict=True))


def _intervention(
    story: Story, entity: Entity, scores: Mapping[str, float], number: int, concepts: Mapping[str, Concept]
) -> Intervention:
    best = entity.best
    return Intervention(
        id=f"i{number}",
        start=best.start,
        end=best.end,
        text=story.text[best.start : best.end],
        assertion=best.assertion if best.firm else "present",
        mentions=entity.spans,
        label=label(story, entity, concepts),
        concept=best.curies[0] if best.curies else None,
        candidates=best.curies,
        kind=cast(Kind, max(scores, key=scores.__getitem__)),
    )
