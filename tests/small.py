"""Small graphs for the tests of stores, made without what else tests import: processes that are ended make them too."""

from __future__ import annotations

__all__ = ["BASE", "NAME", "SIZE", "TYPE", "graph", "nquads"]

BASE = "https://w3id.org/casekg/id/"
NAME = "https://w3id.org/casekg/ontology#name"
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
SIZE = 40  # quads of each graph below


def graph(n: int, word: str = "one") -> str:
    return f"{BASE}pmid/{n}/graph"


def nquads(n: int, word: str = "one") -> bytes:
    """A graph of ``SIZE`` quads with a backslash, a quote and an escape that SPARQL would read as a letter."""
    end = f" <{graph(n)}> .\n"
    lines = [f'<{BASE}pmid/{n}/x{i}> <{NAME}> "{word} \\\\u0041 \\"{i}\\" \\n"{end}' for i in range(SIZE - 1)]
    return "".join(
        sorted([*lines, f"<{BASE}pmid/{n}> <{TYPE}> <https://w3id.org/casekg/ontology#Report>{end}"])
    ).encode()
