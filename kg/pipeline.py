"""The main job: inputs in, a checked store out.

``build`` reads, extracts, stores and validates. Unchanged reports are left as they are, and a report that is gone from
under the given paths leaves the store. Each report's graph carries a fingerprint of all it was made from, so that an
interrupted build goes on where it stopped. What people decided about facts is applied over what was extracted.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from kg import __version__, extractors, quads, registry, review, sources, vocab, work
from kg.errors import ReviewError, ShapeError, SourceError, StoreError
from kg.inputs import Inputs
from kg.model import CaseRecord, Document
from kg.renewal import Renewal
from kg.shelf import Shelf
from kg.totals import Ledger

if TYPE_CHECKING:
    from kg.llm import Estimate, LanguageModel
    from kg.store import Store
    from kg.validate import Report

__all__ = ["Build", "Reader", "build", "estimate", "extract", "maker"]

Progress = Callable[[int, int | None], None]
_UNCHECKED = "unchecked"  # a file beside the store while it holds what was not validated, or does not conform


@dataclass
class Build:
    """What one build did. ``failed`` and ``skipped`` pair an input with a reason, ``copies`` with the report joined.

    ``unread`` pairs it with the languages of text in it that was kept but not understood, ``unplaced`` with a
    reviewer's decision that could not be applied.
    """

    read: int = 0
    extracted: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    copies: list[tuple[str, str]] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    unplaced: list[tuple[str, str]] = field(default_factory=list)
    validation: Report | None = None


def extract(
    paths: Iterable[Path],
    *,
    extractor: str = "rules",
    vocabularies: Sequence[Path] = (),
    model: LanguageModel | None = None,
    curation: review.Curation | None = None,
) -> Iterator[tuple[Document, CaseRecord] | SourceError]:
    """Documents with what the extractor understood of each, in input order; an unreadable input is an error value.

    The decisions of ``curation`` are applied. ``model`` is for an extractor that asks one; ModelError where it can be
    asked no further.
    """
    vocabulary = vocab.load(vocabularies)
    settings = work.Settings(extractor, tuple(vocabularies), vocabulary.version, vocabulary.prefixes["id"], model)
    understand, concepts = work.understand(settings), vocabulary.concepts
    decided = curation or review.Curation()
    read = (item for path in _files(paths, decided) for item in sources.read(path))

    def one(item: Document | SourceError) -> tuple[Document, CaseRecord] | SourceError:
        if isinstance(item, SourceError):
            return item
        decisions = decided.of(quads.report_keys(item))
        return item, review.review(understand(item), item.text, decisions, concepts).record

    yield from map(one, read) if model is None else model.at_once(one, read)


def estimate(paths: Iterable[Path], model: LanguageModel, *, extractor: str) -> Estimate:
    """What asking a language model about the reports under ``paths`` would take; nothing is asked."""
    extractors.extractor(extractor, model)
    read = (item for path in _files(paths, review.Curation()) for item in sources.read(path))
    documents = (item for item in read if isinstance(item, Document))
    reckoned: Estimate = registry.plugin("extractors", extractor).estimate(documents, model)
    return reckoned


def build(
    paths: Iterable[Path | str],
    out: Path | str,
    *,
    extractor: str = "rules",
    vocabularies: Sequence[Path] = (),
    base: str | None = None,
    curation: Path | str | None = None,
    jobs: int | None = None,
    store: str | None = None,
    model: LanguageModel | None = None,
    progress: Progress = lambda done, total: None,
    written: Callable[[str, bytes], object] = lambda graph, nquads: None,
) -> Build:
    """Build or bring up to date the store ``out/store`` from files and folders, then validate what changed.

    ``store`` is the address of one elsewhere to use instead; ``out`` then keeps what is known of inputs. What people
    decided stands in ``curation``, by default ``out/curation.jsonl`` if there is one. An input that cannot be read or
    understood is listed in ``failed`` and the rest goes on. ``written`` is handed each new graph as N-Quads. All is
    validated if an earlier build was ended before or found violations. Raises StoreError if the store cannot be opened
    or written, ReviewError if the curation file cannot be read, KGError for an unknown extractor or vocabulary,
    ModelError where the language ``model`` of an extractor that asks one can be asked no further: what was stored is
    kept.
    """
    from kg.store import open_store
    from kg.validate import Report, complete, validate

    out, vocabulary, by = Path(out), vocab.load(vocabularies), extractors.extractor(extractor, model)
    base = base or vocabulary.prefixes["id"]
    settings = work.Settings(extractor, tuple(vocabularies), vocabulary.version, base, model)
    made_by = maker(settings)
    configuration = hashlib.sha256(f"{made_by}\n{vocabulary.version}".encode()).hexdigest()
    with _writing(out):
        out.mkdir(parents=True, exist_ok=True)
        if curation is not None and not Path(curation).is_file():
            raise ReviewError(f"{curation}: there is no such curation file.")
        decided = review.Curation.load(Path(curation or out / review.CURATION))
        mark = f"-{hashlib.sha256(store.encode()).hexdigest()[:8]}" if store else ""
        inputs = Inputs(out / f"inputs{mark}.json", configuration, decided.marks())
    result = Build()
    with open_store(store or out / "store", base=base) as opened:
        unchecked = out / f"{_UNCHECKED}{mark}"
        doubtful = unchecked.exists()
        with _writing(out):
            unchecked.touch()
        ledger = Ledger(opened, vocabulary)
        shelf = Shelf(opened, vocabulary, work.writer(settings), ledger)
        renewal = Renewal(opened, vocabulary, work.writer(settings), by)
        given = [Path(p) for p in paths]
        files = _files(given, decided)
        gone = inputs.forget_missing(given, filter(Path.exists, files))
        shelf.remove(gone)
        result.removed += len(gone)
        reader = Reader(inputs, opened, vocabulary, made_by, renewal, decided, result, shelf.remove)
        checked: list[Report | ShapeError] = []
        lacking: list[str] = []  # graphs of reports that a language model did not read to their end
        try:
            for done in work.run(reader.jobs(files), settings, jobs or os.cpu_count() or 1):
                if done.checked is not None:
                    checked.append(done.checked)
                if done.sums is not None:
                    ledger.come(done.sums)
                if done.failure:
                    result.failed.append((done.source, done.failure))
                    continue
                if done.skip:
                    result.skipped.append((done.source, done.skip))
                if done.unread:
                    result.unread.append((done.source, ", ".join(done.unread)))
                result.unplaced += [(done.source, why) for why in done.unplaced]
                if done.lost:
                    lacking.append(done.graph)
                    why = f"{done.lost} windows of it failed" if done.lost > 1 else "a window of it failed"
                    result.failed.append((done.source, f"{why}; the next build asks for it again."))
                shelf.add(done.graph, done.quads, done.concepts)
                written(done.graph, done.quads)
                result.extracted += not done.copy
                progress(result.extracted + result.unchanged, None)
            inputs.reviewed(files, reader.stale)
        finally:
            shelf.flush()
            renewal.flush()
            inputs.read_again(lacking)
            with _writing(out):
                inputs.save()
        renewal.tidy()
        ledger.settle()
        for fault in checked:
            if isinstance(fault, ShapeError):
                raise fault
        found = Report.of(part for part in checked if isinstance(part, Report))
        if doubtful:
            result.validation = validate(opened)
        else:
            result.validation = found if result.unchanged else complete(opened, found, {*shelf.changed})
        if result.validation.conforms:
            unchecked.unlink(missing_ok=True)
    return result


def maker(settings: work.Settings) -> str:
    """What a report's graph depends on besides the report, the vocabularies apart."""
    version = extractors.extractor(settings.extractor, settings.model).version
    return "\n".join((__version__, settings.extractor, version, settings.base))


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Turn an error of the system into a StoreError."""
    try:
        yield
    except OSError as error:
        why = f"{error.strerror}; make room there, or name another folder with -o"
        raise StoreError(f"{out} cannot be written: {why}.") from error


def _files(paths: Iterable[Path], decided: review.Curation) -> list[Path]:
    """The files of reports, without the one of decisions, which may lie among them."""
    own = decided.path and os.path.realpath(decided.path)
    return [path for path in sources.expand(paths) if os.path.realpath(path) != own]


class Reader:
    """Reads files into jobs, leaves out what is unchanged or a copy, and counts all of it in ``result``."""

    def __init__(
        self,
        inputs: Inputs,
        store: Store,
        vocabulary: vocab.Vocabulary,
        maker: str,
        renewal: Renewal,
        decided: review.Curation,
        result: Build,
        remove: Callable[[Iterable[str]], None] = lambda graphs: None,
    ) -> None:
        self.inputs, self.store, self.base, self.vocabulary = inputs, store, store.base, vocabulary
        self.maker, self.renewal, self.decided, self.result, self.remove = maker, renewal, decided, result, remove
        self.key, self.mark = vocabulary.term("casekg:key"), vocabulary.term("casekg:fingerprint")
        self.seen: dict[str, str] = {}  # key of a report in this build -> its IRI
        known = ((key, store.subject(self.key, key)) for key in inputs.decided)
        self.stale = {key: quads.graph_iri(quads.report_of(iri)) for key, iri in known if iri}  # decided on since

    def jobs(self, files: Iterable[Path]) -> Iterator[work.Job]:
        """What must be extracted, in the order of the files."""
        stale = {*self.stale.values()}
        for path in files:
            try:
                same = self.inputs.unchanged(path)
                if same and stale.isdisjoint(same[0]) and all(map(self.store.holds, same[0])):
                    own = sum(not quads.is_copy(graph) for graph in same[0])
                    self.result.read += own + len(same[1])
                    self.result.unchanged += own
                    self.result.copies += [(str(path), graph.removesuffix("/graph")) for graph in same[1]]
                    continue
                self.inputs.start(path)
            except OSError:
                self.result.failed += [_failure(e) for e in sources.read(path) if isinstance(e, SourceError)]
                continue
            faults = len(self.result.failed)
            for item in sources.read(path):
                if isinstance(item, SourceError):
                    self.result.failed.append(_failure(item))
                elif job := self.job(path, item):
                    yield job
            gone = self.inputs.finish(path, complete=len(self.result.failed) == faults)
            self.remove(gone)
            self.result.removed += len(gone)

    def job(self, path: Path, document: Document) -> work.Job | None:
        """The job for one document; None if its graph is up to date or the document a copy."""
        self.result.read += 1
        keys = quads.report_keys(document)
        report = self.stored(document, keys) or quads.report_iri(document, self.base)
        for key in keys:
            self.seen.setdefault(key, report)
        graph = quads.graph_iri(report)
        copy = ""
        if not self.inputs.claim(path, graph):
            self.result.copies.append((document.source, report))
            names = (quads.copy_iri(report, document, nth) for nth in count(1))
            copy = next(name for name in names if not self.inputs.held(quads.graph_iri(name)))
            graph = quads.graph_iri(copy)
            self.inputs.claim(path, graph)
        decisions = () if copy else self.decided.of(keys)
        made_from = f"{self.maker}\n{document.id}\n{document.report}\n{document.text}"
        if decisions:  # they name concepts that the text need not
            made_from += "".join(f"\n{part}" for part in (self.vocabulary.version, *(d.digest for d in decisions)))
        fingerprint = hashlib.sha256(made_from.encode("utf-8", "replace")).hexdigest()
        if self.store.value(graph, self.mark) == fingerprint and (copy or self.renewal.holds(graph, document)):
            self.result.unchanged += not copy
            return None
        return work.Job(document, report, fingerprint, copy, decisions)

    def stored(self, document: Document, keys: Sequence[str]) -> str | None:
        """The IRI under which a report with one of these keys is known.

        One title and the same authors do not join two reports whose identifiers differ.
        """
        for key in keys:
            if found := self.seen.get(key) or self.store.subject(self.key, key):
                known = quads.report_of(found)
                if not (key.startswith("title:") and quads.other_by_id(document, known, self.base)):
                    return known
        return None


def _failure(error: SourceError) -> tuple[str, str]:
    where, _, why = str(error).partition(": ")
    return where, why
