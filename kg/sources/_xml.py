"""XML read as a stream and within bounds: no entities but characters, no network, limited depth and size."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from lxml import etree

from kg.errors import SourceError
from kg.model import Document
from kg.sources._files import opened

__all__ = ["Element", "Paths", "character", "child_words", "elements", "elements_of", "inner", "records", "words"]

Element = etree._Element
_LARGEST = 64 * 1024 * 1024  # bytes between two records
_LONGEST_REASON = 200  # characters: it may quote the input
_SPACES = re.compile(r"\s+")
_ANY = "{*}"  # a name in any namespace or none


class _Bounded:
    """A stream that refuses to go on when too much was read since the last record."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self.stream, self.path, self.since = stream, path, 0

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.since += len(data)
        if self.since > _LARGEST:
            raise SourceError(
                f"{self.path}: one record is longer than {_LARGEST >> 20} MB; check that it is what it says."
            )
        return data


def elements(path: Path, *tags: str) -> Iterator[Element]:
    """The elements of these names, each once it is read whole; of nested ones the outermost. Memory does not grow.

    ``{*}name`` is a name in any namespace.
    """
    with opened(path) as stream:
        yield from elements_of(stream, path, *tags)


def elements_of(stream: IO[bytes], path: Path, *tags: str) -> Iterator[Element]:
    """As ``elements``, from a stream; ``path`` is for messages."""
    bounded = _Bounded(stream, path)
    try:
        events = etree.iterparse(
            bounded,
            events=("start", "end"),
            tag=tags,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
        )
        within = 0
        for event, element in events:
            within += 1 if event == "start" else -1
            if within:
                continue
            yield element
            bounded.since = 0
            element.clear(keep_tail=True)
            parent = element.getparent()
            while parent is not None and element.getprevious() is not None:
                del parent[0]
    except etree.XMLSyntaxError as error:
        why = " ".join(str(error.msg or error).replace(", try XML_PARSE_HUGE", "").split())[:_LONGEST_REASON]
        raise SourceError(f"{path}: is not XML that can be read ({why}); fetch the file again or repair it.") from error


class Paths:
    """Paths of elements from the root, ``/html/body/p[2]``: as lxml's, but the children of each are counted once."""

    def __init__(self) -> None:
        self._steps: dict[Element, str] = {}

    def of(self, element: Element) -> str:
        """The path of ``element``."""
        steps = [""]
        for above in (*reversed(list(element.iterancestors())), element):
            if above not in self._steps:
                self._count(above)
            steps.append(self._steps[above])
        return "/".join(steps)

    def _count(self, element: Element) -> None:
        parent = element.getparent()
        children = [element] if parent is None else [e for e in parent if isinstance(e.tag, str)]
        names = list(map(_name_in_path, children))
        total, seen = Counter(names), Counter[str]()
        for nth, (child, name) in enumerate(zip(children, names, strict=True), 1):
            seen[name] += 1
            several = len(children) > 1 if name == "*" else total[name] > 1
            self._steps[child] = f"{name}[{nth if name == '*' else seen[name]}]" if several else name


def _name_in_path(element: Element) -> str:
    """``mml:math``; what is in a namespace without a prefix has no name in a path."""
    tag = str(element.tag)
    if not tag.startswith("{"):
        return tag
    return f"{element.prefix}:{tag.rpartition('}')[2]}" if element.prefix else "*"


def records(
    path: Path, tags: tuple[str, ...], make: Callable[[Element, str], Document]
) -> Iterator[Document | SourceError]:
    """What ``make`` makes of each element and of the words for where it stands; an error for each it refuses."""
    number = 0
    for number, element in enumerate(elements(path, *tags), 1):
        where = f"{path}, record {number}"
        try:
            yield make(element, where)
        except SourceError as error:
            yield SourceError(f"{where}: {error}.")
    if not number:
        yield SourceError(
            f"{path}: holds no {' or '.join(tags).replace(_ANY, '')}; check that it is what its name says."
        )


def words(element: Element | None, *leave_out: str) -> str:
    """The text in an element and in all within it, what follows an inner tag included, white space evened."""
    return _SPACES.sub(" ", inner(element, *leave_out)).strip() if element is not None else ""


def child_words(element: Element, path: str) -> str:
    """The text of the first element at ``path``; empty where there is none."""
    return words(element.find(path))


def inner(element: Element, *leave_out: str) -> str:
    """The text in an element just as it is, without comments and the elements to leave out."""
    if len(element) == 0:
        return element.text or ""
    return "".join(_pieces(element, frozenset(leave_out)))


def character(entity: Element) -> str:
    """A named character such as ``&nbsp;``; any other entity could stand for anything and is refused."""
    reference = entity.text or ""
    found = html.unescape(reference)
    if found == reference:
        short = reference[:_LONGEST_REASON]
        raise SourceError(f"uses the entity {short}, which is not expanded for safety; replace it by its text")
    return found


def _pieces(element: Element, leave_out: frozenset[str]) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag is etree.Entity:
            yield character(child)
        elif isinstance(child.tag, str) and child.tag not in leave_out:
            yield from _pieces(child, leave_out)
        yield child.tail or ""
