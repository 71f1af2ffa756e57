"""A small model made by hand, for the tests of the report: any text in every place a stranger can write to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.model import ICPModel
from icp_ml.profile import IdealCustomerProfile
from icp_ml.schema import BY_NAME, Field
from icp_ml.scoring.lookalikes import Reference
from icp_ml.settings import Settings
from icp_ml.tiers import TierCutoffs
from icp_ml.traits import Trait

Words = Callable[[str], str]  # what a stranger wrote, in place of a harmless text


def plain(text: str) -> str:
    return text


def make_tables(words: Words = plain) -> ScoringTables:
    """Four fields, one of each kind."""
    employees = FieldEncoding(
        "employees", "numeric", "count", "employees", edges=np.array([-1.0, 50.0, 100.0, 500.0, 2e5])
    )
    industry = FieldEncoding(
        "industry",
        "category",
        "category",
        words("industry"),
        values=("retail", "software"),
        spellings=(words("Retail"), words("Software")),
        rare=("mining",),
    )
    api = FieldEncoding("has_public_api", "boolean", "boolean", words("Has Public API"))
    tools = FieldEncoding(
        "technologies",
        "tokens",
        "token_set",
        "technologies",
        "technographic",
        values=("snowflake", "zoom"),
        spellings=(words("Snowflake"), words("Zoom")),
    )
    encoding = Encoding((employees, industry, api, tools))
    rng = np.random.default_rng(1)
    values = tuple(rng.normal(0, 0.4, term.size) for term in encoding.terms)
    customers = tuple(np.array([20.0, *rng.integers(15, 90, term.size - 1)]) for term in encoding.terms)
    return ScoringTables(
        encoding,
        values,
        tuple(np.full(len(v), 0.02) for v in values),
        -1.1,
        0.01,
        customers,
        tuple(np.floor(n / 4) for n in customers),
        date(2026, 9, 29),
    )


def make_trait(sentence: str, term: str, direction: str, lift: float, **other: Any) -> Trait:
    values: dict[str, Any] = {
        "sentence": sentence,
        "field": term.split("=")[0],
        "term": term,
        "category": "firmographic",
        "direction": direction,
        "codes": (2,),
        "values": {"is": True},
        "customers": 140,
        "best": 60,
        "best_support": 0.26,
        "worst_support": 0.09,
        "rate": 0.25 * lift,
        "lift": lift,
        "lift_low": lift * 0.85,
        "lift_high": lift * 1.2,
        "stability": 0.97,
        "p_value": 0.01,
        "contribution": 0.4 if direction == "positive" else -0.4,
        "market_share": 0.23,
        "who": "marketing targets, sales qualifies",
    }
    return Trait(**{**values, **other})


def make_profile(words: Words = plain) -> IdealCustomerProfile:
    many = [words(f"Industry {k}") for k in range(60)]
    signals = (
        make_trait("101-500 employees", "employees", "positive", 1.4),
        make_trait(f"uses {words('Snowflake')}", "technologies=snowflake", "positive", 1.8, category="technographic"),
    )
    filters = (make_trait("up to 50 employees", "employees", "negative", 0.3, best_support=0.04, market_share=None),)
    against = (make_trait(f"industry: {words('Retail')} or 59 more", "industry", "negative", 0.6, values={"in": many}),)
    evidence = {"mature": 800, "best": 200, "worst": 300, "base_rate": 0.25, "p_value": 0.02}
    return IdealCustomerProfile(True, "4 traits set best customers apart.", filters, signals, against, evidence)


def _learner(name: str, label: str, auc: float, gains: bool = True) -> dict[str, Any]:
    def around(value: float) -> list[float]:
        return [value, value - 0.04, value + 0.04]

    metrics = {
        "auc": around(auc),
        "auc_all": around(auc - 0.04),
        "lift_10": around(2.2),
        "lift_25": around(1.8),
        "log_loss_all": around(0.5),
        "calibration_slope": around(0.97),
        "excess_error": [0.003, -0.01, 0.02],
        "rank_agreement": around(0.41),
    }
    return {"name": name, "label": label, "metrics": metrics, "gains": {"auc": around(0.77 - auc)} if gains else {}}


def make_diagnostics(words: Words) -> dict[str, Any]:
    """Learning curve, suspicious labels, other calibrations, and the three lists."""
    names = (("best", 200, 0.65), ("worst", 300, 0.2), ("market", 5000, 0.3))
    return {
        "lists": [
            {"name": name, "accounts": n, "shares": dict.fromkeys("ABCD", 0.25), "a_or_b": [p, p - 0.05, p + 0.05]}
            for name, n, p in names
        ],
        "lists_sentence": words("Tier A or B holds 65% of best customers."),
        "learning": {
            "points": [
                {"share": s, "customers": 640 * s, "best": 160 * s, "worst": 240 * s,
                 "auc": [0.77 - 0.02 / s, 0.6, 0.8], "log_loss": [0.6, 0.55, 0.65]}
                for s in (0.25, 0.5, 0.75, 1.0)
            ],
            "customers": 800, "auc_gain": [0.02, 0.0, 0.04], "log_loss_gain": [0.01, 0.0, 0.02],
            "headroom": 0.05, "exponent": 0.7, "sentence": words("With twice the customers AUC would rise."),
        },
        "suspicious": {"best": 20, "worst": 30, "expected": 44.0, "expected_low": 30.0, "expected_high": 60.0,
                       "sentence": words("The fields contradict 50 labels.")},
        "recalibration": {
            "log_loss": {name: [0.5, 0.48, 0.52] for name in ("slope_and_intercept", "beta", "venn_abers")},
            "gain": {"beta": [-0.001, -0.002, 0.001]}, "width": 0.02, "sentence": words("Slope and intercept suffice."),
        },
    }  # fmt: skip


def make_evaluation(words: Words = plain) -> dict[str, Any]:
    learners = [
        _learner("icp_ml", "icp_ml", 0.77, gains=False),
        _learner("base_rate", "base rate", 0.5),
        _learner("full", "unconstrained LightGBM", 0.76),
        _learner("size_industry_rule", words("rule: share of best customers"), 0.7),
        {
            **_learner("score_in_use", "the score in use today", 0.55),
            "metrics": {"auc": [0.55, 0.5, 0.6], "log_loss_all": [None, None, None]},
        },
    ]
    tiers = [
        {
            "tier": t,
            "customers": n,
            "best": b,
            "rate": b / n if n else None,
            "rate_low": b / n * 0.8 if n else None,
            "rate_high": b / n * 1.2 if n else None,
            "lift": b / n / 0.25 if n else None,
            "best_share": b / 200,
            "best_share_low": max(b / 200 - 0.05, 0),
            "best_share_high": b / 200 + 0.05,
        }
        for t, n, b in (("A", 100, 56), ("B", 200, 74), ("C", 500, 70), ("D", 0, 0))
    ]
    backtest = {
        "trained_until": "2025-01-15",
        "older": {"best": 160, "worst": 240},
        "newest": {"best": 40, "worst": 60},
        "learners": learners,
        "thresholds": [{"wanted_share": 0.1, "fit_score": 42.4, "share": 0.15, "lift": 1.7}],
        "tiers": tiers,
    }
    gate = {"p_value": 0.02, "passed": True, "statistic": 0.576, "shuffled": 0.689, "permutations": 49, "level": 0.02}
    return {
        "verdict_code": "reliable",
        "verdict": f"The model's AUC is 0.77: better than {words('the rule')}.",
        "cautions": [words("Few customers.")],
        "learners": learners,
        "counts": {"best": 200, "worst": 300, "middle": 300},
        "rule_fields": ["employees", words("industry")],
        "backtest": backtest,
        "backtest_reason": "",
        "gate": gate,
        "folds": 5,
        "repeats": 2,
        "resamples": 500,
        "notes": [words("A note")],
        "tiers": tiers,
        "gave_up": [-0.01, -0.03, 0.01],
        **make_diagnostics(words),
        "rounds": 120,
        "calibration": {"slope": 0.9, "intercept": -0.7},
    }


def make_data_report(words: Words = plain) -> dict[str, Any]:
    def column(field: str, verdict: str, *reasons: str) -> dict[str, Any]:
        return {
            "field": field,
            "label": words(field),
            "kind": "category",
            "verdict": verdict,
            "reasons": list(reasons),
            "coverage_customers": 0.9,
            "coverage_market": None if verdict == "refuse" else 0.7,
        }

    labels = {
        "definition": f"A best customer has not churned and is in the top 25% by {words('nps')}.",
        "binary": False,
        "counts": {
            "customers": 1000,
            "mature": 800,
            "best": 200,
            "worst": 300,
            "middle": 300,
            "too_young": 190,
            "unjudged": 10,
            "churned": 220,
            "too_young_churned": 4,
        },
        "thresholds": {"best_above": 0.76, "worst_below": None},
        "components": {"nps": {"columns": ["nps"], "known": 500}},
        "sensitivity": [
            {"component": "nps", "factor": 0.5, "stay_best": 0.92},
            {"component": "nps", "factor": 1.5, "stay_best": 0.95},
        ],
        "notes": [words("A note on labels")],
    }
    columns = [
        column("health_score", "refuse", words("it tells the outcome")),
        column("employees", "accept"),
        column("last_funding_date", "confirm", words("dated after the sale")),
    ]
    source = {
        "source": words("somewhere/customers.csv"),
        "rows_read": 1000,
        "rows_rejected": 2,
        "id_source": "account_id",
        "notes": [words("A note")],
        "columns": [
            {
                "header": words("# Employees"),
                "field": "employees",
                "changed": 3,
                "dropped": 1,
                "notes": [],
                "examples": [[words("51-200"), "125"]],
            }
        ],
    }
    return {
        "labels": labels,
        "columns": {"customers": 1000, "market": 5000, "columns": columns, "notes": []},
        "source": source,
    }


def make_model(words: Words = plain) -> ICPModel:
    """Return the model; `words` turns each text that comes from a file into what a stranger may have written."""
    tables = make_tables(words)
    fields = {e.field: BY_NAME.get(e.field, Field(e.field, "boolean", label=e.label)) for e in tables.encoding.fields}
    reference = Reference(np.zeros((1, len(tables.terms)), dtype=np.uint16), ("abc",), "salt")
    return ICPModel(
        tables,
        TierCutoffs(44.7, 28.8, 16.3),
        0.05,
        reference,
        make_profile(words),
        make_evaluation(words),
        make_data_report(words),
        Settings(),
        fields,
    )


def without_profile(model: ICPModel, reason: str = "no trait holds up against chance") -> ICPModel:
    """Return the model as if nothing had been found."""
    evaluation = {
        **model.evaluation,
        "verdict_code": "no_signal",
        "verdict": "No profile stronger than the baselines.",
        "backtest": None,
        "backtest_reason": "no column holds the date on which customers signed up",
    }
    return replace(model, profile=IdealCustomerProfile(False, f"no profile found: {reason}"), evaluation=evaluation)


def make_scored(words: Words = plain) -> dict[str, Any]:
    """Return what `ScoreSummary.to_dict` gives, and a few accounts."""
    account = {
        "account_id": "1",
        "name": words("Acme"),
        "domain": words("acme.example"),
        "tier": "A",
        "fit_score": 71.2,
        "fit_low": 55.0,
        "fit_high": 84.0,
        "rank": 1,
        "reason_1": words("Uses Snowflake raises fit"),
        "reason_2": None,
        "reason_3": float("nan"),
    }
    nameless = {**account, "account_id": "2", "name": float("nan"), "domain": None, "rank": 2}
    return {
        "rows": 5000,
        "scored": 4900,
        "ineligible": 40,
        "suppressed": 50,
        "rejected": 10,
        "tiers": {"A": 300, "B": 900, "C": 1700, "D": 2000},
        "missing_fields": [words("technologies")],
        "outside_support": 120,
        "serviceable": 4900,
        "obtainable": 500,
        "top_accounts": [account, nameless],
    }
