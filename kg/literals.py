"""How values are written in N-Quads, and read again: strings, dates, lengths of time; the one canonical form of each.

Oxigraph rewrites numbers and durations to their canonical form, so that anything else would come out changed.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from kg.model import Quantity

__all__ = ["date_type", "decimal", "duration", "months", "read", "string"]

_MONTHS = {"year": Decimal(12), "month": Decimal(1)}
_HOURS = {"week": Decimal(168), "day": Decimal(24), "hour": Decimal(1)}
_HOURS_IN_MONTH = Decimal("730.5")  # a twelfth of 365.25 days
_DATES = {4: "xsd:gYear", 7: "xsd:gYearMonth", 10: "xsd:date"}
_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_SPECIAL = re.compile('[\x00-\x1f"\\\\\x7f\ufffe\uffff\ud800-\udfff]')
_ESCAPES = {"\t": "\\t", "\b": "\\b", "\n": "\\n", "\r": "\\r", "\f": "\\f", '"': '\\"', "\\": "\\\\"}
_ESCAPED = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_PLAIN = {written[1]: char for char, written in _ESCAPES.items()}


def string(text: str) -> str:
    """``text`` in quotes; half of a surrogate pair, which no file can hold, becomes U+FFFD."""
    return f'"{_SPECIAL.sub(_escape, text)}"' if _SPECIAL.search(text) else f'"{text}"'


def read(literal: str) -> tuple[str, str]:
    """Language, empty if there is none, and text of a literal."""
    end = literal.rindex('"')
    text, language = literal[1:end], literal[end + 1 :]
    if "\\" in text:
        text = _ESCAPED.sub(lambda found: _PLAIN.get(found[3]) or chr(int(found[1] or found[2], 16)), text)
    return (language[1:] if language.startswith("@") else "", text)


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if "\ud800" <= char <= "\udfff":
        return "\ufffd"
    return _ESCAPES.get(char) or f"\\u{ord(char):04X}"


def date_type(text: str) -> str | None:
    """The datatype of a year, a month or a day that the calendar has, written as XSD writes it; None for other text."""
    if not _DATE.fullmatch(text):
        return None
    try:
        date.fromisoformat(text + "0001-01-01"[len(text) :])
    except ValueError:
        return None
    return _DATES[len(text)]


def months(quantity: Quantity) -> Decimal:
    """A length of time in months of a twelfth of 365.25 days."""
    value = Decimal(str(quantity.value))
    if quantity.unit in _MONTHS:
        return value * _MONTHS[quantity.unit]
    return value * _HOURS[quantity.unit] / _HOURS_IN_MONTH


def decimal(value: Decimal) -> str:
    """An xsd:decimal, to four places."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return text if text != "-0" else "0"


def duration(quantity: Quantity) -> str:
    """An xsd:duration: whole months; what is left of one, and shorter units, to the nearest hour."""
    value = Decimal(str(quantity.value))
    whole, hours = Decimal(0), Decimal(0)
    if quantity.unit in _MONTHS:
        whole, rest = divmod(value * _MONTHS[quantity.unit], 1)
        hours = rest * _HOURS_IN_MONTH
    else:
        hours = value * _HOURS[quantity.unit]
    days, hour = divmod(round(hours), 24)
    years, month = divmod(int(whole), 12)
    parts = "".join(f"{n}{unit}" for n, unit in ((years, "Y"), (month, "M"), (days, "D")) if n)
    time = f"T{hour}H" if hour else ""
    return f"P{parts}{time}" if parts or time else "PT0S"
