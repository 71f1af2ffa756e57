"""Rank agreement: Spearman's correlation of a score with the customers' grades, on many resamples at once.

Over all mature customers, the middle too, and within a fold only: scores of two folds come from two models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icp_ml.estimator.encoding import FloatArray
from icp_ml.estimator.rows import IntArray


@dataclass(frozen=True)
class Order:
    """Rows of one fold by a value: where each goes, and where runs of equal values start."""

    place: IntArray
    starts: IntArray
    lengths: IntArray

    @classmethod
    def of(cls, values: FloatArray) -> Order:
        """Sort; equal values share a run."""
        place = np.argsort(values, kind="stable")
        ranked = values[place]
        starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
        return cls(place, starts, np.diff(np.concatenate([starts, [len(values)]])))

    def ranks(self, drawn: FloatArray) -> FloatArray:
        """Return mean ranks in each resample; `drawn` (resamples, rows) says how often a row was drawn."""
        total = np.add.reduceat(drawn[:, self.place], self.starts, axis=1)
        middle = total.cumsum(axis=1) - 0.5 * total
        out = np.empty_like(drawn)
        out[:, self.place] = np.repeat(middle, self.lengths, axis=1)
        return out


@dataclass(frozen=True)
class FoldOrders:
    """One fold's customers with a grade, ordered by score and by grade."""

    rows: IntArray
    by_score: Order
    by_grade: Order


def fold_orders(score: FloatArray, grade: FloatArray, fold: IntArray) -> tuple[FoldOrders, ...]:
    """Prepare what does not depend on the resample; customers without a grade take no part."""
    known = np.isfinite(grade)
    parts = [np.flatnonzero((fold == k) & known) for k in np.unique(fold)]
    return tuple(FoldOrders(rows, Order.of(score[rows]), Order.of(grade[rows])) for rows in parts if len(rows) > 2)


def rank_agreement(folds: tuple[FoldOrders, ...], weights: FloatArray) -> FloatArray:
    """Return the rank correlation on each resample, folds weighed by their customers.

    Parameters
    ----------
    folds : tuple of FoldOrders
    weights : ndarray of shape (resamples, n)
        How often each customer was drawn.

    Returns
    -------
    ndarray of shape (resamples,)
        -1 to 1; 0 for a score that is the same of everybody, NaN where nobody has a grade.
    """
    total, count = np.zeros(len(weights)), np.zeros(len(weights))
    for part in folds:
        drawn = weights[:, part.rows]
        n = drawn.sum(axis=1)
        a, b = part.by_score.ranks(drawn), part.by_grade.ranks(drawn)
        a -= (np.einsum("bn,bn->b", drawn, a) / np.maximum(n, 1e-300))[:, None]
        b -= (np.einsum("bn,bn->b", drawn, b) / np.maximum(n, 1e-300))[:, None]
        weighted = drawn * a
        spread = np.einsum("bn,bn->b", weighted, a) * np.einsum("bn,bn,bn->b", drawn, b, b)
        together = np.einsum("bn,bn->b", weighted, b)
        total += n * np.where(spread > 1e-9, together / np.sqrt(np.maximum(spread, 1e-9)), 0.0)
        count += n
    out: FloatArray = np.full(len(weights), np.nan)
    np.divide(total, count, out=out, where=count > 0)
    return out
