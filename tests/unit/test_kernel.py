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
from icp_ml.scoring.lookalikes import make_reference, salted
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
    assert row["status_reason"] == "unlike any customer: employees; tier held at C"
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


# what stands beside the score -------------------------------------------------------------------


def test_the_tiers_that_the_interval_cannot_tell_apart_are_said():
    rows = score([BEST, (300, None, None, None), NOTHING, (99_999, "software", RECENT, ["aws"])]).to_pylist()
    for row in rows:
        row["said"] = [hand_model().cutoffs.assign(np.array([row[end] or 0.0]))[0] for end in ("fit_high", "fit_low")]
    assert rows[0]["tier_range"] == "A"
    assert rows[0]["said"] == [0, 0]
    best, worst = rows[1]["said"]
    assert rows[1]["tier_range"] == f"{'ABCD'[best]} {'or' if worst - best == 1 else 'to'} {'ABCD'[worst]}"
    assert best < worst
    assert rows[2]["tier_range"] is None
    assert rows[3]["tier_range"] == "C"  # outside support no tier above C is given


def test_the_nearest_churned_customer_is_named_beside_the_best():
    model = hand_model()
    left = make_reference(np.array([[2, 3, 3, 1, 2], [4, 4, 2, 2, 2]], dtype=np.uint16), ["G-1", "G-2"], "salt")
    scorer = replace(model, churned=left).scorer(names={salted("G-2", "salt"): "Gamma"})
    rows = score(
        [(900, "software", RECENT, ["aws", "sap"]), (50, "retail", datetime(2023, 1, 1), ["sap"]), NOTHING], scorer
    )
    other = next(i for i in left.ids if i != salted("G-2", "salt"))
    assert rows.column("lookalike_churned").to_pylist() == ["Gamma", f"customer {other[:6]}", None]
    assert score([BEST]).column("lookalike_churned").to_pylist() == [None]  # of an older model, or nobody left
    assert (
        rows.column("lookalike_1").to_pylist()
        == score([(900, "software", RECENT, ["aws", "sap"]), (50, "retail", datetime(2023, 1, 1), ["sap"]), NOTHING])
        .column("lookalike_1")
        .to_pylist()
    )


def test_fields_that_make_an_account_unlike_any_customer_are_named_once_per_set():
    far, strange = (99_999, "software", RECENT, ["aws"]), (99_999, "mining", RECENT, ["aws"])
    column = score([far, strange, BEST, far]).column("status_reason")
    assert column.to_pylist() == [
        "unlike any customer: employees; tier held at C",
        "unlike any customer: employees, industry; tier held at C",
        None,
        "unlike any customer: employees; tier held at C",
    ]
    assert len(column.dictionary.unique()) == len(column.dictionary)


def test_winnability_is_carried_as_it_is_written_and_changes_nothing():
    model = hand_model({"scoring": {"winnability_column": "Win rate"}})
    rows = hand_list(40)
    beside = [None if i % 3 == 0 else f"{i}%" for i in range(40)]
    scored = model.score(rows.assign(**{"win_rate ": beside}))
    assert [None if pd.isna(v) else v for v in scored["winnability"]] == beside
    plain = model.score(rows)
    assert plain["winnability"].isna().all()
    changed = [name for name in plain if name != "winnability" and not plain[name].equals(scored[name])]
    assert changed == []
    numbers = model.score(rows.assign(**{"Win rate": np.arange(40) / 8}))["winnability"]
    assert numbers.iloc[1] == "0.125"


def test_a_column_of_winnability_is_no_field_though_its_header_is_one():
    model = hand_model({"scoring": {"winnability_column": "# Employees"}})
    scored = model.score(hand_list(20))
    assert scored["winnability"].notna().any()
    assert not (scored["reason_1_field"] == "employees").any()
