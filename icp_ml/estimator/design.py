"""What LightGBM sees of codes: ordinals, and for categories how good and how common their values are.

A category's trees choose between two orders of its values: by the rate of best customers, smoothed and taken from
other folds, and by how common the value is. Nothing is known of each rare value by itself, but rare values often
have something in common, and there the second order speaks (CatBoost counts categories too; Prokhorenkova et al. 2018).
Both are functions of the code, so the fit stays a sum of one table per term.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from icp_ml.estimator.encoding import FIRST_BIN, MISSING, RARE, Codes, FloatArray, Term
from icp_ml.estimator.rows import TrainingRows, fold_numbers

if TYPE_CHECKING:
    import lightgbm

    from icp_ml.estimator.boosting import BoostingParams


class CategoryStatistic(NamedTuple):
    """Of every code of a category: its smoothed rate of best customers, and how common it is (None: no order)."""

    rate: FloatArray
    commonness: FloatArray | None = None


Statistics = Sequence[CategoryStatistic | None]


class Columns(NamedTuple):
    """Of a design: which columns one tree may use together (a term's), and how freely each may speak."""

    together: list[list[int]]
    freedom: list[float]


def commonness(codes: Codes, j: int, term: Term) -> FloatArray | None:
    """Return the log share of rows that show each value of a category, a rare one's on average.

    None for fewer than three values: with two the order by rate is the only one there is.
    """
    counts = np.bincount(codes[:, j], minlength=term.size).astype(np.float64)
    if (counts[RARE:] > 0).sum() < 3:
        return None
    counts[RARE] /= max(len(term.encoding.rare), 1)
    shares: FloatArray = np.log((counts + 0.5) / (len(codes) + 1.0))
    return shares


def centred_commonness(codes: Codes, j: int, term: Term) -> FloatArray | None:
    """Return the same with a mean of 0 and a mean square of 1 over the rows with a value; 0 for what none shows."""
    shares = commonness(codes, j, term) if term.encoding.kind == "category" else None
    if shares is None:
        return None
    counts = np.bincount(codes[:, j], minlength=term.size).astype(np.float64)
    counts[MISSING] = 0.0
    centred = shares - counts @ shares / counts.sum()
    spread = float(np.sqrt(counts @ centred**2 / counts.sum()))
    return np.where(counts > 0, centred / spread, 0.0) if spread > 1e-9 else None


def category_statistics(
    codes: Codes, terms: Sequence[Term], y: FloatArray, weight: FloatArray, smoothing: float
) -> list[CategoryStatistic | None]:
    """Return what is known of each category term's codes; None for other terms."""
    prior = float(np.average(y, weights=weight))
    out: list[CategoryStatistic | None] = []
    for j, term in enumerate(terms):
        if term.encoding.kind != "category":
            out.append(None)
            continue
        total = np.bincount(codes[:, j], weights=weight, minlength=term.size)
        good = np.bincount(codes[:, j], weights=weight * y, minlength=term.size)
        rate = (good + smoothing * prior) / (total + smoothing)
        out.append(CategoryStatistic(rate, commonness(codes, j, term)))
    return out


def design(codes: Codes, terms: Sequence[Term], statistics: Statistics) -> FloatArray:
    """Return what LightGBM sees: a column per term, NaN for missing, then those of the categories' commonness."""
    X = codes.astype(np.float64)
    more = []
    for j, statistic in enumerate(statistics):
        if statistic is not None:
            X[:, j] = statistic.rate[codes[:, j]]
            if statistic.commonness is not None:
                more.append(np.where(codes[:, j] == MISSING, np.nan, statistic.commonness[codes[:, j]]))
        elif terms[j].encoding.kind == "numeric":  # beyond the customers' range: as at its edge
            np.clip(X[:, j], FIRST_BIN, terms[j].size - 2, out=X[:, j])
    X[codes == MISSING] = np.nan
    return np.column_stack([X, *more]) if more else X


def columns(terms: Sequence[Term], statistics: Statistics) -> Columns:
    """Return which columns of the design are of one term, and how freely each may speak."""
    together = [[j] for j in range(len(terms))]
    freedom = [term.encoding.freedom for term in terms]
    for j, statistic in enumerate(statistics):
        if statistic is not None and statistic.commonness is not None:
            together[j].append(len(freedom))
            freedom.append(terms[j].encoding.freedom)
    return Columns(together, freedom)


def cross_fitted_design(
    rows: TrainingRows, terms: Sequence[Term], statistics: Statistics, params: BoostingParams, seed: int
) -> FloatArray:
    """Return the design of training rows, each category rate taken from rows of other folds."""
    X = design(rows.codes, terms, statistics)
    categories = [j for j, term in enumerate(terms) if term.encoding.kind == "category"]
    if not categories:
        return X
    fold = fold_numbers(rows, params.folds, seed)
    some = [terms[j] for j in categories]
    for k in np.unique(fold):
        held, rest = fold == k, fold != k
        if not rows.weight[rest].sum() > 0:
            continue
        of_rest = category_statistics(
            rows.codes[rest][:, categories], some, rows.target[rest], rows.weight[rest], params.smoothing
        )
        rates = [statistic._replace(commonness=None) if statistic else None for statistic in of_rest]
        X[np.ix_(held, categories)] = design(rows.codes[held][:, categories], some, rates)
    return X


def probe_codes(terms: Sequence[Term]) -> Codes:
    """Return one row per code of each term in turn, all other terms missing."""
    sizes = [term.size for term in terms]
    codes = np.zeros((sum(sizes), len(terms)), dtype=np.uint16)
    start = 0
    for j, size in enumerate(sizes):
        codes[start : start + size, j] = np.arange(size)
        start += size
    return codes


def read_tables(
    booster: lightgbm.Booster, terms: Sequence[Term], statistics: Statistics
) -> tuple[list[FloatArray], float]:
    """Read a single-field booster back as one table per term: `base + sum(table[code])` is its raw score."""
    contributions = np.asarray(
        booster.predict(design(probe_codes(terms), terms, statistics), pred_contrib=True, num_threads=1)
    )
    values, start = [], 0
    for term, own in zip(terms, columns(terms, statistics).together, strict=True):
        values.append(contributions[start : start + term.size, own].sum(axis=1))
        start += term.size
    return values, float(contributions[0, -1])
