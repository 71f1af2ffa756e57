import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from icp_ml.exceptions import InputError, SettingsError, TrainingRefused
from icp_ml.outcomes import MIN_CLASS, OutcomeDefinition, check_enough
from icp_ml.settings import Settings

AS_OF = date(2026, 10, 1)


def boolean(values):
    return pd.array(list(values), dtype="boolean")


def make_customers(n=400, seed=0, missing_nps=0.5):
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=n)
    age = rng.integers(30, 2000, n)
    since = pd.Timestamp(AS_OF) - pd.to_timedelta(age, unit="D")
    churned = quality + rng.normal(size=n) < -1.2
    left = since + pd.to_timedelta(rng.integers(1, np.maximum(age, 2)), unit="D")
    nps = np.clip(np.round(7 + quality + rng.normal(size=n)), 0, 10)
    return pd.DataFrame(
        {
            "customer_since": since.astype("datetime64[s]"),
            "churned": boolean(churned),
            "churn_date": pd.Series(left).where(churned).astype("datetime64[s]"),
            "net_revenue_retention": 1 + 0.1 * quality + 0.1 * rng.normal(size=n),
            "nps": np.where(rng.random(n) < missing_nps, np.nan, nps),
        }
    )


def plain(**columns):
    return pd.DataFrame(columns)


def test_churned_is_never_best_and_always_worst():
    frame = make_customers()
    frame.loc[:, "net_revenue_retention"] = np.where(frame["churned"], 9.0, frame["net_revenue_retention"])
    labels = OutcomeDefinition().label(frame, AS_OF)
    churned = frame["churned"].to_numpy(dtype=bool) & labels.is_mature
    assert churned.sum() > 20
    assert labels.is_worst[churned].all()
    grade, composite = labels.grade[churned], labels.composite[churned]
    assert grade.rank().tolist() == composite.rank().tolist()  # among them, too, some did better than others
    assert grade.nunique() > 20
    assert grade.max() < 0.75  # never among the best, whatever they paid before they left
    alone = OutcomeDefinition(weights={"nps": 1.0, "expansion": 1.0}).label(frame, AS_OF)
    gone = frame["churned"].to_numpy(dtype=bool) & alone.is_mature
    assert (alone.grade[gone] == 0).all()  # retention is not judged, so leaving has no place in the composite
    assert not (labels.is_best & frame["churned"].to_numpy(dtype=bool)).any()


def test_best_is_the_top_share_of_the_composite():
    frame = make_customers()
    labels = OutcomeDefinition().label(frame, AS_OF)
    stayed = labels.is_mature & ~frame["churned"].to_numpy(dtype=bool)
    assert labels.composite[labels.is_best].min() > labels.thresholds["best_above"]
    assert (labels.composite[stayed & ~labels.is_best] <= labels.thresholds["best_above"]).all()
    assert labels.counts["best"] <= labels.counts["mature"] // 4
    low = stayed & labels.is_worst
    assert (labels.composite[low] < labels.thresholds["worst_below"]).all()
    assert sum(labels.counts[s] for s in ("best", "worst", "middle", "too_young", "unjudged")) == len(frame)


def test_ties_at_the_boundary_go_to_the_middle():
    frame = plain(nps=[10.0] * 10 + [9.0] * 40 + [5.0] * 30 + [1.0] * 20)
    labels = OutcomeDefinition({"nps": 1}).label(frame)
    assert labels.counts["best"] == 10
    assert (labels.status[10:50] == "middle").all()
    assert labels.counts["worst"] == 20
    assert any("40 tie at the boundary" in note for note in labels.notes)


def test_one_outcome_with_two_values_is_good_against_bad():
    labels = OutcomeDefinition().label(plain(churned=boolean([True] * 30 + [False] * 70)))
    assert labels.binary
    assert labels.counts["best"] == 70
    assert labels.counts["worst"] == 30
    assert labels.counts["middle"] == 0
    assert set(labels.grade) == {0.0, 1.0}
    assert labels.sensitivity == ()


