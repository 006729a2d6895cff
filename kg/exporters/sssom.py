"""SSSOM: the codes that other vocabularies give the concepts, each with the file in which it was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any, BinaryIO

import pyoxigraph as ox

from kg import vocab
from kg.exporters._terms import terms

if TYPE_CHECKING:
    from kg.store import Store
    from kg.vocab import Vocabulary

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "SSSOM table: the codes of all concepts of the vocabularies in Mondo, NCIt, MeSH and others"
SUFFIX = ".sssom.tsv"

_Row = dict[str, str]


def write(store: Store, out: BinaryIO, *, text: bool = True) -> None:
    """Write the mappings of all vocabularies in use; they hold no text of a report."""
    vocabulary, about = vocab.load(), terms("sssom")
    rows = list(_rows(vocabulary, about))  # as many as the vocabulary has codes, whatever the graph holds
    head = [f"mapping_set_id: {about['mapping_set_id']}", f'mapping_set_title: "{about["mapping_set_title"]}"']
    head += [f"license: {_license(vocabulary)}", f'mapping_set_version: "{vocabulary.version}"', "curie_map:"]
    used = {cell.partition(":")[0] for row in rows for column, cell in row.items() if not column.endswith("label")}
    namespaces = {**vocabulary.prefixes, **about["namespaces"]}
    head += [f"  {prefix}: {iri}" for prefix, iri in sorted(namespaces.items()) if prefix in used]
    out.write("".join(f"#{line}\n" for line in head).encode())
    out.write(("\t".join(about["columns"]) + "\n").encode())
    for row in rows:
        out.write(("\t".join(row[column] for column in about["columns"]) + "\n").encode())


def _rows(vocabulary: Vocabulary, about: Mapping[str, Any]) -> Iterator[_Row]:
    """A row a code of a concept, with the first file in which it was read: SSSOM takes one."""
    read_there = _prefixes(vocabulary)
    match, label, scheme, source = (
        vocabulary.term(c) for c in ("skos:exactMatch", "skos:prefLabel", "skos:inScheme", "casekg:codeSource")
    )
    for subject, quads in groupby(vocabulary.quads(), key=lambda quad: quad.subject):
        said: dict[str, list[ox.NamedNode | ox.Literal]] = {}
        for quad in quads:
            if isinstance(quad.object, ox.NamedNode | ox.Literal):
                said.setdefault(quad.predicate.value, []).append(quad.object)
        if match not in said or not isinstance(subject, ox.NamedNode):
            continue
        labels = {v.language: " ".join(v.value.split()) for v in said.get(label, ()) if isinstance(v, ox.Literal)}
        schemes = sorted(node.value for node in said.get(scheme, ()))
        files = sorted(node.value for node in said.get(source, ()))
        for code in sorted(vocabulary.compact(node.value) for node in said[match]):
            prefix = code.partition(":")[0]
            its = [iri for iri in files if prefix in read_there.get(iri, ())] or (files if len(files) == 1 else [])
            yield {
                "subject_id": vocabulary.compact(subject.value),
                "subject_label": labels.get("en", ""),
                "subject_source": vocabulary.compact(schemes[0]) if schemes else "",
                "predicate_id": "skos:exactMatch",
                "object_id": code,
                "object_source": about["vocabularies"].get(prefix, ""),
                "mapping_justification": about["justification"],
                "mapping_source": vocabulary.compact(its[0]) if its else "",
            }


def _prefixes(vocabulary: Vocabulary) -> dict[str, set[str]]:
    """IRI of each file in which codes were read -> prefixes of the codes read there."""
    prefix = vocabulary.term("vann:preferredNamespacePrefix")
    found: dict[str, set[str]] = {}
    for quad in vocabulary.quads(()):
        if quad.predicate.value == prefix and isinstance(quad.subject, ox.NamedNode):
            found.setdefault(quad.subject.value, set()).add(str(getattr(quad.object, "value", "")))
    return found


def _license(vocabulary: Vocabulary) -> str:
    """The licence of the shipped vocabulary."""
    return next((str(about["licence"]) for about in vocabulary.sources() if about["licence"]), "")
