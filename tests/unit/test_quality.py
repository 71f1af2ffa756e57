import json
import os
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from icp_ml.accounts.quality import check_usable, judge_columns, without_own_product
from icp_ml.exceptions import TrainingRefused
from icp_ml.outcomes import OutcomeDefinition
from icp_ml.schema import BY_NAME, Field, field_of_header, header_key
from icp_ml.settings import Settings

N = 1200
SHARED = Path(os.environ.get("ICP_ML_SHARED", Path(__file__).parents[3] / "shared"))


class World:
    """Customers with honest fields; tests add the column they ask about."""

    def __init__(self, n=N, seed=0):
        self.rng = rng = np.random.default_rng(seed)
        size = rng.normal(4, 1.5, n)
        industry = rng.integers(0, 8, n)
        log_odds = 0.7 * (size > 4.5) + 0.9 * (industry < 2) - 0.8
        self.best = rng.random(n) < 1 / (1 + np.exp(-log_odds))
        self.status = pd.Series(np.where(self.best, "best", "worst"))
        since = np.datetime64("2020-01-01") + rng.integers(0, 1500, n).astype("timedelta64[D]")
        self.since = since.astype("datetime64[s]")
        self.columns = {
            "employees": pa.array(np.exp(size).round()),
            "industry": pa.array([f"industry {i}" for i in industry]).dictionary_encode(),
            "country": pa.array([f"C{i}" for i in rng.integers(0, 12, n)]).dictionary_encode(),
            "churned": pa.array(~self.best),
            "customer_since": pa.array(self.since),
        }
        self.fields = {name: BY_NAME[name] for name in self.columns}

    def add(self, name, values, kind="number", mask=None):
        array = values if isinstance(values, pa.Array) else pa.array(values)
        if mask is not None:
            array = pa.array([None if gone else v for v, gone in zip(array.to_pylist(), mask, strict=True)], array.type)
        self.columns[name] = array
        self.fields[name] = BY_NAME.get(name, Field(name, kind))
        return self

    @property
    def table(self):
        return pa.table(self.columns)

    def judge(self, settings=None, **more):
        return judge_columns(self.table, self.fields, self.status, settings=Settings.build(settings or {}), **more)


def of(report, name):
    return next(column for column in report.columns if column.field == name)


def test_honest_fields_are_accepted_and_outcomes_refused():
    report = World().judge()
    assert report.accepted == ["employees", "industry", "country"]
    assert "outcome" in of(report, "churned").reasons[0]
    assert 0.55 < of(report, "industry").auc < 0.75
    assert 0.4 < of(report, "country").auc < 0.6
    check_usable(report)


def test_a_copy_of_the_label_is_refused_whatever_its_name():
    world = World()
    world.add("colour", pa.array(np.where(world.best, "red", "blue")).dictionary_encode(), "category")
    noisy = np.where(world.rng.random(N) < 0.005, ~world.best, world.best)
    world.add("shape", noisy, "boolean")
    report = world.judge()
    assert set(report.refused) >= {"colour", "shape"}
    assert "copy of" in of(report, "colour").reasons[0]


def test_a_near_copy_of_another_outcome_is_refused():
    world = World()
    nrr = world.rng.normal(1, 0.2, N)
    world.add("net_revenue_retention", nrr)
    world.add("height", 50 - 3 * nrr**3 + world.rng.normal(0, 0.01, N))
    world.add("days_known", (np.datetime64("2025-01-01") - world.since).astype("timedelta64[D]").astype(float))
    report = world.judge()
    assert "near-copy of the outcome 'net_revenue_retention'" in of(report, "height").reasons[0]
    assert "near-copy of the outcome 'customer_since'" in of(report, "days_known").reasons[0]


def test_a_suspiciously_strong_field_is_asked_about_until_confirmed():
    world = World()
    world.add("width", world.best + world.rng.normal(0, 0.6, N))
    column = of(world.judge(), "width")
    assert column.verdict == "confirm"
    assert "AUC 0." in column.reasons[0]
    assert "fields: {confirm: [width]}" in column.reasons[-1]
    report = world.judge({"fields": {"confirm": ["width"]}})
    assert "width" in report.accepted
    assert "vouched for" in of(report, "width").reasons[0]


def test_confirming_does_not_lift_a_refusal():
    world = World()
    world.add("shape", world.best, "boolean")
    column = of(world.judge({"fields": {"confirm": ["shape", "churned"]}}), "shape")
    assert column.verdict == "refuse"
    assert "cannot be vouched for" in column.reasons[-1]


