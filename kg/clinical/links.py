"""Who belongs to whom: an intervention ``for`` conditions, an outcome ``of`` conditions and ``after`` interventions.

Each pair of one patient's items is judged by a model (``link-for``, ``link-of``, ``link-after``) from where they stand,
the words around and between them, what they are and mean, and how many rivals stand nearer. The members of one list
("A, B and C") are judged together. Then ``again-for`` and ``again-of`` judge once more, from what the others say: a
treatment was likely given for the condition of which there was an outcome after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log, sqrt

from kg.clinical.classifier import Classifier
from kg.clinical.scene import Item, Place, Scene
from kg.clinical.story import Story
from kg.model import Concept, Condition, Intervention, Outcome

__all__ = ["Pair", "after_pairs", "again_pairs", "chances", "for_pairs", "link", "of_pairs", "through"]

# How likely a link must be: the likeliest of a source, and any other.
_SURE = {"again-for": (0.15, 0.25), "again-of": (0.2, 0.3), "link-after": (0.37, 0.37)}
_BREAKS = frozenset(("relapse", "progression", "no_response"))

Shares = Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two items that may be linked, by id, and what speaks for and against it; ``bundle`` is the target's list."""

    source: str
    target: str
    bundle: int
    features: list[str]


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
    afters = chances("link-after", after_pairs(scene, fors, ofs))
    turned = {(i, o): chance for (o, i), chance in afters.items()}
    fors, ofs = (
        chances("again-for", again_pairs(treats, fors, through(turned, ofs))),
        chances("again-of", again_pairs(tells, ofs, through(afters, fors))),
    )

    def chosen(
        name: str, found: Shares, source: str, targets: Sequence[Condition] | Sequence[Intervention], there: float = 1.0
    ) -> tuple[str, ...]:
        likely = [sqrt(there) * found.get((source, t.id), 0.0) for t in targets]
        best, other = _SURE[name]
        least = [best if chance == max(likely) else other for chance in likely]
        return tuple(t.id for t, chance, sure in zip(targets, likely, least, strict=True) if chance >= sure)

    treated = [replace(i, for_=chosen("again-for", fors, i.id, conditions)) for i in interventions]
    linked = []
    for o in outcomes:
        there = sure.get(o.start, 1.0)
        of = chosen("again-of", ofs, o.id, conditions, there)
        linked.append(replace(o, of=of, after=chosen("link-after", afters, o.id, interventions, there)))
    return treated, linked


def chances(name: str, pairs: Sequence[Pair], model: Classifier | None = None) -> dict[tuple[str, str], float]:
    """(source, target) -> how likely the link is; the members of one list share the mean of their evidence."""
    judge = model or Classifier.load(name)
    raw = {(p.source, p.target): judge.chance(p.features) for p in pairs}
    lists: dict[tuple[str, int], list[float]] = {}
    for p in pairs:
        if p.bundle >= 0:
            lists.setdefault((p.source, p.bundle), []).append(_logit(raw[p.source, p.target]))
    for p in pairs:
        members = lists.get((p.source, p.bundle), ())
        if len(members) > 1:
            mean = sum(members) / len(members)
            own = _logit(raw[p.source, p.target])
            raw[p.source, p.target] = 1 / (1 + exp(-(own + mean) / 2))
    return raw


def for_pairs(scene: Scene) -> list[Pair]:
    """Every intervention with every condition."""
    pairs = []
    for source in scene.interventions:
        found = [(target, *_nearest(source.places, target.places)) for target in scene.conditions]
        for (target, a, b), near in zip(found, _relatedness(source, found), strict=True):
            f = _shared(scene, source, a, target, b, [p for t, _, p in found if t is not target])
            pairs.append(Pair(source.id, target.id, b.bundle, f + _kin(source, target) + near))
    return pairs


def of_pairs(scene: Scene) -> list[Pair]:
    """Every outcome with every condition."""
    pairs = []
    for source in scene.outcomes:
        found = [(target, *_nearest(source.places[:1], target.places)) for target in scene.conditions]
        for (target, a, b), near in zip(found, _relatedness(source, found), strict=True):
            f = _shared(scene, source, a, target, b, [p for t, _, p in found if t is not target])
            f += [f"ow={w}|{target.sort}" for w in source.words]
            pairs.append(Pair(source.id, target.id, b.bundle, f + _kin(source, target) + near))
    return pairs


