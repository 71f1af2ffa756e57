from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_tables
from icp_ml.traits import Trait, halves
from icp_ml.traits import find_traits as find_all_traits

PARAMS = FitParams(BoostingParams(learning_rate=0.2, max_rounds=40, patience=10, folds=3, bags=2, min_leaf=5))
SPECS = [
    FieldSpec("employees", "numeric", "count", "employees"),
    FieldSpec("industry", "category", label="industry"),
    FieldSpec("technologies", "tokens", category="technographic"),
    FieldSpec("noise", "numeric"),
]


def find_traits(*args, **options):
    return find_all_traits(*args, pairs=8, **options)


def make(n=900, seed=0, effect=1.6):
    rng = np.random.default_rng(seed)
    size, industry = np.exp(rng.normal(5, 1, n)), rng.choice(list("abcdef"), n)
    snow = rng.random(n) < 0.35
    columns = {
        "employees": pa.array(np.round(size), mask=rng.random(n) < 0.1),
        "industry": pa.array(industry),
        "technologies": pa.array([["snow"] * int(s) + ["excel"] for s in snow]),
        "noise": pa.array(rng.normal(size=n)),
    }
    planted = ((size > 100) & (size <= 400)) * 1.0 + np.isin(industry, ["a", "b"]) + snow
    quality = effect * planted + rng.logistic(size=n)
    low, high = np.quantile(quality, [0.3, 0.7])
    status = np.where(quality > high, "best", np.where(quality < low, "worst", "middle"))
    return columns, status


def fit(columns, status):
    best = (status == "best").astype(float)
    tables = fit_tables(columns, SPECS, best, trains=status != "middle", params=PARAMS).tables
    return tables, tables.encode(columns, len(status))


@pytest.fixture(scope="module")
def world():
    columns, status = make()
    return *fit(columns, status), status


@pytest.fixture(scope="module")
def found(world):
    return find_traits(*world)


def test_a_planted_range_set_and_token_are_found(found):
    by_term = {(t.term, t.direction): t for t in found}
    size = by_term["employees", "positive"]
    assert 60 <= size.values["over"] <= 140
    assert 300 <= size.values["up_to"] <= 550
    assert size.sentence.endswith("employees")
    industries = [t for t in found if t.term == "industry"]
    assert len(industries) == 1  # "c, d, e or f" against is the same finding
    assert industries[0].values == {"in": ["a", "b"]}
    assert by_term["technologies=snow", "positive"].sentence == "uses snow"
    assert by_term["technologies=snow", "positive"].category == "technographic"
    assert not [t for t in found if t.field == "noise"]


def test_the_evidence_is_what_can_be_counted(world, found):
    tables, codes, status = world
    number = {t.name: j for j, t in enumerate(tables.terms)}
    best, worst = status == "best", status == "worst"
    for t in found:
        inside = np.isin(codes[:, number[t.term]], t.codes)
        assert (t.customers, t.best) == (inside.sum(), (inside & best).sum())
        assert t.rate == pytest.approx(best[inside].mean())
        assert abs(np.log(t.lift / (best[inside].mean() / best.mean()))) < 0.15
        assert t.best_support == pytest.approx(inside[best].mean())
        assert t.worst_support == pytest.approx(inside[worst].mean())
        assert t.lift_low < t.lift < t.lift_high
        assert (t.lift > 1) == (t.contribution > 0) == (t.direction == "positive")
        assert t.p_value <= 0.2
        assert 0.15 <= t.stability <= 1


def test_the_order_of_rows_does_not_matter(world, found):
    tables, codes, status = world
    order = np.random.default_rng(0).permutation(len(status))
    assert find_traits(tables, codes[order], status[order]) == found


@pytest.mark.parametrize("seed", range(6))
def test_shuffled_labels_have_no_traits(world, seed):
    _, codes, status = world
    shuffled = np.random.default_rng(100 + seed).permutation(status)
    columns, _ = make()
    tables, codes = fit(columns, shuffled)
    assert find_traits(tables, codes, shuffled, seed=seed) == ()


