"""Decisions of people: found again in changed text, applied over any extraction, kept in a file, shown in the graph."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg import build, open_store, validate
from kg.diff import diff
from kg.errors import ReviewError
from kg.evaluate import agreement, evaluate, kappa, read_gold
from kg.model import Case, CaseRecord, Condition, Episode, Intervention, Outcome, Quantity, Span
from kg.query import ask
from kg.reports import Reports
from kg.review import (
    Curation,
    Decision,
    End,
    Quote,
    append,
    decision_from_json,
    decision_to_json,
    in_effect,
    locate,
    quote_of,
    read,
    review,
)
from tests.commands import kg
from tests.records import TEXT, full_record, span

KEYS = ("doi:10.1000/xyz", "title:00ff")


def decision(what: str, kind: str = "condition", words: str | None = None, **more: Any) -> Decision:
    """A decision about the fact that rests on those words of the records' text."""
    quote = None
    if words:
        place = span(words)
        quote = quote_of(TEXT, place.start, place.end)
    given = {"who": "A. Reader", "when": "2024-05-01T12:00:00Z", "report": KEYS, "quote": quote, **more}
    return Decision(what=what, kind=kind, **given)  # type: ignore[arg-type]


def end(kind: str, words: str) -> End:
    place = span(words)
    return End(kind, quote_of(TEXT, place.start, place.end))


def reviewed(*decisions: Decision, record: CaseRecord | None = None, text: str = TEXT) -> Case:
    found = review(record or full_record(), text, decisions)
    assert not found.unplaced
    return found.record.cases[0]


# --- words ------------------------------------------------------------------------------------------------------------


@given(st.text(), st.data())
def test_words_are_found_where_they_stand(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, len(text)))
    assert locate(quote_of(text, start, stop), text) == Span(start, stop)


@given(st.text("ab .\n", max_size=30), st.text("ab .\n", max_size=30))
def test_words_are_found_when_text_comes_before_or_after_them(before: str, after: str) -> None:
    place = span("hypoplastic leukemia")
    quote = quote_of(TEXT, place.start, place.end)
    moved = locate(quote, before + TEXT + after)
    assert moved == Span(place.start + len(before), place.end + len(before))


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("He had fever. Then fever came back.", 19),  # the surroundings tell which
        ("Then\nFEVER came  back.", 5),  # case and white space may differ
        ("Only fever is left.", 5),  # the only place
        ("No pain.", None),
        ("A fever? Our fever!", None),  # neither is the one that was meant: not guessed
    ],
)
def test_words_in_a_changed_text(text: str, start: int | None) -> None:
    old = "Chills and fever at first. Then fever came back."
    found = locate(quote_of(old, 32, 37), text)
    assert (found and found.start) == start


# --- one decision -----------------------------------------------------------------------------------------------------

ROLE = {"label": "infection", "role": "complication", "assertion": "present"}


