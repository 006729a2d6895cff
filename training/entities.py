"""Trains the classifiers of conditions and interventions: which candidates to keep, their role or kind.

    python -m training.entities --data train.jsonl --taggers FOLDER

The folder holds taggers trained without each fifth of the reports (``training/tagger.py --folds``), so that the
classifiers see tags as they are on reports never seen.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kg import vocab
from kg.clinical.classifier import spell
from kg.clinical.clues import candidates
from kg.clinical.entities import Entity
from kg.clinical.lexicon import Matcher
from kg.clinical.mentions import MentionType, find_mentions
from kg.clinical.story import read_story
from kg.clinical.tagging import Tagger
from kg.evaluate.matching import near, one_to_one
from kg.model import Document, Report, Span
from training.gold import read_reports
from training.linear import train

__all__ = ["FOLDS", "examples", "main", "tagger"]

FOLDS = 3


def assigned(found: Sequence[Entity], gold: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Entities to annotated items that one of their spans meets, one to one, as many as can be, the surest first."""
    spans = [Span(item["start"], item["end"]) for item in gold]
    options = {
        n: [g for g, span in enumerate(spans) if any(near(span, Span(m.start, m.end)) for m in found[n].mentions)]
        for n in sorted(range(len(found)), key=lambda n: -max(m.score for m in found[n].mentions))
    }
    return one_to_one(options)


def examples(
    reports: Sequence[Mapping[str, Any]],
    taggers: Callable[[int], Tagger],
    matcher: Matcher,
    kind: str,
) -> Iterator[tuple[str, Entity, Sequence[str], Mapping[str, Any] | None]]:
    """Report id, candidate, clues and annotated item (None: none) of every candidate; ``kind`` as in a case record."""
    type_: MentionType = "condition" if kind == "conditions" else "intervention"
    for n, report in enumerate(reports):
        cases = report["cases"]
        if not cases:
            continue
        story = read_story(Document(report["id"], report["text"], Report(), ()))
        mentions, _ = find_mentions(story, matcher, taggers(n))
        for case in range(story.cases):
            same = [cases[case]] if story.cases == len(cases) else cases
            gold = list({(i["start"], i["end"]): i for c in same for i in c[kind]}.values())
            found = candidates(story, mentions, case, matcher.concepts, type_)
            owners = assigned([entity for entity, _ in found], gold)
            for at, (entity, row) in enumerate(found):
                yield report["id"], entity, spell(row), gold[owners[at]] if at in owners else None


def main() -> None:
    """Writes ``condition_kept``, ``condition_role``, ``intervention_kept`` and ``intervention_kind`` to kg/models/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="annotated reports, JSON lines")
    parser.add_argument("--taggers", type=Path, required=True, help="folder with fold0.npz ... of training/tagger.py")
    arguments = parser.parse_args()
    reports = read_reports(arguments.data)
    taggers = [tagger(arguments.taggers / f"fold{n}.npz") for n in range(FOLDS)]
    matcher = Matcher(vocab.load().lexicon())
    for kind, attribute in (("conditions", "role"), ("interventions", "kind")):
        rows = list(examples(reports, lambda n: taggers[n % FOLDS], matcher, kind))
        name = kind.removesuffix("s")
        groups = [report for report, *_ in rows]
        train([(row, "yes" if item else "no") for _, _, row, item in rows], f"{name}_kept", groups, c=0.1)
        known = [(report, row, item) for report, _, row, item in rows if item]
        train(
            [(row, item[attribute]) for _, row, item in known],
            f"{name}_{attribute}",
            [report for report, *_ in known],
            c=0.1,
        )


def tagger(path: Path) -> Tagger:
    """The tagger in a file."""
    with np.load(path, allow_pickle=False) as data:
        return Tagger({key: data[key] for key in data.files})


if __name__ == "__main__":
    main()
