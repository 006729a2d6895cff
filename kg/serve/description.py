"""What the server says of itself and of its data: Service Description, VoID and DCAT."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pyoxigraph as ox
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kg.exporters import export
from kg.serve.answers import serialized
from kg.serve.negotiation import address, wanted
from kg.serve.service import service

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["ROUTES", "service_description"]

_FILES = Path(__file__).parent / "descriptions"


async def service_description(request: Request) -> Response:
    """What the endpoint can do."""
    return _written(request, _own(request))


async def dataset_description(request: Request) -> Response:
    """What the data are, counted, and where they can be asked."""
    counted: bytes = await service(request).recall(count)
    return _written(request, [*(q.triple for q in ox.parse(counted, ox.RdfFormat.TURTLE)), *_own(request)])


def count(store: Store) -> bytes:
    """The VoID and DCAT description of the data, in Turtle."""
    out = io.BytesIO()
    export(store, out, "void")
    return out.getvalue()


def _own(request: Request) -> list[ox.Triple]:
    """What the files say of this endpoint."""
    known = service(request)
    names = ["read.ttl", *(["edit.ttl"] if known.access.open else [])]
    own = f"@prefix data: <{known.base}> .\n"
    endpoint = address(request.url_for("sparql"))
    texts = [own + (_FILES / name).read_text(encoding="utf-8") for name in names]
    return [q.triple for text in texts for q in ox.parse(text, ox.RdfFormat.TURTLE, base_iri=endpoint)]


def _written(request: Request, triples: list[ox.Triple]) -> Response:
    answer = serialized(triples, wanted(request))
    return Response(answer.body, media_type=answer.media_type, headers={"Vary": "Accept"})


ROUTES = [Route("/.well-known/void", dataset_description, name="void")]
