"""Adjustment fields: what they take away from the fields they follow, and that no trace of them is scored on."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.special import expit
from scipy.stats import spearmanr

from icp_ml import Settings, read_accounts, train
from icp_ml.accounts.quality import judge_columns
from icp_ml.estimator.adjustment import Adjustment, calibrate_held
from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.calibration import fit_calibration
from icp_ml.estimator.fitting import FieldSpec, FitParams, FittedTables, fit_encoding, fit_tables
from icp_ml.exceptions import SettingsError, TrainingRefused
from icp_ml.gate import permutation_gate, shuffle_labels

SPECS = [
    FieldSpec("employees", "numeric", "count"),
    FieldSpec("industry", "category"),
    FieldSpec("growth", "numeric"),
]
TIER = FieldSpec("tier", "category", label="success tier", adjust=True)
# without pairs: theirs average to zero where fields are independent, not over these customers
PARAMS = FitParams(BoostingParams(bags=6, folds=3), max_pairs=0)


def confounded(n: int, seed: int, strength: float = 1.5):
    """Large companies get the better success tier, and the tier keeps customers; size itself speaks against."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    tier = np.searchsorted([-0.4, 0.6], size + rng.normal(0, 0.7, n))
    industry, growth = rng.integers(0, 6, n), rng.normal(size=n)
    fit = -0.5 * size + 0.8 * (industry < 2) - 0.5 * (industry == 2) + 0.6 * growth
    y = (rng.random(n) < expit(fit + strength * (tier - 1.0) - 0.2)).astype(float)
    columns = {
        "employees": pa.array(np.round(np.exp(4.5 + 1.4 * size))),
        "industry": pa.array([f"industry {k}" for k in industry]),
        "growth": pa.array(growth),
        "tier": pa.array(np.array(["bronze", "silver", "gold"])[tier]),
    }
    return columns, y, fit


@cache
def fits() -> dict[str, FittedTables]:
    columns, y, _ = confounded(600, 3)
    return {
        "plain": fit_tables(columns, SPECS, y, params=PARAMS, n_jobs=1),
        "adjusted": fit_tables(columns, [*SPECS, TIER], y, params=PARAMS, n_jobs=1),
    }


def test_adjusting_takes_the_credit_from_size_and_gives_the_planted_rank_on_the_market():
    market, _, planted = confounded(3000, 99)
    rank = {
        name: spearmanr(fit.tables.log_odds(fit.tables.encode(market, 3000)), planted)[0]
        for name, fit in fits().items()
    }
    assert rank["plain"] < 0.5
    assert rank["adjusted"] > 0.85


def test_no_trace_of_an_adjusted_field_is_in_the_tables():
    tables = fits()["adjusted"].tables
    assert tables.fields == ("employees", "growth", "industry")
    assert {len(tables.terms), len(tables.values), len(tables.variances), len(tables.customers), len(tables.best)} == {
        3
    }
    assert all(enc.freedom == 1.0 and not enc.adjusted for enc in tables.encoding.fields)
    columns, _, _ = confounded(50, 1)
    without = {name: column for name, column in columns.items() if name != "tier"}
    np.testing.assert_array_equal(
        tables.log_odds(tables.encode(columns, 50)), tables.log_odds(tables.encode(without, 50))
    )


def test_adjusted_terms_come_last_so_that_the_others_keep_their_positions():
    columns, _, _ = confounded(100, 1)
    first = replace(TIER, name="a tier")  # before the others by name
    encoding = fit_encoding({**columns, "a tier": columns["tier"]}, [first, *SPECS], PARAMS, None)
    assert [(term.name, term.adjusted) for term in encoding.terms] == [
        ("employees", False),
        ("growth", False),
        ("industry", False),
        ("a tier", True),
    ]


def test_the_average_customer_keeps_its_log_odds_and_the_rate_is_right():
    columns, y, _ = confounded(600, 3)
    fitted = fits()["adjusted"]
    log_odds = fitted.tables.log_odds(fitted.tables.encode(columns, 600))
    assert log_odds.mean() == pytest.approx(fitted.tables.base, abs=1e-9)
    assert expit(fitted.out_of_bag).mean() == pytest.approx(y.mean(), abs=0.03)


