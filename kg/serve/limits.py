"""How much the server gives to one client, and to all of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

__all__ = ["Limits"]

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times are in seconds, sizes in bytes."""

    seconds: float = 30.0  # of work on one request, ...
    once: float = 600.0  # ... and of what is worked out once for all who ask, such as the counts of all that there is
    brief: float = 0.05  # of a processor's time, after which work is no longer quick, ...
    patience: float = 2.0  # ... and after which it is slow
    # Works at once that are quick, so far; and as many that turned out longer as there are known to be, ...
    quick: int = field(default_factory=lambda: min(32, 4 * max(2, os.cpu_count() or 2)))
    long: int = field(default_factory=lambda: min(8, max(2, os.cpu_count() or 2)))
    slow: int = 4  # ... and that have outstayed ``patience``
    waiting: int = 64  # requests that wait for a worker
    memory: int = 1024 * _MIB  # of one worker
    result: int = 32 * _MIB  # of one answer, ...
    leaving: int = 256 * _MIB  # ... and of all large ones that clients have not taken yet
    body: int = _MIB  # of a request, ...
    upload: int = 64 * _MIB  # ... and of one that may change something
    header: int = 64 * 1024
    arrival: float = 20.0  # for the header of a request, and again for its body, to arrive
    departure: float = 300.0  # for an answer to be taken
    connections: int = 256
