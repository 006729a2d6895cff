"""A question: a SPARQL file with a header, and how values are put into its text.

The header::

    #+ summary: Treatments reported for a condition, and what followed
    #+ note: How to read the answer
    #+ param condition: concept condition -- the condition, or any kind of it
    #+ needs: condition
    #+ share: cases of treated

Each parameter has a line ``VALUES ?condition { UNDEF }``, which is filled with the serialised value; a range has
``VALUES (?age_from ?age_to) { (UNDEF UNDEF) }``. A line that ends in ``#? condition`` stands only if that parameter
is given. A line ``#& ?case`` gives way to the choice of cases by the filters of queries/filters/. The file is plain
SPARQL as it stands, and the bound text runs on the embedded store and on any endpoint: questions address the union of
all graphs.

A column ``facts`` holds the IRIs of what a row rests on, separated by blanks. ``needs`` lists the parameters that must
be given. ``share`` names a column of counts and the column of that of which it is a part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from kg.errors import QueryError

__all__ = ["KINDS", "Parameter", "Question", "hint", "read_question"]

KINDS = ("concept", "term", "code", "choice", "text", "number", "range", "case", "report", "iri")

_HEADER = re.compile(r"#\+\s*(summary|note|share|needs|param\s+(?P<param>[\w-]+))\s*:\s*(?P<value>.*)")
_PARAM = re.compile(r"(?P<kind>\w+)(?:\s+(?P<of>[\w|]+))?(?:\s*=\s*(?P<default>.+?))?\s*(?:--\s*(?P<help>.*))?$")
_SHARE = re.compile(r"(\w+) of (\w+)")
_SLOT = re.compile(r"(\s*VALUES\s+(?:\?(\w+)|\(\?(\w+)_from\s+\?\w+_to\))\s*)\{[^}]*\}(.*)")
_ONLY_IF = re.compile(r"#\?\s*([\w-]+)\s*$")
_FILTERS = re.compile(r"^(\s*)#&\s*\?(\w+)\s*$", re.M)
_CASE = re.compile(r"\?case\b")
_FACTS = re.compile(r"\?facts\b")
_PREFIX = re.compile(r"^PREFIX\s.*$", re.M)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. ``kind`` is one of ``KINDS``.

    ``of`` is the type of a concept or term, the list of a code, or the words of a choice, separated by bars.
    """

    name: str
    kind: str
    of: str | None = None
    default: str | None = None
    help: str = ""

    @property
    def variable(self) -> str:
        """The SPARQL variable: ``at-least`` is ``?at_least``."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Question:
    """A question: its name, one line of summary, a note on how to read the answer, parameters, and SPARQL text.

    ``share`` names a column of counts and the column of what they are a part of; ``needs`` what must be given.
    """

    name: str
    summary: str
    note: str
    parameters: tuple[Parameter, ...]
    text: str
    share: tuple[str, str] | None = None
    needs: tuple[str, ...] = ()

    @property
    def filtered(self) -> bool:
        """Whether the filters of queries/filters/ apply."""
        return _FILTERS.search(self.text) is not None

    @property
    def tells_facts(self) -> bool:
        """Whether its answers tell what each row rests on."""
        return _FACTS.search(self.text) is not None

    def bind(
        self,
        values: Mapping[str, str | Iterable[str]],
        terms: Callable[[Parameter, str], str],
        filters: Question | None = None,
    ) -> str:
        """The text with each given value (several: any of them) in its VALUES line, the other lines left out.

        ``terms`` turns a value into SPARQL terms. ``filters`` is the question that chooses cases; its parameters may be
        given to every question that is ``filtered``.
        """
        choice = filters if filters is not None and self.filtered else None
        known = {p.name: p for p in (*self.parameters, *(choice.parameters if choice else ()))}
        for name in values:
            if name not in known:
                raise QueryError(f"The question {self.name!r} has no parameter {name!r}.{hint(name, known)}")
        if missing := [f"--{name}" for name in self.needs if not values.get(name)]:
            raise QueryError(f"The question {self.name!r} needs {' and '.join(missing)}.")
        bound = self._filled(_terms_of(self.parameters, values, terms))
        if choice is None:
            return bound
        given = _terms_of(choice.parameters, values, terms)
        pattern = choice._filled(given) if given else ""
        return _prefixed(_FILTERS.sub(lambda mark: _restriction(pattern, mark), bound), pattern)

    def _filled(self, terms: Mapping[str, str]) -> str:
        lines = []
        for line in self.text.splitlines():
            condition = _ONLY_IF.search(line)
            if condition and condition[1].replace("-", "_") not in terms:
                continue
            slot = _SLOT.match(line)
            if slot and (slot[2] or slot[3]) in terms:
                line = f"{slot[1]}{{ {terms[slot[2] or slot[3]]} }}{slot[4]}"
            lines.append(line)
        return "\n".join(lines)


def read_question(text: str, name: str) -> Question:
    """Parse a file's text; QueryError names the header line that is wrong or the parameter without a VALUES line."""
    said = {"summary": "", "note": "", "share": "", "needs": ""}
    parameters = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("#+"):
            continue
        head = _HEADER.match(line)
        if head is None:
            raise QueryError(f"{name}: line {number} is no header of the form '#+ summary: ...' or '#+ param x: kind'.")
        if head["param"]:
            part = _PARAM.match(head["value"])
            if part is None or part["kind"] not in KINDS:
                raise QueryError(f"{name}: line {number}: a parameter is one of {', '.join(KINDS)}.")
            parameters.append(
                Parameter(head["param"], part["kind"], part["of"], part["default"], (part["help"] or "").strip())
            )
        else:
            said[head[1]] = head["value"].strip()
    slots = {found[2] or found[3] for found in map(_SLOT.match, text.splitlines()) if found}
    for parameter in parameters:
        if parameter.variable not in slots:
            raise QueryError(
                f"{name}: parameter {parameter.name} has no line 'VALUES ?{parameter.variable} {{ ... }}'."
            )
    share = _SHARE.fullmatch(said["share"])
    if said["share"] and share is None:
        raise QueryError(f"{name}: 'share: {said['share']}' must name two columns: 'share: cases of treated'.")
    columns = (share[1], share[2]) if share else None
    needs = tuple(said["needs"].replace(",", " ").split())
    return Question(name, said["summary"], said["note"], tuple(parameters), text, columns, needs)