def test_what_was_adjusted_for_is_told():
    adjustment = fits()["adjusted"].adjustment
    (field,) = adjustment.fields
    assert (field.label, field.low_words, field.high_words) == ("success tier", "bronze", "gold")
    assert field.low < -0.7
    assert field.high > 0.7
    assert 0.3 < adjustment.share <= 1.0
    assert "success tier (-" in adjustment.sentence
    assert adjustment.to_dict()["fields"][0]["field"] == "tier"
    assert fits()["plain"].adjustment.to_dict() == Adjustment().to_dict()
    assert fits()["plain"].adjustment.sentence == ""


def test_row_order_and_cores_change_nothing():
    columns, y, _ = confounded(200, 5)
    order = np.random.default_rng(0).permutation(200)
    params = FitParams(BoostingParams(bags=3, folds=2, max_rounds=30))
    first = fit_tables(columns, [*SPECS, TIER], y, params=params, n_jobs=1)
    moved = {name: column.take(pa.array(order)) for name, column in columns.items()}
    second = fit_tables(moved, [TIER, *SPECS], y[order], params=params, n_jobs=2)
    assert all(np.array_equal(a, b) for a, b in zip(first.tables.values, second.tables.values, strict=True))
    assert first.adjustment == second.adjustment
    # customers alike in every code may swap places
    np.testing.assert_array_equal(np.sort(first.out_of_bag), np.sort(second.out_of_bag))


def test_only_adjusted_fields_are_nothing_to_score_on():
    columns, y, _ = confounded(60, 5)
    with pytest.raises(TrainingRefused, match="no field can be used"):
        fit_tables(columns, [TIER], y, params=PARAMS)


def test_calibration_where_nothing_is_adjusted_for_is_the_plain_one():
    rng = np.random.default_rng(0)
    raw = rng.normal(size=300)
    y = (rng.random(300) < expit(raw)).astype(float)
    assert calibrate_held(raw, np.zeros(300), y, np.ones(300)) == fit_calibration(raw, y)


def test_calibration_does_not_give_back_what_was_taken_away():
    rng = np.random.default_rng(1)
    held = rng.normal(size=20_000)
    adjusted = -1.5 * held + 0.3 * rng.normal(size=20_000)  # favours what the fields speak against
    y = (rng.random(20_000) < expit(held + adjusted)).astype(float)
    assert fit_calibration(held, y).slope < 0.1
    assert 0.6 < calibrate_held(held, adjusted, y, np.ones(20_000)).slope < 1.0


def test_calibration_beside_an_unrelated_adjustment_is_for_the_customers_there_are():
    rng = np.random.default_rng(2)
    held, adjusted = rng.normal(size=20_000), 2.0 * rng.normal(size=20_000)
    y = (rng.random(20_000) < expit(held + adjusted)).astype(float)
    plain, found = fit_calibration(held, y), calibrate_held(held, adjusted, y, np.ones(20_000))
    assert found.slope == pytest.approx(plain.slope, abs=0.03)
    assert found.intercept == pytest.approx(plain.intercept, abs=0.03)


def test_the_gate_does_not_pass_for_what_adjusted_fields_tell():
    rng = np.random.default_rng(7)
    tier = rng.integers(0, 3, 300)
    columns = {
        "tier": pa.array(np.array(["a", "b", "c"])[tier]),
        "size": pa.array(tier + rng.normal(0, 0.3, 300)),
        "noise": pa.array(rng.normal(size=300)),
    }
    y = (rng.random(300) < expit(1.5 * (tier - 1))).astype(float)
    fields = [FieldSpec("size", "numeric"), FieldSpec("noise", "numeric")]
    assert permutation_gate(columns, fields, y, n_jobs=1).passed
    tiers = FieldSpec("tier", "category", adjust=True)
    assert not permutation_gate(columns, [*fields, tiers], y, n_jobs=1).passed
    told = (rng.random(300) < expit(1.5 * (tier - 1) + 1.5 * columns["noise"].to_numpy())).astype(float)
    assert permutation_gate(columns, [*fields, tiers], told, n_jobs=1).passed


