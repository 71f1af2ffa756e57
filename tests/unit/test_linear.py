from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import shap
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from icp_ml.estimator import linear, ridge_basis
from icp_ml.estimator.design import centred_commonness
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_encoding
from icp_ml.estimator.linear import fit_ridge, fit_smooth_ridge, posterior_variances
from icp_ml.estimator.ridge_basis import one_hot, smooth_basis
from icp_ml.estimator.rows import TrainingRows, fold_numbers, take

SPECS = [
    FieldSpec("industry", "category"),
    FieldSpec("public", "boolean"),
    FieldSpec("size", "numeric"),
    FieldSpec("tech", "tokens"),
]


def make(n=300, seed=0, *, effect=1.5):
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    tokens = [["x"] * (u < 0.5) + ["y"] * (v < 0.3) for u, v in rng.random((n, 2)).tolist()]
    columns = {
        "size": pa.array(size, mask=rng.random(n) < 0.1),
        "industry": pa.array(rng.choice(["a", "b", "c"], n)),
        "public": pa.array(rng.random(n) < 0.3),
        "tech": pa.array(tokens),
    }
    y = (rng.random(n) < expit(effect * size)).astype(float)
    encoding = fit_encoding(columns, SPECS, FitParams(), None)
    rows = TrainingRows(encoding.encode(columns, n), y, np.ones(n), np.arange(n), rng.random(n) < 0.8)
    return rows, encoding, columns


@pytest.fixture(scope="module")
def data():
    return make()


@pytest.fixture(scope="module")
def draws(data):
    n = int(data[0].trains.sum())
    return [np.bincount(np.random.default_rng(b).integers(0, n, n), minlength=n) for b in (1, 2)]


@pytest.fixture(scope="module")
def fitted(data, draws):
    return fit_smooth_ridge(data[0], data[1].terms, draws, folds=4, seed=3)


def numeric_basis(bins):
    columns = {"x": pa.array(np.arange(float(bins * 40)))}
    encoding = fit_encoding(columns, [FieldSpec("x", "numeric")], FitParams(max_bins=bins), None)
    return smooth_basis(encoding.encode(columns, bins * 40), encoding.terms).toarray()


def test_a_numbers_basis_is_the_centred_thermometer():
    """The kernel of all its waves is that of steps from bin to bin, each with the same penalty, centred."""
    basis = numeric_basis(8)
    bins = len(basis) - 3
    assert bins == 8
    waves = basis[2:-1, bins + 1 :]
    assert waves.shape == (8, 7)
    thermometer = np.tri(8, 7, -1)
    thermometer -= thermometer.mean(axis=0)
    kernel, wanted = waves @ waves.T, thermometer @ thermometer.T
    assert np.abs(kernel / np.trace(kernel) - wanted / np.trace(wanted)).max() < 1e-12
    assert np.trace(kernel) / bins == pytest.approx(ridge_basis.SMOOTH**2)
    hot = basis[2:-1, 1 : bins + 1]
    assert hot.tolist() == (ridge_basis.ROUGH * np.eye(bins)).tolist()


def test_beyond_the_range_is_as_at_the_edge_and_missing_stands_alone():
    basis = numeric_basis(6)
    assert basis[1].tolist() == basis[2].tolist()
    assert basis[-1].tolist() == basis[-2].tolist()
    assert np.flatnonzero(basis[0]).tolist() == [0]
    assert not basis[1:, 0].any()


def test_one_bin_has_no_slope():
    columns = {"x": pa.array([5.0] * 30)}
    encoding = fit_encoding(columns, [FieldSpec("x", "numeric")], FitParams(), None)
    assert smooth_basis(encoding.encode(columns, 30), encoding.terms).shape == (4, 2)


def test_numbers_are_smooth_and_categories_know_how_common_they_are(data):
    rows, terms = data[0], data[1].terms
    basis = smooth_basis(rows.codes, terms).toarray()
    start = column = 0
    for term in terms:
        if term.encoding.kind != "numeric":
            assert basis[start : start + term.size, column : column + term.size].tolist() == np.eye(term.size).tolist()
            column += term.size
            common = None
            if term.encoding.kind == "category":
                common = centred_commonness(rows.codes, terms.index(term), term)
            if common is not None:
                assert basis[start : start + term.size, column].tolist() == common.tolist()
                column += 1
        else:
            column += term.size - 2 + min(ridge_basis.WAVES, term.size - 4)
        start += term.size
    assert basis.shape == (start, column)


