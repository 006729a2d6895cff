"""The lines of a printed page in reading order: columns apart, running heads and feet left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from kg.sources._pages import is_note

__all__ = ["Line", "Page", "Word", "lines_of_pages"]

_FEWEST = 4  # rows that make a column
_NARROWEST = 9  # a column, in heights of its letters
_DEEPEST = 3  # columns within columns: two cuts make up to four
_MARGIN = 0.1  # of the page's height, in which running heads and feet stand
_NUMBERS = re.compile(r"(?:page|p\.)?[\d\s.,|/–-]*(?:of\s*\d+\s*)?", re.IGNORECASE)


class Word(NamedTuple):
    """A word and where it stands, in points from the page's lower left; ``follows``: no space stands before it."""

    x0: float
    x1: float
    y: float
    size: float
    bold: bool
    follows: bool
    text: str


class _Gutter(NamedTuple):
    """The space between two columns: where the left one ends and the right one begins."""

    begin: float
    end: float


class Page(NamedTuple):
    """The words of one page in the order of the file."""

    width: float
    height: float
    words: tuple[Word, ...]


@dataclass(slots=True)
class Line:
    """Words on one base line of one column, which reaches from ``left`` to ``right``."""

    words: list[Word]
    page: int = 0
    left: float = 0.0
    right: float = 0.0
    text: str = ""
    size: float = field(init=False)
    y: float = field(init=False)

    def __post_init__(self) -> None:
        letters: Counter[float] = Counter()
        for word in self.words:
            letters[word.size] += len(word.text)
        self.size = letters.most_common(1)[0][0]
        self.y = max((w for w in self.words if w.size == self.size), key=lambda w: len(w.text)).y
        self.words.sort(key=lambda w: w.x0)
        self.text = "".join(_pieces(self.words, self.size, self.y))

    @property
    def x0(self) -> float:
        """Where the line begins."""
        return self.words[0].x0

    @property
    def x1(self) -> float:
        """Where the line ends."""
        return max(w.x1 for w in self.words)

    @property
    def bold(self) -> bool:
        """Whether all of it is bold."""
        return all(w.bold for w in self.words)

    @property
    def cells(self) -> list[list[Word]]:
        """The pieces into which wide spaces cut it, as in a table."""
        cells = [self.words[:1]]
        for last, word in pairwise(self.words):
            if word.x0 - last.x1 > 1.6 * self.size:
                cells.append([])
            cells[-1].append(word)
        return cells


def lines_of_pages(pages: Sequence[Page]) -> list[Line]:
    """All lines of a document in the order in which they are read."""
    rows = [_rows(page.words) for page in pages]
    gutters = Counter(gutter for page_rows in rows if (gutter := _gutter(page_rows)))
    usual = gutters.most_common(1)[0][0] if gutters else None
    found: list[list[Line]] = []
    for number, page_rows in enumerate(rows, 1):
        lines = list(_read(page_rows, _DEEPEST, usual))
        for line in lines:
            line.page = number
        found.append(lines)
    recurring = _recurring(pages, found)
    kept: list[Line] = []
    heads: list[Line] = []  # of the first page: one of them may be the citation
    for page, lines in zip(pages, found, strict=True):
        for line in lines:
            if not _in_margin(line, page):
                kept.append(line)
            elif not _NUMBERS.fullmatch(line.text):
                running = all(any(key in recurring for key in keys) for keys in _marks(line))
                if not running:
                    kept.append(line)
                elif line.page == 1 and any(map(str.isdigit, line.text)):
                    heads.append(line)
    return heads + kept


def _pieces(words: Sequence[Word], size: float, y: float) -> Iterator[str]:
    """The words with the spaces between them, without the raised numbers of references and notes."""
    before: Word | None = None
    text = ""
    for word in words:
        raised = word.size < 0.85 * size and word.y > y + 0.15 * size
        if before and raised and is_note(word.text, text):
            continue
        apart = before is not None and (
            not word.follows if word.size == before.size else word.x0 - before.x1 > 0.15 * size
        )
        yield f" {word.text}" if apart else word.text
        before, text = word, word.text


