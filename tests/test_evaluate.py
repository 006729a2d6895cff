"""Scores against the shared scorer, kinds of mistake, and reports side by side."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kg.errors import SourceError
from kg.evaluate import (
    ROWS,
    GoldReport,
    Score,
    evaluate,
    mistakes_of,
    ranking,
    read_gold,
    side_by_side,
    side_by_side_html,
)  # fmt: skip
from kg.model import CaseRecord, record_from_json

TEXT = (
    "A 13-year-old boy had severe aplastic anemia. He received antithymocyte globulin and cyclosporin A. "
    "A response was obtained within 2 weeks. The disease recurred 5 months later. He had no fever."
)


def span(words: str) -> dict[str, Any]:
    start = TEXT.index(words)
    return {"start": start, "end": start + len(words), "text": words}


def entity(key: str, words: str, label: str, **more: Any) -> dict[str, Any]:
    return {"id": key, **span(words), "label": label, **more}


def case(**changes: Any) -> dict[str, Any]:
    """The annotated case of TEXT; ``changes`` replace keys."""
    response = {"id": "o1", **span("A response was obtained"), "category": "improvement"}
    relapse = {"id": "o2", **span("recurred"), "category": "relapse", "of": ["c1"], "after": [], "duration": None}
    return {
        "patient": {"age": {"value": 13, "unit": "year"}, "age_group": None, "sex": "male"},
        "conditions": [entity("c1", "severe aplastic anemia", "severe aplastic anemia", role="primary")],
        "interventions": [
            entity("i1", "antithymocyte globulin", "antithymocyte globulin", kind="drug", **{"for": ["c1"]}),
            entity("i2", "cyclosporin A", "cyclosporine", kind="drug", **{"for": ["c1"]}),
        ],
        "outcomes": [
            {**response, "of": ["c1"], "after": ["i1", "i2"], "duration": {"value": 2, "unit": "week"}},
            relapse,
        ],
        **changes,
    }


def gold(**changes: Any) -> dict[str, GoldReport]:
    record = record_from_json({"id": "x", "cases": [case(**changes)]})
    return {"x": GoldReport("x", record.cases, TEXT, "heme")}


def record(*cases: dict[str, Any]) -> CaseRecord:
    return record_from_json({"id": "x", "cases": list(cases)})


def kinds(*cases: dict[str, Any]) -> list[str]:
    return [m.kind for m in mistakes_of(gold()["x"], record(*cases))]


def test_the_same_facts_score_one() -> None:
    result = evaluate(gold(), [record(case())])
    assert result.core() == result.core("heme") == 1.0
    for name in ROWS:
        score = result.rows[name]
        assert score.both == score.gold == score.found and (score.f1 == 1.0 or name == "age group")
    assert kinds(case()) == []


def test_nothing_extracted() -> None:
    result = evaluate(gold(), [])
    assert (result.documents, result.missing, result.core()) == (1, 1, 0.0)
    assert result.rows["conditions"] == Score(0, 1, 0) and result.rows["conditions"].precision == 0.0
    assert result.worst == [(0.0, "x")]
    assert "case missed" in kinds()


def test_two_years_are_24_months() -> None:
    months = {**case()["outcomes"][0], "duration": {"value": 14, "unit": "day"}}
    result = evaluate(gold(), [record(case(outcomes=[months, case()["outcomes"][1]]))])
    assert result.rows["duration"] == Score(1, 1, 1)


def test_what_is_not_present_counts_for_nothing() -> None:
    fever = {"id": "c9", **span("fever"), "label": "fever", "role": "presenting", "assertion": "absent"}
    found = case(conditions=[*case()["conditions"], fever])
    assert evaluate(gold(), [record(found)]).rows["conditions"] == Score(1, 1, 1)
    assert kinds(found) == []


def test_report_without_cases_counts_only_in_the_row_of_cases() -> None:
    series = {"x": GoldReport("x", (), TEXT, None, "series")}
    result = evaluate(series, [record(case())])
    assert result.documents == 0 and result.rows["cases"] == Score(0, 0, 1) and result.rows["conditions"] == Score()
    assert [m.kind for m in mistakes_of(series["x"], record(case()))] == ["case spurious"]


LONG = "anemia. He received antithymocyte globulin and cyclosporin A. A response was obtained"


@pytest.mark.parametrize(
    ("key", "item", "wanted"),
    [
        ("conditions", {"role": "comorbidity"}, ["role wrong"]),
        ("conditions", {"assertion": "possible"}, ["condition with wrong assertion"]),
        ("conditions", {"label": "anemia", **span(LONG)}, ["condition with wrong span"]),
        ("interventions", {"kind": "supportive"}, ["kind wrong"]),
        ("interventions", {"for": []}, ["link for missed"]),
        ("outcomes", {"category": "partial_response"}, ["outcome of wrong category"]),
        ("outcomes", {"duration": None}, ["duration missed"]),
        ("outcomes", {"duration": {"value": 3, "unit": "week"}}, ["duration wrong"]),
        ("outcomes", {"after": ["i1"]}, ["link after missed"]),
    ],
    ids=lambda v: str(v)[:30],
)
def test_kinds_of_mistake(key: str, item: dict[str, Any], wanted: list[str]) -> None:
    items = case()[key]
    found = kinds(case(**{key: [{**items[0], **item}, *items[1:]]}))
    assert [kind for kind in found if "with an end" not in kind] == wanted


def test_missed_spurious_and_listed_twice() -> None:
    one = case()["interventions"]
    fever = entity("i4", "fever", "fever", kind="other")
    found = case(interventions=[*one, {**one[0], "id": "i3", "for": []}, fever])
    assert kinds(found) == ["intervention listed twice", "intervention spurious"]
    less = case(interventions=one[:1])
    less["outcomes"][0]["after"] = ["i1"]
    assert kinds(less) == ["intervention missed", "link for missed with an end", "link after missed with an end"]
    other = entity("c2", "cyclosporin A", "x", role="complication")
    assert "intervention taken for another type" in kinds({**less, "conditions": [*less["conditions"], other]})


def test_ranking_counts_and_gives_examples() -> None:
    mistakes = [m for _ in range(3) for m in mistakes_of(gold()["x"], record(case(conditions=[])))]
    [first, *_] = ranking(mistakes, examples=2)
    assert first.count == max(k.count for k in ranking(mistakes))
    missed = next(k for k in ranking(mistakes) if k.kind == "condition missed")
    assert missed.count == 3 and missed.details == (("primary", 3),)
    assert [e.text for e in missed.examples] == ["severe aplastic anemia"]
    assert missed.examples[0].sentence == "A 13-year-old boy had severe aplastic anemia."


def test_side_by_side_as_text() -> None:
    worse = case(conditions=[{**case()["conditions"][0], "role": "comorbidity"}], outcomes=case()["outcomes"][:1])
    shown = side_by_side(gold()["x"], record(worse), width=100)
    assert max(map(len, shown.splitlines())) <= 100
    assert re.search(r"^= 13 year, male +\| 13 year, male$", shown, re.MULTILINE)
    assert re.search(
        r"^~ severe aplastic anemia \[primary\] +\| severe aplastic anemia \[comorbidity\]$", shown, re.MULTILINE
    )
    assert re.search(r'^- relapse "recurred"; of severe aplastic anemia +\|$', shown, re.MULTILINE)
    assert "after antithymocyte globulin, cyclosporine" in " ".join(shown.split())
    assert "cases: series" in side_by_side(GoldReport("x", skip="series"), None)


def test_side_by_side_as_a_page_is_escaped_and_alone() -> None:
    evil = "<script>alert(1)</script> & anemia"
    item = {"id": "c1", "start": 0, "end": len(evil), "text": evil, "label": evil, "role": "primary"}
    found = record_from_json({"id": evil, "cases": [{"conditions": [item]}]})
    page = side_by_side_html(GoldReport(evil, found.cases, evil), found)
    assert "<script" not in page and "&lt;script&gt;" in page and "default-src 'none'" in page
    assert not re.search(r"(src|href)=", page)
    page = side_by_side_html(gold()["x"], record(case()))
    assert "".join(re.findall(r">([^<]*)<", page[page.index('class="text"') : page.index("<h2>")])).strip() == TEXT
    assert '<span class="gold found">severe aplastic anemia</span>' in page


def test_gold_that_is_wrong_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps({"id": "x", "text": "", "cases": []}) + "\n\n{broken\n")
    with pytest.raises(SourceError, match=r"gold\.jsonl, line 3: is not an annotated report"):
        read_gold(path)
    path.write_text(json.dumps({"id": "x", "text": "Other text.", "cases": [case()]}))
    with pytest.raises(SourceError, match=r"line 1: the offsets of c1 do not give 'severe aplastic anemia'"):
        read_gold(path)
    with pytest.raises(SourceError, match="cannot be read"):
        read_gold(tmp_path / "none.jsonl")


# --- the shared scorer ---------------------------------------------------------------------------------------------


CODES = {"role": ["primary", "relapse"], "kind": ["drug", "other"], "category": ["death", "recovery", "relapse"]}


def spoilt(row: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """A prediction made from an annotation: facts dropped, moved, doubled, changed, links cut and drawn."""
    cases = json.loads(json.dumps(row["cases"]))
    for one in cases:
        for key in ("conditions", "interventions", "outcomes"):
            one[key] = [item for item in one[key] if rng.random() > 0.2]
            for item in list(one[key]):
                if rng.random() < 0.3:
                    item["start"] = max(0, item["start"] + rng.randint(-15, 15))
                    item["end"] = max(item["start"] + 1, min(item["end"] + rng.randint(-15, 40), len(row["text"])))
                if rng.random() < 0.1:
                    item["mentions"] = [{"start": item["start"] + 50, "end": item["end"] + 50}]
                if rng.random() < 0.1:
                    item["assertion"] = rng.choice(["present", "absent", "possible"])
                if rng.random() < 0.15:
                    one[key].append({**item, "id": item["id"] + "x"})
                if "label" in item and rng.random() < 0.2:
                    item["label"] = rng.choice(["anemias", item["label"].upper() + "s", ""])
                for name, values in CODES.items():
                    if name in item and rng.random() < 0.15:
                        item[name] = rng.choice(values)
                if item.get("duration") and rng.random() < 0.3:
                    item["duration"] = rng.choice([None, {"value": 2, "unit": "year"}, {"value": 24, "unit": "month"}])
        known = [item["id"] for key in ("conditions", "interventions") for item in one[key]] + ["gone"]
        for item in one["interventions"] + one["outcomes"]:
            for field in ("for", "of", "after"):
                if field in item:
                    item[field] = [ref for ref in item[field] if rng.random() > 0.2]
                    if rng.random() < 0.2:
                        item[field].append(rng.choice(known))
        if rng.random() < 0.2:
            one["patient"] = {
                "age": rng.choice([None, {"value": 24, "unit": "month"}]),
                "age_group": "child",
                "sex": None,
            }
    if cases and rng.random() < 0.1:
        cases.append(cases[0])
    if cases and rng.random() < 0.05:
        cases.pop()
    if row.get("skip") and rng.random() < 0.5:
        cases = [{"patient": {}, "conditions": [], "interventions": [], "outcomes": []}]
    return {"id": row["id"], "cases": cases}


def shared_scores(shared: Path, gold_path: Path, found: Path) -> tuple[dict[str, list[str]], str, list[str]]:
    command = [sys.executable, str(shared / "gold" / "score.py"), str(gold_path), str(found), "--worst", "10"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = {line[:14].strip(): line[14:].split() for line in printed.splitlines()[2:] if line[:14].strip() in ROWS}
    [core] = re.findall(r"core F1 .*: ([\d.]+)", printed)
    return rows, core, re.findall(r"^worst (\S+)", printed, re.MULTILINE)


@pytest.mark.parametrize("seed", [1, 2])
def test_scores_equal_those_of_the_shared_scorer(shared: Path, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    source = shared / "gold" / "dev.jsonl"
    rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    found = [spoilt(row, rng) for row in rows if rng.random() > 0.05]
    path = tmp_path / "found.jsonl"
    path.write_text("\n".join(map(json.dumps, found)) + "\n")
    wanted, core, worst = shared_scores(shared, source, path)
    result = evaluate(read_gold(source), map(record_from_json, found))
    for name, numbers in wanted.items():
        score = result.rows[name]
        ours = [f"{score.precision:.3f}", f"{score.recall:.3f}", f"{score.f1:.3f}", str(score.gold), str(score.found)]
        assert ours == numbers, name
    assert f"{result.core():.3f}" == core
    assert [key for _, key in result.worst[:10]] == worst
    assert result.missing == len(rows) - len(found)
    assert list(result.strata) == ["general", "heme", "onc"]
    for name in ROWS:
        assert sum(rows[name].gold for rows in result.strata.values()) == result.rows[name].gold


def test_mistakes_add_up(shared: Path) -> None:
    """Every annotated fact that is not matched, and every extracted one, is in exactly one mistake."""
    rng = random.Random(3)
    gold_reports = read_gold(shared / "gold" / "dev.jsonl")
    source = (shared / "gold" / "dev.jsonl").read_text(encoding="utf-8")
    records = {r.id: r for r in (record_from_json(spoilt(json.loads(line), rng)) for line in source.splitlines())}
    result = evaluate(gold_reports, records.values())
    mistakes = [m for key, report in gold_reports.items() for m in mistakes_of(report, records[key])]
    count = {k.kind: k.count for k in ranking(mistakes)}
    for name in ("role", "kind"):
        assert count[f"{name} wrong"] == result.rows[name].gold - result.rows[name].both
    for name in ("condition", "intervention", "outcome"):
        score = result.rows[f"{name}s"]
        more = (f"{name} spurious", f"{name} listed twice")
        lost = sum(n for kind, n in count.items() if kind.startswith(f"{name} ") and kind not in more)
        assert lost == score.gold - score.both
    for name in ("link for", "link of", "link after"):
        score = result.rows[name]
        assert score.gold - score.both == sum(n for kind, n in count.items() if kind.startswith(f"{name} missed"))
