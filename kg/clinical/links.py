"""Who belongs to whom: an intervention ``for`` conditions, an outcome ``of`` conditions and ``after`` interventions.

Each pair of one patient's items is judged by a model (``link-for``, ``link-of``, ``link-after``) from where they stand,
the words around and between them, what they are and mean, and how many rivals stand nearer. The members of one list
("A, B and C") are judged together. Then ``again-for``, ``again-of`` and ``again-after`` judge once more, from what was
said of the pair's rivals and what the other links say: a treatment was likely given for the condition of which there
was an outcome after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import exp, inf, log, sqrt
from typing import NamedTuple

import numpy as np

from kg.clinical.classifier import Bag, Classifier, Clump, Row, spell
from kg.clinical.scene import Item, Place, Scene
from kg.clinical.story import Story
from kg.model import Concept, Condition, Intervention, Outcome

__all__ = [
    "Pair",
    "Shares",
    "after_pairs",
    "again_pairs",
    "chances",
    "for_pairs",
    "link",
    "of_pairs",
    "through",
    "turned",
]

# How likely a link must be: the likeliest of a source, and any other.
_SURE = {"again-for": (0.27, 0.33), "again-of": (0.3, 0.34), "again-after": (0.37, 0.4)}
_BREAKS = frozenset(("relapse", "progression", "no_response"))

Shares = Mapping[tuple[str, str], float]


class Pair(NamedTuple):
    """Two items that may be linked, by id, and what speaks for and against it; ``bundle`` is the target's list."""

    source: str
    target: str
    bundle: int
    row: Row
    clumps: Sequence[Clump]

    @property
    def features(self) -> list[str]:
        """All features, spelled."""
        return spell(self.row, self.clumps)


class _Meeting(NamedTuple):
    """A source and a target: their mentions ``a`` and ``b`` that stand nearest, how far apart, what speaks of both."""

    target: Item
    a: Place
    b: Place
    far: str
    row: list[Bag]
    clumps: list[Clump]


def link(
    story: Story,
    case: int,
    conditions: Sequence[Condition],
    interventions: Sequence[Intervention],
    outcomes: Sequence[Outcome],
    sure: Mapping[int, float],
    concepts: Mapping[str, Concept],
) -> tuple[list[Intervention], list[Outcome]]:
    """Interventions with ``for``, outcomes with ``of`` and ``after``, for one patient.

    ``sure`` says how likely the outcome is that starts there, if less than certain: the links of one that may be none
    must be the likelier.
    """
    scene = Scene(story, case, conditions, interventions, outcomes, concepts)
    treats, tells = for_pairs(scene), of_pairs(scene)
    fors, ofs = chances("link-for", treats), chances("link-of", tells)
    shared = through(ofs, turned(fors))
    follows = after_pairs(scene, shared)
    afters = chances("link-after", follows)
    fors, ofs, afters = (
        chances("again-for", again_pairs(treats, fors, through(turned(afters), ofs))),
        chances("again-of", again_pairs(tells, ofs, through(afters, fors))),
        chances("again-after", again_pairs(follows, afters, shared)),
    )

    def chosen(
        name: str, found: Shares, source: str, targets: Sequence[Condition] | Sequence[Intervention], there: float = 1.0
    ) -> tuple[str, ...]:
        likely = [sqrt(there) * found.get((source, t.id), 0.0) for t in targets]
        (best, other), most = _SURE[name], max(likely, default=0.0)
        return tuple(
            t.id for t, chance in zip(targets, likely, strict=True) if chance >= (best if chance == most else other)
        )

    treated = [replace(i, for_=chosen("again-for", fors, i.id, conditions)) for i in interventions]
    linked = []
    for o in outcomes:
        there = sure.get(o.start, 1.0)
        of = chosen("again-of", ofs, o.id, conditions, there)
        linked.append(replace(o, of=of, after=chosen("again-after", afters, o.id, interventions, there)))
    return treated, linked


def chances(name: str, pairs: Sequence[Pair], model: Classifier | None = None) -> dict[tuple[str, str], float]:
    """(source, target) -> how likely the link is; the members of one list share the mean of their evidence."""
    judge = model or Classifier.load(name)
    raw = {(p.source, p.target): judge.chance(p.row, p.clumps) for p in pairs}
    lists: dict[tuple[str, int], list[tuple[str, str]]] = {}
    for p in pairs:
        if p.bundle >= 0:
            lists.setdefault((p.source, p.bundle), []).append((p.source, p.target))
    for members in lists.values():
        if len(members) > 1:
            own = [_logit(raw[member]) for member in members]
            mean = sum(own) / len(own)
            raw.update((m, 1 / (1 + exp(-(one + mean) / 2))) for m, one in zip(members, own, strict=True))
    return raw


