"""SPARQL text as tokens: which keywords it holds, and where a dataset can be put into an update.

Whether ``<`` begins an IRI or compares two values depends on the grammar, which the store's own parser knows and this
module does not. ``mentions`` therefore follows every reading that there can be: no keyword is hidden from it inside
what another reading takes for a string or a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kg.errors import ServeError

__all__ = ["mentions", "with_dataset"]

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|\#[^\r\n]*)
    |(?P<iri><(?:[^<>"{}|^`\\\x00-\x20]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*>)
    |(?P<long>\"{3}(?:"{0,2}(?:[^"\\]|\\.))*\"{3}|'{3}(?:'{0,2}(?:[^'\\]|\\.))*'{3})
    |(?P<string>"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*')
    |(?P<variable>[?$]\w+)
    |(?P<language>@[A-Za-z]+(?:-[A-Za-z0-9]+)*)
    |(?P<local>:(?:[\w:\-]|%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?\#@%])+)
    |(?P<word>\w+)
    |(?P<mark>.)
    """,
    re.X | re.S,
)
# An IRI that might as well be "<", a value, and so on: it has a quote or comment sign, and no "//" before that.
_COMPARISON = re.compile(r"<(?:(?!//)[^'#>])*['#]")
# A long string that is one for certain; with an escape that is unknown, it might be an empty string and what follows.
_LONG = re.compile(r"""\"{3}(?:"{0,2}(?:[^"\\]|\\[tbnrf"'\\]))*\"{3}|'{3}(?:'{0,2}(?:[^'\\]|\\[tbnrf"'\\]))*'{3}""")


def mentions(text: str, keyword: str) -> bool:
    """Whether the store's parser might read this keyword (in lower case) somewhere; sometimes true where it does not.

    A name with the keyword in its prefix, or after a full stop, counts too; strings, comments, IRIs, variables and the
    local parts of names do not.
    """
    if keyword not in text.casefold():
        return False
    return any(keyword in word.casefold() for word in _words(text))


def _words(text: str) -> Iterator[str]:
    """The bare words of all readings of the text."""
    reached, todo = {0}, [0]
    while todo:
        start = todo.pop()
        token = _TOKEN.match(text, start)
        if token is None:  # the end
            continue
        if token.lastgroup == "word":
            yield token[0]
        ends = {token.end()}
        if token.lastgroup == "iri" and _COMPARISON.match(text, start):
            ends.add(start + 1)
        elif token.lastgroup == "long" and not _LONG.match(text, start):
            ends.add(start + 2)
        todo += ends - reached
        reached |= ends


def with_dataset(update: str, default: Iterable[str], named: Iterable[str]) -> str:
    """The update with these graphs (IRIs in angle brackets) as the dataset of every operation that looks for something.

    ServeError 400 if the update names a dataset itself.
    """
    clause = " ".join([*(f"USING {g}" for g in default), *(f"USING NAMED {g}" for g in named)])
    if not clause:
        return update
    made: list[str] = []
    copied = depth = 0
    pattern: int | None = None  # where the braces of a DELETE WHERE begin, which holds no place for a dataset
    before = ""
    for token in _TOKEN.finditer(update):
        text = token[0].upper() if token.lastgroup in {"word", "mark"} else ""
        if text == "{":
            depth += 1
        elif text == "}":
            depth -= 1
            if depth == 0 and pattern is not None:
                made += [update[pattern : token.end()], f" {clause} WHERE ", update[pattern : token.end()]]
                copied, pattern = token.end(), None
        elif depth == 0 and text in {"USING", "WITH"}:
            raise ServeError("An update names its dataset itself or in the request's parameters, not in both.", 400)
        elif depth == 0 and text == "WHERE":
            made.append(update[copied : token.start()])
            if before == "DELETE":
                copied = pattern = token.end()
            else:
                made.append(f"{clause} ")
                copied = token.start()
        if token.lastgroup != "space":
            before = text
    return "".join([*made, update[copied:]])
