from datetime import date

import numpy as np
import pandas as pd
import pytest

from icp_ml.outcomes import OutcomeDefinition
from icp_ml.outcomes.survival import cohorts, expected_percentile, retention_curve
from icp_ml.settings import OutcomeSettings

AS_OF = date(2026, 10, 1)


def lives(n=600, seed=0, rate=900.0):
    """Customers of all ages whose stay does not depend on their age."""
    rng = np.random.default_rng(seed)
    age = rng.integers(1, 2000, n).astype(float)
    stay = np.floor(rng.exponential(rate, n))
    left = stay < age
    since = pd.Timestamp(AS_OF) - pd.to_timedelta(age, unit="D")
    gone = since + pd.to_timedelta(np.minimum(stay, age), unit="D")
    frame = pd.DataFrame(
        {
            "customer_since": since.astype("datetime64[s]"),
            "churned": pd.array(left, dtype="boolean"),
            "churn_date": pd.Series(gone).where(left).astype("datetime64[s]"),
        }
    )
    return frame, age, stay, left


def test_without_censoring_it_is_the_mid_rank():
    days = np.array([5.0, 1.0, 9.0, 5.0])
    assert expected_percentile(days, np.ones(4, dtype=bool), 100).tolist() == [0.5, 0.125, 0.875, 0.5]


def test_by_hand_with_censoring():
    # stays 10, 20 and two still there at 20 and 400: S = 5/6 after 10, 5/8 after 20, 5/16 after 30
    days = np.array([10.0, 20.0, 20.0, 400.0, 500.0, 30.0])
    left = np.array([True, True, False, False, False, True])
    got = expected_percentile(days, left, 365)
    s = np.cumprod([1, 5 / 6, 4 / 5, 2 / 3])
    f = 1 - s
    want = [(f[0] + f[1]) / 2, (f[1] + f[2]) / 2, (1 + f[2]) / 2, (1 + f[3]) / 2, (1 + f[3]) / 2, (f[2] + f[3]) / 2]
    assert got == pytest.approx(want, abs=1e-12)


def test_nobody_left_and_nothing_known():
    assert expected_percentile(np.array([5.0, 900.0]), np.zeros(2, dtype=bool), 365).tolist() == [0.5, 0.5]
    assert expected_percentile(np.empty(0), np.empty(0, dtype=bool), 365).tolist() == []
    assert expected_percentile(np.array([np.nan, np.nan]), np.array([True, False]), 365).tolist() == [0.25, 0.75]


def test_who_was_observed_for_less_is_neither_favoured_nor_harmed_on_average():
    _, age, stay, left = lives(20_000)
    ranked = expected_percentile(np.minimum(stay, age), left, np.inf)
    young = age < 400
    assert ranked[young].mean() == pytest.approx(0.5, abs=0.01)
    assert ranked[~young].mean() == pytest.approx(0.5, abs=0.01)
    naive = pd.Series(np.minimum(stay, age)).rank(pct=True).to_numpy()
    assert naive[young].mean() < 0.35


def test_cohorts_are_even_ordered_and_never_split_a_day():
    age = np.repeat(np.arange(400.0, 800.0), 3)
    number = cohorts(age, np.ones(len(age), dtype=bool))
    assert number.max() + 1 == 9
    sizes = np.bincount(number)
    assert sizes.min() > 0.7 * sizes.max()
    assert (np.diff(number[np.argsort(-age, kind="stable")]) >= 0).all()
    assert all(len(set(number[age == day])) == 1 for day in np.unique(age))
    young = cohorts(age, age > 500)
    assert (young[age <= 500] == -1).all()
    undated = cohorts(np.where(age > 700, np.nan, age), np.ones(len(age), dtype=bool))
    assert set(undated[age > 700]) == {undated.max()}


def test_the_curve_is_the_true_one_and_counts_who_is_still_there():
    _, age, stay, left = lives(5000)
    curve = retention_curve(np.minimum(stay, age), left)
    for point in curve.points:
        assert point.low <= point.kept <= point.high
        assert point.kept == pytest.approx(np.exp(-point.days / 900), abs=0.04)
    assert curve.frame()["at_risk"].is_monotonic_decreasing
    naive = 1 - left.mean()
    assert naive - curve.points[5].kept > 0.15  # four years: counting who is there today says 40 %, not 20 %
    assert retention_curve(np.full(50, np.nan), np.ones(50, dtype=bool)) is None


