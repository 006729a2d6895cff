"""The interventions of a case: which of those named were given to the patient, and of what kind each is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from kg.clinical.classifier import Classifier
from kg.clinical.clues import candidates
from kg.clinical.details import dose, line, parts
from kg.clinical.entities import Entity, label, told_at
from kg.clinical.mentions import Mention
from kg.clinical.naming import answered
from kg.clinical.story import Story
from kg.model import KINDS, Concept, Intervention, Kind

__all__ = ["intervention", "interventions"]

_KEPT = 0.55  # a candidate less likely than this is left out
_UNKNOWN = 0.5  # the same for one that no vocabulary knows


def interventions(
    story: Story,
    mentions: Sequence[Mention],
    case: int,
    concepts: Mapping[str, Concept],
    model: Callable[[str], Classifier] = Classifier.load,
) -> list[Intervention]:
    """The interventions of patient ``case`` in the order of the story; those not present say so in their assertion."""
    keep, kind = model("intervention_kept"), model("intervention_kind")
    found: list[tuple[Entity, Kind]] = []
    for entity, row in candidates(story, mentions, case, concepts, "intervention"):
        if entity.best.assertion != "present" and entity.best.firm:
            found.append((entity, "other"))
        elif keep.chance(row) >= (_KEPT if entity.best.curies else _UNKNOWN) or _answered(story, entity):
            known = concepts[entity.best.curies[0]].facet if entity.best.curies else None
            found.append((entity, cast(Kind, known if known in KINDS else _likeliest(kind.scores(row)))))
    found.sort(key=lambda f: told_at(story, f[0]))
    regimens = _regimens(story, [entity for entity, _ in found])
    return [
        intervention(story, entity, kind_, n, concepts, regimens.get(n)) for n, (entity, kind_) in enumerate(found, 1)
    ]


def intervention(
    story: Story, entity: Entity, kind: Kind, number: int, concepts: Mapping[str, Concept], regimen: int | None = None
) -> Intervention:
    """The entity as the intervention with that number of its case, part of the one with the number ``regimen``."""
    best = entity.best
    return Intervention(
        id=f"i{number}",
        start=best.start,
        end=best.end,
        text=story.text[best.start : best.end],
        assertion=best.assertion if best.firm else "present",
        mentions=entity.spans,
        label=label(entity, concepts),
        concept=best.curies[0] if best.curies else None,
        candidates=best.curies,
        kind=kind,
        part_of=f"i{regimen}" if regimen else None,
        dose=next((d for m in entity.mentions if (d := dose(story, m))), None),
        line=next((n for m in entity.mentions if (n := line(story, m))), None),
    )


def _likeliest(scores: Mapping[str, float]) -> str:
    return max(scores, key=scores.__getitem__)


def _answered(story: Story, entity: Entity) -> bool:
    """Whether the words right before a treatment of the vocabulary tell its effect: "did not respond to"."""
    sentences = story.sentences
    return any(
        m.exact and answered().search(story.lower, sentences[m.sentence].start, m.start) for m in entity.mentions
    )


def _regimens(story: Story, among: Sequence[Entity]) -> dict[int, int]:
    """Number of an agent -> number of the regimen that lists it, both counted from 1."""
    owner = {mention: n for n, entity in enumerate(among, 1) for mention in entity.mentions}
    ordered = sorted(owner, key=lambda m: m.start)
    found: dict[int, int] = {}
    for whole in ordered:
        for part in parts(story, whole, ordered):
            if owner[part] != owner[whole] and owner[whole] not in found:
                found.setdefault(owner[part], owner[whole])
    return found
