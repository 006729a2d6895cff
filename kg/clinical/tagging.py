"""The trained tagger: which tokens name a condition or an intervention, and how surely.

A small convolutional network read from ``kg/models/tagger.npz`` (``training/tagger.py`` writes it) and run in NumPy.
Its first layer depends on each word alone: what a word gives to its five places is the sum of what the word, its pieces
and its flags give, reckoned once for each of these when the model is loaded, and kept for each word met.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from string import ascii_lowercase, ascii_uppercase
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
_SHAPE = str.maketrans({**dict.fromkeys(ascii_uppercase, "A"), **dict.fromkeys(ascii_lowercase, "a")})
_RUN = re.compile(r"(.)\1+")
_UNKNOWN, _GAP = 0, 1  # rows of the word vectors: an unknown word, and the gap between sentences
_NOTHING, _BETWEEN = "", " "  # what stands around all sentences, and between two

_Key = str | tuple[str, int]  # a word; with its flags if it has any


class Tagged(NamedTuple):
    """Tokens ``first:last`` of a story as an entity of ``type``; ``score`` is the mean of their probabilities."""

    first: int
    last: int
    type: str
    score: float


def fold(word: str) -> str:
    """The form under which a word's vector is kept: lower case, every digit 0."""
    low = word.lower()
    return low if low.isalpha() else _DIGIT.sub("0", low)


def pieces(word: str) -> list[str]:
    """Shape, endings and beginnings of a word: what is known of a word never seen."""
    folded = fold(word)
    found = [_shape((word if word.isalpha() else _DIGIT.sub("0", word)).translate(_SHAPE))]
    found += ["-" + folded[-n:] for n in (2, 3, 4, 5) if len(folded) > n]
    found += [folded[:n] + "-" for n in (2, 3, 4) if len(folded) > n]
    return found


@lru_cache(4096)
def _shape(letters: str) -> str:
    return "=" + _RUN.sub(r"\1\1", letters)


