from __future__ import annotations

import json
import math
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.fitting import FieldSpec, FitParams
from icp_ml.evaluation import Evaluation, Interval, LearnerResult, evaluate
from icp_ml.evaluation import metrics as m
from icp_ml.evaluation.run import _customers, _folds, _order
from icp_ml.evaluation.splits import content_order
from icp_ml.evaluation.verdict import judge
from icp_ml.exceptions import InputError, ModelFormatError, TrainingRefused
from icp_ml.gate import Gate

FAST = FitParams(BoostingParams(max_rounds=40, patience=15, learning_rate=0.15, folds=3, bags=2))
SPECS = (
    FieldSpec("employees", "numeric", "count"),
    FieldSpec("industry", "category"),
    FieldSpec("growth", "numeric", "share"),
    FieldSpec("tech", "tokens"),
)
FAILED = Gate(0.4, False, 0.69, 0.68, 5, 0.02)


def customers(n=240, seed=0, effect=2.0):
    """Best customers grow (a field that the size-and-industry rule does not read)."""
    rng = np.random.default_rng(seed)
    growth = rng.normal(size=n)
    columns = {
        "employees": pa.array(np.where(rng.random(n) < 0.2, np.nan, np.exp(rng.normal(4, 1, n))), from_pandas=True),
        "industry": pa.array([f"i{i}" for i in rng.integers(0, 5, n)]).dictionary_encode(),
        "growth": pa.array(growth),
        "tech": pa.array([["x"] if a else ["y", "z"] if b else [] for a, b in rng.random((n, 2)) < 0.4]),
    }
    quality = effect * growth + rng.logistic(size=n)
    low, high = np.quantile(quality, [0.3, 0.7])
    return columns, np.where(quality > high, "best", np.where(quality < low, "worst", "middle")), growth


@cache
def judged_example():
    columns, status, growth = customers()
    return evaluate(columns, SPECS, status, params=FAST, folds=3, repeats=1, resamples=200, current_score=-growth)


def one_fold(score, best, worst, log_odds=None, resamples=200):
    n = len(score)
    predictions = m.Predictions(
        *(None if v is None else np.asarray(v, float)[None] for v in (score, log_odds, log_odds))
    )
    judged = m.Judged(best, worst, np.zeros((1, n), dtype=np.int64), np.arange(n))
    return m.resampled_metrics({"it": predictions}, judged, resamples, 0)["it"]


# metrics -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", [False, True])
def test_metrics_are_scikit_learns(ties):
    rng = np.random.default_rng(0)
    log_odds = rng.normal(-1, 1, 400).round(1 if ties else 12)
    best = rng.random(400) < expit(log_odds)
    worst = ~best & (rng.random(400) < 0.5)
    got = {name: values[0] for name, values in one_fold(log_odds, best, worst, log_odds).items()}
    some, p = best | worst, expit(log_odds)
    assert got["auc"] == pytest.approx(roc_auc_score(best[some], p[some]))
    assert got["auc_all"] == pytest.approx(roc_auc_score(best, p))
    assert got["average_precision"] == pytest.approx(average_precision_score(best[some], p[some]))
    assert got["log_loss"] == pytest.approx(log_loss(best[some], p[some]))
    assert got["log_loss_all"] == pytest.approx(log_loss(best, p))
    assert got["brier_all"] == pytest.approx(brier_score_loss(best, p))


def test_a_resample_is_the_metric_of_the_drawn_customers():
    rng = np.random.default_rng(1)
    score = rng.normal(size=60).round(1)
    best = rng.random(60) < expit(score)
    drawn = next(m.resample_weights(np.arange(60), 5, 0))
    assert drawn.shape == (6, 60)
    assert (drawn[0] == 1).all()
    assert (drawn.sum(axis=1) == 60).all()
    rows = np.repeat(np.arange(60), drawn[3].astype(int))
    values = one_fold(score, best, ~best, score, resamples=5)
    assert values["auc"][3] == pytest.approx(roc_auc_score(best[rows], score[rows]))
    assert values["average_precision"][3] == pytest.approx(average_precision_score(best[rows], score[rows]))
    assert values["log_loss_all"][3] == pytest.approx(log_loss(best[rows], expit(score[rows])))