def _rows(words: Sequence[Word]) -> list[list[Word]]:
    """Words that stand on one base line, whatever their column, from the top down; small ones join the large."""
    rows: list[tuple[float, float, list[Word]]] = []
    by_height: dict[int, list[int]] = {}
    row_of: dict[int, int] = {}
    for n in sorted(range(len(words)), key=lambda n: (-words[n].size, -words[n].y, words[n].x0)):
        word = words[n]
        if word.follows and (of_last := row_of.get(n - 1)) is not None and _near(rows[of_last], word):
            at = of_last  # a raised or lowered sign belongs to the word it stands at
        else:
            around = range(int(word.y // 8) - 3, int(word.y // 8) + 4)
            fits = [k for h in around for k in by_height.get(h, ()) if _near(rows[k], word)]
            at = min(fits, key=lambda k: abs(rows[k][0] - word.y), default=len(rows))
        if at == len(rows):
            by_height.setdefault(int(word.y // 8), []).append(at)
            rows.append((word.y, min(word.size, 40), []))
        rows[at][2].append(word)
        row_of[n] = at
    rows.sort(key=lambda row: -row[0])
    return [sorted(row, key=lambda w: w.x0) for _, _, row in rows]


def _near(row: tuple[float, float, list[Word]], word: Word) -> bool:
    return abs(row[0] - word.y) < 0.45 * row[1]


def _read(rows: list[list[Word]], depth: int, usual: _Gutter | None = None) -> Iterator[Line]:
    """The lines of a region. What crosses the space between two columns parts what stands above from what below.

    ``usual`` is where the document's other pages have that space; a few rows are then enough to confirm it.
    """
    gutter = _gutter(rows) if depth else None
    if gutter is None and usual and sum(_begins_at(row, usual) for row in rows) > 1:
        gutter = usual
    if gutter is None:
        yield from _column(rows)
        return
    across: list[list[Word]] = []
    beside: list[list[Word]] = []
    for row in rows:
        if _crosses(row, gutter):
            yield from _halves(beside, gutter, depth - 1)
            beside = []
            across.append(row)
        elif not beside and across and row[0].x0 < gutter.end and not any(w.x0 > gutter.end for w in row):
            across.append(row)  # the last line of a paragraph that went across
        else:
            if not beside:
                yield from _read(across, depth - 1)
                across = []
            beside.append(row)
    yield from _read(across, depth - 1)
    yield from _halves(beside, gutter, depth - 1)


def _halves(rows: list[list[Word]], gutter: _Gutter, depth: int) -> Iterator[Line]:
    lefts = [[w for w in row if w.x0 < gutter.end] for row in rows]
    rights = [[w for w in row if w.x0 >= gutter.end] for row in rows]
    for side in (lefts, rights):
        yield from _read([row for row in side if row], depth)


def _column(rows: list[list[Word]]) -> Iterator[Line]:
    if not rows:
        return
    left, right = min(row[0].x0 for row in rows), max(w.x1 for row in rows for w in row)
    for row in rows:
        line = Line(row)
        line.left, line.right = left, right
        if line.text.strip():
            yield line


def _crosses(row: Sequence[Word], gutter: _Gutter) -> bool:
    """Whether a row runs on across the gutter: a word reaches into it, or no more than a space of it is free."""
    before = max((w.x1 for w in row if w.x0 < gutter.end), default=None)
    if before is None:
        return False
    after = min((w.x0 for w in row if w.x0 >= gutter.end), default=None)
    return before > gutter.begin or (after is not None and after - before < 0.8 * max(w.size for w in row))


def _begins_at(row: Sequence[Word], gutter: _Gutter) -> bool:
    """Whether words of a row begin just where the gutter ends."""
    first = next((w.x0 for w in row if w.x0 >= gutter.end), 0.0)
    return gutter.end <= first < gutter.end + 6 and not _crosses(row, gutter)


def _gutter(rows: Sequence[Sequence[Word]]) -> _Gutter | None:
    """The space between two columns; None where there is one column.

    Words of many rows begin at its end: wide spaces in a justified line are not in line with one another.
    """
    left, right = min((row[0].x0 for row in rows), default=0.0), max((w.x1 for row in rows for w in row), default=0.0)
    starts: Counter[int] = Counter()
    for row in rows:
        size = max(w.size for w in row)
        narrow = _NARROWEST * size
        for last, word in zip((None, *row), row, strict=False):
            free = last is None or word.x0 - last.x1 > 0.8 * size
            if free and left + narrow < word.x0 < right - narrow:
                starts[round(word.x0 / 2)] += 1
    best: tuple[int, _Gutter] | None = None
    for at in starts:
        aligned = starts[at - 1] + starts[at] + starts[at + 1]
        if aligned >= max(_FEWEST, best[0] + 1 if best else 0) and (found := _between(rows, 2.0 * at - 3)):
            best = (aligned, found)
    return best[1] if best else None


def _between(rows: Sequence[Sequence[Word]], x: float) -> _Gutter | None:
    """The gutter that ends at ``x``, if some rows under one another leave it free and stand on both its sides.

    The left column ends in line, or well before it.
    """
    ends: list[float] = []
    left = right = 0
    qualified = False
    for row in rows:
        if _crosses(row, _Gutter(x, x)):
            left = right = 0
            continue
        before = max((w.x1 for w in row if w.x0 < x), default=None)
        beside = next((w.x0 for w in row if w.x0 >= x), x - 1)
        left += before is not None
        right += x <= beside < x + 6
        qualified = qualified or (left >= _FEWEST and right >= _FEWEST)
        if before is not None:
            ends.append(before)
    if not qualified:
        return None
    edge, times = Counter(round(end / 3) for end in ends).most_common(1)[0]
    in_line = [end for end in ends if abs(end - 3 * edge) <= 3]
    if times >= 3 and len(in_line) >= 0.3 * len(ends):
        return _Gutter(max(in_line), x)
    size = max(w.size for row in rows[:1] for w in row)
    return _Gutter(max(ends), x) if x - max(ends) > size else None


def _recurring(pages: Sequence[Page], found: Sequence[Sequence[Line]]) -> set[tuple[str, int]]:
    """Words (without numbers) and height of what stands in the margins of two pages or more."""
    seen: Counter[tuple[str, int]] = Counter()
    for page, lines in zip(pages, found, strict=True):
        margin = (keys for line in lines if _in_margin(line, page) for keys in _marks(line))
        seen.update({key for keys in margin for key in keys})
    return {key for key, times in seen.items() if times > 1}


def _in_margin(line: Line, page: Page) -> bool:
    return line.y < _MARGIN * page.height or line.y > (1 - _MARGIN) * page.height


def _marks(line: Line) -> Iterator[tuple[tuple[str, int], tuple[str, int]]]:
    """For each piece of a line the letters of it and its height, in two roundings."""
    for cell in line.cells:
        if words := "".join(filter(str.isalpha, " ".join(w.text for w in cell).casefold())):
            yield (words, round(line.y / 8)), (words, round(line.y / 8 + 0.5))
