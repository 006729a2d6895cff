"""Seconds and peak memory of every export of a store: python benchmarks/exports.py out/

Each export runs in a process of its own, so that its memory is its own; its file is deleted once measured.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kg.exporters import formats


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("store", type=Path, help="a folder that kg build wrote")
    arguments.add_argument("formats", nargs="*", default=list(formats()))
    given = arguments.parse_args()
    print("| format | MB | seconds of processor | wall | peak MB |\n|---|---|---|---|---|")
    for name in given.formats:
        print(measured(name, given.store), flush=True)


def measured(name: str, store: Path) -> str:
    """A row of the table. The peak is that of all children so far, so name one format to have its own."""
    with tempfile.TemporaryDirectory(prefix="casekg-") as folder:
        file = Path(folder) / "export"
        command = [sys.executable, "-m", "kg", "export", "--store", str(store), "--format", name, "-o", str(file)]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - start
        size = file.stat().st_size
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"| {name} | {size / 1e6:.1f} | {used:.1f} | {wall:.1f} | {after.ru_maxrss / 1024:.0f} |"


if __name__ == "__main__":
    main()
