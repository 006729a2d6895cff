"""The ways to write a concept that are looked for in texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from kg.vocab.entries import Entry, Synonym, rules

__all__ = ["surfaces"]

_LOWER = re.compile(r"[a-z]{4}")


class _Words(NamedTuple):
    endings: tuple[str, ...]
    empty: frozenset[str]
    not_inverted: frozenset[str]


def surfaces(entry: Entry, *, shipped: bool) -> Iterator[tuple[Synonym, bool]]:
    """Each way to write ``entry``, and whether it is a preferred label.

    Those of vocabularies that others made are cleaned: endings such as "(disorder)" and labels that say nothing are
    left out, what looks like an abbreviation is one, and "Anemia, Aplastic" is turned round too.
    """
    preferred = [Synonym(label, language) for language, label in entry.labels.items()]
    for words, first in (*((word, True) for word in preferred), *((word, False) for word in entry.synonyms)):
        if shipped:
            yield words, first
            continue
        for n, cleaned in enumerate(_cleaned(words)):
            yield cleaned, first and n == 0


def _cleaned(words: Synonym) -> Iterator[Synonym]:
    rule = _words()
    surface = " ".join(words.surface.split())
    for ending in rule.endings:
        surface = surface.removesuffix(ending)
    if surface.casefold() in rule.empty:
        return
    if words.abbreviation or _looks_short(surface):
        if 2 <= len(surface) <= 20:
            yield Synonym(surface, words.language, True)
        return
    if len(surface) < 4 or len(surface) > 120:
        return
    yield Synonym(surface, words.language)
    parts = surface.split(", ")
    if 1 < len(parts) < 4 and not rule.not_inverted & {w.casefold() for w in surface.replace(",", "").split()}:
        yield Synonym(" ".join(reversed(parts)), words.language)


def _looks_short(surface: str) -> bool:
    """ "ALL", "GvHD", "FEV1", "CD20", but not "McArdle" or "Aplastic anemia"."""
    if " " in surface or len(surface) > 10 or _LOWER.search(surface):
        return False
    return sum(c.isupper() for c in surface) >= 2 or (surface[:1].isupper() and any(c.isdigit() for c in surface))


@cache
def _words() -> _Words:
    given = rules()["words"]
    return _Words(tuple(given["endings"]), frozenset(given["empty"]), frozenset(given["not_inverted"]))