def test_what_is_computed_from_a_suspicious_column_is_asked_about():
    world = World()
    term = np.round(60 + 60 * world.best + world.rng.normal(0, 60, N))
    start = world.rng.integers(10_000, 18_000, N).astype(float)
    world.add("length", term).add("begin", start).add("length_squared", term.clip(0) ** 2)
    world.add("finish", start + 30 * term).add("long", term >= 120, "boolean")
    report = world.judge()
    assert set(report.to_confirm) == {"length", "length_squared", "finish", "long"}
    assert "computed from 'length'" in of(report, "finish").reasons[0]
    assert "fixes it" in of(report, "long").reasons[0]
    assert "begin" in report.accepted


def test_missingness_that_decides_is_refused():
    world = World()
    state = pa.array([f"s{i}" for i in world.rng.integers(0, 5, N)]).dictionary_encode()
    world.add("region_code", state, "category", mask=~world.best)
    world.add("reason_given", state, "category", mask=world.best)
    partly = ~(~world.best & (world.rng.random(N) < 0.2))
    world.add("exit_note", state, "category", mask=partly)
    report = world.judge()
    assert "where it is missing, 0 are best" in of(report, "region_code").reasons[0]
    assert "where it is missing, 0 are worst" in of(report, "reason_given").reasons[0]
    assert {"region_code", "reason_given"} <= set(report.refused)
    plan = world.add("plan", state, "category", mask=world.rng.random(N) < np.where(world.best, 0.05, 0.9)).judge()
    assert "of best and" in of(plan, "plan").reasons[0]
    assert [of(report, "exit_note").verdict, of(plan, "plan").verdict] == ["confirm"] * 2


def test_missingness_that_only_predicts_is_neutralised():
    world = World()
    gone = world.rng.random(N) < np.where(world.best, 0.1, 0.5)
    world.add("revenue_usd", np.exp(world.rng.normal(10, 1, N)), mask=gone)
    world.add("founded_year", world.rng.integers(1950, 2020, N).astype(float), mask=world.rng.random(N) < 0.3)
    report = world.judge()
    assert report.neutralise == ["revenue_usd"]
    assert {"revenue_usd", "founded_year"} <= set(report.accepted)
    assert of(report, "revenue_usd").missing_lift < 0.7


@pytest.mark.parametrize("name", ["churn_risk", "last_login", "support_tickets_90d", "health_score", "mrr_band", "csm"])
def test_names_from_after_the_sale_are_asked_about(name):
    world = World()
    world.add(name, world.rng.normal(size=N))
    assert of(world.judge(), name).verdict == "confirm"


@pytest.mark.parametrize(
    "name", ["healthcare", "marketing_hires", "arrangement", "usagency", "wonder", "payment_method"]
)
def test_names_that_only_look_alike_are_not(name):
    world = World()
    world.add(name, world.rng.normal(size=N))
    assert of(world.judge(), name).verdict == "accept"


def test_identifiers_texts_and_constants_hold_nothing_to_learn():
    world = World()
    world.add("ticket_no", world.rng.permutation(np.arange(10_000_000, 10_000_000 + N)).astype(float))
    world.add("row", world.rng.permutation(N).astype(float))
    world.add("hash", pa.array([f"x{i}" for i in range(N)]).dictionary_encode(), "category")
    world.add("story", pa.array(["once upon a time"] * N), "text")
    world.add("planet", pa.array(["earth"] * N).dictionary_encode(), "category")
    world.add("almost", np.arange(N) < 3, "boolean")
    world.add("empty", pa.nulls(N, pa.float64()))
    world.add("city", pa.array([f"city {i}" for i in world.rng.integers(0, 500, N)]).dictionary_encode())
    world.add("revenue_usd", np.exp(world.rng.normal(12, 2, N)).round())
    report = world.judge()
    assert set(report.refused) >= {"ticket_no", "row", "hash", "story", "planet", "almost", "empty"}
    assert {"city", "revenue_usd"} <= set(report.accepted)
    assert "nothing to learn from: no customer has a value" in of(report, "empty").reasons[0]


def test_dates_after_the_sale_are_asked_about():
    world = World()
    days = world.rng.integers(1, 900, N).astype("timedelta64[D]")
    world.add("seen", pa.array(world.since + days), "date")
    world.add("last_funding_date", pa.array(world.since - days))
    report = world.judge(as_of=date(2023, 1, 1))
    assert of(report, "seen").verdict == "confirm"
    assert "after the account became a customer" in of(report, "seen").reasons[0]
    assert any("after the as-of date 2023-01-01" in reason for reason in of(report, "seen").reasons)
    assert of(report, "last_funding_date").verdict == "accept"


