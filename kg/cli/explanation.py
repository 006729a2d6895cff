"""``kg explain``: the sentence behind a fact."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING

from kg.cli import output
from kg.errors import QueryError
from kg.query import ask

if TYPE_CHECKING:
    from kg.store import Store

__all__ = ["show"]

_AROUND = 160  # characters of the report shown on either side of the sentence


def show(store: Store, fact: str, *, json: bool) -> None:
    """Print what a fact is, its quote within its sentence and surroundings, where it stands and how it was found."""
    rows = ask(store, "explain", {"fact": store.base + fact.removeprefix(store.base)}).to_dicts()
    if not rows:
        raise QueryError(
            f"The graph has no fact {fact!r}; 'kg query evidence' and 'kg query episodes' give the IRIs it has."
        )
    if json:
        output.data(json_module.dumps(rows, ensure_ascii=False, indent=2) + "\n")
        return
    for row in rows:
        text, start, end = str(row["text"] or ""), int(row["start"] or 0), int(row["end"] or 0)
        first, last = int(row["sentence_start"] or 0), int(row["sentence_end"] or 0)
        before, after = text[max(0, first - _AROUND) : first], text[last : last + _AROUND]
        sentence = f"{text[first:start]}[[{text[start:end]}]]{text[end:last]}" if text else row["sentence"]
        output.data(
            f"{row['class']}: {row['label']}\n"
            f"  quote      {row['quote']!r}, characters {start}-{end}\n"
            f"  sentence   {sentence}\n"
            f"  around     ...{' '.join(before.split())} | {' '.join(after.split())}...\n"
            f"  report     {row['title'] or row['id']} ({row['id']})\n"
            f"  extractor  {row['extractor']}\n"
        )
