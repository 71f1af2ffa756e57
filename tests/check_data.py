"""What `icp-ml check` found, made by hand: any text in every place a stranger can write to."""

from __future__ import annotations

from typing import Any

from tests.report_model import Words, make_data_report, plain


def make_judged(
    field: str, verdict: str = "accept", *reasons: str, words: Words = plain, **other: Any
) -> dict[str, Any]:
    """One column's verdict."""
    return {
        "field": field,
        "label": words(field),
        "kind": "category",
        "verdict": verdict,
        "reasons": [words(reason) for reason in reasons],
        "coverage_customers": 0.9,
        "coverage_market": 0.7 if verdict == "accept" else None,
        "distinct": 12,
        "auc": 0.6,
        "unseen_market": 0.04,
        **other,
    }


def make_read(field: str, words: Words = plain, **other: Any) -> dict[str, Any]:
    """How one column was read."""
    return {
        "header": words(field.replace("_", " ").title()),
        "field": field,
        "label": words(field),
        "kind": "category",
        "role": "feature",
        "how": "alias",
        "filled_share": 0.9,
        "distinct": 12,
        "changed": 0,
        "dropped": 0,
        "placeholders": 0,
        "examples": [],
        "notes": [],
        **other,
    }


def make_audit(words: Words = plain) -> dict[str, Any]:
    """An audit of two outcomes, as `LabelAudit.to_dict()` gives it."""
    groups = [
        {"group": name, "customers": n, "composite_least": low, "composite_most": low + 1, "kept": kept,
         "nps_median": nps, "net_revenue_retention_median": nrr}
        for name, n, low, kept, nps, nrr in (
            ("best", 200, 0.75, 1.0, 9.0, 1.23), ("middle", 300, -0.9, 1.0, 7.0, 1.0),
            ("worst", 300, -2.0, 0.13, 5.0, None))
    ]  # fmt: skip
    components = [
        {
            "name": name,
            "columns": [name],
            "weight": 1.0,
            "known": known,
            "share_known": known / 800,
            "share_of_variance": v,
        }
        for name, known, v in (("retention", 800, 0.6), ("nps", 400, 0.4))
    ]
    change = {"change": f"Without {words('NPS')}", "best": 190, "stay_best": 0.55, "stay_worst": 0.96}
    milder = {"change": "With NPS counted twice", "best": 200, "stay_best": 0.94, "stay_worst": 0.99}
    points = [
        {"days": days, "kept": kept, "low": kept - 0.02, "high": kept + 0.02, "at_risk": n}
        for days, kept, n in ((90, 0.98, 900), (365, 0.88, 700), (730, 0.75, 300))
    ]
    cohorts = [
        {"cohort": k, "signed_from": f"2024-0{k}-01", "signed_to": f"2024-0{k}-28", "customers": 400,
         "kept_at_horizon": 0.9, "best": 0.25, "worst": 0.3}
        for k in (1, 2)
    ]  # fmt: skip
    boundary = [
        {"boundary": b, "side": side, "account_id": words(f"{b} {side}"), "composite": 0.75, "nps": 8.0,
         "net_revenue_retention": None, "days": 479.0}
        for b in ("best", "worst") for side in ("above", "below")
    ]  # fmt: skip
    return {
        "groups": groups,
        "components": components,
        "agreement": [{"first": "retention", "second": "nps", "n": 400, "correlation": 0.17}],
        "sensitivity": [milder, change],
        "cohorts": cohorts,
        "curve": {"customers": 1000, "left": 220, "points": points},
        "top_five": {"annual_revenue_from_customer_usd": 0.305},
        "warnings": [words("Five accounts carry it all")],
        "boundary": boundary,
    }


def make_check_data(words: Words = plain) -> dict[str, Any]:
    """Return what `check_context` takes: a list too, one column asked about, three left out."""
    data = make_data_report(words)
    columns = [
        make_judged("account_id", "refuse", "it names or describes the account and is carried along", words=plain),
        make_judged("churned", "refuse", "it is an outcome, measured after the sale", words=plain),
        make_judged("health_score", "refuse", "it tells the outcome", "the list does not have it", words=words),
        make_judged("employees", auc=0.55, drift=0.04),
        make_judged("industry", "accept", "90% of customers have it, but only 20% of the list", words=words, auc=0.7,
                    coverage_market=0.2, drift=0.31),
        make_judged("last_funding_date", "confirm", "dated after the sale", words=words),
    ]  # fmt: skip
    columns[-1]["reasons"].append(
        "if it was known before the sale, name it under  fields: {confirm: [last_funding_date]}"
    )
    read = [
        make_read(
            "employees", words, changed=3, dropped=1, examples=[[words("51-200"), "125"], [words("x"), "no number"]]
        ),
        make_read("industry", words, notes=[words("A note on industry")]),
        make_read("churned", words, role="outcome"),
    ]
    return {
        **data,
        "source": {**data["source"], "columns": read},
        "list": {**data["source"], "source": words("lists/market.csv"), "rows_rejected": 0, "columns": read[:1]},
        "columns": {
            "customers": 1000,
            "market": 5000,
            "columns": columns,
            "notes": [words("A note on columns")],
            "population_auc": 0.78,
            "population_fields": {"industry": 0.7, "employees": 0.56},
        },
        "audit": make_audit(words),
        "distribution": {"edges": [-1.0, 0.0, 1.0], "worst": [300, 0], "middle": [100, 200], "best": [0, 200]},
        "refused": [],
        "next": f"icp-ml train {words('customers.csv')} --out model",
    }


def refused(data: dict[str, Any], *why: str) -> dict[str, Any]:
    """Return the data as if training were refused."""
    return {**data, "refused": list(why), "next": ""}
