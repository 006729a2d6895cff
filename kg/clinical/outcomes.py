"""What became of the patient: outcome statements, their categories and their shortest phrases.

Every word of a cue (kg/rules/outcomes.toml) in a sentence of the patient's story is a candidate; the model ``outcomes``
judges it from its surroundings, and the model ``outcome-spans`` says how far the phrase reaches around it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import NamedTuple

from kg.clinical.classifier import Bag, Classifier, Row, plain, spell
from kg.clinical.durations import duration_rules
from kg.clinical.marked import Marked, mark
from kg.clinical.story import Story
from kg.errors import RuleError
from kg.model import CATEGORIES, Category, Concept, Condition, Intervention, Outcome
from kg.resources import folder

__all__ = ["NOTHING", "Candidate", "Cues", "candidates", "find_outcomes", "numbered", "statements", "step_features"]

NOTHING = "none"
_THRESHOLD = 0.3
_APART = 3  # two candidates so many words apart, or fewer, are one statement
_BESIDE = 4  # words on either side among which a stronger cue counts
_NEAR = 8  # words on either side among which a needed word must stand
_JOINS = frozenset((",", ";", "and", "but", "or", "then"))  # unless such a word parts two categories
_OFFSETS = tuple((4 + offset, str(offset)) for offset in (-4, -3, -2, -1, 1, 2, 3, 4))
_REACH = 12  # a phrase has at most so many words on either side of its head


class Cues(NamedTuple):
    """Cue words with their cue's name and rank (0 the strongest); words that negate, suppose or measure time; by cue
    and category those of which one must stand near; by word those near which it tells of something else."""

    names: dict[str, str]
    ranks: dict[str, int]
    negation: frozenset[str]
    supposition: frozenset[str]
    units: frozenset[str]
    needs: dict[tuple[str, str], frozenset[str]]
    bars: dict[str, frozenset[str]]

    @staticmethod
    @cache
    def load() -> Cues:
        """The cues of kg/rules/outcomes.toml."""
        path = folder("rules") / "outcomes.toml"
        names: dict[str, str] = {}
        ranks: dict[str, int] = {}
        rules = tomllib.loads(path.read_text(encoding="utf-8"))
        for rank, cue in enumerate(rules["cue"]):
            for word in cue["words"]:
                if word in names:
                    raise RuleError(f"{path}: {word!r} stands in the cues {names[word]!r} and {cue['name']!r}.")
                names[word], ranks[word] = cue["name"], rank
        needs = {
            (cue["name"], category): frozenset(words)
            for cue in rules["cue"]
            for category, words in cue.get("needs", {}).items()
        }
        bars = {word: frozenset(words) for cue in rules["cue"] for word, words in cue.get("bars", {}).items()}
        around = rules["words"]
        units = frozenset(form for forms in duration_rules()["units"].values() for form in forms)
        return Cues(names, ranks, frozenset(around["negation"]), frozenset(around["supposition"]), units, needs, bars)


class Candidate(NamedTuple):
    """A word that may carry an outcome: the token ``marked.tokens[at]``, and what speaks for and against it."""

    marked: Marked
    at: int
    cue: str
    rank: int
    row: Row

    @property
    def features(self) -> list[str]:
        """What speaks for and against it, spelled."""
        return spell(self.row)


def find_outcomes(
    story: Story,
    case: int,
    conditions: Sequence[Condition],
    interventions: Sequence[Intervention],
    told: Sequence[float],
    concepts: Mapping[str, Concept],
) -> list[tuple[Outcome, float]]:
    """The outcomes of one patient in the order of the text, without durations and links, and how likely each is.

    Ids are o1, o2 and so on. ``told`` holds for each token of the story how likely, to the tagger, it tells of one.
    """
    model = Classifier.load("outcomes")
    found = list(candidates(story, case, conditions, interventions, told, concepts))
    return statements(story, found, model.all_scores([candidate.row for candidate in found]), _THRESHOLD)


def statements(
    story: Story, found: Sequence[Candidate], shares: Sequence[Mapping[str, float]], least: float
) -> list[tuple[Outcome, float]]:
    """The candidates whose ``shares`` of the categories come to ``least``, but one of those that are one statement;
    with the sum of those shares."""
    judged: list[tuple[float, Category, Candidate]] = []
    for candidate, share in zip(found, shares, strict=True):
        if 1 - share[NOTHING] >= least:
            best = max((c for c in CATEGORIES if _worded(candidate, c)), key=share.__getitem__)
            judged.append((1 - share[NOTHING], best, candidate))
    judged.sort(key=lambda j: (-j[0], j[2].marked.sentence.start, j[2].at))
    kept: list[tuple[float, Category, Candidate]] = []
    for sure, category, candidate in judged:
        if not any(_same(candidate, category, other, told) for _, told, other in kept):
            kept.append((sure, category, candidate))
    kept.sort(key=lambda k: (k[2].marked.sentence.start, k[2].at))
    spans = _spans([candidate for _, _, candidate in kept])
    return [
        (Outcome(id=f"o{n}", start=start, end=end, text=story.text[start:end], category=category), sure)
        for n, ((start, end), (sure, category, _)) in enumerate(zip(spans, kept, strict=True), 1)
    ]


def candidates(
    story: Story,
    case: int,
    conditions: Sequence[Condition],
    interventions: Sequence[Intervention],
    told: Sequence[float],
    concepts: Mapping[str, Concept],
) -> Iterator[Candidate]:
    """Every cue word in the sentences of ``case``, with its features, in the order of the text."""
    cues = Cues.load()
    groups = [(c.concept, *concepts[c.concept].ancestors) if c.concept else () for c in conditions]
    primary = sorted({g for c, own in zip(conditions, groups, strict=True) if c.role == "primary" for g in own})
    treated = min((i.start for i in interventions), default=len(story.text))
    last = len(story.sentences) - 1
    for marked in mark(story, case, conditions, interventions, cues.names):
        places = [n for n, word in enumerate(marked.words) if word in cues.names]
        if not places:
            continue
        place = int(4.99 * (marked.sentence.index + 1) / (last + 1))
        shared = _sentence_features(marked, cues, treated, last, place)
        here = sorted({group for m in marked.marks if m.kind == "C" for group in groups[m.item]})
        for n, at in enumerate(places):
            word = marked.words[at]
            cue = cues.names[word]
            if word in cues.bars and not cues.bars[word].isdisjoint(_near(marked, at)):
                continue
            row = _features(marked, places, n, cues, treated, place)
            row += [*shared, ("", "", _told(int(10 * told[marked.sentence.first + at]), cue))]
            row += [("G=", f"|{cue}", primary), ("SG=", f"|{cue}", here)]
            yield Candidate(marked, at, cue, cues.ranks[word], row)


def _sentence_features(marked: Marked, cues: Cues, treated: int, last: int, place: int) -> Row:
    """What all candidates of a sentence share."""
    sentence = marked.sentence
    present = dict.fromkeys(marked.parts).keys()
    features = [f"pos={place}", f"role={sentence.role}", f"treatedS={treated < sentence.start}"]
    if present & cues.supposition:
        features.append("supposed")
    if present & cues.units:
        features.append("time")
    if sentence.index == last:
        features.append("last")
    if sentence.index == 0:
        features.append("first")
    return [("S=", "", present), ("", "", features)]


def _features(marked: Marked, places: Sequence[int], which: int, cues: Cues, treated: int, place: int) -> list[Bag]:
    """What speaks of one candidate: its neighbours, the mentions around it, negation and other cues.

    ``places`` are those of the sentence's candidates, this one is number ``which`` of them.
    """
    words, parts, at = marked.words, marked.parts, places[which]
    word, p = words[at], marked.place[at]
    cue = cues.names[word]
    near = [parts[n] if 0 <= n < len(parts) else "#" for n in range(p - 4, p + 5)]
    b2, b1, a1, a2 = near[2], near[3], near[5], near[6]
    f = ["w=" + word, "c=" + cue, f"b2={b2}_{b1}", f"a2={a1}_{a2}", f"b1a1={b1}_{a1}"]
    f += [f"wb={b1}_{word}", f"wa={word}_{a1}", f"wbb={b2}_{b1}_{word}", f"waa={word}_{a1}_{a2}"]
    for n, offset in _OFFSETS:
        part = near[n]
        f.append(f"{offset}={part}")
        if 1 < n < 7:
            f.append(f"{offset}={part}|{cue}")
            if (other := cues.names.get(part)) is not None:
                f += [f"{offset}c={other}", f"{offset}c={other}|{cue}"]
    left, right = parts[max(0, p - 10) : p], parts[p + 1 : p + 11]
    bags: list[Bag] = []
    for side, beside in (("L=", dict.fromkeys(left)), ("R=", dict.fromkeys(right))):
        bags += ((side, "", beside), (side, f"|{cue}", beside))
    negations = [part for part in left[-5:] if part in cues.negation]
    if negations:
        f += ["neg", "neg|" + cue, "negw|" + word, f"neg={negations[-1]}|{cue}"]
    if not cues.negation.isdisjoint(right[:4]):
        f += ["negR", "negR|" + cue]
    for kind in ("<C>", "<I>"):
        to_left = next((n for n, part in enumerate(reversed(parts[:p]), 1) if part == kind), 0)
        to_right = next((n for n, part in enumerate(parts[p + 1 :], 1) if part == kind), 0)
        f += _mentioned(kind, min(to_left, 6), min(to_right, 6), cue)
    token = marked.tokens[at]
    for m in marked.marks:
        if m.start <= token.start < m.end:
            f += [f"in={m.kind}", f"in={m.kind}|{cue}", f"in={m.sort}", f"in={m.sort}|{cue}"]
    if which:
        f += _other("prev", cues.names[words[places[which - 1]]], cue, min(3, at - places[which - 1]))
    if which + 1 < len(places):
        f += _other("next", cues.names[words[places[which + 1]]], cue, min(3, places[which + 1] - at))
    rank = cues.ranks[word]
    stronger = any(abs(other - at) <= _BESIDE and cues.ranks[words[other]] < rank for other in places)
    return [("", "", f), *bags, ("", "", _course(treated < token.start, place, stronger, cue))]


@lru_cache(8192)
def _told(sure: int, cue: str) -> Sequence[str]:
    return [*(f"told>{n}" for n in range(sure + 1)), f"told={sure}|{cue}"]


@lru_cache(8192)
def _mentioned(kind: str, left: int, right: int, cue: str) -> Sequence[str]:
    return [f"{kind}l={left}", f"{kind}r={right}", f"{kind}l={left > 0}|{cue}", f"{kind}r={right > 0}|{cue}"]


@lru_cache(8192)
def _other(which: str, other: str, cue: str, apart: int) -> Sequence[str]:
    return [f"{which}={other}", f"{which}={other}|{cue}|{apart}"]


@lru_cache(8192)
def _course(treated: bool, place: int, stronger: bool, cue: str) -> Sequence[str]:
    f = [f"treated={treated}", f"treated={treated}|{cue}", f"pos={place}|{cue}"]
    return [*f, f"stronger={stronger}", f"stronger={stronger}|{cue}"]


def numbered(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The outcomes with the ids o1, o2 and so on."""
    ids = ((f"o{n}", o) for n, o in enumerate(outcomes, 1))
    return [o if o.id == name else replace(o, id=name) for name, o in ids]


