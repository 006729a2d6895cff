"""The conditions of a case: which of those named are the patient's, and what part each plays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from kg.clinical.classifier import Classifier
from kg.clinical.clues import candidates
from kg.clinical.details import sites
from kg.clinical.entities import Entity, label, told_at
from kg.clinical.mentions import Mention
from kg.clinical.naming import returns
from kg.clinical.story import Story
from kg.model import ROLES, Concept, Condition, Role

__all__ = ["condition", "conditions"]

_KEPT = 0.5  # a candidate less likely than this is left out
_UNKNOWN = 0.55  # the same for one that no vocabulary knows
_SECOND = 0.75  # what the chance of being primary counts for where another is likelier to be


def conditions(
    story: Story,
    mentions: Sequence[Mention],
    case: int,
    concepts: Mapping[str, Concept],
    model: Callable[[str], Classifier] = Classifier.load,
) -> list[Condition]:
    """The conditions of patient ``case`` in the order of the story; those not present say so in their assertion."""
    keep, role = model("condition_kept"), model("condition_role")
    found: list[tuple[Entity, dict[str, float]]] = []
    for entity, row in candidates(story, mentions, case, concepts, "condition"):
        if entity.best.assertion != "present" and entity.best.firm:
            found.append((entity, {}))
        elif keep.chance(row) >= (_KEPT if entity.best.curies else _UNKNOWN):
            found.append((entity, role.scores(row)))
    roles = _roles([_known(entity, scores, concepts) for entity, scores in found])
    told = _one_relapse(story, list(zip((entity for entity, _ in found), roles, strict=True)))
    told.sort(key=lambda t: told_at(story, t[0]))
    places = [m for m in mentions if m.type == "site"]
    return [condition(story, entity, part, n, concepts, places) for n, (entity, part) in enumerate(told, 1)]


def condition(
    story: Story,
    entity: Entity,
    role: Role,
    number: int,
    concepts: Mapping[str, Concept],
    places: Sequence[Mention],
) -> Condition:
    """The entity as the condition with that number of its case; ``places`` are the body sites named in the text."""
    best = entity.best
    return Condition(
        id=f"c{number}",
        start=best.start,
        end=best.end,
        text=story.text[best.start : best.end],
        assertion=best.assertion if best.firm else "present",
        mentions=entity.spans,
        label=label(entity, concepts),
        concept=best.curies[0] if best.curies else None,
        candidates=best.curies,
        role=role,
        sites=sites(story, best, places),
    )


def _one_relapse(story: Story, found: Sequence[tuple[Entity, Role]]) -> list[tuple[Entity, Role]]:
    """Without a relapse that only the title names in full where the text tells of one: it is that episode."""

    def in_title(entity: Entity) -> bool:
        return story.sentences[entity.best.sentence].role == "title"

    if not any(part == "relapse" and not in_title(entity) for entity, part in found):
        return list(found)
    return [(entity, part) for entity, part in found if part != "relapse" or not in_title(entity)]


def _known(entity: Entity, scores: dict[str, float], concepts: Mapping[str, Concept]) -> dict[str, float]:
    """The scores, or certainty where the concept or the words themselves say the role: "relapse in the knee"."""
    concept = concepts.get(entity.best.curies[0]) if entity.best.curies else None
    if not scores:
        return scores
    if concept and concept.facet in ROLES:
        return {"primary": 0.0, str(concept.facet): 1.0}
    return {"primary": 0.0, "relapse": 1.0} if returns().intersection(entity.best.name.lower().split()) else scores


def _roles(scores: Sequence[Mapping[str, float]]) -> list[Role]:
    """The likeliest role of each condition. No scores: not present.

    A case that has conditions has a primary one, and seldom a second: of all but the likeliest it must be clearly so.
    """
    first = max((n for n, s in enumerate(scores) if s), key=lambda n: scores[n]["primary"], default=None)
    roles: list[Role] = []
    for n, shares in enumerate(scores):
        weighed = {
            role: share if n == first or role != "primary" else _SECOND * share for role, share in shares.items()
        }
        roles.append(cast(Role, max(weighed, key=weighed.__getitem__, default="comorbidity")))
    if first is not None and "primary" not in roles:
        roles[first] = "primary"
    return roles
