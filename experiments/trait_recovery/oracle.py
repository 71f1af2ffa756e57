"""What could be found at all: each planted trait's own test with its true values known.

The score test of a logistic regression of the labels on the planted indicators as seen (0 where the value is missing,
with an indicator of missingness per field): all other planted effects are fitted, the trait in question is added. A
score test needs no fit with the trait itself, so few customers or a perfect split don't break it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from icp_ml.datasets.planted import PlantedTrait

Floats = npt.NDArray[np.float64]
RIDGE = 1e-3  # keeps a covariate that all or no customers have from making the fit singular
STEPS = 50
CUTS = 60  # candidates for the ends of a range


def oracle_z(seen: pd.DataFrame, traits: tuple[PlantedTrait, ...], y: Floats) -> list[float]:
    """Return per planted trait the z of its effect, positive where the data agree with its sign.

    Parameters
    ----------
    seen : DataFrame of n customers
        With gaps.
    traits : tuple of PlantedTrait
    y : ndarray of shape (n,)
        1 or 0.
    """
    X = design(seen, traits)
    out = []
    for k, trait in enumerate(traits):
        others = np.delete(X, k + 1, axis=1)
        out.append(float(np.sign(trait.effect) * score_z(others, X[:, k + 1], y)))
    return out


def design(seen: pd.DataFrame, traits: tuple[PlantedTrait, ...]) -> Floats:
    """Return a constant, the planted indicators and one of missingness per field, shape (n, 1 + traits + fields)."""
    effects = [t.holds(seen) for t in traits]
    gaps = [seen[field].isna() for field in sorted({t.field for t in traits})]
    return np.column_stack([np.ones(len(seen)), *effects, *gaps]).astype(np.float64)


def score_z(others: Floats, x: Floats, y: Floats) -> float:
    """Return the score z of x in a logistic regression of y, the others (with a constant) fitted."""
    p = expit(others @ fit_logistic(others, y))
    w = p * (1 - p)
    cross = others.T @ (w * x)
    inner = (others.T * w) @ others + RIDGE * np.eye(others.shape[1])
    information = float(x @ (w * x) - cross @ np.linalg.solve(inner, cross))
    return float(x @ (y - p) / np.sqrt(information)) if information > 1e-9 else 0.0


def fit_logistic(X: Floats, y: Floats) -> Floats:
    """Return the coefficients of a logistic regression, hardly penalised."""
    beta = np.zeros(X.shape[1])
    for _ in range(STEPS):
        p = expit(X @ beta)
        step = np.linalg.solve((X.T * (p * (1 - p))) @ X + RIDGE * np.eye(len(beta)), X.T @ (y - p) - RIDGE * beta)
        beta = beta + step
        if np.abs(step).max() < 1e-8:
            break
    return beta


def oracle_ranges(
    seen: pd.DataFrame, traits: tuple[PlantedTrait, ...], y: Floats, columns: Sequence[Floats | None]
) -> list[tuple[float | None, float | None] | None]:
    """Return per planted range the one that scores best, all other effects known: how well its ends could be told.

    Parameters
    ----------
    seen, traits, y
        As for `oracle_z`.
    columns : sequence of ndarray or None
        Per trait that is a range, its field's values in the scale of statements; None for others.
    """
    X = design(seen, traits)
    out: list[tuple[float | None, float | None] | None] = []
    for k, (trait, x) in enumerate(zip(traits, columns, strict=True)):
        if x is None:
            out.append(None)
            continue
        others = np.delete(X, k + 1, axis=1)
        p = expit(others @ fit_logistic(others, y))
        out.append(best_run(x, np.sign(trait.effect) * (y - p), p * (1 - p)))
    return out


def best_run(x: Floats, residual: Floats, weight: Floats) -> tuple[float | None, float | None]:
    """Return the run of values, over low and up to high, whose residuals are highest by their z; None: no end."""
    known = ~np.isnan(x)
    values = np.unique(x[known])
    cuts = np.unique(np.quantile(x[known], np.linspace(0, 1, CUTS + 1)[1:-1], method="lower"))
    cuts = cuts[cuts < values[-1]]
    place = np.searchsorted(cuts, x[known], side="left")
    s = np.concatenate([[0.0], np.cumsum(np.bincount(place, residual[known], len(cuts) + 1))])
    w = np.concatenate([[0.0], np.cumsum(np.bincount(place, weight[known], len(cuts) + 1))])
    first, last = np.triu_indices(len(s), 1)
    keep = ~((first == 0) & (last == len(s) - 1))
    first, last = first[keep], last[keep]
    inside = w[last] - w[first]
    z = (s[last] - s[first] - inside * s[-1] / w[-1]) / np.sqrt(np.maximum(inside * (1 - inside / w[-1]), 1e-9))
    k = int(np.argmax(z))
    low, high = int(first[k]), int(last[k])
    return (None if low == 0 else float(cuts[low - 1])), (None if high == len(s) - 1 else float(cuts[high - 1]))
