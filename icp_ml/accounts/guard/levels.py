"""Single values and tokens that decide the outcome, and marks of a random sample."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from icp_ml.accounts.guard.evidence import Bools, Coded, Floats
from icp_ml.accounts.guard.leaks import Finding, Signal, Target

# Log-odds, an odds ratio of 7.4: no trait of a company parts customers as cleanly, beyond chance.
EXTREME = 2.0
_Z_ONE_SIDED_99 = 2.326
_MIN_ROWS = 20
_NEARLY_ALL = 0.10  # share of the other kind that a value may have
_ROUND_SHARES = (0.1, 0.2, 0.25, 0.3, 1 / 3, 0.4, 0.5, 0.6, 2 / 3, 0.7, 0.75, 0.8, 0.9)
_MIN_SPLIT = 1000


def by_level(column: Coded, target: Target) -> Finding | None:
    """Ask about a column one of whose values, or tokens, has practically only best or only worst customers."""
    best, known = target.yes, target.judged & ~column.missing
    if column.tokens is not None:
        row, token = column.tokens
        used = known[row]
        row, codes, size = row[used], token[used], max(1, len(column.labels))
    else:
        row = np.flatnonzero(known)
        codes, size = column.codes[row], column.size
    n = np.bincount(codes, minlength=size).astype(np.float64)
    k = np.bincount(codes[best[row]], minlength=size).astype(np.float64)
    shift = np.where(n >= _MIN_ROWS, log_odds_shift(n, k, float(known.sum()), float((known & best).sum())), 0.0)
    rare = np.minimum(k, n - k) / np.maximum(n, 1.0)
    extreme = (np.abs(shift) >= EXTREME) & (rare <= _NEARLY_ALL)
    if not extreme.any():
        return None
    worst_of_all = int(np.argmax(np.where(extreme, np.abs(shift), 0.0)))
    rows, good = int(n[worst_of_all]), int(k[worst_of_all])
    few, name = (good, target.words[0]) if shift[worst_of_all] < 0 else (rows - good, target.words[1])
    what = _named(column, worst_of_all)
    if column.tokens is not None:
        reason = f"of {rows:,} customers with {what}, {few:,} are {name}: it may be our own product or an integration"
        return Finding("confirm", f"{reason}, to be named under fields.own_product", True)
    reason = f"of {rows:,} customers with {what}, {few:,} are {name}: no trait of a company parts them so cleanly"
    return Finding("confirm", reason, True)


def log_odds_shift(n: Floats, k: Floats, rows: float, good: float) -> Floats:
    """Change of the log-odds inside a group of `n` with `k` good ones against the rest, less what chance may add."""
    inside, inside_not = k + 0.5, n - k + 0.5
    outside, outside_not = good - k + 0.5, (rows - n) - (good - k) + 0.5
    change = np.log(inside / inside_not) - np.log(outside / outside_not)
    error = np.sqrt(1 / inside + 1 / inside_not + 1 / outside + 1 / outside_not)
    return np.asarray(np.sign(change) * np.maximum(0.0, np.abs(change) - _Z_ONE_SIDED_99 * error))


def _named(column: Coded, code: int) -> str:
    if column.labels:
        return f"'{column.labels[code]}'"
    assert column.numbers is not None
    values = column.numbers[(column.codes == code) & ~column.missing]
    low, high = float(values.min()), float(values.max())
    return f"{low:,.10g}" if low == high else f"{low:,.10g} to {high:,.10g}"


def by_split(column: Coded, signal: Signal, others: Mapping[str, Coded]) -> Finding | None:
    """Ask about a column that parts the rows at a round share and goes with nothing else: a mark of a random sample."""
    rows = len(column.codes)
    if column.tokens is not None or column.distinct != 2 or column.missing.any() or rows < _MIN_SPLIT:
        return None
    ones = column.codes == column.codes.max()
    share = float(ones.mean())
    round_one = next((s for s in _ROUND_SHARES if abs(share - s) * rows < 1.0), None)
    if round_one is None or not abs(signal.auc_known - 0.5) < 2 * (signal.auc_known - signal.low_known):
        return None
    if any(_goes_with(ones, other) for other in others.values() if other is not column):
        return None
    reason = f"it parts the rows at {round_one:.0%} and goes with no other column, as the mark of a random sample does"
    return Finding("confirm", reason)


def _goes_with(ones: Bools, other: Coded) -> bool:
    """Whether a column's values are spread unevenly over the two halves, far beyond chance."""
    if other.tokens is not None:
        return False
    n = np.bincount(other.codes, minlength=other.size).astype(np.float64)
    k = np.bincount(other.codes[ones], minlength=other.size)
    used = n >= 10
    if used.sum() < 2:
        return False
    share = ones.mean()
    chi = float((((k - n * share) ** 2)[used] / (n * share * (1 - share))[used]).sum())
    freedom = float(used.sum())
    return bool((chi - freedom) / np.sqrt(2 * freedom) > 5.0)
