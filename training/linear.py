"""Trains the small linear models of kg/clinical/classifier.py and writes them to kg/models/NAME.json.gz.

Everything is fixed (seed, order of features, rounding, the time stamp inside the gzip), so that the same examples give
the same bytes.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from kg.clinical.classifier import Classifier, plain

__all__ = ["MODELS", "Example", "Silver", "crossed", "fit", "train", "write"]

MODELS = Path(__file__).parents[1] / "kg" / "models"

Example = tuple[Sequence[str], str]
Silver = tuple[Sequence[str], Mapping[str, float]]  # features and what a teacher takes each label's chance to be

_LIKELY = 0.1  # a teacher's share smaller than this teaches nothing


def fit(
    examples: Iterable[Example],
    *,
    c: float = 0.5,
    least: int = 2,
    prune: float = 0.02,
    labels: Sequence[str] = (),
    silver: Iterable[Silver] = (),
    weight: float = 0.25,
) -> Classifier:
    """A classifier over the features seen ``least`` times; ``c`` is the inverse strength of the L2 penalty.

    ``labels`` fixes their order (for two: the no before the yes); weights all smaller than ``prune`` are left out.
    An example of ``silver`` counts ``weight`` beside one of ``examples``, divided among its labels.
    """
    rows = [(tuple(features), label) for features, label in examples]
    counts = [1.0] * len(rows)
    for features, shares in silver:
        for label, share in shares.items():
            if share >= _LIKELY:
                rows.append((tuple(features), label))
                counts.append(weight * share)
    for features, _ in rows:
        if len({*features}) < len(features):  # the classifier would count it twice, this only once
            raise ValueError(f"A feature stands twice in {sorted(f for f, n in Counter(features).items() if n > 1)}.")
    seen = Counter(f for features, _ in rows for f in features)
    vocabulary = {f: n for n, f in enumerate(sorted(f for f, times in seen.items() if times >= least))}
    names = list(labels) or sorted({label for _, label in rows})
    x = _matrix([features for features, _ in rows], vocabulary)
    y = np.array([names.index(label) for _, label in rows])
    model = LogisticRegression(C=c, max_iter=2000, random_state=0).fit(x, y, sample_weight=counts)
    weights = {
        feature: [round(float(w), 2) for w in model.coef_[:, column]]
        for feature, column in vocabulary.items()
        if np.abs(model.coef_[:, column]).max() >= prune
    }
    return Classifier(names, [round(float(b), 3) for b in model.intercept_], weights)


def crossed(
    examples: Sequence[Example], groups: Sequence[str], *, folds: int = 5, **options: object
) -> list[dict[str, float]]:
    """The scores of every example from a model that saw none of its group (one report is one group)."""
    fold = {group: n % folds for n, group in enumerate(dict.fromkeys(groups))}
    result: list[dict[str, float]] = [{}] * len(examples)
    for k in range(folds):
        model = fit((e for e, g in zip(examples, groups, strict=True) if fold[g] != k), **options)  # type: ignore[arg-type]
        for n, (example, group) in enumerate(zip(examples, groups, strict=True)):
            if fold[group] == k:
                result[n] = model.scores(plain(example[0]))
    return result


def write(model: Classifier, name: str) -> Path:
    """Writes ``kg/models/NAME.json.gz``, keys sorted, and says how large it is."""
    path = MODELS / f"{name}.json.gz"
    text = json.dumps(model.to_json(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{path.name}: {len(model.labels)} labels, {path.stat().st_size / 1e3:.0f} kB")
    return path


def train(
    examples: Iterable[Example],
    name: str,
    groups: Sequence[str] | None = None,
    *,
    silver: Iterable[Silver] = (),
    weight: float = 0.25,
    **options: object,
) -> Classifier:
    """Fits all ``examples`` and ``silver``, writes the model and prints figures cross-validated without the silver (by
    ``groups``, else by example)."""
    rows = list(examples)
    scores = crossed(rows, groups or [str(n) for n in range(len(rows))], **options)  # type: ignore[arg-type]
    right = Counter[str]()
    wanted, given = Counter(label for _, label in rows), Counter[str]()
    for (_, label), score in zip(rows, scores, strict=True):
        best = max(score, key=score.__getitem__)
        given[best] += 1
        right[best] += best == label
    print(f"{name}: {len(rows)} examples, cross-validated accuracy {right.total() / len(rows):.3f}")
    for label in sorted(wanted):
        p, r = right[label] / max(given[label], 1), right[label] / wanted[label]
        print(f"  {label:24} P {p:.3f}  R {r:.3f}  F1 {2 * p * r / max(p + r, 1e-9):.3f}  ({wanted[label]})")
    model = fit(rows, silver=silver, weight=weight, **options)  # type: ignore[arg-type]
    write(model, name)
    return model


def _matrix(rows: Sequence[Sequence[str]], vocabulary: dict[str, int]) -> csr_matrix:
    columns: list[int] = []
    ends = [0]
    for features in rows:
        columns.extend(sorted(vocabulary[f] for f in features if f in vocabulary))
        ends.append(len(columns))
    return csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(rows), len(vocabulary)))
