"""Words of a text with what stands around them, so that they are found again when the text has changed a little.

The fields are those of a TextQuoteSelector and a TextPositionSelector of the Web Annotation model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kg.model import Span

__all__ = ["CONTEXT", "Quote", "locate", "quote_of"]

CONTEXT = 32  # characters kept on either side


@dataclass(frozen=True, slots=True)
class Quote:
    """``exact`` stood at ``start``-``end`` between ``prefix`` and ``suffix``."""

    exact: str
    start: int
    end: int
    prefix: str = ""
    suffix: str = ""


def quote_of(text: str, start: int, end: int) -> Quote:
    """The quote of a span of ``text``, with its surroundings."""
    return Quote(text[start:end], start, end, text[max(start - CONTEXT, 0) : start], text[end : end + CONTEXT])


def locate(quote: Quote, text: str) -> Span | None:
    """Where the quote stands in ``text``, in its old place or where the same words stand in the same surroundings.

    Case and white space may differ. Words that stand in several places, none of them in surroundings that were seen,
    are not guessed at: None.
    """
    if quote_of(text, quote.start, quote.end) == quote:
        return Span(quote.start, quote.end)
    words = quote.exact.split()
    if not words:
        return None
    places = [Span(*m.span()) for m in re.finditer(r"\s+".join(map(re.escape, words)), text, re.I)]
    if len(places) < 2:
        return places[0] if places else None
    ranked = [
        (_alike(quote, text, p), text[p.start : p.end] == quote.exact, -abs(p.start - quote.start)) for p in places
    ]
    best = max(range(len(places)), key=lambda n: ranked[n])
    return places[best] if ranked[best][0] else None


def _alike(quote: Quote, text: str, span: Span) -> int:
    """How many characters around a span, white space apart, are those around the quote."""
    before, after = text[max(span.start - 2 * CONTEXT, 0) : span.start], text[span.end : span.end + 2 * CONTEXT]
    return _shared(_dense(before)[::-1], _dense(quote.prefix)[::-1]) + _shared(_dense(after), _dense(quote.suffix))


def _dense(text: str) -> str:
    return "".join(text.split())


def _shared(one: str, other: str) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
