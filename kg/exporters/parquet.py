"""Parquet: the same flat tables as CSV, typed and compressed, in a zip archive."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

from kg.errors import ExportError
from kg.exporters._archive import archive
from kg.exporters._tables import TABLES, Value, numbers, rows
from kg.reports import Reports

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["SUFFIX", "SUMMARY", "write"]

SUMMARY = "Parquet tables in a zip archive, with the columns of the CSV tables (needs casekg[parquet])"
SUFFIX = ".parquet.zip"

_GROUP = 10_000  # rows of a row group, which is what stands in memory


def write(store: Store, out: BinaryIO, *, text: bool = True) -> None:
    """Write a table a kind of thing; ``text=False`` leaves the words of evidence empty."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ExportError("Parquet needs pyarrow: pip install 'casekg[parquet]' first, or export csv.") from None
    types = {int: pa.int64(), float: pa.float64(), None: pa.string()}
    schemas = {name: pa.schema([(c, types[numbers(c)]) for c in columns]) for name, columns in TABLES.items()}
    with archive(out, *(f"{table}.parquet" for table in TABLES)) as files, ExitStack() as stack:
        writers = {
            table: stack.enter_context(pq.ParquetWriter(files[f"{table}.parquet"], schema, compression="zstd"))
            for table, schema in schemas.items()
        }
        waiting: dict[str, list[tuple[Value, ...]]] = {table: [] for table in TABLES}

        def put(table: str) -> None:
            columns = [list(column) for column in zip(*waiting[table], strict=True)] or [[] for _ in schemas[table]]
            writers[table].write_table(pa.table(columns, schema=schemas[table]))
            waiting[table].clear()

        for report in Reports(store, text=text):
            for table, row in rows(report):
                waiting[table].append(row)
                if len(waiting[table]) == _GROUP:
                    put(table)
        for table in TABLES:
            put(table)
