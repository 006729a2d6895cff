"""The store of another program, asked over SPARQL 1.1: the query protocol to read, the graph store protocol to write.

Other graphs than those of this program may stand there: they are neither read nor changed, but for ``query``, which
addresses the union of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import groupby

import pyoxigraph as ox

from kg.errors import StoreError
from kg.store.endpoint import TRIPLES, Endpoint, query_text
from kg.store.store import Answer, Store

__all__ = ["Remote", "open_remote"]

_EXTRACTION = "extraction/"  # after the base, as kg.quads names what reports were extracted with
_UNIONS: tuple[Mapping[str, str], ...] = (  # how the union of all graphs is asked for
    {},  # most give it by themselves
    {"union-default-graph": ""},  # Oxigraph
    {"default-graph-uri": "urn:x-arq:UnionGraph"},  # Fuseki
)


def open_remote(address: str, *, read_only: bool = False, base: str = "") -> Remote:
    """The store at that address; ``base`` is by default that of the data there.

    StoreError if nothing of use answers there, its data has another base, or it has none and is only to be read.
    """
    endpoint = Endpoint(address)
    try:
        store = Remote(endpoint, base, read_only=read_only)
        bases = {x.rpartition(_EXTRACTION)[0] for x in store.column("extractions")}
        if read_only and not bases:
            raise StoreError(f"{store.name} holds no graph yet: run 'kg build PATH --store {store.name}' first.")
        if len(bases | {base or "".join(bases)}) > 1:
            raise StoreError(f"{store.name} has the base {' and '.join(sorted(bases))}, not {base}: use another store.")
        store.base = base or "".join(bases)
        return store
    except BaseException:
        endpoint.close()
        raise


class Remote(Store):
    """An open store elsewhere. Each graph is written whole; of several, those before a failure are kept."""

    def __init__(self, endpoint: Endpoint, base: str, *, read_only: bool = False) -> None:
        super().__init__(endpoint.address, base, read_only=read_only)
        self._endpoint = endpoint
        self._union: Mapping[str, str] | None = None

    def __len__(self) -> int:
        return sum(1 for _ in self.quads())

    def close(self) -> None:
        """Close what connections are open."""
        self._endpoint.close()

    # --- reading ----------------------------------------------------------------------------------------------------

    def query(self, text: str) -> Answer:
        """The answer to a SPARQL query over the union of all graphs; SyntaxError if it is none."""
        return self._asked(text, self._whole())

    def graphs(self) -> list[str]:
        """IRIs of the graphs of data and of vocabularies, sorted."""
        every = self.column("graphs") or self.column("graphs-by-quads")
        return sorted(g for g in every if g.startswith((self.base, self._vocabularies)))

    def holds(self, graph: str) -> bool:
        """Whether there is a graph with that IRI."""
        return graph in self._names

    def quads(self, graph: str | None = None) -> Iterator[ox.Quad]:
        """All quads of one graph, or of the whole store, in no order."""
        for name in self.graphs() if graph is None else [graph]:
            node = ox.NamedNode(name)
            for quad in ox.parse(self._endpoint.get(name), format=ox.RdfFormat.N_TRIPLES):
                yield ox.Quad(quad.subject, quad.predicate, quad.object, node)

    def match(
        self, subject: ox.NamedNode | None, predicate: ox.NamedNode | None, value: ox.NamedNode | ox.Literal | None
    ) -> Iterator[ox.Quad]:
        """All quads with these terms; None stands for any. What vocabularies say of their concepts is asked once."""
        if subject and not predicate and not value and not subject.value.startswith(self.base):
            yield from self._told.get(subject, ())
            return
        known = {"s": subject, "p": predicate, "o": value}
        terms = " ".join(str(term or f"?{name}") for name, term in known.items())
        rows = self._asked(query_text("quads").replace("{ ?s ?p ?o }", f"{{ {terms} }}"))
        assert isinstance(rows, ox.QuerySolutions)
        for row in rows:
            yield ox.Quad(*(term or row[name] for name, term in known.items()), row["g"])  # type: ignore[call-arg, arg-type]

    def column(self, name: str) -> list[str]:
        """The texts that a query of queries/store/ with one column gives."""
        rows = self._asked(query_text(name))
        assert isinstance(rows, ox.QuerySolutions)
        return [row[0].value for row in rows if row[0] is not None]

    # --- writing ----------------------------------------------------------------------------------------------------

    def replace(self, graph: str, nquads: bytes) -> None:
        """Put the quads in the place of what the graph held."""
        if not nquads:
            return self.remove(graph)
        self._forget(graph)
        self._endpoint.put(graph, _triples(graph, nquads))
        self._names.add(graph)

    def exchange(self, gone: Iterable[ox.Quad], come: Iterable[ox.Quad]) -> None:
        """Remove some quads and add others, graph by graph."""
        old, new = {*gone}, {*come}
        for node in sorted({str(quad.graph_name) for quad in old | new}):
            graph = node[1:-1]
            kept = {*self.quads(graph)} - old | {quad for quad in new if str(quad.graph_name) == node}
            self.replace(graph, ox.serialize(kept, format=ox.RdfFormat.N_QUADS) or b"")

    def bulk_load(self, nquads: bytes | Iterable[ox.Quad]) -> None:
        """Add quads, graph by graph."""
        if not isinstance(nquads, bytes):
            nquads = ox.serialize(nquads, format=ox.RdfFormat.N_QUADS) or b""
        for graph, lines in groupby(sorted(nquads.splitlines(keepends=True), key=_graph), key=_graph):
            name = graph[1:-1].decode()
            self._forget(name)
            self._endpoint.add(name, _triples(name, b"".join(lines)))
            self._names.add(name)

    def remove(self, *graphs: str) -> None:
        """Remove graphs, one by one; those that are not there are passed over."""
        for graph in graphs:
            self._forget(graph)
            self._endpoint.delete(graph)
            self._names.discard(graph)

    # ----------------------------------------------------------------------------------------------------------------

    def _asked(self, text: str, more: Mapping[str, str] = _UNIONS[0]) -> Answer:
        kind, body = self._endpoint.ask(text, more)
        if kind == TRIPLES:
            return [quad.triple for quad in ox.parse(body, format=ox.RdfFormat.N_TRIPLES)]
        return ox.parse_query_results(body, format=ox.QueryResultsFormat.JSON)

    def _whole(self) -> Mapping[str, str]:
        """How this server is asked for the union of all graphs; StoreError if it does not give it."""
        if self._union is None and self.column("extractions"):
            for way in _UNIONS:
                rows = self._asked(query_text("union"), way)
                if isinstance(rows, ox.QuerySolutions) and next(rows, None):
                    self._union = way
                    return way
            raise StoreError(
                f"The default graph of {self.name} is not the union of all its graphs, which questions are asked of: "
                "set it up so (Fuseki: tdb2:unionDefaultGraph true)."
            )
        return self._union or _UNIONS[0]

    @cached_property
    def _vocabularies(self) -> str:
        """What the names of the vocabularies' graphs begin with."""
        from kg import vocab

        return vocab.load().expand("ckv:graph/")

    @cached_property
    def _names(self) -> set[str]:
        """The graphs, asked for once: nobody else writes while this program does."""
        return set(self.graphs())

    @cached_property
    def _told(self) -> dict[ox.NamedNode, list[ox.Quad]]:
        """What the vocabularies' graphs say, by subject."""
        said: dict[ox.NamedNode, list[ox.Quad]] = {}
        for graph in self.graphs():
            if not graph.startswith(self.base):
                for quad in self.quads(graph):
                    assert isinstance(quad.subject, ox.NamedNode)
                    said.setdefault(quad.subject, []).append(quad)
        return said

    def _forget(self, graph: str) -> None:
        """Ask anew what vocabularies say, once that changes; StoreError if the store is only to be read."""
        if self.read_only:
            raise StoreError(f"{self.name} is open only to be read.")
        if not graph.startswith(self.base):
            self.__dict__.pop("_told", None)


def _graph(line: bytes) -> bytes:
    """The name of the graph at the end of a line of N-Quads."""
    return line.rsplit(b" ", 2)[1]


def _triples(graph: str, nquads: bytes) -> bytes:
    """The N-Triples of the N-Quads of one graph."""
    return nquads.replace(f" <{graph}> .\n".encode(), b" .\n")
