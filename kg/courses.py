"""The course of one patient as steps: what came before what, as far as the report tells.

Reports seldom date their events, so a step is a place in an order, not a time. Steps follow the text of the report, its
title apart, except where a link says what came first: a condition stands before the treatments for it and its outcomes,
a treatment before the outcomes after it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from heapq import heappop, heappush

from kg.reports import Case, Episode, Quote, Report

__all__ = ["in_words", "places", "sentence", "steps"]

_BACKGROUND = "comorbidity"  # coexists: it has no place in the order
_ORDERS = frozenset({"for", "of", "after", "attributedTo"})  # links whose target came first
_LENGTH = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?)?")


def steps(report: Report, case: Case) -> dict[str, int | None]:
    """Step of each present condition, intervention and outcome by IRI, from 0; None where the order is not told.

    Episodes share a step if they are one event told twice (the same words), parts of one regimen, treatments of one
    sentence with the same outcomes, or conditions of one sentence with the same role.
    """
    told = [e for e in case.episodes if e.present and e.kind != "Finding"]
    first = _places(report, case, [e for e in told if e.values.get("role") != _BACKGROUND])
    group = _groups(case, [e for e in told if e.iri in first])
    at: dict[str, int] = {}
    for iri, root in group.items():
        at[root] = min(first[iri], at.get(root, first[iri]))
    order = _ordered(at, _befores(case, group))
    number = {root: step for step, root in enumerate(order)}
    return {e.iri: number[group[e.iri]] if e.iri in group else None for e in told}


def places(episode: Episode) -> tuple[Quote, ...]:
    """The quote of an episode and all further mentions."""
    return (episode.quote, *sorted(episode.mentions, key=lambda q: (q.start, q.end)))


def sentence(report: Report, quote: Quote) -> Quote:
    """The sentence, or run of sentences, in which a quote stands."""
    return report.quotes[quote.sentence]


def in_words(duration: str) -> str:
    """An ISO 8601 duration in words: 42 months, 2 weeks, 13 years. Empty for any other text."""
    match = _LENGTH.fullmatch(duration)
    if not duration or match is None:
        return ""
    years, months, days, hours = (int(part or 0) for part in match.groups())
    if years and months:  # the graph's canonical form of "42 months"
        years, months = 0, years * 12 + months
    weeks = 0
    if days and days % 7 == 0:
        weeks, days = days // 7, 0
    parts = ((years, "year"), (months, "month"), (weeks, "week"), (days, "day"), (hours, "hour"))
    return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in parts if n) or "0 hours"


def _places(report: Report, case: Case, episodes: list[Episode]) -> dict[str, int]:
    """Where in the text each episode is first told, the title apart; those that only the title tells are left out.

    A condition that only the title names takes the place of the first treatment or outcome linked with it.
    """
    found = ((report.text.find(title), len(title)) for title in report.titles.values() if title)
    titles = [(start, start + length) for start, length in found if start >= 0]
    first: dict[str, int] = {}
    for episode in episodes:
        starts = [q.start for q in places(episode) if not any(a <= q.start < b for a, b in titles)]
        if starts:
            first[episode.iri] = min(starts)
    early: dict[str, int] = {}
    for link in case.links:
        if link.type in ("for", "of") and link.source in first:
            early[link.target] = min(first[link.source], early.get(link.target, first[link.source]))
    return {**{e.iri: early[e.iri] for e in episodes if e.iri in early}, **first}


def _groups(case: Case, episodes: list[Episode]) -> dict[str, str]:
    """Episode -> the one that stands for all of its step."""
    told = {e.iri for e in episodes}
    leads_to: dict[str, set[str]] = defaultdict(set)
    for link in case.links:
        if link.type in ("after", "attributedTo") and link.source in told:
            leads_to[link.target].add(link.source)
    outcomes = {e.quote.iri for e in episodes if e.kind == "Outcome"}
    lead: dict[object, str] = {}
    group: dict[str, str] = {}
    for episode in episodes:
        key: object = episode.quote.iri
        if episode.kind == "Intervention":
            key = ("together", episode.quote.sentence, frozenset(leads_to[episode.iri]))
        elif episode.kind == "Condition" and episode.quote.iri not in outcomes:
            key = ("together", episode.quote.sentence, episode.values.get("role"))
        group[episode.iri] = lead.setdefault(key, episode.iri)
    for link in case.links:
        if link.type == "partOf" and link.source in group and link.target in group:
            old, new = group[link.source], group[link.target]
            group = {iri: new if root == old else root for iri, root in group.items()}
    return group


def _befores(case: Case, group: dict[str, str]) -> dict[str, set[str]]:
    """Step -> the steps that come after it by some link."""
    later: dict[str, set[str]] = defaultdict(set)
    for link in case.links:
        if link.type in _ORDERS and link.source in group and link.target in group:
            before, after = group[link.target], group[link.source]
            if before != after:
                later[before].add(after)
    return later


def _ordered(at: dict[str, int], later: dict[str, set[str]]) -> list[str]:
    """Steps in the order of the text, each after those that links put before it; a circle is cut where it begins."""
    waiting = dict.fromkeys(at, 0)
    for targets in later.values():
        for target in targets:
            waiting[target] += 1
    ready: list[tuple[int, str]] = [(at[root], root) for root, count in waiting.items() if not count]
    ready.sort()
    order: list[str] = []
    while waiting:
        if not ready:
            heappush(ready, min((at[root], root) for root in waiting))
        _, root = heappop(ready)
        if root not in waiting:
            continue
        del waiting[root]
        order.append(root)
        for target in later.get(root, ()):
            if target in waiting:
                waiting[target] -= 1
                if not waiting[target]:
                    heappush(ready, (at[target], target))
    return order
