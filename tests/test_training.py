"""What the extractor is trained on: the repository's own annotations, and features that stand once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from kg import vocab
from kg.clinical.classifier import spell
from kg.clinical.clues import candidates as entity_candidates
from kg.clinical.conditions import conditions
from kg.clinical.durations import times
from kg.clinical.interventions import interventions
from kg.clinical.lexicon import Matcher
from kg.clinical.links import after_pairs, again_pairs, chances, for_pairs, of_pairs, through, turned
from kg.clinical.mentions import find_mentions
from kg.clinical.outcomes import candidates, find_outcomes, step_features
from kg.clinical.scene import Scene
from kg.clinical.story import read_story
from kg.clinical.tagging import Tagger
from kg.model import CATEGORIES, KINDS, ROLES, Document, Report
from training.annotated import ANNOTATIONS, HELD_OUT, joined
from training.mentions import read

STORY = """A 54-year-old woman with relapsed acute myeloid leukemia received azacitidine, venetoclax, azacitidine.
Acute renal failure, pneumonia and a relapse followed. Pneumonia resolved after meropenem for two weeks, no death.
She died of relapse of the acute myeloid leukemia 5 months later; death was due to acute renal failure."""


def test_annotations_are_well_formed() -> None:
    reports = [*read(ANNOTATIONS), *read(HELD_OUT)]
    assert len({report["id"] for report in reports}) == len(reports) > 4000
    for report in reports:
        assert report["cases"] or report["skip"] in ("series", "not a case report")
        for case in report["cases"]:
            ids = {item["id"] for kind in ("conditions", "interventions") for item in case[kind]}
            assert all(c["role"] in ROLES for c in case["conditions"])
            assert all(i["kind"] in KINDS and ids.issuperset(i["for"]) for i in case["interventions"])
            assert all(
                o["category"] in CATEGORIES and ids.issuperset([*o["of"], *o["after"]]) for o in case["outcomes"]
            )
            for item in (*case["conditions"], *case["interventions"], *case["outcomes"]):
                assert 0 <= item["start"] < item["end"] and "text" not in item, report["id"]


def test_annotations_are_of_the_corpus_and_of_no_report_that_is_measured(shared: Path) -> None:
    texts = {report["id"]: report["text"] for report in read(shared / "corpora" / "cases.jsonl.gz")}
    measured = {report["id"] for report in read(shared / "gold" / "dev.jsonl")}
    for path in (ANNOTATIONS, HELD_OUT):
        reports = list(joined(path, texts))
        assert measured.isdisjoint(report["id"] for report in reports)
        for report in reports:
            assert all(c["text"].strip() == c["text"] != "" for case in report["cases"] for c in case["conditions"])


def test_an_annotation_of_another_text_is_refused() -> None:
    with pytest.raises(SystemExit, match="another text of"):
        list(joined(HELD_OUT, {}))


def test_no_feature_stands_twice() -> None:
    """Training counts a feature once, the classifier as often as it stands."""
    matcher = Matcher(vocab.load().lexicon())
    story = read_story(Document("x", STORY, Report(), ()))
    mentions, told = find_mentions(story, matcher, Tagger.load())
    ill = conditions(story, mentions, 0, matcher.concepts)
    given = interventions(story, mentions, 0, matcher.concepts)
    outcomes = [outcome for outcome, _ in find_outcomes(story, 0, ill, given, told, matcher.concepts)]
    scene = Scene(story, 0, ill, given, outcomes, matcher.concepts)
    treats, tells = for_pairs(scene), of_pairs(scene)
    fors, ofs = chances("link-for", treats), chances("link-of", tells)
    follows = after_pairs(scene, through(ofs, turned(fors)))
    afters = chances("link-after", follows)
    again = [
        *again_pairs(treats, fors, through(turned(afters), ofs)),
        *again_pairs(tells, ofs, through(afters, fors)),
        *again_pairs(follows, afters, through(ofs, turned(fors))),
    ]
    rows: list[Sequence[str]] = [pair.features for pair in (*treats, *tells, *follows, *again)]
    for candidate in candidates(story, 0, ill, given, told, matcher.concepts):
        rows.append(candidate.features)
        rows += [step_features(candidate, candidate.at, step) for step in (-1, 1)]
    for type_ in ("condition", "intervention"):
        rows += [spell(row) for _, row in entity_candidates(story, mentions, 0, matcher.concepts, type_)]
    rows += [row for outcome in outcomes for _, row in times(story, outcome, outcomes)]
    assert len(rows) > 60
    for row in rows:
        assert len(set(row)) == len(row), sorted(f for f in set(row) if list(row).count(f) > 1)


def test_training_refuses_a_feature_that_stands_twice() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is needed only to train")
    from training.linear import fit

    with pytest.raises(ValueError, match=r"twice in \['a'\]"):
        fit([(["a", "b", "a"], "yes"), (["b"], "no")], labels=["no", "yes"])
