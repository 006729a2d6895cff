"""Questions and their answers: the files of queries/ asked of a store.

An answer knows on how many reports it rests, out of how many; what it rests on; and the share that each count is of its
whole, with its Wilson interval. ``kg.question`` describes the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyoxigraph as ox

from kg import resources
from kg.errors import QueryError
from kg.question import Parameter, Question, hint, read_question
from kg.shares import with_shares
from kg.table import Table, Value
from kg.totals import held
from kg.values import Values

if TYPE_CHECKING:
    from kg.store import Answer, Store

__all__ = [
    "CAUTION",
    "Parameter",
    "Question",
    "ask",
    "cases_of",
    "filters",
    "query",
    "question",
    "questions",
    "read_question",
    "sentences",
]

CAUTION = "These are reports, not effect sizes: case reports favour rare and successful courses."

_OF_A_CASE = re.compile(r"(?P<case>(?P<report>.*)/case\d+)(?:/.*)?")  # as kg.identity names them
_BATCH = 2000  # facts whose sentences are asked for at once


@cache
def questions() -> Mapping[str, Question]:
    """All shipped questions by name, in alphabetical order."""
    files = sorted(resources.folder("queries").glob("*.rq"))
    return {f.stem: read_question(f.read_text(encoding="utf-8"), f.stem) for f in files}


@cache
def totalled() -> Mapping[str, Question]:
    """By name, the form of shipped questions for a store that holds totals: the same answer, without counting."""
    files = sorted((resources.folder("queries") / "totalled").glob("*.rq"))
    return {f.stem: read_question(f.read_text(encoding="utf-8"), f.stem) for f in files}


@cache
def filters() -> Question:
    """The choice of cases that every question with a line ``#& ?case`` knows; its parameters are the filters."""
    file = resources.folder("queries") / "filters" / "cases.rq"
    return read_question(file.read_text(encoding="utf-8"), "filters")


def question(name: str) -> Question:
    """The shipped question of that name, or the file at that path; QueryError suggests the nearest name."""
    known = questions()
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix in {".rq", ".sparql"} or path.is_file():
        try:
            return read_question(path.read_text(encoding="utf-8"), path.stem)
        except (OSError, UnicodeDecodeError) as error:
            raise QueryError(f"{name} cannot be read as a question: {error}.") from error
    raise QueryError(f"There is no question {name!r}.{hint(name, known)} 'kg query' lists them all.")


def ask(
    store: Store,
    query: Question | str,
    values: Mapping[str, str | Iterable[str]] | None = None,
    *,
    facts: bool = True,
) -> Table:
    """The answer of a question (an object, a name or a path) over the union of all graphs of the store.

    Labels among the values are looked up in the shipped and installed vocabularies. Every filter may be given to every
    question that is ``filtered``. Without ``facts`` the answer need not tell what its rows rest on, and a question of
    the whole graph takes what the build added up. QueryError says what cannot be asked.
    """
    from kg import vocab

    asked = question(query) if isinstance(query, str) else query
    given = values or {}
    terms = Values(vocab.load, lambda name: _cases(store, name), store.base)
    text = asked.bind(given, terms, filters())
    if form := _form(store, asked, given, facts):
        text = form.bind(given, terms, filters())
    try:
        answer, behind = _behind(_table(store.query(text)))
    except SyntaxError as error:
        raise QueryError(f"{asked.name} is not valid SPARQL: {error}.") from error
    if asked.share:
        answer = with_shares(answer, *asked.share)
    remarks = [*terms.understood, asked.note]
    if asked.tells_facts:
        chosen = {name: value for name, value in given.items() if name in {p.name for p in filters().parameters}}
        number = behind if answer.facts is None else _reports(answer.facts)
        remarks = [*terms.understood, _counted(store, number, chosen), asked.note, CAUTION]
    return replace(answer, remarks=tuple(r for r in remarks if r))


def query(store: Store, name: str, /, **parameters: str | Iterable[str]) -> Table:
    """The answer of a question by name or path: ``query(store, "treatments", condition="leukemia")``."""
    return ask(store, name, {key.replace("_", "-"): value for key, value in parameters.items()})


