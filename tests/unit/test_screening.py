from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from icp_ml.estimator import boosting, linear, screening
from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_encoding, fit_tables, split_encoding
from icp_ml.estimator.rows import TrainingRows, take
from icp_ml.estimator.screening import WideRows, aligned, screen, screens, wide_field, with_tokens
from icp_ml.gate import permutation_gate
from icp_ml.traits import find_traits
from icp_ml.traits.candidates import lay_out
from icp_ml.traits.chance import by_shuffling
from icp_ml.traits.scan import Sample, basis_of, scan

SPECS = [FieldSpec("size", "numeric"), FieldSpec("tech", "tokens")]
QUICK = BoostingParams(max_rounds=60, patience=10, bags=5)


def world(n, tokens, informative=0, seed=0, share=(0.02, 0.08), effect=2.0):
    """Customers that hold tokens at random, of which a few decide; and the log-odds."""
    rng = np.random.default_rng(seed)
    has = rng.random((n, tokens)) < rng.uniform(*share, tokens)
    decisive = rng.choice(tokens, informative, replace=False)
    log_odds = has[:, decisive] @ (effect * rng.choice([-1.0, 1.0], informative))
    y = (rng.random(n) < expit(log_odds - log_odds.mean())).astype(float)
    names = np.array([f"t{j:04d}" for j in range(tokens)])
    lists = [names[row].tolist() for row in has]
    columns = {"tech": pa.array(lists, pa.list_(pa.string())), "size": pa.array(rng.normal(size=n))}
    return columns, y, names[np.sort(decisive)].tolist()


def part(columns, first, last):
    return {name: array.slice(first, last - first) for name, array in columns.items()}


def token_values(tables):
    return [v for enc in tables.encoding.fields if enc.field == "tech" for v in enc.values]


@pytest.fixture(scope="module")
def small():
    columns, y, _ = world(160, 40, 4, seed=3, share=(0.1, 0.3))
    return columns, y


@pytest.fixture
def rows(small):
    columns, y = small
    encoding, wide = split_encoding(columns, SPECS, FitParams(max_tokens=12), None)
    n = len(y)
    held = WideRows(wide, np.arange(n))
    return TrainingRows(
        encoding.encode(columns, n), y, np.ones(n), np.arange(n), np.ones(n, bool), wide=held
    ), encoding.terms


def test_noise_by_the_thousand_promises_nothing_of_rows_that_a_screen_did_not_see():
    aucs, spreads = [], []
    for seed in range(3):
        columns, y, _ = world(500, 5000, seed=seed)
        train = part(columns, 0, 300)
        fitted = fit_tables(train, SPECS, y[:300], params=FitParams(QUICK), seed=seed)
        aucs.append(roc_auc_score(y[:300], fitted.out_of_bag))
        fresh = fitted.tables.log_odds(fitted.tables.encode(part(columns, 300, 500), 200))
        spreads.append(max(fitted.out_of_bag.std(), fresh.std()))
    assert np.mean(aucs) < 0.56
    assert max(spreads) < 0.4  # log-odds: nearly the same is said of everybody
    leaked = _auc_of_a_screen_that_saw_all(*world(300, 5000, seed=0)[:2])
    assert leaked > 0.9  # what the same tokens would promise, taken once by all labels


def _auc_of_a_screen_that_saw_all(columns, y):
    wide = split_encoding(columns, SPECS, FitParams(), None)[1]
    best = screening.taken(wide, np.ones(len(y)), y)
    spec = [FieldSpec("tech", "tokens")]
    names = wide[0].only(best.tolist()).values
    kept = pa.array([[t for t in row if t in set(names)] for row in columns["tech"].to_pylist()])
    return roc_auc_score(y, fit_tables({"tech": kept}, spec, y, params=FitParams(QUICK)).out_of_bag)


def test_the_gate_does_not_pass_on_noise_and_passes_where_tokens_decide():
    params = FitParams(max_tokens=40)
    columns, y, _ = world(300, 5000, seed=1)
    assert not permutation_gate(columns, SPECS, y, params=params).passed
    columns, y, _ = world(300, 1000, 8, seed=2, effect=4.0)
    assert permutation_gate(columns, SPECS, y, params=params).passed