def test_a_decision_is_the_same_after_writing_and_reading() -> None:
    whole = [
        decision("corrected", words="infection", why="so", values={**ROLE, "concept": "ckv:x", "sites": ["knee"]}),
        decision("accepted", "outcome", "complete remission",
                 values={"category": "recovery", "duration": {"value": 2.5, "unit": "month"}, "duration_type": None}),
        decision("added", "link", type="after", from_=end("outcome", "complete remission"),
                 to=end("intervention", "vincristine")),
        decision("accepted", "patient", values={"age": {"value": 13, "unit": "year"}, "sex": "male"}),
        decision("accepted", "report", values={"cases": 1}),
        Decision(who="B", when="2024-05-02T00:00:00Z", what="withdrawn", undoes="0a1b"),
    ]  # fmt: skip
    for one in whole:
        again = decision_from_json(json.loads(json.dumps(decision_to_json(one))))
        assert again == dataclasses.replace(one, id=one.name)
        assert again.digest == one.digest


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"what": "maybe"}, "'what' must be one of"),
        ({"who": ""}, "'who'"),
        ({"who": "a\x1b[31m"}, "control characters"),
        ({"when": "yesterday"}, "'when'"),
        ({"kind": "fact"}, "'kind'"),
        ({"report": []}, "'report'"),
        ({"report": ["isbn:1"]}, "'report'"),
        ({"case": -1}, "'case'"),
        ({"case": True}, "'case'"),
        ({"quote": None}, "JSON object"),
        ({"quote": {"exact": ""}}, "'exact'"),
        ({"quote": {"exact": "x" * 5000}}, "'exact'"),
        ({"quote": {"exact": "x", "prefix": "y" * 99}}, "'prefix'"),
        ({"values": {"label": "x"}}, "must have role"),
        ({"values": {"label": "x", "role": "main"}}, "'role' must be one of"),
        ({"values": {"label": "x", "role": "primary", "kind": "drug"}}, "has no value 'kind'"),
        ({"values": {"label": "x", "role": "primary", "concept": "not a curie"}}, "'concept'"),
        ({"values": {"label": "x", "role": "primary", "sites": "knee"}}, "'sites'"),
        ({"values": []}, "JSON object"),
        ({"id": "../../x"}, "'id'"),
        ({"kind": "link", "type": "caused"}, "'type'"),
        ({"kind": "link", "type": "of", "from": {"kind": "condition"}}, "JSON object"),
        (
            {"kind": "outcome", "values": {"category": "recovery", "duration": {"value": "1", "unit": "month"}}},
            "number",
        ),
    ],
)
def test_what_is_no_decision_is_refused_in_words(change: dict[str, Any], says: str) -> None:
    row = decision_to_json(decision("accepted", words="infection", values=ROLE)) | change
    with pytest.raises(ReviewError, match=says):
        decision_from_json(row)


FIELDS = [*decision_to_json(decision("added", words="CD34")), "start", "exact"]


@settings(deadline=None, max_examples=30)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(FIELDS), inner),
    )
)
def test_anything_else_is_refused_too(data: Any) -> None:
    with pytest.raises(ReviewError):
        decision_from_json(data)


# --- the file ---------------------------------------------------------------------------------------------------------


def test_a_file_is_added_to_and_never_twice(tmp_path: Path) -> None:
    path = tmp_path / "new" / "curation.jsonl"
    assert read(path) == ()
    one, two = decision("rejected", words="infection"), decision("rejected", words="pancytopenia")
    assert (append(path, [one, one]), append(path, [one, two])) == (1, 1)
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")  # an editor may do that
    assert append(path, [decision("rejected", words="CD34", kind="finding")]) == 1
    assert [d.about for d in read(path)] == ["infection", "pancytopenia", "CD34"]


def test_half_a_character_is_kept(tmp_path: Path) -> None:
    quote = Quote("a\ud835b", 0, 3)
    append(tmp_path / "c.jsonl", [dataclasses.replace(decision("rejected", words="CD34"), quote=quote)])
    assert read(tmp_path / "c.jsonl")[0].quote == quote


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    append(path, [decision("rejected", words="infection")])
    path.write_text(path.read_text(encoding="utf-8") + "\n{]\n", encoding="utf-8")
    with pytest.raises(ReviewError, match="line 3: is no decision"):
        read(path)
    path.write_bytes(b"\xff")
    with pytest.raises(ReviewError, match="cannot be read"):
        read(path)


def test_a_decision_is_taken_back_and_the_taking_back_too() -> None:
    one = decision("rejected", words="infection")
    undo = Decision(who="B", when="2024-05-02T00:00:00Z", what="withdrawn", undoes=one.name)
    redo = Decision(who="A", when="2024-05-03T00:00:00Z", what="withdrawn", undoes=undo.name)
    assert in_effect([one]) == (one,)
    assert in_effect([undo, one]) == ()
    assert in_effect([one, undo, redo]) == (one,)


