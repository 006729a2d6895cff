"""The questions as forms, with their answers to read and to download; and SPARQL of one's own."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pyoxigraph as ox
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kg import resources, vocab
from kg.errors import QueryError, ServeError, VocabularyError
from kg.query import ask, filters, question, questions, sentences
from kg.question import Parameter
from kg.serve import answers
from kg.serve.answers import Answer, Dataset, Wanted
from kg.serve.negotiation import address, form
from kg.serve.rendering import page
from kg.serve.service import service
from kg.table import Table

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["ROUTES"]

_FORMATS = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/json",
    "ttl": "text/turtle",
}
_PAGE = 50  # rows whose sentences are shown
_SHOWN = 1000  # rows on a page; a download has them all
_ROWS, _GRAPH = "application/sparql-results+json", "text/turtle"


async def list_(request: Request) -> Response:
    """All questions."""
    return page(request, "questions.html", {"questions": questions().values()})


async def one(request: Request) -> Response:
    """The form of a question; its answer, if it was put; or the answer to download."""
    name = request.path_params["name"]
    if name not in questions():
        raise ServeError(f"There is no question {name!r}.", 404)
    asked = question(name)
    fields = {k: v[-1] for k, v in form(request.scope["query_string"]).items()}
    format_, put = fields.pop("format", None), fields.pop("ask", None)
    values = {k: v.strip() for k, v in fields.items() if v.strip()}
    parameters = (*asked.parameters, *(filters().parameters if asked.filtered else ()))
    shown: dict[str, Any] = {"question": asked, "values": values, "choices": {p.name: _choices(p) for p in parameters},
                             "parameters": parameters, "sparql": asked.text}  # fmt: skip
    if put is None and format_ is None:
        return page(request, "question.html", shown)
    try:
        table, evidence = await service(request).run(answer, name, values, _SHOWN if format_ is None else None)
    except (QueryError, VocabularyError) as error:
        if format_ is not None:
            raise ServeError(str(error), 400) from error
        return page(request, "question.html", {**shown, "error": str(error)}, status=400)
    if format_ is not None:
        return _download(table, name, format_)
    links = {
        f: f"/questions/{name}?{urlencode({**values, 'format': f})}" for f in _FORMATS if f != "ttl" or table.turtle
    }
    rows = [row[:-1] for row in evidence.rows] if evidence else []  # without the IRIs of facts
    found = {"table": table, "evidence": evidence, "sentences": rows, "downloads": links}
    return page(request, "question.html", {**shown, **found})


def answer(store: Store, name: str, values: dict[str, str], most: int | None) -> tuple[Table, Table | None]:
    """The answer, and the sentences that its rows rest on: the first of them for a page, without sentences for all."""
    found = ask(store, name, values, facts=most is not None)
    if most is None:
        return found, None
    facts = found.facts[:most] if found.facts is not None else None
    cut = Table(found.columns, found.rows[:most], found.turtle, facts, found.remarks)
    if len(found) > most:
        cut = Table(
            cut.columns, cut.rows, cut.turtle, cut.facts, (f"The first {most:,} of {len(found):,} rows.", *cut.remarks)
        )
    return cut, sentences(store, Table(cut.columns, cut.rows[:_PAGE], None, facts[:_PAGE])) if facts else None


def _download(table: Table, name: str, format_: str) -> Response:
    if format_ not in _FORMATS or (format_ == "ttl" and table.turtle is None):
        raise ServeError(f"An answer of {name!r} has no format {format_!r}.", 400)
    body = table.turtle if format_ == "ttl" else table.write(format_)
    return Response(
        body, media_type=_FORMATS[format_], headers={"Content-Disposition": f'attachment; filename="{name}.{format_}"'}
    )


def _choices(parameter: Parameter) -> list[str]:
    """What a parameter may be, where that is a closed list."""
    if parameter.kind == "choice":
        return (parameter.of or "").split("|")
    return vocab.load().codes(parameter.of or "") if parameter.kind == "code" else []


# --- SPARQL -----------------------------------------------------------------------------------------------------------


async def editor(request: Request) -> Response:
    """A query of the reader's own, with its answer; the questions are its examples."""
    known = service(request)
    fields = {k: v[-1] for k, v in form(request.scope["query_string"]).items()}
    example = questions().get(fields.get("example", ""))
    text = fields.get("query", example.text if example else "")
    shown: dict[str, Any] = {
        "text": text,
        "examples": questions().values(),
        "example": fields.get("example"),
        "prefixes": known.prefixes,
        "terms": _terms(),
    }
    if not fields.get("query", "").strip():
        return page(request, "editor.html", shown)
    wanted = Wanted(_ROWS, _GRAPH, known.prefixes, known.limits.result)
    try:
        found: Answer = await known.run(answers.ask, text, address(request.base_url), Dataset(), wanted)
    except ServeError as error:
        return page(request, "editor.html", {**shown, "error": str(error)}, status=error.status)
    return page(request, "editor.html", {**shown, **_answer(found), "link": f"/sparql?{urlencode({'query': text})}"})


@cache
def _terms() -> list[str]:
    """Classes and properties of the ontology, as names with prefixes, sorted."""
    file = resources.folder("ontology") / "casekg.ttl"
    known = {q.subject.value for q in ox.parse(path=file) if isinstance(q.subject, ox.NamedNode)}
    names = {iri: prefix for prefix, iri in vocab.load().prefixes.items()}
    split = ((max(iri.rfind("#"), iri.rfind("/")) + 1, iri) for iri in known)
    return sorted(f"{names[iri[:cut]]}:{iri[cut:]}" for cut, iri in split if iri[:cut] in names and iri[cut:])


def _answer(found: Answer) -> dict[str, Any]:
    """What the page shows of an answer: Turtle, a truth, or rows of terms."""
    if found.media_type == _GRAPH:
        return {"turtle": found.body.decode()}
    told = json.loads(found.body)
    if "boolean" in told:
        return {"truth": told["boolean"]}
    columns, rows = told["head"]["vars"], told["results"]["bindings"]
    return {"columns": columns, "rows": [[row.get(c) for c in columns] for row in rows[:_SHOWN]], "total": len(rows)}


ROUTES = [
    Route("/questions", list_, name="questions"),
    Route("/questions/{name}", one, name="question"),
    Route("/editor", editor, name="editor"),
]
