from __future__ import annotations

import io
import json

import joblib
import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import shap
from scipy.special import expit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from icp_ml import ICPClassifier
from icp_ml.estimator import boosting as b

FAST = {"bags": 2, "max_rounds": 40, "learning_rate": 0.2, "folds": 3, "random_state": 0}


def make(n=300, seed=0):
    rng = np.random.default_rng(seed)
    size = np.exp(rng.normal(4, 1, n))
    held = rng.random(n) < 0.5
    X = pd.DataFrame(
        {
            "employees": np.where(rng.random(n) < 0.1, np.nan, size),
            "industry": np.where(rng.random(n) < 0.1, None, rng.choice(["a", "b", "c"], n)),
            "public": pd.array(np.where(rng.random(n) < 0.1, None, rng.random(n) < 0.5), dtype="boolean"),
            "tools": ["x;y" if h else "y" for h in held],
            "grade": pd.Categorical(rng.choice(["low", "high"], n)),
        },
        index=[f"row {i}" for i in range(n)],
    )
    y = np.where(rng.random(n) < expit(1.5 * (np.log(size) - 4) + held - 0.5), "best", "other")
    return X, y


@pytest.fixture(scope="module")
def data():
    return make()


@pytest.fixture(scope="module")
def fitted(data):
    return ICPClassifier(**FAST).fit(*data)


def same(a, b):
    return a.boosters_ == b.boosters_ and a.base_ == b.base_ and all(
        x.tobytes() == y.tobytes() for x, y in zip(a.tables_.values, b.tables_.values, strict=True)
    )  # fmt: skip


@pytest.fixture(scope="module")
def alone(data):
    return ICPClassifier(**FAST, max_pairs=0).fit(*data)


def test_contributions_and_base_sum_to_the_decision(data, fitted, alone):
    X, _ = data
    contributions = fitted.contributions(X)
    assert list(contributions.columns) == fitted.terms_
    assert list(contributions.index) == list(X.index)
    assert np.abs(contributions.sum(axis=1).to_numpy() + fitted.base_ - fitted.decision_function(X)).max() < 1e-9
    assert np.abs(alone.contributions(X).mean()).max() < 1e-9  # with pairs on the product of the marginals only


def test_contributions_are_shap_values_ridge_included(data, alone):
    """Interventional, from all coalitions; missing and unseen values too. With pairs see `test_pairs`."""
    X, _ = data
    fitted = alone
    tables = fitted.tables_
    asked = X.iloc[:4].assign(industry="never seen", employees=[np.nan, 1e9] * 2)
    codes = tables.encode(fitted._columns(asked), len(asked)).astype(float)
    background = tables.encode(fitted._columns(X), len(X))[:40]
    explainer = shap.KernelExplainer(lambda rows: tables.log_odds(rows.astype(np.uint16)), background.astype(float))
    explained = explainer(codes, silent=True, l1_reg=False)
    expected = fitted.contributions(X.iloc[:40]).mean().to_numpy()
    assert 0 < fitted.ridge_share_ < 1
    assert np.abs(explained.values - (fitted.contributions(asked).to_numpy() - expected)).max() < 1e-9
    assert np.abs(explained.base_values - (fitted.base_ + expected.sum())).max() < 1e-9


def test_the_tables_can_be_rebuilt_from_the_audit_texts(data):
    """Boosters of numbers and yes-or-no fields read nothing but codes, so their text is all that is needed."""
    X, y = data
    X = X[["employees", "public"]]
    model = ICPClassifier(**FAST).fit(X, y)
    codes = model.tables_.encode(model._columns(X), len(X))
    design = b.design(codes, model.tables_.terms, [None, None])
    boosted = np.mean([lgb.Booster(model_str=t).predict(design, raw_score=True) for t in model.boosters_], axis=0)
    ridge = json.loads(model.ridge_)
    linear = ridge["base"] + sum(np.array(ridge["tables"][t])[codes[:, j]] for j, t in enumerate(model.terms_))
    mixed = (1 - ridge["share"]) * boosted + ridge["share"] * linear
    calibrated = model.calibration_.slope * mixed + model.calibration_.intercept
    assert np.abs(calibrated - model.decision_function(X)).max() < 1e-9
    assert ridge["share"] == model.ridge_share_


