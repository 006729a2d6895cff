"""Reports cut into windows of word pieces for an encoder, with what every word is to be labelled as."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.mentions import FIELDS, Labels, Report

__all__ = ["BEGIN", "OUTSIDE", "Example", "Floats", "batches", "examples"]

Floats = npt.NDArray[np.float32]

OUTSIDE, BEGIN, INSIDE = 0, 1, 2
WINDOW, OVERLAP = 510, 128  # word pieces of a window without its two marks, and shared by neighbours


@dataclass(frozen=True)
class Example:
    """A window of a report: its pieces, the pieces that begin a word, the words' offsets, what each teaches."""

    report: int
    pieces: list[int]
    firsts: list[int]
    words: list[tuple[int, int]]
    span_targets: npt.NDArray[np.int64]  # (types, words)
    finer_targets: npt.NDArray[np.int64]  # (types, words), -100 where none
    weights: Floats  # (types, words)


def examples(reports: Sequence[Report], tokenizer: Any, labels: Sequence[Labels] | None = None) -> list[Example]:
    """Cut every report into windows of whole words."""
    begin, end = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    made = []
    for number, report in enumerate(reports):
        encoded = tokenizer.encode(report["text"], add_special_tokens=False)
        first = [i for i, word in enumerate(encoded.word_ids) if i == 0 or word != encoded.word_ids[i - 1]]
        bounds = [*first, len(encoded.ids)]
        offsets = [(encoded.offsets[a][0], encoded.offsets[b - 1][1]) for a, b in zip(first, bounds[1:], strict=True)]
        targets = word_targets(offsets, labels[number]) if labels else None
        low = 0
        while low < len(first):
            high = low + 1
            while high < len(first) and bounds[high + 1] - bounds[low] <= WINDOW:
                high += 1
            shape = (len(FIELDS), high - low)
            spans, finer, weights = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.float32)
            if targets:
                spans, finer, weights = (table[:, low:high] for table in targets)
            pieces = [begin, *encoded.ids[bounds[low] : bounds[high]][:WINDOW], end]
            firsts = [bounds[i] - bounds[low] + 1 for i in range(low, high)]
            made.append(Example(number, pieces, firsts, offsets[low:high], spans, finer, weights))
            if high == len(first):
                break
            following = high
            while following > low + 1 and bounds[high] - bounds[following] < OVERLAP:
                following -= 1
            low = following
    return made


def word_targets(offsets: Sequence[tuple[int, int]], labels: Labels) -> tuple[Any, Any, Any]:
    """Targets of the words of a report: (types, words) for the span, its finer kind, and the weight in the loss."""
    types = list(FIELDS)
    spans = np.zeros((len(types), len(offsets)), np.int64)
    finer = np.full((len(types), len(offsets)), -100, np.int64)
    weights = np.ones((len(types), len(offsets)), np.float32)
    starts, ends = np.array([o[0] for o in offsets]), np.array([o[1] for o in offsets])
    for kind, start, end, weight in labels.doubtful:
        inside = np.flatnonzero((starts < end) & (ends > start))
        weights[types.index(kind), inside] = np.minimum(weights[types.index(kind), inside], weight)
    for span in (*labels.repeated, *labels.annotated):
        row = types.index(span.type)
        inside = np.flatnonzero((starts < span.end) & (ends > span.start))
        if inside.size:
            spans[row, inside] = INSIDE
            spans[row, inside[0]] = BEGIN
            weights[row, inside] = 1.0
            values = FIELDS[span.type][2]
            finer[row, inside] = values.index(span.finer) if span.finer in values else -100
    return spans, finer, weights


def batches(made: Sequence[Example], size: int, chance: random.Random | None = None) -> list[list[Example]]:
    """Batches of windows of like length; shuffled, with lengths blurred, when there is a generator of chance."""
    ordered = sorted(made, key=lambda e: len(e.pieces) * (chance.uniform(0.9, 1.1) if chance else 1.0))
    cut = [ordered[i : i + size] for i in range(0, len(ordered), size)]
    if chance:
        chance.shuffle(cut)
    return cut
