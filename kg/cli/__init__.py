"""The command line: commands, printing, progress, exit codes. Stages are imported inside the commands.

Exit codes: 0 good (warnings and empty answers included), 1 violations found, 2 could not run or some input could not be
read (the rest is done first), 130 interrupted with nothing lost.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from kg.cli import fetch, output, plot, query, review, serve, vocab
from kg.cli.model import with_model
from kg.errors import KGError

__all__ = ["app", "main"]


class _Program(TyperGroup):
    """Turns every refusal into one sentence and exit code 2, and Ctrl-C into exit code 130."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KGError as error:
            output.message(f"kg: {error}")
            raise typer.Exit(2) from error
        except KeyboardInterrupt as stop:
            output.message("kg: interrupted; what was stored is kept, and the same command goes on from there.")
            raise typer.Exit(130) from stop
        except BrokenPipeError as gone:
            # The reader of our output (head, less) has had enough: that is its right.
            _unplug()
            raise typer.Exit(0) from gone
        except OSError as error:
            _unplug()
            place = error.filename or "the output"
            output.message(f"kg: {place} cannot be read or written: {error.strerror or error}.")
            raise typer.Exit(2) from error


def _unplug() -> None:
    """Let what standard output still holds go nowhere, so that the end of the program does not fail on it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    cls=_Program,
    help="Clinical case reports as a knowledge graph: build it, check it, ask it, draw it.",
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(query.app, name="query")
app.add_typer(plot.app, name="plot")
app.add_typer(vocab.app, name="vocab")
app.add_typer(review.app, name="review")
app.command()(fetch.fetch)
app.command()(serve.serve)

_Paths = Annotated[list[Path], typer.Argument(help="Files and folders of reports.", show_default=False)]
_Store = Annotated[str, output.STORE]
_Vocabulary = Annotated[
    list[Path] | None, typer.Option("--vocabulary", help="A further vocabulary file; may be given more than once.")
]
_Curation = Annotated[
    Path | None,
    typer.Option("--curation", envvar="KG_CURATION", help="File of decisions; default curation.jsonl in that folder."),
]
_Extractor = Annotated[str, typer.Option("--extractor", help="How reports are understood: rules, llm or both.")]
_Json = Annotated[bool, typer.Option("--json", help="The result as JSON.")]
_NoText = Annotated[bool, typer.Option("--no-text", help="Leave out full texts and quotes.")]
_Out = Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file instead of standard output.")]


def main() -> None:
    """The program ``kg``."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # the name of a file may hold what the terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    app()


