"""A lexicon compiled for matching: one trie over all folded ways to write all terms, in a file that opens at once.

The trie is a marisa trie: it is built several times faster than an Aho-Corasick automaton, takes a hundredth of its
memory and, unlike one, is read from a file in a millisecond. Keys are of three sorts, told apart by their first
character: folded words with blanks between; ``\\x01`` and words with their case (abbreviations); ``\\x02`` and Korean
terms without blanks.
"""

from __future__ import annotations

import json
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from zlib import crc32

import marisa_trie

from kg.clinical.folding import HYPHEN, SPACE, Folded, fold, hangul, spelling_version
from kg.model import Lexicon

__all__ = ["ABBREVIATION", "KOREAN", "Compiled", "compiled"]

ABBREVIATION, KOREAN = "\x01", "\x02"
_FORMAT = 3  # raise when the file or the keys change
_HASH = 32  # a version as long as this is a hash of the content, and may name a file in the cache


@dataclass(frozen=True)
class Compiled:
    """``first`` are the words (folded and exact) with which keys begin, ``known`` words written as one in some term.

    The concepts of the key numbered n are ``curies[owners[i]]`` for i in ``bounds[n]:bounds[n + 1]``, best first.
    """

    trie: marisa_trie.Trie
    curies: list[str]
    bounds: array[int]
    owners: array[int]
    first: frozenset[str]
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
    folded = [(term, fold(term.surface)) for term in lexicon.terms]
    known = frozenset(
        word for term, f in folded if not term.abbreviation for word in f.words if len(word) > 4 and word.isalpha()
    )
    number = {curie: n for n, curie in enumerate(dict.fromkeys(term.curie for term in lexicon.terms))}
    owners: dict[str, dict[int, None]] = {}
    for variants in (False, True):
        for term, f in folded:
            if term.abbreviation:
                keys = iter(()) if variants else iter([ABBREVIATION + " ".join(f.exact)])
            else:
                keys = _variants(term.surface, f, known) if variants else iter([_key(f.words)])
            for key in keys:
                if _worth(key):
                    owners.setdefault(key, {})[number[term.curie]] = None
    trie = marisa_trie.Trie(owners)
    flat, bounds = array("I"), array("I", [0])
    for n in range(len(owners)):
        flat.extend(owners[trie.restore_key(n)])
        bounds.append(len(flat))
    first = frozenset(key.lstrip(ABBREVIATION).split(" ", 1)[0] for key in owners if key[0] != KOREAN)
    return Compiled(trie, list(number), bounds, flat, first, known, max(map(len, owners), default=0))


def _key(words: list[str]) -> str:
    if any(map(hangul, words)):
        return KOREAN + "".join(words)
    return " ".join(words)


def _worth(key: str) -> bool:
    """No single letter, number or syllable is a term."""
    return len(key) > (2 if key[:1] in {ABBREVIATION, KOREAN} else 1) and any(c.isalpha() for c in key)


def _variants(surface: str, folded: Folded, known: frozenset[str]) -> Iterator[str]:
    """Other ways to write a term: hyphens closed up, a pair as the one word that it also is, "legs" for "leg"."""
    words, starts, ends, gaps = folded.words, folded.starts, folded.ends, folded.gaps
    if any(map(hangul, words)):
        return

    def joined(at: set[int]) -> str:
        """The words with those at ``at`` joined to the one before."""
        parts: list[tuple[int, int]] = []
        for n in range(len(words)):
            if n in at:
                parts[-1] = (parts[-1][0], ends[n])
            else:
                parts.append((starts[n], ends[n]))
        pieces = (surface[a:b].replace("-", "").replace(" ", "") for a, b in parts)
        return " ".join(word for piece in pieces for word in fold(piece).words)

    hyphens = {n for n in range(1, len(words)) if gaps[n] == HYPHEN}
    if hyphens:
        yield joined(hyphens)
    if len(hyphens) > 1:
        yield from (joined({n}) for n in hyphens)
    for n in range(1, len(words)):
        if gaps[n] in {SPACE, HYPHEN} and words[n - 1].isalpha() and words[n].isalpha():
            one = joined({n})
            if any(word in known for word in one.split(" ") if word not in words):
                yield one
    if len(words[-1]) == 3 and words[-1].isalpha() and words[-1][-1] != "s":
        yield " ".join([*words[:-1], f"{words[-1]}s"])


def _write(file: Path, made: Compiled) -> None:
    sections = [
        made.trie.tobytes(), "\n".join(made.curies).encode(), made.bounds.tobytes(), made.owners.tobytes(),
        "\n".join(sorted(made.first)).encode(), "\n".join(sorted(made.known)).encode(),
    ]  # fmt: skip
    body = b"".join(sections)
    head = {
        "sizes": [len(s) for s in sections],
        "crc": crc32(body),
        "item": made.bounds.itemsize,
        "longest": made.longest,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as out:
        try:
            out.write(json.dumps(head).encode() + b"\n" + body)
            out.close()
            Path(out.name).replace(file)
        except BaseException:
            Path(out.name).unlink(missing_ok=True)
            raise


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
    curies, first, known = (sections[n].decode().split("\n") for n in (1, 4, 5))
    return Compiled(trie, curies, bounds, owners, frozenset(first), frozenset(known), head["longest"])
