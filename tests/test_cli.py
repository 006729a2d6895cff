"""Every command run for real, on the seeds; what only a process of its own shows, in one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rdflib import Graph

from tests.commands import kg as run
from tests.pages import held

KG = [sys.executable, "-m", "kg"]


def process(*arguments: str | Path, stdin: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    done = subprocess.run([*KG, *map(str, arguments)], input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "out"
    done = process("build", Path(__file__).parents[1] / "seeds", "-o", folder)
    assert "2 read: 2 extracted" in done.stdout
    assert "SHACL: " in done.stdout
    return folder


def test_build_writes_what_it_says(out: Path) -> None:
    assert {p.name for p in out.iterdir()} >= {"store", "graph.ttl", "graph.trig", "graph.html", "build.json"}
    assert len(Graph().parse(out / "graph.ttl")) > 1000
    facts = json.loads((out / "build.json").read_text(encoding="utf-8"))
    assert facts["graph"]["cases"] == 2
    again = json.loads(run("build", Path(__file__).parents[1] / "seeds", "-o", out, "--json").stdout)
    assert again["inputs"]["extracted"] == 0


def test_a_process_of_its_own_does_and_ends_alike(out: Path, tmp_path: Path) -> None:
    """Output, messages and exit codes as they come out of the process, not only of the function."""
    asked = ("query", "treatments", "--condition", "leukemia", "-s", out)
    here, there = run(*asked), process(*asked)
    assert (there.stdout, there.stderr) == (here.stdout, here.stderr) and "etoposide" in there.stdout
    assert process("query", "-", "-s", out, "-f", "csv", stdin="ASK { ?s ?p ?o }").stdout == "answer\ntrue\n"
    exported = tmp_path / "graph.nq"
    run("export", "--store", out, "-o", exported)
    assert process("export", "--store", out, "-f", "nq").stdout == exported.read_text(encoding="utf-8")
    wrong = process("query", "treatmnts", "-s", out, code=2).stderr
    assert "treatments" in wrong and "Traceback" not in wrong


def test_query_lists_and_asks(out: Path, tmp_path: Path) -> None:
    assert "treatments" in run("query").stdout
    assert "--condition" in run("query", "treatments", "--help").stdout
    rows = json.loads(run("query", "treatments", "--condition", "leukemia", "--store", out, "--json").stdout)
    assert {"etoposide", "donor lymphocyte infusion"} <= {row["treatment"] for row in rows}
    for form in ("csv", "tsv", "md", "table"):
        assert "etoposide" in run("query", "treatments", "-s", out, "-f", form).stdout
    (tmp_path / "my.rq").write_text("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", encoding="utf-8")
    assert run("query", tmp_path / "my.rq", "-s", out, "-f", "csv").stdout.startswith("n\n")
    assert run("query", "-", "-s", out, "-f", "csv", stdin="ASK { ?s ?p ?o }").stdout == "answer\ntrue\n"
    assert "@prefix" not in run("query", "-", "-s", out, stdin="CONSTRUCT { ?s a ?t } { ?s a ?t }").stderr


def test_a_long_table_has_a_line_a_row_and_a_short_one_folds(out: Path) -> None:
    long = "word " * 60

    def shown(rows: int) -> list[str]:
        values = " ".join(f'({10_000 + number} "림프종\\n{long}")' for number in range(rows))
        asked = f"SELECT ?n ?text {{ VALUES (?n ?text) {{ {values} }} }}"
        return run("query", "-", "-s", out, stdin=asked).stdout.splitlines()

    short, many = shown(3), shown(1001)
    assert len(short) > 1 + 3 * 2 and short[1].startswith("10000  림프종")
    assert many == ["n      text", *(f"{10_000 + number}  림프종 {long}".rstrip() for number in range(1001))]


def test_a_terminal_is_not_told_what_to_do_by_a_report(out: Path) -> None:
    asked = 'SELECT ?a { VALUES ?a { "\\u001B]0;owned\\u0007\\u009B31mred" } }'
    shown = run("query", "-", "-s", out, stdin=asked).stdout
    assert "␛]0;owned␇\ufffd31mred" in shown and "\x1b" not in shown
    assert json.loads(run("query", "-", "-s", out, "--json", stdin=asked).stdout)[0]["a"].startswith("\x1b]0;")


def test_the_readme_s_three_questions(out: Path) -> None:
    def treatments(column: str, *asked: str) -> list[str]:
        return [row[column] for row in json.loads(run("query", *asked, "--store", out, "--json").stdout)]

    after = treatments("treatment", "after-transplant-relapse", "--outcome", "complete_remission")
    assert after == ["radiotherapy", "chemotherapy", "donor lymphocyte infusion"]
    assert treatments("worked", "failed-before-success", "--condition", "leukemia") == ["etoposide"]
    assert treatments("final", "revised-diagnoses") == ["hypoplastic leukemia"]


def test_validate_store_and_file(out: Path, tmp_path: Path) -> None:
    run("validate", out)
    run("validate", out / "graph.ttl")
    assert json.loads(run("validate", out, "--json").stdout)["conforms"] is True
    broken = tmp_path / "broken.ttl"
    text = (out / "graph.ttl").read_text(encoding="utf-8")
    broken.write_text(
        text.replace("/assertion/present>", "/assertion/maybe>").replace("assertion:present", "assertion:maybe")
    )
    run("validate", broken, code=1)


@pytest.mark.parametrize("form", ["ttl", "trig", "nq", "nt", "jsonld", "graphml", "html"])
def test_export_writes_every_format(out: Path, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"graph.{form}"
    run("export", "--store", out, "-o", file)
    assert file.stat().st_size > 1000
    bare = tmp_path / f"bare.{form}"
    run("export", "--store", out, "-o", bare, "--no-text", "--format", form)
    said, left = (path.read_text(encoding="utf-8") for path in (file, bare))
    if form == "html":  # the page holds its reports packed
        said, left = (json.dumps(held(page)) for page in (said, left))
    assert "lysed after an incubation" in said and "lysed after an incubation" not in left


def test_explain_opens_every_fact_of_a_case(out: Path) -> None:
    rows = json.loads(run("query", "episodes", "-s", out, "--json").stdout)
    fact = next(row for row in rows if row["label"] == "etoposide")
    shown = run("explain", str(fact["episode"]), "-s", out).stdout
    assert "[[etoposide]] resulted in complete remission" in shown
    assert "extractor" in shown


def test_extract_prints_the_contract(seeds: Path) -> None:
    lines = run("extract", seeds, "--format", "jsonl").stdout.splitlines()
    texts = {p.stem: p.read_bytes().decode() for p in seeds.iterdir()}
    assert len(lines) == len(texts) == 2
    for record in map(json.loads, lines):
        assert len(record["cases"]) == 1 and record["cases"][0]["conditions"]
        for case in record["cases"]:
            for key in ("conditions", "interventions", "outcomes", "findings"):
                for item in case[key]:
                    assert texts[record["id"]][item["start"] : item["end"]] == item["text"]


def test_stats_evaluate_viz_and_version(out: Path, tmp_path: Path) -> None:
    assert json.loads(run("stats", "-s", out, "--json").stdout)[0] == {"what": "reports", "count": 2}
    run("stats", "--ungrounded", "-s", out)
    gold = tmp_path / "gold.jsonl"
    text = "A 50-year-old man had pneumonia. He recovered after amoxicillin."
    case: dict[str, object] = {"patient": {}, "conditions": [], "interventions": [], "outcomes": []}
    gold.write_text(json.dumps({"id": "g", "text": text, "cases": [case]}) + "\n", encoding="utf-8")
    assert "core" in run("evaluate", gold).stdout
    assert "amoxicillin" in run("evaluate", gold, "--show", "g").stdout
    run("evaluate", gold, "--errors", "--json")
    run("viz", "-s", out, "-o", tmp_path / "v.html", "--no-open")
    assert run("--version").stdout.startswith("casekg ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["query", "treatmnts"], "treatments"),
        (["query", "treatments", "--store", "nowhere"], "kg build"),
        (["validate", "nowhere"], "nowhere"),
        (["export", "--format", "papyrus"], "papyrus"),
        (["explain", "nothing"], "nothing"),
        (["evaluate", "nowhere.jsonl"], "nowhere.jsonl"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(out: Path, arguments: list[str], words: str) -> None:
    store = [] if "--store" in arguments or arguments[0] not in {"query", "export", "explain"} else ["-s", str(out)]
    done = run(*arguments, *store, code=2)
    assert words in done.stderr


def test_ctrl_c_in_the_middle_of_a_build_loses_nothing(tmp_path: Path) -> None:
    many = tmp_path / "many.jsonl"
    text = "A {}-year-old woman with acute myeloid leukemia received cytarabine and achieved complete remission. "
    with many.open("w", encoding="utf-8") as lines:
        for n in range(3000):
            lines.write(
                json.dumps({"id": f"m{n}", "title": f"T{n}", "text": text.format(20 + n % 60) * 3 + str(n)}) + "\n"
            )
    out = tmp_path / "out"
    started = subprocess.Popen(
        [*KG, "build", str(many), "-o", str(out)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests in the background inherit a deaf ear
    )
    while started.poll() is None and not (out / "store").exists():
        time.sleep(0.05)
    time.sleep(3)
    started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=60)
    assert started.returncode == 130, said
    assert "interrupted" in said
    few = many.read_text(encoding="utf-8").splitlines(keepends=True)[:5]
    (tmp_path / "few.jsonl").write_text("".join(few), encoding="utf-8")
    run("validate", out)
    run("build", tmp_path / "few.jsonl", "-o", out)


def test_output_into_a_closed_pipe_is_no_error(out: Path) -> None:
    done = subprocess.run(
        f"'{sys.executable}' -m kg query links -f csv -s '{out}' | head -1",
        shell=True, capture_output=True, text=True, env={**os.environ}, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("kg query treatments --condition hypoplastic", "hypoplastic leukemia"),
        ("kg query treatments --condition 급성백", "급성백혈병"),
        ("kg query treatments --outcome com", "complete_remission"),
        ("kg query outcomes --sex f", "female"),
        ("kg query comp", "compare"),
    ],
)
def test_the_shell_completes_labels_codes_and_questions(typed: str, offered: str) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1), "_KG_COMPLETE": "complete_bash"}
    assert offered in run(env=words).stdout.splitlines()


def test_query_prints_evidence_in_every_form(out: Path) -> None:
    asked = ("query", "outcomes", "--intervention", "etoposide", "--evidence", "-s", out)
    shown = run(*asked)
    assert "1 of 2 reports." in shown.stderr and "not effect sizes" in shown.stderr
    assert "administration of etoposide resulted in" in shown.stdout
    (row,) = json.loads(run(*asked, "--json").stdout)
    (sentence,) = row["evidence"]
    assert sentence["sentence"].endswith("complete remission.")
    assert "[[" in run("explain", sentence["facts"].split()[0], "-s", out).stdout


def test_diff_of_a_build_with_itself_is_empty(out: Path) -> None:
    done = run("diff", out, out, "--json")
    assert json.loads(done.stdout) == []
    assert "in 0 of 2 reports" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs a device that is always full")
def test_devices_and_pipes_are_written_to_and_a_full_one_is_said(out: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        run("export", "-s", out, "-f", "csv", "-o", tmp_path / "pipe")
        piped = reader.communicate()[0]
    run("export", "-s", out, "-o", tmp_path / "tables.csv.zip")
    assert piped == (tmp_path / "tables.csv.zip").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pipe", "tables.csv.zip"]
    assert "Is a directory" in run("export", "-s", out, "-f", "nt", "-o", "/", code=2).stderr
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*KG, "stats", "-s", str(out)], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[-1] == "kg: the output cannot be read or written: No space left on device."
