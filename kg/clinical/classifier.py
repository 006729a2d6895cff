"""A small linear classifier over string features, read from ``kg/models/NAME.json.gz`` (or ``.json``).

``training/linear.py`` writes the files. A file holds ``labels``, one ``bias`` and, by feature, one weight a label; with
two labels only the second has a column, and the first stands at zero. A call costs one look-up a feature.

Features are seldom spelled out to be judged. Most say that a word stands somewhere: a bag holds the words, and what
stands before and after each in its feature. Features that depend on the same few values may come as a clump, a function
and the values that it spells them from: what they weigh together is reckoned once and remembered.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from functools import cache
from math import exp
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np

from kg.errors import RuleError
from kg.resources import folder

__all__ = ["Bag", "Classifier", "Clump", "Row", "plain", "spell"]

_REMEMBERED = 32768  # clumps of one model

# Before, after, words: the features "{before}{word}{after}". ``after`` is empty or such as "|cue"; where it is empty, a
# word holds no bar, or is one.
Bag = tuple[str, str, Collection[str]]
Row = Sequence[Bag]
Clump = tuple[Callable[..., Sequence[str]], *tuple[Hashable, ...]]

_Weight = float | int  # of two labels the weight of a feature, of more its row in the matrix


def plain(features: Collection[str]) -> Row:
    """Features that are spelled out already."""
    return [("", "", features)]


def spell(row: Row, clumps: Iterable[Clump] = ()) -> list[str]:
    """The features of all bags and clumps."""
    features = [f"{before}{word}{after}" for before, after, words in row for word in words]
    return features + [feature for function, *values in clumps for feature in function(*values)]


class _Tables(dict[str, dict[str, dict[str, _Weight]]]):
    """Before -> after -> word -> the weight of that feature; each ``before`` is sought out when first asked for."""

    def __init__(self, weights: dict[str, _Weight]) -> None:
        super().__init__({"": {"": weights}})
        self._weights = weights

    def __missing__(self, before: str) -> dict[str, dict[str, _Weight]]:
        found: dict[str, dict[str, _Weight]] = {"": {}}
        for feature, weight in self._weights.items():
            if feature.startswith(before):
                rest = feature[len(before) :]
                word, bar, after = rest.rpartition("|")
                if word:
                    found.setdefault(bar + after, {})[intern(word)] = weight
                else:
                    found[""][intern(rest)] = weight
        self[before] = found
        return found


class _Sums(dict[Clump, float]):
    """What the features of each clump weigh together."""

    def __init__(self, weights: Mapping[str, _Weight]) -> None:
        super().__init__()
        self._weights = weights

    def __missing__(self, clump: Clump) -> float:
        if len(self) >= _REMEMBERED:
            self.clear()
        total = self[clump] = sum(filter(None, map(self._weights.get, spell((), [clump]))))
        return total


class Classifier:
    """Probabilities of labels from features that are there or not; unknown features say nothing."""

    __slots__ = ("_bias", "_matrix", "_sums", "_tables", "_weights", "labels")

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
        self._bias = float(bias[0])
        self._weights: dict[str, _Weight] = {}
        if columns == 1:
            self._weights.update((key, row[0]) for key, row in weights.items())
        else:
            self._weights.update((key, n) for n, key in enumerate(weights, 1))
        self._matrix = np.array([bias, *weights.values()], np.float64)
        self._tables, self._sums = _Tables(self._weights), _Sums(self._weights)

    @classmethod
    def load(cls, name: str) -> Classifier:
        """The model of that name in kg/models/; RuleError where it is missing or not as it must be."""
        return _load(name)

    def scores(self, row: Row) -> dict[str, float]:
        """Label -> probability, summing to one."""
        return self.all_scores([row])[0]

    def all_scores(self, rows: Iterable[Row]) -> list[dict[str, float]]:
        """The scores of each row."""
        if len(self.labels) == 2:
            chances = map(self.chance, rows)
            return [dict(zip(self.labels, (1 - second, second), strict=True)) for second in chances]
        places: list[_Weight] = []
        begins: list[int] = []
        for row in rows:
            begins.append(len(places))
            places.append(0)  # the bias
            for before, after, words in row:
                if table := self._tables[before].get(after):
                    places += filter(None, map(table.get, words))
        if not begins:
            return []
        totals = np.add.reduceat(self._matrix.take(np.array(places, np.intp), axis=0), begins, axis=0)
        return [dict(zip(self.labels, _shares(row), strict=True)) for row in totals.tolist()]

    def chance(self, row: Row, clumps: Iterable[Clump] = ()) -> float:
        """The probability of the second label of two, for yes/no questions."""
        total = self._bias
        for before, after, words in row:
            if table := self._tables[before].get(after):
                total = sum(filter(None, map(table.get, words)), total)
        total = sum(map(self._sums.__getitem__, clumps), total)
        return 1.0 / (1.0 + exp(-total)) if total > -500 else 0.0

    def to_json(self) -> dict[str, Any]:
        """What a model file holds."""
        bias, *rows = self._matrix.tolist()
        return {"labels": list(self.labels), "bias": bias, "weights": dict(zip(self._weights, rows, strict=True))}


def _shares(totals: Sequence[float]) -> list[float]:
    most = max(totals)
    raised = [exp(total - most) for total in totals]
    whole = sum(raised)
    return [one / whole for one in raised]


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
