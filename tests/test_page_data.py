"""What the page holds, before any browser: boxes folded, courses in steps, places of neighbours."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import networkx as nx
import numpy as np
import pytest

from kg import quads, vocab
from kg.courses import in_words, steps
from kg.errors import ExportError
from kg.exporters import html
from kg.exporters.html.boxes import MOST, Boxes
from kg.exporters.html.networks import SIZE, Node, _sprung, networks
from kg.model import CaseRecord, Document
from kg.reports import Report, Reports
from kg.store import Store, open_store
from tests.invented import read_reports, store_of_reports, understood
from tests.pages import HOSTILE, TITLE, held, many_kinds, trial_reports


@pytest.fixture(scope="module")
def few() -> Iterator[Store]:
    """The invented reports with no more of the vocabularies than they name."""
    with store_of_reports(read_reports()) as store:
        yield store


def written(store: Store, **options: Any) -> str:
    out = io.BytesIO()
    html.write(store, out, **options)
    return out.getvalue().decode()


def read(told: dict[str, Any]) -> Report:
    """A report read back from a store that holds nothing else."""
    document, record = understood({"id": "x", "title": "A title", "published": None, "patient": {}, **told})
    vocabulary = vocab.load()
    base = vocabulary.prefixes["id"]
    with open_store(None, base=base) as store:
        graph = quads.graph_iri(quads.report_iri(document, base))
        store.replace(graph, quads.Writer(vocabulary, base, "rules", "test")(document, record))
        report = Reports(store).named("x")
    assert report is not None
    return report


def course(**told: Any) -> dict[str, int | None]:
    """Steps by label of the case of a report."""
    report = read({"conditions": [], "interventions": [], "outcomes": [], **told})
    found = steps(report, report.cases[0])
    return {e.label: found[e.iri] for e in report.cases[0].episodes if e.iri in found}


@pytest.mark.parametrize(
    ("length", "words"),
    [
        ({"value": 42, "unit": "month"}, "42 months"),
        ({"value": 1, "unit": "year"}, "1 year"),
        ({"value": 2, "unit": "week"}, "2 weeks"),
        ({"value": 10, "unit": "day"}, "10 days"),
        ({"value": 36, "unit": "hour"}, "1 day 12 hours"),
    ],
)
def test_lengths_of_time_in_words(length: dict[str, Any], words: str) -> None:
    outcome = {"id": "o1", "quote": "was well", "category": "recovery", "duration": length, "duration_type": "lasted"}
    report = read({"text": "He was well.", "conditions": [], "interventions": [], "outcomes": [outcome]})
    assert in_words(report.cases[0].episodes[0].values["duration"]) == words


def test_steps_follow_the_text_but_for_what_links_say() -> None:
    found = course(
        text="He relapsed 42 months after a transplant for leukemia. Radiation and drugs were given. He was well.",
        conditions=[{"id": "c1", "quote": "leukemia", "role": "primary"}],
        interventions=[
            {"id": "i1", "quote": "transplant", "kind": "transplantation", "for": ["c1"]},
            {"id": "i2", "quote": "Radiation", "kind": "radiotherapy", "for": ["c1"]},
            {"id": "i3", "quote": "drugs", "kind": "drug", "for": ["c1"]},
        ],
        outcomes=[
            {"id": "o1", "quote": "relapsed", "category": "relapse", "of": ["c1"], "after": ["i1"]},
            {"id": "o2", "quote": "was well", "category": "complete_remission", "of": ["c1"], "after": ["i2", "i3"]},
        ],
    )
    assert found == {
        "leukemia": 0, "transplant": 1, "relapse": 2, "Radiation": 3, "drugs": 3, "complete remission": 4
    }  # fmt: skip


def test_what_only_the_title_tells_has_no_step_but_a_condition_stands_before_its_treatment() -> None:
    found = course(
        title="Recovery from gout",
        text="Recovery from gout. A man had asthma. He took colchicine.",
        conditions=[
            {"id": "c1", "quote": "gout", "role": "primary"},
            {"id": "c2", "quote": "asthma", "role": "comorbidity"},
        ],
        interventions=[{"id": "i1", "quote": "colchicine", "kind": "drug", "for": ["c1"]}],
        outcomes=[{"id": "o1", "quote": "Recovery", "category": "recovery", "of": ["c1"], "after": ["i1"]}],
    )
    assert found == {"gout": 0, "colchicine": 1, "recovery": None, "asthma": None}


def test_a_relapse_told_as_condition_and_outcome_is_one_step() -> None:
    found = course(
        text="He took drugs. Then came a relapse.",
        conditions=[{"id": "c1", "quote": "relapse", "label": "back", "role": "relapse"}],
        interventions=[{"id": "i1", "quote": "drugs", "kind": "drug", "for": ["c1"]}],  # a circle: for what it led to
        outcomes=[{"id": "o1", "quote": "relapse", "category": "relapse", "of": ["c1"], "after": ["i1"]}],
    )
    assert found == {"drugs": 0, "back": 1, "relapse": 1}


def test_no_box_opens_onto_more_than_a_person_can_tell_apart() -> None:
    kinds = 260
    with store_of_reports(many_kinds(kinds)) as store:
        core, _ = held(written(store))
    inside: dict[tuple[int, int], list[int]] = {}
    for number, (_, column, parent, *_rest) in enumerate(core["boxes"]):
        inside.setdefault((column, parent), []).append(number)
    assert max(map(len, inside.values())) <= MOST + 1  # the concept itself beside its kinds
    label = [box[0] for box in core["boxes"]]
    reached, todo = set(), [n for (column, parent), ns in inside.items() if parent == -1 for n in ns if column == 0]
    while todo:
        number = todo.pop()
        reached.add(label[number])
        todo += inside.get((0, number), [])
    assert {f"{'abcdefghijklmnopqrstuvwxyz'[n % 26]}-type disease {n:03}" for n in range(kinds)} <= reached


def test_boxes_know_every_broader_concept(few: Store) -> None:
    reports = Reports(few)
    boxes = Boxes(reports)
    for report in reports:
        for episode in report.cases[0].episodes:
            if episode.kind == "Condition":
                boxes.of(episode, 0)
    assert len([box for box in boxes.list if box.curie and box.parent is not None]) > 3
    for box in boxes.list:
        if box.curie:
            parents = () if box.parent is None else (box.parent,)
            assert {boxes.list[n].curie for n in (*parents, *box.broader)} == set(
                reports.concept(reports.vocabulary.expand(box.curie)).broader
            )


def test_places_are_the_same_every_time_and_names_do_not_overlap() -> None:
    middle: Node = (0, 0)
    links = {(middle, (column, n)): {n} for column in (1, 2) for n in range(14)}
    links |= {((1, n), (2, n % 3)): {n} for n in range(14)}
    around = {node: [node] for pair in links for node in pair}
    names = {node: f"name {node}" for node in around}
    drawn = networks(links, around, names)
    assert drawn == networks(links, around, names)
    places = [(SIZE[0] // 2, SIZE[1] // 2), *((x, y) for _, x, y in drawn[middle])]
    assert len(places) == 21
    for at, (x, y) in enumerate(places):
        assert 0 <= x <= SIZE[0] and 0 <= y <= SIZE[1]
        assert all(abs(x - a) > 100 or abs(y - b) > 25 for a, b in places[at + 1 :])


def test_pictures_reckoned_together_are_those_of_networkx() -> None:
    joined = np.zeros((3, 9, 9))
    joined[:, 0, 1:] = joined[:, 1:, 0] = 1
    joined[1, 1:, 1:] = 1 - np.eye(8)
    joined[2, 3, 4] = joined[2, 4, 3] = joined[2, 5, 8] = joined[2, 8, 5] = 1
    for picture, places in zip(joined, _sprung(joined), strict=True):
        graph = nx.from_numpy_array(picture)
        ring = nx.circular_layout(graph.subgraph(range(1, 9)))
        theirs = nx.spring_layout(graph, pos={0: (0, 0), **ring}, fixed=[0], iterations=40)
        assert places.tolist() == [list(theirs[n]) for n in range(9)]


def test_facts_of_the_core_are_the_links_of_the_graph(few: Store) -> None:
    core, reports = held(written(few))
    assert len(core["facts"]) > 5
    for kase, condition, intervention, outcome, tied, at, by in core["facts"]:
        episodes = reports[core["cases"][kase][0]]["cases"][0]["episodes"]
        links = {(a, b, type_) for a, b, type_, *_ in reports[core["cases"][kase][0]]["cases"][0]["links"]}
        assert (at, by, "attributedTo" if tied else "after") in links
        assert core["outcomes"][outcome][0] == episodes[at]["label"]
        assert core["boxes"][intervention][1] == 1 and core["boxes"][condition][1] == 0


def test_without_texts_no_word_of_a_report_is_in_the_page() -> None:
    with store_of_reports(trial_reports()) as store:
        page, whole = written(store, text=False), written(store)
    core, reports = held(page)
    bare = json.dumps([core, reports], ensure_ascii=False)
    for words in (HOSTILE, "Zebras are rare.", "It may have been", "he recovered <!-- -->"):
        assert words in json.dumps(held(whole), ensure_ascii=False).replace('\\"', '"')
        assert words not in bare.replace('\\"', '"')


def test_the_page_of_one_report_and_of_one_that_is_not_there() -> None:
    with store_of_reports(trial_reports()) as store:
        page = written(store, reports=["hostile <&>"])
        core, (report,) = held(page)
        assert (core["reports"][0][1], report["text"]) == (TITLE, HOSTILE)
        assert TITLE not in page and "<b>sham" not in page
        with pytest.raises(ExportError, match=r"no report 'nowhere'"):
            written(store, reports=["nowhere"])


def test_more_reports_than_a_browser_holds_are_refused(few: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MOST", 2)
    with pytest.raises(ExportError, match=r"more than a browser can hold \(2\).*--report"):
        written(few)
    assert held(written(few, reports=["alpha"]))[0]["reports"]


def test_the_page_is_the_same_bytes_every_time(few: Store) -> None:
    with store_of_reports(reversed([*read_reports()])) as other:
        assert written(few) == written(other), "however the reports were stored"


def test_an_empty_store_makes_a_page() -> None:
    with open_store(None, base="https://example.net/") as store:
        core, reports = held(written(store))
    assert core["facts"] == [] and reports == []


def test_cases_of_the_core_list_what_they_hold(few: Store) -> None:
    core, _ = held(written(few))
    told: dict[str, tuple[Document, CaseRecord]] = {d.id: (d, r) for d, r in read_reports()}
    for report, _name, years, _age, sex, conditions, _interventions, _outcomes in core["cases"]:
        patient = told[core["reports"][report][0]][1].cases[0]
        assert sex == patient.patient.sex
        assert years == (patient.patient.age and patient.patient.age.value)
        assert len(conditions) == len({c.label for c in patient.conditions if c.assertion == "present"})
