"""The definition of best and worst in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from icp_ml.outcomes.labels import BEST, MIDDLE, TOO_YOUNG, WORST, join, read
from icp_ml.outcomes.measures import GROWS_WITH_AGE, RATIOS
from icp_ml.outcomes.observed import CHURN, TIMING, Facts, Window
from icp_ml.schema import BY_NAME

_STAGES = {
    "mvp": "to learn whether the product works",
    "product_market_fit": "product-market fit",
    "growth": "to grow",
    "efficiency": "to serve customers at a low cost",
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
    """Say who is best and who is worst in one sentence, then what counts, and how many there are."""
    parts = [_rule(columns, window, best_share, binary=binary), *_details(columns, weights, preset, binary=binary)]
    if columns and not binary:
        parts += _compared(columns, dated=facts.dated)
    if lost_deals and columns:
        parts.append("Accounts whose deal was lost count as worst.")
    if facts.dated and columns:
        parts.append(_timing(facts, counts, window))
    judged = f"{counts[BEST]:,} best, {counts[WORST]:,} worst" + (
        "" if binary else f", {counts[MIDDLE]:,} in the middle"
    )
    noun = "customers" if columns else "accounts with a deal"
    parts.append(f"Of {counts['customers']:,} {noun}, {counts['mature']:,} are judged: {judged}.")
    return " ".join(parts)


def _rule(columns: Mapping[str, tuple[str, ...]], window: Window, best_share: float, *, binary: bool) -> str:
    """Return the definition in one sentence, without brackets: reports show it first, or alone."""
    if not columns:
        return "There is no outcome after the sale: a won deal is best, a lost one worst."
    if binary:
        name = next(iter(columns))
        rule = (
            "has not churned"
            if set(columns[name]) <= {*CHURN, *TIMING}
            else f"has not churned and has the better value of {read(name)}"
        )
        return f"A customer that {rule} is best, any other is worst; there is no middle."
    return (
        f"A best customer has not churned and is in the top {best_share:.0%} by {join([read(n) for n in columns])}; "
        f"a worst one {_churned(window)} or is in the bottom {best_share:.0%}; all others are the middle."
    )


def _details(
    columns: Mapping[str, tuple[str, ...]], weights: Mapping[str, float], preset: str, *, binary: bool
) -> list[str]:
    """Return which columns count, and how much."""
    names = {name: join([read(c) for c in cols]) for name, cols in columns.items()}
    if not columns:
        return []
    if binary:
        name = next(iter(columns))
        return [f"There is one outcome, with two values: {read(name)} ({names[name]})."]
    counted = join([f"{read(name)} (weight {weights[name]:g}; from {names[name]})" for name in columns])
    said = ["What counts is" if len(columns) == 1 else "What counts are", counted]
    if preset in _STAGES:
        said[0] = f"For a company whose aim is {_STAGES[preset]} (preset {preset}), {said[0][0].lower()}{said[0][1:]}"
    return [
        f"{' '.join(said)}. Each outcome counts by its percentile among mature customers, so no one large account "
        "decides, and one that is not known counts neither for nor against. Who ties at a boundary is in the middle."
    ]


def _compared(columns: Mapping[str, tuple[str, ...]], *, dated: bool) -> list[str]:
    """Return what is compared among customers of one age only."""
    grows = [name for name, cols in columns.items() if set(cols) & GROWS_WITH_AGE or name in RATIOS]
    if dated and "retention" in columns and set(columns["retention"]) & set(CHURN):
        grows.insert(0, "retention")
    if not grows:
        return []
    names = join([read(n) for n in dict.fromkeys(grows)])
    verb = "are" if len(set(grows)) > 1 else "is"
    return [f"So that age does not decide, {names} {verb} compared among customers that signed up about then."]


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
    text = f"A customer is judged once it has been observed for {days}{since}{when}; years beyond that add nothing."
    if counts[TOO_YOUNG]:
        already = (
            f" ({counts['too_young_churned']:,} of them had already churned; counting only those would make recent "
            "sign-ups look bad)"
            if counts["too_young_churned"]
            else ""
        )
        text += f" {counts[TOO_YOUNG]:,} younger customers are left out{already}."
    return text


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