def sentences(store: Store, answer: Table) -> Table:
    """What the rows of an answer rest on, one row for each sentence, in the order of reports and texts.

    Columns: number of the answer's row (from 1), id of the report, names of the facts, sentence, start and end in the
    report's text, IRIs of the facts for ``kg explain``.
    """
    wanted = sorted({fact for facts in answer.facts or () for fact in facts})
    found: dict[str, list[dict[str, Value]]] = {}
    for first in range(0, len(wanted), _BATCH):
        for row in ask(store, "sentences", {"fact": wanted[first : first + _BATCH]}):
            found.setdefault(str(row["fact"]), []).append(row)
    rows: list[tuple[Value, ...]] = []
    for number, facts in enumerate(answer.facts or (), 1):
        places: dict[tuple[str, int, int, str], list[dict[str, Value]]] = {}
        for row in (row for fact in facts for row in found.get(fact, ())):
            place = (str(row["id"]), int(row["start"] or 0), int(row["end"] or 0), str(row["sentence"]))
            places.setdefault(place, []).append(row)
        for (report, start, end, sentence), here in sorted(places.items()):
            names = "; ".join(dict.fromkeys(str(row["name"]) for row in here))
            rows.append((number, report, names, sentence, start, end, " ".join(str(row["fact"]) for row in here)))
    return Table(("row", "id", "rests_on", "sentence", "start", "end", "facts"), tuple(rows))


def cases_of(facts: Table | Iterable[str]) -> list[str]:
    """IRIs of the cases to which facts belong, sorted; of an answer, those on which its rows rest."""
    every = (fact for row in facts.facts or () for fact in row) if isinstance(facts, Table) else facts
    return sorted({match["case"] for fact in every if (match := _OF_A_CASE.fullmatch(fact))})


def _cases(store: Store, name: str) -> list[str]:
    """The cases of the report with that id, or the case with that IRI."""
    from kg import vocab

    report, _, number = name.partition("/case")
    terms = Values(vocab.load, lambda _: [], store.base)
    for way, value in (("named", name), ("named", report), ("case", name), ("report", name)):
        try:
            text = question("cases").bind({way: value}, terms)
        except QueryError:  # no IRI
            continue
        # Not ask(), which also counts on how many reports of the whole graph the answer rests.
        found = [str(row["case"]) for row in _table(store.query(text)).to_dicts()]
        if way == "named" and value != name:
            found = [case for case in found if case.endswith(f"/case{number}")]
        if found:
            return found
    return []


def _form(store: Store, asked: Question, given: Mapping[str, object], facts: bool) -> Question | None:
    """The form of a shipped question that takes totals, if it fits what is wanted and the store has them."""
    form = totalled().get(asked.name)
    if form is None or asked != questions()[asked.name] or (facts and asked.tells_facts and not form.tells_facts):
        return None
    known = {p.name for p in (*form.parameters, *(filters().parameters if form.filtered else ()))}
    return form if known.issuperset(given) and held(store) else None


def _behind(answer: Table) -> tuple[Table, int]:
    """The answer without its column ``behind``, which tells on how many reports the whole of it rests; and that."""
    if "behind" not in answer.columns:
        return answer, 0
    place = answer.columns.index("behind")
    rows = tuple((*row[:place], *row[place + 1 :]) for row in answer.rows)
    columns = (*answer.columns[:place], *answer.columns[place + 1 :])
    return replace(answer, columns=columns, rows=rows), int(answer.rows[0][place] or 0) if answer.rows else 0


def _reports(facts: Sequence[Sequence[str]]) -> int:
    return len({match["report"] for row in facts for fact in row if (match := _OF_A_CASE.fullmatch(fact))})


def _counted(store: Store, reports: int, chosen: Mapping[str, str | Iterable[str]]) -> str:
    """On how many reports the answer rests, out of how many."""
    among = ask(store, "size", chosen).to_dicts()[0]["reports"]
    which = " that the filters choose" if chosen else ""
    return f"{reports:,} of {among:,} reports{which}."


def _table(result: Answer) -> Table:
    if isinstance(result, ox.QueryBoolean):
        return Table(("answer",), ((bool(result),),))
    if not isinstance(result, ox.QuerySolutions):
        triples = sorted(result, key=str)
        turtle = ox.serialize(triples, format=ox.RdfFormat.TURTLE) or b""
        return Table(
            ("subject", "predicate", "object"), tuple(tuple(_value(t) for t in triple) for triple in triples),
            turtle.decode(),
        )  # fmt: skip
    every = [v.value for v in result.variables]
    columns = tuple(c for c in every if c != "facts")
    rows, facts = [], []
    for row in result:
        rows.append(tuple(_value(row[c]) for c in columns))
        if len(columns) < len(every):
            facts.append(tuple(sorted(set(str(_value(row["facts"]) or "").split()))))
    return Table(columns, tuple(rows), facts=tuple(facts) if len(columns) < len(every) else None)


def _value(term: object) -> Value:
    if term is None:
        return None
    if not isinstance(term, ox.Literal):
        return term.value if isinstance(term, ox.NamedNode) else str(term)
    kind = term.datatype.value.rpartition("#")[2]
    if kind in {"integer", "int", "long", "nonNegativeInteger"}:
        return int(term.value)
    if kind in {"decimal", "double", "float"}:
        return float(term.value)
    if kind == "boolean":
        return term.value in {"true", "1"}
    return term.value