def test_groups_are_drawn_together():
    drawn = next(m.resample_weights(np.repeat(np.arange(20), 3), 30, 0))
    assert np.array_equal(drawn[:, ::3], drawn[:, 1::3])


def test_large_inputs_are_resampled_in_blocks_with_the_same_result(monkeypatch):
    rng = np.random.default_rng(2)
    score, best = rng.normal(size=50), rng.random(50) < 0.4
    whole = one_fold(score, best, ~best, score)
    monkeypatch.setattr(m, "BLOCK_CELLS", 50 * 7)
    assert one_fold(score, best, ~best, score)["auc"].tolist() == whole["auc"].tolist()


def test_the_auc_interval_is_as_wide_as_theory_says():
    rng = np.random.default_rng(3)
    best = np.arange(600) < 200
    score = rng.normal(size=600) + 1.0 * best
    auc, low, high = m.interval(one_fold(score, best, ~best, resamples=1000)["auc"])
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)  # Hanley & McNeil 1982
    error = math.sqrt((auc * (1 - auc) + 199 * (q1 - auc**2) + 399 * (q2 - auc**2)) / (200 * 400))
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.15)


def test_ranks_are_compared_within_a_fold_only():
    rng = np.random.default_rng(4)
    best, fold = rng.random(200) < 0.4, rng.integers(0, 4, (1, 200))
    predictions = m.Predictions(fold.astype(float))  # the fold's own number, whatever the customer
    values = m.resampled_metrics({"it": predictions}, m.Judged(best, ~best, fold, np.arange(200)), 20, 0)["it"]
    assert np.allclose(values["auc"], 0.5)
    assert np.allclose(values["lift_25"], 1.0)
    assert "log_loss" not in values


def test_lift_is_the_top_shares_rate_over_the_overall_rate():
    best = np.zeros(100, dtype=bool)
    best[[0, 1, 2, 3, 4, 20, 30, 40, 50, 60]] = True
    score = -np.arange(100.0)
    values = one_fold(score, best, ~best)
    assert values["lift_5"][0] == pytest.approx(10)
    assert values["lift_10"][0] == pytest.approx(5)
    assert values["lift_25"][0] == pytest.approx(6 / 25 / 0.1)
    tied = one_fold(np.r_[np.ones(40), np.zeros(60)], best, ~best)  # the line falls among 40 equals, 7 best
    assert tied["lift_10"][0] == pytest.approx(7 / 40 / 0.1)


def test_calibration_slope_and_excess_error():
    rng = np.random.default_rng(5)
    true = rng.normal(-1, 1.2, 1500)
    best = rng.random(1500) < expit(true)
    good, bold = one_fold(true, best, ~best, true), one_fold(true, best, ~best, 2 * true)
    slope, excess = m.interval(good["calibration_slope"]), m.interval(good["excess_error"])
    assert slope.low < 1 < slope.high
    assert excess.low < 0 < excess.high
    assert excess.high - excess.low < 0.05
    assert m.interval(bold["calibration_slope"]).value == pytest.approx(slope.value / 2, abs=1e-6)
    assert m.interval(bold["excess_error"]).low > 0.02
    assert math.isnan(m.interval(one_fold(true, best, ~best, np.full(1500, -1.0))["calibration_slope"]).value)


def test_the_slope_of_a_resample_is_near_the_refitted_one():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(6)
    x = rng.normal(size=300)
    best = rng.random(300) < expit(x)
    drawn = next(m.resample_weights(np.arange(300), 20, 0))
    slopes = one_fold(x, best, ~best, x, resamples=20)["calibration_slope"]
    full = [LogisticRegression(C=1e9).fit(x[:, None], best, sample_weight=w).coef_[0, 0] for w in drawn]
    assert slopes[0] == pytest.approx(full[0], abs=1e-3)
    assert slopes == pytest.approx(np.array(full), abs=0.12)


