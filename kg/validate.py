"""Does the graph hold what it must? The shapes of shapes/ and the questions of queries/violations/, asked of a store.

Shapes need nothing outside a report's own graph. A fast engine checks every report; the reference, pyshacl, checks
those in which that finds a violation and one in a thousand of the others, and the two must agree. Questions see the
whole store.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zlib import crc32

import pyoxigraph as ox

from kg import resources
from kg.errors import ShapeError, SourceError
from kg.store import Store, open_store
from kg.table import Table

if TYPE_CHECKING:
    import rdflib

__all__ = ["ENGINES", "Engine", "Report", "Result", "check", "validate"]

Engine = Literal["checked", "fast", "pyshacl"]
ENGINES: tuple[Engine, ...] = ("checked", "fast", "pyshacl")
_SAMPLE = 1000  # of so many reports without a violation, one is checked by both engines
_BATCH = 500  # reports handed to the fast engine at once; below 50 its start shows
_SLOW_BATCH = 50  # reports handed to pyshacl at once
_SLOW_LIMIT = 50_000  # triples of a graph above which pyshacl would take minutes
_GRAPH_TERM = re.compile(rb" <[^<>\n]*> \.$", re.M)
_DEFAULT = ox.DefaultGraph()
_HEADER = re.compile(r"#\+\s*(summary|severity)\s*:\s*(.*?)\s*$", re.M)


@dataclass(frozen=True, slots=True, order=True)
class Result:
    """One thing that is not as it must be. ``shape`` is a shape's IRI or a question's name.

    IRIs are plain text; a focus that is no IRI is empty, a value is written as in N-Triples.
    """

    report: str
    focus: str
    shape: str
    severity: str  # Violation, Warning or Info
    message: str
    path: str = ""
    value: str = ""
    component: str = ""


@dataclass(frozen=True)
class Report:
    """What a validation found; ``checked`` counts graphs, ``confirmed`` those that pyshacl checked too."""

    results: tuple[Result, ...] = ()
    checked: int = 0
    confirmed: int = 0
    counts: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", dict(sorted(Counter(r.severity for r in self.results).items())))

    @property
    def conforms(self) -> bool:
        """Whether there is no violation; warnings do not count."""
        return not self.counts.get("Violation")

    def to_dicts(self) -> list[dict[str, str]]:
        """One dict a result, in order of report and node."""
        return [asdict(r) for r in self.results]

    def table(self) -> Table:
        """The results as a table to print."""
        return Table(
            ("severity", "message", "focus", "path", "value", "shape"),
            tuple((r.severity, r.message, r.focus, r.path, r.value, r.shape) for r in self.results),
        )

    def summary(self) -> Table:
        """How often each shape or question found something, the worst first."""
        found = Counter((r.severity, r.message if "/" in r.shape else r.shape, r.shape) for r in self.results)
        rows = sorted(found.items(), key=lambda item: (item[0][0] != "Violation", -item[1], item[0]))
        return Table(("severity", "what", "count"), tuple((severity, what, n) for (severity, what, _), n in rows))

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def validate(target: Store | Path, *, engine: Engine = "checked", graphs: Iterable[str] | None = None) -> Report:
    """Check a store, the folder of one, or an RDF file; ``graphs`` limits it to those reports' graphs.

    ``fast`` leaves pyshacl out, ``pyshacl`` uses nothing else and takes some thirty times as long. Raises ShapeError if
    a shape or question cannot be used or the engines disagree, SourceError or StoreError if the target cannot be read.
    """
    if isinstance(target, Store):
        return _validate(target, engine, graphs)
    if target.is_dir():
        inner = target / "store"
        with open_store(inner if inner.is_dir() else target, read_only=True) as store:
            return _validate(store, engine, graphs)
    with open_store() as store:
        own = _read(target, store)
        return _validate(store, engine, own if graphs is None else graphs, whole=graphs is None)


def check(graphs: Mapping[str, bytes], *, engine: Engine = "checked") -> tuple[list[Result], int]:
    """What the shapes find in whole graphs, each given as its name and N-Quads; no questions are asked.

    Also the number of graphs that pyshacl checked. Needs no store, so that any process can check what it has made.
    """
    return _check({name: _GRAPH_TERM.sub(b" .", text) for name, text in graphs.items()}, engine)


def _check(triples: Mapping[str, bytes], engine: Engine) -> tuple[list[Result], int]:
    names = _Names(triples)
    if engine == "pyshacl":
        return list(_reference(triples, names)), len(triples)
    results = _fast(b"".join(triples.values()), names)
    if engine == "fast":
        return results, 0
    doubtful = {r.report for r in results if r.severity == "Violation"}
    again = {
        name: text
        for name, text in triples.items()
        if (names.report_of_graph(name) in doubtful or crc32(name.encode()) % _SAMPLE == 0)
        and (text.count(b"\n") <= _SLOW_LIMIT)
    }
    expected = sorted(_reference(again, names))
    reports = {names.report_of_graph(name) for name in again}
    if sorted(map(_key, expected)) != sorted(_key(r) for r in results if r.report in reports):
        odd = {_key(r) for r in expected} ^ {_key(r) for r in results if r.report in reports}
        raise ShapeError(
            f"The two SHACL engines disagree on {sorted(odd)[0]}; run 'kg validate --engine pyshacl' and report this."
        )
    return results, len(again)


def _validate(store: Store, engine: Engine, graphs: Iterable[str] | None, *, whole: bool = False) -> Report:
    """Shapes over the graphs, by default all that begin with the store's base; questions over those or the whole."""
    wanted = [g for g in store.graphs() if g.startswith(store.base)] if graphs is None else sorted(graphs)
    results: list[Result] = []
    confirmed = 0
    texts = ((g, _triples(store.quads(g))) for g in wanted)
    while batch := dict(islice(texts, _BATCH)):
        found, again = _check(batch, engine)
        results += found
        confirmed += again
    results += _violations(store if graphs is None or whole else _part(store, wanted))
    return Report(tuple(sorted(set(results))), len(wanted), confirmed)