def for_pairs(scene: Scene) -> list[Pair]:
    """Every intervention with every condition."""
    return [
        Pair(source.id, met.target.id, met.b.bundle, met.row + _kin(source, met.target), met.clumps + near)
        for source, row in zip(scene.interventions, _nearness(scene.interventions, scene.conditions), strict=True)
        for met, near in _related(_meetings(scene, source, source.places, scene.conditions), row)
    ]


def of_pairs(scene: Scene) -> list[Pair]:
    """Every outcome with every condition."""
    return [
        Pair(
            source.id,
            met.target.id,
            met.b.bundle,
            [*met.row, ("ow=", f"|{met.target.sort}", dict.fromkeys(source.words)), *_kin(source, met.target)],
            met.clumps + near,
        )
        for source, row in zip(scene.outcomes, _nearness(scene.outcomes, scene.conditions), strict=True)
        for met, near in _related(_meetings(scene, source, source.places[:1], scene.conditions), row)
    ]


def after_pairs(scene: Scene, shared: Shares) -> list[Pair]:
    """Every outcome with every intervention; ``shared`` says how likely they share a condition."""
    pairs = []
    for source in scene.outcomes:
        said = dict.fromkeys(scene.parts(source.places[0]))
        for met in _meetings(scene, source, source.places[:1], scene.interventions):
            target = met.target
            share = shared.get((source.id, target.id), 0.0)
            ends = [f"tw={target.words[-1]}", f"sw={source.words[-1]}"]
            row: Row = [*met.row, ("SK=", f"|{target.sort}", said), ("", "", ends)]
            clumps = [*met.clumps, _episode(scene, source, met), (_share, int(share * 5), met.far)]
            pairs.append(Pair(source.id, target.id, met.b.bundle, row, clumps))
    return pairs


def turned(shares: Shares) -> dict[tuple[str, str], float]:
    """The same chances from target to source."""
    return {(target, source): share for (source, target), share in shares.items()}


def through(first: Shares, second: Shares) -> dict[tuple[str, str], float]:
    """(a, c) -> how likely there is a b that ``first`` links to a and ``second`` to c, for the likeliest b."""
    onwards: dict[str, list[tuple[str, float]]] = {}
    for (b, c), more in second.items():
        onwards.setdefault(b, []).append((c, more))
    found: dict[tuple[str, str], float] = {}
    for (a, b), chance in first.items():
        for c, more in onwards.get(b, ()):
            if (both := chance * more) > found.get((a, c), 0.0):
                found[a, c] = both
    return found


def again_pairs(pairs: Sequence[Pair], own: Shares, others: Shares) -> list[Pair]:
    """The same pairs, seen by what was said of them and of their source's other pairs (``own``) and by what follows
    from the other links (``others``)."""
    said, implied = dict[str, list[float]](), dict[str, list[float]]()
    surely = [_logit(own[p.source, p.target]) for p in pairs]
    shares = [others.get((p.source, p.target), 0.0) for p in pairs]
    for p, sure, share in zip(pairs, surely, shares, strict=True):
        said.setdefault(p.source, []).append(sure)
        implied.setdefault(p.source, []).append(share)
    for values in (*said.values(), *implied.values()):
        values.sort(reverse=True)
    again = []
    for p, sure, share in zip(pairs, surely, shares, strict=True):
        rank, best = _rival(said[p.source], sure, -6.0)
        _, most = _rival(implied[p.source], share, 0.0)
        lead, rivals = sure - best, len(said[p.source]) - 1
        fine, coarse = _within(2 * sure, 6), _within(sure, 4)
        clumps: list[Clump] = [
            (_again, fine, coarse, int(8 * share), int(6 * (share - most)), int(5 * share), int(4 * most)),
            (_ahead, _within(2 * lead, 8), _within(lead, 4), coarse, min(3, rank), min(5, rivals)),
        ]
        again.append(Pair(p.source, p.target, p.bundle, (), clumps))
    return again


def _rival(ordered: Sequence[float], own: float, none: float) -> tuple[int, float]:
    """How many of some values, the largest first, are larger than ``own``, one of them, and the largest but it."""
    rank = ordered.index(own)
    return rank, ordered[0 if rank else 1] if len(ordered) > 1 else none


