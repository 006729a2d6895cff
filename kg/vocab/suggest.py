"""Concepts to review, as Turtle, for words that no vocabulary holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import NamedTuple

import pyoxigraph as ox

from kg.errors import VocabularyError
from kg.folding import Folder
from kg.vocab.vocabulary import Vocabulary

__all__ = ["Ungrounded", "read_ungrounded", "suggest"]


class Ungrounded(NamedTuple):
    """Words of the graph without concept, the type they have there, and in how many cases they stand."""

    label: str
    type: str
    cases: int


def suggest(vocabulary: Vocabulary, words: Iterable[Ungrounded]) -> str:
    """A Turtle file with one concept for each, most frequent first, to review and then give to ``kg vocab add``.

    Ways to write one thing become one concept. A concept is put under the one whose name its words end with
    ("testicular lymphoma" under lymphoma), or is left without parent; what is like it already is named in a comment.
    """
    groups: dict[tuple[str, str], list[Ungrounded]] = {}
    for word in words:
        folded = " ".join(w.folded for w in Folder().fold(word.label).words)
        groups.setdefault((word.type, folded), []).append(word)
    ranked = sorted(groups.values(), key=lambda g: (-sum(w.cases for w in g), g[0].label))
    used = {prefix: vocabulary.prefixes[prefix] for prefix in ("ckv", "skos")}
    blocks = [block for group in ranked if (block := _block(vocabulary, group, used))]
    head = "".join(f"@prefix {prefix}: <{namespace}> .\n" for prefix, namespace in sorted(used.items()))
    return head + "".join(f"\n{block}" for block in blocks)


def _block(vocabulary: Vocabulary, group: list[Ungrounded], used: dict[str, str]) -> str:
    label, kind, _ = group[0]
    scheme = vocabulary.schemes.get(kind)
    slug = re.sub(r"[^\w]+", "-", label.casefold()).strip("-_")
    if scheme is None or not slug or f"ckv:{slug}" in vocabulary.concepts:
        return ""
    cases = sum(w.cases for w in group)
    like = ", ".join(f"{f.label} ({f.curie})" for f in vocabulary.nearest(label, kind))
    language = "@ko" if re.search("[\uac00-\ud7a3]", label) else "@en"
    lines = [f"ckv:{slug} a skos:Concept ; skos:inScheme {scheme}", f"    skos:prefLabel {_literal(label)}{language}"]
    others = dict.fromkeys(w.label for w in group[1:] if w.label != label)
    if others:
        lines.append(f"    skos:altLabel {' , '.join(_literal(other) + language for other in others)}")
    if parent := _parent(vocabulary, label, kind):
        prefix = parent.partition(":")[0]
        used[prefix] = vocabulary.prefixes[prefix]
        lines.append(f"    skos:broader {parent}")
    comment = f"# {cases} case{'' if cases == 1 else 's'}" + (f"; like {like}" if like else "")
    return comment + "\n" + " ;\n".join(lines) + " .\n"


def _parent(vocabulary: Vocabulary, label: str, kind: str) -> str | None:
    """The concept whose name the words end with, the longest such name."""
    words = label.split()
    for n in range(1, len(words)):
        if found := vocabulary.named(" ".join(words[n:]), kind):
            return found
    return None


def _literal(text: str) -> str:
    return str(ox.Literal(text))


def read_ungrounded(text: str, name: str) -> list[Ungrounded]:
    """The rows that ``kg stats --ungrounded --json`` prints; VocabularyError if ``text`` (called ``name``) is none."""
    try:
        return [Ungrounded(row["label"], row["class"], int(row["cases"])) for row in json.loads(text)]
    except (ValueError, LookupError, TypeError) as error:
        raise VocabularyError(f"{name} is not what 'kg stats --ungrounded --json' prints: {error!r}.") from error
