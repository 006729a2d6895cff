"""The house itself: its import contracts, its size, its public names, its plug-ins, its start-up time's causes."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kg
from kg import registry

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "kg").rglob("*.py"))

PLUGINS = {
    "exporters": (
        "csv",
        "cytoscape",
        "fhir",
        "gexf",
        "graphml",
        "html",
        "jsonld",
        "kgx",
        "neo4j",
        "nq",
        "nt",
        "parquet",
        "phenopackets",
        "sssom",
        "trig",
        "ttl",
        "void",
    ),
    "extractors": ("both", "llm", "rules"),
    "figures": ("matrix", "outcomes", "swimmer", "timeline"),
    "sources": ("jsonl", "text"),
}


@pytest.mark.parametrize("group", PLUGINS)
def test_no_plugin_vanishes(group: str) -> None:
    assert set(PLUGINS[group]) <= set(registry.names(group))
    assert set(registry.plugins(group)) == set(registry.names(group))


def test_unknown_plugin_is_named_with_those_there_are() -> None:
    with pytest.raises(kg.KGError, match=r"there are: .*rules"):
        registry.plugin("extractors", "telepathy")


def test_modules_stay_small_and_have_plain_names() -> None:
    long = {
        str(p.relative_to(ROOT)): n for p in MODULES if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long
    assert not [p for p in MODULES if p.stem in {"utils", "helpers", "common", "misc"}]


def test_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_public_names_are_what_the_package_says() -> None:
    for name in kg.__all__:
        assert getattr(kg, name) is not None
    assert callable(kg.query) and callable(kg.validate)


def test_help_imports_no_stage() -> None:
    code = (
        "import sys; sys.argv = ['kg', '--help']\n"
        "from kg.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'rdflib', 'pyshacl', 'networkx', 'pandas', 'rich', 'numpy'} & set(sys.modules)\n"
        "sys.exit(' '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_sparql_in_code(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not path.name.startswith("__init__"):
            text = node.value
            assert not ("WHERE {" in text or "PREFIX " in text), f"{path}:{node.lineno} holds SPARQL"