def _worded(candidate: Candidate, category: Category) -> bool:
    """Whether the words near a candidate allow the category."""
    needed = Cues.load().needs.get((candidate.cue, category))
    return needed is None or not needed.isdisjoint(_near(candidate.marked, candidate.at))


def _near(marked: Marked, at: int) -> Sequence[str]:
    return marked.words[max(0, at - _NEAR) : at + _NEAR + 1]


def _same(one: Candidate, category: Category, other: Candidate, told: Category) -> bool:
    """Whether two candidates of these categories are words of one statement ("remission but relapsed" is two)."""
    first, last = sorted((one.at, other.at))
    if one.marked.sentence is not other.marked.sentence or last - first > _APART:
        return False
    return category == told or _JOINS.isdisjoint(one.marked.words[first + 1 : last])


def _spans(kept: Sequence[Candidate]) -> list[tuple[int, int]]:
    """Where the shortest phrase around each candidate begins and ends; they stand in order and share no word."""
    spans: list[tuple[int, int]] = []
    high = 0  # before which token the phrase behind begins
    for n in range(len(kept) - 1, -1, -1):
        candidate, tokens = kept[n], kept[n].marked.tokens
        alone = n + 1 == len(kept) or kept[n + 1].marked.sentence is not candidate.marked.sentence
        together = n > 0 and kept[n - 1].marked.sentence is candidate.marked.sentence
        first, last = _grown(candidate, kept[n - 1].at + 1 if together else 0, len(tokens) - 1 if alone else high - 1)
        spans.append((tokens[first].start, tokens[last].end))
        high = first
    return spans[::-1]


