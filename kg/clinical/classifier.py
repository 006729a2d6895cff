"""A small linear classifier over string features, read from ``kg/models/NAME.json.gz`` (or ``.json``).

``training/linear.py`` writes the files. A file holds ``labels``, one ``bias`` and, by feature, one weight a label; with
two labels only the second has a column, and the first stands at zero. A call costs one look-up a feature. As the same
features come again and again, they are best spelled once, by ``spelled`` or a cached function, and then looked up.
Features that depend on the same few values may also come as a clump, a function and the values that it spells them
from: what they weigh together is reckoned once and remembered.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import repeat
from math import exp
from pathlib import Path
from typing import Any

import numpy as np

from kg.errors import RuleError
from kg.resources import folder

__all__ = ["Classifier", "Clump", "Spelled", "spell", "spelled"]

_SPELLED = 32768  # features of one sort, and clumps of one model, that are remembered


Clump = tuple[Callable[..., Sequence[str]], *tuple[Hashable, ...]]


def spell(clump: Clump) -> Sequence[str]:
    """The features of a clump."""
    return clump[0](*clump[1:])


class Spelled(dict[str, str]):
    """Word -> the feature that it makes between ``before`` and ``after``, spelled when first asked for."""

    def __init__(self, before: str, after: str = "") -> None:
        super().__init__()
        self._before, self._after = before, after

    def __missing__(self, word: str) -> str:
        if len(self) >= _SPELLED:
            self.clear()
        feature = self[word] = f"{self._before}{word}{self._after}"
        return feature

    def of(self, words: Iterable[str]) -> Iterator[str]:
        """The features of some words."""
        return map(self.__getitem__, words)


@lru_cache(4096)
def spelled(name: str, beside: str = "") -> Spelled:
    """Word -> ``name=word``, or ``name=word|beside``."""
    return Spelled(f"{name}=", f"|{beside}" if beside else "")


class _Sums(dict[Clump, float]):
    """What the features of each clump weigh together."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        super().__init__()
        self._weights = weights

    def __missing__(self, clump: Clump) -> float:
        if len(self) >= _SPELLED:
            self.clear()
        total = self[clump] = sum(map(self._weights.get, spell(clump), repeat(0.0)))
        return total


class Classifier:
    """Probabilities of labels from features that are there or not; unknown features say nothing."""

    __slots__ = ("_bias", "_matrix", "_rows", "_sums", "_weights", "labels")

    def __init__(
        self, labels: Sequence[str], bias: Sequence[float], weights: Mapping[str, Sequence[float]], name: str = "model"
    ) -> None:
        columns = len(bias)
        if len(labels) < 2 or columns != (1 if len(labels) == 2 else len(labels)):
            raise RuleError(f"Model {name} has {len(labels)} labels but {columns} columns; train it again.")
        bad = next((key for key, row in weights.items() if len(row) != columns), None)
        if bad is not None:
            raise RuleError(f"Model {name} has {len(weights[bad])} weights for {bad!r}, not {columns}; train it again.")
        self.labels = tuple(labels)
        self._bias = tuple(bias)
        # Two labels: the weight of a feature; more: its row in the matrix, whose first is that of unknown features.
        self._weights = {key: float(row[0]) for key, row in weights.items()} if columns == 1 else {}
        self._sums = _Sums(self._weights)
        self._rows = {key: n for n, key in enumerate(weights, 1)} if columns > 1 else {}
        self._matrix = np.array([[0.0] * columns, *(weights[key] for key in self._rows)])

    @classmethod
    def load(cls, name: str) -> Classifier:
        """The model of that name in kg/models/; RuleError where it is missing or not as it must be."""
        return _load(name)

    def scores(self, features: Iterable[str]) -> dict[str, float]:
        """Label -> probability, summing to one."""
        if len(self.labels) == 2:
            second = self.chance(features)
            return dict(zip(self.labels, (1 - second, second), strict=True))
        rows = list(map(self._rows.get, features, repeat(0)))
        totals = (np.add.reduce(self._matrix.take(rows, axis=0), axis=0) + self._bias).tolist()
        most = max(totals)
        raised = [exp(total - most) for total in totals]
        whole = sum(raised)
        return {label: one / whole for label, one in zip(self.labels, raised, strict=True)}

    def chance(self, features: Iterable[str], clumps: Iterable[Clump] = ()) -> float:
        """The probability of the second label of two, for yes/no questions."""
        total = sum(map(self._weights.get, features, repeat(0.0)), self._bias[0])
        total = sum(map(self._sums.__getitem__, clumps), total)
        return 1.0 / (1.0 + exp(-total)) if total > -500 else 0.0

    def to_json(self) -> dict[str, Any]:
        """What a model file holds."""
        weights: dict[str, list[float]] = {key: [weight] for key, weight in self._weights.items()}
        weights.update((key, self._matrix[n].tolist()) for key, n in self._rows.items())
        return {"labels": list(self.labels), "bias": list(self._bias), "weights": weights}


@cache
def _load(name: str) -> Classifier:
    path = _find(name)
    try:
        raw = path.read_bytes()
        data = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
        return Classifier(data["labels"], data["bias"], data["weights"], name)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise RuleError(f"{path}: not a readable model ({error}); train it again or restore the file.") from error


def _find(name: str) -> Path:
    models = folder("models")
    for path in (models / f"{name}.json.gz", models / f"{name}.json"):
        if path.is_file():
            return path
    raise RuleError(f"{models}: there is no model {name}.json.gz; restore it or train it (see training/).")
