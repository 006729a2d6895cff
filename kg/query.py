"""Questions: the files of queries/, their parameters, and their answers.

A question is a SPARQL file that starts with a header::

    #+ summary: Treatments reported for a condition, and what followed
    #+ param condition: concept condition -- the condition, or any kind of it
    #+ param at-least: number = 1 -- reports at least

Each parameter has one line ``VALUES ?condition { UNDEF }`` in the text, which is filled with the serialised value. A
line that ends in ``#? condition`` stands only if that parameter is given. The file is plain SPARQL as it stands, and
the bound text runs on the embedded store and on any endpoint: questions address the union of all graphs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyoxigraph as ox

from kg import resources
from kg.errors import QueryError, VocabularyError
from kg.table import Table, Value

if TYPE_CHECKING:
    from kg.store import Store
    from kg.vocab import Vocabulary

__all__ = ["Parameter", "Question", "ask", "query", "question", "questions", "read_question"]

Kinds = ("concept", "code", "text", "number", "iri")
_HEADER = re.compile(r"#\+\s*(summary|note|param\s+(?P<param>[\w-]+))\s*:\s*(?P<value>.*)")
_PARAM = re.compile(r"(?P<kind>\w+)(?:\s+(?P<of>\w+))?(?:\s*=\s*(?P<default>.+?))?\s*(?:--\s*(?P<help>.*))?$")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. ``kind``: concept (``of`` a type), code (``of`` a code list), text, number or iri."""

    name: str
    kind: str
    of: str | None = None
    default: str | None = None
    help: str = ""

    @property
    def variable(self) -> str:
        """The SPARQL variable: ``at-least`` is ``?at_least``."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Question:
    """A question: its name, one line of summary, a note on how to read the answer, parameters, and SPARQL text."""

    name: str
    summary: str
    note: str
    parameters: tuple[Parameter, ...]
    text: str

    def bind(self, values: Mapping[str, str | Iterable[str]], words: Callable[[], Vocabulary], base: str) -> str:
        """The text with each given value (several: any of them) in its VALUES line, the other lines left out.

        ``words`` gives the vocabulary, which is loaded only if a value needs it.
        """
        known = {p.name: p for p in self.parameters}
        for name in values:
            if name not in known:
                raise QueryError(f"The question {self.name!r} has no parameter {name!r}.{_hint(name, known)}")
        terms: dict[str, str] = {}
        for parameter in self.parameters:
            given = values.get(parameter.name, parameter.default)
            if given is None:
                continue
            many = [given] if isinstance(given, str) else list(given)
            if many:
                terms[parameter.variable] = " ".join(_term(parameter, v, words, base) for v in many)
        lines = []
        for line in self.text.splitlines():
            condition = re.search(r"#\?\s*([\w-]+)\s*$", line)
            if condition and condition[1].replace("-", "_") not in terms:
                continue
            slot = re.match(r"(\s*VALUES\s+\?(\w+)\s*)\{[^}]*\}(.*)", line)
            if slot and slot[2] in terms:
                line = f"{slot[1]}{{ {terms[slot[2]]} }}{slot[3]}"
            lines.append(line)
        return "\n".join(lines)


def read_question(text: str, name: str) -> Question:
    """Parse a file's text; QueryError names the header line that is wrong or the parameter without a VALUES line."""
    summary = note = ""
    parameters = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("#+"):
            continue
        head = _HEADER.match(line)
        if head is None:
            raise QueryError(f"{name}: line {number} is no header of the form '#+ summary: ...' or '#+ param x: kind'.")
        if head["param"]:
            part = _PARAM.match(head["value"])
            if part is None or part["kind"] not in Kinds:
                raise QueryError(f"{name}: line {number}: a parameter is one of {', '.join(Kinds)}.")
            parameters.append(
                Parameter(head["param"], part["kind"], part["of"], part["default"], (part["help"] or "").strip())
            )
        elif head[1] == "summary":
            summary = head["value"].strip()
        else:
            note = head["value"].strip()
    for parameter in parameters:
        if not re.search(rf"^\s*VALUES\s+\?{parameter.variable}\s*\{{", text, re.M):
            raise QueryError(
                f"{name}: parameter {parameter.name} has no line 'VALUES ?{parameter.variable} {{ ... }}'."
            )
    return Question(name, summary, note, tuple(parameters), text)


