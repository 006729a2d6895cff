"""Opening input within bounds: plain or gzip, first bytes, lines of limited length, UTF-8 or a clear error."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from kg.errors import SourceError

__all__ = ["LONGEST", "decoded", "first_bytes", "lines_of", "opened", "stem_of", "whole"]

LONGEST = 16 * 1024 * 1024  # bytes of one report or one line: a hundred times the longest case report
_HEAD = 4096


def stem_of(path: Path) -> str:
    """The file's name without ``.gz`` and its suffix: the id of the one report in it."""
    return os.fsencode(Path(path.name.removesuffix(".gz")).stem).decode("utf-8", "replace")


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, uncompressed where it is gzip; SourceError where it cannot be read."""
    try:
        with path.open("rb") as raw:
            zipped = raw.peek(2)[:2] == b"\x1f\x8b"
            yield cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if zipped else raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{path}: the gzip data is damaged ({error}); compress or fetch the file again.") from error
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read ({error.strerror or error}); check its rights and try again."
        ) from error


def first_bytes(path: Path) -> bytes:
    """What a reader recognises a file by: up to 4096 bytes of its (uncompressed) content."""
    with opened(path) as stream:
        return stream.read(_HEAD)


def whole(path: Path, limit: int = LONGEST) -> bytes:
    """All bytes of a file that holds one report."""
    with opened(path) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise SourceError(
            f"{path}: is longer than {limit >> 20} MB, more than one report can be; split it or check that it is text."
        )
    return data


def lines_of(stream: IO[bytes], path: Path, limit: int = LONGEST) -> Iterator[tuple[int, bytes | SourceError]]:
    """Number and bytes of each line; an error in place of one over the limit, which is passed over in pieces."""
    number = 0
    while line := stream.readline(limit + 1):
        number += 1
        if len(line) <= limit:
            yield number, line
            continue
        while not line.endswith(b"\n") and (line := stream.readline(limit)):
            pass
        why = f"is longer than {limit >> 20} MB; one line holds one report, so check the line ends"
        yield number, SourceError(f"{path}, line {number}: {why}.")


def decoded(data: bytes, where: str) -> str:
    """``data`` as text with nothing changed; SourceError says what is wrong with it and at which byte."""
    if b"\0" in data:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise SourceError(f"{where}: is UTF-16, not UTF-8; convert it first (iconv -f UTF-16 -t UTF-8).")
        raise SourceError(f"{where}: is a binary file, not text; give text, or the format its name says.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        byte, line = data[error.start], data.count(b"\n", 0, error.start) + 1
        why = f"is not UTF-8 (byte 0x{byte:02x} at offset {error.start}, line {line})"
        raise SourceError(f"{where}: {why}; convert it first (iconv -t UTF-8).") from error