@pytest.mark.parametrize(
    ("frame", "weights"),
    [
        (plain(testimonial=boolean([True, False] * 40)), {"testimonial": 1}),
        (plain(retained=boolean([True, False] * 40)), {"retention": 1}),
        (plain(nps=[10.0, 2.0] * 40), {"nps": 1}),
        (plain(support_tickets=[0.0, 2.0] * 40), {"support_experience": 1}),
    ],
)
def test_binary_whatever_the_outcome(frame, weights):
    labels = OutcomeDefinition(weights).label(frame)
    assert labels.binary
    assert labels.is_best.tolist() == [True, False] * 40


def test_churn_with_dates_only_is_still_good_against_bad():
    frame = make_customers()[["customer_since", "churned", "churn_date"]]
    labels = OutcomeDefinition().label(frame, AS_OF)
    assert labels.binary
    assert (labels.is_worst == (labels.is_mature & frame["churned"].to_numpy(dtype=bool))).all()


def test_too_young_customers_are_left_out_churned_or_not():
    frame = make_customers()
    age = (pd.Timestamp(AS_OF) - frame["customer_since"]).dt.days
    labels = OutcomeDefinition(horizon_days=365).label(frame, AS_OF)
    assert ((labels.status == "too_young") == (age < 365)).all()
    young_churned = int((frame["churned"].to_numpy(dtype=bool) & (age < 365)).sum())
    assert labels.counts["too_young_churned"] == young_churned > 0
    assert labels.grade[age < 365].isna().all()
    assert OutcomeDefinition(horizon_days=0).label(frame, AS_OF).counts["too_young"] == 0


def test_tenure_alone_judges_those_that_churned_early():
    frame = plain(tenure_days=[100.0, 100.0, 900.0, 900.0], churned=boolean([True, False, True, False]))
    labels = OutcomeDefinition().label(frame)
    assert labels.status.tolist() == ["worst", "too_young", "worst", "best"]


