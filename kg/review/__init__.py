"""What people decided about the facts of reports, kept in a plain-text file and applied over what was extracted.

``Decision`` is one line of a curation file, ``Curation`` the file, ``Quote`` the words a decision is about with what
stands around them, and ``review`` the pure function that puts the decisions in a CaseRecord. No RDF here.
"""

from __future__ import annotations

from kg.review.applying import Review, Reviewed, review
from kg.review.curation import CURATION, Curation, append, in_effect, read
from kg.review.decision import DECISIONS, LINK_TYPES, SUBJECTS, Decision, End, decision_from_json, decision_to_json
from kg.review.quote import CONTEXT, Quote, locate, quote_of

__all__ = [
    "CONTEXT",
    "CURATION",
    "DECISIONS",
    "LINK_TYPES",
    "SUBJECTS",
    "Curation",
    "Decision",
    "End",
    "Quote",
    "Review",
    "Reviewed",
    "append",
    "decision_from_json",
    "decision_to_json",
    "in_effect",
    "locate",
    "quote_of",
    "read",
    "review",
]
