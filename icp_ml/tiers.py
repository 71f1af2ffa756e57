"""Tiers: frozen cut-offs on the fit score, and what each tier was worth out of fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.sigmoid import sigmoid
from icp_ml.exceptions import ModelFormatError

if TYPE_CHECKING:
    import pandas as pd

LETTERS = ("A", "B", "C", "D")
WORKED = ("A", "B")  # where no capacity is given
ODDS_RATIOS = (2.5, 1.0, 0.6)  # A, B, C against the odds of the average customer; D below
NO_TIER = "none"
EVERY = "all"
CARRIED = {"business_value": "a year", "lifetime_value": "in a lifetime"}  # the first that the customers carry counts
# By the best and the worst tier of an interval: "A", "A or B", "A to C"; those where worst is better do not occur.
TIER_RANGES = tuple(
    best if worst <= best else f"{best} {'or' if ord(worst) - ord(best) == 1 else 'to'} {worst}"
    for best in LETTERS
    for worst in LETTERS
)


@dataclass(frozen=True)
class TierCutoffs:
    """Least fit score (0 to 100) of tiers A, B and C; lower is D."""

    a: float
    b: float
    c: float

    def __post_init__(self) -> None:
        if not 100 >= self.a >= self.b >= self.c >= 0:
            msg = f"tiers.json: cut-offs must fall from A to C within 0 to 100, found {self.a}, {self.b}, {self.c}"
            raise ModelFormatError(msg)

    @classmethod
    def from_base_rate(cls, base_rate: float) -> TierCutoffs:
        """Return cut-offs at 2.5, 1 and 0.6 times the average customer's odds of being best."""
        odds = np.log(base_rate / (1 - base_rate))
        return cls(*(float(np.round(100 * sigmoid(odds + np.log(ratio)), 1)) for ratio in ODDS_RATIOS))

    def assign(self, fit_score: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Return 0 for A to 3 for D."""
        a, b, c = (~(fit_score >= least) for least in (self.a, self.b, self.c))
        return np.add(a.view(np.uint8) + b.view(np.uint8), c.view(np.uint8), dtype=np.int64)

    def ranges(
        self, low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], at_best: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Return which of `TIER_RANGES` the interval of each fit score reaches over.

        Parameters
        ----------
        low, high : ndarray of shape (n,)
            Ends of the interval, 0 to 100.
        at_best : ndarray of int, shape (n,)
            The best tier that is given, 0 for A.
        """
        best, worst = (np.maximum(self.assign(end), at_best) for end in (high, low))
        return best * len(LETTERS) + worst

    def to_dict(self) -> dict[str, float]:
        """Return plain numbers."""
        return {"A": self.a, "B": self.b, "C": self.c}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TierCutoffs:
        """Read what `to_dict` wrote."""
        return cls(float(data["A"]), float(data["B"]), float(data["C"]))


def per_100_won(row: Mapping[str, Any]) -> float | None:
    """Return how many best customers 100 won accounts of a tier would be, from its out-of-fold row."""
    rate = row.get("rate")
    return None if rate is None else round(100.0 * float(rate), 1)


def worth_per_100(counts: Mapping[str, int], rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """Return what 100 won accounts of a list would hold, by the tiers they are in.

    Parameters
    ----------
    counts : mapping of tier to accounts
    rows : sequence of mapping
        Per tier, out of fold.
    name : str
        "rate" for best customers, "value" for US dollars; None where a tier's is not known.
    """
    by_tier = {str(row["tier"]): row.get(name) for row in rows}
    told = [(n, by_tier.get(letter)) for letter, n in counts.items() if letter in LETTERS and n]
    total = sum(n for n, _ in told)
    if not total or any(value is None for _, value in told):
        return None
    return 100.0 * sum(n * float(value or 0.0) for n, value in told) / total


def best_first(counts: Mapping[str, int], most: int) -> dict[str, int]:
    """Return how many of the first accounts are in each tier, tier by tier.

    Examples
    --------
    >>> best_first({"A": 5, "B": 10, "C": 20}, 8)
    {'A': 5, 'B': 3}
    """
    out: dict[str, int] = {}
    for letter in LETTERS:
        taken = min(counts.get(letter, 0), most - sum(out.values()))
        if taken > 0:
            out[letter] = taken
    return out


@dataclass(frozen=True)
class TierTable:
    """Customers, best customers, rate, its 95 % interval and lift per tier, from out-of-fold scores."""

    rows: tuple[dict[str, Any], ...]

    def frame(self) -> pd.DataFrame:
        """Return one row per tier."""
        import pandas as pd

        return pd.DataFrame(list(self.rows))


def tier_table(fit_score: npt.NDArray[np.float64], is_best: npt.NDArray[np.bool_], cutoffs: TierCutoffs) -> TierTable:
    """Return what each tier was worth among mature customers.

    Parameters
    ----------
    fit_score : ndarray of shape (n,)
        Out-of-fold, 0 to 100.
    is_best : ndarray of shape (n,)
    """
    tier = cutoffs.assign(fit_score)
    base = float(is_best.mean())
    rows = []
    for k, letter in enumerate(LETTERS):
        inside = tier == k
        n, best = int(inside.sum()), int(is_best[inside].sum())
        low, high = wilson(best, n)
        rows.append({"tier": letter, "customers": n, "best": best, "rate": best / n if n else None,
                     "rate_low": low if n else None, "rate_high": high if n else None,
                     "lift": best / n / base if n and base else None})  # fmt: skip
    return TierTable(tuple(rows))


def wilson(hits: float, n: float, z: float = 1.959963984540054) -> tuple[float, float]:
    """Return the 95 % interval of a rate (Wilson 1927); customers that count for less than one need not be whole."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = hits / n, z * z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return float(max(centre - half, 0.0)), float(min(centre + half, 1.0))


@dataclass(frozen=True)
class ValueEvidence:
    """Value per customer by segment and tier, customers in the tier they were put in while held out.

    Attributes
    ----------
    outcome : str
        business_value (revenue a year) or lifetime_value.
    rows : tuple of dict
        segment and tier ("all" for all of them), customers with a known value, `value` in US dollars per customer with
        `value_low` and `value_high` (95 %), and `share` of all value; None where fewer than five are known. Values
        are cut at the 95th percentile, as for the labels.
    """

    outcome: str
    rows: tuple[Mapping[str, Any], ...]

    @property
    def unit(self) -> str:
        """What the dollars are per: "a year" or "in a lifetime"."""
        return CARRIED.get(self.outcome, "")

    def by_tier(self, segment: str = EVERY) -> dict[str, Mapping[str, Any]]:
        """Return the row of each tier of a segment."""
        return {str(row["tier"]): row for row in self.rows if row["segment"] == segment}

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments there are, all customers first."""
        return tuple(dict.fromkeys(str(row["segment"]) for row in self.rows))

    def frame(self) -> pd.DataFrame:
        """Return one row per segment and tier."""
        import pandas as pd

        return pd.DataFrame(list(self.rows))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"outcome": self.outcome, "rows": [dict(row) for row in self.rows]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ValueEvidence:
        """Read what `to_dict` wrote."""
        return cls(str(data["outcome"]), tuple(dict(row) for row in data["rows"]))