def test_old_customers_are_not_better_for_being_old():
    n = 200
    ages = np.linspace(400, 4000, n)
    frame = plain(
        customer_since=(pd.Timestamp(AS_OF) - pd.to_timedelta(ages, unit="D")).astype("datetime64[s]"),
        churned=boolean(np.arange(n) % 5 == 0),
        nps=np.tile(np.arange(10.0), n // 10),
    )
    labels = OutcomeDefinition().label(frame, AS_OF)
    stayed = ~frame["churned"].to_numpy(dtype=bool)
    assert labels.components.loc[stayed, "retention"].std() < 1e-12


def test_renewals_count_per_year():
    since = pd.to_datetime(["2016-09-01", "2023-09-01", "2016-09-01", "2023-09-01"] * 5).astype("datetime64[s]")
    frame = plain(customer_since=since, renewals=[10.0, 3.0, 2.0, 0.0] * 5)
    retention = OutcomeDefinition().label(frame, AS_OF).components["retention"]
    assert retention[0] == retention[1] > retention[2] > retention[3]


def test_a_customer_from_the_future_is_left_out():
    frame = make_customers()
    frame.loc[3, "customer_since"] = pd.Timestamp("2031-01-01")
    labels = OutcomeDefinition(horizon_days=0).label(frame, AS_OF)
    assert labels.status[3] == "too_young"
    assert any("after the as-of date" in note for note in labels.notes)


def test_a_planned_end_is_not_churn_yet():
    frame = plain(churn_date=pd.to_datetime(["2026-09-01", "2027-09-01", None] * 20).astype("datetime64[s]"))
    labels = OutcomeDefinition().label(frame, AS_OF)
    assert labels.status.tolist() == ["worst", "best", "best"] * 20


def test_missing_nps_is_neither_good_nor_bad():
    frame = make_customers(n=20_000, seed=2)
    labels = OutcomeDefinition().label(frame, AS_OF)
    missing = frame["nps"].isna().to_numpy()[labels.is_mature]
    best, worst = labels.is_best[labels.is_mature], labels.is_worst[labels.is_mature]
    assert abs(best[missing].mean() - best[~missing].mean()) < 0.03
    assert abs(worst[missing].mean() - worst[~missing].mean()) < 0.03
    spread = labels.composite[labels.is_mature].groupby(missing).std()
    assert spread.to_numpy() == pytest.approx([1, 1], abs=0.05)


def test_one_known_outcome_is_enough_and_none_is_unjudged():
    frame = plain(nps=[1.0, 5.0, np.nan, np.nan] * 30, net_revenue_retention=[0.8, np.nan, 1.2, np.nan] * 30)
    labels = OutcomeDefinition().label(frame)
    assert labels.counts["unjudged"] == 30
    assert (labels.status[3::4] == "unjudged").all()
    assert labels.composite[3::4].isna().all()


def test_weights_decide_and_zero_drops():
    frame = make_customers(missing_nps=0.0)
    only_nps = OutcomeDefinition({"nps": 1, "retention": 0, "expansion": 0}).label(frame, AS_OF)
    assert list(only_nps.components) == ["nps"]
    assert only_nps.is_worst[only_nps.is_mature & frame["churned"].to_numpy(dtype=bool)].all()
    heavy = OutcomeDefinition({"retention": 1, "expansion": 1, "nps": 50}).label(frame, AS_OF)
    rank = heavy.composite.corr(frame["nps"].where(heavy.is_mature), method="spearman")
    assert rank > 0.97


def test_sensitivity_moves_each_weight():
    labels = OutcomeDefinition().label(make_customers(), AS_OF)
    assert [(row.component, row.factor) for row in labels.sensitivity] == [
        (name, factor) for name in ("retention", "expansion", "nps") for factor in (0.5, 1.5)
    ]
    assert all(0.5 < row.stay_best <= 1 for row in labels.sensitivity)
    assert any(row.stay_best < 1 for row in labels.sensitivity)


def test_row_order_and_index_do_not_matter():
    frame = make_customers()
    labels = OutcomeDefinition().label(frame, AS_OF)
    order = np.random.default_rng(1).permutation(len(frame))
    shuffled = OutcomeDefinition().label(frame.iloc[order], AS_OF)
    assert shuffled.status.index.tolist() == order.tolist()
    pd.testing.assert_frame_equal(shuffled.frame().loc[frame.index], labels.frame(), check_exact=True)
    assert shuffled.to_dict() == labels.to_dict()


def test_the_definition_reads_like_a_sentence_and_saves_as_json():
    labels = OutcomeDefinition().label(make_customers(), AS_OF)
    for words in (
        "top 25%",
        "retention (weight 1",
        "NPS (weight 1",
        "365 days as of 2026-10-01",
        "had already churned",
    ):
        assert words in labels.definition_text
    saved = json.loads(json.dumps(labels.to_dict(), allow_nan=False))
    assert saved["counts"]["best"] == labels.counts["best"]
    binary = OutcomeDefinition().label(plain(churned=boolean([True, False] * 30)))
    assert json.dumps(binary.to_dict(), allow_nan=False)


def test_the_definition_begins_with_one_plain_sentence():
    first = "A best customer has not churned and is in the top 25% by retention, expansion and NPS; a worst one "
    first += "has churned or is in the bottom 25%; all others are the middle. What counts"
    assert OutcomeDefinition().label(make_customers(), AS_OF).definition_text.startswith(first)
    binary = OutcomeDefinition().label(plain(churned=boolean([True, False] * 30))).definition_text
    assert binary.startswith("A customer that has not churned is best, any other is worst; there is no middle. There")
    assert "younger customers" not in binary
    stage = OutcomeDefinition.from_settings(Settings(outcomes={"preset": "growth"}).outcomes)
    assert "For a company whose aim is to grow (preset growth), what counts" in (
        stage.label(make_customers(), AS_OF).definition_text
    )


def test_what_is_weighted_but_absent_is_said():
    labels = OutcomeDefinition().label(make_customers()[["churned", "nps", "customer_since"]], AS_OF)
    assert any("Weighted, but not in the table: expansion" in note for note in labels.notes)
    with pytest.raises(InputError, match=r"weighted outcomes \(nps\).*has retention.*weights: \{retention: 1\}"):
        OutcomeDefinition({"nps": 1}).label(plain(churned=boolean([True, False])))


@pytest.mark.parametrize("frame", [plain(employees=[1.0, 2.0]), plain(tenure_days=[1.0])])
def test_no_outcome_column_names_what_to_map(frame):
    with pytest.raises(InputError, match=rf"columns seen: {frame.columns[0]}.*columns: .*churned"):
        OutcomeDefinition().label(frame)


def test_all_churned_is_refused():
    with pytest.raises(TrainingRefused, match="all 50 mature customers churned"):
        OutcomeDefinition().label(plain(churned=boolean([True] * 50), nps=np.arange(50.0)))


def test_nothing_that_varies_is_refused():
    with pytest.raises(TrainingRefused, match="are the same for every mature customer"):
        OutcomeDefinition().label(plain(nps=[9.0] * 50))
    with pytest.raises(TrainingRefused, match="none of 400 customers has been observed for 3,650 days"):
        OutcomeDefinition(horizon_days=3650).label(make_customers(), AS_OF)


def test_no_churned_customer_is_one_note():
    frame = make_customers()
    frame["churned"] = boolean([False] * len(frame))
    labels = OutcomeDefinition().label(frame.drop(columns="churn_date"), AS_OF)
    assert sum("No mature customer has churned" in note for note in labels.notes) == 1
    check_enough(labels)


def test_too_few_says_how_many_more():
    frame = plain(churned=boolean([True] * 12 + [False] * 300))
    with pytest.raises(TrainingRefused, match=rf"300 best and 12 worst.*{MIN_CLASS} of each.*8 more worst") as refusal:
        check_enough(OutcomeDefinition().label(frame))
    assert refusal.value.exit_code == 1
    ties = plain(nps=[9.0] * 100 + [5.0] * 60 + [1.0] * 50)
    with pytest.raises(TrainingRefused, match=r"0 best.*100 tie at the boundary"):
        check_enough(OutcomeDefinition({"nps": 1}).label(ties))


def test_settings_are_checked():
    definition = OutcomeDefinition.from_settings(Settings().outcomes)
    assert definition == OutcomeDefinition()
    with pytest.raises(SettingsError, match="unknown outcome 'love'"):
        OutcomeDefinition({"love": 1})
    with pytest.raises(SettingsError, match="at least one above zero"):
        OutcomeDefinition({"nps": 0})
    with pytest.raises(SettingsError, match=r"best_share = 0\.7"):
        OutcomeDefinition(best_share=0.7)
    with pytest.raises(SettingsError, match="late_churn = 'never': allowed are worst and judged"):
        OutcomeDefinition(late_churn="never")
    with pytest.raises(SettingsError, match=r"revenue_cap = 0\.1 must be 0\.5 to 1"):
        OutcomeDefinition(revenue_cap=0.1)


def test_an_outcome_column_of_unreadable_values_is_named():
    with pytest.raises(InputError, match="'retained' holds no value that could be read; it needs yes/no"):
        OutcomeDefinition().label(plain(retained=boolean([None] * 60), industry=["x"] * 60))
    with pytest.raises(InputError, match="'nps' holds no value that could be read; it needs numbers"):
        OutcomeDefinition().label(plain(nps=[np.nan, np.nan]))
