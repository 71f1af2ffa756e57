"""The learning curve: how the model does on ever more customers, and what still more of them would bring.

An inverse power law, `limit - headroom * size ** -exponent`, is held against the held-out figures at a few sizes
(Viering & Loog 2022, "The shape of learning curves"). Four noisy points leave much open, so the answer is a mean over
all laws that a prior and the points allow, with the interval they span.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from icp_ml.estimator.encoding import FloatArray
from icp_ml.evaluation.metrics import Interval

QUARTERS = (1, 2, 3, 4)  # of each fold's training part, each inside the next
LEAST_CLASS = 8  # best, and worst customers at the smallest size
LEAST_POINTS = 3
EXPONENTS = np.linspace(0.2, 2.0, 19)
USUAL_EXPONENT, EXPONENT_SPREAD = 0.7, 0.5  # median, and standard deviation of its logarithm
USUAL_HEADROOM = 0.15  # scale of what is still to be had at the size at hand, half-normal
LEAST_NOISE = 0.003  # of a point beyond the customers judged: which customers were trained on
LITTLE = 0.015


@dataclass(frozen=True)
class LearningPoint:
    """Held-out AUC and log-loss, best against worst, of the model trained on a share of the training customers.

    `customers`, `best` and `worst` are those trained on, the mean over folds.
    """

    share: float
    customers: float
    best: float
    worst: float
    auc: Interval
    log_loss: Interval


@dataclass(frozen=True)
class LearningCurve:
    """How the model does on ever more customers.

    Attributes
    ----------
    points : tuple of LearningPoint
        The smallest first.
    customers : int
        Mature customers at hand.
    auc_gain, log_loss_gain : Interval
        What as many again would change: AUC up, log-loss down.
    headroom, exponent : float
        Of the fitted law for AUC: what endless customers would bring beyond those at hand, and how fast.
    """

    points: tuple[LearningPoint, ...]
    customers: int
    auc_gain: Interval
    log_loss_gain: Interval
    headroom: float
    exponent: float

    @property
    def sentence(self) -> str:
        """What more customers would bring, for a reader."""
        gain = self.auc_gain
        rise = f"AUC would rise by about {gain.value:.2f} ({max(gain.low, 0.0):.2f} to {gain.high:.2f})"
        if gain.value < LITTLE:
            more = f"with twice as many ({self.customers:,} more)"
            return f"More customers like these would change little: {more} {rise}."
        return f"With twice the customers ({self.customers:,} more) {rise}."

    def rise(self, times: float) -> float:
        """Return by how much AUC would rise with so many times the customers."""
        return self.headroom * float(1.0 - times**-self.exponent)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        points = [
            {**vars(p), "auc": p.auc.to_list(), "log_loss": p.log_loss.to_list()} for p in self.points
        ]  # fmt: skip
        return {
            "points": points, "customers": self.customers, "auc_gain": self.auc_gain.to_list(),
            "log_loss_gain": self.log_loss_gain.to_list(), "headroom": self.headroom, "exponent": self.exponent,
            "sentence": self.sentence,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LearningCurve:
        """Read what `to_dict` wrote."""
        points = [
            LearningPoint(
                float(p["share"]), float(p["customers"]), float(p["best"]), float(p["worst"]),
                Interval.read(p["auc"]), Interval.read(p["log_loss"]),
            )
            for p in data["points"]
        ]  # fmt: skip
        return cls(tuple(points), int(data["customers"]), Interval.read(data["auc_gain"]),
                   Interval.read(data["log_loss_gain"]), float(data["headroom"]), float(data["exponent"]))  # fmt: skip


@dataclass(frozen=True)
class PowerLaw:
    """What a figure that rises with size may still gain.

    Attributes
    ----------
    gain : Interval
        From all customers at hand to twice as many: mean and 95 % interval of the laws allowed.
    headroom, exponent : float
        Means; headroom is from all customers at hand to endlessly many.
    """

    gain: Interval
    headroom: float
    exponent: float


def fit_power_law(size: FloatArray, drawn: FloatArray, by_fold: FloatArray, at: float, most: float) -> PowerLaw:
    """Weigh all inverse power laws by prior and points.

    Parameters
    ----------
    size : ndarray of shape (points,)
        Relative to the largest, which is 1.
    drawn : ndarray of shape (resamples + 1, points)
        The figure at each size; the first row is the customers as they are, the others paired resamples of those
        judged.
    by_fold : ndarray of shape (folds, points)
        The figure within each fold, for the noise of who was trained on.
    at : float
        Size of all customers at hand; folds train on fewer.
    most : float
        The figure cannot be beyond this.
    """
    points = drawn[0]
    known = drawn[1:][np.isfinite(drawn[1:]).all(axis=1)]
    covariance = np.cov(known, rowvar=False) + np.eye(len(points)) * _training_noise(known, by_fold)
    precision = np.linalg.inv(covariance)
    # The level is free: what counts are differences between sizes.
    precision -= np.outer(precision.sum(axis=1), precision.sum(axis=0)) / precision.sum()
    headrooms = np.linspace(0.0, max(most - float(points[-1]), 0.02), 81)
    shapes = 1.0 - size[None, :] ** -EXPONENTS[:, None]  # 0 at the largest size, negative below
    away = points - headrooms[:, None, None] * shapes
    fit = -0.5 * np.einsum("hep,pq,heq->he", away, precision, away)
    prior = -0.5 * (np.log(EXPONENTS / USUAL_EXPONENT) / EXPONENT_SPREAD) ** 2
    weight = fit + prior - 0.5 * (headrooms[:, None] / USUAL_HEADROOM) ** 2
    weight = np.exp(weight - weight.max())
    weight /= weight.sum()
    left = headrooms[:, None] * at**-EXPONENTS
    gains = left * (1.0 - 2.0**-EXPONENTS)
    order = np.argsort(gains, axis=None, kind="stable")
    reached = weight.ravel()[order].cumsum()
    at_most = np.minimum(np.searchsorted(reached, [0.025, 0.975]), len(order) - 1)
    low, high = (float(value) for value in gains.ravel()[order][at_most])
    mean = float((weight * gains).sum())
    return PowerLaw(Interval(mean, low, high), float((weight * left).sum()), float((weight * EXPONENTS).sum()))


def _training_noise(drawn: FloatArray, by_fold: FloatArray) -> float:
    """Return the variance of a point by who was trained on: what folds differ by beyond the customers judged."""
    folds = len(by_fold)
    differences = by_fold[:, :-1] - by_fold[:, -1:]
    among = differences.var(axis=0, ddof=1) / folds if folds > 1 else np.zeros(differences.shape[1])
    judged = (drawn[:, :-1] - drawn[:, -1:]).var(axis=0)
    return max(float(np.mean(among - judged)) / 2, LEAST_NOISE**2)
