"""Pair traits: told where two fields together beat either alone, and not where they only add up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_tables
from icp_ml.estimator.pair_tables import PairTable
from icp_ml.traits import find_traits

PARAMS = FitParams(BoostingParams(learning_rate=0.2, max_rounds=40, patience=10, folds=3, bags=2, min_leaf=5))
SPECS = [
    FieldSpec("employees", "numeric", "count", "employees"),
    FieldSpec("technologies", "tokens", category="technographic"),
    FieldSpec("noise", "numeric"),
]


def world(together, alone, n=1500, seed=0):
    """Two statements, an effect of each, and one of both together; the model is given the pair."""
    rng = np.random.default_rng(seed)
    size, snow = np.exp(rng.normal(5, 1, n)), rng.random(n) < 0.4
    columns = {
        "employees": pa.array(np.round(size)),
        "technologies": pa.array([["snow"] * int(s) + ["excel"] for s in snow]),
        "noise": pa.array(rng.normal(size=n)),
    }
    large = size > 150
    quality = alone * (large * 1.0 + snow) + together * (large & snow) + rng.logistic(size=n)
    low, high = np.quantile(quality, [0.35, 0.75])
    status = np.where(quality > high, "best", np.where(quality < low, "worst", "middle"))
    tables = fit_tables(
        columns, SPECS, (status == "best").astype(float), trains=status != "middle", params=PARAMS
    ).tables
    codes = tables.encode(columns, n)
    names = [t.name for t in tables.terms]
    first, second = sorted((names.index("employees"), names.index("technologies=snow")))
    if not any((p.first, p.second) == (first, second) for p in tables.pairs):
        shape = (tables.terms[first].size, tables.terms[second].size)
        pair = PairTable(first, second, np.zeros(shape), np.zeros(shape))
        tables = replace(tables, pairs=(pair,))
    return tables, codes, status, large & snow


@pytest.fixture(scope="module")
def together():
    tables, codes, status, inside = world(2.0, 0.0)
    return tables, codes, status, inside, find_traits(tables, codes, status, pairs=20)


def test_two_that_matter_only_together_are_told_together(together):
    _tables, _codes, status, inside, traits = together
    (pair,) = [t for t in traits if t.pair]
    assert pair.pair == ("employees", "technologies=snow")
    assert pair.direction == "positive"
    assert pair.sentence.endswith("employees and uses snow")
    assert set(pair.values) == {"employees", "technologies=snow"}
    rate = (status[inside] == "best").mean() / (status == "best").mean()
    assert pair.lift == pytest.approx(rate, rel=0.15)
    assert pair.lift_low < pair.lift < pair.lift_high
    assert pair.lift_low > max((t.lift for t in traits if not t.pair), default=1.0)
    assert "marketing" in pair.who
    assert 0.4 <= pair.stability <= 1


def test_a_pair_trait_is_read_back(together):
    for trait in together[-1]:
        assert type(trait).from_dict(trait.to_dict()) == trait


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_that_only_add_up_are_not(seed):
    tables, codes, status, _ = world(0.0, 1.2, seed=seed)
    traits = find_traits(tables, codes, status, pairs=10)
    assert {t.field for t in traits} >= {"employees", "technologies"}
    assert not [t for t in traits if t.pair]


def test_a_pair_the_model_does_not_have_is_not_looked_at(together):
    tables, codes, status, _, _ = together
    assert not [t for t in find_traits(replace(tables, pairs=()), codes, status, pairs=5) if t.pair]
