"""Reads the words of a PDF and where they stand. Run as a program of its own, never imported.

A PDF is hostile until read: the library is native code, so it works in a process with bounds on time and memory, and
when that dies the batch goes on. Takes the file on standard input, writes one JSON object to standard output:
``{"pages": [{"width", "height", "words": [[x0, x1, y, size, bold, follows, text], ...]}]}`` or ``{"error": sentence}``.
Lengths are in points, ``y`` is the base line counted from the bottom; ``follows`` says that no space stands before the
word. Imports nothing of this package, which would take longer than the reading.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import sys
from collections.abc import Iterator
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

_SECONDS = 60
_MEMORY = 2 << 30  # bytes of address space
_MOST_PAGES = 2000
_MOST_CHARACTERS = 8_000_000
_BOLD = 600
_HYPHENS = frozenset((0x02, 0xAD, 0xFFFE))  # what the library gives for one that ends a line
_SPACES = frozenset((0x09, 0x0A, 0x0D, 0x20, 0xA0, 0x3000))
_NAMELESS = frozenset((0, 0xFFFD, *range(0xE000, 0xF900)))  # among them the area for private use
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "ft", 0xFB06: "st"}


def _bound() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not on Windows, or the limits are lower already
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


class _Page:
    """The characters of a page, gathered into words."""

    def __init__(self, page: Any) -> None:
        self._text = pdfium.FPDFText_LoadPage(page.raw)
        self.count = max(0, pdfium.FPDFText_CountChars(self._text))
        self._box = [ctypes.c_double() for _ in range(4)]
        self._origin = [ctypes.c_double() for _ in range(2)]
        self._matrix = pdfium.FS_MATRIX()
        self.unknown = 0  # characters that their font gives no name

    def close(self) -> None:
        pdfium.FPDFText_ClosePage(self._text)

    def words(self) -> Iterator[list[Any]]:
        """Words in the order of the file: a word ends at a space, a new line or a jump; what is turned is left out."""
        word: list[Any] | None = None
        spaced = True
        for n in range(self.count):
            code = pdfium.FPDFText_GetUnicode(self._text, n)
            if code in _SPACES or pdfium.FPDFText_IsGenerated(self._text, n) == 1:
                if word:
                    yield word
                word, spaced = None, True
                continue
            text = self._character(n, code)
            if not text:
                continue
            x0, x1, y = self._place(n)
            if word and abs(y - word[2]) <= 0.1 * word[3] and -0.5 * word[3] < x0 - word[1] < 0.6 * word[3]:
                word[1] = max(word[1], x1)
                word[6] += text
                continue
            if word:
                yield word
                word = None
            size, level = self._size(n)
            if level:
                bold = pdfium.FPDFText_GetFontWeight(self._text, n) >= _BOLD or self._named_bold(n)
                word = [x0, x1, y, size, bold, not spaced, text]
            spaced = False
        if word:
            yield word

    def _character(self, n: int, code: int) -> str:
        if code in _HYPHENS:
            return "-"
        if code in _NAMELESS or pdfium.FPDFText_HasUnicodeMapError(self._text, n) == 1:
            self.unknown += 1
            return ""
        if 0xD800 <= code < 0xE000 or code < 0x20 or code > 0x10FFFF:
            return ""
        return _LIGATURES.get(code) or chr(code)

    def _place(self, n: int) -> tuple[float, float, float]:
        left, right, bottom, top = self._box
        pdfium.FPDFText_GetCharBox(self._text, n, left, right, bottom, top)
        x, y = self._origin
        pdfium.FPDFText_GetCharOrigin(self._text, n, x, y)
        return left.value, right.value, y.value

    def _size(self, n: int) -> tuple[float, bool]:
        """The height of the letters as they stand on the page, and whether they stand level."""
        size = pdfium.FPDFText_GetFontSize(self._text, n)
        pdfium.FPDFText_GetMatrix(self._text, n, self._matrix)
        m = self._matrix
        return float(size * math.hypot(m.c, m.d)) or float(size) or 1.0, abs(m.b) <= 0.1 * abs(m.a)

    def _named_bold(self, n: int) -> bool:
        name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
        pdfium.FPDFText_GetFontInfo(self._text, n, name, 128, flags)
        return any(mark in name.value.lower() for mark in (b"bold", b"black", b"heavy"))


def _read(data: bytes) -> dict[str, Any]:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            return {"error": "is protected by a password; save it without one"}
        return {"error": f"is no PDF that can be read ({error}); fetch the file again"}
    if len(document) > _MOST_PAGES:
        return {"error": f"has {len(document)} pages, more than one report can have; split it"}
    pages, characters, unknown = [], 0, 0
    for number in range(len(document)):
        try:
            page = document[number]
        except pypdfium2.PdfiumError as error:
            return {"error": f"page {number + 1} cannot be read ({error}); fetch the file again"}
        text = _Page(page)
        characters += text.count
        if characters > _MOST_CHARACTERS:
            return {"error": "holds more text than one report can; split it"}
        width, height = page.get_size()
        words = [[*(round(v, 2) for v in w[:4]), *w[4:]] for w in text.words() if all(map(math.isfinite, w[:4]))]
        unknown += text.unknown
        pages.append({"width": width, "height": height, "words": words})
        text.close()
        page.close()
    if not any(page["words"] for page in pages):
        why = "its fonts do not say which letters they hold" if unknown else "its pages are pictures"
        return {"error": f"holds no text ({why}); run character recognition over it first"}
    if unknown > 0.2 * characters:
        return {"error": "holds text whose fonts do not say which letters they hold; run character recognition over it"}
    return {"pages": pages}


if __name__ == "__main__":
    _bound()
    try:
        found = _read(sys.stdin.buffer.read())
    except MemoryError:
        found = {"error": f"needs more than {_MEMORY >> 30} GB of memory; check that it is what it says"}
    sys.stdout.write(json.dumps(found))