def after_pairs(scene: Scene, fors: Shares, ofs: Shares) -> list[Pair]:
    """Every outcome with every intervention; ``fors`` and ``ofs`` say how likely they share a condition."""
    pairs = []
    for source in scene.outcomes:
        found = [(target, *_nearest(source.places[:1], target.places)) for target in scene.interventions]
        for target, a, b in found:
            f = _shared(scene, source, a, target, b, [p for t, _, p in found if t is not target])
            f += _episode(scene, source, a, target, b)
            share = max(
                (ofs.get((source.id, c.id), 0.0) * fors.get((target.id, c.id), 0.0) for c in scene.conditions),
                default=0.0,
            )
            f += [f"share={_step(share)}", f"share={_step(share)}|{_far(a, b)}"]
            pairs.append(Pair(source.id, target.id, b.bundle, f))
    return pairs


def through(first: Shares, second: Shares) -> dict[tuple[str, str], float]:
    """(a, c) -> how likely there is a b that ``first`` links to a and ``second`` to c, for the likeliest b."""
    found: dict[tuple[str, str], float] = {}
    for (a, b), chance in first.items():
        for (other, c), more in second.items():
            if other == b:
                found[a, c] = max(found.get((a, c), 0.0), chance * more)
    return found


def again_pairs(pairs: Sequence[Pair], own: Shares, others: Shares) -> list[Pair]:
    """The same pairs, seen by what was said of them (``own``) and what follows from the other links (``others``)."""
    by_source: dict[str, list[tuple[str, float]]] = {}
    for (source, target), share in others.items():
        by_source.setdefault(source, []).append((target, share))
    again = []
    for p in pairs:
        sure, share = _logit(own[p.source, p.target]), others.get((p.source, p.target), 0.0)
        rival = max((other for target, other in by_source.get(p.source, ()) if target != p.target), default=0.0)
        f = [f"own={int(max(-6.0, min(6.0, 2 * sure)))}", f"share={int(8 * share)}"]
        f += [f"ahead={int(6 * (share - rival))}"]
        f += [f"own={int(max(-4.0, min(4.0, sure)))}|{int(5 * share)}|{int(4 * rival)}"]
        again.append(Pair(p.source, p.target, p.bundle, f))
    return again


def _nearest(sources: Sequence[Place], targets: Sequence[Place]) -> tuple[Place, Place]:
    """The two mentions that stand nearest; of equals the earlier target."""

    def distance(pair: tuple[Place, Place]) -> tuple[float, int]:
        a, b = pair
        apart = a.sentence - b.sentence
        return (apart if apart >= 0 else -1.5 * apart, abs(a.first - b.first) if not apart else 0)

    return min(((a, b) for a in sources for b in targets), key=distance)


def _far(a: Place, b: Place) -> str:
    apart = a.sentence - b.sentence
    if apart:
        return str(max(-3, min(6, apart)))
    return "0<" if b.start < a.start else "0>"


def _shared(scene: Scene, source: Item, a: Place, target: Item, b: Place, rivals: Sequence[Place]) -> list[str]:
    """What speaks of any pair: how far apart, what stands between and around, and who stands nearer."""
    far, sort, own = _far(a, b), target.sort, source.sort
    f = [
        "d=" + far,
        f"d={far}|{sort}",
        f"d={far}|{own}",
        f"d={far}|{own}|{sort}",
        f"{own}|{sort}",
        "s=" + sort,
        "o=" + own,
    ]
    first = target.first.start
    f.append(f"first={first == b.start}|{far}")
    f.append(f"new={target.first.start > source.places[0].start}|{sort}")
    lead = scene.leads.get(b.bundle, ("#", "#"))
    f += [f"lead={lead[1]}", f"lead={lead[1]}|{far}", f"lead2={lead[0]}_{lead[1]}|{far[0]}"]
    ahead = scene.parts(a)
    before = ahead[a.first - 1] if a.first else "#"
    f += [f"before={before}|{far}", f"start={ahead[0]}|{far}"]
    if a.sentence == b.sentence:
        low, high = (b.last, a.first) if b.start < a.start else (a.last, b.first)
        between = ahead[low:high]
        f.append(f"gap={min(10, len(between))}|{far}")
        f += [f"B={w}|{far}" for w in set(between)]
        if 0 < len(between) <= 4:
            f.append(f"between={'_'.join(between)}|{far}")
        if a.first <= b.first < a.last:
            f += ["inside", f"inside|{sort}", f"inside|{own}"]
    else:
        f += [f"S={w}|{far[0]}" for w in set(ahead[:6])]
    own_nearness = _nearness(a, b)
    nearer = [r for r in rivals if _nearness(a, r) < own_nearness]
    f += [
        f"nearer={min(4, len(nearer))}",
        f"nearer={min(4, len(nearer))}|{far}",
        f"nearer={min(4, len(nearer))}|{sort}",
    ]
    lists = len({(r.sentence, r.bundle) for r in nearer if (r.sentence, r.bundle) != (b.sentence, b.bundle)})
    f += [f"lists={min(3, lists)}", f"lists={min(3, lists)}|{far}", f"lists={min(3, lists)}|{own}"]
    here = sum(r.sentence == a.sentence for r in rivals)
    f += [f"here={min(2, here)}|{far}", f"rivals={min(6, len(rivals))}", f"rivals={min(4, len(rivals))}|{far}"]
    f += [f"rivals={min(4, len(rivals))}|{sort}"]
    return f