class Tagger:
    """``probabilities`` says how likely each token is part of an entity, ``decode`` which stretches are entities."""

    def __init__(self, data: Any) -> None:
        self.types: tuple[str, ...] = tuple(_lines(data["types"]))
        self._words = {word: n for n, word in enumerate(_lines(data["words"]), 2)}
        self._pieces = {piece: n for n, piece in enumerate(_lines(data["pieces"]))}
        words, pieces_ = (
            data[f"{of}_vectors"] * np.asarray(data[f"{of}_scale"], np.float32)[:, None] for of in ("word", "piece")
        )
        first = np.asarray(data["first"], np.float32)  # (word vector + piece vector, width * hidden)
        size = words.shape[1]
        self._first_piece, self._first_flag = len(words), len(words) + len(pieces_)
        # What each word, piece and flag gives to the first layer: (words + pieces + flags, width * hidden).
        self._parts: _Floats = np.empty((self._first_flag + len(FLAGS), first.shape[1]), np.float32)
        self._threads = ThreadpoolController()
        with self._threads.limit(limits=1, user_api="blas"):  # the same to the last bit with any number of them
            np.matmul(words, first[:size], out=self._parts[: self._first_piece])
            np.matmul(pieces_, first[size:], out=self._parts[self._first_piece : self._first_flag])
        self._parts[self._first_flag :] = data["first_flags"]
        self._first_bias = np.asarray(data["first_bias"], np.float32)
        self._norms = [np.asarray(row, np.float32) for row in data["norms"]]  # gain and offset, layer by layer
        self._layers = [
            (int(dilation), np.asarray(weights, np.float32), np.asarray(bias, np.float32))
            for dilation, weights, bias in zip(data["dilations"], data["layers"], data["biases"], strict=True)
        ]
        self._out, self._out_bias = np.asarray(data["out"], np.float32), np.asarray(data["out_bias"], np.float32)
        self._rows: dict[_Key, int] = {}
        self._table: _Floats = np.empty((_KEPT, _WIDTH * len(self._first_bias)), np.float32)

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
        rows, places = self._read(story, flags)
        n = len(rows) - 2 * _REACH
        beside = self._table.reshape(-1, len(self._first_bias))  # what each word gives to each place, one by one
        hidden = beside.take(rows[:n] * _WIDTH, axis=0)
        for k in range(1, _WIDTH):
            hidden += beside.take(rows[k : k + n] * _WIDTH + k, axis=0)
        hidden += self._first_bias
        with self._threads.limit(limits=1, user_api="blas"):  # more cost more than they give on matrices so small
            _norm(np.maximum(hidden, 0, out=hidden), *self._norms[:2])
            for layer, (dilation, weights, bias) in enumerate(self._layers, 1):
                more = _with_neighbours(hidden, dilation) @ weights
                more += bias
                hidden += np.maximum(more, 0, out=more)
                _norm(hidden, *self._norms[2 * layer : 2 * layer + 2])
            scores = (hidden[places] @ self._out + self._out_bias).T.reshape(len(self.types), 3, len(places))
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares: _Floats = np.round(raised / raised.sum(axis=1, keepdims=True), 4)
        return shares.transpose(2, 0, 1)

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

    def _read(self, story: Story, flags: Sequence[int]) -> tuple[_Ints, _Ints]:
        """Table rows of all tokens, with gaps before, between and after sentences and nothing around; and where the
        tokens stand among the rows but for the nothing at the beginning."""
        keys: list[_Key] = [(t.text, bits) if bits else t.text for t, bits in zip(story.tokens, flags, strict=True)]
        known = self._known(keys)
        lengths = [s.last - s.first for s in story.sentences]
        places = np.arange(len(keys)) + _REACH * np.repeat(np.arange(1, len(lengths) + 1), lengths)
        rows = np.full(len(keys) + _REACH * (len(lengths) + 3), known[_BETWEEN])
        rows[:_REACH] = rows[-_REACH:] = known[_NOTHING]
        rows[places + _REACH] = list(map(known.__getitem__, keys))
        return rows, places

    def _known(self, keys: Sequence[_Key]) -> Mapping[_Key, int]:
        """The table rows of these and other words, those of new ones reckoned now."""
        wanted = dict.fromkeys((_NOTHING, _BETWEEN, *keys))
        if not wanted.keys() <= self._rows.keys():
            new = [key for key in wanted if key not in self._rows]
            if len(self._rows) + len(new) > len(self._table):
                self._rows, new = {}, list(wanted)
                if len(new) > len(self._table):
                    self._table = np.empty((len(new), self._table.shape[1]), np.float32)
            for row, key in enumerate(new, len(self._rows)):
                # One by one, not as one product: what a word gives must not depend on the words met with it.
                np.add.reduce(self._parts.take(self._parts_of(key), axis=0), axis=0, out=self._table[row])
                self._rows[key] = row
        return self._rows

    def _parts_of(self, key: _Key) -> list[int]:
        """The parts that make up what a word gives to the first layer."""
        if key == _NOTHING:
            return []
        if key == _BETWEEN:
            return [_GAP]
        word, bits = (key, 0) if isinstance(key, str) else key
        found = [self._words.get(fold(word), _UNKNOWN)]
        found += [self._first_piece + n for piece in pieces(word) if (n := self._pieces.get(piece)) is not None]
        return found + [self._first_flag + n for n in range(len(FLAGS)) if bits >> n & 1]


def _with_neighbours(x: _Floats, apart: int) -> _Floats:
    """Each row between the rows so far before and after it; zeros where there are none."""
    rows, size = x.shape
    wide = np.empty((rows, 3 * size), np.float32)
    wide[:apart, :size] = wide[-apart:, 2 * size :] = 0
    wide[apart:, :size] = x[:-apart]
    wide[:, size : 2 * size] = x
    wide[:-apart, 2 * size :] = x[apart:]
    return wide


def _norm(x: _Floats, gain: _Floats, offset: _Floats) -> None:
    """Layer normalisation of each row, in place."""
    size = x.shape[1]
    x -= (x @ np.full(size, 1 / size, np.float32))[:, None]
    x *= (1 / np.sqrt(np.einsum("ij,ij->i", x, x) / size + 1e-5))[:, None]
    x *= gain
    x += offset


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
