"""PDF (.pdf): one report a file, its columns in reading order, words at line ends joined. Needs casekg[pdf]."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from kg.errors import SourceError
from kg.model import Block, Document
from kg.sources._bibliography import report_of
from kg.sources._columns import Line, Page, Word, lines_of_pages
from kg.sources._files import stem_of, whole
from kg.sources._layout import PROSE, Part, blocks_of, lay_out

__all__ = ["read", "recognises"]

_LARGEST = 128 * 1024 * 1024
_SECONDS = 90
_READER = Path(__file__).with_name("_pdfium.py")
_ENDS = re.compile(r"[.!?:;。][\"')\]”’]*$")
_LEGEND = re.compile(
    r"(?:supplementary\s)?(?:table|fig(?:ure)?s?\.?|scheme|box)\s?(?:\d{1,2}|[IVX]{1,4}|[A-H]\d?)\b", re.I
)
_SENTENCE = re.compile(r"[^\W\d_]{2}[.!?](?:\s|$)")
_BROKEN = re.compile(r"([^\W_]+)[-‐]$")
_LETTERS = re.compile(r"[^\W_]+(?:[-‐][^\W_]+)*")
_START = re.compile(r"[^\W_]+")


def recognises(name: str, head: bytes) -> int:
    """By the mark at its beginning, or the suffix."""
    return 2 if b"%PDF-" in head[:1024] else int(name.lower().endswith(".pdf"))


def read(path: Path) -> Iterator[Document | SourceError]:
    """The one report of a PDF; its text is a line for each paragraph, and each block says its page."""
    if find_spec("pypdfium2") is None:
        raise SourceError(f"{path}: a PDF is read with the extra casekg[pdf] (the package pypdfium2); install it.")
    data = whole(path, _LARGEST)
    if b"%PDF-" not in data[:1024]:
        raise SourceError(f"{path}: is no PDF, whatever its name says; give it its right suffix or fetch it again.")
    lines = lines_of_pages(_pages(data, path))
    paragraphs = _paragraphs(lines)
    if not paragraphs:
        raise SourceError(f"{path}: holds no text but page numbers.")
    composed = _Text(paragraphs)
    parts = [composed.legend(part) for part in lay_out(composed.text, str(path), _title(paragraphs))]
    blocks = tuple(composed.placed(block) for block in blocks_of(parts))
    yield Document(stem_of(path), composed.text, report_of(composed.text, parts), blocks, str(path))


def _pages(data: bytes, path: Path) -> list[Page]:
    """What the reading process says; SourceError for what it refuses, and where it dies or takes too long."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_READER)], input=data, capture_output=True, timeout=_SECONDS, check=False
        )
        found: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise SourceError(f"{path}: takes more than {_SECONDS} seconds to read; print it to a new PDF.") from None
    except ValueError:
        why = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2] or f"ended with {done.returncode}"
        raise SourceError(f"{path}: makes the PDF library fail ({why[:200]}); print it to a new PDF.") from None
    if error := found.get("error"):
        raise SourceError(f"{path}: {error}.")
    return [Page(p["width"], p["height"], tuple(Word(*word) for word in p["words"])) for p in found["pages"]]


@dataclass(slots=True)
class _Paragraph:
    lines: list[Line]
    legend: bool = False  # of a figure, or cells of a table


def _paragraphs(lines: Sequence[Line]) -> list[_Paragraph]:
    """The lines gathered by gaps, indents, ends, sizes and weight.

    A paragraph of the running text goes on in the next column or page, and after a legend or footnote in between.
    """
    if not lines:
        return []
    body = _body_size(lines)
    columns: dict[tuple[int, float, float], list[Line]] = {}
    for line in lines:
        columns.setdefault((line.page, line.left, line.right), []).append(line)
    shapes = {key: _Shape(column) for key, column in columns.items()}
    now = _Paragraph([lines[0]], bool(_LEGEND.match(lines[0].text)))
    main = now  # the last paragraph of the running text
    found = [now]
    for last, line in pairwise(lines):
        shape = shapes[last.page, last.left, last.right]
        within = (last.page, last.left, last.right) == (line.page, line.left, line.right)
        ending = main.lines[-1]
        if within and (
            _is_legend(now.lines[0], line, body, shape) if now.legend else not shape.parts(last, line, body)
        ):
            goes_on = True
        elif not within and now is not main:
            goes_on = _goes_on(last, line, shape.full(last))
        else:
            goes_on = False
        if not goes_on and not (within and now is main):
            column = shapes[ending.page, ending.left, ending.right]
            if _goes_on(ending, line, column.full(ending)):
                now, goes_on = main, True
        if not goes_on:
            now = _Paragraph([], bool(_LEGEND.match(line.text)))
            found.append(now)
        now.lines.append(line)
        if not now.legend and abs(line.size - body) < 0.07 * body:
            main = now
    for paragraph in found:
        small = all(line.size < body - 0.4 for line in paragraph.lines)
        paragraph.legend = paragraph.legend or (small and not _SENTENCE.search(_words_of(paragraph)))
    return found


def _body_size(lines: Sequence[Line]) -> float:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0]


def _under(last: Line, line: Line) -> bool:
    """Whether a line stands just under another, though not in the same column."""
    return last.page == line.page and 0 < last.y - line.y < 2.5 * line.size and line.x0 < last.x1 and last.x0 < line.x1


