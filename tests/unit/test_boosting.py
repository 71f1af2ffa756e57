from __future__ import annotations

from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pytest
import shap

from icp_ml.estimator import boosting as b
from icp_ml.estimator import design as d
from icp_ml.estimator import rows as rows_of
from icp_ml.estimator.encoding import Encoding
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_encoding, fit_tables

PARAMS = b.BoostingParams(learning_rate=0.2, max_rounds=40, patience=10, folds=3, bags=2, min_leaf=5)
SPECS = [
    FieldSpec("employees", "numeric", "count"),
    FieldSpec("industry", "category"),
    FieldSpec("public", "boolean"),
    FieldSpec("technologies", "tokens"),
]


def make(n=240, seed=0):
    rng = np.random.default_rng(seed)
    size = np.exp(rng.normal(4, 1, n))
    industry = rng.choice(["a", "b", "c", "d", "rare"], n, p=[0.3, 0.3, 0.2, 0.18, 0.02])
    columns = {
        "employees": pa.array(size, mask=rng.random(n) < 0.15),
        "industry": pa.array(industry, mask=rng.random(n) < 0.1),
        "public": pa.array(rng.random(n) < 0.5),
        "technologies": pa.array([["x"] * (u < 0.5) + ["y"] * (v < 0.3) for u, v in rng.random((n, 2)).tolist()]),
    }
    score = np.log(size) - 4 + (industry == "a") - (industry == "b")
    y = (score + rng.logistic(size=n) * 0.7 > 0).astype(float)
    encoding = fit_encoding(columns, SPECS, FitParams(min_count=5), None)
    codes = encoding.encode(columns, n)
    trains = rng.random(n) < 0.8
    return rows_of.TrainingRows(codes, y, np.ones(n), np.arange(n), trains), encoding


@pytest.fixture(scope="module")
def data() -> tuple[rows_of.TrainingRows, Encoding]:
    return make()


@pytest.fixture(scope="module")
def bag(data):
    rows, encoding = data
    rows = rows_of.take(rows, rows.trains)
    fit = b.fit_bag(rows, encoding.terms, PARAMS, 7, 30)
    return fit.values, fit.base, lgb.Booster(model_str=fit.text)


@pytest.fixture(scope="module")
def bag_statistics(data):
    """What `fit_bag` gave its booster for categories: the rates of its own draw."""
    rows, encoding = data
    rows = rows_of.take(rows, rows.trains)
    drawn = np.bincount(np.random.default_rng(7).integers(0, len(rows.y), len(rows.y)), minlength=len(rows.y))
    some = rows_of.take(rows, np.repeat(np.arange(len(rows.y)), drawn))
    return b.category_statistics(some.codes, encoding.terms, some.y, some.weight, PARAMS.smoothing)


def of_terms(by_column, encoding, statistics):
    """Sum contributions by column of the design to one per term."""
    return np.column_stack([by_column[:, own].sum(axis=1) for own in d.columns(encoding.terms, statistics).together])


def looked_up(values, codes):
    return np.column_stack([table[codes[:, j]] for j, table in enumerate(values)])


# tables ----------------------------------------------------------------------------------------


def test_tables_and_base_are_the_booster(data, bag, bag_statistics):
    rows, encoding = data
    values, base, booster = bag
    X = b.design(rows.codes, encoding.terms, bag_statistics)
    raw = booster.predict(X, raw_score=True)
    assert np.abs(base + looked_up(values, rows.codes).sum(axis=1) - raw).max() < 1e-9


def test_tables_are_the_contributions_of_every_row(data, bag, bag_statistics):
    rows, encoding = data
    values, base, booster = bag
    contributions = booster.predict(b.design(rows.codes, encoding.terms, bag_statistics), pred_contrib=True)
    assert (
        np.abs(looked_up(values, rows.codes) - of_terms(contributions[:, :-1], encoding, bag_statistics)).max() < 1e-9
    )
    assert np.abs(contributions[:, -1] - base).max() < 1e-9


