"""Several profiles in one model: each segment with its customers and what sets its best ones apart, ready to show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icp_ml.model import ICPModel
from icp_ml.report import formats as f

MAX_WHY = 600


def segments_view(model: ICPModel) -> dict[str, Any]:
    """Return the segments of a model, none where there is one profile for all, and why there are as many.

    Returns
    -------
    dict
        `rows`: per segment name, sentence, customers, best, rate, share of the list, why, and its traits; `why`:
        sentences on every split that was tried.
    """
    said = (model.evaluation.get("segments") or {}).get("sentences") or ()
    return {
        "rows": [_row(segment) for segment in model.profile.segments],
        "why": [f.clean(text, MAX_WHY) for text in said],
        "unknown": "An account whose value of that field is not known is scored by the tables of all customers.",
    }


def _row(segment: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": f.capital(segment["name"], 200),
        "sentence": f.capital(segment["sentence"], 200),
        "customers": f.count(segment["customers"]),
        "best": f.count(segment["best"]),
        "rate": f.percent(segment["rate"]),
        "market": f.percent(segment.get("market_share")),
        "why": f.clean(segment.get("why") or "", MAX_WHY),
        "traits": [_trait(trait) for trait in segment.get("traits") or ()],
    }


def _trait(trait: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "positive": trait["direction"] == "positive",
        "sentence": f.capital(trait["sentence"], 200),
        "rate": f.percent(trait["rate"]),
        "lift": f.times(trait["lift"]),
        "lift_span": f.span(trait["lift_low"], trait["lift_high"], 1),
        "customers": f.count(trait["customers"]),
    }