def test_decisions_belong_to_the_report_with_the_same_identifiers() -> None:
    one = decision("rejected", words="infection")
    curation = Curation([one])
    assert curation.of(["pmid:5", "title:00ff"]) == (one,)
    assert curation.of(["doi:10.1000/other", "title:00ff"]) == (), "one title, two reports"
    assert curation.of(["text:99"]) == ()


# --- applied ----------------------------------------------------------------------------------------------------------


def test_a_rejected_fact_is_gone_with_its_links() -> None:
    case = reviewed(decision("rejected", "intervention", "Etoposide"))
    assert [i.label for i in case.interventions] == ["combination chemotherapy", "vincristine"]
    assert (case.outcomes[0].after, case.outcomes[0].attributed_to, case.evidence) == (("i2",), (), ())


def test_a_corrected_fact_has_the_values_of_the_person() -> None:
    values = {"label": "aplastic anemia", "concept": "ckv:aplastic-anemia", "role": "primary", "sites": ["marrow"]}
    now = span("aplastic anemia")
    case = reviewed(
        decision("corrected", words="Severe aplastic anemia", now=quote_of(TEXT, now.start, now.end), values=values)
    )
    fact = case.conditions[1]
    assert (fact.id, fact.text, fact.label, fact.role) == ("c2", "aplastic anemia", "aplastic anemia", "primary")
    assert (fact.concept, fact.sites, fact.mentions) == ("ckv:aplastic-anemia", ("marrow",), (span("pancytopenia"),))


def test_an_added_fact_stands_in_its_place_in_the_story() -> None:
    case = reviewed(decision("added", words="pancytopenia", values={"label": "pancytopenia", "role": "presenting"}))
    assert case.conditions[0].label == "pancytopenia"
    assert len(case.conditions) == 4, "the mention of another fact stays one"


def test_what_was_decided_is_there_whatever_the_extractor_finds() -> None:
    values = {"category": "complete_remission", "duration": {"value": 12, "unit": "month"}, "duration_type": "lasted"}
    decisions = [
        decision("accepted", "outcome", "complete remission", values=values),
        decision("added", "intervention", "Etoposide", values={"label": "etoposide", "kind": "drug"}),
        decision("added", "link", type="attributed_to", from_=end("outcome", "complete remission"),
                 to=end("intervention", "Etoposide")),
    ]  # fmt: skip
    for cases in ((), (Case(id="case1"),), full_record().cases):
        case = reviewed(*decisions, record=CaseRecord(id="x", cases=cases, skip="series"))
        outcome = case.outcomes[0]
        drug = next(i for i in case.interventions if i.label == "etoposide")
        assert (outcome.category, outcome.duration, outcome.text) == (
            "complete_remission", Quantity(12, "month"), "complete remission",
        )  # fmt: skip
        assert drug.id in outcome.after and drug.id in outcome.attributed_to


def test_links_are_rejected_and_given_evidence() -> None:
    ends: dict[str, Any] = {"from_": end("outcome", "complete remission"), "to": end("intervention", "Etoposide")}
    case = reviewed(decision("rejected", "link", type="attributed_to", **ends))
    assert (case.outcomes[0].after, case.outcomes[0].attributed_to) == (("i2", "i3"), ())
    case = reviewed(decision("rejected", "link", type="after", **ends))
    assert (case.outcomes[0].after, case.outcomes[0].attributed_to) == (("i2",), ())
    regimen: dict[str, Any] = {
        "from_": end("intervention", "vincristine"),
        "to": end("intervention", "Combination chemotherapy"),
    }
    assert reviewed(decision("rejected", "link", type="part_of", **regimen)).interventions[1].part_of is None
    words = "Combination chemotherapy with vincristine 2 mg"
    given_for: dict[str, Any] = {
        "from_": end("intervention", "Etoposide"),
        "to": end("condition", "hypoplastic leukemia"),
    }
    case = reviewed(decision("added", "link", words, type="for", **given_for))
    assert case.interventions[2].for_ == ("c1",)
    assert TEXT[case.evidence[-1].start : case.evidence[-1].end] == words


