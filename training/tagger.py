"""Trains the tagger of kg/clinical/tagging.py.

    python -m training.tagger --data train.jsonl --silver silver.jsonl.gz --work FOLDER [--folds]

``train.jsonl`` holds annotated reports; ``silver.jsonl.gz`` a corpus labelled by ``training/teacher.py``. Words get
vectors from the company they keep in that corpus (positive pointwise mutual information, factorised); the network
learns from the silver labels first, then from the annotated reports. What is slow is kept in FOLDER. ``--folds`` also
writes FOLDER/fold0.npz ... fold4.npz, each trained without a fifth of the annotated reports, for training/entities.py.
Needs torch. One thread and fixed seeds: the same data give the same bytes on the same machine.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.sparse import csr_matrix
from sklearn.utils.extmath import randomized_svd
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from kg import vocab
from kg.clinical.lexicon import Matcher
from kg.clinical.mentions import flags, terms
from kg.clinical.sentences import split_tokens
from kg.clinical.story import read_story
from kg.clinical.tagging import FLAGS, fold, pieces
from kg.model import Document
from kg.model import Report as Bibliography
from training.mentions import Report, labels_of, read

__all__ = ["FOLDS", "main"]

FOLDS = 3
TYPES = ("condition", "intervention", "outcome")
HIDDEN, WORD, PIECE, FLAG = 128, 100, 64, 24
DILATIONS = (2, 4)
PIECES_A_WORD = 8
LEAST_SEEN, MOST_PIECES = 3, 12000
CONTEXTS = 8000
BATCH = 8
BOOKED = 2  # rows of the word table before the words: unknown, and the gap between sentences


class Example(NamedTuple):
    """One report as arrays, with two gaps before each sentence and at the end; targets are (tokens, types, 3)."""

    words: Tensor
    pieces: Tensor
    flags: Tensor
    targets: Tensor
    weights: Tensor


class Words(NamedTuple):
    """The words that have vectors, those vectors, and the pieces that have some."""

    words: list[str]
    vectors: np.ndarray[Any, np.dtype[np.float32]]
    pieces: list[str]


def learn_words(texts: Sequence[str]) -> Words:
    """Vectors from co-occurrence with the most frequent words, three places on each side."""
    found = [[fold(t.text) for t in split_tokens(text)] for text in texts]
    seen = Counter(word for text in found for word in text)
    words = sorted((w for w, n in seen.items() if n >= LEAST_SEEN), key=lambda w: (-seen[w], w))
    number = {w: n for n, w in enumerate(words)}
    contexts = min(CONTEXTS, len(words))
    rows, columns = [], []
    for told in found:
        ids = np.array([number.get(w, -1) for w in told])
        for place, shift in enumerate((-3, -2, -1, 1, 2, 3)):
            ours = ids[max(0, -shift) : len(ids) - max(0, shift)]
            theirs = ids[max(0, shift) : len(ids) + min(0, shift)]
            both = (ours >= 0) & (theirs >= 0) & (theirs < contexts)
            rows.append(ours[both])
            columns.append(theirs[both] + (0, 0, 1, 2, 3, 3)[place] * contexts)
    row, column = np.concatenate(rows), np.concatenate(columns)
    counts = csr_matrix((np.ones(len(row), np.float32), (row, column)), shape=(len(words), 4 * contexts))
    counts.sum_duplicates()
    of_word = np.asarray(counts.sum(1)).ravel()
    of_context = np.asarray(counts.sum(0)).ravel() ** 0.75
    of_context /= of_context.sum()
    cells = counts.tocoo()
    mutual = np.log(cells.data / (of_word[cells.row] * of_context[cells.col] + 1e-9) + 1e-12)
    positive = mutual > 0
    matrix = csr_matrix((mutual[positive], (cells.row[positive], cells.col[positive])), shape=counts.shape)
    left, strength, _ = randomized_svd(matrix, WORD, random_state=0, n_iter=4)
    vectors = left * np.sqrt(strength)
    vectors = 2 * vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9)
    parts: Counter[str] = Counter()
    for text in texts:
        parts.update(p for t in split_tokens(text) for p in pieces(t.text))
    frequent = sorted(parts, key=lambda p: (-parts[p], p))[:MOST_PIECES]
    return Words(words, vectors.astype(np.float32), sorted(frequent))


class Reader:
    """Turns reports and their spans into examples."""

    def __init__(self, known: Words) -> None:
        self._words = {w: n for n, w in enumerate(known.words, BOOKED)}
        self._pieces = {p: n for n, p in enumerate(known.pieces, 1)}
        self._matcher = Matcher(vocab.load().lexicon())
        self._seen: dict[str, tuple[int, list[int]]] = {}

    def example(self, report: Report, spans: Sequence[tuple[str, int, int, float]], doubtful: Doubtful = ()) -> Example:
        """``spans`` as (type, start, end, probability); ``doubtful`` as (type, start, end, weight)."""
        story = read_story(Document(report["id"], report["text"], Bibliography(), ()))
        tokens = story.tokens
        marks = flags(story, terms(story, self._matcher))
        targets = np.zeros((len(tokens), len(TYPES), 3), np.float32)
        targets[:, :, 0] = 1
        weights = np.ones((len(tokens), len(TYPES)), np.float32)
        for kind, start, end, weight in doubtful:
            weights[_inside(tokens, start, end), TYPES.index(kind)] = weight
        for kind, start, end, chance in spans:
            inside = _inside(tokens, start, end)
            column = TYPES.index(kind)
            if inside and (targets[inside, column, 0] == 1).all():
                targets[inside, column] = (1 - chance, 0, chance)
                targets[inside[0], column] = (1 - chance, chance, 0)
                weights[inside, column] = 1
        ids: list[int] = []
        parts: list[list[int]] = []
        bits: list[list[int]] = []
        places: list[int] = []
        for sentence in story.sentences:
            ids += (1, 1)
            parts += [[0] * PIECES_A_WORD] * 2
            bits += [[0] * len(FLAGS)] * 2
            places += range(len(ids), len(ids) + sentence.last - sentence.first)
            for token, mark in zip(story.tokens_of(sentence), marks[sentence.first : sentence.last], strict=True):
                word, own = self._word(token.text)
                ids.append(word)
                parts.append(own)
                bits.append([mark >> n & 1 for n in range(len(FLAGS))])
        ids += (1, 1)
        parts += [[0] * PIECES_A_WORD] * 2
        bits += [[0] * len(FLAGS)] * 2
        full = np.zeros((len(ids), len(TYPES), 3), np.float32)
        heavy = np.zeros((len(ids), len(TYPES)), np.float32)
        full[places], heavy[places] = targets, weights
        return Example(
            torch.tensor(ids), torch.tensor(parts), torch.tensor(bits, dtype=torch.float32),
            torch.from_numpy(full), torch.from_numpy(heavy),
        )  # fmt: skip

    def _word(self, text: str) -> tuple[int, list[int]]:
        if text not in self._seen:
            own = [self._pieces.get(p, 0) for p in pieces(text)]
            self._seen[text] = self._words.get(fold(text), 0), own + [0] * (PIECES_A_WORD - len(own))
        return self._seen[text]


Doubtful = Sequence[tuple[str, int, int, float]]


def _inside(tokens: Sequence[Any], start: int, end: int) -> list[int]:
    return [n for n, token in enumerate(tokens) if token.start < end and token.end > start]


class Net(nn.Module):
    """What Tagger runs: word, piece and flag vectors, a convolution, and dilated ones beside their input."""

    def __init__(self, known: Words) -> None:
        super().__init__()
        self.word = nn.Embedding(len(known.words) + BOOKED, WORD)
        self.piece = nn.EmbeddingBag(len(known.pieces) + 1, PIECE, mode="sum", padding_idx=0)
        with torch.no_grad():
            self.word.weight.normal_(0, 0.1)
            self.word.weight[BOOKED:] = torch.from_numpy(known.vectors)
            self.piece.weight.normal_(0, 0.1)
            self.piece.weight[0] = 0
        self.flag = nn.Linear(len(FLAGS), FLAG, bias=False)
        self.first = nn.Conv1d(WORD + PIECE + FLAG, HIDDEN, 5, padding=2)
        self.layers = nn.ModuleList(nn.Conv1d(HIDDEN, HIDDEN, 3, padding=d, dilation=d) for d in DILATIONS)
        self.norms = nn.ModuleList(nn.LayerNorm(HIDDEN) for _ in range(1 + len(DILATIONS)))
        self.out = nn.Linear(HIDDEN, 3 * len(TYPES))

    def forward(self, batch: Example, there: Tensor) -> Tensor:
        """Scores (reports, tokens, types, 3); ``there`` is 0 where a report is over."""
        reports, length = batch.words.shape
        word = self.word(batch.words)
        bits = batch.flags
        if self.training:
            word = word * (torch.rand(reports, length, 1) > 0.08)
            bits = bits * (torch.rand(reports, 1, 1) > 0.1)
        piece = self.piece(batch.pieces.view(-1, PIECES_A_WORD)).view(reports, length, -1)
        seen = F.dropout(torch.cat([word, piece], -1), 0.4, self.training)
        seen = torch.cat([seen, self.flag(bits)], -1) * there
        hidden = self.first(seen.transpose(1, 2)).transpose(1, 2)
        hidden = self.norms[0](F.relu(hidden)) * there
        for layer, norm in zip(self.layers, self.norms[1:], strict=True):
            hidden = F.dropout(hidden, 0.25, self.training)
            more = F.relu(layer(hidden.transpose(1, 2)).transpose(1, 2))
            hidden = norm(hidden + more) * there
        result: Tensor = self.out(F.dropout(hidden, 0.25, self.training)).view(reports, length, len(TYPES), 3)
        return result


def fit(net: Net, examples: Sequence[Example], epochs: int, rate: float, seed: int) -> None:
    """Trains ``net``; the rate rises over the first steps and then falls to nothing."""
    torch.manual_seed(seed)
    chance = random.Random(seed)
    others = [p for name, p in net.named_parameters() if name != "word.weight"]
    groups = [{"params": [net.word.weight], "weight_decay": 0.0}, {"params": others, "weight_decay": 0.02}]
    optimizer = torch.optim.AdamW(groups, lr=rate)
    steps = epochs * -(-len(examples) // BATCH)
    step = 0
    net.train()
    for epoch in range(epochs):
        total = 0.0
        for batch, there in batches(examples, chance):
            share = max(0.02, 1 - step / steps) * min(1.0, step / 100 + 0.05)
            for group, own in zip(optimizer.param_groups, (0.2, 1.0), strict=True):
                group["lr"] = rate * own * share
            scores = F.log_softmax(net(batch, there), -1)
            loss = -(scores * batch.targets).sum(-1)
            loss = (loss * batch.weights).sum() / batch.weights.sum()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            step += 1
            total += loss.item()
        print(f"  epoch {epoch + 1} of {epochs}: loss {total * epochs / steps:.4f}", flush=True)


def batches(examples: Sequence[Example], chance: random.Random) -> Iterator[tuple[Example, Tensor]]:
    """Batches of reports of like length, in random order; shorter ones are filled up."""
    order = sorted(range(len(examples)), key=lambda n: (len(examples[n].words) + chance.random() * 60, n))
    groups = [order[n : n + BATCH] for n in range(0, len(order), BATCH)]
    chance.shuffle(groups)
    for group in groups:
        own = [examples[n] for n in group]
        length = max(len(e.words) for e in own)
        filled = (torch.stack([_filled(part, length) for part in parts]) for parts in zip(*own, strict=True))
        there = torch.stack([_filled(torch.ones(len(e.words), 1), length) for e in own])
        yield Example(*filled), there


def _filled(part: Tensor, length: int) -> Tensor:
    return torch.cat([part, part.new_zeros(length - len(part), *part.shape[1:])])


def write(net: Net, known: Words, path: Path) -> None:
    """The network as Tagger reads it: vectors in eight bits, the rest in sixteen."""

    def eight(rows: Tensor) -> tuple[Any, Any]:
        values = rows.detach().numpy()
        scale = np.abs(values).max(axis=1) / 127 + 1e-12
        return np.round(values / scale[:, None]).astype(np.int8), scale.astype(np.float32)

    def lines(words: Sequence[str]) -> Any:
        return np.frombuffer("\n".join(words).encode(), np.uint8)

    p = {name: value.detach().numpy() for name, value in net.named_parameters()}
    words, word_scale = eight(net.word.weight)
    parts, piece_scale = eight(net.piece.weight[1:])
    first = p["first.weight"].transpose(1, 2, 0)  # (inputs, width, hidden)
    flag = np.einsum("fi,iwh->fwh", p["flag.weight"].T, first[WORD + PIECE :])
    count = len(DILATIONS)
    data: Mapping[str, Any] = {
        "types": lines(TYPES),
        "words": lines(known.words),
        "pieces": lines(known.pieces),
        "word_vectors": words,
        "word_scale": word_scale,
        "piece_vectors": parts,
        "piece_scale": piece_scale,
        "first": first[: WORD + PIECE].reshape(WORD + PIECE, -1).astype(np.float16),
        "first_flags": flag.reshape(len(FLAGS), -1).astype(np.float16),
        "first_bias": p["first.bias"],
        "norms": np.stack([p[f"norms.{n}.{part}"] for n in range(count + 1) for part in ("weight", "bias")]),
        "dilations": np.array(DILATIONS),
        "layers": np.stack(
            [p[f"layers.{n}.weight"].transpose(2, 1, 0).reshape(-1, HIDDEN) for n in range(count)]
        ).astype(np.float16),
        "biases": np.stack([p[f"layers.{n}.bias"] for n in range(count)]),
        "out": p["out.weight"].T.copy(),
        "out_bias": p["out.bias"],
    }
    np.savez_compressed(path, allow_pickle=False, **data)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True, help="annotated reports, JSON lines")
    parser.add_argument("--silver", type=Path, required=True, help="a corpus labelled by training/teacher.py")
    parser.add_argument("--work", type=Path, required=True, help="folder for what is slow to make")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "kg" / "models" / "tagger.npz")
    parser.add_argument("--folds", action="store_true", help="also write taggers without a fifth of the reports each")
    parser.add_argument("--only", type=int, help="write this fold's tagger only")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    arguments.work.mkdir(parents=True, exist_ok=True)
    gold = read(arguments.data)
    silver = read(arguments.silver)
    texts = {report["id"]: report["text"] for report in (*silver, *gold)}
    known = learned_words([*texts.values()], arguments.work / "words.npz")
    reader = Reader(known)
    start = arguments.work / "silver.pt"
    if not start.exists():
        examples = [reader.example(r, silver_spans(r)) for r in silver]
        print(f"{len(examples)} silver reports", flush=True)
        torch.manual_seed(0)
        net = Net(known)
        fit(net, examples, 3, 2e-3, 0)
        torch.save(net.state_dict(), start)
        del examples
    examples = [gold_example(reader, r) for r in gold]
    chosen = [arguments.only] if arguments.only is not None else [*(range(FOLDS) if arguments.folds else ()), None]
    for out in chosen:
        net = Net(known)
        net.load_state_dict(torch.load(start, weights_only=True))
        fit(net, [e for n, e in enumerate(examples) if out is None or n % FOLDS != out], 5, 1e-3, 1)
        write(net, known, arguments.out if out is None else arguments.work / f"fold{out}.npz")


def silver_spans(report: Report) -> list[tuple[str, int, int, float]]:
    """Spans of a labelled report, the surest first."""
    spans = sorted(report["spans"], key=lambda s: (-s["score"], s["start"]))
    return [(s["type"], s["start"], s["end"], s["score"]) for s in spans]


def gold_example(reader: Reader, report: Report) -> Example:
    """What an annotated report teaches."""
    labels = labels_of(report)
    spans = [(s.type, s.start, s.end, s.score) for s in (*labels.annotated, *labels.repeated)]
    return reader.example(report, spans, labels.doubtful)


def learned_words(texts: Sequence[str], path: Path) -> Words:
    """The words of the corpus, from ``path`` where it is there."""
    if not path.exists():
        made = learn_words(texts)
        np.savez(path, words=np.array(made.words), vectors=made.vectors, pieces=np.array(made.pieces))
    with np.load(path) as data:
        return Words(data["words"].tolist(), data["vectors"], data["pieces"].tolist())


if __name__ == "__main__":
    main()