def _within(value: float, most: int) -> int:
    return int(max(-most, min(most, value)))


def _nearest(sources: Sequence[Place], targets: Sequence[Place]) -> tuple[Place, Place]:
    """The two mentions that stand nearest; of equals the earlier target."""
    nearest, least = (sources[0], targets[0]), (inf, 0)
    if len(sources) == len(targets) == 1:
        return nearest
    for a in sources:
        for b in targets:
            apart = a.sentence - b.sentence
            distance = (apart if apart >= 0 else -1.5 * apart, 0 if apart else abs(a.first - b.first))
            if distance < least:
                nearest, least = (a, b), distance
    return nearest


def _far(a: Place, b: Place) -> str:
    apart = a.sentence - b.sentence
    if apart:
        return str(max(-3, min(6, apart)))
    return "0<" if b.start < a.start else "0>"


def _meetings(scene: Scene, source: Item, places: Sequence[Place], targets: Sequence[Item]) -> list[_Meeting]:
    """A source, of which ``places`` count, with each of the targets that are rivals."""
    nearest = [_nearest(places, target.places) for target in targets]
    own, many = source.sort, len(targets) - 1
    from_: dict[int, list[tuple[int, int]]] = {}  # how far the targets stand from a mention of the source
    met = []
    for n, (target, (a, b)) in enumerate(zip(targets, nearest, strict=True)):
        far, sort, parts = _far(a, b), target.sort, scene.parts(a)
        if (apart := from_.get(a.start)) is None:
            apart = from_[a.start] = [_apart(a, r) for _, r in nearest]
        least = apart[n]
        nearer = [r for (_, r), away in zip(nearest, apart, strict=True) if away < least]
        lists = {(r.sentence, r.bundle) for r in nearer} - {(b.sentence, b.bundle)} if nearer else ()
        same = a.sentence == b.sentence
        here = sum([away == 0 for away, _ in apart]) - same
        lead = scene.leads.get(b.bundle, ("#", "#"))
        first = target.first.start
        before = parts[a.first - 1] if a.first else "#"
        clumps: list[Clump] = [
            (_place, far, own, sort, first == b.start, first > source.places[0].start),
            (_order, min(4, len(nearer)), min(3, len(lists)), far, own, sort),
            (_crowd, min(2, here), min(6, many), far, sort),
        ]
        words = [f"lead={lead[1]}", f"lead={lead[1]}|{far}", f"lead2={lead[0]}_{lead[1]}|{far[0]}"]
        words += [f"before={before}|{far}", f"start={parts[0]}|{far}"]
        row: list[Bag] = [("", "", words)]
        if same:
            low, high = (b.last, a.first) if b.start < a.start else (a.last, b.first)
            between = parts[low:high]
            clumps.append((_gap, min(10, len(between)), a.first <= b.first < a.last, far, own, sort))
            row.append(("B=", f"|{far}", dict.fromkeys(between)))
            if 0 < len(between) <= 4:
                row.append(("between=", f"|{far}", ("_".join(between),)))
        else:
            row.append(("S=", f"|{far[0]}", dict.fromkeys(parts[:6])))
        met.append(_Meeting(target, a, b, far, row, clumps))
    return met


def _apart(a: Place, b: Place) -> tuple[int, int]:
    """How far ``b`` stands from ``a``; of two in another sentence the later one counts as the nearer."""
    apart = abs(a.sentence - b.sentence)
    return apart, -b.start if apart else abs(a.first - b.first)


def _kin(source: Item, target: Item) -> list[Bag]:
    """What the words of both say of each other."""
    long = [word for word in target.words if len(word) > 3]
    both = sum([word in source.words for word in long])
    kin = source.groups or (source.sort,)
    ends = [
        f"tw={target.words[-1]}|{source.sort}",
        f"sw={source.words[-1]}|{target.sort}",
        f"tt={target.words[-1]}|{source.words[-1]}",
    ]
    same = ["same=True"] * (both > 0) + ["same=False"] * (both < len(long))
    row: list[Bag] = [("", "", ends), ("KS=", f"|{target.sort}", target.groups), ("", "", same)]
    return row + [("K=", f"|{group}", kin) for group in target.groups]


def _nearness(sources: Sequence[Item], targets: Sequence[Item]) -> list[list[float]]:
    """For each source how near each target is to it in meaning."""
    if not sources or not targets:
        return [[] for _ in sources]
    one, other = (np.concatenate([i.meaning for i in items]).reshape(len(items), -1) for items in (sources, targets))
    near = one @ other.T
    return [[round(value, 4) for value in row] for row in near.tolist()]


