"""CSV: one flat table a kind of thing, in a zip archive."""

from __future__ import annotations

import codecs
import csv
from typing import TYPE_CHECKING, BinaryIO

from kg.exporters._archive import archive
from kg.exporters._tables import TABLES, rows
from kg.reports import Reports
from kg.table import no_formula

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "CSV tables in a zip archive: report, case, condition, intervention, outcome, finding, link, evidence"
SUFFIX = ".csv.zip"


def write(store: Store, out: BinaryIO, *, text: bool = True) -> None:
    """Write a table a kind of thing; ``text=False`` leaves the words of evidence empty."""
    encoded = codecs.getwriter("utf-8")
    with archive(out, *(f"{table}.csv" for table in TABLES)) as files:
        writers = {table: csv.writer(encoded(files[f"{table}.csv"]), lineterminator="\n") for table in TABLES}
        for table, columns in TABLES.items():
            writers[table].writerow(columns)
        for report in Reports(store, text=text):
            for table, row in rows(report):
                writers[table].writerow([no_formula(v) if isinstance(v, str) else v for v in row])