def _grown(candidate: Candidate, low: int, high: int) -> tuple[int, int]:
    """The first and last token of the phrase: word by word outwards, left then right, while the model says so."""
    model = Classifier.load("outcome-spans")
    at = first = last = candidate.at
    while first > low and at - first < _REACH and model.chance(plain(step_features(candidate, first, -1))) >= 0.5:
        first -= 1
    while last < high and last - at < _REACH and model.chance(plain(step_features(candidate, last, 1))) >= 0.5:
        last += 1
    return first, last


def step_features(candidate: Candidate, edge: int, step: int) -> list[str]:
    """What decides whether the phrase goes on from the token ``edge`` to the next one to the left (-1) or right (1)."""
    marked, side = candidate.marked, "L" if step < 0 else "R"
    words, tags = marked.words, marked.tags

    def at(n: int) -> str:
        return words[n] if 0 <= n < len(words) else "#"

    def tag(n: int) -> str:
        return tags[n] if 0 <= n < len(tags) else "#"

    new, far = edge + step, min(6, abs(edge - candidate.at))
    f = [f"{side}n={at(new)}", f"{side}e={at(edge)}", f"{side}nn={at(new + step)}", f"{side}d={far}", side]
    f += [f"{side}ne={at(new)}_{at(edge)}", f"{side}n2={at(new)}_{at(new + step)}", f"{side}c={candidate.cue}"]
    f += [f"{side}n={at(new)}|{candidate.cue}", f"{side}d={far}|{candidate.cue}", f"{side}p={at(new)[:5]}|{far > 0}"]
    f += [
        f"{side}t={tag(edge)}{tag(new)}",
        f"{side}t={tag(edge)}{tag(new)}|{candidate.cue}",
        f"{side}w={words[candidate.at]}",
    ]
    if any(words[n] in ("is", "was", "were", "are", "has", "had", "have") for n in range(new, candidate.at)):
        f.append(f"{side}verb|{at(new)}")
    return f
