"""Treatments by outcomes, as a table of shades with the numbers of cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.figures._sheet import FAINT, INK, SIZE, SOFT, colours, fit, ink_on, sheet
from kg.shares import LEAST

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    from kg.store import Store
    from kg.table import Table

__all__ = ["QUESTION", "SUMMARY", "draw"]

SUMMARY = "Treatments reported for a condition by the outcomes that followed"
QUESTION = "treatments"

_LEFT, _CELL, _ROW, _HEAD = 3.0, 0.52, 0.26, 1.1  # inches
_SHADES = ("#f7fbff", "#deebf7", "#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#084594")  # of one hue


def draw(store: Store, answer: Table, most: int) -> tuple[Figure, list[str]]:
    """One row a treatment, those of the most cases first; one column an outcome, from best to worst."""
    treated: dict[str, int] = {}
    cells: dict[tuple[str, str], int] = {}
    for row in answer:
        treatment, result = str(row["treatment"]), str(row["result"])
        treated[treatment] = int(row["treated"] or 0)
        cells[treatment, result] = int(row["cases"] or 0)
    shown = sorted(treated, key=lambda name: (-treated[name], name))[:most]
    columns = [label for label in colours(store) if any((name, label) in cells for name in shown)]
    width, height = _LEFT + _CELL * len(columns) + 0.9, _HEAD + _ROW * len(shown) + 0.02
    figure, axes = sheet(width, height)
    for at, label in enumerate(columns):
        axes.text(_LEFT + _CELL * (at + 0.4), _HEAD - 0.08, label, rotation=40, color=INK, ha="left", va="bottom")
    for down, name in enumerate(shown):
        y = _HEAD + _ROW * down
        count = treated[name]
        axes.text(0, y + _ROW / 2, fit(name, _LEFT - 0.75), color=INK, va="center")
        axes.text(_LEFT - 0.1, y + _ROW / 2, f"n = {count:,}", color=SOFT, va="center", ha="right")
        for at, label in enumerate(columns):
            cases = cells.get((name, label), 0)
            fill = _shade(cases / count) if count >= LEAST and cases else "#ffffff"
            axes.add_patch(_box(_LEFT + _CELL * at, y, fill))
            if cases:
                place = (_LEFT + _CELL * (at + 0.5), y + _ROW / 2)
                axes.text(*place, f"{cases:,}", color=ink_on(fill), ha="center", va="center", size=SIZE)
    left = f" Shown: {most} of {len(treated):,} treatments, those of the most cases." if len(treated) > most else ""
    said = "Numbers are cases; n are the cases with any outcome after the treatment, and a case may have several."
    return figure, [f"{said} The darker, the larger the share of n; under {LEAST} cases no shade is given.{left}"]


def _shade(share: float) -> str:
    return _SHADES[min(len(_SHADES) - 1, int(share * len(_SHADES)))]


def _box(x: float, y: float, fill: str) -> Rectangle:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), _CELL, _ROW, facecolor=fill, edgecolor=FAINT, linewidth=0.5)
