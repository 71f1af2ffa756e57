"""Grades: soft labels for all customers, in both parts of the model, and the choice between them and the extremes."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from icp_ml.estimator import boosting as b
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_encoding, fit_tables
from icp_ml.estimator.grades import choose_grades, rank_agreement
from icp_ml.estimator.linear import fit_smooth_ridge
from icp_ml.estimator.mix import dispersion
from icp_ml.estimator.rows import TrainingRows, canonical_order, fold_numbers, take

PARAMS = FitParams(b.BoostingParams(bags=4, max_rounds=60, folds=4))
SPECS = [FieldSpec("size", "numeric"), FieldSpec("kind", "category")]


def customers(n=400, seed=0, noise=1.0):
    """Grades lean on both fields; best is the top quarter, worst the lowest."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    kind = rng.choice(["a", "b", "c"], n)
    quality = size + (kind == "a") + noise * rng.logistic(size=n)
    grade = (np.argsort(np.argsort(quality)) + 0.5) / n
    columns = {"size": pa.array(size), "kind": pa.array(kind)}
    return columns, grade, quality


def rows_of(columns, grade, graded=True):
    encoding = fit_encoding(columns, SPECS, PARAMS, None)
    n = len(grade)
    y = (grade >= 0.75).astype(float)
    trains = (grade >= 0.75) | (grade < 0.25)
    rows = TrainingRows(encoding.encode(columns, n), y, np.ones(n), np.arange(n), trains)
    return (replace(rows, trains=np.ones(n, dtype=bool), grade=grade) if graded else rows), encoding.terms


def fit(columns, grade, mode, **changes):
    y = (grade >= 0.75).astype(float)
    trains = (grade >= 0.75) | (grade < 0.25)
    params = replace(PARAMS, grades=mode)
    return fit_tables(columns, SPECS, y, trains=trains, grade=grade, params=params, seed=3, **changes)


def test_a_graded_row_is_two_rows_of_parts_of_its_weight():
    columns, grade, _ = customers(200)
    rows, terms = rows_of(columns, grade)
    n = len(grade)
    twins = TrainingRows(
        np.vstack([rows.codes, rows.codes]),
        np.concatenate([np.ones(n), np.zeros(n)]),
        np.concatenate([grade, 1 - grade]),
        np.concatenate([np.arange(n), np.arange(n)]),
        np.ones(2 * n, dtype=bool),
    )
    ours = fit_smooth_ridge(rows, terms, [], folds=4).fit
    wanted = fit_smooth_ridge(twins, terms, [], folds=4).fit
    if ours.C == wanted.C:  # the folds differ, so the penalty may
        np.testing.assert_allclose(ours.log_odds(rows.codes), wanted.log_odds(rows.codes), atol=1e-3)
    params = replace(PARAMS.boosting, min_leaf=1, feature_fraction=1.0)
    no_category = [t for t in terms if t.encoding.kind == "numeric"]
    j = [i for i, t in enumerate(terms) if t.encoding.kind == "numeric"]
    one = b.held_out_log_odds(replace(rows, codes=rows.codes[:, j]), rows.codes[:, j], no_category, params, 1, 40)
    two = b.held_out_log_odds(replace(twins, codes=twins.codes[:, j]), rows.codes[:, j], no_category, params, 1, 40)
    np.testing.assert_allclose(one, two, atol=1e-6)


def test_leaves_count_customers():
    columns, grade, _ = customers(120)
    rows, terms = rows_of(columns, grade)
    params = replace(PARAMS.boosting, min_leaf=12)
    bag = b.fit_bag(rows, terms, params, 5, 30)
    lines = [line for line in bag.text.splitlines() if line.startswith("leaf_count=")]
    counts = [int(c) for line in lines for c in line.partition("=")[2].split()]
    assert min(counts) >= 12
    assert max(counts) <= len(grade)


def test_hard_labels_as_grades_change_nothing():
    columns, grade, _ = customers(200)
    rows, terms = rows_of(columns, grade, graded=False)
    graded = replace(rows, grade=rows.y)
    plain, other = (fit_smooth_ridge(r, terms, [], folds=4).fit for r in (rows, graded))
    np.testing.assert_array_equal(plain.log_odds(rows.codes), other.log_odds(rows.codes))
    a, c = (b.fit_additive(r, terms, PARAMS.boosting, 2) for r in (rows, graded))
    np.testing.assert_array_equal(a.out_of_bag, c.out_of_bag)


def test_grades_rank_new_customers_better_where_worst_is_half_chance():
    gains = []
    for seed in range(24):
        columns, grade, quality = customers(160, seed, noise=1.0)
        rng = np.random.default_rng(seed)
        churned = rng.random(160) < 1 / (1 + np.exp(0.5 + 0.5 * quality))  # leaves much to chance, as churn does
        best = (grade >= 0.75) & ~churned
        new, _, truth = customers(3000, 100 + seed, noise=0.0)
        ranks = []
        for mode in ("always", "never"):
            params = replace(PARAMS, grades=mode)
            tables = fit_tables(
                columns, SPECS, best.astype(float), trains=best | churned, grade=grade, params=params
            ).tables
            log_odds = tables.log_odds(tables.encode(new, 3000))
            ranks.append(np.corrcoef(np.argsort(np.argsort(log_odds)), np.argsort(np.argsort(truth)))[0, 1])
        gains.append(ranks[0] - ranks[1])
    assert np.mean(gains) > 0.005


