"""Learns word vectors from a corpus of case reports, for kg/clinical/relatedness.py.

    python -m training.vectors --corpora CASES.jsonl.gz --leave dev.jsonl

How often two words stand near each other, beyond chance (positive pointwise mutual information), reduced to its main
directions: Levy, Goldberg and Dagan, Improving Distributional Similarity with Lessons Learned from Word Embeddings,
TACL 3 (2015). Writes kg/models/vectors.npz; a minute on one core.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import svds

from kg.clinical.relatedness import words
from training.linear import MODELS
from training.mentions import folded, read

__all__ = ["main"]

LEAST = 4  # times a word must occur
COMMON = 120  # so many of the commonest words say nothing of their company
WINDOW = 10  # words on each side that are company, the near ones counting more
SMOOTHING = 0.75  # of the chance of a word as company
SIZE = 96
SINGULAR = 0.75  # power of the singular values in the vectors
RARE = 1e-3  # a word so frequent counts half


def main(arguments: Sequence[str] | None = None) -> None:
    """Learns the vectors and writes them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpora", type=Path, required=True, help="reports, JSON lines, gzipped or not")
    parser.add_argument("--leave", type=Path, required=True, help="annotated reports that the corpus is cleared of")
    given = parser.parse_args(arguments)
    left = list(read(given.leave))
    hidden = {report["id"] for report in left} | {folded(report["text"]) for report in left}
    texts = [r["text"] for r in read(given.corpora) if r["id"] not in hidden and folded(r["text"]) not in hidden]
    told = [words(text) for text in texts]
    seen = Counter(word for text in told for word in text)
    common = {word for word, _ in sorted(seen.items(), key=lambda item: (-item[1], item[0]))[:COMMON]}
    known = sorted(word for word, times in seen.items() if times >= LEAST and word not in common)
    vectors = reduced(company(told, {word: n for n, word in enumerate(known)}))
    write(known, vectors, np.array([RARE / (RARE + seen[word] / seen.total()) for word in known]))


def company(texts: Iterable[Sequence[str]], numbers: dict[str, int]) -> Any:
    """A sparse matrix (words, words): how much more often than by chance two stand near each other (PPMI)."""
    near = Counter[tuple[int, int]]()
    for text in texts:
        row = [numbers.get(word, -1) for word in text]
        for n, a in enumerate(row):
            for apart, b in enumerate(row[n + 1 : n + 1 + WINDOW]):
                if a >= 0 and b >= 0 and a != b:
                    near[min(a, b), max(a, b)] += 60 // (5 + apart)  # whole numbers, so that no order matters
    pairs = np.array(sorted((a, b, times) for (a, b), times in near.items()))
    rows, columns = np.r_[pairs[:, 0], pairs[:, 1]], np.r_[pairs[:, 1], pairs[:, 0]]
    times = np.r_[pairs[:, 2], pairs[:, 2]].astype(float)
    of_word = np.bincount(rows, times, len(numbers))
    as_company = of_word**SMOOTHING
    beyond = np.log(times * as_company.sum() / (of_word[rows] * as_company[columns]))
    kept = beyond > 0
    return coo_matrix((beyond[kept], (rows[kept], columns[kept])), shape=(len(numbers), len(numbers))).tocsr()


def reduced(matrix: Any) -> npt.NDArray[np.float64]:
    """Vectors (words, SIZE) of length one, or of zeros for a word without company."""
    left, singular, _ = svds(matrix, k=SIZE, random_state=0)
    vectors = left * singular**SINGULAR
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: npt.NDArray[np.float64] = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-9)
    return result


def write(known: Sequence[str], vectors: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> None:
    """Writes the words, their vectors as bytes and by what each must be multiplied."""
    largest = np.maximum(np.abs(vectors).max(axis=1), 1e-9)
    path = MODELS / "vectors.npz"
    np.savez_compressed(
        path,
        words=np.frombuffer("\n".join(known).encode(), np.uint8),
        vectors=np.round(vectors / largest[:, None] * 127).astype(np.int8),
        scale=(weights * largest / 127).astype(np.float32),
    )
    print(f"{path.name}: {len(known)} words, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
