"""The main job: inputs in, a checked store out.

``build`` reads, extracts, stores and validates. Unchanged reports are left as they are, and a report that is gone from
under the given paths leaves the store. Each report's graph carries a fingerprint of all it was made from, so that an
interrupted build goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from kg import __version__, registry, sources
from kg.errors import KGError, SourceError, StoreError
from kg.inputs import Inputs
from kg.model import CaseRecord, Document

if TYPE_CHECKING:
    from kg.store import Store
    from kg.validate import Report

__all__ = ["Build", "build", "extract"]

Progress = Callable[[int, int | None], None]

_CHUNK = 32  # documents handed to a process at once: starting a task costs about as much as one report
_POOL_FROM = 64  # fewer documents than this are done sooner than processes start


@dataclass
class Build:
    """What one build did. ``failed`` and ``skipped`` pair an input with a reason, ``copies`` with the report joined."""

    read: int = 0
    extracted: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    copies: list[tuple[str, str]] = field(default_factory=list)
    validation: Report | None = None


@dataclass(frozen=True, slots=True)
class _Settings:
    """What every process needs to turn documents into quads."""

    extractor: str
    vocabularies: tuple[Path, ...]
    base: str


@dataclass(frozen=True, slots=True)
class _Job:
    document: Document
    report: str  # IRI
    fingerprint: str


@dataclass(frozen=True, slots=True)
class _Done:
    source: str
    graph: str
    quads: bytes = b""  # N-Quads
    skip: str | None = None
    failure: str | None = None


def extract(
    paths: Iterable[Path], *, extractor: str = "rules", vocabularies: Sequence[Path] = ()
) -> Iterator[tuple[Document, CaseRecord] | SourceError]:
    """Documents with what the extractor understood of each, in input order; an unreadable input is an error value."""
    understand = _extractor(extractor, tuple(vocabularies))
    for path in sources.expand(paths):
        for item in [path] if isinstance(path, SourceError) else sources.read(path):
            yield item if isinstance(item, SourceError) else (item, understand(item))


def build(
    paths: Iterable[Path],
    out: Path,
    *,
    extractor: str = "rules",
    vocabularies: Sequence[Path] = (),
    base: str | None = None,
    jobs: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Build:
    """Build or bring up to date the store ``out/store`` from files and folders, then validate what changed.

    An input that cannot be read or understood is listed in ``failed`` and the rest goes on. Raises StoreError if the
    store cannot be opened or written, KGError for an unknown extractor or vocabulary.
    """
    from kg import quads, validate, vocab
    from kg.store import open_store

    vocabulary = vocab.load(vocabularies)
    settings = _Settings(extractor, tuple(vocabularies), base or vocabulary.prefixes["id"])
    parts = [
        __version__,
        extractor,
        registry.plugin("extractors", extractor).version(),
        vocabulary.version,
        settings.base,
    ]
    configuration = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    try:
        out.mkdir(parents=True, exist_ok=True)
        inputs = Inputs(out / "inputs.json", configuration)
    except OSError as error:
        raise StoreError(f"{out} cannot be written: {error.strerror}; name another folder with -o.") from error
    result = Build()
    with open_store(out / "store") as store:
        store.put_vocabulary(vocabulary)
        given = [Path(p) for p in paths]
        files = []
        for path in sources.expand(given):
            if isinstance(path, SourceError):
                result.failed.append(_failure(path))
            else:
                files.append(path)
        for graph in inputs.forget_missing(given, files):
            store.remove(graph)
            result.removed += 1
        todo = _jobs(files, inputs, store, settings.base, configuration, result)
        changed = []
        try:
            for done in _run(todo, settings, jobs or os.cpu_count() or 1):
                if done.failure:
                    result.failed.append((done.source, done.failure))
                else:
                    store.replace(done.graph, quads.parse(done.quads))
                    changed.append(done.graph)
                    result.extracted += 1
                if done.skip:
                    result.skipped.append((done.source, done.skip))
                progress(result.extracted + result.unchanged, None)
        finally:
            inputs.save()
        result.validation = validate.validate(store, graphs=changed if result.unchanged else None)
    return result


def _jobs(
    files: Iterable[Path], inputs: Inputs, store: Store, base: str, configuration: str, result: Build
) -> Iterator[_Job]:
    """The documents that must be extracted; counts all others."""
    from kg import quads

    for path in files:
        same = inputs.unchanged(path)
        if same and all(map(store.holds, same.graphs)):
            result.read += len(same.graphs) + len(same.copies)
            result.unchanged += len(same.graphs)
            continue
        before = inputs.start(path)
        for item in sources.read(path):
            if isinstance(item, SourceError):
                result.failed.append(_failure(item))
                continue
            result.read += 1
            report = store.report_of(quads.report_keys(item)) or quads.report_iri(item, base)
            graph = quads.graph_iri(report)
            if not inputs.claim(path, graph):
                result.copies.append((item.source, report))
                continue
            fingerprint = hashlib.sha256(f"{configuration}\n{item.report}\n{item.text}".encode()).hexdigest()
            if store.fingerprint(graph) == fingerprint:
                result.unchanged += 1
            else:
                yield _Job(item, report, fingerprint)
        for graph in before:
            store.remove(graph)
            result.removed += 1


def _run(jobs: Iterator[_Job], settings: _Settings, processes: int) -> Iterator[_Done]:
    """Do the jobs, in order: in this process if they are few, else in several, a bounded number ahead."""
    first = list(islice(jobs, _POOL_FROM))
    if len(first) < _POOL_FROM or processes == 1:
        for job in chain(first, jobs):
            yield from _work(settings, (job,))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_start, initargs=(settings,)) as pool:
        waiting: deque[Future[list[_Done]]] = deque()
        try:
            for chunk in _chunks(chain(first, jobs)):
                waiting.append(pool.submit(_work, settings, chunk))
                if len(waiting) > 4 * processes:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _chunks(jobs: Iterator[_Job]) -> Iterator[tuple[_Job, ...]]:
    while chunk := tuple(islice(jobs, _CHUNK)):
        yield chunk


def _start(settings: _Settings) -> None:
    """Make a process ready; Ctrl-C is for the parent, which ends its children."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _extractor(settings.extractor, settings.vocabularies)


def _work(settings: _Settings, jobs: Sequence[_Job]) -> list[_Done]:
    from kg import quads

    understand = _extractor(settings.extractor, settings.vocabularies)
    write = _writer(settings)
    done = []
    for job in jobs:
        graph = quads.graph_iri(job.report)
        try:
            record = understand(job.document)
            done.append(
                _Done(job.document.source, graph, write(job.document, record, job.report, job.fingerprint), record.skip)
            )
        except Exception as error:  # one report that no rule foresaw must not end the batch
            failure = (
                str(error) if isinstance(error, KGError) else f"cannot be extracted: {type(error).__name__}: {error}"
            )
            done.append(_Done(job.document.source, graph, failure=failure))
    return done


@cache
def _extractor(name: str, vocabularies: tuple[Path, ...]) -> Callable[[Document], CaseRecord]:
    from kg import vocab

    prepared: Callable[[Document], CaseRecord] = registry.plugin("extractors", name).prepare(
        vocab.load(vocabularies).lexicon()
    )
    return prepared


def _failure(error: SourceError) -> tuple[str, str]:
    where, _, why = str(error).partition(": ")
    return where, why
