"""The RDF exports: only what the reports use of the vocabularies, and all of that."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator

import pyoxigraph as ox
import pytest

from kg import exporters, vocab
from kg.query import ask, questions
from kg.store import FORMATS, Store, open_store


def written(store: Store, form: str, *, text: bool = True) -> bytes:
    out = io.BytesIO()
    exporters.export(store, out, form, text=text)
    return out.getvalue()


@pytest.fixture(scope="module")
def alone(invented: Store) -> Iterator[Store]:
    """A store that holds what the TriG export says, and nothing else."""
    with open_store(None, base=invented.base) as store:
        store.bulk_load(list(ox.parse(written(invented, "trig"), format=ox.RdfFormat.TRIG)))
        yield store


@pytest.mark.parametrize("name", questions())
def test_an_export_answers_every_question_by_itself(name: str, alone: Store, invented: Store) -> None:
    answer = ask(alone, name)
    assert answer.rows
    assert Counter(answer.rows) == Counter(ask(invented, name).rows)


def test_what_no_report_uses_stays_out(alone: Store, invented: Store) -> None:
    vocabulary = vocab.load()
    held = {vocabulary.compact(q.subject.value) for q in alone.quads() if isinstance(q.subject, ox.NamedNode)}
    assert {"ckv:leukemia", "ckv:conditions", "casekg:Condition", "casekg:concept"} <= held
    assert "ckv:zygomycosis" not in held
    assert len(alone) < len(invented) / 10
    again = written(alone, "trig")
    assert again == written(invented, "trig"), "an export of an export is the same"


@pytest.mark.parametrize("form", FORMATS)
def test_the_formats_say_the_same(form: str, alone: Store, invented: Store) -> None:
    every = ox.parse(written(invented, form), format=FORMATS[form])
    if FORMATS[form].supports_datasets:
        assert set(every) == set(alone.quads())
    else:
        assert {q.triple for q in every} == {q.triple for q in alone.quads()}


@pytest.mark.parametrize("form", FORMATS)
def test_full_texts_and_quotes_can_be_left_out(form: str, invented: Store) -> None:
    bare = written(invented, form, text=False).decode()
    predicates = {q.predicate.value for q in ox.parse(bare, format=FORMATS[form])}
    assert not predicates & set(exporters.verbatim(vocab.load()))
