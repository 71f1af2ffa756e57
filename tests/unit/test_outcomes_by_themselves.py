"""Each outcome by itself: of the mature customers, in units people know."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from icp_ml import OutcomeDefinition
from icp_ml.outcomes.by_itself import outcomes_by_themselves

AS_OF = date(2026, 10, 1)


@pytest.fixture(scope="module")
def judged():
    n = 200
    since = pd.Timestamp(AS_OF) - pd.to_timedelta(np.arange(n) * 9 + 20, unit="D")
    left = pd.Series(pd.NaT, index=range(n))
    left[60] = since[60] + pd.Timedelta(days=100)  # within the year
    left[150] = since[150] + pd.Timedelta(days=700)  # later
    frame = pd.DataFrame(
        {
            "customer_since": since,
            "churn_date": left,
            "churned": pd.array(left.notna(), dtype="boolean"),
            "net_revenue_retention": np.linspace(0.8, 1.3, n),
            "nps": np.where(np.arange(n) % 2, np.nan, np.arange(n) % 11),
            "annual_revenue_from_customer_usd": np.where(np.arange(n) == 199, 1e9, 1000.0 + np.arange(n)),
            "testimonial": pd.array(np.arange(n) % 4 == 0, dtype="boolean"),
            "csat": np.full(n, np.nan),
        }
    )
    labels = OutcomeDefinition().label(frame, AS_OF)
    return frame, labels, {o.name: o for o in outcomes_by_themselves(frame, labels)}


def test_every_outcome_of_the_table_is_there_weighted_or_not(judged):
    _frame, labels, found = judged
    assert list(found) == ["retention", "expansion", "nps", "business_value", "testimonial"]
    assert {name: o.unit for name, o in found.items()} == {
        "retention": "%", "expansion": "%", "nps": "points", "business_value": "$", "testimonial": "%"
    }  # fmt: skip
    assert all(len(o.values) == labels.is_mature.sum() for o in found.values())


def test_retention_is_of_the_horizon(judged):
    _frame, labels, found = judged
    mature = np.flatnonzero(labels.is_mature)
    stays = dict(zip(mature.tolist(), found["retention"].values.tolist(), strict=True))
    assert stays[60] == 0.0
    assert stays[150] == 100.0  # left after the year
    assert 10 not in stays  # too young to be judged


def test_shares_are_percents_and_giants_are_cut(judged):
    frame, labels, found = judged
    mature = np.flatnonzero(labels.is_mature)
    np.testing.assert_allclose(found["expansion"].values, 100 * frame["net_revenue_retention"][mature])
    assert set(found["testimonial"].values) == {0.0, 100.0}
    assert found["business_value"].values.max() < 2000
    assert np.isnan(found["nps"].values[mature % 2 == 1]).all()


def test_they_are_taken_in_another_order(judged):
    one = judged[2]["expansion"]
    order = np.arange(len(one.values))[::-1]
    assert one.take(order).values.tolist() == one.values[::-1].tolist()