def test_an_accepted_report_holds_what_was_decided_and_nothing_else() -> None:
    keep = decision(
        "accepted", words="hypoplastic leukemia", values={"label": "hypoplastic leukemia", "role": "primary"}
    )
    more = CaseRecord(id="x", cases=(*full_record().cases, Case(id="case2")))
    case = reviewed(keep, decision("accepted", "report", values={"cases": 1}), record=more)
    assert [e.text for e in case.episodes()] == ["hypoplastic leukemia"]
    assert len(review(more, TEXT, [decision("accepted", "report", values={"cases": 1})]).record.cases) == 1
    none = review(more, TEXT, [decision("rejected", "report")]).record
    assert (none.cases, none.skip) == ((), "rejected in review")


def test_the_patient_is_corrected() -> None:
    case = reviewed(decision("corrected", "patient", values={"age": {"value": 14, "unit": "year"}, "sex": "male"}))
    assert (case.patient.age, case.patient.age_group, case.patient.sex) == (Quantity(14, "year"), None, "male")
    assert (case.patient.age_span, case.patient.sex_span) == (None, span("boy"))


def test_what_has_no_place_is_said_and_changes_nothing() -> None:
    lost = dataclasses.replace(decision("rejected", words="CD34", kind="finding"), quote=Quote("cough", 3, 8))
    unknown = decision("added", words="boy", values={"label": "boy", "role": "primary", "concept": "ckv:boy"})
    nobody = decision("corrected", "patient", case=7)
    unlinked = decision("added", "link", type="for", from_=end("intervention", "boy"), to=end("condition", "marrow"))
    found = review(full_record(), TEXT, [lost, unknown, nobody, unlinked], {"ckv:etoposide"})
    assert [why for _, why in found.unplaced] == [
        "the text does not say 'cough' there any more",
        "no vocabulary holds ckv:boy",
        "there is no case 7",
        "there is no intervention 'boy' to link",
    ]
    assert found.record.cases == full_record().cases


def test_a_rejection_does_not_take_what_another_decision_put_there() -> None:
    """Added first, then an overlapping one rejected; a better extractor finds only what is right."""
    right = decision("added", words="aplastic anemia", values={"label": "aplastic anemia", "role": "revised"})
    wrong = decision(
        "rejected", words="Severe aplastic anemia", values={"label": "severe aplastic anemia", "role": "revised"}
    )
    place = span("aplastic anemia")
    better = Condition(id="c1", start=place.start, end=place.end, text="aplastic anemia", label="AA", role="primary")
    case = reviewed(right, wrong, record=CaseRecord(id="x", cases=(Case(id="case1", conditions=(better,)),)))
    assert [c.label for c in case.conditions] == ["aplastic anemia"]


WORDS = [TEXT[m.start : m.end] for m in (span("hypoplastic"), span("leukemia"), span("infection"), span("Etoposide"))]
KINDS: dict[str, dict[str, Any]] = {
    "condition": {"label": "x", "role": "primary"},
    "intervention": {"label": "y", "kind": "drug"},
    "outcome": {"category": "recovery"},
}
places = st.tuples(st.integers(0, 40), st.integers(1, 20)).map(lambda p: Span(2 * p[0], 2 * p[0] + p[1]))


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    what = draw(st.sampled_from(["accepted", "rejected", "corrected", "added"]))
    kind = draw(st.sampled_from([*KINDS, "link", "report", "patient"]))
    words = [quote_of(TEXT, p.start, p.end) for p in draw(st.tuples(places, places, places))]
    more: dict[str, Any] = {"quote": words[0] if kind in KINDS else None, "case": draw(st.integers(1, 2))}
    if kind == "link":
        type_, ends = draw(st.sampled_from([("for", ("intervention", "condition")), ("of", ("outcome", "condition")),
                                            ("after", ("outcome", "intervention")),
                                            ("attributed_to", ("outcome", "intervention")),
                                            ("part_of", ("intervention", "intervention"))]))  # fmt: skip
        more |= {"type": type_, "from_": End(ends[0], words[1]), "to": End(ends[1], words[2])}
    more["values"] = KINDS.get(kind, {"cases": draw(st.integers(0, 2))} if kind == "report" else {})
    if what == "corrected" and kind in KINDS:
        more["now"] = words[1]
    return decision(what, kind, **more)


