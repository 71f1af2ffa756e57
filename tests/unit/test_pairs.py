from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shap
from scipy.special import expit
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_info, threadpool_limits

from icp_ml import ICPClassifier
from icp_ml.estimator import pairs as pairs_module
from icp_ml.estimator.encoding import BELOW, MISSING, UNSEEN
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_encoding
from icp_ml.estimator.pair_fit import STRONG, WEAK, Pair, Sample, choose_path, evidence, fit, screen
from icp_ml.estimator.pair_terms import GROUPS, group_term
from icp_ml.estimator.pairs import fit_pairs
from icp_ml.estimator.rows import TrainingRows
from icp_ml.estimator.threads import one_blas_thread
from tests.shapley import shapley_by_hand

FAST = {"bags": 2, "folds": 3, "max_rounds": 40, "learning_rate": 0.2, "random_state": 0, "n_jobs": 1}
SPECS = [
    FieldSpec("a", "category"),
    FieldSpec("b", "category"),
    FieldSpec("flag", "boolean"),
    FieldSpec("size", "numeric"),
    FieldSpec("tech", "tokens"),
]


def world(seed, n, kind, gaps=0.1):
    """Customers of whom two fields say more together than each says alone, or not."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({
        "a": rng.choice(["x", "y"], n),
        "b": rng.choice(["p", "q", "r"], n),
        "flag": rng.random(n) < 0.4,
        "size": rng.normal(size=n),
    })  # fmt: skip
    alone = (0.8 * X["size"] + 0.5 * X["flag"]).to_numpy()
    more = np.zeros(n)
    if kind == "xor":
        more = 1.5 * np.where((X["a"] == "x") == (X["b"] == "p"), 1, -1)
    if kind == "multiplied":
        more = 1.5 * X["size"].to_numpy() * np.where(X["b"] == "p", 1, -1)
    y = (rng.random(n) < expit(alone + more)).astype(int)
    X.loc[rng.random(n) < gaps, "size"] = np.nan
    X.loc[rng.random(n) < gaps, "a"] = None
    return X, y, alone


@cache
def fitted(kind="xor"):
    X, y, _ = world(0, 500, kind)
    return ICPClassifier(**FAST).fit(X, y)


def coded(seed, n, kind="none", groups=None):
    """Rows with the true log-odds of the terms alone."""
    X, y, alone = world(seed, n, kind)
    rng = np.random.default_rng(seed)
    tech = [["u"] * (u < 0.3) + ["v"] * (u > 0.5) for u in rng.random(n).tolist()]
    columns = {name: pa.array(X[name], from_pandas=True) for name in X} | {"tech": pa.array(tech)}
    encoding = fit_encoding(columns, SPECS, FitParams(), None)
    group = np.arange(n) if groups is None else groups
    codes = encoding.encode(columns, n)
    return TrainingRows(codes, y.astype(float), np.ones(n), group, np.ones(n, bool)), encoding, alone


DRAWS = [np.random.default_rng(s).poisson(1, 400) for s in range(3)]


def ask(rows, encoding, log_odds, **more):
    return fit_pairs(
        rows, encoding.terms, log_odds, [d[: int(rows.trains.sum())] for d in DRAWS], most=10, seed=0, **more
    )


# what is found --------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "wanted"), [("xor", ("a", "b")), ("multiplied", ("b", "size"))])
def test_a_planted_pair_is_found_and_ranks_strangers_better(kind, wanted):
    X, y, _ = world(1, 2000, kind)
    assert fitted(kind).pairs_[0] == wanted
    alone = ICPClassifier(**FAST, max_pairs=0).fit(*world(0, 500, kind)[:2])
    assert alone.pairs_ == []
    better, plain = (roc_auc_score(y, m.decision_function(X)) for m in (fitted(kind), alone))
    assert better > plain + 0.08


def test_where_terms_say_all_pairs_are_seldom_kept():
    kept = []  # one standard error, asked of up to ten numbers of pairs
    for seed in range(20):
        rows, encoding, z = coded(seed, 300)
        kept.append(bool(ask(rows, encoding, z).pairs))
    assert sum(kept) <= 6


def in_groups(rows, encoding):
    grouped = [group_term(rows, j, t, held=False) for j, t in enumerate(encoding.terms)]
    return grouped, np.column_stack([g.groups(rows.codes[:, g.position]) for g in grouped])


@pytest.mark.parametrize("kind", ["xor", "none"])
def test_a_strong_pair_gets_a_wide_prior_and_chance_a_narrow_one(kind):
    rows, encoding, alone = coded(3, 400, kind)
    grouped, group = in_groups(rows, encoding)
    sample = Sample(group, rows.y, rows.weight, alone)
    likelier, variance = evidence(sample, alone, grouped, Pair(0, 1, len(grouped[1].basis)), np.log(15))
    if kind == "xor":
        assert likelier > 20
        assert variance in STRONG
        assert (choose_path(sample, grouped, 1)[0][0][0].first, screen(sample, grouped, 1)[0].second) == (0, 1)
    else:
        assert likelier < 1
        assert variance == WEAK


def test_the_fit_is_where_the_penalised_likelihood_is_highest():
    rows, encoding, alone = coded(4, 300, "xor")
    grouped, group = in_groups(rows, encoding)
    sample = Sample(group, rows.y, rows.weight, alone)
    chosen = [Pair(0, 1, len(grouped[1].basis), 0.1), Pair(1, 3, len(grouped[3].basis), 0.01)]
    tables, log_odds = fit(sample, grouped, chosen)
    slope = rows.y - expit(log_odds)
    for pair, table in tables:
        basis = np.kron(grouped[pair.first].basis, grouped[pair.second].basis)
        cell = sample.cells(pair)
        coefficients = np.linalg.lstsq(basis, table, rcond=None)[0]
        gradient = basis.T @ np.bincount(cell, slope, len(basis)) - coefficients / pair.variance
        assert np.abs(gradient).max() < 1e-6


# what is kept ---------------------------------------------------------------------------------


def test_too_few_rows_and_no_wish_give_no_pairs():
    rows, encoding, z = coded(0, 400, "xor")
    alone = 0 * z
    assert ask(rows, encoding, alone).pairs
    few = np.arange(400) < pairs_module.LEAST_ROWS - 1
    assert not ask(replace(rows, trains=few), encoding, alone).pairs
    assert not ask(replace(rows, weight=few * 1.0), encoding, alone).pairs
    assert not fit_pairs(rows, encoding.terms, alone, DRAWS, most=0).pairs


def test_rows_without_weight_say_nothing():
    rows, encoding, alone = coded(0, 400, "xor")
    gone = np.arange(400) % 4 == 0
    rows = replace(rows, weight=np.where(gone, 0.0, 1.0))
    other = replace(rows, y=np.where(gone, 1 - rows.y, rows.y))
    (one,), (two,) = (fit_pairs(r, encoding.terms, alone, DRAWS, most=1, seed=0).pairs for r in (rows, other))
    assert (one.first, one.second) == (two.first, two.second) == (0, 1)
    assert np.abs(one.values - two.values).max() < 1e-9


def test_groups_are_one_observation_each(monkeypatch):
    """Each customer eight times: row by row, noise would be known from its twins."""
    monkeypatch.setattr(pairs_module, "ERRORS", 0.0)
    rng = np.random.default_rng(0)
    few, encoding, _ = coded(0, 60)
    eightfold = np.repeat(np.arange(60), 8)
    y = rng.permutation(few.y)[eightfold]
    rows = TrainingRows(few.codes[eightfold], y, np.ones(480), eightfold, np.ones(480, bool))
    draws = [np.ones(480, dtype=np.int64), np.full(480, 2)]
    wholly = fit_pairs(rows, encoding.terms, np.zeros(480), draws, most=5)
    apart = fit_pairs(replace(rows, group=np.arange(480)), encoding.terms, np.zeros(480), draws, most=5)
    assert apart.gain > 0.03
    assert wholly.gain < 0.01


def test_held_out_log_odds_do_not_know_their_row(monkeypatch):
    """On shuffled labels what pairs add to a row held out must not go with its label; what the fit says does."""
    monkeypatch.setattr(pairs_module, "ERRORS", -np.inf)
    held, seen = [], []
    for seed in range(12):
        rows, encoding, _ = coded(seed, 300)
        rows = replace(rows, y=np.random.default_rng(seed).permutation(rows.y))
        found = ask(rows, encoding, np.zeros(300))
        if found.pairs:
            held.append(np.corrcoef(found.out_of_fold, rows.y)[0, 1])
            said = sum(p.look_up(p.values, rows.codes) for p in found.pairs)
            seen.append(np.corrcoef(said, rows.y)[0, 1])
    assert len(held) > 5
    assert np.mean(seen) > 0.15
    assert np.mean(held) < 0.07


def test_the_same_tables_in_any_order_and_on_any_number_of_cores():
    X, y, _ = world(0, 500, "xor")
    order = np.random.default_rng(1).permutation(500)
    again = ICPClassifier(**{**FAST, "n_jobs": 2}).fit(X.iloc[order], y[order])
    assert again.pairs_ == fitted().pairs_ != []
    for one, other in zip(again.tables_.pairs, fitted().tables_.pairs, strict=True):
        assert one.values.tobytes() == other.values.tobytes()
        assert one.variances.tobytes() == other.variances.tobytes()


def test_grades_are_what_is_fitted():
    rows, encoding, z = coded(0, 400, "xor")
    plain = ask(replace(rows, y=1 - rows.y, grade=rows.y), encoding, z)
    wanted = ask(rows, encoding, z)
    assert [(p.first, p.second) for p in plain.pairs[:1]] == [(p.first, p.second) for p in wanted.pairs[:1]]


# groups ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [False, True])
def test_groups_cover_what_customers_show_and_average_to_nothing(held):
    rng = np.random.default_rng(0)
    n = 400
    columns = {
        "c": pa.array([f"v{k}" for k in rng.geometric(0.15, n)]),
        "d": pa.array(rng.normal(size=n), mask=rng.random(n) < 0.2),
    }
    specs = [FieldSpec("c", "category"), FieldSpec("d", "numeric")]
    encoding = fit_encoding(columns, specs, FitParams(), None)
    codes = encoding.encode(columns, n)
    rows = TrainingRows(codes, rng.integers(0, 2, n).astype(float), np.ones(n), np.arange(n), np.ones(n, bool))
    for j, term in enumerate(encoding.terms):
        grouped = group_term(rows, j, term, held=held)
        found = grouped.groups(codes[:, j])
        assert len(grouped.basis) == found.max() + (1 if found.max() == len(grouped.basis) - 1 else 2)
        assert len(grouped.basis) - 1 <= GROUPS
        spoken = found < len(grouped.basis) - 1
        assert np.abs(grouped.basis[found[spoken]].mean(axis=0)).max() < 1e-12
        assert (grouped.basis[-1] == 0).all()
        assert (grouped.of_code[MISSING] >= 0) == (term.field == "d" and not held)
    flipped = replace(rows, y=1 - rows.y)
    assert (group_term(flipped, 0, encoding.terms[0], held=held).of_code
            == group_term(rows, 0, encoding.terms[0], held=held).of_code).all()  # fmt: skip
    assert grouped.of_code[BELOW] == grouped.of_code[2]
    assert grouped.of_code[-1] == grouped.of_code[-2]


def test_a_field_that_is_all_one_value_is_in_no_pair():
    rows, encoding, _ = coded(0, 200)
    codes = rows.codes.copy()
    codes[:, 2] = 1
    assert group_term(replace(rows, codes=codes), 2, encoding.terms[2], held=False) is None


# what the tables hold -------------------------------------------------------------------------


def test_pairs_are_pure_and_silent_where_customers_are():
    tables = fitted().tables_
    assert tables.pairs
    for pair in tables.pairs:
        p, q = (tables.customers[j] / tables.customers[j].sum() for j in (pair.first, pair.second))
        assert np.abs(p @ pair.values).max() < 1e-12
        assert np.abs(pair.values @ q).max() < 1e-12
        assert (pair.variances >= 0).all()
        assert (pair.variances[pair.values != 0] > 0).all()
        for j, values in ((pair.first, pair.values), (pair.second, pair.values.T)):
            term = tables.terms[j]
            if term.encoding.kind == "category":
                assert (values[UNSEEN] == 0).all()
            if tables.customers[j][MISSING] == 0:
                assert (values[MISSING] == 0).all()
            if term.encoding.kind == "numeric":
                assert np.abs(values[BELOW] - values[2]).max() < 1e-12
                assert np.abs(values[-1] - values[-2]).max() < 1e-12
    for values, n in zip(tables.values, tables.customers, strict=True):
        assert abs(values @ n) / n.sum() < 1e-9


@pytest.mark.parametrize("kind", ["xor", "multiplied"])
def test_contributions_sum_to_the_decision_whatever_is_asked(kind):
    model = fitted(kind)
    X = world(7, 300, kind)[0]
    X.loc[::7, "a"] = "never seen"
    X.loc[::11, "size"] = 1e9
    X.loc[1::11, "size"] = -1e9
    X.loc[::13, ["a", "b", "size"]] = None
    parts = model.contributions(X)
    assert np.abs(parts.sum(axis=1).to_numpy() + model.base_ - model.decision_function(X)).max() < 1e-9


def test_contributions_are_shap_values_pairs_included():
    """The customers show every combination equally often, so they are themselves the product of their marginals."""
    each = [("x", "y", None), ("p", "q", "r"), (-1.0, 0.0, 1.0, 2.0)]
    cells = pd.DataFrame([(a, b, s) for a in each[0] for b in each[1] for s in each[2]], columns=["a", "b", "size"])
    X = pd.concat([cells] * 12, ignore_index=True)
    rng = np.random.default_rng(0)
    z = np.where((X["a"] == "x") == (X["b"] == "p"), 1.5, -1.5) + 0.5 * X["size"]
    model = ICPClassifier(**FAST).fit(X, (rng.random(len(X)) < expit(z)).astype(int))
    assert ("a", "b") in model.pairs_
    assert 0 < model.ridge_share_ < 1
    assert model.calibration_.slope != 1
    tables = model.tables_
    background = tables.encode(model._columns(cells), len(cells)).astype(float)
    asked = pd.concat([cells.iloc[::5], pd.DataFrame({"a": ["new", None], "b": ["p", "new"], "size": [9.0, -9.0]})])
    codes = tables.encode(model._columns(asked), len(asked)).astype(float)
    explainer = shap.KernelExplainer(lambda rows: tables.log_odds(rows.astype(np.uint16)), background)
    found = explainer(codes, silent=True, l1_reg=False)
    assert np.abs(found.values - model.contributions(asked).to_numpy()).max() < 1e-9
    assert np.abs(found.base_values - model.base_).max() < 1e-9


def test_contributions_are_shapley_values_where_fields_go_together():
    """The background is the product of the marginals, whatever the customers' joint values are."""
    X, y, _ = world(0, 500, "xor")
    X["flag"] = X["flag"] | (X["b"] == "p")
    model = ICPClassifier(**FAST).fit(X, y)
    assert model.pairs_
    asked = X.iloc[:4].assign(b=["p", "new", None, "q"])
    codes = model.tables_.encode(model._columns(asked), 4)
    assert np.abs(shapley_by_hand(model.tables_, codes) - model.contributions(asked).to_numpy()).max() < 1e-9


def test_max_pairs_is_checked():
    X, y, _ = world(0, 60, "none")
    with pytest.raises(ValueError, match="max_pairs = 51"):
        ICPClassifier(max_pairs=51).fit(X, y)


def test_overlapping_fits_leave_the_threads_as_they_were():
    def threads():
        return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]

    with threadpool_limits(2, "blas"):
        before = threads()
        first, second = one_blas_thread(), one_blas_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert set(threads()) == {1}
        second.__exit__(None, None, None)
        assert threads() == before
