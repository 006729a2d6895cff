"""What a sentence speaks about: this patient's story, or something else that must give no facts.

The cues and their weights are data, kg/rules/sentences.toml; one automaton finds them all in one pass over the text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal, NamedTuple, cast, get_args

from ahocorasick_rs import AhoCorasick, MatchKind

from kg.errors import RuleError
from kg.model import Span
from kg.resources import folder

__all__ = ["SentenceRole", "sentence_roles"]

SentenceRole = Literal["title", "story", "background", "discussion", "laboratory", "others", "family"]

_ROLES = get_args(SentenceRole)
_PAST = re.compile(r"\w{3}ed\b|\b(?:led|became|began|rose|fell|found|felt|took|died)\b")
_RUN_ON = ("background", "discussion", "others", "laboratory")


class _Cues(NamedTuple):
    find: AhoCorasick
    weights: list[tuple[SentenceRole, int, bool]]  # role, weight, whether it must open its sentence
    not_after: tuple[str, ...]
    leaning: Mapping[str, Mapping[SentenceRole, int]]


def sentence_roles(lower: str, spans: Sequence[Span], blocks: Sequence[str] = ()) -> list[SentenceRole]:
    """The role of each sentence of a text given in lower case: that of the heaviest cues, the story where they tie.

    ``blocks`` are the kinds of the blocks the sentences stand in: an introduction leans to background, a title is one.
    """
    find, weights, not_after, leaning = _cues()
    hits = find.find_matches_as_indexes(lower, overlapping=True)
    roles: list[SentenceRole] = []
    n = 0
    for index, span in enumerate(spans):
        block = blocks[index] if blocks else ""
        sums: dict[SentenceRole, int] = dict(leaning.get(block, ()))
        while n < len(hits) and hits[n][1] < span.start:
            n += 1
        while n < len(hits) and hits[n][1] < span.end:
            which, start, end = hits[n]
            n += 1
            role, weight, opening = weights[which]
            if (opening and start != span.start) or not _whole(lower, start, end):
                continue
            if role == "story" or not f" {lower[span.start : start]}".endswith(not_after):
                sums[role] = sums.get(role, 0) + weight
        story = sums.pop("story", 0)
        best = max(sums, key=sums.__getitem__, default=None)
        if block == "title":
            roles.append("title")
        elif best and sums[best] > story:
            roles.append(best)
        else:
            # What says nothing of the patient goes on as the sentence before: "However, these drugs have side effects."
            runs_on = story == 0 and roles and roles[-1] in _RUN_ON and not _PAST.search(lower, span.start, span.end)
            roles.append(roles[-1] if runs_on else "story")
    return roles


def _whole(lower: str, start: int, end: int) -> bool:
    """Whether ``lower[start:end]`` stands there as whole words."""
    return (start == 0 or not lower[start].isalnum() or not lower[start - 1].isalnum()) and (
        end == len(lower) or not lower[end].isalnum()
    )


@cache
def _cues() -> _Cues:
    path = folder("rules") / "sentences.toml"
    rules = tomllib.loads(path.read_text(encoding="utf-8"))["roles"]
    words: list[str] = []
    weights: list[tuple[SentenceRole, int, bool]] = []
    for group in rules["cue"]:
        if group["role"] not in _ROLES:
            raise RuleError(f"{path}: a cue has the role {group['role']!r}; it must be one of {', '.join(_ROLES)}.")
        words += group["words"]
        cue = (cast(SentenceRole, group["role"]), int(group["weight"]), bool(group.get("opening", False)))
        weights += [cue] * len(group["words"])
    not_after = tuple(f" {word} " for word in rules["not_after"])
    return _Cues(AhoCorasick(words, matchkind=MatchKind.Standard), weights, not_after, rules["leaning"])
