"""Class imbalance: one best customer in a hundred."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from icp_ml import ICPClassifier, Settings, read_accounts, train
from icp_ml.datasets import make_world
from icp_ml.datasets.vendors import as_crm_export
from icp_ml.estimator.rows import TrainingRows, fold_numbers
from icp_ml.exceptions import TrainingRefused
from icp_ml.tiers import TierCutoffs


def rare(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """About 1 % of the rows are positive, by growth, industry and one technology."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "employees": np.round(np.exp(rng.normal(4, 1, n))),
            "industry": rng.choice(list("abcdefgh"), n),
            "growth": rng.normal(size=n),
            "technologies": [";".join(rng.choice(list("klmno"), 2, replace=False)) for _ in range(n)],
        }
    )
    raw = 1.2 * X["growth"] + X["industry"].isin(["a", "b"]) + 0.8 * X["technologies"].str.contains("k")
    y = (rng.random(n) < expit(raw - 6.0)).astype(int)
    return X, y.to_numpy() if isinstance(y, pd.Series) else y


@cache
def fitted(n: int) -> ICPClassifier:
    X, y = rare(n, 1)
    return ICPClassifier(bags=8, random_state=0, n_jobs=1).fit(X, y)


@pytest.mark.parametrize("n", [2000, 5000])
def test_one_positive_in_a_hundred_is_learned(n):
    y = rare(n, 1)[1]
    assert 0.005 < y.mean() < 0.02
    X, judged = rare(20_000, 2)
    chance = fitted(n).predict_proba(X)[:, 1]
    assert roc_auc_score(judged, chance) > 0.72
    assert chance.mean() == pytest.approx(y.mean(), rel=0.25)
    assert chance.max() < 0.6


@pytest.mark.parametrize("n", [2000, 5000])
def test_intervals_of_rare_positives_are_finite_and_say_how_little_is_known(n):
    model = fitted(n)
    codes = model.tables_.encode(model._columns(rare(500, 3)[0]), 500)
    error = model.tables_.standard_error(codes)
    assert np.isfinite(error).all()
    assert (error > 0.2).all()
    assert (error < 2.5).all()
    assert all(np.isfinite(v).all() for v in (*model.tables_.values, *model.tables_.variances))


@pytest.mark.parametrize("together", [False, True])
def test_every_fold_has_its_part_of_the_positives(together):
    rng = np.random.default_rng(5)
    n = 2000
    y = np.zeros(n)
    y[rng.choice(n, 20, replace=False)] = 1.0
    group = np.repeat(np.arange(n // 2), 2) if together else np.arange(n)
    rows = TrainingRows(np.zeros((n, 0), np.uint16), y, np.ones(n), group, np.ones(n, dtype=bool))
    fold = fold_numbers(rows, 5, 0)
    positives = np.bincount(fold, weights=y, minlength=5)
    assert positives.min() >= 3
    assert positives.max() <= 5
    assert np.ptp(np.bincount(fold)) <= 8


def test_training_with_too_few_best_says_how_many_are_missing():
    settings = Settings.build({"as_of": "2026-10-01", "outcomes": {"best_share": 0.01}})
    accounts = read_accounts(as_crm_export(make_world(600, 100, seed=1).customers), settings)
    with pytest.raises(TrainingRefused, match=r"4 best and \d+ worst .* at least 20 of each are needed \(16 more best"):
        train(accounts, settings, n_jobs=1)


def test_training_on_one_best_in_a_hundred():
    settings = Settings.build(
        {
            "as_of": "2026-10-01",
            "outcomes": {"best_share": 0.01},
            "model": {"bags": 2},
            "evaluation": {"folds": 2, "repeats": 1},
        }
    )
    world = as_crm_export(make_world(3000, 100, seed=1).customers)
    kept = ["Account ID", "Industry", "# Employees", "Employee Growth", "Billing Country"]
    kept += ["Customer Since", "Churn Date", "Churned", "NRR (12m)", "NPS"]
    run = train(read_accounts(world[kept], settings), settings, n_jobs=1)
    counts = run.labels.counts
    assert 20 <= counts["best"] <= 0.012 * counts["mature"]
    assert run.evaluation.auc.value > 0.65
    rate = counts["best"] / counts["mature"]
    assert expit(run.evaluation.out_of_fold).mean() == pytest.approx(rate, rel=0.4)
    cutoffs = run.model.cutoffs
    assert 100 > cutoffs.a > cutoffs.b > cutoffs.c > 0


@pytest.mark.parametrize("rate", [0.25, 0.01, 0.002])
def test_tiers_of_a_small_rate_stay_apart(rate):
    cutoffs = TierCutoffs.from_base_rate(rate)
    assert cutoffs.a / cutoffs.b == pytest.approx(2.0, rel=0.3)
    assert cutoffs.b / cutoffs.c == pytest.approx(2.0, rel=0.3)
