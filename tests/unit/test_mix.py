from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit

from icp_ml.estimator import boosting as b
from icp_ml.estimator import rows as rows_of
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_encoding
from icp_ml.estimator.linear import fit_smooth_ridge, posterior_variances
from icp_ml.estimator.mix import EVEN, fit_mix, ridge_share, ridge_text

PARAMS = b.BoostingParams(learning_rate=0.2, max_rounds=40, patience=10, folds=3, bags=3, min_leaf=5)
SPECS = [FieldSpec("industry", "category"), FieldSpec("size", "numeric"), FieldSpec("tech", "tokens")]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    n = 300
    size = rng.normal(size=n)
    columns = {
        "size": pa.array(size, mask=rng.random(n) < 0.1),
        "industry": pa.array(rng.choice(["a", "b", "c"], n)),
        "tech": pa.array([["x"] * (u < 0.5) for u in rng.random(n).tolist()]),
    }
    y = (rng.random(n) < expit(1.5 * size)).astype(float)
    encoding = fit_encoding(columns, SPECS, FitParams(), None)
    rows = rows_of.TrainingRows(encoding.encode(columns, n), y, np.ones(n), np.arange(n), rng.random(n) < 0.8)
    return rows, encoding


@pytest.fixture(scope="module")
def parts(data):
    rows, encoding = data
    additive = b.fit_additive(rows, encoding.terms, PARAMS, 0, 1)
    ridge = fit_smooth_ridge(rows, encoding.terms, [bag.draws for bag in additive.bags], folds=3, seed=0)
    return additive, ridge


@pytest.fixture(scope="module")
def mixed(data):
    return fit_mix(data[0], data[1].terms, PARAMS, 0, 1)


def looked_up(values, base, codes):
    return base + sum(table[codes[:, j]] for j, table in enumerate(values))


def test_the_tables_sum_to_both_parts_log_odds(data, parts, mixed):
    rows, encoding = data
    additive, ridge = parts
    assert 0 < mixed.share < 1
    silent = np.zeros(len(rows.y), dtype=bool)
    for j, term in enumerate(encoding.terms):
        seen = np.bincount(rows.codes[rows.trains, j], minlength=term.size)
        silent |= np.isin(rows.codes[:, j], b.silent_codes(term, seen))
    bags = [looked_up(bag.values, bag.base, rows.codes) for bag in additive.bags]
    whole = (1 - mixed.share) * np.mean(bags, axis=0) + mixed.share * ridge.fit.log_odds(rows.codes)
    assert np.abs(looked_up(mixed.values, mixed.base, rows.codes) - whole)[~silent].max() < 1e-9
    for j, table in enumerate(mixed.values):
        assert abs(table[rows.codes[:, j]].mean()) < 1e-9


def test_held_out_log_odds_mix_those_of_both_parts(parts, mixed):
    additive, ridge = parts
    for own, of_boosters in ((mixed.out_of_fold, additive.out_of_fold), (mixed.out_of_bag, additive.out_of_bag)):
        assert own.tolist() == ((1 - mixed.share) * of_boosters + mixed.share * ridge.fit.out_of_fold).tolist()


def test_no_held_out_log_odds_know_their_row(data, parts):
    """On shuffled labels what is said of a row must not go with its label; what fits that saw it say does."""
    rows, encoding = data
    found, seen = [], []
    for seed in range(10):
        noise = replace(rows, y=np.random.default_rng(seed).permutation(rows.y), trains=np.ones(len(rows.y), bool))
        fit = fit_mix(noise, encoding.terms, PARAMS, seed, 1)
        found.append(np.corrcoef(fit.out_of_bag, noise.y)[0, 1])
        seen.append(np.corrcoef(looked_up(fit.values, fit.base, rows.codes), noise.y)[0, 1])
    assert np.mean(found) < 0.06
    assert np.mean(seen) > 0.15


def test_variances_are_the_bags_of_both_parts_and_what_shrinking_hides(data, parts, mixed):
    rows, encoding = data
    additive, ridge = parts
    position = [t.name for t in encoding.terms].index("size")
    posterior = posterior_variances(ridge.fit, rows, encoding.terms)[position]
    refits, linear = [], []
    for bag, (tables, _) in zip(additive.bags, ridge.bags, strict=True):
        table = (1 - mixed.share) * bag.values[position] + mixed.share * tables[position]
        refits.append(table - table[rows.codes[:, position]].mean())
        linear.append(tables[position] - tables[position][rows.codes[:, position]].mean())
    spread, of_ridge = np.var(refits, axis=0, ddof=1), np.var(linear, axis=0, ddof=1)
    assert (posterior > of_ridge).any()
    assert mixed.variances[position] == pytest.approx(spread + np.maximum(posterior - of_ridge, 0), abs=1e-12)
    assert mixed.base_variance > 0
    industry = [t.name for t in encoding.terms].index("industry")
    assert (mixed.values[industry][:2] == 0).all()  # nobody misses it, and nobody has one never seen
    assert (mixed.variances[industry][:2] == 0).all()


def test_jobs_do_not_change_the_bytes(data, mixed):
    again = fit_mix(data[0], data[1].terms, PARAMS, 0, 2)
    for name in ("values", "variances"):
        assert [t.tolist() for t in getattr(again, name)] == [t.tolist() for t in getattr(mixed, name)]
    assert (again.base, again.share, again.boosters) == (mixed.base, mixed.share, mixed.boosters)
    assert again.out_of_bag.tolist() == mixed.out_of_bag.tolist()


@pytest.mark.parametrize(("good", "other"), [(0, 1), (1, 0)])
def test_the_part_that_tells_more_counts_for_more(good, other):
    rng = np.random.default_rng(0)
    signal, noise = rng.normal(size=(2, 800))
    y = (rng.random(800) < expit(1.5 * signal)).astype(float)
    both = [noise, noise]
    both[good] = signal
    share = ridge_share(both[0], both[1], y, np.ones(800))
    assert (share < 0.2) if good == 0 else (share > 0.8)
    few = ridge_share(both[0][:60], both[1][:60], y[:60], np.ones(60))
    assert abs(few - EVEN) < abs(share - EVEN)  # few customers hardly move it from even
    assert (few < EVEN) if other == 1 else (few > EVEN)


def test_the_share_of_equals_is_even_and_that_of_very_few_too():
    rng = np.random.default_rng(1)
    z = rng.normal(size=400)
    y = (rng.random(400) < expit(z)).astype(float)
    assert ridge_share(z, z, y, np.ones(400)) == EVEN
    assert ridge_share(z[:30], -z[:30], y[:30], np.ones(30)) == EVEN


def test_weights_of_all_rows_alike_do_not_move_the_share():
    rng = np.random.default_rng(2)
    one, two = rng.normal(size=(2, 200))
    y = (rng.random(200) < expit(one)).astype(float)
    assert ridge_share(one, two, y, np.ones(200)) == ridge_share(one, two, y, np.full(200, 50.0))
    dropped = np.where(np.arange(200) < 100, 1.0, 0.0)
    assert ridge_share(one, two, y, dropped) == ridge_share(one[:100], two[:100], y[:100], np.ones(100))


def test_the_ridge_can_be_audited(data, parts, mixed):
    rows, encoding = data
    text = json.loads(ridge_text(mixed, encoding.terms))
    tables = [np.array(text["tables"][term.name]) for term in encoding.terms]
    assert looked_up(tables, text["base"], rows.codes) == pytest.approx(parts[1].fit.log_odds(rows.codes), abs=1e-12)
    assert (text["share"], text["C"]) == (mixed.share, parts[1].fit.C)
