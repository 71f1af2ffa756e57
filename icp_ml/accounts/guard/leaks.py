"""The leak guard's rules: which columns could only be known after the sale, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from icp_ml.accounts.guard.evidence import Bools, Coded, Floats, Ints, area_under_curve, predict
from icp_ml.schema import BY_NAME, Field

Verdict = Literal["accept", "confirm", "refuse", "adjust"]

TELLS_THE_LABEL = 0.97
SUSPICIOUS = 0.80
SUSPICIOUS_AT_LEAST = 0.75
# of a column whose name is no field of the schema: nobody knows what it is
UNKNOWN_AT_LEAST = 0.70
COPY = 0.95
Z_ONE_SIDED_95 = 1.645
ALWAYS = 0.995
_MIN_DATES = 50


@dataclass(frozen=True)
class Finding:
    """One reason for a verdict.

    Attributes
    ----------
    strong : bool
        The column's own values gave it away.
    quiet : bool
        It is left out for holding nothing to learn from, not for giving something away.
    """

    verdict: Verdict
    reason: str
    strong: bool = False
    quiet: bool = False


@dataclass(frozen=True, eq=False)
class Target:
    """Two kinds of customers that a column may tell apart: best and worst, or those with and without an outcome.

    Attributes
    ----------
    yes, judged : ndarray of bool, shape (n,)
        Who is of the first kind; who is of either.
    words : (str, str)
        What the two kinds are called.
    """

    yes: Bools
    judged: Bools
    words: tuple[str, str] = ("best", "worst")

    @property
    def share(self) -> float:
        """Share of the first kind."""
        return float(self.yes[self.judged].mean()) if self.judged.any() else 0.0


@dataclass(frozen=True)
class Signal:
    """How well a column alone tells best from worst customers.

    Attributes
    ----------
    auc : float
        With "missing" as a value of its own; cross-fitted.
    auc_known : float
        Over the customers that have a value.
    low_known : float
        Its one-sided 95 % lower bound.
    """

    auc: float
    auc_known: float
    low_known: float


def signal_of(column: Coded, target: Target, folds: Ints) -> Signal:
    """Measure one column."""
    best, judged = target.yes, target.judged
    score = predict(column, best.astype(np.float64), judged, folds)
    auc, _ = area_under_curve(score[judged], best[judged], folds[judged])
    known = judged & ~column.missing
    if known.sum() == judged.sum():
        auc_known, error = area_under_curve(score[judged], best[judged], folds[judged])
    else:
        score = predict(column, best.astype(np.float64), known, folds)
        auc_known, error = area_under_curve(score[known], best[known], folds[known])
    return Signal(auc, auc_known, auc_known - Z_ONE_SIDED_95 * error)


def by_kind(field: Field, column: Coded, rows: int) -> Finding | None:
    """Refuse what names or describes an account, and what holds nothing to learn from."""
    known = int((~column.missing).sum())
    if field.role == "outcome":
        return Finding("refuse", "it is an outcome, measured after the sale")
    unread = field.kind == "text" and column.tokens is None
    if field.role != "feature" or field.kind in ("identifier", "domain") or unread:
        return Finding("refuse", "it names or describes the account and is carried along, not learned from", quiet=True)
    if known == 0:
        return Finding("refuse", "nothing to learn from: no customer has a value", quiet=True)
    if column.tokens is not None:
        used = np.bincount(column.tokens[1], minlength=1)
        if not ((used >= 5) & (used <= known - 5)).any() and known == rows:
            reason = "nothing to learn from: no token is shared by five customers and lacking for five"
            return Finding("refuse", reason, quiet=True)
        return None
    counts = np.bincount(column.known_codes)
    if known - int(counts.max()) < 5 and column.distinct <= 20:
        reason = f"nothing to learn from: {int(counts.max()):,} of {known:,} values are the same"
        return Finding("refuse", reason, quiet=True)
    if is_identifier(field, column, known):
        reason = f"{column.distinct:,} of {known:,} values are different: it numbers or names the accounts"
        return Finding("refuse", reason, quiet=True)
    return None


def is_identifier(field: Field, column: Coded, known: int) -> bool:
    """Whether a column tells accounts apart instead of describing them."""
    if known < 50 or column.distinct < 0.9 * known or field.kind in ("date", "share", "money", "year", "boolean"):
        return False
    if column.numbers is not None and field.name in BY_NAME:
        return False
    if column.numbers is None:
        return field.kind != "place" and bool(column.labels)
    values = column.numbers[~column.missing]
    if column.distinct < 0.99 * known or (values != np.round(values)).any() or (values < 0).any():
        return False
    digits = np.floor(np.log10(np.maximum(values, 1.0)))
    same_length = float(np.bincount(digits.astype(np.int64)).max()) >= 0.95 * known and digits.max() >= 4
    # so many different numbers in so small a range do not come about by measuring
    return bool(same_length or (known >= 100 and np.ptp(values) <= 3 * known))


def by_missingness(column: Coded, target: Target) -> Finding | None:
    """Refuse or ask about a column that is filled, or empty, nearly always by what became of the customer."""
    best, judged, base = target.yes, target.judged, target.share
    if base in (0.0, 1.0):
        return None
    high, low = target.words
    of_best, of_worst = column.missing[judged & best].mean(), column.missing[judged & ~best].mean()
    auc = 0.5 + 0.5 * abs(of_best - of_worst)  # of "missing or filled" by itself
    for rows, word in ((judged & column.missing, "missing"), (judged & ~column.missing, "filled")):
        n, k = int(rows.sum()), int((rows & best).sum())
        if n == judged.sum() or n == 0:
            continue
        few, class_share, name = (k, base, high) if k <= n - k else (n - k, 1 - base, low)
        if few > 0.01 * n or n * class_share < 12:
            continue
        reason = f"of {n:,} customers where it is {word}, {few} are {name}"
        if auc >= SUSPICIOUS_AT_LEAST:
            return Finding("refuse", f"{reason}: that alone tells the outcome")
        return Finding("confirm", f"{reason}: it seems to be filled in by what became of them")
    if auc >= SUSPICIOUS:
        reason = f"it is missing for {of_best:.0%} of {high} and {of_worst:.0%} of {low} customers"
        return Finding("confirm", f"{reason}: it seems to be filled in by what became of them")
    return None


def missing_lift(column: Coded, target: Target) -> tuple[float, bool]:
    """P(best | missing) / P(best) among best and worst, and whether that is far from 1 beyond chance."""
    best, judged, base = target.yes, target.judged, target.share
    rows = judged & column.missing
    n, total = int(rows.sum()), int(judged.sum())
    if n == 0 or n == total or base in (0.0, 1.0):
        return float("nan"), False
    lift = float(best[rows].mean()) / base
    error = np.sqrt((1 - base) / (base * n) * (1 - n / total))
    strong = bool(abs(lift - 1) > 3.3 * error) and not 0.7 <= lift <= 1.3
    return lift, strong


def filled_lift(column: Coded, target: Target) -> float:
    """P(best | filled) / P(best) among best and worst; NaN where all or none is filled."""
    rows = target.judged & ~column.missing
    n, total = int(rows.sum()), int(target.judged.sum())
    return float("nan") if n in (0, total) or target.share == 0.0 else float(target.yes[rows].mean()) / target.share


def by_signal(field: Field, signal: Signal, next_best: float, trusted: float) -> Finding | None:
    """Refuse a column that is the label; ask about one that predicts it better than account data do.

    Parameters
    ----------
    next_best : float
        AUC of the next strongest column, for the reader.
    trusted : float
        AUC of the strongest field that is known by its name; a column of unknown meaning must not tell more.
    """
    for auc in (signal.auc_known, signal.auc):
        if auc >= TELLS_THE_LABEL:
            return Finding(
                "refuse", f"it alone tells best from worst customers (AUC {auc:.2f}): a copy of an outcome", True
            )
    if not is_suspicious(field, signal, trusted):
        return None
    beside = f"; the next strongest field has {next_best:.2f}" if np.isfinite(next_best) else ""
    return Finding("confirm", f"it alone predicts suspiciously well (AUC {signal.auc_known:.2f}{beside})", True)


def is_suspicious(field: Field, signal: Signal, trusted: float = math.nan) -> bool:
    """Whether a column tells the two kinds of customers apart better than account data do."""
    suspicious = signal.auc_known >= SUSPICIOUS and signal.low_known >= SUSPICIOUS_AT_LEAST
    if field.name not in BY_NAME and field.kind != "token_set":
        limit = (
            UNKNOWN_AT_LEAST if not np.isfinite(trusted) else min(max(UNKNOWN_AT_LEAST, trusted), SUSPICIOUS_AT_LEAST)
        )
        suspicious = suspicious or signal.low_known >= limit
    return suspicious


def by_date(column: Coded, customer_since: Floats | None, observed_from: date | None = None) -> Finding | None:
    """Ask about a date that mostly lies after the account became a customer.

    Parameters
    ----------
    observed_from : date or None
        The day from which outcomes are judged, for those who were customers before: what was so until then is no leak.
    """
    if customer_since is None or column.numbers is None:
        return None
    rows = ~column.missing & ~np.isnan(customer_since)
    if rows.sum() < 20:
        return None
    day = -math.inf if observed_from is None else float(observed_from.toordinal() - date(1970, 1, 1).toordinal())
    after = float((column.numbers[rows] > np.maximum(customer_since[rows], day)).mean())
    if after <= 0.5:
        return None
    since = "" if observed_from is None else f" and after {observed_from.isoformat()}"
    reason = f"{after:.0%} of its dates lie after the account became a customer{since}"
    step = "take its value as of sign-up" + (
        ", or set  outcomes: {observed_from: DATE}  to the day of the account data, so that only what follows is judged"
        if observed_from is None
        else f", or the account data as of {observed_from.isoformat()}"
    )
    return Finding("confirm", f"{reason}, so it may tell what became of it: {step}", True)


def by_order(field: Field, column: Coded, dates: Mapping[str, Floats]) -> Finding | None:
    """Ask about a date that always follows another one, where nobody says which is the date of the sale."""
    if field.name in BY_NAME or column.numbers is None:
        return None
    for name, earlier in dates.items():
        rows = ~column.missing & ~np.isnan(earlier)
        if name == field.name or rows.sum() < max(_MIN_DATES, 0.5 * (~column.missing).sum()):
            continue
        later = column.numbers[rows] - earlier[rows]
        if (later >= 0).mean() >= ALWAYS and (later > 0).mean() > 0.5:
            reason = f"it always lies after '{name}', and no column is mapped to customer_since"
            return Finding("confirm", f"{reason}: it may be the date of the sale, or after it")
    return None
