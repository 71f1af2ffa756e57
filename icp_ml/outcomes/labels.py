"""What judging customers gives: labels, and the audit of how they came about."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from icp_ml.exceptions import TrainingRefused

if TYPE_CHECKING:
    from icp_ml.outcomes.audit import LabelAudit
    from icp_ml.outcomes.deals import DealReport
    from icp_ml.outcomes.evidence import LabelEvidence

Bools = NDArray[np.bool_]

MIN_CLASS = 20
BEST, WORST, MIDDLE, TOO_YOUNG, UNJUDGED = "best", "worst", "middle", "too_young", "unjudged"
LOST_DEAL, OPEN_DEAL, NOT_CUSTOMER, BEFORE_WINDOW = "lost_deal", "open_deal", "not_customer", "before_window"
STATUSES = (BEST, WORST, MIDDLE, TOO_YOUNG, UNJUDGED, LOST_DEAL, OPEN_DEAL, NOT_CUSTOMER, BEFORE_WINDOW)
_READABLE = {"nps": "NPS", "csat": "CSAT", "annual_revenue_from_customer_usd": "annual revenue from the customer"}


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
        best, worst, middle, too_young, unjudged, and of rows that are no customers to judge: lost_deal, open_deal,
        not_customer, before_window (left before `outcomes.observed_from`).
    composite : pd.Series of float
        Weighted outcome percentiles in standard deviations; NaN where not judged.
    grade : pd.Series of float
        Percentile of the composite among mature customers, 0 to 1; of churned customers shrunken to below the best,
        and 0 where retention is not among the outcomes.
    components : pd.DataFrame of float
        Percentile of each outcome among the mature customers that have it; NaN where missing.
    thresholds : mapping
        `best_above` and `worst_below` of the composite (NaN for a binary outcome).
    counts : mapping
        Rows by status, how many are mature (best, worst or middle), and how many churned.
    columns : mapping
        For each component, the columns of the table that it was read from.
    weights : mapping
        Weight of each component as it was used, after revenue was limited.
    deals : DealReport or None
        Deals won and lost, where the table has them.
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
    weights: Mapping[str, float] = dataclass_field(default_factory=dict)
    deals: DealReport | None = None
    evidence: LabelEvidence | None = None

    @property
    def is_best(self) -> Bools:
        """Which rows are best customers, shape (n,)."""
        return np.asarray(self.status == BEST, dtype=bool)

    @property
    def is_worst(self) -> Bools:
        """Which rows are worst customers, shape (n,)."""
        return np.asarray(self.status == WORST, dtype=bool)

    @property
    def is_churned(self) -> Bools:
        """Which rows are customers that left, shape (n,)."""
        none = np.zeros(len(self.status), dtype=bool)
        return none if self.evidence is None else np.asarray(self.evidence.facts.churned, dtype=bool)

    @property
    def is_mature(self) -> Bools:
        """Which rows were judged, shape (n,)."""
        return np.asarray(self.status.isin([BEST, WORST, MIDDLE]), dtype=bool)

    def frame(self) -> pd.DataFrame:
        """Return status, composite, grade and the component percentiles, one row per customer."""
        head = pd.DataFrame({"status": self.status, "composite": self.composite, "grade": self.grade})
        return head.join(self.components.add_suffix("_percentile"))

    def audit(self) -> LabelAudit:
        """Return how the labels came about, for a reader who has to sign them off."""
        from icp_ml.outcomes.audit import audit_labels

        return audit_labels(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the labels' story as plain JSON types, without rows of customers."""
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
            "weights": {name: float(weight) for name, weight in self.weights.items()},
            "deals": self.deals.to_dict() if self.deals else None,
            "audit": self.audit().to_dict(examples=False) if self.evidence else None,
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


def capital(text: str) -> str:
    """Return the text with its first letter in upper case, and the others as they are."""
    return text[:1].upper() + text[1:]


def join(words: Sequence[str]) -> str:
    """Return "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
