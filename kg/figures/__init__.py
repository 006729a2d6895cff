"""Figures for papers: the answer of a question, drawn with its caption as SVG, PNG or PDF.

A figure is a module ``kg/figures/NAME.py`` with ``SUMMARY`` (one line, which begins the caption), ``QUESTION`` (the
question of queries/ whose answer it draws and whose parameters it takes) and ``draw(store, answer, most)``, which gives
a matplotlib Figure and sentences on how to read it. Needs the extra ``casekg[plot]``. The same answer gives the same
bytes.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, BinaryIO

from kg import registry
from kg.errors import ExportError
from kg.figures._sheet import STYLE, captioned
from kg.query import ask, cases_of, question
from kg.reports import Report, Reports

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kg.store import Store

__all__ = ["FORMATS", "MOST", "Drawing", "draw", "figures", "plot"]

PROTOCOL = ("SUMMARY", "QUESTION", "draw")
FORMATS = ("svg", "png", "pdf")
MOST = 20  # rows of a figure, if no other number is wanted
_BEYOND_LATIN = "\u0370"
_CITED = 3  # reports that a caption cites; of more it gives the number


@dataclass(frozen=True)
class Drawing:
    """A figure and its caption, which stands under it and in the file's description."""

    figure: Figure
    caption: str

    def write(self, out: BinaryIO, form: str) -> None:
        """Write it in one of ``FORMATS``; ExportError if it is another."""
        if form not in FORMATS:
            raise ExportError(f"A figure is written as {', '.join(FORMATS)}, not as {form!r}: name the file so.")
        told = {
            "svg": {"Date": None, "Description": self.caption},
            "png": {"Software": None, "Description": self.caption},
            "pdf": {"CreationDate": None, "Subject": self.caption},
        }
        with _matplotlib(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # a box stands for it; SVG keeps the character
            self.figure.savefig(out, format=form, metadata=told[form], bbox_inches="tight", pad_inches=0.12)

    def _repr_svg_(self) -> str:
        out = io.BytesIO()
        self.write(out, "svg")
        return out.getvalue().decode()


def figures() -> dict[str, str]:
    """Every figure's name with its one-line summary."""
    return {name: module.SUMMARY for name, module in registry.plugins("figures").items()}


def draw(store: Store, name: str, values: Mapping[str, str | Iterable[str]], *, most: int = MOST) -> Drawing:
    """The figure of that name, of at most so many rows, for the question's parameters and filters.

    PluginError names the figures there are, QueryError says what cannot be asked, ExportError what cannot be drawn.
    """
    figure = registry.plugin("figures", name)
    with _matplotlib():
        answer = ask(store, figure.QUESTION, values)
        cases = cases_of(answer)
        if not cases:
            raise ExportError(f"There is nothing to draw: no report answers {_asked(figure.QUESTION, values)}.")
        drawn, said = figure.draw(store, answer, most)
        count = f"n = {len(cases):,} case{'' if len(cases) == 1 else 's'}."
        remarks = [r for r in answer.remarks if r != question(figure.QUESTION).note]  # which explains columns
        caption = " ".join((_title(figure.SUMMARY, values), count, *said, *remarks, _source(store, cases)))
        captioned(drawn, caption)
    return Drawing(drawn, caption)


def plot(store: Store, name: str, /, *, most: int = MOST, **parameters: str | Iterable[str]) -> Drawing:
    """The same with parameters by name: ``plot(store, "outcomes", condition="leukemia")``."""
    return draw(store, name, {key.replace("_", "-"): value for key, value in parameters.items()}, most=most)


@contextmanager
def _matplotlib() -> Iterator[None]:
    """matplotlib with its own defaults and the house style, whatever the user's settings are."""
    try:
        import matplotlib
    except ImportError:
        raise ExportError("Figures need matplotlib: pip install 'casekg[plot]' first.") from None
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def _title(summary: str, values: Mapping[str, str | Iterable[str]]) -> str:
    given = [f"{key} {value}" for key, some in values.items() for value in ([some] if isinstance(some, str) else some)]
    return f"{summary} ({', '.join(given)})." if given else f"{summary}."


def _asked(name: str, values: Mapping[str, str | Iterable[str]]) -> str:
    some = ((key, [v] if isinstance(v, str) else v) for key, v in values.items())
    return " ".join(("kg query", name, *(f"--{key} {value!r}" for key, several in some for value in several)))


def _source(store: Store, cases: Iterable[str]) -> str:
    """The reports themselves where they are few, else how many there are, and what drew them."""
    reports = sorted({case.rpartition("/case")[0] for case in cases})
    by = f"CaseKG {version('casekg')}"
    if len(reports) > _CITED:
        return f"Source: {len(reports):,} case reports, read by {by}."
    told = Reports(store, text=False)
    cited = [_citation(report) for iri in reports if (report := told.named(iri))]
    return f"Source: {' '.join(cited)} Read by {by}."


def _citation(report: Report) -> str:
    place = f"{report.volume}{f':{report.pages}' if report.pages else ''}"
    printed = " ".join(filter(None, (report.journal, f"{report.issued[:4]};{place}".strip(";"))))
    known = f"doi:{report.doi}" if report.doi else f"PMID {report.pmid}" if report.pmid else report.id
    names = report.byline.split("; ")
    # A page in two languages names its authors in both; all readers of a caption can read the Latin letters.
    first = next((name for name in names if name and max(name) < _BEYOND_LATIN), names[0])
    authors = f"{first} et al" if len(names) > 1 else first
    return " ".join(f"{part.rstrip('. ')}." for part in (authors, report.title, printed, known) if part)
