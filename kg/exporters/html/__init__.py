"""The pictures: one offline page of treatment-outcome links, courses of patients, neighbours of concepts and reports.

The page holds its data and loads nothing; a strict Content-Security-Policy names its own script and style by hash. No
text of a report becomes markup: the page builds every node through textContent.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

from kg import resources
from kg.errors import ExportError
from kg.exporters.html.columns import Columns
from kg.reports import Reports

if TYPE_CHECKING:
    from kg.reports import Report
    from kg.store import Store

__all__ = ["MOST", "SUFFIX", "SUMMARY", "write"]

SUMMARY = "one offline page: treatment-outcome links, courses of patients, reports with their facts"
SUFFIX = ".html"
MOST = 30_000  # reports of a page, about 35 MB: more than that no browser opens in a time that a reader waits

_SCRIPTS = ("data", "dom", "state", "evidence", "flow", "table", "course", "network", "report", "main")


def write(store: Store, out: BinaryIO, *, text: bool = True, reports: Sequence[str] | None = None) -> None:
    """Write the page of all reports, or of those named by id or IRI.

    ``text=False`` leaves out texts and quotes. Raises ExportError if a named report is not in the store, or if there
    are more than ``MOST``.
    """
    count = len(store.data_graphs()) if reports is None else len(reports)
    if count > MOST:
        raise ExportError(
            f"A page of {count:,} reports is more than a browser can hold ({MOST:,}): name some with "
            "'kg viz --report', or build those of interest into a folder of their own."
        )
    told = Reports(store, text=text)
    columns = Columns(told)
    for report in told if reports is None else [_named(told, name) for name in reports]:
        columns.add(report)
    values = {"title": html.escape(_title(columns)), "core": columns.core(), **_program()}
    values["packs"] = "\n".join(f'<script type="text/plain" class="pack">{pack}</script>' for pack in columns.packs)
    page = (resources.folder("page") / "page.html").read_text(encoding="utf-8")
    out.write(re.sub(r"\{(\w+)\}", lambda slot: values[slot[1]], page).encode())


def _named(told: Reports, name: str) -> Report:
    report = told.named(name)
    if report is None:
        raise ExportError(f"There is no report {name!r} in the store; 'kg query cases' names them all.")
    return report


def _title(columns: Columns) -> str:
    reports = columns.size
    return f"{reports:,} case report{'' if reports == 1 else 's'}: conditions, treatments, outcomes"


def _program() -> dict[str, str]:
    """Style and script with the hashes under which the page's policy lets them run."""
    folder = resources.folder("page")
    style = (folder / "page.css").read_text(encoding="utf-8")
    parts = "\n".join((folder / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)
    script = f'"use strict";\n(() => {{\n{parts}}})();\n'
    return {"style": style, "style_hash": _hash(style), "script": script, "script_hash": _hash(script)}


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
