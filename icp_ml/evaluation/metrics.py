"""Metrics of many resamples of customers at once; the first "resample" is the customers as they are.

Ranks are compared within a fold only: scores of two folds come from two models, and pooling them makes
even a base rate look worse than chance (Airola et al. 2011). Probabilities are judged over all folds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from icp_ml.estimator.encoding import FloatArray
from icp_ml.estimator.rows import IntArray
from icp_ml.evaluation.agreement import FoldOrders, fold_orders, rank_agreement

BoolArray = npt.NDArray[np.bool_]

RANK_METRICS = ("auc", "average_precision", "auc_all", "lift_5", "lift_10", "lift_25", "rank_agreement")
PROBABILITY_METRICS = ("log_loss", "log_loss_all", "brier_all", "calibration_slope", "excess_error")
METRICS = (*RANK_METRICS, *PROBABILITY_METRICS)
LIFT_SHARES = (0.05, 0.10, 0.25)
BINS = 10
SIMULATIONS = 200
BLOCK_CELLS = 2_000_000  # resamples x customers held in memory at once


class Interval(NamedTuple):
    """A value and its 95 % interval; NaN where it cannot be told."""

    value: float
    low: float
    high: float

    def text(self, digits: int = 3) -> str:
        """Return "0.712 (0.680 to 0.744)"."""
        return f"{self.value:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"

    def negative(self) -> Interval:
        """Return it with the sign turned round."""
        return Interval(-self.value, -self.high, -self.low)

    def to_list(self) -> list[float | None]:
        """Return plain JSON types; None where it is not known."""
        return [v if math.isfinite(v) else None for v in self]

    @classmethod
    def read(cls, value: Any) -> Interval:
        """Read what `to_list` wrote; a ValueError for anything else."""
        found = [float("nan") if v is None else float(v) for v in value]
        if len(found) != 3:
            msg = f"an interval has three numbers, found {len(found)}"
            raise ValueError(msg)
        return cls(*found)


UNKNOWN = Interval(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Predictions:
    """What one learner said of held-out customers, repeat by repeat.

    Attributes
    ----------
    score : ndarray of shape (repeats, n)
        For ranking; higher is better.
    log_odds : ndarray of shape (repeats, n) or None
        Calibrated, best against all other customers; None for a score that is no probability.
    log_odds_worst : ndarray of shape (repeats, n) or None
        Calibrated, best against worst.
    """

    score: FloatArray
    log_odds: FloatArray | None = None
    log_odds_worst: FloatArray | None = None


@dataclass(frozen=True)
class Judged:
    """Who was judged: best or not, worst or not, fold of each repeat (repeats, n), group, and grade if known."""

    best: BoolArray
    worst: BoolArray
    fold: IntArray
    group: IntArray
    grade: FloatArray | None = None


def resampled_metrics(
    predictions: Mapping[str, Predictions], judged: Judged, resamples: int, seed: int
) -> dict[str, dict[str, FloatArray]]:
    """Return, per learner and metric, the value on the customers as they are and on each resample.

    Parameters
    ----------
    predictions : mapping of learner to Predictions
    judged : Judged
    resamples : int
        Bootstrap resamples of customers (of groups, where customers share one).
    seed : int

    Returns
    -------
    dict of dict of ndarray of shape (resamples + 1,)
        All learners see the same resamples, so differences are paired.
    """
    parts: dict[str, dict[str, list[FloatArray]]] = {name: {} for name in predictions}
    repeats = len(judged.fold)
    prepared = {name: _prepare(p, judged, seed) for name, p in predictions.items()}
    for weights in resample_weights(judged.group, resamples, seed):
        for name in predictions:
            values: dict[str, FloatArray] = {}
            for repeat in range(repeats):
                for metric, value in prepared[name][repeat].measure(weights).items():
                    values[metric] = values.get(metric, 0.0) + value / repeats
            for metric, value in values.items():
                parts[name].setdefault(metric, []).append(value)
    return {name: {m: np.concatenate(v) for m, v in by.items()} for name, by in parts.items()}


def interval(values: FloatArray) -> Interval:
    """Return the value on the customers as they are, and the percentile interval of the resamples."""
    drawn = values[1:][np.isfinite(values[1:])]
    if not math.isfinite(values[0]) or len(drawn) < len(values) / 2:
        return Interval(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(values[0]), float(low), float(high))


def resample_weights(group: IntArray, resamples: int, seed: int) -> Iterator[FloatArray]:
    """Yield blocks of how often each customer was drawn, shape (block, n), groups whole; the first row is all ones."""
    rng = np.random.default_rng([seed, 77])
    groups, index = np.unique(group, return_inverse=True)
    block = max(1, min(resamples, BLOCK_CELLS // max(len(group), 1)))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = rng.integers(0, len(groups), (size, len(groups)))
        counts = np.stack([np.bincount(row, minlength=len(groups)) for row in drawn]).astype(np.float64)
        if start == 0:
            counts = np.vstack([np.ones((1, len(groups))), counts])
        yield counts[:, index]


@dataclass(frozen=True)
class _Ranking:
    """Customers of one fold from the highest score down; equal scores share a step."""

    rows: IntArray
    steps: IntArray
    good: FloatArray

    @classmethod
    def of(cls, score: FloatArray, rows: IntArray, best: BoolArray) -> _Ranking:
        order = rows[np.argsort(-score[rows], kind="stable")]
        ranked = score[order]
        steps = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
        return cls(order, steps, best[order].astype(np.float64))

    def counts(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return best customers and all customers at each step, shape (resamples, steps)."""
        drawn = weights[:, self.rows]
        good = drawn * self.good
        if len(self.steps) < len(self.rows):
            return np.add.reduceat(good, self.steps, axis=1), np.add.reduceat(drawn, self.steps, axis=1)
        return good, drawn


