"""Emphasis: how freely the fields of a category may speak."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit

from icp_ml import Settings
from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.fitting import FieldSpec, FitParams, FittedTables, fit_tables
from icp_ml.exceptions import SettingsError

SPECS = [
    FieldSpec("employees", "numeric", "count", category="firmographic"),
    FieldSpec("openness", "numeric", category="psychographic"),
    FieldSpec("work_model", "category", category="psychographic"),
    FieldSpec("company_type", "category", category="firmographic"),
]


def customers(n: int = 500):
    """Two numbers and two categories that say the same of what is true, each with its own error."""
    rng = np.random.default_rng(4)
    truth, group = rng.normal(size=n), rng.integers(0, 4, n)
    y = (rng.random(n) < expit(1.2 * truth + 0.9 * (group < 2) - 0.45)).astype(float)

    def told(labels: str) -> pa.Array:
        wrong = rng.random(n) < 0.2
        return pa.array([labels[k] for k in np.where(wrong, rng.integers(0, 4, n), group)])

    columns = {
        "employees": pa.array(np.round(np.exp(4 + truth + 0.4 * rng.normal(size=n)))),
        "openness": pa.array(truth + 0.4 * rng.normal(size=n)),
        "work_model": told("abcd"),
        "company_type": told("efgh"),
    }
    return columns, y


@cache
def fitted(firmographic: float, psychographic: float) -> FittedTables:
    columns, y = customers()
    emphasis = {"firmographic": firmographic, "psychographic": psychographic}
    params = FitParams(BoostingParams(bags=5, folds=3), emphasis=emphasis)
    return fit_tables(columns, SPECS, y, params=params, n_jobs=1)


def shares(fit: FittedTables) -> dict[str, float]:
    """What each psychographic field has of its pair's ranges."""
    ranges = dict(zip(fit.tables.fields, fit.tables.ranges, strict=True))
    return {
        "number": ranges["openness"] / (ranges["openness"] + ranges["employees"]),
        "category": ranges["work_model"] / (ranges["work_model"] + ranges["company_type"]),
    }


@pytest.mark.parametrize("sort", ["number", "category"])
def test_emphasis_moves_what_equally_informative_fields_say(sort):
    early, plain, late = (shares(fitted(*factors))[sort] for factors in ((0.4, 2.5), (1.0, 1.0), (2.5, 0.4)))
    assert early > plain + 0.1
    assert late < plain - 0.1


def test_a_factor_of_one_changes_no_byte():
    columns, y = customers()
    plain = fit_tables(columns, SPECS, y, params=FitParams(BoostingParams(bags=5, folds=3)), n_jobs=1)
    one = fitted(1.0, 1.0)
    assert all(np.array_equal(a, b) for a, b in zip(plain.tables.values, one.tables.values, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(plain.tables.variances, one.tables.variances, strict=True))
    assert (plain.boosters, plain.ridge, plain.tables.base) == (one.boosters, one.ridge, one.tables.base)


def test_emphasis_keeps_the_rate_and_leaves_no_trace_in_the_encoding():
    columns, y = customers()
    fit = fitted(0.4, 2.5)
    log_odds = fit.tables.log_odds(fit.tables.encode(columns, len(y)))
    assert expit(log_odds).mean() == pytest.approx(y.mean(), abs=0.02)
    assert [enc.freedom for enc in fit.tables.encoding.fields] == [1.0] * 4


@pytest.mark.parametrize("factor", [0, -1, 11, float("nan"), float("inf")])
def test_a_factor_out_of_range_is_refused(factor):
    with pytest.raises(SettingsError, match=r"model.emphasis.*psychographic: .* is no factor from 0.1 to 10"):
        Settings.build({"model": {"emphasis": {"psychographic": factor}}})


def test_an_unknown_category_is_refused():
    with pytest.raises(SettingsError, match=r"model.emphasis.demographic"):
        Settings.build({"model": {"emphasis": {"demographic": 2}}})
