"""How customers and list differ: one number, the fields behind it, what drifted, what the list has less of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from icp_ml.report import formats as f
from icp_ml.report.columns_view import FULL_DRIFT, LARGE_DRIFT, LARGE_GAP

MAX_FIELDS = 10
MIN_DRIFT = 0.1
APART = "Customers and list are different populations"  # how the guard's own note on it begins
MEANINGS = (
    (0.6, "much alike", "Customers and list are much alike"),
    (0.75, "somewhat different", "Customers and list are somewhat different"),
    (0.85, "clearly different", "Customers and list are clearly different"),
    (1.01, "very different", "Customers and list are very different: few accounts of the list are like a customer"),
)


def population_view(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how customers and list differ; None without a list.

    Parameters
    ----------
    report : mapping
        `DataReport.to_dict()`.
    """
    if not report.get("market"):
        return None
    auc: Any = report.get("population_auc")
    used = [c for c in report.get("columns") or () if c["verdict"] == "accept"]
    return {
        "auc": f.number(auc) if f.known(auc) else "",
        "short": next((short for below, short, _ in MEANINGS if auc < below), "") if f.known(auc) else "",
        "warn": bool(f.known(auc) and auc >= MEANINGS[2][0]),
        "sentence": _sentence(auc),
        "fields": [
            {"field": f.clean(name, 80), "auc": f.number(value), "bar": max(0.0, 2 * value - 1)}
            for name, value in (report.get("population_fields") or {}).items()
            if f.known(value)
        ][:MAX_FIELDS],
        "drift": _drift(used),
        "gaps": _gaps(used),
    }


def _sentence(auc: Any) -> str:
    if not f.known(auc):
        return "How different customers and list are cannot be told: too few rows, or no field that both have."
    meaning = next(words for below, _, words in MEANINGS if auc < below)
    return (
        f"{meaning}. Of a customer and an account of the list, the fields tell which is which {100 * auc:.0f} times in "
        f"100 (AUC {f.number(auc)}; guessing: 50 times)."
    )


def _drift(columns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the fields whose values differ most, the most first."""
    found = [c for c in columns if f.known(c.get("drift")) and c["drift"] >= MIN_DRIFT]
    return [
        {
            "field": f.clean(c["field"], 80),
            "drift": f.number(c["drift"]),
            "bar": c["drift"] / FULL_DRIFT,
            "high": c["drift"] >= LARGE_DRIFT,
            "unseen": f.percent(c.get("unseen_market")) if c.get("unseen_market") else "",
        }
        for c in sorted(found, key=lambda c: -c["drift"])[:MAX_FIELDS]
    ]


def _gaps(columns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the fields that the list knows much less of, or more, the widest gap first."""
    known = [c for c in columns if f.known(c.get("coverage_customers")) and f.known(c.get("coverage_market"))]
    gaps = [(c["coverage_market"] - c["coverage_customers"], c) for c in known]
    return [
        {
            "field": f.clean(c["field"], 80),
            "here": f.percent(c["coverage_customers"]),
            "here_bar": c["coverage_customers"],
            "there": f.percent(c["coverage_market"]),
            "there_bar": c["coverage_market"],
        }
        for gap, c in sorted(gaps, key=lambda pair: -abs(pair[0]))[:MAX_FIELDS]
        if abs(gap) >= LARGE_GAP
    ]
