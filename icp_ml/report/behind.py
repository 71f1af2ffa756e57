"""What stands behind a trait: what goes with it, what it does to each outcome, which reasons customers gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icp_ml.report import formats as f

MAX_ROWS = 50  # of any one part
MAX_NAMED = 5  # stand-ins
CALLED = {"nps": "NPS", "csat": "CSAT"}


def behind_trait(trait: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a trait's document holds beside its rate, each part empty where it has none.

    Parameters
    ----------
    trait : mapping
        `Trait.to_dict()`.
    """
    named = [f.clean(name, 80) for name in list(trait.get("stand_ins") or ())]
    return {
        "stand_ins": f.listed(named, MAX_NAMED),
        "outcomes": [_outcome(one) for one in list(trait.get("outcomes") or ())[:MAX_ROWS]],
        "objections": [_objection(one) for one in list(trait.get("objections") or ())[:MAX_ROWS]],
    }


def _outcome(one: Mapping[str, Any]) -> dict[str, Any]:
    value, low, high = (one.get(key) for key in ("difference", "low", "high"))
    digits, fine = _digits(value, low, high), _digits(one.get("inside"), one.get("outside"))
    name = str(one.get("outcome") or "")
    surely = f.known(low) and f.known(high) and (float(str(low)) > 0 or float(str(high)) < 0)
    return {
        "outcome": CALLED.get(name, f.capital(name.replace("_", " "), 60)),
        "inside": _amount(one.get("inside"), one.get("unit"), fine),
        "outside": _amount(one.get("outside"), one.get("unit"), fine),
        "difference": f.signed(value, digits),
        "span": f.span(low, high, digits, sign=True),
        "sure": surely,
        "customers": f.count(one.get("customers")),
    }


def _amount(value: Any, unit: Any, digits: int) -> str:
    """Return a mean with its unit: "91%", "42 points", "1,200 USD"."""
    if not f.known(value):
        return f.NONE
    text = f"{value:,.{digits}f}".replace("-", "−")
    return f"{text}{'' if unit in (None, '', '%') else ' '}{f.clean(unit or '', 20)}"


def _digits(*values: Any) -> int:
    known = [abs(float(v)) for v in values if f.known(v)]
    return 0 if known and max(known) >= 100 else 1


def _objection(one: Mapping[str, Any]) -> dict[str, str]:
    return {
        "column": f.capital(str(one.get("column") or "").replace("_", " "), 60),
        "reason": f.capital(one.get("reason") or "", 200),
        "inside": f.percent(one.get("inside")),
        "outside": f.percent(one.get("outside")),
        "customers": f.count(one.get("customers_inside")),
    }
