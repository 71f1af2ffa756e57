"""A hypothesis as a prior worth a stated number of customers: one weight for the data's tables, one for its own.

The weights are those of a logistic regression on two columns, the data's held-out log-odds and the hypothesis's,
fitted to the customers' outcomes and to pseudo-customers: the same accounts, together worth the stated number, whose
outcomes are as the hypothesis expects (a catalytic prior, Huang, Stein, Rubin & Kou 2020). With few customers the
pseudo-customers lead and the hypothesis keeps its weight; with many they are outvoted. Both weights are at least 0, so
a hypothesis is never turned round. Sums of tables stay sums of tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from icp_ml.estimator.encoding import MISSING, Codes, Encoding, FloatArray
from icp_ml.estimator.rows import IntArray, TrainingRows, fold_count, fold_numbers
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.evaluation.metrics import Interval, Judged, Predictions, interval, resampled_metrics
from icp_ml.strategy.hypothesis_tables import Believed, belief_tables

FOLDS = 5
RESAMPLES = 500
MOST_WEIGHT = 5.0
METRICS = ("auc", "auc_all", "log_loss_all", "rank_agreement")


@dataclass(frozen=True)
class PriorWeights:
    """`log_odds = intercept + data * (the data's) + hypothesis * (the hypothesis's)`."""

    intercept: float
    data: float
    hypothesis: float

    def mixed(self, data: FloatArray, hypothesis: FloatArray) -> FloatArray:
        """Return the mixed log-odds."""
        return self.intercept + self.data * data + self.hypothesis * hypothesis


def fit_prior(data: FloatArray, hypothesis: FloatArray, best: npt.NDArray[np.bool_], worth: float) -> PriorWeights:
    """Weigh held-out log-odds and a hypothesis.

    Parameters
    ----------
    data : ndarray of shape (n,)
        Log-odds by fits that did not see the customer.
    hypothesis : ndarray of shape (n,)
        Log-odds that the hypothesis adds, without an intercept.
    best : ndarray of shape (n,)
    worth : float
        Customers the hypothesis is worth.
    """
    from scipy.optimize import minimize

    order = np.lexsort([best, hypothesis, data])  # the same sums whatever the order of the file
    data, hypothesis, y = data[order], hypothesis[order], best[order].astype(np.float64)
    n = len(y)
    believed = expit(hypothesis + _level(hypothesis, float(np.clip(y.mean(), 1e-3, 1 - 1e-3))))
    X = np.column_stack([np.ones(n), data, hypothesis])
    share = worth / n
    target = (y + share * believed) / (1 + share)

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        z = X @ theta
        error = expit(z) - target
        return float(np.mean(np.logaddexp(0.0, z) - target * z)), X.T @ error / n

    start = np.array([0.0, 0.5, 0.5])
    bounds = [(-20.0, 20.0), (0.0, MOST_WEIGHT), (0.0, MOST_WEIGHT)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-13, "gtol": 1e-9})
    return PriorWeights(*(round(float(v), 4) for v in found.x))


def _level(hypothesis: FloatArray, rate: float) -> float:
    """Return the intercept at which the hypothesis expects as many best customers as there are."""
    from scipy.optimize import brentq

    reach = float(np.abs(hypothesis).max(initial=0.0)) + 20.0
    return float(brentq(lambda a: float(expit(hypothesis + a).mean()) - rate, -reach, reach, xtol=1e-10))


def centred_beliefs(
    encoding: Encoding, believed: Sequence[Believed], customers: Sequence[FloatArray]
) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
    """Return the hypothesis's values and variances per term and code; what is known averages to 0 over customers."""
    values, variances = belief_tables(encoding, believed)
    out = []
    for value, count in zip(values, customers, strict=True):
        known = count.copy()
        known[MISSING] = 0.0
        shift = float(value @ known / known.sum()) if known.sum() else 0.0
        moved = value - shift if value.any() else value
        moved[MISSING] = 0.0
        out.append(moved)
    return tuple(out), variances


