"""Ridge logistic regression on the encoded bins: plain, the yardstick; smooth along numbers, a part of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from icp_ml.estimator.design import centred_commonness
from icp_ml.estimator.encoding import Codes, FloatArray, Term
from icp_ml.estimator.ridge_basis import COMMON, one_hot, smooth_design, term_basis
from icp_ml.estimator.rows import IntArray, TrainingRows, fold_count, fold_numbers, take
from icp_ml.estimator.screening import Screens, aligned, screen, with_tokens

if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy import sparse

STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # scikit-learn's C: small is strong
USUAL_STRENGTH = 3  # where the smooth fit starts to look, and the middle of its prior
STRENGTH_SPREAD = 1.0  # standard deviation of the logarithm
TOLERANCE = 1e-5  # liblinear's


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
    X = one_hot(rows.codes, terms)
    fold = fold_numbers(rows, fold_count(rows, folds), seed)
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


class _Part(NamedTuple):
    """A fold: all rows in its basis, those it is fitted on, and those held out."""

    X: sparse.csr_matrix
    fitted: npt.NDArray[np.bool_]
    held: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class CrossFittedRidge:
    """The penalty of a smooth ridge, and every row's log-odds at it from the fold it was held out of."""

    C: float
    out_of_fold: FloatArray


@dataclass(frozen=True)
class BaggedRidge:
    """Result of `fit_smooth_ridge`: the fit on all training rows, and for its spread the same on every bag."""

    fit: RidgeFit
    bags: tuple[tuple[tuple[FloatArray, ...], float], ...]


def cross_fit_smooth_ridge(
    rows: TrainingRows, terms: Sequence[Term], *, folds: int = 5, seed: int = 0, n_jobs: int | None = None
) -> CrossFittedRidge:
    """Choose the penalty of the ridge that is smooth along numbers by held-out log-loss.

    Parameters
    ----------
    rows : TrainingRows
        Both labels must be among the rows that train; the others are only scored out of fold.
    terms : sequence of Term
    folds : int
    seed : int
        Decides the folds, as it does those of the boosters.
    n_jobs : int or None
        Fits at once (joblib); the result does not depend on it.
    """
    from joblib import Parallel

    fold = fold_numbers(rows, fold_count(rows, folds), seed)
    with Parallel(n_jobs=n_jobs, prefer="threads") as parallel:
        chosen, out_of_fold = _walk(_parts(rows, terms, fold), rows, parallel)
    return CrossFittedRidge(STRENGTHS[chosen], out_of_fold)


def fit_smooth_ridge(
    rows: TrainingRows,
    terms: Sequence[Term],
    draws: Sequence[IntArray],
    *,
    folds: int = 5,
    seed: int = 0,
    n_jobs: int | None = None,
    crossed: CrossFittedRidge | None = None,
    taken: Screens | None = None,
) -> BaggedRidge:
    """Fit the ridge that is smooth along numbers on all training rows and on every bag.

    Parameters
    ----------
    rows : TrainingRows
    terms : sequence of Term
    draws : sequence of ndarray of shape (training rows,)
        How often each bag drew each row that trains.
    folds, seed, n_jobs
        See `cross_fit_smooth_ridge`.
    crossed : CrossFittedRidge, optional
        What that said, where it was asked before.
    taken : Screens, optional
        Where the rows have wide token sets: the tokens of each bag and of the fit on all. Tables are then of the
        terms and of the tokens kept.
    """
    from joblib import Parallel, delayed

    crossed = crossed or cross_fit_smooth_ridge(rows, terms, folds=folds, seed=seed, n_jobs=n_jobs)
    trained = take(rows, rows.trains)
    weights = [trained.weight, *(trained.weight * drawn for drawn in draws)]
    owns = [taken.full, *taken.bags] if taken else [np.empty(0, np.int64)] * len(weights)
    kept = taken.kept if taken else owns[0]
    whole = None if rows.wide else smooth_design(trained, terms)
    penalty = crossed.C

    def tables(weight: FloatArray, own: IntArray) -> tuple[tuple[FloatArray, ...], float]:
        basis, X = whole or smooth_design(*with_tokens(trained, terms, own))
        coefficients, base = _fit_weighted(X, trained.target, weight, penalty)
        cuts = np.cumsum([*(term.size for term in terms), *[3] * len(own)])[:-1]
        return tuple(aligned(np.split(basis @ coefficients, cuts), own, kept)), base

    fits = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(tables)(weight, own) for weight, own in zip(weights, owns, strict=True)
    )
    values, base = fits[0]
    return BaggedRidge(RidgeFit(values, base, crossed.C, crossed.out_of_fold), tuple(fits[1:]))


