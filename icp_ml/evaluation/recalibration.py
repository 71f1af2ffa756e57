"""Whether slope and intercept suffice: what other calibrations would make of the same held-out scores.

Beta calibration (Kull, Silva Filho & Flach 2017) bends the scale, Venn-Abers (Vovk & Petej 2014) takes any rising
shape and tells by the width between its two probabilities how much it knows. Both are fitted, as slope and intercept
are, to the training part's out-of-bag log-odds and judged on the part held out; none of them is used for scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from icp_ml.estimator.encoding import FloatArray
from icp_ml.estimator.rows import IntArray
from icp_ml.evaluation.metrics import Interval, interval, log_losses, resample_weights

PLAIN, BETA, VENN_ABERS = "slope_and_intercept", "beta", "venn_abers"
STEP = 0.05  # log-odds are rounded to it for Venn-Abers: as valid, and few enough values to try all
WORTH = 0.005  # log-loss below which a difference is no reason to change


@dataclass(frozen=True)
class Recalibration:
    """Held-out log-loss, best against all others, by calibration.

    Attributes
    ----------
    log_loss : mapping of calibration to Interval
        slope_and_intercept (the model's own), beta, venn_abers.
    gain : mapping of calibration to Interval
        Log-loss of slope and intercept minus its own, paired: above 0, the other is better.
    width : float
        Mean width between the two probabilities of Venn-Abers.
    """

    log_loss: Mapping[str, Interval]
    gain: Mapping[str, Interval]
    width: float

    @property
    def suffices(self) -> bool:
        """Whether no other calibration is better by what matters and chance would not show."""
        return not any(g.low > 0 and g.value > WORTH for g in self.gain.values())

    @property
    def sentence(self) -> str:
        """What was found, for a reader."""
        plain, beta, venn = (f"{self.log_loss[name].value:.3f}" for name in (PLAIN, BETA, VENN_ABERS))
        figures = (
            f"held-out log-loss {plain}, with beta calibration {beta}, with Venn-Abers {venn} (whose two probabilities "
            f"are {100 * self.width:.1f} points apart on average)"
        )
        if self.suffices:
            return f"Slope and intercept suffice: {figures}."
        return f"Slope and intercept leave something: {figures}."

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "log_loss": {k: v.to_list() for k, v in self.log_loss.items()},
            "gain": {k: v.to_list() for k, v in self.gain.items()},
            "width": self.width,
            "sentence": self.sentence,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recalibration:
        """Read what `to_dict` wrote."""
        loss, gain = ({str(k): Interval.read(v) for k, v in data[name].items()} for name in ("log_loss", "gain"))
        missing = {PLAIN, BETA, VENN_ABERS} - set(loss)
        if missing:
            msg = f"log_loss lacks {', '.join(sorted(missing))}"
            raise ValueError(msg)
        return cls(loss, gain, float(data["width"]))


@dataclass(frozen=True)
class Recalibrated:
    """Held-out log-odds by calibration, and the width of Venn-Abers, shape (m,)."""

    log_odds: Mapping[str, FloatArray]
    width: FloatArray


def recalibrate(train: FloatArray, best: FloatArray, held: FloatArray) -> Recalibrated:
    """Fit each calibration to the training part and apply it to the part held out.

    Parameters
    ----------
    train : ndarray of shape (n,)
        Log-odds by fits that did not see the row, with slope and intercept.
    best : ndarray of shape (n,)
        1 best, 0 otherwise.
    held : ndarray of shape (m,)
    """
    low, high = venn_abers(train, best, held)
    merged = np.clip(high / (1 - low + high), 1e-6, 1 - 1e-6)  # the minimax probability of the two
    return Recalibrated({PLAIN: held, BETA: beta_calibrated(train, best, held), VENN_ABERS: logit(merged)}, high - low)


def beta_calibrated(train: FloatArray, best: FloatArray, held: FloatArray) -> FloatArray:
    """Return log-odds `a log p - b log(1 - p) + c` with a, b >= 0 by maximum likelihood."""
    from sklearn.linear_model import LogisticRegression

    parts = [np.column_stack([np.log(expit(z)), -np.log(expit(-z))]) for z in (train, held)]
    used = [0, 1]
    while used:
        fitted = LogisticRegression(C=1e6, max_iter=1000).fit(parts[0][:, used], best)
        slopes = fitted.coef_[0]
        if (slopes >= 0).all():
            out: FloatArray = parts[1][:, used] @ slopes + fitted.intercept_[0]
            return out
        used.pop(int(np.argmin(slopes)))
    return np.full(len(held), float(logit(best.mean())))


def venn_abers(train: FloatArray, best: FloatArray, held: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the two probabilities of each held-out row: isotonic fits with the row added as 0, and as 1.

    An isotonic fit at x is the largest over starts up to x of the least over ends from x of the mean between
    them (Barlow et al. 1972); with few different values all are tried.
    """
    values, inside = np.unique(np.round(np.concatenate([train, held]) / STEP), return_inverse=True)
    count = np.bincount(inside[: len(train)], minlength=len(values)).astype(np.float64)
    good = np.bincount(inside[: len(train)], weights=best, minlength=len(values))
    counts, goods = (np.concatenate([[0.0], part.cumsum()]) for part in (count, good))
    low, high = np.zeros(len(values)), np.ones(len(values))
    for at in np.unique(inside[len(train) :]):
        n = counts[at + 1 :][None, :] - counts[: at + 1][:, None] + 1.0  # starts by ends, the row itself included
        hits = goods[at + 1 :][None, :] - goods[: at + 1][:, None]
        low[at] = (hits / n).min(axis=1).max()
        high[at] = ((hits + 1.0) / n).min(axis=1).max()
    asked = inside[len(train) :]
    return low[asked], high[asked]


def judge_recalibration(
    losses: Mapping[str, FloatArray], width: FloatArray, group: IntArray, resamples: int, seed: int
) -> Recalibration:
    """Return the calibrations' log-loss with paired intervals.

    Parameters
    ----------
    losses : mapping of calibration to ndarray of shape (n,)
        Each customer's held-out log-loss, mean over repeats.
    width : ndarray of shape (n,)
    group : ndarray of shape (n,)
        Drawn together.
    """
    blocks = list(resample_weights(group, resamples, seed))
    drawn = {
        name: np.concatenate([block @ loss / np.maximum(block.sum(axis=1), 1e-300) for block in blocks])
        for name, loss in losses.items()
    }
    return Recalibration(
        {name: interval(values) for name, values in drawn.items()},
        {name: interval(drawn[PLAIN] - values) for name, values in drawn.items() if name != PLAIN},
        float(width.mean()),
    )


def held_out_losses(part: Recalibrated, best: FloatArray) -> dict[str, FloatArray]:
    """Return the log-loss of each held-out row by calibration."""
    return {name: log_losses(log_odds, best) for name, log_odds in part.log_odds.items()}
