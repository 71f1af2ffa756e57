"""What being readable costs, rank agreement, learning curve, suspicious labels, tiers and lists, calibrations."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit
from scipy.stats import spearmanr
from sklearn.isotonic import IsotonicRegression

from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.fitting import FieldSpec, FitParams
from icp_ml.evaluation import Evaluation, Interval, LearnerResult, evaluate
from icp_ml.evaluation import learning as curves
from icp_ml.evaluation import metrics as m
from icp_ml.evaluation.agreement import fold_orders, rank_agreement
from icp_ml.evaluation.recalibration import BETA, PLAIN, VENN_ABERS, recalibrate, venn_abers
from icp_ml.evaluation.run import _customers, _order
from icp_ml.evaluation.splits import Customers, quarter_rows, score_split
from icp_ml.evaluation.suspicious import contradicted, find_suspicious
from icp_ml.evaluation.tier_evidence import TierEvidence, judge_tiers
from icp_ml.evaluation.verdict import cost_sentence, judge
from icp_ml.gate import Gate
from icp_ml.tiers import TierCutoffs

FAST = FitParams(BoostingParams(max_rounds=40, patience=15, learning_rate=0.15, folds=3, bags=2))
SPECS = (FieldSpec("growth", "numeric", "share"), FieldSpec("age", "numeric"), FieldSpec("industry", "category"))


def customers(n=240, seed=0, crossed=0.0):
    """Best customers grow; with `crossed`, growth counts one way in the young and the other way in the old."""
    rng = np.random.default_rng(seed)
    growth, age = rng.normal(size=n), rng.normal(size=n)
    columns = {
        "growth": pa.array(np.where(rng.random(n) < 0.1, np.nan, growth), from_pandas=True),
        "age": pa.array(age),
        "industry": pa.array([f"i{i}" for i in rng.integers(0, 5, n)]).dictionary_encode(),
    }
    quality = (1 - crossed) * 2 * growth + crossed * 4 * np.sign(age) * growth + rng.logistic(size=n)
    low, high = np.quantile(quality, [0.3, 0.7])
    status = np.where(quality > high, "best", np.where(quality < low, "worst", "middle"))
    return columns, status, np.argsort(np.argsort(quality)) / (n - 1.0)


@cache
def judged_example() -> Evaluation:
    columns, status, grade = customers()
    ids = [f"a{i}" for i in range(len(status))]
    return evaluate(columns, SPECS, status, grade=grade, ids=ids, params=FAST, folds=3, repeats=1, resamples=200)


def made(n=150, grade=True) -> Customers:
    columns, status, grades = customers(n)
    arrays = {"grade": grades if grade else None}
    order = _order(columns, SPECS, status, arrays, 0)
    return _customers(order, columns, SPECS, status, arrays, FAST, None)


# what being readable costs -----------------------------------------------------------------------


def test_fields_that_only_count_together_are_what_being_readable_costs():
    columns, status, _ = customers(300, crossed=1.0)
    result = evaluate(columns, SPECS, status, params=FAST, folds=3, repeats=1, resamples=100)
    assert result.gave_up.low > 0.1
    assert result.metric("auc", "full").value > 0.75
    assert "Being readable costs 0." in result.verdict
    alone = judged_example()
    assert alone.gave_up.high < 0.05
    assert "Being readable costs" in alone.verdict
    assert alone.gave_up == alone.gain("full").negative()


def test_what_it_costs_is_said_with_its_interval():
    assert cost_sentence(Interval(0.02, 0.01, 0.03)).startswith("Being readable costs 0.020 AUC (+0.010 to +0.030): so")
    assert "(-0.006 to +0.014), which may be nothing" in cost_sentence(Interval(0.004, -0.006, 0.014))
    assert "costs nothing: LightGBM" in cost_sentence(Interval(-0.01, -0.03, 0.01))
    assert "has 0.010 less AUC" in cost_sentence(Interval(-0.01, -0.03, 0.01))
    assert cost_sentence(m.UNKNOWN) == ""


def test_nothing_of_a_held_out_customer_is_seen_before_it_is_scored():
    """Whatever a held-out customer's label and grade, what any learner and any part says of all stays the same."""
    given = made()
    held = np.arange(0, 150, 3)
    train = np.setdiff1d(np.arange(150), held)
    turned = {"best": "worst", "worst": "best", "middle": "best"}
    status, grade = given.status.copy(), given.grade.copy()
    status[held] = [turned[s] for s in status[held]]
    grade[held] = 1 - grade[held]
    one = score_split(given, train, held, 7, (1, 2, 4))
    two = score_split(replace(given, status=status, grade=grade), train, held, 7, (1, 2, 4))
    assert set(one.log_odds) >= {"icp_ml", "full", "ridge_logistic"}
    for name in one.log_odds:
        assert one.log_odds[name].tolist() == two.log_odds[name].tolist(), name
        assert one.log_odds_worst[name].tolist() == two.log_odds_worst[name].tolist(), name
    for a, b in zip(one.parts, two.parts, strict=True):
        assert a.score.tolist() == b.score.tolist()
        assert a.log_odds_worst.tolist() == b.log_odds_worst.tolist()
    for name, log_odds in one.recalibrated.log_odds.items():
        assert log_odds.tolist() == two.recalibrated.log_odds[name].tolist(), name
    changed = replace(given, status=np.where(np.isin(np.arange(150), train[:20]), "worst", given.status))
    assert score_split(changed, train, held, 7).log_odds["full"].tolist() != one.log_odds["full"].tolist()


