"""Figures drawn for real: what stands in them, the same bytes each time, hostile text as text."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from lxml import etree

from kg.cli import app
from kg.errors import ExportError, PluginError, QueryError
from kg.figures import FORMATS, Drawing, figures, plot
from kg.figures._sheet import _COLOURS, ink_on
from kg.query import CAUTION, cases_of, filters, query, question
from kg.registry import plugin
from kg.store import Store
from tests.commands import kg
from tests.conftest import ROOT
from tests.invented import store_of_reports
from tests.pages import TITLE, trial_reports

NEEDED: dict[str, dict[str, Any]] = {"timeline": {"case": "alpha"}}


@pytest.fixture(scope="module")
def drawn(invented: Store) -> dict[str, Drawing]:
    return {name: plot(invented, name, **NEEDED.get(name, {})) for name in figures()}


def written(drawing: Drawing, form: str) -> bytes:
    out = io.BytesIO()
    drawing.write(out, form)
    return out.getvalue()


def words(svg: bytes) -> list[str]:
    root = etree.fromstring(svg)
    return ["".join(map(str, node.itertext())) for node in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("name", figures())
def test_every_figure_in_every_format(name: str, drawn: dict[str, Drawing], invented: Store) -> None:
    import pypdfium2
    from PIL import Image

    drawing = drawn[name]
    again = plot(invented, name, **NEEDED.get(name, {}))
    files = {form: written(drawing, form) for form in FORMATS}
    for form in FORMATS if name == "outcomes" else ("svg",):
        assert files[form] == written(again, form), form
    assert re.search(r"n = \d+ cases?\.", drawing.caption) and "Source: " in drawing.caption
    assert CAUTION in drawing.caption
    svg = files["svg"]
    assert " ".join(words(svg)).endswith(drawing.caption)
    assert drawing.caption in " ".join(map(str, etree.fromstring(svg).itertext()))
    with Image.open(io.BytesIO(files["png"])) as image:
        assert image.size[0] > 600 and len(image.convert("RGB").getcolors(1 << 24) or ()) > 10
    page = pypdfium2.PdfDocument(files["pdf"])[0]
    assert "These are reports" in page.get_textpage().get_text_bounded()


def test_bars_say_what_the_answer_says(drawn: dict[str, Drawing], invented: Store) -> None:
    said = words(written(drawn["outcomes"], "svg"))
    for row in query(invented, "outcomes"):
        assert row["result"] in said
        assert f"{row['cases']} of {row['among']} ({row['share']:.0%})" in said
    assert "Under 5 cases: no intervals." in drawn["outcomes"].caption


def test_a_matrix_has_every_treatment_and_number(drawn: dict[str, Drawing], invented: Store) -> None:
    said = words(written(drawn["matrix"], "svg"))
    answer = query(invented, "treatments").to_dicts()
    assert {str(row["treatment"])[:20] for row in answer} <= {text.rstrip("…")[:20] for text in said}
    assert sum(int(text) for text in said if text.isdigit()) == sum(int(row["cases"] or 0) for row in answer)


def test_a_swimmer_has_a_line_for_each_patient(invented: Store) -> None:
    answer = query(invented, "best-response", condition="leukemia")
    drawing = plot(invented, "swimmer", condition="leukemia")
    said = words(written(drawing, "svg"))
    assert {str(row["id"]) for row in answer} <= set(said)
    assert {str(row["best"]) for row in answer} <= {text.split(" · ")[0] for text in said}
    one = plot(invented, "swimmer", condition="leukemia", most=1)
    assert f"Shown: 1 of {len(cases_of(answer))} patients" in one.caption


def test_a_timeline_has_a_lane_for_each_episode(drawn: dict[str, Drawing], invented: Store) -> None:
    said = words(written(drawn["timeline"], "svg"))
    labels = {str(row["label"]) for row in query(invented, "timeline", case="alpha") if row["class"] != "finding"}
    assert {"extramedullary relapse", "donor lymphocyte infusion"} <= labels <= {*said}
    assert "Source: Relapse after transplantation. 2001. alpha." in drawn["timeline"].caption


def test_hostile_words_are_words() -> None:
    with store_of_reports(trial_reports()) as store:
        drawing = plot(store, "timeline", case="hostile <&>")
        said = words(written(drawing, "svg"))
        assert "<b>sham disease</b>" in said and any("{packs} water" in text for text in said)
        assert TITLE.rstrip(". ") in drawing.caption
        assert b"<script" not in written(drawing, "svg")
        for form in ("png", "pdf"):
            assert written(drawing, form)


def test_words_are_no_formulas(invented: Store) -> None:
    drawing = plot(invented, "outcomes")
    drawing.figure.text(0, 0, r"cost $x^2$ \frac{ $")
    assert r"cost $x^2$ \frac{ $" in words(written(drawing, "svg"))


def test_settings_of_the_user_change_nothing(drawn: dict[str, Drawing], invented: Store) -> None:
    import matplotlib

    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black"}):
        assert written(plot(invented, "outcomes"), "svg") == written(drawn["outcomes"], "svg")
        assert matplotlib.rcParams["font.size"] == 30


def test_colours_are_those_of_the_page_and_can_be_read() -> None:
    script = (ROOT / "kg" / "page" / "dom.js").read_text(encoding="utf-8")
    assert list(_COLOURS) == re.findall(r'"(#[0-9a-f]{6})"', re.findall(r"COLOURS = \[(.*?)\]", script)[0])

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for fill in _COLOURS:
        lights = sorted((light(fill), light(ink_on(fill))))
        assert (lights[1] + 0.05) / (lights[0] + 0.05) > 3.9, fill


def test_what_cannot_be_drawn_is_said(invented: Store) -> None:
    with pytest.raises(PluginError, match="there are: matrix, outcomes, swimmer, timeline"):
        plot(invented, "pie")
    with pytest.raises(QueryError, match="needs --case"):
        plot(invented, "timeline")
    with pytest.raises(QueryError, match="no parameter"):
        plot(invented, "outcomes", colour="red")
    with pytest.raises(ExportError, match=r"nothing to draw: no report answers kg query outcomes --age '120-'"):
        plot(invented, "outcomes", age="120-")
    with pytest.raises(ExportError, match="svg, png, pdf"):
        written(plot(invented, "outcomes"), "gif")


def test_every_figure_takes_the_options_of_its_question() -> None:
    group: Any = typer.main.get_command(app)
    for name in figures():
        asked = question(plugin("figures", name).QUESTION)
        options = {option for p in group.commands["plot"].get_command(None, name).params for option in p.opts}
        wanted = [*asked.parameters, *(filters().parameters if asked.filtered else ())]
        assert {f"--{p.name}" for p in wanted} | {"--out", "--store", "--most"} <= options


def test_kg_plot(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["plot", "outcomes", "--condition", "leukemia", "-s", built, "-o"]
    done = kg(*asked, tmp_path / "fig.svg")
    assert "complete remission" in words((tmp_path / "fig.svg").read_bytes())
    assert "n = 2 cases." in done.stderr and "Int J Hematol 2003;77:277-281" in done.stderr
    kg(*asked, tmp_path / "fig.gif", code=2)
    kg(*asked, tmp_path / "none" / "x.svg", "--sex", "x", code=2)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install 'casekg[plot]'" in kg(*asked, tmp_path / "fig.png", code=2).stderr
    assert not (tmp_path / "fig.png").exists()
