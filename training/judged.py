"""What training/judge.py says of the corpus, joined with the entities that the extractor finds there."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kg import vocab
from kg.clinical.conditions import conditions
from kg.clinical.interventions import interventions
from kg.clinical.lexicon import Matcher
from kg.clinical.mentions import find_mentions
from kg.clinical.outcomes import Candidate, candidates
from kg.clinical.story import Story, read_story
from kg.clinical.tagging import Tagger
from kg.model import Condition, Document, Intervention, Report
from training.scenes import LABELS, LINKS

__all__ = ["JudgedCase", "read_judged"]


@dataclass(frozen=True)
class JudgedCase:
    """One patient of a report of the corpus.

    ``shares`` holds for each of ``candidates`` how likely each label is; ``links`` for each kind of link how likely the
    pair is that starts at two offsets.
    """

    story: Story
    number: int
    conditions: Sequence[Condition]
    interventions: Sequence[Intervention]
    candidates: Sequence[Candidate]
    shares: Sequence[Mapping[str, float]]
    links: Mapping[str, Mapping[tuple[int, int], float]]


def read_judged(path: Path) -> Iterator[JudgedCase]:
    """Every patient in a file of training/judge.py; what the extractor no longer finds is left out."""
    matcher, tagger = Matcher(vocab.load().lexicon()), Tagger.load()
    last = ""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["id"] != last:
                story = read_story(Document(row["id"], row["text"], Report(), ()))
                mentions, told = find_mentions(story, matcher, tagger)
                last = row["id"]
            number = row["case"]
            if number >= story.cases:
                continue
            ill = [c for c in conditions(story, mentions, number, matcher.concepts) if c.assertion == "present"]
            given = [i for i in interventions(story, mentions, number, matcher.concepts) if i.assertion == "present"]
            judged = {start: dict(zip(LABELS, shares, strict=True)) for start, shares in row["outcomes"]}
            found = [
                c
                for c in candidates(story, number, ill, given, told, matcher.concepts)
                if c.marked.tokens[c.at].start in judged
            ]
            links = {kind: {(a, b): likely for a, b, likely in row.get(kind, ())} for kind in LINKS}
            shares = [judged[c.marked.tokens[c.at].start] for c in found]
            yield JudgedCase(story, number, ill, given, found, shares, links)