# rank agreement ----------------------------------------------------------------------------------


def test_rank_agreement_is_spearmans_on_the_customers_drawn():
    rng = np.random.default_rng(0)
    grade = rng.random(80).round(1)
    score = (grade + rng.normal(0, 0.5, 80)).round(1)
    drawn = next(m.resample_weights(np.arange(80), 4, 0))
    found = rank_agreement(fold_orders(score, grade, np.zeros(80)), drawn)
    for values, weights in zip(found, drawn, strict=True):
        rows = np.repeat(np.arange(80), weights.astype(int))
        assert values == pytest.approx(spearmanr(score[rows], grade[rows]).statistic)
    two = np.arange(80) % 2
    apart = [spearmanr(score[two == k], grade[two == k]).statistic for k in (0, 1)]
    assert rank_agreement(fold_orders(score, grade, two), np.ones((1, 80)))[0] == pytest.approx(np.mean(apart))


def test_customers_without_a_grade_take_no_part_and_a_constant_score_agrees_with_nothing():
    rng = np.random.default_rng(1)
    grade, score = rng.random(40), rng.random(40)
    some = np.where(np.arange(40) < 30, grade, np.nan)
    found = rank_agreement(fold_orders(score, some, np.zeros(40)), np.ones((1, 40)))[0]
    assert found == pytest.approx(spearmanr(score[:30], grade[:30]).statistic)
    assert rank_agreement(fold_orders(np.ones(40), grade, np.zeros(40)), np.ones((1, 40)))[0] == 0
    assert np.isnan(rank_agreement(fold_orders(score, np.full(40, np.nan), np.zeros(40)), np.ones((1, 40)))[0])


def test_every_learner_has_its_rank_agreement_where_there_are_grades():
    result = judged_example()
    frame = result.frame().set_index("learner")
    assert 0.4 < result.rank_agreement.low < result.rank_agreement.value < result.rank_agreement.high < 0.9
    assert frame.loc["base_rate", "rank_agreement"] == 0
    assert frame["rank_agreement_low"].notna().all()
    assert frame.loc["size_industry_rule", "gain_rank_agreement_low"] > -0.2
    assert result.to_dict()["learners"][0]["metrics"]["rank_agreement"][0] == result.rank_agreement.value


# learning curve ----------------------------------------------------------------------------------


def test_parts_of_the_training_customers_are_each_inside_the_next_and_labels_are_even():
    given = made(200)
    train = np.arange(0, 200, 2)
    parts = [set(quarter_rows(given, train, k, 3)) for k in (1, 2, 3, 4)]
    assert all(a < b for a, b in pairwise(parts))
    assert parts[-1] == set(train)
    for k, part in enumerate(parts, 1):
        assert len(part) == pytest.approx(25 * k, abs=3)
        assert np.mean(given.best[sorted(part)]) == pytest.approx(given.best[train].mean(), abs=0.06)