def test_tables_are_shap_values_by_trees_and_by_intervention(data, bag, bag_statistics):
    rows, encoding = data
    values, _, booster = bag
    X = b.design(rows.codes, encoding.terms, bag_statistics)
    table = looked_up(values, rows.codes)
    by_trees = of_terms(shap.TreeExplainer(booster).shap_values(X), encoding, bag_statistics)
    assert np.abs(table - by_trees).max() < 1e-9
    # with the training rows as background a contribution is measured from the mean over them: centred tables
    background = X[:60]
    explained = shap.TreeExplainer(booster, background, feature_perturbation="interventional").shap_values(X)
    explained = of_terms(explained, encoding, bag_statistics)
    assert np.abs(table - table[:60].mean(axis=0) - explained).max() < 1e-6  # its own sums are in single precision
    together = d.columns(encoding.terms, bag_statistics).together
    for j, own in enumerate(together):  # the same by hand: put the account's value into every background row
        for i in (0, 7):
            put = X[:60].copy()
            put[:, own] = X[i, own]
            moved = booster.predict(put, raw_score=True) - booster.predict(X[:60], raw_score=True)
            assert abs(moved.mean() - (table[i, j] - table[:60, j].mean())) < 1e-9


def test_every_tree_uses_one_term(data, bag, bag_statistics):
    together = d.columns(data[1].terms, bag_statistics).together
    owner = {column: j for j, own in enumerate(together) for column in own}
    for tree in bag[2].dump_model()["tree_info"]:
        seen = set()

        def walk(node, seen=seen):
            if "split_feature" in node:
                seen.add(owner[node["split_feature"]])
                walk(node["left_child"])
                walk(node["right_child"])

        walk(tree["tree_structure"])
        assert len(seen) <= 1


def test_read_tables_of_a_booster_on_other_statistics(data, bag):
    rows, encoding = data
    statistics = b.category_statistics(rows.codes, encoding.terms, rows.y, rows.weight, 10.0)
    values, base = b.read_tables(bag[2], encoding.terms, statistics)
    raw = bag[2].predict(b.design(rows.codes, encoding.terms, statistics), raw_score=True)
    assert np.abs(base + looked_up(values, rows.codes).sum(axis=1) - raw).max() < 1e-9
    assert [len(v) for v in values] == [t.size for t in encoding.terms]


# the design ------------------------------------------------------------------------------------


def test_the_design_of_each_kind(data):
    _, encoding = data
    terms = encoding.terms
    codes = d.probe_codes(terms)
    assert codes.shape == (sum(t.size for t in terms), len(terms))
    rate = np.arange(terms[1].size) / 10
    X = b.design(codes, terms, [None, d.CategoryStatistic(rate), None, None, None])
    assert np.isnan(X[codes == 0]).all()
    assert not np.isnan(X[codes > 0]).any()
    size = terms[0].size
    numbers = X[:size, 0]
    assert numbers[1] == numbers[2] == 2  # below every customer: as the lowest
    assert numbers[-1] == numbers[-2] == size - 2
    assert X[size + 1 : size + terms[1].size, 1].tolist() == rate[1:].tolist()


def test_category_rates_are_smoothed_and_weighted():
    encoding = fit_encoding(
        {"c": pa.array(["a"] * 6 + ["b"] * 2)}, [FieldSpec("c", "category")], FitParams(min_count=2), None
    )
    codes = encoding.encode({"c": pa.array(["a", "a", "b", None])}, 4)
    y, weight = np.array([1.0, 0, 1, 0]), np.array([1.0, 1, 2, 4])
    ((rate, common),) = b.category_statistics(codes, encoding.terms, y, weight, 10.0)
    prior = 3 / 8
    assert rate[3] == pytest.approx((1 + 10 * prior) / 12)
    assert rate[4] == pytest.approx((2 + 10 * prior) / 12)
    assert rate[1] == rate[2] == prior  # never seen, rare: nothing is known
    assert common is None  # two values have no second order


def test_category_rates_of_a_row_come_from_other_folds(data):
    rows, encoding = data
    fold = rows_of.fold_numbers(rows, PARAMS.folds, 3)
    statistics = b.category_statistics(rows.codes, encoding.terms, rows.y, rows.weight, PARAMS.smoothing)
    X = b.cross_fitted_design(rows, encoding.terms, statistics, PARAMS, 3)
    held = fold == 0
    rest = b.category_statistics(rows.codes[~held], encoding.terms, rows.y[~held], rows.weight[~held], PARAMS.smoothing)
    known = held & (rows.codes[:, 1] > 0)
    assert X[known, 1].tolist() == rest[1].rate[rows.codes[known, 1]].tolist()


