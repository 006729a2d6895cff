"""The words of a mention: which of them say what it is, which only modify it. The lists are kg/rules/entities.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from kg.clinical.sentences import Token
from kg.errors import RuleError
from kg.folding import Folder
from kg.resources import folder

__all__ = ["Named", "answered", "modifiers", "named", "plain", "returns", "trimmed"]

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
    depth, opened = 0, -1
    for n in range(first, last):
        if tokens[n].text in _BRACKETS:
            depth += _BRACKETS[tokens[n].text]
            if depth < 0:
                last = n
                break
            if depth == 1 and tokens[n].text in "([":
                opened = n
    if depth > 0:
        last, opened = opened, -1
    while first < last and tokens[last - 1].text.lower() in loose:
        if tokens[last - 1].text in ")]" and opened >= first:
            break  # the bracket closes one that belongs to the name
        last -= 1
    return first, last


def modifiers() -> frozenset[str]:
    """Words that do not make another entity."""
    return _rules().modifiers


def answered() -> re.Pattern[str]:
    """What ends before a treatment whose effect is told: "did not respond to"."""
    return _rules().answered


def returns() -> frozenset[str]:
    """Nouns that name the return of a disease."""
    return _rules().returns


@cache
def _folder() -> Folder:
    return Folder()


def _folded(words: Iterable[str]) -> frozenset[str]:
    return frozenset(w.folded for word in words for w in _folder().fold(word).words)


class _Rules(NamedTuple):
    modifiers: frozenset[str]
    answered: re.Pattern[str]
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
            re.compile(data["answered"], re.VERBOSE),
            frozenset(data["returns"]),
            frozenset(data["loose"]),
            {kind: _folded(words) for kind, words in data["generic"].items()},
            frozenset(data["prepositions"]),
            _folded(data["recurring"]),
        )
    except (OSError, KeyError, re.error, tomllib.TOMLDecodeError) as error:
        raise RuleError(f"{path}: {error}; mend the rule file.") from error
