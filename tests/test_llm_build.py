"""Builds with a language model: provenance, statuses, going on, both extractors together, the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

import kg
from kg import pipeline, sources
from kg.errors import ModelError
from kg.llm import LanguageModel
from kg.model import CaseRecord, Document
from kg.quads import report_keys
from kg.review import Decision, append, quote_of
from kg.store import Store, open_store
from tests.commands import kg as command
from tests.models import Model, Question, chat, facts

REPORTS = {
    "one": "A 40-year-old woman had follicular lymphoma. Rituximab resulted in complete remission.",
    "two": "A 50-year-old man had sepsis. He was given vancomycin and died.",
    "three": "A 60-year-old man had gout. He was given colchicine. He recovered.",
}
REPLIES = {
    "follicular lymphoma": facts(
        [{"quote": "follicular lymphoma"}], [{"quote": "Rituximab", "for": ["c1"]}],
        [{"quote": "complete remission", "category": "complete_remission", "of": ["c1"], "after": ["i1"]}]),
    "sepsis": facts([{"quote": "sepsis"}], [], [{"quote": "died", "category": "death", "of": ["c1"]}]),
    "gout": facts([{"quote": "gout"}, {"quote": "arthritis"}]),
}  # fmt: skip


def reply(question: Question) -> str:
    asked = question["messages"][-1]["content"]
    return next(said for word, said in REPLIES.items() if word in asked)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Model]:
    monkeypatch.setattr("kg.online._FIRST_WAIT", 0.002)
    monkeypatch.setattr("kg.online._TRIES", 2)
    monkeypatch.setattr("kg.extractors.llm.cache_folder", lambda: tmp_path / "cache")
    monkeypatch.delenv("KG_MODEL_KEY", raising=False)
    with Model(reply) as running:
        yield running


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    path = tmp_path / "reports.jsonl"
    path.write_text("".join(json.dumps({"id": k, "text": v}) + "\n" for k, v in REPORTS.items()))
    return path


def model(server: Model, **bounds: Any) -> LanguageModel:
    return LanguageModel(name="small", endpoint=server.endpoint, **{"concurrency": 1, **bounds})


def summary(store: Store) -> dict[Any, Any]:
    return {row["what"]: row["count"] for row in kg.query(store, "summary")}


def dumped(store: Store) -> str:
    out = BytesIO()
    store.dump("nq", out)
    return "".join(sorted(out.getvalue().decode().splitlines(keepends=True)))


def test_a_build_with_a_model(server: Model, reports: Path, tmp_path: Path) -> None:
    asked = model(server, concurrency=3)
    server.pause = 0.2
    built = kg.build([reports], tmp_path / "out", extractor="llm", model=asked)
    assert (built.extracted, built.failed) == (3, []) and built.validation is not None and built.validation.conforms
    assert server.most_at_once == 3
    with open_store(tmp_path / "out" / "store", read_only=True) as store:
        graph = dumped(store)
        rows = kg.query(store, "treatments").rows
        counts = summary(store)
    assert [row[:2] for row in rows] == [("rituximab", "complete remission")]
    assert counts["windows done"] == 3 and "to review" not in counts
    for said in ('ontology#model> "small"', 'ontology#status> "done"', "prov#used>", "terms/date>", '#prompt> "1-'):
        assert sum("/window/1> <" in line and said in line for line in graph.splitlines()) == 3, said
    assert graph.count('ontology#dropped> "1"') == 1
    assert "127.0.0.1" not in graph, "the address is no part of the graph"

    again = kg.build([reports], tmp_path / "other", extractor="llm", model=(second := model(server)))
    assert (again.extracted, second.meter.requests, second.meter.kept) == (3, 0, 3), "a rebuild costs nothing"
    with open_store(tmp_path / "other" / "store", read_only=True) as store:
        assert dumped(store) == graph
    unchanged = kg.build([reports], tmp_path / "out", extractor="llm", model=model(server))
    assert (unchanged.unchanged, unchanged.extracted) == (3, 0)


def test_a_window_that_failed_is_asked_for_by_the_next_build(server: Model, reports: Path, tmp_path: Path) -> None:
    server.answers += [None, chat("I would rather not."), None]
    built = kg.build([reports], tmp_path / "out", extractor="llm", model=model(server))
    assert built.failed == [(f"{reports}, line 2", "a window of it failed; the next build asks for it again.")]
    with open_store(tmp_path / "out" / "store", read_only=True) as store:
        assert summary(store)["windows failed"] == 1
    again = kg.build([reports], tmp_path / "out", extractor="llm", model=(asked := model(server)))
    assert (again.extracted, again.unchanged, again.failed, asked.meter.requests) == (1, 2, [], 1)
    assert kg.build([reports], tmp_path / "out", extractor="llm", model=model(server)).unchanged == 3


def test_a_spent_budget_ends_a_build_that_goes_on_later(server: Model, reports: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="2 requests are made"):
        kg.build([reports], tmp_path / "out", extractor="llm", model=model(server, max_requests=2))
    built = kg.build([reports], tmp_path / "out", extractor="llm", model=(asked := model(server)))
    assert (built.extracted + built.unchanged, asked.meter.requests) == (3, 1)


def test_what_is_ended_early_asks_nothing_more(server: Model, reports: Path) -> None:
    server.pause = 0.1
    found = pipeline.extract([reports], extractor="llm", model=(asked := model(server)))
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert asked.meter.stopped.is_set() and len(server.questions) < 3
    assert len(list(pipeline.extract([reports], extractor="llm", model=asked))) == 3, (
        "the same model may be asked again"
    )


@pytest.mark.parametrize(("extractor", "with_model", "words"), [
    ("llm", False, "--model NAME"), ("both", False, "--model NAME"), ("rules", True, "asks no language model"),
])  # fmt: skip
def test_an_extractor_without_its_model(
    server: Model, reports: Path, tmp_path: Path, extractor: str, with_model: bool, words: str
) -> None:
    with pytest.raises(ModelError, match=words):
        kg.build([reports], tmp_path, extractor=extractor, model=model(server) if with_model else None)


# --- both -----------------------------------------------------------------------------------------------------------


def both(server: Model, reports: Path, **bounds: Any) -> dict[str, CaseRecord]:
    found = pipeline.extract([reports], extractor="both", model=model(server, **bounds))
    return {item[1].id: item[1] for item in found if isinstance(item, tuple)}


def test_both_say_who_found_what(server: Model, reports: Path, tmp_path: Path) -> None:
    changed = json.loads(REPLIES["follicular lymphoma"])
    changed["conditions"][0]["role"] = "comorbidity"
    changed["outcomes"][0]["attributed_to"] = ["i1"]
    server.reply = lambda q: json.dumps(changed) if "follicular" in q["messages"][-1]["content"] else reply(q)
    records = both(server, reports)
    (one,), (two,), (three,) = (records[name].cases for name in REPORTS)
    agreed = {(a.item, a.to, a.type): (a.found_by, a.review) for a in one.agreement}
    both_ = ("rules", "llm")
    assert agreed["c1", None, None] == (both_, "role: primary by rules, comorbidity by llm")
    assert one.conditions[0].role == "primary", "the rules' word stands"
    assert agreed["i1", None, None] == agreed["o1", None, None] == agreed["o1", "i1", "attributed_to"] == (both_, None)
    vancomycin = next(i for i in two.interventions if i.label == "vancomycin")
    assert {a.item: a for a in two.agreement if a.to is None}[vancomycin.id].review == "found by rules only"
    assert not [c for c in three.conditions if c.text == "arthritis"]
    for record in records.values():
        assert len(record.windows) == 1 and {a.item for c in record.cases for a in c.agreement}


def test_both_tell_in_the_order_of_the_story(server: Model, seeds: Path) -> None:
    """As the rules alone do: what a title names ahead of the story has its place where the story tells of it."""
    server.reply = lambda question: facts([])
    alone = {item[1].id: item[1] for item in pipeline.extract([seeds]) if isinstance(item, tuple)}
    together = both(server, seeds)
    for name in ("conditions", "interventions", "outcomes"):
        for id_, record in alone.items():
            own, united = getattr(record.cases[0], name), getattr(together[id_].cases[0], name)
            assert [item.id for item in united] == [item.id for item in own]
    (case,) = together["004_85a81add77fe55b6"].cases
    firsts = [min([c.start, *(span.start for span in c.mentions)]) for c in case.conditions]
    assert firsts != sorted(firsts), "the title names what is found out last"


def test_what_the_model_was_not_asked_is_no_disagreement(server: Model, reports: Path) -> None:
    server.answers.append(chat("", finish_reason="content_filter"))
    one = both(server, reports)["one"]
    assert one.windows[0].status == "refused" and one.cases[0].conditions
    assert {a.review for a in one.cases[0].agreement} == {None}


def test_disagreement_in_the_graph_and_the_counts(server: Model, reports: Path, tmp_path: Path) -> None:
    built = kg.build([reports], tmp_path / "out", extractor="both", model=model(server))
    assert built.validation is not None and built.validation.conforms
    with open_store(tmp_path / "out" / "store", read_only=True) as store:
        counts = summary(store)
        rows = kg.query(store, "to-review").to_dicts()
    assert counts["to review"] == len(rows) > 0 and counts["found by rules and model alike"] > 0
    vancomycin = next(row for row in rows if row["fact"] == "vancomycin")
    assert (vancomycin["id"], vancomycin["why"]) == ("two", "found by rules only")
    assert vancomycin["sentence"] == "He was given vancomycin and died."

    document = next(d for d in sources.read(reports) if isinstance(d, Document) and d.id == "two")
    start = document.text.index("vancomycin")
    decision = Decision(
        who="A. Reader", when="2026-01-01T12:00:00Z", what="accepted", kind="intervention",
        report=tuple(report_keys(document)), quote=quote_of(document.text, start, start + 10),
        values={"label": "vancomycin", "kind": "drug"},
    )  # fmt: skip
    append(tmp_path / "out" / "curation.jsonl", [decision])
    kg.build([reports], tmp_path / "out", extractor="both", model=model(server))
    with open_store(tmp_path / "out" / "store", read_only=True) as store:
        assert "vancomycin" not in {row["fact"] for row in kg.query(store, "to-review").to_dicts()}


# --- the command line -----------------------------------------------------------------------------------------------


def test_commands(server: Model, reports: Path, tmp_path: Path) -> None:
    options = ["--extractor", "llm", "--model", "small", "--endpoint", server.endpoint, "--price", "1/10"]
    said = command("extract", reports, *options, "--dry-run")
    assert "3 reports in 3 windows, 0 of them asked before" in said.stdout
    tokens = re.search(r"about ([\d,]+) tokens to read", said.stdout)
    assert tokens and int(tokens[1].replace(",", "")) > 3000 and "at that price" in said.stdout
    assert not server.questions, "nothing is asked"

    said = command("extract", reports, *options)
    assert [json.loads(line)["windows"][0]["status"] for line in said.stdout.splitlines()] == ["done"] * 3
    assert "small: windows 3 done; 3 requests, 0 replies from the cache, 9,000 tokens read" in said.stderr

    gold = tmp_path / "gold.jsonl"
    condition = {"id": "c1", "start": 24, "end": 43, "text": "follicular lymphoma", "role": "primary"}
    case = {"patient": {"sex": "female"}, "conditions": [{**condition, "label": "follicular lymphoma"}]}
    gold.write_text(json.dumps({"id": "one", "text": REPORTS["one"], "cases": [case]}) + "\n")
    said = command("evaluate", gold, *options)
    assert re.search(r"conditions +1\.000 +1\.000 +1\.000 +1 +1", said.stdout) and "0 requests" in said.stderr

    built = json.loads(command("build", reports, "-o", tmp_path / "out", *options, "--json").stdout)
    assert built["language model"]["windows"] == {"done": 3}


@pytest.mark.parametrize(("options", "words"), [
    (["--extractor", "llm"], "give --model NAME"), (["--model", "small"], "give both"),
    (["--extractor", "llm", "--model", "m", "--endpoint", "http://127.0.0.1:9/v1", "--price", "x"], "READ/WRITTEN"),
    (["--dry-run"], "--dry-run reckons"), (["--max-requests", "3"], "need the model"),
])  # fmt: skip
def test_options_that_do_not_fit(options: list[str], words: str, reports: Path) -> None:
    assert words in command("extract", reports, *options, code=2).stderr
