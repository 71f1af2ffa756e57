"""What customers of each tier and segment were worth, and what the steps from a list to what is worked would be."""

import numpy as np
import pytest

from icp_ml.evaluation.value import judge_value
from icp_ml.outcomes.by_itself import OutcomeValues
from icp_ml.report.value_view import steps_worth, value_view
from icp_ml.tiers import ValueEvidence, best_first, worth_per_100


def judged(name="business_value", unit="$", n=400):
    rng = np.random.default_rng(1)
    tier = rng.integers(0, 4, n)
    value = np.where(rng.random(n) < 0.1, np.nan, 1000.0 * (4 - tier) + rng.normal(0, 100, n))
    segment = np.array(["all", "small", "large"], dtype=object)[rng.integers(0, 3, n)]
    outcomes = [OutcomeValues("nps", "points", np.zeros(n)), OutcomeValues(name, unit, value)]
    return judge_value(outcomes, tier, segment, np.arange(n), resamples=200, seed=0), tier, value, segment


def test_every_segment_and_tier_has_its_mean_and_interval():
    found, tier, value, segment = judged()
    assert found.outcome == "business_value"
    assert found.unit == "a year"
    assert found.segments == ("all", "large", "small")
    for name in found.segments:
        for k, letter in enumerate("ABCD"):
            here = (tier == k) & np.isfinite(value) & ((segment == name) | (name == "all"))
            row = found.by_tier(name)[letter]
            assert row["customers"] == here.sum()
            assert row["value"] == pytest.approx(value[here].mean())
            assert row["value_low"] < row["value"] < row["value_high"]
    assert sum(found.by_tier()[letter]["share"] for letter in "ABCD") == pytest.approx(1.0)
    assert ValueEvidence.from_dict(found.to_dict()) == found
    assert len(found.frame()) == 15


def test_accounts_of_one_company_widen_the_interval():
    rng = np.random.default_rng(2)
    company = np.repeat(np.arange(20), 20)
    value = OutcomeValues("lifetime_value", "$", rng.normal(0, 1, 20)[company] + 10)
    tier, segment = np.zeros(400, dtype=int), np.full(400, "all", dtype=object)
    alone, together = (
        judge_value([value], tier, segment, group, resamples=300, seed=0).by_tier()["A"]
        for group in (np.arange(400), company)
    )
    width = [row["value_high"] - row["value_low"] for row in (alone, together)]
    assert width[1] > 2.5 * width[0]


def test_few_customers_tell_no_mean_and_without_revenue_there_is_none():
    values = OutcomeValues("business_value", "$", np.array([5.0, 6.0, 7.0, 8.0, np.nan, 1.0]))
    segment = np.full(6, "all", dtype=object)
    found = judge_value([values], np.zeros(6, dtype=int), segment, np.arange(6), resamples=50, seed=0)
    assert found.by_tier()["A"]["value"] == pytest.approx(5.4)
    assert found.by_tier()["B"] == {"segment": "all", "tier": "B", "customers": 0, "value": None, "value_low": None,
                                    "value_high": None, "share": None}  # fmt: skip
    nothing = judge_value([OutcomeValues("nps", "points", np.ones(6))], np.zeros(6, dtype=int), segment,
                          np.arange(6), resamples=50, seed=0)  # fmt: skip
    assert nothing is None


def test_the_steps_of_a_list_are_weighed_by_the_tiers_in_them():
    rates = [{"tier": t, "rate": r} for t, r in zip("ABCD", (0.5, 0.3, 0.2, 0.1), strict=True)]
    counts = {"A": 10, "B": 30, "C": 0, "D": 60, "none": 900}
    assert worth_per_100(counts, rates, "rate") == pytest.approx(100 * (10 * 0.5 + 30 * 0.3 + 60 * 0.1) / 100)
    assert worth_per_100({"A": 1}, [{"tier": "A", "rate": None}], "rate") is None
    assert best_first(counts, 25) == {"A": 10, "B": 15}
    assert best_first(counts, 10_000) == {"A": 10, "B": 30, "D": 60}
    value = {"outcome": "business_value", "rows": [
        {"segment": "all", "tier": t, "customers": 9, "value": v, "value_low": v, "value_high": v, "share": 0.25}
        for t, v in zip(("all", "A", "B", "C", "D"), (0.0, 4000.0, 3000.0, 2000.0, 1000.0), strict=True)
    ]}  # fmt: skip
    sam, som = steps_worth(counts, 25, {"tiers": rates, "value": value})
    assert (sam["step"], sam["accounts"], som["step"], som["accounts"]) == ("SAM", 100, "SOM", 25)
    assert som["best_per_100_won"] == pytest.approx(38.0)
    assert som["value_per_100_won"] == pytest.approx(340_000.0)
    assert som["words"] == "38 best customers and $340K a year per 100 won"
    assert steps_worth(counts, None, {"tiers": rates})[1]["words"] == "35 best customers per 100 won"
    view = value_view({"value": value})
    assert view["tiers"]["A"] == {"value": "$400K", "span": "$400K–$400K"}
    assert value_view({}) == {"unit": "", "tiers": {}, "segments": []}
