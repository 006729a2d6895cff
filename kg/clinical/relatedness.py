"""How near two phrases are in meaning: "voriconazole" to "aspergillosis", "creatinine" to "kidney injury".

Word vectors read from ``kg/models/vectors.npz`` (``training/vectors.py`` writes it): words that stand in like company
in a corpus of case reports have like vectors. A phrase is the mean of its words, rare words counting more.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from math import sqrt
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from kg.errors import RuleError
from kg.resources import folder

__all__ = ["Vector", "Vectors", "words"]

Vector = npt.NDArray[np.float32]

_WORD = re.compile(r"[a-z][a-z0-9-]+[a-z0-9]")  # three letters or more


def words(text: str) -> list[str]:
    """The words of a text that may have a vector, in lower case."""
    return _WORD.findall(text.lower())


class Vectors:
    """The vectors of words; unknown words say nothing."""

    def __init__(self, data: Any) -> None:
        self._rows = {word: n for n, word in enumerate(bytes(data["words"]).decode().split("\n"))}
        self._vectors, self._scale = np.ascontiguousarray(data["vectors"]), data["scale"]
        self._phrase = lru_cache(8192)(self._reckoned)  # the same phrases come again and again

    @staticmethod
    @cache
    def load() -> Vectors:
        """The vectors in kg/models/; RuleError where they are missing or not as they must be."""
        path = folder("models") / "vectors.npz"
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
                return Vectors({key: data[key] for key in data.files})
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise RuleError(f"{path}: no readable vectors ({error}); restore the file or train it again.") from error

    def of(self, text: str) -> Vector:
        """The vector of a phrase, of length one, or all zeros if no word of it is known; their product is a cosine."""
        return self._phrase(text)

    def _reckoned(self, text: str) -> Vector:
        rows = [row for word in dict.fromkeys(words(text)) if (row := self._rows.get(word)) is not None]
        total: Vector = self._scale.take(rows) @ self._vectors.take(rows, axis=0).astype(np.float32)
        length = sqrt(total @ total)
        return total / length if length else total
