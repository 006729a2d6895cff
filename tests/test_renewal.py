"""Other vocabularies: only reports whose text holds a changed term are extracted again, as a full build would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg import build, export, open_store, vocab
from kg.clinical.lexicon import Matcher
from kg.clinical.relearning import touched
from kg.extractors import rules
from kg.model import Concept, Document, Lexicon, Report, Term
from tests.test_scale import graphs

TEXTS = {
    "gout": "A 50-year-old man presented with gout. He was treated with colchicine and recovered.",
    "short": "A 51-year-old man presented with zorgon fever. He was treated with prednisolone and recovered.",
    "long": "A 52-year-old woman presented with acute Zorgon-fevers. She received blorbimab and recovered.",
    "other": "A 53-year-old woman presented with measles. She received blorbimab and recovered.",
    "none": "A 54-year-old woman presented with a zorgon of the knee. She recovered.",
}


def dump(out: Path) -> bytes:
    path = out.with_suffix(".ttl")
    with open_store(out / "store", read_only=True) as store, path.open("wb") as sink:
        export(store, sink, "ttl")
    return path.read_bytes()


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    path = tmp_path / "reports.jsonl"
    path.write_text("".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in TEXTS.items()), "utf-8")
    return path


def test_another_vocabulary_touches_the_reports_that_hold_its_words(
    reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, longer = tmp_path / "own.tsv", tmp_path / "longer.tsv"
    first.write_text("DOID:1\tZorgon fever\n", "utf-8")
    longer.write_text("DOID:1\tZorgon fever\nDOID:2\tAcute zorgon fever\t\tDOID:1\nCHEBI:1\tBlorbimab\n", "utf-8")
    out = tmp_path / "out"
    build([reports], out)
    for name, vocabularies, expected in (
        ("added", [longer], 3),
        ("fewer", [first], 2),  # a longer name and another word are gone
        ("none", [], 2),
    ):
        built = build([reports], out, vocabularies=vocabularies)
        assert (name, built.extracted, built.unchanged) == (name, expected, len(TEXTS) - expected)
        build([reports], tmp_path / name, vocabularies=vocabularies)
        assert dump(out) == dump(tmp_path / name)
        assert graphs(out) == graphs(tmp_path / name)
    with open_store(out / "store", read_only=True) as store:
        assert sum("/extraction/" in graph for graph in store.graphs()) == 1
    monkeypatch.delattr(rules, "touched")  # an extractor that cannot tell
    assert build([reports], out, vocabularies=[first]).extracted == len(TEXTS)


def test_files_that_a_build_with_other_vocabularies_left_out_are_read_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "own.tsv").write_text("DOID:1\tZorgon fever\n", "utf-8")
    for name in ("gout", "short"):
        (tmp_path / f"{name}.txt").write_text(TEXTS[name], "utf-8")
    files = [tmp_path / "gout.txt", tmp_path / "short.txt"]
    build(files, tmp_path / "out")
    build(files[:1], tmp_path / "out", vocabularies=[tmp_path / "own.tsv"])
    assert build(files, tmp_path / "out", vocabularies=[tmp_path / "own.tsv"]).extracted == 1


def test_vocabularies_that_the_cache_holds_no_more_are_none() -> None:
    assert vocab.kept("0" * 64) is None


# --- which texts are touched -----------------------------------------------------------------------------------------

WORDS = [
    "fever",
    "Fevers",
    "zorgon",
    "post",
    "operative",
    "postoperative",
    "of",
    "ALL",
    "PLF",
    "pain",
    "백혈병",
    "급성",
]
JOINS = [" ", " ", " ", "-", ", ", ". ", " (", ") "]
words = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(JOINS)), min_size=1, max_size=10)
texts = words.map(lambda pairs: "".join(word + join for word, join in pairs))
names = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).flatmap(
    lambda parts: st.sampled_from([" ", "-"]).map(lambda join: join.join(parts))
)
terms = st.builds(Term, names, st.sampled_from(["x:1", "x:2", "x:3"]), st.just("en"), st.booleans())


def lexicon(terms: list[Term], ancestors: tuple[str, ...]) -> Lexicon:
    concepts = {c: Concept(c, "postoperative pain" if c == "x:1" else c, "condition") for c in ("x:1", "x:2")}
    return Lexicon({**concepts, "x:3": Concept("x:3", "zorgon", "finding", None, ancestors)}, terms, "")


@settings(max_examples=60, deadline=None)
@given(
    texts, st.lists(terms, max_size=6), st.lists(terms, max_size=2), st.integers(0, 6),
    st.sampled_from([(), (), ("x:1",)]),
)  # fmt: skip
def test_what_is_not_touched_is_found_alike(
    text: str, same: list[Term], added: list[Term], cut: int, ancestors: tuple[str, ...]
) -> None:
    before, after = lexicon(same, ()), lexicon([*added, *same[cut:], *same[: max(0, cut - 1)]], ancestors)
    if touched(before, after)(Document("d", text, Report(), ())):
        return
    found = [Matcher(lexicon).find(text) for lexicon in (before, after)]
    assert found[0] == found[1]
    assert {c: before.concepts[c] for m in found[0] for c in m.curies} == {
        c: after.concepts[c] for m in found[1] for c in m.curies
    }
