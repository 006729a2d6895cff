"""CaseKG: clinical case reports as a knowledge graph that can be checked, asked and drawn.

>>> import kg
>>> kg.build(["seeds/"], "out/")                                          # doctest: +SKIP
>>> with kg.open_store("out/store", read_only=True) as store:             # doctest: +SKIP
...     kg.query(store, "treatments", condition="leukemia").to_dicts()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Imported at once, not on demand: else the modules kg.query and kg.validate would stand in the place of the functions.
from kg.errors import KGError
from kg.query import query
from kg.validate import validate

if TYPE_CHECKING:
    from kg.exporters import export
    from kg.exporters.graphml import to_networkx
    from kg.figures import plot
    from kg.pipeline import build
    from kg.store import open_store

__all__ = ["KGError", "build", "export", "open_store", "plot", "query", "to_networkx", "validate"]

_ON_DEMAND = {
    "build": "kg.pipeline",
    "export": "kg.exporters",
    "open_store": "kg.store",
    "plot": "kg.figures",
    "to_networkx": "kg.exporters.graphml",
}


def __getattr__(name: str) -> Any:
    if name not in _ON_DEMAND:
        raise AttributeError(f"module 'kg' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_ON_DEMAND[name]), name)
