"""Labels that the fields contradict: confident learning on out-of-fold probabilities.

After Northcutt, Jiang & Chuang (2021), "Confident learning: estimating uncertainty in dataset labels". A label is
suspicious where the account's probability of the other one is at least the mean among the customers that have it.
Outcomes are partly chance, so many labels look odd that are right: how many, is found by drawing labels from the
probabilities themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from icp_ml.estimator.encoding import FloatArray
from icp_ml.estimator.rows import IntArray
from icp_ml.evaluation.metrics import BoolArray

MOST = 50  # listed
SIMULATIONS = 400


@dataclass(frozen=True)
class SuspiciousLabel:
    """One customer whose label its fields contradict.

    Attributes
    ----------
    row : int
        Position among the mature customers given.
    account_id : str
    label : str
        best or worst.
    likeness : float
        Of 100 best and worst customers with such fields, how many are best; out of fold.
    fit_score : float
        Out of fold, best against all others.
    grade : float
        Percentile of its composite outcome, 0 to 1; NaN where there is none.
    reason : str
    """

    row: int
    account_id: str
    label: str
    likeness: float
    fit_score: float
    grade: float
    reason: str


@dataclass(frozen=True)
class SuspiciousLabels:
    """Customers whose label and out-of-fold fit disagree, and how many would by chance.

    Attributes
    ----------
    best, worst : int
        Labelled best, or worst, and contradicted by their fields.
    expected, expected_low, expected_high : float
        How many there would be were every label right: mean and 95 % range of labels drawn from the probabilities.
    customers : tuple of SuspiciousLabel
        The plainest contradictions first, at most 50; never saved with a model.
    """

    best: int
    worst: int
    expected: float
    expected_low: float
    expected_high: float
    customers: tuple[SuspiciousLabel, ...] = field(default=(), repr=False, compare=False)

    @property
    def count(self) -> int:
        """All of them."""
        return self.best + self.worst

    @property
    def beyond_chance(self) -> bool:
        """Whether there are more than right labels would show."""
        return self.count > self.expected_high

    @property
    def sentence(self) -> str:
        """What was found, for a reader."""
        found = f"The fields contradict {self.count:,} labels ({self.best:,} best, {self.worst:,} worst)"
        chance = f"about {self.expected:.0f} ({self.expected_low:.0f} to {self.expected_high:.0f})"
        if self.beyond_chance:
            return f"{found}; were all labels right, {chance} would look so: some are likely to be wrong."
        return f"{found}; {chance} would look so if all were right: nothing points to wrong labels."

    def frame(self) -> pd.DataFrame:
        """Return one row per customer listed."""
        names = ["account_id", "label", "likeness", "fit_score", "grade", "reason"]
        return pd.DataFrame([[getattr(c, name) for name in names] for c in self.customers], columns=names)

    def to_dict(self, *, customers: bool = False) -> dict[str, Any]:
        """Return plain JSON types; customers are named only where asked."""
        counts = {name: getattr(self, name) for name in _COUNTS}
        rows = [{k: v for k, v in vars(c).items() if v == v} for c in self.customers]
        return {**counts, "sentence": self.sentence, **({"customers": rows} if customers else {})}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SuspiciousLabels:
        """Read the counts that `to_dict` wrote."""
        best, worst, expected, low, high = (float(data[name]) for name in _COUNTS)
        return cls(int(best), int(worst), expected, low, high)


_COUNTS = ("best", "worst", "expected", "expected_low", "expected_high")


def find_suspicious(
    log_odds_worst: FloatArray, log_odds: FloatArray, best: BoolArray, worst: BoolArray, grade: FloatArray | None,
    seed: int,
) -> SuspiciousLabels:  # fmt: skip
    """Compare labels with out-of-fold probabilities.

    Parameters
    ----------
    log_odds_worst : ndarray of shape (n,)
        Best against worst, calibrated, out of fold.
    log_odds : ndarray of shape (n,)
        Best against all others.
    best, worst : ndarray of shape (n,)
        The middle takes no part.
    grade : ndarray of shape (n,) or None
    seed : int
    """
    rows = np.flatnonzero(best | worst)
    p, label = expit(log_odds_worst[rows]), best[rows]
    odd = contradicted(p, label)
    rng = np.random.default_rng([seed, 81])
    chance = np.array([contradicted(p, rng.random(len(p)) < p).sum() for _ in range(SIMULATIONS)])
    low, high = np.quantile(chance, [0.025, 0.975])
    own = np.where(label, p, 1 - p)
    order = np.flatnonzero(odd)
    order = order[np.lexsort([rows[order], own[order]])][:MOST]
    listed = tuple(
        _describe(int(rows[i]), bool(label[i]), 100 * float(p[i]), 100 * float(expit(log_odds[rows[i]])),
                  float("nan") if grade is None else float(grade[rows[i]]))
        for i in order
    )  # fmt: skip
    return SuspiciousLabels(
        int((odd & label).sum()), int((odd & ~label).sum()), float(chance.mean()), float(low), float(high), listed
    )


def contradicted(p: FloatArray, label: BoolArray) -> BoolArray:
    """Return whose probability of the other label reaches what is usual among those that have it, shape (n,)."""
    if label.all() or not label.any():
        return np.zeros(len(p), dtype=bool)
    as_best = p >= p[label].mean()
    as_worst = 1 - p >= (1 - p[~label]).mean()
    says_best = as_best & (~as_worst | (p > 0.5))
    says_worst = as_worst & (~as_best | (p < 0.5))
    odd: BoolArray = np.where(label, says_worst, says_best)
    return odd


def _describe(row: int, is_best: bool, likeness: float, fit: float, grade: float) -> SuspiciousLabel:
    label, other = ("best", "worst") if is_best else ("worst", "best")
    share = 100 - likeness if is_best else likeness
    reason = (
        f"labelled {label}, but its fields are those of {other} customers: of 100 best and worst customers with such "
        f"fields, {share:.0f} are {other}"
    )
    return SuspiciousLabel(row, "", label, likeness, fit, grade, reason)


def named(found: SuspiciousLabels, order: IntArray, ids: Sequence[str] | None) -> SuspiciousLabels:
    """Return them with the rows the caller knows, and account ids: row k of the evaluation is row `order[k]`."""
    rows = [int(order[c.row]) for c in found.customers]
    listed = tuple(
        replace(c, row=row, account_id="" if ids is None else str(ids[row]))
        for c, row in zip(found.customers, rows, strict=True)
    )
    return replace(found, customers=listed)
