from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from icp_ml.accounts.values.words import plain_words, word_sets
from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_encoding, fit_tables
from icp_ml.exceptions import TrainingRefused
from icp_ml.traits import find_traits

PARAMS = FitParams(BoostingParams(learning_rate=0.2, max_rounds=40, patience=10, folds=3, bags=2, min_leaf=5))
SPECS = [
    FieldSpec("size", "numeric", "count", "employees"),
    FieldSpec("industry", "category", spellings={"a": "Alpha"}),
    FieldSpec("tech", "tokens"),
]


def make(n=300, seed=0):
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    tokens = [["x"] * int(u < 0.5) + ["y"] * int(v < 0.3) for u, v in rng.random((n, 2)).tolist()]
    columns = {
        "size": pa.array(size, mask=rng.random(n) < 0.1),
        "industry": pa.array(rng.choice(["a", "b", "c"], n)),
        "tech": pa.array(tokens, mask=rng.random(n) < 0.1),
    }
    held = np.array(["x" in t for t in tokens])
    return columns, (rng.random(n) < expit(1.5 * size + held - 1)).astype(float)


@pytest.fixture(scope="module")
def data():
    return make()


@pytest.fixture(scope="module")
def fitted(data):
    return fit_tables(data[0], SPECS, data[1], params=PARAMS)


def same(a, b):
    return (
        a.boosters == b.boosters
        and all(x.tobytes() == y.tobytes() for x, y in zip(a.tables.values, b.tables.values, strict=True))
        and all(x.tobytes() == y.tobytes() for x, y in zip(a.tables.variances, b.tables.variances, strict=True))
        and a.tables.base == b.tables.base
    )


def test_order_of_rows_and_columns_and_jobs_do_not_change_the_bytes(data, fitted):
    columns, y = data
    order = np.random.default_rng(3).permutation(len(y))
    mixed = {name: columns[name].take(pa.array(order)) for name in reversed(columns)}
    again = fit_tables(mixed, SPECS[::-1], y[order], params=PARAMS, n_jobs=2)
    assert same(fitted, again)
    # customers with the same codes and label may trade places
    assert sorted(again.out_of_bag) == sorted(fitted.out_of_bag)


def test_another_seed_is_another_fit(data, fitted):
    assert not same(fitted, fit_tables(*data_args(data), params=PARAMS, seed=1))


def data_args(data):
    return data[0], SPECS, data[1]


def test_customers_and_best_are_counted_per_code(data, fitted):
    columns, y = data
    codes = fitted.tables.encode(columns, len(y))
    for j in range(codes.shape[1]):
        for code in range(fitted.tables.terms[j].size):
            assert fitted.tables.customers[j][code] == (codes[:, j] == code).sum()
            assert fitted.tables.best[j][code] == y[codes[:, j] == code].sum()


def test_the_mean_contribution_is_zero_and_the_base_the_average_customer(data, fitted):
    columns, y = data
    codes = fitted.tables.encode(columns, len(y))
    assert np.abs(fitted.tables.contributions(codes).mean(axis=0)).max() < 1e-9
    assert fitted.tables.log_odds(codes).mean() == pytest.approx(fitted.tables.base)


def test_out_of_bag_log_odds_are_calibrated(data, fitted):
    y = data[1]
    assert expit(fitted.out_of_bag).mean() == pytest.approx(y.mean(), abs=0.06)
    assert np.corrcoef(fitted.out_of_bag, y)[0, 1] > 0.3


def test_fields_stand_in_name_order_with_label_and_spelling(fitted):
    industry, size, tech = fitted.tables.encoding.fields
    assert (industry.field, size.field, tech.field) == ("industry", "size", "tech")
    assert (industry.label, size.label) == ("industry", "employees")
    assert industry.spellings == ("Alpha", "b", "c")
    assert [t.name for t in fitted.tables.terms] == ["industry", "size", "tech=x", "tech=y"]


