"""What a person gives a question, as SPARQL terms: labels in any language, codes, ranges, ids of reports.

Everything goes through the serialiser of a real term, so nothing can break out of a query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pyoxigraph as ox

from kg.errors import QueryError, VocabularyError

if TYPE_CHECKING:
    from kg.question import Parameter
    from kg.vocab import Vocabulary

__all__ = ["Values"]

_RANGE = re.compile(r"\s*(\d+)?\s*(-|–)?\s*(\d+)?\s*")
_PRESENT = re.compile(r"(.+?)(?:\+|[ -]positive)", re.I)
_RESOLVER = re.compile(r"https?://(dx\.)?doi\.org/")
_SCHEMES = ("", "doi:", "pmid:", "pmcid:")  # of the keys that the graph holds
_LOWEST, _HIGHEST = "-INF", "INF"


class Values:
    """Turns values of parameters into terms, and remembers how it understood them.

    ``words`` gives the vocabulary, which is loaded only if a value needs it; ``cases`` the IRIs of the cases of a
    report that an id names; ``base`` begins the IRIs of data.
    """

    def __init__(self, words: Callable[[], Vocabulary], cases: Callable[[str], Sequence[str]], base: str) -> None:
        self.words, self.cases, self.base = words, cases, base
        self.understood: list[str] = []

    def __call__(self, parameter: Parameter, value: str) -> str:
        """The value as SPARQL terms for a VALUES line; QueryError says what is wrong with it."""
        try:
            return self._terms(parameter, value)
        except VocabularyError as error:
            raise QueryError(f"--{parameter.name}: {error}") from error

    def _terms(self, parameter: Parameter, value: str) -> str:
        match parameter.kind:
            case "concept":
                return self._concept(parameter, value, self.words().find(value, parameter.of))
            case "term":
                return self._term(parameter, value)
            case "code":
                code = self.words().term(f"{parameter.of}:{value.replace(' ', '_').replace('-', '_')}")
                return str(ox.NamedNode(code))
            case "choice":
                return _choice(parameter, value)
            case "text":
                return str(ox.Literal(value))
            case "number":
                return _number(parameter, value)
            case "range":
                return _range(parameter, value)
            case "case":
                return self._case(parameter, value)
            case "report":
                return _report(value)
            case _:
                return self._iri(parameter, value)

    def _concept(self, parameter: Parameter, value: str, curie: str) -> str:
        label = self.words().concepts[curie].label
        if value.strip().casefold() != label.casefold():
            self.understood.append(f"--{parameter.name} {value} is {label} ({curie}).")
        return str(ox.NamedNode(self.words().expand(curie)))

    def _term(self, parameter: Parameter, value: str) -> str:
        """The concept; where no vocabulary holds one, the words themselves."""
        vocabulary = self.words()
        sign = _PRESENT.fullmatch(value.strip())
        for name in (value, sign[1] if sign else value):
            if curie := vocabulary.named(name, parameter.of):
                return self._concept(parameter, value, curie)
        near = [f"{found.words!r}" for found in vocabulary.nearest(value, parameter.of)]
        also = f" (near it: {', '.join(near)})" if near else ""
        self.understood.append(f"--{parameter.name} {value}: in no vocabulary{also}, so these words were sought.")
        return str(ox.Literal(value))

    def _case(self, parameter: Parameter, value: str) -> str:
        found = self.cases(value)
        if not found:
            raise QueryError(
                f"--{parameter.name}: the graph has no case of a report {value!r}; give a report's id, DOI, PMID or "
                "IRI, which 'kg query cases' lists."
            )
        return " ".join(str(ox.NamedNode(iri)) for iri in found)

    def _iri(self, parameter: Parameter, value: str) -> str:
        iri = value if value.startswith(("http://", "https://", "urn:")) else self.base + value
        try:
            return str(ox.NamedNode(iri))
        except ValueError as error:
            raise QueryError(f"--{parameter.name}: {value!r} is not an IRI: {error}.") from error


def _report(value: str) -> str:
    """All that a report may be known by: the id as it is, and the keys of a DOI (also its address), PMID and PMCID."""
    number = _RESOLVER.sub("", value.strip().lower())
    return " ".join(str(ox.Literal(key)) for key in dict.fromkeys((value, *(scheme + number for scheme in _SCHEMES))))


def _choice(parameter: Parameter, value: str) -> str:
    words = (parameter.of or "").split("|")
    if value.strip().casefold() not in words:
        raise QueryError(f"--{parameter.name} is {' or '.join(words)}, not {value!r}.")
    return str(ox.Literal(value.strip().casefold()))


def _number(parameter: Parameter, value: str) -> str:
    try:
        return str(ox.Literal(int(value) if re.fullmatch(r"-?\d+", value) else float(value)))
    except ValueError:
        raise QueryError(f"--{parameter.name} takes a number, not {value!r}.") from None


def _range(parameter: Parameter, value: str) -> str:
    """The first number and the one after the last: 18-65 is from 18 to before 66, 13 from 13 to before 14."""
    part = _RANGE.fullmatch(value)
    if part is None or not (part[1] or part[3]):
        raise QueryError(f"--{parameter.name} takes 13, 18-65, 60- or -17, not {value!r}.")
    low, high = part[1], part[3] if part[2] else part[1]
    if low and high and int(low) > int(high):
        raise QueryError(f"--{parameter.name}: {value!r} ends before it begins.")
    first = ox.Literal(int(low)) if low else ox.Literal(float(_LOWEST))
    last = ox.Literal(int(high) + 1) if high else ox.Literal(float(_HIGHEST))
    return f"({first} {last})"