def test_own_product_is_removed_before_judging():
    world = World()
    sets = [["acme widget", "crm"] if b else ["crm", "erp"] if i % 2 else ["erp"] for i, b in enumerate(world.best)]
    world.add("technologies", pa.array(sets))
    assert of(world.judge(), "technologies").verdict != "accept"
    sets = [
        ["acme widget", t] if b else [t]
        for t, b in zip(np.where(np.arange(N) % 3, "crm", "erp"), world.best, strict=True)
    ]
    world.add("technologies", pa.array(sets))
    column = of(world.judge({"fields": {"own_product": ["Acme  Widget"]}}), "technologies")
    assert column.verdict == "accept"
    assert f"{world.best.sum():,} tokens that name our own product" in column.reasons[-1]


def test_own_product_leaves_empty_and_missing_sets_apart():
    table = pa.table({"technologies": pa.chunked_array([[["us"], None, []], [["us", "crm"], ["crm"]]])})
    clean, removed = without_own_product(table, ["US"])
    assert clean["technologies"].to_pylist() == [[], None, [], ["crm"], ["crm"]]
    assert removed == {"technologies": 2}


def test_a_column_the_list_lacks_is_refused():
    world = World()
    world.add("revenue_usd", np.exp(world.rng.normal(10, 1, N))).add("founded_year", world.rng.normal(2000, 9, N))
    market = pa.table(
        {
            "employees": pa.array([1.0, None, None, None]),
            "industry": pa.array(["industry 1", "new", "new", "new"]).dictionary_encode(),
            "founded_year": pa.nulls(4, pa.float64()),
            "country": pa.array(["C1", "C2", "C3", "C4"]).dictionary_encode(),
        }
    )
    report = world.judge(market=market)
    assert report.accepted == ["employees", "industry", "country"]
    assert "the list does not have it" in of(report, "revenue_usd").reasons[0]
    assert "no account on the list has a value" in of(report, "founded_year").reasons[0]
    assert of(report, "industry").unseen_market == 0.75
    assert of(report, "industry").unseen_customers > 0.8
    assert of(report, "employees").coverage_market == 0.25
    assert report.neutralise == ["employees"]


def test_settings_exclude_and_unknown_names_are_said():
    report = World().judge({"fields": {"exclude": ["country", "moon"]}})
    assert "fields.exclude" in of(report, "country").reasons[0]
    assert "'moon'" in report.notes[0]


def test_too_few_fields_are_refused_with_reasons():
    world = World()
    for name in ("employees", "industry"):
        del world.columns[name]
    world.add("shape", world.best, "boolean").add("usage", world.rng.normal(size=N))
    with pytest.raises(TrainingRefused, match=r"only one field.*'country'.*shape: .*copy.*vouch.*confirm: \[usage\]"):
        check_usable(world.judge())
    del world.columns["country"]
    with pytest.raises(TrainingRefused, match="no field is left"):
        check_usable(world.judge())


def test_row_order_changes_nothing():
    world = World(400)
    world.add(
        "technologies", pa.array([[f"t{t}" for t in np.flatnonzero(row)] for row in world.rng.random((400, 9)) < 0.3])
    )
    report = world.judge()
    order = world.rng.permutation(400)
    table = world.table.take(pa.array(order))
    status = world.status.iloc[order].reset_index(drop=True)
    again = judge_columns(table, world.fields, status, settings=Settings())
    assert again.to_dict() == report.to_dict()


def test_report_as_table_and_json():
    report = World().judge()
    assert report.frame()["field"].tolist() == list(World().columns)
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["columns"][0]["verdict"] == "accept"


def test_noise_is_not_suspicious():
    world = World(60, seed=3)
    for i in range(60):
        world.add(f"noise_{i}", world.rng.normal(size=60))
    report = world.judge()
    noise = [c for c in report.columns if c.field.startswith("noise")]
    assert not [c.field for c in noise if c.verdict != "accept"]
    assert abs(np.mean([c.auc for c in noise]) - 0.5) < 0.05


def test_fast_enough():
    world = World(3000)
    for i in range(64):
        world.add(f"noise_{i}", world.rng.normal(size=3000))
    start = time.process_time()
    world.judge()
    assert time.process_time() - start < 3