@dataclass(frozen=True)
class _Prepared:
    """Everything about one learner and repeat that does not depend on the resample."""

    against_worst: tuple[_Ranking, ...]
    against_all: tuple[_Ranking, ...]
    losses: Mapping[str, tuple[FloatArray, BoolArray]]
    log_odds: FloatArray | None
    best: FloatArray
    bins: tuple[IntArray, ...]
    floor: float
    agreement: tuple[FoldOrders, ...] = ()

    def measure(self, weights: FloatArray) -> dict[str, FloatArray]:
        out = _ranks(self.against_worst, self.against_all, weights)
        if self.agreement:
            out["rank_agreement"] = rank_agreement(self.agreement, weights)
        for name, (loss, counted) in self.losses.items():
            drawn = weights[:, counted]
            out[name] = _ratio(np.einsum("bn,n->b", drawn, loss[counted]), drawn.sum(axis=1))
        if self.log_odds is not None:
            out["calibration_slope"] = _slopes(self.log_odds, self.best, weights)
            out["excess_error"] = _excess(expit(self.log_odds), self.best, self.bins, self.floor, weights)
        return out


def _prepare(predictions: Predictions, judged: Judged, seed: int) -> list[_Prepared]:
    out = []
    everyone = np.ones(len(judged.best), dtype=bool)
    extremes = judged.best | judged.worst
    best = judged.best.astype(np.float64)
    for repeat, fold in enumerate(judged.fold):
        score = predictions.score[repeat]
        rankings = [
            tuple(_Ranking.of(score, np.flatnonzero((fold == k) & of), judged.best) for k in np.unique(fold[of]))
            for of in (extremes, everyone)
        ]
        losses: dict[str, tuple[FloatArray, BoolArray]] = {}
        log_odds, floor = None, 0.0
        bins: tuple[IntArray, ...] = ()
        if predictions.log_odds is not None and predictions.log_odds_worst is not None:
            log_odds = predictions.log_odds[repeat]
            p = expit(log_odds)
            losses["log_loss"] = (log_losses(predictions.log_odds_worst[repeat], best), extremes)
            losses["log_loss_all"] = (log_losses(log_odds, best), everyone)
            losses["brier_all"] = ((p - best) ** 2, everyone)
            bins = tuple(b for b in np.array_split(np.argsort(p, kind="stable"), BINS) if len(b))
            floor = _simulated_error(p, bins, seed)
        agreement = () if judged.grade is None else fold_orders(score, judged.grade, fold)
        out.append(_Prepared(rankings[0], rankings[1], losses, log_odds, best, bins, floor, agreement))
    return out


