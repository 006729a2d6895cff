"""Parts of the rules extractor: sentences, mentions, patients, conditions, interventions, outcomes, links."""

from __future__ import annotations

import os

# A report's matrices are small: threads cost more than they save. NumPy reads this when it is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