def test_probabilities_are_the_sigmoid_of_the_decision(data, fitted):
    X, y = data
    decision, probability = fitted.decision_function(X), fitted.predict_proba(X)
    assert fitted.classes_.tolist() == ["best", "other"]
    assert probability[:, 1].tolist() == expit(decision).tolist()
    assert np.abs(probability.sum(axis=1) - 1).max() == 0
    assert fitted.predict(X).tolist() == np.where(decision > 0, "other", "best").tolist()
    assert roc_auc_score(y == "other", decision) > 0.75


def test_order_of_rows_and_columns_and_jobs_do_not_change_the_bytes(data, fitted):
    X, y = data
    order = np.random.default_rng(1).permutation(len(X))
    again = ICPClassifier(**FAST, n_jobs=2).fit(X.iloc[order][list(X.columns[::-1])], y[order])
    assert same(fitted, again)
    assert again.decision_function(X[list(X.columns[::-1])]).tolist() == fitted.decision_function(X).tolist()


def test_random_state_kinds(data, fitted):
    X, y = data
    assert same(fitted, clone(fitted).fit(X, y))
    legacy = {**FAST, "random_state": np.random.RandomState(5)}
    assert not same(fitted, ICPClassifier(**legacy).fit(X, y))


def test_unseen_and_missing_values_are_taken(fitted):
    odd = pd.DataFrame(
        {
            "employees": [np.inf, -1e9, None],
            "industry": ["never seen", None, "a"],
            "public": [None, True, False],
            "tools": ["never", None, "x"],
            "grade": ["other", None, "low"],
        }
    )
    contributions = fitted.contributions(odd)
    assert np.isfinite(contributions.to_numpy()).all()
    assert contributions.loc[0, "industry"] == 0  # never seen: nothing is known
    assert contributions.loc[0, "employees"] == fitted.contributions(odd.assign(employees=1e6)).loc[0, "employees"]


def test_lists_and_delimited_strings_are_one_thing(data, fitted):
    X, y = data
    again = ICPClassifier(**FAST).fit(X.assign(tools=[t.split(";") for t in X["tools"]]), y)
    assert again.terms_ == fitted.terms_
    assert same(fitted, again)
    declared = ICPClassifier(**FAST, token_delimiters={"tools": ","}).fit(
        X.assign(tools=X["tools"].str.replace(";", ", ")), y
    )
    assert same(fitted, declared)


def test_columns_must_be_those_of_the_fit(data, fitted):
    X, _ = data
    with pytest.raises(ValueError, match="industry"):
        fitted.predict(X.drop(columns="industry"))
    with pytest.raises(ValueError, match="more"):
        fitted.predict(X.assign(more=1))


def test_a_column_that_changed_its_kind_is_refused(data, fitted):
    with pytest.raises(ValueError, match="column 'employees' was numeric when fitted"):
        fitted.predict(data[0].assign(employees="many"))


def test_sample_weights_count(data):
    X, y = data
    weight = np.where((X["industry"] == "a").to_numpy(dtype=bool, na_value=False) & (y == "other"), 8.0, 1.0)
    light, heavy = (ICPClassifier(**FAST).fit(X, y, sample_weight=w) for w in (None, weight))
    a = pd.DataFrame({**{c: [None] for c in X.columns}, "industry": ["a"], "grade": ["low"], "tools": ["y"]})
    assert heavy.contributions(a)["industry"][0] > light.contributions(a)["industry"][0] + 0.2
    assert same(light, ICPClassifier(**FAST).fit(X, y, sample_weight=np.ones(len(y))))


def test_groups_are_kept_together(data):
    X, y = data
    X, shuffled = X.iloc[:80], np.random.default_rng(0).permutation(y[:80])
    thrice, label = X.loc[X.index.repeat(3)], np.repeat(shuffled, 3)

    def auc(groups):
        model = ICPClassifier(**FAST).fit(thrice, label, groups=groups)
        return roc_auc_score(label == "other", model.out_of_bag_)

    assert auc(None) > auc(np.repeat([f"g{i}" for i in range(80)], 3)) + 0.1


