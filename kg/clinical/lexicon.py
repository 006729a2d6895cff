"""Finds the terms of a vocabulary in a text."""

from __future__ import annotations

import re
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

from kg.clinical.compiled import ABBREVIATION, ALONE, FIRST, KOREAN, SHORT, compiled
from kg.folding import GLUED, HYPHEN, Folder, Word, hangul, spelling
from kg.folding import key as fold_key
from kg.model import Lexicon
from kg.resources import cache_folder

__all__ = ["Match", "Matcher"]

_WRITTEN, _PLACE = itemgetter(0), itemgetter(5)  # of a Word: these are asked for every word of every text
_REACH = 8  # an abbreviation has no more words than this, a Korean term no more runs of letters
_KOREAN = re.compile("[\uac00-\ud7a3]")


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
        self.concepts = lexicon.concepts
        self._terms = compiled(lexicon, cache_folder())
        self._folder = Folder(self._terms.known, self._terms.places, self._terms.exact_places)
        rules = spelling()
        words = rules["words"]
        self._plain = frozenset(words["plain"])
        self._not_after = frozenset(words["not_after"])
        self._not_after_blank = frozenset(words["not_after_blank"])
        self._not_before = frozenset(words["not_before"])
        self._names = frozenset(map(fold_key, words["names"]))
        self._particles = re.compile(f"(?:{'|'.join(sorted(rules['korean']['particles'], key=len, reverse=True))})*")

    def find(self, text: str) -> list[Match]:
        """All terms in ``text``, in order and without overlap."""
        folded = self._folder.fold(text)
        words = folded.words
        korean = _KOREAN.search(text) is not None
        places = list(map(_PLACE, words))
        pairs = self._terms.pairs
        candidates = [
            n
            for n, (place, following) in enumerate(zip(places, [*places[1:], 0], strict=False))
            if place & (ALONE | SHORT) or (place & FIRST and (place >> 3 << 32 | following >> 3) in pairs)
        ]
        if korean:
            candidates = sorted({*candidates, *_korean_starts(words)})
        if not candidates:
            return []
        written = list(map(_WRITTEN, words))
        joined = " ".join(written)
        before = list(accumulate(map(len, written), initial=0))  # letters before each word, without blanks
        terms = self._terms
        prefixes, longest = terms.trie.prefixes, terms.longest
        found: list[Match] = []
        free = 0  # the first word that no term covers yet
        for n in candidates:
            if n < free:
                continue
            begin = before[n] + n
            keys = prefixes(joined[begin : begin + longest])
            if not (keys or korean or words[n][5] & SHORT) or not self._may_begin(words, n):
                continue
            last, cut, curies = self._longest(words, n, keys, korean)
            start = folded.span(n)[0]
            if curies and (text[start].isupper() or " ".join(written[n : last + 1]) not in self._names):
                found.append(Match(start, folded.span(last)[1] - cut, curies))
                free = last + 1
        return found

    def ground(self, words: str) -> tuple[str, ...]:
        """The concepts that ``words`` as a whole name, the likeliest first."""
        folded = self._folder.fold(words).words
        keys = (
            ABBREVIATION + " ".join(w.exact for w in folded),
            " ".join(w.folded for w in folded),
            KOREAN + "".join(w.folded for w in folded),
        )
        return tuple(dict.fromkeys(c for key in keys if key in self._terms.trie for c in self._terms.concepts(key)))

    def _longest(self, words: list[Word], n: int, keys: list[str], korean: bool) -> tuple[int, int, tuple[str, ...]]:
        """The longest term that begins with word ``n``: its last word, how much of that it leaves, its concepts.

        ``keys`` are the folded terms that the text goes on with; a term must end where a word ends.
        """
        best, cut = n - 1, 0
        curies: tuple[str, ...] = ()
        if words[n].place & SHORT:
            best, curies = self._abbreviation(words, n)
        for key in reversed(keys):
            last = n + key.count(" ")
            if last < best:
                break
            if key.endswith(words[last].folded) and self._may_end(words, last):
                more = self._terms.concepts(key)
                best, curies = last, (tuple(dict.fromkeys((*curies, *more))) if last == best else more)
                break
        if korean:
            last, left, more = self._korean(words, n)
            if more and (last, -left) > (best, 0):
                return last, left, more
        return best, cut, curies

    def _abbreviation(self, words: list[Word], n: int) -> tuple[int, tuple[str, ...]]:
        """The longest abbreviation that begins with word ``n``: its last word and its concepts."""
        own = [word.exact for word in words[n : n + _REACH]]
        for key in reversed(self._terms.trie.prefixes(ABBREVIATION + " ".join(own))):
            count = key.count(" ") + 1
            if key[1:] == " ".join(own[:count]) and self._may_end(words, n + count - 1):
                return (n - 1, ()) if self._shouted(words, n, count) else (n + count - 1, self._terms.concepts(key))
        return n - 1, ()

    def _korean(self, words: list[Word], n: int) -> tuple[int, int, tuple[str, ...]]:
        """The longest Korean term that begins with word ``n``, whose blanks do not count; particles may follow it."""
        ahead = "".join([word.folded for word in words[n : n + _REACH]])
        for key in reversed(self._terms.trie.prefixes(KOREAN + ahead)):
            rest, last = len(key) - 1, n
            while rest > len(words[last].folded):
                rest -= len(words[last].folded)
                last += 1
            word = words[last]
            left = len(word.folded) - rest
            if left == 0 and self._may_end(words, last):
                return last, 0, self._terms.concepts(key)
            if left and len(word.folded) == word.end - word.start and self._particles.fullmatch(word.folded, rest):
                return last, left, self._terms.concepts(key)
        return n, 0, ()

    def _may_begin(self, words: list[Word], n: int) -> bool:
        gap = words[n].gap
        if n == 0:
            return True
        before = words[n - 1].folded
        return (
            gap != GLUED and not (gap == HYPHEN and before in self._not_after) and before not in self._not_after_blank
        )

    def _may_end(self, words: list[Word], last: int) -> bool:
        if last + 1 == len(words):
            return True
        after = words[last + 1]
        return after.gap != GLUED and not (after.gap == HYPHEN and after.folded in self._not_before)

    def _shouted(self, words: list[Word], n: int, count: int) -> bool:
        """Whether an abbreviation that is also a word ("ALL") stands among words in capitals, as in some titles."""
        if count > 1 or words[n].exact not in self._plain:
            return False
        beside = [words[i].exact for i in (n - 1, n + 1) if 0 <= i < len(words)]
        return any(len(word) > 3 and word.isalpha() and word.isupper() for word in beside)


def _korean_starts(words: list[Word]) -> list[int]:
    """Words that are Korean, or stand right before a Korean one ("T세포")."""
    korean = {n for n, word in enumerate(words) if hangul(word.folded)}
    return sorted({k for n in korean for k in (n, n - 1, n - 2) if k >= 0})
