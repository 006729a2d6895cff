"""The store: whole graphs or nothing, one writer, refusals in a sentence, and bytes that never differ."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest

from kg.errors import StoreError
from kg.store import FORMATS, SCHEMA, Embedded, Store, open_store
from tests.small import BASE, NAME, SIZE, TYPE, graph, nquads


def dumped(store: Store, form: str = "nq") -> bytes:
    out = io.BytesIO()
    store.dump(form, out, prefixes={"casekg": "https://w3id.org/casekg/ontology#"})
    return out.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Embedded]:
    with open_store(tmp_path / "store", base=BASE) as opened:
        opened.bulk_load(nquads(2) + nquads(1))
        yield opened


# --- graphs -----------------------------------------------------------------------------------------------------------


def test_graphs_come_and_go(store: Store) -> None:
    assert store.graphs() == [graph(1), graph(2)]
    assert store.holds(graph(1)) and not store.holds(graph(3))
    store.replace(graph(1), nquads(1, "two"))
    store.replace(graph(3), nquads(3))
    assert len(store) == 3 * SIZE
    assert sorted(map(str, store.quads(graph(1)))) == [
        line.removesuffix(" .") for line in nquads(1, "two").decode().splitlines()
    ]
    store.remove(graph(2), graph(9))
    assert store.graphs() == [graph(1), graph(3)]
    store.remove()
    assert len(store) == 2 * SIZE


def test_a_graph_may_be_replaced_by_nothing(store: Store) -> None:
    store.replace(graph(1), b"")
    assert not list(store.quads(graph(1)))


def test_a_replacement_that_fails_changes_nothing(store: Store) -> None:
    before = dumped(store)
    with pytest.raises(SyntaxError):
        store.replace(graph(1), nquads(1, "two") + b"nonsense")
    assert dumped(store) == before


def test_a_load_that_fails_changes_nothing(store: Store) -> None:
    before = dumped(store)
    with pytest.raises(SyntaxError):
        store.bulk_load(nquads(3) + b"nonsense\n" + nquads(4))
    assert dumped(store) == before


def test_values_are_found_both_ways(store: Store) -> None:
    assert store.value(f"{BASE}pmid/1", TYPE) == "https://w3id.org/casekg/ontology#Report"
    assert store.value(f"{BASE}pmid/1", NAME) is None
    assert store.subject(NAME, 'one \\u0041 "7" \n') == f"{BASE}pmid/1/x7"
    assert store.subject(NAME, "nobody") is None


def test_questions_see_all_graphs(store: Store) -> None:
    answer = store.query(f"SELECT (COUNT(*) AS ?n) WHERE {{ ?x <{NAME}> ?name }}")
    assert isinstance(answer, ox.QuerySolutions)
    assert [row["n"].value for row in answer] == [str(2 * (SIZE - 1))]
    with pytest.raises(SyntaxError):
        store.query("SELECT nonsense")


def test_the_store_is_handed_out_as_rdflib(store: Store) -> None:
    copy = store.as_rdflib()
    assert len(copy) == 2 * SIZE
    assert len(list(copy.subjects(None, None))) == 2 * SIZE


# --- files ------------------------------------------------------------------------------------------------------------


def test_what_was_written_is_there_again(tmp_path: Path) -> None:
    with open_store(tmp_path / "s", base=BASE) as store:
        store.bulk_load(nquads(1))
        before = dumped(store)
    with open_store(tmp_path / "s", read_only=True) as store:
        assert store.base == BASE
        assert dumped(store) == before


@pytest.mark.parametrize("form", FORMATS)
def test_equal_graphs_are_equal_bytes(form: str, tmp_path: Path) -> None:
    """In whatever order and by whatever way they came in."""
    with open_store(tmp_path / "s", base=BASE) as one, open_store(base=BASE) as other:
        one.bulk_load(nquads(1) + nquads(2) + nquads(10))
        for n in (10, 2, 1):
            other.replace(graph(n), nquads(n, "before"))
            other.replace(graph(n), nquads(n))
        assert dumped(one, form) == dumped(other, form)
        assert {q.triple for q in ox.parse(dumped(one, form), format=FORMATS[form])} == {q.triple for q in one.quads()}


def test_lines_stand_in_order(store: Store) -> None:
    assert dumped(store) == nquads(1) + nquads(2)
    triples = dumped(store, "nt").splitlines()
    assert triples[:SIZE] == sorted(triples[:SIZE]) and len(triples) == 2 * SIZE


def test_turtle_is_for_people(store: Store) -> None:
    text = dumped(store, "ttl").decode()
    assert text.startswith(
        f"@base <{BASE}> .\n@prefix casekg: <https://w3id.org/casekg/ontology#> .\n\n<pmid/1> a casekg:Report .\n"
    )
    assert text.count("@prefix") == 1
    assert text.index("<pmid/1/x1>") < text.index("<pmid/2>")


def test_properties_and_graphs_can_be_left_out(store: Store) -> None:
    out = io.BytesIO()
    store.dump("nq", out, without=(NAME,), graphs=(graph(2),))
    assert out.getvalue().decode().splitlines() == [
        f"<{BASE}pmid/2> <{TYPE}> <https://w3id.org/casekg/ontology#Report> <{graph(2)}> ."
    ]


def test_an_empty_store_is_written_too() -> None:
    with open_store(base=BASE) as store:
        assert dumped(store) == b""
        assert dumped(store, "ttl").startswith(b"@base")


def test_a_snapshot_stands_on_its_own(store: Embedded, tmp_path: Path) -> None:
    store.snapshot(tmp_path / "copy")
    before = dumped(store)
    store.remove(graph(1))
    with open_store(tmp_path / "copy", read_only=True) as copy:
        assert copy.base == BASE
        assert dumped(copy) == before


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_one_writer_at_a_time(store: Embedded) -> None:
    assert store.path
    for read_only in (False, True):
        with pytest.raises(StoreError, match="Another kg is writing"):
            open_store(store.path, read_only=read_only)


def test_a_second_process_is_refused_until_the_first_is_done(store: Embedded) -> None:
    code = "import sys, pathlib; from kg.store import open_store; open_store(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(store.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Another kg is writing to the store" in done.stderr
    store.close()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_many_may_read(tmp_path: Path) -> None:
    open_store(tmp_path / "s", base=BASE).close()
    with open_store(tmp_path / "s", read_only=True) as one, open_store(tmp_path / "s", read_only=True) as other:
        assert len(one) == len(other) == 0
        with pytest.raises(StoreError, match="Another kg"):
            open_store(tmp_path / "s")


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.graphs()


def test_no_store_to_read(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no store: run 'kg build'"):
        open_store(tmp_path, read_only=True)
    assert not list(tmp_path.iterdir())


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError, match="holds other files"):
        open_store(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("about", ["", "[]", "{}", '{"schema": "x", "base": ""}'])
def test_a_damaged_store_says_what_to_do(tmp_path: Path, about: str) -> None:
    open_store(tmp_path / "s").close()
    (tmp_path / "s" / "casekg.json").write_text(about, encoding="utf-8")
    with pytest.raises(StoreError, match="delete the store's folder and run 'kg build' again"):
        open_store(tmp_path / "s")


def test_damaged_data_says_what_to_do(tmp_path: Path) -> None:
    open_store(tmp_path / "s").close()
    (tmp_path / "s" / "CURRENT").write_bytes(b"nonsense")
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(tmp_path / "s")


def test_another_schema_or_base_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path / "s", base=BASE).close()
    with pytest.raises(StoreError, match="has the base"):
        open_store(tmp_path / "s", base="https://other.org/")
    (tmp_path / "s" / "casekg.json").write_text(json.dumps({"schema": SCHEMA + 1, "base": BASE}), encoding="utf-8")
    with pytest.raises(StoreError, match=f"has schema {SCHEMA + 1} and this kg writes {SCHEMA}"):
        open_store(tmp_path / "s")
    (tmp_path / "s" / "casekg.json").write_text(json.dumps({"schema": SCHEMA, "base": BASE}), encoding="utf-8")
    open_store(tmp_path / "s").close()  # a refusal leaves no lock behind


def test_a_path_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(tmp_path / "file" / "s")
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(Path("/proc/nothing/here"))


# --- interruption -----------------------------------------------------------------------------------------------------

WRITER = """
import sys, pathlib
sys.path.insert(0, sys.argv[2])
from kg.store import open_store
from tests.small import graph, nquads
with open_store(pathlib.Path(sys.argv[1])) as store:
    print("ready", flush=True)
    for n in range(0, 10**6, 20):
        store.bulk_load(b"".join(map(nquads, range(n, n + 20))))
        for m in range(n, n + 5):
            store.replace(graph(m), nquads(m, "two"))
        store.remove(graph(n + 10), graph(n + 11))
"""


@pytest.mark.skipif(os.name == "nt", reason="needs kill -9")
def test_kill_9_leaves_whole_graphs(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    moments = random.Random(seed)
    path = tmp_path / "s"
    for _ in range(4):
        command = [sys.executable, "-c", WRITER, str(path), str(Path(__file__).parents[1])]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout and process.stdout.readline()
            time.sleep(moments.uniform(0.02, 0.5))
            process.send_signal(signal.SIGKILL)
        with open_store(path) as store:
            for name in store.graphs():
                found = sorted(f"{q} ." for q in store.quads(name))
                n = int(name.split("/")[-2])
                assert found in [nquads(n, word).decode().splitlines() for word in ("one", "two")], name
            assert not list(path.glob("bulk-*"))
            store.remove(*store.graphs())
            assert len(store) == 0