def test_labels_are_shuffled_within_strata():
    rng = np.random.default_rng(3)
    stratum = np.repeat(np.arange(4), 25)
    y = (rng.random(100) < 0.5).astype(float)
    out = shuffle_labels(y, np.arange(100), rng, stratum)
    assert not np.array_equal(out, y)
    assert [out[stratum == s].sum() for s in range(4)] == [y[stratum == s].sum() for s in range(4)]


def customers(n: int = 160) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    tier = rng.integers(0, 3, n)
    size = np.round(np.exp(4 + 0.7 * tier + rng.normal(0, 0.8, n)))
    growth = np.round(rng.normal(0.1, 0.1, n), 3)
    churned = rng.random(n) > expit(1.2 * (tier - 1) + 12 * (growth - 0.1) + 0.8)
    return pd.DataFrame(
        {
            "Account ID": [f"a{i}" for i in range(n)],
            "Employees": size,
            "Employee Growth": growth,
            "Industry": rng.choice(["software", "retail", "banking"], n),
            "Success Tier": np.array(["tech touch", "pooled", "named"])[tier],
            "Churned": np.where(churned, "yes", "no"),
            "NRR": np.round(100 + 8 * tier + 60 * (growth - 0.1) + rng.normal(0, 8, n), 1),
            "NPS": np.clip(np.round(6 + tier + rng.normal(0, 2, n)), 0, 10),
        }
    )


def settings(**fields: object) -> Settings:
    return Settings.build(
        {
            "as_of": "2026-10-01",
            "fields": fields,
            "model": {"bags": 2},
            "evaluation": {"folds": 2, "repeats": 1},
        }
    )


def test_training_adjusts_for_a_customer_only_field_and_says_so():
    chosen = settings(adjust_for=["success_tier"])
    accounts = read_accounts(customers(), chosen)
    listed = read_accounts(
        customers()[["Account ID", "Employees", "Employee Growth", "Industry"]], chosen, like=accounts
    )
    run = train(accounts, chosen, listed, n_jobs=1)
    (verdict,) = [c for c in run.data_report.columns if c.field == "success_tier"]
    assert verdict.verdict == "adjust"
    assert verdict.reasons[0].startswith("it is adjusted for (fields.adjust_for)")
    assert not any("the list does not have it" in reason for reason in verdict.reasons)
    assert run.data_report.adjusted == ["success_tier"]
    assert "success_tier" not in run.model.fields
    assert "success_tier" not in run.model.tables.fields
    assert "success_tier" not in run.evaluation.rule_fields
    told = run.model.evaluation["adjustment"]
    assert [field["field"] for field in told["fields"]] == ["success_tier"]
    assert any("never scored on: success tier" in note.casefold() for note in run.evaluation.notes)
    assert "adjusted for" in run.profile.to_markdown().casefold()


@pytest.mark.parametrize(
    ("names", "match"),
    [
        (
            ["sucess_tier"],
            "'sucess_tier', which is not a column of the customers' table; perhaps success_tier is meant",
        ),
        (["churned"], "'churned', which is an outcome: customers are judged by it"),
        (["account_id"], r"'account_id', which names or describes accounts; .*custom: \[\{name: account_id"),
        (["empty"], "'empty', which has no value for any customer"),
        (["same"], "'same', which has the same value for every customer"),
    ],
)
def test_what_cannot_be_adjusted_for_is_refused_by_name(names, match):
    chosen = settings(adjust_for=names)
    frame = customers(40).assign(empty=pd.Series([None] * 40, dtype="string"), same="x")
    accounts = read_accounts(frame, chosen)
    status = pd.Series(["best", "worst"] * 20)
    with pytest.raises(SettingsError, match=match):
        judge_columns(accounts.table, accounts.fields, status, settings=chosen)


@pytest.mark.parametrize("part", ["exclude", "confirm"])
def test_a_field_has_one_part(part):
    with pytest.raises(SettingsError, match=f"'tier' is named under fields.{part} and under fields.adjust_for"):
        Settings.build({"fields": {"adjust_for": ["tier"], part: ["tier"]}})