def test_values_of_a_category_are_ordered_by_how_common_they_are_too():
    values = ["a"] * 8 + ["b"] * 6 + ["c"] * 4 + ["d", "e", None]
    encoding = fit_encoding({"c": pa.array(values)}, [FieldSpec("c", "category")], FitParams(min_count=2), None)
    codes = encoding.encode({"c": pa.array(values)}, len(values))
    y, weight = np.zeros(len(values)), np.ones(len(values))
    (statistic,) = b.category_statistics(codes, encoding.terms, y, weight, 10.0)
    shares = np.exp(statistic.commonness) * 22
    assert shares[1:] == pytest.approx([0.5, 1.5, 8.5, 6.5, 4.5])  # never seen, rare on average, a, b, c
    X = b.design(codes, encoding.terms, [statistic])
    assert X.shape == (21, 2)
    assert np.isnan(X[-1]).all()
    centred = d.centred_commonness(codes, 0, encoding.terms[0])
    known = centred[codes[:20, 0]]
    assert (known.mean(), (known**2).mean()) == pytest.approx((0, 1))
    assert centred[0] == centred[1] == 0


def test_what_rare_values_have_in_common_is_learned():
    """Fifty values of a handful of customers each: alone they say little, together that they are rare says much."""
    rng = np.random.default_rng(4)
    n = 600
    share = 1.0 / np.arange(1, 51) ** 1.2
    value = rng.choice(50, n, p=share / share.sum())
    columns = {"c": pa.array([f"v{v}" for v in value]), "x": pa.array(rng.normal(size=n))}
    y = (rng.random(n) < np.where(share[value] > 0.1, 0.15, 0.6)).astype(float)
    specs = [FieldSpec("c", "category"), FieldSpec("x", "numeric")]
    fitted = fit_tables(columns, specs, y, params=FitParams(PARAMS, min_count=1)).tables
    table, counts = fitted.values[0][3:], fitted.customers[0][3:]
    lone = counts == 1
    assert lone.sum() >= 3
    assert table[lone].min() > 0 > table[counts > 40].max()
    assert np.corrcoef(table, np.log(counts))[0, 1] < -0.5


# folds -----------------------------------------------------------------------------------------


def fold_rows(y, group, trains=None):
    n = len(y)
    trains = np.ones(n, dtype=bool) if trains is None else trains
    return rows_of.TrainingRows(np.zeros((n, 1), np.uint16), y, np.ones(n), group, trains)


@pytest.mark.parametrize("seed", range(5))
def test_folds_keep_groups_whole_and_spread_labels(seed):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 60, 300)
    y = (rng.random(300) < 0.3).astype(float)
    trains = rng.random(300) < 0.7
    fold = rows_of.fold_numbers(fold_rows(y, group, trains), 5, seed)
    assert all(len(set(fold[group == g])) == 1 for g in set(group))
    for mask in (trains & (y == 1), trains & (y == 0), ~trains):
        counts = np.bincount(fold[mask], minlength=5)
        assert counts.max() - counts.min() <= 0.5 * mask.sum() / 5 + 3


def test_folds_of_single_rows_are_as_even_as_can_be():
    y = np.repeat([1.0, 0.0], [11, 40])
    fold = rows_of.fold_numbers(fold_rows(y, np.arange(51)), 5, 0)
    assert sorted(np.bincount(fold[y == 1])) == [2, 2, 2, 2, 3]
    assert sorted(np.bincount(fold[y == 0])) == [8] * 5


def test_folds_are_drawn_anew_for_each_seed_and_the_same_for_one():
    rows = fold_rows(np.arange(100) % 2.0, np.arange(100))
    assert rows_of.fold_numbers(rows, 5, 1).tolist() == rows_of.fold_numbers(rows, 5, 1).tolist()
    assert rows_of.fold_numbers(rows, 5, 1).tolist() != rows_of.fold_numbers(rows, 5, 2).tolist()