def test_an_interval_needs_most_resamples():
    assert math.isnan(m.interval(np.r_[0.6, np.full(9, np.nan), 0.5]).low)
    assert m.interval(np.r_[0.6, np.linspace(0.5, 0.7, 101)]).text() == "0.600 (0.505 to 0.695)"


# evaluate ----------------------------------------------------------------------------------------


def test_a_real_signal_beats_the_rule():
    result = judged_example()
    assert result.better_than_simple
    assert result.auc.low > 0.75
    assert result.gain("size_industry_rule").low > 0.1
    assert result.rule_fields == ("employees", "industry")
    assert result.counts == {"best": 72, "worst": 72, "middle": 96}
    assert result.lift_10.value > 1.5
    assert result.metric("log_loss_all").value < result.metric("log_loss_all", "base_rate").value
    assert result.metric("auc", "base_rate") == Interval(0.5, 0.5, 0.5)
    assert any("only 72 best and 72 worst" in caution for caution in result.cautions)


def test_every_learner_is_on_one_row_of_the_frame():
    frame = judged_example().frame()
    assert frame["learner"].tolist() == [
        "icp_ml", "base_rate", "size_industry_rule", "ridge_logistic", "lightgbm_defaults", "full", "score_in_use",
    ]  # fmt: skip
    assert (frame["auc_low"] <= frame["auc"]).all()
    assert (frame["auc"] <= frame["auc_high"]).all()
    assert frame.set_index("learner").loc["ridge_logistic", "gain_auc_low"] < 0.1


def test_the_score_in_use_counts_as_it_is_and_only_by_rank():
    worse = next(learner for learner in judged_example().learners if learner.name == "score_in_use")
    assert worse.metrics["auc"].high < 0.3  # it ranks growth the wrong way round
    assert "log_loss" not in worse.metrics
    assert set(worse.gains) == {"auc"}


def test_out_of_fold_log_odds_are_calibrated_and_in_the_order_given():
    _, status, growth = customers()
    log_odds = judged_example().out_of_fold
    assert len(log_odds) == len(status)
    assert np.corrcoef(log_odds, growth)[0, 1] > 0.6
    assert expit(log_odds).mean() == pytest.approx((status == "best").mean(), abs=0.06)


def test_saved_and_read_back():
    result = judged_example()
    text = json.dumps(result.to_dict(), allow_nan=False)
    again = Evaluation.from_dict(json.loads(text))
    assert json.dumps(again.to_dict()) == text
    assert again.auc == result.auc
    assert "out_of_fold" not in text


@pytest.mark.parametrize(
    "damage", [{"learners": [{"name": "icp_ml"}]}, {"counts": [1]}, {"folds": "many"}, {"gate": {"p_value": []}}]
)
def test_a_damaged_file_is_named(damage):
    with pytest.raises(ModelFormatError, match=r"evaluation\.json"):
        Evaluation.from_dict({**judged_example().to_dict(), **damage})


def test_row_order_and_jobs_do_not_matter():
    columns, status, _ = customers(160)
    order = np.random.default_rng(1).permutation(160)
    moved = {name: array.take(pa.array(order)) for name, array in columns.items()}
    common = {"params": FAST, "folds": 2, "repeats": 1, "resamples": 50}
    groups = np.arange(160) // 2
    one = evaluate(columns, SPECS, status, groups=groups, n_jobs=1, **common)
    two = evaluate(moved, SPECS[::-1], status[order], groups=900 - groups[order], n_jobs=2, **common)
    assert json.dumps(one.to_dict()) == json.dumps(two.to_dict())
    assert one.out_of_fold[order].tolist() == two.out_of_fold.tolist()


def test_order_after_the_shuffle_says_nothing_of_ties():
    status = np.repeat(["best", "worst"], 500)
    order = content_order({"a": pa.array(np.ones(1000))}, [status], 0)
    assert abs((status[order[:500]] == "best").mean() - 0.5) < 0.06


def test_noise_gives_no_profile_and_auc_near_one_half():
    columns, status, _ = customers(200, seed=7, effect=0.0)
    result = evaluate(columns, SPECS, status, params=FAST, folds=3, repeats=1, resamples=100)
    assert not result.better_than_simple
    assert "No profile stronger than the baselines" in result.verdict
    for learner in result.learners:
        assert abs(learner.metrics["auc"].value - 0.5) < 0.13, learner.name


