"""The rules and a language model together: all that either found, with who found it and what they differ in.

Where both found a thing, the rules' word stands. What they differ in, and what only one of them found, is for review.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from kg.clinical.story import Story, read_story
from kg.extractors import llm, rules
from kg.extractors.llm import estimate
from kg.folding import key
from kg.llm import LanguageModel
from kg.model import Agreement, Case, CaseRecord, Condition, Document, Episode, Intervention, Lexicon, Outcome, Span

__all__ = ["estimate", "prepare", "version"]

_RULES, _MODEL = "rules", "llm"
_COMPARED = ("assertion", "role", "kind", "category", "concept", "duration")
_LINKS = {"for_": "for", "of": "of", "after": "after", "attributed_to": "attributed_to"}


def version(model: LanguageModel) -> str:
    """The versions of both."""
    return f"{rules.version()} {llm.version(model)}"


def prepare(lexicon: Lexicon, model: LanguageModel) -> Callable[[Document], CaseRecord]:
    """Both extractors over the words of ``lexicon``. ModelError where asking any further makes no sense."""
    by_rules, by_model = rules.prepare(lexicon), llm.prepare(lexicon, model)
    local = Lock()

    def extract(document: Document) -> CaseRecord:
        told = by_model(document)
        with local:
            read, story = by_rules(document), read_story(document)
        heard = [Span(w.start, w.end) for w in told.windows if w.status == "done"]
        united = (_united(*pair, heard, story) for pair in zip(read.cases, told.cases, strict=True))
        return replace(read, cases=tuple(united), windows=told.windows)

    return extract


@dataclass(frozen=True)
class _Pair:
    """An episode of the union under its id there, and what each extractor has of it."""

    id: str
    read: Episode | None
    told: Episode | None

    @property
    def found_by(self) -> tuple[str, ...]:
        return tuple(name for name, item in ((_RULES, self.read), (_MODEL, self.told)) if item is not None)

    @property
    def starts(self) -> Iterator[int]:
        """Where either tells of it."""
        return (s.start for item in (self.read, self.told) if item is not None for s in _spans(item))


def _united(read: Case, told: Case, heard: Sequence[Span], story: Story) -> Case:
    """The union of two cases of one patient; ``heard`` is where the model was asked and replied to the end."""
    kinds: tuple[tuple[str, Sequence[Episode], Sequence[Episode]], ...] = (
        ("c", read.conditions, told.conditions),
        ("i", read.interventions, told.interventions),
        ("o", read.outcomes, told.outcomes),
    )
    pairs = [pair for letter, ours, theirs in kinds for pair in _pairs(letter, ours, theirs, story)]
    ids = {p.told.id: p.id for p in pairs if p.told is not None}
    episodes = [_episode(p) for p in pairs]
    present = {e.id for e in episodes if e.assertion == "present"}
    agreement = [
        Agreement(item=p.id, found_by=p.found_by, review=_review(p, heard) if e.assertion == "present" else None)
        for p, e in zip(pairs, episodes, strict=True)
    ]
    united: list[Episode] = []
    for pair, episode in zip(pairs, episodes, strict=True):
        links = _links(pair, ids, present) if episode.id in present else {}
        for name, targets in links.items():
            for target, by in targets.items():
                if name != "after" or target not in links["attributed_to"]:  # that is one link, which says more
                    review = _alone(by, episode, heard)
                    agreement.append(Agreement(item=pair.id, to=target, type=_LINKS[name], found_by=by, review=review))
        own: dict[str, Any] = {name: tuple(targets) for name, targets in links.items()}
        if isinstance(pair.told, Intervention) and pair.read is None and pair.told.part_of:
            own["part_of"] = ids[pair.told.part_of]
        united.append(replace(episode, **own))
    return replace(
        read,
        conditions=tuple(e for e in united if isinstance(e, Condition)),
        interventions=tuple(e for e in united if isinstance(e, Intervention)),
        outcomes=tuple(e for e in united if isinstance(e, Outcome)),
        agreement=tuple(agreement),
    )


def _links(pair: _Pair, ids: Mapping[str, str], present: Set[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Field -> id in the union of each episode that it leads to -> who says so; only to what is present."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for name in _LINKS:
        if hasattr(pair.read or pair.told, name):
            ours: Sequence[str] = getattr(pair.read, name, ())
            theirs = [ids[target] for target in getattr(pair.told, name, ())]
            found[name] = {
                target: tuple(who for who, said in ((_RULES, ours), (_MODEL, theirs)) if target in said)
                for target in dict.fromkeys((*ours, *theirs))
                if target in present
            }
    return found


def _pairs(letter: str, ours: Sequence[Episode], theirs: Sequence[Episode], story: Story) -> list[_Pair]:
    """What is the same thing on both sides, the most alike first, and the rest; in the order of the story."""
    likeness = ((_likeness(a, b), a, b) for a in ours for b in theirs)
    ranked = sorted((r for r in likeness if r[0]), key=lambda r: (-r[0], r[1].start, r[2].start))
    partner: dict[str, Episode] = {}
    taken: set[str] = set()
    for _, a, b in ranked:
        if a.id not in partner and b.id not in taken:
            partner[a.id] = b
            taken.add(b.id)
    alone = (b for b in theirs if b.id not in taken)
    pairs = [_Pair(a.id, a, partner.get(a.id)) for a in ours]
    pairs += [_Pair(f"{letter}{n}", None, b) for n, b in enumerate(alone, len(ours) + 1)]
    return sorted(pairs, key=lambda p: story.told_at(p.starts))


def _likeness(a: Episode, b: Episode) -> int:
    """How surely two episodes of one kind are the same thing; 0 if nothing says so."""
    over = _overlap(Span(a.start, a.end), Span(b.start, b.end))
    if isinstance(a, Outcome) and isinstance(b, Outcome):
        return 2 * over + (a.category == b.category) if over else 0
    named = getattr(a, "concept", None)
    same = named == b.concept if named and isinstance(b, Condition | Intervention) and b.concept else False
    same = same or key(getattr(a, "label", "")) == key(getattr(b, "label", ""))
    near = any(_overlap(s, t) for s in _spans(a) for t in _spans(b))
    return 4 * same + 2 * over + near


def _episode(pair: _Pair) -> Episode:
    """The rules' episode with the spans that the model adds, or the model's under its id in the union."""
    if pair.read is None:
        assert pair.told is not None
        return replace(pair.told, id=pair.id)
    if pair.told is None or isinstance(pair.read, Outcome):
        return pair.read
    own = _spans(pair.read)
    further = tuple(s for s in _spans(pair.told) if not any(_overlap(s, o) for o in own))
    return replace(pair.read, mentions=(*pair.read.mentions, *further))


def _review(pair: _Pair, heard: Sequence[Span]) -> str | None:
    """What is to be looked at: what the extractors differ in, or that only one of them found it."""
    if pair.read is None or pair.told is None:
        episode = pair.read or pair.told
        assert episode is not None
        return _alone(pair.found_by, episode, heard)
    differ = []
    for name in _COMPARED:
        one, other = getattr(pair.read, name, None), getattr(pair.told, name, None)
        if one != other and None not in (one, other):
            differ.append(f"{name}: {_said(one)} by {_RULES}, {_said(other)} by {_MODEL}")
    return "; ".join(differ) or None


def _alone(found_by: Sequence[str], episode: Episode, heard: Sequence[Span]) -> str | None:
    """That one extractor alone found it, where both could have."""
    if len(found_by) > 1 or not any(_overlap(s, w) for s in _spans(episode) for w in heard):
        return None
    return f"found by {found_by[0]} only"


def _said(value: Any) -> str:
    return f"{value.value:g} {value.unit}" if hasattr(value, "unit") else str(value)


def _spans(episode: Episode) -> tuple[Span, ...]:
    return Span(episode.start, episode.end), *episode.mentions


def _overlap(a: Span, b: Span) -> bool:
    return a.start < b.end and b.start < a.end
