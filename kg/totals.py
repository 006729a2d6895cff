"""How often each thing stands in the graph, added up while it is built, so that questions need not count it.

A case and its report stand in one graph, so that numbers of cases and reports are the sums of those of the single
graphs. The queries of queries/totals/ say what is counted; it is added for graphs that come and taken off for those
that go. The sums stand in a graph of the store, and in another the mark that they are right: it goes before anything
else changes and comes back last, and where it is missing, everything is counted anew.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import pyoxigraph as ox

from kg import resources
from kg.store import Store

if TYPE_CHECKING:
    from kg.vocab import Vocabulary

__all__ = ["Ledger", "Summer", "Sums", "forget", "held"]

_FEW = 1000  # nodes; more are sooner read all at once
_MOST = 300_000  # nodes kept before they are written
_BATCH = 50  # graphs read from a store at once
_DESCRIBED = 20_000  # concepts whose ancestors are kept at hand
_INTEGER = ox.Literal(0).datatype


@dataclass
class Sums:
    """Numbers by node and property, and what else is said of each node: properties with terms as in N-Triples."""

    numbers: Counter[tuple[str, str]] = field(default_factory=Counter)
    said: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)

    def add(self, other: Sums, sign: int = 1) -> None:
        """Add the other's numbers, or take them off."""
        for name, number in other.numbers.items():
            self.numbers[name] += sign * number
        self.said.update(other.said)


@cache
def _queries() -> tuple[str, ...]:
    files = sorted((resources.folder("queries") / "totals").glob("*.rq"))
    return tuple(file.read_text(encoding="utf-8") for file in files)


@cache
def _rules() -> str:
    """Stands for what is counted."""
    return hashlib.sha256("\n".join(_queries()).encode()).hexdigest()[:16]


def held(store: Store) -> bool:
    """Whether the store holds totals, and they are right."""
    rows = store.query((resources.folder("queries") / "store" / "totals.rq").read_text(encoding="utf-8"))
    assert isinstance(rows, ox.QuerySolutions)
    return any(row["by"].value.startswith(_rules()) for row in rows)


def forget(store: Store) -> None:
    """Say that the totals of a store are not right any more; the next build counts anew."""
    store.remove(_mark(store))


class Summer:
    """Counts in whole graphs of reports; ``base`` begins the names of its nodes."""

    def __init__(self, vocabulary: Vocabulary, base: str) -> None:
        self.base = base
        self._concept, within = (ox.NamedNode(vocabulary.term(f"casekg:{name}")) for name in ("concept", "within"))
        self._above = lru_cache(_DESCRIBED)(
            lambda node: [quad for quad in vocabulary.about(node) if quad.predicate == within]
        )

    def __call__(self, nquads: bytes) -> Sums:
        """What is counted in these graphs."""
        part = ox.Store()
        part.bulk_load(nquads, ox.RdfFormat.N_QUADS, lenient=True)
        concepts = {quad.object for quad in part.quads_for_pattern(None, self._concept, None)}
        part.bulk_extend(above for concept in concepts for above in self._above(concept))
        return self.count(part)

    def count(self, part: ox.Store) -> Sums:
        """What is counted in a store that holds graphs of reports and the ancestors of their concepts."""
        found = Sums()
        said: dict[str, set[tuple[str, str]]] = {}
        for query in _queries():
            triples = part.query(query, base_iri=self.base, use_default_graph_as_union=True)
            assert isinstance(triples, ox.QueryTriples)
            for s, p, o in triples:
                assert isinstance(s, ox.NamedNode)
                if (number := _number(o)) is not None:
                    found.numbers[s.value, p.value] += number
                else:
                    said.setdefault(s.value, set()).add((p.value, str(o)))
        found.said = {node: frozenset(those) for node, those in said.items()}
        return found


