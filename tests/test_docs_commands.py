"""Every command that the pages show is run, in order, in an empty folder beside the seeds, and prints what is shown.

A block marked ``console`` holds commands after "$ " and under each what it prints: a line "..." stands for any lines,
"..." at the end of a line for its rest.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kg.cli import app
from tests.conftest import ROOT

PAGES = sorted(path for path in (ROOT / "docs").glob("*.md") if "```console" in path.read_text(encoding="utf-8"))
FENCE = re.compile(r"^```(console|python)\n(.*?)^```$", re.M | re.S)


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
    words = shlex.split(command)[1:]
    target = words[words.index(">") + 1] if ">" in words else None
    result = CliRunner().invoke(app, words[: words.index(">")] if target else words)
    assert result.exit_code == 0, f"{command}\n{result.output}\n{result.exception!r}"
    if target:
        Path(target).write_text(result.stdout, encoding="utf-8")
        return ""
    return result.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_is_so(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    monkeypatch.chdir(tmp_path)
    for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(block, page.name, "exec"), {})
            continue
        for command, shown in commands(block):
            printed = run(command)
            assert re.fullmatch(pattern(shown), printed), f"{command}\nshown:\n{shown}\nprinted:\n{printed}"


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
