from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.special import expit

from icp_ml.estimator.scorecard import Z90
from icp_ml.scoring.columns import list_schema, row_schema
from tests.hand_model import ENCODING, hand_list, hand_model


def columns_of(rows, **more):
    """Rows of (employees, industry, date of last funding, technologies)."""
    employees, industry, funded, technologies = zip(*rows, strict=True)
    return {
        "account_id": pa.array([f"A{i}" for i in range(len(rows))]),
        "employees": pa.array(employees, pa.float64()),
        "industry": pa.array(industry, pa.string()).dictionary_encode(),
        "last_funding_date": pa.array(funded, pa.timestamp("s")),
        "technologies": pa.array(technologies, pa.list_(pa.string())),
        **more,
    }


def score(rows, scorer=None, as_of=None, **more):
    scorer = scorer or hand_model().scorer()
    return scorer.score(columns_of(rows, **more), len(rows), as_of)


RECENT = datetime(2026, 7, 1)
BEST = (300, "software", RECENT, ["aws"])
NOTHING = (None, None, None, None)


def test_a_score_by_hand():
    row = score([BEST]).to_pylist()[0]
    log_odds = -1 + 0.5 + 1.25 + 0.25 + 0.5 + 0.0625
    half = Z90 * np.sqrt(0.05 + 5 * 0.01)
    assert row["log_odds"] == pytest.approx(log_odds)
    assert row["fit_score"] == 100 * expit(row["log_odds"])
    assert row["fit_low"] == pytest.approx(100 * expit(log_odds - half))
    assert row["fit_high"] == pytest.approx(100 * expit(log_odds + half))
    assert (row["status"], row["status_reason"], row["tier"], row["coverage"]) == ("scored", None, "A", 1.0)
    assert row["reason_1"].startswith("Industry: SaaS raises fit")
    assert row["reason_1_contribution"] == 1.25
    assert (row["account_id"], row["name"], row["domain"], row["segment"]) == ("A0", None, None, "all")


@pytest.mark.parametrize(("reasons", "lookalikes"), [(5, 3), (0, 0), (20, 1)])
def test_columns_and_types_are_the_published_schema(reasons, lookalikes):
    batch = score([BEST, NOTHING], hand_model().scorer(reasons=reasons, lookalikes=lookalikes))
    schema = row_schema(reasons, lookalikes)
    assert batch.schema.names == schema.names
    for field in schema:
        column = batch.column(field.name)
        found = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        assert found == field.type, field.name
        assert field.nullable or column.null_count == 0, field.name


def test_a_list_s_schema_adds_rank_and_percentile():
    assert list_schema(1, 1).names == [*row_schema(1, 1).names, "rank", "percentile"]


def test_where_no_field_is_known_there_is_no_score():
    row = score([BEST, NOTHING]).to_pylist()[1]
    assert (row["status"], row["tier"], row["coverage"]) == ("ineligible", "none", 0.0)
    assert row["status_reason"] == "none of the model's 4 fields is known"
    empty = (
        "fit_score",
        "fit_low",
        "fit_high",
        "log_odds",
        "reason_1",
        "reason_1_contribution",
        "lookalike_1",
        "lookalike_3",
    )
    assert [row[name] for name in empty] == [None] * len(empty)


def test_one_known_field_is_enough_and_an_empty_token_set_is_known():
    rows = score([(None, "software", None, None), (None, None, None, [])]).to_pylist()
    assert [r["coverage"] for r in rows] == [0.25, 0.25]
    assert [r["status"] for r in rows] == ["scored", "scored"]
    assert rows[1]["log_odds"] == pytest.approx(-1 - 0.125 + 0.0625)


def test_outside_support_the_tier_is_held_at_c_and_the_score_is_not():
    far = (99_999, "software", RECENT, ["aws"])
    row = score([far]).to_pylist()[0]
    assert not row["in_support"]
    assert row["fit_score"] > 50
    assert (row["tier"], row["status"]) == ("C", "scored")
    assert row["status_reason"] == "unlike any customer: tier held at C"
    low = score([(99_999, "retail", None, ["sap"])], hand_model().scorer()).to_pylist()[0]
    assert low["tier"] in ("C", "D")
    worst = replace(hand_model().scorer(), support=replace(hand_model().scorer().support, threshold=-1.0))
    assert (
        score([(10, "retail", None, ["sap"])], worst).to_pylist()[0]["tier"] == "D"
    )  # held at C at most, not lifted to it


def test_only_filters_a_person_confirmed_exclude():
    retail = (300, "retail", RECENT, ["aws"])
    assert score([retail]).to_pylist()[0]["status"] == "scored"
    confirmed = hand_model({"profile": {"filters": ["industry"]}}).scorer()
    rows = score([retail, BEST, (300, None, RECENT, ["aws"])], confirmed).to_pylist()
    assert [r["status"] for r in rows] == ["ineligible", "scored", "scored"]  # not known is not excluded
    assert rows[0]["status_reason"].endswith("filter: industry: Retail")
    assert (rows[0]["tier"], rows[0]["fit_score"], rows[0]["reason_1"]) == ("none", None, None)


def test_dates_are_measured_to_the_model_s_day_unless_another_is_given():
    old = (300, "software", datetime(2025, 9, 1), ["aws"])
    before, later = score([old])["log_odds"][0].as_py(), score([old], as_of=date(2026, 8, 1))["log_odds"][0].as_py()
    assert later - before == pytest.approx(0.5)
    future = score([(300, "software", datetime(2027, 1, 1), ["aws"])]).to_pylist()[0]
    assert future["coverage"] == 0.75


def test_unseen_and_rare_values():
    rows = score([(300, "never seen", None, ["new tool"]), (300, "software", None, None)]).to_pylist()
    assert rows[0]["log_odds"] == pytest.approx(-1 + 0.5 + 0 - 0.125 + 0.0625)
    assert rows[0]["coverage"] == 0.75


def test_lookalikes_go_by_name_where_the_customers_are_at_hand():
    model = hand_model()
    shown = score([BEST])["lookalike_1"].to_pylist()
    assert shown[0].startswith("customer ")
    names = {i: f"Customer {i}" for i in model.reference.ids}
    assert score([BEST], model.scorer(names=names))["lookalike_1"].to_pylist()[0].startswith("Customer ")


def test_missing_columns_count_as_unknown():
    scorer = hand_model().scorer()
    only = scorer.score({"account_id": pa.array(["a"]), "employees": pa.array([300.0])}, 1)
    whole = score([(300, None, None, None)])
    assert only.column("log_odds").to_pylist() == whole.column("log_odds").to_pylist()
    assert only.column("reason_1").to_pylist() == whole.column("reason_1").to_pylist()
    nothing = scorer.score({"account_id": pa.array(["a"])}, 1)
    assert nothing.column("status").to_pylist() == ["ineligible"]


def test_no_rows():
    empty = hand_model().scorer().score({n: a[:0] for n, a in columns_of([BEST]).items()}, 0)
    assert (empty.num_rows, empty.schema.names) == (0, row_schema().names)


def test_a_row_is_scored_the_same_in_any_batch():
    model = hand_model()
    frame = hand_list(200)
    whole = model.score(frame)
    parts = pd.concat([model.score(frame.iloc[i : i + 7]) for i in range(0, 200, 7)])
    pd.testing.assert_frame_equal(whole, parts, check_exact=True)
    assert whole["tier"].nunique() >= 4
    assert len(ENCODING.terms) == 5