def law(true, noise=0.004, seed=0, at=1.25):
    """Fit points of a known law with paired noise."""
    rng = np.random.default_rng(seed)
    size = np.array([0.25, 0.5, 0.75, 1.0])
    points = true(size) + rng.normal(0, noise, 4)
    drawn = points + rng.normal(0, 0.02, (300, 1)) + rng.normal(0, noise, (300, 4))
    by_fold = points + rng.normal(0, 0.05, (5, 1)) + rng.normal(0, 2 * noise, (5, 4))
    return curves.fit_power_law(size, np.vstack([points, drawn]), by_fold, at, 1.0)


def test_a_steep_curve_promises_more_than_a_flat_one_and_intervals_cover():
    def steep(x):
        return 0.8 - 0.08 * x**-0.7

    wanted = float(steep(np.array(2.5)) - steep(np.array(1.25)))
    found = [law(steep, seed=seed) for seed in range(20)]
    assert sum(f.gain.low <= wanted <= f.gain.high for f in found) >= 17
    assert np.mean([f.gain.value for f in found]) == pytest.approx(wanted, abs=0.01)
    flat = law(lambda x: 0.0 * x + 0.75)
    assert flat.gain.high < found[0].gain.value
    assert flat.gain.value < 0.01


def test_the_curve_says_what_twice_the_customers_would_bring():
    points = judged_example().learning.points
    assert [round(p.share, 1) for p in points] == [0.2, 0.5, 0.7, 1.0] or len(points) == 4
    assert points[0].auc.value <= points[-1].auc.value + 0.05
    assert points[0].log_loss.value > points[-1].log_loss.value
    curve = curves.LearningCurve(points, 240, Interval(0.02, 0.001, 0.04), Interval(0.01, 0, 0.02), 0.05, 0.7)
    assert curve.sentence == "With twice the customers (240 more) AUC would rise by about 0.02 (0.00 to 0.04)."
    little = replace(curve, auc_gain=Interval(0.004, 0.0, 0.01))
    assert little.sentence.startswith("More customers like these would change little: with twice as many (240 more)")
    assert curve.rise(1) == 0
    assert 0 < curve.rise(2) < curve.rise(8) < 0.05
    assert judged_example().learning.customers == 240


def test_few_customers_have_no_curve():
    columns, status, _ = customers(60)
    result = evaluate(columns, SPECS, status, params=FAST, folds=2, repeats=1, resamples=20)
    assert result.learning is None
    assert result.to_dict()["learning"] is None


# suspicious labels -------------------------------------------------------------------------------


def labelled(n=600, wrong=0, seed=0):
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(0, 2, n)
    best = rng.random(n) < expit(log_odds)
    sure = np.argsort(-np.abs(log_odds))[:wrong]
    best[sure] = log_odds[sure] < 0
    return log_odds, best, sure


def test_labels_turned_round_are_found_first_and_counted_beyond_chance():
    log_odds, best, sure = labelled(wrong=40)
    found = find_suspicious(log_odds, log_odds, best, ~best, np.linspace(0, 1, 600), 0)
    assert found.beyond_chance
    assert {c.row for c in found.customers[:20]} <= set(sure.tolist())
    assert "some are likely to be wrong" in found.sentence
    first = found.customers[0]
    other = "best" if first.label == "worst" else "worst"
    assert first.reason.startswith(f"labelled {first.label}, but its fields are those of {other} customers: of 100")
    assert len(found.customers) == min(50, found.count)
    shares = [c.likeness if c.label == "worst" else 100 - c.likeness for c in found.customers]
    assert shares == sorted(shares, reverse=True)


def test_right_labels_are_contradicted_as_often_as_chance_says():
    inside = 0
    for seed in range(20):
        log_odds, best, _ = labelled(seed=seed)
        found = find_suspicious(log_odds, log_odds, best, ~best, None, seed)
        inside += found.expected_low <= found.count <= found.expected_high
    assert inside >= 17


