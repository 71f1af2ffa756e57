"""The model's two parts in one: bagged additive boosting and the smooth ridge, summed into the same tables.

Boosting finds steps, the ridge finds slopes and shrinks many weak fields together; on few customers their mean ranks
better than either. Both are sums of one table per term on the same codes, so the mix is one too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from icp_ml.estimator.adjustment import adjusted_part
from icp_ml.estimator.boosting import BoostingParams, centred_tables, cross_validate, fit_additive
from icp_ml.estimator.calibration import MIN_ROWS, fit_calibration
from icp_ml.estimator.encoding import FloatArray, Term
from icp_ml.estimator.linear import (
    CrossFittedRidge,
    RidgeFit,
    cross_fit_smooth_ridge,
    fit_smooth_ridge,
    posterior_variances,
)
from icp_ml.estimator.rows import IntArray, TrainingRows
from icp_ml.estimator.screening import with_tokens

SHARES = np.linspace(0.0, 1.0, 21)  # of the ridge
EVEN = 0.5
PRIOR_PRECISION = 100.0  # of the share about even: a standard deviation of 0.1


@dataclass(frozen=True)
class MixedFit:
    """Result of `fit_mix`: uncalibrated tables, and every row's log-odds from fits that did not see it.

    Attributes
    ----------
    values, variances : tuple of ndarray
        Per term and code: the mix of both parts' centred tables, and its variance: over the bags, in each of which
        both parts were fitted anew, and what shrinking hides of it (the ridge's posterior beyond its bags).
    base, base_variance : float
    rounds : int
        Of the boosters.
    share : float
        What the ridge counts for; the boosters count for the rest.
    ridge : RidgeFit
        The ridge on all training rows.
    out_of_fold, out_of_bag : ndarray of shape (n,)
        The ridge is out of fold in both.
    boosters : tuple of str
    adjusted : ndarray of shape (n,)
        What the terms that are adjusted for add to each row, by bags that did not draw it; 0 where there are none.
    tokens : ndarray of shape (k,)
        Those kept of wide token sets; their tables come after those of the terms.
    draws : tuple of ndarray of shape (training rows,)
        How often each bag drew each row that trains.
    """

    values: tuple[FloatArray, ...]
    variances: tuple[FloatArray, ...]
    base: float
    base_variance: float
    rounds: int
    share: float
    ridge: RidgeFit
    out_of_fold: FloatArray
    out_of_bag: FloatArray
    boosters: tuple[str, ...]
    adjusted: FloatArray
    tokens: IntArray
    draws: tuple[IntArray, ...]


@dataclass(frozen=True)
class CrossFit:
    """What cross-validation chose for both parts, and their log-odds of every row from folds without it."""

    rounds: int
    boosted: FloatArray
    ridge: CrossFittedRidge

    @property
    def out_of_fold(self) -> FloatArray:
        """The even mix."""
        return EVEN * (self.boosted + self.ridge.out_of_fold)


def cross_fit(
    rows: TrainingRows, terms: Sequence[Term], params: BoostingParams, seed: int, n_jobs: int | None = None
) -> CrossFit:
    """Cross-validate both parts; see `fit_mix` for the parameters."""
    rounds, boosted = cross_validate(rows, terms, params, seed, n_jobs)
    return CrossFit(rounds, boosted, cross_fit_smooth_ridge(rows, terms, folds=params.folds, seed=seed, n_jobs=n_jobs))


def fit_mix(
    rows: TrainingRows,
    terms: Sequence[Term],
    params: BoostingParams,
    seed: int,
    n_jobs: int | None = None,
    crossed: CrossFit | None = None,
) -> MixedFit:
    """Fit both parts, weigh them by what they say of rows they did not see, and sum them.

    Parameters
    ----------
    rows : TrainingRows
        In canonical order. Both labels must be among the rows that train.
    terms : sequence of Term
    params : BoostingParams
    seed : int
    n_jobs : int or None
        Fits at once (joblib); the result does not depend on it.
    crossed : CrossFit, optional
        What `cross_fit` said, where it was asked before.
    """
    crossed = crossed or cross_fit(rows, terms, params, seed, n_jobs)
    additive = fit_additive(rows, terms, params, seed, n_jobs, (crossed.rounds, crossed.boosted))
    draws = [bag.draws for bag in additive.bags]
    taken = additive.screens if rows.wide else None
    linear = fit_smooth_ridge(rows, terms, draws, n_jobs=n_jobs, crossed=crossed.ridge, taken=taken)
    rows, terms = with_tokens(rows, terms, additive.screens.kept)
    ridge = linear.fit
    share = ridge_share(additive.out_of_bag, ridge.out_of_fold, rows.target, rows.weight)
    boosted, boosted_bases = centred_tables([(bag.values, bag.base) for bag in additive.bags], rows, terms)
    smooth, smooth_bases = centred_tables([(ridge.values, ridge.base), *linear.bags], rows, terms)
    values, variances = [], []
    scatter = dispersion((1 - share) * additive.out_of_bag + share * ridge.out_of_fold, rows)
    mixed = [(1 - share) * stack + share * other[1:] for stack, other in zip(boosted, smooth, strict=True)]
    for stack, other, posterior in zip(boosted, smooth, posterior_variances(ridge, rows, terms), strict=True):
        values.append((1 - share) * stack.mean(axis=0) + share * other[0])
        spread = ((1 - share) * stack + share * other[1:]).var(axis=0, ddof=1)
        # Both parts shrink, the boosters by stopping early: what bags cannot show of it counts in full.
        hidden = np.maximum(scatter * posterior - other[1:].var(axis=0, ddof=1), 0.0)
        variances.append(spread + np.where(other.any(axis=0), hidden, 0.0))
    bases = (1 - share) * boosted_bases + share * smooth_bases[1:]
    return MixedFit(
        tuple(values),
        tuple(variances),
        float((1 - share) * boosted_bases.mean() + share * smooth_bases[0]),
        float(bases.var(ddof=1)),
        additive.rounds,
        share,
        ridge,
        (1 - share) * additive.out_of_fold + share * ridge.out_of_fold,
        (1 - share) * additive.out_of_bag + share * ridge.out_of_fold,
        tuple(bag.text for bag in additive.bags),
        adjusted_part(rows, terms, mixed, draws),
        additive.screens.kept,
        tuple(draws),
    )


def ridge_share(boosted: FloatArray, ridge: FloatArray, y: FloatArray, weight: FloatArray) -> float:
    """Return what the ridge should count for: the least log-loss once calibrated, with a prior towards even.

    Parameters
    ----------
    boosted, ridge : ndarray of shape (n,)
        Log-odds by fits that did not see the row.
    y : ndarray of shape (n,)
        Labels or grades.
    weight : ndarray of shape (n,)

    Returns
    -------
    float
        0 to 1; even for fewer than 40 rows.
    """
    used = weight > 0
    boosted, ridge, y, weight = boosted[used], ridge[used], y[used], weight[used]
    if len(y) < MIN_ROWS:
        return EVEN
    losses = []
    for share in SHARES:
        raw = (1 - share) * boosted + share * ridge
        fitted = fit_calibration(raw, y, weight)
        z = fitted.slope * raw + fitted.intercept
        loss = float(weight @ (np.logaddexp(0.0, z) - y * z)) / weight.mean()
        losses.append(loss + 0.5 * PRIOR_PRECISION * (share - EVEN) ** 2)
    return round(float(SHARES[int(np.argmin(np.round(losses, 9)))]), 2)


def dispersion(log_odds: FloatArray, rows: TrainingRows) -> float:
    """Return how much what was trained on scatters about held-out probabilities, as a share of what labels would.

    Labels are draws, and it is about 1. Grades lie between, about a third as far from what is expected of them,
    so each says more of the tables than a label does (the dispersion of a quasi-likelihood, Wedderburn 1974).
    """
    if rows.grade is None:
        return 1.0
    used = rows.trains & (rows.weight > 0)
    log_odds, target, weight = log_odds[used], rows.target[used], rows.weight[used]
    fitted = fit_calibration(log_odds, target, weight)
    p = 1.0 / (1.0 + np.exp(-(fitted.slope * log_odds + fitted.intercept)))
    scatter = float(weight @ (target - p) ** 2) / float(weight @ (p * (1.0 - p)))
    return min(1.0, scatter)


def ridge_text(fit: MixedFit, terms: Sequence[Term]) -> str:
    """Return the ridge as JSON, for audit: what it counts for, its penalty, and its tables before mixing."""
    tables = {term.name: table.tolist() for term, table in zip(terms, fit.ridge.values, strict=True)}
    whole = {"share": fit.share, "C": fit.ridge.C, "base": fit.ridge.base, "tables": tables}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
