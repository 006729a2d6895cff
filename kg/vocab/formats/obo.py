"""OBO 1.2 and 1.4, as most biomedical ontologies are downloaded. Exact synonyms only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from kg.vocab.entries import Entry, Names, Source, Synonym
from kg.vocab.formats import text

__all__ = ["read", "recognises"]

_SYNONYM = re.compile(r'"((?:[^"\\]|\\.)*)"\s+EXACT\b\s*([^\[]*)')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")


def recognises(name: str, head: bytes) -> bool:
    """By suffix, or by the header's first line."""
    return name.endswith(".obo") or head.lstrip(b"\xef\xbb\xbf \n").startswith(b"format-version:")


def read(path: Path, names: Names) -> Source:
    """The terms of an OBO file that are not obsolete."""
    with text(path) as handle:
        stanzas = _stanzas(handle)
        _, header = next(stanzas)
        about = dict(header)
        for tag, value in header:
            if tag == "idspace":
                prefix, namespace = value.split()[:2]
                names.prefixes.setdefault(prefix, namespace)
        entries = [entry for kind, lines in stanzas if kind == "Term" and (entry := _entry(lines, names))]
    said = [value.split(" ", 1) for tag, value in header if tag == "property_value" and " " in value]
    licence = next((v.split(" xsd:")[0].strip('"') for p, v in said if p.lower().endswith(("license", "licence"))), "")
    title = next((v.split(" xsd:")[0].strip('"') for p, v in said if p.endswith("title")), about.get("ontology", ""))
    return Source(
        name=path.name,
        title=title,
        release=about.get("data-version", ""),
        licence=licence,
        entries=tuple(entries),
        prefixes=names.used,
    )


def _stanzas(lines: TextIO) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The header, called "", then each stanza: its kind and its tags with their values."""
    kind, tags = "", list[tuple[str, str]]()
    for raw in lines:
        line = raw.rstrip("\n")
        if line.startswith("["):
            yield kind, tags
            kind, tags = line.strip("[] "), []
        elif ": " in line and not line.startswith("!"):
            tag, _, value = line.partition(": ")
            tags.append((tag, value.strip()))
    yield kind, tags


def _entry(lines: list[tuple[str, str]], names: Names) -> Entry | None:
    tags = dict(lines)
    if tags.get("is_obsolete") == "true" or not tags.get("name"):
        return None
    synonyms = [
        Synonym(_plain(m[1]), abbreviation="abbreviation" in m[2].lower())
        for tag, value in lines
        if tag == "synonym" and (m := _SYNONYM.match(value))
    ]
    definition = _QUOTED.match(tags.get("def", ""))
    said = [value.split() for tag, value in lines if tag == "property_value"]
    return Entry(
        curie=_curie(tags["id"], names),
        labels={"en": _plain(tags["name"])},
        synonyms=tuple(synonyms),
        broader=tuple(_curie(value.split()[0], names) for tag, value in lines if tag == "is_a"),
        matches=tuple(sorted(_curie(p[1], names) for p in said if p[0] == "skos:exactMatch")),
        definition=_plain(definition[1]) if definition else "",
    )


def _curie(written: str, names: Names) -> str:
    """A CURIE; a prefix that nobody declares is one of the OBO library, as the format has it."""
    prefix, colon, _ = written.partition(":")
    if colon and "://" not in written and prefix.isidentifier():
        names.prefixes.setdefault(prefix, f"{names.prefixes['obo']}{prefix}_")
    return names.curie(written)


def _plain(words: str) -> str:
    return _ESCAPE.sub(r"\1", words).strip()
