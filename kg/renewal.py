"""Which reports of the store other vocabularies leave as they are.

The graph of a report leads to the extraction that made it, and that says with which vocabularies. Where those are not
the ones of this build and are still in the cache, only the reports whose text holds a changed term are extracted again;
of the others it is set right which extraction gives them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pyoxigraph as ox

from kg import quads, vocab

if TYPE_CHECKING:
    from kg.extractors import Extractor
    from kg.model import Document
    from kg.store import Store

__all__ = ["Renewal"]

_AT_ONCE = 1000  # graphs that are set right in one step


class Renewal:
    """Says of stored reports whether they are as they would be extracted now."""

    def __init__(self, store: Store, vocabulary: vocab.Vocabulary, writer: quads.Writer, extractor: Extractor) -> None:
        self.store, self.vocabulary, self.now = store, vocabulary, writer.extraction
        self._touched = extractor.touched
        self._made_by = vocabulary.term("prov:wasGeneratedBy")
        self._version = vocabulary.term("casekg:vocabularyVersion")
        self._checks: dict[str, Callable[[Document], bool]] = {}  # by the extraction that made a report
        self._right: list[ox.Quad] = []
        self._wrong: list[ox.Quad] = []

    def holds(self, graph: str, document: Document) -> bool:
        """Whether the graph, made of this document by this extractor, is what any of the vocabularies would give."""
        by = self.store.value(graph, self._made_by)
        if by == self.now:
            return True
        if by is None or self._check(by)(document):
            return False
        for name, statements in ((by, self._wrong), (self.now, self._right)):
            node = ox.NamedNode(graph)
            statements.append(ox.Quad(node, ox.NamedNode(self._made_by), ox.NamedNode(name), node))
        if len(self._right) == _AT_ONCE:
            self.flush()
        return True

    def flush(self) -> None:
        """Set right in the store which extraction gives the reports that were left as they are."""
        wrong, right, self._wrong, self._right = self._wrong, self._right, [], []
        if right:
            self.store.exchange(wrong, right)

    def tidy(self) -> None:
        """Remove what is said of extractions that no report leads to any more."""
        kind = self.vocabulary.term("casekg:Extraction")
        made = {
            quad.subject.value
            for quad in self.store.match(None, None, ox.NamedNode(kind))
            if isinstance(quad.subject, ox.NamedNode)
        }
        old = (e for e in sorted(made) if e.startswith(self.store.base) and e != self.now)
        idle = (e for e in old if not any(True for _ in self.store.match(None, None, ox.NamedNode(e))))
        self.store.remove(*map(quads.graph_iri, idle))

    def _check(self, extraction: str) -> Callable[[Document], bool]:
        """Whether a document that this extraction was made of must be extracted again."""
        if extraction not in self._checks:
            version = self.store.value(extraction, self._version)
            before = vocab.kept(version) if version and self._touched else None
            if before is None or self._touched is None or not _same_names(before, self.vocabulary):
                self._checks[extraction] = lambda document: True
            else:
                self._checks[extraction] = self._touched(before.lexicon(), self.vocabulary.lexicon())
        return self._checks[extraction]


def _same_names(before: vocab.Vocabulary, after: vocab.Vocabulary) -> bool:
    """Whether no prefix stands for another namespace now."""
    return all(after.prefixes.get(prefix, iri) == iri for prefix, iri in before.prefixes.items())
