"""``kg serve``: the graph over HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from kg.cli import output
from kg.errors import ServeError

__all__ = ["serve"]

_TOKEN = "KG_TOKEN"


def serve(
    store: Annotated[Path, typer.Option("--store", "-s", envvar="KG_STORE", help="A folder that kg build wrote.")] = (
        Path("out")
    ),
    host: Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    edit: Annotated[
        bool, typer.Option("--edit", help="Let whoever has the edit token change the graph; KG_TOKEN holds it.")
    ] = False,
    curation: Annotated[
        Path | None,
        typer.Option(
            "--curation", envvar="KG_CURATION", help="File of decisions; default curation.jsonl in that folder."
        ),
    ] = None,
    cors: Annotated[bool, typer.Option("--cors/--no-cors", help="Let web pages from elsewhere read the graph.")] = True,
) -> None:
    """Serve the graph on one port: a SPARQL endpoint, and pages for people."""
    import secrets

    try:
        from kg.serve.access import Access
        from kg.serve.listener import listen
        from kg.serve.service import Service
    except ModuleNotFoundError as missing:
        raise ServeError(f"kg serve needs {missing.name}: pip install 'casekg[serve]' first.") from missing

    token = None
    if edit:
        token = os.environ.pop(_TOKEN, "")
        if not token:
            token = secrets.token_urlsafe(24)
            output.message(f"Edit token: {token}")
    served = Service(output.store_path(store), Access(token), cors=cors, curation=curation)
    listen(served, host, port, tell=output.message)
