"""What judging customers gives: labels, and the audit of how they came about."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from icp_ml.exceptions import TrainingRefused

Bools = NDArray[np.bool_]

MIN_CLASS = 20
BEST, WORST, MIDDLE, TOO_YOUNG, UNJUDGED = "best", "worst", "middle", "too_young", "unjudged"
STATUSES = (BEST, WORST, MIDDLE, TOO_YOUNG, UNJUDGED)
_READABLE = {"nps": "NPS", "csat": "CSAT"}


class SensitivityRow(NamedTuple):
    """What becomes of the best customers when one weight moves by half."""

    component: str
    factor: float
    stay_best: float


@dataclass(frozen=True, eq=False)
class OutcomeLabels:
    """Customers judged by their outcomes; every series is aligned with the frame that was judged.

    Attributes
    ----------
    status : pd.Series of str
        best, worst, middle, too_young or unjudged.
    composite : pd.Series of float
        Weighted outcome percentiles in standard deviations; NaN where not judged.
    grade : pd.Series of float
        Percentile of the composite among mature customers, 0 to 1; churned customers have 0.
    components : pd.DataFrame of float
        Percentile of each outcome among the mature customers that have it; NaN where missing.
    thresholds : mapping
        `best_above` and `worst_below` of the composite (NaN for a binary outcome).
    counts : mapping
        Customers by status, and how many churned.
    columns : mapping
        For each component, the columns of the table that it was read from.
    """

    status: pd.Series[str]
    composite: pd.Series[float]
    grade: pd.Series[float]
    components: pd.DataFrame
    thresholds: Mapping[str, float]
    counts: Mapping[str, int]
    columns: Mapping[str, tuple[str, ...]]
    definition_text: str
    sensitivity: tuple[SensitivityRow, ...]
    binary: bool
    notes: tuple[str, ...]

    @property
    def is_best(self) -> Bools:
        """Which rows are best customers, shape (n,)."""
        return np.asarray(self.status == BEST, dtype=bool)

    @property
    def is_worst(self) -> Bools:
        """Which rows are worst customers, shape (n,)."""
        return np.asarray(self.status == WORST, dtype=bool)

    @property
    def is_mature(self) -> Bools:
        """Which rows were judged, shape (n,)."""
        return np.asarray(self.status.isin([BEST, WORST, MIDDLE]), dtype=bool)

    def frame(self) -> pd.DataFrame:
        """Return status, composite, grade and the component percentiles, one row per customer."""
        head = pd.DataFrame({"status": self.status, "composite": self.composite, "grade": self.grade})
        return head.join(self.components.add_suffix("_percentile"))

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as plain JSON types, without rows of customers."""
        return {
            "definition": self.definition_text,
            "binary": self.binary,
            "counts": dict(self.counts),
            "thresholds": {k: v if math.isfinite(v) else None for k, v in self.thresholds.items()},
            "components": {
                name: {"columns": list(columns), "known": int(self.components[name].notna().sum())}
                for name, columns in self.columns.items()
            },
            "sensitivity": [row._asdict() for row in self.sensitivity],
            "notes": list(self.notes),
        }


def check_enough(labels: OutcomeLabels) -> None:
    """Refuse to learn from too few customers.

    Raises
    ------
    TrainingRefused
        Fewer than `MIN_CLASS` best or worst customers; the message says how many more are needed.
    """
    counts = labels.counts
    short = {name: MIN_CLASS - counts[name] for name in (BEST, WORST) if counts[name] < MIN_CLASS}
    if not short:
        return
    more = join([f"{n} more {name}" for name, n in short.items()])
    msg = (
        f"too few customers to learn from: {counts[BEST]} best and {counts[WORST]} worst of {counts['mature']:,} "
        f"mature ones, where at least {MIN_CLASS} of each are needed ({more} customers)."
    )
    ties = [note for note in labels.notes if "tie at the boundary" in note]
    if ties:
        msg += f" {ties[0]}"
    elif counts[TOO_YOUNG]:
        msg += (
            f" {counts[TOO_YOUNG]:,} customers are too young to be judged; a shorter outcomes.horizon_days adds them."
        )
    else:
        msg += " Add customers, or outcomes for more of them."
    raise TrainingRefused(msg)


def read(outcome: str) -> str:
    """Return the name of an outcome, or of a column it is read from, as a reader knows it."""
    return _READABLE.get(outcome, outcome.removesuffix("_usd").replace("_", " "))


def join(words: Sequence[str]) -> str:
    """Return "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
