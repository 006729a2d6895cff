"""Trains what links outcomes, interventions and conditions.

    python -m training.links --data train.jsonl --taggers FOLDER --judged judged.jsonl.gz

Writes the models link-for, link-of, link-after, again-for, again-of and again-after to kg/models/. The third sees what
the first two say, the last three what the first three say, so they are trained on what those say of reports they have
not seen. What the corpus teaches the first three is the mean of what training/judge.py says of its pairs and what a
model says that has learned from the annotated reports alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from sys import intern
from typing import Any

from kg import vocab
from kg.clinical.classifier import Classifier
from kg.clinical.links import Pair, Shares, after_pairs, again_pairs, chances, for_pairs, of_pairs, through, turned
from kg.clinical.outcomes import NOTHING, statements
from kg.clinical.scene import Scene
from kg.model import Concept, Outcome
from training.crossed import CrossedCase, read_crossed
from training.judged import JudgedCase, read_judged
from training.linear import Silver, crossed, fit, train

__all__ = ["main"]

_LABELS = ("no", "yes")
_OPTIONS: Mapping[str, Any] = {"c": 0.05, "least": 3, "labels": _LABELS}
_TOLD = 0.3  # of the corpus outcomes so likely are linked


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains the three models from the annotated reports of ``--data``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="annotated reports, JSON lines")
    parser.add_argument("--taggers", type=Path, required=True, help="folder with fold0.npz ... of training/tagger.py")
    parser.add_argument("--judged", type=Path, required=True, help="what training/judge.py wrote")
    given = parser.parse_args(arguments)
    cases = list(read_crossed(given.data, given.taggers))
    concepts = vocab.load().lexicon().concepts
    scenes = [scene(case, concepts) for case in cases]
    corpus = Corpus(given.judged, concepts)
    treats, tells = [for_pairs(s) for s in scenes], [of_pairs(s) for s in scenes]
    fors, ofs = _learn("link-for", cases, treats, corpus), _learn("link-of", cases, tells, corpus)
    follows = [after_pairs(s, through(o, turned(f))) for s, f, o in zip(scenes, fors, ofs, strict=True)]
    afters = _learn("link-after", cases, follows, corpus)
    said = list(zip(fors, ofs, afters, strict=True))
    again: Mapping[str, Sequence[tuple[Sequence[Pair], Shares, Shares]]] = {
        "again-for": [(p, f, through(turned(a), o)) for p, (f, o, a) in zip(treats, said, strict=True)],
        "again-of": [(p, o, through(a, f)) for p, (f, o, a) in zip(tells, said, strict=True)],
        "again-after": [(p, a, through(o, turned(f))) for p, (f, o, a) in zip(follows, said, strict=True)],
    }
    for name, seen in again.items():
        _learn(name, cases, [again_pairs(*one) for one in seen])


class Corpus:
    """The scenes of the corpus, and what the judge says of their links; ``found`` fills up kind by kind."""

    def __init__(self, path: Path, concepts: Mapping[str, Concept]) -> None:
        self.scenes: list[Scene] = []
        self._links: list[dict[str, dict[tuple[str, str], float]]] = []
        self.found: list[dict[str, dict[tuple[str, str], float]]] = []
        for case in read_judged(path):
            told = [outcome for outcome, _ in statements(case.story, case.candidates, case.shares, _TOLD)]
            heads = {o.id: _head(case, o) for o in told}
            ill = {c.id: c.start for c in case.conditions}
            given = {i.id: i.start for i in case.interventions}
            ends = {"link-for": (given, ill), "link-of": (heads, ill), "link-after": (heads, given)}
            self._links.append(
                {
                    kind: {
                        (a, b): case.links[kind][start, end]
                        for a, start in sources.items()
                        for b, end in targets.items()
                        if (start, end) in case.links[kind]
                    }
                    for kind, (sources, targets) in ends.items()
                }
            )
            self.scenes.append(Scene(case.story, case.number, case.conditions, case.interventions, told, concepts))
            self.found.append({})

    def silver(self, name: str, first: Classifier) -> Iterator[Silver]:
        """What each pair of a kind saw, and the mean of what the judge and ``first`` say of it."""
        for scene_, links, found in zip(self.scenes, self._links, self.found, strict=True):
            if name == "link-for":
                pairs = for_pairs(scene_)
            elif name == "link-of":
                pairs = of_pairs(scene_)
            else:
                pairs = after_pairs(scene_, through(found["link-of"], turned(found["link-for"])))
            found[name] = chances(name, pairs, first)
            for pair in pairs:
                judged = links[name].get((pair.source, pair.target))
                if judged is not None:
                    likely = (judged + found[name][pair.source, pair.target]) / 2
                    yield [intern(f) for f in pair.features], {"no": 1 - likely, "yes": likely}


def scene(case: CrossedCase, concepts: Mapping[str, Concept]) -> Scene:
    """The scene of an annotated patient."""
    found = case.case
    return Scene(case.story, case.number, found.conditions, found.interventions, found.outcomes, concepts)


def gold_links(case: CrossedCase, name: str) -> set[tuple[str, str]]:
    """The annotated links of one kind."""
    if name.endswith("-for"):
        return {(i.id, c) for i in case.case.interventions for c in i.for_}
    return {(o.id, t) for o in case.case.outcomes for t in (o.of if name.endswith("-of") else o.after)}


def _head(case: JudgedCase, outcome: Outcome) -> int:
    """Where the likeliest candidate of a phrase starts."""
    starts = [c.marked.tokens[c.at].start for c in case.candidates]
    inside = [n for n, start in enumerate(starts) if outcome.start <= start < outcome.end]
    return starts[min(inside, key=lambda n: case.shares[n][NOTHING])]


def _learn(
    name: str, cases: Sequence[CrossedCase], pairs: Sequence[Sequence[Pair]], corpus: Corpus | None = None
) -> list[dict[tuple[str, str], float]]:
    """Trains one model, from a corpus too if given; returns what models that have not seen a case say of its pairs."""
    examples, groups = [], []
    for case, found in zip(cases, pairs, strict=True):
        gold = gold_links(case, name)
        for pair in found:
            examples.append((pair.features, "yes" if (pair.source, pair.target) in gold else "no"))
            groups.append(case.id)
    options = _OPTIONS if corpus else {**_OPTIONS, "c": 1.0}
    scores = iter(crossed(examples, groups, **options))
    train(examples, name, groups, silver=corpus.silver(name, fit(examples, **options)) if corpus else (), **options)
    return [{(p.source, p.target): next(scores)["yes"] for p in found} for found in pairs]


if __name__ == "__main__":
    main()
