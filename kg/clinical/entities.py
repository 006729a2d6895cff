"""Mentions gathered into entities: one for each distinct condition or intervention of a case.

Two mentions are one entity if they are the same words but for modifiers, the same concept, a short and a long way to
write one name, or a more general name after a more special one ("the lymphoma" after "follicular lymphoma").
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from kg.clinical.mentions import Mention
from kg.clinical.naming import Named, named, plain
from kg.clinical.story import Story
from kg.model import Concept, Span

__all__ = ["Entity", "entities", "label", "told_at"]


@dataclass(frozen=True)
class Entity:
    """All mentions of one thing in order; ``best`` is the one that says most."""

    best: Mention
    mentions: tuple[Mention, ...]
    named: Named

    @property
    def spans(self) -> tuple[Span, ...]:
        """The further mentions, without the best and without repetition."""
        own = (self.best.start, self.best.end)
        return tuple(Span(*pair) for pair in dict.fromkeys((m.start, m.end) for m in self.mentions) if pair != own)


def entities(story: Story, mentions: Iterable[Mention], concepts: Mapping[str, Concept]) -> list[Entity]:
    """The entities that ``mentions`` (all of one type) name, in order."""
    groups: list[_Group] = []
    for mention in mentions:
        name = named(mention.name, mention.type)
        said = _said(mention, name, concepts)
        fitting = [g for g in groups if not g.said.isdisjoint(said) and g.takes(mention, name, concepts)]
        if not fitting:
            groups.append(_Group([mention], [name], said))
        else:
            best = fitting[0] if len(fitting) == 1 else max(fitting, key=lambda g: g.likeness(name))
            best.mentions.append(mention)
            best.names.append(name)
            best.said |= said
    return [g.entity(story) for g in groups]


def told_at(story: Story, entity: Entity) -> int:
    """Where the story first tells of the entity."""
    return story.told_at(m.start for m in entity.mentions)


def label(entity: Entity, concepts: Mapping[str, Concept]) -> str:
    """The entity's name in lower case: its concept's where that names all of it, else its words without modifiers."""
    best = entity.best
    if best.exact:
        return concepts[best.curies[0]].label.lower()
    return plain(best.name.lower())


class _Group:
    """Mentions of one thing, their names, and all that is ``_said`` by them."""

    def __init__(self, mentions: list[Mention], names: list[Named], said: set[Hashable]) -> None:
        self.mentions, self.names, self.said = mentions, names, said

    def takes(self, mention: Mention, name: Named, concepts: Mapping[str, Concept]) -> bool:
        """Whether ``mention`` names the same thing as one of the group."""
        return any(_same(m, n, mention, name, concepts) for m, n in zip(self.mentions, self.names, strict=True))

    def likeness(self, name: Named) -> tuple[bool, int, int]:
        """How well the group fits: same words, most shared words, nearest in the text."""
        shared = max(len(name.words & n.words) for n in self.names)
        return any(name.words == n.words for n in self.names), shared, self.mentions[-1].start

    def entity(self, story: Story) -> Entity:
        if len(self.mentions) == 1:
            return Entity(self.mentions[0], tuple(self.mentions), self.names[0])
        best = max(
            range(len(self.mentions)),
            key=lambda n: (
                self.mentions[n].assertion == "present",
                story.sentences[self.mentions[n].sentence].role == "story",
                not self.names[n].generic,
                round(self.mentions[n].score, 1) >= 0.3,
                len(self.names[n].words),
                -self.mentions[n].start,
            ),
        )
        return Entity(self.mentions[best], tuple(self.mentions), self.names[best])


def _said(mention: Mention, name: Named, concepts: Mapping[str, Concept]) -> set[Hashable]:
    """Of what two mentions that are the ``_same`` have something in common: words, head, concept and those above it."""
    curies = (mention.curies[0], *concepts[mention.curies[0]].ancestors) if mention.curies else ()
    return {name.words, name.head, *curies}


def _same(a: Mention, x: Named, b: Mention, y: Named, concepts: Mapping[str, Concept]) -> bool:
    """Whether mention ``b``, which stands after ``a``, names the same thing."""
    if x.recurring != y.recurring:
        return False
    if x.words == y.words:
        return True
    if a.exact and b.exact and a.curies[0] == b.curies[0]:
        return True
    if y.generic:
        return y.words < x.words and x.head == y.head
    if x.head == y.head and (y.words < x.words or (x.words < y.words and not x.generic)):
        return True
    if a.curies and b.exact and (a.exact or not x.recurring) and len(y.words) <= len(x.words):
        return b.curies[0] in concepts[a.curies[0]].ancestors
    return a.exact and b.exact and a.curies[0] in concepts[b.curies[0]].ancestors
