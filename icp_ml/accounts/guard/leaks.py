"""The leak guard's rules: which columns could only be known after the sale, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from icp_ml.accounts.guard.evidence import Bools, Coded, Floats, Ints, area_under_curve, predict, ranks
from icp_ml.schema import BY_NAME, Field

Verdict = Literal["accept", "confirm", "refuse"]

TELLS_THE_LABEL = 0.97
SUSPICIOUS = 0.80
SUSPICIOUS_AT_LEAST = 0.75
COPY = 0.95
Z_ONE_SIDED_95 = 1.645

# Words that name what is only known of one's own customers. A column is asked about, not refused, for its name.
_AFTER_SALE = re.compile(
    r"(?:^|_)(?:churn\w*|renew\w*|cancel\w*|retention|tenure|usage|utili[sz]ation|adoption|logins?|"
    r"active_users|mau|dau|tickets?|escalations?|csm|health_score|contract\w*|invoices?|billed|billing_\w*amount|"
    r"charges?|refunds?|discounts?|overdue|mrr|arr|acv|ltv|cltv|nps|csat|satisfaction|onboard\w*|upsells?|cross_sells?|"
    r"seats|licen[cs]es|orders|sdr|bdr|success_manager|(?:account|record|lead)_owner|won|lost|closed|close_date|lifecycle\w*)(?:_|$)"
)


@dataclass(frozen=True)
class Finding:
    """One reason for a verdict; `strong` where the column's own values gave it away."""

    verdict: Verdict
    reason: str
    strong: bool = False


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


def signal_of(column: Coded, best: Bools, judged: Bools, folds: Ints) -> Signal:
    """Measure one column; `judged` marks best and worst customers."""
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
    if field.role != "feature" or field.kind in ("identifier", "domain", "text"):
        return Finding("refuse", "it names or describes the account and is carried along, not learned from")
    if known == 0:
        return Finding("refuse", "nothing to learn from: no customer has a value")
    if column.tokens is not None:
        used = np.bincount(column.tokens[1], minlength=1)
        if not ((used >= 5) & (used <= known - 5)).any() and known == rows:
            return Finding("refuse", "nothing to learn from: no token is shared by five customers and lacking for five")
        return None
    counts = np.bincount(column.known_codes)
    if known - int(counts.max()) < 5 and column.distinct <= 20:
        return Finding("refuse", f"nothing to learn from: {int(counts.max()):,} of {known:,} values are the same")
    if is_identifier(field, column, known):
        return Finding(
            "refuse", f"{column.distinct:,} of {known:,} values are different: it numbers or names the accounts"
        )
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


def by_name(field: Field) -> Finding | None:
    """Ask about a column whose name says it is known of customers only."""
    if field.name in BY_NAME:
        return None
    found = _AFTER_SALE.search(field.name)
    if not found:
        return None
    word = found.group(0).strip("_").replace("_", " ")
    return Finding("confirm", f"its name ('{word}') says it is known of customers only")


def by_missingness(column: Coded, best: Bools, judged: Bools) -> Finding | None:
    """Refuse or ask about a column that is filled, or empty, nearly always by what became of the customer."""
    base = float(best[judged].mean()) if judged.any() else 0.0
    if base in (0.0, 1.0):
        return None
    of_best, of_worst = column.missing[judged & best].mean(), column.missing[judged & ~best].mean()
    auc = 0.5 + 0.5 * abs(of_best - of_worst)  # of "missing or filled" by itself
    for rows, word in ((judged & column.missing, "missing"), (judged & ~column.missing, "filled")):
        n, k = int(rows.sum()), int((rows & best).sum())
        if n == judged.sum() or n == 0:
            continue
        few, class_share, name = (k, base, "best") if k <= n - k else (n - k, 1 - base, "worst")
        if few > 0.01 * n or n * class_share < 12:
            continue
        reason = f"of {n:,} customers where it is {word}, {few} are {name}"
        if auc >= SUSPICIOUS_AT_LEAST:
            return Finding("refuse", f"{reason}: that alone tells the outcome")
        return Finding("confirm", f"{reason}: it seems to be filled in by what became of them")
    if auc >= SUSPICIOUS:
        reason = f"it is missing for {of_best:.0%} of best and {of_worst:.0%} of worst customers"
        return Finding("confirm", f"{reason}: it seems to be filled in by what became of them")
    return None


def missing_lift(column: Coded, best: Bools, judged: Bools) -> tuple[float, bool]:
    """P(best | missing) / P(best) among best and worst, and whether that is far from 1 beyond chance."""
    rows = judged & column.missing
    n, total = int(rows.sum()), int(judged.sum())
    base = float(best[judged].mean()) if total else 0.0
    if n == 0 or n == total or base in (0.0, 1.0):
        return float("nan"), False
    lift = float(best[rows].mean()) / base
    error = np.sqrt((1 - base) / (base * n) * (1 - n / total))
    strong = bool(abs(lift - 1) > 3.3 * error) and not 0.7 <= lift <= 1.3
    return lift, strong


def by_signal(signal: Signal, next_best: float) -> Finding | None:
    """Refuse a column that is the label; ask about one that predicts it better than account data do."""
    for auc in (signal.auc_known, signal.auc):
        if auc >= TELLS_THE_LABEL:
            return Finding(
                "refuse", f"it alone tells best from worst customers (AUC {auc:.2f}): a copy of an outcome", True
            )
    if signal.auc_known >= SUSPICIOUS and signal.low_known >= SUSPICIOUS_AT_LEAST:
        beside = f"; the next strongest field has {next_best:.2f}" if np.isfinite(next_best) else ""
        reason = f"it alone predicts suspiciously well (AUC {signal.auc_known:.2f}{beside})"
        return Finding("confirm", reason, True)
    return None


def by_copy(column: Coded, outcomes: Mapping[str, Floats], folds: Ints) -> Finding | None:
    """Refuse a column from which an outcome column can be read off."""
    for name, outcome in outcomes.items():
        rows = ~np.isnan(outcome) & ~column.missing
        if rows.sum() < 50:
            continue
        value = np.where(rows, outcome, 0.0)
        if len(np.unique(outcome[rows])) == 2:
            high = rows & (outcome == outcome[rows].max())
            score = predict(column, high.astype(np.float64), rows, folds)
            auc, _ = area_under_curve(score[rows], high[rows], folds[rows])
            close = auc >= TELLS_THE_LABEL
        else:
            pairs = [predict(column, value, rows, folds)[rows], outcome[rows]]
            if column.numbers is not None:
                pairs.append(column.numbers[rows])
            close = _near_copy(pairs)
        if close:
            return Finding("refuse", f"it is a near-copy of the outcome '{name}'", True)
    return None


def _near_copy(pairs: Sequence[Floats]) -> bool:
    """Whether the outcome (second) follows the prediction, or the column's own values up or down."""
    ranked = [ranks(p) for p in pairs]
    others = [ranked[0], *ranked[2:]]
    return any(np.ptp(r) > 0 and np.ptp(ranked[1]) > 0 and abs(np.corrcoef(r, ranked[1])[0, 1]) > COPY for r in others)


def by_date(column: Coded, customer_since: Floats | None) -> Finding | None:
    """Ask about a date that mostly lies after the account became a customer."""
    if customer_since is None or column.numbers is None:
        return None
    rows = ~column.missing & ~np.isnan(customer_since)
    if rows.sum() < 20:
        return None
    after = float((column.numbers[rows] > customer_since[rows]).mean())
    if after <= 0.5:
        return None
    return Finding("confirm", f"{after:.0%} of its dates lie after the account became a customer")
