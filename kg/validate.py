"""Does the graph hold what it must? The shapes of shapes/ and the questions of queries/violations/.

Each report is checked by itself, so that any process can check what it has made. A fast engine applies the shapes to
every report; the reference, pyshacl, to those in which that finds a violation and to one in a thousand of the others,
and the two must agree. A question whose header says ``scope: store`` is asked of the whole store.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache, lru_cache
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol
from zlib import crc32

import pyoxigraph as ox

from kg import resources
from kg.errors import ShapeError, SourceError
from kg.store import Embedded, Store, is_address, open_store
from kg.table import Table

if TYPE_CHECKING:
    import rdflib

__all__ = ["ENGINES", "Checker", "Engine", "Report", "Result", "check", "complete", "validate"]

Engine = Literal["checked", "fast", "pyshacl"]
ENGINES: tuple[Engine, ...] = ("checked", "fast", "pyshacl")
_SAMPLE = 1000  # of so many reports without a violation, one is checked by both engines
_BATCH = 50  # graphs read from a store at once
_DESCRIBED = 20_000  # concepts whose description is kept at hand
_SLOW_LIMIT = 50_000  # triples of a graph above which pyshacl would take minutes
_DEFAULT = ox.DefaultGraph()
_HEADER = re.compile(r"#\+\s*(severity|scope)\s*:\s*(.*?)\s*$", re.M)


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


_IN_ORDER = attrgetter(*(part.name for part in fields(Result)))  # sorts ten times as fast as comparing results does


@dataclass(frozen=True)
class Report:
    """What a validation found; ``checked`` counts graphs, ``confirmed`` those that pyshacl checked too."""

    results: tuple[Result, ...] = ()
    checked: int = 0
    confirmed: int = 0
    counts: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", dict(sorted(Counter(r.severity for r in self.results).items())))

    @classmethod
    def of(cls, parts: Iterable[Report]) -> Report:
        """All that several validations found."""
        parts = list(parts)
        results = tuple(sorted({result for part in parts for result in part.results}, key=_IN_ORDER))
        return cls(results, sum(part.checked for part in parts), sum(part.confirmed for part in parts))

    @property
    def conforms(self) -> bool:
        """Whether there is no violation; warnings do not count."""
        return not self.counts.get("Violation")

    @property
    def verdict(self) -> str:
        """The whole in one line."""
        counts = ", ".join(f"{n} {severity.lower()}{'' if n == 1 else 's'}" for severity, n in self.counts.items())
        says = "conforms" if self.conforms else "does not conform"
        return f"{says} ({counts or 'nothing found'}), {self.checked} graphs checked"

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
        return replace(self.table(), remarks=(f"SHACL: {self.verdict}.",))._repr_html_()


def validate(target: Store | Path | str, *, engine: Engine = "checked", graphs: Iterable[str] | None = None) -> Report:
    """Check a store, the folder or address of one, or an RDF file; ``graphs`` limits it to those reports' graphs.

    ``fast`` leaves pyshacl out, ``pyshacl`` uses nothing else and takes some fifty times as long. Raises ShapeError if
    a shape or question cannot be used or the engines disagree, SourceError or StoreError if the target cannot be read.
    """
    if isinstance(target, Store):
        return _validate(target, engine, graphs)
    if is_address(target):
        with open_store(target, read_only=True) as store:
            return _validate(store, engine, graphs)
    target = Path(target)
    if target.is_dir():
        inner = target / "store"
        with open_store(inner if inner.is_dir() else target, read_only=True) as store:
            return _validate(store, engine, graphs)
    with open_store() as store:
        own = _read(target, store)
        return _validate(store, engine, own if graphs is None else graphs, whole=graphs is None)


def complete(store: Store, done: Report, graphs: Collection[str]) -> Report:
    """``done``, which is what was found in those graphs of a store, with what is found in all others and across all."""
    others = [g for g in store.data_graphs() if g not in graphs]
    return Report.of((done, _validate(store, "checked", others, whole=True)))


class Background(Protocol):
    """What knows the vocabularies: a store that holds them, or they themselves."""

    def about(self, node: ox.NamedNode) -> Iterator[ox.Quad]:
        """All quads of which ``node`` is the subject."""


class Checker:
    """Checks graphs of reports, each by itself; what these lead to is described by the ``background``."""

    def __init__(self, background: Background, engine: Engine = "checked") -> None:
        self._about = lru_cache(_DESCRIBED)(lambda node: list(background.about(ox.NamedNode(node[1:-1].decode()))))
        self.engine = engine

    def __call__(self, graphs: Mapping[str, bytes], look: Callable[[Embedded], None] = lambda part: None) -> Report:
        """What is found in whole graphs, each given as its name and N-Quads; some dozens at a time are fastest.

        ``look`` is handed the store with these graphs and what describes their concepts.
        """
        results, confirmed = check(graphs, engine=self.engine)
        names = _Names(graphs)
        with open_store() as part:
            nquads = b"".join(graphs.values())
            part.bulk_load(nquads)
            part.bulk_load(self._described(nquads))
            found = [r for r in _ask(part, "report") if names.report(r.focus)]
            look(part)
        return Report(tuple(sorted({*results, *found})), len(graphs), confirmed)

    def _described(self, nquads: bytes) -> list[ox.Quad]:
        """What the background says of the nodes to which the graphs lead, which are concepts if all is well."""
        subjects, objects = set(), set()
        for line in nquads.splitlines():
            subject, _, rest = line.split(b" ", 2)
            subjects.add(subject)
            if rest.startswith(b"<") and not rest.startswith(b"<<"):  # an IRI, and no triple
                objects.add(rest.partition(b" ")[0])
        return [quad for node in sorted(objects - subjects) for quad in self._about(node)]


def check(graphs: Mapping[str, bytes], *, engine: Engine = "checked") -> tuple[list[Result], int]:
    """What the shapes find in whole graphs, each given as its name and N-Quads; no questions are asked.

    Also the number of graphs that pyshacl checked.
    """
    names = _Names(graphs)
    results: list[Result] = []
    confirmed = 0
    for name, nquads in graphs.items():
        triples = nquads.replace(f" <{name}> .\n".encode(), b" .\n")
        found = _fast(triples, names) if engine != "pyshacl" else []
        doubtful = any(r.severity == "Violation" for r in found) or crc32(name.encode()) % _SAMPLE == 0
        if engine == "pyshacl" or (engine == "checked" and doubtful and triples.count(b"\n") <= _SLOW_LIMIT):
            reference = list(_reference(triples, names))
            confirmed += 1
            if engine == "checked" and sorted(map(_key, reference)) != sorted(map(_key, found)):
                odd = sorted({*map(_key, reference)} ^ {*map(_key, found)})
                raise ShapeError(
                    f"The two SHACL engines disagree on {odd[0] if odd else name}; "
                    "run 'kg validate --engine pyshacl' and report this."
                )
            found = reference if engine == "pyshacl" else found
        results += found
    return results, confirmed


def _validate(store: Store, engine: Engine, graphs: Iterable[str] | None, *, whole: bool = False) -> Report:
    """The graphs one by one, by default all that begin with the store's base; then what concerns the whole store."""
    wanted = store.data_graphs() if graphs is None else sorted(graphs)
    checker = Checker(store, engine)
    reports = []
    names = iter(wanted)
    while batch := list(islice(names, _BATCH)):
        reports.append(checker({graph: store.nquads(graph) for graph in batch}))
    if graphs is None or whole:
        reports.append(Report(tuple(_ask(store, "store"))))
    return Report.of(reports)


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
    for r in _compiled().validate_text(triples.decode(), "ntriples").results:
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


