"""What the graph of one report says, node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.literals import read

if TYPE_CHECKING:
    from kg.vocab import Vocabulary

__all__ = ["Names", "Nodes"]


class Names(dict[str, str]):
    """``<IRI>`` -> CURIE."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._vocabulary = vocabulary

    def __missing__(self, node: str) -> str:
        name = self[node] = self._vocabulary.compact(node[1:-1])
        return name


class Nodes:
    """What N-Quads say, by subject and property; everything sorted, so that equal graphs give equal values."""

    def __init__(self, nquads: bytes, names: Names) -> None:
        self._nodes: dict[str, dict[str, list[str]]] = {}  # values as N-Quads writes them: few are ever looked at
        self._types: dict[str, list[str]] = {}
        for line in nquads.decode().split("\n")[:-1]:
            subject, predicate, rest = line.split(" ", 2)
            said = self._nodes.setdefault(subject[1:-1], {})
            said.setdefault(names[predicate], []).append(rest[: rest.rindex(" <")])

    def of_type(self, curie: str) -> list[str]:
        """All nodes of a class, sorted."""
        name = curie.partition(":")[2]
        if not self._types:
            for subject in sorted(self._nodes):
                for value in self._nodes[subject].get("rdf:type", ()):
                    self._types.setdefault(value[1:-1].rpartition("#")[2], []).append(subject)
        return self._types.get(name, [])

    def with_value(self, predicate: str, value: str) -> set[str]:
        """The nodes of which a property leads to that node."""
        node = f"<{value}>"
        return {s for s, said in self._nodes.items() if node in said.get(predicate, ())}

    def texts(self, subject: str, predicate: str) -> list[tuple[str, str]]:
        """Language and text of every literal, sorted."""
        values = self._nodes.get(subject, {}).get(predicate, ())
        return sorted(read(v) for v in values if v.startswith('"'))

    def text(self, subject: str, predicate: str) -> str:
        """The first of the texts; empty if there is none."""
        return next((text for _, text in self.texts(subject, predicate)), "")

    def nodes(self, subject: str, predicate: str) -> list[str]:
        """IRIs of all nodes to which a property leads, sorted."""
        values = self._nodes.get(subject, {}).get(predicate, ())
        return sorted(v[1:-1] for v in values if v.startswith("<"))

    def node(self, subject: str, predicate: str) -> str:
        """The first of the nodes; empty if there is none."""
        return next(iter(self.nodes(subject, predicate)), "")
