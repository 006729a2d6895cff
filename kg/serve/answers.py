"""What workers do for the endpoints: ask, update, read and write graphs. Functions of a store, for ``Service``."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

import pyoxigraph as ox

from kg.errors import ServeError
from kg.serve.tokens import mentions, with_dataset

if TYPE_CHECKING:
    from kg.store import Embedded

__all__ = ["Answer", "Dataset", "Wanted", "ask", "change", "drop", "put", "read", "serialized"]

_SEEN = 10_000  # triples of an answer that choose its prefixes


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes of a media type."""

    body: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """The graphs, by IRI, that a request names beside its query."""

    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.default or self.named)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The media types that a request accepts, for rows and for a graph; prefixes for a graph; the most bytes."""

    rows: str | None
    graph: str | None
    prefixes: Mapping[str, str]
    most: int


class _Bounded(io.BytesIO):
    """A file in memory that takes so many bytes and no more."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, piece: bytes, /) -> int:  # type: ignore[override]
        if self.tell() + len(piece) > self._most:
            raise ServeError("The answer is larger than this server gives: ask for less, such as with LIMIT.", 403)
        return super().write(piece)


def ask(store: Embedded, query: str, base: str, dataset: Dataset, wanted: Wanted) -> Answer:
    """The answer to a SPARQL query.

    Without a dataset, neither in the request nor in the query, the default graph is the union of all graphs.
    """
    _refuse(query, "service")
    try:
        found = store.data.query(
            query,
            base_iri=base,
            use_default_graph_as_union=not dataset and not mentions(query, "from"),
            default_graph=[_node(g) for g in dataset.default] if dataset else None,
            named_graphs=[_node(g) for g in dataset.named] if dataset else None,
        )
    except SyntaxError as error:
        raise ServeError(f"This is not a SPARQL query: {error}.", 400) from error
    if isinstance(found, ox.QueryTriples):
        return serialized(found, wanted)
    if wanted.rows is None:
        raise ServeError("The answer is a table or a truth, and the request accepts none of its formats.", 406)
    out = _Bounded(wanted.most)
    found.serialize(out, ox.QueryResultsFormat.from_media_type(wanted.rows))
    return Answer(out.getvalue(), wanted.rows)


def serialized(triples: Iterable[ox.Triple], wanted: Wanted) -> Answer:
    """Triples in the RDF format that is wanted, with the prefixes that they use; ServeError 406 if none is."""
    if wanted.graph is None:
        raise ServeError("The answer is a graph, and the request accepts none of its formats.", 406)
    rest = iter(triples)
    first = list(islice(rest, _SEEN))
    out = _Bounded(wanted.most)
    ox.serialize(chain(first, rest), out, _format(wanted.graph), prefixes=_used(wanted.prefixes, first))
    return Answer(out.getvalue(), wanted.graph)


def change(store: Embedded, update: str, base: str, dataset: Dataset) -> None:
    """Do a SPARQL update, all of it or nothing."""
    _refuse(update, "service")
    _refuse(update, "load")
    text = with_dataset(update, (str(_node(g)) for g in dataset.default), (str(_node(g)) for g in dataset.named))
    try:
        store.data.update(text, base_iri=base)
    except SyntaxError as error:
        raise ServeError(f"This is not a SPARQL update: {error}.", 400) from error


def read(store: Embedded, graph: str | None, wanted: Wanted) -> Answer:
    """All triples of a graph; None is the default graph."""
    _there(store, graph)
    quads = store.data.quads_for_pattern(None, None, None, _name(graph))
    return serialized((q.triple for q in quads), wanted)


def put(store: Embedded, graph: str | None, body: bytes, media_type: str, base: str, replace: bool) -> bool:
    """Put triples in the place of a graph's, or add them to it; whether the graph is new."""
    name = _name(graph)
    new = graph is not None and not store.data.contains_named_graph(name)
    try:
        parsed = list(ox.parse(body, _format(media_type), base_iri=base, rename_blank_nodes=True))
    except SyntaxError as error:
        raise ServeError(f"The body is not what its Content-Type says: {error}.", 400) from error
    if any(not isinstance(q.graph_name, ox.DefaultGraph) for q in parsed):
        raise ServeError("The body names graphs of its own: send the triples of one graph.", 400)
    if replace:  # in one step, so that a process that is stopped leaves the old graph or the new one
        triples = "".join(f"{q.triple} .\n" for q in parsed)
        into, dropped = ("", "DEFAULT") if graph is None else (f"GRAPH {name}", f"GRAPH {name}")
        data = f"{into} {{ {triples} }}" if into else triples
        store.data.update(f"DROP SILENT {dropped} ; INSERT DATA {{ {data} }}")
    else:
        store.data.extend(ox.Quad(q.subject, q.predicate, q.object, name) for q in parsed)
    store.data.add_graph(name)
    return new


def drop(store: Embedded, graph: str | None) -> None:
    """Remove a graph; the default graph, None, is emptied."""
    _there(store, graph)
    store.data.remove_graph(_name(graph))


def _there(store: Embedded, graph: str | None) -> None:
    if graph is not None and not store.data.contains_named_graph(_node(graph)):
        raise ServeError(f"There is no graph {graph}.", 404)


def _refuse(text: str, keyword: str) -> None:
    if mentions(text, keyword):
        word = keyword.upper()
        raise ServeError(f"{word} is refused: this server asks no other. Is it a prefix? Choose another name.", 403)


def _name(graph: str | None) -> ox.NamedNode | ox.DefaultGraph:
    return ox.DefaultGraph() if graph is None else _node(graph)


def _node(iri: str) -> ox.NamedNode:
    try:
        return ox.NamedNode(iri)
    except ValueError as error:
        raise ServeError(f"{iri!r} is not an IRI: {error}.", 400) from error


def _format(media_type: str) -> ox.RdfFormat:
    known = ox.RdfFormat.from_media_type(media_type)
    assert known is not None, media_type
    return known


def _used(prefixes: Mapping[str, str], triples: Iterable[ox.Triple]) -> dict[str, str]:
    """The prefixes that fit some node of these triples."""
    nodes = {n.value for t in triples for n in (t.subject, t.predicate, t.object) if isinstance(n, ox.NamedNode)}
    starts = {node[: max(node.rfind("/"), node.rfind("#")) + 1] for node in nodes}
    return {prefix: iri for prefix, iri in prefixes.items() if any(start.startswith(iri) for start in starts)}
