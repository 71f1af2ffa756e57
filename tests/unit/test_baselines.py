from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from icp_ml import baselines
from icp_ml.baselines import BASELINES, Split, rule_cells, rule_fields
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_encoding
from icp_ml.estimator.linear import fit_ridge
from icp_ml.estimator.ridge_basis import one_hot
from icp_ml.estimator.rows import TrainingRows


def category(values):
    return pa.array(values, type=pa.string()).dictionary_encode()


def make_split(n=300, m=200, seed=0, effect=1.5):
    rng = np.random.default_rng(seed)
    size = np.exp(rng.normal(4, 1.5, n + m)).round()
    industry = rng.integers(0, 6, n + m)
    columns = {"employees": pa.array(size), "industry": category([f"i{i}" for i in industry])}
    y = (rng.random(n + m) < 1 / (1 + np.exp(-effect * ((industry < 3) * 2 - 1)))).astype(float)
    specs = (FieldSpec("employees", "numeric", "count"), FieldSpec("industry", "category"))
    train = {k: v.slice(0, n) for k, v in columns.items()}
    held = {k: v.slice(n) for k, v in columns.items()}
    encoding = fit_encoding(train, specs, FitParams(), None)
    cells = rule_cells(specs, train, held, encoding, None)
    rows = TrainingRows(encoding.encode(train, n), y[:n], np.ones(n), np.arange(n), rng.random(n) < 0.8)
    return Split(rows, encoding.encode(held, m), encoding.terms, *cells, seed), y[n:]


def test_the_rule_prefers_size_and_industry_and_else_the_best_known_fields():
    full = pa.array([1.0, 2.0])
    columns = {"employees": full, "industry": category(["a", "b"]), "age": full, "tech": pa.array([["x"], []])}
    specs = [FieldSpec(name, kind) for name, kind in
             (("age", "numeric"), ("tech", "tokens"), ("industry", "category"), ("employees", "numeric"))]  # fmt: skip
    assert [s.name for s in rule_fields(columns, specs)] == ["employees", "industry"]
    del columns["employees"]
    columns["age"] = pa.array([1.0, None])
    columns["colour"] = category(["red", "blue"])
    specs.append(FieldSpec("colour", "category"))
    assert [s.name for s in rule_fields(columns, specs)] == ["industry", "colour"]
    assert rule_fields({"tech": columns["tech"]}, specs) == ()


def test_the_rule_says_which_fields_it_uses():
    fields = (FieldSpec("employees", "numeric"), FieldSpec("naics_code", "category", label="NAICS code"))
    assert "employees x NAICS code" in baselines.labels(fields)["size_industry_rule"]


def test_employee_bands_are_the_vendors_and_missing_is_a_band():
    specs = (FieldSpec("employees", "numeric"), FieldSpec("raised", "numeric", "date"))
    days = pa.array([np.datetime64("2026-01-01", "s"), None, np.datetime64("2020-01-01", "s"), None])
    part = {"employees": pa.array([10.0, 11.0, 50.0, None]), "raised": days}
    encoding = fit_encoding(part, specs, FitParams(), date(2026, 6, 1))
    cells, again = rule_cells(specs, part, part, encoding, date(2026, 6, 1))
    assert cells[:, 0].tolist() == [1, 2, 2, 0]
    assert cells[1, 1] == cells[3, 1] == 0
    assert cells[0, 1] < cells[2, 1]
    assert np.array_equal(cells, again)


def test_the_rule_is_the_smoothed_rate_of_the_cell():
    cells = np.array([[1, 1]] * 1000 + [[1, 2]] * 1000 + [[2, 1]] * 1000)
    y = np.repeat([1.0, 0.0, 1.0, 0.0, 1.0, 0.0], [900, 100, 200, 800, 500, 500])
    asked = np.array([[1, 1], [1, 2], [2, 1], [7, 7]])
    rates = 1 / (1 + np.exp(-baselines._cell_log_odds(cells, y, asked)))
    assert rates[:3] == pytest.approx([0.9, 0.2, 0.5], abs=0.005)
    assert rates[3] == pytest.approx(1601 / 3002, abs=1e-6)


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_customers_that_do_not_train_change_no_score(name):
    split, _ = make_split()
    rows = split.train
    other = rows.codes.copy()
    other[~rows.trains] = other[~rows.trains][::-1]
    flipped = np.where(rows.trains, rows.y, 1 - rows.y)
    changed = Split(TrainingRows(other, flipped, rows.weight, rows.group, rows.trains), split.held, split.terms,
                    split.cells_train, split.cells_held, split.seed)  # fmt: skip
    before, after = BASELINES[name](split), BASELINES[name](changed)
    assert np.array_equal(before.held, after.held)
    assert np.array_equal(before.out_of_fold[rows.trains], after.out_of_fold[rows.trains])


@pytest.mark.parametrize("name", ["size_industry_rule", "ridge_logistic", "lightgbm_defaults"])
def test_a_baseline_finds_a_signal_and_its_out_of_fold_scores_are_honest(name):
    split, y = make_split()
    scores = BASELINES[name](split)
    assert roc_auc_score(y, scores.held) > 0.72
    noise, _ = make_split(effect=0.0, seed=3)
    scores = BASELINES[name](noise)
    assert abs(roc_auc_score(noise.train.y, scores.out_of_fold) - 0.5) < 0.1


def test_the_ridge_penalty_is_strong_on_noise_and_weaker_on_signal():
    signal, _ = make_split(effect=2.5)
    noise, _ = make_split(effect=0.0)
    assert fit_ridge(noise.train, noise.terms).C < fit_ridge(signal.train, signal.terms).C


def test_ridge_tables_give_the_regressions_own_log_odds():
    from sklearn.linear_model import LogisticRegression

    split, _ = make_split()
    rows = split.train
    fit = fit_ridge(rows, split.terms)
    X = one_hot(rows.codes, split.terms)
    own = LogisticRegression(C=fit.C, tol=1e-8, max_iter=5000).fit(X[rows.trains], rows.y[rows.trains])
    assert fit.log_odds(rows.codes) == pytest.approx(own.decision_function(X), abs=2e-3)
    assert fit.log_odds(split.held).std() > 0.1


def test_tokens_drop_their_commonest_code():
    tokens = pa.array([["a"], [], [], None, [], []] * 5)
    encoding = fit_encoding({"tech": tokens}, [FieldSpec("tech", "tokens")], FitParams(), None)
    X = one_hot(encoding.encode({"tech": tokens}, 30), encoding.terms).toarray()
    assert X.shape == (30, 3)
    assert X.sum(axis=0).tolist() == [5, 0, 5]


def test_the_base_rate_says_the_same_of_everybody():
    split, _ = make_split()
    assert np.ptp(BASELINES["base_rate"](split).held) == 0
