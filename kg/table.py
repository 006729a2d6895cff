"""The answer to a question: named columns and rows of plain values, and the ways to show it."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kg.errors import QueryError

if TYPE_CHECKING:
    import networkx
    import pandas
    import polars
    import rdflib

__all__ = ["FORMATS", "Table", "Value", "no_formula"]

Value = str | int | float | bool | None

FORMATS = ("table", "csv", "tsv", "json", "md")
_SHOWN = 50  # rows in a notebook
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these a spreadsheet begins to compute


def no_formula(words: str) -> str:
    """A cell that no spreadsheet takes for a formula: words that begin like one get an apostrophe before them."""
    return f"'{words}" if words.startswith(_FORMULA) else words


@dataclass(frozen=True)
class Table:
    """Columns and rows; IRIs are plain strings. Iterating gives one dict a row.

    ``turtle`` holds the triples of a CONSTRUCT or DESCRIBE answer as Turtle, for ``as_rdflib`` and ``to_networkx``.
    ``facts`` holds for each row the IRIs of what it rests on, None where the question does not say; ``remarks`` are
    sentences on how to read the answer.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    turtle: str | None = None
    facts: tuple[tuple[str, ...], ...] | None = None
    remarks: tuple[str, ...] = field(default=(), compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Value]]:
        return iter(self.to_dicts())

    def to_dicts(self) -> list[dict[str, Value]]:
        """One dict a row, in order."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a DataFrame; needs the extra ``casekg[pandas]``."""
        import pandas

        return pandas.DataFrame(list(self.rows), columns=list(self.columns))

    def to_polars(self) -> polars.DataFrame:
        """The rows as a DataFrame of Polars; needs the extra ``casekg[polars]``."""
        import polars

        return polars.DataFrame(list(self.rows), schema=list(self.columns), orient="row", infer_schema_length=None)

    def as_rdflib(self) -> rdflib.Graph:
        """The triples of a CONSTRUCT or DESCRIBE answer; an empty graph for a SELECT."""
        import rdflib

        return rdflib.Graph().parse(data=self.turtle or "", format="turtle")

    def to_networkx(self, source: str = "", target: str = "") -> networkx.MultiDiGraph[str]:
        """The answer as a graph.

        Of a SELECT each row is an edge between the values of two columns, by default the first two; the other columns
        are its attributes, nodes carry the ``column`` they stand in, and rows that lack one of the two are left out.
        Of a CONSTRUCT or DESCRIBE each triple is an edge that carries ``predicate``. QueryError if there is no such
        column.
        """
        import networkx

        graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph()
        if self.turtle is not None:
            for s, p, o in sorted(self.as_rdflib()):
                graph.add_edge(str(s), str(o), key=str(p), predicate=str(p))
            return graph
        first, second = source or self.columns[0], target or self.columns[min(1, len(self.columns) - 1)]
        if missing := [column for column in (first, second) if column not in self.columns]:
            raise QueryError(f"The answer has no column {missing[0]!r}; it has {', '.join(self.columns)}.")
        for row in self:
            ends = [(column, str(row.pop(column, None))) for column in (first, second) if row.get(column) is not None]
            if len(ends) == 2:
                graph.add_nodes_from((value, {"column": column}) for column, value in ends)
                graph.add_edge(ends[0][1], ends[1][1], **row)
        return graph

    def write(self, form: str) -> str:
        """The table as text in one of ``FORMATS`` other than ``table``, which the command line draws itself."""
        if form == "json":
            return json.dumps(self.to_dicts(), ensure_ascii=False, indent=2) + "\n"
        if form == "md":
            return "".join(_markdown_lines(self.columns, self.rows))
        out = io.StringIO()
        writer = csv.writer(out, delimiter="\t" if form == "tsv" else ",", lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([no_formula(v) if isinstance(v, str) else _cell(v) for v in row] for row in self.rows)
        return out.getvalue()

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(c)}</th>" for c in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_cell(v))}</td>" for v in row) + "</tr>" for row in self.rows[:_SHOWN]
        )
        first = (f"First {_SHOWN} of {len(self.rows):,} rows.",) if len(self.rows) > _SHOWN else ()
        said = html.escape(" ".join((*first, *self.remarks)))
        caption = f"<caption>{said}</caption>" if said else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _markdown_lines(columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> Iterator[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(" ".join(c.replace("|", "\\|").split()) for c in cells) + " |\n"

    yield line(columns)
    yield line(["---"] * len(columns))
    for row in rows:
        yield line([_cell(v) for v in row])
