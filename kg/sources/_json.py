"""JSON read as a stream: the objects of one long list, one at a time, so that memory does not grow with the file."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from kg.errors import SourceError
from kg.sources._files import decoded, opened

__all__ = ["objects"]

_LARGEST = 64 * 1024 * 1024  # characters of one object
_PIECE = 1 << 20  # bytes read at once
_LONGEST_MARK = 200  # characters
_BETWEEN = re.compile(r"[\s,\ufeff]*")


def objects(path: Path, key: str = "") -> Iterator[Any]:
    """The objects in all lists under ``key``, the first of which stands near the beginning of the file.

    Without that key in it the objects of the list that the file is, or those that stand in it one after the other.
    SourceError where the file is no JSON, or an object is too long.
    """
    mark = re.compile(rf'"{re.escape(key)}"\s{{0,40}}:\s{{0,40}}\[')  # no text holds it: its quotes are escaped there
    with opened(path) as stream:
        text = _Text(stream, path)
        text.more()
        if key and text.holds(mark):
            while text.find(mark):
                yield from text.listed()
        elif text.sign() == "[":
            text.at += 1
            yield from text.listed()
        else:
            while text.sign():
                yield text.next()


class _Text:
    """The text of a file, decoded piece by piece; what stands before ``at`` has been read."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self.at = 0
        self._buffer = ""
        self._stream, self._path = stream, path
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder(strict=False)
        self._ended = False

    def more(self) -> bool:
        """Read on; False at the end of the file."""
        if self._ended:
            return False
        data = self._stream.read(_PIECE)
        self._ended = not data
        try:
            found = self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError:
            decoded(data, str(self._path))  # says what it is, where that can be told from this piece
            raise SourceError(f"{self._path}: is not UTF-8; convert it first (iconv -t UTF-8).") from None
        self._buffer = self._buffer[self.at :] + found
        self.at = 0
        return not self._ended

    def holds(self, mark: re.Pattern[str]) -> bool:
        """Whether ``mark`` stands in what was read so far."""
        return mark.search(self._buffer) is not None

    def find(self, mark: re.Pattern[str]) -> bool:
        """Go on behind the next ``mark``; False where there is none."""
        while not (m := mark.search(self._buffer, self.at)):
            self.at = max(self.at, len(self._buffer) - _LONGEST_MARK)
            if not self.more():
                return False
        self.at = m.end()
        return True

    def sign(self) -> str:
        """The next character that stands for something; empty at the end of the file."""
        while True:
            if m := _BETWEEN.match(self._buffer, self.at):
                self.at = m.end()
            if self.at < len(self._buffer):
                return self._buffer[self.at]
            if not self.more():
                return ""

    def listed(self) -> Iterator[Any]:
        """The objects up to the end of the list in which the text goes on."""
        while sign := self.sign():
            if sign == "]":
                self.at += 1
                return
            yield self.next()
        raise SourceError(f"{self._path}: is cut off inside a list; fetch the file again.")

    def next(self) -> Any:
        """The object that begins here."""
        while True:
            try:
                found, self.at = self._json.raw_decode(self._buffer, self.at)
                return found
            except (ValueError, RecursionError) as error:
                size = len(self._buffer) - self.at
                if size > _LARGEST:
                    raise SourceError(
                        f"{self._path}: one record is longer than {_LARGEST >> 20} MB, or the JSON is broken."
                    ) from error
                # Each try begins anew: read as much again before the next.
                if isinstance(error, RecursionError) or not self._grow(size):
                    raise SourceError(
                        f"{self._path}: is not JSON that can be read ({error}); fetch it again or repair it."
                    ) from error

    def _grow(self, size: int) -> bool:
        """Read at least ``size`` characters more; False where nothing was left."""
        before = len(self._buffer) - self.at
        while len(self._buffer) - self.at < before + max(size, 1) and self.more():
            pass
        return len(self._buffer) - self.at > before
