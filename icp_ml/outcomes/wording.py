"""The definition of best and worst in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from icp_ml.outcomes.labels import BEST, MIDDLE, TOO_YOUNG, WORST, join, read
from icp_ml.outcomes.measures import GROWS_WITH_AGE, RATIOS
from icp_ml.outcomes.observed import CHURN, TIMING, Facts, Window
from icp_ml.schema import BY_NAME

_STAGES = {
    "mvp": "finding out whether the product works",
    "product_market_fit": "product-market fit",
    "growth": "growth",
    "efficiency": "efficiency",
}


def definition_text(
    columns: Mapping[str, tuple[str, ...]],
    weights: Mapping[str, float],
    facts: Facts,
    counts: Mapping[str, int],
    window: Window,
    *,
    best_share: float,
    preset: str,
    binary: bool,
    lost_deals: bool,
) -> str:
    """Say who is best and who is worst, what counts, and how many there are."""
    parts = [_rule(columns, weights, window, best_share, preset, binary=binary, dated=facts.dated)]
    if lost_deals:
        parts.append("Accounts whose deal was lost count as worst.")
    if facts.dated and columns:
        parts.append(_timing(facts, counts, window))
    parts.append(
        f"Of {counts['customers']:,} customers, {counts['mature']:,} are judged: {counts[BEST]:,} best, "
        f"{counts[WORST]:,} worst, {counts[MIDDLE]:,} in the middle."
    )
    return " ".join(parts)


def _rule(
    columns: Mapping[str, tuple[str, ...]],
    weights: Mapping[str, float],
    window: Window,
    best_share: float,
    preset: str,
    *,
    binary: bool,
    dated: bool,
) -> str:
    names = {name: join([read(c) for c in cols]) for name, cols in columns.items()}
    if not columns:
        return "There is no outcome after the sale: a won deal is best, a lost one worst."
    if binary:
        name = next(iter(columns))
        rule = "has not churned" if set(columns[name]) <= {*CHURN, *TIMING} else "has the better value"
        return (
            f"There is one outcome, with two values: {read(name)} ({names[name]}). "
            f"A customer that {rule} is best, any other is worst; there is no middle."
        )
    parts = [f"{read(name)} (weight {weights[name]:g}; from {names[name]})" for name in columns]
    text = (
        f"A best customer has not churned and is in the top {best_share:.0%} of mature customers by a "
        f"composite of {join(parts)}. Each outcome counts by its percentile, so no one large account decides, "
        f"and an outcome that is not known counts neither for nor against. A worst customer {_churned(window)}, or is "
        f"in the bottom {best_share:.0%}. All others, and those tied at either boundary, are the middle."
    )
    if preset in _STAGES:
        text += f" These are the outcomes of the growth stage '{preset}': {_STAGES[preset]}."
    grows = [name for name, cols in columns.items() if set(cols) & GROWS_WITH_AGE or name in RATIOS]
    if dated and "retention" in columns and set(columns["retention"]) & set(CHURN):
        grows.insert(0, "retention")
    if grows:
        text += (
            f" So that age does not decide, {join([read(n) for n in dict.fromkeys(grows)])} "
            f"{'are' if len(grows) > 1 else 'is'} compared among customers that signed up about then."
        )
    return text


def _churned(window: Window) -> str:
    return f"left within {window.horizon:,} days" if window.late_churn == "judged" else "has churned"


def _timing(facts: Facts, counts: Mapping[str, int], window: Window) -> str:
    days = f"{window.horizon:,} days"
    when = f" as of {facts.as_of.isoformat()}" if facts.as_of else ""
    since = (
        f" since {window.observed_from.isoformat()} (or since sign-up, where that is later)"
        if isinstance(window.observed_from, date)
        else ""
    )
    return (
        f"A customer is judged once it has been observed for {days}{since}{when}; years beyond that add nothing. "
        f"{counts[TOO_YOUNG]:,} younger customers are left out ({counts['too_young_churned']:,} of them had "
        "already churned; counting only those would make recent sign-ups look bad)."
    )


def value_words(column: str, value: float) -> str:
    """Return a value of an outcome column as a reader writes it."""
    kind = BY_NAME[column].kind if column in BY_NAME else "number"
    if kind in ("share", "boolean"):
        return f"{value:.0%}"
    if kind == "money":
        return f"${value:,.0f}"
    if abs(value) >= 1e15:
        return f"{value:.2e}"
    return f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) < 1000 else f"{value:,.0f}"


def days_words(days: int) -> str:
    """Return "2 years", "90 days".

    Examples
    --------
    >>> days_words(365), days_words(730), days_words(90)
    ('1 year', '2 years', '90 days')
    """
    years = round(days / 365.25)
    if abs(days - years * 365) > 5 or not years:
        return f"{days:,} days"
    return f"{years} year{'s' if years > 1 else ''}"
