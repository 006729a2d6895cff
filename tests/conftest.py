"""Fixtures of all tests: the seeds, the shared data where it is, and golden files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browsers import CHROMIUM, QUIET

if TYPE_CHECKING:
    from kg.model import CaseRecord, Document
    from kg.store import Store
    from kg.vocab import Vocabulary

ROOT = Path(__file__).parents[1]
os.environ["CASEKG_DATA"] = str(ROOT / "tests" / "no-vocabularies-of-the-user")  # a folder that is not there


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files under tests/cases/")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data: ``$CASEKG_SHARED``, by default beside the repository."""
    folder = Path(os.environ.get("CASEKG_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"the shared data is not at {folder} (set CASEKG_SHARED)")
    return folder


@pytest.fixture(scope="session")
def seeds() -> Path:
    """The folder with the two seed reports."""
    return ROOT / "seeds"


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    """The shipped vocabularies."""
    from kg import vocab

    return vocab.load()


@pytest.fixture(scope="session")
def extract(vocabulary: Vocabulary) -> Callable[[Document], CaseRecord]:
    """The rules, with the shipped vocabularies and models."""
    from kg.extractors import rules

    return rules.prepare(vocabulary.lexicon())


@pytest.fixture(scope="session")
def built(seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What "make graph" makes of the seeds, to read only: who writes into it takes a copy."""
    from kg import build

    out = tmp_path_factory.mktemp("seeds") / "out"
    build([seeds], out)
    return out


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, Any], None]:
    """``golden(name, data)``: ``data`` equals the JSON in tests/cases/NAME; ``--update-golden`` rewrites it."""

    def check(name: str, data: Any) -> None:
        path = ROOT / "tests" / "cases" / name
        written = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(written, encoding="utf-8", newline="\n")
        assert path.is_file(), f"{path} is missing; pytest --update-golden writes it"
        assert json.loads(written) == json.loads(path.read_text(encoding="utf-8"))

    return check


@pytest.fixture(scope="session")
def invented() -> Iterator[Store]:
    """A store in memory with the vocabularies and the invented reports of tests/queries/."""
    from tests.invented import store_of_reports

    with store_of_reports() as store:
        yield store


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for the pages of a module."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        started.close()