def test_tables_give_the_regressions_own_log_odds(data, draws, fitted):
    rows, encoding, _ = data
    trained = rows.trains
    X = one_hot(rows.codes, encoding.terms) @ smooth_basis(rows.codes[trained], encoding.terms)
    for weight, tables, base in (
        (np.ones(trained.sum()), fitted.fit.values, fitted.fit.base),
        (draws[1].astype(float), *fitted.bags[1]),
    ):
        own = LogisticRegression(C=fitted.fit.C, tol=1e-8, max_iter=5000)
        own.fit(X[trained], rows.y[trained], sample_weight=weight)
        log_odds = base + sum(table[rows.codes[:, j]] for j, table in enumerate(tables))
        assert log_odds == pytest.approx(own.decision_function(X), abs=3e-3)


def test_tables_are_shap_values_of_the_regression(data, fitted):
    rows, encoding, _ = data
    trained = take(rows, rows.trains)
    basis = smooth_basis(trained.codes, encoding.terms)
    X = (one_hot(rows.codes, encoding.terms) @ basis).toarray()
    used = rows.trains
    coefficients, base = linear._fit(csr_matrix(X[used]), rows.y[used], rows.weight[used], fitted.fit.C)
    masker = shap.maskers.Independent(X, max_samples=len(X))
    explained = shap.LinearExplainer((coefficients, base), masker).shap_values(X)
    column = start = 0
    for j, (term, table) in enumerate(zip(encoding.terms, fitted.fit.values, strict=True)):
        own = basis[start : start + term.size].nonzero()[1]
        width = own.max() + 1 - column
        contribution = table[rows.codes[:, j]] - table[rows.codes[:, j]].mean()
        assert np.abs(explained[:, column : column + width].sum(axis=1) - contribution).max() < 1e-9, term.name
        column, start = column + width, start + term.size
    assert column == X.shape[1]


def test_out_of_fold_log_odds_come_from_fits_without_the_row(data, fitted):
    rows, encoding, _ = data
    fold = fold_numbers(rows, 4, 3)
    held = fold == 2
    without = replace(rows, y=np.where(held, 1 - rows.y, rows.y))
    X = (one_hot(rows.codes, encoding.terms) @ smooth_basis(rows.codes, encoding.terms)).tocsr()
    used = rows.trains & ~held
    coefficients, base = linear._fit(X[used], without.y[used], rows.weight[used], fitted.fit.C)
    assert fitted.fit.out_of_fold[held].tolist() == (X[held] @ coefficients + base).tolist()


def test_the_walk_ends_where_the_held_out_loss_is_least(data, fitted):
    rows, encoding, _ = data
    X = (one_hot(rows.codes, encoding.terms) @ smooth_basis(rows.codes, encoding.terms)).tocsr()
    fold, losses = fold_numbers(rows, 4, 3), []
    for strength in linear.STRENGTHS:
        log_odds = np.zeros(len(rows.y))
        for k in range(4):
            log_odds[fold == k] = linear._held_out(X, rows, (fold != k) & rows.trains, fold == k, strength)
        losses.append(linear._loss(log_odds[rows.trains], rows.y[rows.trains], rows.weight[rows.trains]))
    assert linear.STRENGTHS[int(np.argmin(losses))] == fitted.fit.C


def test_the_penalty_is_stronger_on_noise():
    (signal, encoding, _), (noise, other, _) = make(effect=2.5), make(effect=0.0)
    strong = fit_smooth_ridge(noise, other.terms, []).fit.C
    assert strong < fit_smooth_ridge(signal, encoding.terms, []).fit.C


def test_neighbouring_bins_stand_closer_than_in_the_plain_fit(data, fitted):
    rows, encoding, _ = data
    position = [t.name for t in encoding.terms].index("size")
    smooth = fitted.fit.values[position][2:-1]
    plain = fit_ridge(rows, encoding.terms).values[position][2:-1]
    rough = [np.abs(np.diff(np.diff(t))).mean() / np.ptp(t) for t in (smooth, plain)]
    assert rough[0] < 0.6 * rough[1]


