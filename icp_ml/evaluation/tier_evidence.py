"""What each tier was worth out of fold, and where three lists would land: best customers, worst ones, the market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from icp_ml.estimator.encoding import FloatArray
from icp_ml.estimator.rows import IntArray
from icp_ml.evaluation.metrics import BoolArray, Interval, interval, resample_weights
from icp_ml.tiers import LETTERS, TierCutoffs, wilson

WANTED = (0.6, 0.7)  # share of best customers that tiers A and B should hold
BEST, WORST, MARKET = "best", "worst", "market"
NAMES = {BEST: "best customers", WORST: "worst customers", MARKET: "accounts on the list"}


@dataclass(frozen=True)
class ListInTiers:
    """Where one list lands.

    Attributes
    ----------
    name : str
        best, worst (both out of fold) or market (scored by the model).
    accounts : int
    shares : mapping of tier to float
    a_or_b : Interval
        Share in tier A or B.
    """

    name: str
    accounts: int
    shares: Mapping[str, float]
    a_or_b: Interval

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"name": self.name, "accounts": self.accounts, "shares": dict(self.shares),
                "a_or_b": self.a_or_b.to_list()}  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ListInTiers:
        """Read what `to_dict` wrote."""
        shares = {str(k): float(v) for k, v in data["shares"].items()}
        return cls(str(data["name"]), int(data["accounts"]), shares, Interval.read(data["a_or_b"]))


@dataclass(frozen=True)
class TierEvidence:
    """Tiers judged out of fold.

    Attributes
    ----------
    rows : tuple of dict
        Per tier: customers, best, rate, lift, share of all customers and of best ones, each with `_low` and `_high`;
        None where the tier is empty.
    lists : tuple of ListInTiers
    """

    rows: tuple[Mapping[str, Any], ...]
    lists: tuple[ListInTiers, ...] = ()

    @property
    def falling(self) -> bool:
        """Whether the rate of best customers falls from tier to tier."""
        rates = [row["rate"] for row in self.rows if row["rate"] is not None]
        return len(rates) > 1 and all(a > b for a, b in pairwise(rates))

    @property
    def sentence(self) -> str:
        """How the lists land, for a reader; empty where there are none."""
        by_name = {entry.name: entry for entry in self.lists}
        if BEST not in by_name:
            return ""
        found = by_name[BEST].a_or_b
        low, high = WANTED
        others = [f"{by_name[n].a_or_b.value:.0%} of {NAMES[n]}" for n in (WORST, MARKET) if n in by_name]
        start = (
            f"Tier A or B holds {found.value:.0%} of best customers ({found.low:.0%} to {found.high:.0%}), "
            f"{' and '.join(others)}"
        )
        if found.low > high:
            judged = f"more than the {low:.0%} to {high:.0%} of best that is usual, so the two tiers are wide"
        elif found.high < low:
            judged = f"fewer than the {low:.0%} to {high:.0%} of best that is usual, so many are below B"
        elif not low <= found.value <= high:
            judged = f"not far from the {low:.0%} to {high:.0%} of best that is usual"
        else:
            judged = f"{low:.0%} to {high:.0%} of best is usual"
        above = [NAMES[n] for n in (WORST, MARKET) if n in by_name and by_name[n].a_or_b.value >= found.value]
        ranked = f", but {' and '.join(above)} are there as often" if above else ""
        falls = "falls from tier to tier" if self.falling else "does not fall from tier to tier"
        return f"{start}: {judged}{ranked}. The share of best customers {falls}."

    def with_market(self, tier: IntArray) -> TierEvidence:
        """Return it with the list's accounts, 0 for A to 3 for D, shape (accounts,)."""
        if not len(tier):
            return self
        counts = np.bincount(tier, minlength=len(LETTERS))
        inside = int(counts[:2].sum())
        shares = {letter: float(n / len(tier)) for letter, n in zip(LETTERS, counts, strict=True)}
        found = ListInTiers(MARKET, len(tier), shares, Interval(inside / len(tier), *wilson(inside, len(tier))))
        return TierEvidence(self.rows, (*self.lists, found))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"tiers": [dict(row) for row in self.rows], "lists": [entry.to_dict() for entry in self.lists],
                "lists_sentence": self.sentence}  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TierEvidence:
        """Read what `to_dict` wrote; models of before know no lists."""
        rows = tuple(dict(row) for row in data.get("tiers") or ())
        return cls(rows, tuple(ListInTiers.from_dict(entry) for entry in data.get("lists") or ()))


def judge_tiers(
    fit_score: FloatArray, best: BoolArray, worst: BoolArray, group: IntArray, cutoffs: TierCutoffs, resamples: int,
    seed: int,
) -> TierEvidence:  # fmt: skip
    """Judge tiers by out-of-fold fit scores.

    Parameters
    ----------
    fit_score : ndarray of shape (n,)
        0 to 100.
    best, worst : ndarray of shape (n,)
    group : ndarray of shape (n,)
        Drawn together for intervals; a group's members count as one for the rate's.
    cutoffs : TierCutoffs
    resamples, seed : int
    """
    tier = cutoffs.assign(fit_score)
    inside = (tier[:, None] == np.arange(len(LETTERS))).astype(np.float64)
    weights = np.concatenate(list(resample_weights(group, resamples, seed)))
    drawn = {name: _shares(weights * of, inside) for name, of in (("all", 1.0), (BEST, best), (WORST, worst))}
    rows = []
    for k, letter in enumerate(LETTERS):
        here = tier == k
        rows.append(_row(letter, here, best, group, interval(drawn["all"][:, k]), interval(drawn[BEST][:, k]),
                         _lift(drawn, k)))  # fmt: skip
    lists = [
        ListInTiers(
            name,
            int(of.sum()),
            {letter: float(drawn[name][0, k]) for k, letter in enumerate(LETTERS)},
            interval(drawn[name][:, :2].sum(axis=1)),
        )
        for name, of in ((BEST, best), (WORST, worst))
    ]
    return TierEvidence(tuple(rows), tuple(lists))


def _shares(weights: FloatArray, inside: FloatArray) -> FloatArray:
    total = weights.sum(axis=1)
    out: FloatArray = np.full((len(weights), inside.shape[1]), np.nan)
    np.divide(weights @ inside, total[:, None], out=out, where=total[:, None] > 0)
    return out


def _lift(drawn: Mapping[str, FloatArray], k: int) -> Interval:
    """Share of best over share of all is the rate over the average rate."""
    below = drawn["all"][:, k]
    lift: FloatArray = np.full(len(below), np.nan)
    np.divide(drawn[BEST][:, k], below, out=lift, where=below > 0)
    return interval(lift)


def _row(
    letter: str, here: BoolArray, best: BoolArray, group: IntArray, share: Interval, of_best: Interval, lift: Interval
) -> dict[str, Any]:
    n, hits = int(here.sum()), int(best[here].sum())
    row: dict[str, Any] = {"tier": letter, "customers": n, "best": hits, "rate": hits / n if n else None}
    _, sizes = np.unique(group[here], return_counts=True)
    effective = n * n / float((sizes**2).sum()) if n else 0.0
    low, high = wilson(effective * hits / n, effective) if n else (None, None)
    row |= {"rate_low": low, "rate_high": high}
    for name, value in (("lift", lift), ("share", share), ("best_share", of_best)):
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), value.to_list(), strict=True))
    return row
