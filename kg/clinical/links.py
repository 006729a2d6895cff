"""Who belongs to whom: an intervention ``for`` conditions, an outcome ``of`` conditions and ``after`` interventions.

Each pair of one patient's items is judged by a model (``link-for``, ``link-of``, ``link-after``) from where they stand,
the words around and between them, what they are, and how many rivals stand nearer. The members of one list ("A, B and
C") are judged together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log

from kg.clinical.classifier import Classifier
from kg.clinical.scene import Item, Place, Scene
from kg.clinical.story import Story
from kg.model import Concept, Condition, Intervention, Outcome

__all__ = ["Pair", "after_pairs", "chances", "for_pairs", "link", "of_pairs"]

# How likely a link must be: the likeliest of a source, and any other.
_SURE = {"link-for": (0.2, 0.3), "link-of": (0.15, 0.25), "link-after": (0.38, 0.38)}
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
    concepts: Mapping[str, Concept],
) -> tuple[list[Intervention], list[Outcome]]:
    """Interventions with ``for``, outcomes with ``of`` and ``after``, for one patient."""
    scene = Scene(story, case, conditions, interventions, outcomes, concepts)
    fors = chances("link-for", for_pairs(scene))
    ofs = chances("link-of", of_pairs(scene))
    afters = chances("link-after", after_pairs(scene, fors, ofs))

    def chosen(
        name: str, found: Shares, source: str, targets: Sequence[Condition] | Sequence[Intervention]
    ) -> tuple[str, ...]:
        likely = [found.get((source, t.id), 0.0) for t in targets]
        best, other = _SURE[name]
        least = [best if chance == max(likely) else other for chance in likely]
        return tuple(t.id for t, chance, sure in zip(targets, likely, least, strict=True) if chance >= sure)

    treated = [replace(i, for_=chosen("link-for", fors, i.id, conditions)) for i in interventions]
    linked = [
        replace(o, of=chosen("link-of", ofs, o.id, conditions), after=chosen("link-after", afters, o.id, interventions))
        for o in outcomes
    ]
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
        for target, a, b in found:
            f = _shared(scene, source, a, target, b, [p for t, _, p in found if t is not target])
            pairs.append(Pair(source.id, target.id, b.bundle, f + _kin(source, target)))
    return pairs


def of_pairs(scene: Scene) -> list[Pair]:
    """Every outcome with every condition."""
    pairs = []
    for source in scene.outcomes:
        found = [(target, *_nearest(source.places[:1], target.places)) for target in scene.conditions]
        for target, a, b in found:
            f = _shared(scene, source, a, target, b, [p for t, _, p in found if t is not target])
            f += [f"ow={w}|{target.sort}" for w in source.words]
            pairs.append(Pair(source.id, target.id, b.bundle, f + _kin(source, target)))
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