def test_a_slope_is_found_with_fewer_customers_than_the_plain_fit_needs():
    gains = []
    for seed in range(6):
        rows, encoding, _ = make(150, seed)
        unseen, _, columns = make(2000, 100 + seed)
        codes = encoding.encode(columns, 2000)
        smooth = fit_smooth_ridge(rows, encoding.terms, []).fit.log_odds(codes)
        plain = fit_ridge(rows, encoding.terms).log_odds(codes)
        gains.append(roc_auc_score(unseen.y, smooth) - roc_auc_score(unseen.y, plain))
    assert np.mean(gains) > 0.005


def test_posterior_variances_are_the_inverse_hessians_where_a_term_stands_alone():
    rng = np.random.default_rng(0)
    for spec, array in (
        (FieldSpec("x", "numeric"), pa.array(rng.normal(size=200))),
        (FieldSpec("x", "category"), pa.array(rng.choice(["a", "b", "c"], 200))),
    ):
        encoding = fit_encoding({"x": array}, [spec], FitParams(), None)
        codes = encoding.encode({"x": array}, 200)
        trains = np.arange(200) < 150
        rows = TrainingRows(codes, (rng.random(200) < 0.4).astype(float), np.ones(200), np.arange(200), trains)
        fit = fit_smooth_ridge(rows, encoding.terms, []).fit
        basis = smooth_basis(codes, encoding.terms).toarray()
        X = basis[codes[:, 0]]
        p = expit(fit.log_odds(codes))
        hessian = (X * (p * (1 - p) * trains)[:, None]).T @ X + np.eye(basis.shape[1]) / fit.C
        centred = basis - X.mean(axis=0)
        expected = np.diag(centred @ np.linalg.inv(hessian) @ centred.T)
        assert posterior_variances(fit, rows, encoding.terms)[0] == pytest.approx(expected, rel=1e-9)


def test_rare_codes_are_less_certain(data, fitted):
    rows, encoding, _ = data
    j = [t.name for t in encoding.terms].index("industry")
    variances = posterior_variances(fitted.fit, rows, encoding.terms)[j]
    assert variances[1] > variances[3:].max()  # a value nobody showed
    assert variances[1] >= fitted.fit.C


def test_jobs_do_not_change_the_bytes(data, draws, fitted):
    rows, encoding, _ = data
    again = fit_smooth_ridge(rows, encoding.terms, draws, folds=4, seed=3, n_jobs=2)
    assert again.fit.out_of_fold.tolist() == fitted.fit.out_of_fold.tolist()
    for one, two in zip([again.fit.values, *(b[0] for b in again.bags)],
                        [fitted.fit.values, *(b[0] for b in fitted.bags)], strict=True):  # fmt: skip
        assert [t.tolist() for t in one] == [t.tolist() for t in two]


def test_labels_of_rows_that_do_not_train_are_not_seen(data, draws, fitted):
    rows, encoding, _ = data
    other = replace(rows, y=np.where(rows.trains, rows.y, 1 - rows.y))
    folds = fold_numbers(rows, 4, 3)
    assert (fold_numbers(other, 4, 3) == folds).all()
    again = fit_smooth_ridge(other, encoding.terms, draws, folds=4, seed=3)
    assert again.fit.out_of_fold.tolist() == fitted.fit.out_of_fold.tolist()
    assert again.bags[0][1] == fitted.bags[0][1]


def test_one_label_left_says_the_same_of_everybody(data):
    rows, encoding, _ = data
    weight = np.where((rows.y == 1) & (np.cumsum(rows.y) > 1), 0.0, 1.0)  # one best customer has weight
    fit = fit_smooth_ridge(replace(rows, weight=weight), encoding.terms, [rows.y[rows.trains] == 0]).fit
    assert np.isfinite(fit.out_of_fold).all()
    bag = fit_smooth_ridge(rows, encoding.terms, [(rows.y[rows.trains] == 0).astype(np.int64)]).bags[0]
    assert all(not table.any() for table in bag[0])
