"""One report, many copies: what is joined, what each copy says, what is only flagged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kg import build, open_store
from kg.cli import summary
from kg.pipeline import Build
from kg.query import ask

ONE = {"id": "a", "title": "One course", "authors": ["A B"], "year": "2003", "doi": "10.1000/x"}
ILL = "A 40-year-old woman had acute myeloid leukemia. She received cytarabine and reached complete remission."


class Folder:
    """Files of one report each, and the store built from them in their order."""

    def __init__(self, path: Path) -> None:
        self.path, self.out = path, path / "out"

    def write(self, name: str, **record: Any) -> None:
        (self.path / f"{name}.jsonl").write_text(
            json.dumps({"id": name, "text": ILL, **record}) + "\n", encoding="utf-8"
        )

    def build(self) -> Build:
        return build(sorted(self.path.glob("*.jsonl")), self.out)

    def ask(self, name: str) -> list[dict[str, Any]]:
        with open_store(self.out / "store", read_only=True) as store:
            return ask(store, name).to_dicts()

    def graphs(self, mark: str) -> list[str]:
        with open_store(self.out / "store", read_only=True) as store:
            return [g for g in store.graphs() if mark in g]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_copies_are_kept_compared_and_joined_by_what_they_add(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.write("a", **ONE)
    folder.write("b", **ONE | {"id": "b", "title": "One  Course.", "pmid": "7", "year": "2004"}, text=ILL + " Well.")
    folder.write("c", pmid="7", title="Another title")
    built = folder.build()
    assert (built.read, built.extracted, len(built.copies)) == (3, 1, 2)
    assert [(r["id"], r["copy"], r["differs"], r["says"], r["copy_says"]) for r in folder.ask("copies")] == [
        ("a", "b", "year", "2003", "2004"),
        ("a", "c", "title", "One course", "Another title"),
    ]
    assert built.validation and built.validation.conforms
    assert [r.message for r in built.validation.results if r.shape == "copies-disagree"] == [
        "Its copy b has the year '2004', not '2003'.",
        "Its copy c has the title 'Another title', not 'One course'.",
    ]
    with open_store(folder.out / "store", read_only=True) as store:
        summary.show(built, store, folder.out, json=False)
    assert "differs: b: copy of a, has the year '2004', not '2003'" in capsys.readouterr().out
    again = folder.build()
    assert (again.extracted, again.unchanged, len(again.copies)) == (0, 1, 2)
    assert len(folder.graphs("/copy/")) == 2


def test_a_copy_takes_the_place_of_a_report_that_is_gone(folder: Folder) -> None:
    folder.write("a", **ONE)
    folder.write("b", **ONE | {"id": "b", "pmid": "7"})
    folder.write("c", **ONE | {"id": "c"})
    folder.build()
    [before] = [g for g in folder.graphs("doi") if "/copy/" not in g]
    (folder.path / "a.jsonl").unlink()
    built = build([folder.path], folder.out)
    assert (built.extracted, len(built.copies)) == (1, 1)
    assert [g for g in folder.graphs("doi") if "/copy/" not in g] == [before], "a stored name never changes"
    assert [r["copy"] for r in folder.ask("copies")] == ["c"]
    (folder.path / "c.jsonl").unlink()
    build([folder.path], folder.out)
    assert folder.graphs("/copy/") == []


def test_word_for_word_copies_are_counted_each(folder: Folder) -> None:
    for name in ("a", "b", "c"):
        folder.write(name, **ONE | {"id": "same"})
    assert len(folder.build().copies) == 2
    assert len(folder.graphs("/copy/")) == 2
    (folder.path / "b.jsonl").unlink()
    built = build([folder.path], folder.out)
    assert len(built.copies) == 1 and len(folder.graphs("/copy/")) == 1


def test_one_title_with_other_identifiers_is_flagged_not_merged(folder: Folder) -> None:
    folder.write("a", **ONE)
    folder.write("b", **ONE | {"id": "b", "doi": "10.1101/preprint"})
    built = folder.build()
    assert (built.extracted, built.copies) == (2, [])
    assert built.validation and built.validation.conforms
    assert [r.shape for r in built.validation.results if r.shape.startswith(("copies", "titles"))] == ["titles-twice"]


def test_a_copy_that_bridges_two_reports_is_a_violation(folder: Folder) -> None:
    folder.write("a", **ONE)
    folder.write("b", pmid="7", title="Another", authors=["C D"])
    folder.write("c", **ONE | {"id": "c", "pmid": "7"})
    built = folder.build()
    assert built.extracted == 2 and built.validation and not built.validation.conforms
    assert "shares the key pmid:7 with" in "".join(r.message for r in built.validation.results)


def test_reports_of_one_patient_are_flagged_not_merged(folder: Folder) -> None:
    about = {"authors": ["A B", "C D"], "affiliations": ["Northern Example Hospital"]}
    folder.write("a", title="Remission", pmid="1", **about)
    folder.write("b", title="A later look", pmid="2", **about)
    folder.write("c", title="Somebody else", pmid="3", authors=["C D"], text=ILL.replace("40", "41"))
    folder.write("d", title="Elsewhere", pmid="4", authors=["E F"])
    assert folder.build().extracted == 4
    [pair] = folder.ask("same-patient")
    assert (pair["id"], pair["other_id"], pair["sex"], pair["in_common"]) == ("a", "b", "female", 3)


def test_patients_of_one_article_in_rows_of_their_own_are_all_kept(folder: Folder) -> None:
    about = {"pmid": "33492400", "title": "Two women", "authors": ["A B"]}
    folder.write("a", **about | {"id": "7665777-1"})
    folder.write("b", **about | {"id": "7665777-2"}, text=ILL.replace("40", "50"))
    folder.write("c", **about | {"id": "article"})
    built = folder.build()
    assert (built.read, built.extracted, len(built.copies)) == (3, 2, 1)
    assert [g.partition("pmid/")[2] for g in folder.graphs("pmid/") if "/copy/" not in g] == [
        "33492400-2/graph",
        "33492400/graph",
    ]
    assert built.validation and built.validation.conforms
    assert not [r for r in built.validation.results if r.shape in ("titles-twice", "copies-disagree")]
    again = folder.build()
    assert (again.extracted, again.unchanged) == (0, 2)


def test_a_patient_told_of_in_an_article_and_in_a_row_of_a_table_is_flagged(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    about = {"pmid": "33492400", "title": "Two women", "authors": ["A B"]}
    both = f"Case 1\n{ILL}\nCase 2\n{ILL.replace('40-year-old woman', '50-year-old man')}"
    folder.write("a", **about | {"id": "article"}, text=both)
    folder.write("b", **about | {"id": "7665777-1"})
    folder.write("c", pmid="33492400", id="7665777-2", text=ILL.replace("40-year-old woman", "50-year-old man"))
    folder.write("d", pmid="33492400", id="7665777-3", text=ILL.replace("40", "60"))
    built = folder.build()
    assert (built.read, built.extracted, len(built.copies)) == (4, 3, 1)
    [pair] = folder.ask("same-patient")
    assert (pair["id"], pair["other_id"], pair["sex"], pair["in_common"]) == ("article", "7665777-2", "male", 1)
    with open_store(folder.out / "store", read_only=True) as store:
        summary.show(built, store, folder.out, json=False)
    assert "1 pair of reports may tell of one patient, who then is counted twice" in capsys.readouterr().out
