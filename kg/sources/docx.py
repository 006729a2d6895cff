"""Word files (.docx): one report a file, paragraph by paragraph; tables and text boxes apart from the running text."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from kg.errors import SourceError
from kg.model import Document
from kg.sources._bibliography import report_of
from kg.sources._files import LONGEST, stem_of, whole
from kg.sources._layout import PROSE, blocks_of, lay_out
from kg.sources._pages import is_note
from kg.sources._xml import Element, character, elements_of

__all__ = ["read", "recognises"]

_LARGEST = 128 * 1024 * 1024  # bytes of the file, pictures included
# What unpacking raises for a file that is damaged, locked, or packed in a manner that Word does not use.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, OSError, ValueError,
    OverflowError,
)  # fmt: skip
_PROSE = 250  # characters of a cell that holds running text: some pages are laid out by tables
_SPACES = (  # of Word's XML in both its versions
    "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}",
    "{http://purl.oclc.org/ooxml/wordprocessingml/main}",
)
_TAGS = tuple(f"{space}{name}" for space in _SPACES for name in ("p", "tbl"))
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# What is no word of the paragraph: text moved away, the second writing of a drawing, text boxes.
_OUT = frozenset({"moveFrom", "Fallback", "txbxContent", "del", "pPr", "rPr"})
_SIGNS = {"tab": " ", "br": " ", "cr": " ", "noBreakHyphen": "-"}


class _Paragraph(NamedTuple):
    text: str
    number: int
    apart: bool  # from the running text: a cell of a table, a text box
    titled: bool  # in the style of a title


def recognises(name: str, head: bytes) -> int:
    """By what a Word file is packed from, or the suffix."""
    packed = head[:4] == b"PK\x03\x04" and b"word/" in head
    return 2 if packed else int(name.lower().endswith((".docx", ".docm", ".doc")))


def read(path: Path) -> Iterator[Document | SourceError]:
    """The one report of a file; its text is a line for each paragraph, and each block says which."""
    data = whole(path, _LARGEST)
    if data.startswith(_OLE):
        raise SourceError(f"{path}: is an old or protected Word file; save it as .docx without a password.")
    paragraphs = list(_paragraphs(data, path))
    if not paragraphs:
        raise SourceError(f"{path}: holds no text.")
    text, starts = _composed(paragraphs)

    def at(offset: int) -> _Paragraph:
        return paragraphs[bisect_right(starts, offset) - 1]

    title = next((p.text for p in paragraphs if p.titled), "")
    parts = [
        p._replace(kind="caption") if p.kind in PROSE and at(p.start).apart else p
        for p in lay_out(text, str(path), title)
    ]
    blocks = tuple(replace(block, place=f"paragraph {at(block.start).number}") for block in blocks_of(parts))
    yield Document(stem_of(path), text, report_of(text, parts), blocks, str(path))


def _composed(paragraphs: Sequence[_Paragraph]) -> tuple[str, list[int]]:
    """The text, and where each paragraph begins in it."""
    starts: list[int] = []
    size = 0
    for paragraph in paragraphs:
        starts.append(size)
        size += len(paragraph.text) + 2
    return "\n\n".join(p.text for p in paragraphs), starts


def _paragraphs(data: bytes, path: Path) -> Iterator[_Paragraph]:
    number = size = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open("word/document.xml") as stream:
            for element in elements_of(stream, path, *_TAGS):
                for paragraph, apart in _inside(element):
                    number += 1
                    text = " ".join("".join(_pieces(paragraph)).split())
                    size += len(text)
                    if size > LONGEST:
                        raise SourceError(f"{path}: holds more than {LONGEST >> 20} MB of text; split it.")
                    if text:
                        apart = apart and len(text) < _PROSE
                        yield _Paragraph(text, number, apart, _style(paragraph) in ("title", "articletitle"))
    except KeyError:
        raise SourceError(f"{path}: is packed, but no Word file; unpack it, or save it as .docx.") from None
    except _DAMAGE as error:
        raise SourceError(f"{path}: is no Word file that can be read ({error}); save it again as .docx.") from error


def _inside(element: Element) -> Iterator[tuple[Element, bool]]:
    """The paragraphs of a paragraph or table, each with whether it stands apart; those of text boxes follow theirs."""
    table = _name(element) == "tbl"
    if not table:
        yield element, False
    for inner in element.iterdescendants(*_TAGS):
        if _name(inner) == "p" and not any(_name(up) == "Fallback" for up in inner.iterancestors()):
            yield inner, True


def _pieces(paragraph: Element) -> Iterator[str]:
    """The words of a paragraph, without the raised numbers of notes."""
    before = ""
    for words, raised in _words(paragraph, False):
        if raised and is_note(words, before):
            continue
        before = (before + words)[-12:]
        yield words


def _words(element: Element, raised: bool) -> Iterator[tuple[str, bool]]:
    for child in element:
        if child.tag is etree.Entity:
            yield character(child), raised
            continue
        name = _name(child)
        if name == "t":
            yield child.text or "", raised
        elif name in _SIGNS:
            yield _SIGNS[name], raised
        elif name == "r":
            looks = next((e for e in child if _name(e) == "rPr"), None)
            signs = {_name(e): _value(e) for e in looks} if looks is not None else {}
            if signs.get("vanish", "off") in ("0", "off", "false"):
                yield from _words(child, signs.get("vertAlign") == "superscript")
        elif name not in _OUT:
            yield from _words(child, raised)


def _style(paragraph: Element) -> str:
    looks = next((e for e in paragraph if _name(e) == "pPr"), None)
    style = next((e for e in looks if _name(e) == "pStyle"), None) if looks is not None else None
    return _value(style).lower() if style is not None else ""


def _value(element: Element) -> str:
    """The attribute ``val``; empty where a switch is on without it."""
    return next((str(value) for key, value in element.attrib.items() if str(key).endswith("}val")), "")


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