class Ledger:
    """Keeps the totals of a store right while graphs come and go."""

    def __init__(self, store: Store, vocabulary: Vocabulary) -> None:
        self.store = store
        self._graph, self._mark = f"{store.base}totals/graph", _mark(store)
        self._sums, self._summer = Sums(), Summer(vocabulary, store.base)
        node, by = ox.NamedNode(f"{store.base}totals"), ox.NamedNode(vocabulary.term("casekg:countedBy"))
        self._right = ox.Quad(node, by, ox.Literal(f"{_rules()} {vocabulary.tree}"), ox.NamedNode(self._mark))
        self._marked = self._right in store.match(node, by, None)
        report = ox.NamedNode(vocabulary.term("casekg:Report"))
        self._exact = self._marked or not any(True for _ in store.match(None, None, report))
        if not self._marked:
            store.remove(self._mark, self._graph)

    def come(self, sums: Sums) -> None:
        """Add what was counted in graphs that are to be stored."""
        self._change()
        if self._exact:
            self._sums.add(sums)
            if len(self._sums.said) > _MOST:
                self._write()

    def leave(self, graphs: Iterable[str]) -> None:
        """Take off what stands in those of the graphs that the store holds, before they go."""
        gone = [graph for graph in graphs if self.store.holds(graph)]
        if gone:
            self._change()
        if gone and self._exact:
            for nquads in self._read(gone):
                self._sums.add(self._summer(nquads), -1)

    def settle(self) -> None:
        """Write the totals of all that the store holds now, and that they are right."""
        if self._marked:
            return
        if not self._exact:
            self._sums = Sums()
            self.store.remove(self._graph)
            for nquads in self._read(self.store.data_graphs()):
                self._sums.add(self._summer(nquads))
                if len(self._sums.said) > _MOST:
                    self._write()
        self._write()
        self.store.replace(self._mark, f"{self._right} .\n".encode())
        self._marked = self._exact = True

    def _change(self) -> None:
        """Say that the totals are not right from here on."""
        if self._marked:
            forget(self.store)
            self._marked = False

    def _read(self, graphs: Iterable[str]) -> Iterator[bytes]:
        names = iter(graphs)
        while batch := list(islice(names, _BATCH)):
            yield b"".join(map(self.store.nquads, batch))

    def _write(self) -> None:
        """Add the numbers to those that stand in the store; a node whose numbers are all nothing goes."""
        sums, self._sums = self._sums, Sums()
        changed: dict[str, Counter[str]] = {}
        for (node, predicate), number in sums.numbers.items():
            changed.setdefault(node, Counter())[predicate] = number
        graph = ox.NamedNode(self._graph)
        stand = self._stand(changed)
        gone, come = [], []
        for node, numbers in changed.items():
            before = stand.get(node, [])
            said = []
            for quad in before:
                if (stood := _number(quad.object)) is None:
                    said.append(quad)
                else:
                    numbers[quad.predicate.value] += stood
            gone += before
            if any(numbers.values()):
                come += said or _quads(node, sums.said[node], self._graph)
                subject = ox.NamedNode(node)
                come += [ox.Quad(subject, ox.NamedNode(p), ox.Literal(n), graph) for p, n in numbers.items()]
        if gone:
            old, new = {*gone}, {*come}
            self.store.exchange(old - new, new - old)
        elif come:
            self.store.bulk_load(come)

    def _stand(self, nodes: Collection[str]) -> Mapping[str, list[ox.Quad]]:
        """What the store says of these nodes."""
        found: dict[str, list[ox.Quad]] = {}
        if not self.store.holds(self._graph):
            return found
        if len(nodes) > _FEW:
            quads: Iterable[ox.Quad] = self.store.quads(self._graph)
        else:
            quads = (q for node in nodes for q in self.store.about(ox.NamedNode(node)))
        for quad in quads:
            if isinstance(quad.subject, ox.NamedNode) and quad.subject.value in nodes:
                found.setdefault(quad.subject.value, []).append(quad)
        return found


def _number(term: object) -> int | None:
    return int(term.value) if isinstance(term, ox.Literal) and term.datatype == _INTEGER else None


def _quads(node: str, said: Collection[tuple[str, str]], graph: str) -> list[ox.Quad]:
    lines = "".join(f"<{node}> <{p}> {o} <{graph}> .\n" for p, o in said)
    return list(ox.parse(lines, format=ox.RdfFormat.N_QUADS))


def _mark(store: Store) -> str:
    return f"{store.base}totals/mark/graph"
