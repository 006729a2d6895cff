"""The trained tagger: which tokens name a condition or an intervention, and how surely.

A small convolutional network read from ``kg/models/tagger.npz`` (``training/tagger.py`` writes it) and run in NumPy.
Its first layer depends on each word alone: what a word gives to its five places is reckoned once, then looked up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from kg.clinical.story import Story
from kg.errors import RuleError
from kg.resources import folder

__all__ = ["Tagged", "Tagger", "fold", "pieces"]

_Floats = npt.NDArray[np.float32]
_REACH = 2  # tokens that the first layer sees on each side
_WIDTH = 2 * _REACH + 1
_KEPT = 12288  # words whose first layer is kept; at 128 hidden units 31 MB
_SURE = 0.985  # a token so likely outside of any entity ends the stretch to decode
_DIGIT = re.compile(r"\d")
_UPPER, _LOWER, _RUN = re.compile(r"[A-Z]"), re.compile(r"[a-z]"), re.compile(r"(.)\1+")
_UNKNOWN, _EDGE = 0, 1  # rows of the word vectors: an unknown word, and the gap between sentences


class Tagged(NamedTuple):
    """Tokens ``first:last`` of a story as an entity of ``type``; ``score`` is the least likely token's probability."""

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
    """``probabilities(story)`` gives the label probabilities of each token, ``decode`` the entities in them."""

    def __init__(self, data: Any) -> None:
        self.labels: tuple[str, ...] = tuple(_lines(data["labels"]))
        self._words = {word: n for n, word in enumerate(_lines(data["words"]), 2)}
        self._pieces = {piece: n for n, piece in enumerate(_lines(data["pieces"]))}
        self._word_vectors, self._word_scale = data["word_vectors"], data["word_scale"]
        self._piece_vectors, self._piece_scale = data["piece_vectors"], data["piece_scale"]
        first = np.asarray(data["first"], np.float64)  # (word vector + piece vector, width * hidden)
        split = self._word_vectors.shape[1]
        self._first_word, self._first_piece = first[:split], first[split:]
        self._first_bias = np.asarray(data["first_bias"], np.float32)
        self._norms = [np.asarray(row, np.float32) for row in data["norms"]]  # gain and offset, layer by layer
        self._layers = [
            (int(dilation), np.asarray(weights, np.float32), np.asarray(bias, np.float32))
            for dilation, weights, bias in zip(data["dilations"], data["layers"], data["biases"], strict=True)
        ]
        self._out, self._out_bias = np.asarray(data["out"], np.float32), np.asarray(data["out_bias"], np.float32)
        self._threads = ThreadpoolController()
        self._moves = _moves(self.labels)
        self._rows: dict[str, int] = {}
        self._table: _Floats = np.zeros((_KEPT, _WIDTH, len(self._first_bias)), np.float32)

    @classmethod
    def load(cls, name: str = "tagger") -> Tagger:
        """The tagger of that name in kg/models/; RuleError where it is missing or not as it must be."""
        return _load(name)

    def probabilities(self, story: Story) -> _Floats:
        """One row a token of the story, one column a label."""
        rows, places = self._read(story)
        with self._threads.limit(limits=1, user_api="blas"):  # more cost more than they give on matrices so small
            return self._run(rows, places)

    def _run(self, rows: npt.NDArray[np.intp], places: npt.NDArray[np.intp]) -> _Floats:
        """Label probabilities of the words in table rows ``rows``, at ``places`` of them."""
        n = len(rows) - 2 * _REACH
        seen = self._table.take(rows, axis=0)
        hidden = self._first_bias + sum(seen[k : k + n, k] for k in range(_WIDTH))
        hidden = _norm(np.maximum(hidden, 0), *self._norms[:2])
        for layer, (dilation, weights, bias) in enumerate(self._layers, 1):
            padded = np.zeros((n + 2 * dilation, hidden.shape[1]), np.float32)
            padded[dilation : dilation + n] = hidden
            wide = np.concatenate([padded[:n], hidden, padded[2 * dilation :]], axis=1)
            hidden = _norm(hidden + np.maximum(wide @ weights + bias, 0), *self._norms[2 * layer : 2 * layer + 2])
        scores = hidden[places] @ self._out + self._out_bias
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        result: _Floats = np.round(raised / raised.sum(axis=1, keepdims=True), 4)
        return result

    def chance(self, chances: _Floats, kind: str) -> list[float]:
        """The probability that each token is part of an entity of type ``kind``."""
        columns = [n for n, label in enumerate(self.labels) if label[2:] == kind]
        total: list[float] = chances[:, columns].sum(axis=1).tolist()
        return total

    def decode(self, story: Story, chances: _Floats, outside: float = 1.0) -> list[Tagged]:
        """Entities in order; ``outside`` weighs the label O, so less than 1 finds more."""
        found: list[Tagged] = []
        open_tokens = np.flatnonzero(chances[:, 0] < _SURE).tolist()
        begins = {s.first for s in story.sentences}
        stretch: list[int] = []
        for token in [*open_tokens, -1]:
            if stretch and (token != stretch[-1] + 1 or token in begins):
                found += self._decode(stretch[0], chances[stretch[0] : stretch[-1] + 1].tolist(), outside)
                stretch = []
            stretch.append(token)
        return found

    def _decode(self, first: int, chances: Sequence[Sequence[float]], outside: float) -> list[Tagged]:
        """The likeliest allowed labels of a stretch of tokens (Viterbi), as entities."""
        labels, moves = self.labels, self._moves
        weights = [outside, *[1.0] * (len(labels) - 1)]
        best = [p * w if label[0] != "I" else 0.0 for p, w, label in zip(chances[0], weights, labels, strict=True)]
        back: list[list[int]] = []
        for row in chances[1:]:
            came = [max(before, key=best.__getitem__) for before in moves]
            top = max(best)
            best = [best[c] / top * p * w for c, p, w in zip(came, row, weights, strict=True)]
            back.append(came)
        path = [max(range(len(best)), key=best.__getitem__)]
        for came in reversed(back):
            path.append(came[path[-1]])
        path.reverse()
        found = []
        begun = None
        for n, state in enumerate([*path, 0]):
            if begun is not None and labels[state][0] != "I":
                score = min(1.0 - row[0] for row in chances[begun:n])
                found.append(Tagged(first + begun, first + n, labels[path[begun]][2:], score))
                begun = None
            if labels[state][0] == "B":
                begun = n
        return found

    def _read(self, story: Story) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Table rows of all tokens with gaps between sentences, and the places of the tokens among them."""
        if len(self._rows) + len(story.tokens) > _KEPT:
            self._rows = {}
        known = self._rows
        edge = self._row("", _EDGE) if "" not in known else known[""]
        rows: list[int] = []
        places: list[int] = []
        for sentence in story.sentences:
            rows += (edge, edge)
            at = len(rows)
            for token in story.tokens[sentence.first : sentence.last]:
                word = token.text
                row = known.get(word)
                rows.append(self._row(word) if row is None else row)
            places += range(at - _REACH, len(rows) - _REACH)
        rows += (edge, edge)
        return np.array(rows, np.intp), np.array(places, np.intp)

    def _row(self, word: str, index: int | None = None) -> int:
        """The table row of a word, reckoned now; in double precision, so that words before it make no difference."""
        n = self._words.get(fold(word), _UNKNOWN) if index is None else index
        vector = self._word_vectors[n].astype(np.float64) * float(self._word_scale[n])
        total = vector @ self._first_word
        known = [self._pieces[p] for p in (pieces(word) if word else ()) if p in self._pieces]
        if known:
            parts = self._piece_vectors[known].astype(np.float64) * self._piece_scale[known][:, None]
            total = total + parts.sum(axis=0) @ self._first_piece
        row = self._rows[word] = len(self._rows)
        self._table[row] = total.reshape(_WIDTH, -1)
        return row


def _norm(x: _Floats, gain: _Floats, offset: _Floats) -> _Floats:
    """Layer normalisation of each row."""
    x = x - x.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ij,ij->i", x, x)[:, None] / x.shape[1] + 1e-5)
    result: _Floats = x / spread * gain + offset
    return result


def _moves(labels: Sequence[str]) -> list[list[int]]:
    """For each label, those that may stand before it: I-x only after B-x or I-x."""
    every = list(range(len(labels)))
    return [[n for n in every if label[0] != "I" or labels[n][2:] == label[2:]] for label in labels]


def _lines(data: npt.NDArray[np.uint8]) -> list[str]:
    return bytes(data).decode().split("\n")


@cache
def _load(name: str) -> Tagger:
    path = folder("models") / f"{name}.npz"
    try:
        with np.load(path, allow_pickle=False) as data:
            return Tagger({key: data[key] for key in data.files})
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise RuleError(f"{path}: not a readable tagger ({error}); restore the file or train it again.") from error
