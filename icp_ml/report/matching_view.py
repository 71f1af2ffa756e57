"""Which customers were found on the list, and what was taken over from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icp_ml.report import formats as f

MAX_FIELDS = 12
CONTRADICTS = 0.1  # share of contradicting values worth showing
GROUPS = ("best", "middle", "worst", "too_young")
NAMES = {"too_young": "too young to be judged", "middle": "in the middle"}


def matching_view(matches: Mapping[str, Any], enrichment: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how customers were found on the list; None where they were not looked for.

    Parameters
    ----------
    matches : mapping
        `Matches.to_dict()`.
    enrichment : mapping
        `EnrichmentPlan.to_dict()`, or `Enrichment.to_dict()` with `matched_shares` and `survivorship` where they are
        known.
    """
    if not matches and not enrichment:
        return None
    shares = enrichment.get("matched_shares") or {}
    warnings = [enrichment.get("survivorship") or "", *_lines(enrichment, "against"), *_lines(enrichment, "warnings")]
    return {
        "sentence": _sentence(matches or enrichment),
        "how": f.listed([f"{f.clean(how, 40)} {f.count(n)}" for how, n in (matches.get("how") or {}).items()]),
        "enrichment": f.clean(enrichment.get("sentence") or "", 900),
        "written": bool(matches.get("written")),
        "review": f.count(matches["review"]) if matches.get("review") else "",
        "enriched": bool(enrichment.get("enriched", True)),
        "shares": [
            {
                "name": f.capital(NAMES.get(name, name)),
                "customers": f.count(shares[name]["customers"]),
                "share": f.percent(shares[name]["matched"]),
                "bar": shares[name]["matched"],
            }
            for name in GROUPS
            if name in shares
        ],
        "conflicts": _conflicts(enrichment),
        "warnings": f.texts(dict.fromkeys(w for w in warnings if w)),
        "notes": f.texts(matches.get("notes") or ()),
    }


def _lines(enrichment: Mapping[str, Any], key: str) -> list[str]:
    return list(enrichment.get(key) or ())


def _sentence(found: Mapping[str, Any]) -> str:
    customers, matched, review = (int(found.get(key) or 0) for key in ("customers", "matched", "review"))
    share = f" ({f.percent(matched / customers)})" if customers else ""
    words = f"{f.count(matched)} of {f.plural(customers, 'customer')}{share} were found on the list"
    wrong: Any = found.get("expected_wrong")
    if f.known(wrong) and wrong >= 0.5:
        words += f", about {f.number(wrong, 1)} of them wrongly by the probabilities"
    return f"{words}; {f.plural(review, 'more', 'more')} a person has to decide." if review else f"{words}."


def _conflicts(enrichment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the fields in which list and customers contradict each other most."""
    fields = [one for one in enrichment.get("fields") or () if one.get("compared")]
    rates = [(one["conflicts"] / one["compared"], one) for one in fields]
    return [
        {
            "field": f.clean(one.get("label") or one["field"], 80),
            "compared": f.count(one["compared"]),
            "conflicts": f.percent(rate),
            "bar": rate,
            "before": f.percent(one["before"]),
            "after": f.percent(one["after"]),
        }
        for rate, one in sorted(rates, key=lambda pair: (-pair[0], pair[1]["field"]))[:MAX_FIELDS]
        if rate >= CONTRADICTS
    ]
