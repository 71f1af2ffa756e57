"""How often customers inside some values are best, against all of them, with intervals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from icp_ml.tiers import wilson
from icp_ml.traits.evidence import log_lift_error

Z95 = 1.959963984540054
BoolArray = npt.NDArray[np.bool_]


class Rate(NamedTuple):
    """Customers inside, best ones among them, their rate with its 95 % interval, and the lift over all customers."""

    customers: int
    best: int
    rate: float
    rate_low: float
    rate_high: float
    lift: float
    lift_low: float
    lift_high: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return dict(self._asdict())


def rate_inside(inside: BoolArray, best: BoolArray) -> Rate:
    """Return the rate and lift of some customers among all that are given.

    Parameters
    ----------
    inside, best : ndarray of shape (n,)
    """
    n, hits, total, all_hits = int(inside.sum()), int(best[inside].sum()), len(best), int(best.sum())
    rate, base = hits / n if n else 0.0, all_hits / total if total else 0.0
    low, high = wilson(hits, n)
    lift_low, lift_high = _lift_interval(hits, n, all_hits, total)
    lift = rate / base if base else 0.0
    return Rate(n, hits, rate, low, high, lift, min(lift_low, lift), max(lift_high, lift))


def _lift_interval(hits: int, n: int, all_hits: int, total: int) -> tuple[float, float]:
    """95 % interval of a rate over that of everyone, who include those inside."""
    lift = (hits + 0.5) / (n + 1.0) / ((all_hits + 0.5) / (total + 1.0))
    half = Z95 * log_lift_error(hits, n, all_hits, total)
    return float(lift * np.exp(-half)), float(lift * np.exp(half))
