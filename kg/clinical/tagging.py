"""The trained tagger: which tokens name a condition or an intervention, and how surely.

A small convolutional network read from ``kg/models/tagger.npz`` (``training/tagger.py`` writes it) and run in NumPy.
Its first layer depends on each word alone: what a word gives to its five places is reckoned once, then looked up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from kg.clinical.story import Story
from kg.errors import RuleError
from kg.resources import folder

__all__ = ["FLAGS", "Tagged", "Tagger", "fold", "pieces"]

_Floats = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.intp]
FLAGS = tuple(
    (type_, part) for type_ in ("condition", "intervention", "finding", "site", "outcome") for part in ("B", "I")
)
_REACH = 2  # tokens that the first layer sees on each side
_WIDTH = 2 * _REACH + 1
_KEPT = 14336  # words whose first layer is kept; at 128 hidden units 36 MB
_DIGIT = re.compile(r"\d")
_UPPER, _LOWER, _RUN = re.compile(r"[A-Z]"), re.compile(r"[a-z]"), re.compile(r"(.)\1+")
_UNKNOWN, _GAP = 0, 1  # rows of the word vectors: an unknown word, and the gap between sentences


class Tagged(NamedTuple):
    """Tokens ``first:last`` of a story as an entity of ``type``; ``score`` is the mean of their probabilities."""

    first: int
    last: int
    type: str
    score: float


def fold(word: str) -> str:
    """The form under which a word's vector is kept: lower case, every digit 0."""
    return _DIGIT.sub("0", word.lower())


def pieces(word: str) -> list[str]:
    """Shape, endings and beginnings of a word: what is known of a word never seen."""
    folded = fold(word)
    found = ["=" + _RUN.sub(r"\1\1", _DIGIT.sub("0", _LOWER.sub("a", _UPPER.sub("A", word))))]
    found += ["-" + folded[-n:] for n in (2, 3, 4, 5) if len(folded) > n]
    found += [folded[:n] + "-" for n in (2, 3, 4) if len(folded) > n]
    return found


