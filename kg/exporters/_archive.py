"""Several files in one: a zip archive, equal for equal content."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["archive"]


@contextmanager
def archive(out: BinaryIO, *names: str) -> Iterator[dict[str, BinaryIO]]:
    """Files to write to, by name, all at once; at the end they are put into one archive in that order.

    They grow on disk, not in memory, and so does the archive: written straight to a pipe, its bytes would be others.
    """
    with tempfile.TemporaryDirectory(prefix="casekg-") as place:
        with ExitStack() as stack:
            yield {name: stack.enter_context((Path(place) / name).open("wb")) for name in names}
        whole = Path(place) / "whole.zip"
        with zipfile.ZipFile(whole, "w") as packed:
            for name in names:
                about = zipfile.ZipInfo(name)  # dated 1980, and not with the clock
                about.compress_type = zipfile.ZIP_DEFLATED
                with (Path(place) / name).open("rb") as source, packed.open(about, "w", force_zip64=True) as target:
                    shutil.copyfileobj(source, target, 1 << 20)
        with whole.open("rb") as source:
            shutil.copyfileobj(source, out, 1 << 20)