def test_a_large_group_does_not_take_its_fold_s_share_twice():
    group = np.concatenate([np.zeros(50), np.arange(1, 51)]).astype(np.int64)
    fold = rows_of.fold_numbers(fold_rows(np.arange(100) % 2.0, group), 2, 0)
    assert sorted(np.bincount(fold)) == [50, 50]


def test_canonical_order_does_not_depend_on_the_order_of_rows(data):
    rows, _ = data
    rows = replace(rows, group=np.zeros(len(rows.y), dtype=np.int64))
    mixed = rows_of.take(rows, np.random.default_rng(0).permutation(len(rows.y)))

    def ordered(r):
        o = rows_of.canonical_order(r.codes, r.y, r.weight, r.group, r.trains)
        return np.column_stack([r.codes[o], r.y[o], r.trains[o]]).tolist()

    assert ordered(rows) == ordered(mixed)


# the fit ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted(data):
    rows, encoding = data
    return b.fit_additive(rows, encoding.terms, PARAMS, 0, 1)


def test_jobs_do_not_change_the_bytes(data, fitted):
    rows, encoding = data
    again = b.fit_additive(rows, encoding.terms, PARAMS, 0, 2)
    assert [bag.text for bag in again.bags] == [bag.text for bag in fitted.bags]
    assert again.out_of_fold.tolist() == fitted.out_of_fold.tolist()
    assert [v.tolist() for v in again.values] == [v.tolist() for v in fitted.values]


def test_the_mean_contribution_of_customers_is_zero(data, fitted):
    rows, _ = data
    contributions = looked_up(fitted.values, rows.codes)
    assert np.abs(contributions.mean(axis=0)).max() < 1e-9
    assert np.abs(contributions).max() > 0.1


def test_averaged_tables_are_the_centred_mean_of_the_bags(data, fitted):
    rows, encoding = data
    bags = [b.fit_bag(rows_of.take(rows, rows.trains), encoding.terms, PARAMS, 1000 * k, fitted.rounds) for k in (1, 2)]
    assert [bag.text for bag in bags] == [bag.text for bag in fitted.bags]
    raw = np.mean([bag.base + looked_up(bag.values, rows.codes).sum(axis=1) for bag in bags], axis=0)
    total = fitted.base + looked_up(fitted.values, rows.codes).sum(axis=1)
    silent = np.zeros(len(raw), dtype=bool)
    for j, term in enumerate(encoding.terms):
        seen = np.bincount(rows.codes[rows.trains, j], minlength=term.size)
        silent |= np.isin(rows.codes[:, j], b.silent_codes(term, seen))
    assert np.abs(total - raw)[~silent].max() < 1e-9
    both = np.stack([bag.values[0] for bag in bags])[:, 2:-1]
    shift = both - both.mean(axis=1, keepdims=True)
    own = fitted.values[0][2:-1]
    assert np.abs(own - own.mean() - shift.mean(axis=0)).max() < 1e-9


def test_out_of_bag_log_odds_come_from_bags_that_did_not_draw_the_row(data, fitted):
    rows, encoding = data
    bags = [b.fit_bag(rows_of.take(rows, rows.trains), encoding.terms, PARAMS, 1000 * k, fitted.rounds) for k in (1, 2)]
    unseen = np.ones((2, len(rows.y)), dtype=bool)
    unseen[:, rows.trains] = [bag.draws == 0 for bag in bags]
    raw = np.array([bag.base + looked_up(bag.values, rows.codes).sum(axis=1) for bag in bags])
    for first, second, expected in (
        (1, 0, raw[0]),
        (0, 1, raw[1]),
        (1, 1, raw.mean(axis=0)),
        (0, 0, fitted.out_of_fold),
    ):
        mask = (unseen[0] == first) & (unseen[1] == second)
        assert mask.any()
        assert np.abs(fitted.out_of_bag - expected)[mask].max() < 1e-9


def test_variances_are_those_of_the_bags(fitted):
    assert all((v >= 0).all() for v in fitted.variances)
    assert max(v.max() for v in fitted.variances) > 0
    assert fitted.base_variance >= 0