def test_old_customers_are_not_best_for_being_old_and_naive_tenure_would_make_them():
    frame, age, stay, _ = lives(3000, seed=1)
    frame["nps"] = np.random.default_rng(1).integers(0, 11, len(frame)).astype(float)
    labels = OutcomeDefinition(late_churn="judged").label(frame, AS_OF)
    mature = labels.is_mature
    old = age > np.median(age[mature])
    retention = labels.components["retention"].to_numpy()
    assert abs(np.corrcoef(retention[mature], age[mature])[0, 1]) < 0.06
    assert abs(labels.is_worst[mature & old].mean() - labels.is_worst[mature & ~old].mean()) < 0.05
    strict = OutcomeDefinition().label(frame, AS_OF)
    assert strict.is_worst[mature & old].mean() - strict.is_worst[mature & ~old].mean() > 0.15
    assert any("late_churn: judged" in warning for warning in strict.audit().warnings)
    assert not any("late_churn: judged" in warning for warning in labels.audit().warnings)
    tenure = pd.Series(np.minimum(stay, age)).rank(pct=True).to_numpy()
    assert np.corrcoef(tenure[mature], age[mature])[0, 1] > 0.15


def test_late_churn_is_worst_or_judged_and_never_best():
    frame, age, stay, left = lives(1500)
    frame["nps"] = 10.0 - (np.arange(len(frame)) % 11)
    late = left & (stay >= 365) & (age >= 365)
    assert late.sum() > 100
    strict = OutcomeDefinition().label(frame, AS_OF)
    assert strict.is_worst[late].all()
    assert (strict.grade[late] <= 0.75).all()  # never among the best
    judged = OutcomeDefinition(late_churn="judged").label(frame, AS_OF)
    assert not judged.is_best[late].any()
    assert 0 < judged.is_worst[late].mean() < 0.6
    assert judged.is_worst[left & (stay < 365) & (age >= 365)].all()
    assert any(f"{late.sum():,} customers left after 365 days" in note for note in judged.notes)
    assert "left within 365 days" in judged.definition_text
    assert OutcomeSettings().late_churn == "worst"


def test_of_tenure_alone_those_still_there_and_young_inform_the_curve():
    frame = pd.DataFrame(
        {
            "tenure_days": [100.0] * 10 + [200.0] * 10 + [50.0] * 60 + [900.0] * 20,
            "churned": pd.array([True] * 20 + [False] * 80, dtype="boolean"),
            "nps": np.tile(np.arange(10.0), 10),
        }
    )
    labels = OutcomeDefinition().label(frame, AS_OF)
    assert (labels.status[20:80] == "too_young").all()
    # 40 at risk at 100 days, as the 60 young ones were last seen at 50: F = 1/4, then 1/2
    retention = labels.components["retention"]
    assert retention[0] == pytest.approx(0.125)
    assert retention[10] == pytest.approx(0.375)
    assert retention[99] == pytest.approx(0.75)


@pytest.mark.parametrize("column", ["expansion_usd", "upgrades", "lifetime_value_usd", "testimonial"])
def test_what_grows_with_age_is_compared_among_customers_of_an_age(column):
    rng = np.random.default_rng(3)
    n = 2000
    age = rng.integers(365, 2000, n).astype(float)
    value = age * rng.exponential(1.0, n)
    frame = pd.DataFrame(
        {
            "customer_since": (pd.Timestamp(AS_OF) - pd.to_timedelta(age, unit="D")).astype("datetime64[s]"),
            "nps": rng.integers(0, 11, n).astype(float),
            column: pd.array(value > 900, dtype="boolean") if column == "testimonial" else value,
        }
    )
    outcome = {"testimonial": "testimonial", "lifetime_value_usd": "lifetime_value"}.get(column, "expansion")
    labels = OutcomeDefinition({outcome: 1, "nps": 1}).label(frame, AS_OF)
    old = age > np.median(age)
    assert abs(labels.is_best[old].mean() - labels.is_best[~old].mean()) < 0.06
    raw = pd.Series(value).rank(pct=True).to_numpy()
    assert raw[old].mean() - raw[~old].mean() > 0.15
    assert "compared among customers that signed up about then" in labels.definition_text
