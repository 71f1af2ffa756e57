from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from icp_ml.exceptions import ModelFormatError
from icp_ml.tiers import TIER_RANGES, TierCutoffs, tier_table, wilson

CUTOFFS = TierCutoffs(50, 30, 15)


def test_a_cut_off_belongs_to_the_tier_it_opens():
    fit = np.array([100, 50, 49.999, 30, 29.9, 15, 14.9, 0])
    assert CUTOFFS.assign(fit).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert TierCutoffs(50, 50, 50).assign(np.array([50.0, 49.9])).tolist() == [0, 3]


def test_cut_offs_are_multiples_of_the_average_customer_s_odds():
    found = TierCutoffs.from_base_rate(0.25)
    for cut, ratio in zip((found.a, found.b, found.c), (2.5, 1.0, 0.6), strict=True):
        odds = cut / (100 - cut)
        assert odds == pytest.approx(ratio / 3, rel=0.01)
        assert cut == round(cut, 1)


@pytest.mark.parametrize("cuts", [(10, 20, 5), (50, 30, 31), (101, 20, 5), (50, 20, -1), (float("nan"), 20, 5)])
def test_cut_offs_must_fall(cuts):
    with pytest.raises(ModelFormatError, match=r"tiers.json: cut-offs must fall from A to C within 0 to 100"):
        TierCutoffs(*cuts)


def test_saved_and_read_back():
    assert TierCutoffs.from_dict(CUTOFFS.to_dict()) == CUTOFFS


def test_the_table_counts_customers_per_tier():
    fit = np.array([60.0, 60, 60, 40, 40, 20])
    best = np.array([True, True, False, True, False, False])
    frame = tier_table(fit, best, CUTOFFS).frame().set_index("tier")
    assert frame["customers"].tolist() == [3, 2, 1, 0]
    assert frame["best"].tolist() == [2, 1, 0, 0]
    assert frame.loc["A", "rate"] == pytest.approx(2 / 3)
    assert frame.loc["A", "lift"] == pytest.approx(4 / 3)
    assert frame.loc["D", ["rate", "rate_low", "lift"]].isna().all()


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (10, 10), (250, 1000)])
def test_wilson_is_the_textbook_interval(hits, n):
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_no_customers_is_no_knowledge():
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_tiers_an_interval_reaches_over_are_said():
    low, high = np.array([50, 40, 20, 10, 5, 40.0]), np.array([60, 55, 60, 35, 14, 55.0])
    at_best = np.array([0, 0, 0, 0, 0, 2])
    said = [TIER_RANGES[i] for i in CUTOFFS.ranges(low, high, at_best)]
    assert said == ["A", "A or B", "A to C", "B to D", "D", "C"]  # the last is outside support
