"""The language of each block: what is read, what is kept with its tag and named, and that English is never lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from kg import build
from kg.model import CaseRecord, Document
from kg.sources import read
from kg.sources._languages import language_of

GERMAN = "Ein 45-jähriger Mann wurde wegen einer akuten myeloischen Leukämie aufgenommen und mit Cytarabin behandelt."
ENGLISH = "A 45-year-old man with acute myeloid leukemia received cytarabine and reached complete remission."
KOREAN = "45세 남자 환자가 급성 골수성 백혈병으로 시타라빈 치료를 받고 완전 관해에 도달하였다."
WORDS = {
    "de": GERMAN,
    "fr": "Nous rapportons le cas d'un homme de 50 ans, traité par chirurgie pour une tumeur glomique de l'estomac.",
    "es": "Se presenta el caso de una mujer de 34 años con anemia aplásica tratada con ciclosporina y globulina.",
    "it": "Descriviamo il caso di un uomo di 40 anni affetto da leucemia acuta e trattato con chemioterapia.",
    "pl": "Opisano przypadek 45-letniego mężczyzny z ostrą białaczką szpikową leczonego cytarabiną.",
    "nl": "Een 54-jarige vrouw werd opgenomen met koorts en een vergrote milt, waarna zij werd behandeld.",
    "ko": KOREAN,
    "en": ENGLISH,
}


@pytest.mark.parametrize("tag", WORDS)
def test_language_of_a_paragraph(tag: str) -> None:
    assert language_of(WORDS[tag]) == tag
    assert language_of(WORDS[tag], "pt") == tag, "what a file says of itself does not outweigh its text"


@pytest.mark.parametrize(
    "text",
    [
        "Hairy cell leukemia: a case report",
        "Hb 8.9 g/dL, WBC 12.3 x 10^9/L, MCV 88 fL, PLT 34 x 10^9/L, LDH 811 U/L, CRP 12 mg/L, AST 33 U/L, ALT 41 U/L.",
        "A differential diagnosis included interstitial pneumonia versus non-cardiogenic edema.",
        "Acute promyelocytic leukemia, disseminated intravascular coagulation, all-trans retinoic acid",
        "",
    ],
)
def test_short_and_odd_english_stays_english(text: str) -> None:
    assert language_of(text) == "en"
    assert language_of(text, "de") in ("en", "de"), "unsure, the text is what the file says"


def test_no_english_of_the_corpora_is_lost(shared: Path) -> None:
    documents = [d for d in islice(read(shared / "corpora" / "cases.jsonl.gz"), 1500) if isinstance(d, Document)]
    assert len(documents) == 1500
    found = [d.text[b.start : b.end] for d in documents for b in d.blocks if b.language != "en"]
    assert not found


def test_wrong_language_of_a_file_does_not_hide_its_english(tmp_path: Path) -> None:
    path = tmp_path / "a.nxml"
    path.write_text(
        '<article article-type="case-report" xml:lang="de"><front><article-meta><title-group><article-title>Ein Fall'
        f"</article-title></title-group><abstract><p>{ENGLISH}</p></abstract></article-meta></front><body><p>{GERMAN}</p>"
        "</body></article>"
    )
    [document] = read(path)
    assert isinstance(document, Document)
    assert [(b.kind, b.language) for b in document.blocks] == [("title", "de"), ("abstract", "en"), ("body", "de")]


def record(text: str, path: Path, extract: Callable[[Document], CaseRecord]) -> CaseRecord:
    path.write_text(text, encoding="utf-8")
    [document] = read(path)
    assert isinstance(document, Document) and document.text == text, "text in any language is kept"
    return extract(document)


def test_what_is_not_read_is_named(tmp_path: Path, extract: Callable[[Document], CaseRecord]) -> None:
    path = tmp_path / "a.txt"
    english = record(ENGLISH, path, extract)
    assert english.unread == () and [c.label for c in english.cases[0].conditions] == ["acute myeloid leukemia"]
    german = record(GERMAN, path, extract)
    assert (german.unread, german.cases, german.skip) == (("de",), (), "not in a language that is read (de)")
    both = record(f"{GERMAN}\n\n{ENGLISH}\n", path, extract)
    assert both.unread == ("de",) and both.skip is None
    assert [c.label for c in both.cases[0].conditions] == ["acute myeloid leukemia"]
    assert all(e.start > len(GERMAN) for case in both.cases for e in case.episodes())
    korean = record(KOREAN, path, extract)
    assert korean.unread == () and korean.cases


def test_the_build_names_it(tmp_path: Path) -> None:
    (tmp_path / "german.txt").write_text(GERMAN, encoding="utf-8")
    (tmp_path / "both.jsonl").write_text(json.dumps({"id": "b", "text": f"{ENGLISH}\n\n{WORDS['fr']}\n"}) + "\n")
    built = build([tmp_path], tmp_path / "out")
    assert [(Path(source).name.split(",")[0], tags) for source, tags in built.unread] == [
        ("both.jsonl", "fr"),
        ("german.txt", "de"),
    ]
    assert [why for _, why in built.skipped] == ["not in a language that is read (de)"]
