from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit
from scipy.stats import spearmanr

from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_tables
from icp_ml.evaluation.metrics import Judged
from icp_ml.settings import Settings
from icp_ml.strategy.hypothesis import read_hypothesis
from icp_ml.strategy.hypothesis_tables import believed_in, meanings_in
from icp_ml.strategy.prior import (
    PriorWeights,
    centred_beliefs,
    fit_prior,
    hypothesis_log_odds,
    judge_prior,
    mix_tables,
)
from icp_ml.strategy.refining import refine

SPECS = [FieldSpec("employees", "numeric", "count"), FieldSpec("technologies", "tokens", "token_set"),
         FieldSpec("revenue_usd", "numeric", "money"), FieldSpec("open_jobs", "numeric", "count")]  # fmt: skip
RIGHT = {"signals": [{"field": "employees", "from": 101, "to": 500, "points": 3},
                     {"field": "technologies", "has": "snowflake", "points": 3}]}  # fmt: skip
WRONG = {"signals": [{"field": "employees", "over": 500, "points": 4}],
         "anti_traits": [{"field": "technologies", "has": "snowflake", "points": 4}]}  # fmt: skip


def world(n, seed):
    """Best where 101 to 500 employees and Snowflake; two fields of noise."""
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(1, 8, n)).round()
    has = rng.random(n) < 0.3
    truth = -1.5 + 1.2 * ((size > 100) & (size <= 500)) + 1.2 * has
    columns = {
        "employees": pa.array(size),
        "technologies": pa.array([["snowflake", "sap"] if h else ["sap"] for h in has], pa.list_(pa.string())),
        "revenue_usd": pa.array(rng.lognormal(10, 2, n)),
        "open_jobs": pa.array(rng.poisson(9, n).astype(float)),
    }
    return columns, truth, rng.random(n) < expit(truth)


def ranked(n, said, seed, worth=50.0):
    """Rank correlation with the truth, of the data's tables and of the mix, and the weights."""
    columns, _, best = world(n, seed)
    params = FitParams(BoostingParams(bags=2, folds=2), max_pairs=0)
    fitted = fit_tables(columns, SPECS, best.astype(float), params=params, seed=0, n_jobs=1)
    hypothesis = read_hypothesis(said)
    found = meanings_in(hypothesis, Settings(), None)
    tables = refine(fitted.tables, [m for _, _, m in found], columns, best)
    values, variances = centred_beliefs(
        tables.encoding, believed_in(tables.encoding, found, hypothesis), tables.customers
    )
    weights = fit_prior(fitted.out_of_bag, hypothesis_log_odds(values, tables.encode(columns, n)), best, worth)
    mixed = mix_tables(tables, values, variances, weights)
    others, truth, _ = world(3000, 999)
    codes = tables.encode(others, 3000)
    both = [float(spearmanr(t.log_odds(codes), truth).statistic) for t in (tables, mixed)]
    return both, weights


def test_with_few_customers_a_right_hypothesis_leads():
    found = [ranked(60, RIGHT, seed) for seed in range(4)]
    alone, mixed = np.mean([both for both, _ in found], axis=0)
    assert mixed > alone + 0.1
    assert mixed > 0.9
    assert all(w.hypothesis > 0.5 for _, w in found)


def test_with_many_customers_a_wrong_hypothesis_hardly_hurts():
    (alone, mixed), weights = ranked(1000, WRONG, 0)
    assert weights.hypothesis < 0.1
    assert weights.data > 0.8
    assert mixed > alone - 0.02


def test_what_it_is_worth_decides_between_few_customers_and_a_hypothesis():
    rng = np.random.default_rng(0)
    data, said = rng.normal(size=80), rng.normal(size=80)
    best = rng.random(80) < expit(data - 1)
    weights = [fit_prior(data, said, best, worth).hypothesis for worth in (1.0, 50.0, 5000.0)]
    assert weights == sorted(weights)
    assert weights[0] < 0.3 < 0.9 < weights[2]


def test_a_hypothesis_is_never_turned_round():
    rng = np.random.default_rng(0)
    said = rng.normal(size=2000)
    weights = fit_prior(rng.normal(size=2000), said, rng.random(2000) < expit(-2 * said), 50)
    assert weights.hypothesis == 0


def test_the_weights_do_not_depend_on_the_order_of_the_customers():
    rng = np.random.default_rng(1)
    data, said = rng.normal(size=200), rng.normal(size=200)
    best = rng.random(200) < 0.3
    order = rng.permutation(200)
    assert fit_prior(data, said, best, 50) == fit_prior(data[order], said[order], best[order], 50)


def test_the_mix_is_judged_by_weights_that_did_not_see_the_customer():
    rng = np.random.default_rng(2)
    n = 400
    said = rng.normal(size=n)
    best = rng.random(n) < expit(said - 1)
    judged = Judged(best, ~best & (rng.random(n) < 0.5), np.zeros((1, n), np.int64), np.arange(n))
    evidence = judge_prior(fit_prior(rng.normal(size=n), said, best, 50), rng.normal(size=n), said, judged, 50, 0)
    assert evidence.metrics["both"]["auc_all"].value > 0.65
    assert evidence.gain["auc_all"].low > 0
    assert "counts as 50 customers" in evidence.sentence
    assert evidence.to_dict()["weights"]["hypothesis"] == evidence.weights.hypothesis


def test_refined_tables_score_alike_and_count_every_customer():
    columns, _, best = world(400, 3)
    params = FitParams(BoostingParams(bags=2, folds=2), max_pairs=3)
    fitted = fit_tables(columns, SPECS, best.astype(float), params=params, seed=0, n_jobs=1)
    said = {"signals": [{"field": "employees", "over": 123.25, "up_to": 9e6, "points": 1},
                        {"field": "technologies", "has": "oracle", "points": 1},
                        {"field": "country", "in": ["US"], "points": 1}]}  # fmt: skip
    meanings = [m for _, _, m in meanings_in(read_hypothesis(said), Settings(), None)]
    finer = refine(fitted.tables, meanings, columns, best)
    before = fitted.tables.log_odds(fitted.tables.encode(columns, 400))
    codes = finer.encode(columns, 400)
    assert finer.log_odds(codes) == pytest.approx(before, abs=1e-12)
    assert [c.sum() for c in finer.customers] == [400] * len(finer.terms)
    assert {"technologies=oracle", "country"} <= {t.name for t in finer.terms}
    assert 123.25 in finer.encoding.fields[[e.field for e in finer.encoding.fields].index("employees")].edges
    assert refine(finer, meanings, columns, best) is finer


def test_mixing_keeps_sums_of_tables():
    columns, _, best = world(300, 4)
    fitted = fit_tables(columns, SPECS, best.astype(float), params=FitParams(BoostingParams(bags=2, folds=2)), n_jobs=1)
    values = tuple(np.full(t.size, 0.25 * j) for j, t in enumerate(fitted.tables.terms))
    weights = PriorWeights(0.5, 0.75, 2.0)
    codes = fitted.tables.encode(columns, 300)
    mixed = mix_tables(fitted.tables, values, values, weights)
    expected = weights.mixed(fitted.tables.log_odds(codes), hypothesis_log_odds(values, codes))
    assert mixed.log_odds(codes) == pytest.approx(expected, abs=1e-12)
    assert replace(mixed, values=fitted.tables.values).terms == fitted.tables.terms
