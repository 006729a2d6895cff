"""How often each outcome was reported, as bars with Wilson's interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.figures._sheet import FAINT, INK, SOFT, colours
from kg.shares import LEAST

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kg.store import Store
    from kg.table import Table

__all__ = ["QUESTION", "SUMMARY", "draw"]

SUMMARY = "Outcomes reported for a condition or after a treatment"
QUESTION = "outcomes"


def draw(store: Store, answer: Table, most: int) -> tuple[Figure, list[str]]:
    """One bar an outcome, the most frequent first."""
    from matplotlib.figure import Figure

    rows = answer.to_dicts()[:most]
    fill = colours(store)
    figure = Figure(figsize=(6.5, 0.9 + 0.3 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    for at, row in enumerate(rows):
        share, cases, among = (float(row[column] or 0) for column in ("share", "cases", "among"))
        attributed = float(row["attributed"] or 0) / among
        axes.barh(at, share, height=0.62, color=fill[str(row["result"])], edgecolor=INK, linewidth=0.6)
        axes.barh(at, attributed, height=0.2, color="white", edgecolor=INK, linewidth=0.6)
        end = share
        if row["low"] is not None and row["high"] is not None:
            low, end = float(row["low"]), float(row["high"])
            for colour, thick in (("white", 2.4), (INK, 1.0)):  # to be seen on dark bars too
                reach = [[share - low], [end - share]]
                axes.errorbar(share, at, xerr=reach, color=colour, capsize=3, linewidth=thick, capthick=thick)
        count = f"{cases:.0f} of {among:.0f} ({share:.0%})"
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        axes.annotate(count, (end, at), (6, 0), textcoords="offset points", va="center", bbox=ground)
    axes.set_yticks(range(len(rows)), [str(row["result"]) for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the cases", color=SOFT)
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.grid(axis="x", color=FAINT, linewidth=0.4)
    axes.set_axisbelow(True)
    whole = int(rows[0]["among"] or 0)
    interval = "Whiskers: Wilson 95 % intervals." if whole >= LEAST else f"Under {LEAST} cases: no intervals."
    said = [interval, "Thin white bars: cases whose authors attribute the outcome."]
    left = [f"Shown: {most} of {len(answer)} outcomes, the most frequent."] if len(answer) > most else []
    return figure, said + left