def log_losses(log_odds: FloatArray, best: FloatArray) -> FloatArray:
    """Return each customer's log-loss."""
    loss: FloatArray = np.logaddexp(0.0, np.where(best > 0, -log_odds, log_odds))
    return loss


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    """Divide; NaN where a resample drew nobody to judge."""
    out: FloatArray = np.full(above.shape, np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out


def _ranks(worst: tuple[_Ranking, ...], everyone: tuple[_Ranking, ...], weights: FloatArray) -> dict[str, FloatArray]:
    zero = np.zeros(len(weights))
    pairs, won, good_worst, precision = zero.copy(), zero.copy(), zero.copy(), zero.copy()
    for ranking in worst:
        good, total = ranking.counts(weights)
        a, b = _pairs(good, total)
        won, pairs = won + a, pairs + b
        found, seen = good.cumsum(axis=1), total.cumsum(axis=1)
        precision += np.einsum("bs,bs->b", good, found / np.maximum(seen, 1e-300))
        good_worst += found[:, -1]
    out = {"auc": _ratio(won, pairs), "average_precision": _ratio(precision, good_worst)}
    pairs, won, all_good = zero.copy(), zero.copy(), zero.copy()
    caught = {share: zero.copy() for share in LIFT_SHARES}
    for ranking in everyone:
        good, total = ranking.counts(weights)
        a, b = _pairs(good, total)
        won, pairs = won + a, pairs + b
        all_good += good.sum(axis=1)
        for share in LIFT_SHARES:
            caught[share] += _caught(good, total, share)
    out["auc_all"] = _ratio(won, pairs)
    for share in LIFT_SHARES:
        out[f"lift_{100 * share:.0f}"] = _ratio(caught[share], all_good) / share
    return out


def _pairs(good: FloatArray, total: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the pairs (best, other) that the score orders rightly, ties half, and all such pairs."""
    other = total - good
    above = good.cumsum(axis=1) - 0.5 * good
    return np.einsum("bs,bs->b", other, above), good.sum(axis=1) * other.sum(axis=1)


def _caught(good: FloatArray, total: FloatArray, share: float) -> FloatArray:
    """Return the best customers in the top share; a step that straddles the line counts in part."""
    seen = total.cumsum(axis=1)
    wanted = share * seen[:, -1]
    step = np.minimum((seen < wanted[:, None] - 1e-9).sum(axis=1), seen.shape[1] - 1)
    row = np.arange(len(good))
    before = seen[row, step] - total[row, step]
    found = good.cumsum(axis=1)[row, step] - good[row, step]
    part = np.clip(wanted - before, 0.0, None) / np.maximum(total[row, step], 1e-300)
    caught: FloatArray = found + good[row, step] * np.minimum(part, 1.0)
    return caught


def _slopes(log_odds: FloatArray, best: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the slope of best on log-odds: solved on all customers, one Newton step from there per resample."""
    if float(np.std(log_odds)) < 0.01 or len(np.unique(best)) < 2:
        return np.full(len(weights), np.nan)
    spread = float(log_odds.std())
    x = (log_odds - log_odds.mean()) / spread
    theta = np.array([0.0, float(np.log(best.mean() / (1 - best.mean())))])
    one, loss = np.ones((1, len(best))), np.inf
    for _ in range(100):
        step = _newton_step(x, best, theta, one)[0]
        for halving in range(20):  # far-off log-odds make a full step overshoot
            tried = theta + step / 2**halving
            now = float(log_losses(tried[0] * x + tried[1], best).mean())
            if now < loss or halving == 19:
                break
        theta, before, loss = tried, loss, now
        if before - loss < 1e-12:
            break
    slopes: FloatArray = (theta[0] + _newton_step(x, best, theta, weights)[:, 0]) / spread
    return slopes


def _newton_step(x: FloatArray, best: FloatArray, theta: FloatArray, weights: FloatArray) -> FloatArray:
    p = expit(theta[0] * x + theta[1])
    q = p * (1 - p)
    parts = np.column_stack([x * (best - p), best - p, x * x * q, x * q, q])
    gx, g1, hxx, hx1, h11 = np.einsum("bn,nk->kb", weights, parts)
    determinant = np.maximum(hxx * h11 - hx1 * hx1, 1e-12)
    return np.column_stack([(h11 * gx - hx1 * g1) / determinant, (hxx * g1 - hx1 * gx) / determinant])


def _simulated_error(p: FloatArray, bins: tuple[IntArray, ...], seed: int) -> float:
    """Return the mean calibration error of outcomes drawn from the probabilities themselves."""
    rng = np.random.default_rng([seed, 78])
    total = np.zeros(SIMULATIONS)
    for rows in bins:
        outcome = rng.random((SIMULATIONS, len(rows))) < p[rows]
        total += np.abs((outcome - p[rows]).mean(axis=1)) * len(rows) / len(p)
    return float(total.mean())


def _excess(
    p: FloatArray, best: FloatArray, bins: tuple[IntArray, ...], floor: float, weights: FloatArray
) -> FloatArray:
    """Return the calibration error beyond what a perfect model would show on as few customers.

    A resample is noisier than the customers it is drawn from; its floor grows by as much, by the normal
    approximation of each bin's mean.
    """
    error, noise, plain = np.zeros(len(weights)), np.zeros(len(weights)), 0.0
    everyone = np.maximum(weights.sum(axis=1), 1e-300)
    for rows in bins:
        drawn, spread = weights[:, rows], p[rows] * (1 - p[rows])
        error += np.abs(np.einsum("bn,n->b", drawn, best[rows] - p[rows])) / everyone
        noise += np.sqrt(np.einsum("bn,n->b", drawn**2, spread)) / everyone
        plain += float(np.sqrt(spread.sum())) / len(p)
    excess: FloatArray = error - floor * noise / max(plain, 1e-300)
    return excess
