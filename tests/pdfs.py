"""PDF files written from words and their places, as small as can be; and Word files from their XML."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

__all__ = ["Words", "column", "docx", "pdf"]

WIDTH, HEIGHT = 595, 842


class Words(NamedTuple):
    """Words at a place, in points from the page's lower left."""

    x: float
    y: float
    text: str
    size: float = 10
    bold: bool = False


def column(x: float, y: float, lines: Iterable[str], size: float = 10, step: float = 12) -> list[Words]:
    """Lines under one another."""
    return [Words(x, y - n * step, line, size) for n, line in enumerate(lines)]


def pdf(pages: Sequence[Sequence[Words]], *, extra: str = "") -> bytes:
    """A PDF with these words on its pages; ``extra`` goes into the trailer."""
    kids = " ".join(f"{5 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for n, words in enumerate(pages):
        resources = "<< /Font << /F1 3 0 R /F2 4 0 R >> >>"
        box = f"[0 0 {WIDTH} {HEIGHT}]"
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Resources {resources} /Contents {6 + 2 * n} 0 R >>"
        content = b"\n".join(_shown(w) for w in words)
        objects += [page.encode(), b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)]
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {extra} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def _shown(words: Words) -> bytes:
    text = words.text.encode("cp1252").replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")
    font = b"/F2" if words.bold else b"/F1"
    return b"BT %s %g Tf %g %g Td (%s) Tj ET" % (font, words.size, words.x, words.y, text)


def docx(document: str, parts: Mapping[str, str] | None = None) -> bytes:
    """A Word file with this body, and further parts by their names."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    whole = {
        "[Content_Types].xml": f'<Types xmlns="{types}"/>',
        "word/document.xml": f'<w:document xmlns:w="{space}"><w:body>{document}</w:body></w:document>',
        **(parts or {}),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in whole.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content)
    return out.getvalue()
