"""Every export of a store, judged by other people's programs: python -m benchmarks.exports out/ [FORMAT...]

Prints records, faults, seconds of processor and peak memory of the export, which runs in a process of its own; its file
is deleted once judged. Faults are named on standard error, and the exit code is then 1. An export without a validator,
or whose validator is not there, says so.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.validators import VALIDATORS, Judgement
from kg import registry
from kg.exporters import formats

SHOWN = 5  # faults of a format


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("store", type=Path, help="a folder that kg build wrote")
    arguments.add_argument("formats", nargs="*", default=list(formats()))
    given = arguments.parse_args()
    print("| format | MB | validator | records checked | faults | seconds | peak MB |\n|---|---|---|---|---|---|---|")
    sys.exit(sum(measured(name, given.store) for name in given.formats) > 0)


def measured(name: str, store: Path) -> int:
    """Print a row of the table; the number of faults."""
    with tempfile.TemporaryDirectory(prefix="casekg-") as folder:
        file = Path(folder) / f"export{registry.plugin('exporters', name).SUFFIX}"
        command = [sys.executable, "-m", "kg", "export", "--store", str(store), "--format", name, "-o", str(file)]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)  # the peak of this process alone
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"kg export --format {name} failed")
        megabytes, judged = file.stat().st_size / 1e6, "none | | "
        faults: list[str] = []
        if validator := VALIDATORS.get(name):
            try:
                with ProcessPoolExecutor(
                    1, get_context("spawn")
                ) as apart:  # a child's peak begins at its parent's size
                    records, faults = apart.submit(judge, name, file).result()
                judged = f"{validator.name} | {records:,} | {len(faults):,}"
            except FileNotFoundError as error:
                judged = f"{validator.name}: {error.filename} is not there | | "
    seconds, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    print(f"| `{name}` | {megabytes:.1f} | {judged} | {seconds:.1f} | {peak:.0f} |", flush=True)
    print(*faults[:SHOWN], sep="\n", end="\n" if faults else "", file=sys.stderr)
    return len(faults)


def judge(name: str, file: Path) -> Judgement:
    """What the format's validator finds."""
    return VALIDATORS[name].judge(file)


if __name__ == "__main__":
    main()
