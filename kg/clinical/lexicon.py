"""Finds the terms of a vocabulary in a text."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple

from kg.clinical.compiled import ABBREVIATION, KOREAN, compiled
from kg.clinical.folding import GLUED, HYPHEN, Folded, fold, hangul, spelling
from kg.model import Lexicon
from kg.resources import cache_folder

__all__ = ["Match", "Matcher"]

_REACH = 8  # an abbreviation has no more words than this, a Korean term no more runs of letters
_HANGUL_IN = re.compile("[\uac00-\ud7a3]")


class Match(NamedTuple):
    """``text[start:end]`` names one of ``curies``, the likeliest first."""

    start: int
    end: int
    curies: tuple[str, ...]


class Matcher:
    """All terms of a lexicon, ready to be found.

    Terms are compared folded (see ``folding``); abbreviations with their case. Of overlapping terms the leftmost
    counts, and of those that begin together the longest. A lexicon whose version is a hash of its
    content is kept, compiled, in the user's cache folder.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self._terms = compiled(lexicon, cache_folder())
        rules = spelling()
        words = rules["words"]
        self._plain = frozenset(words["plain"])
        self._not_after = frozenset(words["not_after"])
        self._not_after_blank = frozenset(words["not_after_blank"])
        self._not_before = frozenset(words["not_before"])
        self._particles = re.compile(f"(?:{'|'.join(sorted(rules['korean']['particles'], key=len, reverse=True))})*")

    def find(self, text: str) -> list[Match]:
        """All terms in ``text``, in order and without overlap."""
        folded = fold(text, self._terms.known)
        words, exact = folded.words, folded.exact
        first = self._terms.first
        korean = _HANGUL_IN.search(text) is not None
        candidates = [n for n, word in enumerate(words) if word in first or exact[n] in first]
        if korean:
            candidates = sorted({*candidates, *_korean_starts(words)})
        if not candidates:
            return []
        places, at = [], 0
        for word in words:
            places.append(at)
            at += len(word) + 1
        joined = " ".join(words)
        found: list[Match] = []
        free = 0  # the first word that no term covers yet
        for n in candidates:
            if n < free or not self._may_begin(folded, n):
                continue
            last, end, curies = self._longest(folded, n, joined, places, korean)
            if curies:
                found.append(Match(folded.starts[n], end, curies))
                free = last + 1
        return found

    def ground(self, words: str) -> tuple[str, ...]:
        """The concepts that ``words`` as a whole name, the likeliest first."""
        folded = fold(words, self._terms.known)
        keys = [ABBREVIATION + " ".join(folded.exact), " ".join(folded.words), KOREAN + "".join(folded.words)]
        return tuple(dict.fromkeys(c for key in keys if key in self._terms.trie for c in self._terms.concepts(key)))

    def _longest(
        self, folded: Folded, n: int, joined: str, places: list[int], korean: bool
    ) -> tuple[int, int, tuple[str, ...]]:
        """The longest term that begins with word ``n``: its last word, its end in the text, its concepts."""
        terms = self._terms
        words, exact = folded.words, folded.exact
        best = n - 1
        curies: tuple[str, ...] = ()
        if exact[n] in terms.first:
            own = exact[n : n + _REACH]
            for key in reversed(terms.trie.prefixes(ABBREVIATION + " ".join(own))):
                count = key.count(" ") + 1
                if key[1:] == " ".join(own[:count]) and self._may_end(folded, n + count - 1):
                    if not self._shouted(folded, n, n + count - 1):
                        best, curies = n + count - 1, terms.concepts(key)
                    break
        if words[n] in terms.first:
            begin = places[n]
            for key in reversed(terms.trie.prefixes(joined[begin : begin + terms.longest])):
                stop = begin + len(key)
                last = bisect_left(places, stop) - 1
                if last < best or places[last] + len(words[last]) != stop or not self._may_end(folded, last):
                    continue
                more = terms.concepts(key)
                curies = tuple(dict.fromkeys((*curies, *more))) if last == best else more
                best = last
                break
        end = folded.ends[best] if curies else folded.starts[n]
        if korean:
            last, stop, more = self._korean(folded, n)
            if more and stop > end:
                return last, stop, more
        return best, end, curies

    def _korean(self, folded: Folded, n: int) -> tuple[int, int, tuple[str, ...]]:
        """The longest Korean term that begins with word ``n``, whose blanks do not count; particles may follow it."""
        words = folded.words[n : n + _REACH]
        for key in reversed(self._terms.trie.prefixes(KOREAN + "".join(words))):
            rest, last = len(key) - 1, n
            while rest > len(folded.words[last]):
                rest -= len(folded.words[last])
                last += 1
            word, start, end = folded.words[last], folded.starts[last], folded.ends[last]
            if rest == len(word):
                if self._may_end(folded, last):
                    return last, end, self._terms.concepts(key)
            elif len(word) == end - start and hangul(word) and self._particles.fullmatch(word, rest):
                return last, start + rest, self._terms.concepts(key)
        return n, 0, ()

    def _may_begin(self, folded: Folded, n: int) -> bool:
        gap = folded.gaps[n]
        if n == 0:
            return True
        before = folded.words[n - 1]
        return (
            gap != GLUED and not (gap == HYPHEN and before in self._not_after) and before not in self._not_after_blank
        )

    def _may_end(self, folded: Folded, last: int) -> bool:
        if last + 1 == len(folded.words):
            return True
        gap = folded.gaps[last + 1]
        return gap != GLUED and not (gap == HYPHEN and folded.words[last + 1] in self._not_before)

    def _shouted(self, folded: Folded, n: int, last: int) -> bool:
        """Whether an abbreviation that is also a word ("ALL") stands among words in capitals, as in some titles."""
        if n != last or folded.exact[n] not in self._plain:
            return False
        return any(len(word) > 3 and word.isalpha() and word.isupper() for word in _beside(folded, n))


def _beside(folded: Folded, n: int) -> list[str]:
    """The words just before and after word ``n``."""
    return [folded.exact[i] for i in (n - 1, n + 1) if 0 <= i < len(folded.exact)]


def _korean_starts(words: list[str]) -> list[int]:
    """Words that are Korean, or stand right before a Korean one ("T세포")."""
    return [
        n
        for n in range(len(words))
        if hangul(words[n]) or (n + 2 < len(words) and any(map(hangul, words[n + 1 : n + 3])))
    ]