class Tagger:
    """``probabilities`` says how likely each token is part of an entity, ``decode`` which stretches are entities."""

    def __init__(self, data: Any) -> None:
        self.types: tuple[str, ...] = tuple(_lines(data["types"]))
        self._words = {word: n for n, word in enumerate(_lines(data["words"]), 2)}
        self._pieces = {piece: n for n, piece in enumerate(_lines(data["pieces"]))}
        self._word_vectors, self._word_scale = data["word_vectors"], data["word_scale"]
        self._piece_vectors, self._piece_scale = data["piece_vectors"], data["piece_scale"]
        first = np.asarray(data["first"], np.float32)  # (word vector + piece vector, width * hidden)
        split = self._word_vectors.shape[1]
        self._first_word, self._first_piece = first[:split], first[split:]
        self._first_flags = np.asarray(data["first_flags"], np.float32)
        self._first_bias = np.asarray(data["first_bias"], np.float32)
        self._norms = [np.asarray(row, np.float32) for row in data["norms"]]  # gain and offset, layer by layer
        self._layers = [
            (int(dilation), np.asarray(weights, np.float32), np.asarray(bias, np.float32))
            for dilation, weights, bias in zip(data["dilations"], data["layers"], data["biases"], strict=True)
        ]
        self._out, self._out_bias = np.asarray(data["out"], np.float32), np.asarray(data["out_bias"], np.float32)
        self._threads = ThreadpoolController()
        self._rows: dict[str | int, int] = {}
        self._table: _Floats = np.zeros((_KEPT, _WIDTH, len(self._first_bias)), np.float32)

    @classmethod
    def load(cls, name: str = "tagger") -> Tagger:
        """The tagger of that name in kg/models/; RuleError where it is missing or not as it must be."""
        return _load(name)

    def probabilities(self, story: Story, flags: Sequence[int]) -> _Floats:
        """Probabilities (tokens, types, 3) of standing outside, at the beginning and further on in an entity.

        ``flags`` holds for each token the bits of FLAGS that are true of it.
        """
        if not story.tokens:
            return np.zeros((0, len(self.types), 3), np.float32)
        rows, flagged, marks, places = self._read(story, flags)
        seen = self._table.take(rows, axis=0)
        seen[flagged] += self._table.take(marks, axis=0)
        n = len(rows) - 2 * _REACH
        hidden = self._first_bias + sum(seen[k : k + n, k] for k in range(_WIDTH))
        hidden = _norm(np.maximum(hidden, 0), *self._norms[:2])
        with self._threads.limit(limits=1, user_api="blas"):  # more cost more than they give on matrices so small
            for layer, (dilation, weights, bias) in enumerate(self._layers, 1):
                padded = np.zeros((n + 2 * dilation, hidden.shape[1]), np.float32)
                padded[dilation : dilation + n] = hidden
                wide = np.concatenate([padded[:n], hidden, padded[2 * dilation :]], axis=1)
                more = np.maximum(wide @ weights + bias, 0)
                hidden = _norm(hidden + more, *self._norms[2 * layer : 2 * layer + 2])
            scores = (hidden[places] @ self._out + self._out_bias).reshape(len(places), len(self.types), 3)
        raised = np.exp(scores - scores.max(axis=2, keepdims=True))
        result: _Floats = np.round(raised / raised.sum(axis=2, keepdims=True), 4)
        return result

    def decode(self, story: Story, chances: _Floats, least: float) -> list[Tagged]:
        """Stretches of tokens each at least so likely part of an entity, type by type, in order."""
        found: list[Tagged] = []
        begins = {s.first for s in story.sentences}
        for column, type_ in enumerate(self.types):
            inside = (1 - chances[:, column, 0]).tolist()
            fresh = (chances[:, column, 1] > chances[:, column, 2]).tolist()
            last = -1
            first = -1
            for n in np.flatnonzero(chances[:, column, 0] <= 1 - least).tolist():
                if first >= 0 and (n != last or fresh[n] or n in begins):
                    found.append(Tagged(first, last, type_, sum(inside[first:last]) / (last - first)))
                    first = -1
                if first < 0:
                    first = n
                last = n + 1
            if first >= 0:
                found.append(Tagged(first, last, type_, sum(inside[first:last]) / (last - first)))
        return found

    def _read(self, story: Story, flags: Sequence[int]) -> tuple[_Ints, _Ints, _Ints, _Ints]:
        """Table rows of all tokens, with gaps between sentences and nothing around; where flags stand in them and the
        rows of those flags; the places of the tokens among the rows but for the nothing at the beginning."""
        if len(self._rows) + len(story.tokens) > _KEPT - 2 ** len(FLAGS):
            self._rows = {}
        known = self._rows
        nothing = self._row(0) if 0 not in known else known[0]
        gap = self._row("") if "" not in known else known[""]
        rows: list[int] = [nothing] * _REACH
        places: list[int] = []
        flagged: list[int] = []
        marks: list[int] = []
        for sentence in story.sentences:
            rows += (gap, gap)
            begun = len(rows)
            bits = flags[sentence.first : sentence.last]
            words = [token.text for token in story.tokens[sentence.first : sentence.last]]
            rows += [self._row(word) if (row := known.get(word)) is None else row for word in words]
            places += range(begun - _REACH, len(rows) - _REACH)
            for n, bit in enumerate(bits, begun):
                if bit:
                    flagged.append(n)
                    marks.append(self._row(bit) if (mark := known.get(bit)) is None else mark)
        rows += (gap, gap)
        rows += [nothing] * _REACH
        ints = np.intp
        return np.array(rows, ints), np.array(flagged, ints), np.array(marks, ints), np.array(places, ints)

    def _row(self, key: str | int) -> int:
        """The table row of a word ("" for a gap) or of flags, reckoned now and kept."""
        total = np.zeros(self._first_word.shape[1], np.float32)
        if isinstance(key, int):
            for n in range(len(FLAGS)):
                if key >> n & 1:
                    total = total + self._first_flags[n]
        else:
            n = self._words.get(fold(key), _UNKNOWN) if key else _GAP
            total = (self._word_vectors[n] * self._word_scale[n]) @ self._first_word
            known = [self._pieces[p] for p in (pieces(key) if key else ()) if p in self._pieces]
            if known:
                total = total + self._piece_scale[known] @ self._piece_vectors[known] @ self._first_piece
        row = self._rows[key] = len(self._rows)
        self._table[row] = total.reshape(_WIDTH, -1)
        return row


def _norm(x: _Floats, gain: _Floats, offset: _Floats) -> _Floats:
    """Layer normalisation of each row."""
    x = x - x.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ij,ij->i", x, x)[:, None] / x.shape[1] + 1e-5)
    result: _Floats = x / spread * gain + offset
    return result


def _lines(data: npt.NDArray[np.uint8]) -> list[str]:
    return bytes(data).decode().split("\n")


@cache
def _load(name: str) -> Tagger:
    path = folder("models") / f"{name}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            return Tagger({key: data[key] for key in data.files})
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise RuleError(f"{path}: not a readable tagger ({error}); restore the file or train it again.") from error