def test_a_name_of_its_own_for_every_company_tells_nothing():
    """Companies of several rows: were they split over folds, their names would give the label away."""
    rng = np.random.default_rng(8)
    company = np.repeat(np.arange(20), 20)
    status = np.where(rng.permutation(20) < 10, "best", "worst")[company]
    columns = {"city": pa.array([f"c{i}" for i in company]).dictionary_encode(), "x": pa.array(rng.normal(size=400))}
    specs = (FieldSpec("city", "category"), FieldSpec("x", "numeric"))
    common = {"params": FAST, "folds": 2, "repeats": 1, "resamples": 50}
    assert evaluate(columns, specs, status, **common).auc.value > 0.95
    honest = evaluate(columns, specs, status, groups=company, **common)
    assert all(abs(learner.metrics["auc"].value - 0.5) < 0.2 for learner in honest.learners)


def test_folds_keep_groups_whole_and_statuses_even():
    columns, status, _ = customers(300)
    groups = np.arange(300) // 3
    order = _order(columns, SPECS, status, {"groups": groups}, 0)
    made = _customers(order, columns, SPECS, status, {"groups": groups}, FAST, None)
    fold = _folds(made, 5, 2, 0)
    assert fold.shape == (2, 300)
    assert (fold[0] != fold[1]).any()
    for row in fold:
        assert all(len(set(row[made.group == g])) == 1 for g in np.unique(made.group))
        for name in ("best", "worst", "middle"):
            counts = np.bincount(row[made.status == name], minlength=5)
            assert counts.min() >= 0.6 * counts.mean()


def test_progress_rises_to_one():
    columns, status, _ = customers(120)
    seen: list[float] = []
    evaluate(columns, SPECS, status, params=FAST, folds=2, repeats=1, resamples=20,
             progress=lambda stage, share: seen.append(share))  # fmt: skip
    assert seen == sorted(seen)
    assert len(seen) == 3
    assert seen[-1] == 1.0


def test_a_score_known_of_few_is_not_compared():
    columns, status, growth = customers(120)
    score = np.where(np.arange(120) < 40, growth, np.nan)
    result = evaluate(columns, SPECS, status, params=FAST, folds=2, repeats=1, resamples=20, current_score=score)
    assert "known of 33% of the mature customers only" in result.notes[0]
    assert math.isnan(result.metric("auc", "score_in_use").value)


def test_only_mature_customers_can_be_judged():
    columns, status, _ = customers(120)
    with pytest.raises(InputError, match="status 'too_young': only mature customers"):
        evaluate(columns, SPECS, np.where(status == "middle", "too_young", status))


def test_arrays_of_another_length_are_refused():
    columns, status, _ = customers(120)
    with pytest.raises(InputError, match="'groups' has 7 rows where status has 120"):
        evaluate(columns, SPECS, status, groups=np.arange(7))


def test_all_best_customers_in_one_company_are_refused():
    columns, status, _ = customers(120)
    groups = np.where(status == "best", 0, np.arange(120) + 1)
    with pytest.raises(TrainingRefused, match="share one group"):
        evaluate(columns, SPECS, status, groups=groups, params=FAST)


# back-test ---------------------------------------------------------------------------------------


def dates(n, seed=0):
    days = np.random.default_rng(seed).integers(0, 1000, n)
    return np.datetime64("2020-01-01", "s") + days * np.timedelta64(86400, "s")


