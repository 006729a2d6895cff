"""JSON read as a stream: every object of a list, whatever the pieces it comes in, and what is said of broken files."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import SourceError
from kg.model import Document
from kg.sources import read
from kg.sources._json import objects

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=5)


@given(found=OBJECTS, more=OBJECTS, indent=st.sampled_from([None, 1]), size=st.integers(1, 50), ascii_=st.booleans())
def test_all_objects_come_whatever_the_pieces(
    found: list[Any],
    more: list[Any],
    indent: int | None,
    size: int,
    ascii_: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.getbasetemp() / "a.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kg.sources._json._PIECE", max(size, 30))
        for data, wanted in (
            ({"k": found, "after": [1]}, found),
            ([{"k": found}, {"x": '"k": [', "k": more}], found + more),
            (found, found),
        ):
            path.write_text(
                json.dumps(data, ensure_ascii=ascii_, indent=indent), encoding="utf-8", errors="surrogatepass"
            )
            try:
                assert list(objects(path, "k")) == wanted or not found
            except SourceError as error:
                assert "UTF-8" in str(error)  # a lone surrogate


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"k": [{"a": 1}, {"a"', "is not JSON that can be read"),
        (b'{"k": [{"a": 1},', "is cut off inside a list"),
        (b'{"k": [{"a": 1} junk]}', "is not JSON that can be read"),
        (b'{"k": [{"a": "\xff"}]}', "is not UTF-8"),
        (b"[" * 100_000, "is not JSON that can be read"),
        (b"not json", "is not JSON that can be read"),
    ],
)
def test_broken_json_is_one_error(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(data)
    with pytest.raises(SourceError, match=words):
        list(objects(path, "k"))


def test_endless_object_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.sources._json._LARGEST", 1 << 20)
    path = tmp_path / "a.json"
    path.write_text('{"k": [{"a": "' + "x" * 4_000_000)
    with pytest.raises(SourceError, match="one record is longer than 1 MB"):
        list(objects(path, "k"))


def test_collection_streams(tmp_path: Path) -> None:
    passage = {"offset": 0, "infons": {"type": "abstract"}, "text": "A man was ill. " * 400}
    path = tmp_path / "a.bioc.json"
    with path.open("w") as out:
        out.write('{"source": "x", "documents": [')
        out.write(",\n".join(json.dumps({"id": str(n), "passages": [passage]}) for n in range(2500)))
        out.write("]}")
    assert path.stat().st_size > 14_000_000
    list(zip(range(2), read(path), strict=False))
    tracemalloc.start()
    try:
        assert sum(isinstance(d, Document) for d in read(path)) == 2500
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


def test_objects_one_after_the_other(tmp_path: Path) -> None:
    passage = {"offset": 0, "infons": {"type": "abstract"}, "text": "A man was ill."}
    path = tmp_path / "a.json"
    path.write_text("\ufeff" + "\n".join(json.dumps({"id": str(n), "passages": [passage]}) for n in range(3)) + "\n")
    assert [d.id for d in read(path) if isinstance(d, Document)] == ["0", "1", "2"]
