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
from kg.clinical import conditions, interventions
from kg.clinical.entities import Entity
from kg.clinical.lexicon import Matcher
from kg.clinical.mentions import find_mentions
from kg.clinical.story import read_story
from kg.clinical.tagging import Tagger
from kg.model import Document, Report
from training.gold import read_reports
from training.linear import train

__all__ = ["FOLDS", "examples", "main", "near", "tagger"]

FOLDS = 5


def matched(entity: Entity, gold: Sequence[Mapping[str, Any]]) -> list[int]:
    """The annotated items that one of the entity's spans meets, as the scorer has it."""
    spans = [(m.start, m.end) for m in entity.mentions]
    return [n for n, item in enumerate(gold) if any(near((item["start"], item["end"]), span) for span in spans)]


def near(gold: tuple[int, int], found: tuple[int, int]) -> bool:
    """Whether two spans share half of the shorter one and the found one is not much longer."""
    shared = min(gold[1], found[1]) - max(gold[0], found[0])
    size = gold[1] - gold[0]
    length = found[1] - found[0]
    return shared > 0 and 2 * shared >= min(size, length) and length <= max(3 * size, 30)


def assigned(found: Sequence[Entity], gold: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Entities to annotated items, one to one, as many as can be (augmenting paths)."""
    owner: dict[int, int] = {}
    options = [matched(entity, gold) for entity in found]

    def place(n: int, seen: set[int]) -> bool:
        for g in options[n]:
            if g not in seen:
                seen.add(g)
                if g not in owner or place(owner[g], seen):
                    owner[g] = n
                    return True
        return False

    for n in sorted(range(len(found)), key=lambda n: -max(m.score for m in found[n].mentions)):
        place(n, set())
    return {n: g for g, n in owner.items()}


def examples(
    reports: Sequence[Mapping[str, Any]],
    taggers: Callable[[int], Tagger],
    matcher: Matcher,
    kind: str,
) -> Iterator[tuple[str, Entity, list[str], Mapping[str, Any] | None]]:
    """Report id, candidate, clues and annotated item (None: none) of every candidate; ``kind`` as in a case record."""
    find = {"conditions": conditions.candidates, "interventions": interventions.candidates}[kind]
    for n, report in enumerate(reports):
        cases = report["cases"]
        if not cases:
            continue
        story = read_story(Document(report["id"], report["text"], Report(), ()))
        mentions, _ = find_mentions(story, matcher, taggers(n))
        for case in range(story.cases):
            same = [cases[case]] if story.cases == len(cases) else cases
            gold = list({(i["start"], i["end"]): i for c in same for i in c[kind]}.values())
            found = find(story, mentions, case, matcher.concepts)
            owners = assigned([entity for entity, _ in found], gold)
            for at, (entity, row) in enumerate(found):
                yield report["id"], entity, row, gold[owners[at]] if at in owners else None


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