def test_silent_codes():
    encoding = fit_encoding(
        {
            "n": pa.array([1.0, 2, 3]), "c": pa.array(["a"] * 5), "t": pa.array([["a"], ["a"], [], []]),
            "b": pa.array([True]),
        },
        [FieldSpec("n", "numeric"), FieldSpec("c", "category"), FieldSpec("t", "tokens"), FieldSpec("b", "boolean")],
        FitParams(min_count=2), None,
    )  # fmt: skip
    boolean, category, number, token = encoding.terms
    assert [t.field for t in encoding.terms] == ["b", "c", "n", "t"]
    assert b.silent_codes(boolean, np.array([0, 0, 9])).tolist() == [0, 1]
    assert b.silent_codes(category, np.array([0, 0, 0, 9])).tolist() == [0, 1]
    assert b.silent_codes(category, np.array([3, 0, 0, 9])).tolist() == [1]
    assert b.silent_codes(number, np.array([0, 0, 5, 5, 5, 0])).tolist() == [0]  # beyond the range the edge speaks
    assert b.silent_codes(token, np.array([5, 5, 5])).tolist() == []


def test_codes_nobody_showed_contribute_nothing(data):
    rows, encoding = data
    complete = rows_of.take(rows, (rows.codes > 0).all(axis=1) & rows.trains)
    fit = b.fit_additive(complete, encoding.terms, PARAMS, 0, 1)
    for term, table in zip(encoding.terms, fit.values, strict=True):
        assert table[0] == 0, term.name
    assert fit.values[1][1] == 0  # a category never seen
    assert fit.values[0][1] == fit.values[0][2]  # below every customer: as the lowest
    assert fit.values[0][-1] == fit.values[0][-2]


def test_centring_keeps_silent_codes_at_the_mean():
    stack = np.array([[9.0, 1, 3], [9.0, 2, 6]])
    centred, means = b.centre(stack, np.array([0]), np.array([5.0, 1, 1]))
    assert means.tolist() == [2, 4]
    assert centred.tolist() == [[0, -1, 1], [0, -2, 2]]


def test_rounds_are_few_where_there_is_nothing_to_learn(data):
    rows, encoding = data
    noise = replace(rows, y=np.random.default_rng(1).permutation(rows.y))
    few, _ = b.cross_validate(noise, encoding.terms, PARAMS, 0, 1)
    many, out_of_fold = b.cross_validate(rows, encoding.terms, PARAMS, 0, 1)
    assert few < many
    assert out_of_fold[rows.y == 1].mean() > out_of_fold[rows.y == 0].mean()


def test_rows_that_do_not_train_leave_the_trees_alone(data, fitted):
    rows, encoding = data
    other = replace(rows, y=np.where(rows.trains, rows.y, 1 - rows.y))
    bag = b.fit_bag(rows_of.take(other, other.trains), encoding.terms, PARAMS, 1000, fitted.rounds)
    assert bag.text == fitted.bags[0].text


def test_a_bag_draws_groups(data):
    rows, encoding = data
    rows = rows_of.take(rows, rows.trains)
    grouped = replace(rows, group=rows.group % 3)
    bag = b.fit_bag(grouped, encoding.terms, PARAMS, 5, 5)
    assert all(len(set(bag.draws[grouped.group == g])) == 1 for g in range(3))
    assert bag.text != b.fit_bag(rows, encoding.terms, PARAMS, 5, 5).text
    assert all(np.isfinite(v).all() for v in bag.values)


def test_one_group_or_one_class_in_a_draw_still_fits(data):
    rows, encoding = data
    one = replace(rows, group=np.zeros(len(rows.y), dtype=np.int64))
    fit = b.fit_additive(one, encoding.terms, replace(PARAMS, max_rounds=5), 0, 1)
    assert np.isfinite(fit.out_of_fold).all()
    lonely = rows_of.take(
        rows, np.r_[np.flatnonzero(rows.trains & (rows.y == 1))[:1], np.flatnonzero(rows.trains & (rows.y == 0))[:6]]
    )
    fit = b.fit_additive(lonely, encoding.terms, replace(PARAMS, max_rounds=5), 0, 1)
    assert np.isfinite(fit.out_of_fold).all()
