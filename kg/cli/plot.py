"""``kg plot``: every figure of kg/figures/ as a command with the options of its question."""

from __future__ import annotations

import inspect
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from kg.cli import output
from kg.cli.query import command, options_of

__all__ = ["app"]

_OUT = typer.Option("--out", "-o", help="File to write: .svg, .png or .pdf.", show_default=False)
_MOST = typer.Option("--most", min=1, help="At most so many rows (20); the caption says what is left out.")


class _Figures(TyperGroup):
    """A group whose commands are the figures."""

    @cached_property
    def _shipped(self) -> dict[str, Any]:
        from kg.figures import figures

        return {name: _command(name, about) for name, about in figures().items()}

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self._shipped)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return self._shipped.get(cmd_name)


app = typer.Typer(cls=_Figures, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def plot() -> None:
    """Draw the answer of a question as a figure for a paper: SVG, PNG or PDF, with its caption (needs casekg[plot])."""


def _command(name: str, about: str) -> TyperCommand:
    """A command for one figure: the parameters of its question, the filters, then what all figures share."""
    from kg import registry
    from kg.query import filters, question

    asked = question(registry.plugin("figures", name).QUESTION)
    parameters = [*asked.parameters, *(filters().parameters if asked.filtered else ())]

    def run(**values: Any) -> None:
        from kg.errors import ExportError
        from kg.figures import FORMATS, draw
        from kg.store import open_store

        store, out, most = values.pop("store"), values.pop("out"), values.pop("most")
        form = out.suffix.removeprefix(".").lower()
        if form not in FORMATS:
            raise ExportError(f"{out} is no file for a figure: give -o a name that ends in .{', .'.join(FORMATS)}.")
        given = {p.name: values[p.variable] for p in parameters if values[p.variable]}
        with open_store(output.place(store), read_only=True) as opened:
            drawing = draw(opened, name, given, most=most)
        with output.sink(out) as sink:
            drawing.write(sink, form)
        output.message(drawing.caption)
        output.message(str(out))

    return command(name, f"{about}.", run, [*options_of(parameters), *_shared()])


def _shared() -> list[inspect.Parameter]:
    shared: list[tuple[str, Any, Any]] = [
        ("out", inspect.Parameter.empty, Annotated[Path, _OUT]),
        ("store", "out", Annotated[str, output.STORE]),
        ("most", 20, Annotated[int, _MOST]),
    ]
    return [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=d, annotation=a) for n, d, a in shared]