def _related(met: Sequence[_Meeting], near: Sequence[float]) -> Iterator[tuple[_Meeting, list[Clump]]]:
    """Each meeting with how near the two are in meaning, by themselves and among rivals."""
    ordered = sorted(near, reverse=True)
    for meeting, own in zip(met, near, strict=True):
        rank, step = ordered.index(own), int(max(-1.0, 10 * own))
        rival = ordered[0 if rank else 1] if len(ordered) > 1 else 0.0
        margin = int(max(-4.0, min(4.0, 8 * (own - rival))))
        far = meeting.far
        yield meeting, [(_near, step, min(3, rank), min(4, len(near)), far), (_margin, margin, far)]


def _episode(scene: Scene, source: Item, met: _Meeting) -> Clump:
    """What happened between a treatment and an outcome: other outcomes, relapses, other treatments."""
    begin, end = met.b.start, met.a.start
    between = [o for o in scene.outcomes if o is not source and begin < o.places[0].start < end]
    broken = sum([o.sort in _BREAKS for o in between])
    relapsed = any(c.sort == "relapse" and begin < c.first.start < end for c in scene.conditions)
    treatments = {
        i.first.bundle for i in scene.interventions if i is not met.target and begin < i.first.start < end
    } - {met.b.bundle}
    counts = (min(3, len(between)), min(2, broken), min(3, len(treatments)))
    return _between_both, *counts, relapsed, source.sort, met.target.sort, met.far


# Clumps: features that depend on the same few values.


def _place(far: str, own: str, sort: str, first: bool, new: bool) -> Sequence[str]:
    where = ["d=" + far, f"d={far}|{sort}", f"do={far}|{own}", f"d={far}|{own}|{sort}"]
    return [*where, f"{own}|{sort}", "s=" + sort, "o=" + own, f"first={first}|{far}", f"new={new}|{sort}"]


def _order(nearer: int, lists: int, far: str, own: str, sort: str) -> Sequence[str]:
    f = [f"nearer={nearer}", f"nearer={nearer}|{far}", f"nearer={nearer}|{sort}"]
    return [*f, f"lists={lists}", f"lists={lists}|{far}", f"lists={lists}|{own}"]


def _crowd(here: int, rivals: int, far: str, sort: str) -> Sequence[str]:
    few = min(4, rivals)
    return [f"here={here}|{far}", f"rivals={rivals}", f"rivals={few}|{far}", f"rivals={few}|{sort}"]


def _gap(words: int, inside: bool, far: str, own: str, sort: str) -> Sequence[str]:
    return [f"gap={words}|{far}", *(["inside", f"inside|{sort}", f"within|{own}"] if inside else [])]


def _near(step: int, rank: int, rivals: int, far: str) -> Sequence[str]:
    f = [f"near={step}", f"near={step}|{far}", f"rank={rank}", f"rank={min(2, rank)}|{far}"]
    return [*f, f"among={min(2, rank)}|{rivals}"]


def _margin(margin: int, far: str) -> Sequence[str]:
    return [f"margin={margin}", f"margin={margin}|{far}"]


def _between_both(told: int, broken: int, treated: int, relapsed: bool, own: str, sort: str, far: str) -> Sequence[str]:
    f = [f"told={told}", f"told={told}|{far}", f"broken={broken}", f"broken={broken}|{own}"]
    f += [f"broken={broken}|{treated > 0}", f"relapsed={relapsed}|{treated > 0}", f"relapsed={relapsed}|{own}"]
    return [*f, f"treated={treated}", f"treated={treated}|{own}", f"treated={treated}|{sort}"]


def _share(share: int, far: str) -> Sequence[str]:
    return [f"share={share}", f"share={share}|{far}"]


def _again(fine: int, coarse: int, share: int, ahead: int, some: int, rival: int) -> Sequence[str]:
    return [f"own={fine}", f"share={share}", f"ahead={ahead}", f"own={coarse}|{some}|{rival}"]


def _ahead(fine: int, coarse: int, own: int, rank: int, rivals: int) -> Sequence[str]:
    return [f"lead={fine}", f"rank={rank}", f"lead={coarse}|{own}", f"rank={min(2, rank)}|{rivals}"]


def _logit(chance: float) -> float:
    near = min(max(chance, 1e-6), 1 - 1e-6)
    return log(near / (1 - near))
