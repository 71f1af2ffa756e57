"""The back-test: what the model would have said of the newest customers, trained on the older ones alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from icp_ml.estimator.encoding import FloatArray
from icp_ml.estimator.rows import IntArray
from icp_ml.evaluation.metrics import BoolArray
from icp_ml.evaluation.result import MODEL, BackTest, FrozenThreshold, LearnerResult
from icp_ml.evaluation.splits import BEST, MIDDLE, WORST, Customers, SplitScores
from icp_ml.tiers import TierCutoffs, tier_table

KNOWN_SHARE = 0.8  # of sign-up dates
OLDER_SHARE = 0.8
LEAST_NEWEST = 10  # best, and worst
LEAST_OLDER = 20
THRESHOLD_SHARES = (0.05, 0.10, 0.25)


class TimeSplit(NamedTuple):
    """Older and newest customers, or the reason there is no such split."""

    older: IntArray
    newest: IntArray
    trained_until: str
    reason: str


def split_by_date(customers: Customers) -> TimeSplit:
    """Part customers at the sign-up date that four fifths had reached.

    Customers without a date take no part; newest ones of a group with older members are not judged.
    """
    none = np.empty(0, dtype=np.int64)
    signed_up = customers.signed_up
    if signed_up is None:
        return TimeSplit(none, none, "", "the customers have no sign-up dates")
    known = ~np.isnat(signed_up)
    if not known.mean() >= KNOWN_SHARE:
        reason = f"sign-up dates are known of {known.mean():.0%} of the mature customers; {KNOWN_SHARE:.0%} are needed"
        return TimeSplit(none, none, "", reason)
    dates = np.sort(signed_up[known])
    cut = dates[int(np.ceil(OLDER_SHARE * len(dates))) - 1]
    older = known & (signed_up <= cut)
    newest = known & (signed_up > cut) & ~np.isin(customers.group, customers.group[older])
    day = str(cut.astype("datetime64[D]"))
    for rows, least, name in ((older, LEAST_OLDER, "older"), (newest, LEAST_NEWEST, "newest")):
        counts = _counts(customers, rows)
        if min(counts[BEST], counts[WORST]) < least:
            reason = (
                f"the {name} customers (signed up {'until' if name == 'older' else 'after'} {day}) hold "
                f"{counts[BEST]:,} best and {counts[WORST]:,} worst; {least} of each are needed"
            )
            return TimeSplit(none, none, "", reason)
    return TimeSplit(np.flatnonzero(older), np.flatnonzero(newest), day, "")


def back_test(
    customers: Customers, split: TimeSplit, scores: SplitScores, learners: tuple[LearnerResult, ...]
) -> BackTest:
    """Put together what was found among the newest, thresholds and tiers frozen on the older."""
    best = customers.best
    held, until_then = scores.log_odds[MODEL], scores.train_log_odds
    cutoffs = TierCutoffs.from_base_rate(float(best[split.older].mean()))
    tiers: tuple[dict[str, Any], ...] = tier_table(100 * expit(held), best[split.newest], cutoffs).rows
    return BackTest(
        split.trained_until, _counts(customers, split.older), _counts(customers, split.newest), learners,
        tuple(_frozen(share, until_then, held, best[split.newest]) for share in THRESHOLD_SHARES), tiers,
    )  # fmt: skip


def _frozen(share: float, older: FloatArray, newest: FloatArray, best: BoolArray) -> FrozenThreshold:
    threshold = float(np.quantile(older, 1 - share))
    above = newest >= threshold
    lift = float(best[above].mean() / best.mean()) if above.any() else float("nan")
    return FrozenThreshold(share, float(100 * expit(threshold)), float(above.mean()), lift)


def _counts(customers: Customers, rows: IntArray | BoolArray) -> Mapping[str, int]:
    return {name: int((customers.status[rows] == name).sum()) for name in (BEST, WORST, MIDDLE)}