def test_rare_tokens_that_decide_are_found_among_thousands():
    columns, y, decisive = world(1600, 5000, 30, seed=5)
    train, asked = part(columns, 0, 800), part(columns, 800, 1600)
    fitted = fit_tables(train, SPECS, y[:800], params=FitParams(QUICK))
    log_odds = fitted.tables.log_odds(fitted.tables.encode(asked, 800))
    assert len(set(token_values(fitted.tables)) & set(decisive)) >= 20
    commonest = fit_encoding(train, SPECS, FitParams(), None)
    names = {v for enc in commonest.fields for v in enc.values}
    assert len(names) == 200
    few = {**columns, "tech": pa.array([[t for t in row if t in names] for row in columns["tech"].to_pylist()])}
    blind = fit_tables(part(few, 0, 800), SPECS, y[:800], params=FitParams(QUICK))
    other = blind.tables.log_odds(blind.tables.encode(part(few, 800, 1600), 800))
    assert roc_auc_score(y[800:], log_odds) > roc_auc_score(y[800:], other) + 0.1


def test_held_out_log_odds_do_not_know_the_labels_of_their_fold(rows, monkeypatch):
    rows, terms = rows
    fold = np.arange(len(rows.y)) % 4
    for module in (boosting, linear):
        monkeypatch.setattr(module, "fold_numbers", lambda *_: fold)
    monkeypatch.setattr(linear, "STRENGTHS", (0.1,) * len(linear.STRENGTHS))
    other = replace(rows, y=np.where(fold == 2, 1 - rows.y, rows.y))
    one, two = (boosting.cross_validate(r, terms, replace(QUICK, max_rounds=1), 0, None)[1] for r in (rows, other))
    assert one[fold == 2].tolist() == two[fold == 2].tolist()
    assert one[fold != 2].tolist() != two[fold != 2].tolist()
    one, two = (linear.fit_smooth_ridge(r, terms, [], taken=screens([], screen(r))).fit for r in (rows, other))
    assert one.out_of_fold[fold == 2].tolist() == two.out_of_fold[fold == 2].tolist()
    assert one.out_of_fold[fold != 2].tolist() != two.out_of_fold[fold != 2].tolist()


def test_a_screen_takes_what_the_formula_says(rows):
    rows, _ = rows
    rng = np.random.default_rng(0)
    rows = replace(rows, weight=rng.random(len(rows.y)) + 0.1)
    field = rows.wide.fields[0]
    has, known = field.held.toarray(), field.known
    weight = rows.weight / rows.weight.mean()
    gains = []
    for j in range(has.shape[1]):
        x, y, w = has[known, j], rows.y[known], weight[known]
        centred = y - np.average(y, weights=w)
        information = np.average(centred**2, weights=w) * (w @ (x - np.average(x, weights=w)) ** 2)
        gains.append((w @ (x * centred)) ** 2 / (information + screening.PRIOR))
    assert screen(rows).tolist() == sorted(np.argsort(-np.array(gains), kind="stable")[:12].tolist())
    chosen = np.random.default_rng(1).integers(0, len(rows.y), len(rows.y))  # drawing twice is a weight of two
    drawn = replace(rows, weight=rows.weight * np.bincount(chosen, minlength=len(rows.y)))
    assert screen(take(rows, chosen)).tolist() == screen(drawn).tolist()


def test_columns_of_taken_tokens_are_the_codes_of_the_encoding(rows, small):
    rows, terms = rows
    own = screen(rows)
    wider, named = with_tokens(rows, terms, own)
    encoding = Encoding((rows.wide.fields[0].only(own.tolist()),))
    assert wider.codes[:, len(terms) :].tolist() == encoding.encode(small[0], len(rows.y)).tolist()
    assert [t.name for t in named[len(terms) :]] == [t.name for t in encoding.terms]
    assert wider.wide is None
    assert with_tokens(wider, named, own) == (wider, named)
    assert screen(wider).tolist() == []


def test_a_missing_set_is_missing_and_tokens_count_once_per_row():
    array = pa.array([["a", "b", "a", None], None, [], ["b"]], pa.list_(pa.string()))
    field = wide_field(FieldEncoding("t", "tokens", values=("a", "b"), spellings=("A", "B")), array, 1)
    assert field.held.toarray().tolist() == [[1, 1], [0, 0], [0, 0], [0, 1]]
    assert field.known.tolist() == [True, False, True, True]
    assert screening.token_codes(field, 1).tolist() == [2, 0, 1, 2]
    assert field.commonest().values == ("b",)
    assert field.take(np.array([3, 0])).held.toarray().tolist() == [[0, 1], [1, 1]]


