"""Builds of many reports: what a change costs, what stays the same whatever the number of processes."""

from __future__ import annotations

import io
import json
import os
import pickle
import time
from functools import partial
from pathlib import Path

import pytest

from kg import build, exporters, open_store, shelf
from kg.cli import summary
from kg.errors import ExportError, KGError
from kg.parallel import beside
from kg.scratch import Scratch


def write(path: Path, numbers: range, disease: str = "gout") -> None:
    rows = [
        {"id": f"r{n}", "title": f"Report {n}", "doi": f"10.1000/{n}", "text": f"A {n}-year-old man had {disease}."}
        for n in numbers
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def graphs(out: Path) -> dict[str, list[str]]:
    with open_store(out / "store", read_only=True) as store:
        return {g: sorted(map(str, store.quads(g))) for g in store.graphs() if "/doi/" in g}


def test_one_changed_report_touches_one_graph(tmp_path: Path) -> None:
    for first in range(20, 50, 10):
        write(tmp_path / f"{first}.jsonl", range(first, first + 10))
    out = tmp_path / "out"
    build([tmp_path], out)
    before = graphs(out)
    text = (tmp_path / "30.jsonl").read_text(encoding="utf-8")
    (tmp_path / "30.jsonl").write_text(text.replace("A 33-year-old man", "A 33-year-old woman"), encoding="utf-8")
    changed = build([tmp_path], out)
    assert (changed.extracted, changed.unchanged, changed.removed) == (1, 29, 0)
    assert changed.validation and changed.validation.checked == 1
    after = graphs(out)
    assert {g for g in after if after[g] != before[g]} == {"https://w3id.org/casekg/id/doi/10.1000%2F33/graph"}


def test_a_removed_file_takes_its_graphs_along(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", range(20, 23))
    write(tmp_path / "b.jsonl", range(30, 32))
    out = tmp_path / "out"
    build([tmp_path], out)
    (tmp_path / "a.jsonl").unlink()
    gone = build([tmp_path], out)
    assert (gone.removed, gone.extracted, gone.unchanged) == (3, 0, 2)
    assert len(graphs(out)) == 2


@pytest.mark.parametrize("limit", ["_REPORTS", "_BYTES"])
def test_reports_are_loaded_in_steps_of_a_bounded_size(
    limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / f"{first}.jsonl" for first in (20, 30, 40)]
    for file, disease in zip(files, ("gout", "hypoplastic leukemia", "gout, asthma and anemia"), strict=True):
        write(file, range(int(file.stem), int(file.stem) + 10), disease)
    build(files, tmp_path / "whole")
    monkeypatch.setattr(shelf, limit, 10 if limit == "_REPORTS" else 20_000)
    build(files, tmp_path / "steps")
    for name in ("whole", "steps"):
        with open_store(tmp_path / name / "store") as store, (tmp_path / f"{name}.nq").open("wb") as sink:
            sink.write(b"".join(sorted(f"{quad} .\n".encode() for quad in store.quads())))
    assert (tmp_path / "steps.nq").read_bytes() == (tmp_path / "whole.nq").read_bytes()


def test_files_are_those_that_export_writes_whoever_writes_them_and_whatever_was_kept_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a.jsonl", range(20, 23))
    out = tmp_path / "out"
    build([tmp_path / "a.jsonl"], out)
    write(tmp_path / "b.jsonl", range(30, 33), "hypoplastic leukemia")
    monkeypatch.setattr(summary, "_APART", 2)
    with Scratch(out / "graphs.tmp", 2) as scratch:
        built = build([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], out, written=scratch.add)
        assert len(scratch) == 2  # others are read from the store
        with open_store(out / "store", read_only=True) as store:
            store.at_hand = scratch
            summary.show(built, store, out, jobs=2, json=False)
    with open_store(out / "store", read_only=True) as store:
        for name in ("ttl", "trig", "html"):
            alone = io.BytesIO()
            exporters.export(store, alone, name)
            assert (out / f"graph.{name}").read_bytes() == alone.getvalue()
    assert not [*out.glob(".*.tmp"), *out.glob("*.tmp")]
    assert "Exit" not in capfd.readouterr().err


def test_what_is_kept_at_hand_is_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "graphs.tmp"
    with Scratch(tmp_path / "none" / "graphs.tmp", 9) as scratch:  # what there is no room for, the store has
        scratch.add("a", b"1")
        assert dict(scratch) == {}
    path.write_bytes(b"left by a build that was killed")
    with Scratch(path, 2) as scratch:
        for graph, nquads in (("a", b"1"), ("b", b"22"), ("a", b"333")):
            scratch.add(graph, nquads)
        elsewhere = pickle.loads(pickle.dumps(scratch))
        assert dict(scratch) == dict(elsewhere) == {"a": b"333", "b": b"22"}
        with pytest.raises(ZeroDivisionError), Scratch(path, 2):  # a build that this one keeps out
            raise ZeroDivisionError
        assert path.exists()
        path.write_bytes(b"of another build")
        assert scratch.get("a") is None
    assert not path.exists()


def fail() -> None:
    raise ExportError("there is no room")


def test_what_ends_a_process_beside_is_said_and_nothing_is_waited_for() -> None:
    with pytest.raises(ExportError, match="there is no room"), beside(fail):
        pass
    with pytest.raises(KGError, match="ended from outside"), beside(partial(os._exit, 1)):
        pass
    begun = time.monotonic()
    with pytest.raises(ZeroDivisionError), beside(partial(time.sleep, 300)):
        raise ZeroDivisionError
    assert time.monotonic() - begun < 100


def test_of_a_large_graph_a_build_writes_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a.jsonl", range(20, 23))
    out = tmp_path / "out"
    built = build([tmp_path / "a.jsonl"], out)
    with open_store(out / "store", read_only=True) as store:
        summary.show(built, store, out, json=False)
        assert (out / "graph.ttl").exists()
        monkeypatch.setattr(summary, "WHOLE", 2)
        summary.show(built, store, out, json=True)
    assert not any((out / f"graph.{name}").exists() for name in ("ttl", "trig", "html"))
    said = capsys.readouterr()
    assert "kg export" in said.err
    assert json.loads((out / "build.json").read_text(encoding="utf-8"))["graph"]["reports"] == 3