def held_out_ridge(
    X: sparse.csr_matrix, rows: TrainingRows, held: npt.NDArray[np.bool_], strength: float, tol: float = TOLERANCE
) -> FloatArray:
    """Fit one smooth ridge on all but the held rows, at a fixed penalty, and return its log-odds of those.

    Parameters
    ----------
    X : sparse matrix of n rows
        `smooth_design` of the rows.
    rows : TrainingRows
    held : ndarray of bool, shape (n,)
    strength : float
        scikit-learn's C.
    tol : float
        liblinear's.
    """
    coefficients, base = _fit_weighted(X[~held], rows.target[~held], rows.weight[~held], strength, tol)
    return np.asarray(X[held] @ coefficients + base)


def _parts(rows: TrainingRows, terms: Sequence[Term], fold: IntArray) -> list[_Part]:
    """Return the folds; where token sets are wide, each takes its tokens by the rows it is fitted on."""
    whole = None if rows.wide else smooth_design(rows, terms)
    out = []
    for k in np.unique(fold):
        fitted = (fold != k) & rows.trains
        if len(np.unique(rows.target[fitted & (rows.weight > 0)])) < 2:
            fitted = rows.trains
        _, X = whole or smooth_design(*with_tokens(rows, terms, screen(take(rows, fitted))))
        out.append(_Part(X, fitted, fold == k))
    return out


def posterior_variances(fit: RidgeFit, rows: TrainingRows, terms: Sequence[Term]) -> tuple[FloatArray, ...]:
    """Return per term and code how far the truth may lie from a centred table, taking the penalty as a prior.

    Refits on bags are all pulled towards zero alike, so their spread does not show that the pull is uncertain.
    The posterior's does: a code nobody showed has the prior's variance. Each term is taken by itself.
    """
    chance = 1.0 / (1.0 + np.exp(-fit.log_odds(rows.codes)))
    information = np.where(rows.trains, rows.weight * chance * (1.0 - chance), 0.0)
    out = []
    for j, term in enumerate(terms):
        of_code = np.bincount(rows.codes[:, j], weights=information, minlength=term.size)
        share = np.bincount(rows.codes[:, j], minlength=term.size) / len(rows.codes)
        if term.encoding.kind == "numeric":
            basis = term_basis(rows.codes, j, term)
            precision = basis.T @ (of_code[:, None] * basis) + np.eye(basis.shape[1]) / fit.C
            centred = basis - share @ basis
            variance = np.einsum("ij,ji->i", centred, np.linalg.solve(precision, centred.T))
        else:
            prior = fit.C * term.encoding.freedom**2
            variance = _category_variance(of_code.astype(np.float64), share, prior, rows.codes, j, term)
        out.append(np.maximum(variance, 0.0))
    return tuple(out)


def _category_variance(
    information: FloatArray, share: FloatArray, prior: float, codes: Codes, j: int, term: Term
) -> FloatArray:
    """Return the posterior variance of a centred table whose values vary by themselves and with how common they are.

    The posterior's precision is a diagonal less one outer product, so its inverse is at hand (Sherman & Morrison).
    """
    own = 1.0 / (information + 1.0 / prior)
    variance = own * (1.0 - 2.0 * share) + float(share**2 @ own)
    common = centred_commonness(codes, j, term)
    if common is None:
        return variance
    common = COMMON * common
    along = own * common / np.sqrt(prior * (1.0 + common @ common))
    remaining = 1.0 - float(along @ (along / own))
    return np.asarray(variance + (along - share @ along) ** 2 / remaining)


