"""``kg review``: what people decided about facts; how far two of them agree; reviewed reports as annotated ones."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.cli import output

if TYPE_CHECKING:
    from kg.review import Decision

__all__ = ["app"]

app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Decisions of people about facts: list, move, compare."
)

_Store = Annotated[Path, typer.Option("--store", "-s", envvar="KG_STORE", help="A folder that kg build wrote.")]
_Curation = Annotated[
    Path | None,
    typer.Option("--curation", envvar="KG_CURATION", help="File of decisions; default curation.jsonl in that folder."),
]
_Who = Annotated[str | None, typer.Option("--who", help="Only decisions of this person.")]
_Format = Annotated[str, typer.Option("--format", "-f", help="table, csv, tsv, json or md.")]


def _file(store: Path, curation: Path | None) -> Path:
    from kg.review import CURATION

    return curation or store / CURATION


@app.command("list")
def list_(store: _Store = Path("out"), curation: _Curation = None, who: _Who = None, format: _Format = "table") -> None:
    """The decisions that hold, oldest first."""
    from kg.review import in_effect, read
    from kg.table import Table

    columns = ("id", "when", "who", "what", "report", "kind", "about", "why")
    held = [d for d in in_effect(read(_file(store, curation))) if who in (None, d.who)]
    rows = tuple((d.name, d.when, d.who, d.what, d.report[0], d.kind, d.about, d.why) for d in held)
    output.table(Table(columns, rows), format)


@app.command()
def export(
    store: _Store = Path("out"),
    curation: _Curation = None,
    who: _Who = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file, not to standard output.")] = None,
) -> None:
    """Write the decisions that hold as JSON lines, to hand on or to import elsewhere."""
    from kg.review import decision_to_json, in_effect, read

    with output.sink(out) as sink:
        for decision in in_effect(read(_file(store, curation))):
            if who in (None, decision.who):
                sink.write(json_module.dumps(decision_to_json(decision), ensure_ascii=False).encode() + b"\n")


@app.command("import")
def import_(
    decisions: Annotated[Path, typer.Argument(help="Decisions as kg review export or another build wrote them.")],
    store: _Store = Path("out"),
    curation: _Curation = None,
) -> None:
    """Add the decisions of a file to those of a build; the next kg build applies them."""
    from kg.errors import ReviewError
    from kg.review import append, read

    if not decisions.is_file():
        raise ReviewError(f"{decisions}: there is no such file.")
    path, given = _file(store, curation), read(decisions)
    added = append(path, given)
    output.message(f"{added} decisions added to {path}, {len(given) - added} known already")


@app.command()
def agreement(store: _Store = Path("out"), curation: _Curation = None, format: _Format = "table") -> None:
    """How far each two reviewers agree: Cohen's kappa on facts, F1 on reports that both accepted as a whole."""
    from kg.evaluate import agreement as compare
    from kg.evaluate import kappa
    from kg.reports import Reports
    from kg.review import read
    from kg.store import open_store
    from kg.table import Table, Value

    rows: list[tuple[Value, ...]] = []
    with open_store(output.store_path(store), read_only=True) as opened:
        reports = Reports(opened)

        def text(key: str) -> str:
            report = reports.named(key)
            return report.text if report else ""

        for pair in compare(read(_file(store, curation)), text):
            everything = [both for decided in pair.decisions.values() for both in decided]
            for kind, decided in (*pair.decisions.items(), ("all decisions", everything)):
                if decided:
                    same = sum(one == other for one, other in decided)
                    chance_corrected = kappa(decided)
                    rounded = None if chance_corrected is None else round(chance_corrected, 3)
                    rows.append((pair.one, pair.other, kind, len(decided), same, rounded, None))
            for name, score in pair.scores.items():
                if score.gold or score.found:
                    facts = score.gold + score.found - score.both
                    rows.append(
                        (pair.one, pair.other, f"whole reports: {name}", facts, score.both, None, round(score.f1, 3))
                    )
    output.table(Table(("one", "other", "what", "count", "alike", "kappa", "f1"), tuple(rows)), format)


@app.command()
def gold(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders of the reports.", show_default=False)],
    store: _Store = Path("out"),
    curation: _Curation = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file, not to standard output.")] = None,
) -> None:
    """Write the reports that were accepted or rejected as a whole as annotated reports, for kg evaluate."""
    from kg import pipeline
    from kg.errors import SourceError
    from kg.evaluate import gold_line
    from kg.identity import report_keys
    from kg.review import Curation

    decided = Curation.load(_file(store, curation))
    written, failed = 0, False
    with output.sink(out) as sink:
        for item in pipeline.extract(paths, curation=decided):
            if isinstance(item, SourceError):
                output.message(f"kg: {item}")
                failed = True
            elif whole := _whole(decided.of(report_keys(item[0]))):
                sink.write(gold_line(item[1], item[0].text, rejected=whole.what == "rejected").encode() + b"\n")
                written += 1
    output.message(f"{written} reviewed reports")
    if failed:
        raise typer.Exit(2)


def _whole(decisions: tuple[Decision, ...]) -> Decision | None:
    """The last decision about the report as a whole."""
    return next((d for d in reversed(decisions) if d.kind == "report"), None)
