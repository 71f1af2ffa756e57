"""Whether to train on every customer's grade, or on the best against the worst alone.

A grade is the percentile of a customer's composite outcome, 0 to 1, and serves as a soft label. The middle then has
its say, and a customer just above a threshold counts for less than one far above it. On few customers that ranks
the market better; it need not where outcomes are coarse. So both are cross-validated and the customers decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.encoding import FloatArray, Term
from icp_ml.estimator.mix import CrossFit, cross_fit
from icp_ml.estimator.rows import IntArray, TrainingRows, fold_count, fold_numbers


@dataclass(frozen=True)
class GradeChoice:
    """What was trained on, and how well each way ranked all customers out of fold.

    Attributes
    ----------
    graded : bool
    agreement_graded, agreement_extremes : float
        Rank correlation of out-of-fold log-odds with the grades, over all mature customers; NaN where not asked.
    """

    graded: bool
    agreement_graded: float
    agreement_extremes: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        known = {"graded": self.agreement_graded, "extremes": self.agreement_extremes}
        return {"graded": self.graded, "rank_agreement": {k: v for k, v in known.items() if np.isfinite(v)}}


def choose_grades(
    extremes: TrainingRows,
    graded: TrainingRows,
    terms: Sequence[Term],
    params: BoostingParams,
    seed: int,
    n_jobs: int | None = None,
) -> tuple[TrainingRows, CrossFit, GradeChoice]:
    """Cross-validate both ways and keep the one that ranks all customers better.

    Parameters
    ----------
    extremes, graded : TrainingRows
        The same rows in the same order, with and without grades.
    terms : sequence of Term
    params : BoostingParams
    seed : int
    n_jobs : int or None
    """
    assert graded.grade is not None
    found = []
    for rows in (graded, extremes):
        crossed = cross_fit(rows, terms, params, seed, n_jobs)
        fold = fold_numbers(rows, fold_count(rows, params.folds), seed)  # as `cross_fit` deals them
        found.append((rows, crossed, rank_agreement(crossed.out_of_fold, graded.grade, fold, graded.trains)))
    better = 0 if found[0][2] >= found[1][2] else 1
    rows, crossed, _ = found[better]
    return rows, crossed, GradeChoice(better == 0, found[0][2], found[1][2])


def rank_agreement(
    log_odds: FloatArray, grade: FloatArray, fold: IntArray, used: np.ndarray[Any, np.dtype[np.bool_]]
) -> float:
    """Return Spearman's rank correlation within each fold, averaged by customers: models of two folds differ."""
    total, count = 0.0, 0
    for k in np.unique(fold):
        some = (fold == k) & used
        a, b = _ranks(log_odds[some]), _ranks(grade[some])
        if some.sum() > 2 and a.std() > 0 and b.std() > 0:
            total += float(np.corrcoef(a, b)[0, 1]) * int(some.sum())
            count += int(some.sum())
    return total / count if count else 0.0


def _ranks(values: FloatArray) -> FloatArray:
    """Return average ranks."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: FloatArray = (ends - 0.5 * (counts - 1.0))[index]
    return ranks
