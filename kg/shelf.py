"""Puts the graphs of reports in the store, many at a time, and what the vocabularies say of the concepts they name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import pyoxigraph as ox

from kg import quads

if TYPE_CHECKING:
    from kg.store import Store
    from kg.totals import Ledger
    from kg.vocab import Vocabulary

__all__ = ["Shelf"]

_REPORTS = 3000  # loaded at once: Oxigraph merges its files after every few loads, however large these are
_BYTES = 100_000_000  # of N-Quads loaded at once: Oxigraph loads a million quads in one step, and more in several


class Shelf:
    """Takes graphs of reports and puts them in the store when they are many; ``changed`` names all it was given.

    A process that dies in between leaves out whole reports, which the next build finds missing.
    """

    def __init__(self, store: Store, vocabulary: Vocabulary, writer: quads.Writer, ledger: Ledger) -> None:
        self.store, self.vocabulary, self.ledger = store, vocabulary, ledger
        self.changed: list[str] = []
        self._waiting: dict[str, bytes] = {}
        self._size = 0
        self._concepts: set[str] = set()
        self._described: set[str] = set()
        self._told: set[str] = set()  # IRIs of the nodes of which the vocabularies' part was loaded
        known = quads.graph_iri(writer.extraction)
        if not store.holds(known):  # new, or made with other vocabularies, and reports from elsewhere name concepts too
            others = (g for g in store.graphs() if not g.startswith(store.base))
            stands = {quad for graph in others for quad in store.quads(graph)}
            told = {q.subject.value for q in stands if isinstance(q.subject, ox.NamedNode)}
            meant = {*vocabulary.quads({*map(vocabulary.compact, told)} & {*vocabulary.concepts})}
            store.exchange(stands - meant, meant - stands)  # in one step: which concepts are told of stands only here
            store.replace(known, writer.settings())

    def add(self, graph: str, nquads: bytes, concepts: Collection[str] = ()) -> None:
        """Take the graph of a report, which names these concepts."""
        self.changed.append(graph)
        self._waiting[graph] = nquads
        self._size += len(nquads)
        self._concepts.update(concepts)
        if len(self._waiting) == _REPORTS or self._size >= _BYTES:
            self.flush()

    def flush(self) -> None:
        """Put in the store what was taken; whether that succeeds or not, it is taken no more."""
        waiting, self._waiting, self._size = self._waiting, {}, 0
        self._describe()
        self.ledger.leave(waiting)
        self.store.replace_all(waiting)

    def remove(self, graphs: Iterable[str]) -> None:
        """Remove graphs of reports that are gone."""
        gone = list(graphs)
        self.ledger.leave(gone)
        self.store.remove(*gone)

    def _describe(self) -> None:
        """Add what the vocabularies say of the concepts, unless it stands there."""
        nodes = {c: ox.NamedNode(self.vocabulary.expand(c)) for c in sorted(self._concepts - self._described)}
        if fresh := [c for c, node in nodes.items() if not any(True for _ in self.store.about(node))]:
            self.store.bulk_load(self.vocabulary.quads(fresh, self._told))
        self._described |= self._concepts
        self._concepts.clear()