def test_a_label_is_contradicted_at_the_usual_probability_of_the_other():
    p = np.array([0.9, 0.7, 0.8, 0.2, 0.1, 0.75])
    label = np.array([True, True, False, True, False, False])
    assert contradicted(p, label).tolist() == [False, False, True, True, False, True]  # means .6 and .55
    assert not contradicted(p, np.ones(6, dtype=bool)).any()


def test_no_customer_is_named_in_what_is_saved():
    result = judged_example()
    assert result.suspicious is not None
    listed = result.suspicious.customers
    assert listed
    _, status, grade = customers()
    for customer in listed:
        assert customer.account_id == f"a{customer.row}"
        assert status[customer.row] == customer.label
        assert grade[customer.row] == customer.grade
    frame = result.suspicious.frame()
    assert frame.columns.tolist() == ["account_id", "label", "likeness", "fit_score", "grade", "reason"]
    text = json.dumps(result.to_dict(), allow_nan=False)
    assert "account_id" not in text
    assert "customers" not in result.to_dict()["suspicious"]
    assert len(result.suspicious.to_dict(customers=True)["customers"]) == len(listed)
    again = Evaluation.from_dict(json.loads(text))
    assert json.dumps(again.to_dict()) == text
    assert again.suspicious.customers == ()
    assert again.suspicious.sentence == result.suspicious.sentence


# tiers and lists ---------------------------------------------------------------------------------


def test_each_tier_has_its_rate_its_share_and_its_share_of_best_customers():
    rng = np.random.default_rng(0)
    log_odds = rng.normal(-1.2, 1.2, 1000)
    best = rng.random(1000) < expit(log_odds)
    worst = ~best & (rng.random(1000) < 0.5)
    cutoffs = TierCutoffs.from_base_rate(float(best.mean()))
    found = judge_tiers(100 * expit(log_odds), best, worst, np.arange(1000), cutoffs, 300, 0)
    assert sum(row["share"] for row in found.rows) == pytest.approx(1)
    assert sum(row["best_share"] for row in found.rows) == pytest.approx(1)
    for row in found.rows:
        assert row["lift"] == pytest.approx(row["rate"] / best.mean())
        assert row["rate_low"] < row["rate"] < row["rate_high"]
        assert row["share_low"] < row["share"] < row["share_high"]
    assert found.falling
    in_ab = sum(row["best"] for row in found.rows[:2]) / best.sum()
    assert found.lists[0].a_or_b.value == pytest.approx(in_ab)
    listed = found.with_market(np.array([0, 1, 2, 3, 3]))
    assert listed.lists[-1].a_or_b.value == 0.4
    assert "40% of accounts on the list" in listed.sentence
    assert "The share of best customers falls from tier to tier." in listed.sentence
    assert TierEvidence.from_dict(json.loads(json.dumps(listed.to_dict()))) == listed
    assert TierEvidence.from_dict({}).sentence == ""


def test_customers_of_one_group_are_drawn_together_and_count_as_one():
    rng = np.random.default_rng(1)
    score, best = np.repeat(rng.random(60), 5) * 100, np.repeat(rng.random(60) < 0.4, 5)
    cutoffs = TierCutoffs(70, 50, 30)
    alone = judge_tiers(score, best, ~best, np.arange(300), cutoffs, 300, 0)
    grouped = judge_tiers(score, best, ~best, np.repeat(np.arange(60), 5), cutoffs, 300, 0)
    for one, other in zip(alone.rows, grouped.rows, strict=True):
        assert one["rate"] == other["rate"]
        assert other["rate_high"] - other["rate_low"] > 1.5 * (one["rate_high"] - one["rate_low"])
        assert other["share_high"] - other["share_low"] > 1.5 * (one["share_high"] - one["share_low"])


def test_an_empty_tier_has_no_rate():
    best = np.arange(100) < 30
    found = judge_tiers(np.full(100, 30.0), best, ~best, np.arange(100), TierCutoffs(80, 50, 20), 50, 0)
    assert found.rows[0]["rate"] is None
    assert found.rows[0]["lift"] is None
    assert found.rows[0]["share"] == 0
    json.dumps(found.to_dict(), allow_nan=False)
    assert "fewer than the 60% to 70% of best" in found.sentence


