"""The documents against the program: every command, option, question and exit code appears, local links lead somewhere.

docs/commands.md and docs/questions.md are written from the program by ``--update-golden``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from kg.cli import app
from kg.query import filters, questions
from kg.question import Question

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def commands(group: Any, path: str = "kg") -> Iterator[tuple[str, Any]]:
    for name in sorted(group.list_commands(None)):
        command = group.get_command(None, name)
        if hasattr(command, "commands") and name != "query":
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def option_line(parameter: Any) -> str:
    names = (
        ", ".join(f"`{o}`" for o in parameter.opts) if parameter.param_type_name == "option" else f"`{parameter.name}`"
    )
    return f"- {names}: {parameter.help or ''}".rstrip()


COMMANDS = """# Commands

Written from the program; `make golden` writes it anew.

Exit codes: **0** good (warnings and empty answers included); **1** violations found; **2** could not run, or some
input could not be read (it is named with the reason, and the rest is done first); **130** interrupted, with nothing
lost. Data goes to standard output, progress and messages to standard error. `KG_STORE` names the folder, or the
address of a store ([scale.md](scale.md)), that `--store` defaults to. Every question of `kg query` also takes
`--store`, `--evidence`, `--format` and `--json`; its own parameters, and the filters, stand in
[questions.md](questions.md).
"""

QUESTIONS = """# Questions

What `kg query NAME` answers. Written from the headers of `queries/*.rq`; `make golden` writes it anew.

**Options.** A concept is named by a label in any language, an abbreviation, a CURIE or a code, and stands for all its
kinds; what is understood is said where it is not what was typed, and a miss is answered with the nearest terms. An
option given twice means either. A shell that completes `kg` (`kg --install-completion`) completes labels and codes
too.

**What an answer says.** Besides the rows: on how many reports they rest, out of how many (with filters: of those that
the filters choose), and how to read them. `--evidence` adds the sentences on which each row rests, with their place
in the report's text and, in JSON, the IRIs for `kg explain`. Everything but the rows and sentences goes to standard
error.

**Counting.** Counts are cases, not mentions: a case that says a thing twice, or in a narrower and a wider word,
counts once. Only what the report states as present counts. What came *after* a treatment and what the authors
*attribute* to it are counted apart. `share` is the count as a part of the whole that the question names; `low` and
`high` are its Wilson 95 % interval, left out where the whole is under five cases. The interval says how few the cases
are. It does not say how well a treatment works: reports are written about what is rare, and about what went well.
"""

FILTERS = """## Filters

Options of every question marked *filters apply*: they choose the cases that the question is about. Of several filters
all must hold. A case that does not state an age, sex or finding, or a report without date or journal, is not chosen
by that filter. `--line` chooses cases of which a treatment has that line, not the treatments; few reports name the
line, and the order of the treatments is never taken for it.
"""


def commands_page() -> str:
    parts = [COMMANDS]
    for path, command in commands(typer.main.get_command(app)):
        options = "\n".join(option_line(p) for p in command.params if p.name != "help")
        parts.append(f"## {path}\n\n{' '.join((command.help or '').split())}\n\n{options}\n")
    return "\n".join(parts)


def questions_page() -> str:
    parts = [QUESTIONS, f"{FILTERS}\n{options_of(filters())}"]
    for name, asked in questions().items():
        said = " ".join(filter(None, (f"{asked.summary}.", asked.note, "*Filters apply.*" if asked.filtered else "")))
        options = options_of(asked)
        parts.append(f"## {name}\n\n{said}\n" + (f"\n{options}" if options else ""))
    return "\n".join(parts)


def options_of(asked: Question) -> str:
    lines = []
    for p in asked.parameters:
        kind = f"{p.kind} of type {p.of}" if p.of and p.kind != "choice" else p.kind
        lines.append(f"- `--{p.name}` ({kind}{', needed' if p.name in asked.needs else ''}): {p.help}\n")
    return "".join(lines)


@pytest.mark.parametrize(("name", "page"), [("commands", commands_page), ("questions", questions_page)])
def test_reference_is_what_the_program_says(name: str, page: Any, request: pytest.FixtureRequest) -> None:
    path = ROOT / "docs" / f"{name}.md"
    if request.config.getoption("--update-golden"):
        path.write_text(page(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == page()


def test_readme_names_every_command_and_exit_code() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [path for path, _ in commands(typer.main.get_command(app)) if " ".join(path.split()[:2]) not in readme]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text):
        assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_version_stands_everywhere() -> None:
    import kg

    assert f"version: {kg.__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