def _nearness(a: Place, b: Place) -> tuple[int, int]:
    """How far ``b`` stands from ``a``; of two in another sentence the later one counts as the nearer."""
    apart = abs(a.sentence - b.sentence)
    return apart, -b.start if apart else abs(a.first - b.first)


def _kin(source: Item, target: Item) -> list[str]:
    """What the words of both say of each other."""
    f = [f"tw={target.words[-1]}|{source.sort}", f"sw={source.words[-1]}|{target.sort}"]
    f.append(f"tt={target.words[-1]}|{source.words[-1]}")
    f += [f"same={w in source.words}" for w in target.words if len(w) > 3]
    f += [f"K={a}|{b}" for a in source.groups or (source.sort,) for b in target.groups]
    f += [f"KS={b}|{target.sort}" for b in target.groups]
    return f


def _relatedness(source: Item, found: Sequence[tuple[Item, Place, Place]]) -> list[list[str]]:
    """For each target how near it is to the source in meaning, by itself and among its rivals."""
    near = [round(float(source.meaning @ target.meaning), 4) for target, _, _ in found]
    rows = []
    for n, ((_, a, b), own) in enumerate(zip(found, near, strict=True)):
        far, others = _far(a, b), near[:n] + near[n + 1 :]
        rank = sum(other > own for other in others)
        margin = int(max(-4.0, min(4.0, 8 * (own - max(others, default=0.0)))))
        step = int(max(-1.0, 10 * own))
        f = [f"near={step}", f"near={step}|{far}", f"rank={min(3, rank)}", f"rank={min(2, rank)}|{far}"]
        rows.append([*f, f"rank={min(2, rank)}|{min(4, len(near))}", f"margin={margin}", f"margin={margin}|{far}"])
    return rows


def _episode(scene: Scene, source: Item, a: Place, target: Item, b: Place) -> list[str]:
    """What happened between a treatment and an outcome: other outcomes, relapses, other treatments."""
    between = [o for o in scene.outcomes if o is not source and b.start < o.places[0].start < a.start]
    broken = sum(o.sort in _BREAKS for o in between)
    relapsed = any(c.sort == "relapse" and b.start < c.first.start < a.start for c in scene.conditions)
    treatments = {i.first.bundle for i in scene.interventions if i is not target and b.start < i.first.start < a.start}
    treatments.discard(b.bundle)
    far = _far(a, b)
    f = [f"told={min(3, len(between))}", f"told={min(3, len(between))}|{far}", f"broken={min(2, broken)}"]
    f += [f"broken={min(2, broken)}|{source.sort}", f"broken={min(2, broken)}|{bool(treatments)}"]
    f += [f"relapsed={relapsed}|{bool(treatments)}", f"relapsed={relapsed}|{source.sort}"]
    f += [f"treated={min(3, len(treatments))}", f"treated={min(3, len(treatments))}|{source.sort}"]
    f += [f"treated={min(3, len(treatments))}|{target.sort}"]
    f += [f"tw={target.words[-1]}", f"sw={source.words[-1]}"]
    parts = scene.parts(a)
    f += [f"SK={w}|{target.sort}" for w in set(parts)]
    return f


def _logit(chance: float) -> float:
    near = min(max(chance, 1e-6), 1 - 1e-6)
    return log(near / (1 - near))


def _step(share: float) -> int:
    return int(share * 5)