def test_the_back_test_sees_what_cross_validation_cannot():
    columns, status, _ = customers(300)
    signed_up = dates(300)
    newest = signed_up > np.sort(signed_up)[239]
    turned = {"best": "worst", "worst": "best", "middle": "middle"}
    status = np.array([turned[s] if new else s for s, new in zip(status, newest, strict=True)])
    result = evaluate(columns, SPECS, status, params=FAST, folds=2, repeats=1, resamples=100, signed_up=signed_up)
    tested = result.backtest
    assert tested is not None
    assert tested.auc.high < 0.4 < result.auc.low
    assert sum(tested.older.values()) + sum(tested.newest.values()) == 300
    assert sum(tested.newest.values()) == newest.sum()
    assert tested.trained_until == str(np.sort(signed_up)[239].astype("datetime64[D]"))
    quarter = tested.thresholds[-1]
    assert quarter.wanted_share == 0.25
    assert 0.05 < quarter.share < 0.5
    assert quarter.lift < 1
    assert [row["tier"] for row in tested.tiers] == ["A", "B", "C", "D"]
    assert sum(row["customers"] for row in tested.tiers) == newest.sum()
    assert tested.frame()["learner"].iloc[0] == "icp_ml"
    text = json.dumps(result.to_dict(), allow_nan=False)
    assert json.dumps(Evaluation.from_dict(json.loads(text)).to_dict()) == text


def test_no_back_test_says_why():
    columns, status, _ = customers(120)
    common = {"params": FAST, "folds": 2, "repeats": 1, "resamples": 20}
    assert evaluate(columns, SPECS, status, **common).backtest_reason == "the customers have no sign-up dates"
    some = dates(120)
    some[:60] = np.datetime64("NaT")
    result = evaluate(columns, SPECS, status, signed_up=some, **common)
    assert result.backtest is None
    assert "known of 50% of the mature customers; 80% are needed" in result.backtest_reason
    few = evaluate(columns, SPECS, status, signed_up=dates(120), **common)
    assert "10 of each are needed" in few.backtest_reason


# verdict -----------------------------------------------------------------------------------------


def learners(auc=0.7, rule=0.6, gain=(0.1, 0.05, 0.15), ridge=(0.02, 0.01, 0.03)):
    own = LearnerResult("icp_ml", "icp_ml", {"auc": Interval(auc, auc - 0.05, auc + 0.05)})
    chance = LearnerResult("base_rate", "base rate", {"auc": Interval(0.5, 0.5, 0.5)},
                           {"auc": Interval(auc - 0.5, auc - 0.55, auc - 0.45)})  # fmt: skip
    simple = LearnerResult("size_industry_rule", "rule: share", {"auc": Interval(rule, rule - 0.05, rule + 0.05)},
                           {"auc": Interval(*gain)})  # fmt: skip
    peer = LearnerResult("ridge_logistic", "ridge", {"auc": Interval(auc - ridge[0], 0.0, 1.0)},
                         {"auc": Interval(*ridge)})  # fmt: skip
    return own, chance, simple, peer


COUNTS = {"best": 300, "worst": 300, "middle": 400}


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({}, "reliable", "Reliable: the model's AUC, best against worst, is 0.70 (0.65 to 0.75), above a rule on"),
        ({"ridge": (-0.01, -0.03, 0.01)}, "better_than_rules_not_ridge", "does as well"),
        ({"ridge": (-0.04, -0.06, -0.02)}, "better_than_rules_not_ridge", "is better by +0.040"),
        (
            {"gain": (0.02, -0.02, 0.06)},
            "not_better_than_rule",
            "Not enough evidence: 300 best customers, about 1,230 needed",
        ),
        ({"auc": 0.52, "rule": 0.48, "gain": (0.04, 0.01, 0.07)}, "not_better_than_baselines", "chance has 0.50"),
    ],
)
def test_verdicts(given, code, words):
    verdict = judge(learners(**given), COUNTS, None)
    assert verdict.code == code
    assert words in verdict.text
    assert ("No profile stronger than the baselines" in verdict.text) == code.startswith("not_better")
    assert verdict.cautions == ()


def test_a_failed_gate_overrules_the_rest():
    verdict = judge(learners(), COUNTS, FAILED)
    assert verdict.code == "no_signal"
    assert "no better than chance" in verdict.text
    passed = Gate(0.02, True, 0.6, 0.7, 49, 0.02)
    assert judge(learners(), COUNTS, passed).code == "reliable"


def test_too_good_is_called_a_possible_leak():
    verdict = judge(learners(auc=0.93), COUNTS, None)
    assert verdict.cautions[0].startswith("An AUC of 0.93 is often a leak: check")
