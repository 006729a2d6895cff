"""Counts as parts of a whole: the share, and Wilson's interval where the whole is large enough to have one."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

from kg.errors import QueryError
from kg.table import Table, Value

__all__ = ["LEAST", "wilson", "with_shares"]

LEAST = 5  # below so many cases an interval would say more than is known
_Z = 1.959963984540054  # 97.5 % of the standard normal distribution lie below


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Wilson's score interval (95 %) of the proportion ``part / whole``; ValueError unless 0 <= part <= whole > 0.

    E. B. Wilson, J Am Stat Assoc 1927;22:209-212.
    """
    if not 0 <= part <= whole or whole == 0:
        raise ValueError(f"{part} of {whole} is no proportion")
    p, z2 = part / whole, _Z * _Z
    middle = (p + z2 / (2 * whole)) / (1 + z2 / whole)
    half = _Z * sqrt(p * (1 - p) / whole + z2 / (4 * whole * whole)) / (1 + z2 / whole)
    return (0.0 if part == 0 else middle - half), (1.0 if part == whole else middle + half)


def with_shares(table: Table, part: str, whole: str) -> Table:
    """The table with columns share, low and high after all others; low and high are empty where whole < ``LEAST``."""
    try:
        places = table.columns.index(part), table.columns.index(whole)
    except ValueError:
        raise QueryError(f"The question has no columns {part} and {whole}, which its header names.") from None
    rows = tuple((*row, *_share(row[places[0]], row[places[1]])) for row in table.rows)
    return replace(table, columns=(*table.columns, "share", "low", "high"), rows=rows)


def _share(part: Value, whole: Value) -> tuple[Value, Value, Value]:
    if not isinstance(part, int) or not isinstance(whole, int) or whole == 0:
        return None, None, None
    share = round(part / whole, 3)
    if whole < LEAST:
        return share, None, None
    low, high = wilson(part, whole)
    return share, round(low, 3), round(high, 3)
