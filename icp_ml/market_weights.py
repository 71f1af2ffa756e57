"""Importance weights: customers that look like the list count for more, those unlike it for less.

The weight of a customer is how much commoner its sort is on the list than among customers: a density ratio, by a
penalised logistic regression on the model's own bins that tells the two apart, asked of rows it did not see.
A missing value says how data were collected and not what a company is, so it moves no weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from icp_ml.accounts import Accounts
from icp_ml.accounts.guard.populations import sample
from icp_ml.estimator.encoding import MISSING, Codes, FloatArray, Term
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_encoding
from icp_ml.estimator.ridge_basis import one_hot
from icp_ml.estimator.rows import IntArray, TrainingRows, canonical_order, fold_numbers
from icp_ml.exceptions import SettingsError, TrainingRefused
from icp_ml.settings import Settings
from icp_ml.training_data import TrainingData

LARGEST = 10.0  # times the weight of the average customer; and a tenth of it at least
LEAST_BEST = 40.0  # effective best customers
LEAST_SHARE = 0.25  # effective customers, of all
MAX_LISTED = 3  # accounts of the list per customer: more tell no more
FOLDS = 5
STRENGTHS = (0.01, 0.1, 1.0)  # scikit-learn's C: small is strong


@dataclass(frozen=True, eq=False)
class MarketWeights:
    """One weight per customer, mean 1, and what they leave of the customers.

    Attributes
    ----------
    weight : ndarray of shape (n,)
    effective, effective_best : float
        (sum of weights)^2 / sum of squared weights, of all customers and of the best: as many customers of equal
        weight would tell as much.
    customers, best : int
    clipped : int
        Customers whose weight was held at the limit.
    """

    weight: FloatArray
    effective: float
    effective_best: float
    customers: int
    best: int
    clipped: int

    @property
    def sentence(self) -> str:
        """What a reader should know."""
        return (
            f"Customers are weighted to look like the list: {self.customers:,} tell as much as "
            f"{self.effective:,.0f} of equal weight would, the {self.best:,} best as much as "
            f"{self.effective_best:,.0f}; figures on held-out customers are of customers as they are, unweighted."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without rows of customers."""
        values = {key: value for key, value in vars(self).items() if key != "weight"}
        return {**values, "sentence": self.sentence}


def weigh_customers(
    data: TrainingData, accounts: Accounts, market: Accounts | None, settings: Settings
) -> MarketWeights | None:
    """Return the weights that the settings ask for, if any; a column read as another kind on the list is left out.

    Raises
    ------
    SettingsError
        Weights are asked for, and there is no list.
    TrainingRefused
        See `market_weights`.
    """
    if not settings.model.market_weights:
        return None
    if market is None:
        msg = "model.market_weights = true makes customers look like a list: give one (--list LIST), or set it to false"
        raise SettingsError(msg)
    alike = [n for n, f in market.fields.items() if n in accounts.fields and accounts.fields[n].kind == f.kind]
    return market_weights(
        data.columns,
        data.specs,
        data.best,
        market.table.select(alike),
        groups=data.groups,
        params=data.params,
        as_of=data.as_of,
        seed=settings.random_state,
    )


def market_weights(
    columns: Mapping[str, pa.Array],
    specs: Sequence[FieldSpec],
    best: FloatArray,
    market: pa.Table,
    *,
    groups: IntArray,
    params: FitParams,
    as_of: date | None = None,
    seed: int = 0,
) -> MarketWeights:
    """Weight customers so that they look like the list.

    Parameters
    ----------
    columns : mapping of name to Arrow array of n rows
        The customers'.
    specs : sequence of FieldSpec
        Fields that are adjusted for are left out: the list has none of them.
    best : ndarray of shape (n,)
        1 for best customers; only counted, no weight depends on it.
    market : pa.Table
        The list; of many accounts a sample is used.
    groups : ndarray of shape (n,)
        Customers of a group share a fold.
    params : FitParams
    as_of : date, optional
    seed : int

    Raises
    ------
    TrainingRefused
        Too little would be left: under 40 effective best customers, or under a quarter of the customers.
    """
    shared = [spec for spec in specs if not spec.adjust and spec.name in market.column_names]
    n = len(best)
    encoding = fit_encoding(columns, shared, params, as_of)
    listed = _thinned(sample(market), MAX_LISTED * n)
    names = [enc.field for enc in encoding.fields]
    there = encoding.encode({name: listed[name].combine_chunks() for name in names}, listed.num_rows, as_of)
    here = encoding.encode(columns, n, as_of)
    order = canonical_order(here, best, np.ones(n), groups, np.ones(n, dtype=bool))
    _, first, number = np.unique(groups[order], return_index=True, return_inverse=True)
    group = np.argsort(np.argsort(first))[number].astype(np.int64)  # by first appearance: names carry no meaning
    listing = np.lexsort(there.T)
    size = len(there)
    rows = TrainingRows(
        np.asfortranarray(np.concatenate([here[order], there[listing]])),
        np.concatenate([np.ones(n), np.zeros(size)]),
        (n + size) / 2 * np.concatenate([np.full(n, 1 / n), np.full(size, 1 / size)]),  # both count the same
        np.concatenate([group, n + np.arange(size)]),
        np.ones(n + size, dtype=bool),
    )
    log_odds = _told_apart(rows, encoding.terms, seed)[:n]
    weight = np.empty(n)
    weight[order], clipped = _clipped(np.exp(log_odds.min() - log_odds))
    found = MarketWeights(
        weight, effective_size(weight), effective_size(weight[best > 0]), n, int((best > 0).sum()), clipped
    )
    _check(found)
    return found