def _version(wanted: bool) -> None:
    if wanted:
        from kg import __version__

        output.data(f"casekg {__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Clinical case reports as a knowledge graph: build it, check it, ask it, draw it."""


@app.command()
@with_model
def build(
    paths: Annotated[list[str], typer.Argument(help="Files and folders of reports.", show_default=False)],
    out: Annotated[
        str | None, typer.Option("--out", "-o", help="Folder for the files, and the store; default out.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option("--store", "-s", envvar="KG_STORE", help="The same folder, or the address of a store elsewhere."),
    ] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes; default one a core.")] = None,
    dask: Annotated[
        str | None, typer.Option("--dask", help="Scheduler of a Dask cluster that writes parts for 'kg load' instead.")
    ] = None,
    base: Annotated[str | None, typer.Option("--base", help="Namespace of the data's IRIs.")] = None,
    extractor: _Extractor = "rules",
    vocabulary: _Vocabulary = None,
    curation: _Curation = None,
    json: _Json = False,
    model: Any = None,
) -> None:
    """Read, extract, store and validate reports; write graph.ttl, graph.trig and graph.html; print a summary."""
    from kg import pipeline
    from kg.cli import cluster, summary
    from kg.scratch import Scratch
    from kg.store import is_address, open_store

    address = store if is_address(store) else None
    out = out or ("out" if store is None or address else store)
    if dask is not None:
        if model is not None:
            raise KGError("--dask is for extractors that ask no language model.")
        with output.progress("reports") as progress:
            built = cluster.build(paths, out, dask, extractor, vocabulary or (), base, curation, progress)
        cluster.show(built, out, json=json)
    else:
        with Scratch(Path(out) / "graphs.tmp", summary.WHOLE) as scratch:
            with output.progress("reports") as progress:
                built = pipeline.build(
                    [Path(path) for path in paths],
                    out,
                    extractor=extractor,
                    vocabularies=vocabulary or (),
                    base=base,
                    curation=curation,
                    jobs=jobs,
                    store=address,
                    model=model,
                    progress=progress,
                    written=scratch.add,
                )
            with open_store(address or Path(out) / "store", read_only=True) as opened:
                opened.at_hand = scratch
                summary.show(built, opened, Path(out), model=model, jobs=jobs or os.cpu_count() or 1, json=json)
    for source, why in built.failed:
        output.message(f"kg: {source}: {why}")
    if built.failed:
        raise typer.Exit(2)
    if built.validation is not None and not built.validation.conforms:
        raise typer.Exit(1)


@app.command()
def load(
    parts: Annotated[str, typer.Argument(help="A folder that kg build --dask wrote, or its URL.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the store.")] = Path("out"),
    store: Annotated[
        str | None,
        typer.Option("--store", "-s", envvar="KG_STORE", help="The same folder, or the address of a store elsewhere."),
    ] = None,
) -> None:
    """Load what a cluster built into a store."""
    from kg.parts import load
    from kg.store import is_address

    place = store if is_address(store) else Path(store or out) / "store"
    output.message(f"{load(parts, place):,} graphs loaded; 'kg validate' checks what concerns several reports.")


@app.command()
@with_model
def extract(
    paths: _Paths,
    format: Annotated[str, typer.Option("--format", "-f", help="jsonl, one record a line.")] = "jsonl",
    extractor: _Extractor = "rules",
    vocabulary: _Vocabulary = None,
    out: _Out = None,
    model: Any = None,
) -> None:
    """Print what is understood of each report, one JSON object per input record, in input order."""
    import json

    from kg import pipeline
    from kg.errors import SourceError
    from kg.model import to_json

    if format != "jsonl":
        raise KGError(f"--format {format} is not known; kg extract writes jsonl.")
    failed = False
    with output.sink(out) as sink:
        for item in pipeline.extract(paths, extractor=extractor, vocabularies=vocabulary or (), model=model):
            if isinstance(item, SourceError):
                output.message(f"kg: {item}")
                failed = True
            else:
                sink.write(json.dumps(to_json(item[1]), ensure_ascii=False).encode() + b"\n")
                failed = failed or any(w.status == "failed" for w in item[1].windows)
    if failed:
        raise typer.Exit(2)


@app.command()
def validate(
    target: Annotated[
        str, typer.Argument(help="A folder that kg build wrote, the address of a store, or an RDF file.")
    ] = "out",
    engine: Annotated[
        str, typer.Option("--engine", help="checked: fast, pyshacl for what it flags and a sample; fast; or pyshacl.")
    ] = "checked",
    json: _Json = False,
) -> None:
    """Check a graph against shapes/ and queries/violations/; exit 1 if a violation is found."""
    from kg.validate import ENGINES
    from kg.validate import validate as check

    chosen = next((e for e in ENGINES if e == engine), None)
    if chosen is None:
        raise KGError(f"--engine {engine} is not known; there are {', '.join(ENGINES)}.")
    found = check(output.place(target) if Path(target).is_dir() else target, engine=chosen)
    output.report(found, json=json)
    if not found.conforms:
        raise typer.Exit(1)


@app.command()
def export(
    format: Annotated[str | None, typer.Option("--format", "-f", help="See 'kg export --list'.")] = None,
    store: _Store = "out",
    out: _Out = None,
    no_text: _NoText = False,
    list_formats: Annotated[bool, typer.Option("--list", help="List the formats.")] = False,
) -> None:
    """Write the graph in another format to a file or standard output."""
    import signal

    from kg import exporters
    from kg.store import open_store

    if list_formats:
        for known, about in exporters.formats().items():
            output.data(f"{known}\t{about}\n")
        return
    name = format or (exporters.format_of(out.name) if out else None)
    if not name:
        raise KGError("Which format? Give --format, or -o with a suffix of one; 'kg export --list' names them.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to be ended leaves no draft behind, as Ctrl-C does
    with open_store(output.place(store), read_only=True) as opened, output.sink(out) as sink:
        left = exporters.export(opened, sink, name, text=not no_text)
    for what, count in left.items():
        output.message(f"left out, {name} having no place for it: {count} {what}")


@app.command()
def viz(
    store: _Store = "out",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file instead of graph.html.")] = None,
    report: Annotated[
        list[str] | None,
        typer.Option("--report", "-r", help="Only this report, by its id or IRI; may be given more than once."),
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Write the page without opening a browser.")] = False,
) -> None:
    """Draw treatment-outcome links, courses of patients and reports with their facts as one offline page; open it."""
    import webbrowser

    from kg.exporters import html
    from kg.store import is_address, open_store

    page = out or Path("out" if is_address(store) else store) / ("report.html" if report else "graph.html")
    with open_store(output.place(store), read_only=True) as opened, output.sink(page) as sink:
        html.write(opened, sink, reports=report)
    output.message(str(page))
    if not no_open:
        webbrowser.open(page.resolve().as_uri())


@app.command()
def explain(
    fact: Annotated[str, typer.Argument(help="IRI of an episode, link, case or evidence, or its end.")],
    store: _Store = "out",
    json: _Json = False,
) -> None:
    """Show the sentence behind a fact: the quote in its surroundings, offsets, report, extractor version."""
    from kg.cli import explanation
    from kg.store import open_store

    with open_store(output.place(store), read_only=True) as opened:
        explanation.show(opened, fact, json=json)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="A folder that kg build wrote, or the address of a store.")],
    after: Annotated[str, typer.Argument(help="Another one, such as a later build of the same reports.")],
    format: Annotated[str, typer.Option("--format", "-f", help="table, csv, tsv, json or md.")] = "table",
    json: _Json = False,
) -> None:
    """Show the facts that two builds do not share: added, removed and changed, by report."""
    from kg.diff import diff as compare
    from kg.store import open_store

    with (
        open_store(output.place(before), read_only=True) as old,
        open_store(output.place(after), read_only=True) as new,
    ):
        found = compare(old, new)
    output.answer(found, "json" if json else format)


@app.command()
def stats(
    store: _Store = "out",
    ungrounded: Annotated[bool, typer.Option("--ungrounded", help="Rank the words that no vocabulary holds.")] = False,
    json: _Json = False,
) -> None:
    """Count what the graph holds, or rank what no vocabulary holds."""
    from kg.query import ask
    from kg.store import open_store

    with open_store(output.place(store), read_only=True) as opened:
        output.table(ask(opened, "ungrounded" if ungrounded else "summary"), "json" if json else "table")


@app.command()
@with_model
def evaluate(
    gold: Annotated[Path, typer.Argument(help="Annotated reports, JSON lines.")],
    extractor: _Extractor = "rules",
    vocabulary: _Vocabulary = None,
    worst: Annotated[int, typer.Option("--worst", min=0, help="Name the reports with the lowest scores.")] = 0,
    show: Annotated[str | None, typer.Option("--show", help="Gold and predicted facts of one report, by id.")] = None,
    errors: Annotated[bool, typer.Option("--errors", help="Rank the kinds of error.")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="With --show: write a page to this file.")] = None,
    json: _Json = False,
    model: Any = None,
) -> None:
    """Score the extractor on annotated reports: precision, recall and F1 per row and stratum."""
    from kg.cli import scores

    scores.show(gold, extractor, vocabulary or (), model, worst=worst, one=show, errors=errors, html=html, json=json)
