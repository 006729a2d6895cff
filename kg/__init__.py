"""CaseKG: clinical case reports as a knowledge graph that can be checked, asked and drawn."""

from __future__ import annotations

__version__ = "0.1.0"
