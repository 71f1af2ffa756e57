"""Deals won and lost, beside the customers: counts, and the win rate by simple splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from icp_ml.outcomes.population import Bools, Population
from icp_ml.schema import BY_NAME

MOST_VALUES = 8
MIN_DEALS = 5
SPLITS = ("industry", "country", "company_type", "employees")
_EMPLOYEE_EDGES = (0, 10, 50, 200, 1000, np.inf)
_EMPLOYEE_BANDS = ("1-10", "11-50", "51-200", "201-1,000", "over 1,000")
WARNING = (
    "Lost deals count as worst: the model then says who buys, not who is ideal. Train without them "
    "(outcomes: {lost_deals: report}) to learn who stays and grows."
)


@dataclass(frozen=True)
class WinRate:
    """Deals won among those decided, of one value of a field, with a 95 % interval (Wilson)."""

    field: str
    value: str
    won: int
    decided: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class DealReport:
    """What became of the deals; nothing of it enters the labels unless `outcomes.lost_deals` is `worst`.

    Attributes
    ----------
    won, lost, open, unknown : int
        Rows by what their stage says.
    rate, low, high : float
        Share won of those decided, with a 95 % interval; NaN where none was decided.
    splits : tuple of WinRate
        By industry, country, type and size of the account, values with at least 5 decided deals.
    """

    won: int
    lost: int
    open: int
    unknown: int
    rate: float
    low: float
    high: float
    splits: tuple[WinRate, ...]

    def frame(self) -> pd.DataFrame:
        """Return one row per split."""
        names = ["field", "value", "won", "decided", "rate", "low", "high"]
        return pd.DataFrame([vars(row) for row in self.splits], columns=names)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        decided = self.won + self.lost
        counts = {"won": self.won, "lost": self.lost, "open": self.open, "unknown": self.unknown}
        rates = {"rate": self.rate, "low": self.low, "high": self.high}
        splits = [dict(vars(row)) for row in self.splits]
        return {**counts, **{k: v if decided else None for k, v in rates.items()}, "splits": splits}

    @property
    def sentence(self) -> str:
        """Return the counts and the win rate in one sentence."""
        decided = self.won + self.lost
        open_ = f", {self.open:,} open" if self.open else ""
        rate = (
            f"; {self.rate:.0%} of those decided were won (95 % interval {self.low:.0%} to {self.high:.0%})"
            if decided
            else ""
        )
        return f"Deals: {self.won:,} won, {self.lost:,} lost{open_}{rate}."


def report_deals(frame: pd.DataFrame, people: Population) -> DealReport | None:
    """Count deals; None where the table has none."""
    if not people.has_deals:
        return None
    won, lost = people.won, people.lost
    rate, low, high = _rate(int(won.sum()), int((won | lost).sum()))
    splits: list[WinRate] = []
    for name in SPLITS:
        if name in frame.columns:
            splits += _split(name, frame[name], won, won | lost)
    return DealReport(
        int(won.sum()),
        int(lost.sum()),
        int(people.open.sum()),
        int(people.unclear.sum()),
        rate,
        low,
        high,
        tuple(splits),
    )


def _split(name: str, column: pd.Series[Any], won: Bools, decided: Bools) -> list[WinRate]:
    if name == "employees":
        if not pd.api.types.is_numeric_dtype(column):
            return []
        values = pd.cut(column, list(_EMPLOYEE_EDGES), labels=list(_EMPLOYEE_BANDS)).astype("object")
        order = list(_EMPLOYEE_BANDS)
    else:
        values = column.astype("object")
        counts = values[decided].value_counts()
        order = sorted(counts.index, key=lambda v: (-int(counts[v]), str(v)))[:MOST_VALUES]
    rows = []
    array = values.to_numpy()
    for value in order:
        here = decided & (array == value)
        if here.sum() >= MIN_DEALS:
            wins = int((here & won).sum())
            rows.append(
                WinRate(BY_NAME[name].readable, str(value), wins, int(here.sum()), *_rate(wins, int(here.sum())))
            )
    return rows if len(rows) > 1 else []


def _rate(won: int, decided: int) -> tuple[float, float, float]:
    """Share and its Wilson interval."""
    if not decided:
        return float("nan"), float("nan"), float("nan")
    z, share = 1.959963984540054, won / decided
    centre = (share + z * z / (2 * decided)) / (1 + z * z / decided)
    half = z / (1 + z * z / decided) * float(np.sqrt(share * (1 - share) / decided + z * z / (4 * decided * decided)))
    return share, max(0.0, centre - half), min(1.0, centre + half)
