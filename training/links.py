"""Trains what links outcomes, interventions and conditions.

    python -m training.links --data train.jsonl --taggers FOLDER

Writes kg/models/link-for.json.gz, link-of.json.gz and link-after.json.gz. The third sees what the first two say, so it
is trained on what they say of reports they have not seen.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kg import vocab
from kg.clinical.links import Pair, after_pairs, for_pairs, of_pairs
from kg.clinical.scene import Scene
from kg.model import Concept
from training.crossed import CrossedCase, read_crossed
from training.linear import crossed, train

__all__ = ["main"]

_LABELS = ("no", "yes")
_OPTIONS: Mapping[str, Any] = {"c": 0.05, "least": 3, "labels": _LABELS}


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains the three models from the annotated reports of ``--data``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="annotated reports, JSON lines")
    parser.add_argument("--taggers", type=Path, required=True, help="folder with fold0.npz ... of training/tagger.py")
    given = parser.parse_args(arguments)
    cases = list(read_crossed(given.data, given.taggers))
    concepts = vocab.load().lexicon().concepts
    scenes = [scene(case, concepts) for case in cases]
    fors = _learn("link-for", cases, [for_pairs(s) for s in scenes])
    ofs = _learn("link-of", cases, [of_pairs(s) for s in scenes])
    _learn("link-after", cases, [after_pairs(s, f, o) for s, f, o in zip(scenes, fors, ofs, strict=True)])


def scene(case: CrossedCase, concepts: Mapping[str, Concept]) -> Scene:
    """The scene of an annotated patient."""
    found = case.case
    return Scene(case.story, case.number, found.conditions, found.interventions, found.outcomes, concepts)


def gold_links(case: CrossedCase, name: str) -> set[tuple[str, str]]:
    """The annotated links of one kind."""
    if name == "link-for":
        return {(i.id, c) for i in case.case.interventions for c in i.for_}
    return {(o.id, t) for o in case.case.outcomes for t in (o.of if name == "link-of" else o.after)}


def _learn(
    name: str, cases: Sequence[CrossedCase], pairs: Sequence[Sequence[Pair]]
) -> list[dict[tuple[str, str], float]]:
    """Trains one model; returns what models that have not seen a case say of its pairs."""
    examples, groups = [], []
    for case, found in zip(cases, pairs, strict=True):
        gold = gold_links(case, name)
        for pair in found:
            examples.append((pair.features, "yes" if (pair.source, pair.target) in gold else "no"))
            groups.append(case.id)
    scores = iter(crossed(examples, groups, **_OPTIONS))
    train(examples, name, groups, **_OPTIONS)
    return [{(p.source, p.target): next(scores)["yes"] for p in found} for found in pairs]


if __name__ == "__main__":
    main()
