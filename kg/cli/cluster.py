"""``kg build --dask``: what it does, and what it prints at its end."""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kg.cli import output
from kg.cli.summary import counted
from kg.errors import KGError

if TYPE_CHECKING:
    from kg.pipeline import Build

__all__ = ["build", "show"]


def build(
    paths: Sequence[str],
    out: str,
    address: str,
    extractor: str,
    vocabularies: Sequence[Path],
    base: str | None,
    curation: Path | None,
    progress: Callable[[int, int | None], None],
) -> Build:
    """See ``kg.cluster.build``; KGError if what it needs is not installed."""
    try:
        import distributed
        import fsspec
    except ImportError as error:
        raise KGError("A build on a cluster needs dask: install casekg[dask], here and for every worker.") from error
    del distributed, fsspec
    from kg import cluster

    return cluster.build(
        paths,
        out,
        address,
        extractor=extractor,
        vocabularies=vocabularies,
        base=base,
        curation=curation,
        progress=progress,
    )


def show(built: Build, out: str, *, json: bool) -> None:
    """Print counts and the validation of each report by itself."""
    if json:
        facts = {
            "read": built.read,
            "extracted": built.extracted,
            "copies": built.copies,
            "without a case": built.skipped,
            "languages not read": built.unread,
            "decisions without a place": built.unplaced,
            "failed": built.failed,
            "validation": dict(built.validation.counts) if built.validation else None,
        }
        output.data(json_module.dumps(facts, ensure_ascii=False, indent=2) + "\n")
    else:
        counted(built)
        if built.validation:
            output.data(f"SHACL: {built.validation.verdict}\n")
    output.message(f"parts written to {out}: 'kg load' puts them in a store, or the loader of any store does.")