def hint(name: str, known: Iterable[str]) -> str:
    """The end of a message: what the name may have been meant to be."""
    near = get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _terms_of(
    parameters: Iterable[Parameter],
    values: Mapping[str, str | Iterable[str]],
    terms: Callable[[Parameter, str], str],
) -> dict[str, str]:
    """The serialised values of the parameters that are given or have a default, by variable."""
    found = {}
    for parameter in parameters:
        given = values.get(parameter.name, parameter.default)
        many = [] if given is None else [given] if isinstance(given, str) else list(given)
        if many:
            found[parameter.variable] = " ".join(terms(parameter, value) for value in many)
    return found


def _restriction(pattern: str, mark: re.Match[str]) -> str:
    """The filters' SELECT as a sub-query that leaves only the cases chosen; nothing of its variables gets out."""
    body = _PREFIX.sub("", "\n".join(line for line in pattern.splitlines() if not line.startswith("#"))).strip()
    chosen = _CASE.sub(f"?{mark[2]}", body)
    return f"{mark[1]}{{\n{chosen}\n{mark[1]}}}" if body else ""


def _prefixed(text: str, pattern: str) -> str:
    """The text with the prefixes of the filters that it does not have itself."""
    own = set(_PREFIX.findall(text))
    return "\n".join([*(line for line in _PREFIX.findall(pattern) if line not in own), text])