def _is_legend(first: Line, line: Line, body: float, shape: _Shape) -> bool:
    """Whether a line that stands under the first of a legend or table belongs to it."""
    if line.size > 1.07 * first.size:
        return False
    return line.size < body - 0.4 or len(line.cells) > 1 or (not shape.full(line) and line.text[:1].islower())


class _Shape:
    """How the lines of one column are set."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.left, self.right = lines[0].left, lines[0].right
        self.width = max(self.right - self.left, 1.0)
        steps = [a.y - b.y for a, b in pairwise(lines) if 0 < a.y - b.y < 3 * a.size]
        self.step = median(steps) if steps else 1.2 * lines[0].size
        self.justified = sum(self.full(line) for line in lines) >= 0.5 * len(lines)

    def full(self, line: Line) -> bool:
        """Whether a line reaches the right edge."""
        return line.x1 > self.right - 0.04 * self.width

    def parts(self, last: Line, line: Line, body: float) -> bool:
        """Whether a paragraph ends between two lines that follow each other in the column."""
        if abs(last.size - line.size) > 0.07 * last.size or last.bold != line.bold:
            return True
        large = line.size > 1.15 * body  # a title: its lines are as long as its words make them
        if last.y - line.y > max(1.35 * self.step, 1.35 * last.size):
            return not large or last.y - line.y > 1.6 * last.size
        if large:
            return False
        ended, short = bool(_ENDS.search(last.text)), last.x1 < self.right - 0.12 * self.width
        indented = 0.7 * line.size < line.x0 - self.left < 5 * line.size and last.x0 - self.left < 0.5 * line.size
        if indented and (ended or not self.full(last)):
            return True
        if self.justified:
            return short
        return short and (ended or last.x1 < self.left + 0.6 * self.width) and not line.text[:1].islower()


def _goes_on(last: Line, line: Line, full: bool) -> bool:
    """Whether a paragraph goes on elsewhere; ``full``: its last line reaches the edge of its column."""
    if abs(last.size - line.size) > 0.07 * last.size or last.bold != line.bold or _LEGEND.match(line.text):
        return False
    return line.text[:1].islower() or (full and not _ENDS.search(last.text))


def _title(paragraphs: Sequence[_Paragraph]) -> str:
    """What is set in the largest letters on the first page."""
    first = [p for p in paragraphs if p.lines[0].page == 1 and len(p.lines) <= 8]
    largest = max((p.lines[0].size for p in first if len(_words_of(p)) > 12), default=0.0)
    found = next((p for p in first if p.lines[0].size == largest), None)
    body = median(line.size for p in paragraphs for line in p.lines)
    return _words_of(found) if found and largest > 1.15 * body else ""


def _words_of(paragraph: _Paragraph) -> str:
    return " ".join(line.text for line in paragraph.lines)


class _Text:
    """The text of the paragraphs, and which part of it stands on which page."""

    def __init__(self, paragraphs: Sequence[_Paragraph]) -> None:
        self._spelt = Counter(m[0] for p in paragraphs for line in p.lines for m in _LETTERS.finditer(line.text))
        self._starts: list[int] = []
        self._pages: list[int] = []
        self._legends: list[tuple[int, int]] = []
        pieces: list[str] = []
        size = 0
        for n, paragraph in enumerate(paragraphs):
            begun = size + 2 * (n > 0)
            for k, line in enumerate(paragraph.lines):
                words = line.text
                if k:
                    joined, words = self._joined(pieces[-1], words)
                    size += len(joined) - len(pieces[-1])
                    pieces[-1] = joined
                elif n:
                    pieces.append("\n\n")
                    size += 2
                self._starts.append(size)
                self._pages.append(line.page)
                pieces.append(words)
                size += len(words)
            if paragraph.legend:
                self._legends.append((begun, size))
        self.text = "".join(pieces)

    def _joined(self, before: str, after: str) -> tuple[str, str]:
        """Two lines as they are joined: a hyphen at the end goes unless the word has one elsewhere too."""
        broken, start = _BROKEN.search(before), _START.match(after)
        if not broken or not start:
            return (before if before.endswith(("-", "‐", "–", "/")) else before + " "), after
        first, second = broken[1], start[0]
        whole_word, with_hyphen = self._spelt[first + second], self._spelt[f"{first}-{second}"]
        kept = with_hyphen > whole_word or (
            not whole_word
            and (not second[0].islower() or len(first) == 1 or any(map(str.isdigit, first)) or first.isupper())
        )
        return (before if kept else before[:-1]), after

    def page_of(self, offset: int) -> int:
        """The page on which the text at ``offset`` stands."""
        return self._pages[max(0, bisect_right(self._starts, offset) - 1)]

    def placed(self, block: Block) -> Block:
        """The block with its page or pages."""
        first, last = self.page_of(block.start), self.page_of(block.end - 1)
        return replace(block, place=f"page {first}" if first == last else f"pages {first}-{last}")

    def legend(self, part: Part) -> Part:
        """The part as caption if it stands in a legend or table."""
        inside = any(start <= part.start < end for start, end in self._legends)
        return part._replace(kind="caption") if inside and part.kind in PROSE else part
