"""ICPClassifier keeps scikit-learn's contract, and takes the tables people have."""

from __future__ import annotations

import os
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from icp_ml import ICPClassifier

QUICK = {"bags": 2, "folds": 2, "max_rounds": 20, "learning_rate": 0.2, "random_state": 0, "n_jobs": 1}
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "bags and folds are drawn over rows: a row of weight 2 is not two rows"
    )
}
ARRAY_API = """
import sys
from sklearn.utils.estimator_checks import estimator_checks_generator
from icp_ml import ICPClassifier
checks = estimator_checks_generator(ICPClassifier(random_state=0, n_jobs=1))
wanted = [(estimator, check) for estimator, check in checks if check.func.__name__ == sys.argv[1]]
assert wanted
for estimator, check in wanted:
    check(estimator)
"""


@parametrize_with_checks([ICPClassifier(random_state=0, n_jobs=1)], expected_failed_checks=lambda _: EXPECTED)
def test_scikit_learns_checks(estimator, check, repository):
    if check.func.__name__.startswith(
        "check_array_api"
    ):  # would be skipped: scipy reads the switch when it is imported
        environment = {**os.environ, "SCIPY_ARRAY_API": "1", "PYTHONPATH": str(repository)}
        subprocess.run([sys.executable, "-c", ARRAY_API, check.func.__name__], check=True, env=environment, timeout=120)
    else:
        check(estimator)


def test_no_check_is_skipped_by_a_tag():
    tags = ICPClassifier().__sklearn_tags__()
    assert not tags._skip_test
    assert not tags.no_validation
    assert not tags.classifier_tags.poor_score
    assert not tags.non_deterministic


def accounts(n=160, seed=0):
    """A table as it comes: every type a column can have, and gaps."""
    rng = np.random.default_rng(seed)
    size, sector = np.exp(rng.normal(4.5, 1.2, n)).round(), rng.choice(["Software", "Retail", "Banking"], n)
    log_odds = 3.0 * (size > 90) + 2.0 * (sector == "Software") - 2.2
    tools = [list(rng.choice(["aws", "sap", "jira", "slack"], rng.integers(0, 4), replace=False)) for _ in range(n)]
    frame = pd.DataFrame({
        "employees": np.where(rng.random(n) < 0.2, np.nan, size),
        "open jobs": pd.array(rng.integers(0, 40, n), dtype="Int64"),
        "sector": pd.Series(sector).where(rng.random(n) > 0.1),
        "region": pd.Categorical(rng.choice(["EMEA", "APAC"], n)),
        "has_api": rng.random(n) < 0.5,
        "audited": pd.array(rng.choice([True, False], n), dtype="boolean"),
        "public": pd.Series(rng.choice([True, False, None], n), dtype=object),
        "tools": pd.Series(tools, dtype=object),
        "tags": ["; ".join(t) if t else None for t in tools],
        "roles": [", ".join(t) for t in tools],
        "mixed": pd.Series([5 if r < 0.4 else "51-200" if r < 0.7 else None for r in rng.random(n)], dtype=object),
        "empty": np.full(n, np.nan),
    })  # fmt: skip
    frame.loc[::9, ["open jobs", "audited"]] = pd.NA
    return frame, (rng.random(n) < expit(log_odds)).astype(int)


@pytest.fixture(scope="module")
def fitted():
    X, y = accounts()
    return ICPClassifier(**QUICK, token_delimiters={"roles": ","}).fit(X, y), X, y


def test_a_raw_table_of_every_type_fits_and_adds_up(fitted):
    model, X, _ = fitted
    log_odds = model.decision_function(X)
    assert np.isfinite(log_odds).all()
    assert log_odds.std() > 0.3
    parts = model.contributions(X)
    assert parts.index.equals(X.index)
    assert list(parts.columns) == model.terms_
    assert_allclose(parts.sum(axis=1) + model.base_, log_odds, rtol=0, atol=1e-9)
    assert_array_equal(model.predict_proba(X)[:, 1], expit(log_odds))
    assert {"employees", "sector", "region", "has_api", "audited", "public", "mixed"} <= set(model.terms_)
    assert {"tools=aws", "tags=aws", "roles=aws"} <= set(model.terms_)  # lists, undeclared and declared strings


def test_what_was_never_seen_scores_too(fitted):
    model, X, _ = fitted
    odd = X.head(4).copy()
    odd["sector"] = ["Mining", None, "", "software"]
    odd["region"] = pd.Categorical(["LATAM", None, "EMEA", "LATAM"])
    odd["employees"] = [np.inf, -5.0, np.nan, 1e12]
    odd["tools"] = pd.Series([["never seen"], [], None, ("aws", "aws")], dtype=object)
    odd["tags"] = [None, "", "unheard;of", ";;"]
    log_odds = model.decision_function(odd)
    assert np.isfinite(log_odds).all()
    assert_allclose(model.contributions(odd).sum(axis=1) + model.base_, log_odds, rtol=0, atol=1e-9)


