"""Reads the JSON of a model's reply, in a fence, behind thoughts, with trailing commas or cut off at its end."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["read_reply"]

_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)
_BEGIN = re.compile(r'\{\s*["}]')
_FACT = 2  # a fact stands in a list in the reply
_CLOSING = {"{": "}", "[": "]"}


def read_reply(content: str) -> dict[str, Any] | None:
    """The first JSON object of ``content``, as far as it is whole; None if there is none."""
    content = _THOUGHTS.sub("", content)
    begin = _BEGIN.search(content)
    if begin is None:
        return None
    content = content[begin.start() :]
    for read in (str, _repaired):
        try:
            found, _ = json.JSONDecoder(strict=False).raw_decode(read(content))
        except (ValueError, RecursionError):
            continue
        return found if isinstance(found, dict) else None
    return None


def _repaired(broken: str) -> str:
    """The text up to the last fact or list of facts that is whole, without trailing commas and with all closed."""
    kept: list[str] = []
    opened: list[str] = []
    whole, closing = 0, ""  # how much of ``kept`` stands, and what would close it
    quoted = escaped = False
    for char in broken:
        if quoted:
            quoted = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            quoted = True
        elif char in "{[":
            opened.append(char)
        elif char in "}]":
            if not opened or _CLOSING[opened.pop()] != char:
                break
            _drop_comma(kept)
        kept.append(char)
        if char in "}]" and not quoted and len(opened) <= _FACT:
            whole, closing = len(kept), "".join(_CLOSING[c] for c in reversed(opened))
            if not opened:
                break
    return "".join(kept[:whole]) + closing


def _drop_comma(kept: list[str]) -> None:
    while kept and kept[-1].isspace():
        kept.pop()
    if kept and kept[-1] == ",":
        kept.pop()
