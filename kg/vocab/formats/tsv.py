"""Plain tables: id, label, synonyms, parents, divided by tabs; synonyms and parents by "|". A first line may name them.

Lines that begin with "#" are left out, but for one before all others that names the columns.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kg.errors import VocabularyError
from kg.vocab.entries import Entry, Names, Source, Synonym
from kg.vocab.formats import text

__all__ = ["read", "recognises"]

_COLUMNS = ("id", "label", "synonyms", "parents")


def recognises(name: str, head: bytes) -> bool:
    """By suffix; mapping sets end in the same and are asked first."""
    return name.endswith((".tsv", ".tab")) and b"subject_id" not in head


def read(path: Path, names: Names) -> Source:
    """One concept a line; parents that are no concepts of the file are left out."""
    entries = []
    with text(path) as handle:
        columns = list(_COLUMNS)
        ids: set[str] = set()
        parents = []
        for number, line in enumerate(handle, 1):
            cells = line.rstrip("\r\n").split("\t")
            if not ids and cells[0].lstrip("# ").lower() == "id" and len(cells) > 1:
                columns = [cell.strip().lower() for cell in cells]
                columns[0] = "id"
                if "label" not in columns:
                    raise VocabularyError(f"the first line names no column 'label', only {', '.join(columns)}.")
                continue
            if not line.strip() or line.startswith("#"):
                continue
            row = dict(zip(columns, cells, strict=False))
            if not row.get("id", "").strip() or not row.get("label", "").strip():
                raise VocabularyError(f"line {number} has no id and label divided by a tab.")
            ids.add(row["id"].strip())
            parents.append(_several(row.get("parents", "")))
            synonyms = tuple(map(Synonym, _several(row.get("synonyms", ""))))
            entries.append(
                Entry(curie=names.curie(row["id"].strip()), labels={"en": row["label"].strip()}, synonyms=synonyms)
            )
    known = (tuple(names.curie(parent) for parent in some if parent in ids) for some in parents)
    return Source(
        name=path.name,
        entries=tuple(replace(entry, broader=broader) for entry, broader in zip(entries, known, strict=True)),
        prefixes=names.used,
    )


def _several(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]
