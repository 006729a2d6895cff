"""The words of a mention: which of them say what it is, which only modify it. The lists are kg/rules/entities.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from kg.clinical.sentences import Token
from kg.errors import RuleError
from kg.folding import Folder
from kg.resources import folder

__all__ = ["Named", "modifiers", "named", "plain", "returns", "trimmed"]

_BRACKETS = {"(": 1, "[": 1, ")": -1, "]": -1}
_PART = re.compile(r"[^\W_]+")


class Named(NamedTuple):
    """What a mention is called: its ``words`` without modifiers, its ``head``, whether it tells of a recurrence."""

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


def trimmed(tokens: Sequence[Token], first: int, last: int) -> tuple[int, int]:
    """``first:last`` without the words and marks that no name begins or ends with, and without an open bracket."""
    loose = _rules().loose
    while first < last and tokens[first].text.lower() in loose:
        first += 1
    depth = 0
    for n in range(first, last):
        if tokens[n].text in _BRACKETS:
            depth += _BRACKETS[tokens[n].text]
            if depth < 0:
                last = n
                break
            opened = n
    if depth > 0:
        last = opened
    while first < last and tokens[last - 1].text.lower() in loose:
        last -= 1
    return first, last


def modifiers() -> frozenset[str]:
    """Words that do not make another entity."""
    return _rules().modifiers


def returns() -> frozenset[str]:
    """Nouns that name the return of a disease."""
    return _rules().returns


@cache
def _folder() -> Folder:
    return Folder()


class _Rules(NamedTuple):
    modifiers: frozenset[str]
    returns: frozenset[str]
    loose: frozenset[str]
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
            frozenset(data["returns"]),
            frozenset(data["loose"]),
            {kind: frozenset(words) for kind, words in data["generic"].items()},
            frozenset(data["prepositions"]),
            frozenset(data["recurring"]),
        )
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise RuleError(f"{path}: {error}; mend the rule file.") from error
