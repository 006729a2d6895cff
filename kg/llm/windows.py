"""What is asked at once: a stretch of a report's readable sentences, long reports in several that overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kg.clinical.story import Story
from kg.model import Span

__all__ = ["Stretch", "windows"]

_SIZE = 12_000  # characters: about 3,000 tokens, which leaves room for prompt and reply in a context of 16,000
_OVERLAP = 3  # lines that are told again, so that "it" has something to refer to


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines of a text, each a sentence or a piece of one that is too long."""

    lines: tuple[Span, ...]

    @property
    def start(self) -> int:
        """Where it begins in the text."""
        return self.lines[0].start

    @property
    def end(self) -> int:
        """Where it ends in the text."""
        return self.lines[-1].end


def windows(story: Story, size: int = _SIZE) -> list[Stretch]:
    """The windows of a story of at most ``size`` characters; one ends with a section where its second half has one."""
    lines, sections = _lines(story, size)
    found: list[Stretch] = []
    first = 0
    while first < len(lines):
        last = _fill(lines, first, size)
        if last < len(lines):
            middle = (first + last) // 2
            last = next((n for n in range(last, middle, -1) if sections[n] != sections[n - 1]), last)
        found.append(Stretch(tuple(lines[first:last])))
        if last == len(lines):
            break
        first = max(first + 1, last - _OVERLAP)
        if _fill(lines, first, size) <= last:  # the overlap alone would fill the next one
            first = last
    return found


def _fill(lines: Sequence[Span], first: int, size: int) -> int:
    """The end of the longest run of lines from ``first`` on that is no longer than ``size``."""
    length, last = 0, first
    while last < len(lines) and (last == first or length + lines[last].end - lines[last].start <= size):
        length += lines[last].end - lines[last].start
        last += 1
    return last


def _lines(story: Story, size: int) -> tuple[list[Span], list[str]]:
    lines: list[Span] = []
    sections: list[str] = []
    for s in story.sentences:
        for start in range(s.start, s.end, size):
            lines.append(Span(start, min(start + size, s.end)))
            sections.append(s.block)
    return lines, sections
