"""From documents to checked graphs: what every process of a build does by itself.

The results come in the order of the documents and are the same for any number of processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from kg import extractors, quads, review, vocab
from kg.errors import KGError, ModelError, ShapeError
from kg.model import CaseRecord, Document
from kg.parallel import chunks, in_processes
from kg.totals import Summer, Sums

if TYPE_CHECKING:
    from kg.llm import LanguageModel
    from kg.validate import Checker, Report

__all__ = ["Done", "Job", "Settings", "run", "understand", "writer"]

_CHUNK = 32  # documents handed to a process at once: starting a task costs about as much as one report
_POOL_FROM = 64  # fewer documents than this are done sooner than processes start
_KEPT = 4  # settings for which all is kept ready in one process


@dataclass(frozen=True, slots=True)
class Settings:
    """What every process needs to turn documents into quads; ``version`` is that of the vocabularies."""

    extractor: str
    vocabularies: tuple[Path, ...]
    version: str
    base: str
    model: LanguageModel | None = None  # asked by threads of one process


@dataclass(frozen=True, slots=True)
class Job:
    """A document to be understood, and as which report."""

    document: Document
    report: str  # IRI
    fingerprint: str
    copy: str = ""  # IRI, where the document is a copy of the report: nothing is extracted
    decisions: tuple[review.Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one document."""

    source: str
    graph: str
    quads: bytes = b""  # N-Quads
    concepts: frozenset[str] = frozenset()  # CURIEs
    skip: str | None = None
    failure: str | None = None
    copy: bool = False
    unread: tuple[str, ...] = ()  # languages
    unplaced: tuple[str, ...] = ()  # decisions, and why
    lost: int = 0  # windows of the text for which no reply came
    checked: Report | ShapeError | None = None  # of this and what was done with it
    sums: Sums | None = None  # the same


def run(jobs: Iterator[Job], settings: Settings, processes: int) -> Iterator[Done]:
    """Do the jobs, in order: in this process if they are few, else in several, a bounded number ahead."""
    if settings.model is not None:
        _ready(settings)
        yield from chain.from_iterable(settings.model.at_once(partial(_work, settings), chunks(jobs, 1)))
        return
    first = list(islice(jobs, _POOL_FROM))
    if len(first) < _POOL_FROM or processes == 1:
        for few in chunks(chain(first, jobs), _CHUNK):
            yield from _work(settings, few)
        return
    several, ready = chunks(chain(first, jobs), _CHUNK), partial(_ready, settings)
    yield from chain.from_iterable(in_processes(partial(_work, settings), several, processes, ready))


def _work(settings: Settings, jobs: Sequence[Job]) -> list[Done]:
    done = [_one(settings, job) for job in jobs]
    graphs, sums = {one.graph: one.quads for one in done if one.quads}, Sums()
    checked: Report | ShapeError
    try:
        checked = _checker(settings)(graphs, lambda part: sums.add(_summer(settings).count(part.data)))
    except ShapeError as error:  # to be said when all is stored
        checked, sums = error, _summer(settings)(b"".join(graphs.values()))
    return [replace(done[0], checked=checked, sums=sums), *done[1:]]


def _one(settings: Settings, job: Job) -> Done:
    source, graph, write = job.document.source, quads.graph_iri(job.report), writer(settings)
    if job.copy:
        written = write.copy(job.document, job.report, job.copy, job.fingerprint)
        return Done(source, quads.graph_iri(job.copy), written, copy=True)
    try:
        understood = understand(settings)(job.document)
        found = review.review(understood, job.document.text, job.decisions, _vocabulary(settings).concepts)
        record = found.record
        lost = sum(w.status == "failed" for w in record.windows)
        written = write(job.document, record, job.report, None if lost else job.fingerprint, found.reviews)
        unplaced = tuple(f"the decision {d.name} on {d.about!r}: {why}" for d, why in found.unplaced)
        one = Done(source, graph, written, record.concepts(), record.skip, unplaced=unplaced)
        return replace(one, unread=record.unread, lost=lost)
    except ModelError:
        raise
    except Exception as error:  # one report that no rule foresaw must not end the batch
        why = str(error) if isinstance(error, KGError) else f"cannot be extracted: {type(error).__name__}: {error}"
        return Done(source, graph, failure=why)


def _ready(settings: Settings) -> None:
    """Load what a process needs before its first documents come."""
    understand(settings)
    _checker(settings)


@lru_cache(_KEPT)
def understand(settings: Settings) -> Callable[[Document], CaseRecord]:
    """The extractor, ready."""
    prepared = extractors.extractor(settings.extractor, settings.model)
    return prepared.prepare(_vocabulary(settings).lexicon())


@lru_cache(_KEPT)
def writer(settings: Settings) -> quads.Writer:
    """What writes the graphs."""
    version = extractors.extractor(settings.extractor, settings.model).version
    return quads.Writer(_vocabulary(settings), settings.base, settings.extractor, version)


@lru_cache(_KEPT)
def _vocabulary(settings: Settings) -> vocab.Vocabulary:
    return vocab.load(settings.vocabularies)


@lru_cache(_KEPT)
def _checker(settings: Settings) -> Checker:
    from kg.validate import Checker

    return Checker(_vocabulary(settings))


@lru_cache(_KEPT)
def _summer(settings: Settings) -> Summer:
    return Summer(_vocabulary(settings), settings.base)