def _reference(triples: bytes, names: _Names) -> Iterator[Result]:
    """The same from pyshacl."""
    import pyshacl
    import rdflib
    from rdflib.namespace import RDF, SH

    data = rdflib.Graph().parse(data=triples, format="nt")
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


@cache
def _questions() -> tuple[tuple[str, dict[str, str], str], ...]:
    """Name, header and text of each."""
    files = sorted((resources.folder("queries") / "violations").glob("*.rq"))
    texts = [(f.stem, f.read_text(encoding="utf-8")) for f in files]
    return tuple((name, dict(_HEADER.findall(text)), text) for name, text in texts)


def _ask(store: Store, scope: str) -> Iterator[Result]:
    """What the questions of that scope find in all graphs of the store."""
    names = None
    for name, header, text in _questions():
        if header.get("scope", "report") != scope:
            continue
        try:
            rows = store.query(text)
        except SyntaxError as error:
            raise ShapeError(f"The question {name} of queries/violations/ is not valid SPARQL: {error}.") from error
        if not isinstance(rows, ox.QuerySolutions) or {v.value for v in rows.variables} != {"focus", "message"}:
            raise ShapeError(f"The question {name} of queries/violations/ must select ?focus and ?message.")
        for row in rows:
            names = names or _Names(store.graphs())
            focus = _plain(str(row["focus"]))
            yield Result(names.report(focus), focus, name, header.get("severity", "Violation"), row["message"].value)


def _read(path: Path, store: Store) -> list[str]:
    """Load an RDF file and what the vocabularies say of its concepts; the names of the file's graphs.

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
    vocabulary = vocab.load()
    nodes = {q.object.value for q in store.quads() if isinstance(q.object, ox.NamedNode)}
    store.bulk_load(vocabulary.quads({*map(vocabulary.compact, nodes)} & {*vocabulary.concepts}))
    return own
