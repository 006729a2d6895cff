"""What commands print: data on standard output, messages on standard error, progress where a person watches."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

from kg.errors import ExportError, KGError, StoreError
from kg.table import FORMATS, Table

if TYPE_CHECKING:
    from kg.validate import Report

__all__ = ["STORE", "answer", "data", "message", "place", "progress", "report", "sink", "store_path", "table"]

# Tables of more rows are not folded, which takes half a millisecond a row.
_DRAWN = 1000
_WIDEST = 60  # columns of the terminal for one of such a table
# Reports may hold characters that a terminal would obey; a person is shown their pictures instead.
_CONTROLS = {c: chr(0x2400 + c) for c in range(32) if chr(c) not in "\t\n"} | dict.fromkeys(range(127, 160), "\ufffd")

STORE: Any = typer.Option(
    "--store", "-s", envvar="KG_STORE", help="A folder that kg build wrote, or the address of a SPARQL 1.1 store."
)


def message(text: str) -> None:
    """One line on standard error."""
    print(text.translate(_CONTROLS), file=sys.stderr)  # noqa: T201


def data(text: str) -> None:
    """Text on standard output, as it is."""
    sys.stdout.write(text)


def answer(found: Table, form: str, evidence: Table | None = None) -> None:
    """The answer of a question, with the sentences that ``kg.query.sentences`` gave for it, if they are wanted.

    In JSON each row lists its sentences; in the other forms a second table does, which names rows by number. The
    remarks, such as on how many reports the answer rests, go to standard error.
    """
    if evidence is not None and form == "json":
        rows: list[dict[str, Any]] = [{**row, "evidence": []} for row in found.to_dicts()]
        for sentence in evidence:
            rows[int(sentence.pop("row") or 0) - 1]["evidence"].append(sentence)
        data(json_module.dumps(rows, ensure_ascii=False, indent=2) + "\n")
    elif evidence is not None:
        numbered = tuple((number, *row) for number, row in enumerate(found.rows, 1))
        table(Table(("row", *found.columns), numbered), form)
        data("\n")
        table(Table(evidence.columns[:-1], tuple(row[:-1] for row in evidence.rows)), form)
    else:
        table(found, form)
    for remark in found.remarks:
        message(remark)


def table(answer: Table, form: str) -> None:
    """A table in one of ``FORMATS``; a CONSTRUCT answer in ``table`` form is written as Turtle."""
    if form not in FORMATS:
        raise KGError(f"--format {form} is not known; there are {', '.join(FORMATS)}.")
    if form != "table":
        data(answer.write(form))
        return
    if answer.turtle is not None:
        data(answer.turtle)
        return
    rows = [[_shown(value) for value in row] for row in answer.rows]
    (_draw if len(rows) <= _DRAWN else _align)(answer.columns, rows)
    message(f"{len(answer)} row{'' if len(answer) == 1 else 's'}.")


def _shown(value: object) -> str:
    text = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    return text.translate(_CONTROLS)


def _draw(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns with long cells folded."""
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=None, pad_edge=False, show_header=True, header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    # A pipe gets whole rows, not rows folded to a guessed width.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    console.print(drawn)


def _align(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns with a line for each row, however long; long cells push the rest of their line aside."""
    from rich.cells import cell_len

    lines = [columns, *([" ".join(cell.split()) for cell in row] for row in rows)]
    widths = [min(_WIDEST, max(map(cell_len, cells))) for cells in zip(*lines, strict=True)]
    for line in lines:
        padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True))
        data("  ".join(padded).rstrip() + "\n")


def report(found: Report, *, json: bool) -> None:
    """A validation: its verdict, how often each rule found something, and every violation."""
    if json:
        whole = {"conforms": found.conforms, "checked": found.checked, "counts": dict(found.counts)}
        data(json_module.dumps({**whole, "results": found.to_dicts()}, ensure_ascii=False, indent=2) + "\n")
        return
    data(f"{found.verdict}\n")
    if found.results:
        table(found.summary(), "table")
    worst = [row for row in found.table().rows if row[0] == "Violation"]
    if worst:
        table(Table(found.table().columns, tuple(worst)), "table")


def place(store: str) -> Path | str:
    """What ``--store`` names: the address of a store, or the store inside a folder."""
    from kg.store import is_address

    return store if is_address(store) else store_path(Path(store))


def store_path(folder: Path) -> Path:
    """The store inside a folder that ``kg build`` wrote, or the folder itself if it is the store."""
    if (folder / "store").is_dir():
        return folder / "store"
    if folder.is_dir() and (folder / "CURRENT").is_file():
        return folder
    raise StoreError(
        f"{folder} holds no graph yet: run 'kg build PATH -o {folder}' first, or name another with --store."
    )


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on standard error while a person watches, else nothing. The callback takes done and total."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def sink(path: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that appears whole or not at all; a device or pipe is written to as it is."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    draft = path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() or not path.exists():
            draft = path.with_name(f".{path.name}.tmp")
        with draft.open("wb") as handle:
            yield handle
        if draft != path:
            draft.replace(path)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        if draft != path:
            draft.unlink(missing_ok=True)