@st.composite
def records(draw: st.DrawFn) -> CaseRecord:
    def many(make: Callable[[str, Span], Episode], letter: str) -> tuple[Any, ...]:
        return tuple(make(f"{letter}{n}", p) for n, p in enumerate(draw(st.lists(places, max_size=3)), 1))

    def at(id: str, p: Span) -> dict[str, Any]:
        return {"id": id, "start": p.start, "end": p.end, "text": TEXT[p.start : p.end]}

    def case(number: int) -> Case:
        conditions = many(lambda id, p: Condition(**at(id, p), label="x", role="primary"), "c")
        treated = tuple(c.id for c in conditions)[: draw(st.integers(0, 3))]
        drugs = many(lambda id, p: Intervention(**at(id, p), label="y", kind="drug", for_=treated), "i")
        ids = tuple(i.id for i in drugs)
        outcomes = many(lambda id, p: Outcome(**at(id, p), category="recovery", after=ids, attributed_to=ids[:1]), "o")
        return Case(id=f"case{number}", conditions=conditions, interventions=drugs, outcomes=outcomes)

    return CaseRecord(id="x", cases=tuple(case(n) for n in range(1, draw(st.integers(0, 2)) + 1)))


@settings(deadline=None, max_examples=50)
@given(records(), st.lists(decisions(), max_size=6))
def test_any_decisions_leave_a_sound_record(record: CaseRecord, made: list[Decision]) -> None:
    found = review(record, TEXT, made)
    if not made:
        assert found.record == record
    assert len(found.reviews) + len(found.unplaced) == len(made)
    for number, case in enumerate(found.record.cases, 1):
        ids = [e.id for e in case.episodes()]
        assert len(ids) == len({*ids})
        assert all(TEXT[e.start : e.end] == e.text for e in case.episodes())
        assert all(source.id in ids and target in ids and target != source.id for source, _, target in case.links())
        assert all({o.id, *o.after} >= {*o.attributed_to} for o in case.outcomes)
        assert all(r.about in {"", *ids} and r.target in {"", *ids} for r in found.reviews if r.case == number)
    by_fact = {(d.kind, d.case, d.quote, d.now): d for d in made}
    last = made[-1] if made else None
    if last and last.kind in KINDS and not any(d.kind == "report" for d in made) and len(by_fact) == len(made):
        shown = [r for r in found.reviews if r.decision is last]
        assert (shown[0].about == "") == (last.what == "rejected")


@settings(deadline=None, max_examples=50)
@given(records(), records(), decisions())
def test_one_decision_holds_over_any_extraction(one: CaseRecord, other: CaseRecord, made: Decision) -> None:
    """Applied to two different extractions it leaves the same fact in both, or in neither."""
    if made.kind not in KINDS:
        return
    for record in (one, other):
        found = review(record, TEXT, [made])
        place = made.now if made.now else made.quote
        assert place is not None
        facts = [e for c in found.record.cases for e in c.episodes() if (e.start, e.end) == (place.start, place.end)]
        if made.what != "rejected":
            assert any(getattr(e, "label", getattr(e, "category", "")) in {"x", "y", "recovery"} for e in facts)
        if made.what in {"accepted", "added"}:
            assert review(found.record, TEXT, [made]).record == found.record


