"""Finding quotes in a text: as they stand, folded, nearly; and that every place found is one in the text."""

from __future__ import annotations

import json
import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.clinical.story import read_story
from kg.llm.prompt import examples, messages, prompt_version, schema
from kg.llm.quotes import find_quote
from kg.llm.reply import read_reply
from kg.llm.windows import windows
from kg.model import Document, Report, Span

TEXT = (
    "Acute lym\u00adphoblastic\n  leukemia (ALL) was found. All cells were CD34+. She re\u0301acted to "
    "anti\u2013thymocyte globulin 2 mg/kg; \u201ccomplete remission\u201d followed after 12 months. ALL relapsed. "
    "급성 백혈병은 재발하였다."
)


def found(quote: str, near: str | None = None) -> str | None:
    place = None if near is None else Span(TEXT.index(near), TEXT.index(near) + len(near))
    span = find_quote(TEXT, quote, Span(0, len(TEXT)), place)
    return None if span is None else TEXT[span.start : span.end]


@pytest.mark.parametrize(("quote", "stands"), [
    ("CD34+", "CD34+"), ("acute lymphoblastic leukemia", "Acute lym\u00adphoblastic\n  leukemia"),
    ("réacted", "re\u0301acted"), ("anti-thymocyte globulin", "anti\u2013thymocyte globulin"),
    ('"complete remission"', "complete remission"), ("Complete Remission", "complete remission"),
    ("antithymocyte globulin", "anti\u2013thymocyte globulin"), ("complete remision", "complete remission"),
    ("after 12 months", "after 12 months"), ("급성 백혈병", "급성 백혈병"),
    ("after 13 months", None), ("remiss", None), ("cell", None), ("all", None), ("", None), ("...", None),
    ("partial remission", None), ("x" * 400, None),
])  # fmt: skip
def test_quotes(quote: str, stands: str | None) -> None:
    assert found(quote) == stands


def test_the_place_that_is_meant_comes_first() -> None:
    second = TEXT.index("ALL relapsed")
    span = find_quote(TEXT, "ALL", Span(0, len(TEXT)), Span(second, second + 12))
    assert span == Span(second, second + 3)
    assert find_quote(TEXT, "ALL", Span(0, len(TEXT)), Span(0, 5)) == Span(TEXT.index("ALL"), TEXT.index("ALL") + 3)
    assert find_quote(TEXT, "ALL", Span(0, 20)) is None


WORDS = st.lists(st.sampled_from(
    ["leukemia", "ALL", "(AML)", "12", "months", "re\u0301mission", "İß", "ﬁbrosis", "\U0001d53e", "급성", "백혈병은",
     "\u00ad", "—", "\u200b", "“cure”", "in", "no", "\n\n", "\t", "β2"]), min_size=1, max_size=12)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(WORDS, WORDS, WORDS, st.sampled_from([str, str.upper, str.lower, lambda s: unicodedata.normalize("NFKD", s)]))
def test_what_is_found_stands_there(before: list[str], quoted: list[str], after: list[str], change: object) -> None:
    """A quote of whole words is found however blanks and Unicode change; what is found is what was quoted, folded."""
    text = " ".join([*before, *quoted, *after])
    quote = "  ".join(quoted)
    assert callable(change)
    span = find_quote(text, change(quote), Span(0, len(text)))
    if change is str and any(map(str.isalnum, quote)) and len(quote) <= 300:
        assert span is not None
    if span is not None:
        assert 0 <= span.start < span.end <= len(text)
        assert letters(text[span.start : span.end]) == letters(quote)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80), st.text(max_size=40))
def test_any_text_and_any_quote(text: str, quote: str) -> None:
    span = find_quote(text, quote, Span(0, len(text)))
    if span is not None:
        assert 0 <= span.start < span.end <= len(text)
        differ = abs(len(letters(text[span.start : span.end])) - len(letters(quote)))
        assert differ <= max(1, len(quote)) // 10 + 1


def letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = unicodedata.normalize("NFKD", plain)
    return "".join(c for c in plain if c.isalnum())


# --- the prompt -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(len(examples())))
def test_examples_of_the_prompt_hold(n: int) -> None:
    """Every example is what its instructions want: valid by the schema, quotes verbatim, links to what is there."""
    import jsonschema_rs

    document, reply = examples()[n]
    told = json.loads(reply)
    jsonschema_rs.validate(schema(), told)
    story = read_story(document)
    (window,) = windows(story)
    ids = [item["id"] for items in told.values() for item in items]
    assert len(ids) == len(set(ids))
    for items in told.values():
        for item in items:
            line = window.lines[item["sentence"] - 1]
            said = document.text[line.start : line.end]
            assert item["quote"] in said and 1 <= item["patient"] <= story.cases
            assert item.get("duration") is None or item["duration"]["quote"] in said
            links = [*item.get("for", ()), *item.get("of", ()), *item.get("after", ()), *item.get("attributed_to", ())]
            assert set(links) <= set(ids) and set(item.get("attributed_to", ())) <= set(item.get("after", ()))


def test_the_version_of_the_prompt_is_its_number_and_a_hash() -> None:
    assert re.fullmatch(r"\d+-[0-9a-f]{8}", prompt_version())


# --- windows --------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=40), st.integers(20, 200))
def test_windows_cover_the_story_and_are_no_longer_than_they_may_be(lengths: list[int], size: int) -> None:
    text = " ".join("A" + "b" * n + "." for n in lengths)
    story = read_story(Document("x", text, Report(), ()))
    found = windows(story, size)
    covered = {n for w in found for line in w.lines for n in range(line.start, line.end)}
    assert covered == {n for s in story.sentences for n in range(s.start, s.end)}
    for window in found:
        assert sum(line.end - line.start for line in window.lines) <= size
        assert window.start == window.lines[0].start and window.end == window.lines[-1].end
    assert all(a.start < b.start and a.end < b.end for a, b in pairwise(found))
    assert messages(story, found[0])[-1]["content"].count("\n1| ") == 1


# --- replies --------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2000))
def test_a_reply_cut_anywhere_is_read_as_far_as_its_facts_are_whole(cut: int) -> None:
    whole = examples()[0][1]
    told = json.loads(whole)
    read = read_reply(whole[:cut])
    assert read is None or all(items == told[kind][: len(items)] for kind, items in read.items())
    if cut >= len(whole):
        assert read == told


@given(st.text(max_size=60))
def test_any_reply_is_read_or_not(content: str) -> None:
    assert read_reply(content) is None or isinstance(read_reply(content), dict)
    read_reply("{" + content)
    read_reply('{"a": [' * 5000 + content)
