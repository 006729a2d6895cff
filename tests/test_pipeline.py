"""The build on real files: what it reads again, what it leaves, what it removes, and that it gives the same bytes."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from kg import KGError, build, export, open_store, validate
from kg.cli import summary
from kg.errors import ShapeError
from kg.query import ask


@pytest.fixture
def reports(tmp_path: Path, seeds: Path) -> Path:
    folder = tmp_path / "reports"
    shutil.copytree(seeds, folder)
    (folder / "more.jsonl").write_text(
        "".join(
            json.dumps({"id": f"r{n}", "title": f"Report {n}", "text": f"A {20 + n}-year-old man had pneumonia {n}."})
            + "\n"
            for n in range(3)
        ),
        encoding="utf-8",
    )
    return folder


def ids(out: Path) -> list[str]:
    with open_store(out / "store", read_only=True) as store:
        return sorted({str(row["id"]) for row in ask(store, "cases")})


def dump(out: Path, format: str = "nq") -> bytes:
    path = out.with_suffix(f".{format}")
    with open_store(out / "store", read_only=True) as store, path.open("wb") as sink:
        export(store, sink, format)
    return path.read_bytes()


def test_unchanged_input_is_not_extracted_again(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = build([reports], out)
    assert (first.read, first.extracted, first.unchanged, first.failed) == (5, 5, 0, [])
    before = dump(out)
    second = build([reports], out)
    assert (second.read, second.extracted, second.unchanged) == (5, 0, 5)
    assert dump(out) == before


def test_unchanged_is_known_from_the_graph_even_without_the_list_of_inputs(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build([reports], out)
    (out / "inputs.json").write_text("not json", encoding="utf-8")
    again = build([reports], out)
    assert (again.extracted, again.unchanged) == (0, 5)


def test_only_the_changed_report_is_extracted_and_the_gone_one_leaves(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build([reports], out)
    lines = (reports / "more.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (reports / "more.jsonl").write_text(lines[0] + lines[1].replace("pneumonia", "severe pneumonia"), encoding="utf-8")
    changed = build([reports], out)
    assert (changed.extracted, changed.unchanged, changed.removed) == (1, 3, 2)  # the changed text is another report
    (reports / "more.jsonl").unlink()
    gone = build([reports], out)
    assert (gone.removed, gone.extracted) == (2, 0)
    assert ids(out) == ["000_9890254692961409", "004_85a81add77fe55b6"]


def test_what_came_from_elsewhere_stays(reports: Path, tmp_path: Path, seeds: Path) -> None:
    out = tmp_path / "out"
    build([reports], out)
    build([seeds], out)
    assert "r0" in ids(out)


def test_copies_join_the_report_stored_first(tmp_path: Path) -> None:
    row = {"id": "a", "title": "One course", "doi": "10.1000/x", "text": "A woman had anemia."}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    row |= {"id": "b", "pmid": "7", "text": "A woman had anemia and recovered."}
    (tmp_path / "b.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    built = build([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], out)
    assert built.extracted == 1
    assert len(built.copies) == 1
    assert ids(out) == ["a"]
    (tmp_path / "a.jsonl").unlink()
    built = build([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], out)
    assert ids(out) == ["b"], "the copy that is left takes the place"


def test_two_builds_and_any_number_of_processes_give_the_same_bytes(tmp_path: Path, seeds: Path) -> None:
    many = tmp_path / "many.jsonl"
    text = "A {}-year-old woman with acute myeloid leukemia received cytarabine and achieved complete remission."
    rows = [{"id": f"m{n}", "title": f"T{n}", "text": text.format(n)} for n in range(20, 90)]
    many.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    found = [build([seeds, many], tmp_path / name, jobs=jobs).validation for name, jobs in (("one", 1), ("two", 2))]
    for form in ("ttl", "trig", "nq"):
        assert dump(tmp_path / "one", form) == dump(tmp_path / "two", form)
    assert found[0] and found[0].checked == 73 and found[0].counts["Warning"] > 70
    assert found[0] == found[1] == validate(tmp_path / "one"), "checked where it was made, as from the store"


def test_a_rule_that_cannot_be_applied_is_said_when_all_is_stored(
    tmp_path: Path, seeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ShapeError("The shapes cannot be used.")

    monkeypatch.setattr(sys.modules["kg.validate"], "check", refuse)  # kg.validate is the function
    with pytest.raises(ShapeError):
        build([seeds], tmp_path / "out")
    monkeypatch.undo()
    assert ids(tmp_path / "out") == ["000_9890254692961409", "004_85a81add77fe55b6"]
    again = build([seeds], tmp_path / "out")
    assert again.unchanged == 2 and again.validation and again.validation.checked == 3


def test_one_bad_file_among_good_ones_is_named_and_the_rest_goes_on(reports: Path, tmp_path: Path) -> None:
    (reports / "bad.txt").write_bytes(b"caf\xe9 \xff\xfe")
    (reports / "empty.txt").write_bytes(b"")
    (reports / "broken.jsonl").write_text('{"id": "ok", "text": "A man had gout."}\n{"id": \n', encoding="utf-8")
    out = tmp_path / "out"
    built = build([reports, tmp_path / "missing"], out)
    assert {Path(name.split(",")[0].split(" ")[0]).name.partition(":")[0] for name, _ in built.failed} == {
        "bad.txt",
        "empty.txt",
        "broken.jsonl",
        "missing",
    }
    assert "ok" in ids(out)
    assert len(build([reports], out).failed) == 3, "a fault is said again in the next build"


@pytest.mark.skipif(sys.platform != "linux", reason="files of these kinds and names")
def test_pipes_links_in_a_circle_and_names_that_are_not_utf_8(tmp_path: Path) -> None:
    folder, out = tmp_path / "reports", tmp_path / "out"
    folder.mkdir()
    os.mkfifo(folder / "pipe.txt")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    name = folder / os.fsdecode(b"M\xe4nner.txt")
    name.write_text("A 40-year-old man had acute myeloid leukemia and died.")
    built = build([folder], out)
    assert (built.extracted, [why.split(";")[0] for _, why in built.failed]) == (
        1, ["cannot be reached (Too many levels of symbolic links).", "is a device or pipe, not a file"],
    )  # fmt: skip
    assert ids(out) == ["M\N{REPLACEMENT CHARACTER}nner"]
    assert build([folder], out).unchanged == 1
    with open_store(out / "store", read_only=True) as store:
        summary.show(built, store, out, json=False)


def test_a_page_that_is_no_case_report_is_kept_without_cases(tmp_path: Path) -> None:
    page = tmp_path / "review.txt"
    page.write_text(
        "Trends in transfusion\n\nWe reviewed 412 patients treated in 12 centres between 1990 and 2000. "
        "Transfusion practice varies widely between centres.\n",
        encoding="utf-8",
    )
    out = tmp_path / "out"
    built = build([page], out)
    assert built.skipped
    with open_store(out / "store", read_only=True) as store:
        assert {row["what"]: row["count"] for row in ask(store, "summary")}["reports"] == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_cannot_be_written(tmp_path: Path, seeds: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(KGError, match="cannot be written"):
        build([seeds], locked / "out")


def test_output_that_is_a_file_is_refused_in_one_sentence(tmp_path: Path, seeds: Path) -> None:
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(KGError, match="cannot be written"):
        build([seeds], tmp_path / "out")


def test_another_base_needs_another_folder(tmp_path: Path, seeds: Path) -> None:
    build([seeds], tmp_path / "out", base="https://example.net/id/")
    assert b"<https://example.net/id/text/" in dump(tmp_path / "out")
    with pytest.raises(KGError, match="base"):
        build([seeds], tmp_path / "out")


def test_a_store_holds_the_concepts_that_its_reports_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A man of 40 presented with gout. He was treated with CHOP.", encoding="utf-8")
    out = tmp_path / "out"
    build([tmp_path / "a.txt"], out)
    with open_store(out / "store", read_only=True) as store:
        answer = dump(out)
        assert 1000 < len(store) < 10_000
    for concept in ("gout", "conditions", "doxorubicin"):  # a parent scheme, and a part of the regimen
        assert f"<https://w3id.org/casekg/vocab/{concept}> <http://www.w3.org/1999/02".encode() in answer
    (tmp_path / "b.txt").write_text("A 30-year-old woman presented with measles. She recovered.", encoding="utf-8")
    validation = build([tmp_path / "b.txt"], out).validation
    assert validation and validation.conforms
    assert b"vocab/measles> <http://www.w3.org/1999/02" in dump(out)
    (tmp_path / "b.txt").unlink()
    build([tmp_path / "b.txt", tmp_path / "a.txt"], out)
    assert dump(out) == answer, "what no report names any more is not exported"


def test_other_vocabularies_leave_the_concepts_of_reports_from_elsewhere(tmp_path: Path) -> None:
    for name, disease in (("a", "gout"), ("b", "zorgon fever")):
        text = f"A 40-year-old man presented with {disease}. He recovered."
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    (tmp_path / "own.tsv").write_text("DOID:1\tZorgon fever\n", encoding="utf-8")
    out = tmp_path / "out"
    build([tmp_path / "a.txt"], out)
    build([tmp_path / "b.txt"], out, vocabularies=[tmp_path / "own.tsv"])
    exported = dump(out)
    assert b'"gout"@en' in exported and b'"Zorgon fever"@en' in exported