# --- built ------------------------------------------------------------------------------------------------------------


def on_seed(out: Path, words: str, **more: Any) -> Decision:
    """A decision about words of the second seed report."""
    with open_store(out / "store", read_only=True) as store:
        report = Reports(store).named("004_85a81add77fe55b6")
        assert report is not None
        text = report.text
        keys = [
            q.object.value
            for q in store.quads(f"{report.iri}/graph")
            if q.predicate.value.endswith("#key") and hasattr(q.object, "value")
        ]
    start = text.index(words)
    return Decision(who="A. Reader", when="2024-05-01T12:00:00Z", report=tuple(sorted(keys)), case=1,
                    **{"quote": quote_of(text, start, start + len(words)), **more})  # fmt: skip


def states(out: Path) -> dict[str, str]:
    """Label of each fact that was decided on, with its state."""
    with open_store(out / "store", read_only=True) as store:
        assert validate(store).conforms
        rows = store.query(
            "PREFIX casekg: <https://w3id.org/casekg/ontology#> PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>"
            "SELECT ?label ?state { ?fact casekg:reviewState ?s . BIND(REPLACE(STR(?s), '.*/', '') AS ?state)"
            " OPTIONAL { ?fact rdfs:label ?own } BIND(COALESCE(?own, '') AS ?label) }"
        )
        return {str(row["label"].value): str(row["state"].value) for row in rows}  # type: ignore[union-attr]


def test_decisions_survive_builds_and_are_undone(seeds: Path, tmp_path: Path) -> None:
    out, reports = tmp_path / "out", tmp_path / "reports"
    shutil.copytree(seeds, reports)
    build([reports], out)
    with open_store(out / "store", read_only=True) as store:
        before = {e.label for r in Reports(store) for c in r.cases for e in c.episodes}
    assert "etoposide" in before
    wrong = on_seed(out, "etoposide", what="rejected", kind="intervention", values={"label": "etoposide"})
    right = on_seed(out, "pancytopenia", what="corrected", kind="condition",
                    values={"label": "pancytopenia", "role": "comorbidity", "concept": "ckv:pancytopenia"})  # fmt: skip
    append(out / "curation.jsonl", [wrong, right])
    again = build([reports], out)
    assert (again.extracted, again.unchanged, again.unplaced) == (1, 1, []), "one decided report costs one report"
    assert states(out) == {"pancytopenia": "corrected"}
    with open_store(out / "store", read_only=True) as store:
        assert "etoposide" not in {e.label for r in Reports(store) for c in r.cases for e in c.episodes}
    with open_store(out / "store", read_only=True) as store:
        told = ask(store, "reviews", {"who": "A. Reader"}).to_dicts()
    assert [(row["decision"], row["what"], bool(row["fact"])) for row in told] == [
        ("corrected", "corrected condition pancytopenia", True), ("rejected", "rejected intervention etoposide", False),
    ]  # fmt: skip
    assert build([reports], out).extracted == 0
    fresh = tmp_path / "fresh"  # another folder, from nothing, with the decisions beside the reports
    kept = shutil.copy(out / "curation.jsonl", reports)
    assert not build([reports], fresh, curation=kept).failed
    Path(kept).unlink()
    with open_store(out / "store", read_only=True) as one, open_store(fresh / "store", read_only=True) as other:
        assert len(diff(one, other)) == 0
    undo = [Decision(who="B", when="2024-06-01T00:00:00Z", what="withdrawn", undoes=d.name) for d in (wrong, right)]
    append(out / "curation.jsonl", undo)
    assert build([reports], out).extracted == 1
    assert states(out) == {}
    with open_store(out / "store", read_only=True) as store:
        assert {e.label for r in Reports(store) for c in r.cases for e in c.episodes} == before