def effective_size(weight: FloatArray) -> float:
    """Return how many rows of equal weight would tell as much (Kish 1965)."""
    return float(weight.sum() ** 2 / (weight**2).sum()) if len(weight) else 0.0


def _told_apart(rows: TrainingRows, terms: Sequence[Term], seed: int) -> FloatArray:
    """Return every row's log-odds of being a customer by a fit that did not see it; missing values say nothing.

    The penalty is the one with the least held-out log-loss.
    """
    from sklearn.linear_model import LogisticRegression

    X = one_hot(rows.codes, terms)
    cuts = np.cumsum([term.size for term in terms])[:-1]
    fold = fold_numbers(rows, FOLDS, seed)
    best, least = np.zeros(len(rows.y)), np.inf
    for strength in STRENGTHS:
        log_odds = np.empty(len(rows.y))
        for k in range(FOLDS):
            rest, held = fold != k, fold == k
            model = LogisticRegression(C=strength, solver="liblinear", intercept_scaling=30.0, tol=1e-4, random_state=0)
            model.fit(X[rest], rows.y[rest], sample_weight=rows.weight[rest])
            tables = np.split(np.asarray(model.coef_[0], dtype=np.float64), cuts)
            log_odds[held] = _of_known(tables, rows.codes[rest], rows.weight[rest], rows.codes[held])
        signs = np.where(rows.y > 0, -log_odds, log_odds)
        loss = round(float(np.average(np.logaddexp(0.0, signs), weights=rows.weight)), 12)
        if loss < least:
            best, least = log_odds, loss
    return best


def _of_known(tables: Sequence[FloatArray], fitted: Codes, weight: FloatArray, asked: Codes) -> FloatArray:
    """Return log-odds where a missing value says nothing: what is known is centred, and missing counts as average."""
    total = np.zeros(len(asked))
    for j, table in enumerate(tables):
        known = np.bincount(fitted[:, j], weights=weight, minlength=len(table))
        known[MISSING] = 0.0
        centred = table - (float(table @ known / known.sum()) if known.sum() else 0.0)
        centred[MISSING] = 0.0
        total += centred[asked[:, j]]
    return total


def _clipped(ratio: FloatArray) -> tuple[FloatArray, int]:
    """Return ratios with mean 1 and none beyond the limits, and how many were held at a limit."""
    ratio = ratio / ratio.mean()
    for _ in range(50):  # clipping moves the mean, and the mean the limits
        held = np.clip(ratio, 1.0 / LARGEST, LARGEST)
        if abs(held.mean() - 1.0) < 1e-9:
            break
        ratio = ratio / held.mean()
    held = np.clip(ratio, 1.0 / LARGEST, LARGEST)
    return held / held.mean(), int((held != ratio).sum())


def _thinned(table: pa.Table, most: int) -> pa.Table:
    """Return at most `most` rows, evenly spaced."""
    if table.num_rows <= most:
        return table
    return table.take(pa.array(np.linspace(0, table.num_rows - 1, most).round().astype(np.int64)))


def _check(found: MarketWeights) -> None:
    share = found.effective / found.customers
    if found.effective_best >= LEAST_BEST and share >= LEAST_SHARE:
        return
    left = (
        f"the {found.best:,} best customers would tell no more than {found.effective_best:.0f} of equal weight, where "
        f"{LEAST_BEST:.0f} are needed"
        if found.effective_best < LEAST_BEST
        else f"the {found.customers:,} customers would tell no more than {found.effective:,.0f} of equal weight "
        f"({share:.0%}), where {LEAST_SHARE:.0%} are needed"
    )
    msg = (
        f"model.market_weights: customers and list differ too much to weight one like the other: {left}. Set  "
        "model: {market_weights: false}, or give a list that is closer to the customers, or more customers."
    )
    raise TrainingRefused(msg)
