"""The time that a format asks for: of the export, or what SOURCE_DATE_EPOCH says, for equal bytes."""

from __future__ import annotations

import os
import time

__all__ = ["stamp"]


def stamp() -> str:
    """Now, to the second, such as ``2026-01-31T12:00:00Z``."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = time.gmtime(int(seconds) if seconds.isdigit() else time.time())
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)