def test_a_build_of_other_files_leaves_the_decision_for_the_next(seeds: Path, tmp_path: Path) -> None:
    out, reports = tmp_path / "out", tmp_path / "reports"
    shutil.copytree(seeds, reports)
    build([reports], out)
    append(out / "curation.jsonl", [on_seed(out, "etoposide", what="rejected", kind="intervention")])
    other = tmp_path / "other.txt"
    other.write_text("A woman had gout.", encoding="utf-8")
    build([other], out)
    assert build([reports], out).extracted == 1


def test_a_curation_file_that_is_missing_or_bad_is_refused(seeds: Path, tmp_path: Path) -> None:
    with pytest.raises(ReviewError, match="no such curation file"):
        build([seeds], tmp_path / "out", curation=tmp_path / "none.jsonl")
    (tmp_path / "bad.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(ReviewError, match="line 1"):
        build([seeds], tmp_path / "out", curation=tmp_path / "bad.jsonl")


# --- two reviewers, and gold ------------------------------------------------------------------------------------------


def test_kappa_is_that_of_the_textbook() -> None:
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert kappa(pairs) == pytest.approx(0.4)
    assert kappa([]) is None and kappa([("a", "a")]) is None
    assert kappa([("a", "b"), ("b", "a")]) == -1


def test_two_reviewers_agree_as_far_as_they_do() -> None:
    def by(who: str, what: str, words: str, kind: str = "condition", **more: Any) -> Decision:
        values = {"cases": 1} if kind == "report" else ROLE | {"label": words}
        return decision(what, kind, words or None, who=who, values=values, **more)

    made = [
        *(by("A", "accepted", w) for w in ("infection", "pancytopenia")), by("A", "rejected", "marrow"),
        *(by("B", "accepted", w) for w in ("infection", "marrow")), by("B", "rejected", "boy"),
        by("A", "accepted", "", "report"), by("B", "accepted", "", "report"), by("C", "accepted", "CD34"),
    ]  # fmt: skip
    found = list(agreement(made, lambda key: TEXT))
    assert [(a.one, a.other) for a in found] == [("A", "B")]
    assert sorted(found[0].decisions["condition"]) == [("accepted", "accepted"), ("rejected", "accepted")]
    assert found[0].reports == 1
    row = found[0].scores["conditions"]
    assert (row.both, row.gold, row.found) == (1, 2, 2)


def test_the_commands_move_compare_and_write_gold(built: Path, seeds: Path, tmp_path: Path) -> None:
    mine, gold = tmp_path / "mine.jsonl", tmp_path / "gold.jsonl"
    fact = on_seed(
        built, "etoposide", what="accepted", kind="intervention", values={"label": "etoposide", "kind": "drug"}
    )
    whole = dataclasses.replace(fact, kind="report", quote=None, values={"cases": 1})
    append(mine, [fact, whole, dataclasses.replace(fact, who="B. Reader"), dataclasses.replace(whole, who="B. Reader")])
    theirs = tmp_path / "theirs.jsonl"
    kg("review", "import", mine, "--curation", theirs)
    kg("review", "import", mine, "--curation", theirs)
    assert theirs.read_bytes() == mine.read_bytes()
    assert "etoposide" in kg("review", "list", "--curation", theirs, "--format", "md").stdout
    one = kg("review", "export", "--curation", theirs, "--who", "B. Reader").stdout
    assert [json.loads(line)["kind"] for line in one.splitlines()] == ["intervention", "report"]
    table = json.loads(kg("review", "agreement", "--curation", theirs, "--store", built, "--format", "json").stdout)
    assert {row["what"]: row["f1"] for row in table}["whole reports: interventions"] == 1
    kg("review", "gold", seeds, "--curation", theirs, "-o", gold)
    annotated = read_gold(gold)
    assert [[i.label for i in c.interventions] for r in annotated.values() for c in r.cases] == [["etoposide"]]
    assert (
        evaluate(annotated, [CaseRecord(id=k, cases=r.cases) for k, r in annotated.items()]).rows["conditions"].f1 == 0
    )
