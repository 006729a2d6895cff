"""Every command that the pages show is run, in order, in an empty folder beside the seeds, and prints what is shown.

A block marked ``console`` holds commands after "$ " and under each what it prints: a line "..." stands for any lines,
"..." at the end of a line for its rest; where nothing stands, anything may be printed. What goes online or runs until
it is stopped, and what is named within a sentence, is checked against the program's commands and options.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from kg.cli import app
from tests.commands import kg
from tests.conftest import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [path for path in DOCUMENTS if "```console" in path.read_text(encoding="utf-8")]
FENCE = re.compile(r"^```(console|python)\n(.*?)^```$", re.M | re.S)
ONLINE = {"fetch", "serve"}  # commands that a page may show without their being run


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Each command of a block, with what it prints."""
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, _, shown = part.partition("\n")
        if here := re.search(r"<<'(\w+)'", command):
            body, _, shown = shown.partition(f"\n{here[1]}\n")
            command = f"{command}\n{body}\n{here[1]}\n"
        yield command, shown


def pattern(shown: str) -> str:
    """A regular expression for shown output."""
    lines = [
        r"(.*\n)*?"
        if line == "..."
        else re.escape(line.removesuffix("...")) + (".*" if line.endswith("...") else "") + r"\n"
        for line in shown.splitlines()
    ]
    return "".join(lines)


def run(command: str) -> str:
    """What a command prints on standard output; kg runs in this process, all else in a shell."""
    if not command.startswith("kg "):
        done = subprocess.run(["bash", "-euc", command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        return done.stdout
    words = shlex.split(command, comments=True)[1:]
    target = words[words.index(">") + 1] if ">" in words else None
    printed = kg(*(words[: words.index(">")] if target else words)).stdout
    if target:
        Path(target).write_text(printed, encoding="utf-8")
        return ""
    return printed


def commands_of(page: Path) -> str:
    return "".join(
        command for _, block in FENCE.findall(page.read_text(encoding="utf-8")) for command, _ in commands(block)
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_is_so(page: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    monkeypatch.chdir(tmp_path)
    if "kg build" not in commands_of(page):
        shutil.copytree(built, "out")
    for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(block, page.name, "exec"), {})
            continue
        for command, shown in commands(block):
            printed = run(command)
            assert not shown or re.fullmatch(pattern(shown), printed), (
                f"{command}\nshown:\n{shown}\nprinted:\n{printed}"
            )


def spoken(page: Path) -> Iterator[tuple[str, bool]]:
    """Every kg command that a page names and the test above does not run, and whether it stands in a block."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for block in re.findall(r"^```\w*\n(.*?)^```$", text, re.M | re.S):
        yield from ((line, True) for line in re.findall(r"^(?:\$ )?(kg .*)$", block, re.M))
    within = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    yield from ((command, False) for command in re.findall(r"`(kg [^`\n]+)`", within))


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.stem)
def test_commands_that_are_not_run_are_there_with_their_options(page: Path) -> None:
    for said, block in spoken(page):
        words = shlex.split(said.partition(" < ")[0])[1:]
        asks = words[0] in ONLINE or "--endpoint" in words
        own = words[0] == "build" or words[:2] in (["vocab", "add"], ["vocab", "remove"])  # of files of one's own
        assert not block or asks or own, f"{said}: mark the block 'console', so that it is run"
        command: Any = typer.main.get_command(app)
        known = [command]
        while words and hasattr(command, "commands") and re.fullmatch(r"[a-z][a-z-]*", words[0]):
            command = command.get_command(typer.Context(command), words.pop(0))
            assert command is not None, said
            known = [command]
        if hasattr(command, "commands"):  # "kg plot FIGURE": any of them
            known += [
                command.get_command(typer.Context(command), n) for n in command.list_commands(typer.Context(command))
            ]
        options = {"--help"} | {name for one in known for p in one.params for name in p.opts}
        assert {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"} <= options, said


def test_what_make_and_python_are_told_to_do_is_there() -> None:
    targets = re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for page in DOCUMENTS:
        text = page.read_text(encoding="utf-8")
        assert {*re.findall(r"(?:`|^)make ([a-z][\w.-]*)", text, re.M)} <= {*targets}, page
        for module in re.findall(r"`python -m ([\w.]+)", text):
            assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), f"{page.name}: {module}"
        for script in re.findall(r"`python ([\w./]+\.py)", text):
            assert (ROOT / script).is_file(), f"{page.name}: {script}"


def test_every_page_has_its_place_in_the_site() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]

    def files(nav: list[dict[str, object]]) -> Iterator[str]:
        for entry in nav:
            for target in entry.values():
                if isinstance(target, list):
                    yield from files(target)
                else:
                    yield str(target)

    assert sorted(files(site["nav"])) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_the_site_is_built_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    program = shutil.which("zensical", path=str(ROOT / ".venv" / "bin"))
    if program is None:
        pytest.skip("zensical is not installed")
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    done = subprocess.run([program, "build", "--strict"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for page in (tmp_path / "site").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)[^>]*\ssrc=\"?(https?:)?//", text)
        loaded += re.findall(r"<link[^>]*rel=\"?(?:stylesheet|preconnect)[^>]*href=\"?(https?:)?//", text)
        assert not loaded, page
