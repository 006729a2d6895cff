"""Builds ended at random moments: does the store open, does it hold whole reports only, does the next build mend it?

    python benchmarks/interruption.py [--moments N] [--seed S]

Four ways to end a build, turn about: kill -9; Ctrl-C; a copy of the folder taken while the build stands still, as after
a loss of power; files that may not grow beyond a random size, as on a full disk. Half of the builds begin with nothing,
half with an earlier state of the same reports. After each, every graph in the store must be one that the undisturbed
build of the old or the new state made, and after the same build has run again to its end, all bytes must be those of
the undisturbed one. Ends with exit code 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from kg import pipeline, shelf
from kg.errors import KGError
from kg.store import embedded, open_store

WAYS = ("kill -9", "Ctrl-C", "copy", "full disk")
FILES, REPORTS = 6, 6  # in each file
TEXT = (
    "A {age}-year-old {who} with acute myeloid leukemia received cytarabine and achieved complete remission. "
    "The disease relapsed after {months} months. {who} was given azacitidine and died of {cause}."
)


def write(folder: Path, old: bool) -> None:
    """The reports; in their old state some are missing and some have another text."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number in range(FILES):
        rows = []
        for n in range(number * REPORTS, (number + 1) * REPORTS):
            if not (old and n % 5 == 0):
                cause = "sepsis" if old and n % 3 == 0 else "pneumonia"
                text = TEXT.format(age=20 + n % 60, who=("man", "woman")[n % 2], months=2 + n % 30, cause=cause)
                rows.append({"id": f"r{n}", "title": f"Report {n}", "doi": f"10.1000/{n}", "text": text})
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{number:02}.jsonl").write_text(lines, encoding="utf-8")


def child(work: Callable[[], None]) -> int:
    """Do the work in a process of its own, which has all loaded that this one has; the process id."""
    sys.stdout.flush()
    number = os.fork()
    if number:
        return number
    try:
        work()
        os._exit(0)
    except KeyboardInterrupt:
        os._exit(130)
    except KGError as error:
        print(f"    {str(error)[:150]}", flush=True)
        os._exit(2)
    except BaseException as error:
        print(f"    {type(error).__name__}: {error}", flush=True)
        os._exit(70)


def ended(number: int) -> int:
    """Wait for the process; its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def build(reports: Path, out: Path) -> None:
    """The build, in one process; everything in its graph must conform."""
    built = pipeline.build([reports], out, jobs=1)
    assert built.validation is not None and built.validation.conforms, built.validation


def graphs(out: Path, file: Path) -> None:
    """Write the graphs of a store as JSON: name -> sorted lines."""
    if not (out / "store" / "casekg.json").is_file():  # ended before there was a store
        file.write_text("{}", encoding="utf-8")
        return
    with open_store(out / "store") as store:
        found = {g: sorted(map(str, store.quads(g))) for g in store.graphs() if g.startswith(store.base)}
    file.write_text(json.dumps(found), encoding="utf-8")


def state(out: Path, file: Path) -> dict[str, list[str]]:
    """The graphs of a store, read in a process of their own."""
    if ended(child(partial(graphs, out, file))):
        raise AssertionError(f"the store in {out} does not open")
    found: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8"))
    return found


def exported(out: Path) -> None:
    """Write the whole store as N-Quads."""
    with open_store(out / "store", read_only=True) as store, (out / "all.nq").open("wb") as sink:
        store.dump("nq", sink)


def disturbed(way: str, reports: Path, out: Path, moment: float, largest: int, moments: random.Random) -> int:
    """Begin the build and end it in that way; its exit code."""
    limit = int(largest * moments.random() ** 2) + 100

    def limited() -> None:
        if way == "full disk":
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        build(reports, out)

    number = child(limited)
    if way != "full disk":
        time.sleep(moment)
        if way == "copy":
            os.kill(number, signal.SIGSTOP)
            time.sleep(0.02)
            shutil.copytree(out, out.with_name("copied")) if out.exists() else out.with_name("copied").mkdir()
        os.kill(number, signal.SIGINT if way == "Ctrl-C" else signal.SIGKILL)
    code = ended(number)
    if way == "copy":
        shutil.rmtree(out, ignore_errors=True)
        out.with_name("copied").rename(out)
    return code


def main() -> None:
    """Print a line for each moment, then the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = parser.parse_args()
    moments = random.Random(given.seed)
    print("seed", given.seed)
    shelf._REPORTS = 6  # many small loads, so that there is much to be interrupted,
    embedded._FEW = 3  # of both kinds: bulk loads and, of few graphs, transactions
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reports, took = folder / "reports", 0.0
        write(reports, old=False)
        list(pipeline.extract([reports]))  # loads readers, rules and models here, and not in every process
        for word in ("old", "new"):
            write(reports, word == "old")
            begun = time.perf_counter()
            assert ended(child(partial(build, reports, folder / f"{word}-out"))) == 0
            took = time.perf_counter() - begun
        whole = [state(folder / f"{word}-out", folder / "state.json") for word in ("old", "new")]
        assert ended(child(partial(exported, folder / "new-out"))) == 0
        wanted = (folder / "new-out" / "all.nq").read_bytes()
        largest = max(f.stat().st_size for f in (folder / "new-out").rglob("*") if f.is_file())
        for n in range(given.moments):
            way, out = WAYS[n % len(WAYS)], folder / "out"
            shutil.rmtree(out, ignore_errors=True)
            if n // len(WAYS) % 2:
                shutil.copytree(folder / "old-out", out)
            moment = moments.uniform(0, took)
            code = disturbed(way, reports, out, moment, largest, moments)
            problems = []
            try:
                left = state(out, folder / "state.json") if (out / "store").exists() else {}
            except AssertionError as error:
                left = {}
                problems.append(str(error))
            torn = [g for g, lines in left.items() if not any(lines == known.get(g) for known in whole)]
            problems += [f"{len(torn)} graphs are not whole, such as {torn[0]}"] if torn else []
            if code not in {"full disk": (0, 2), "Ctrl-C": (0, 130, 2), "kill -9": (0, -9), "copy": (0, -9)}[way]:
                problems.append(f"exit code {code}")
            again = ended(child(partial(build, reports, out)))
            if again or ended(child(partial(exported, out))):
                problems.append(f"the next build ended with {again}")
            elif (out / "all.nq").read_bytes() != wanted:
                problems.append("the next build gave other bytes")
            counts[f"{way}: {'done before' if code == 0 else 'interrupted'}"] += 1
            counts["wrong"] += bool(problems)
            said = "; ".join(problems) or "mended"
            print(f"{n + 1:3} {way:9} at {moment:5.2f} s, exit {code:3}, {len(left):3} graphs left: {said}", flush=True)
    print("\n".join(f"{what}: {count}" for what, count in sorted(counts.items())))
    sys.exit(1 if counts["wrong"] else 0)


if __name__ == "__main__":
    main()
