"""The sheet on which figures are drawn: style, colours, captions. matplotlib is imported when something is drawn."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kg.query import ask

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kg.store import Store

__all__ = ["FAINT", "INK", "SIZE", "SOFT", "STYLE", "TREATMENT", "captioned", "colours", "fit", "ink_on", "sheet"]

SIZE = 8.0  # points, of all words
STYLE: Mapping[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same figure everywhere
    "font.size": SIZE,
    "text.parse_math": False,  # a report's words are no formulas
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#55606e",
    "savefig.dpi": 200,
    "svg.fonttype": "none",  # words stay words, to be found and edited
    "svg.hashsalt": "casekg",
    "pdf.fonttype": 42,
}
INK, SOFT, FAINT = "#1b2430", "#55606e", "#aab3bd"
TREATMENT = "#e3eaf2"
# The page's colours: from blue, the best outcome, to brown, the worst. Lightness tells them apart without hue, and
# blue and orange stay two hues for every kind of colour blindness.
_COLOURS = (
    "#08306b", "#08519c", "#3182bd", "#6baed6", "#b0d2e8", "#969696",
    "#fdc38d", "#fd8d3c", "#d9591c", "#a63603", "#4f1d05",
)  # fmt: skip
_LIGHT = 118  # of 255: above it, dark words stand out more than white ones
_WIDE, _MEAN = 0.58, 0.5  # of the size of a letter: its width in wide words, and in running text


def colours(store: Store) -> dict[str, str]:
    """The colour of each outcome category by its label, from best to worst."""
    rows = ask(store, "categories").to_dicts()
    return {str(row["label"]): _COLOURS[(int(row["rank"] or 1) - 1) % len(_COLOURS)] for row in rows}


def ink_on(fill: str) -> str:
    """Dark or white, whichever can be read on that colour."""
    red, green, blue = (int(fill[at : at + 2], 16) for at in (1, 3, 5))
    return INK if (red * 299 + green * 587 + blue * 114) / 1000 > _LIGHT else "#ffffff"


def fit(text: str, inches: float, size: float = SIZE) -> str:
    """The text, cut where it might be wider."""
    letters = max(4, int(inches * 72 / (size * _WIDE)))
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"


def sheet(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty figure of that size in inches, and axes of inches over all of it: from the top left corner down."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return figure, axes


def captioned(figure: Figure, caption: str) -> None:
    """Write the caption under the figure, in lines of its width."""
    width, height = figure.get_size_inches()
    letters = int(width * 72 / (SIZE * _MEAN))
    figure.text(0, -0.12 / height, "\n".join(_lines(caption, letters)), va="top", ha="left", color=SOFT)


def _lines(caption: str, letters: int) -> Sequence[str]:
    return textwrap.wrap(caption, max(40, letters), break_long_words=True)
