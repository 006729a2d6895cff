"""The words of a mention: which of them say what it is, which only modify it. The lists are kg/rules/entities.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from kg.errors import RuleError
from kg.folding import Folder
from kg.resources import folder

__all__ = ["Named", "modifiers", "named", "plain"]

_PART = re.compile(r"[^\W_]+")


class Named(NamedTuple):
    """What a mention is called: its ``words`` without modifiers, its ``head`` word, whether it tells of a recurrence."""

    words: frozenset[str]
    head: str
    recurring: bool
    generic: bool


@lru_cache(65536)
def named(text: str, type_: str) -> Named:
    """What a mention of these words is called."""
    rules = _rules()
    folded = [w.folded for w in _folder().fold(text).words if w.folded[0].isalnum()]
    core = [w for w in folded if w not in rules.modifiers]
    content = frozenset(w for w in core if w not in rules.prepositions) or frozenset(folded)
    head = ""
    for word in core:
        if word in rules.prepositions and head:
            break
        head = word
    recurring = not rules.recurring.isdisjoint(folded)
    return Named(content, head or (folded[-1] if folded else ""), recurring, content <= rules.generic[type_])


def plain(words: str) -> str:
    """A name without the modifiers at its front, white space single."""
    while (first := _PART.match(words)) and first.end() < len(words) and first[0] in modifiers():
        words = words[first.end() :].lstrip(" -")
    return " ".join(words.split())


def modifiers() -> frozenset[str]:
    """Words that do not make another entity."""
    return _rules().modifiers


@cache
def _folder() -> Folder:
    return Folder()


class _Rules(NamedTuple):
    modifiers: frozenset[str]
    generic: Mapping[str, frozenset[str]]
    prepositions: frozenset[str]
    recurring: frozenset[str]


@cache
def _rules() -> _Rules:
    path = folder("rules") / "entities.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return _Rules(
            frozenset(data["modifiers"]),
            {kind: frozenset(words) for kind, words in data["generic"].items()},
            frozenset(data["prepositions"]),
            frozenset(data["recurring"]),
        )
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise RuleError(f"{path}: {error}; mend the rule file.") from error
