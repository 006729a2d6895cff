"""The SPARQL endpoint, as the SPARQL 1.1 Protocol says: queries for everybody, updates for who has the edit token."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kg.errors import ServeError
from kg.serve import answers, description
from kg.serve.answers import Answer, Dataset
from kg.serve.negotiation import address, body_type, form, text, wanted
from kg.serve.service import service

__all__ = ["ROUTES"]

_QUERY = ("default-graph-uri", "named-graph-uri")
_UPDATE = ("using-graph-uri", "using-named-graph-uri")


async def endpoint(request: Request) -> Response:
    """Answer a query, do an update, or describe the endpoint to who asks for nothing."""
    fields = form(request.scope["query_string"])
    if request.method == "POST":
        kind = body_type(request)
        if kind == "application/x-www-form-urlencoded":
            if {"query", "update"} & fields.keys():
                raise ServeError("A form holds its query or update in its body, not in the URL.", 400)
            for name, values in form(await request.body()).items():
                fields.setdefault(name, []).extend(values)
        elif kind == "application/sparql-query":
            fields.setdefault("query", []).append(await text(request))
        elif kind == "application/sparql-update":
            fields.setdefault("update", []).append(await text(request))
        else:
            raise ServeError(
                "A query or update comes as application/x-www-form-urlencoded, application/sparql-query or "
                "application/sparql-update.", 415,
            )  # fmt: skip
    elif "update" in fields:
        raise ServeError("An update is sent with POST.", 400)
    elif not fields:
        return await description.service_description(request)
    sent = [(name, value) for name in ("query", "update") for value in fields.get(name, ())]
    if len(sent) != 1:
        raise ServeError("A request holds one query or one update.", 400)
    name, words = sent[0]
    return await (_asked(request, words, fields) if name == "query" else _changed(request, words, fields))


async def _asked(request: Request, query: str, fields: dict[str, list[str]]) -> Response:
    dataset = _dataset(fields, *_QUERY)
    answer: Answer = await service(request).run(answers.ask, query, _here(request), dataset, wanted(request))
    return Response(answer.body, media_type=answer.media_type, headers={"Vary": "Accept"})


async def _changed(request: Request, update: str, fields: dict[str, list[str]]) -> Response:
    known = service(request)
    known.access.check(request)
    await known.write(answers.change, update, _here(request), _dataset(fields, *_UPDATE))
    return Response(status_code=204)


def _dataset(fields: dict[str, list[str]], default: str, named: str) -> Dataset:
    return Dataset(tuple(fields.get(default, ())), tuple(fields.get(named, ())))


def _here(request: Request) -> str:
    """The address of the endpoint."""
    return address(request.url)


ROUTES = [Route("/sparql", endpoint, methods=["GET", "POST"], name="sparql")]
