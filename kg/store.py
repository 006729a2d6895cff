"""The graph on disk or in memory: an Oxigraph store that holds one named graph a report.

Questions address the union of all graphs. A store remembers the version of its schema and the base of its IRIs, lets
one writer in at a time, and writes any RDF format sorted, so that equal graphs are equal bytes.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

import pyoxigraph as ox

from kg.errors import StoreError
from kg.resources import folder
from kg.table import Table

try:
    import fcntl
except ImportError:  # Windows: Oxigraph's own lock still keeps a second writer out
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import rdflib

__all__ = ["FORMATS", "SCHEMA", "Store", "open_store"]

SCHEMA = 1  # raised whenever docs/graph.md changes so that a store must be built again
FORMATS = {
    "nq": ox.RdfFormat.N_QUADS,
    "nt": ox.RdfFormat.N_TRIPLES,
    "trig": ox.RdfFormat.TRIG,
    "ttl": ox.RdfFormat.TURTLE,
}
_ABOUT = "casekg.json"
_LOCK = "casekg.lock"
_PATIENCE = 1.0  # seconds; a server that copies the store holds it for less
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"


def open_store(path: Path | str | None = None, *, read_only: bool = False, base: str = "") -> Store:
    """The store in the folder ``path``, made if it is not there; None is a store in memory.

    ``base`` begins the IRIs of all data; a store made before keeps its own. Raises StoreError if the folder cannot be
    used, another process writes to it, or another version of this program made it.
    """
    if path is None:
        return Store(ox.Store(), None, base)
    path = Path(path)
    about = path / _ABOUT
    with _said(f"The store {path} cannot be opened"):
        if read_only and not about.is_file():
            raise StoreError(f"{path} holds no store: run 'kg build' first.")
        if not about.is_file() and path.is_dir() and any(not p.name.startswith("casekg.") for p in path.iterdir()):
            raise StoreError(f"{path} holds other files and no store: name an empty or a new folder.")
        path.mkdir(parents=True, exist_ok=True)
        lock = _lock(path, shared=read_only)
        try:
            schema, kept = _read_about(about) if about.is_file() else (SCHEMA, base)
            if schema != SCHEMA:
                raise StoreError(
                    f"The store {path} has schema {schema} and this kg writes {SCHEMA}: "
                    "delete the folder and run 'kg build' again."
                )
            if base and kept != base:
                raise StoreError(f"The store {path} has the base {kept}, not {base}: build into another folder.")
            if not about.is_file():  # first of all files, so that whatever ends this process leaves a store
                draft = about.with_suffix(".tmp")
                draft.write_text(json.dumps({"schema": SCHEMA, "base": base}) + "\n", encoding="utf-8")
                draft.replace(about)
            for left in () if read_only else path.glob("bulk-*.sst"):  # of a load that a dying process began
                left.unlink()
            data = ox.Store.read_only(str(path)) if read_only else ox.Store(path)
        except BaseException:
            if lock:
                lock.close()
            raise
    return Store(data, path, kept, lock, read_only=read_only)


class Store:
    """An open store; use it as a context manager or ``close`` it. Every failure is a StoreError of one sentence."""

    def __init__(
        self, data: ox.Store, path: Path | None, base: str, lock: IO[bytes] | None = None, *, read_only: bool = False
    ) -> None:
        self._data: ox.Store | None = data
        self._lock = lock
        self.read_only = read_only
        self.path = path
        self.base = base

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """Number of quads; takes time in proportion."""
        return len(self.data)

    def __repr__(self) -> str:
        return f"Store({str(self.path or 'in memory')!r}{', read only' if self.read_only else ''})"

    def _repr_html_(self) -> str:
        """How much it holds, for a notebook: the answer of the question ``summary``."""
        rows = self.query((folder("queries") / "summary.rq").read_text(encoding="utf-8"))
        assert isinstance(rows, ox.QuerySolutions)
        counts = tuple((row["what"].value, int(row["count"].value)) for row in rows)
        return Table(("what", "count"), counts, remarks=(f"Store {self.path or 'in memory'}",))._repr_html_()

    def close(self) -> None:
        """Write everything to disk and let others open the store; closing twice is harmless."""
        if self._data is not None and self.path and not self.read_only:
            with _said(f"The store {self.path} cannot be written"):
                self._data.flush()
        self._data = None
        if self._lock:
            self._lock.close()

    @property
    def data(self) -> ox.Store:
        """The Oxigraph store itself."""
        if self._data is None:
            raise StoreError(f"The store {self.path or 'in memory'} is closed.")
        return self._data

    # --- reading ----------------------------------------------------------------------------------------------------

    def query(self, text: str) -> ox.QuerySolutions | ox.QueryTriples | ox.QueryBoolean:
        """The answer to a SPARQL query over the union of all graphs; SyntaxError if it is none."""
        with _said("The store cannot be read"):
            return self.data.query(text, use_default_graph_as_union=True)

    def graphs(self) -> list[str]:
        """IRIs of all graphs, sorted."""
        with _said("The store cannot be read"):
            return sorted(g.value for g in self.data.named_graphs())

    def holds(self, graph: str) -> bool:
        """Whether there is a graph with that IRI."""
        return self.data.contains_named_graph(ox.NamedNode(graph))

    def quads(self, graph: str | None = None) -> Iterator[ox.Quad]:
        """All quads of one graph, or of the whole store, in no order."""
        return self.data.quads_for_pattern(None, None, None, ox.NamedNode(graph) if graph else None)

    def about(self, node: ox.NamedNode) -> Iterator[ox.Quad]:
        """All quads of which ``node`` is the subject."""
        return self.data.quads_for_pattern(node, None, None, None)

    def value(self, subject: str, predicate: str) -> str | None:
        """The value of a property of a node, as text; the first in order of code points if there are several."""
        found = self.data.quads_for_pattern(ox.NamedNode(subject), ox.NamedNode(predicate), None, None)
        return min((q.object.value for q in found if not isinstance(q.object, ox.Triple)), default=None)

    def subject(self, predicate: str, text: str) -> str | None:
        """The node of which a property has that text; the first in order of code points if there are several."""
        found = self.data.quads_for_pattern(None, ox.NamedNode(predicate), ox.Literal(text), None)
        return min((q.subject.value for q in found if isinstance(q.subject, ox.NamedNode)), default=None)

    def as_rdflib(self) -> rdflib.Dataset:
        """A copy of all graphs as rdflib objects, with the union as its default."""
        import rdflib

        dataset = rdflib.Dataset(default_union=True)
        dataset.parse(data=self.data.dump(format=ox.RdfFormat.N_QUADS), format="nquads")
        return dataset

    # --- writing ----------------------------------------------------------------------------------------------------

    def replace(self, graph: str, nquads: bytes) -> None:
        """Put the quads, all of that graph, in the place of what the graph held: all of it or nothing.

        For thousands of reports ``remove`` and ``bulk_load`` take a tenth of the time.
        """
        name = f"<{graph}>"
        body = "".join(f"{_triple(q)} .\n" for q in ox.parse(nquads, format=ox.RdfFormat.N_QUADS))
        with _said(f"The graph {graph} cannot be written"):
            self.data.update(f"DROP SILENT GRAPH {name} ; INSERT DATA {{ GRAPH {name} {{ {body} }} }}")

    def bulk_load(self, nquads: bytes | Iterable[ox.Quad]) -> None:
        """Add quads in one step, all or nothing; each call costs a tenth of a second, so hand over many reports."""
        with _said("The quads cannot be loaded"):
            if isinstance(nquads, bytes):
                self.data.bulk_load(nquads, ox.RdfFormat.N_QUADS, lenient=True)
            else:
                self.data.bulk_extend(nquads)

    def remove(self, *graphs: str) -> None:
        """Remove graphs in one step; those that are not there are passed over."""
        if graphs:
            with _said("The store cannot be written"):
                self.data.update(" ; ".join(f"DROP SILENT GRAPH {ox.NamedNode(g)}" for g in graphs))

    def optimize(self) -> None:
        """Tidy the files after much was loaded; questions get faster."""
        with _said("The store cannot be written"):
            self.data.optimize()

    def snapshot(self, path: Path) -> None:
        """A copy of the store in a new folder, made in no time by hard links where the file system has them."""
        with _said(f"The snapshot {path} cannot be written"):
            self.data.backup(path)
            shutil.copy(Path(self.path or ".") / _ABOUT, path / _ABOUT)

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
            for quads in self.by_graph(graphs, without=without):
                lines = ox.serialize(quads if form == "nq" else [q.triple for q in quads], format=FORMATS[form]) or b""
                out.writelines(sorted(lines.splitlines(keepends=True)))
            return
        named = {p: iri for p, iri in sorted((prefixes or {}).items()) if iri != self.base}
        header = [f"@base <{self.base}> .\n"] if self.base else []
        header += [f"@prefix {p}: <{iri}> .\n" for p, iri in named.items()]
        out.write("".join(header).encode())
        for quads in self.by_graph(graphs, without=without):
            quads.sort(key=_readable)
            terms: Iterable[ox.Quad] | Iterable[ox.Triple] = quads if form == "trig" else [q.triple for q in quads]
            text = ox.serialize(terms, format=FORMATS[form], prefixes=named, base_iri=self.base or None) or b""
            out.write(b"\n" + text.split(b"\n", len(header))[-1])

    def by_graph(
        self, graphs: Iterable[str] | None = None, *, without: Collection[str] = ()
    ) -> Iterator[list[ox.Quad]]:
        """The quads of one graph after another: those of the data, then what they lead to of the vocabularies.

        Each group is in the order of its IRIs. ``graphs`` names the graphs of data to write, by default all that begin
        with the base; ``without`` names properties to leave out. Of the other graphs comes what is said of the terms
        in use and of all to which that leads in turn: ancestors, schemes, sources of codes. What no report uses stays
        out, so that a small graph is a small file.
        """
        seen: set[str] = set()
        for graph in (g for g in self.graphs() if g.startswith(self.base)) if graphs is None else sorted(graphs):
            quads = []
            for quad in self.quads(graph):
                if quad.predicate.value not in without:
                    quads.append(quad)
                    seen.add(quad.predicate.value)
                    if isinstance(quad.object, ox.NamedNode) and not quad.object.value.startswith(self.base):
                        seen.add(quad.object.value)
            if quads:
                yield quads
        yield from self._background(seen, without)

    def _background(self, led_to: set[str], without: Collection[str]) -> Iterator[list[ox.Quad]]:
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
            yield found[graph_name]


def _triple(quad: ox.Quad) -> str:
    return f"{quad.subject} {quad.predicate} {quad.object}"


def _readable(quad: ox.Quad) -> tuple[str, bool, str, str]:
    subject, predicate = quad.subject, quad.predicate.value
    return (subject.value if isinstance(subject, ox.NamedNode) else "", predicate != _TYPE, predicate, str(quad.object))


def _read_about(path: Path) -> tuple[int, str]:
    """Schema and base of a store."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return int(known["schema"]), str(known["base"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is damaged: delete the store's folder and run 'kg build' again.") from error


def _lock(path: Path, *, shared: bool) -> IO[bytes] | None:
    """Keep a writer apart from all others while the file is open; the system lets go of it when a process dies."""
    file = path / _LOCK
    if fcntl is None or (shared and not file.exists()):
        return None
    handle: IO[bytes] = file.open("rb" if shared else "ab")
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if time.monotonic() > until:
                handle.close()
                raise StoreError(f"Another kg is writing to the store {path}: wait until it has ended.") from None
            time.sleep(_PATIENCE / 20)


@contextmanager
def _said(what: str) -> Iterator[None]:
    """Turn an error of the system or of Oxigraph into a StoreError that begins with ``what``."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # Oxigraph says "Corruption" as a RuntimeError
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        if "lock" in reason.lower():
            reason = "another program has it open; wait until it has ended"
        elif "No space left" in reason:
            reason = "the disk is full; make room and run the same command again"
        elif "Corruption" in reason:
            reason = f"its files are damaged ({reason}); delete the folder and run 'kg build' again"
        raise StoreError(f"{what}: {reason}.") from error
