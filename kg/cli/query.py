"""``kg query``: every question of queries/ as a command with options made from its header."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from kg.cli import output

if TYPE_CHECKING:
    from kg.question import Parameter, Question

__all__ = ["app", "command", "options_of"]

_FORMAT = typer.Option("--format", "-f", help="table, csv, tsv, json or md.")
_EVIDENCE = typer.Option("--evidence", help="With the sentences on which each row rests.")
_JSON = typer.Option("--json", help="Same as --format json.")


class _Questions(TyperGroup):
    """A group whose commands are the question files; any other name is taken as the path of a SPARQL file."""

    @cached_property
    def _shipped(self) -> dict[str, Any]:
        from kg.query import questions

        return {name: _command(q) for name, q in questions().items()}

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self._shipped)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in self._shipped:
            return self._shipped[cmd_name]
        from kg.query import question, read_question

        asked = (
            read_question(sys.stdin.read(), "the query on standard input") if cmd_name == "-" else question(cmd_name)
        )
        return _command(asked)


app = typer.Typer(cls=_Questions, rich_markup_mode=None, no_args_is_help=False)


@app.callback(invoke_without_command=True)
def query(
    ctx: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="The list of questions as JSON.")] = False,
) -> None:
    """Ask a question: a NAME of queries/, a SPARQL file, or - for standard input. Alone it lists the questions."""
    if ctx.invoked_subcommand is not None:
        return
    from kg.query import questions
    from kg.table import Table

    rows = tuple((q.name, q.summary, " ".join(f"--{p.name}" for p in q.parameters)) for q in questions().values())
    output.table(Table(("question", "what it answers", "parameters"), rows), "json" if json else "table")


def _command(asked: Question) -> TyperCommand:
    """A command for one question: its parameters, the filters, then the options that all questions share."""
    from kg.query import filters

    parameters = [*asked.parameters, *(filters().parameters if asked.filtered else ())]

    def run(**values: Any) -> None:
        from kg.query import ask, sentences
        from kg.store import open_store

        store, form, as_json = values.pop("store"), values.pop("format"), values.pop("json")
        evidence = values.pop("evidence")
        given = {p.name: values[p.variable] for p in parameters if values[p.variable]}
        with open_store(output.place(store), read_only=True) as opened:
            answer = ask(opened, asked, given, facts=evidence)
            behind = sentences(opened, answer) if evidence else None
        output.answer(answer, "json" if as_json else form, behind)

    return command(asked.name, asked.summary or f"Ask {asked.name}.", run, [*options_of(parameters), *_shared()])


def command(name: str, about: str, run: Callable[..., None], options: list[inspect.Parameter]) -> TyperCommand:
    """A command of that name that hands the values of these options to ``run`` by keyword."""
    run.__doc__ = about
    run.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in options}
    single = typer.Typer(rich_markup_mode=None, add_completion=False)
    single.command(name)(run)
    made = typer.main.get_command(single)
    assert isinstance(made, TyperCommand)
    return made


def options_of(parameters: Iterable[Parameter]) -> list[inspect.Parameter]:
    """An option for each parameter, which may be given more than once and completes in the shell."""
    made = []
    for p in parameters:
        words = p.help or p.of or p.kind
        preset = f" (default {p.default})" if p.default else ""
        text = f"{words[0].upper()}{words[1:]}{preset}; may be given more than once."
        option = typer.Option(f"--{p.name}", help=text, autocompletion=_completion(p))
        made.append(
            inspect.Parameter(
                p.variable, inspect.Parameter.KEYWORD_ONLY, default=[], annotation=Annotated[list[str], option]
            )
        )
    return made


def _shared() -> list[inspect.Parameter]:
    shared: list[tuple[str, Any, Any]] = [
        ("store", "out", Annotated[str, output.STORE]),
        ("evidence", False, Annotated[bool, _EVIDENCE]),
        ("format", "table", Annotated[str, _FORMAT]),
        ("json", False, Annotated[bool, _JSON]),
    ]
    return [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=d, annotation=a) for n, d, a in shared]


def _completion(parameter: Parameter) -> Callable[[str], list[str]] | None:
    """What the shell offers for an option: labels, codes or words that begin like what was typed."""

    def complete(incomplete: str) -> list[str]:
        from kg.vocab import load

        if parameter.kind == "choice":
            return [word for word in (parameter.of or "").split("|") if word.startswith(incomplete)]
        if parameter.kind == "code":
            return load().codes(parameter.of or "", incomplete)
        return load().labels(incomplete, parameter.of)

    return complete if parameter.kind in {"concept", "term", "code", "choice"} else None
