"""What could be found at all: each planted trait's own test with its true values known.

The score test of a logistic regression of the labels on the planted indicators as seen (0 where the value is missing,
with an indicator of missingness per field): all other planted effects are fitted, the trait in question is added. A
score test needs no fit with the trait itself, so few customers or a perfect split don't break it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from icp_ml.datasets.planted import PlantedTrait

Floats = npt.NDArray[np.float64]
RIDGE = 1e-3  # keeps a covariate that all or no customers have from making the fit singular
STEPS = 50


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
    effects = np.column_stack([t.holds(seen) for t in traits]).astype(np.float64)
    fields = sorted({t.field for t in traits})
    gaps = np.column_stack([seen[f].isna().to_numpy(dtype=np.float64) for f in fields])
    X = np.column_stack([np.ones(len(y)), effects, gaps])
    out = []
    for k, trait in enumerate(traits):
        others = np.delete(X, k + 1, axis=1)
        out.append(float(np.sign(trait.effect) * score_z(others, X[:, k + 1], y)))
    return out


def score_z(others: Floats, x: Floats, y: Floats) -> float:
    """Return the score z of x in a logistic regression of y, the others (with a constant) fitted."""
    p = expit(others @ _fit(others, y))
    w = p * (1 - p)
    cross = others.T @ (w * x)
    inner = (others.T * w) @ others + RIDGE * np.eye(others.shape[1])
    information = float(x @ (w * x) - cross @ np.linalg.solve(inner, cross))
    return float(x @ (y - p) / np.sqrt(information)) if information > 1e-9 else 0.0


def _fit(X: Floats, y: Floats) -> Floats:
    beta = np.zeros(X.shape[1])
    for _ in range(STEPS):
        p = expit(X @ beta)
        step = np.linalg.solve((X.T * (p * (1 - p))) @ X + RIDGE * np.eye(len(beta)), X.T @ (y - p) - RIDGE * beta)
        beta = beta + step
        if np.abs(step).max() < 1e-8:
            break
    return beta
