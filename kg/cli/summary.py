"""What ``kg build`` writes beside the store and prints at its end."""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kg import exporters
from kg.cli import output
from kg.cli.model import taken
from kg.exporters import trig
from kg.parallel import beside
from kg.query import ask
from kg.store import Embedded, is_address, open_store
from kg.table import Table, Value

if TYPE_CHECKING:
    from kg.llm import LanguageModel
    from kg.pipeline import Build
    from kg.store import Store

__all__ = ["WHOLE", "counted", "show"]

_FILES = ("ttl", "trig", "html")
_SHOWN = 20  # rows of the treatment-outcome table on the screen; 'kg query treatments' has them all
_APART = 500  # reports whose page takes longer to write than another process takes to start
WHOLE = 10_000  # reports up to which a build writes out and asks the whole graph; of more, a change costs no more


def show(
    built: Build, store: Store, out: Path, *, model: LanguageModel | None = None, jobs: int = 1, json: bool
) -> None:
    """Write graph.ttl, graph.trig and graph.html, then print counts, validation and the treatment-outcome table.

    Of a graph of more than ``WHOLE`` reports, only what the build did: the rest is for ``kg export`` and ``kg query``.
    With more than one of ``jobs`` the page of a larger graph is written by another process.
    """
    size = len(store.data_graphs())
    small = size <= WHOLE
    counts: dict[str, Value] = {"graphs of reports and copies": size}
    if small or not built.unchanged:
        counts = {str(row["what"]): row["count"] for row in ask(store, "summary")}
    files = _FILES if small else ()
    if not small:
        for name in _FILES:
            (out / f"graph.{name}").unlink(missing_ok=True)  # of an earlier build
        output.message(
            f"The graph is large ({size:,} reports): 'kg export' writes its files, 'kg query treatments' its table."
        )
    if small:
        _write_files(store, out, apart=jobs > 1 and size >= _APART)
    treatments = ask(store, "treatments", facts=False) if small else Table((), ())
    differences = [row for row in ask(store, "copies").to_dicts() if row["differs"]] if built.copies else []
    pairs = ask(store, "same-patient").to_dicts() if small else []
    validation = built.validation
    facts: dict[str, Any] = {
        "inputs": {
            "read": built.read,
            "extracted": built.extracted,
            "unchanged": built.unchanged,
            "removed": built.removed,
            "copies": built.copies,
            "conflicts": differences,
            "perhaps one patient": pairs,
            "without a case": built.skipped,
            "languages not read": built.unread,
            "decisions without a place": built.unplaced,
            "failed": built.failed,
        },
        "graph": counts,
        "validation": None if validation is None else dict(validation.counts),
    }
    if model is not None:
        facts["language model"] = taken(model)
    with output.sink(out / "build.json") as sink:
        sink.write(json_module.dumps(facts, ensure_ascii=False, indent=2).encode(errors="backslashreplace") + b"\n")
    if json:
        output.data(
            json_module.dumps({**facts, "treatments": treatments.to_dicts()}, ensure_ascii=False, indent=2) + "\n"
        )
        return
    counted(built)
    _said("differs:", [(str(row["copy"]), _difference(row)) for row in differences])
    if pairs:
        verb = "pair of reports may tell" if len(pairs) == 1 else "pairs of reports may tell"
        output.data(f"{len(pairs)} {verb} of one patient, who then is counted twice: kg query same-patient\n")
    for what, count in counts.items():
        output.data(f"{count:>8}  {what}\n")
    if validation is not None:
        output.data(f"SHACL: {validation.verdict}\n\n")
    if small:
        _outcomes(treatments)
    written = [*([] if is_address(store.name) else ["store/"]), *(f"graph.{n}" for n in files), "build.json"]
    output.message(f"written to {out}: {', '.join(written)}")


def _write_files(store: Store, out: Path, *, apart: bool) -> None:
    page = None
    if apart and isinstance(store, Embedded) and store.path:
        page = partial(_write_page, store.path, store.at_hand, out)
    with (
        beside(page) if page else nullcontext(),
        output.sink(out / "graph.ttl") as turtle,
        output.sink(out / "graph.trig") as sink,
    ):
        trig.write(store, sink, turtle=turtle)
    if page is None:
        with output.sink(out / "graph.html") as sink:
            exporters.export(store, sink, "html")


def _write_page(store: Path, at_hand: Mapping[str, bytes], out: Path) -> None:
    with open_store(store, read_only=True) as opened, output.sink(out / "graph.html") as sink:
        opened.at_hand = at_hand
        exporters.export(opened, sink, "html")


def counted(built: Build) -> None:
    """Print what became of the inputs."""
    output.data(
        f"{built.read} read: {built.extracted} extracted, {built.unchanged} unchanged, {len(built.copies)} copies, "
        f"{built.removed} removed, {len(built.failed)} failed\n"
    )
    _said("no case in", built.skipped)
    _said("not understood, by its language, some text of", built.unread)
    _said("not applied to", built.unplaced)


def _outcomes(treatments: Table) -> None:
    """The first rows of the treatment-outcome table."""
    # Without the example sentences: those are for 'kg query treatments'.
    columns = treatments.columns[:4]
    rows = tuple(row[:4] for row in treatments.rows[:_SHOWN])
    output.table(Table(columns, rows), "table")
    if len(treatments) > _SHOWN:
        output.data(f"... {len(treatments) - _SHOWN} more rows: kg query treatments\n")


def _said(what: str, of: Sequence[tuple[str, str]]) -> None:
    """The first of many inputs with what is said of each; build.json has them all."""
    for source, why in of[:_SHOWN]:
        output.data(f"{what} {source}: {why}\n")
    if len(of) > _SHOWN:
        output.data(f"{what} {len(of) - _SHOWN} more: see build.json\n")


def _difference(row: Mapping[str, Value]) -> str:
    return f"copy of {row['id']}, has the {row['differs']} {row['copy_says']!r}, not {row['says']!r}"
