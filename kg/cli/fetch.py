"""``kg fetch``: reports from online services, as files for ``kg build``."""

from __future__ import annotations

import json as json_module
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from kg.cli import output

__all__ = ["fetch"]

_SHOWN = 20  # missing reports that are named; --json names all


def fetch(
    service: Annotated[str, typer.Argument(help="Where to look: pubmed, pmc or europepmc.")],
    query: Annotated[str, typer.Argument(help="What to look for, in the service's own query language.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")] = Path("reports"),
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many reports of the query.")] = None,
    email: Annotated[
        str, typer.Option("--email", envvar="KG_EMAIL", help="Your address, by which a service can reach you.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
) -> None:
    """Fetch reports from an online service as files for kg build; what is there already is not fetched again."""
    from kg.fetch import fetch as fetch_reports

    with output.progress("reports") as progress:
        result = fetch_reports(
            service,
            query,
            out,
            email=email,
            limit=limit,
            progress=progress,
            tell=lambda words: output.message(f"kg: {words}"),
        )
    for note in result.notes:
        output.message(f"kg: {note}")
    if json:
        output.data(json_module.dumps(asdict(result), ensure_ascii=False, indent=2) + "\n")
    else:
        output.data(
            f"{result.found} found: {result.fetched} fetched to {out}, {result.known} there already, "
            f"{len(result.missing)} not delivered\n"
        )
        for key, why in result.missing[:_SHOWN]:
            output.message(f"kg: {service} {key}: {why}")
        if len(result.missing) > _SHOWN:
            output.message(f"kg: ... and {len(result.missing) - _SHOWN} more; --json names them.")
    if result.missing:
        raise typer.Exit(2)
