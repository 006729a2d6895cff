"""N-Quads text in the making: statements of one graph, with terms looked up by CURIE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.literals import string

if TYPE_CHECKING:
    from kg.vocab import Vocabulary

__all__ = ["Lines", "Terms"]


class Terms(dict[str, str]):
    """CURIE -> ``<IRI>``, each looked up and checked once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    def __missing__(self, curie: str) -> str:
        builtin = curie.startswith(("rdf:", "rdfs:", "xsd:"))
        iri = self[curie] = f"<{self.vocabulary.expand(curie) if builtin else self.vocabulary.term(curie)}>"
        return iri


class Lines:
    """The lines of one graph."""

    def __init__(self, terms: Terms, graph: str) -> None:
        self.terms = terms
        self.end = f" <{graph}> .\n"
        self.lines: list[str] = []

    def written(self) -> bytes:
        """All lines, sorted and distinct."""
        return "".join(sorted(set(self.lines))).encode()

    def add(self, subject: str, predicate: str, term: str) -> None:
        """A statement about ``subject`` (``<IRI>``); ``predicate`` is a CURIE, ``term`` as N-Quads writes it."""
        self.lines.append(f"{subject} {self.terms[predicate]} {term}{self.end}")

    def add_text(self, subject: str, predicate: str, text: str | None) -> None:
        """A statement of a text, unless it is empty."""
        if text:
            self.add(subject, predicate, string(text))

    def add_typed(self, subject: str, predicate: str, value: object, datatype: str) -> None:
        """A statement of a value with a datatype, given as CURIE."""
        self.add(subject, predicate, f'"{value}"^^{self.terms[datatype]}')

    def code(self, scheme: str, code: str) -> str:
        """The concept of a code of a closed list."""
        return self.terms[f"{scheme}:{code.replace(' ', '_')}"]