def canonical(frame, mapped):
    """Real tables as the readers would give them, roughly: enough for the guard."""
    table, fields = {}, {}
    for header in frame:
        known = BY_NAME.get(mapped[header]) if header in mapped else field_of_header(header)
        values = frame[header]
        words = values.dropna().astype(str).str.strip().str.lower()
        number = pd.to_numeric(words, errors="coerce").notna().all()
        kind = (
            "boolean" if words.isin(["yes", "no", "0", "1", "0.0", "1.0"]).all() else "number" if number else "category"
        )
        field = known or Field(mapped.get(header, header_key(header)), kind)
        if field.name in table:
            continue
        if field.kind in ("number", "money", "count", "share", "year"):
            array = pa.array(pd.to_numeric(values, errors="coerce").to_numpy(dtype=float), from_pandas=True)
        elif field.kind == "boolean":
            array = pa.array([None if pd.isna(v) else str(v).lower() in ("yes", "1", "1.0") for v in values])
        else:
            array = pa.array([None if pd.isna(v) else str(v).lower() for v in values]).dictionary_encode()
        table[field.name], fields[field.name] = array, field
    return pa.table(table), fields


def judge_real(name, file, mapped, keep=None, weights=None):
    path = SHARED / "data" / name / file
    if not path.exists():
        pytest.skip(f"real tables are not here: {path} (set ICP_ML_SHARED)")
    frame = pd.read_csv(path)
    table, fields = canonical(frame if keep is None else frame[keep(frame)], mapped)
    outcomes = table.select([n for n in table.column_names if fields[n].role == "outcome"]).to_pandas()
    for column in outcomes:
        if fields[column].kind == "boolean":
            outcomes[column] = outcomes[column].astype("boolean")
    definition = OutcomeDefinition(weights or {"retention": 1, "expansion": 1, "nps": 1})
    return judge_columns(table, fields, definition.label(outcomes).status)


def test_real_sellers():
    report = judge_real(
        "olist_b2b_sellers", "funnel_joined.csv",
        {"activated": "retained", "gross_revenue": "expansion_usd", "avg_review_score": "csat", "mql_id": "account_id"},
        keep=lambda frame: frame["won"] == 1,
    )  # fmt: skip
    assert {"seller_state", "seller_city", "seller_zip_code_prefix", "seller_id", "items_sold"} <= set(report.refused)
    assert {"origin", "business_segment", "lead_type", "business_type", "lead_behaviour_profile"} <= set(
        report.accepted
    )
    assert {"has_company", "average_stock"} <= set(report.accepted)
    assert {"landing_page_id", "sdr_id", "sr_id", "won_date"} & set(report.accepted) == set()
    assert "keys into another table" in of(report, "landing_page_id").reasons[0]  # with a list that has it: accepted


def test_real_loans():
    report = judge_real("sba_small_business_loans", "sba_california_case.csv", {"Default": "churned"})
    leaks = {
        "term",
        "chg_off_date",
        "chg_off_prin_gr",
        "balance_gross",
        "mis_status",
        "daysterm",
        "xx",
        "loan_nr_chk_dgt",
    }
    assert not leaks & set(report.accepted)
    assert {"mis_status", "chg_off_date", "loan_nr_chk_dgt"} <= set(report.refused)
    honest = {
        "city",
        "naics_code",
        "no_emp",
        "new_exist",
        "urban_rural",
        "franchise_code",
        "create_job",
        "retained_job",
    }
    assert honest <= set(report.accepted)


@pytest.mark.parametrize("satisfaction", ["csat", "column_17"])
def test_real_subscribers(satisfaction):
    mapped = {"Churn Value": "churned", "Satisfaction Score": satisfaction, "CLTV": "lifetime_value_usd"}
    report = judge_real("ibm_telco_extended", "telco_extended_satisfaction_cltv.csv", mapped)
    leaks = {
        satisfaction,
        "churn_score",
        "churn_label",
        "churn_reason",
        "churn_category",
        "customer_status",
        "total_revenue",
    }
    assert not leaks & set(report.accepted)
    assert {"age", "married", "dependents", "internet_type", "city"} <= set(report.accepted)


def test_real_bank_calls():
    report = judge_real(
        "uci_bank_marketing_b2c", "bank_additional_full.csv.gz", {"y": "retained"}, lambda f: f.index % 4 == 0
    )
    assert "duration" not in report.accepted
    assert {"age", "job", "marital", "education", "housing", "loan"} <= set(report.accepted)