# calibrations ------------------------------------------------------------------------------------


def test_venn_abers_is_two_isotonic_fits_with_the_customer_added():
    rng = np.random.default_rng(0)
    train = rng.normal(-1, 1, 150)
    best = (rng.random(150) < expit(train)).astype(float)
    held = rng.normal(-1, 1.5, 25)
    low, high = venn_abers(train, best, held)
    rounded, asked = np.round(train / 0.05), np.round(held / 0.05)
    for k in range(25):
        for label, found in ((0.0, low[k]), (1.0, high[k])):
            fit = IsotonicRegression().fit(np.append(rounded, asked[k]), np.append(best, label))
            assert found == pytest.approx(float(fit.predict([asked[k]])[0]), abs=1e-9)
    assert (low <= high).all()


def test_a_bent_scale_is_told_from_one_that_slope_and_intercept_fit():
    rng = np.random.default_rng(2)
    true = rng.normal(-0.5, 1.5, 4000)
    best = (rng.random(4000) < expit(true)).astype(float)
    losses = {}
    for name, shown in (("straight", true), ("bent", np.where(true > 0, 4 * true, 0.25 * true))):
        part = recalibrate(shown[:2000], best[:2000], shown[2000:])
        losses[name] = {k: float(m.log_losses(v, best[2000:]).mean()) for k, v in part.log_odds.items()}
        assert 0 < part.width.mean() < 0.1
    assert losses["straight"][BETA] == pytest.approx(losses["straight"][PLAIN], abs=0.004)
    assert losses["bent"][BETA] < losses["bent"][PLAIN] - 0.02
    assert losses["bent"][VENN_ABERS] < losses["bent"][PLAIN] - 0.02


def test_the_evaluation_says_whether_slope_and_intercept_suffice():
    found = judged_example().recalibration
    assert set(found.log_loss) == {PLAIN, BETA, VENN_ABERS}
    assert found.log_loss[PLAIN].value == pytest.approx(judged_example().metric("log_loss_all").value, abs=1e-9)
    assert found.sentence.startswith("Slope and intercept suffice: held-out log-loss 0.")
    worse = replace(found, gain={BETA: Interval(0.02, 0.01, 0.03)})
    assert worse.sentence.startswith("Slope and intercept leave something")


# verdict -----------------------------------------------------------------------------------------


def learners(gain, auc=0.62):
    own = LearnerResult("icp_ml", "icp_ml", {"auc": Interval(auc, auc - 0.1, auc + 0.1)})
    rule = LearnerResult(
        "size_industry_rule", "rule: share", {"auc": Interval(0.6, 0.5, 0.7)}, {"auc": Interval(*gain)}
    )
    chance = LearnerResult("base_rate", "base rate", {"auc": Interval(0.5, 0.5, 0.5)}, {"auc": Interval(*gain)})
    return own, chance, rule


def test_how_many_are_needed_is_computed_from_interval_and_curve():
    counts = {"best": 31, "worst": 40, "middle": 60}
    open_ = learners((0.05, -0.03, 0.13))
    text = judge(open_, counts, None).text
    # (0.08 / 0.05)**2 = 2.6 times as many, were AUC not to rise
    assert text.startswith(
        "Not enough evidence: 31 best customers, about 90 needed if the difference is real. No profile"
    )
    curve = curves.LearningCurve((), 131, Interval(0.05, 0, 0.1), Interval(0, 0, 0), 0.15, 0.7)
    assert "31 best customers, about 40 needed" in judge(open_, counts, None, curve).text
    assert "needed" not in judge(learners((-0.01, -0.05, 0.02)), counts, None).text
    failed = Gate(0.2, False, 0.69, 0.69, 10, 0.02)
    text = judge(learners((0.05, -0.03, 0.13)), counts, failed).text
    assert text.startswith("No profile stronger than the baselines. The fields tell best from worst")
    assert "Not enough evidence" not in text  # an AUC of .62 (.52 to .72) is above chance: the gate knows better
    near = judge(learners((0.05, -0.03, 0.13), auc=0.58), counts, failed).text
    assert "Not enough evidence: 31 best customers, about 50 needed if the difference is real." in near
