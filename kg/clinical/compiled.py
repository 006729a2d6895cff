"""A lexicon compiled for matching: one trie over all folded ways to write all terms, in a file that opens at once.

The trie is a marisa trie: it is built several times faster than an Aho-Corasick automaton, takes a hundredth of its
memory and, unlike one, is read from a file in a millisecond. Keys are of three sorts, told apart by their first
character: folded words with blanks between; ``\\x01`` and words with their case (abbreviations); ``\\x02`` and Korean
terms without blanks.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from zlib import crc32

import marisa_trie

from kg.folding import GLUED, HYPHEN, Folded, Folder, hangul, spelling_version
from kg.model import Lexicon
from kg.resources import cached

__all__ = ["ABBREVIATION", "ALONE", "FIRST", "KOREAN", "PLACE_BITS", "SHORT", "SHORT_FIRST", "Compiled", "compiled"]

ABBREVIATION, KOREAN = "\x01", "\x02"
ALONE, FIRST, SHORT, SHORT_FIRST = 1, 2, 4, 8
PLACE_BITS = 4
_FORMAT = 9  # raise when the file or the keys change
_HASH = 32  # a version as long as this is a hash of the content, and may name a file in the cache


@dataclass(frozen=True)
class Compiled:
    """``places`` says of each folded word whether it is a key of its own (ALONE) or begins a longer one (FIRST), and
    above the lowest PLACE_BITS its number; ``pairs`` are the numbers of the first two words of all keys, first << 32 |
    second. ``exact_places`` says of each word with its case whether it is an abbreviation (SHORT) or begins a longer
    one (SHORT_FIRST). ``known`` are words written as one in some term.

    The concepts of the key numbered n are ``curies[owners[i]]`` for i in ``bounds[n]:bounds[n + 1]``, best first.
    """

    trie: marisa_trie.Trie
    curies: list[str]
    bounds: array[int]
    owners: array[int]
    places: dict[str, int]
    pairs: frozenset[int]
    exact_places: dict[str, int]
    known: frozenset[str]
    longest: int

    def concepts(self, key: str) -> tuple[str, ...]:
        """The concepts of a key of the trie, best first."""
        number = self.trie[key]
        return tuple(self.curies[i] for i in self.owners[self.bounds[number] : self.bounds[number + 1]])


def compiled(lexicon: Lexicon, cache: Path | None) -> Compiled:
    """The lexicon compiled, from the folder ``cache`` where it is there and whole, else built and kept there.

    Lexicons whose version is no hash are never kept.
    """
    if cache is None or len(lexicon.version) < _HASH:
        return _build(lexicon)
    name = blake2b(f"{_FORMAT} {spelling_version()} {lexicon.version}".encode(), digest_size=16).hexdigest()
    file = cache / f"{name}.terms"
    with suppress(OSError, ValueError, KeyError):
        return _read(file.read_bytes())
    made = _build(lexicon)
    with suppress(OSError):  # a cache that cannot be written only costs time
        _write(file, made)
    return made


def _build(lexicon: Lexicon) -> Compiled:
    folder = Folder()
    folded = [(term, folder.fold(term.surface)) for term in lexicon.terms]
    known = frozenset(
        word.folded
        for term, f in folded
        if not term.abbreviation
        for word in f.words
        if len(word.folded) > 4 and word.folded.isalpha()
    )
    number = {curie: n for n, curie in enumerate(dict.fromkeys(term.curie for term in lexicon.terms))}
    owners: dict[str, dict[int, None]] = {}
    for variants in (False, True):
        for term, f in folded:
            if term.abbreviation:
                keys = iter(()) if variants else iter([ABBREVIATION + " ".join(w.exact for w in f.words)])
            else:
                keys = (
                    _variants(term.surface, f, folder, known) if variants else iter([_key([w.folded for w in f.words])])
                )
            for key in keys:
                if _worth(key):
                    owners.setdefault(key, {})[number[term.curie]] = None
    trie = marisa_trie.Trie(owners)
    flat, bounds = array("I"), array("I", [0])
    for n in range(len(owners)):
        flat.extend(owners[trie.restore_key(n)])
        bounds.append(len(flat))
    longest = max(map(len, owners), default=0)
    return Compiled(trie, list(number), bounds, flat, *_places(owners), known, longest)


def _places(keys: Iterable[str]) -> tuple[dict[str, int], frozenset[int], dict[str, int]]:
    """``places``, ``pairs`` and ``exact_places`` of all keys."""
    places: dict[str, int] = {}
    exact_places: dict[str, int] = {}
    begin: set[tuple[str, str]] = set()
    for key in keys:
        words = key.split(" ", 2)
        if key[0] == ABBREVIATION:
            exact_places[words[0][1:]] = exact_places.get(words[0][1:], 0) | (SHORT_FIRST if len(words) > 1 else SHORT)
        elif key[0] != KOREAN:
            for word in words[:2]:
                places.setdefault(word, (len(places) + 1) << PLACE_BITS)
            places[words[0]] |= FIRST if len(words) > 1 else ALONE
            if len(words) > 1:
                begin.add((words[0], words[1]))
    pairs = frozenset(places[a] >> PLACE_BITS << 32 | places[b] >> PLACE_BITS for a, b in begin)
    return places, pairs, exact_places


def _key(words: list[str]) -> str:
    if any(map(hangul, words)):
        return KOREAN + "".join(words)
    return " ".join(words)


def _worth(key: str) -> bool:
    """No single letter, number or syllable is a term."""
    return len(key) > (2 if key[:1] in {ABBREVIATION, KOREAN} else 1) and any(c.isalpha() for c in key)


def _variants(surface: str, folded: Folded, folder: Folder, known: frozenset[str]) -> Iterator[str]:
    """Other ways to write a term: hyphens closed up, a pair as the one word that it also is, "legs" for "leg"."""
    words = [word.folded for word in folded.words]
    if any(map(hangul, words)):
        return

    def joined(at: set[int]) -> str:
        """The words with those at ``at`` joined to the one before."""
        parts: list[str] = []
        for n in range(len(words)):
            start, end = folded.span(n)
            if n in at:
                parts[-1] += surface[start:end]
            else:
                parts.append(surface[start:end])
        return " ".join(word.folded for part in parts for word in folder.fold(part).words)

    hyphens = {n for n, word in enumerate(folded.words) if n and word.gap == HYPHEN}
    if hyphens:
        yield joined(hyphens)
    if len(hyphens) > 1:
        yield from (joined({n}) for n in sorted(hyphens))
    for n in range(1, len(words)):
        if folded.words[n].gap != GLUED and words[n - 1].isalpha() and words[n].isalpha() and len(words[n]) > 1:
            one = "".join(surface[slice(*folded.span(k))] for k in (n - 1, n))
            if folder.word(one) in known:
                yield joined({n})
    if words and len(words[-1]) == 3 and words[-1].isalpha() and words[-1][-1] != "s":
        yield " ".join([*words[:-1], f"{words[-1]}s"])


def _write(file: Path, made: Compiled) -> None:
    sections = [
        made.trie.tobytes(), "\n".join(made.curies).encode(), made.bounds.tobytes(), made.owners.tobytes(),
        *("\n".join(words).encode() for words in (made.places, made.exact_places, sorted(made.known))),
        array("Q", made.places.values()).tobytes(), array("Q", sorted(made.pairs)).tobytes(),
        bytes(made.exact_places.values()),
    ]  # fmt: skip
    body = b"".join(sections)
    head = {
        "sizes": [len(s) for s in sections],
        "crc": crc32(body),
        "item": made.bounds.itemsize,
        "longest": made.longest,
    }
    with cached(file, "*.terms") as draft:
        draft.write_bytes(json.dumps(head).encode() + b"\n" + body)


def _read(data: bytes) -> Compiled:
    """What ``_write`` wrote; ValueError or KeyError if it is broken or of another machine."""
    line, _, body = data.partition(b"\n")
    head = json.loads(line)
    bounds, owners = array("I"), array("I")
    if crc32(body) != head["crc"] or head["item"] != bounds.itemsize:
        raise ValueError("broken")
    sections, at = [], 0
    for size in head["sizes"]:
        sections.append(body[at : at + size])
        at += size
    trie = marisa_trie.Trie()
    trie.frombytes(sections[0])
    bounds.frombytes(sections[2])
    owners.frombytes(sections[3])
    curies, words, short, known = (sections[n].decode().split("\n") if sections[n] else [] for n in (1, 4, 5, 6))
    numbers, pairs = array("Q"), array("Q")
    numbers.frombytes(sections[7])
    pairs.frombytes(sections[8])
    places = dict(zip(words, numbers, strict=True))
    starts = dict(zip(short, sections[9], strict=True))
    return Compiled(trie, curies, bounds, owners, places, frozenset(pairs), starts, frozenset(known), head["longest"])
