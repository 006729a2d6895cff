"""A language model as extractor, held to the evidence: it quotes, the program finds the quotes and judges the rest.

``windows`` cuts a report into what is asked at once, ``prompt`` words the request, ``endpoint`` sends it, ``replies``
keeps what came, ``reply`` reads it, ``quotes`` finds quotes in the text, ``facts`` makes cases of what holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TypeVar
from urllib.parse import urlsplit

from kg.errors import ModelError
from kg.parallel import in_threads

__all__ = ["Estimate", "LanguageModel", "Meter"]

T = TypeVar("T")
R = TypeVar("R")


@dataclass(eq=False)
class Meter:
    """What asking a model has taken so far. ``windows`` counts them by status, ``kept`` the replies from the cache."""

    requests: int = 0
    kept: int = 0
    read: int = 0  # tokens
    written: int = 0  # tokens
    cost: float = 0.0
    windows: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)  # why windows failed or were refused
    unanswered: int = 0  # windows in a row for which no answer came
    answered: bool = False
    stopped: Event = field(default_factory=Event)  # when set, nothing more is asked
    lock: Lock = field(default_factory=Lock)


@dataclass(frozen=True, eq=False, kw_only=True)
class LanguageModel:
    """A model behind an OpenAI-compatible endpoint, and the bounds within which it may be asked.

    ``endpoint`` is the address before ``/chat/completions``. ``rate``: requests a minute; ``price``: of a million
    tokens read and a million written, in the unit of ``max_cost``. The bounds hold for all that is asked through one
    value, and ``meter`` counts it. Raises ModelError for what cannot be.
    """

    name: str
    endpoint: str
    concurrency: int = 4
    rate: float | None = None
    price: tuple[float, float] | None = None
    max_cost: float | None = None
    max_requests: int | None = None
    tell: Callable[[str], None] = lambda words: None  # hears why a request is waited for
    meter: Meter = field(default_factory=Meter)

    def __post_init__(self) -> None:
        parts = urlsplit(self.endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ModelError(
                f"The endpoint {self.endpoint!r} is no address; give one such as http://localhost:11434/v1."
            )
        if parts.username or parts.password:
            raise ModelError("The endpoint holds a user or password; give the key in KG_MODEL_KEY instead.")
        if not self.name.strip():
            raise ModelError("The model has no name; give --model NAME, as the endpoint knows it.")
        if self.max_cost is not None and self.price is None:
            raise ModelError("--max-cost needs --price READ/WRITTEN, what a million tokens of each cost.")
        if not all(p >= 0 for p in self.price or ()):
            raise ModelError(f"The price {self.price} is none; give what a million tokens read and written cost.")

    def at_once(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """What ``work``, which asks this model, makes of the items, in order; ended early, nothing more is asked."""
        self.meter.stopped.clear()
        yield from in_threads(work, items, self.concurrency, self.meter.stopped.set)

    def cost_of(self, read: int, written: int) -> float:
        """What so many tokens cost; 0 without a price."""
        per_read, per_written = self.price or (0.0, 0.0)
        return (read * per_read + written * per_written) / 1e6


@dataclass
class Estimate:
    """What asking would take; tokens are reckoned as a quarter of the characters."""

    reports: int = 0
    windows: int = 0
    kept: int = 0  # windows whose reply lies in the cache: they cost nothing
    read: int = 0
    written: int = 0
    cost: float | None = None