@pytest.mark.parametrize("seed", [3, 4])
def test_many_accounts_of_few_companies_are_no_evidence(seed):
    """What is chance among 60 companies looks sure among their 900 accounts, unless companies are kept together."""
    columns, status = make(60, seed=seed, effect=0.0)
    company = np.repeat(np.arange(60), 15)
    columns = {name: array.take(pa.array(company)) for name, array in columns.items()}
    tables, codes = fit(columns, status[company])
    tables = replace(tables, pairs=())
    assert find_traits(tables, codes, status[company], seed=seed)
    assert find_traits(tables, codes, status[company], seed=seed, groups=company) == ()
    order = np.random.default_rng(seed).permutation(len(company))
    assert find_traits(tables, codes[order], status[company][order], seed=seed, groups=company[order]) == ()


def test_companies_of_one_account_change_nothing(world, found):
    tables, codes, status = world
    assert find_traits(tables, codes, status, groups=np.arange(len(status))[::-1]) == found


def test_halves_keep_groups_whole():
    groups = np.repeat([0, 1, 2, 3, 4], [400, 300, 50, 200, 50])
    for seed in range(5):
        one, other = halves._halved(1000, groups, np.random.default_rng(seed))
        assert sorted([*one, *other]) == list(range(1000))
        assert not set(groups[one]) & set(groups[other])
        assert min(len(one), len(other)) >= 250


def test_a_stand_in_without_a_contribution_is_no_trait(world):
    tables, codes, status = world
    j = [t.name for t in tables.terms].index("technologies=snow")
    silent = tuple(v * (0.01 if i == j else 1.0) for i, v in enumerate(tables.values))
    found = find_traits(replace(tables, values=silent), codes, status)
    assert "technologies=snow" not in {t.term for t in found}


def test_without_both_labels_there_are_no_traits(world):
    tables, codes, status = world
    assert find_traits(tables, codes, np.where(status == "best", "middle", status)) == ()
    assert find_traits(tables, codes, np.where(status == "worst", "middle", status)) == ()


def test_the_share_of_the_market_is_of_accounts_whose_value_is_known(world, found):
    tables, codes, status = world
    market = codes[:50].copy()
    j = [t.name for t in tables.terms].index("technologies=snow")
    market[:, j] = [2] * 10 + [1] * 10 + [0] * 30
    shares = {t.term: t.market_share for t in find_traits(tables, codes, status, market_codes=market)}
    assert shares["technologies=snow"] == 0.5
    market[:, j] = 0
    shares = {t.term: t.market_share for t in find_traits(tables, codes, status, market_codes=market)}
    assert shares["technologies=snow"] is None
    assert all(t.market_share is None for t in found)


def test_missing_values_are_never_a_trait():
    rng = np.random.default_rng(0)
    columns, status = make(effect=0.0)
    gone = (status == "worst") & (rng.random(len(status)) < 0.9)
    columns["employees"] = pa.array(columns["employees"].to_numpy(zero_copy_only=False), mask=gone)
    tables, codes = fit(columns, status)
    assert all(0 not in t.codes for t in find_traits(tables, codes, status))


def test_saved_and_read_back(found):
    for trait in found:
        assert Trait.from_dict(json.loads(json.dumps(trait.to_dict()))) == trait


def test_a_set_names_no_value_of_which_the_model_says_the_contrary(world, found):
    tables, codes, status = world
    assert next(t for t in found if t.field == "industry" and t.direction == "positive").sentence == "industry: a or b"
    j = [term.name for term in tables.terms].index("industry")
    b = 3 + tables.terms[j].encoding.values.index("b")
    contrary = tables.values[j].copy()
    contrary[b] = -0.1
    values = tuple(contrary if k == j else table for k, table in enumerate(tables.values))
    again = find_traits(replace(tables, values=values), codes, status)
    named = [t for t in again if t.field == "industry" and t.direction == "positive"]
    assert [t.sentence for t in named] == ["industry: a"]
    for trait in again:
        if trait.field == "industry":
            assert all((values[j][c] > 0) == (trait.direction == "positive") for c in trait.codes)
