"""Customers outside the profile, or doing otherwise than their fit says, for those who look after them."""

import numpy as np
import pandas as pd
import pytest

from icp_ml import Settings, read_accounts, train
from icp_ml.customer_lists import BETTER, ORDER, OUTSIDE_FILTER, OUTSIDE_TIER, WORSE


def customers(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    industry = rng.choice(["Software", "Retail", "Banking"], n, p=[0.4, 0.4, 0.2])
    good = (industry == "Software") * 2.6 + rng.logistic(0, 1, n) * 0.9
    since = np.where(np.arange(n) % 10 == 0, "2026-08-01", "2023-01-15")
    return pd.DataFrame(
        {
            "Account ID": [f"C-{k:04d}" for k in range(n)],
            "Account Name": [f"=Firm {k}" for k in range(n)],
            "Industry": industry,
            "# Employees": np.exp(rng.normal(5, 1, n)).astype(int),
            "Customer Since": since,
            "Churned": np.where((good < 0.4) & (since < "2025"), "Yes", "No"),
            "NRR (12m)": [f"{90 + 8 * g:.0f}%" for g in good],
            "ARR": (1000 * (1 + (industry == "Software")) * np.exp(rng.normal(0, 0.7, n))).astype(int),
        }
    )


@pytest.fixture(scope="module")
def run():
    settings = Settings.build({
        "as_of": "2026-10-01", "evaluation": {"folds": 3, "repeats": 1}, "fields": {"confirm": ["industry"]},
        "model": {"bags": 2, "segments": "never"},
        "profile": {"overrides": [
            {"action": "exclude", "where": "industry = Banking", "reason": "not our market any more", "by": "board"},
        ]},
    })  # fmt: skip
    return train(read_accounts(customers(), settings), settings, n_jobs=1)


def test_every_customer_is_there_once_in_order_and_lists_follow_fit_and_outcome(run):
    table = run.customers.table
    assert table["account_id"].tolist() == customers()["Account ID"].tolist()
    assert set(table["outcome"]) >= {"best", "middle", "worst", "too_young"}
    worse, better = table[table["list"] == WORSE], table[table["list"] == BETTER]
    assert len(worse)
    assert (worse["tier"] == "A").all()
    assert (worse["outcome"] == "worst").all()
    assert (better["tier"] == "D").all()
    assert (better["outcome"] == "best").all()
    outside = table[table["list"] == OUTSIDE_FILTER]
    assert (outside["why"].str.contains("not our market any more")).all()
    banking = np.array(customers()["Industry"] == "Banking")
    assert set(table["list"][banking].dropna()) <= {OUTSIDE_FILTER, BETTER, WORSE}
    assert banking[np.array(table["list"] == OUTSIDE_FILTER)].all()
    low = table[table["list"] == OUTSIDE_TIER]
    assert (low["tier"] == "D").all()
    assert (table["tier"][table["list"].isna()] != "D").all()


def test_fit_is_held_out_of_those_trained_on_and_the_models_own_of_the_rest(run):
    table = run.customers.table
    young = np.array(table["outcome"] == "too_young")
    scored = run.model.score(customers())
    same = np.isclose(table["fit_score"], scored["fit_score"].fillna(-1))
    assert same[young & scored["fit_score"].notna().to_numpy()].all()
    assert same[~young].mean() < 0.1


def test_what_to_look_at_first_comes_first(run):
    frame = run.customers.frame()
    place = frame["list"].map({name: k for k, name in enumerate(ORDER)})
    assert place.is_monotonic_increasing
    assert run.customers.counts == {name: int((frame["list"] == name).sum()) for name in ORDER}
    assert run.customers.to_dict()["customers"] == 400
    assert frame["reason_1"][frame["list"] == OUTSIDE_TIER].notna().all()
    assert run.evaluation.value is not None
    assert run.evaluation.value.by_tier()["A"]["value"] > run.evaluation.value.by_tier()["D"]["value"]
