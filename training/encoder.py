"""A small BERT encoder that tags mentions: its layers, its weights, its answers by torch and by onnxruntime.

torch, safetensors, tokenizers and onnxruntime are imported when needed: the rest of the project runs without them.
"""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.mentions import FIELDS, SURE, Report, Span
from training.windows import BEGIN, OUTSIDE, Example, Floats, batches, examples

__all__ = [
    "Run",
    "export",
    "need",
    "onnx_run",
    "padded",
    "predict",
    "pretrained",
    "slices",
    "torch_run",
    "word_logits",
]

Run = Callable[[Sequence[Example]], Floats]  # a batch of windows -> the logits of their words, (words, outputs)

READ_AT_ONCE = 2  # windows: more would not stay in the processor's cache
LIKELY = 0.3  # a run of words less sure than SURE, but at least so, is a span where no surer one stands


def need(module: str) -> Any:
    """Import a package that only this script uses; exits with the way to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SystemExit(f"teacher.py needs {module.split('.')[0]}: make .venv/train installs it") from error


def encoder(torch: Any, config: Report, dropout: float) -> Any:
    """A BERT encoder with one linear layer over it: (batch, pieces) ids and mask -> (batch, pieces, outputs) logits.

    Attention is written out: on a CPU with bfloat16 it is faster in training than the fused kernel.
    """
    nn: Any = torch.nn
    size, heads, eps = config["hidden_size"], config["num_attention_heads"], config["layer_norm_eps"]

    class Layer(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.query, self.key, self.value, self.output = (nn.Linear(size, size) for _ in range(4))
            self.wide, self.narrow = (
                nn.Linear(size, config["intermediate_size"]),
                nn.Linear(config["intermediate_size"], size),
            )
            self.norm1, self.norm2 = nn.LayerNorm(size, eps), nn.LayerNorm(size, eps)
            self.drop = nn.Dropout(dropout)

        def forward(self, x: Any, bias: Any) -> Any:
            def split(y: Any) -> Any:
                return y.unflatten(-1, (heads, size // heads)).transpose(1, 2)

            weights = split(self.query(x)) @ split(self.key(x)).transpose(-1, -2) * (size // heads) ** -0.5 + bias
            mixed = (weights.softmax(-1).to(x.dtype) @ split(self.value(x)).to(x.dtype)).transpose(1, 2).flatten(2)
            x = self.norm1(x + self.drop(self.output(mixed)))
            return self.norm2(x + self.drop(self.narrow(nn.functional.gelu(self.wide(x)))))

    class Encoder(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(config["vocab_size"], size)
            self.positions = nn.Embedding(config["max_position_embeddings"], size)
            self.first_type = nn.Parameter(torch.zeros(size))
            self.norm, self.drop = nn.LayerNorm(size, eps), nn.Dropout(dropout)
            self.layers = nn.ModuleList(Layer() for _ in range(config["num_hidden_layers"]))
            self.head = nn.Linear(size, sum(3 + len(values) for _, _, values in FIELDS.values()))

        def forward(self, ids: Any, mask: Any) -> Any:
            places = torch.arange(ids.shape[1], device=ids.device)
            x = self.drop(self.norm(self.words(ids) + self.positions(places) + self.first_type))
            bias = (1.0 - mask[:, None, None, :].to(x.dtype)) * -10000.0
            for layer in self.layers:
                x = layer(x, bias)
            return self.head(x)

    return Encoder()


def pretrained(torch: Any, folder: Path, dropout: float) -> Any:
    """The encoder with the weights of a BERT checkpoint in Hugging Face's naming; its linear layer is new."""
    config = json.loads((folder / "config.json").read_text())
    stored = need("safetensors.torch").load_file(str(folder / "model.safetensors"))
    model = encoder(torch, config, dropout)
    names = {
        "words.weight": "embeddings.word_embeddings.weight",
        "positions.weight": "embeddings.position_embeddings.weight",
        "norm.weight": "embeddings.LayerNorm.weight",
        "norm.bias": "embeddings.LayerNorm.bias",
    }
    parts = {
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "output": "attention.output.dense",
        "norm1": "attention.output.LayerNorm",
        "wide": "intermediate.dense",
        "narrow": "output.dense",
        "norm2": "output.LayerNorm",
    }
    for layer in range(config["num_hidden_layers"]):
        for ours, theirs in parts.items():
            for end in ("weight", "bias"):
                names[f"layers.{layer}.{ours}.{end}"] = f"encoder.layer.{layer}.{theirs}.{end}"
    weights = {ours: stored[theirs] for ours, theirs in names.items()}
    weights["first_type"] = stored["embeddings.token_type_embeddings.weight"][0]
    missing = model.load_state_dict(weights, strict=False).missing_keys
    if set(missing) != {"head.weight", "head.bias"}:
        raise SystemExit(
            f"{folder}/model.safetensors is no BERT encoder of the shape config.json says: {missing} missing"
        )
    return model


def padded(torch: Any, batch: Sequence[Example]) -> tuple[Any, Any]:
    """Ids and mask of a batch, both (batch, pieces)."""
    longest = max(len(example.pieces) for example in batch)
    ids, mask = np.zeros((len(batch), longest), np.int64), np.zeros((len(batch), longest), np.int64)
    for row, example in enumerate(batch):
        ids[row, : len(example.pieces)] = example.pieces
        mask[row, : len(example.pieces)] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)


