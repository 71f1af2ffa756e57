"""Importance weights: customers moved towards the list, what is left of them, and when that is too little."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.special import expit

from icp_ml import Settings, read_accounts, train
from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.fitting import FieldSpec, FitParams
from icp_ml.exceptions import SettingsError, TrainingRefused
from icp_ml.market_weights import effective_size, market_weights

SPECS = [FieldSpec("employees", "numeric", "count"), FieldSpec("industry", "category"), FieldSpec("public", "boolean")]
PARAMS = FitParams(BoostingParams(bags=2))


def accounts(n: int, seed: int, shift: float, gaps: float = 0.0) -> dict[str, pa.Array]:
    """Larger, more often software and more often with an API, the higher `shift` is."""
    rng = np.random.default_rng(seed)
    size = rng.normal(shift, 1.0, n)
    industry = np.where(rng.random(n) < expit(shift - 0.5), "software", rng.choice(["retail", "banking"], n))
    missing = rng.random(n) < gaps
    return {
        "employees": pa.array(np.round(np.exp(4 + size)), mask=missing),
        "industry": pa.array(industry),
        "public": pa.array(rng.random(n) < expit(shift)),
    }


def weigh(here, there, best, **changes):
    table = pa.table({"account_id": pa.array([f"m{i:05d}" for i in range(len(there["industry"]))]), **there})
    n = len(best)
    return market_weights(here, SPECS, best, table, **{"groups": np.arange(n), "params": PARAMS, **changes})


def labels(n: int) -> np.ndarray:
    return (np.arange(n) % 4 == 0).astype(float)


def test_weighted_means_move_towards_the_list():
    here, there = accounts(800, 1, 0.5), accounts(3000, 2, 0.0)
    found = weigh(here, there, labels(800))
    assert found.weight.shape == (800,)
    assert found.weight.mean() == pytest.approx(1.0)
    assert found.weight.min() > 0
    for value in (
        lambda c: np.log(c["employees"].to_numpy()),
        lambda c: c["industry"].to_numpy(zero_copy_only=False) == "software",
        lambda c: c["public"].to_numpy(zero_copy_only=False),
    ):
        gap = value(here).mean() - value(there).mean()
        left = np.average(value(here), weights=found.weight) - value(there).mean()
        assert gap > 0.08
        assert abs(left) < 0.45 * gap
    assert found.effective == pytest.approx(effective_size(found.weight))
    assert 200 < found.effective < 760
    assert found.effective_best < found.effective
    assert "800 tell as much as" in found.sentence
    assert found.to_dict()["customers"] == 800
    assert "weight" not in found.to_dict()


def test_customers_that_are_like_the_list_count_alike():
    found = weigh(accounts(600, 1, 0.0), accounts(2000, 2, 0.0), labels(600))
    assert found.effective > 0.9 * 600


def test_gaps_of_the_list_move_no_weight():
    here = accounts(600, 1, 0.0)
    found = weigh(here, accounts(2000, 2, 0.0, gaps=0.6), labels(600))
    assert found.effective > 0.9 * 600


def test_no_weight_depends_on_a_label_or_on_the_order_of_rows():
    here, there = accounts(400, 1, 0.4), accounts(1000, 2, 0.0)
    first = weigh(here, there, labels(400))
    order = np.random.default_rng(0).permutation(400)
    moved = weigh({k: v.take(pa.array(order)) for k, v in here.items()}, there, labels(400)[order])
    # customers alike in every code may swap places, and with them their folds
    np.testing.assert_array_equal(np.sort(moved.weight), np.sort(first.weight))
    assert np.corrcoef(moved.weight, first.weight[order])[0, 1] > 0.9


def test_fields_that_are_adjusted_for_are_left_out():
    here, there = accounts(400, 1, 0.4), accounts(1000, 2, 0.0)
    columns = {**here, "tier": pa.array(["gold", "bronze"] * 200)}
    specs = [*SPECS, FieldSpec("tier", "category", adjust=True)]
    table = pa.table({"account_id": pa.array([f"m{i:05d}" for i in range(1000)]), **there})
    with_tier = market_weights(columns, specs, labels(400), table, groups=np.arange(400), params=PARAMS)
    np.testing.assert_array_equal(with_tier.weight, weigh(here, there, labels(400)).weight)


def test_too_few_effective_best_customers_are_refused():
    with pytest.raises(
        TrainingRefused, match=r"the 50 best customers would tell no more than \d+ of equal weight, where 40"
    ):
        weigh(accounts(200, 1, 1.0), accounts(1000, 2, 0.0), labels(200))


def test_a_list_unlike_the_customers_is_refused():
    with pytest.raises(TrainingRefused, match=r"no more than \d+ of equal weight.*\{market_weights: false"):
        weigh(accounts(900, 1, 2.5), accounts(3000, 2, -1.0), labels(900))


def test_too_few_effective_customers_are_refused(monkeypatch):
    monkeypatch.setattr("icp_ml.market_weights.LEAST_BEST", 0.0)
    with pytest.raises(
        TrainingRefused, match=r"the 900 customers would tell no more than \d+ .*%\), where 25% are needed"
    ):
        weigh(accounts(900, 1, 2.5), accounts(3000, 2, -1.0), labels(900))


def customers(n: int, shift: float, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed + 50)
    columns = accounts(n, seed, shift)
    growth = np.round(rng.normal(0.1, 0.1, n), 3)
    stays = rng.random(n) < expit(8 * (growth - 0.1) + 1.0)
    return pd.DataFrame(
        {
            "Account ID": [f"a{i}" for i in range(n)],
            "Employees": columns["employees"].to_numpy(),
            "Industry": columns["industry"].to_numpy(zero_copy_only=False),
            "Employee Growth": growth,
            "Churned": np.where(stays, "no", "yes"),
            "NRR": np.round(100 + 40 * (growth - 0.1) + rng.normal(0, 8, n), 1),
        }
    )


def settings(**model: object) -> Settings:
    return Settings.build(
        {"as_of": "2026-10-01", "model": {"bags": 2, **model}, "evaluation": {"folds": 2, "repeats": 1}}
    )


def test_training_with_weights_says_what_they_leave():
    chosen = settings(market_weights=True)
    read = read_accounts(customers(320, 0.3, 1), chosen)
    listed = read_accounts(customers(700, 0.0, 2)[["Account ID", "Employees", "Industry", "Employee Growth"]], chosen,
                           like=read)  # fmt: skip
    run = train(read, chosen, listed, n_jobs=1)
    told = run.model.data_report["market_weights"]
    assert 40 <= told["effective_best"] < told["best"]
    assert told["sentence"] in run.evaluation.notes
    plain = train(read, settings(), listed, n_jobs=1)
    assert "market_weights" not in plain.model.data_report
    assert plain.model.tables.base != run.model.tables.base


def test_weights_need_a_list():
    chosen = settings(market_weights=True)
    read = read_accounts(customers(160, 0.3, 1), chosen)
    with pytest.raises(
        SettingsError, match=r"market_weights = true makes customers look like a list: give one \(--list"
    ):
        train(read, chosen, n_jobs=1)