def test_rows_that_do_not_train_count_for_calibration_and_evidence_only(data):
    columns, y = data
    trains = np.random.default_rng(0).random(len(y)) < 0.7
    y = np.where(trains, y, 0.0)
    fitted = fit_tables(columns, SPECS, y, trains=trains, params=PARAMS)
    everyone = fitted.tables.customers[0].sum()
    assert everyone == len(y)
    codes = fitted.tables.encode(columns, len(y))
    assert expit(fitted.tables.log_odds(codes)).mean() == pytest.approx(y.mean(), abs=0.05)


def test_weights_move_the_fit(data):
    columns, y = data
    heavy = np.where(np.array([v == "a" for v in columns["industry"].to_pylist()]) & (y == 1), 6.0, 1.0)
    fitted = fit_tables(columns, SPECS, y, weight=heavy, params=PARAMS)
    table = fitted.tables.values[0]
    assert table[3] > max(table[4], table[5])


def test_groups_stay_together(data):
    """Each row thrice, the three in one group: a held-out copy must not be known from its twin."""
    columns, _ = data
    y = np.random.default_rng(0).permutation(data[1])  # nothing to learn
    few = 80
    index = pa.array(np.repeat(np.arange(few), 3))
    thrice = {name: array.take(index) for name, array in columns.items()}
    label = np.repeat(y[:few], 3)
    kept = np.repeat(np.arange(few), 3)
    apart, together = (
        np.corrcoef(fit_tables(thrice, SPECS, label, groups=g, params=PARAMS).out_of_bag, label)[0, 1]
        for g in (None, kept)
    )
    assert apart > together + 0.1


def test_a_neutral_missing_value_adds_nothing_and_keeps_the_average_customer():
    rng = np.random.default_rng(0)
    n = 500
    x, gone = rng.normal(size=n), rng.random(n) < 0.4
    y = (rng.random(n) < expit(1.5 * x - 2.5 * gone)).astype(float)
    columns = {"x": pa.array(x, mask=gone), "z": pa.array(rng.normal(size=n))}
    specs = [FieldSpec("x", "numeric", neutral_missing=True), FieldSpec("z", "numeric")]
    tables = fit_tables(columns, specs, y, params=PARAMS).tables
    codes = tables.encode(columns, n)
    contributions = tables.contributions(codes)
    assert (contributions[gone, 0] == 0).all()
    assert tables.variances[0][0] == 0
    assert np.abs(contributions.mean(axis=0)).max() < 1e-9
    assert expit(tables.log_odds(codes)).mean() == pytest.approx(y.mean(), abs=0.05)


def test_dates_are_fitted_as_ages():
    days = np.arange(1, 101)
    moments = [datetime(2026, 1, 1).timestamp() - 86400 * int(d) for d in days]
    columns = {"d": pa.array([datetime.fromtimestamp(m) for m in moments], pa.timestamp("s"))}
    params = FitParams(PARAMS.boosting, max_bins=4)
    (enc,) = fit_encoding(columns, [FieldSpec("d", "numeric", "date")], params, date(2026, 1, 1)).fields
    assert enc.edges[1:-1].tolist() == [30, 50, 70]


def test_a_token_field_without_a_telling_token_is_left_out():
    columns = {"t": pa.array([["same"]] * 40), "x": pa.array(np.arange(40.0))}
    encoding = fit_encoding(columns, [FieldSpec("t", "tokens"), FieldSpec("x", "numeric")], PARAMS, None)
    assert [f.field for f in encoding.fields] == ["x"]
    with pytest.raises(TrainingRefused, match="no token of t is held by enough rows"):
        fit_encoding(columns, [FieldSpec("t", "tokens")], PARAMS, None)


def test_labels_are_not_seen_by_the_encoding(data, fitted):
    other = fit_tables(data[0], SPECS, 1 - data[1], params=PARAMS)
    assert [f.to_dict() for f in other.tables.encoding.fields] == [f.to_dict() for f in fitted.tables.encoding.fields]


