"""Trains what finds outcomes and writes kg/models/outcome*.json.gz.

    python -m training.outcomes --data train.jsonl --taggers FOLDER --judged judged.jsonl.gz

Of all cue words inside an annotated phrase the strongest is the head and takes the category; every other candidate is
"none". The phrases also teach how far a phrase reaches around its head. What the corpus teaches is the mean of what
training/judge.py says of its candidates and what a model says that has learned from the annotated reports alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from sys import intern

from kg import vocab
from kg.clinical.classifier import Classifier
from kg.clinical.durations import times
from kg.clinical.outcomes import NOTHING, Candidate, candidates, step_features
from kg.model import Concept, Outcome, Quantity
from training.crossed import CrossedCase, read_crossed
from training.judged import JudgedCase, read_judged
from training.linear import Silver, fit, train
from training.scenes import LABELS

__all__ = ["labelled"]

_OWN = 0.6  # of what the corpus teaches is said by a model of this kind, the rest by the judge


def labelled(case: CrossedCase, concepts: Mapping[str, Concept]) -> list[tuple[Candidate, Outcome | None]]:
    """The candidates of a case, each with the outcome whose head it is."""
    own = case.case
    found = list(candidates(case.story, case.number, own.conditions, own.interventions, case.told, concepts))
    heads: dict[int, Outcome] = {}
    for outcome in case.case.outcomes:
        inside = [
            n
            for n, c in enumerate(found)
            if outcome.start <= c.marked.tokens[c.at].start < outcome.end and n not in heads
        ]
        if inside:
            heads[min(inside, key=lambda n: found[n].rank)] = outcome
    return [(c, heads.get(n)) for n, c in enumerate(found)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains both models from the annotated reports of ``--data``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="annotated reports, JSON lines")
    parser.add_argument("--taggers", type=Path, required=True, help="folder with fold0.npz ... of training/tagger.py")
    parser.add_argument("--judged", type=Path, required=True, help="what training/judge.py wrote")
    given = parser.parse_args(arguments)
    cases = list(read_crossed(given.data, given.taggers))
    concepts = vocab.load().lexicon().concepts
    pairs = [(case.id, candidate, outcome) for case in cases for candidate, outcome in labelled(case, concepts)]
    groups = [key for key, _, _ in pairs]
    examples = [(c.features, o.category if o else NOTHING) for _, c, o in pairs]
    first = fit(examples, c=0.15, labels=LABELS)
    silver = [example for case in read_judged(given.judged) for example in _judged(case, first)]
    train(examples, "outcomes", groups, c=0.15, labels=LABELS, least=4, silver=silver)
    steps = [(key, step) for key, c, o in pairs if o for step in _steps(c, o)]
    train([s for _, s in steps], "outcome-spans", [key for key, _ in steps], c=0.3, labels=["stop", "go"])
    judged = [(case.id, example) for case in cases for example in _times(case)]
    train([e for _, e in judged], "outcome-times", [key for key, _ in judged], c=0.2, labels=["no", "yes"])


def _judged(case: JudgedCase, first: Classifier) -> Iterable[Silver]:
    """What each candidate of the corpus saw, and the mean of what two teachers say of it."""
    for candidate, shares in zip(case.candidates, case.shares, strict=True):
        own = first.scores(candidate.row)
        features = [intern(feature) for feature in candidate.features]
        yield features, {label: _OWN * own[label] + (1 - _OWN) * shares[label] for label in LABELS}


def _times(case: CrossedCase) -> Iterable[tuple[list[str], str]]:
    """What each length of time near an outcome saw, and whether it is the outcome's."""
    for outcome in case.case.outcomes:
        wanted = outcome.duration and _days(outcome.duration)
        for length, features in times(case.story, outcome, case.case.outcomes):
            yield features, "yes" if wanted == _days(length.value) else "no"


def _days(length: Quantity) -> tuple[float, str]:
    """A length so that 24 months are two years and 14 days two weeks."""
    factor, unit = {"year": (12, "month"), "week": (7, "day")}.get(length.unit, (1, length.unit))
    return length.value * factor, unit


def _steps(candidate: Candidate, outcome: Outcome) -> Iterable[tuple[list[str], str]]:
    """What each step outwards from the head saw, and whether the phrase went on."""
    tokens = candidate.marked.tokens
    for step in (-1, 1):
        edge = candidate.at
        while 0 <= edge + step < len(tokens):
            inside = outcome.start <= tokens[edge + step].start < outcome.end
            yield step_features(candidate, edge, step), "go" if inside else "stop"
            if not inside:
                break
            edge += step


if __name__ == "__main__":
    main()