def _walk(parts: Sequence[_Part], rows: TrainingRows, parallel: Any) -> tuple[int, FloatArray]:
    """Go from strength to strength while the held-out log-loss falls; return where it ended and its log-odds.

    The loss is summed over the rows and has a prior: of few best customers it is mostly chance.
    """
    from joblib import delayed

    tried: dict[int, tuple[float, FloatArray]] = {}
    judged = rows.trains
    size = float(rows.weight[judged].sum() / rows.weight[judged].mean())

    def loss(i: int) -> float:
        if not 0 <= i < len(STRENGTHS):
            return float("inf")
        if i not in tried:
            found = parallel(delayed(_held_out)(p.X, rows, p.fitted, p.held, STRENGTHS[i]) for p in parts)
            log_odds = np.empty(len(rows.y))
            for part, said in zip(parts, found, strict=True):
                log_odds[part.held] = said
            total = _loss(log_odds[judged], rows.target[judged], rows.weight[judged]) * size
            away = np.log(STRENGTHS[i] / STRENGTHS[USUAL_STRENGTH]) / STRENGTH_SPREAD
            tried[i] = round(total + 0.5 * float(away) ** 2, 9), log_odds
        return tried[i][0]

    at = USUAL_STRENGTH
    step = 1 if loss(at + 1) < loss(at) else -1
    while loss(at + step) < loss(at):
        at += step
    return at, tried[at][1]


def _held_out(
    X: sparse.csr_matrix,
    rows: TrainingRows,
    fitted: npt.NDArray[np.bool_],
    held: npt.NDArray[np.bool_],
    strength: float,
) -> FloatArray:
    """Return log-odds of the held rows."""
    coefficients, base = _fit_weighted(X[fitted], rows.target[fitted], rows.weight[fitted], strength)
    return np.asarray(X[held] @ coefficients + base)


def _fit_weighted(
    X: sparse.csr_matrix, y: FloatArray, weight: FloatArray, strength: float, tol: float = TOLERANCE
) -> tuple[FloatArray, float]:
    """Fit on the rows that have weight, labels or grades; where they share one, say the same of everybody."""
    used = weight > 0
    if len(np.unique(y[used])) < 2:
        return np.zeros(X.shape[1]), 0.0
    return _fit(*_split_grades(X[used], y[used], weight[used]), strength, tol)


def _split_grades(X: sparse.csr_matrix, y: FloatArray, weight: FloatArray) -> tuple[Any, FloatArray, FloatArray]:
    """Make two rows of a graded one, best by its grade and not best by the rest: no solver here takes grades."""
    graded = (y > 0) & (y < 1)
    if not graded.any():
        return X, y, weight
    from scipy import sparse

    labels = np.concatenate([np.where(graded, 1.0, y), np.zeros(int(graded.sum()))])
    shares = np.concatenate([weight * np.where(graded, y, 1.0), (weight * (1.0 - y))[graded]])
    return sparse.vstack([X, X[graded]], format="csr"), labels, shares


def _fit(
    X: sparse.csr_matrix, y: FloatArray, weight: FloatArray, strength: float, tol: float = TOLERANCE
) -> tuple[FloatArray, float]:
    """Return coefficients and intercept.

    liblinear, because it stays on one thread: on little work like this lbfgs took ten times as long, and many
    times that where several fits ran at once. The scaling keeps its penalty off the intercept.
    """
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=strength, solver="liblinear", intercept_scaling=30.0, tol=tol, max_iter=1000, random_state=0
    )
    model.fit(X, y, sample_weight=weight)
    return np.array(model.coef_[0], dtype=np.float64), float(model.intercept_[0])


def _loss(log_odds: FloatArray, y: FloatArray, weight: FloatArray) -> float:
    return float(np.average(np.logaddexp(0.0, log_odds) - y * log_odds, weights=weight))