def test_the_same_values_in_other_types_score_alike(fitted):
    model, X, _ = fitted
    other = X.copy()
    other["employees"] = X["employees"].astype("Float64")
    other["open jobs"] = X["open jobs"].astype("float64")
    other["region"] = X["region"].astype(str)
    other["has_api"] = X["has_api"].astype(object)
    other["tools"] = pd.Series([tuple(t) for t in X["tools"]], dtype=object)
    assert_array_equal(model.decision_function(other), model.decision_function(X))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda X: X.drop(columns="sector"), r"now missing:\n- sector"),
        (lambda X: X.assign(extra=1), r"unseen at fit time:\n- extra"),
        (lambda X: X.rename(columns={"sector": "Sector"}), "should match those that were passed during fit"),
        (lambda X: X[X.columns[::-1]], "must be in the same order"),
        (lambda X: X.to_numpy(dtype=object)[:, :3], "X has 3 features, but ICPClassifier is expecting 12"),
    ],
    ids=["missing", "unknown", "renamed", "reordered", "array"],
)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
def test_other_columns_are_refused_as_scikit_learn_does(fitted, change, match):
    model, X, _ = fitted
    for method in (model.predict, model.predict_proba, model.decision_function, model.contributions):
        with pytest.raises(ValueError, match=match):
            method(change(X))


def test_unfitted_says_so():
    for method in ("predict", "predict_proba", "decision_function", "contributions"):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(ICPClassifier(), method)(accounts()[0])


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (np.zeros(160), "has 1 class"),
        (np.arange(160) % 3, "Only binary classification is supported.*3 classes"),
        (np.where(np.arange(160) % 2, np.nan, 1.0), "Input y contains NaN"),
        (np.where(np.arange(160) % 2, np.inf, 1.0), "Input y contains infinity"),
        (np.arange(150) % 2, "inconsistent numbers of samples"),
    ],
)
def test_bad_targets_are_refused_by_name(y, match):
    with pytest.raises(ValueError, match=match):
        ICPClassifier(**QUICK).fit(accounts()[0], y)


def test_clone_and_set_params_keep_every_parameter(fitted):
    model, X, y = fitted
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "tables_")
    assert_array_equal(copy.fit(X, y).decision_function(X), model.decision_function(X))
    with pytest.raises(ValueError, match="Invalid parameter 'bag'"):
        copy.set_params(bag=3)
    assert copy.set_params(bags=3).bags == 3


def test_in_a_pipeline(fitted):
    model, X, y = fitted
    steps = [("smaller", FunctionTransformer(lambda f: f.drop(columns="empty"))), ("icp", clone(model))]
    pipeline = Pipeline(steps).fit(X, y)
    assert pipeline.predict_proba(X).shape == (len(X), 2)
    assert pipeline.score(X, y) > 0.6


def test_in_a_grid_search(fitted):
    _, X, y = fitted
    search = GridSearchCV(
        ICPClassifier(**QUICK), {"max_rounds": [5, 20], "bags": [2]}, cv=2, scoring="roc_auc", error_score="raise"
    )
    search.fit(X[["employees", "sector"]], y)
    assert search.best_score_ > 0.6
    assert search.best_params_["max_rounds"] in (5, 20)


def test_in_cross_validation_with_groups(fitted):
    _, X, y = fitted
    X, groups = X[["employees", "sector", "region"]], np.arange(len(y)) // 4
    scores = cross_val_score(
        ICPClassifier(**QUICK), X, y, groups=groups, cv=GroupKFold(3), scoring="roc_auc", error_score="raise"
    )
    assert scores.mean() > 0.6
    with config_context(enable_metadata_routing=True):
        model = ICPClassifier(**QUICK).set_fit_request(groups=True, sample_weight=False)
        routed = cross_val_score(
            model, X, y, params={"groups": groups}, cv=GroupKFold(3), scoring="roc_auc", error_score="raise"
        )
    assert len(routed) == 3
    assert not np.array_equal(routed, scores)  # the groups came through to the inner folds and bags


def test_survives_joblib(fitted, tmp_path):
    model, X, _ = fitted
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    assert_array_equal(loaded.decision_function(X), model.decision_function(X))
    pd.testing.assert_frame_equal(loaded.contributions(X), model.contributions(X), check_exact=True)


def test_jobs_change_nothing(fitted):
    model, X, y = fitted
    again = clone(model).set_params(n_jobs=2).fit(X, y)
    assert again.boosters_ == model.boosters_
    assert_array_equal(again.decision_function(X), model.decision_function(X))
