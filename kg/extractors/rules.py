"""The default extractor: rules as data and small trained models, offline and deterministic.

A document is read as a story (sentences, roles, patients), its mentions are found, and for each patient conditions,
interventions, outcomes, their links and findings are drawn from them. The parts are in kg/clinical/.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from kg.clinical.causes import attribute
from kg.clinical.conditions import conditions
from kg.clinical.durations import measure
from kg.clinical.findings import find_findings
from kg.clinical.harms import with_harms
from kg.clinical.interventions import interventions
from kg.clinical.lexicon import Matcher
from kg.clinical.links import link
from kg.clinical.mentions import Mention, find_mentions
from kg.clinical.outcomes import find_outcomes, numbered
from kg.clinical.patients import patients
from kg.clinical.phrases import with_phrases
from kg.clinical.relearning import touched
from kg.clinical.story import Story, read_story
from kg.clinical.tagging import Tagger
from kg.errors import KGError
from kg.model import Case, CaseRecord, Document, Episode, Intervention, Lexicon, Outcome, Patient, Span
from kg.resources import content_hash, folder

__all__ = ["prepare", "touched", "version"]


@cache
def version() -> str:
    """A hash of all rules, models and code of the extractor: another hash, another extractor."""
    here = Path(__file__)
    return f"rules {content_hash(folder('rules'), folder('models'), here.parents[1] / 'clinical', here)}"


def prepare(lexicon: Lexicon) -> Callable[[Document], CaseRecord]:
    """The extractor over the words of ``lexicon``; loading the models takes most of its time."""
    matcher, tagger = Matcher(lexicon), Tagger.load()

    def extract(document: Document) -> CaseRecord:
        story = read_story(document)
        mentions, told = find_mentions(story, matcher, tagger) if story.cases else ([], [])
        return CaseRecord(
            id=document.id,
            report=document.report,
            cases=tuple(_case(story, mentions, told, n, patient, matcher) for n, patient in enumerate(patients(story))),
            skip=story.skip,
            sentences=tuple(Span(s.start, s.end) for s in story.sentences),
            unread=story.unread,
        )

    return extract


def _case(
    story: Story, mentions: Sequence[Mention], told: Sequence[float], number: int, patient: Patient, matcher: Matcher
) -> Case:
    """All about one patient. Only what is present takes part in outcomes and links."""
    ill = conditions(story, mentions, number, matcher.concepts)
    given = interventions(story, mentions, number, matcher.concepts)
    present = [c for c in ill if c.assertion == "present"]
    treated = [i for i in given if i.assertion == "present"]
    found = find_outcomes(story, number, present, treated, told, matcher.concepts)
    sure = {outcome.start: likely for outcome, likely in found}
    results = with_phrases(story, mentions, number, matcher.concepts, [outcome for outcome, _ in found])
    linked, results = link(story, number, present, treated, measure(story, results), sure, matcher.concepts)
    results = with_harms(story, number, present, treated, attribute(story, results, treated))
    results = _told_once(story, results)
    by_id = {i.id: i for i in linked}
    case = Case(
        id=f"case{number + 1}",
        patient=patient,
        conditions=tuple(ill),
        interventions=tuple(by_id.get(i.id, i) for i in given),
        outcomes=tuple(results),
        findings=tuple(find_findings(story, mentions, number, matcher.concepts)),
    )
    case = _of_disease(story, case)
    _check(story, case)
    return case


def _of_disease(story: Story, case: Case) -> Case:
    """Sets right what the story's order rules out.

    A relapse is one of the condition it names, else of the primary disease, not of the episode that it is; what was
    given before it was not given for it, what was given for it not also for the disease at large, and what is first
    told of after it and was given for the disease, was given for it. What was given and
    happened while an earlier diagnosis stood belongs to that diagnosis, not to the one that replaced it.
    """
    present = [c for c in case.conditions if c.assertion == "present"]
    primary = tuple(c.id for c in present if c.role == "primary")
    episodes = {c.id for c in present if c.role == "relapse"}
    revised = next((c for c in present if c.role == "revised"), None)
    since = _first(story, revised) if revised else 0
    until = min((_first(story, c) for c in present if c.id in primary), default=0)

    def corrected(at: int, conditions: tuple[str, ...]) -> tuple[str, ...]:
        if revised and since < at < until and set(primary).intersection(conditions):
            return tuple(dict.fromkeys(revised.id if c in primary else c for c in conditions))
        return conditions

    outcomes: list[Outcome] = []
    before: set[str] = set()
    for o in case.outcomes:
        of = corrected(o.start, o.of)
        if o.category == "relapse":
            before.update(o.after)
            told = [c for c in present if c.id in episodes and c.start < o.end and o.start < c.end]
            named = tuple(c.id for c in present if any(c.id != e.id and c.label in e.text.lower() for e in told))
            if named or episodes.intersection(of):
                of = named or primary
        outcomes.append(o if of == o.of else replace(o, of=of))
    given: list[Intervention] = []
    for i in case.interventions:
        meant = corrected(_first(story, i), i.for_)
        if i.id in before:
            meant = tuple(dict.fromkeys(p for c in meant for p in (primary if c in episodes else (c,))))
        elif episodes.intersection(meant):
            meant = tuple(c for c in meant if c not in primary)
        elif meant and set(meant) <= set(primary):
            told = [c for c in present if c.id in episodes and until < _first(story, c) < _first(story, i)]
            meant = (max(told, key=lambda c: _first(story, c)).id,) if told else meant
        given.append(i if meant == i.for_ else replace(i, for_=meant))
    return replace(case, interventions=tuple(given), outcomes=tuple(outcomes))


def _first(story: Story, episode: Episode) -> int:
    """Where an episode is first told of, the title apart."""
    starts = [span.start for span in (Span(episode.start, episode.end), *episode.mentions)]
    told = [s for s in starts if (sentence := story.sentence_at(s)) is None or sentence.role != "title"]
    return min(told or starts)


def _told_once(story: Story, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Without what the title says and the text says again: the same category after the same treatments."""
    titles = [s for s in story.sentences if s.role == "title"]

    def in_title(outcome: Outcome) -> bool:
        return any(s.start <= outcome.start < s.end for s in titles)

    said = [o for o in outcomes if not in_title(o)]
    kept = [
        o
        for o in outcomes
        if o in said or not any(o.category == other.category and set(o.after) <= set(other.after) for other in said)
    ]
    return numbered(kept)


def _check(story: Story, case: Case) -> None:
    """What must hold for every case, whatever the parts did; a break is a fault of this program, not of the input."""
    episodes: list[Episode] = list(case.episodes())
    known = {e.id for e in episodes}
    if len(known) != len(episodes):
        raise KGError(f"{story.document.id}: two episodes of {case.id} have one id; please report this.")
    for e in episodes:
        if not 0 <= e.start < e.end or story.text[e.start : e.end] != e.text:
            raise KGError(f"{story.document.id}: {case.id}/{e.id} does not quote its text; please report this.")
    targets = [t for i in case.interventions for t in i.for_]
    targets += [t for o in case.outcomes for t in (*o.of, *o.after, *o.attributed_to)]
    if unknown := set(targets) - known:
        raise KGError(f"{story.document.id}: {case.id} links to unknown {min(unknown)}; please report this.")
