"""PubTator: lines ``PMID|t|title`` and ``PMID|a|abstract``; its offsets hold, its annotations are passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from kg.errors import SourceError
from kg.model import BlockKind, Document
from kg.sources._bibliography import bare_title
from kg.sources._compose import Composer
from kg.sources._files import decoded, lines_of, opened
from kg.sources._languages import language_of

__all__ = ["read", "recognises"]

_HEAD = re.compile(rb"(?:\xef\xbb\xbf)?\s*[\w-]{1,40}\|t\|")
_LINE = re.compile(r"([\w-]{1,40})\|([ta])\|(.*)")


def recognises(name: str, head: bytes) -> int:
    """By its first line."""
    return 2 * bool(_HEAD.match(head))


def read(path: Path) -> Iterator[Document | SourceError]:
    """The records of a file in its order; the text is title and abstract as PubTator counts them."""
    record, texts, begun = "", {"t": "", "a": ""}, 0
    with opened(path) as stream:
        for number, data in lines_of(stream, path):
            where = f"{path}, line {number}"
            try:
                line = data if isinstance(data, SourceError) else decoded(data, where).strip("\ufeff\r\n")
            except SourceError as error:
                line = error
            m = None if isinstance(line, SourceError) else _LINE.fullmatch(line)
            if isinstance(line, SourceError):
                yield line
            elif m:
                if m[1] != record:
                    if record:
                        yield _document(record, texts, f"{path}, line {begun}")
                    record, texts, begun = m[1], {"t": "", "a": ""}, number
                texts[m[2]] = m[3]
    if record:
        yield _document(record, texts, f"{path}, line {begun}")
    else:
        yield SourceError(f"{path}: holds no PubTator record; each begins with a line such as '12345|t|Title'.")


def _document(record: str, texts: dict[str, str], where: str) -> Document | SourceError:
    composer = Composer()
    parts: tuple[tuple[str, BlockKind], ...] = (("t", "title"), ("a", "abstract"))
    for key, kind in parts:
        if texts[key].strip():
            composer.pad_to(len(texts["t"]) + 1 if key == "a" else 0)
            composer.push(texts[key], kind)
    if not composer.blocks:
        return SourceError(f"{where}: has neither title nor abstract.")
    title = texts["t"].strip()
    fields = {"title": {language_of(title): bare_title(title)} if title else {}}
    return composer.document(record, where, {**fields, "pmid": record if record.isdigit() else ""})
