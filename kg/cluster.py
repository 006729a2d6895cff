"""A build on a Dask cluster: the same function in many machines, with N-Quads files as its output.

This process reads the inputs and decides what is a copy of what, as every build does. The workers make parts of some
hundred reports into checked quads and write them. A part is named by all it is made from, so that a build that was
ended goes on with those that are lacking.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyoxigraph as ox

from kg import pipeline, review, sources, vocab, work
from kg.errors import KGError, ReviewError, ShapeError
from kg.extractors import extractor as extractor_of
from kg.inputs import Inputs
from kg.parallel import chunks
from kg.parts import VOCABULARIES, Folder, reaching
from kg.renewal import Renewal
from kg.store import open_store

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["build"]

_PART = 500  # reports
_PATIENCE = 30  # seconds until a scheduler has a worker


def build(
    paths: Iterable[str],
    out: str,
    address: str,
    *,
    extractor: str = "rules",
    vocabularies: Sequence[Path] = (),
    base: str | None = None,
    curation: Path | None = None,
    size: int = _PART,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> pipeline.Build:
    """Write the graph of the reports under ``paths`` as files into ``out``, by the workers of the scheduler there.

    Paths and ``out`` may be URLs that fsspec knows; ``out`` is written by the workers, ``size`` reports a file.
    KGError if the cluster cannot be used; what was written is kept.
    """
    from kg.validate import Report, Result

    if curation is not None and not curation.is_file():
        raise ReviewError(f"{curation}: there is no such curation file.")
    vocabulary = vocab.load(vocabularies)
    settings = work.Settings(extractor, tuple(vocabularies), vocabulary.version, base or vocabulary.prefixes["id"])
    maker, written = pipeline.maker(settings), work.writer(settings)
    decided = review.Curation.load(curation) if curation else review.Curation()
    result, told = pipeline.Build(), dict[str, dict[str, Any]]()
    with _connected(address) as client, TemporaryDirectory() as scratch, open_store(base=settings.base) as empty:
        folder = Folder(out)
        folder.make()
        there = folder.names()
        inputs = Inputs(Path(scratch) / "inputs.json", "", decided.marks())
        renewal = Renewal(empty, vocabulary, written, extractor_of(extractor))
        reader = pipeline.Reader(inputs, empty, vocabulary, maker, renewal, decided, result)
        names = dict[str, str]()
        jobs = _named(reader.jobs(_files(paths, Path(scratch), names)), names)
        ahead = 2 * sum(client.ncores().values()) + 1
        waiting: deque[tuple[str, Future[dict[str, Any]] | None]] = deque()

        def take() -> None:
            name, future = waiting.popleft()
            told[name] = folder.told(name) if future is None else _result(future)
            progress(sum(part["extracted"] for part in told.values()), None)

        for number, several in enumerate(chunks(jobs, size)):
            name = f"part-{number:05}-{_hash(maker, vocabulary.version, several)}"
            lacks = name not in there
            waiting.append(
                (name, client.submit(_part, settings, maker, out, name, several, pure=False) if lacks else None)
            )
            if len(waiting) > ahead:
                take()
        while waiting:
            take()
        concepts = sorted({concept for part in told.values() for concept in part["concepts"]})
        quads = ox.serialize(vocabulary.quads(concepts), format=ox.RdfFormat.N_QUADS) or b""
        folder.write(VOCABULARIES, b"".join(sorted((quads + written.settings()).splitlines(keepends=True))), {})
        folder.finish(told, settings.base)
        result.failed = [(_name(source, names), why) for source, why in result.failed]
        result.copies = [(_name(source, names), report) for source, report in result.copies]
    for part in told.values():
        result.extracted += part["extracted"]
        for kind in ("failed", "skipped", "unread", "unplaced"):
            getattr(result, kind).extend((source, why) for source, why in part[kind])
    found = tuple(Result(**row) for part in told.values() for row in part["results"])
    result.validation = Report.of(
        [Report(found, *(sum(p[n] for p in told.values()) for n in ("checked", "confirmed")))]
    )
    return result


def _part(settings: work.Settings, maker: str, out: str, name: str, jobs: Sequence[work.Job]) -> dict[str, Any]:
    """What a worker does: write the part, and say what is to be told of it."""
    from kg.validate import Report

    if pipeline.maker(settings) != maker or vocab.load(settings.vocabularies).version != settings.version:
        raise KGError("A worker has another version of CaseKG or of its vocabularies: install the same everywhere.")
    done = list(work.run(iter(jobs), settings, 1))
    for one in done:
        if isinstance(one.checked, ShapeError):
            raise one.checked
    report = Report.of(one.checked for one in done if isinstance(one.checked, Report))
    told = {
        "extracted": sum(not one.copy and one.failure is None for one in done),
        "concepts": sorted({concept for one in done for concept in one.concepts}),
        "failed": [(one.source, one.failure) for one in done if one.failure],
        "skipped": [(one.source, one.skip) for one in done if one.skip],
        "unread": [(one.source, ", ".join(one.unread)) for one in done if one.unread],
        "unplaced": [(one.source, why) for one in done for why in one.unplaced],
        "checked": report.checked,
        "confirmed": report.confirmed,
        "results": [asdict(row) for row in report.results],
    }
    Folder(out).write(name, b"".join(one.quads for one in done), told)
    return told


def _hash(maker: str, version: str, jobs: Sequence[work.Job]) -> str:
    """Stands for all that a part is made from."""
    parts = (maker, version, *(f"{job.report} {job.copy} {job.fingerprint}" for job in jobs))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _named(jobs: Iterable[work.Job], names: Mapping[str, str]) -> Iterator[work.Job]:
    """The jobs of a file, whose documents say whence it came."""
    for job in jobs:
        yield replace(job, document=replace(job.document, source=_name(job.document.source, names)))


def _name(source: str, names: Mapping[str, str]) -> str:
    """A source in which a folder of fetched files is named by whence they came."""
    for folder, name in names.items():
        source = source.replace(folder, name)
    return source


def _files(paths: Iterable[str], scratch: Path, names: dict[str, str]) -> Iterator[Path]:
    """The files of reports as ``sources`` reads them; those of elsewhere are fetched one by one, see ``names``."""
    for number, given in enumerate(paths):
        if "://" not in given:
            yield from sources.expand([Path(given)])
            continue
        from fsspec.core import url_to_fs

        with reaching(given):
            files, root = url_to_fs(given)
            found = files.find(root)
        if not found and not files.exists(root):
            raise KGError(f"{given}: there is no such file or folder.")
        top = root.rpartition("/")[0] if found == [root] else root.rstrip("/")
        names[f"{scratch / str(number)}/"] = f"{given.rpartition('/')[0] if found == [root] else given.rstrip('/')}/"
        for name in sorted(found, key=lambda name: name.split("/")):
            inner = name.removeprefix(top).strip("/")
            if found != [root] and not all(map(sources.may_hold_reports, inner.split("/"))):
                continue
            path = scratch / str(number) / inner
            path.parent.mkdir(parents=True, exist_ok=True)
            with reaching(given):
                files.get_file(name, str(path))
            yield path
            path.unlink()


def _connected(address: str) -> Client:
    """The cluster, when a worker is ready."""
    if not re.match(r"\w+://", address):
        raise KGError(f"--dask {address} is no address of a Dask scheduler: it looks like tcp://host:8786.")
    from distributed import Client

    try:
        client = Client(address, timeout=_PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise KGError(f"No Dask scheduler answers at {address}: is it running there?") from error
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError as error:
        client.close()  # type: ignore[no-untyped-call]
        raise KGError(
            f"The Dask scheduler at {address} has no worker: start some with 'dask worker {address}'."
        ) from error
    return client


def _result(future: Future[dict[str, Any]]) -> dict[str, Any]:
    from distributed import CancelledError, KilledWorker

    try:
        told: dict[str, Any] = future.result()
        return told
    except KilledWorker as error:
        raise KGError(
            f"The cluster gave up a part after several workers ended on it ({error}); run again to go on."
        ) from error
    except (CancelledError, OSError) as error:
        raise KGError(f"The cluster was lost ({type(error).__name__}); run the same command again to go on.") from error
