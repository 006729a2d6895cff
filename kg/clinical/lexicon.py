"""Finds the terms of a vocabulary in a text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

from kg.clinical.abbreviations import Abbreviation, abbreviations
from kg.clinical.compiled import ABBREVIATION, ALONE, FIRST, KOREAN, PLACE_BITS, SHORT, SHORT_FIRST, compiled
from kg.folding import GLUED, HYPHEN, SPACE, Folder, Word, hangul, spelling
from kg.folding import key as fold_key
from kg.model import Lexicon
from kg.resources import cache_folder

__all__ = ["Match", "Matcher"]

_WRITTEN, _PLACE = itemgetter(0), itemgetter(5)  # of a Word: these are asked for every word of every text
_SHORTS = SHORT | SHORT_FIRST
_LONGER = FIRST | _SHORTS
_AT_ONCE = ALONE | _SHORTS
_ORDER = itemgetter(0)  # of a Match
_EMPTY = 3  # words so short say nothing: "of", "the"
_STEM = 5  # letters that tell a word: "pulmo"
_MEMORY = 100_000  # meanings remembered before the memory is emptied
_REACH = 8  # an abbreviation has no more words than this, a Korean term no more runs of letters
_KOREAN = re.compile("[\uac00-\ud7a3]")


class Match(NamedTuple):
    """``text[start:end]`` names one of ``curies``, the likeliest first."""

    start: int
    end: int
    curies: tuple[str, ...]


class _Meaning(NamedTuple):
    """What a term means. A ``name`` needs its capital; a ``phrase`` only names outcomes, and may hold other terms."""

    curies: tuple[str, ...]
    name: bool
    phrase: bool


_Reading = tuple[int, int, _Meaning]  # a term's last word, how much of that it leaves, what it means


class Matcher:
    """All terms of a lexicon, ready to be found.

    Terms are compared folded (see ``folding``); abbreviations with their case. Of overlapping terms the leftmost
    counts, and of those that begin together the longest; but the condition in "died of sepsis" counts beside the
    outcome that this is. A lexicon whose version is a hash of its content is kept, compiled, in the user's cache
    folder.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.concepts = lexicon.concepts
        self._terms = compiled(lexicon, cache_folder())
        self._folder = Folder(self._terms.known, self._terms.places, self._terms.exact_places)
        self._meanings: dict[str, _Meaning] = {}
        rules = spelling()
        words = rules["words"]
        self._plain = frozenset(words["plain"])
        self._not_after = frozenset(words["not_after"])
        self._not_after_blank = frozenset(words["not_after_blank"])
        self._not_before = frozenset(words["not_before"])
        self._names = frozenset(map(fold_key, words["names"]))
        self._ambiguous = frozenset(words["ambiguous"])
        self._particles = re.compile(f"(?:{'|'.join(sorted(rules['korean']['particles'], key=len, reverse=True))})*")

    def find(self, text: str) -> list[Match]:
        """All terms in ``text``, in order; an abbreviation that it defines means what it says there."""
        meant = {a.short: self._defined(a, text) for a in abbreviations(text)}
        found = [m for match in self._terms_in(text) for m in self._settled(match, text, meant)]
        for start, end, curies in _places(text, {short: c for short, c in meant.items() if c is not None}):
            there = [m for m in found if m.start < end and start < m.end]
            if all(start <= m.start and m.end <= end for m in there):  # else it is part of a longer term
                found = [m for m in found if m not in there]
                if curies:
                    found.append(Match(start, end, curies))
        return sorted(found, key=_ORDER) if meant else found

    def _terms_in(self, text: str) -> list[Match]:
        folded = self._folder.fold(text)
        words = folded.words
        korean = _KOREAN.search(text) is not None
        candidates = self._candidates(words, korean)
        if not candidates:
            return []
        written = list(map(_WRITTEN, words))
        joined = " ".join([*written, ""])  # with a blank after each word
        before = list(accumulate(map(len, written), initial=0))  # letters before each word, without blanks
        begins, prefixes, longest = folded.begins, self._terms.trie.prefixes, self._terms.longest
        found: list[Match] = []
        free = after_phrase = 0  # the first words that no term, and no phrase or term, covers yet
        for n in candidates:
            if n < free:
                continue
            _, _, begin, _, gap, place = words[n]
            if n and (gap != SPACE or written[n - 1] in self._not_after_blank) and not self._may_begin(words, n):
                continue
            at = before[n] + n
            keys = prefixes(joined[at : at + longest]) if korean or place & _LONGER else [written[n]]
            readings = self._folded(words, n, keys)
            if korean or place & _SHORTS:
                readings = self._all(words, n, readings, korean)
            for last, cut, meaning in readings:
                start = begins[n] + begin
                if meaning.name and not text[start].isupper():
                    break
                if n < after_phrase and (meaning.phrase or _hyphenated(words, n, last, after_phrase)):
                    continue  # no phrase in a phrase, no "steroid" in "steroid-resistant"
                found.append(Match(start, begins[last] + words[last].end - cut, meaning.curies))
                after_phrase = max(after_phrase, last + 1)
                if not meaning.phrase:
                    free = last + 1
                    break
        return found

    def _candidates(self, words: list[Word], korean: bool) -> list[int]:
        """The words that a term may begin with."""
        pairs = self._terms.pairs
        places = list(map(_PLACE, words))
        candidates = [
            n
            for n, (place, following) in enumerate(zip(places, [*places[1:], 0], strict=False))
            if place & _AT_ONCE or (place & FIRST and (place >> PLACE_BITS << 32 | following >> PLACE_BITS) in pairs)
        ]
        return sorted({*candidates, *_korean_starts(words)}) if korean else candidates

    def _settled(self, match: Match, text: str, defined: Collection[str]) -> Iterator[Match]:
        """The match; of an abbreviation of several meanings that the text does not define only with those concepts most
        words of whose names stand in the text, if there are any."""
        short = text[match.start : match.end]
        if self._ambiguous.isdisjoint((short, short.removesuffix("s"))) or short in defined:
            yield match
            return
        said = text.lower()
        kept = []
        for curie in match.curies:
            words = [word for word in self.concepts[curie].label.lower().split() if len(word) > _EMPTY]
            if 2 * sum(word[:_STEM] in said for word in words) >= len(words):
                kept.append(curie)
        if kept:
            yield Match(match.start, match.end, tuple(kept))

    def _defined(self, short: Abbreviation, text: str) -> tuple[str, ...] | None:
        """What an abbreviation means by its definition; () where that names no concept, and rules out the usual one.

        None where the definition only words the usual one in another way: half of its words are those of the concept,
        whose label may hold the abbreviation itself, or it names a part of it or something that it is a kind of.
        """
        long = text[short.long_span.start : short.long_span.end]
        if curies := self.ground(long):
            return curies
        said = {w.folded for w in self._folder.fold(long).words if len(w.folded) > _EMPTY}
        within = {c for match in self._terms_in(long) for c in match.curies}
        for concept in (known for c in self.ground(short.short) if (known := self.concepts.get(c))):
            own = {w.folded for w in self._folder.fold(concept.label).words}
            if (
                2 * len(said & own) >= max(len(said), 1)
                or (short.short in concept.label and not concept.parts)
                or within.intersection((*concept.parts, *concept.ancestors))
            ):
                return None
        return ()

    def ground(self, words: str) -> tuple[str, ...]:
        """The concepts that ``words`` as a whole name, the likeliest first."""
        folded = self._folder.fold(words).words
        keys = (
            ABBREVIATION + " ".join(w.exact for w in folded),
            " ".join(w.folded for w in folded),
            KOREAN + "".join(w.folded for w in folded),
        )
        return tuple(dict.fromkeys(c for key in keys if key in self._terms.trie for c in self._terms.concepts(key)))

    def _folded(self, words: list[Word], n: int, keys: list[str]) -> list[_Reading]:
        """The terms that begin with word ``n``, the longest first.

        ``keys`` are the folded terms that the text goes on with; a term must end where a word ends.
        """
        readings = []
        for key in reversed(keys):
            last = n + key.count(" ")
            if key.endswith(words[last][0]) and self._may_end(words, last):
                readings.append((last, 0, self._meanings.get(key) or self._meaning(key)))
        return readings

    def _meaning(self, key: str) -> _Meaning:
        """What a key of the trie means."""
        if len(self._meanings) > _MEMORY:
            self._meanings.clear()
        meaning = self._meanings[key] = self._of(self._terms.concepts(key), key)
        return meaning

    def _of(self, curies: tuple[str, ...], key: str) -> _Meaning:
        types = {concept.type for c in curies if (concept := self.concepts.get(c))}
        return _Meaning(curies, key in self._names, types == {"outcome"})

    def _all(self, words: list[Word], n: int, readings: list[_Reading], korean: bool) -> list[_Reading]:
        """The folded terms that begin with word ``n``, with abbreviations and Korean terms."""
        if words[n].place & _SHORTS:
            best, short = self._abbreviation(words, n)
            if short:
                same = next((meaning.curies for last, _, meaning in readings if last == best), ())
                both = self._of(tuple(dict.fromkeys((*short, *same))), "")
                longer, shorter = [r for r in readings if r[0] > best], [r for r in readings if r[0] < best]
                readings = [*longer, (best, 0, both), *shorter]
        if korean:
            last, left, curies = self._korean(words, n)
            if curies and (last, -left) > ((readings[0][0], 0) if readings else (n - 1, 0)):
                readings = [(last, left, self._of(curies, "")), *readings]
        return readings

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


def _hyphenated(words: list[Word], n: int, last: int, end: int) -> bool:
    """Whether words ``n`` to ``last`` hang by a hyphen on others before word ``end``."""
    return words[n].gap == HYPHEN or (last + 1 < end and words[last + 1].gap == HYPHEN)


def _places(text: str, meant: Mapping[str, tuple[str, ...]]) -> Iterator[Match]:
    """Where the abbreviations stand in the text, "PLFs" for "PLF" included."""
    for short, curies in meant.items():
        end = 0
        while (start := text.find(short, end)) >= 0:
            end = start + len(short)
            last = end + (text[end : end + 1] == "s")
            if not (text[start - 1 : start].isalnum() or text[last : last + 1].isalnum()):
                yield Match(start, last, curies)


def _korean_starts(words: list[Word]) -> list[int]:
    """Words that are Korean, or stand right before a Korean one ("T세포")."""
    korean = {n for n, word in enumerate(words) if hangul(word.folded)}
    return sorted({k for n in korean for k in (n, n - 1, n - 2) if k >= 0})
