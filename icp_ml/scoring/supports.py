"""Support by segment: an account is judged by the customers of its own segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import Codes
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.estimator.segment_tables import EVERYONE, divided, within
from icp_ml.scoring.lookalikes import Reference, Support, fit_support


@dataclass(frozen=True)
class Supports:
    """The supports of all customers and of each segment."""

    tables: ScoringTables
    thresholds: tuple[float, ...]  # of all customers, then of each segment

    def of(self, segment: int) -> Support:
        """Return the support of a segment, or of all customers for -1."""
        return Support(self.tables.tables_of(segment), self.thresholds[segment + 1])

    def inside(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """Return whether each account lies where the customers of its segment were."""
        out = np.zeros(len(codes), dtype=bool)
        for number, rows in divided(self.tables.rules, codes):
            out[rows] = self.of(number).inside(codes[rows])
        return out


def fit_supports(tables: ScoringTables, codes: Codes) -> Supports:
    """Set every threshold from the segment's customers, each judged without itself."""
    parts = [(EVERYONE, np.ones(len(codes), dtype=bool)), *enumerate(within(tables.rules, codes))]
    found = [fit_support(tables.tables_of(number), codes[there]).threshold for number, there in parts]
    return Supports(tables, tuple(found))


def references(tables: ScoringTables, reference: Reference) -> Sequence[Reference]:
    """Return the best customers of each segment."""
    out = []
    for there in within(tables.rules, reference.codes):
        ids = tuple(name for name, here in zip(reference.ids, there, strict=True) if here)
        out.append(Reference(np.ascontiguousarray(reference.codes[there]), ids, reference.salt))
    return out
