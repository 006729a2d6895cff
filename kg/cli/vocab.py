"""``kg vocab``: look at vocabularies, check them, add ones of your own."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from kg.cli import output

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Look at vocabularies, check them, add your own.")

_Json = Annotated[bool, typer.Option("--json", help="The answer as JSON.")]
_Extra = Annotated[
    list[Path] | None, typer.Option("--vocabulary", help="A further vocabulary file; may be given more than once.")
]


@app.command()
def search(
    words: Annotated[list[str], typer.Argument()], limit: int = 20, vocabulary: _Extra = None, json: _Json = False
) -> None:
    """Find concepts by words of their labels, by code or by abbreviation."""
    from kg.table import Table
    from kg.vocab import Found, load

    found = load(vocabulary or ()).search(" ".join(words), limit)
    output.table(Table(Found._fields, tuple(tuple(f) for f in found)), "json" if json else "table")


@app.command()
def show(
    concept: Annotated[str, typer.Argument(help="A label in any language, an abbreviation or a CURIE.")],
    store: Annotated[
        Path, typer.Option("--store", "-s", envvar="KG_STORE", help="A folder that kg build wrote.")
    ] = Path("out"),
    vocabulary: _Extra = None,
    json: _Json = False,
) -> None:
    """All about one concept: labels, parents, codes with their sources, and the reports that use it."""
    from kg.vocab import load

    loaded = load(vocabulary or ())
    about = loaded.show(concept)
    about["reports"] = _reports(store, about["concept"])
    if json:
        output.data(json_module.dumps(about, ensure_ascii=False, indent=2) + "\n")
        return
    for name, value in about.items():
        if value:
            output.data(f"{name.replace('_', ' '):>14}  {_line(value)}\n")


@app.command("list")
def list_(vocabulary: _Extra = None, json: _Json = False) -> None:
    """The vocabularies in use, the one that goes first on top, with release and licence."""
    from kg.table import Table
    from kg.vocab import load

    columns = ("name", "priority", "concepts", "mappings", "release", "licence", "title")
    rows = tuple(tuple(source[c] for c in columns) for source in load(vocabulary or ()).sources())
    output.table(Table(columns, rows), "json" if json else "table")


@app.command()
def add(
    files: Annotated[
        list[str], typer.Argument(help="Vocabulary files, or hpo, mesh (from casekg[vocab]).", metavar="FILE...")
    ],
    name: Annotated[str | None, typer.Option(help="What to call it; the file's name if not given.")] = None,
    type: Annotated[
        str | None, typer.Option(help="What its concepts are: condition, intervention, finding, site.")
    ] = None,
    facet: Annotated[str | None, typer.Option(help="Narrower: the kind of intervention, such as drug.")] = None,
    priority: Annotated[
        int | None, typer.Option(help="1 goes first after the shipped vocabulary; 50 if not given.")
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Its licence, where the file does not say.")] = None,
    release: Annotated[str | None, typer.Option(help="Its release, where the file does not say.")] = None,
    prefix: Annotated[list[str] | None, typer.Option(help="PREFIX=IRI of identifiers in the file.")] = None,
) -> None:
    """Add vocabularies: SKOS, OBO, OBO Graph JSON, OWL, SSSOM or a table of id, label and synonyms."""
    from kg.clinical.lexicon import Matcher
    from kg.errors import VocabularyError
    from kg.vocab import load
    from kg.vocab.adding import add as add_file

    if name and len(files) > 1:
        raise VocabularyError("--name is for one file; add the files one by one.")
    for file in files:
        source = add_file(
            file,
            name=name,
            kind=type,
            facet=facet,
            priority=priority,
            licence=licence,
            release=release,
            prefixes=_pairs(prefix),
        )
        concepts, matches = sum(1 for e in source.entries if e.labels), sum(len(e.matches) for e in source.entries)
        output.message(
            f"{source.name}: {concepts} concepts, {matches} exact matches, priority {source.priority}, "
            f"release {source.release or 'not stated'}, licence {source.licence or 'not stated'}"
        )
    output.message("compiling all vocabularies, once ...")
    Matcher(load().lexicon())


@app.command()
def remove(names: Annotated[list[str], typer.Argument()]) -> None:
    """Take added vocabularies away; the shipped one stays."""
    from kg.vocab import installed

    for name in names:
        installed.remove(name)
        output.message(f"{name} removed")


@app.command()
def check(vocabulary: _Extra = None, json: _Json = False) -> None:
    """Look for cycles, orphans, duplicate labels, missing languages, codes without source; exit 1 if there are any."""
    from kg.table import Table
    from kg.vocab import Problem, problems

    found = problems(vocabulary or ())
    output.table(Table(Problem._fields, tuple(tuple(p) for p in found)), "json" if json else "table")
    if found:
        raise typer.Exit(1)


@app.command()
def suggest(
    words: Annotated[Path, typer.Argument(help="What 'kg stats --ungrounded --json' printed; - for standard input.")],
    least: Annotated[int, typer.Option(help="Leave out words of fewer cases.")] = 1,
    limit: Annotated[int, typer.Option(help="At most so many concepts.")] = 100,
) -> None:
    """Write concepts to review, as Turtle, for words that no vocabulary holds."""
    from kg.vocab import load
    from kg.vocab.suggest import read_ungrounded
    from kg.vocab.suggest import suggest as write

    text = sys.stdin.read() if str(words) == "-" else words.read_text(encoding="utf-8")
    found = [w for w in read_ungrounded(text, str(words)) if w.cases >= least]
    output.data(write(load(), found[:limit]))


def _pairs(prefixes: list[str] | None) -> dict[str, str]:
    from kg.errors import VocabularyError

    pairs = {}
    for given in prefixes or ():
        prefix, equals, namespace = given.partition("=")
        if not equals or not prefix or "://" not in namespace:
            raise VocabularyError(f"--prefix {given} is not of the form PREFIX=IRI.")
        pairs[prefix] = namespace
    return pairs


def _reports(store: Path, concept: str) -> list[dict[str, Any]]:
    """The reports of a store, if there is one, that use a concept or one within it."""
    from kg.errors import StoreError
    from kg.query import ask
    from kg.store import open_store

    try:
        path = output.store_path(store)
    except StoreError:
        return []
    with open_store(path, read_only=True) as opened:
        return ask(opened, "uses", {"concept": [concept]}).to_dicts()


def _line(value: Any) -> str:
    """A value of ``show`` on one line."""
    if isinstance(value, dict):
        return ", ".join(str(v) for v in value.values() if v)
    if isinstance(value, list):
        return "; ".join(_line(v) for v in value)
    return str(value)
