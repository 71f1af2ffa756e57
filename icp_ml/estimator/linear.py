"""Ridge logistic regression on the encoded bins: the additive model's plain relative, and its yardstick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from icp_ml.estimator.boosting import TrainingRows, fold_numbers
from icp_ml.estimator.encoding import Codes, FloatArray, Term

if TYPE_CHECKING:
    from scipy import sparse

STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # scikit-learn's C: small is strong


@dataclass(frozen=True)
class RidgeFit:
    """Result of `fit_ridge`; `base + sum(values[j][code])` is the raw log-odds.

    Attributes
    ----------
    values : tuple of ndarray
        Per term, the coefficient of each code; 0 where no training customer showed it.
    base : float
        Intercept.
    C : float
        The inverse penalty chosen.
    out_of_fold : ndarray of shape (n,)
        Log-odds of every row from the fold it was held out of, at the chosen penalty.
    """

    values: tuple[FloatArray, ...]
    base: float
    C: float
    out_of_fold: FloatArray

    def log_odds(self, codes: Codes) -> FloatArray:
        """Return raw log-odds of shape (rows,)."""
        total = np.full(len(codes), self.base)
        for j, table in enumerate(self.values):
            total += table.take(codes[:, j], mode="clip")
        return total


def one_hot(codes: Codes, terms: Sequence[Term]) -> sparse.csr_matrix:
    """Return one indicator per code of each term, shape (rows, sum of term sizes).

    The commonest code of a token or a yes-or-no field gets none: a hundred columns that are almost always
    one are a hundred more intercepts, and the fit would crawl.
    """
    from scipy import sparse

    rows = len(codes)
    starts = np.concatenate([[0], np.cumsum([term.size for term in terms])]).astype(np.int64)
    shown = np.ones(codes.shape, dtype=bool)
    for j, term in enumerate(terms):
        if term.encoding.kind in ("tokens", "boolean"):
            shown[:, j] = codes[:, j] != np.argmax(np.bincount(codes[:, j], minlength=term.size))
    columns = (codes + starts[:-1]).astype(np.int32)[shown]
    bounds = np.concatenate([[0], np.cumsum(shown.sum(axis=1))]).astype(np.int32)
    return sparse.csr_matrix((np.ones(len(columns)), columns, bounds), shape=(rows, int(starts[-1])))


def fit_ridge(rows: TrainingRows, terms: Sequence[Term], *, folds: int = 5, seed: int = 0) -> RidgeFit:
    """Fit with the penalty that has the least held-out log-loss.

    Parameters
    ----------
    rows : TrainingRows
        Both labels must be among the rows that train; the others are only scored out of fold.
    terms : sequence of Term
    folds : int
    seed : int
        Decides the folds.
    """
    smaller = int(min(rows.y[rows.trains].sum(), (1 - rows.y[rows.trains]).sum()))
    X = one_hot(rows.codes, terms)
    fold = fold_numbers(rows, max(2, min(folds, smaller)), seed)
    held = np.zeros((len(STRENGTHS), len(rows.y)))
    for k in np.unique(fold):
        fitted = (fold != k) & rows.trains
        if len(np.unique(rows.y[fitted])) < 2:
            fitted = rows.trains
        some, asked = X[fitted], X[fold == k]
        for i, strength in enumerate(STRENGTHS):
            coefficients, intercept = _fit(some, rows.y[fitted], rows.weight[fitted], strength)
            held[i, fold == k] = asked @ coefficients + intercept
    judged = rows.trains
    losses = [_loss(out, rows.y[judged], rows.weight[judged]) for out in held[:, judged]]
    chosen = int(np.argmin(np.round(losses, 12)))
    coefficients, base = _fit(X[judged], rows.y[judged], rows.weight[judged], STRENGTHS[chosen])
    cuts = np.cumsum([term.size for term in terms])[:-1]
    return RidgeFit(tuple(np.split(coefficients, cuts)), base, STRENGTHS[chosen], held[chosen])


def _fit(X: sparse.csr_matrix, y: FloatArray, weight: FloatArray, strength: float) -> tuple[FloatArray, float]:
    """Return coefficients and intercept.

    liblinear, because it stays on one thread: on little work like this lbfgs took ten times as long, and many
    times that where several fits ran at once. The scaling keeps its penalty off the intercept.
    """
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=strength, solver="liblinear", intercept_scaling=30.0, tol=1e-5, max_iter=1000, random_state=0
    )
    model.fit(X, y, sample_weight=weight)
    return np.array(model.coef_[0], dtype=np.float64), float(model.intercept_[0])


def _loss(log_odds: FloatArray, y: FloatArray, weight: FloatArray) -> float:
    return float(np.average(np.logaddexp(0.0, np.where(y > 0, -log_odds, log_odds)), weights=weight))
