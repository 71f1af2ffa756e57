"""What is adjusted for, pairs, and thousands of tokens in one fit: each leaves the others their meaning."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_tables

SPECS = [
    FieldSpec("size", "numeric"),
    FieldSpec("kind", "category"),
    FieldSpec("tech", "tokens"),
    FieldSpec("tier", "category", adjust=True),
]
PARAMS = FitParams(BoostingParams(bags=5), max_tokens=40)


def customers(n=900, seed=0):
    """The effect of size turns round with kind; a customer-only tier lifts outcomes; 300 tokens are noise."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    kind = rng.choice(["a", "b"], n)
    tier = rng.choice(["gold", "none"], n)
    held = rng.random((n, 300)) < 0.04
    quality = 2.0 * size * np.where(kind == "a", 1, -1) + 1.5 * (tier == "gold") - 0.75
    y = (rng.random(n) < 1 / (1 + np.exp(-quality))).astype(float)
    tech = [[f"t{k:03d}" for k in np.flatnonzero(row)] for row in held]
    columns = {"size": pa.array(size), "kind": pa.array(kind), "tech": pa.array(tech), "tier": pa.array(tier)}
    return columns, y


def test_adjusting_pairs_and_wide_token_sets_go_together():
    columns, y = customers()
    fitted = fit_tables(columns, SPECS, y, params=PARAMS, seed=1)
    tables = fitted.tables
    assert fitted.wide
    assert fitted.adjustment.labels == ["tier"]
    assert "tier" not in tables.fields
    names = [term.name for term in tables.terms]
    assert ["kind", "size"] in [sorted((names[p.first], names[p.second])) for p in tables.pairs]
    codes = tables.encode(columns, len(y))
    log_odds = tables.log_odds(codes)
    np.testing.assert_allclose(tables.contributions(codes).sum(axis=1) + tables.base, log_odds, atol=1e-9)
    assert np.isfinite(tables.standard_error(codes)).all()
    truth = np.asarray(columns["size"]) * np.where(np.asarray(columns["kind"]) == "a", 1, -1)
    assert np.corrcoef(fitted.out_of_bag, truth)[0, 1] > 0.7  # held out, and without the tier
    gold = np.asarray(columns["tier"]) == "gold"
    assert abs(log_odds[gold].mean() - log_odds[~gold].mean()) < 0.3


def test_neither_order_nor_cores_change_it():
    columns, y = customers(400)
    order = np.random.default_rng(5).permutation(400)
    one = fit_tables(columns, SPECS, y, params=PARAMS, seed=1)
    shuffled = {name: array.take(pa.array(order)) for name, array in columns.items()}
    two = fit_tables(shuffled, SPECS, y[order], params=replace(PARAMS), seed=1, n_jobs=2)
    for a, b in zip(one.tables.values, two.tables.values, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.out_of_bag[order], two.out_of_bag)
