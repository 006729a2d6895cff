"""Annotated reports with the conditions and interventions that the extractor finds in them, to train what comes after.

Taggers and classifiers that have not seen a report speak of it, so that outcomes and links are learned from entities as
good and as bad as those of an unknown report. Outcomes and links are the annotated ones, translated to what was found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kg import vocab
from kg.clinical.classifier import Classifier
from kg.clinical.conditions import conditions
from kg.clinical.interventions import interventions
from kg.clinical.lexicon import Matcher
from kg.clinical.mentions import find_mentions
from kg.evaluate.matching import near, one_to_one, spans_of
from kg.model import Case, Condition, Intervention, Span
from training.entities import FOLDS, examples, tagger
from training.gold import GoldCase, read_gold, read_reports
from training.linear import fit

__all__ = ["CrossedCase", "read_crossed"]


@dataclass(frozen=True)
class CrossedCase(GoldCase):
    """An annotated patient with found entities; ``told`` is, token by token, the tagger's chance of an outcome."""

    told: Sequence[float] = ()


def read_crossed(path: Path, taggers: Path) -> Iterator[CrossedCase]:
    """Every annotated patient of a gold file whose patients were told apart as annotated; ``taggers`` is a folder with
    fold0.npz ... of training/tagger.py."""
    reports = read_reports(path)
    numbers = {report["id"]: n for n, report in enumerate(reports)}
    by_fold = [tagger(taggers / f"fold{n}.npz") for n in range(FOLDS)]
    matcher = Matcher(vocab.load().lexicon())
    models = [dict[str, Classifier]() for _ in range(FOLDS)]
    for kind, attribute in (("conditions", "role"), ("interventions", "kind")):
        rows = list(examples(reports, lambda n: by_fold[n % FOLDS], matcher, kind))
        name = kind.removesuffix("s")
        for fold, own in enumerate(models):
            seen = [(row, item) for key, _, row, item in rows if numbers[key] % FOLDS != fold]
            own[f"{name}_kept"] = fit([(row, "yes" if item else "no") for row, item in seen], c=0.1)
            own[f"{name}_{attribute}"] = fit([(row, item[attribute]) for row, item in seen if item], c=0.1)
    for gold in read_gold(path):
        if gold.story.cases != gold.of:
            continue
        fold = numbers[gold.id] % FOLDS
        mentions, told = find_mentions(gold.story, matcher, by_fold[fold])
        model = models[fold].__getitem__
        ill = conditions(gold.story, mentions, gold.number, matcher.concepts, model)
        given = interventions(gold.story, mentions, gold.number, matcher.concepts, model)
        case = translated(
            gold.case, [c for c in ill if c.assertion == "present"], [i for i in given if i.assertion == "present"]
        )
        yield CrossedCase(gold.id, gold.number, gold.of, gold.story, case, told)


def translated(gold: Case, ill: Sequence[Condition], given: Sequence[Intervention]) -> Case:
    """The annotated outcomes and links, with the found conditions and interventions in place of the annotated ones."""
    of, after = paired(gold.conditions, ill), paired(gold.interventions, given)
    aims = {after[i.id]: tuple(of[c] for c in i.for_ if c in of) for i in gold.interventions if i.id in after}
    return replace(
        gold,
        conditions=tuple(ill),
        interventions=tuple(replace(i, for_=aims.get(i.id, ())) for i in given),
        outcomes=tuple(
            replace(o, of=tuple(of[c] for c in o.of if c in of), after=tuple(after[i] for i in o.after if i in after))
            for o in gold.outcomes
        ),
    )


def paired(gold: Sequence[Any], found: Sequence[Any]) -> Mapping[str, str]:
    """Annotated id -> id of what was found for it, one to one, the most that can be."""
    options = {
        n: [f for f, item in enumerate(found) if any(near(Span(g.start, g.end), s) for s in spans_of(item))]
        for n, g in enumerate(gold)
    }
    return {gold[g].id: found[f].id for g, f in one_to_one(options).items()}
