"""Measures what was extracted against annotated reports, and says what went wrong where.

``read_gold`` reads annotated reports, ``evaluate`` compares records with them, ``ranking`` orders the errors by kind,
``side_by_side`` and ``side_by_side_html`` show one report with both sets of facts, ``agreement`` compares
the decisions of reviewers. The definitions are those of the
annotation guideline: what it means for two facts to be the same stands in ``matching``.
"""

from __future__ import annotations

from kg.evaluate.agreement import Agreement, agreement, kappa
from kg.evaluate.gold import GoldReport, gold_line, read_gold
from kg.evaluate.mistakes import Mistake, MistakeKind, mistakes_of, ranking
from kg.evaluate.scores import CORE, ROWS, Evaluation, Score, evaluate
from kg.evaluate.show import side_by_side, side_by_side_html

__all__ = [
    "CORE",
    "ROWS",
    "Agreement",
    "Evaluation",
    "GoldReport",
    "Mistake",
    "MistakeKind",
    "Score",
    "agreement",
    "evaluate",
    "gold_line",
    "kappa",
    "mistakes_of",
    "ranking",
    "read_gold",
    "side_by_side",
    "side_by_side_html",
]
