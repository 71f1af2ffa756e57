"""A scored list in the report: from the whole market to what can be worked, and the accounts with the best fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from icp_ml.report import formats as f
from icp_ml.report.value_view import steps_worth
from icp_ml.tiers import WORKED

MAX_TOP = 200  # accounts of a scored list shown
MAX_REASONS = 3
MAX_FIELDS = 40  # fields a list lacks spelled out
OLD_DAYS = 365  # between the customers' data and the list's: from here on it is said
STATUSES = ("scored", "suppressed", "ineligible", "rejected")


@dataclass(frozen=True)
class Step:
    """One step from the whole list to what can be worked.

    Attributes
    ----------
    name, count : str and int
        What is left, or what is taken away, and how many accounts.
    total : bool
        Whether it is what is left.
    """

    name: str
    count: int
    total: bool


def market_steps(scored: Mapping[str, Any]) -> list[Step]:
    """Return the steps from all rows (TAM) by what is taken away to SAM and SOM; none where rows are not counted."""
    rows = _whole(scored.get("rows"))
    if not rows:
        return []
    away = [("Not readable", "rejected"), ("Outside the filters", "ineligible"), ("Customers, left out", "suppressed")]
    lost = [(name, _whole(scored.get(key))) for name, key in away]
    serviceable = rows - sum(count for _, count in lost)
    steps = [Step("TAM: the list", rows, True)]
    steps += [Step(name, count, False) for name, count in lost if count]
    steps.append(Step("SAM: serviceable", serviceable, True))
    tiers = scored.get("tiers") or {}
    capacity = scored.get("obtainable")
    if capacity is None:
        below = [letter for letter in tiers if letter not in WORKED]
        left = [Step(f"Tier {letter}", _whole(tiers[letter]), False) for letter in sorted(below, reverse=True)]
        steps += [step for step in left if step.count]
        steps.append(Step("SOM: tier A or B", sum(_whole(tiers.get(letter)) for letter in WORKED), True))
    else:
        steps.append(Step("Beyond the capacity", max(serviceable - _whole(capacity), 0), False))
        steps.append(Step("SOM: the best of them", min(_whole(capacity), serviceable), True))
    return steps


def list_view(
    scored: Mapping[str, Any], as_of: date | None = None, evaluation: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what became of a list.

    Parameters
    ----------
    scored : mapping
        See `report_context`.
    as_of : date, optional
        The day of the customers' data.
    evaluation : mapping, optional
        The model's, for what the accounts of each step would be worth.
    """
    told = steps_worth(scored.get("tiers") or {}, scored.get("obtainable"), evaluation or {})
    worth = {step["step"]: step["words"] for step in told}
    rows = _whole(scored.get("rows"))
    accounts = list(scored.get("top_accounts") or ())
    top = [_account(k, row) for k, row in enumerate(accounts[:MAX_TOP], 1)]
    return {
        "steps": [_step(step, rows, worth) for step in market_steps(scored)],
        "obtainable": (
            "Obtainable is what the stated capacity can work, best first."
            if scored.get("obtainable") is not None
            else "Obtainable is what is in tier A or B: no capacity was stated when the list was scored."
        ),
        "statuses": [
            {"name": f.capital(key), "count": f.count(scored.get(key))} for key in STATUSES if scored.get(key)
        ],
        "outside": f.count(scored["outside_support"]) if scored.get("outside_support") else "",
        "missing": f.listed([f.clean(name, 60) for name in scored.get("missing_fields") or ()], MAX_FIELDS),
        "old": _old(scored.get("as_of"), as_of),
        "top": top,
        "shown": f.count(len(top)),
        "of": f.count(scored.get("scored")),
    }


def _whole(value: Any) -> int:
    return int(value) if f.known(value) else 0


def step_words(step: Step) -> str:
    """Return how many accounts are left, or with a minus are taken away."""
    return f"{'' if step.total else '−'}{f.count(step.count)}"


def _step(step: Step, rows: int, worth: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": step.name,
        "count": step_words(step),
        "share": f.percent(step.count / rows),
        "total": step.total,
        "worth": worth.get(step.name.split(":")[0], "") if step.total else "",
    }


def _old(scored: Any, learned: date | None) -> str:
    """Say so where the list is much younger than what the model learned from."""
    try:
        when = date.fromisoformat(str(scored))
    except ValueError:
        return ""
    if learned is None or (when - learned).days <= OLD_DAYS:
        return ""
    return (
        f"The customers' data are of {learned.isoformat()}, the list was scored as of {when.isoformat()}: "
        f"{(when - learned).days / 365.25:.1f} years later. What made a customer best may have changed; train again."
    )


def _account(place: int, row: Mapping[str, Any]) -> dict[str, Any]:
    reasons = [row.get(f"reason_{i}") for i in range(1, MAX_REASONS + 1)]
    rank = row.get("rank")
    fit = row.get("fit_score")
    return {
        "rank": f.count(rank) if f.known(rank) else str(place),
        "rank_key": f"{rank if f.known(rank) else place:.0f}",
        "name": _text(row.get("name")) or _text(row.get("account_id")) or f.NONE,
        "domain": _text(row.get("domain")),
        "tier": _text(row.get("tier")) or f.NONE,
        "fit": f.number(fit, 0),
        "fit_key": f"{fit:.6f}" if f.known(fit) else "0",
        "span": f.span(row.get("fit_low"), row.get("fit_high"), 0),
        "held": row.get("in_support") is False,
        "reasons": [f.clean(r, 240) for r in reasons if isinstance(r, str) and r],
    }


def _text(value: Any) -> str:
    """Return a cell's text; pandas writes a missing one as NaN."""
    return "" if value is None or value != value else f.clean(value, 80)
