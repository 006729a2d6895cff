"""Trains what finds outcomes and writes kg/models/outcome*.json.gz.

    python -m training.outcomes --data train.jsonl --taggers FOLDER

Of all cue words inside an annotated phrase the strongest is the head and takes the category; every other candidate is
"none". The phrases also teach how far a phrase reaches around its head.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from kg.clinical.durations import times
from kg.clinical.outcomes import NOTHING, Candidate, candidates, step_features
from kg.model import CATEGORIES, Outcome, Quantity
from training.crossed import CrossedCase, read_crossed
from training.linear import train

__all__ = ["labelled"]


def labelled(case: CrossedCase) -> list[tuple[Candidate, Outcome | None]]:
    """The candidates of a case, each with the outcome whose head it is."""
    found = list(candidates(case.story, case.number, case.case.conditions, case.case.interventions, case.told))
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
    given = parser.parse_args(arguments)
    cases = list(read_crossed(given.data, given.taggers))
    pairs = [(case.id, candidate, outcome) for case in cases for candidate, outcome in labelled(case)]
    groups = [key for key, _, _ in pairs]
    examples = [(c.features, o.category if o else NOTHING) for _, c, o in pairs]
    train(examples, "outcomes", groups, c=0.15, labels=[NOTHING, *CATEGORIES])
    steps = [(key, step) for key, c, o in pairs if o for step in _steps(c, o)]
    train([s for _, s in steps], "outcome-spans", [key for key, _ in steps], c=0.3, labels=["stop", "go"])
    judged = [(case.id, example) for case in cases for example in _times(case)]
    train([e for _, e in judged], "outcome-times", [key for key, _ in judged], c=0.2, labels=["no", "yes"])


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
