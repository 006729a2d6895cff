"""The store of one machine: Oxigraph inside this program, on disk or in memory.

It remembers the version of its schema and the base of its IRIs, and lets one writer in at a time.
"""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pyoxigraph as ox

from kg.errors import StoreError
from kg.store.store import SCHEMA, Answer, Store

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

try:
    import fcntl
except ImportError:  # Windows: Oxigraph's own lock still keeps a second writer out
    fcntl = None  # type: ignore[assignment]

__all__ = ["Embedded", "open_embedded"]

_ABOUT = "casekg.json"
_LOCK = "casekg.lock"
_READ = 1 << 20  # bytes that Oxigraph is given at once
_FEW = 8  # up to so many graphs are sooner replaced one by one
_PATIENCE = 1.0  # seconds; a server that copies the store holds it for less


def open_embedded(path: Path | str | None = None, *, read_only: bool = False, base: str = "") -> Embedded:
    """The store in the folder ``path``, made if it is not there; None is a store in memory.

    ``base`` begins the IRIs of all data; a store made before keeps its own. Raises StoreError if the folder cannot be
    used, another process writes to it, or another version of this program made it.
    """
    if path is None:
        return Embedded(ox.Store(), None, base)
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
    return Embedded(data, path, kept, lock, read_only=read_only)


class Embedded(Store):
    """An open store of this machine."""

    def __init__(
        self, data: ox.Store, path: Path | None, base: str, lock: IO[bytes] | None = None, *, read_only: bool = False
    ) -> None:
        super().__init__(str(path or "in memory"), base, read_only=read_only)
        self._data: ox.Store | None = data
        self._lock = lock
        self.path = path

    def __len__(self) -> int:
        return len(self.data)

    def close(self) -> None:
        """Write everything to disk and let others open the store; closing twice is harmless."""
        data, self._data = self._data, None
        try:
            if data is not None and self.path and not self.read_only:
                with _said(f"The store {self.name} cannot be written"):
                    data.flush()
        finally:
            if self._lock:
                self._lock.close()

    @property
    def data(self) -> ox.Store:
        """The Oxigraph store itself."""
        if self._data is None:
            raise StoreError(f"The store {self.name} is closed.")
        return self._data

    # --- reading ----------------------------------------------------------------------------------------------------

    def query(self, text: str) -> Answer:
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

    def match(
        self, subject: ox.NamedNode | None, predicate: ox.NamedNode | None, value: ox.NamedNode | ox.Literal | None
    ) -> Iterator[ox.Quad]:
        """All quads with these terms; None stands for any."""
        return self.data.quads_for_pattern(subject, predicate, value, None)

    # --- writing ----------------------------------------------------------------------------------------------------

    def replace(self, graph: str, nquads: bytes) -> None:
        """Put the quads in the place of what the graph held, in one transaction."""
        name = f"<{graph}>"
        body = "".join(f"{_triple(q)} .\n" for q in ox.parse(nquads, format=ox.RdfFormat.N_QUADS))
        with _said(f"The graph {graph} cannot be written"):
            self.data.update(f"DROP SILENT GRAPH {name} ; INSERT DATA {{ GRAPH {name} {{ {body} }} }}")

    def exchange(self, gone: Iterable[ox.Quad], come: Iterable[ox.Quad]) -> None:
        """Remove some quads and add others, in one transaction."""
        there, here = (" ".join(f"GRAPH {q.graph_name} {{ {_triple(q)} }}" for q in quads) for quads in (gone, come))
        with _said("The store cannot be written"):
            self.data.update(f"DELETE DATA {{ {there} }} ; INSERT DATA {{ {here} }}")

    def replace_all(self, graphs: Mapping[str, bytes]) -> None:
        """Replace many graphs, given by name, by bulk load: a tenth of the time that replacing one by one takes."""
        if len(graphs) <= _FEW:
            super().replace_all(graphs)
        else:
            self.remove(*filter(self.holds, graphs))
            nquads = io.BufferedReader(_Joined(graphs.values()), _READ)
            with _said("The quads cannot be loaded"):
                self.data.bulk_load(nquads, ox.RdfFormat.N_QUADS, lenient=True)

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


class _Joined(io.RawIOBase):
    """Several texts as one file, without a copy of them all."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._rest = memoryview(part)
        room = memoryview(buffer)
        count = min(len(room), len(self._rest))
        room[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def _triple(quad: ox.Quad) -> str:
    return f"{quad.subject} {quad.predicate} {quad.object}"


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
