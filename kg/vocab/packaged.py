"""Vocabularies that come inside Python packages, those of the extra ``casekg[vocab]``.

The packages are never imported, only their data files are read; which, stands in kg/rules/vocabularies.toml.
"""

from __future__ import annotations

import bz2
import pickle
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kg.errors import VocabularyError
from kg.vocab import installed
from kg.vocab.entries import Entry, Names, Source, Synonym, rules
from kg.vocab.shipped import Shipped

__all__ = ["names", "read"]


def names() -> list[str]:
    """The vocabularies that can be had so, whether their packages are installed or not."""
    return list(rules()["packaged"])


def read(name: str, own: Shipped) -> Source:
    """One of ``names``; VocabularyError if its package is not installed or holds something else than it should."""
    about: dict[str, Any] = rules()["packaged"][name]
    spec = find_spec(about["module"])
    if spec is None or spec.origin is None:
        raise VocabularyError(
            f"The vocabulary {name} comes with the package {about['distribution']}: pip install 'casekg[vocab]' first."
        )
    path = Path(spec.origin).parent / about["file"]
    if path.suffix == ".obo":
        source = installed.read(path, own)
    else:
        try:
            source = _mesh(path, about, Names(own.prefixes))
        except (OSError, EOFError, ValueError, LookupError, TypeError, pickle.UnpicklingError) as error:
            raise VocabularyError(f"{path} is not the dictionary that it was: {error}.") from error
    return replace(
        source,
        name=name,
        title=about.get("title", source.title),
        licence=about.get("licence", source.licence),
        release=source.release or f"{about['distribution']} {_version(about['distribution'])}",
        priority=about["priority"],
        file=f"{about['distribution']}/{about['file']}",
    )


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "of unknown version"


def _mesh(path: Path, about: Mapping[str, Any], iris: Names) -> Source:
    """Diseases of MeSH, from a dictionary of all ways to write them (in lower case), their numbers and tree places."""
    with bz2.open(path) as handle:
        data: dict[str, dict[str, Any]] = _Plain(handle).load()
    headings = {
        key: heading
        for key, heading in data["disease_canonical_to_data"].items()
        if any(place.startswith(tuple(about["trees"])) for place in _places(heading))
    }
    written: dict[str, list[Synonym]] = {}
    for words, keys in data["disease_variant_to_canonical"].items():
        for key in keys:
            if key in headings and (" " in words or len(words) >= about["shortest"]):
                written.setdefault(key, []).append(Synonym(words))
    by_place = {place: heading["mesh_id"] for heading in headings.values() for place in _places(heading)}
    entries = []
    for key, heading in headings.items():
        parents = {by_place.get(place.rpartition(".")[0]) for place in _places(heading)} - {None, heading["mesh_id"]}
        entries.append(
            Entry(
                curie=iris.curie(f"mesh:{heading['mesh_id']}"),
                labels={"en": heading["name"]},
                synonyms=tuple(written.get(key, ())),
                broader=tuple(sorted(f"mesh:{parent}" for parent in parents)),
            )
        )
    return Source(
        name="mesh", type="condition", entries=tuple(sorted(entries, key=lambda e: e.curie)), prefixes=iris.used
    )


def _places(heading: Mapping[str, Any]) -> list[str]:
    places = heading.get("mesh_tree")
    return list(places) if isinstance(places, list) else []


class _Plain(pickle.Unpickler):
    """Reads dictionaries, lists, texts and numbers, and refuses everything that could run code."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it holds a {module}.{name}")