def word_logits(torch: Any, logits: Any, batch: Sequence[Example]) -> Any:
    """Logits at the first piece of every word of a batch, joined: (words, outputs)."""
    return torch.cat([logits[row, example.firsts] for row, example in enumerate(batch)]).float()


def slices() -> Iterator[tuple[int, slice, slice]]:
    """Per type its number, and where the logits of its span and of its finer kind stand among the outputs."""
    at = 0
    for number, (_, _, values) in enumerate(FIELDS.values()):
        yield number, slice(at, at + 3), slice(at + 3, at + 3 + len(values))
        at += 3 + len(values)


def torch_run(torch: Any, model: Any) -> Any:
    """A function from a batch of windows to the logits of their words, (words, outputs), by torch."""

    def run(batch: Sequence[Example]) -> Floats:
        model.eval()
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            found: Floats = word_logits(torch, model(*padded(torch, batch)), batch).numpy()
            return found

    return run


def onnx_run(path: Path) -> Any:
    """The same by onnxruntime on one core."""
    runtime = need("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(batch: Sequence[Example]) -> Floats:
        longest = max(len(example.pieces) for example in batch)
        ids = np.array([e.pieces + [0] * (longest - len(e.pieces)) for e in batch], np.int64)
        mask = np.array([[1] * len(e.pieces) + [0] * (longest - len(e.pieces)) for e in batch], np.int64)
        logits = session.run(None, {"ids": ids, "mask": mask})[0]
        return np.concatenate([logits[row, e.firsts] for row, e in enumerate(batch)])

    return run


def predict(run: Any, reports: Sequence[Report], tokenizer: Any) -> list[list[Span]]:
    """The spans of every report in order; of windows that share a word, the one that sees more around it decides."""
    made = examples(reports, tokenizer)
    seen: list[dict[tuple[int, int], tuple[int, Floats]]] = [{} for _ in reports]
    for batch in batches(made, READ_AT_ONCE):
        logits, at = run(batch), 0
        for example in batch:
            for place, word in enumerate(example.words):
                room = min(place, len(example.words) - 1 - place)
                if room > seen[example.report].get(word, (-1, logits[0]))[0]:
                    seen[example.report][word] = room, logits[at + place]
            at += len(example.words)
    return [spans_of(words) for words in seen]


def softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    shares: Floats = raised / raised.sum(-1, keepdims=True)
    return shares


def spans_of(words: dict[tuple[int, int], tuple[int, Floats]]) -> list[Span]:
    """Runs of probable words, type by type: first the sure ones, then likely ones that stand apart from them."""
    if not words:
        return []
    order = sorted(words)
    logits = np.stack([words[word][1] for word in order])
    found: list[Span] = []
    for (kind, (_, _, values)), (_, span, finer) in zip(FIELDS.items(), slices(), strict=True):
        shares, kinds = softmax(logits[:, span]), softmax(logits[:, finer])
        inside = 1.0 - shares[:, OUTSIDE]
        taken: list[tuple[int, int]] = []
        for least in (SURE, LIKELY):
            for a, b in runs(inside, shares[:, BEGIN], least):
                if all(b <= c or d <= a for c, d in taken):
                    taken.append((a, b))
                    value = values[int(kinds[a:b].mean(0).argmax())]
                    found.append(Span(order[a][0], order[b - 1][1], kind, round(float(inside[a:b].mean()), 3), value))
    return sorted(found)


def runs(inside: Floats, begin: Floats, least: float) -> Iterator[tuple[int, int]]:
    """Longest runs of words at least so probable, cut where a word more probably begins a span than continues one."""
    start = None
    for i, probability in enumerate([*inside.tolist(), 0.0]):
        if start is not None and (probability < least or begin[i] > 0.5 * probability):
            yield start, i
            start = None
        if start is None and probability >= least:
            start = i


def export(torch: Any, model: Any, weights: Path, folder: Path) -> Path:
    """Write the model as int8 ONNX with its tokenizer and labels; returns the model's path."""
    folder.mkdir(parents=True, exist_ok=True)
    whole, small = folder / "model.onnx", folder / "model.int8.onnx"
    model.eval()
    ids = torch.ones(2, 16, dtype=torch.int64)
    axes = {name: {0: "batch", 1: "pieces"} for name in ("ids", "mask", "logits")}
    names = {"input_names": ["ids", "mask"], "output_names": ["logits"], "dynamic_axes": axes}
    torch.onnx.export(model, (ids, ids), str(whole), opset_version=17, dynamo=False, **names)
    quantization = need("onnxruntime.quantization")
    quantization.quantize_dynamic(str(whole), str(small), per_channel=True, weight_type=quantization.QuantType.QInt8)
    whole.unlink()
    shutil.copyfile(weights / "tokenizer.json", folder / "tokenizer.json")
    outputs = [{"type": kind, "field": field, "values": list(values)} for kind, (_, field, values) in FIELDS.items()]
    (folder / "labels.json").write_text(
        json.dumps({"outputs": outputs, "sure": SURE, "likely": LIKELY}, indent=1) + "\n"
    )
    return small
