"""OBO Graph JSON. Exact synonyms only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kg.vocab.entries import Entry, Names, Source, Synonym
from kg.vocab.formats import binary

__all__ = ["read", "recognises"]


def recognises(name: str, head: bytes) -> bool:
    """A JSON object that has graphs."""
    return name.endswith(".json") and b'"graphs"' in head


def read(path: Path, names: Names) -> Source:
    """The classes of all graphs that are not deprecated."""
    with binary(path) as handle:
        graphs: list[dict[str, Any]] = json.load(handle)["graphs"]
    broader: dict[str, list[str]] = {}
    for graph in graphs:
        for edge in graph.get("edges", ()):
            if edge["pred"] in {"is_a", "subClassOf"}:
                broader.setdefault(edge["sub"], []).append(edge["obj"])
    entries = [
        _entry(node, broader.get(node["id"], []), names)
        for graph in graphs
        for node in graph.get("nodes", ())
        if node.get("type") == "CLASS" and node.get("lbl") and not node.get("meta", {}).get("deprecated")
    ]
    meta = graphs[0].get("meta", {}) if graphs else {}
    said = {p["pred"].rsplit("/", 1)[-1].rsplit("#", 1)[-1]: p["val"] for p in meta.get("basicPropertyValues", ())}
    return Source(
        name=path.name,
        title=said.get("title", ""),
        release=said.get("versionInfo", meta.get("version", "")),
        licence=said.get("license", ""),
        entries=tuple(entries),
        prefixes=names.used,
    )


def _entry(node: dict[str, Any], broader: list[str], names: Names) -> Entry:
    meta = node.get("meta", {})
    return Entry(
        curie=names.curie(node["id"]),
        labels={"en": node["lbl"].strip()},
        synonyms=tuple(
            Synonym(s["val"].strip(), abbreviation="abbreviation" in str(s.get("synonymType", "")).lower())
            for s in meta.get("synonyms", ())
            if s["pred"] == "hasExactSynonym"
        ),
        broader=tuple(names.curie(iri) for iri in broader),
        matches=tuple(
            sorted(
                names.curie(p["val"]) for p in meta.get("basicPropertyValues", ()) if p["pred"].endswith("exactMatch")
            )
        ),
        definition=meta.get("definition", {}).get("val", ""),
    )
