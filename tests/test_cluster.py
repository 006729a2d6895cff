"""A build on a Dask cluster, one scheduler and two workers on loopback, gives the graph of any other build."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from typer.testing import CliRunner

from benchmarks.serve import free_port
from kg import cluster, pipeline
from kg.cli import app
from kg.errors import StoreError
from kg.parts import VOCABULARIES, Folder, load
from kg.store import open_store

REPORTS = 24
ILLNESSES = ("acute lymphoblastic leukemia", "acute myeloid leukemia", "aplastic anemia", "Hodgkin lymphoma")
DRUGS = ("vincristine", "cytarabine", "cyclosporine", "prednisolone", "etoposide")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports, two of which are copies, and a file that is no report."""
    folder = tmp_path_factory.mktemp("reports")
    lines = []
    for n in range(REPORTS):
        illness, drug = ILLNESSES[n % len(ILLNESSES)], DRUGS[n % len(DRUGS)]
        text = f"A {n + 5}-year-old man with {illness} was treated with {drug}. He achieved remission after {n} days."
        lines.append(json.dumps({"id": f"r{n}", "text": text, "pmid": str(100 + n - n % 12 // 11)}))
    (folder / "cases.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "damaged.json").write_text("{", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def plain(reports: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[pipeline.Build, set[str]]:
    """What an ordinary build does with them: counts and quads, but for the totals."""
    out = tmp_path_factory.mktemp("plain")
    built = pipeline.build([reports], out, jobs=1)
    with open_store(out / "store", read_only=True) as store:
        return built, {str(q) for q in store.quads() if f"<{store.base}totals/" not in str(q.graph_name)}


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler, and its two workers."""
    program, folder, port = str(Path(sys.executable).with_name("dask")), tmp_path_factory.mktemp("dask"), free_port()
    address = f"tcp://127.0.0.1:{port}"
    scheduler = [program, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    worker = [program, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    started = [
        subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for command in (scheduler, worker, worker)
    ]
    try:
        yield address, started[1:]
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


def quads_of(folder: Path) -> list[str]:
    """The quads of all parts, as they stand in the files."""
    files = sorted(folder.glob("*.nq.gz"))
    return [line.removesuffix(" .") for f in files for line in gzip.decompress(f.read_bytes()).decode().splitlines()]


def test_a_worker_that_is_killed_loses_nothing(
    reports: Path,
    plain: tuple[pipeline.Build, set[str]],
    dask: tuple[str, list[subprocess.Popen[bytes]]],
    tmp_path: Path,
) -> None:
    """And a second build writes only what is lacking; inputs may lie where fsspec finds them."""
    (address, workers), (built, expected) = dask, plain
    out = tmp_path / "parts"

    def kill() -> None:
        while not list(out.glob("part-*.json")):
            time.sleep(0.01)
        os.kill(workers[0].pid, signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    found = cluster.build([str(reports)], str(out), address, size=2)
    killer.join(timeout=10)
    assert workers[0].wait(timeout=10) == -signal.SIGKILL and len(list(out.glob("part-*.json"))) == REPORTS // 2
    quads = quads_of(out)
    assert len(quads) == len(expected) and {*quads} == expected
    assert (found.read, found.extracted, found.copies) == (built.read, built.extracted, built.copies)
    assert found.copies and found.failed == built.failed and "damaged" in found.failed[0][0]
    assert found.validation and built.validation
    assert found.validation.counts == built.validation.counts

    written = {f.name: f.stat().st_mtime_ns for f in out.iterdir()}
    lost = sorted(out.glob("part-*.json"))[3]
    lost.unlink()
    (out / ".part-00001-x.nq.gz.left").touch()
    (out / "part-00001-x.nq.gz").touch()
    files = fsspec.filesystem("memory")
    files.put(str(reports), "/reports", recursive=True)
    again = cluster.build(["memory://reports"], str(out), address, size=2)
    assert again.failed[0][0] == "memory://reports/damaged.json" and again.extracted == found.extracted
    anew = {f.name for f in out.iterdir() if written.get(f.name) != f.stat().st_mtime_ns}
    ends = {f"{lost.stem}.json", f"{lost.stem}.nq.gz", "vocabularies.nq.gz", "vocabularies.json", "graph.json"}
    assert anew == ends and {f.name for f in out.iterdir()} == {*written}
    assert {*quads_of(out)} == expected

    done = CliRunner().invoke(app, ["load", str(out), "-o", str(tmp_path / "out")])
    assert done.exit_code == 0 and f"{REPORTS} graphs loaded" in done.output
    with open_store(tmp_path / "out" / "store", read_only=True) as store:
        assert {*map(str, store.quads())} == expected


def test_parts_lie_wherever_fsspec_reaches(tmp_path: Path) -> None:
    folder = Folder("memory://parts")
    folder.write("part-00000-a", b"<a> <b> <c> <d> .\n", {"extracted": 1})
    assert folder.names() == {"part-00000-a"} and folder.told("part-00000-a") == {"extracted": 1}
    folder.finish(["part-00001-b"], "https://example.org/")
    assert folder.names() == set()
    folder.write(VOCABULARIES, b"", {})
    line = "<https://example.org/a> <https://example.org/b> <https://example.org/c> <https://example.org/a/graph> .\n"
    folder.write("part-00001-b", line.encode(), {})
    assert load("memory://parts", tmp_path / "store") == 1
    fsspec.filesystem("memory").rm("/parts", recursive=True)  # stores of objects have no folders without files
    assert folder.names() == set()
    for address, why in (("memory://parts", "holds no whole graph"), ("unheard-of://x", "cannot be read or written")):
        with pytest.raises(StoreError, match=f"{address} {why}"):
            load(address, tmp_path / "store")


def test_what_cannot_be_done_is_one_sentence(tmp_path: Path, seeds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    for words, sentence in (
        (["build", str(seeds), "--dask", "nowhere"], "is no address of a Dask scheduler"),
        (["build", str(seeds), "--dask", "tcp://127.0.0.1:1"], "No Dask scheduler answers"),
        (["load", str(tmp_path)], "holds no whole graph"),
    ):
        done = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "x")])
        assert done.exit_code == 2 and sentence in done.output
