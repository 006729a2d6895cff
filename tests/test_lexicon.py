"""Folding, matching and the abbreviations that a document defines."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg import vocab
from kg.clinical.abbreviations import abbreviations
from kg.clinical.lexicon import Matcher
from kg.folding import Folder, key, spelling
from kg.model import Concept, Lexicon, Term

RULES = spelling()

Given = tuple[str, str] | tuple[str, str, bool]


def lexicon(*terms: Given, version: str = "test") -> Lexicon:
    return Lexicon({}, [Term(t[0], t[1], abbreviation=len(t) > 2) for t in terms], version)


def found(matcher: Matcher, text: str) -> list[tuple[str, str]]:
    return [(text[m.start : m.end], m.curies[0]) for m in matcher.find(text)]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(
        lexicon(
            ("acute lymphoblastic leukemia", "c:all"),
            ("leukemia", "c:leukemia"),
            ("ALL", "c:all", True),
            ("급성 림프구성 백혈병", "c:all"),
            ("백혈병", "c:leukemia"),
            ("T세포 림프종", "c:t-lymphoma"),
            ("post-operative ileus", "c:ileus"),
            ("non-Hodgkin lymphoma", "c:nhl"),
            ("Hodgkin lymphoma", "c:hl"),
            ("hyper-CVAD", "c:hyper-cvad", True),
            ("CR", "c:remission", True),
            ("t(8;21)", "c:t-8-21", True),
            ("CD20", "c:cd20", True),
            ("Still disease", "c:still"),
            ("gastroesophageal reflux", "c:reflux"),
            ("leg", "c:leg"),
            ("tuberculosis", "c:tuberculosis"),
            ("interferon alpha", "c:interferon"),
            ("tumor", "c:tumor"),
            ("graft-versus-host disease", "c:gvhd"),
        )
    )


# --- folding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", RULES["examples"], ids=lambda e: e["one"])
def test_what_is_one_folds_to_one(example: dict[str, str]) -> None:
    assert Matcher(lexicon((example["other"], "x:1"))).ground(example["one"]) == ("x:1",)
    assert Matcher(lexicon((example["one"], "x:1"))).ground(example["other"]) == ("x:1",)


@pytest.mark.parametrize("example", RULES["differ"], ids=lambda e: e["one"])
def test_what_differs_stays_apart(example: dict[str, str]) -> None:
    assert Matcher(lexicon((example["other"], "x:1"))).ground(example["one"]) == ()
    assert key(example["one"]) != key(example["other"])


WORDS = st.text(
    st.sampled_from("aeioumn ABC-–'’.,;:()/+αβ가나은 é\u0301\u00ad\u200b\n0123½²ﬁß"), max_size=60
) | st.text(max_size=60)


@given(WORDS)
def test_every_folded_word_knows_its_place(text: str) -> None:
    folded = Folder().fold(text)
    last = 0
    for n in range(len(folded.words)):
        start, end = folded.span(n)
        assert last <= start < end <= len(text)
        last = end
        if text[start:end].strip("-–"):  # a dash is a mark only between blanks
            assert "".join(w.folded for w in Folder().fold(text[start:end]).words) == folded.words[n].folded


WELL_READ = Folder()  # remembers the units of all examples


@given(WORDS)
def test_what_a_folder_remembers_changes_nothing(text: str) -> None:
    folded, anew = WELL_READ.fold(text), Folder().fold(text)
    assert folded.words == anew.words and folded.begins == anew.begins
    assert all(word.folded for word in folded.words)


@given(st.text(st.sampled_from("_-.' \n"), min_size=1000, max_size=3000))
@settings(max_examples=5, deadline=5000)  # quadratic time would take minutes
def test_long_runs_of_marks_take_no_time(text: str) -> None:
    Folder().fold(text * 20)


AMBIGUOUS = {
    "x:myeloma": Concept("x:myeloma", "multiple myeloma", "condition"),
    "x:pid": Concept("x:pid", "pelvic inflammatory disease", "condition"),
}
AMBIGUOUS_TERMS = [Term("MM", "x:myeloma", abbreviation=True), Term("PID", "x:pid", abbreviation=True)]


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("A mole was excised. MM was diagnosed.", []),
        ("The myeloma was treated. MM relapsed, PID followed.", ["x:myeloma"]),
        ("Both PIDs were told of, with recurrent infection.", []),
        ("An inflammatory pelvic mass: PID was diagnosed.", ["x:pid"]),
    ],
)
def test_an_abbreviation_of_several_meanings_needs_words_of_its_name(text: str, concepts: list[str]) -> None:
    assert {"MM", "PID"} <= set(RULES["words"]["ambiguous"])
    ambiguous = Matcher(Lexicon(AMBIGUOUS, AMBIGUOUS_TERMS, "test"))
    assert [m.curies[0] for m in ambiguous.find(text)] == concepts


def test_what_is_called_ambiguous_is_an_abbreviation_of_the_vocabulary() -> None:
    known = Matcher(vocab.load().lexicon())
    assert [short for short in RULES["words"]["ambiguous"] if not known.ground(short)] == []


# --- matching --------------------------------------------------------------------------------------------------------


def test_longest_term_in_any_spelling(matcher: Matcher) -> None:
    text = "He had Acute lymphoblastic leukaemias, then tumours and non–Hodgkin’s lymphoma."
    assert found(matcher, text) == [
        ("Acute lymphoblastic leukaemias", "c:all"),
        ("tumours", "c:tumor"),
        ("non–Hodgkin’s lymphoma", "c:nhl"),
    ]


def test_abbreviations_keep_their_case(matcher: Matcher) -> None:
    assert found(matcher, "All patients with ALL, two ALLs and all others; cr, CR") == [
        ("ALL", "c:all"),
        ("ALLs", "c:all"),
        ("CR", "c:remission"),
    ]
    assert found(matcher, "Hyper-CVAD and hyper CVAD but not hyper-cvad") == [
        ("Hyper-CVAD", "c:hyper-cvad"),
        ("hyper CVAD", "c:hyper-cvad"),
    ]


def test_a_word_in_capitals_is_no_abbreviation(matcher: Matcher) -> None:
    assert found(matcher, "TREATMENT OF ALL PATIENTS WITH LEUKEMIA") == [("LEUKEMIA", "c:leukemia")]


def test_terms_end_where_words_end(matcher: Matcher) -> None:
    assert found(matcher, "ALL1, CRP, CD200, legion, tumorigenesis, leukemias2") == []
    assert found(matcher, "CD-20 and CD20+ in t (8; 21)") == [
        ("CD-20", "c:cd20"),
        ("CD20", "c:cd20"),
        ("t (8; 21)", "c:t-8-21"),
    ]


def test_terms_do_not_cross_marks(matcher: Matcher) -> None:
    assert found(matcher, "Hodgkin. Lymphoma, acute; lymphoblastic leukemia\n\nHodgkin\n\nlymphoma") == [
        ("leukemia", "c:leukemia")
    ]
    assert found(matcher, "Hodgkin\nlymphoma") == [("Hodgkin\nlymphoma", "c:hl")]


def test_compounds_in_one_word_or_two(matcher: Matcher) -> None:
    ileus = "Postoperative ileus, post operative ileus, post-operative ileus"
    text = f"{ileus}, gastro-oesophageal reflux, nonhodgkin lymphoma"
    assert [c for _, c in found(matcher, text)] == ["c:ileus", "c:ileus", "c:ileus", "c:reflux", "c:nhl"]


def test_a_prefix_that_says_the_opposite(matcher: Matcher) -> None:
    assert found(matcher, "anti-tuberculosis drug, non leukemia; tumor-free, leukemia-like, graft-versus-tumor") == []
    assert found(matcher, "post-tuberculosis, tumor-related") == [
        ("tuberculosis", "c:tuberculosis"),
        ("tumor", "c:tumor"),
    ]


def test_names_that_are_words_need_their_capital(matcher: Matcher) -> None:
    assert found(matcher, "there was still disease, but Still's disease") == [("Still's disease", "c:still")]


def test_greek_letters(matcher: Matcher) -> None:
    assert found(matcher, "interferon-α2b, Interferon α, interferon alfa") == [
        ("Interferon α", "c:interferon"),
        ("interferon alfa", "c:interferon"),
    ]


def test_korean_with_particles_and_other_blanks(matcher: Matcher) -> None:
    text = "급성림프구성백혈병으로 진단된 환자의 백혈병은 T 세포림프종이 아니며 ALL의 재발, 백혈병리학"
    assert found(matcher, text) == [
        ("급성림프구성백혈병", "c:all"),
        ("백혈병", "c:leukemia"),
        ("T 세포림프종", "c:t-lymphoma"),
        ("ALL", "c:all"),
    ]


def test_all_concepts_of_a_term_best_first() -> None:
    matcher = Matcher(lexicon(("cold", "x:1"), ("cold", "x:2"), ("colds", "x:3"), ("COLD", "x:4", True)))
    assert matcher.find("a cold")[0].curies == ("x:1", "x:2", "x:3")
    assert matcher.find("a COLD")[0].curies == ("x:4", "x:1", "x:2", "x:3")
    assert matcher.ground("Cold") == ("x:1", "x:2", "x:3")


@pytest.fixture(scope="module")
def typed() -> Matcher:
    """Terms of concepts with types."""
    terms = [
        ("c:sepsis", "condition", "sepsis"),
        ("c:crohn", "condition", "Crohn disease"),
        ("c:pcp", "condition", "pneumocystis pneumonia"),
        ("c:cll", "condition", "chronic lymphocytic leukemia"),
        ("c:hiv", "condition", "human immunodeficiency virus infection"),
        ("i:steroid", "intervention", "steroid"),
        ("i:ice", "intervention", "ICE regimen"),
        ("o:death", "outcome", "died of sepsis"),
        ("o:resistant", "outcome", "steroid-resistant"),
        ("o:relapse", "outcome", "relapse"),
        ("c:relapse", "condition", "relapse"),
        ("o:relapsed", "outcome", "relapse of sepsis"),
    ]
    short = [("PCP", "c:pcp"), ("HIV", "c:hiv"), ("ICE", "i:ice"), ("PCV", "c:pcp"), ("CLL", "c:crohn")]
    return Matcher(
        Lexicon(
            {
                curie: Concept(curie, label, kind, parts=("i:steroid",) * (curie == "i:ice"))
                for curie, kind, label in terms
            },
            [Term(label, curie) for curie, _, label in terms] + [Term(s, c, abbreviation=True) for s, c in short],
            "test",
        )
    )


def test_terms_inside_the_phrase_of_an_outcome(typed: Matcher) -> None:
    assert found(typed, "She died of sepsis.") == [("died of sepsis", "o:death"), ("sepsis", "c:sepsis")]
    assert found(typed, "steroid-resistant, relapse of sepsis") == [
        ("steroid-resistant", "o:resistant"),
        ("relapse of sepsis", "o:relapsed"),
        ("relapse", "o:relapse"),
        ("sepsis", "c:sepsis"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # A short form that the document defines is what it says, not what the vocabulary takes it for ...
        ("Crohn's disease (CD) was known. CD relapsed in CD4.", ["c:crohn", "c:crohn", "c:crohn"]),
        ("chronic lymphocytic leukemia (CLL): CLL, CLLs", ["c:cll"] * 4),
        ("Her primary care physician (PCP) saw her. PCP", []),
        ("a packed cell volume (PCV) of 30; PCV", []),
        # ... and is that where the definition only words it in another way.
        ("human immunodeficiency virus (HIV), HIV", ["c:hiv", "c:hiv"]),
        ("pneumocystis infection (PCP), PCP", ["c:pcp", "c:pcp"]),
        ("a steroid, cisplatin and etoposide (ICE); ICE", ["i:steroid", "i:ice", "i:ice"]),
        ("infectious colitis epidemic (ICE); ICE", []),
    ],
)  # fmt: skip
def test_abbreviations_hold_for_their_document(typed: Matcher, text: str, expected: list[str]) -> None:
    assert [match.curies[0] for match in typed.find(text)] == expected
    assert "PCP" not in text or found(typed, "PCP") == [("PCP", "c:pcp")]


def test_single_letters_and_numbers_are_no_terms() -> None:
    assert (
        Matcher(lexicon(("a", "x:1"), ("12", "x:2"), ("C", "x:3", True), ("+", "x:4"), ("", "x:5"))).find("a 12 C +")
        == []
    )


def test_an_empty_lexicon_finds_nothing() -> None:
    assert Matcher(lexicon()).find("leukemia 백혈병") == []


TERMS = [
    "acute leukemia",
    "Hodgkin's disease",
    "T-cell lymphoma",
    "graft-versus-host disease",
    "β-thalassemia",
    "백혈병",
    "fever",
]


@given(
    st.lists(st.sampled_from(TERMS) | st.text(st.sampled_from(string.ascii_letters + " ,.-"), max_size=12), max_size=8)
)
def test_matches_lie_in_the_text_in_order(parts: list[str]) -> None:
    matcher = Matcher(lexicon(*((t, f"x:{n}") for n, t in enumerate(TERMS))))
    text = " ; ".join(parts)
    last = 0
    for match in matcher.find(text):
        assert last <= match.start < match.end <= len(text)
        assert matcher.ground(text[match.start : match.end]) == match.curies
        last = match.end
    expected = sum(part in TERMS for part in parts)
    assert len(matcher.find(text)) >= expected


def test_agrees_with_a_plain_search() -> None:
    """Against a search that tries every stretch of words, on words that folding leaves alone."""
    chance = random.Random(7)
    words = ["alpha", "bravo", "delta", "kilo", "lima", "oscar", "tango", "zulu"]
    terms = {" ".join(chance.choices(words, k=chance.randint(1, 4))) for _ in range(60)}
    matcher = Matcher(lexicon(*((t, t) for t in sorted(terms))))
    for _ in range(200):
        tokens = chance.choices(words, k=30)
        text, expected, at = " ".join(tokens), [], 0
        while at < len(tokens):
            long = max((n for n in range(5) if " ".join(tokens[at : at + n]) in terms), default=0)
            if long:
                expected.append(" ".join(tokens[at : at + long]))
            at += max(long, 1)
        assert [m.curies[0] for m in matcher.find(text)] == expected


# --- the cache -------------------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("CASEKG_CACHE", str(tmp_path))
    yield tmp_path


def test_compiled_lexicons_are_kept(cache: Path) -> None:
    words = lexicon(("acute leukemia", "x:1"), ("ALL", "x:2", True), ("백혈병", "x:1"), version="0" * 64)
    text = "Acute leukaemia, ALL, 백혈병이"
    first = Matcher(words).find(text)
    assert len(first) == 3
    (file,) = cache.iterdir()
    assert Matcher(lexicon(version="0" * 64)).find(text) == first, "the kept one was not read"
    for broken in (b"", b"{}\n", file.read_bytes()[:-1], b"\x00" * 100):
        file.write_bytes(broken)
        assert Matcher(words).find(text) == first
    assert Matcher(lexicon(version="0" * 64)).find(text) == first, "the broken one was not replaced"


def test_only_the_newest_are_kept(cache: Path) -> None:
    for n in range(7):
        Matcher(lexicon(("fever", "x:1"), version=str(n) * 64))
    assert len(list(cache.iterdir())) == 4


def test_versions_that_are_no_hash_are_not_kept(cache: Path) -> None:
    Matcher(lexicon(("acute leukemia", "x:1"), version="test"))
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CASEKG_CACHE", str(tmp_path / "file" / "below"))
    assert Matcher(lexicon(("fever", "x:1"), version="0" * 64)).find("fever")


# --- abbreviations ---------------------------------------------------------------------------------------------------

DEFINED: list[tuple[str, list[tuple[str, str]]]] = [
    ("He had postoperative liver failure (PLF).", [("PLF", "postoperative liver failure")]),
    ("PLF (postoperative liver failure) was", [("PLF", "postoperative liver failure")]),
    ("a proton pump inhibitor (PPI)", [("PPI", "proton pump inhibitor")]),
    ("graft-versus-host disease (GVHD) and", [("GVHD", "graft-versus-host disease")]),
    ("급성 림프구성 백혈병(acute lymphoblastic leukemia, ALL)으로", [("ALL", "acute lymphoblastic leukemia")]),
    ("donor lymphocyte infusions (DLIs)", [("DLIs", "donor lymphocyte infusions")]),
    ("idiopathic thrombocytopenic purpura (also called ITP)", [("ITP", "idiopathic thrombocytopenic purpura")]),
    ("acute myeloid leukaemia [AML; M2]", [("AML", "acute myeloid leukaemia")]),
    ("tumor necrosis factor alpha (TNF-α)", [("TNF-α", "tumor necrosis factor alpha")]),
    ("He was well (Fig. 2) (n = 3), (A) and (see Table 1).", []),
    ("The disease (2003) of T. Smith (TS)", []),
    ("acute leukemia. It was ALL (yes)", []),
]


@pytest.mark.parametrize(("text", "expected"), DEFINED, ids=[text for text, _ in DEFINED])
def test_defined_abbreviations(text: str, expected: list[tuple[str, str]]) -> None:
    got = abbreviations(text)
    assert [(a.short, text[a.long_span.start : a.long_span.end]) for a in got] == expected
    assert all(text[a.short_span.start : a.short_span.end] == a.short for a in got)


def test_the_first_definition_counts() -> None:
    text = "acute liver failure (ALF) ... anterior lumbar fusion (ALF)"
    assert [text[a.long_span.start : a.long_span.end] for a in abbreviations(text)] == ["acute liver failure"]


@given(st.text(st.sampled_from("ABcd ()[];,:-α\n"), max_size=80))
def test_abbreviations_of_any_text_lie_in_it(text: str) -> None:
    for a in abbreviations(text):
        assert text[a.short_span.start : a.short_span.end] == a.short
        long = text[a.long_span.start : a.long_span.end]
        assert len(long) > len(a.short) and long == long.strip()


def test_rule_file_is_whole() -> None:
    data: dict[str, Any] = RULES
    for word in data["words"]["plain"]:
        assert word.isupper() and len(word) > 1
    for old, new in data["same"].items():
        assert old == old.lower() and old != new
