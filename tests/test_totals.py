"""Totals: what was added up gives the answers that counting gives, whatever was built, changed, removed or ended."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest

from kg import build, exporters, open_store, parts, totals, vocab
from kg.query import ask, totalled
from kg.store import Store
from kg.totals import Ledger, held
from tests.invented import read_reports, store_of_reports
from tests.test_counting import reports as counted_reports

DISEASES = ("acute myeloid leukemia", "gout", "tuberculosis", "asthma", "breast cancer")
DRUGS = ("cytarabine", "colchicine", "isoniazid", "prednisolone")
COURSES = ("He achieved complete remission.", "He died.", "He recovered.", "The disease progressed despite it.")


@pytest.fixture(scope="module", params=[read_reports, counted_reports])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with store_of_reports(list(request.param())) as opened:
        Ledger(opened, vocab.load()).settle()
        yield opened


def test_totals_answer_what_counting_answers(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    case = next(str(row["case"]) for row in ask(store, "cases"))
    given = {name: dict.fromkeys(form.needs, case) for name, form in totalled().items()}
    summed = {name: ask(store, name, given[name], facts=False) for name in given}
    assert held(store)
    totals.forget(store)
    assert not held(store)
    for name, answer in summed.items():
        counted = ask(store, name, given[name], facts=False)
        assert (answer.columns, answer.rows, answer.remarks) == (counted.columns, counted.rows, counted.remarks), name
    Ledger(store, vocab.load()).settle()


def test_what_rests_on_what_is_told_where_it_is_wanted(store: Store) -> None:
    with_facts, without = (ask(store, "treatments", facts=wanted) for wanted in (True, False))
    assert with_facts.facts is not None and without.facts is None
    assert (with_facts.rows, with_facts.remarks) == (without.rows, without.remarks)


def test_no_export_holds_totals(store: Store) -> None:
    for name in ("nq", "ttl", "void", "kgx", "graphml", "csv"):
        out = io.BytesIO()
        exporters.export(store, out, name)
        assert b"totals/" not in out.getvalue() and b"Total" not in out.getvalue(), name


def write(folder: Path, number: int, chance: random.Random) -> None:
    """A file of three reports in which anything may have changed."""
    rows = []
    for n in range(3):
        disease, drug, course = (chance.choice(words) for words in (DISEASES, DRUGS, COURSES))
        text = f"A {30 + n}-year-old man had {disease}. He was treated with {drug}. {course}"
        rows.append(
            {"id": f"{number}-{n}", "title": f"Report {number} {n}", "text": text, "doi": f"10.1000/{number}.{n}"}
        )
    (folder / f"{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def added_up(out: Path) -> tuple[set[str], set[str]]:
    """What the totals of a store are, and what they are when all is counted anew."""
    with open_store(out / "store") as store:
        assert held(store)
        graph = f"{store.base}totals/graph"
        kept = {*map(str, store.quads(graph))}
        totals.forget(store)
        Ledger(store, vocab.load()).settle()
        return kept, {*map(str, store.quads(graph))}


def test_totals_are_right_after_any_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports come, change and go, decisions are made, totals are written in steps, and a build is ended."""
    chance, folder, out = random.Random(7), tmp_path / "reports", tmp_path / "out"
    folder.mkdir()
    monkeypatch.setattr(totals, "_MOST", 20)
    for step in range(4):
        for number in chance.sample(range(5), 3):
            write(folder, number, chance)
        if step > 1:
            next(folder.glob("*.jsonl")).unlink()
        if step == 2:
            monkeypatch.setattr(totals, "_FEW", 5)
        build([folder], out, jobs=1)
        kept, anew = added_up(out)
        assert kept == anew and kept
    settle = Ledger.settle
    monkeypatch.setattr(Ledger, "settle", lambda ledger: 1 / 0)
    write(folder, 7, chance)
    with pytest.raises(ZeroDivisionError):
        build([folder], out, jobs=1)
    with open_store(out / "store", read_only=True) as store:
        assert not held(store), "an ended build leaves no totals that are not right"
    monkeypatch.setattr(Ledger, "settle", settle)
    build([folder], out, jobs=1)
    kept, anew = added_up(out)
    assert kept == anew
    for file in folder.glob("*"):
        file.unlink()
    build([folder], out, jobs=1)
    with open_store(out / "store", read_only=True) as store:
        assert held(store) and not any(True for _ in store.quads(f"{store.base}totals/graph"))
        assert ask(store, "size", facts=False).rows == ((0, 0),)


def test_loaded_parts_are_counted_by_the_next_build(tmp_path: Path) -> None:
    place = tmp_path / "store"
    with store_of_reports(list(read_reports())) as invented, open_store(place, base=invented.base) as store:
        Ledger(store, vocab.load()).settle()
        own = (quad for graph in invented.data_graphs() for quad in invented.quads(graph))
        quads = ox.serialize(own, format=ox.RdfFormat.N_QUADS) or b""
        folder = parts.Folder(str(tmp_path / "parts"))
        folder.make()
        folder.write("part-00000-0", quads, {})
        folder.write(parts.VOCABULARIES, b"", {})
        folder.finish(["part-00000-0"], invented.base)
        size = ask(invented, "size")
    parts.load(str(tmp_path / "parts"), place)
    with open_store(place) as store:
        assert not held(store)
        Ledger(store, vocab.load()).settle()
        assert held(store) and ask(store, "size") == size
