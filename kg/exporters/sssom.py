"""SSSOM: the codes that other vocabularies give the concepts, each with the file in which it was read."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, BinaryIO

import pyoxigraph as ox

from kg import vocab
from kg.exporters._terms import terms

if TYPE_CHECKING:
    from kg.store import Store
    from kg.vocab import Vocabulary

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "SSSOM table: the codes of all concepts of the vocabularies in Mondo, NCIt, MeSH and others"
SUFFIX = ".sssom.tsv"


def write(store: Store, out: BinaryIO, *, text: bool = True) -> None:
    """Write the mappings of all vocabularies in use; they hold no text of a report."""
    vocabulary, about = vocab.load(), terms("sssom")
    sources = _sources(vocabulary)
    head = [f"mapping_set_id: {about['mapping_set_id']}", f'mapping_set_title: "{about["mapping_set_title"]}"']
    head += [f"license: {_license(vocabulary)}", f'mapping_set_version: "{vocabulary.version}"', "curie_map:"]
    namespaces = {**vocabulary.prefixes, "semapv": about["semapv"]}
    head += [f"  {prefix}: {iri}" for prefix, iri in sorted(namespaces.items())]
    out.write("".join(f"#{line}\n" for line in head).encode())
    out.write(("\t".join(about["columns"]) + "\n").encode())
    match, label, source = (vocabulary.term(c) for c in ("skos:exactMatch", "skos:prefLabel", "casekg:codeSource"))
    for subject, quads in groupby(vocabulary.quads(), key=lambda quad: quad.subject):
        said: dict[str, list[ox.NamedNode | ox.Literal]] = {}
        for quad in quads:
            if isinstance(quad.object, ox.NamedNode | ox.Literal):
                said.setdefault(quad.predicate.value, []).append(quad.object)
        if match not in said or not isinstance(subject, ox.NamedNode):
            continue
        labels = {v.language: v.value for v in said.get(label, ()) if isinstance(v, ox.Literal)}
        files = sorted(node.value for node in said.get(source, ()))
        read_in = {sources[iri]: vocabulary.compact(iri) for iri in files}
        only = vocabulary.compact(files[0]) if len(files) == 1 else ""
        for code in sorted(vocabulary.compact(node.value) for node in said[match]):
            row = (
                vocabulary.compact(subject.value), labels.get("en", ""), "skos:exactMatch", code,
                about["justification"], read_in.get(code.partition(":")[0], only),
            )  # fmt: skip
            out.write(("\t".join(" ".join(cell.split()) for cell in row) + "\n").encode())


def _sources(vocabulary: Vocabulary) -> dict[str, str]:
    """IRI of each file in which codes were read -> prefix of the codes read there."""
    prefix = vocabulary.term("vann:preferredNamespacePrefix")
    quads = vocabulary.quads(())
    return {
        q.subject.value: q.object.value
        for q in quads
        if q.predicate.value == prefix and isinstance(q.subject, ox.NamedNode) and isinstance(q.object, ox.Literal)
    }


def _license(vocabulary: Vocabulary) -> str:
    """The licence of the shipped vocabulary."""
    return next((str(about["licence"]) for about in vocabulary.sources() if about["licence"]), "")
