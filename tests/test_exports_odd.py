"""Exports of reports with characters that formats trip over: control characters, markup, formulas, tabs, bars."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.validators import VALIDATORS
from kg import exporters, registry
from kg.store import Store
from tests.invented import store_of_reports, understood

ILLNESS = "acute\tmyeloid\r\n\x0bleukemia\x00"
REMEDY = '=cmd|"<b>cyta&rabine</b>]]>\\'
LONG = "w" * 9999
TEXT = f"{REMEDY} was given to a man with {ILLNESS}.\u2028\x85\x0c{LONG} \u202e\U0001d53e\xa0complete remission\x1f."
TITLE = '=HYPERLINK("http://example.org")\t| <script>\x01'
SLOW = {"kgx", "sssom"}  # their validators take long to start


@pytest.fixture(scope="module")
def odd() -> Iterator[Store]:
    illness = {"id": "c1", "quote": ILLNESS, "concept": "ckv:acute-myeloid-leukemia", "role": "primary"}
    remedy = {"id": "i1", "quote": REMEDY, "concept": "ckv:cytarabine", "kind": "drug", "for": ["c1"]}
    answer = {"id": "o1", "quote": "remission\x1f", "category": "complete_remission", "of": ["c1"], "after": ["i1"]}
    about_it = {"id": "../=1+1\t|", "title": TITLE, "published": "2001", "text": TEXT, "patient": {"sex": "male"}}
    document, record = understood(
        {**about_it, "conditions": [illness], "interventions": [remedy], "outcomes": [answer]}
    )
    about = replace(document.report, journal="@J\n\u2029", authors=("-1+1; x", "+2\t|"), pages="=1", license="<CC>\x07")
    with store_of_reports([(replace(document, report=about), replace(record, report=about))]) as store:
        yield store


def written(store: Store, form: str, *, text: bool = True) -> bytes:
    out = io.BytesIO()
    exporters.export(store, out, form, text=text)
    return out.getvalue()


@pytest.mark.parametrize("text", [True, False], ids=["whole", "no-text"])
@pytest.mark.parametrize("form", sorted(VALIDATORS.keys() - SLOW))
def test_foreign_validators_take_them(form: str, text: bool, odd: Store, tmp_path: Path) -> None:
    file = tmp_path / f"odd{registry.plugin('exporters', form).SUFFIX}"
    file.write_bytes(written(odd, form, text=text))
    try:
        judged = VALIDATORS[form].judge(file)
    except FileNotFoundError as error:
        pytest.skip(f"{error.filename} is not there")
    assert judged.records and judged.faults == []


def test_no_cell_of_csv_is_a_formula(odd: Store) -> None:
    with zipfile.ZipFile(io.BytesIO(written(odd, "csv"))) as packed:
        files = [io.TextIOWrapper(packed.open(name), "utf-8", newline="") for name in packed.namelist()]
        cells = [cell for file in files for row in csv.reader(file) for cell in row]
    assert f"'{REMEDY}" in cells and "'@J" in " ".join(cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_kgx_keeps_its_cells_and_values_apart(odd: Store) -> None:
    with zipfile.ZipFile(io.BytesIO(written(odd, "kgx"))) as packed:
        nodes, edges = (packed.read(f"{name}.tsv").decode().split("\n")[:-1] for name in ("nodes", "edges"))
    assert len(nodes) == 4 and len(edges) == 3
    assert len({line.count("\t") for line in nodes}) == len({line.count("\t") for line in edges}) == 1
    assert not [line for line in nodes if "|" in line.split("\t")[2]], "a name is one value"
