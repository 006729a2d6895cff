"""Extractors: one way of understanding a document a file.

An extractor module has ``version() -> str``, which changes with every rule and model, and
``prepare(lexicon) -> Callable[[Document], CaseRecord]``, which is called once a process. It may have
``touched(before, after) -> Callable[[Document], bool]``: whether the lexicon ``after`` may give another record of a
document than ``before``; without it other vocabularies mean that all is extracted again. One that asks a language model
has ``estimate(documents, model) -> Estimate`` too; its ``version`` and ``prepare`` take the ``LanguageModel`` as well,
and what it prepares is called by several threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from kg import registry
from kg.errors import ModelError

if TYPE_CHECKING:
    from kg.llm import LanguageModel
    from kg.model import CaseRecord, Document, Lexicon

__all__ = ["PROTOCOL", "Extractor", "extractor"]

PROTOCOL = ("prepare", "version")


class Extractor(NamedTuple):
    """An extractor ready to be prepared, with the language model that it asks, if it asks one."""

    version: str
    prepare: Callable[[Lexicon], Callable[[Document], CaseRecord]]
    touched: Callable[[Lexicon, Lexicon], Callable[[Document], bool]] | None = None


def extractor(name: str, model: LanguageModel | None = None) -> Extractor:
    """The extractor of that name; PluginError if there is none, ModelError if it lacks a model or cannot use it."""
    module = registry.plugin("extractors", name)
    if not hasattr(module, "estimate"):
        if model is not None:
            raise ModelError(f"The extractor {name} asks no language model; choose one that does, such as llm.")
        return Extractor(module.version(), module.prepare, getattr(module, "touched", None))
    if model is None:
        raise ModelError(f"The extractor {name} asks a language model; give --model NAME and --endpoint URL.")
    return Extractor(module.version(model), partial(module.prepare, model=model))
