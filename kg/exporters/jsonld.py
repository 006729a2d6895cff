"""JSON-LD: one named graph a report, and what it uses of the vocabularies, with prefixes as its context."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO

import pyoxigraph as ox

from kg import vocab
from kg.exporters import withheld
from kg.store import parse

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "JSON-LD with a context of prefixes: one named graph a report, and what it uses of the vocabularies"
SUFFIX = ".jsonld"

_Name = Callable[[str], str]


def write(store: Store, out: BinaryIO, *, text: bool = True) -> None:
    """Write the graphs, sorted, one at a time; ``text=False`` leaves out full texts and quotes."""
    vocabulary = vocab.load()
    names = {p: {"@id": iri, "@prefix": True} for p, iri in sorted(vocabulary.prefixes.items()) if iri != store.base}
    context = {"@version": 1.1, **({"@base": store.base} if store.base else {}), **names}
    out.write(b'{"@context": ' + json.dumps(context).encode() + b',\n"@graph": [')
    term = cache(vocabulary.compact)  # a property, class or datatype
    short = _shortener(vocabulary.compact, store.base)
    type_ = vocabulary.expand("rdf:type")
    between = b"\n"
    for lines in store.by_graph(without=withheld(text)):
        quads = list(parse(b"".join(lines)))
        graph = {
            "@id": short(str(getattr(quads[0].graph_name, "value", ""))),
            "@graph": _nodes(quads, type_, term, short),
        }
        out.write(between + json.dumps(graph, ensure_ascii=False).encode())
        between = b",\n"
    out.write(b"\n]}\n")


def _shortener(compact: _Name, base: str) -> _Name:
    def short(iri: str) -> str:
        """An IRI without the base, or as a CURIE."""
        local = iri.removeprefix(base) if base else iri
        return local if local != iri and local and ":" not in local.partition("/")[0] else compact(iri)

    return short


def _nodes(quads: list[ox.Quad], type_: str, term: _Name, short: _Name) -> list[dict[str, Any]]:
    """The nodes of one graph, sorted, each with its type first."""
    nodes: dict[str, dict[str, list[Any]]] = {}
    for quad in sorted(
        quads, key=lambda q: (str(q.subject), q.predicate.value != type_, str(q.predicate), str(q.object))
    ):
        if not isinstance(quad.subject, ox.NamedNode):
            continue
        said = nodes.setdefault(short(quad.subject.value), {})
        if quad.predicate.value == type_ and isinstance(quad.object, ox.NamedNode):
            said.setdefault("@type", []).append(term(quad.object.value))
        else:
            said.setdefault(term(quad.predicate.value), []).append(_value(quad.object, term, short))
    return [
        {"@id": node, **{key: values if len(values) > 1 else values[0] for key, values in said.items()}}
        for node, said in nodes.items()
    ]


def _value(value: object, term: _Name, short: _Name) -> Any:
    if not isinstance(value, ox.Literal):
        return {"@id": short(str(getattr(value, "value", value)))}
    if value.language:
        return {"@value": value.value, "@language": value.language}
    datatype = term(value.datatype.value)
    return value.value if datatype == "xsd:string" else {"@value": value.value, "@type": datatype}