# --- shapes -------------------------------------------------------------------------------------------------------


@cache
def _shapes_text() -> str:
    files = sorted(resources.folder("shapes").glob("*.ttl"))
    if not files:
        raise ShapeError(f"There are no shapes in {resources.folder('shapes')}.")
    return "\n".join(f.read_text(encoding="utf-8") for f in files)


@cache
def _compiled() -> Any:
    import shacl

    try:
        return shacl.Shapes.from_turtle(_shapes_text())
    except ValueError as error:
        raise ShapeError(f"The shapes in {resources.folder('shapes')} cannot be used: {error}.") from error


@cache
def _shapes_graph() -> rdflib.Graph:
    import rdflib

    return rdflib.Graph().parse(data=_shapes_text(), format="turtle")


class _Names:
    """Which report a node belongs to: the one whose IRI its own begins with."""

    def __init__(self, graphs: Iterable[str]) -> None:
        self.reports = {self.report_of_graph(g) for g in graphs}

    @staticmethod
    def report_of_graph(graph: str) -> str:
        return graph.removesuffix("/graph")

    def report(self, node: str) -> str:
        name = node
        while name and name not in self.reports:
            name = name.rpartition("/")[0]
        return name


def _fast(triples: bytes, names: _Names) -> list[Result]:
    results = []
    for r in _compiled().validate_turtle(triples.decode()).results:
        focus = _plain(r.focus_node)
        results.append(
            Result(
                names.report(focus),
                focus,
                _plain(r.source_shape),
                r.severity,
                r.message or "",
                _plain(r.path),
                r.value or "",
                r.component,
            )
        )
    return results