@cache
def questions() -> Mapping[str, Question]:
    """All shipped questions by name, in alphabetical order."""
    files = sorted(resources.folder("queries").glob("*.rq"))
    return {f.stem: read_question(f.read_text(encoding="utf-8"), f.stem) for f in files}


def question(name: str) -> Question:
    """The shipped question of that name, or the file at that path; QueryError suggests the nearest name."""
    known = questions()
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix in {".rq", ".sparql"} or path.is_file():
        try:
            return read_question(path.read_text(encoding="utf-8"), path.stem)
        except (OSError, UnicodeDecodeError) as error:
            raise QueryError(f"{name} cannot be read as a question: {error}.") from error
    raise QueryError(f"There is no question {name!r}.{_hint(name, known)} 'kg query' lists them all.")


def ask(store: Store, query: Question | str, values: Mapping[str, str | Iterable[str]] | None = None) -> Table:
    """The answer of a question (an object, a name or a path) over the union of all graphs of the store.

    Labels among the values are looked up in the shipped and installed vocabularies.
    """
    from kg import vocab

    asked = question(query) if isinstance(query, str) else query
    text = asked.bind(values or {}, vocab.load, store.base)
    try:
        return _table(store.query(text))
    except SyntaxError as error:
        raise QueryError(f"{asked.name} is not valid SPARQL: {error}.") from error


def query(store: Store, name: str, /, **parameters: str | Iterable[str]) -> Table:
    """The answer of a question by name or path: ``query(store, "treatments", condition="leukemia")``."""
    return ask(store, name, {key.replace("_", "-"): value for key, value in parameters.items()})


def _table(result: ox.QuerySolutions | ox.QueryTriples | ox.QueryBoolean) -> Table:
    if isinstance(result, ox.QueryBoolean):
        return Table(("answer",), ((bool(result),),))
    if isinstance(result, ox.QueryTriples):
        triples = sorted(result, key=str)
        turtle = ox.serialize(triples, format=ox.RdfFormat.TURTLE) or b""
        return Table(
            ("subject", "predicate", "object"), tuple(tuple(_value(t) for t in triple) for triple in triples),
            turtle.decode(),
        )  # fmt: skip
    columns = tuple(v.value for v in result.variables)
    return Table(columns, tuple(tuple(_value(row[c]) for c in columns) for row in result))


def _value(term: object) -> Value:
    if term is None:
        return None
    if not isinstance(term, ox.Literal):
        return term.value if isinstance(term, ox.NamedNode) else str(term)
    kind = term.datatype.value.rpartition("#")[2]
    if kind in {"integer", "int", "long", "nonNegativeInteger"}:
        return int(term.value)
    if kind in {"decimal", "double", "float"}:
        return float(term.value)
    if kind == "boolean":
        return term.value == "true"
    return term.value


def _term(parameter: Parameter, value: str, words: Callable[[], Vocabulary], base: str) -> str:
    """The value as one SPARQL term. Everything goes through the serialiser of a real term, so nothing can break out."""
    if parameter.kind == "number":
        try:
            return str(ox.Literal(int(value) if re.fullmatch(r"-?\d+", value) else float(value)))
        except ValueError:
            raise QueryError(f"--{parameter.name} takes a number, not {value!r}.") from None
    if parameter.kind == "text":
        return str(ox.Literal(value))
    try:
        if parameter.kind == "concept":
            vocabulary = words()
            return str(ox.NamedNode(vocabulary.expand(vocabulary.find(value, parameter.of))))
        if parameter.kind == "code":
            return str(ox.NamedNode(words().term(f"{parameter.of}:{value.replace(' ', '_').replace('-', '_')}")))
        iri = value if value.startswith(("http://", "https://", "urn:")) else base + value
        return str(ox.NamedNode(iri))
    except VocabularyError as error:
        raise QueryError(f"--{parameter.name}: {error}") from error
    except ValueError as error:
        raise QueryError(f"--{parameter.name}: {value!r} is not an IRI: {error}.") from error


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else ""
