"""What the profile's document holds about traits and segments, as parts of a Markdown page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from icp_ml.report import formats as f
from icp_ml.report.markdown_text import bullets, table

GROUPS = ("filters", "signals", "anti_traits", "further")
MAX_ROWS = 200  # of a table


def trait_parts(document: Mapping[str, Any]) -> list[str]:
    """Return what lies behind each trait: support, what it does to each outcome, reasons customers gave, stand-ins.

    Parameters
    ----------
    document : mapping
        `IdealCustomerProfile.to_dict()`.
    """
    traits = list(_measured(document))
    if not traits:
        return []
    support = [
        (
            f.clean(t["sentence"]),
            f.clean(t["category"]).replace("_", " "),
            f.percent(t["best_support"]),
            f.percent(t["worst_support"]),
            f.percent(t["market_share"]),
            f.clean(t["who"]),
        )
        for t in traits
    ]
    parts = [
        "## Behind the traits",
        table(("trait", "category", "of best", "of worst", "of the list", "who acts on it"), support),
    ]
    together = [f"{f.clean(t['sentence'])}; usually also: {f.listed(_names(t))}" for t in traits if _names(t)]
    parts += ["Named together, as they go together:", *bullets(together)] if together else []
    return [*parts, *_outcomes(traits), *_objections(traits)]


def segment_parts(document: Mapping[str, Any]) -> list[str]:
    """Return the segments, where there are several."""
    segments = list(document.get("segments") or ())
    if len(segments) < 2:
        return []
    rows = [
        (
            f.clean(s.get("name") or f"segment {k}"),
            f.clean(s.get("sentence") or ""),
            f.count(s.get("customers")),
            f.count(s.get("best")),
            f.percent(s.get("rate")),
        )
        for k, s in enumerate(segments, 1)
    ]
    why = [f"{row[0]}: {f.sentence(s['why'])}" for row, s in zip(rows, segments, strict=True) if s.get("why")]
    return ["## Segments", table(("segment", "which accounts", "customers", "best", "of them"), rows), *bullets(why)]


def _measured(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Return the traits that customers stand behind, in the profile's order."""
    return (t for name in GROUPS for t in document.get(name) or () if t["customers"])


def _names(trait: Mapping[str, Any]) -> list[str]:
    return [f.clean(name, 80) for name in list(trait.get("stand_ins") or ())[:5]]


def _outcomes(traits: list[Mapping[str, Any]]) -> list[str]:
    rows = [
        (
            f.clean(trait["sentence"]),
            f.clean(one.get("outcome") or ""),
            _amount(one.get("inside"), one.get("unit")),
            _amount(one.get("outside"), one.get("unit")),
            _difference(one),
            f.count(one.get("customers")),
        )
        for trait in traits
        for one in trait.get("outcomes") or ()
    ][:MAX_ROWS]
    if not rows:
        return []
    head = ("trait", "outcome", "with it", "without it", "difference (95% interval)", "customers with it")
    return [
        "## What each trait does to the outcomes",
        "Means of customers with and without the trait; differences of shares are in percentage points.",
        table(head, rows),
    ]


def _objections(traits: list[Mapping[str, Any]]) -> list[str]:
    rows = [
        (
            f.clean(trait["sentence"]),
            f.clean(one.get("column") or "").replace("_", " "),
            f.clean(one.get("reason") or ""),
            f.percent(one.get("inside")),
            f.percent(one.get("outside")),
            f.count(one.get("customers_inside")),
        )
        for trait in traits
        for one in trait.get("objections") or ()
    ][:MAX_ROWS]
    if not rows:
        return []
    head = ("trait", "asked about", "reason", "with the trait", "without it", "customers with it")
    return ["## Reasons customers gave", "Shares are of those who gave any reason.", table(head, rows)]


def _amount(value: Any, unit: Any) -> str:
    """Return a mean with its unit: "91%", "42 points", "$1,200"."""
    if not f.known(value):
        return f.NONE
    digits = 0 if abs(value) >= 100 else 1
    text = f"{value:,.{digits}f}".replace("-", "−")
    if unit == "$":
        return f"${text}" if value >= 0 else f"−${text[1:]}"
    return f"{text}{'' if unit in (None, '', '%') else ' '}{f.clean(unit or '', 20)}"


def _difference(one: Mapping[str, Any]) -> str:
    value, low, high = (one.get(key) for key in ("difference", "low", "high"))
    if not f.known(value):
        return f.NONE
    digits = 0 if max(abs(float(v)) for v in (value, low, high) if v is not None and f.known(v)) >= 100 else 1
    span = f.span(low, high, digits, sign=True)
    return f.signed(value, digits) + (f" ({span})" if span else "")