def _reference(graphs: Mapping[str, bytes], names: _Names) -> Iterator[Result]:
    """The same from pyshacl."""
    if not graphs:
        return
    import pyshacl
    import rdflib
    from rdflib.namespace import RDF, SH

    texts = iter(graphs.values())
    while batch := list(islice(texts, _SLOW_BATCH)):
        data = rdflib.Graph().parse(data=b"".join(batch), format="nt")
        _, found, text = pyshacl.validate(data, shacl_graph=_shapes_graph(), inference="none", inplace=True)
        if not isinstance(found, rdflib.Graph):
            raise ShapeError(f"pyshacl cannot use the shapes: {text}.")
        for r in found.objects(found.value(None, RDF.type, SH.ValidationReport), SH.result):
            focus, path, value = found.value(r, SH.focusNode), found.value(r, SH.resultPath), found.value(r, SH.value)
            node = str(focus) if isinstance(focus, rdflib.URIRef) else ""
            yield Result(
                names.report(node),
                node,
                str(found.value(r, SH.sourceShape)),
                str(found.value(r, SH.resultSeverity)).rpartition("#")[2],
                str(found.value(r, SH.resultMessage) or ""),
                str(path) if isinstance(path, rdflib.URIRef) else "",
                value.n3() if value is not None else "",
                str(found.value(r, SH.sourceConstraintComponent)).rpartition("#")[2],
            )


def _key(result: Result) -> tuple[str, ...]:
    """What both engines must say alike: they write values and paths in ways of their own."""
    return (result.focus, result.shape, result.component, result.severity)


def _plain(term: str | None) -> str:
    """An IRI without its brackets; a path that is more than one property is left out."""
    return term[1:-1] if term and term.startswith("<") and term.count("<") == 1 else ""


# --- questions ----------------------------------------------------------------------------------------------------


def _violations(store: Store) -> Iterator[Result]:
    """What the questions of queries/violations/ find in all graphs of the store."""
    names = _Names(store.graphs())
    for file in sorted((resources.folder("queries") / "violations").glob("*.rq")):
        text = file.read_text(encoding="utf-8")
        header: dict[str, str] = dict(_HEADER.findall(text))
        try:
            rows = store.query(text)
        except SyntaxError as error:
            raise ShapeError(f"{file} is not valid SPARQL: {error}.") from error
        if not isinstance(rows, ox.QuerySolutions) or {v.value for v in rows.variables} != {"focus", "message"}:
            raise ShapeError(f"{file} must select ?focus and ?message.")
        for row in rows:
            focus = _plain(str(row["focus"]))
            yield Result(
                names.report(focus), focus, file.stem, header.get("severity", "Violation"), row["message"].value
            )


def _part(store: Store, graphs: Sequence[str]) -> Store:
    """Those graphs and all that are no report's, in memory: asking a part of a big store would take longer."""
    part = open_store(base=store.base)
    for graph in {*graphs, *(g for g in store.graphs() if not g.startswith(store.base))}:
        part.bulk_load(store.quads(graph))
    return part


def _read(path: Path, store: Store) -> list[str]:
    """Load an RDF file and, for the questions about concepts, the shipped vocabularies; the names of the file's graphs.

    Triples outside a graph go into one that is named like the file.
    """
    from kg import vocab

    alone = ox.NamedNode(f"{path.absolute().as_uri()}/graph")
    try:
        quads = ox.parse(path=path)
        store.bulk_load(
            q if q.graph_name != _DEFAULT else ox.Quad(q.subject, q.predicate, q.object, alone) for q in quads
        )
    except (SyntaxError, ValueError, OSError) as error:
        raise SourceError(f"{path}: cannot be read as RDF: {error}.") from error
    own = store.graphs()
    store.bulk_load(vocab.load().quads())
    return own


def _triples(quads: Iterable[ox.Quad]) -> bytes:
    return ox.serialize((q.triple for q in quads), format=ox.RdfFormat.N_TRIPLES) or b""
