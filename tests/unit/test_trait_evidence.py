"""Lift intervals, what a trait does to each outcome, growth lines, and the reasons customers give."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from icp_ml.outcomes.by_itself import OutcomeValues
from icp_ml.traits import Trait, given_reasons, growth_lines
from icp_ml.traits.consequences import objection_rows, outcome_rows
from icp_ml.traits.evidence import lift_of, log_lift_error, who_acts
from icp_ml.traits.reasons import GivenReasons, tells_why


@pytest.mark.parametrize(("share", "rate_in", "rate_out"), [(0.1, 0.5, 0.22), (0.5, 0.35, 0.15), (0.3, 0.25, 0.25)])
def test_the_interval_of_the_counts_covers_the_truth(share, rate_in, rate_out):
    rng = np.random.default_rng(0)
    truth = rate_in / (share * rate_in + (1 - share) * rate_out)
    covered, total = 0, 600
    for _ in range(total):
        inside = rng.random(400) < share
        best = rng.random(400) < np.where(inside, rate_in, rate_out)
        counted = np.log((best[inside].sum() + 0.5) / (inside.sum() + 1) / ((best.sum() + 0.5) / 401))
        _, low, high = lift_of(inside, best, counted, counted)
        covered += low <= truth <= high
    assert 0.93 <= covered / total <= 0.99


def test_what_the_finders_saw_more_than_the_others_widens_the_interval():
    inside, best = np.arange(400) < 100, np.arange(400) % 3 == 0
    plain = lift_of(inside, best, 0.4, 0.4)
    flattered = lift_of(inside, best, 0.8, 0.4)
    assert flattered[0] == plain[0] == pytest.approx(np.exp(0.4))
    assert flattered[1] < plain[1] < plain[0] < plain[2] < flattered[2]


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (50, 50), (0, 400)])
def test_the_error_of_a_lift_stays_finite_at_the_edges(hits, n):
    assert 0 <= log_lift_error(hits, n, 50, 400) < np.inf


def test_who_acts_is_said_once():
    assert who_acts(["firmographic", "firmographic"]) == who_acts(["firmographic"])
    assert who_acts(["firmographic", "job_to_be_done"]).count(";") == 1
    assert "product" in who_acts(["technographic"])


# outcomes --------------------------------------------------------------------------------------


def outcome(values, name="expansion", unit="%"):
    return OutcomeValues(name, unit, np.asarray(values, dtype=float))


def test_an_outcome_is_compared_with_customers_known_to_lack_the_trait():
    inside = np.arange(60) < 20
    known = np.arange(60) < 50  # the last ten: not known
    values = np.where(inside, 110.0, 100.0) + np.tile([-1.0, 1.0], 30)
    values[50:] = 500.0
    values[0] = np.nan
    (row,) = outcome_rows([outcome(values)], inside, known)
    assert row["outside"] == pytest.approx(100.0)
    assert row["difference"] == pytest.approx(row["inside"] - 100.0)
    assert row["low"] < row["difference"] < row["high"]
    assert row["high"] - row["low"] < 2
    assert (row["customers"], row["unit"], row["outcome"]) == (19, "%", "expansion")


def test_an_outcome_known_of_too_few_is_not_told():
    inside = np.arange(60) < 20
    values = np.where(inside, np.nan, 1.0)
    values[:3] = 2.0
    assert outcome_rows([outcome(values)], inside, np.ones(60, dtype=bool)) == ()


def test_that_all_inside_stayed_is_no_certainty():
    inside = np.arange(200) < 10
    values = np.where(inside | (np.arange(200) % 2 == 0), 100.0, 0.0)
    (row,) = outcome_rows([outcome(values, "retention")], inside, np.ones(200, dtype=bool))
    assert row["high"] - row["difference"] > 7


@pytest.mark.parametrize("seed", [0, 1])
def test_the_interval_of_a_difference_covers_it(seed):
    rng = np.random.default_rng(seed)
    covered = 0
    for _ in range(400):
        inside = np.arange(150) < 40
        values = rng.normal(size=150) * np.where(inside, 2.0, 1.0) + 0.7 * inside
        (row,) = outcome_rows([outcome(values)], inside, np.ones(150, dtype=bool))
        covered += row["low"] <= 0.7 <= row["high"]
    assert 0.92 <= covered / 400 <= 0.985


def trait(sentence, **outcomes):
    rows = [
        {"outcome": name, "inside": 100 + d, "outside": 100.0, "difference": d, "low": d - 3, "high": d + 3,
         "customers": 50, "unit": "%"}
        for name, d in outcomes.items()
    ]  # fmt: skip
    return Trait(
        sentence, "f", "f", "firmographic", "positive", (2,), {}, 50, 20, 0.5, 0.2, 0.4, 1.5, 1.2, 1.8, 0.9, 0.01, 0.5,
        outcomes=tuple(rows),
    )  # fmt: skip


def test_who_is_easily_grown_and_who_stays_but_does_not():
    lines = growth_lines(
        [trait("a", expansion=9, retention=1), trait("b", expansion=4), trait("c", expansion=-8, retention=5),
         trait("d", expansion=-9, retention=-5)]
    )  # fmt: skip
    assert lines == (
        "Easiest to upsell: a (expansion 109% against 100%).",
        "Stay but hardly grow: c (retention 105% against 100%; expansion 92% against 100%).",
    )


def test_a_difference_that_may_be_nothing_is_no_line():
    assert growth_lines([trait("a", expansion=2, retention=9), trait("b", retention=9)]) == ()


# reasons ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["churn_reason", "churn_reasons_free_text", "loss_reason", "closed_lost_reason", "objection", "objections",
             "cancellation_reason", "reason_for_churn", "reason_for_leaving", "main_objections_raised", "churn_notes"],
)  # fmt: skip
def test_columns_of_reasons_are_known_by_their_names(name):
    assert tells_why(name)


@pytest.mark.parametrize("name", ["churned", "churn_date", "reason_to_buy", "lost_deals", "industry", "notes", "left"])
def test_other_columns_are_not(name):
    assert not tells_why(name)


def test_reasons_are_read_from_categories_sets_and_texts():
    table = pa.table(
        {
            "churn_reason": pa.array(["price", None, "price"]).dictionary_encode(),
            "objection": pa.array([["no time", "cost"], None, []]),
            "loss_reason": pa.array(["Too  Expensive", "", None]),
            "industry": pa.array(["a", "b", "c"]),
        }
    )
    found = given_reasons(table, {"churn_reason": "Churn Reason"}, {"churn_reason": {"price": "Price"}})
    assert [g.column for g in found] == ["Churn Reason", "objection", "loss_reason"]
    assert [list(g.reasons) for g in found] == [
        [("Price",), (), ("Price",)], [("no time", "cost"), (), ()], [("too expensive",), (), ()]
    ]  # fmt: skip


def test_of_longer_texts_the_words_are_told_that_some_share():
    texts = [f"they said the missing integration number {k} was what made them go away" for k in range(6)]
    (given,) = given_reasons(pa.table({"loss_reason": pa.array(texts)}), {}, {})
    assert all("missing integration" in reasons for reasons in given.reasons)


def test_shares_are_of_those_who_gave_a_reason():
    given = GivenReasons("Why", [("price",), ("price",), ("price", "time"), (), ("time",), ("time",), ("price",), ()])
    inside = np.arange(8) < 4
    rows = objection_rows([given], inside, np.ones(8, dtype=bool))
    assert rows == (
        {"column": "Why", "reason": "price", "inside": 1.0, "outside": pytest.approx(1 / 3), "customers_inside": 3},
    )


def test_a_hostile_reason_is_cut():
    (given,) = given_reasons(pa.table({"objection": pa.array(["x" * 10_000])}), {}, {})
    assert len(given.reasons[0][0]) == 80
