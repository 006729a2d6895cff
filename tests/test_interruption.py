"""Builds that are ended before their end, and what the next build makes of it."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kg import KGError, build, open_store
from kg.errors import StoreError

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(os.name == "nt", reason="needs fork and kill -9")
def test_builds_ended_at_random_moments_are_mended_by_the_next() -> None:
    seed = str(random.randrange(10**6))
    command = [sys.executable, str(ROOT / "benchmarks" / "interruption.py"), "--moments", "4", "--seed", seed]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("mended") == 4


def test_a_second_build_is_refused_while_the_first_runs(tmp_path: Path, seeds: Path) -> None:
    out = tmp_path / "out"
    (out / "store").mkdir(parents=True)
    with open_store(out / "store"), pytest.raises(StoreError, match="Another kg is writing to the store"):
        build([seeds], out)


def test_what_an_ended_build_left_unvalidated_is_validated_by_the_next(tmp_path: Path) -> None:
    reports = tmp_path / "reports.jsonl"
    rows = [{"id": f"r{n}", "title": f"Report {n}", "text": f"A {20 + n}-year-old man had gout."} for n in range(3)]
    reports.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    out = tmp_path / "out"
    build([reports], out)
    assert not (out / "unchecked").exists()
    (out / "unchecked").touch()  # as a build leaves it that is killed after it stored what it read
    again = build([reports], out)
    assert again.unchanged == 3 and again.validation and again.validation.checked >= 3
    quiet = build([reports], out)
    assert quiet.validation and quiet.validation.checked == 0, "nothing changed and all was validated"


@pytest.mark.skipif(not shutil.which("mount") or os.geteuid() != 0, reason="needs to mount a small file system")
def test_a_full_disk_is_said_in_one_sentence_and_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(disk)], check=False).returncode:
        pytest.skip("may not mount a file system")
    try:
        text = "A 40-year-old man had gout and recovered. " * 20
        rows = [{"id": f"r{n}", "title": f"Report {n}", "text": f"{text} He was {n}."} for n in range(40)]
        (tmp_path / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        with pytest.raises(KGError, match=r"the disk is full|cannot be written"):
            build([tmp_path / "r.jsonl"], disk / "out", jobs=1)
        subprocess.run(["mount", "-o", "remount,size=60m", str(disk)], check=True)
        built = build([tmp_path / "r.jsonl"], disk / "out", jobs=1)
        assert built.extracted + built.unchanged == 40
        assert built.validation and built.validation.conforms
    finally:
        subprocess.run(["umount", str(disk)], check=False)