def test_a_missing_token_set_is_missing_and_not_a_set_without_tokens():
    rng = np.random.default_rng(5)
    columns, _ = make(600, seed=5)
    missing = rng.random(600) < 0.4
    sets = columns["tech"].to_pylist()
    columns["tech"] = pa.array([None if gone else held for gone, held in zip(missing, sets, strict=True)])
    missing = np.asarray(columns["tech"].is_null())
    y = (rng.random(600) < np.where(missing, 0.15, 0.55)).astype(float)  # only that it is missing tells anything
    fit = fit_tables(columns, SPECS, y, params=PARAMS).tables
    terms = [j for j, term in enumerate(fit.terms) if term.field == "tech"]
    assert len(terms) == 2
    assert all(fit.values[j][0] == 0.0 and fit.variances[j][0] == 0.0 for j in terms)
    codes = fit.encode(columns, 600)
    assert (codes[np.ix_(missing, terms)] == 0).all()
    assert (codes[np.ix_(~missing, terms)] > 0).all()
    # what the sets hold says nothing here, and so nothing is made of it
    assert max(abs(fit.values[j]).max() for j in terms) < 0.35
    status = np.where(y > 0, "best", "worst")
    assert [trait for trait in find_traits(fit, codes, status) if trait.field == "tech"] == []


def texts(n, seed, *, shuffled=False):
    """Descriptions of words as rare as words are, of which one phrase tells of the outcome and nothing else does."""
    rng = np.random.default_rng(seed)
    words = np.array([a + b for a in ("ba", "ce", "di", "fo", "gu", "ha") for b in ("lan", "mer", "nor", "qui")])
    rare = 1 / np.arange(1, len(words) + 1)
    said = words[rng.choice(len(words), size=(n, 12), p=rare / rare.sum())].tolist()
    holds = rng.random(n) < 0.3
    for row, held in zip(said, holds, strict=True):
        row[6:6] = ["predictive maintenance"] if held else []
    y = (rng.random(n) < np.where(holds, 0.75, 0.3)).astype(float)
    y = rng.permutation(y) if shuffled else y
    return {"description": word_sets(plain_words(pa.array([" ".join(row) for row in said])))}, y


@pytest.mark.parametrize("shuffled", [False, True])
def test_what_a_text_alone_tells_is_found_and_nothing_else(shuffled):
    spec = [FieldSpec("description", "tokens", "text", "description", "psychographic")]
    columns, y = texts(500, 1, shuffled=shuffled)
    tables = fit_tables(columns, spec, y, params=PARAMS).tables
    unseen, truth = texts(1500, 2, shuffled=shuffled)
    auc = roc_auc_score(truth, tables.log_odds(tables.encode(unseen, 1500)))
    traits = find_traits(tables, tables.encode(columns, 500), np.where(y > 0, "best", "worst"))
    if shuffled:
        assert auc < 0.55
        assert traits == ()
        return
    assert auc > 0.62
    assert [t.sentence for t in traits] == ['description mentions "predictive maintenance"']
    assert traits[0].category == "psychographic"
    names = {term.name for term in tables.terms}
    assert "description=predictive maintenance" in names
    assert "description=predictive" not in names  # a word that only the phrase has


def test_recencies_and_ages_move_with_the_as_of_date_of_scoring():
    rng = np.random.default_rng(7)
    days = rng.integers(1, 1500, 500)
    raised = np.datetime64("2026-10-01T00:00:00", "s") - days * np.timedelta64(86400, "s")
    founded = 2026.0 - rng.integers(0, 40, 500)
    columns = {"raised": pa.array(raised), "founded": pa.array(founded)}
    y = (rng.random(500) < np.where(days < 365, 0.7, 0.2) * np.where(founded > 2010, 1.0, 0.6)).astype(float)
    specs = [FieldSpec("raised", "numeric", "date"), FieldSpec("founded", "numeric", "age")]
    tables = fit_tables(columns, specs, y, params=PARAMS, as_of=date(2026, 10, 1)).tables
    later = {"raised": pa.array(raised + np.timedelta64(730 * 86400, "s")), "founded": pa.array(founded + 2)}
    now, then = tables.encode(columns, 500), tables.encode(later, 500, date(2028, 9, 30))
    assert tables.as_of == date(2026, 10, 1)
    assert (now == then).all()  # the same ages two years on are the same accounts
    aged = tables.encode(columns, 500, date(2028, 9, 30))
    assert tables.log_odds(aged).mean() < tables.log_odds(now).mean()  # and those that raised nothing since have aged
