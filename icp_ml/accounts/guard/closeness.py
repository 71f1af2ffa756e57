"""How closely a column follows the outcomes: copies, sums of several, and what piles up while a customer stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from icp_ml.accounts.guard.evidence import Bools, Coded, Floats, Ints, explained, predict, ranks
from icp_ml.accounts.guard.leaks import COPY, TELLS_THE_LABEL, Finding, Target, is_suspicious, signal_of
from icp_ml.schema import BY_NAME, Field

_MIN_ROWS = 50
# Rank correlations. Money outcomes grow with the size of a customer, as honest fields do.
FOLLOWS = 0.60
FOLLOWS_MONEY = 0.85
GROWS_WITH_AGE = 0.35
GROWS_WITH_AGE_KNOWN_FIELD = 0.60
_AGES = ("customer_since", "tenure_days")


def by_outcomes(field: Field, column: Coded, outcomes: Mapping[str, Floats], folds: Ints) -> Finding | None:
    """Refuse a column from which an outcome can be read off; ask about one that follows an outcome."""
    asked: list[tuple[float, str]] = []
    for name, outcome in outcomes.items():
        rows = ~np.isnan(outcome) & ~column.missing
        if rows.sum() < _MIN_ROWS:
            continue
        if len(np.unique(outcome[rows])) == 2:
            signal = signal_of(column, Target(outcome == outcome[rows].max(), rows), folds)
            close = signal.auc_known >= TELLS_THE_LABEL
            if is_suspicious(field, signal):
                asked.append((signal.auc_known, f"it tells '{name}' (AUC {signal.auc_known:.2f})"))
        else:
            strength = _strength(column, outcome, rows, folds)
            close = strength > COPY
            if name not in _AGES and strength >= _limit(name, field):
                asked.append((strength, f"it follows the outcome '{name}' (rank correlation {strength:.2f})"))
        if close:
            return Finding("refuse", f"it is a near-copy of the outcome '{name}'", True)
    together = _sum_of(column, outcomes)
    if together is not None:
        return Finding("refuse", f"it can be computed from the outcomes {together}", True)
    if not asked:
        return None
    return Finding("confirm", f"{max(asked)[1]} more closely than account data do", True)


def _limit(outcome: str, field: Field) -> float:
    money = BY_NAME[outcome].kind == "money" if outcome in BY_NAME else False
    return FOLLOWS_MONEY if money or field.name in BY_NAME else FOLLOWS


def _strength(column: Coded, outcome: Floats, rows: Bools, folds: Ints) -> float:
    """Return how closely an outcome follows what the column predicts of it, or the column's own values."""
    predicted = predict(column, np.where(rows, outcome, 0.0), rows, folds)[rows]
    own = [] if column.numbers is None else [column.numbers[rows]]
    return _follows([predicted, *own], outcome[rows])


def _follows(values: Sequence[Floats], outcome: Floats) -> float:
    """Return the strongest rank correlation of the outcome with the prediction or the column's own values."""
    target = ranks(outcome)
    found = [0.0]
    for value in values:
        ranked = ranks(value)
        if np.ptp(ranked) > 0 and np.ptp(target) > 0:
            found.append(round(abs(float(np.corrcoef(ranked, target)[0, 1])), 9))
    return max(found)


def _sum_of(column: Coded, outcomes: Mapping[str, Floats]) -> str | None:
    """Return the names of the outcomes whose weighted sum is the column, as good as exactly."""
    if column.numbers is None or column.distinct <= 10:
        return None
    names = [n for n, v in outcomes.items() if n not in _AGES and (~np.isnan(v) & ~column.missing).sum() >= _MIN_ROWS]
    if len(names) < 2:
        return None
    for values in (
        [column.numbers, *(outcomes[n] for n in names)],
        _ranked([column.numbers, *(outcomes[n] for n in names)]),
    ):
        if explained(values[0], *values[1:]) > 0.9:
            return " and ".join([", ".join(f"'{n}'" for n in names[:-1]), f"'{names[-1]}'"])
    return None


def _ranked(columns: Sequence[Floats]) -> list[Floats]:
    found = []
    for column in columns:
        known = ~np.isnan(column)
        out = np.full(len(column), np.nan)
        out[known] = ranks(column[known])
        found.append(out)
    return found


def by_age(field: Field, column: Coded, outcomes: Mapping[str, Floats]) -> Finding | None:
    """Ask about a quantity that grows with the time since the sale."""
    name = next((name for name in _AGES if name in outcomes), None)
    if name is None or column.numbers is None or column.distinct <= 2 or field.kind == "date":
        return None
    age = outcomes[name]
    rows = ~np.isnan(age) & ~column.missing
    n = int(rows.sum())
    if n < 100:
        return None
    strength = _follows([column.numbers[rows]], age[rows])
    low = np.tanh(np.arctanh(min(strength, 0.999999)) - 1.645 / np.sqrt(n - 3))
    if low < (GROWS_WITH_AGE_KNOWN_FIELD if field.name in BY_NAME else GROWS_WITH_AGE):
        return None
    reason = f"it goes with the time since the sale (rank correlation {strength:.2f})"
    return Finding("confirm", f"{reason}, as what piles up or is dated by it does", True)