def mix_tables(
    tables: ScoringTables, values: Sequence[FloatArray], variances: Sequence[FloatArray], weights: PriorWeights
) -> ScoringTables:
    """Return the data's tables and the hypothesis's, weighed and summed."""
    scaled = tables.scaled(weights.data, weights.intercept)
    c = weights.hypothesis
    return replace(
        scaled,
        values=tuple(a + c * b for a, b in zip(scaled.values, values, strict=True)),
        variances=tuple(a + c**2 * b for a, b in zip(scaled.variances, variances, strict=True)),
    )


def hypothesis_log_odds(values: Sequence[FloatArray], codes: Codes) -> FloatArray:
    """Return what the hypothesis adds to each row's log-odds."""
    total = np.zeros(len(codes))
    for j, value in enumerate(values):
        total += value.take(codes[:, j], mode="clip")
    return total


@dataclass(frozen=True)
class PriorEvidence:
    """What mixing does on customers held out.

    Attributes
    ----------
    weights : PriorWeights
        Fitted on all customers.
    worth : float
    metrics : dict of learner to dict of metric to Interval
        Of data, hypothesis and both; the weights fitted anew without the fold that is judged.
    gain : dict of metric to Interval
        Both minus data alone, on the same resamples.
    held_out : ndarray of shape (n,)
        Mixed log-odds of each customer, by weights that did not see it.
    """

    weights: PriorWeights
    worth: float
    metrics: dict[str, dict[str, Interval]]
    gain: dict[str, Interval]
    held_out: FloatArray

    @property
    def sentence(self) -> str:
        """The evidence in words."""
        data, alone, both = (self.metrics[k]["auc_all"] for k in ("data", "hypothesis", "both"))
        change = self.gain["auc_all"]
        return (
            f"The hypothesis counts as {self.worth:g} customers: its statements keep {self.weights.hypothesis:.2f} of "
            f"their points, the data's tables {self.weights.data:.2f}. Best against all others, held out: "
            f"AUC {both.text(2)} "
            f"with both, {data.text(2)} by the data alone, {alone.text(2)} by the hypothesis alone; "
            f"it adds {change.value:+.3f} ({change.low:+.3f} to {change.high:+.3f})."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "worth": self.worth,
            "weights": vars(self.weights),
            "metrics": {k: {m: v.to_list() for m, v in by.items()} for k, by in self.metrics.items()},
            "gain": {m: v.to_list() for m, v in self.gain.items()},
            "sentence": self.sentence,
        }


def judge_prior(
    weights: PriorWeights, data: FloatArray, hypothesis: FloatArray, judged: Judged, worth: float, seed: int
) -> PriorEvidence:
    """Judge the mix by weights fitted without the customers they are applied to.

    Parameters
    ----------
    weights : PriorWeights
    data, hypothesis : ndarray of shape (n,)
        As for `fit_prior`; `data` from the folds of the evaluation.
    judged : Judged
    worth, seed
    """
    order = np.lexsort([judged.best, hypothesis, data])
    fold = np.empty(len(data), dtype=np.int64)
    fold[order] = _folds(judged.best[order], judged.worst[order], judged.group[order], seed)
    held_out = np.empty(len(data))
    for k in np.unique(fold):
        part = fit_prior(data[fold != k], hypothesis[fold != k], judged.best[fold != k], worth)
        held_out[fold == k] = part.mixed(data, hypothesis)[fold == k]
    level = _level(hypothesis, float(np.clip(judged.best.mean(), 1e-3, 1 - 1e-3)))
    said = {"data": data, "hypothesis": hypothesis + level, "both": held_out}
    drawn = resampled_metrics({k: Predictions(v[None], v[None]) for k, v in said.items()}, judged, RESAMPLES, seed)
    metrics = {k: {m: interval(by[m]) for m in METRICS if m in by} for k, by in drawn.items()}
    gain = {m: interval(drawn["both"][m] - drawn["data"][m]) for m in METRICS if m in drawn["both"]}
    return PriorEvidence(weights, worth, metrics, gain, held_out)


def _folds(best: npt.NDArray[np.bool_], worst: npt.NDArray[np.bool_], group: IntArray, seed: int) -> IntArray:
    empty = np.zeros((len(best), 0), dtype=np.uint16)
    rows = TrainingRows(empty, best.astype(np.float64), np.ones(len(best)), group, best | worst)
    return fold_numbers(rows, fold_count(rows, FOLDS), seed + 31)