def test_survives_joblib_and_stays_itself(data, fitted):
    held = io.BytesIO()
    joblib.dump(fitted, held)
    held.seek(0)
    back = joblib.load(held)
    assert back.decision_function(data[0]).tolist() == fitted.decision_function(data[0]).tolist()
    assert back.get_params() == fitted.get_params()


def test_works_in_pipelines_and_cross_validation(data):
    X, y = data
    pipeline = make_pipeline(FunctionTransformer(), ICPClassifier(**FAST))
    assert cross_val_score(pipeline, X, y, cv=2, scoring="roc_auc").mean() > 0.65


def test_arrays_are_taken_as_they_are():
    X = np.random.default_rng(0).normal(size=(120, 3))
    model = ICPClassifier(**FAST).fit(X, (X[:, 1] > 0).astype(int))
    assert model.terms_ == ["x0", "x1", "x2"]
    assert (model.predict(X) == (X[:, 1] > 0)).mean() > 0.9


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"bags": 1}, "bags = 1: must be an integer from 2 to 1000"),
        ({"max_rounds": 0}, "max_rounds = 0"),
        ({"folds": 2.5}, "folds = 2.5: must be an integer"),
        ({"max_bins": True}, "max_bins = True"),
        ({"max_bins": 1}, "max_bins = 1: must be an integer from 2 to 250"),
        ({"min_count": 0}, "min_count = 0"),
        ({"max_tokens": "many"}, "max_tokens = 'many'"),
        ({"learning_rate": 0}, "learning_rate = 0: must be a number above 0 and at most 1"),
        ({"learning_rate": "fast"}, "learning_rate = 'fast'"),
        ({"random_state": -1}, "random_state = -1: must not be negative"),
        ({"token_delimiters": {"nothing": ","}}, r"token_delimiters names \['nothing'\]"),
    ],
)
def test_parameters_are_checked_when_fitted(data, params, match):
    model = ICPClassifier(**{**FAST, **params})
    with pytest.raises(ValueError, match=match):
        model.fit(*data)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"y": None}, "requires y to be passed"),
        ({"y": np.zeros(300)}, "1 class"),
        ({"y": np.arange(300) % 3}, "3 classes"),
        ({"y": np.zeros(5)}, "inconsistent numbers of samples"),
        ({"sample_weight": -np.ones(300)}, "(?i)negative"),
        ({"groups": [1, 2]}, "inconsistent numbers of samples"),
        ({"groups": [None, "a"] * 150}, "groups has missing values"),
    ],
)
def test_input_is_checked_when_fitted(data, change, match):
    X, y = data
    with pytest.raises(ValueError, match=match):
        ICPClassifier(**FAST).fit(X, **{"y": y, **change})


def test_one_class_of_weight_is_refused(data):
    X, y = data
    with pytest.raises(ValueError, match="one class left once rows of zero sample_weight are dropped"):
        ICPClassifier(**FAST).fit(X, y, sample_weight=(y == "best").astype(float))


def test_empty_and_unfitted(data):
    X, y = data
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        ICPClassifier(**FAST).fit(X.iloc[:0], y[:0])
    with pytest.raises(ValueError, match=r"0 feature\(s\)"):
        ICPClassifier(**FAST).fit(X[[]], y)
    with pytest.raises(NotFittedError):
        ICPClassifier().predict(X)


def test_tiny_and_constant_input_still_fits():
    model = ICPClassifier(**FAST).fit(pd.DataFrame({"x": [1.0, 1.0, 1.0, 1.0]}), [0, 1, 0, 1])
    assert np.isfinite(model.decision_function(pd.DataFrame({"x": [1.0, None]}))).all()


def test_the_limit_on_tokens_is_kept():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"tools": [[f"t{j}" for j in np.flatnonzero(row)] for row in rng.random((120, 30)) < 0.3]})
    fitted = ICPClassifier(**FAST, max_tokens=4).fit(X, rng.random(120) < 0.5)
    assert 4 <= len(fitted.terms_) <= 12  # what the whole fit took, and half of the bags