def test_no_more_candidates_than_a_fit_may_use_change_nothing(small, monkeypatch):
    columns, y = small
    params = FitParams(QUICK, max_tokens=40)
    fitted = fit_tables(columns, SPECS, y, params=params)
    monkeypatch.setattr("icp_ml.estimator.fitting._wide", lambda *_: None)
    before = fit_tables(columns, SPECS, y, params=params)
    assert fitted.wide == ()
    assert fitted.boosters == before.boosters
    assert [v.tobytes() for v in fitted.tables.values] == [v.tobytes() for v in before.tables.values]


def test_a_wide_fit_is_the_same_whatever_the_order_and_the_jobs(small):
    columns, y = small
    params = FitParams(QUICK, max_tokens=10)
    fitted = fit_tables(columns, SPECS, y, params=params)
    order = np.random.default_rng(2).permutation(len(y))
    mixed = {name: array.take(pa.array(order)) for name, array in columns.items()}
    again = fit_tables(mixed, SPECS[::-1], y[order], params=params, n_jobs=2)
    assert fitted.boosters == again.boosters
    assert fitted.ridge == again.ridge
    assert [t.name for t in fitted.tables.terms] == [t.name for t in again.tables.terms]
    assert [v.tobytes() for v in fitted.tables.values] == [v.tobytes() for v in again.tables.values]
    assert fitted.out_of_bag[order].tobytes() == again.out_of_bag.tobytes()


def test_the_model_keeps_few_tokens_with_evidence_counted_right(small):
    columns, y = small
    tables = fit_tables(columns, SPECS, y, params=FitParams(QUICK, max_tokens=10)).tables
    codes = tables.encode(columns, len(y))
    assert 1 <= len(token_values(tables)) <= 30
    assert [t.field for t in tables.terms] == ["size", *["tech"] * (len(tables.terms) - 1)]
    for j, term in enumerate(tables.terms):
        assert tables.customers[j].tolist() == np.bincount(codes[:, j], minlength=term.size).tolist()
        assert tables.best[j].tolist() == np.bincount(codes[y > 0, j], minlength=term.size).tolist()
        assert tables.values[j].any() or term.field == "size"
        assert abs(tables.values[j] @ tables.customers[j]) < 1e-9 * len(y)
    assert np.abs(tables.contributions(codes).sum(axis=1) + tables.base - tables.log_odds(codes)).max() < 1e-9


def test_a_token_is_kept_that_half_of_the_bags_or_the_whole_took():
    bags = [np.array([1, 2]), np.array([2, 3]), np.array([2, 4]), np.array([3, 5])]
    kept = screens(bags, np.array([7])).kept
    assert kept.tolist() == [2, 3, 7]
    tables = [np.full(4, 9.0), np.full(3, 1.0), np.full(3, 2.0)]
    assert [t.tolist() for t in aligned(tables, bags[0], kept)] == [[9.0] * 4, [2.0] * 3, [0.0] * 3, [0.0] * 3]
    assert [t.tolist() for t in aligned(tables, np.array([], int), np.array([], int))] == [t.tolist() for t in tables]


def test_traits_count_the_screen_as_part_of_their_search():
    columns, y, _ = world(300, 3000, seed=4)
    fitted = fit_tables(columns, SPECS, y, params=FitParams(QUICK))
    codes, status = fitted.tables.encode(columns, 300), np.where(y > 0, "best", "worst")
    score, strengths = y - y.mean(), []
    for wide in ((), fitted.wide):
        sample = Sample(lay_out(fitted.tables.terms, codes, wide), score, least=10)
        chance = by_shuffling(sample, 200, 0)
        best = max(chance.surprise(scan(basis_of(sample, []), []).z)[: len(fitted.tables.terms)])
        strengths.append(chance.p_value(best))
    assert 3 * strengths[0] < strengths[1] > 0.05  # the strongest of 3,000 look strong among the 200 taken
    assert [t for t in find_traits(fitted.tables, codes, status, wide=fitted.wide) if t.field == "tech"] == []
    columns, y, decisive = world(400, 800, 3, seed=6, share=(0.1, 0.2), effect=4.0)
    fitted = fit_tables(columns, SPECS, y, params=FitParams(QUICK))
    codes, status = fitted.tables.encode(columns, 400), np.where(y > 0, "best", "worst")
    found = find_traits(fitted.tables, codes, status, wide=fitted.wide)
    assert {t.term for t in found} >= {f"tech={name}" for name in decisive}
    order = np.random.default_rng(0).permutation(400)
    mixed = [field.take(order) for field in fitted.wide]
    assert find_traits(fitted.tables, codes[order], status[order], wide=mixed) == found
