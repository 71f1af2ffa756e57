from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from icp_ml.estimator.calibration import MIN_SLOPE, Calibration, fit_calibration


def draw(slope, intercept, n=20_000, seed=0):
    rng = np.random.default_rng(seed)
    raw = rng.normal(0, 1.5, n)
    return raw, (rng.random(n) < expit(slope * raw + intercept)).astype(float)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.4, -1.2), (2.5, 0.7)])
def test_a_known_slope_and_intercept_are_recovered(slope, intercept):
    found = fit_calibration(*draw(slope, intercept))
    assert found.slope == pytest.approx(slope, abs=0.06)
    assert found.intercept == pytest.approx(intercept, abs=0.06)


def test_predicted_and_observed_rates_agree_where_it_was_fitted():
    raw, y = draw(0.6, -1.0, 3000)
    found = fit_calibration(raw, y)
    assert expit(found.slope * raw + found.intercept).mean() == pytest.approx(y.mean(), abs=1e-6)


def test_weights_count_as_repeated_rows():
    raw, y = draw(0.7, 0.3, 400)
    weight = np.random.default_rng(1).integers(0, 4, 400).astype(float)
    repeated = np.repeat(np.arange(400), weight.astype(int))
    once, many = fit_calibration(raw, y, weight), fit_calibration(raw[repeated], y[repeated])
    # the prior weighs as much as four average rows, which differ a little between the two
    assert once.slope == pytest.approx(many.slope, abs=0.01)
    assert once.intercept == pytest.approx(many.intercept, abs=0.01)


def test_a_score_that_points_the_wrong_way_says_almost_nothing():
    raw, y = draw(-1.0, 0.4)
    found = fit_calibration(raw, y)
    assert found.slope == MIN_SLOPE
    assert expit(found.slope * raw + found.intercept).mean() == pytest.approx(y.mean(), abs=1e-3)


def test_perfect_separation_stays_finite():
    raw = np.linspace(-3, 3, 200)
    found = fit_calibration(raw, (raw > 0).astype(float))
    assert np.isfinite([found.slope, found.intercept]).all()
    assert 1 < found.slope < 1000


def test_too_few_rows_leave_the_log_odds_alone():
    assert fit_calibration(np.arange(39.0), np.arange(39) % 2.0) == Calibration(1.0, 0.0)
    assert fit_calibration(np.empty(0), np.empty(0)) == Calibration()


def test_scores_without_any_spread_take_the_base_rate():
    found = fit_calibration(np.full(100, 0.3), np.repeat([1.0, 0.0], [25, 75]))
    assert found.slope == 1
    assert found.intercept + 0.3 == pytest.approx(logit(0.25))


def test_rows_of_no_weight_are_not_there():
    raw, y = draw(0.7, 0.3, 300)
    more = fit_calibration(np.append(raw, 1e6), np.append(y, 0), np.append(np.ones(300), 0))
    assert more == fit_calibration(raw, y)