def test_what_ranks_all_customers_better_out_of_fold_is_kept():
    columns, grade, _ = customers(300, noise=0.5)
    chosen = fit(columns, grade, "auto").grades
    assert chosen.graded == (chosen.agreement_graded >= chosen.agreement_extremes)
    assert 0.3 < max(chosen.agreement_graded, chosen.agreement_extremes) <= 1
    # grades that are noise between the extremes cannot win by more than noise, and the choice follows the figures
    rng = np.random.default_rng(1)
    muddled = np.where((grade >= 0.75) | (grade < 0.25), 1 - grade, rng.random(300))
    rows, terms = rows_of(columns, grade, graded=False)
    graded = replace(rows, trains=np.ones(300, dtype=bool), grade=muddled)
    _, _, choice = choose_grades(replace(rows, y=rows.y), graded, terms, PARAMS.boosting, 0)
    assert choice.graded == (choice.agreement_graded >= choice.agreement_extremes)


def test_the_fit_does_not_depend_on_the_order_of_rows_or_cores():
    columns, grade, _ = customers(200)
    order = np.random.default_rng(4).permutation(200)
    shuffled = {name: array.take(pa.array(order)) for name, array in columns.items()}
    one, two = fit(columns, grade, "auto"), fit(shuffled, grade[order], "auto", n_jobs=2)
    for a, c in zip(one.tables.values, two.tables.values, strict=True):
        np.testing.assert_array_equal(a, c)
    np.testing.assert_array_equal(one.out_of_bag[order], two.out_of_bag)


def test_customers_without_a_grade_do_not_train_on_grades():
    columns, grade, _ = customers(200)
    unknown = grade.copy()
    unknown[::4] = np.nan
    best = (grade >= 0.75).astype(float)
    trains = (grade >= 0.75) | (grade < 0.25)
    some = fit_tables(columns, SPECS, best, trains=trains, grade=unknown, params=replace(PARAMS, grades="always"))
    assert some.grades.graded
    assert np.isfinite(some.out_of_bag).all()


@pytest.mark.parametrize("grade", [None, np.repeat([0.0, 1.0], 100)])
def test_without_grades_the_extremes_are_trained_on(grade):
    columns, real, _ = customers(200)
    best = (real >= 0.75).astype(float)
    fitted = fit_tables(columns, SPECS, best, grade=grade, params=PARAMS)
    assert not fitted.grades.graded
    assert fitted.grades.to_dict() == {"graded": False, "rank_agreement": {}}


def test_rank_agreement_is_spearmans_within_folds():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    a, grade, fold = rng.normal(size=90).round(1), rng.random(90).round(1), np.repeat([0, 1, 2], 30)
    used = np.ones(90, dtype=bool)
    wanted = np.mean([spearmanr(a[fold == k], grade[fold == k]).statistic for k in range(3)])
    assert rank_agreement(a, grade, fold, used) == pytest.approx(wanted)
    shifted = a + 100 * fold  # what differs between folds only has no part in it
    assert rank_agreement(shifted, grade, fold, used) == pytest.approx(wanted)


def test_grades_go_with_their_rows():
    columns, grade, _ = customers(60)
    rows, _ = rows_of(columns, grade)
    some = take(rows, np.array([3, 1]))
    np.testing.assert_array_equal(some.target, grade[[3, 1]])
    order = canonical_order(np.zeros((3, 1), np.uint16), np.ones(3), np.ones(3), np.zeros(3, np.int64),
                            np.ones(3, bool), np.array([0.9, 0.1, 0.5]))  # fmt: skip
    assert order.tolist() == [1, 2, 0]
    assert set(fold_numbers(rows, 4, 0)) == {0, 1, 2, 3}


def test_intervals_know_that_grades_scatter_less_than_labels():
    columns, grade, _ = customers(400)
    rows, _ = rows_of(columns, grade)
    rng = np.random.default_rng(2)
    chance = 1 / (1 + np.exp(-rng.normal(size=400)))
    log_odds = np.log(chance / (1 - chance))
    between = rng.beta(6 * chance, 6 * (1 - chance))  # a beta's variance is p (1 - p) / 7 for a precision of 6
    assert dispersion(log_odds, replace(rows, grade=between)) == pytest.approx(1 / 7, rel=0.25)
    drawn = (rng.random(400) < chance).astype(float)
    assert dispersion(log_odds, replace(rows, grade=drawn)) == pytest.approx(1.0, abs=0.1)
    assert dispersion(log_odds, replace(rows, grade=None)) == 1.0
