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
from kg.query import questions

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def commands(group: Any, path: str = "kg") -> Iterator[tuple[str, Any]]:
    for name, command in sorted(group.commands.items()):
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
lost. Data goes to standard output, progress and messages to standard error. `KG_STORE` names the folder that
`--store`, and `--out` of `kg build`, default to. Every question of `kg query` also takes `--store`, `--format` and
`--json`; its own parameters stand in [questions.md](questions.md).
"""

QUESTIONS = """# Questions

What `kg query NAME` answers. Written from the headers of `queries/*.rq`; `make golden` writes it anew.
"""


def commands_page() -> str:
    parts = [COMMANDS]
    for path, command in commands(typer.main.get_command(app)):
        options = "\n".join(option_line(p) for p in command.params if p.name != "help")
        parts.append(f"## {path}\n\n{' '.join((command.help or '').split())}\n\n{options}\n")
    return "\n".join(parts)


def questions_page() -> str:
    parts = [QUESTIONS]
    for name, asked in questions().items():
        kinds = {p.name: f"{p.kind} of type {p.of}" if p.of else p.kind for p in asked.parameters}
        options = "".join(f"- `--{p.name}` ({kinds[p.name]}): {p.help}\n" for p in asked.parameters)
        parts.append(f"## {name}\n\n{f'{asked.summary}. {asked.note}'.strip()}\n" + (f"\n{options}" if options else ""))
    return "\n".join(parts)


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
