"""Sources: one input format a file.

A source module has ``recognises(name, head) -> bool``, which sees a file's name and first bytes, and
``read(path) -> Iterator[Document | SourceError]``, which yields what it can and an error for each record it cannot.
"""

from __future__ import annotations

PROTOCOL = ("read", "recognises")
