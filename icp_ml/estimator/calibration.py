"""Slope-and-intercept calibration of held-out log-odds (Cox 1958; Platt scaling without the squeeze)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from icp_ml.estimator.encoding import FloatArray

MIN_SLOPE = 0.02  # a model without signal keeps its order but says almost the same of everybody
MIN_ROWS = 40
PRIOR_PRECISION = 4.0  # of the slope about 1: decides only where scores hardly differ


@dataclass(frozen=True)
class Calibration:
    """`log_odds = slope * raw + intercept`."""

    slope: float = 1.0
    intercept: float = 0.0


def fit_calibration(raw: FloatArray, y: FloatArray, weight: FloatArray | None = None) -> Calibration:
    """Fit slope and intercept by maximum likelihood.

    Parameters
    ----------
    raw : ndarray of shape (n,)
        Log-odds by fits that did not see the row.
    y : ndarray of shape (n,)
        1 for best customers, 0 for all others.
    weight : ndarray of shape (n,), optional

    Returns
    -------
    Calibration
        Identity for fewer than 40 rows; the slope never falls below 0.02.
    """
    weight = np.ones(len(y)) if weight is None else weight
    used = weight > 0
    raw, y, weight = raw[used], y[used], weight[used]
    if len(y) < MIN_ROWS or len(np.unique(y)) < 2 or float(np.std(raw)) < 1e-9:
        prior = float(np.average(y, weights=weight)) if len(y) else 0.5
        shift = (
            np.log(max(prior, 1e-6) / max(1 - prior, 1e-6)) - float(np.average(raw, weights=weight))
            if len(y) >= MIN_ROWS
            else 0.0
        )
        return Calibration(1.0, float(shift))
    slope, intercept = _newton(raw, y, weight)
    if not slope >= MIN_SLOPE:
        slope = MIN_SLOPE
        _, intercept = _newton(raw, y, weight, fixed_slope=slope)
    return Calibration(slope, intercept)


def _newton(
    raw: FloatArray, y: FloatArray, weight: FloatArray, fixed_slope: float | None = None
) -> tuple[float, float]:
    """Solve the two-parameter logistic likelihood, with a prior of slope 1 (sd 0.5)."""
    X = np.column_stack([raw, np.ones_like(raw)])
    prior = float(np.clip(np.average(y, weights=weight), 1e-6, 1 - 1e-6))
    start = 0.0 if fixed_slope is None else fixed_slope
    theta = np.array(
        [
            start,
            np.log(prior / (1 - prior)) - start * float(np.average(raw, weights=weight)),
        ]
    )
    ridge = np.array([PRIOR_PRECISION, 1e-9]) * weight.mean()
    wanted = np.array([1.0, 0.0])
    free = np.array([fixed_slope is None, True])

    def loss(at: FloatArray) -> float:
        z = X @ at
        return float(weight @ (np.logaddexp(0.0, z) - y * z) + 0.5 * ridge @ (at - wanted) ** 2)

    now = loss(theta)
    for _ in range(200):
        p = expit(X @ theta)
        gradient = (X.T @ (weight * (p - y)) + ridge * (theta - wanted))[free]
        hessian = ((X * (weight * p * (1 - p))[:, None]).T @ X + np.diag(ridge + 1e-12))[np.ix_(free, free)]
        step = np.zeros(2)
        step[free] = np.linalg.solve(hessian, gradient)
        before, size = now, 1.0
        while (now := loss(theta - size * step)) > before and size > 1e-9:
            size /= 2  # far-off log-odds make a full Newton step overshoot, and then swing for ever
        if now > before:
            break
        theta = theta - size * step
        if float(np.abs(size * step).max()) < 1e-10:
            break
    return float(theta[0]), float(theta[1])
