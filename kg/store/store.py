"""The graph where it is kept: one named graph a report, whatever program keeps it.

Questions address the union of all graphs. Any RDF format is written sorted, so that equal graphs are equal bytes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

import pyoxigraph as ox

from kg.resources import folder
from kg.table import Table

if TYPE_CHECKING:
    import rdflib

__all__ = ["FORMATS", "SCHEMA", "Answer", "Store", "parse", "written"]

SCHEMA = 1  # raised whenever docs/graph.md changes so that a store must be built again
FORMATS = {
    "nq": ox.RdfFormat.N_QUADS,
    "nt": ox.RdfFormat.N_TRIPLES,
    "trig": ox.RdfFormat.TRIG,
    "ttl": ox.RdfFormat.TURTLE,
}
Answer = ox.QuerySolutions | ox.QueryBoolean | Iterable[ox.Triple]
_TYPE = b"<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"


class Store(ABC):
    """An open store; use it as a context manager or ``close`` it. Every failure is a StoreError of one sentence.

    What every kind of store does by itself is abstract here; the rest follows from that.
    """

    def __init__(self, name: str, base: str, *, read_only: bool = False) -> None:
        self.name = name
        self.base = base
        self.read_only = read_only
        self.at_hand: Mapping[str, bytes] = {}  # N-Quads of graphs, which then need not be read

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({self.name!r}{', read only' if self.read_only else ''})"

    def _repr_html_(self) -> str:
        """How much it holds, for a notebook: the answer of the question ``summary``."""
        rows = self.query((folder("queries") / "summary.rq").read_text(encoding="utf-8"))
        assert isinstance(rows, ox.QuerySolutions)
        counts = tuple((row["what"].value, int(row["count"].value)) for row in rows)
        return Table(("what", "count"), counts, remarks=(f"Store {self.name}",))._repr_html_()

    # --- what a store does by itself ----------------------------------------------------------------------------------

    @abstractmethod
    def __len__(self) -> int:
        """Number of quads; takes time in proportion."""

    @abstractmethod
    def close(self) -> None:
        """Write everything and let others open the store; closing twice is harmless."""

    @abstractmethod
    def query(self, text: str) -> Answer:
        """The answer to a SPARQL query over the union of all graphs; SyntaxError if it is none."""

    @abstractmethod
    def graphs(self) -> list[str]:
        """IRIs of all graphs, sorted."""

    @abstractmethod
    def holds(self, graph: str) -> bool:
        """Whether there is a graph with that IRI."""

    @abstractmethod
    def quads(self, graph: str | None = None) -> Iterator[ox.Quad]:
        """All quads of one graph, or of the whole store, in no order."""

    @abstractmethod
    def match(
        self, subject: ox.NamedNode | None, predicate: ox.NamedNode | None, value: ox.NamedNode | ox.Literal | None
    ) -> Iterator[ox.Quad]:
        """All quads with these terms; None stands for any."""

    @abstractmethod
    def replace(self, graph: str, nquads: bytes) -> None:
        """Put the quads, all of that graph, in the place of what the graph held: all of it or nothing."""

    @abstractmethod
    def exchange(self, gone: Iterable[ox.Quad], come: Iterable[ox.Quad]) -> None:
        """Remove some quads and add others: all of it or nothing."""

    @abstractmethod
    def bulk_load(self, nquads: bytes | Iterable[ox.Quad]) -> None:
        """Add quads, of each graph all or nothing; each call has a cost of its own, so hand over many reports."""

    @abstractmethod
    def remove(self, *graphs: str) -> None:
        """Remove graphs; those that are not there are passed over."""

    # --- what follows from it -----------------------------------------------------------------------------------------

    def replace_all(self, graphs: Mapping[str, bytes]) -> None:
        """Replace many graphs, given by name."""
        for graph, nquads in graphs.items():
            self.replace(graph, nquads)

    def data_graphs(self) -> list[str]:
        """IRIs of the graphs of reports, copies and extractions, sorted: those of vocabularies and totals left out."""
        return [g for g in self.graphs() if g.startswith(self.base) and not g.startswith(f"{self.base}totals/")]

    def nquads(self, graph: str) -> bytes:
        """All quads of one graph as N-Quads, in no order."""
        known = self.at_hand.get(graph)
        return written(self.quads(graph)) if known is None else known

    def about(self, node: ox.NamedNode) -> Iterator[ox.Quad]:
        """All quads of which ``node`` is the subject."""
        return self.match(node, None, None)

    def value(self, subject: str, predicate: str) -> str | None:
        """The value of a property of a node, as text; the first in order of code points if there are several."""
        found = self.match(ox.NamedNode(subject), ox.NamedNode(predicate), None)
        return min((q.object.value for q in found if not isinstance(q.object, ox.Triple)), default=None)

    def subject(self, predicate: str, text: str) -> str | None:
        """The node of which a property has that text; the first in order of code points if there are several."""
        found = self.match(None, ox.NamedNode(predicate), ox.Literal(text))
        return min((q.subject.value for q in found if isinstance(q.subject, ox.NamedNode)), default=None)

    def as_rdflib(self) -> rdflib.Dataset:
        """A copy of all graphs as rdflib objects, with the union as its default."""
        import rdflib

        dataset = rdflib.Dataset(default_union=True)
        dataset.parse(data=written(self.quads()), format="nquads")
        return dataset

    def dump(
        self,
        form: str,
        out: IO[bytes],
        *,
        prefixes: Mapping[str, str] | None = None,
        without: Collection[str] = (),
        graphs: Iterable[str] | None = None,
    ) -> None:
        """Write the graphs in one of ``FORMATS``, one at a time, as ``by_graph`` gives them.

        Lines of nq and nt are in the order of code points; in ttl and trig a node's properties stand together, its type
        first.
        """
        if form in {"nq", "nt"}:
            for lines in self.by_graph(graphs, without=without):
                if form == "nt":
                    lines = [line[: line.rindex(b" <")] + b" .\n" for line in lines]
                out.writelines(sorted(lines))
            return
        self.dump_turtle({form: out}, prefixes=prefixes, without=without, graphs=graphs)

    def dump_turtle(
        self,
        outs: Mapping[str, IO[bytes]],
        *,
        prefixes: Mapping[str, str] | None = None,
        without: Collection[str] = (),
        graphs: Iterable[str] | None = None,
    ) -> None:
        """The same for ``ttl`` and ``trig``, or both at once: the graphs are read once.

        What TriG says of a graph is its Turtle, indented, between braces.
        """
        named = {p: iri for p, iri in sorted((prefixes or {}).items()) if iri != self.base}
        header = [f"@base <{self.base}> .\n"] if self.base else []
        header += [f"@prefix {p}: <{iri}> .\n" for p, iri in named.items()]
        for out in outs.values():
            out.write("".join(header).encode())
        for lines in self.by_graph(graphs, without=without):
            lines.sort(key=_readable)
            quads = parse(b"".join(lines))
            text = ox.serialize(quads, format=ox.RdfFormat.TRIG, prefixes=named, base_iri=self.base or None) or b""
            *_, opening, inside = text.split(b"\n", len(header) + 1)
            for form, out in outs.items():
                if form == "trig":
                    out.write(b"\n" + opening + b"\n" + inside)
                else:  # a line break is never part of a literal
                    out.write(b"\n" + inside.removeprefix(b"\t").removesuffix(b"}\n").replace(b"\n\t", b"\n"))

    def by_graph(self, graphs: Iterable[str] | None = None, *, without: Collection[str] = ()) -> Iterator[list[bytes]]:
        """The lines of one graph after another, as N-Quads: the data, then what they lead to of the vocabularies.

        Each group is in the order of its IRIs. ``graphs`` names the graphs of data to write, by default all that begin
        with the base; ``without`` names properties to leave out. Of the other graphs comes what is said of the terms
        in use and of all to which that leads in turn: ancestors, schemes, sources of codes. What no report uses stays
        out, so that a small graph is a small file.
        """
        left, own = {f"<{name}>".encode() for name in without}, f"<{self.base}".encode()
        seen: set[bytes] = set()
        for graph in self.data_graphs() if graphs is None else sorted(graphs):
            lines = []
            for line in self.nquads(graph).splitlines(keepends=True):
                _, predicate, rest = line.split(b" ", 2)
                if predicate not in left:
                    lines.append(line)
                    seen.add(predicate)
                    if rest.startswith(b"<") and not rest.startswith((own, b"<<")):  # an IRI, and no triple
                        seen.add(rest.partition(b" ")[0])
            if lines:
                yield lines
        yield from self._background({node[1:-1].decode() for node in seen}, without)

    def _background(self, led_to: set[str], without: Collection[str]) -> Iterator[list[bytes]]:
        """By graph, what the graphs that are not data say of these nodes and of all to which that leads."""
        found: dict[str, list[ox.Quad]] = {}
        todo = list(led_to)
        while todo:
            for quad in self.about(ox.NamedNode(todo.pop())):
                graph = quad.graph_name
                if isinstance(graph, ox.NamedNode) and not graph.value.startswith(self.base):
                    if quad.predicate.value not in without:
                        found.setdefault(graph.value, []).append(quad)
                    for node in (quad.predicate, quad.object):
                        if isinstance(node, ox.NamedNode) and node.value not in led_to:
                            led_to.add(node.value)
                            todo.append(node.value)
        for graph_name in sorted(found):
            yield written(found[graph_name]).splitlines(keepends=True)


def parse(nquads: bytes) -> ox.QuadParser:
    """The quads of N-Quads text, one after another."""
    return ox.parse(nquads, format=ox.RdfFormat.N_QUADS, lenient=True)


def written(quads: Iterable[ox.Quad]) -> bytes:
    """Quads as N-Quads text."""
    return ox.serialize(quads, format=ox.RdfFormat.N_QUADS) or b""


def _readable(line: bytes) -> tuple[bytes, bool, bytes, bytes]:
    subject, predicate, rest = line.split(b" ", 2)
    return (subject.strip(b"<>"), predicate != _TYPE, predicate.strip(b"<>"), rest)
