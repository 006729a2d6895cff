"""The trained tagger: which tokens name a condition or an intervention, and how surely.

A small convolutional network read from ``kg/models/tagger.npz`` (``training/tagger.py`` writes it) and run in NumPy.
Its first layer depends on each word alone: what a word, with its pieces and flags, gives to its five places is reckoned
when it is met, and kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from itertools import islice, repeat
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
_KEPT = 28672  # words whose first layer is kept; at 128 hidden units 73 MB
_AT_ONCE = 8  # words whose first layer is reckoned together
_NO_PARTS = [-1] * 9  # a word has its vector and at most eight pieces
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
        self._blas = ThreadpoolController().select(user_api="blas").lib_controllers
        self._first = _First(data)
        self._first_bias = np.asarray(data["first_bias"], np.float32)
        self._norms = [np.asarray(row, np.float32) for row in data["norms"]]  # gain and offset, layer by layer
        self._layers = [
            (int(dilation), np.asarray(weights, np.float32), np.asarray(bias, np.float32))
            for dilation, weights, bias in zip(data["dilations"], data["layers"], data["biases"], strict=True)
        ]
        self._out, self._out_bias = np.asarray(data["out"], np.float32), np.asarray(data["out_bias"], np.float32)

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
        with self._one_thread():  # more cost more than they give on matrices so small
            rows, places = self._read(story, flags)
            n = len(rows) - 2 * _REACH
            beside = self._first.table.reshape(-1, len(self._first_bias))  # what words give to each place, one by one
            hidden = beside.take(rows[:n] * _WIDTH, axis=0)
            for k in range(1, _WIDTH):
                hidden += beside.take(rows[k : k + n] * _WIDTH + k, axis=0)
            hidden += self._first_bias
            _norm(np.maximum(hidden, 0, out=hidden), *self._norms[:2])
            for layer, (dilation, weights, bias) in enumerate(self._layers, 1):
                more = _with_neighbours(hidden, dilation) @ weights
                more += bias
                hidden += np.maximum(more, 0, out=more)
                _norm(hidden, *self._norms[2 * layer : 2 * layer + 2])
            scores = hidden[places] @ self._out + self._out_bias
        scores = np.ascontiguousarray(scores.T).reshape(len(self.types), 3, len(places))
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares: _Floats = np.round(raised / raised.sum(axis=1, keepdims=True), 4)
        return shares.transpose(2, 0, 1)

    def decode(self, story: Story, chances: _Floats, type_: str, least: float) -> list[Tagged]:
        """Stretches of tokens each at least so likely part of an entity of a type, in order."""
        outside, begin, further = chances[:, self.types.index(type_)].T
        inside = (1 - outside).tolist()
        likely = np.flatnonzero(outside <= 1 - least)
        begins = {s.first for s in story.sentences}
        found: list[Tagged] = []
        first = last = -1
        for n, fresh in zip(likely.tolist(), (begin > further)[likely].tolist(), strict=True):
            if first >= 0 and (n != last or fresh or n in begins):
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
        nothing, between, *met = self._first.rows((_NOTHING, _BETWEEN, *keys))
        lengths = [s.last - s.first for s in story.sentences]
        places = np.arange(len(keys)) + _REACH * np.repeat(np.arange(1, len(lengths) + 1), lengths)
        rows = np.full(len(keys) + _REACH * (len(lengths) + 3), between)
        rows[:_REACH] = rows[-_REACH:] = nothing
        rows[places + _REACH] = met
        return rows, places

    @contextmanager
    def _one_thread(self) -> Iterator[None]:
        """One thread for products of matrices; ThreadpoolController.limit does the same in three times the time."""
        before = [library.get_num_threads() for library in self._blas]
        try:
            for library in self._blas:
                library.set_num_threads(1)
            yield
        finally:
            for library, threads in zip(self._blas, before, strict=True):
                library.set_num_threads(threads)


class _First(dict[_Key, int]):
    """Word -> the row of ``table`` that holds what it gives to the first layer: reckoned when it is met, then kept."""

    def __init__(self, data: Any) -> None:
        super().__init__()
        words, pieces_ = (
            data[f"{of}_vectors"] * np.asarray(data[f"{of}_scale"], np.float32)[:, None] for of in ("word", "piece")
        )
        self._gives = np.asarray(data["first"], np.float32)  # (word vector + piece vector, width * hidden)
        # Of each word, then of each piece, its part of the whole vector, zeros in the other part; the last is nothing.
        self._vectors: _Floats = np.zeros((len(words) + len(pieces_) + 1, len(self._gives)), np.float32)
        self._vectors[: len(words), : words.shape[1]] = words
        self._vectors[len(words) : -1, words.shape[1] :] = pieces_
        self._words = {word: n for n, word in enumerate(_lines(data["words"]), 2)}
        self._pieces = {piece: n for n, piece in enumerate(_lines(data["pieces"]), len(words))}
        self._flags = np.asarray(data["first_flags"], np.float32)  # (flags, width * hidden)
        self.table: _Floats = np.empty((_KEPT, self._gives.shape[1]), np.float32)

    def rows(self, keys: Sequence[_Key]) -> list[int]:
        """The row of each of some words; all others may be forgotten for these."""
        if len(self) + len(keys) > len(self.table):
            self.clear()
            if len(keys) > len(self.table):
                self.table = np.empty((len(keys), self.table.shape[1]), np.float32)
        known = len(self)
        rows = list(map(self.__getitem__, keys))
        if len(self) > known:
            try:
                self._reckon(list(islice(reversed(self), len(self) - known))[::-1], known)
            except BaseException:  # rows that are not reckoned must not be used
                self.clear()
                raise
        return rows

    def __missing__(self, key: _Key) -> int:
        row = self[key] = len(self)
        return row

    def _reckon(self, keys: Sequence[_Key], row: int) -> None:
        """Fills the table from a row on with what words give.

        Always as many at once: products of other sizes may round otherwise, and what a word gives must not depend on
        the words met with it.
        """
        for n in range(0, len(keys), _AT_ONCE):
            some = keys[n : n + _AT_ONCE]
            parts = np.array([*map(self._parts, some), *[_NO_PARTS] * (_AT_ONCE - len(some))])
            seen = np.add.reduce(self._vectors[parts], axis=1)
            self.table[row + n : row + n + len(some)] = (seen @ self._gives)[: len(some)]
        for n, key in enumerate(keys, row):
            if not isinstance(key, str):
                for flag in (f for f in range(len(FLAGS)) if key[1] >> f & 1):
                    self.table[n] += self._flags[flag]

    def _parts(self, key: _Key) -> list[int]:
        """Which vectors make up a word: its own and those of its pieces."""
        word = key if isinstance(key, str) else key[0]
        if word == _NOTHING:
            return _NO_PARTS
        if word == _BETWEEN:
            return [_GAP, *_NO_PARTS[1:]]
        found = [self._words.get(fold(word), _UNKNOWN), *map(self._pieces.get, pieces(word), repeat(-1))]
        return found + _NO_PARTS[len(found) :]


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
