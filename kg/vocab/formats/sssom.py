"""SSSOM mapping sets in TSV: which concept of one vocabulary is exactly which of another."""

from __future__ import annotations

import csv
from itertools import chain
from pathlib import Path

from kg.errors import VocabularyError
from kg.vocab.entries import Entry, Names, Source
from kg.vocab.formats import text

__all__ = ["read", "recognises"]

_NEEDED = ("subject_id", "predicate_id", "object_id")


def recognises(name: str, head: bytes) -> bool:
    """By name, or by the columns that every mapping set has."""
    return ".sssom." in name or all(column.encode() in head for column in _NEEDED)


def read(path: Path, names: Names) -> Source:
    """The exact matches of a mapping set, as entries without labels."""
    with text(path) as handle:
        about, section, first = {}, "", ""
        for line in handle:
            if not line.startswith("#"):
                first = line
                break
            key, colon, value = line[1:].rstrip("\n").partition(":")
            if key.startswith("   ") and section == "curie_map":
                names.prefixes.setdefault(key.strip(), value.strip().strip("\"'"))
            elif colon:
                section = key.strip()
                about[section] = value.strip().strip("\"'")
        rows = csv.DictReader(chain([first], handle), delimiter="\t", quoting=csv.QUOTE_NONE)
        missing = [column for column in _NEEDED if column not in (rows.fieldnames or ())]
        if missing:
            raise VocabularyError(f"the mapping set lacks the columns {', '.join(missing)}.")
        matches: dict[str, list[str]] = {}
        for row in rows:
            if row["predicate_id"] == "skos:exactMatch" and row.get("predicate_modifier", "") != "Not":
                matches.setdefault(names.curie(row["subject_id"]), []).append(names.curie(row["object_id"]))
    return Source(
        name=path.name,
        title=about.get("mapping_set_title", about.get("mapping_set_id", "")),
        release=about.get("mapping_set_version", ""),
        licence=about.get("license", ""),
        entries=tuple(
            Entry(curie=curie, matches=tuple(sorted(set(codes)))) for curie, codes in sorted(matches.items())
        ),
        prefixes=names.used,
    )
