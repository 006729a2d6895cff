"""Which texts another lexicon may make the extractor understand otherwise: those that hold the words of a changed term.

All that the extractor takes from a lexicon are the terms it finds in a text or in stretches of it, and what the lexicon
says of their concepts and of those above them. So a text none of whose terms changed is understood as before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from kg.clinical.compiled import ABBREVIATION, KOREAN, Compiled, compiled
from kg.folding import HYPHEN, Folded, Folder
from kg.model import Concept, Document, Lexicon
from kg.resources import cache_folder

__all__ = ["touched"]


def touched(before: Lexicon, after: Lexicon) -> Callable[[Document], bool]:
    """Whether a document may be understood otherwise with the lexicon ``after`` than with ``before``.

    It may be where all words of a term stand in it, in whatever order, that was added, removed or means another concept
    now, or one of which something else is said; and where its words are joined otherwise.
    """
    was, is_ = (compiled(lexicon, cache_folder()) for lexicon in (before, after))
    joined = was.known ^ is_.known
    keys = _changed_keys(was, is_, _changed_concepts(before.concepts, after.concepts, was.known, is_.known))
    korean = [key[1:] for key in keys if key[0] == KOREAN]
    others = [frozenset(key.split(" ")) for key in keys if key[0] != KOREAN]
    common = Counter(word for words in others for word in words)
    by_rarest: dict[str, list[frozenset[str]]] = {}
    for words in others:
        by_rarest.setdefault(min(words, key=lambda word: (common[word], word)), []).append(words)
    folder = Folder()

    def check(document: Document) -> bool:
        folded = folder.fold(document.text)
        together = _together(document.text, folded, folder)
        if not joined.isdisjoint(together):
            return True
        text = " ".join([word.folded for word in folded.words])
        held = {*text.split(" "), *(word.exact for word in folded.words), *together}
        if any(words <= held for word in by_rarest.keys() & held for words in by_rarest[word]):
            return True
        return bool(korean) and any(map(text.replace(" ", "").__contains__, korean))

    return check


def _together(text: str, folded: Folded, folder: Folder) -> set[str]:
    """All that words hung together by hyphens may be joined to, folded and with their case."""
    found = set()
    begin = 0
    for n, word in enumerate(folded.words):
        if word.gap != HYPHEN:
            begin = n
        for first in range(begin, n):
            run = range(first, n + 1)
            found.add(folder.word("".join(text[slice(*folded.span(k))] for k in run)))
            found.add("".join(folded.words[k].exact for k in run))
    return found


def _changed_keys(before: Compiled, after: Compiled, concepts: set[str]) -> set[str]:
    """The keys of tries that one of the two lacks or that mean something else; abbreviations without their mark."""
    was, is_ = ({key: terms.concepts(key) for key in terms.trie.iterkeys()} for terms in (before, after))
    changed = {key for key in {*was, *is_} if was.get(key) != is_.get(key) or not concepts.isdisjoint(was[key])}
    return {key.removeprefix(ABBREVIATION) for key in changed}


def _changed_concepts(
    before: Mapping[str, Concept], after: Mapping[str, Concept], was_known: frozenset[str], is_known: frozenset[str]
) -> set[str]:
    """The concepts of which something else is said, or of one above them or a part of them.

    The words of a label count as folded, and what is known joins them.
    """
    was, is_ = ({concept.curie: concept for concept in concepts.values()} for concepts in (before, after))
    changed = {curie for curie in {*was, *is_} if was.get(curie) != is_.get(curie)}
    if was_known != is_known:
        one, other = Folder(was_known), Folder(is_known)
        hyphened = (concept for concept in is_.values() if not concept.label.replace(" ", "").isalnum())
        changed.update(c.curie for c in hyphened if one.fold(c.label).words != other.fold(c.label).words)
    leads = {curie: {*concept.ancestors, *concept.parts} for curie, concept in is_.items()}
    while more := {curie for curie, to in leads.items() if curie not in changed and not to.isdisjoint(changed)}:
        changed |= more
    return changed
