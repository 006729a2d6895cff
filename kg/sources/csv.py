"""Tables, one report a row (.csv, .tsv): columns as PMC-Patients, MultiCaRe and others name them."""

from __future__ import annotations

import ast
import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from kg.errors import SourceError
from kg.model import Document
from kg.sources._compose import format_words
from kg.sources._files import LONGEST, lines_of, opened, stem_of
from kg.sources._records import document_of, fields_of

__all__ = ["read", "recognises"]

_SUFFIXES = (".csv", ".tsv", ".tab")
_LISTS = frozenset({"authors", "keywords", "issn", "language", "headings", "publication_types"})


def recognises(name: str, head: bytes) -> int:
    """By its suffix."""
    return int(name.lower().endswith(_SUFFIXES))


def read(path: Path) -> Iterator[Document | SourceError]:
    """The rows of a table in its order; the first row names the columns."""
    with opened(path) as stream:
        yield from _rows(stream, path)


def _rows(stream: IO[bytes], path: Path) -> Iterator[Document | SourceError]:
    lines = _lines(stream, path)
    first = next(lines, "")
    delimiter = max("\t,;|", key=first.count)
    header = next(csv.reader([first.rstrip("\r\n").replace("\r", " ")], delimiter=delimiter), [])
    columns = fields_of(tuple(header))
    if "text" not in columns:
        wanted = ", ".join(format_words("columns")["text"])
        raise SourceError(f"{path}: has no column with the report's text; name one of them {wanted}.")
    csv.field_size_limit(LONGEST)
    ended = False

    def rest() -> Iterator[str]:
        nonlocal ended
        yield from lines
        ended = True

    reader = csv.reader(rest(), delimiter=delimiter)
    while True:
        where = f"{path}, line {reader.line_num + 2}"
        try:
            row = next(reader)
        except StopIteration:
            if not reader.line_num:
                yield SourceError(f"{path}: holds no row below the names of its columns.")
            return
        except csv.Error as error:
            raise SourceError(f"{where}: is not a row of a table ({error}); check its quotation marks.") from error
        if ended:  # while it wanted more
            yield SourceError(f"{where}: a quotation mark is opened in this row and never closed; close it.")
        elif row:
            yield _document(row, columns, path, where)


def _lines(stream: IO[bytes], path: Path) -> Iterator[str]:
    """The lines, wrong bytes as lone surrogates: the row they are in is refused, the others go on."""
    for number, line in lines_of(stream, path):
        if isinstance(line, SourceError):
            raise line
        yield line.decode("utf-8-sig" if number == 1 else "utf-8", "surrogateescape").replace("\0", "\udc00")


def _document(row: Sequence[str], columns: Mapping[str, int], path: Path, where: str) -> Document | SourceError:
    record: dict[str, Any] = {field: row[place].strip() for field, place in columns.items() if place < len(row)}
    if columns["text"] < len(row):
        record["text"] = row[columns["text"]]
    for field in _LISTS & record.keys():
        record[field] = _listed(record[field])
    name = record.get("id") or f"{stem_of(path)}-{where.rpartition(' ')[2]}"
    return document_of(record, name, where)


def _listed(cell: str) -> list[str]:
    """A list in one cell: ``['a', 'b']``, or words between semicolons or bars."""
    if cell.startswith("[") and cell.endswith("]"):
        try:
            items = ast.literal_eval(cell)
            return [str(item) for item in items] if isinstance(items, list) else [cell]
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return [cell]
    return [item.strip() for item in cell.replace("|", ";").split(";") if item.strip()]
