"""What people said and decided beside the data, for a reader: beliefs, overrides, past sales, a new market."""

from __future__ import annotations

from typing import Any

from icp_ml.profile import IdealCustomerProfile
from icp_ml.profile.markdown import SOLD, outside_words
from icp_ml.report import formats as f

MAX_ROWS = 60


def decided_view(profile: IdealCustomerProfile) -> dict[str, Any]:
    """Return the parts of the profile that people had a hand in; empty lists where nobody had."""
    derived = profile.kind == "derived"
    return {
        "kind": profile.kind,
        "notes": f.texts(profile.evidence.get("notes") or ()),
        "sold_lead": SOLD,
        "sold": _sold(profile),
        "beliefs": [
            {
                "statement": f.capital(row["statement"]),
                "believed": f.clean(row["believed"]),
                "data": f.clean(row["data"], 300),
                "verdict": f.clean(row["verdict"], 40),
                "why": f.clean(row.get("why") or "", 300),
            }
            for row in profile.beliefs[:MAX_ROWS]
        ],
        "beliefs_title": "What we believed, what the data say" if derived else "What we believe",
        "overrides": [
            {
                "words": f.capital(row["words"]),
                "reason": f.clean(row["reason"], 300),
                "by": f.clean(row.get("by") or ""),
                "cost": f.clean(row.get("cost_words") or "", 300),
            }
            for row in profile.overrides
        ],
        "market": _market(profile),
    }


def _sold(profile: IdealCustomerProfile) -> list[dict[str, str]]:
    outside = {e["statement"]: e for e in profile.evidence.get("outside_sold_so_far") or ()}
    return [
        {
            "statement": f.capital(t.sentence),
            "best": f.percent(t.best_support),
            "worst": f.percent(t.worst_support),
            "market": f.percent(t.market_share),
            "outside": outside_words(outside.get(t.sentence)),
        }
        for t in profile.sold_so_far
    ]


def _market(profile: IdealCustomerProfile) -> dict[str, Any] | None:
    found = profile.new_market
    if not found:
        return None
    rows = [
        {
            "statement": f.capital(t["statement"]),
            "core": f.clean(t["core_words"]),
            "entered": f.clean(t["entered_words"]),
            "verdict": f.clean(t["verdict"], 60),
        }
        for t in found.get("traits") or ()
    ]
    return {"name": f.capital(found["statement"]), "sentence": f.capital(found["sentence"], 900), "rows": rows}
