from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.fitting import FieldSpec, FitParams
from icp_ml.exceptions import ModelFormatError, SettingsError
from icp_ml.gate import Gate, permutation_gate, shuffle_labels

SPECS = [FieldSpec("a", "numeric"), FieldSpec("b", "numeric"), FieldSpec("c", "category")]
PARAMS = FitParams(BoostingParams(feature_fraction=1.0))
LEAST = 49


def make(n=120, seed=0, effect=0.0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    columns = {
        "a": pa.array(a), "b": pa.array(rng.normal(size=n).round(1)),
        "c": pa.array([f"v{i}" for i in rng.integers(0, 12, n)]).dictionary_encode(),
    }  # fmt: skip
    return columns, (rng.random(n) < 1 / (1 + np.exp(0.4 - effect * a))).astype(float)


def test_a_signal_passes_with_the_least_p_value_there_is():
    columns, y = make(effect=2.0)
    gate = permutation_gate(columns, SPECS, y, params=PARAMS, permutations=LEAST)
    assert gate.passed
    assert gate.p_value == pytest.approx(1 / 50)
    assert gate.permutations == 49
    assert gate.statistic < gate.shuffled - 0.05
    assert "better than in 49 shuffles" in gate.sentence


def test_noise_fails_early():
    columns, y = make(seed=1)
    gate = permutation_gate(columns, SPECS, y, params=PARAMS, permutations=LEAST, n_jobs=1)
    assert not gate.passed
    assert gate.permutations < 49
    assert gate.p_value == pytest.approx(3 / gate.permutations)
    assert "no better than chance" in gate.sentence


def test_few_customers_get_more_shuffles():
    columns, y = make(effect=2.0)
    assert permutation_gate(columns, SPECS, y, params=PARAMS).permutations == 199
    columns, y = make(600, effect=2.0)
    assert permutation_gate(columns, SPECS, y, params=PARAMS).permutations == 49


def test_grades_tell_what_few_labels_cannot():
    rng = np.random.default_rng(1003)
    columns, _ = make(240, seed=3)
    quality = columns["a"].to_numpy() + rng.normal(scale=1.25, size=240)
    grade = np.argsort(np.argsort(quality)) / 239
    trains = np.zeros(240, dtype=bool)
    trains[rng.permutation(240)[:24]] = True  # the rest is told by its grades only
    best = (grade > 0.5).astype(float)
    labels = permutation_gate(columns, SPECS, best, trains=trains, params=PARAMS)
    graded = permutation_gate(columns, SPECS, best, trains=trains, grade=grade, params=PARAMS)
    assert graded.passed
    assert graded.p_value < labels.p_value
    never = permutation_gate(columns, SPECS, best, trains=trains, grade=grade, params=replace(PARAMS, grades="never"))
    assert never == labels
    shuffled = rng.permutation(240)  # grades and labels together, so that nothing is left to find
    assert not permutation_gate(
        columns, SPECS, best[shuffled], trains=trains[shuffled], grade=grade[shuffled], params=PARAMS
    ).passed


def test_noise_seldom_passes():
    passed = [
        permutation_gate(*_with_specs(make(80, seed)), params=PARAMS, permutations=LEAST, seed=seed).passed
        for seed in range(15)
    ]
    assert sum(passed) <= 2  # 0.3 expected; more than 2 would happen once in 300 such tests


def _with_specs(made):
    columns, y = made
    return columns, SPECS, y


@pytest.mark.parametrize("effect", [0.0, 0.4])
def test_row_order_group_names_and_jobs_do_not_matter(effect):
    columns, y = make(seed=5, effect=effect)
    groups = np.arange(120) // 2
    expected = permutation_gate(columns, SPECS, y, groups=groups, params=PARAMS)
    order = np.random.default_rng(9).permutation(120)
    shuffled = {k: v.take(pa.array(order)) for k, v in columns.items()}
    assert permutation_gate(shuffled, SPECS, y[order], groups=1000 - groups[order], params=PARAMS, n_jobs=3) == expected


def test_groups_of_a_size_trade_labels_as_a_whole():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(80), [1] * 20 + [2] * 30 + [5] * 30)
    y = (group % 3 == 0).astype(float)
    moved = 0
    for _ in range(20):
        out = shuffle_labels(y, group, rng)
        assert out.sum() == y.sum()
        assert all(len(set(out[group == g])) == 1 for g in range(80))
        moved += (out != y).any()
    assert moved == 20


def test_groups_without_a_twin_are_shuffled_too():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(6), [3, 4, 5, 6, 7, 8])
    y = (group % 2 == 0).astype(float)
    outs = {tuple(shuffle_labels(y, group, rng)) for _ in range(30)}
    assert len(outs) > 10
    assert all(0 < sum(out) < len(y) for out in outs)


def test_rows_of_one_company_do_not_count_as_evidence_each():
    rng = np.random.default_rng(3)
    company = np.repeat(np.arange(12), 12)
    names = pa.array([f"city{c}" for c in company]).dictionary_encode()
    y = (rng.random(12) < 0.5).astype(float)[company]
    y[company == 0], y[company == 1] = 1.0, 0.0
    columns, specs = {"city": names}, [FieldSpec("city", "category")]
    assert permutation_gate(columns, specs, y, params=PARAMS).passed
    assert not permutation_gate(columns, specs, y, groups=company, params=PARAMS).passed


def test_one_label_only_is_no_signal():
    columns, _ = make()
    gate = permutation_gate(columns, SPECS, np.ones(120), params=PARAMS)
    assert (gate.passed, gate.p_value, gate.permutations) == (False, 1.0, 0)
    assert Gate.from_dict(json.loads(json.dumps(gate.to_dict()))).p_value == 1.0


def test_too_few_permutations_for_the_level_are_refused():
    columns, y = make()
    with pytest.raises(SettingsError, match=r"permutations = 19 can never show p <= 0.02; at least 49"):
        permutation_gate(columns, SPECS, y, permutations=19)


def test_saved_and_read_back():
    gate = Gate(0.02, True, 0.6, 0.7, 49, 0.02)
    assert Gate.from_dict(json.loads(json.dumps(gate.to_dict()))) == gate
    with pytest.raises(ModelFormatError, match="permutation gate"):
        Gate.from_dict({"p_value": "low"})
